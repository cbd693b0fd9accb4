//! Variables without a prior: fitted, sampled, but never drawn from.

use bayes_nn::distributions::{Distribution, Flat, Normal};
use bayes_nn::model::{self, Batch, Data, Trace};
use bayes_nn::{Advi, Nuts, Start};

const Y: [f64; 6] = [1.1, 0.7, 1.9, 1.4, 0.2, 1.3];

fn line<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mean = trace.sample("mean", Flat::real());
    trace.observe("y", Normal::new(mean, 0.5), data.column("y"));
}

#[test]
fn the_posterior_of_a_flat_mean_is_the_likelihood() {
    let data = Data::new().column("y", &Y).unwrap();
    let mean = Y.iter().sum::<f64>() / 6.0;
    let sd = 0.5 / 6f64.sqrt();
    for start in [Start::Uniform, Start::Prior] {
        let samples = model::fit(&line, &data, &Nuts::new().seed(3).start_at(start)).unwrap();
        let row = &samples.summary().unwrap().rows[0];
        // Once in 10,000 right runs an error is beyond 3.9 of its standard errors.
        assert!((row.mean.unwrap() - mean).abs() < 3.9 * row.mcse_mean.unwrap());
        assert!((row.sd.unwrap() - sd).abs() < 3.9 * row.mcse_sd.unwrap());
        assert!(samples.predictive(&data, 10, 0).is_ok());
    }
    let advi = Advi::full_rank().steps(4_000).learning_rate(0.02);
    let fit = model::fit(&line, &data, &advi).unwrap();
    let draws = fit.draws(4_000, 0).unwrap();
    assert!((draws.variable("mean").unwrap().mean()[0] - mean).abs() < 0.1 * sd);
}

#[test]
fn bounds_may_depend_on_other_variables() {
    // Two b between 0 and 1 - a leave the density (1 - a)^2 for a: a Beta(1, 3).
    let model = model::from_fn(|trace, _| {
        let a = trace.sample("a", Flat::between(0.0, 1.0));
        trace.sample("b", Flat::between(0.0, 1.0 - a).expand([2]));
    });
    let samples = model::fit(&model, Data::new(), &Nuts::new().seed(1)).unwrap();
    for chain in samples.chains() {
        let a = chain.variable("a").unwrap().values();
        let b = chain.variable("b").unwrap();
        for (draw, a) in a.iter().enumerate() {
            assert!(
                b.draw(draw)
                    .unwrap()
                    .iter()
                    .all(|b| 0.0 < *b && a + b < 1.0)
            );
        }
    }
    let row = &samples.summary().unwrap().rows[0];
    assert!((row.mean.unwrap() - 0.25).abs() < 3.9 * row.mcse_mean.unwrap());
    let sd = (3.0f64 / 80.0).sqrt();
    assert!((row.sd.unwrap() - sd).abs() < 3.9 * row.mcse_sd.unwrap());
}

#[test]
fn vectors_start_in_order() {
    let cutpoints = model::from_fn(|trace, _| {
        let x = trace.sample("x", Flat::ordered(3));
        trace.factor("prior", Normal::new(0.0, 1.0).log_prob(x));
    });
    let nuts = Nuts::new().draws(200).start_at(Start::Prior);
    let samples = model::fit(&cutpoints, Data::new(), &nuts).unwrap();
    let draws = samples.all_draws().unwrap();
    let values = draws.variable("x").unwrap().values();
    assert!(values.chunks(3).all(|x| x[0] < x[1] && x[1] < x[2]));
}

#[test]
fn there_are_no_draws_of_a_prior_that_is_none() {
    let data = Data::new().column("y", &Y).unwrap();
    let error = model::prior_predictive(&line, &data, 10, 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`mean`: Flat is no probability distribution, so nothing can be drawn from it; use one \
         that integrates to 1"
    );
}
