//! `bayes-nn score`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::error::Failure;
use crate::input::Streamed;
use crate::model::{self, DRAWS};

#[derive(Args)]
pub struct Score {
    /// A saved model
    model: PathBuf,
    /// A table with the columns of the fit and the target, of any length; `-` for standard input
    data: PathBuf,
    /// Draws of the weights behind each prediction
    #[arg(long, default_value_t = DRAWS)]
    draws: usize,
    /// Prints one line of JSON instead of text
    #[arg(long)]
    json: bool,
}

impl Score {
    pub fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        let fit = model::load(&self.model)?;
        let rows = Streamed::open(&self.data)?;
        let data = fit.encode(&rows.table)?;
        let score = fit.score(data, bayes_nn::Predict::draws(self.draws))?;
        match self.json {
            true => writeln!(out, "{}", values(&score))?,
            false => writeln!(out, "{score}")?,
        }
        Ok(())
    }
}

/// A score as an object of JSON.
pub fn values(score: &bayes_nn::Score) -> Value {
    match score {
        bayes_nn::Score::Classification(score) => json!({
            "accuracy": score.accuracy,
            "log_loss": score.log_loss,
            "brier": score.brier,
            "ece": score.ece,
        }),
        bayes_nn::Score::Regression(score) => json!({
            "rmse": score.rmse,
            "log_likelihood": score.log_likelihood,
            "interval": score.interval,
            "coverage": score.coverage,
        }),
    }
}
