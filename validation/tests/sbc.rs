//! A small calibration: the right model passes, a wrong one does not.

use bayes_nn_validation::sbc::{ALPHA, Settings, normal, normal_with_smaller_sd};

const SMALL: Settings = Settings {
    simulations: 60,
    draws: 31,
    thin: 5,
    warmup: 200,
    seed: 1,
    threads: 2,
};

#[test]
fn a_right_model_passes_and_a_planted_bug_is_found() {
    let (right, _) = normal().run(&SMALL).unwrap();
    let threshold = ALPHA / right.quantities.len() as f64;
    let (worst, p) = right.worst(SMALL.draws);
    assert!(p > threshold, "{worst}: {p}");

    let (wrong, _) = normal_with_smaller_sd().run(&SMALL).unwrap();
    let (worst, p) = wrong.worst(SMALL.draws);
    assert!(p < threshold, "{worst}: {p}");
}

#[test]
fn ranks_do_not_depend_on_threads() {
    let few = Settings {
        simulations: 6,
        ..SMALL
    };
    let alone = Settings { threads: 1, ..few };
    let (a, _) = normal().run(&few).unwrap();
    let (b, _) = normal().run(&alone).unwrap();
    assert_eq!(a, b);
}
