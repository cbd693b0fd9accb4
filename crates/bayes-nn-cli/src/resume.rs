//! `bayes-nn resume`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use bayes_nn::data::{ColumnKind, Split};
use bayes_nn::prelude::*;
use bayes_nn::{Every, Interrupt};
use clap::Args;

use crate::error::Failure;
use crate::fit::{CHECKPOINT, exit_code, said, seconds, share};
use crate::{input, model};

#[derive(Args)]
pub struct Resume {
    /// A saved model, or what a fit that was interrupted or killed has left of it
    model: PathBuf,
    /// The table that it was fitted to; `-` for standard input
    data: PathBuf,
    /// Steps beyond those that were set, in a new cycle of the learning rate; without it a fit that was
    /// interrupted goes on to its end
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Takes these steps at the last learning rate instead
    #[arg(long, requires = "steps")]
    last_rate: bool,
    /// Share of the rows that the fit did not see, as it was given to `fit`
    #[arg(long, value_name = "SHARE", value_parser = share)]
    test_share: Option<f64>,
    /// Seed by which these rows were chosen, as it was given to `fit`
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the model is saved; where it was unless set
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Seconds between two checkpoints, which are saved there, too
    #[arg(long, value_name = "SECONDS", default_value_t = CHECKPOINT, value_parser = seconds)]
    checkpoint: f64,
    /// Prints one line of JSON instead of text
    #[arg(long)]
    json: bool,
}

impl Resume {
    pub fn run(&self, out: &mut impl Write) -> Result<ExitCode, Failure> {
        let interrupt = Interrupt::on_ctrl_c().map_err(Error::from)?;
        let fit = model::load(&self.model)?;
        let train = self.rows(&fit)?;
        let path = self.out.as_ref().unwrap_or(&self.model);
        let more = match (self.steps, self.last_rate) {
            (None, _) => bayes_nn::Resume::rest(),
            (Some(steps), true) => bayes_nn::Resume::steps(steps),
            (Some(steps), false) => bayes_nn::Resume::cycle(steps),
        };
        let more = more
            .progress(Bar::new("resuming"))
            .interrupt(&interrupt)
            .checkpoint(path, Every::Seconds(self.checkpoint));
        let fit = fit.resume(&train, more)?;
        fit.save(path)?;
        said(&fit, &train, path, None, self.json, out)?;
        Ok(exit_code(&fit, path, &self.data, self.test_share))
    }

    /// The rows that the model was fitted to, again.
    fn rows(&self, fit: &Posterior<Bnn>) -> Result<Dataset, Failure> {
        let no_table = || Failure::NoTable(self.model.clone());
        let target = fit.encoding().ok_or_else(no_table)?.target_name();
        let kind = match fit.classes() {
            Some(_) => ColumnKind::Category,
            None => ColumnKind::Number,
        };
        let table = input::table(&self.data)?.with_kind(target, kind)?;
        let data = table.target(target)?;
        Ok(match self.test_share {
            Some(share) => {
                let (train, _) = data.split_by(Split::Stratified, 1.0 - share, self.seed)?;
                train
            }
            None => data,
        })
    }
}
