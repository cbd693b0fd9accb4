//! The figures of a run, as JSON.

use bayes_nn::AdviFit;
use bayes_nn::scores::ClassificationScore;
use serde::Serialize;

/// `summary.json`.
#[derive(Serialize)]
pub struct Summary {
    pub data: Rows,
    pub full_batch: Fitted,
    pub minibatch: Minibatch,
    pub seconds_total: f64,
}

/// How many rows were learned from, and how many predicted.
#[derive(Serialize)]
pub struct Rows {
    pub n_train: usize,
    pub n_test: usize,
}

/// One fit and how well it predicts the test rows.
#[derive(Serialize)]
pub struct Fitted {
    pub steps: u64,
    pub seconds: f64,
    pub steps_per_second: f64,
    pub elbo: f64,
    pub elbo_mcse: f64,
    pub converged: bool,
    pub accuracy: f64,
    pub log_loss: f64,
    pub brier: f64,
    pub ece: f64,
}

/// The fit on minibatches.
#[derive(Serialize)]
pub struct Minibatch {
    pub batch: usize,
    #[serde(flatten)]
    pub fitted: Fitted,
}

impl Fitted {
    pub fn new(fit: &AdviFit, score: &ClassificationScore) -> Fitted {
        Fitted {
            steps: fit.steps(),
            seconds: fit.seconds(),
            steps_per_second: fit.steps() as f64 / fit.seconds(),
            elbo: fit.elbo().mean,
            elbo_mcse: fit.elbo().mcse,
            converged: fit.convergence().converged,
            accuracy: score.accuracy,
            log_loss: score.log_loss,
            brier: score.brier,
            ece: score.ece,
        }
    }
}
