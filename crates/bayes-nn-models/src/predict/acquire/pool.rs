//! What each draw of a model's variables says of the classes of rows.

use bayes_nn_autodiff::{Graph, Shape};

use super::super::target::{Probabilities, by_row};
use super::super::tiles::Tiles;
use super::super::{Predict, Task};
use super::epig::Targets;
use super::joint::{self, Joint};
use super::{Acquisition, AcquisitionError};
use crate::data::DataError;
use crate::error::Error;
use crate::model::{Data, Model, Predictive};

/// The numbers that are held of rows at once, where rows are looked at one by one.
const NUMBERS: usize = 1 << 21;
/// Rows that are loaded at once, where as few as can be are to be held.
const LOADED: usize = 512;

/// Rows whose classes are predicted.
pub(super) struct Pool<'a, M> {
    of: &'a Predictive<M>,
    data: &'a Data,
    how: Predict,
    task: Task,
    rows: usize,
}

impl<'a, M: Model> Pool<'a, M> {
    /// Rows of which each has one class.
    pub(super) fn new(
        of: &'a Predictive<M>,
        data: &'a Data,
        how: Predict,
        by: Acquisition,
    ) -> Result<Pool<'a, M>, Error> {
        let graph = Graph::new();
        let written = Tiles::new(of, data, how).write(&graph)?;
        let observed = written.only()?;
        let task = Task::of(&*observed.distribution);
        let rows = data.rows().ok_or(DataError::Empty)?;
        let site = || observed.name.clone();
        if !task.is_classes() {
            return Err(AcquisitionError::NotClasses {
                site: site(),
                distribution: observed.distribution.name(),
                by,
            }
            .into());
        }
        let all = written.rows().unwrap_or(rows);
        if observed.shape != Shape::from(all) {
            return Err(AcquisitionError::Shape {
                site: site(),
                shape: Box::new(observed.shape),
                rows,
                by,
            }
            .into());
        }
        Ok(Pool {
            of,
            data,
            how,
            task,
            rows,
        })
    }

    /// A batch of so many rows that together say most of the draws; each says so much by itself.
    pub(super) fn batch(&self, information: &[f64], k: usize) -> Result<Vec<(usize, f64)>, Error> {
        let joint = Joint::new(self.how.draws, self.task.classes(), self.how.seed);
        let load = |rows: &[usize]| self.probabilities(rows);
        joint::batch(joint, information, k, self.together(LOADED), load)
    }

    /// Some of the rows, or all, as those to be predicted well.
    pub(super) fn targets(&self, rows: Option<Vec<usize>>) -> Result<Targets, Error> {
        let rows = rows.unwrap_or_else(|| (0..self.rows).collect());
        let p = self.probabilities(&rows)?;
        Ok(Targets::new(&p, self.how.draws, self.task.classes()))
    }

    /// What the class of each row says of those of targets.
    pub(super) fn predictive_information(&self, targets: &Targets) -> Result<Vec<f64>, Error> {
        let numbers = self.how.draws * self.task.classes();
        let rows: Vec<usize> = (0..self.rows).collect();
        let mut information = Vec::with_capacity(self.rows);
        for rows in rows.chunks(self.together(NUMBERS / numbers)) {
            let p = self.probabilities(rows)?;
            let rows = p.chunks_exact(numbers);
            information.extend(rows.map(|p| targets.information(p)));
        }
        Ok(information)
    }

    /// So many rows at once where they are independent, else all.
    fn together(&self, rows: usize) -> usize {
        match self.is_independent() {
            true => rows.clamp(1, self.rows),
            false => self.rows,
        }
    }

    fn is_independent(&self) -> bool {
        self.of.model.has_independent_rows() && !self.data.is_incomplete()
    }

    /// The probabilities of the classes of some rows under every draw, `[rows, draws, classes]`.
    pub(super) fn probabilities(&self, rows: &[usize]) -> Result<Vec<f64>, Error> {
        let part = match self.is_independent() {
            true => self.data.part(rows),
            false => None,
        };
        let tiles = Tiles::new(self.of, part.as_ref().unwrap_or(self.data), self.how);
        let graph = Graph::new();
        let written = tiles.write(&graph)?;
        let observed = written.only()?;
        let p = Probabilities::of(&written, observed, self.task)?.p;
        written.check_known(&[p])?;
        written.step.output(P, p);
        let (width, columns) = (observed.shape.elements(), self.task.columns());
        let (draws, classes) = (self.how.draws, self.task.classes());
        let parts = tiles.run(&written, width, |run, tile| {
            let mut values = self.how.room(tile.rows * classes)?;
            values.resize(tile.rows * draws * classes, 0.0);
            for draw in 0..draws {
                tiles.draw(run, draw..draw + 1)?;
                let p = by_row(run.get(0, P)?, width, columns, tile.rows);
                for (row, p) in p.chunks_exact(columns).enumerate() {
                    if p.iter().any(|p| !p.is_finite()) {
                        let row = tile.first + row;
                        let row = part.as_ref().map_or(row, |_| rows[row]);
                        return Err(Error::NotFinitePrediction { row });
                    }
                    let place = (row * draws + draw) * classes;
                    set(&mut values[place..place + classes], p);
                }
            }
            Ok(values)
        })?;
        let values = parts.concat();
        if part.is_some() {
            return Ok(values);
        }
        let numbers = draws * classes;
        let of_row = |row: &usize| &values[row * numbers..][..numbers];
        Ok(rows.iter().flat_map(of_row).copied().collect())
    }
}

/// The name of the output.
const P: &str = "probabilities";

/// Probabilities of all classes, which sum to 1, from those or from that of class 1.
fn set(all: &mut [f64], p: &[f64]) {
    match *p {
        [one] => {
            let one = one.clamp(0.0, 1.0);
            all.copy_from_slice(&[1.0 - one, one]);
        }
        ref p => {
            let sum: f64 = p.iter().sum();
            for (all, p) in all.iter_mut().zip(p) {
                *all = p / sum;
            }
        }
    }
}
