//! IVON: natural gradients of mean-field guides.

use crate::points::Split;
use crate::regression::Regression;
use bayes_nn_inference::{Advi, AdviFit, Estimator, InferenceError, Method, Optimizer, Schedule};
use bayes_nn_kernels::Precision;

fn ivon(advi: Advi) -> Advi {
    advi.optimizer(Optimizer::ivon()).steps(8_000).seed(2)
}

/// By how much the standard deviations of a fit are off, as the largest part.
fn worst(fit: &AdviFit, exact: &[f64]) -> f64 {
    let sd = fit.approximation().sd();
    let off = sd
        .iter()
        .zip(exact)
        .map(|(sd, exact)| (sd / exact - 1.0).abs());
    off.fold(0.0, f64::max)
}

/// Regressions of several columns, scales and numbers of rows.
fn regressions() -> impl Iterator<Item = Regression> {
    let sizes = [(3, 30, 0.5), (4, 60, 2.0), (6, 200, 0.3)].into_iter();
    sizes.map(|(columns, rows, noise)| {
        let x: Vec<f64> = (0..rows * columns)
            .map(|i| 1.4 * (f64::from(i * i % 1013) * 0.7).cos())
            .collect();
        let y: Vec<f64> = (0..rows).map(|i| (f64::from(i) * 1.3).sin()).collect();
        Regression::new(&x, columns as usize, &y, noise)
    })
}

#[test]
fn ivon_finds_the_sds_of_conjugate_regressions_within_five_percent() {
    for model in regressions() {
        let exact = model.exact();
        for precision in [Precision::F64, Precision::F32] {
            let fit = ivon(Advi::mean_field())
                .precision(precision)
                .fit(&model)
                .unwrap();
            let off = worst(&fit, &exact.mean_field_sd);
            assert!(off < 0.05, "{off}: {fit}");
            let means = fit.approximation().mean().iter().zip(&exact.mean);
            for ((mean, exact), sd) in means.zip(&exact.mean_field_sd) {
                assert!((mean - exact).abs() < 0.1 * sd, "{mean} for {exact}");
            }
        }
    }
}

/// The start of standard deviations is too wide by a factor of ten, or too narrow.
#[test]
fn where_sds_begin_does_not_matter_and_the_report_says_how_far_they_moved() {
    let model = Regression::line();
    let exact = model.exact().mean_field_sd;
    let near = (exact[0] * exact[1]).sqrt();
    for initial in [10.0 * near, 0.1 * near] {
        let fit = ivon(Advi::mean_field())
            .initial_sd(initial)
            .fit(&model)
            .unwrap();
        let off = worst(&fit, &exact);
        assert!(off < 0.05, "{off} from {initial}: {fit}");
        let (site, ratio) = &fit.sds_moved()[0];
        assert!(
            site == "w" && (ratio / (near / initial) - 1.0).abs() < 0.05,
            "{ratio}"
        );
        assert!(
            fit.to_string().contains("times those at the start (`w`)"),
            "{fit}"
        );
    }
}

#[test]
fn every_estimator_minibatches_draws_and_restarts_lead_to_the_same_sds() {
    let model = Regression::line();
    let exact = model.exact().mean_field_sd;
    for (advi, tolerance) in [
        (
            Advi::mean_field().estimator(Estimator::StickingTheLanding),
            0.01,
        ),
        (Advi::mean_field().samples(4), 0.03),
        (Advi::mean_field().batch(6).samples(4).restarts(2), 0.1),
    ] {
        let fit = ivon(advi).fit(&model).unwrap();
        let off = worst(&fit, &exact);
        assert!(off < tolerance, "{off}: {fit}");
    }
}

#[test]
fn points_go_beside_the_normals_of_ivon() {
    let fit = ivon(Advi::mean_field()).fit(&Split::new()).unwrap();
    let exact = Regression::line().exact();
    let guide = fit.approximation();
    assert!((guide.mean()[0] - exact.mean[1]).abs() < 0.02, "{fit}");
    assert!((guide.sd()[1] / exact.mean_field_sd[0] - 1.0).abs() < 0.05 && guide.sd()[0] == 0.0);
    assert_eq!(fit.sds_moved().len(), 1);
}

#[test]
fn a_step_far_too_large_is_an_error_and_not_a_result() {
    let wild = Optimizer::Ivon {
        momentum: 0.9,
        memory: None,
        clip: f64::INFINITY,
    };
    let advi = Advi::mean_field()
        .optimizer(wild)
        .steps(1_000)
        .learning_rate(1e200);
    let advi = advi.schedule(Schedule::Constant);
    let error = advi.fit(&Regression::line()).unwrap_err();
    assert!(matches!(error, InferenceError::NotFinite(_)), "{error}");
}

#[test]
fn what_ivon_cannot_do_is_refused_with_what_would_be_right() {
    let with = |momentum, memory, clip| Optimizer::Ivon {
        momentum,
        memory,
        clip,
    };
    for (advi, expected) in [
        (
            Advi::full_rank().optimizer(Optimizer::ivon()),
            "`Advi::mean_field()` alone",
        ),
        (
            Advi::map().optimizer(Optimizer::ivon()),
            "`Advi::mean_field()` alone",
        ),
        (
            Advi::mean_field().optimizer(with(1.0, None, 1.0)),
            "a momentum of at least 0",
        ),
        (
            Advi::mean_field().optimizer(with(0.9, Some(0.5), 1.0)),
            "a memory of 1 step or more",
        ),
        (
            Advi::mean_field().optimizer(with(0.9, None, 0.0)),
            "a clip above 0",
        ),
        (
            Advi::mean_field()
                .optimizer(with(0.9, Some(1e5), 1.0))
                .steps(3_000),
            "a memory of at most 300, a tenth of the steps",
        ),
    ] {
        let message = advi.fit(&Regression::line()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
