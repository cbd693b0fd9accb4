//! Where the draws of a posterior come from.

use std::ops::Range;
use std::sync::Arc;

use bayes_nn_autodiff::Var;
use bayes_nn_kernels::{Run, Step};

use crate::{Approximation, Fit, InferenceError, Site};

/// The state that holds a row of a table.
const Z: &str = "z";

/// Where draws of the unconstrained vector come from.
#[derive(Clone, Debug)]
pub enum DrawSource {
    /// A guide, which gives fresh ones for each seed.
    Guide(Approximation),
    /// Draws that were made before: those of Markov chains, or of a guide once.
    Table(DrawTable),
}

/// Draws of the unconstrained vector that were made before, chain by chain. A clone shares them.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawTable {
    sites: Vec<Site>,
    /// Row-major `[draws, P]`.
    rows: Arc<[f64]>,
    /// How many draws each chain has.
    lengths: Arc<[usize]>,
}

impl DrawTable {
    /// A table of `rows`, row-major `[draws, P]`, of which the first `lengths[0]` are those of the
    /// first chain, and so on.
    ///
    /// # Errors
    /// Sites of one name, or whose parts of a row do not follow one another; rows that are not as many
    /// as the chains have together, or a number that is not finite.
    ///
    /// ```
    /// use bayes_nn_inference::{DrawTable, Site};
    /// let sites = vec![Site::new("mean", [], 0), Site::new("sd", [], 1)];
    /// let table = DrawTable::new(sites.clone(), vec![0.1, 1.0, 0.3, 0.9, -0.2, 1.1], [2, 1])?;
    /// assert_eq!(table.draws(), 3);
    /// assert_eq!(table.row(1), Some(&[0.3, 0.9][..]));
    /// assert!(DrawTable::new(sites, vec![0.1, 1.0], [2]).is_err());
    /// # Ok::<(), bayes_nn_inference::InferenceError>(())
    /// ```
    pub fn new(
        sites: Vec<Site>,
        rows: impl Into<Arc<[f64]>>,
        lengths: impl Into<Arc<[usize]>>,
    ) -> Result<DrawTable, InferenceError> {
        let table = DrawTable {
            sites,
            rows: rows.into(),
            lengths: lengths.into(),
        };
        if let Some(problem) = Site::problem(&table.sites) {
            return Err(InferenceError::DrawTable { problem });
        }
        let dim = table.dim();
        let mut lengths = table.lengths.iter();
        let draws = lengths.try_fold(0_usize, |sum, length| sum.checked_add(*length));
        if draws.and_then(|draws| draws.checked_mul(dim)) != Some(table.rows.len()) {
            return Err(InferenceError::DrawTable {
                problem: format!(
                    "has {} numbers, which are not those of chains of {:?} draws of {dim}",
                    table.rows.len(),
                    table.lengths,
                ),
            });
        }
        if let Some(place) = table.rows.iter().position(|v| !v.is_finite()) {
            return Err(InferenceError::DrawTable {
                problem: format!(
                    "has the value {} in draw {}, element {}; all must be finite",
                    table.rows[place],
                    place / dim,
                    place % dim
                ),
            });
        }
        Ok(table)
    }

    /// The draws of chains, row-major `[draws, P]` each, that are finite and whole.
    pub(crate) fn of_chains<'a>(
        sites: &[Site],
        chains: impl Iterator<Item = (&'a [f64], usize)> + Clone,
    ) -> DrawTable {
        DrawTable {
            sites: sites.to_vec(),
            rows: chains.clone().flat_map(|(rows, _)| rows).copied().collect(),
            lengths: chains.map(|(_, length)| length).collect(),
        }
    }

    /// The named parts of a row.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    fn dim(&self) -> usize {
        self.sites.last().map_or(0, |site| site.range().end)
    }

    /// How many draws there are, of all chains.
    pub fn draws(&self) -> usize {
        self.lengths.iter().sum()
    }

    /// How many draws each chain has.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// A draw `[P]`, counted over the chains; `None` beyond the last.
    pub fn row(&self, draw: usize) -> Option<&[f64]> {
        let dim = self.dim();
        let start = draw.checked_mul(dim)?;
        self.rows.get(start..start.checked_add(dim)?)
    }

    /// All draws, row-major `[draws, P]`.
    pub fn rows(&self) -> &[f64] {
        &self.rows
    }
}

impl From<Approximation> for DrawSource {
    fn from(guide: Approximation) -> DrawSource {
        DrawSource::Guide(guide)
    }
}

impl From<&Approximation> for DrawSource {
    fn from(guide: &Approximation) -> DrawSource {
        DrawSource::Guide(guide.clone())
    }
}

impl<F: Fit> From<&F> for DrawSource {
    fn from(fit: &F) -> DrawSource {
        fit.source()
    }
}

impl From<DrawTable> for DrawSource {
    fn from(table: DrawTable) -> DrawSource {
        DrawSource::Table(table)
    }
}

impl DrawSource {
    /// The named parts of a draw.
    pub fn sites(&self) -> &[Site] {
        match self {
            DrawSource::Guide(guide) => guide.sites(),
            DrawSource::Table(table) => &table.sites,
        }
    }

    /// The mean of the unconstrained vector, `[P]`.
    ///
    /// # Errors
    /// [`InferenceError::NoDraws`] of an empty table.
    pub fn mean(&self) -> Result<Vec<f64>, InferenceError> {
        let table = match self {
            DrawSource::Guide(guide) => return Ok(guide.mean().to_vec()),
            DrawSource::Table(table) if table.draws() == 0 => return Err(InferenceError::NoDraws),
            DrawSource::Table(table) => table,
        };
        let mut mean = vec![0.0; table.dim()];
        let share = 1.0 / table.draws() as f64;
        for row in table.rows().chunks_exact(table.dim().max(1)) {
            for (mean, value) in mean.iter_mut().zip(row) {
                *mean += share * value;
            }
        }
        Ok(mean)
    }

    /// The draw of a step, `[P]`. That of a table is a state that [`DrawSource::advance`] sets.
    pub fn draw<'g>(&self, step: &Step<'g>) -> Var<'g> {
        match self {
            DrawSource::Guide(guide) => guide.draw(step),
            DrawSource::Table(table) => step.state(Z, [table.dim()], 0.0),
        }
    }

    /// Runs the first replica of a program whose step has such a [draw](DrawSource::draw) for some
    /// of `of` draws. Rows of a table are taken evenly from all there are.
    ///
    /// # Errors
    /// [`InferenceError::NoDraws`] of an empty table; as [`Run::advance_one`].
    pub fn advance(
        &self,
        run: &mut Run,
        draws: Range<usize>,
        of: usize,
    ) -> Result<(), InferenceError> {
        let DrawSource::Table(table) = self else {
            return Ok(run.advance_one(0, draws.len() as u64)?);
        };
        let count = table.draws();
        for draw in draws {
            let row = draw as u128 * count as u128 / of.max(1) as u128;
            let row = usize::try_from(row).ok().and_then(|row| table.row(row));
            let row = row.ok_or(InferenceError::NoDraws)?;
            run.set(0, Z, row)?;
            run.advance_one(0, 1)?;
        }
        Ok(())
    }
}
