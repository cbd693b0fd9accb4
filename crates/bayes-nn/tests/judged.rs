//! What says how good a guide is: k-hat of models, agreement of restarts of networks; and what mends it.

use bayes_nn::model::{self, Model};
use bayes_nn::prelude::*;
use bayes_nn::{InferenceError, distributions};

/// One observation far out in the tail of the prior: a posterior with a long left tail.
fn outlier() -> impl Model + Clone {
    model::from_fn(|trace, data| {
        let x = trace.sample("x", Normal::new(0.0, 1.0));
        trace.observe("y", distributions::Cauchy::new(x, 0.5), data.column("y"));
    })
}

fn moments(posterior: &Posterior<impl Model + Clone>) -> (f64, f64) {
    let x = posterior.draws(20_000, 0).unwrap();
    let x = x.variable("x").unwrap();
    (x.mean()[0], x.sd()[0])
}

#[test]
fn draws_by_weight_have_the_moments_of_a_skewed_posterior_that_the_guide_has_not() {
    let data = Data::new().column("y", &[3.0]).unwrap();
    let fit = model::fit(&outlier(), &data, &Advi::mean_field().seed(1)).unwrap();
    let resampled = fit.resampled(20_000, 0).unwrap();
    let (mean, sd) = moments(&fit);
    let (mended, mended_sd) = moments(&resampled);
    // By quadrature. Five standard errors of a mean are 0.04, of an sd 0.03.
    let (exact, exact_sd) = (0.98494, 1.14286);
    assert!((mended - exact).abs() < 0.03, "{mended}");
    assert!((mended_sd - exact_sd).abs() < 0.03, "{mended_sd}");
    assert!(
        (mean - exact).abs() > 0.04 && (sd - exact_sd).abs() > 0.03,
        "{mean}, {sd}"
    );
    assert_eq!(resampled.table().unwrap().lengths(), [20_000]);
    assert!(resampled.advi().is_none());
}

#[test]
fn draws_of_a_guide_too_far_away_are_refused_by_k_hat() {
    let ridge = model::from_fn(|trace, data| {
        let beta = trace.sample("beta", Normal::new(0.0, 1.0).expand([8]));
        trace.observe("y", Normal::new(beta.sum(), 0.01), data.column("y"));
    });
    let data = Data::new().column("y", &[1.0]).unwrap();
    let fit = model::fit(&ridge, &data, &Advi::mean_field().seed(1)).unwrap();
    let error = fit.resampled(1_000, 0).map(|_| ()).unwrap_err();
    let Error::Inference(InferenceError::TooFar { k_hat, most }) = &error else {
        panic!("{error:?}");
    };
    assert!(*k_hat > 0.7 && *most == 0.7, "{error}");
    let named = format!("k-hat is {k_hat:.2}, above 0.70");
    assert!(error.to_string().contains(&named), "{error}");

    // Chains need no weights.
    let chains = model::fit(
        &outlier(),
        Data::new().column("y", &[3.0]).unwrap(),
        &Nuts::new().draws(50),
    );
    assert!(chains.unwrap().resampled(100, 0).is_err());
}

#[test]
fn a_mean_field_fit_says_which_standard_deviation_lacks_how_much() {
    // Two numbers of which the sum was seen, and one that nothing was seen of.
    let pair = model::from_fn(|trace, data| {
        let a = trace.sample("a", Normal::new(0.0, 1.0));
        let b = trace.sample("b", Normal::new(0.0, 1.0).expand([2]));
        trace.observe("y", Normal::new(a + b.row(0), 0.5), data.column("y"));
    });
    let data = Data::new().column("y", &[1.0]).unwrap();
    let fit = model::fit(&pair, &data, &Advi::mean_field().seed(1)).unwrap();
    // The precision is 1 + 1/0.25 for both, the covariance its inverse: r = -4 / 5.
    let shares = fit.advi().unwrap().sd_shares().unwrap();
    for (share, exact) in shares.iter().zip([0.6, 0.6, 1.0]) {
        assert!((share - exact).abs() < 0.05, "{shares:?}");
    }
    let warnings = fit.warnings().join("\n");
    assert!(
        warnings.contains("of 3 there are 2 below 0.8"),
        "{warnings}"
    );
    assert!(
        warnings.contains("that of `a` is about 0.6")
            || warnings.contains("that of `b`, element 0 is about 0.6"),
        "{warnings}"
    );
    let path = std::env::temp_dir().join(format!("bayes-nn-shares-{}.fit", std::process::id()));
    fit.save(&path).unwrap();
    let again = model::load(&pair, &path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(again.advi().unwrap().sd_shares().unwrap(), shares);

    let joint = model::fit(&pair, &data, &Advi::full_rank().seed(1)).unwrap();
    assert!(joint.advi().unwrap().sd_shares().is_none() && joint.warnings().is_empty());

    // One variable alone depends on no other, whatever its shape.
    let rare = model::from_fn(|trace, data| {
        let p = trace.sample("p", Uniform::new(0.0, 1.0));
        trace.observe("y", distributions::Bernoulli::probs(p), data.column("y"));
    });
    let data = Data::new().column("y", &[0.0; 20]).unwrap();
    let fit = model::fit(&rare, &data, &Advi::mean_field().seed(1)).unwrap();
    let warnings = fit.warnings();
    assert!(
        warnings[0].contains("the posterior is not normal"),
        "{warnings:?}"
    );
}

#[test]
fn restarts_of_a_network_are_judged_by_what_they_predict() {
    let data = datasets::moons(200, 0.2, 0).unwrap().standardized();
    let bnn = Bnn::new(Mlp::new([2, 5, 1]), Bernoulli);
    let advi = Advi::mean_field().restarts(2).seed(3);

    // Hardly begun: each is at its own start.
    let begun = bnn.fit(&data, &advi.clone().steps(20)).unwrap();
    let apart = begun.agreement().unwrap();
    assert_eq!((apart.fits, apart.rows), (2, 200));
    assert!(apart.worst >= apart.r_hat && apart.r_hat > 1.1, "{apart}");
    assert!(
        begun.to_string().contains("they predict differently"),
        "{begun}"
    );

    let done = bnn.fit(&data, &advi.clone().steps(4_000)).unwrap();
    let near = done.agreement().unwrap();
    assert!(near.r_hat < apart.r_hat, "{near}, {apart}");
    let line = format!("R-hat      {near}");
    assert!(done.to_string().contains(&line), "{done}");

    // One start says nothing, nor does a model as a function, which k-hat judges.
    let one = bnn
        .fit(&data, &Advi::mean_field().restarts(1).steps(20))
        .unwrap();
    assert!(one.agreement().is_none() && !one.to_string().contains("R-hat"));
    let x = Data::new().column("y", &[3.0]).unwrap();
    let function = model::fit(&outlier(), &x, &advi).unwrap();
    assert!(function.agreement().is_none() && function.to_string().contains("k-hat"));
}

#[test]
fn a_guide_of_low_rank_knows_what_variables_have_in_common() {
    // The level is all but unknown, and the groups follow it.
    let groups = model::from_fn(|trace, data| {
        let level = trace.sample("level", Normal::new(0.0, 10.0));
        let own = trace.sample("own", Normal::new(level, 1.0).expand([30]));
        trace.observe("y", Normal::new(own, 5.0), data.column("y"));
    });
    let y: Vec<f64> = (0..30).map(|i| f64::from(i % 7) - 3.0).collect();
    let data = Data::new().column("y", &y).unwrap();
    let sd = |advi: Advi| {
        let fit = model::fit(&groups, &data, &advi.seed(1)).unwrap();
        let draws = fit.draws(4_000, 0).unwrap();
        (draws.variable("level").unwrap().sd()[0], fit)
    };
    // y ~ N(level, 26) each, so that the precision of the level is 30 / 26 + 1 / 100.
    let exact = (30.0_f64 / 26.0 + 0.01).sqrt().recip();
    let (low_rank, fit) = sd(Advi::low_rank(1));
    // Five standard errors of an sd of 4,000 draws are 6 %.
    assert!(
        (low_rank / exact - 1.0).abs() < 0.08,
        "{low_rank} for {exact}"
    );
    assert!(
        fit.psis(4_000, 0).unwrap().k_hat.unwrap_or(0.0) < 0.7,
        "{fit}"
    );
    let (mean_field, _) = sd(Advi::mean_field());
    assert!(mean_field < 0.5 * exact, "{mean_field} for {exact}");
}

#[test]
fn a_network_is_fitted_by_a_guide_of_low_rank_in_minibatches() {
    let data = datasets::moons(400, 0.2, 0).unwrap().standardized();
    let bnn = Bnn::new(Mlp::new([2, 5, 1]), Bernoulli);
    let advi = Advi::low_rank(3).batch(32).steps(4_000).restarts(2).seed(1);
    let fit = bnn.fit(&data, &advi).unwrap();
    let prediction = fit.predict(&data, 100).unwrap();
    let right = prediction
        .predicted()
        .iter()
        .zip(data.y())
        .filter(|(p, y)| p == y)
        .count();
    assert!(right > 320, "{right}");
    assert_eq!(fit.agreement().unwrap().fits, 2);
}
