//! Stochastic gradient Langevin dynamics on a posterior that is known exactly.

use bayes_nn_inference::{Method, Schedule, Sgld, SgldFit};
use bayes_nn_kernels::Precision;

#[allow(dead_code, reason = "ADVI is asked for more than chains can say")]
#[path = "advi/regression.rs"]
mod regression;

use regression::Regression;

/// Eight observations with noise 0.7 of a mean with a standard normal prior: the posterior is
/// normal with this precision.
const PRECISION: f64 = 1.0 + 8.0 / (0.7 * 0.7);
const STEP: f64 = 0.005;
const CHAINS: usize = 4;
const DRAWS: u64 = 50_000;

fn sgld() -> Sgld {
    let sgld = Sgld::new().step_size(STEP).chains(CHAINS).draws(DRAWS);
    sgld.precision(Precision::F64).seed(1)
}

/// Mean, and variance about the exact mean, over all chains.
fn moments(fit: &SgldFit, mean: f64) -> (f64, f64) {
    let draws = || fit.chains().iter().flat_map(|chain| chain.draws());
    let n = (CHAINS as u64 * DRAWS) as f64;
    let squares: f64 = draws().map(|x| (x - mean) * (x - mean)).sum();
    (draws().sum::<f64>() / n, squares / n)
}

/// A chain is autoregressive with the coefficient r = 1 - STEP * PRECISION / 2 = 0.957. Hence its
/// 200,000 draws are worth (1 - r) / (1 + r) as many for the mean, 4,400, and (1 - r^2) /
/// (1 + r^2) for the variance, 8,800. Tolerances are five standard errors: by chance each fails
/// for one seed in 1.7 million.
const MEAN_ERROR: f64 = 5.0 * 0.245 / 66.0;
const VARIANCE_ERROR: f64 = 5.0 * 0.0151;

#[test]
fn steps_on_all_rows_have_the_moments_of_their_recursion() {
    let density = Regression::normal_mean();
    let exact = density.exact();
    let (mean, variance) = moments(&sgld().fit(&density).unwrap(), exact.mean[0]);
    assert!((mean - exact.mean[0]).abs() < MEAN_ERROR, "{mean}");
    let expected = 1.0 / (PRECISION * (1.0 - STEP * PRECISION / 4.0));
    let ratio = variance / expected;
    assert!((ratio - 1.0).abs() < VARIANCE_ERROR, "{ratio}");
}

#[test]
fn minibatches_find_the_conjugate_posterior() {
    let density = Regression::normal_mean();
    let exact = density.exact();
    let (mean, variance) = moments(&sgld().batch(4).fit(&density).unwrap(), exact.mean[0]);
    assert!((mean - exact.mean[0]).abs() < MEAN_ERROR, "{mean}");
    // The size of the step adds 2.2 % to the posterior variance, and the variance of the gradients
    // another 2.1 % at the most: less, since each epoch takes every row once.
    let ratio = variance * PRECISION;
    let allowed = 1.022 - VARIANCE_ERROR..1.044 + VARIANCE_ERROR;
    assert!(allowed.contains(&ratio), "{ratio}");
}

#[test]
fn a_chain_depends_on_its_seed_alone_and_thinning_drops_draws() {
    let density = Regression::line();
    let sgld = sgld().draws(300).warmup(50).batch(3);
    let all = sgld.clone().threads(1).fit(&density).unwrap();
    let three = sgld.clone().threads(3).fit(&density).unwrap();
    for (three, all) in three.chains().iter().zip(all.chains()) {
        assert_eq!((three.seed(), three.draws()), (all.seed(), all.draws()));
    }
    let alone = sgld.clone().seed(3).chains(1).fit(&density).unwrap();
    let [alone, third] = [&alone.chains()[0], &all.chains()[2]];
    assert_eq!((alone.seed(), alone.draws()), (third.seed(), third.draws()));
    let thin = sgld.clone().draws(60).thinning(5);
    let thin = thin.fit(&density).unwrap();
    for (thin, all) in thin.chains().iter().zip(all.chains()) {
        assert_eq!((thin.len(), all.len()), (60, 300));
        for (draw, fifth) in thin
            .draws()
            .chunks(2)
            .zip(all.draws().chunks(2).skip(4).step_by(5))
        {
            assert_eq!(draw, fifth);
        }
    }
}

#[test]
fn step_sizes_follow_the_schedule() {
    let halved = Schedule::Step {
        every: 10,
        factor: 0.5,
    };
    let sgld = sgld().draws(3).warmup(5).thinning(10).schedule(halved);
    let fit = sgld.fit(&Regression::line()).unwrap();
    // Draws are made by steps 14, 24 and 34.
    for (size, factor) in fit.step_sizes().iter().zip([0.5, 0.25, 0.125]) {
        assert!((size / (STEP * factor) - 1.0).abs() < 1e-12, "{size}");
    }
}

#[test]
fn what_cannot_be_run_is_named() {
    let line = Regression::line();
    let error = |sgld: Sgld| sgld.fit(&line).unwrap_err().to_string();
    for (sgld, message) in [
        (sgld().draws(0), "`draws` is 0; it must be 1 or more"),
        (sgld().thinning(0), "`thinning` is 0; it must be 1 or more"),
        (
            sgld().step_size(-1.0),
            "`step_size` is -1; it must be finite and above 0",
        ),
        (
            sgld().batch(13),
            "`batch` is 13; it must be between 1 and 12, the rows of the data set",
        ),
        (
            sgld().thinning(u64::MAX),
            "`draws` is 50000; it must be few enough for the number of steps to fit into 64 bits",
        ),
    ] {
        assert_eq!(error(sgld), message);
    }
    let message = error(sgld().step_size(1e3).chains(1));
    assert!(
        message
            .starts_with("chain 0 failed after 0 draws: the position is not finite, first in `w`"),
        "{message}"
    );
}
