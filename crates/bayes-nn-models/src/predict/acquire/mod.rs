//! Active learning: the rows of a pool whose classes are worth asking for.

mod epig;
mod error;
mod joint;
mod pool;
#[cfg(test)]
mod tests;

use super::moments::{Moments, moments, plogp};
use super::{Inputs, Predict};
use crate::data::DataError;
use crate::data::random::Random;
use crate::error::Error;
use crate::model::{Model, Posterior};
pub use error::AcquisitionError;
use pool::Pool;

/// Draws of a model's variables, unless a number is asked for.
const DRAWS: usize = 100;
/// Rows of a pool that stand for those to be predicted.
const TARGETS: usize = 100;

/// By what rows of a pool are chosen, to be given their classes and learned from.
///
/// `y` is the class of a row, `w` the variables of the model, of which there are draws, `H` an entropy and `I` a
/// mutual information, in nats:
///
/// | | score of a row |
/// |---|---|
/// | `Bald` | `I(y, w)`: what its class says of the variables (Houlsby et al. 2011, "Bayesian active learning for classification and preference learning", equation 2) |
/// | `BatchBald` | `I(y, w)` given the classes of the rows before it (Kirsch et al. 2019, "BatchBALD: efficient and diverse batch acquisition for deep Bayesian active learning") |
/// | `Epig` | `I(y, y*)`, averaged over rows `*` to be predicted (Bickford Smith et al. 2023, "Prediction-oriented Bayesian active learning") |
/// | `Entropy` | `H(y)`, whatever the reason why the class is not known |
/// | `Random` | 0: all rows alike |
///
/// `Bald`, `Epig` and `Entropy` take the rows with the highest scores, each of them judged alone, so that a
/// batch may have a row and its copies. `BatchBald` takes the row that adds most to those taken before; the sum of
/// its scores is what all classes of the batch together say of the variables, and the greedy batch has at least
/// `1 - 1/e` of what the best one has.
///
/// All of this needs draws that disagree: a guide of one point has no mutual information, and what a
/// `Dropout` layer drops is drawn for each row anew, so that it is noise of a row here,
/// and copies of a row are not seen to be copies.
///
/// ```
/// use bayes_nn::{Acquisition, prelude::*};
/// // A pool in which each row is there twice.
/// let rows = datasets::moons(100, 0.2, 0)?.standardized();
/// let twice: Vec<usize> = (0..200).map(|row| row / 2).collect();
/// let pool = rows.select(&twice)?;
/// let known = rows.select(&[0, 20, 40, 60, 80, 99])?;
/// let bnn = Bnn::new(Mlp::new([2, 5, 5, 1]).activation(Tanh), Bernoulli);
/// let fit = bnn.fit(&known, &Advi::mean_field().steps(2_000).seed(1))?;
///
/// let bald = fit.acquire(&pool, 4, Acquisition::Bald)?;
/// let batch = fit.acquire(&pool, 4, Acquisition::BatchBald)?;
/// // A row and its copy say the same, and asking for both is no better than for one of them and noise.
/// assert_eq!(bald.rows()[0] / 2, bald.rows()[1] / 2);
/// assert!(batch.rows()[0] == bald.rows()[0] && batch.rows()[1] / 2 != batch.rows()[0] / 2);
/// assert!(batch.scores().iter().sum::<f64>() < bald.scores().iter().sum());
///
/// let seeded = Acquisition::Epig.draws(50).seed(3);
/// assert_eq!(fit.acquire(&pool, 2, seeded.clone())?, fit.acquire(&pool, 2, seeded)?);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Acquisition {
    /// Bayesian active learning by disagreement.
    Bald,
    /// The same of a batch.
    BatchBald,
    /// Expected predictive information gain.
    Epig,
    /// Entropy of the predicted class.
    Entropy,
    /// No score.
    Random,
}

impl Acquisition {
    /// By so many draws of the model's variables.
    pub fn draws(self, draws: usize) -> Acquire<'static> {
        Acquire::from(self).draws(draws)
    }

    /// By draws, and by whatever else is random, of this seed.
    pub fn seed(self, seed: u64) -> Acquire<'static> {
        Acquire::from(self).seed(seed)
    }
}

/// How rows are chosen: by what, from how many draws, with which seed. An [`Acquisition`] alone is 100 draws of
/// seed 0.
#[derive(Clone, Debug)]
#[must_use]
pub struct Acquire<'a> {
    by: Acquisition,
    how: Predict,
    targets: Option<Inputs<'a>>,
}

impl From<Acquisition> for Acquire<'_> {
    fn from(by: Acquisition) -> Self {
        Acquire {
            by,
            how: Predict::draws(DRAWS),
            targets: None,
        }
    }
}

impl<'a> Acquire<'a> {
    /// By so many draws of the model's variables.
    pub fn draws(mut self, draws: usize) -> Acquire<'a> {
        self.how.draws = draws;
        self
    }

    /// By draws, and by whatever else is random, of this seed.
    pub fn seed(self, seed: u64) -> Acquire<'a> {
        let how = self.how.seed(seed);
        Acquire { how, ..self }
    }

    /// The rows that are to be predicted well, for [`Acquisition::Epig`]; a hundred of the pool, at random,
    /// unless they are given.
    ///
    /// ```
    /// use bayes_nn::{Acquisition, prelude::*};
    /// let pool = datasets::moons(60, 0.2, 0)?.standardized();
    /// let known = pool.select(&[0, 15, 30, 45, 59])?;
    /// let bnn = Bnn::new(Mlp::new([2, 5, 1]).activation(Tanh), Bernoulli);
    /// let fit = bnn.fit(&known, &Advi::mean_field().steps(500).seed(1))?;
    /// // What to ask for to know the class of one row: that row itself says most of it.
    /// let wanted = Dataset::new(pool.row(7), 2, &[0.0])?;
    /// let by = Acquisition::Epig.draws(500).targets(Data::new().matrix("x", wanted.x(), 2)?);
    /// let found = fit.acquire(&pool, 1, by)?;
    /// let at = |row: usize| [pool.row(row)[0], pool.row(row)[1]];
    /// let ([a, b], [c, d]) = (at(found.rows()[0]), at(7));
    /// assert!((a - c).hypot(b - d) < 2.0);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn targets<'b>(self, rows: impl Into<Inputs<'b>>) -> Acquire<'b> {
        Acquire {
            by: self.by,
            how: self.how,
            targets: Some(rows.into()),
        }
    }
}

/// Rows that were chosen from a pool, in the order of their choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Acquired {
    rows: Vec<usize>,
    scores: Vec<f64>,
    warnings: Vec<String>,
}

impl Acquired {
    /// The numbers of the rows in the pool, from 0.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// The score of each of them, as [`Acquisition`] has them, in nats.
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// What should not be passed over: names of groups that the data of the fit do not have.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl<M: Model + Clone> Posterior<M> {
    /// The `k` rows of a pool whose classes are worth asking for, by [`Acquisition`].
    ///
    /// ```
    /// use bayes_nn::{Acquisition, prelude::*};
    /// let pool = datasets::moons(200, 0.2, 0)?.standardized();
    /// let mut known = vec![0, 50, 100, 150, 199];
    /// let bnn = Bnn::new(Mlp::new([2, 5, 1]).activation(Tanh), Bernoulli);
    /// for round in 0..2 {
    ///     let fit = bnn.fit(&pool.select(&known)?, &Advi::mean_field().steps(500).seed(round))?;
    ///     known.extend(fit.acquire(&pool, 5, Acquisition::BatchBald.draws(40).seed(round))?.rows());
    /// }
    /// assert_eq!(known.len(), 15);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// Rows of a network go through it tile by tile, and only of those that may be chosen by `BatchBald` the
    /// probabilities under every draw are held. Its entropies are exact up to 10,000 configurations of classes of
    /// the rows before, four rows of ten classes, and from then on estimated from so many.
    ///
    /// # Errors
    /// No rows or more than the pool has ([`AcquisitionError::PoolSize`]); but for `Random` a model that observes
    /// no class, or not one a row; targets of something else than `Epig`; a pool that cannot be
    /// [predicted](Posterior::predict).
    pub fn acquire<'a>(
        &self,
        pool: impl Into<Inputs<'a>>,
        k: usize,
        by: impl Into<Acquire<'a>>,
    ) -> Result<Acquired, Error> {
        let Acquire { by, how, targets } = by.into();
        how.check()?;
        if targets.is_some() && by != Acquisition::Epig {
            return Err(AcquisitionError::Targets { by }.into());
        }
        let data = pool.into().data(&self.predictive)?;
        let rows = data.rows().ok_or(DataError::Empty)?;
        if k == 0 {
            let (field, value, allowed) = ("k", "0".to_owned(), "1 or more");
            return Err(Error::Request {
                field,
                value,
                allowed,
            });
        }
        if k > rows {
            return Err(AcquisitionError::PoolSize { k, rows }.into());
        }
        let of = self.predictive.with_names_of(&data, how)?;
        let chosen = match by {
            Acquisition::Random => some(rows, k, how.seed)
                .into_iter()
                .map(|row| (row, 0.0))
                .collect(),
            Acquisition::Epig => {
                let pool = Pool::new(&of, &data, how, by)?;
                let targets = match targets {
                    Some(targets) => {
                        let data = targets.data(&self.predictive)?;
                        let of = self.predictive.with_names_of(&data, how)?;
                        Pool::new(&of, &data, how, by)?.targets(None)?
                    }
                    None => pool.targets(Some(some(rows, TARGETS, how.seed)))?,
                };
                highest(&pool.predictive_information(&targets)?, k)
            }
            Acquisition::Bald | Acquisition::BatchBald | Acquisition::Entropy => {
                let pool = Pool::new(&of, &data, how, by)?;
                let (
                    _,
                    Moments {
                        aleatoric,
                        epistemic,
                        ..
                    },
                ) = moments(&of, &data, how)?;
                match by {
                    Acquisition::Entropy => {
                        let parts = aleatoric.iter().zip(&epistemic);
                        highest(&parts.map(|(a, e)| a + e).collect::<Vec<f64>>(), k)
                    }
                    Acquisition::BatchBald => pool.batch(&epistemic, k)?,
                    _ => highest(&epistemic, k),
                }
            }
        };
        let (rows, scores) = chosen.into_iter().unzip();
        Ok(Acquired {
            rows,
            scores,
            warnings: self.predictive.warnings_about(&data),
        })
    }
}

/// So many of the numbers below `of`, at random, or all if there are no more.
fn some(of: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..of).collect();
    Random::seed(seed).shuffle(&mut numbers);
    numbers.truncate(count);
    numbers
}

/// The `k` rows of the highest scores, highest first, with these; of equal ones that which comes first.
fn highest(scores: &[f64], k: usize) -> Vec<(usize, f64)> {
    let mut rows: Vec<(usize, f64)> = scores.iter().copied().enumerate().collect();
    rows.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    rows.truncate(k);
    rows
}

/// In nats, of probabilities.
fn entropy(p: &[f64]) -> f64 {
    p.iter().map(|p| plogp(*p)).sum()
}
