//! Rows that are predicted block by block: written to a file, or scored.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bayes_nn_autodiff::Graph;

use super::tiles::Tiles;
use super::{Predict, Prediction, Score, Targets};
use crate::data::{DataError, StreamError};
use crate::error::Error;
use crate::model::{Data, Model, Posterior, Predictive};
use crate::scores::Parts;

/// Rows that are predicted at once at the most, a multiple of those of a tile, and the numbers that they
/// may have.
const ROWS: usize = 1 << 16;
const NUMBERS: usize = 1 << 22;
const TILE: usize = 512;

fn unwritten(name: &Path, problem: &dyn fmt::Display) -> Error {
    let (path, problem) = (name.to_owned(), problem.to_string());
    DataError::from(StreamError::Write { path, problem }).into()
}

impl<M: Model + Clone + Send + 'static> Posterior<M> {
    /// Predicts rows, as [`Posterior::predict_with`], and writes what it says of each to a CSV file: of any
    /// number of rows, in the memory of 65,536 at the most if they are [streamed](Data::stream). The numbers
    /// are those of a prediction of all rows at once.
    ///
    /// Of classes a line has the most probable one (`class`) and the probability of each (`p(name)`), of
    /// counts and numbers `mean`, `lower` and `upper`, then `aleatoric` and `epistemic`, as [`Prediction`]
    /// has them. The file is there when all rows are: until then they are in one whose name ends with
    /// `.partial`.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let data = datasets::moons(100, 0.2, 0)?.standardized();
    /// let fit = Bnn::new(Mlp::new([2, 5, 1]), Bernoulli).fit(&data, &Advi::mean_field().steps(300))?;
    /// # let path = std::env::temp_dir().join(format!("bayes-nn-predicted-{}.csv", std::process::id()));
    /// fit.predict_to(&data, Predict::draws(50), &path)?;
    /// let predicted = std::fs::read_to_string(&path)?;
    /// assert!(predicted.starts_with("class,p(0),p(1),aleatoric,epistemic\n"));
    /// assert_eq!(predicted.lines().count(), 101);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Posterior::predict`]; a file that cannot be written; rows that cannot be read; a model whose
    /// rows depend on each other.
    pub fn predict_to(
        &self,
        rows: impl Into<Data>,
        how: Predict,
        path: impl AsRef<Path>,
    ) -> Result<(), Error> {
        let path = path.as_ref();
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let refused = |error: io::Error| unwritten(&partial, &error);
        let file = File::create(&partial).map_err(refused)?;
        let file = self.written(&rows.into(), how, file, &partial)?;
        file.sync_all()
            .and_then(|()| fs::rename(&partial, path))
            .map_err(refused)
    }

    /// As [`Posterior::predict_to`], to what takes the lines, such as standard output.
    ///
    /// # Errors
    /// As there.
    pub fn predict_into(
        &self,
        rows: impl Into<Data>,
        how: Predict,
        to: impl Write,
    ) -> Result<(), Error> {
        let name = Path::new("the predictions");
        let mut to = self.written(&rows.into(), how, to, name)?;
        to.flush().map_err(|error| unwritten(name, &error))
    }

    fn written<W: Write>(&self, rows: &Data, how: Predict, to: W, name: &Path) -> Result<W, Error> {
        let refused = |error: csv::Error| unwritten(name, &error);
        let mut lines = csv::Writer::from_writer(to);
        let mut has_header = false;
        self.blocks(rows, how, |prediction, _| {
            let classes = prediction.classes();
            if !std::mem::replace(&mut has_header, true) {
                let mut names = match classes.is_empty() {
                    true => ["mean", "lower", "upper"].map(str::to_owned).to_vec(),
                    false => vec!["class".to_owned()],
                };
                names.extend(classes.iter().map(|name| format!("p({name})")));
                names.extend(["aleatoric", "epistemic"].map(str::to_owned));
                lines.write_record(&names).map_err(refused)?;
            }
            for row in 0..prediction.rows() {
                lines
                    .write_record(line(prediction, row, &classes))
                    .map_err(refused)?;
            }
            Ok(())
        })?;
        let flushed = lines.into_inner();
        flushed.map_err(|error| unwritten(name, error.error()))
    }

    /// Predicts rows and scores them against their targets: [`Prediction::score`]. Of rows that are
    /// [streamed](Data::stream) block by block.
    ///
    /// # Errors
    /// As [`Posterior::predict`] and [`Prediction::score`]; data without the column that the model
    /// observes; rows that cannot be read.
    pub fn score(&self, data: impl Into<Data>, how: Predict) -> Result<Score, Error> {
        let mut parts = Parts::default();
        self.blocks(&data.into(), how, |prediction, block| {
            let y = self.targets(block, how)?;
            let score = prediction.score(y.clone())?;
            let y = y.of(self.predictive.data.classes())?;
            parts.add(&score, prediction.mean(), &y)?;
            Ok(())
        })?;
        parts.score().ok_or_else(|| DataError::Empty.into())
    }

    /// The targets of rows, on their original scale.
    fn targets(&self, data: &Data, how: Predict) -> Result<Targets<'static>, Error> {
        let data = &data.clone().encoded_as(&self.predictive.data)?;
        match self.predictive.for_names_of(data, 1, how.seed)? {
            Some(extended) => targets(&extended, data, how),
            None => targets(&self.predictive, data, how),
        }
    }

    /// Predicts all rows, and hands over what is predicted of each block of them with the block.
    fn blocks(
        &self,
        data: &Data,
        how: Predict,
        mut each: impl FnMut(&Prediction, &Data) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if data.is_in_memory() {
            return each(&self.predict_with(data, how)?, data);
        }
        if !self.predictive.model.has_independent_rows() {
            self.predictive.check_rows()?;
        }
        let rows = data.total();
        let most = ROWS.min(NUMBERS / data.numbers_a_row()) / TILE * TILE;
        let most = most.max(TILE);
        for first in (0..rows).step_by(most) {
            let block = data.read(first..(first + most).min(rows))?;
            let how = Predict { first, ..how };
            let prediction = self
                .predict_with(&block, how)
                .map_err(|error| match error {
                    Error::NotFinitePrediction { row } => {
                        Error::NotFinitePrediction { row: first + row }
                    }
                    error => error,
                })?;
            each(&prediction, &block)?;
        }
        Ok(())
    }
}

/// What is predicted of a row, as the fields of a line.
fn line(prediction: &Prediction, row: usize, classes: &[String]) -> Vec<String> {
    let mut fields = Vec::new();
    let columns = prediction.task().columns();
    let mean = &prediction.mean()[row * columns..][..columns];
    match (prediction.interval(), mean) {
        (Some((lower, upper)), _) => {
            let numbers = [mean[0], lower[row], upper[row]];
            fields.extend(numbers.map(|number| number.to_string()));
        }
        (None, [p]) => {
            fields.push(classes[usize::from(*p > 0.5)].clone());
            fields.extend([1.0 - p, *p].map(|p| p.to_string()));
        }
        (None, all) => {
            let best = (1..columns).fold(0, |best, c| if all[c] > all[best] { c } else { best });
            fields.push(classes[best].clone());
            fields.extend(all.iter().map(f64::to_string));
        }
    }
    let parts = [prediction.aleatoric()[row], prediction.epistemic()[row]];
    fields.extend(parts.map(|part| part.to_string()));
    fields
}

/// The targets of rows, on their original scale.
fn targets<M: Model>(
    of: &Predictive<M>,
    data: &Data,
    how: Predict,
) -> Result<Targets<'static>, Error> {
    let graph = Graph::new();
    let written = Tiles::new(of, data, how).write(&graph)?;
    let observed = written.only()?;
    let missing = || {
        let mut columns = of.data.columns().map(|(name, _)| name);
        match columns.find(|name| data.get(name).is_none()) {
            Some(column) => Error::NoTargets {
                column: match of.data.origin() {
                    Some(origin) => origin.encoding.target_name().to_owned(),
                    None => column.clone(),
                },
            },
            None => Error::NoTarget {
                site: observed.name.clone(),
            },
        }
    };
    let column = written.column_of(observed).ok_or_else(missing)?;
    let y = data.numbers(&column).ok_or_else(missing)?;
    Ok(Targets::of_scaled(y, data.target(), data.classes()))
}
