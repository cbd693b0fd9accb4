//! IVON, and starts at earlier fits, of models and networks.

use bayes_nn::model::{self, from_fn};
use bayes_nn::prelude::*;

#[test]
fn variables_with_bounds_are_moved_in_unconstrained_space() {
    let line = from_fn(|trace, data| {
        let slope = trace.sample("slope", Normal::new(0.0, 10.0));
        let noise = trace.sample("noise", HalfNormal::new(1.0));
        trace.observe(
            "y",
            Normal::new(slope * data.column("x"), noise),
            data.column("y"),
        );
    });
    let x: Vec<f64> = (0..20).map(|i| 0.1 * f64::from(i)).collect();
    let y: Vec<f64> = (0..20)
        .map(|i| 0.2 * f64::from(i) + 0.5 * f64::from(i * i % 7 - 3))
        .collect();
    let data = Data::new().column("x", x).unwrap().column("y", y).unwrap();
    let natural = model::fit(&line, &data, &Advi::mean_field()).unwrap();
    let advi = Advi::mean_field().optimizer(Optimizer::ivon()).steps(8_000);
    let ivon = model::fit(&line, &data, &advi).unwrap();
    let [a, b] = [&natural, &ivon].map(|fit| fit.approximation().unwrap().clone());
    for i in 0..2 {
        assert!(
            (a.mean()[i] - b.mean()[i]).abs() < 0.1 * a.sd()[i],
            "{ivon}"
        );
        assert!((a.sd()[i] / b.sd()[i] - 1.0).abs() < 0.06, "{ivon}");
    }
}

#[test]
fn a_network_goes_on_from_its_mode_by_ivon() {
    let data = datasets::moons(400, 0.2, 0).unwrap().standardized();
    let (train, test) = data.split(0.5, 0).unwrap();
    let net = Mlp::new([2, 8, 1])
        .activation(Tanh)
        .prior(Normal::new(0.0, 1.0));
    let bnn = Bnn::new(net, Bernoulli);
    let map = bnn
        .fit(&train, &Advi::map().steps(1_000).batch(50).seed(1))
        .unwrap();
    for advi in [
        Advi::mean_field(),
        Advi::mean_field()
            .local_reparameterization(true)
            .closed_form_priors(true),
    ] {
        let advi = advi.warm_start(&map, 0.1).optimizer(Optimizer::ivon());
        let fit = bnn.fit(&train, &advi.steps(2_000).batch(50)).unwrap();
        let prediction = fit.predict(&test, 200).unwrap();
        let score = prediction.score(test.y()).unwrap();
        assert!(score.classification().unwrap().accuracy > 0.87, "{score}");
        let moved = fit.advi().unwrap().sds_moved();
        assert!(
            moved.len() == 4 && moved.iter().any(|(_, ratio)| *ratio > 1.2),
            "{fit}"
        );
    }
}
