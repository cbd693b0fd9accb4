//! Where fits begin: at values by name, and at draws of Pathfinder.

use bayes_nn::distributions::{Dirichlet, Flat, Ordered};
use bayes_nn::prelude::*;
use bayes_nn::{InferenceError, Sgld, Start, StartError};

fn model() -> impl bayes_nn::Model + Clone {
    model::from_fn(|trace, data| {
        let beta = trace.sample("beta", Normal::new(0.0, 10.0).expand([2]));
        let noise = trace.sample("noise", HalfNormal::new(1.0));
        let share = trace.sample("share", Uniform::new(0.0, noise));
        let mean = beta.row(0) + beta.row(1) * data.column("x") + 0.0 * share;
        trace.observe("y", Normal::new(mean, noise), data.column("y"));
    })
}

fn data() -> Data {
    let data = Data::new().column("x", &[0.0, 1.0, 2.0, 3.0, 4.0]).unwrap();
    data.column("y", &[1.1, 2.9, 5.2, 7.0, 8.8]).unwrap()
}

fn values() -> Start {
    Start::values([("noise", vec![0.5]), ("beta", vec![0.9, 2.1])])
}

/// A chain that hardly moves.
fn still() -> Nuts {
    Nuts::new()
        .warmup(0)
        .draws(1)
        .chains(2)
        .max_depth(1)
        .initial_step(1e-9)
}

#[test]
fn chains_and_guides_begin_at_values_by_name() {
    let near = |found: &[f64], expected: &[f64]| {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
        }
    };
    let by_chains = model::fit(&model(), data(), &still().start_at(values())).unwrap();
    let draws = by_chains.all_draws().unwrap();
    near(
        draws.variable("beta").unwrap().values(),
        &[0.9, 2.1, 0.9, 2.1],
    );
    near(draws.variable("noise").unwrap().values(), &[0.5, 0.5]);
    // What has no value is drawn from its prior given those that have.
    let share = draws.variable("share").unwrap().values();
    assert!(
        share[0] != share[1] && share.iter().all(|s| (0.0..0.5).contains(s)),
        "{share:?}"
    );

    let steps = Advi::mean_field()
        .steps(1)
        .averaging(0.0)
        .learning_rate(1e-9);
    let guide = model::fit(&model(), data(), &steps.start_at(values())).unwrap();
    let mean = guide.approximation().unwrap().mean();
    near(&mean[..3], &[0.9, 2.1, 0.5f64.ln()]);

    let langevin = Sgld::new().warmup(0).draws(1).chains(1).step_size(1e-18);
    let langevin = model::fit(&model(), data(), &langevin.start_at(values())).unwrap();
    let draws = langevin.all_draws().unwrap();
    near(draws.variable("beta").unwrap().values(), &[0.9, 2.1]);
}

#[test]
fn values_that_are_none_of_the_models_are_named() {
    let error = |start: Start| match model::fit(&model(), data(), &still().start_at(start)) {
        Err(Error::Inference(InferenceError::StartValues(error))) => *error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    };
    let unknown = error(Start::values([("betta", [1.0])]));
    assert!(matches!(&unknown, StartError::UnknownSite { site, .. } if site == "betta"));
    assert!(
        unknown.to_string().contains("`beta` [2], `noise` []"),
        "{unknown}"
    );
    let length = error(Start::values([("beta", [1.0, 2.0, 3.0])]));
    let said = "the start has 3 elements of `beta`, whose shape is [2]: give 2";
    assert_eq!(length.to_string(), said);
    for value in [0.0, -1.0, f64::NAN] {
        let outside = error(Start::values([("noise", [value])]));
        assert!(
            outside
                .to_string()
                .contains("of `noise`, which is not inside"),
            "{outside}"
        );
    }
    // A bound that is a variable.
    let outside = error(Start::values([("noise", [1.0]), ("share", [1.5])]));
    assert!(
        matches!(&outside, StartError::Outside { site, value, .. } if site == "share" && *value == 1.5)
    );
}

#[test]
fn vectors_outside_of_their_support_are_named() {
    let model = model::from_fn(|trace, _| {
        let ones = trace.graph().constant(&[1.0; 3], [3]);
        trace.sample("shares", Dirichlet::new(ones));
        trace.sample("levels", Ordered::new(Normal::new(0.0, 1.0), 3));
        trace.sample("free", Flat::real());
    });
    let fit = |start| model::fit(&model, Data::new(), &still().start_at(start));
    for (site, values) in [
        ("shares", vec![0.5, 0.5, 0.5]),
        ("levels", vec![1.0, 0.5, 2.0]),
        ("free", vec![f64::INFINITY]),
    ] {
        let error = fit(Start::values([(site, values)]))
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(&format!("of `{site}`")), "{error}");
    }
}

#[test]
fn chains_begin_at_different_draws_of_pathfinder_and_guides_at_its_mean() {
    let chains = still().chains(4).start_at(Start::Pathfinder);
    let fit = model::fit(&model(), data(), &chains).unwrap();
    let slopes: Vec<f64> = fit
        .all_draws()
        .unwrap()
        .variable("beta")
        .unwrap()
        .element(1);
    for (number, slope) in slopes.iter().enumerate() {
        assert!((slope - 1.95).abs() < 0.6, "{slopes:?}");
        assert!(!slopes[..number].contains(slope), "{slopes:?}");
    }
    // A chain depends on the seed and its number alone.
    let third = model::fit(&model(), data(), &chains.clone().first_chain(2).chains(1)).unwrap();
    let slope = third
        .all_draws()
        .unwrap()
        .variable("beta")
        .unwrap()
        .element(1);
    assert_eq!(slope, slopes[2..3]);

    let steps = Advi::mean_field()
        .steps(1)
        .averaging(0.0)
        .learning_rate(1e-9);
    let guide = model::fit(&model(), data(), &steps.start_at(Start::Pathfinder)).unwrap();
    assert!((guide.approximation().unwrap().mean()[1] - 1.95).abs() < 0.05);
}

#[test]
fn a_posterior_of_pathfinder_is_like_any_other() {
    let fit = model::fit(&model(), data(), &Pathfinder::new().seed(1)).unwrap();
    let slope = fit.draws(1000, 0).unwrap().variable("beta").unwrap().mean()[1];
    assert!((slope - 1.95).abs() < 0.05, "{slope}");
    let row = &fit.summary().unwrap().rows[1];
    assert!(
        (row.mean.unwrap() - 1.95).abs() < 0.05 && row.sd.unwrap() < 0.08,
        "{row:?}"
    );
    let shown = fit.to_string();
    for part in ["k-hat", "paths", "gradients"] {
        assert!(shown.contains(part), "{shown}");
    }
}
