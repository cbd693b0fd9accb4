//! Series and shrinkage: where a series begins, and scales that are variables.

use bayes_nn::Nuts;
use bayes_nn::distributions::{
    AutoRegressive, GaussianRandomWalk, HalfCauchy, HalfNormal, Horseshoe, Normal, sample,
};
use bayes_nn::model::{self, Batch, Data, Model, Posterior, Trace};

const STEPS: usize = 200;
const LEVEL: f64 = 50.0;

/// A series with a level, of coefficient -0.86 and noise 1.
fn seen() -> Vec<f64> {
    let series = AutoRegressive::new(STEPS, 1.86 * LEVEL, -0.86, 1.0);
    let series = series.initial(Normal::new(LEVEL, 2.0));
    sample(&series, 1, 7).unwrap()
}

fn mean<M: Model>(posterior: &Posterior<M>, name: &str) -> f64 {
    posterior
        .draws(1_000, 1)
        .unwrap()
        .variable(name)
        .unwrap()
        .mean()[0]
}

fn with_a_level<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let constant = trace.sample("constant", Normal::new(0.0, 200.0));
    let coefficient = trace.sample("coefficient", Normal::new(0.0, 1.0));
    let scale = trace.sample("scale", HalfNormal::new(5.0));
    let series = AutoRegressive::new(STEPS, constant, coefficient, scale);
    trace.observe("x", series, data.column("x"));
}

#[test]
fn the_coefficient_of_a_series_with_a_level_is_found() {
    let data = Data::new().column("x", seen()).unwrap();
    let nuts = Nuts::new().warmup(500).draws(500).chains(2).seed(1);
    let posterior = model::fit(&with_a_level, &data, &nuts).unwrap();
    // Of 200 numbers the standard error is 0.036.
    let coefficient = mean(&posterior, "coefficient");
    assert!((coefficient + 0.86).abs() < 0.1, "{coefficient}");
    assert!((mean(&posterior, "scale") - 1.0).abs() < 0.2);
}

#[test]
fn a_walk_that_begins_far_from_zero_keeps_its_scale() {
    let walk: Vec<f64> = seen()
        .iter()
        .scan(1e4, |place, x| {
            *place += x - LEVEL;
            Some(*place)
        })
        .collect();
    let steps: f64 = walk
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).powi(2))
        .sum();
    let expected = (steps / (STEPS - 1) as f64).sqrt();
    let model = model::from_fn(|trace, data| {
        let scale = trace.sample("scale", HalfNormal::new(10.0));
        trace.observe(
            "x",
            GaussianRandomWalk::new(STEPS, 0.0, scale),
            data.column("x"),
        );
    });
    let data = Data::new().column("x", &walk).unwrap();
    let nuts = Nuts::new().warmup(300).draws(300).chains(2).seed(1);
    let scale = mean(&model::fit(&model, &data, &nuts).unwrap(), "scale");
    assert!(
        (scale / expected - 1.0).abs() < 0.1,
        "{scale} for {expected}"
    );
}

#[test]
fn a_hidden_walk_follows_its_data_with_and_without_a_beginning() {
    let y: Vec<f64> = (0..20).map(|t| 30.0 + f64::from(t)).collect();
    let data = Data::new().column("y", &y).unwrap();
    let nuts = Nuts::new().warmup(300).draws(300).chains(2).seed(1);
    let free = model::from_fn(|trace, data| {
        let walk = trace.sample("walk", GaussianRandomWalk::new(20, 0.0, 2.0));
        trace.observe("y", Normal::new(walk, 0.5), data.column("y"));
    });
    let begun = model::from_fn(|trace, data| {
        let walk = GaussianRandomWalk::new(20, 0.0, 2.0).initial(Normal::new(30.0, 1.0));
        let walk = trace.sample("walk", walk);
        trace.observe("y", Normal::new(walk, 0.5), data.column("y"));
    });
    for start in [
        mean(&model::fit(&free, &data, &nuts).unwrap(), "walk"),
        mean(&model::fit(&begun, &data, &nuts).unwrap(), "walk"),
    ] {
        assert!((start - 30.0).abs() < 0.3, "{start}");
    }
    let drawn = model::prior_predictive(&begun, &data, 200, 1).unwrap();
    let first = drawn.variable("walk").unwrap().mean()[0];
    assert!((first - 30.0).abs() < 0.3, "{first}");
    let error = model::prior_predictive(&free, &data, 1, 1).unwrap_err();
    assert!(error.to_string().contains("`initial`"), "{error}");
}

#[test]
fn a_horseshoe_of_unknown_scale_is_sampled() {
    let y: [f64; 8] = [0.1, -0.3, 6.0, 0.2, -0.1, 0.4, -5.0, 0.0];
    let model = model::from_fn(|trace, data| {
        let scale = trace.sample("scale", HalfCauchy::new(1.0));
        let effects = model::horseshoe(trace, "effects", scale, [8]);
        trace.observe("y", Normal::new(effects, 0.5), data.column("y"));
    });
    let data = Data::new().column("y", &y).unwrap();
    let nuts = Nuts::new()
        .warmup(1_000)
        .draws(500)
        .chains(2)
        .target_accept(0.95)
        .seed(1);
    let posterior = model::fit(&model, &data, &nuts).unwrap();
    assert_eq!(posterior.nuts().unwrap().depth_reached(), 0);
    let draws = posterior.draws(1_000, 1).unwrap();
    let means = draws.variable("effects").unwrap().mean();
    // What is large stays, what is small is drawn to zero.
    assert!(means[2] > 5.0 && means[6] < -4.0, "{means:?}");
    for place in [0, 1, 3, 4, 5, 7] {
        assert!(
            means[place].abs() <= 0.8 * y[place].abs() + 0.1,
            "{means:?}"
        );
    }
}

#[test]
fn a_shrunken_effect_has_the_prior_of_the_horseshoe() {
    let model = model::from_fn(|trace, _| {
        model::horseshoe(trace, "effect", 2.0, [1]);
    });
    let drawn = model::prior_predictive(&model, Data::new(), 4_000, 1).unwrap();
    let mut sizes: Vec<f64> = drawn.variable("effect").unwrap().values().to_vec();
    sizes.iter_mut().for_each(|x| *x = x.abs());
    sizes.sort_by(f64::total_cmp);
    let mut direct = sample(&Horseshoe::new(2.0), 40_000, 1).unwrap();
    direct.iter_mut().for_each(|x| *x = x.abs());
    direct.sort_by(f64::total_cmp);
    for p in [0.25, 0.5, 0.75] {
        let (a, b) = (
            sizes[(p * 4_000.0) as usize],
            direct[(p * 40_000.0) as usize],
        );
        assert!((a / b - 1.0).abs() < 0.15, "{a} for {b} at {p}");
    }
}
