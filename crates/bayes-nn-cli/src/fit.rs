//! `bayes-nn fit`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bayes_nn::data::{ColumnKind, Missing, Recipe, Split};
use bayes_nn::prelude::*;
use bayes_nn::report::Report;
use bayes_nn::{Every, Interrupt, Score, Stop};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::error::Failure;
use crate::{input, model, score as scores};

/// Classes that are numbers, above which they are rather a number.
const MANY_CLASSES: usize = 50;
/// Seconds between two checkpoints of a fit.
pub const CHECKPOINT: f64 = 60.0;
/// The exit code of what Ctrl-C ended early.
const INTERRUPTED: u8 = 130;
/// Different whole numbers of a target, up to which they may be classes.
const FEW_NUMBERS: usize = 10;

#[derive(Args)]
pub struct Fit {
    /// A table with a header: comma, semicolon or tab, as it comes; `-` for standard input
    data: PathBuf,
    /// The column to predict
    #[arg(long)]
    target: String,
    /// Whether the target is classes or a number; without it words, booleans, and 0 and 1 are classes
    #[arg(long, value_enum)]
    task: Option<Task>,
    /// Columns to leave out, such as numbers of customers
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    except: Vec<String>,
    /// Columns in which the mean, or the most frequent word, stands for missing values, in rows to come as
    /// well; without it a column of its own says where values are missing, and none may be missing later
    /// where the table has them all
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    impute: Vec<String>,
    /// Takes words that the table does not have for none of its words, in rows to come, instead of refusing
    /// them
    #[arg(long)]
    ignore_unknown: bool,
    /// Units of the hidden layers, beside a linear path; without it one layer of 20, and fewer or none where
    /// rows are few
    #[arg(long, value_name = "UNITS", value_delimiter = ',')]
    hidden: Option<Vec<usize>>,
    /// How the posterior is found: variational inference, exact draws (slow), or one point
    #[arg(long, value_enum, default_value_t = By::Advi)]
    method: By,
    /// Steps of `advi` and `map`, unless the library chooses; of `nuts`, draws of each chain after as many
    /// to warm up
    #[arg(long)]
    steps: Option<u32>,
    /// Where the model is saved
    #[arg(long, value_name = "FILE", default_value = "model.bnn")]
    out: PathBuf,
    /// Seconds between two checkpoints of `advi` and `map`, which are saved there, too
    #[arg(long, value_name = "SECONDS", default_value_t = CHECKPOINT, value_parser = seconds)]
    checkpoint: f64,
    /// A page of HTML on the fit
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Share of the rows that the fit does not see and is scored on
    #[arg(long, value_name = "SHARE", value_parser = share)]
    test_share: Option<f64>,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Prints one line of JSON instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Task {
    Regression,
    Classification,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    Advi,
    Nuts,
    Map,
}

pub fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if 0.0 < share && share < 1.0 => Ok(share),
        _ => Err("a share is a number between 0 and 1, such as 0.2".to_owned()),
    }
}

pub fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if seconds >= 0.0 => Ok(seconds),
        _ => Err("seconds are a number from 0, such as 60".to_owned()),
    }
}

/// Says what was fitted to these rows and where it is.
pub fn said(
    fit: &Posterior<Bnn>,
    train: &Dataset,
    path: &Path,
    score: Option<&Score>,
    json: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    if json {
        let line = json!({
            "model": path,
            "target": fit.encoding().map(|encoding| encoding.target_name()),
            "rows": train.rows(),
            "features": train.features(),
            "classes": fit.classes(),
            "warnings": fit.warnings(),
            "score": score.map(scores::values),
        });
        return Ok(writeln!(out, "{line}")?);
    }
    if let Some(encoding) = fit.encoding() {
        writeln!(out, "{encoding}\n")?;
    }
    writeln!(out, "{fit}")?;
    if let Some(score) = score {
        writeln!(out, "\nrows that the fit has not seen\n{score}")?;
    }
    Ok(writeln!(out, "\nsaved {}", path.display())?)
}

/// The exit code, and how a fit goes on that was interrupted.
pub fn exit_code(
    fit: &Posterior<Bnn>,
    path: &Path,
    data: &Path,
    test_share: Option<f64>,
) -> ExitCode {
    let (path, data) = (path.display(), data.display());
    let share = test_share.map_or(String::new(), |share| format!(" --test-share {share}"));
    match (fit.advi(), fit.nuts()) {
        (Some(advi), _) if advi.stop() == Stop::Interrupted => {
            let steps = advi.steps();
            eprintln!(
                "interrupted at step {steps}; `bayes-nn resume {path} {data}{share}` goes on"
            );
        }
        (_, Some(nuts)) if nuts.stopped() => {
            eprintln!("interrupted; {path} has the draws that were made");
        }
        _ => return ExitCode::SUCCESS,
    }
    ExitCode::from(INTERRUPTED)
}

impl Fit {
    pub fn run(&self, out: &mut impl Write) -> Result<ExitCode, Failure> {
        let interrupt = Interrupt::on_ctrl_c().map_err(Error::from)?;
        let table = input::table(&self.data)?.except(&self.except)?;
        let target = self.target.as_str();
        let table = match self.task {
            Some(Task::Classification) => table.with_kind(target, ColumnKind::Category)?,
            Some(Task::Regression) => table.with_kind(target, ColumnKind::Number)?,
            None => table,
        };
        let data = table.target(target)?.with_recipe(&self.recipe())?;
        self.doubts(&table, &data)?;
        let (train, test) = match self.test_share {
            Some(share) => {
                let (train, test) = data.split_by(Split::Stratified, 1.0 - share, self.seed)?;
                (train, Some(test))
            }
            None => (data, None),
        };
        let fit = self.fitted(&train, &interrupt)?;
        fit.save(&self.out)?;
        let how = Predict::draws(model::DRAWS);
        let score = match &test {
            Some(test) => Some(fit.score(test, how)?),
            None => None,
        };
        if let Some(path) = &self.report {
            let page = Report::new(format!("What predicts {target}")).fit(&fit)?;
            let page = match &test {
                Some(test) => page.predictions(&fit, test, how)?,
                None => page,
            };
            page.write(path)?;
        }
        said(&fit, &train, &self.out, score.as_ref(), self.json, out)?;
        Ok(exit_code(&fit, &self.out, &self.data, self.test_share))
    }

    /// How columns become numbers.
    fn recipe(&self) -> Recipe {
        let impute = |recipe: Recipe, column: &String| recipe.missing_in(column, Missing::Impute);
        let recipe = self.impute.iter().fold(Recipe::new(), impute);
        match self.ignore_unknown {
            true => recipe.ignore_unknown(),
            false => recipe,
        }
    }

    /// Says what an analyst may not have meant.
    fn doubts(&self, table: &Table, data: &Dataset) -> Result<(), Failure> {
        let target = &self.target;
        match data.classes() {
            Some(classes) => {
                let numbers = classes.iter().all(|class| class.parse::<f64>().is_ok());
                if numbers && classes.len() > MANY_CLASSES {
                    let classes = classes.len();
                    eprintln!(
                        "note: `{target}` has {classes} different numbers, each of which is a class; if it is a \
                         number, say --task regression"
                    );
                }
            }
            None if self.task.is_none() => {
                let mut numbers = table.numbers(target)?.to_vec();
                let whole = numbers.iter().all(|y| y.fract() == 0.0);
                numbers.sort_by(f64::total_cmp);
                numbers.dedup();
                if whole && numbers.len() <= FEW_NUMBERS {
                    let numbers = numbers.len();
                    eprintln!(
                        "note: `{target}` has {numbers} different whole numbers and is taken for a number; if \
                         they are classes, say --task classification"
                    );
                }
            }
            None => {}
        }
        Ok(())
    }

    fn fitted(&self, train: &Dataset, interrupt: &Interrupt) -> Result<Posterior<Bnn>, Failure> {
        let bnn = match &self.hidden {
            Some(hidden) => Bnn::with_hidden(train, hidden),
            None => Bnn::for_data(train),
        };
        let bar = || Bar::new(self.target.clone());
        Ok(match self.method {
            By::Advi => bnn.fit(train, &self.advi(Advi::mean_field(), interrupt))?,
            By::Map => bnn.fit(train, &self.advi(Advi::map(), interrupt))?,
            By::Nuts => {
                let mut nuts = Nuts::new().seed(self.seed);
                if let Some(steps) = self.steps {
                    nuts = nuts.draws(steps.into()).warmup(steps.into());
                }
                bnn.fit(train, &nuts.progress(bar()).interrupt(interrupt))?
            }
        })
    }

    fn advi(&self, advi: Advi, interrupt: &Interrupt) -> Advi {
        let advi = advi
            .seed(self.seed)
            .progress(Bar::new(self.target.clone()))
            .interrupt(interrupt)
            .checkpoint(&self.out, Every::Seconds(self.checkpoint));
        match self.steps {
            Some(steps) => advi.steps(steps.into()),
            None => advi,
        }
    }
}
