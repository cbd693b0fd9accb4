//! Which classes are taken for which.

use std::fmt;

use super::classification::Rows;
use super::{ScoreError, predicted_classes};

/// How often each class was predicted for each label.
///
/// ```
/// use bayes_nn::scores::ConfusionMatrix;
/// let probabilities = [0.7, 0.2, 0.1, 0.1, 0.6, 0.3, 0.2, 0.5, 0.3, 0.1, 0.1, 0.8];
/// let matrix = ConfusionMatrix::of(&probabilities, &[0.0, 1.0, 2.0, 2.0])?;
/// assert_eq!(matrix.count(2, 1), 1);
/// assert_eq!(matrix.recall(2), Some(0.5));
/// assert_eq!(matrix.precision(1), Some(0.5));
/// assert_eq!(matrix.confused()[0], (2, 1, 1));
/// println!("{matrix}");
/// # Ok::<(), bayes_nn::scores::ScoreError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    /// Row-major `[label, predicted]`.
    counts: Vec<usize>,
    names: Vec<String>,
}

impl ConfusionMatrix {
    /// Of probabilities `[n]` or `[n, classes]`, of which the most probable class is predicted, and
    /// labels `[n]`.
    ///
    /// # Errors
    /// As [`accuracy`](super::accuracy).
    pub fn of(probabilities: &[f64], y: &[f64]) -> Result<ConfusionMatrix, ScoreError> {
        let classes = Rows::check(probabilities, y)?.classes();
        let mut counts = vec![0; classes * classes];
        let predicted = predicted_classes(probabilities, y.len())?;
        for (label, predicted) in y.iter().zip(predicted) {
            counts[*label as usize * classes + predicted as usize] += 1;
        }
        let names = (0..classes).map(|class| class.to_string()).collect();
        Ok(ConfusionMatrix {
            classes,
            counts,
            names,
        })
    }

    /// With names of the first classes in place of numbers.
    #[must_use]
    pub fn with_names<S: AsRef<str>>(mut self, names: &[S]) -> ConfusionMatrix {
        for (own, name) in self.names.iter_mut().zip(names) {
            *own = name.as_ref().to_owned();
        }
        self
    }

    /// The names of the classes; their numbers, unless others were given.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// In how many rows `predicted` was predicted for `label`; 0 for what is no class.
    pub fn count(&self, label: usize, predicted: usize) -> usize {
        match label.max(predicted) < self.classes {
            true => self.counts[label * self.classes + predicted],
            false => 0,
        }
    }

    /// The share of the rows with this label that were predicted so; `None` without such rows.
    pub fn recall(&self, class: usize) -> Option<f64> {
        self.share(class, |other| self.count(class, other))
    }

    /// The share of the rows predicted as this class that have the label; `None` without such rows.
    pub fn precision(&self, class: usize) -> Option<f64> {
        self.share(class, |other| self.count(other, class))
    }

    fn share(&self, class: usize, count: impl Fn(usize) -> usize) -> Option<f64> {
        let all: usize = (0..self.classes).map(count).sum();
        (all > 0).then(|| self.count(class, class) as f64 / all as f64)
    }

    /// What was predicted wrongly, the most frequent first: label, prediction, and number of rows.
    pub fn confused(&self) -> Vec<(usize, usize, usize)> {
        let pairs = (0..self.classes).flat_map(|l| (0..self.classes).map(move |p| (l, p)));
        let wrong = pairs.filter(|(label, predicted)| label != predicted);
        let counted = wrong.map(|(label, p)| (label, p, self.count(label, p)));
        let mut confused: Vec<_> = counted.filter(|(_, _, count)| *count > 0).collect();
        confused.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
        confused
    }
}

impl fmt::Display for ConfusionMatrix {
    /// A line for each label, with the counts of all predictions and the recall.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let largest = self.counts.iter().max().copied().unwrap_or(0);
        let length = |name: &String| name.chars().count();
        let longest = self.names.iter().map(length).max().unwrap_or(0);
        // Of classes without names as wide as their number is.
        let of_names = longest.max(self.classes.to_string().len());
        let width = largest.to_string().len().max(of_names) + 1;
        let first = longest.max(17);
        write!(f, "{:<first$}", "label \\ predicted")?;
        for name in &self.names {
            write!(f, "{name:>width$}")?;
        }
        write!(f, "   recall")?;
        for (label, name) in self.names.iter().enumerate() {
            write!(f, "\n{name:>first$}")?;
            for predicted in 0..self.classes {
                write!(f, "{:>width$}", self.count(label, predicted))?;
            }
            match self.recall(label) {
                Some(recall) => write!(f, "  {:>6.2} %", 100.0 * recall)?,
                None => write!(f, "  no rows")?,
            }
        }
        Ok(())
    }
}
