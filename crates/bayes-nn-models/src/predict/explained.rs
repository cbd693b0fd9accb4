//! How much of its own rows a fit explains.

use std::fmt;

use bayes_nn_autodiff::Graph;

use super::agreement::{ROWS, rows_of};
use super::moments::{moments, plogp};
use super::tiles::Tiles;
use super::{Predict, Task, likelihood};
use crate::data::random::Random;
use crate::model::{Data, Model, Posterior, Predictive};

/// Draws of the fit.
const DRAWS: usize = 100;
/// The largest share of a fit that explains nothing.
const NOTHING: f64 = 0.02;
/// Nats a row by which targets are likelier given their own rows than given others, at the most, where rows
/// do not tell them apart.
const ALIKE: f64 = 0.02;

/// How much of the rows that a network was fitted to it explains, beside the best prediction that is the same
/// for all rows: of numbers the share of their variance that predicted means explain, of classes the share of
/// their entropy that predicted probabilities remove (McFadden 1974, "Conditional logit analysis of
/// qualitative choice behavior", equation 28).
///
/// It is of rows that the network has seen, and says nothing of new ones. But a fit that does not explain its own
/// rows has found nothing, however well it converged: where rows are few and weights many, the ELBO of
/// a guide of independent normals can be largest at the prior.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Explained {
    /// Rows of the data, at most 200, taken evenly; of a stream of its first.
    pub rows: usize,
    /// 1 where every row is predicted as it is, 0 or less where a constant predicts as well.
    pub share: f64,
    /// Whether the targets are classes.
    pub of_classes: bool,
    /// Whether nothing is explained: a share of 2 % or less, and targets that are no likelier given
    /// their own rows than given others, as they are where spreads or several peaks are predicted.
    pub is_nothing: bool,
}

impl Explained {
    /// Of a fit and its data. None of models that observe several variables, of data with missing values, of
    /// targets that are all the same, and where a prediction is not finite.
    pub(crate) fn of<M: Model>(of: &Predictive<M>) -> Option<Explained> {
        let data = rows_of(&of.data)?;
        let column = target_of(of, &data)?;
        let (task, predicted) = moments(of, &data, Predict::draws(DRAWS)).ok()?;
        let (offset, unit) = of.scale(Some(column.clone()), task);
        let y = data.numbers(&column)?;
        let y: Vec<f64> = y.iter().map(|y| offset + unit * y).collect();
        let share = match task.is_classes() {
            true => share_of_entropy(task, &predicted.mean, &y),
            false => share_of_variance(&predicted.mean, &y),
        };
        let is_small = share <= NOTHING;
        let is_nothing = is_small && (task.is_classes() || told_apart(of, &data, &y)? <= ALIKE);
        share.is_finite().then_some(Explained {
            rows: y.len(),
            share,
            of_classes: task.is_classes(),
            is_nothing,
        })
    }

    /// That nothing is explained, and what may help.
    pub(crate) fn warning(&self) -> Option<String> {
        self.is_nothing.then(|| {
            format!(
                "the fit predicts about the same for all rows that it learned from, and explains {share:.1} % of \
                 their {what}: either the columns say nothing of the target, or there are more weights than so \
                 few rows determine; take fewer columns or hidden units, a prior of few weights \
                 (`prior::horseshoe`), or NUTS",
                share = self.percent(),
                what = self.what(),
            )
        })
    }

    fn percent(&self) -> f64 {
        100.0 * self.share.max(0.0)
    }

    fn what(&self) -> &'static str {
        match self.of_classes {
            true => "entropy",
            false => "variance",
        }
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, what, rows) = (self.percent(), self.what(), self.rows);
        write!(f, "{percent:.1} % of the {what} of the target, in ")?;
        match rows {
            ROWS => write!(f, "{ROWS} of the rows that it learned from"),
            rows => write!(f, "the {rows} rows that it learned from"),
        }
    }
}

impl<M> Posterior<M> {
    /// How much of the rows that a network was fitted to it explains. Nothing of models as functions, of networks
    /// that observe several variables, and of data with missing values.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let x: Vec<f64> = (0..40).map(|i| f64::from(i) / 20.0 - 1.0).collect();
    /// let line: Vec<f64> = x.iter().map(|x| 2.0 * x).collect();
    /// let noise: Vec<f64> = (0..40).map(|i| f64::from(i * 17 % 40) / 20.0 - 1.0).collect();
    /// let fit = |y: &[f64]| {
    ///     let data = Data::new().column("x", &x)?.column("y", y)?;
    ///     let bnn = Bnn::new(Mlp::new([1, 3, 1]), Gaussian::new());
    ///     bnn.fit(&data, &Advi::mean_field().seed(1))
    /// };
    /// let found = fit(&line)?.explained().unwrap();
    /// assert!(found.share > 0.98 && !found.is_nothing);
    /// let nothing = fit(&noise)?;
    /// assert!(nothing.explained().unwrap().is_nothing);
    /// assert!(nothing.warnings()[0].contains("about the same for all rows"));
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn explained(&self) -> Option<Explained> {
        self.explained
    }
}

/// The column that is observed.
fn target_of<M: Model>(of: &Predictive<M>, data: &Data) -> Option<String> {
    let graph = Graph::new();
    let tiles = Tiles::new(of, data, Predict::draws(1));
    let written = tiles.write(&graph).ok()?;
    written.column_of(written.only().ok()?)
}

/// Of numbers by their predicted means; not finite where they are all the same.
fn share_of_variance(predicted: &[f64], y: &[f64]) -> f64 {
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    let squares = |of: &dyn Fn(usize) -> f64| {
        (0..y.len())
            .map(|row| (y[row] - of(row)).powi(2))
            .sum::<f64>()
    };
    1.0 - squares(&|row| predicted[row]) / squares(&|_| mean)
}

/// Of classes by their predicted probabilities `[n]` or `[n, classes]`; not finite where they are all the same.
fn share_of_entropy(task: Task, predicted: &[f64], y: &[f64]) -> f64 {
    let rows = y.len() as f64;
    let mut counts = vec![0.0; task.classes()];
    y.iter().for_each(|y| counts[*y as usize] += 1.0);
    let entropy: f64 = counts.iter().map(|count| plogp(count / rows)).sum();
    let columns = task.columns();
    let log_p = |(row, y): (usize, &f64)| match (task, *y as usize) {
        (Task::Binary, 0) => (1.0 - predicted[row]).ln(),
        (Task::Binary, _) => predicted[row].ln(),
        (_, class) => predicted[row * columns + class].ln(),
    };
    let loss: f64 = y.iter().enumerate().map(log_p).sum();
    1.0 + loss / (rows * entropy)
}

/// Nats a row by which targets are likelier given their own rows than given other ones: those half of all rows
/// away in an order by chance.
fn told_apart<M: Model>(of: &Predictive<M>, data: &Data, y: &[f64]) -> Option<f64> {
    let mut order: Vec<usize> = (0..y.len()).collect();
    Random::seed(0).shuffle(&mut order);
    let mut others = y.to_vec();
    for (place, row) in order.iter().enumerate() {
        others[*row] = y[order[(place + y.len() / 2) % y.len()]];
    }
    let mean = |y: &[f64]| {
        let densities = likelihood::log_predictive(of, data, y, Predict::draws(DRAWS)).ok()?;
        Some(densities.iter().sum::<f64>() / y.len() as f64)
    };
    Some(mean(y)? - mean(&others)?)
}
