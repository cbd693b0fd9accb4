//! A fit says what is wrong with it, and what to do, before it shows its numbers.

use bayes_nn::model::{self, Batch, Trace};
use bayes_nn::prelude::*;
use bayes_nn::{DataError, Fit, Sgld, distributions};

/// Numbers around 0 with the standard deviation 0.7.
fn wave(rows: u32) -> impl Iterator<Item = f64> + Clone {
    (0..rows).map(|i| (f64::from(i) * 1.7).sin())
}

/// A million and some, around a mean that is to be found.
fn far_mean<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mu = trace.sample("mu", Normal::new(1e6, 10.0));
    trace.observe("y", Normal::new(mu, 1.0), data.column("y"));
}

fn far_data() -> Data {
    let y: Vec<f64> = wave(30).map(|w| 1e6 + 0.5 + w).collect();
    Data::new().column("y", y).unwrap()
}

#[test]
fn a_mean_of_a_million_is_found_unless_single_precision_is_asked_for_and_then_it_is_said() {
    let advi = Advi::mean_field().steps(8_000).seed(1);
    let fit = model::fit(&far_mean, far_data(), &advi).unwrap();
    let mean = fit.draws(1_000, 0).unwrap().variable("mu").unwrap().mean()[0];
    let exact = 1e6 + 0.5 + wave(30).sum::<f64>() / 30.0;
    assert!((mean - exact).abs() < 0.1, "{mean} for {exact}");
    assert!(fit.advi().unwrap().convergence().converged, "{fit}");

    let single = model::fit(&far_mean, far_data(), &advi.precision(Precision::F32)).unwrap();
    let text = single.to_string();
    assert!(!single.advi().unwrap().convergence().converged, "{text}");
    assert!(
        text.contains("converged  no (single precision is too coarse)"),
        "{text}"
    );
    for part in [
        "too coarse for `mu`",
        "the column `y` apart",
        "precision(F64)",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(single.warnings().len(), 2, "{:?}", single.warnings());
}

#[test]
fn every_method_says_what_single_precision_cannot_hold() {
    let single = Precision::F32;
    let sgld = Sgld::new()
        .draws(50)
        .warmup(50)
        .step_size(1e-4)
        .start_at(bayes_nn::Start::Prior);
    let fit = model::fit(&far_mean, far_data(), &sgld.precision(single)).unwrap();
    let warnings = fit
        .fit::<bayes_nn::SgldFit>()
        .unwrap()
        .warnings()
        .join("\n");
    assert!(warnings.contains("too coarse for `mu`"), "{warnings}");
    let nuts = Nuts::new()
        .draws(50)
        .warmup(50)
        .chains(1)
        .start_at(bayes_nn::Start::Prior);
    let fit = model::fit(&far_mean, far_data(), &nuts.precision(single)).unwrap();
    let warnings = fit.warnings().join("\n");
    assert!(warnings.contains("the column `y` apart"), "{warnings}");
}

#[test]
fn a_fit_that_a_column_drives_to_infinity_names_it() {
    let t: Vec<f64> = (0..100).map(|i| 1.7e9 + 864.0 * f64::from(i)).collect();
    let y: Vec<f64> = wave(100).collect();
    let data = Data::new().column("t", t).unwrap().column("y", y).unwrap();
    let line = model::from_fn(|trace, data| {
        let slope = trace.sample("slope", Normal::new(0.0, 1.0));
        trace.observe(
            "y",
            Normal::new(slope * data.column("t"), 0.1),
            data.column("y"),
        );
    });
    let fit = |precision| {
        let advi = Advi::mean_field().steps(2_000).precision(precision);
        model::fit(&line, &data, &advi).map(|fit| fit.to_string())
    };
    let error = fit(Precision::F32).unwrap_err().to_string();
    assert!(
        error.contains("the values of the column `t` apart"),
        "{error}"
    );
    let text = fit(Precision::F64).unwrap();
    assert!(text.contains("converged  no"), "{text}");
    assert!(
        text.contains("the column `t` has the mean 1.700e9"),
        "{text}"
    );
}

#[test]
fn a_number_beyond_single_precision_is_named_by_row_and_column_before_a_fit() {
    let data = Data::new().column("y", &[0.5, 0.0, -1e39]).unwrap();
    let model = model::from_fn(|trace, data| {
        let mu = trace.sample("mu", Normal::new(0.0, 1.0));
        trace.observe("y", Normal::new(mu, 1e38), data.column("y"));
    });
    let single = Precision::F32;
    let of = |result: Result<(), Error>| result.unwrap_err().to_string();
    let advi = Advi::mean_field().steps(100);
    let nuts = Nuts::new().chains(1).draws(10).warmup(10);
    let sgld = Sgld::new().step_size(1e-3).warmup(5).draws(5);
    let pathfinder = Pathfinder::new().paths(1);
    for message in [
        of(model::fit(&model, &data, &advi.clone().precision(single)).map(drop)),
        of(model::fit(&model, &data, &nuts.precision(single)).map(drop)),
        of(model::fit(&model, &data, &sgld.precision(single)).map(drop)),
        of(model::fit(&model, &data, &pathfinder.precision(single)).map(drop)),
    ] {
        assert_eq!(
            message,
            "in row 2 the column `y` has the value -1e39, which single precision cannot hold: fit \
             by `precision(F64)`, or rescale the column"
        );
    }
    model::fit(&model, &data, &advi).unwrap();
}

#[test]
fn a_number_beyond_single_precision_is_named_by_row_and_column_in_predictions_and_scores() {
    let data = datasets::moons(20, 0.2, 0).unwrap();
    let bnn = Bnn::new(Mlp::new([2, 2, 1]), Bernoulli);
    let fit = bnn.fit(&data, &Advi::mean_field().steps(20)).unwrap();
    let beyond = |row: usize| {
        let mut x = vec![0.5; 12];
        x[2 * row + 1] = 1e308;
        Dataset::new(&x, 2, &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]).unwrap()
    };
    let of = |result: Result<(), Error>| match result {
        Err(Error::Data(DataError::SinglePrecision { row, column, value })) => {
            assert_eq!(value, 1e308);
            (row, column)
        }
        other => panic!("{other:?}"),
    };
    let place = (4, "x[1]".to_owned());
    assert_eq!(
        of(fit.predict(&[[0.0, 1e308]], 5).map(drop)),
        (0, place.1.clone())
    );
    assert_eq!(of(fit.predict(&beyond(4), 5).map(drop)), place);
    assert_eq!(
        of(fit.score(&beyond(4), Predict::draws(5)).map(drop)),
        place
    );
    assert_eq!(of(fit.predictive(&beyond(4), 5, 0).map(drop)), place);
    assert_eq!(of(fit.log_likelihood(&beyond(4)).map(drop)), place);
    assert_eq!(
        of(bnn.fit(&beyond(4), &Advi::mean_field().steps(20)).map(drop)),
        place
    );
    let double = Advi::mean_field().steps(20).precision(Precision::F64);
    let fit = bnn.fit(&data, &double).unwrap();
    fit.predict(&beyond(4), 5).unwrap();
}

#[test]
fn of_a_column_with_missing_values_the_row_beyond_single_precision_is_counted_among_all() {
    let model = model::from_fn(|trace, data| {
        trace.observe("y", Normal::new(0.0, 1e38), data.column("y"));
    });
    let nan = f64::NAN;
    let data = Data::new().column_with_missing("y", &[nan, 0.5, nan, nan, 1e39]);
    let nuts = Nuts::new().chains(1).draws(10).precision(Precision::F32);
    let error = model::fit(&model, data.unwrap(), &nuts).err().unwrap();
    assert!(
        error
            .to_string()
            .starts_with("in row 4 the column `y` has the value 1e39")
    );
}

#[test]
fn a_matrix_that_single_precision_makes_singular_is_not_blamed_on_the_learning_rate() {
    let x: Vec<f64> = (0..30).map(|i| 0.03 * f64::from(i)).collect();
    let y: Vec<f64> = x.iter().map(|x| (6.0 * x).sin()).collect();
    let data = Data::new().column("x", x).unwrap().column("y", y).unwrap();
    let process = model::from_fn(|trace, data| {
        let length = trace.sample("length", LogNormal::new(0.0, 0.1));
        let x = data.column("x");
        let rows = data.rows();
        let distance = (x.reshape([rows, 1]) - x.reshape([1, rows])) / length;
        let ones = data.graph().constant(&vec![1e-10; rows], [rows]);
        let covariance = (-0.5 * distance * distance).exp() + ones.diagonal_matrix();
        let zeros = data.graph().constant(&vec![0.0; rows], [rows]);
        let normal = distributions::MultivariateNormal::with_covariance(zeros, covariance);
        trace.observe("y", normal, data.column("y"));
    });
    for error in [
        model::fit(
            &process,
            &data,
            &Advi::mean_field().precision(Precision::F32),
        )
        .err(),
        model::fit(&process, &data, &Nuts::new().precision(Precision::F32)).err(),
    ] {
        let error = error.unwrap().to_string();
        assert!(error.contains("not positive definite"), "{error}");
        assert!(error.contains("`precision(F64)`"), "{error}");
        assert!(!error.contains("learning rate"), "{error}");
    }
}

/// Two modes, of which the one at -1 is 1,000 nats below.
fn two_modes<'g>(trace: &Trace<'g>, _: &Batch<'g>) {
    let x = trace.sample("x", Uniform::new(-3.0, 3.0));
    let hill = x * x - 1.0;
    trace.factor("modes", -1000.0 * hill * hill + 500.0 * x);
}

#[test]
fn a_chain_at_a_mode_far_below_the_others_is_called_stuck_before_anything_else() {
    // A warm-up this short has no gathering at which stuck chains begin elsewhere.
    let nuts = Nuts::new().chains(4).draws(200).warmup(99).max_depth(1);
    let stuck = (0..20).find_map(|seed| {
        let fit = model::fit(&two_modes, Data::new(), &nuts.clone().seed(seed)).unwrap();
        let low = fit
            .chains()
            .iter()
            .filter(|c| c.variable("x").unwrap().mean()[0] < 0.0);
        (low.count() == 1).then_some(fit)
    });
    let fit = stuck.expect("of four chains one is on the left for some seed");
    let means = fit
        .chains()
        .iter()
        .map(|c| c.variable("x").unwrap().mean()[0]);
    let low = means.into_iter().position(|mean| mean < 0.0).unwrap();
    let warnings = fit.warnings();
    let expected = format!("chain {low} is stuck: its log density is -48");
    assert!(warnings[0].starts_with(&expected), "{warnings:#?}");
    assert!(
        warnings[0].contains(" where the others have 51"),
        "{}",
        warnings[0]
    );
    assert!(
        warnings[0].contains("of 200 trajectories there"),
        "{}",
        warnings[0]
    );
    let expensive = warnings
        .iter()
        .find(|w| w.contains("`max_depth`: where the chains"));
    assert!(
        expensive.unwrap().contains("of 600 trajectories"),
        "{warnings:#?}"
    );
    // All draws are still there.
    let all = fit.all_draws().unwrap();
    assert_eq!(all.variable("x").unwrap().values().len(), 800);

    let text = fit.to_string();
    let (warned, table) = (text.find("warning: chain"), text.find("r_hat"));
    assert!(warned.unwrap() < table.unwrap(), "{text}");
}

#[test]
fn a_chain_far_above_the_others_is_told_apart_as_well() {
    let nuts = Nuts::new().chains(4).draws(50).warmup(99).max_depth(3);
    let high = (0..20).find_map(|seed| {
        let fit = model::fit(&two_modes, Data::new(), &nuts.clone().seed(seed)).unwrap();
        let high = fit
            .chains()
            .iter()
            .filter(|c| c.variable("x").unwrap().mean()[0] > 0.0);
        (high.count() == 1).then_some(fit)
    });
    let warnings = high
        .expect("one of four is on the right for some seed")
        .warnings();
    assert!(
        warnings[0].contains("unless it is unbounded, these are stuck"),
        "{warnings:#?}"
    );
    assert!(
        !warnings.join(" ").contains("draws are right"),
        "{warnings:#?}"
    );
}

#[test]
fn a_chain_that_is_stuck_in_the_warm_up_goes_on_near_the_others_and_the_fit_says_so() {
    let nuts = Nuts::new().chains(4).draws(100).warmup(300).max_depth(3);
    let mut moved = 0;
    for seed in 0..10 {
        let fit = model::fit(&two_modes, Data::new(), &nuts.clone().seed(seed)).unwrap();
        for chain in fit.nuts().unwrap().chains() {
            let Some(draw) = chain.moved_at() else {
                continue;
            };
            moved += 1;
            assert!([90, 180].contains(&draw), "{draw}");
            let said = format!("chain {}", chain.number());
            let warnings = fit.warnings().join(" ");
            let named = warnings.contains(&said) || warnings.contains("chains ");
            assert!(
                named && warnings.contains("far below the others"),
                "{warnings}"
            );
        }
        let means = fit
            .chains()
            .iter()
            .map(|c| c.variable("x").unwrap().mean()[0]);
        let right = means.filter(|mean| *mean > 0.0).count();
        assert!(
            [0, 4].contains(&right),
            "seed {seed}: {right} chains on the right"
        );
    }
    assert!(moved > 0, "of forty chains one begins on the left");
}

#[test]
fn chains_of_one_level_are_not_called_stuck() {
    let normal = model::from_fn(|trace, _| {
        trace.sample("x", Normal::new(0.0, 1.0).expand([50]));
    });
    for seed in 0..3 {
        let nuts = Nuts::new().draws(200).warmup(200).seed(seed);
        let warnings = model::fit(&normal, Data::new(), &nuts).unwrap().warnings();
        assert!(!warnings.join(" ").contains("stuck"), "{warnings:?}");
    }
}

/// A regression on the first of two features, whose rows are shifted and stretched.
fn rows(shift: f64, stretch: f64, target: f64) -> Dataset {
    let x: Vec<f64> = wave(120).map(|w| shift + stretch * w).collect();
    let y: Vec<f64> = (wave(120).step_by(2))
        .map(|first| target * (1.0 + first))
        .collect();
    Dataset::new(&x, 2, &y).unwrap()
}

#[test]
fn features_and_targets_far_from_unit_scale_are_named_with_what_to_do() {
    let bnn = Bnn::new(Mlp::new([2, 3, 1]), Gaussian::new());
    let advi = Advi::mean_field().steps(300);
    let fit = bnn.fit(&rows(5000.0, 1.0, 1.0), &advi).unwrap();
    for column in ["`x[0]`", "`x[1]`"] {
        let expected = format!("the column {column} has the mean 500");
        assert!(fit.to_string().contains(&expected), "{fit}");
    }
    assert!(
        fit.to_string().contains("`Dataset::standardized()`"),
        "{fit}"
    );

    let fit = bnn.fit(&rows(0.0, 1.0, 2e5), &advi).unwrap();
    let text = fit.to_string();
    assert!(
        text.contains("`y` has the mean") && text.contains("standardize_target()"),
        "{text}"
    );
    assert!(!text.contains("`x[0]`"), "{text}");
    let nuts = Nuts::new().draws(20).warmup(20).chains(1).max_depth(4);
    let warnings = bnn.fit(&rows(0.0, 1.0, 2e5), &nuts).unwrap().warnings();
    assert!(
        warnings.iter().any(|w| w.contains("`y` has the mean")),
        "{warnings:?}"
    );

    let scaled = rows(5000.0, 1.0, 2e5).standardized().standardize_target();
    let fit = bnn.fit(&scaled, &advi).unwrap();
    assert!(!fit.to_string().contains("warning"), "{fit}");
}

#[test]
fn a_model_is_warned_of_a_column_that_a_variable_multiplies_and_not_of_one_that_it_scales() {
    let data = Data::from(&rows(2000.0, 10.0, 1.0));
    let fit = |scaled: bool| {
        let line = model::from_fn(move |trace, data: &Batch<'_>| {
            let year = data.matrix("x").row(0);
            let x = if scaled { (year - 2000.0) / 10.0 } else { year };
            let slope = trace.sample("slope", Normal::new(0.0, 1.0));
            let offset = trace.sample("offset", Normal::new(0.0, 1.0));
            trace.observe("y", Normal::new(offset + slope * x, 1.0), data.column("y"));
        });
        model::fit(&line, &data, &Advi::mean_field().steps(200))
            .unwrap()
            .to_string()
    };
    assert!(
        fit(false).contains("the column `x[0]` has the mean 2000"),
        "{}",
        fit(false)
    );
    assert!(!fit(true).contains("the column"), "{}", fit(true));
}
