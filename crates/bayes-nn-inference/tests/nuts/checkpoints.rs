//! Chains that were stopped or killed go on where they were saved.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use bayes_nn_inference::nuts::{LowRank, Metric, WarmupSchedule};
use bayes_nn_inference::{Advi, Method, Nuts, NutsFit, Start};
use bayes_nn_kernels::Precision;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::changed::{Change, Saved};
use crate::regression::Regression;
use crate::targets::{Correlated, Funnel, Standard};

/// A folder of one test, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn assert_same(a: &NutsFit, b: &NutsFit) {
    assert_eq!(a.chains().len(), b.chains().len());
    for (a, b) in a.chains().iter().zip(b.chains()) {
        assert!(a.error().is_none() && b.error().is_none());
        assert_eq!(a.warmup(), b.warmup());
        assert_eq!(a.draws(), b.draws());
        assert_eq!(a.tuned(), b.tuned());
        assert_eq!(a.gradients(), b.gradients());
    }
}

#[test]
fn a_run_that_goes_on_is_the_one_that_was_never_interrupted() {
    let low_rank = Metric::LowRank(LowRank::new().cutoff(1.1));
    for (name, schedule, metric) in [
        ("growing", WarmupSchedule::Growing, Metric::Fisher),
        ("stan", WarmupSchedule::Stan, Metric::Fisher),
        ("low-rank", WarmupSchedule::Growing, low_rank),
    ] {
        let nuts = Nuts::new()
            .schedule(schedule)
            .metric(metric)
            .keep_warmup(true)
            .chains(2)
            .seed(6);
        let whole = nuts.clone().warmup(200).draws(300);
        let whole = whole.sample_with(|_| Funnel).unwrap();
        for evaluations in [50, 900, 3_000] {
            let folder = folder(&format!("goes-on-{name}-{evaluations}"));
            let nuts = nuts.clone().warmup(200).draws(300).checkpoints(&folder, 7);
            // A density that fails for good after some evaluations stands for any end.
            let failing = |_| {
                let (mut density, mut left) = (Funnel, evaluations);
                crate::targets::By(10, move |x: &[f64], gradient: &mut [f64]| {
                    use bayes_nn_inference::nuts::{EvalError, LogDensity};
                    left -= 1;
                    match left {
                        ..0 => Err(EvalError::Fatal("the end".into())),
                        _ => density.log_prob_grad(x, gradient),
                    }
                })
            };
            let _ = nuts.sample_with(failing);
            let resumed = nuts.sample_with(|_| Funnel).unwrap();
            assert_same(&resumed, &whole);
            // Once more: nothing is left to draw.
            assert_same(&nuts.sample_with(|_| Funnel).unwrap(), &whole);
        }
    }
}

fn long() -> Nuts {
    Nuts::new()
        .warmup(500)
        .draws(12_000)
        .chains(2)
        .threads(2)
        .seed(3)
}

/// Not a test by itself: what [`a_killed_run_goes_on_bit_for_bit`] starts and kills.
#[test]
fn a_process_that_is_to_be_killed() {
    if let Some(folder) = std::env::var_os("BAYES_NN_KILLED_RUN") {
        let nuts = long().checkpoints(folder, 20);
        nuts.sample_with(|_| Standard(20)).unwrap();
    }
}

#[test]
fn a_killed_run_goes_on_bit_for_bit() {
    let whole = long().sample_with(|_| Standard(20)).unwrap();
    for kill in 0..3 {
        let folder = folder(&format!("killed-{kill}"));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "checkpoints::a_process_that_is_to_be_killed"])
            .env("BAYES_NN_KILLED_RUN", &folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Later each time: once a file is there, in the warm-up, among the draws.
        let large = |chain: usize| {
            let file = folder.join(format!("chain-{chain}.nuts"));
            file.metadata().is_ok_and(|m| m.len() > kill * 60_000)
        };
        while !(large(0) && large(1)) && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let resumed = long().checkpoints(&folder, 5_000);
        assert_same(&resumed.sample_with(|_| Standard(20)).unwrap(), &whole);
    }
}

#[test]
fn checkpoints_of_something_else_are_errors() {
    let folder = folder("something-else");
    let nuts = Nuts::new()
        .warmup(50)
        .draws(50)
        .chains(1)
        .checkpoints(&folder, 10);
    let normal = |r: f64| move |_: usize| Correlated { r, scale: 1.0 };
    nuts.sample_with(normal(0.5)).unwrap();
    // More draws than before are no other run.
    let more = nuts.clone().draws(80).sample_with(normal(0.5)).unwrap();
    let whole = Nuts::new().warmup(50).draws(80).chains(1);
    assert_same(&more, &whole.sample_with(normal(0.5)).unwrap());

    let error = nuts.clone().seed(1).sample_with(normal(0.5)).unwrap_err();
    assert!(error.to_string().contains("with other settings"), "{error}");
    let error = nuts.sample_with(normal(0.4)).unwrap_err();
    assert!(error.to_string().contains("with other data"), "{error}");
    let error = nuts.sample_with(|_| Standard(3)).unwrap_err();
    assert!(error.to_string().contains("with other"), "{error}");

    let file = folder.join("chain-0.nuts");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&file, bytes).unwrap();
    let error = nuts.sample_with(normal(0.5)).unwrap_err();
    assert!(
        error.to_string().contains("chain-0.nuts is damaged"),
        "{error}"
    );

    let error = nuts
        .checkpoints(&folder, 0)
        .sample_with(normal(0.5))
        .unwrap_err();
    assert!(error.to_string().contains("`checkpoints` is 0"), "{error}");
}

#[test]
fn a_checkpoint_of_more_draws_gives_the_first_and_keeps_the_others() {
    let folder = folder("fewer");
    let of = |draws| Nuts::new().warmup(60).draws(draws).chains(2).seed(4);
    let saved = |draws| of(draws).checkpoints(&folder, 10);
    let most = saved(200).sample_with(|_| Funnel).unwrap();
    for draws in [100, 1] {
        let first = saved(draws).sample_with(|_| Funnel).unwrap();
        assert_same(&first, &of(draws).sample_with(|_| Funnel).unwrap());
    }
    assert_same(&saved(200).sample_with(|_| Funnel).unwrap(), &most);
}

#[test]
fn a_changed_start_or_limit_is_no_run_to_go_on_with() {
    let folder = folder("other-settings");
    let nuts = Nuts::new().warmup(20).draws(20).chains(1);
    let nuts = nuts.checkpoints(&folder, 10);
    let line = Regression::line();
    nuts.fit(&line).unwrap();
    let guide = |seed| {
        let fit = Advi::mean_field().steps(50).seed(seed).fit(&line).unwrap();
        Start::Approximation(fit.approximation().clone())
    };
    let from_guide = nuts.clone().start_at(guide(1));
    for other in [
        nuts.clone().start_at(Start::Prior),
        nuts.clone().max_leapfrog(3),
        nuts.clone().max_depth(4),
        nuts.clone().target_accept(0.9),
        nuts.clone().initial_step(0.2),
        nuts.clone().keep_warmup(true),
        nuts.clone().metric(Metric::Variance),
        nuts.clone().schedule(WarmupSchedule::Stan),
        nuts.clone().precision(Precision::F32),
        from_guide.clone(),
    ] {
        let error = other.fit(&line).unwrap_err().to_string();
        assert!(error.contains("with other settings"), "{error}: {other:?}");
    }
    nuts.fit(&line).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    from_guide.fit(&line).unwrap();
    let error = nuts.start_at(guide(2)).fit(&line).unwrap_err().to_string();
    assert!(error.contains("with other settings"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(5),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn changed_checkpoints_are_refused_or_taken_up(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec(any::<Change>(), 0..4),
        sealed in prop::bool::weighted(0.9),
    ) {
        static SAVED: LazyLock<Vec<Saved>> = LazyLock::new(|| Saved::all(&folder("changed")));
        which.get(&SAVED).check(&changes, sealed);
    }
}
