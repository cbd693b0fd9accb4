//! What a fit of a network does where nothing is said, and when it has settled.

use bayes_nn_kernels::Backend;

use super::{Advi, Curve, Estimator, Family};
use crate::{Convergence, ConvergenceTest, Density, Evidence, Optimizer, Schedule};

/// Rows of a minibatch, and the most rows of data that are one.
const BATCH: usize = 32;
const FEW_ROWS: usize = 1_024;
/// Minibatches are larger where an epoch would have more than this many of the smallest.
const BATCHES: usize = 500;
const LARGE_BATCH: usize = 128;
/// Fits of a network with so many weights at the most, on few rows, cost little, and one in some
/// forty ends in a mode that is worse than the others.
const FEW_WEIGHTS: usize = 1_000;
const RESTARTS: usize = 2;
/// Steps at the most: as many as multiply each weight with this many rows in all, between bounds.
const WORK: f64 = 1e12;
const STEPS: [f64; 2] = [20_000.0, 40_000.0];
/// The learning rate of Adam, on all rows and on minibatches, whose gradients have more noise.
const RATE: f64 = 0.01;
const RATE_OF_BATCHES: f64 = 0.005;
/// The share of the steps in which the rate falls.
const COOLDOWN: f64 = 0.25;
/// Steps before the first test of convergence; each further one comes after twice as many.
const FIRST_TEST: usize = 10_000;
/// The part of the ELBO, and nats for each row, that the ELBO may rise by in the last quarter of the
/// steps.
const TOLERANCE: f64 = 0.005;
const NATS_A_ROW: f64 = 0.002;

impl Advi {
    /// These settings with what suits a network where nothing was said: minibatches where rows are
    /// many, a rate that falls to 0 once the ELBO has stopped rising, and what leaves least noise in
    /// gradients.
    pub(super) fn for_network(&self, density: &dyn Density) -> Advi {
        let chosen = || batch_of(density.rows()).map(|b| b.next_multiple_of(self.device.ranks()));
        let batch = match self.full_batch {
            true => None,
            false => self.batch.or_else(chosen),
        };
        let rows = batch.or(density.rows()).unwrap_or(1);
        let most = (WORK / (density.dim() * rows) as f64).clamp(STEPS[0], STEPS[1]);
        let independent = self.family == Family::MeanField;
        let closed = independent && self.estimator == Estimator::AnalyticEntropy;
        let few_rows = density.rows().is_none_or(|rows| rows <= FEW_ROWS);
        let is_small = self.steps.is_none() && few_rows && density.dim() <= FEW_WEIGHTS;
        let rate = if batch.is_some() {
            RATE_OF_BATCHES
        } else {
            RATE
        };
        let rate = matches!(self.optimizer, Optimizer::Adam { .. }).then_some(rate);
        // A step of IVON is to cost little more than one without noise, and its memory goes by the
        // number of steps.
        let ivon = matches!(self.optimizer, Optimizer::Ivon { .. });
        // Ranks draw the same noise, so that rows of two of them would share that of their products.
        let one_rank = self.device.ranks() == 1;
        let schedule = match ivon {
            true => self.optimizer.default_schedule(),
            false => Schedule::Cooldown { share: COOLDOWN },
        };
        Advi {
            batch,
            steps: self.steps.or(Some(most as u64)),
            learning_rate: self.learning_rate.or(rate),
            schedule: self.schedule.or(Some(schedule)),
            averaging: self.averaging.or(Some(0.0)),
            products: self.products.or(Some(independent && !ivon && one_rank)),
            expectations: self.expectations.or(Some(closed)),
            stop_when_converged: (self.stop_when_converged).or(Some(self.steps.is_none() && !ivon)),
            restarts: self.restarts.or(is_small.then_some(RESTARTS)),
            ..self.clone()
        }
    }

    /// The test of convergence by windows; nothing where that of networks takes its place.
    fn windows(&self, density: &dyn Density) -> Option<ConvergenceTest> {
        let test = self.convergence;
        test.or_else(|| (!density.is_network()).then(ConvergenceTest::default))
    }

    /// How many steps there are when convergence is tested next.
    pub(super) fn next_test(&self, density: &dyn Density, done: usize) -> usize {
        match self.windows(density) {
            Some(test) => (done / test.window + 1).saturating_mul(test.window),
            None => FIRST_TEST * (done + 1).div_ceil(FIRST_TEST).next_power_of_two(),
        }
    }

    /// Whether the ELBO has stopped rising.
    pub(super) fn test(&self, density: &dyn Density, curve: &Curve) -> Convergence {
        let elbos = curve.elbos();
        if let Some(test) = self.windows(density) {
            return test.check(elbos);
        }
        let rows = density.rows().unwrap_or(1) as f64;
        let test = ConvergenceTest {
            window: elbos.len() / 4,
            tolerance: TOLERANCE,
        };
        let outcome = test.check_from(elbos, NATS_A_ROW / TOLERANCE * rows);
        let Evidence::Windows {
            window,
            difference,
            standard_error,
            tolerance,
        } = outcome.evidence
        else {
            return outcome;
        };
        let told_apart = window > 0 && standard_error <= tolerance;
        Convergence {
            converged: told_apart && difference.abs() <= tolerance,
            ..outcome
        }
    }
}

/// The rows of a minibatch, unless all rows are one.
fn batch_of(rows: Option<usize>) -> Option<usize> {
    let rows = rows.filter(|rows| *rows > FEW_ROWS)?;
    let size = rows.div_ceil(BATCHES).next_power_of_two();
    Some(size.clamp(BATCH, LARGE_BATCH))
}
