//! On models whose evidence and posterior are known, ADVI finds both.

use crate::regression::Regression;
use bayes_nn_inference::{Advi, ConvergenceTest, Estimator, Method, Optimizer, Schedule};
use bayes_nn_kernels::Precision;

fn assert_close(found: &[f64], expected: &[f64], relative: f64) {
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found / expected - 1.0).abs() < relative,
            "{found} for {expected}"
        );
    }
}

fn settled(advi: Advi) -> Advi {
    advi.steps(6_000)
        .learning_rate(0.02)
        .schedule(Schedule::Cosine { last: 0.02 })
        .estimator(Estimator::StickingTheLanding)
        .convergence(ConvergenceTest {
            window: 1_000,
            tolerance: 0.01,
        })
        .seed(3)
}

#[test]
fn full_rank_reaches_the_log_evidence_and_the_posterior_sds() {
    for model in [Regression::normal_mean(), Regression::line()] {
        let exact = model.exact();
        for precision in [Precision::F32, Precision::F64] {
            let fit = settled(Advi::full_rank())
                .precision(precision)
                .fit(&model)
                .unwrap();
            assert!((fit.elbo().mean - exact.log_evidence).abs() < 0.01);
            assert_close(&fit.approximation().sd(), &exact.sd, 0.01);
            assert_close(fit.approximation().mean(), &exact.mean, 0.01);
            assert!(fit.convergence().converged, "{}", fit.convergence());
        }
    }
}

#[test]
fn mean_field_reaches_the_conditional_sds() {
    for model in [Regression::normal_mean(), Regression::line()] {
        let exact = model.exact();
        let advi = settled(Advi::mean_field()).samples(8).averaging(0.5);
        let fit = advi.fit(&model).unwrap();
        assert_close(&fit.approximation().sd(), &exact.mean_field_sd, 0.01);
        assert!(fit.elbo().mean < exact.log_evidence + 0.01);
    }
}

#[test]
fn the_analytic_entropy_leads_to_the_same_place() {
    let model = Regression::line();
    let exact = model.exact();
    let fit = settled(Advi::full_rank())
        .estimator(Estimator::AnalyticEntropy)
        .samples(4)
        .averaging(0.5)
        .fit(&model)
        .unwrap();
    assert!((fit.elbo().mean - exact.log_evidence).abs() < 0.01, "{fit}");
    assert_close(&fit.approximation().sd(), &exact.sd, 0.03);
}

#[test]
fn minibatches_lead_to_the_same_place_in_nats_of_the_full_data() {
    let model = Regression::line();
    let exact = model.exact();
    let fit = settled(Advi::full_rank())
        .batch(4)
        .averaging(0.5)
        .fit(&model)
        .unwrap();
    assert!((fit.elbo().mean - exact.log_evidence).abs() < 0.02, "{fit}");
    let late = &fit.curve().elbos()[3_000..];
    let mean = late.iter().sum::<f64>() / late.len() as f64;
    // Estimates from 4 of 12 rows scatter by some nats, their mean over 3,000 steps by 0.1.
    assert!((mean - exact.log_evidence).abs() < 0.5, "{mean}");
}

#[test]
fn every_optimiser_gets_there() {
    let model = Regression::line();
    let exact = model.exact();
    for (optimizer, rate) in [
        (Optimizer::adam(), 0.02),
        (Optimizer::adagrad_window(), 0.02),
        (Optimizer::sgd(0.9), 0.001),
    ] {
        let fit = settled(Advi::full_rank())
            .optimizer(optimizer)
            .learning_rate(rate)
            .fit(&model)
            .unwrap();
        let gap = exact.log_evidence - fit.elbo().mean;
        assert!(gap.abs() < 0.02, "{optimizer:?}: {gap}");
    }
}

/// Means over the parameters: of one alone, 20,000 noisy steps leave about 1 %.
#[test]
fn windowed_adagrad_finds_sds_within_two_percent() {
    for (columns, rows, noise) in [(3, 30, 0.5), (4, 60, 2.0), (6, 200, 0.3)] {
        let x: Vec<f64> = (0..rows * columns)
            .map(|i| 1.4 * (f64::from(i * i % 1013) * 0.7).cos())
            .collect();
        let y: Vec<f64> = (0..rows).map(|i| (f64::from(i) * 1.3).sin()).collect();
        let model = Regression::new(&x, columns as usize, &y, noise);
        let advi = Advi::mean_field().optimizer(Optimizer::adagrad_window());
        let fit = advi.steps(20_000).seed(2).fit(&model).unwrap();
        assert!(fit.convergence().converged, "{}", fit.convergence());
        let (found, exact) = (fit.approximation().sd(), model.exact().mean_field_sd);
        let ratios = found.iter().zip(&exact).map(|(found, exact)| found / exact);
        let ratio = ratios.sum::<f64>() / f64::from(columns);
        assert!((ratio - 1.0).abs() < 0.02, "{ratio} in {columns} columns");
    }
}
