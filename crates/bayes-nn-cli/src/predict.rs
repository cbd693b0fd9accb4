//! `bayes-nn predict`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::error::Failure;
use crate::input::{self, STANDARD, Streamed};
use crate::{model, serve};

#[derive(Args)]
pub struct Predict {
    /// A saved model
    model: PathBuf,
    /// A table with the columns of the fit, of any length, without the target or with it; `-` for
    /// standard input
    data: PathBuf,
    /// Where predictions go, a line for each row; `-` for standard output
    #[arg(long, value_name = "FILE", default_value = STANDARD)]
    out: PathBuf,
    /// Draws of the weights behind each prediction
    #[arg(long, default_value_t = model::DRAWS)]
    draws: usize,
    /// Probability of the interval of a number
    #[arg(long, default_value_t = 0.95)]
    interval: f64,
    /// Reads lines of JSON, as {"age": 41, "sex": "f"}, and answers each at once with a line of JSON
    #[arg(long, conflicts_with = "out")]
    json: bool,
    /// Seed of the draws
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl Predict {
    pub fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        let fit = model::load(&self.model)?;
        let how = bayes_nn::Predict::draws(self.draws);
        let how = how.interval(self.interval).seed(self.seed);
        if self.json {
            return serve::answer(&fit, how, input::lines(&self.data)?, out);
        }
        let rows = Streamed::open(&self.data)?;
        let data = fit.encode(&rows.table)?;
        match self.out.as_os_str() == STANDARD {
            true => fit.predict_into(data, how, out)?,
            false => fit.predict_to(data, how, &self.out)?,
        }
        Ok(())
    }
}
