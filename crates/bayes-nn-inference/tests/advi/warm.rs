//! Guides that go on from an earlier fit.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use crate::points::Split;
use crate::regression::Regression;
use bayes_nn_inference::{Advi, DrawTable, InferenceError, Method, Nuts, Site};

/// Means and standard deviations after one step so small that it changes nothing.
fn beginning(advi: Advi) -> (Vec<f64>, Vec<f64>) {
    let seen = Arc::new(Mutex::new((Vec::new(), Vec::new())));
    let inside = seen.clone();
    let advi = advi
        .steps(10)
        .every(1)
        .learning_rate(1e-12)
        .callback(move |now| {
            *inside.lock().unwrap() = (now.mean.to_vec(), now.sd.to_vec());
            ControlFlow::Break(())
        });
    advi.fit(&Regression::line()).unwrap();
    let seen = seen.lock().unwrap();
    seen.clone()
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-9, "{found} for {expected}");
    }
}

#[test]
fn a_guide_begins_at_the_means_of_a_fit_with_sds_relative_to_them() {
    let model = Regression::line();
    let map = Advi::map().fit(&model).unwrap();
    let mode = map.approximation().mean();
    let sds: Vec<f64> = mode.iter().map(|m| 0.2 * m.abs()).collect();
    for advi in [Advi::mean_field(), Advi::full_rank()] {
        let (mean, sd) = beginning(advi.warm_start(&map, 0.2));
        assert_close(&mean, mode);
        assert_close(&sd, &sds);
    }
    let guide = Advi::mean_field().fit(&model).unwrap();
    let (mean, _) = beginning(Advi::mean_field().warm_start(guide.approximation(), 0.2));
    assert_close(&mean, guide.approximation().mean());
    let chains = Nuts::new()
        .draws(20)
        .warmup(20)
        .chains(2)
        .fit(&model)
        .unwrap();
    let (mean, _) = beginning(Advi::map().warm_start(&chains, 0.2));
    assert!(mean.iter().zip(mode).all(|(a, b)| (a - b).abs() < 0.5));
}

#[test]
fn small_means_have_a_floor_and_zeros_the_initial_sd() {
    let sites = vec![Site::new("w", [2], 0)];
    let table = |values: [f64; 2]| DrawTable::new(sites.clone(), values.to_vec(), [1]).unwrap();
    let (_, sd) = beginning(Advi::mean_field().warm_start(table([2.0, 0.0]), 0.1));
    assert_close(&sd, &[0.2, 0.1 * 0.1 * 2.0f64.sqrt()]);
    let advi = Advi::mean_field().warm_start(table([0.0, 0.0]), 0.1);
    assert_close(&beginning(advi.initial_sd(0.03)).1, &[0.03, 0.03]);
}

#[test]
fn a_fit_of_other_variables_is_refused_by_name() {
    let line = Advi::map().fit(&Regression::line()).unwrap();
    let split = Advi::map().fit(&Split::new()).unwrap();
    let other = Advi::map().fit(&Regression::normal_mean()).unwrap();
    let more = vec![Site::new("slope", [1], 0)];
    let less = DrawTable::new(more, vec![1.0], [1]).unwrap();
    let warm = |advi: Advi| advi.fit(&Regression::line()).unwrap_err();
    for (error, expected) in [
        (
            warm(Advi::mean_field().warm_start(&split, 0.1)),
            "the start has a value of `slope`, which is none of the variables: `w` [2]",
        ),
        (
            warm(Advi::mean_field().warm_start(&other, 0.1)),
            "the start has `w` in the shape [1], which must be [2]",
        ),
        (
            Advi::mean_field()
                .warm_start(less, 0.1)
                .fit(&Split::new())
                .unwrap_err(),
            "the start has no value of `intercept`, only of `slope` [1]; fit a model of the same \
             variables first",
        ),
        (
            warm(Advi::mean_field().warm_start(&line, -0.1)),
            "`warm_start` is -0.1; it must be finite and above 0",
        ),
    ] {
        assert_eq!(error.to_string(), expected);
    }
    let error = warm(Advi::mean_field().warm_start(&split, 0.1));
    assert!(matches!(error, InferenceError::StartValues(_)));
}

#[test]
fn a_part_of_a_fit_warms_what_it_has_and_at_least_one_variable_must_be_the_same() {
    let split = Split::new();
    let sites = vec![Site::new("intercept", [1], 0), Site::new("other", [2], 1)];
    let table = DrawTable::new(sites, vec![3.0, 9.0, 9.0], [1]).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let inside = seen.clone();
    let advi = Advi::mean_field().steps(10).every(1).learning_rate(1e-12);
    let advi = advi.initial_sd(0.03).callback(move |now| {
        let place = now.mean.iter().position(|mean| (mean - 3.0).abs() < 1e-9);
        *inside.lock().unwrap() = vec![place.map(|place| now.sd[place])];
        ControlFlow::Break(())
    });
    advi.warm_start_part(table, 0.1).fit(&split).unwrap();
    let sd = seen.lock().unwrap()[0].expect("the intercept begins at 3");
    assert!((sd - 0.3).abs() < 1e-9, "{sd}");

    let none = vec![Site::new("other", [1], 0)];
    let none = DrawTable::new(none, vec![1.0], [1]).unwrap();
    let error = Advi::mean_field().warm_start_part(none, 0.1).fit(&split);
    assert!(matches!(error, Err(InferenceError::StartValues(_))));
    let wrong = vec![Site::new("intercept", [2], 0)];
    let wrong = DrawTable::new(wrong, vec![1.0, 1.0], [1]).unwrap();
    let error = Advi::mean_field().warm_start_part(wrong, 0.1).fit(&split);
    assert_eq!(
        error.unwrap_err().to_string(),
        "the start has `intercept` in the shape [2], which must be [1]"
    );
}
