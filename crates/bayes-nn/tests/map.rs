//! MAP: the mode of a model in its own space, as a posterior like any other.

use bayes_nn::distributions::{Beta, Gamma};
use bayes_nn::model::{self, from_fn};
use bayes_nn::prelude::*;
use bayes_nn::{Family, Stop};

#[test]
fn the_mode_of_a_constrained_variable_is_that_of_its_own_density() {
    let model = from_fn(|trace, _| {
        trace.sample("rate", Gamma::new(3.0, 2.0));
        trace.sample("share", Beta::new(3.0, 2.0));
    });
    // By L-BFGS, and by Adam.
    for advi in [Advi::map(), Advi::map().steps(3_000)] {
        let fit = model::fit(&model, Data::new(), &advi).unwrap();
        let draws = fit.draws(10, 0).unwrap();
        // With the Jacobian of `exp`, the first would be 1.5.
        for (name, mode) in [("rate", 1.0), ("share", 2.0 / 3.0)] {
            let variable = draws.variable(name).unwrap();
            assert!((variable.mean()[0] - mode).abs() < 1e-3, "{name}: {fit}");
            assert!(variable.sd()[0] < 1e-12);
        }
        let log_prob = (4.0 * (-2.0f64).exp()).ln() + (12.0f64 * 4.0 / 9.0 / 3.0).ln();
        assert!(
            (fit.advi().unwrap().elbo().mean - log_prob).abs() < 1e-4,
            "{fit}"
        );
    }
}

#[test]
fn a_density_without_a_maximum_is_not_called_converged() {
    let schools = from_fn(|trace, data| {
        let tau = trace.sample("tau", HalfNormal::new(5.0));
        let theta = trace.sample("theta", Normal::new(0.0, tau).expand([4]));
        trace.observe("y", Normal::new(theta, 10.0), data.column("y"));
    });
    let data = Data::new().column("y", &[8.0, -3.0, 7.0, 1.0]).unwrap();
    let fit = model::fit(&schools, &data, &Advi::map()).unwrap();
    assert!(!fit.advi().unwrap().convergence().converged, "{fit}");
    assert!(fit.warnings()[0].contains("may have no maximum"), "{fit}");
}

#[test]
fn a_network_by_map_predicts_scores_and_summarises() {
    let data = datasets::moons(400, 0.2, 0).unwrap().standardized();
    let (train, test) = data.split(0.5, 0).unwrap();
    let net = Mlp::new([2, 8, 1])
        .activation(Tanh)
        .prior(Normal::new(0.0, 1.0));
    let advi = Advi::map().steps(2_000).batch(50).restarts(2).seed(1);
    let fit = Bnn::new(net, Bernoulli).fit(&train, &advi).unwrap();
    let map = fit.advi().unwrap();
    assert_eq!(map.approximation().family(), Family::Point);
    assert!(map.stop() == Stop::Steps && map.restarts().len() == 2);
    let prediction = fit.predict(&test, 2).unwrap();
    assert!(
        prediction
            .score(test.y())
            .unwrap()
            .classification()
            .unwrap()
            .accuracy
            > 0.9
    );
    let summary = fit.summary().unwrap();
    assert!(summary.rows.iter().all(|row| row.sd == Some(0.0)));
    assert!(!fit.to_string().contains("ELBO"), "{fit}");
}
