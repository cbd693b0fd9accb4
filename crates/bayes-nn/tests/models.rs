//! Models as functions: any joint density is fitted, simulated and predicted from.

use bayes_nn::distributions::{
    Categorical, Dirichlet, Distribution, HalfNormal, LogNormal, Multinomial, MultivariateNormal,
    Normal, Poisson, Uniform,
};
use bayes_nn::model::{self, Batch, Data, Trace};
use bayes_nn::{Advi, Estimator, Nuts, Precision, Schedule};

/// Normal mean with known noise: everything is known exactly.
fn normal_mean<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mean = trace.sample("mean", Normal::new(1.0, 2.0));
    trace.deterministic("double", 2.0 * mean);
    trace.observe("y", Normal::new(mean, 0.5), data.column("y"));
}

const Y: [f64; 5] = [1.1, 0.7, 1.9, 1.4, 0.2];

fn settled(advi: Advi) -> Advi {
    advi.steps(4_000)
        .learning_rate(0.02)
        .schedule(Schedule::Cosine { last: 0.02 })
        .estimator(Estimator::StickingTheLanding)
        .samples(2)
        .averaging(0.5)
}

/// Posterior mean, sd and log evidence.
fn exact() -> (f64, f64, f64) {
    let precision = 0.25 + 5.0 / 0.25;
    let mean = (0.25 * 1.0 + Y.iter().sum::<f64>() / 0.25) / precision;
    let mut evidence = -0.5 * 5.0 * (std::f64::consts::TAU * 0.25).ln();
    evidence -= 0.5 * (precision * 4.0).ln();
    let squares: f64 = Y.iter().map(|y| y * y / 0.25).sum();
    evidence -= 0.5 * (squares + 0.25 - precision * mean * mean);
    (mean, precision.sqrt().recip(), evidence)
}

#[test]
fn a_conjugate_model_gets_its_exact_posterior_and_evidence() {
    let data = Data::new().column("y", &Y).unwrap();
    let (mean, sd, evidence) = exact();
    for precision in [Precision::F32, Precision::F64] {
        let advi = settled(Advi::full_rank()).precision(precision);
        let fit = model::fit(&normal_mean, &data, &advi).unwrap();
        assert!((fit.advi().unwrap().elbo().mean - evidence).abs() < 0.01);
        assert!((fit.approximation().unwrap().mean()[0] / mean - 1.0).abs() < 0.01);
        assert!((fit.approximation().unwrap().sd()[0] / sd - 1.0).abs() < 0.01);

        let draws = fit.draws(2_000, 1).unwrap();
        let values = draws.variable("mean").unwrap();
        // 2,000 draws: 4.5 standard errors.
        assert!((values.mean()[0] - mean).abs() < 0.1 * sd);
        assert!((values.sd()[0] / sd - 1.0).abs() < 0.08);
        let double = draws.variable("double").unwrap().values();
        assert!(
            values
                .values()
                .iter()
                .zip(double)
                .all(|(a, b)| 2.0 * a == *b)
        );
    }
}

#[test]
fn the_log_likelihood_of_each_row_is_never_scaled_by_a_minibatch() {
    let data = Data::new().column("y", &Y).unwrap();
    let fit = model::fit(&normal_mean, &data, &settled(Advi::mean_field()).batch(2)).unwrap();
    let (_, _, evidence) = exact();
    assert!((fit.advi().unwrap().elbo().mean - evidence).abs() < 0.1);
    let draws = fit.draws(50, 4).unwrap();
    let mean = draws.variable("mean").unwrap();
    let pointwise = fit.take(50, 4).unwrap().log_likelihood(&data).unwrap();
    let pointwise = pointwise.variable("y").unwrap();
    assert_eq!(pointwise.shape().elements(), 5);
    for draw in 0..50 {
        for (y, found) in Y.iter().zip(pointwise.draw(draw).unwrap()) {
            let error = (y - mean.draw(draw).unwrap()[0]) / 0.5;
            let expected = -0.5 * error * error - 0.5 * (std::f64::consts::TAU * 0.25).ln();
            assert!((found - expected).abs() < 1e-4);
        }
    }
}

#[test]
fn predictions_need_no_targets_and_take_any_number_of_rows() {
    fn line<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
        let weight = trace.sample("weight", Normal::new(0.0, 3.0).expand([2]));
        let noise = trace.sample("noise", HalfNormal::new(1.0));
        let mean = weight.matmul(data.matrix("x"));
        trace.observe("y", Normal::new(mean, noise), data.column("y"));
    }
    let x: Vec<f64> = (0..20).flat_map(|i| [1.0, f64::from(i) / 10.0]).collect();
    let y: Vec<f64> = (0..20)
        .map(|i| 1.0 + 0.3 * f64::from(i) + 0.1 * f64::from(i % 3))
        .collect();
    let data = Data::new()
        .matrix("x", &x, 2)
        .unwrap()
        .column("y", &y)
        .unwrap();
    let fit = model::fit(&line, &data, &settled(Advi::full_rank()).batch(7)).unwrap();
    for rows in [1, 7, 33] {
        let x: Vec<f64> = (0..rows).flat_map(|i| [1.0, f64::from(i)]).collect();
        let new = Data::new().matrix("x", &x, 2).unwrap();
        let draws = fit.predictive(&new, 400, 2).unwrap();
        let y = draws.variable("y").unwrap();
        assert_eq!(y.shape().elements(), rows as usize);
        for (i, mean) in y.mean().into_iter().enumerate() {
            let expected = 1.1 + 3.0 * i as f64;
            assert!(
                (mean - expected).abs() < 0.1 + 0.03 * expected,
                "{i}: {mean}"
            );
        }
    }
    let error = fit.predictive(Data::new(), 10, 0).unwrap_err().to_string();
    assert!(error.contains("reads the column `x`"), "{error}");
}

#[test]
fn a_minibatch_changes_neither_density_nor_its_gradient_on_average() {
    // Groups, index columns and observations scaled by their rows; the hyperprior is not.
    fn groups<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
        let level = trace.sample("level", Normal::new(0.0, 1.0).expand([3]));
        let rate = level.gather(data.index("group"), 0).exp();
        trace.observe("count", Poisson::new(rate), data.column("count"));
        trace.factor("penalty", -0.1 * level * level);
    }
    let counts = [1.0, 0.0, 2.0, 7.0, 4.0, 6.0, 1.0, 3.0, 2.0, 2.0, 0.0, 1.0];
    let group: Vec<usize> = (0..12).map(|i| i / 4).collect();
    let data = Data::new().column("count", &counts).unwrap();
    let data = data.index("group", &group).unwrap();
    let full = model::fit(&groups, &data, &settled(Advi::mean_field())).unwrap();
    let batch = model::fit(&groups, &data, &settled(Advi::mean_field()).batch(4)).unwrap();
    let (full, batch) = (full.advi().unwrap().elbo(), batch.advi().unwrap().elbo());
    assert!((full.mean - batch.mean).abs() < 0.1, "{full} and {batch}");
}

#[test]
fn constrained_sites_stay_inside_their_supports() {
    let model = model::from_fn(|trace, _| {
        let low = trace.sample("scale", LogNormal::new(0.0, 1.0));
        trace.sample("share", Uniform::new(0.0, 0.5).expand([2]));
        trace.sample("above", Uniform::new(low, low + 1.0));
    });
    let fit = model::fit(&model, Data::new(), &Advi::full_rank().steps(500)).unwrap();
    let draws = fit.draws(500, 0).unwrap();
    let scale = draws.variable("scale").unwrap();
    let above = draws.variable("above").unwrap();
    assert!(scale.values().iter().all(|v| *v > 0.0));
    let share = draws.variable("share").unwrap();
    assert_eq!(share.shape().to_string(), "[2]");
    assert!(share.values().iter().all(|v| (0.0..=0.5).contains(v)));
    for (low, above) in scale.values().iter().zip(above.values()) {
        assert!(low <= above && *above <= low + 1.0);
    }
}

#[test]
fn scaling_a_plate_multiplies_its_log_density() {
    let written = |copies: usize, scale: f64| {
        let model = model::from_fn(move |trace, data| {
            let mean = trace.sample("mean", Normal::new(0.0, 1.0));
            trace.scaled(scale, || {
                for copy in 0..copies {
                    trace.scope(&format!("copy{copy}"), || {
                        trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
                    });
                }
            });
        });
        let data = Data::new().column("y", &Y).unwrap();
        let advi = Advi::mean_field().steps(300).precision(Precision::F64);
        model::fit(&model, &data, &advi)
            .unwrap()
            .advi()
            .unwrap()
            .elbo()
            .mean
    };
    assert!((written(3, 1.0) - written(1, 3.0)).abs() < 1e-9);
}

#[test]
fn scaling_a_constrained_site_scales_its_density_and_not_the_jacobian() {
    // exp(-x^2 / 2)^4 is a half normal with half the scale, whatever x is a function of.
    let model = model::from_fn(|trace, _| {
        trace.scaled(4.0, || trace.sample("x", HalfNormal::new(1.0)));
    });
    let samples = model::fit(&model, Data::new(), &Nuts::new().draws(2_000).seed(1)).unwrap();
    let row = &samples.summary().unwrap().rows[0];
    let mean = 0.5 * (2.0 / std::f64::consts::PI).sqrt();
    // Once in 10,000 right runs an error is beyond 3.9 of its standard errors.
    assert!((row.mean.unwrap() - mean).abs() < 3.9 * row.mcse_mean.unwrap());
}

#[test]
fn prior_draws_have_the_moments_of_the_prior() {
    fn chain<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
        let mean = trace.sample("mean", Normal::new(2.0, 1.0));
        let shifted = trace.deterministic("shifted", mean + 1.0);
        let y = data.column("y");
        trace.observe("y", Normal::new(shifted, 2.0), y);
        let graph = trace.graph();
        let logits = graph.constant(&[0.0, 3f64.ln()], [2, 1]);
        let rows = data.rows();
        let logits = logits.broadcast_to([2, rows]);
        trace.observe("class", Categorical::new(logits), data.column("class"));
    }
    let data = Data::new().column("other", &[0.0, 0.0]).unwrap();
    let draws = model::prior_predictive(&chain, &data, 4_000, 3).unwrap();
    let y = draws.variable("y").unwrap();
    // y ~ N(3, sqrt 5) and 4,000 draws: each within 5 standard errors.
    for (mean, sd) in y.mean().into_iter().zip(y.sd()) {
        assert!((mean - 3.0).abs() < 5.0 * 5f64.sqrt() / 4_000f64.sqrt());
        assert!((sd / 5f64.sqrt() - 1.0).abs() < 5.0 / 8_000f64.sqrt());
    }
    let class = draws.variable("class").unwrap().mean()[1];
    assert!((class - 0.75).abs() < 5.0 * (0.1875f64 / 4_000.0).sqrt());
    let again = model::prior_predictive(&chain, &data, 4_000, 3).unwrap();
    assert_eq!(again, draws);
}

/// Shares with a uniform prior, counts of three kinds; and a correlated pair.
fn vectors<'g>(trace: &Trace<'g>, _: &Batch<'g>) {
    let graph = trace.graph();
    let shares = trace.sample("shares", Dirichlet::new(graph.constant(&[1.0; 3], [3])));
    let counts = graph.constant(&[10.0, 20.0, 30.0], [3]);
    trace.observe("counts", Multinomial::probs(60.0, shares), counts);
    let loc = graph.constant(&[1.0, -1.0], [2]);
    let scale_tril = graph.constant(&[0.5, 0.0, 0.6, 0.8], [2, 2]);
    trace.sample("pair", MultivariateNormal::new(loc, scale_tril));
}

#[test]
fn vector_valued_sites_are_fitted_and_drawn_as_whole_events() {
    let advi = settled(Advi::full_rank()).precision(Precision::F64);
    let fit = model::fit(&vectors, Data::new(), &advi).unwrap();
    let sites = fit.approximation().unwrap().sites();
    assert_eq!(sites[0].shape.to_string(), "[2]");
    let draws = fit.draws(4_000, 1).unwrap();
    let shares = draws.variable("shares").unwrap();
    assert_eq!(shares.shape().to_string(), "[3]");
    for draw in 0..4_000 {
        let total: f64 = shares.draw(draw).unwrap().iter().sum();
        assert!((total - 1.0).abs() < 1e-12);
    }
    // The posterior is Dirichlet(11, 21, 31), in stick-breaking space nearly normal.
    for (mean, exact) in shares.mean().iter().zip([11.0, 21.0, 31.0]) {
        assert!((mean - exact / 63.0).abs() < 0.005, "{mean} for {exact}/63");
    }
    let pair = draws.variable("pair").unwrap();
    let (mean, sd) = (pair.mean(), pair.sd());
    assert!((mean[0] - 1.0).abs() < 0.05 && (mean[1] + 1.0).abs() < 0.08);
    assert!((sd[0] - 0.5).abs() < 0.03 && (sd[1] - 1.0).abs() < 0.05);
    // The evidence: 60! / (10! 20! 30!) times Beta(11, 21, 31) / Beta(1, 1, 1).
    let ln_gamma = |n: usize| (1..n).map(|i| (i as f64).ln()).sum::<f64>();
    let evidence = ln_gamma(61) + ln_gamma(3) - ln_gamma(63);
    let elbo = fit.advi().unwrap().elbo().mean;
    assert!((elbo - evidence).abs() < 0.02, "{elbo} for {evidence}");
}

#[test]
fn vector_valued_priors_and_observations_are_simulated_as_whole_events() {
    let draws = model::prior_predictive(&vectors, Data::new(), 2_000, 5).unwrap();
    let shares = draws.variable("shares").unwrap();
    let pair = draws.variable("pair").unwrap();
    let mut product = 0.0;
    for draw in 0..2_000 {
        let total: f64 = shares.draw(draw).unwrap().iter().sum();
        assert!((total - 1.0).abs() < 1e-12);
        let counts = draws.variable("counts").unwrap();
        assert_eq!(counts.draw(draw).unwrap().iter().sum::<f64>(), 60.0);
        let pair = pair.draw(draw).unwrap();
        product += (pair[0] - 1.0) * (pair[1] + 1.0) / 2_000.0;
    }
    // Covariance 0.3 with a standard error of about 0.013.
    assert!((product - 0.3).abs() < 0.065, "{product}");
}

#[test]
fn chains_of_langevin_dynamics_that_do_not_agree_say_so() {
    let model = model::from_fn(|trace, data| {
        let mean = trace.sample("mean", Normal::new(0.0, 10.0));
        trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    });
    let data = Data::new().column("y", &[1.1, 0.9, 1.3, 0.7]).unwrap();
    // Steps far too small to come anywhere from the uniform start.
    let sgld = bayes_nn::Sgld::new().step_size(1e-6).warmup(10).draws(200);
    let posterior = model::fit(&model, &data, &sgld).unwrap();
    let warnings = posterior.warnings().join("; ");
    assert!(warnings.contains("R-hat of `mean`"), "{warnings}");
    assert!(
        posterior.to_string().contains("the chains do not agree"),
        "{posterior}"
    );
}

/// A slope for each of three groups, of which everything is known exactly.
#[test]
fn weights_of_the_group_of_a_row_are_fitted_on_all_rows_and_on_minibatches() {
    fn slopes<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
        let slopes = trace.sample("slopes", Normal::new(0.0, 3.0).expand([3, 1, 1]));
        let means = slopes.matmul_by_group(data.matrix("x"), data.index("group"));
        trace.observe("y", Normal::new(means.row(0), 0.5), data.column("y"));
    }
    let x: Vec<f64> = (0..30).map(|i| f64::from(i) / 10.0 - 1.4).collect();
    let groups: Vec<usize> = (0..30).map(|i| (i * 7 + i / 5) % 3).collect();
    let noise = [0.3, -0.5, 0.1, 0.4, -0.2, 0.0, -0.1];
    let y: Vec<f64> = (0..30)
        .map(|i| [1.0, -2.0, 0.5][groups[i]] * x[i] + noise[i % 7])
        .collect();
    let data = Data::new().matrix("x", &x, 1).unwrap();
    let data = data
        .index("group", &groups)
        .unwrap()
        .column("y", &y)
        .unwrap();
    for advi in [
        settled(Advi::mean_field()),
        settled(Advi::mean_field()).batch(8),
    ] {
        let fit = model::fit(&slopes, &data, &advi).unwrap();
        let guide = fit.approximation().unwrap();
        for group in 0..3 {
            let rows = (0..30).filter(|i| groups[*i] == group);
            let precision = rows.clone().map(|i| x[i] * x[i] / 0.25).sum::<f64>() + 1.0 / 9.0;
            let mean = rows.map(|i| x[i] * y[i] / 0.25).sum::<f64>() / precision;
            let (found, sd) = (guide.mean()[group], guide.sd()[group]);
            let expected = precision.sqrt().recip();
            assert!((found - mean).abs() < 0.2 * expected, "{found} {mean}");
            assert!((sd / expected - 1.0).abs() < 0.2, "{sd} {expected}");
        }
    }
}
