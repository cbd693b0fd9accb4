//! `bayes-nn`: Bayesian neural networks for tables, from the command line.

mod error;
mod fit;
mod input;
mod model;
mod predict;
mod resume;
mod score;
mod serve;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::Failure;

/// Fits Bayesian neural networks to tables, and predicts new rows with what is not known about them.
#[derive(Parser)]
#[command(name = "bayes-nn", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fits a network to a table and saves it
    Fit(fit::Fit),
    /// Goes on with a fit that was interrupted or killed, or beyond its end
    Resume(resume::Resume),
    /// Predicts the rows of a table: mean and interval, or class and probabilities, and what of the
    /// uncertainty more data would remove (epistemic) and what not (aleatoric)
    Predict(predict::Predict),
    /// Scores predictions of a table that has the target
    Score(score::Score),
    /// Says what a saved model is, how it was fitted, and whether to trust it
    Show(model::Show),
    /// Writes a page of HTML on a saved model, with how it predicts a table if one is given
    Report(model::Report),
}

/// Standard output, which may be closed by a reader that has seen enough.
#[derive(Default)]
struct Output {
    is_closed: bool,
}

impl Output {
    fn noted<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        let closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
        self.is_closed |= result.as_ref().is_err_and(closed);
        result
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = io::stdout().write(bytes);
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = io::stdout().flush();
        self.noted(flushed)
    }
}

/// Runs a command; the code says whether it was interrupted.
fn run(command: &Command, out: &mut impl Write) -> Result<ExitCode, Failure> {
    match command {
        Command::Fit(fit) => return fit.run(out),
        Command::Resume(resume) => return resume.run(out),
        Command::Predict(predict) => predict.run(out),
        Command::Score(score) => score.run(out),
        Command::Show(show) => show.run(out),
        Command::Report(report) => report.run(out),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut out = Output::default();
    let flushed = |code: ExitCode, out: &mut Output| out.flush().map(|()| code);
    match run(&arguments.command, &mut out).and_then(|code| Ok(flushed(code, &mut out)?)) {
        Ok(code) => code,
        Err(_) if out.is_closed => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bayes-nn: {failure}");
            ExitCode::FAILURE
        }
    }
}
