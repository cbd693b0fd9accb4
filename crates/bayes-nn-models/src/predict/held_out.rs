//! Rows held out of a fit, which guides predict while it runs.

use bayes_nn_autodiff::{Graph, Var};
use bayes_nn_inference::{Approximation, DensityError, HeldOut, HeldOutScore, Scorer, Scoring};
use bayes_nn_kernels::running_mean;

use super::inputs::check_widths;
use super::likelihood::{follow_densities, log_means};
use super::moments::{MEAN, normalize};
use super::target::{Probabilities, by_row, stretched_to};
use super::tiles::{Tiles, Written};
use super::{Predict, Task};
use crate::data::DataError;
use crate::error::{Error, listed};
use crate::model::{Data, Model, Observed, Predictive};
use crate::scores;

/// Rows of a stream that score a fit, at the most.
const STREAMED: usize = 1 << 16;

/// Rows held out of a fit.
pub(crate) struct HeldOutRows<M> {
    model: M,
    fitted: Data,
    data: Data,
}

/// The one variable that is predicted, whose mean is compared with what was seen.
struct Compared {
    task: Task,
    /// `[n]`, on the scale of the model.
    seen: Vec<f64>,
    /// Numbers of a tile.
    width: usize,
    unit: f64,
}

impl<M: Model + Clone> HeldOutRows<M> {
    /// Rows for a model that is fitted to others, checked against them.
    pub(crate) fn new(model: &M, fitted: &Data, data: Data) -> Result<HeldOutRows<M>, Error> {
        if data.rows().is_none() {
            return Err(DataError::Empty.into());
        }
        let data = data.encoded_as(fitted)?;
        Predictive::<M>::check_no_new_names(fitted, &data, "a fit that they score")?;
        if model.has_independent_rows() {
            check_widths(&data, fitted)?;
        }
        data.check_scale(fitted)?;
        data.check_target_scale(fitted)?;
        let data = match data.is_in_memory() {
            true => data,
            false => data.sample(STREAMED, 0)?,
        };
        Ok(HeldOutRows {
            model: model.clone(),
            fitted: fitted.clone(),
            data,
        })
    }

    fn compile(&self, guide: &Approximation, how: &Scoring) -> Result<Scorer<'_>, Error> {
        let of = Predictive {
            model: self.model.clone(),
            data: self.fitted.clone(),
            source: guide.into(),
            precision: how.runtime.precision,
            device: how.runtime.device.clone(),
            target: None,
        };
        let data = self.data.some_rows(how.rows, how.seed);
        let draws = Predict::draws(how.draws).seed(how.seed);
        let tiles = Tiles::new(&of, &data, draws).of_guides(guide);
        let graph = Graph::new();
        let written = tiles.write(&graph)?;
        for observed in &written.observed {
            check_seen(&written, observed, &self.data)?;
        }
        let log_prob = joint(&written)?;
        written.check_known(&[log_prob])?;
        follow_densities(&written, log_prob);
        let compared = match &written.observed[..] {
            [observed] => compared(&of, &written, observed, &data)?,
            _ => None,
        };
        let program = tiles.compile(&written, log_prob.shape().elements())?;
        let (draws, seed) = (how.draws, how.seed);
        Ok(Box::new(move |guide| {
            let parts = program.run(seed, |run, tile| {
                guide.set(run, 0)?;
                run.advance_one(0, draws as u64)?;
                let log_densities = log_means(run, draws, tile.rows)?;
                let wrong = (log_densities.iter()).position(|l| l.is_nan() || *l == f64::INFINITY);
                if let Some(row) = wrong {
                    let row = tile.first + row;
                    return Err(Error::NotFinitePrediction { row });
                }
                let mean = match &compared {
                    Some(Compared { task, width, .. }) => {
                        by_row(run.get(0, MEAN)?, *width, task.columns(), tile.rows)
                    }
                    None => Vec::new(),
                };
                Ok((log_densities, mean))
            })?;
            let (log_densities, means): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            let log_densities = log_densities.concat();
            let rows = log_densities.len();
            let log_likelihood = log_densities.iter().sum::<f64>() / rows as f64;
            let score = HeldOutScore {
                rows,
                log_likelihood,
                accuracy: None,
                rmse: None,
            };
            Ok(match &compared {
                Some(compared) => compared.with_error(score, means.concat())?,
                None => score,
            })
        }))
    }
}

impl Compared {
    /// A score with that of the mean, `[n]` or `[n, classes]`, in the unit of the data.
    fn with_error(&self, score: HeldOutScore, mut mean: Vec<f64>) -> Result<HeldOutScore, Error> {
        match self.task {
            Task::Classes(classes) => normalize(&mut mean, classes),
            Task::Binary => mean.iter_mut().for_each(|p| *p = p.clamp(0.0, 1.0)),
            // Some distributions have no mean, and no RMSE then.
            Task::Counts | Task::Regression => {
                let rmse = scores::rmse(&mean, &self.seen).ok();
                return Ok(HeldOutScore {
                    // Densities in the original unit are smaller by its size.
                    log_likelihood: score.log_likelihood - self.unit.ln(),
                    rmse: rmse.map(|rmse| self.unit * rmse),
                    ..score
                });
            }
        }
        Ok(HeldOutScore {
            accuracy: Some(scores::accuracy(&mean, &self.seen)?),
            ..score
        })
    }
}

impl<M: Model + Clone> HeldOut for HeldOutRows<M> {
    fn rows(&self) -> usize {
        self.data.rows().unwrap_or(0)
    }

    fn scorer(&self, guide: &Approximation, how: &Scoring) -> Result<Scorer<'_>, DensityError> {
        Ok(self.compile(guide, how)?)
    }
}

/// Checks that what was seen of a variable can come from its distribution.
fn check_seen<'g>(
    written: &Written<'g>,
    observed: &Observed<'g>,
    data: &Data,
) -> Result<(), Error> {
    let values = written
        .column_of(observed)
        .and_then(|name| data.numbers(&name));
    let support = observed.distribution.support();
    let mut values = values.iter().flatten().enumerate();
    match values.find(|(_, y)| !support.contains(**y)) {
        None => Ok(()),
        Some((row, y)) => Err(Error::Support {
            site: observed.name.clone(),
            row,
            value: y.to_string().into(),
            distribution: observed.distribution.name(),
            support: support.to_string(),
        }),
    }
}

/// The log density of all that was seen of each row.
fn joint<'g>(written: &Written<'g>) -> Result<Var<'g>, Error> {
    let mut observed = written.observed.iter();
    let shape = observed.next().map(|observed| observed.log_prob_shape);
    match shape {
        Some(shape) if observed.all(|other| other.log_prob_shape == shape) => {
            let terms = written.observed.iter().map(|observed| observed.log_prob);
            let sum = terms.fold(Var::from(0.0), |sum, term| sum + term);
            Ok(stretched_to(sum, shape))
        }
        _ => Err(Error::OneObserved {
            found: match shape {
                Some(_) => listed(written.observed.iter().map(|observed| &observed.name)),
                None => "no variable".to_owned(),
            },
        }),
    }
}

/// Follows the mean of a variable that is a column of the data.
fn compared<'g, M: Model>(
    of: &Predictive<M>,
    written: &Written<'g>,
    observed: &Observed<'g>,
    data: &Data,
) -> Result<Option<Compared>, Error> {
    let column = written.column_of(observed);
    let seen = column.as_ref().and_then(|name| data.numbers(name));
    let Some(seen) = seen.filter(|_| observed.rows.is_none()) else {
        return Ok(None);
    };
    let task = Task::of(&*observed.distribution);
    let mean = match task.is_classes() {
        true => Probabilities::of(written, observed, task)?.p,
        false => stretched_to(observed.distribution.mean(), observed.shape),
    };
    running_mean(&written.step, MEAN, mean);
    let (_, unit) = of.scale(column, task);
    Ok(Some(Compared {
        task,
        seen,
        width: observed.shape.elements(),
        unit,
    }))
}
