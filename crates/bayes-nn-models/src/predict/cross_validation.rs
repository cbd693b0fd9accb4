//! Cross-validation: fits to all folds but one, scored on that one.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Score;
use crate::data::{Dataset, Split};
use crate::error::Error;

/// The scores of the folds of a data set: [`Dataset::cross_validate`].
#[derive(Clone, Debug, PartialEq)]
pub struct CrossValidation {
    scores: Vec<Score>,
    rows: Vec<usize>,
}

impl CrossValidation {
    /// The score of each fold.
    pub fn scores(&self) -> &[Score] {
        &self.scores
    }

    /// Mean over folds and standard error of any number of their scores. Folds share training rows, so
    /// that the error is rather too small (Y. Bengio and Y. Grandvalet 2004).
    pub fn estimate(&self, of: impl Fn(&Score) -> f64) -> (f64, f64) {
        let n = self.scores.len() as f64;
        let mean = self.scores.iter().map(&of).sum::<f64>() / n;
        let squares = self.scores.iter().map(|score| (of(score) - mean).powi(2));
        (mean, (squares.sum::<f64>() / (n - 1.0) / n).sqrt())
    }
}

impl Dataset {
    /// Scores a model by so many [folds](Dataset::folds): `score` fits it to the first set and scores
    /// the fit on the second. Folds run on all threads of the machine.
    ///
    /// ```
    /// use bayes_nn::data::Split;
    /// use bayes_nn::prelude::*;
    /// let data = datasets::moons(90, 0.2, 0)?;
    /// let bnn = Bnn::new(Mlp::new([2, 8, 1]), Bernoulli);
    /// let scores = data.cross_validate(3, Split::Stratified, 0, |train, test| {
    ///     bnn.fit(train, &Advi::mean_field().steps(1_000))?.score(test, Predict::draws(50))
    /// })?;
    /// println!("{scores}");
    /// let (accuracy, error) = scores.estimate(|s| s.classification().unwrap().accuracy);
    /// assert!(accuracy > 0.75 && error < 0.1, "{scores}");
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Dataset::folds`]; the error of the first fold that has one.
    pub fn cross_validate(
        &self,
        folds: usize,
        split: Split<'_>,
        seed: u64,
        score: impl Fn(&Dataset, &Dataset) -> Result<Score, Error> + Sync,
    ) -> Result<CrossValidation, Error> {
        let folds = self.folds(folds, split, seed)?;
        let next = AtomicUsize::new(0);
        let scores: Mutex<Vec<_>> = Mutex::new(folds.iter().map(|_| None).collect());
        let work = || {
            loop {
                let fold = next.fetch_add(1, Ordering::Relaxed);
                let Some((train, test)) = folds.get(fold) else {
                    return;
                };
                let scored = score(train, test);
                scores.lock().expect("no fold panics with the lock held")[fold] = Some(scored);
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        std::thread::scope(|scope| {
            for _ in 1..threads.min(folds.len()) {
                scope.spawn(work);
            }
            work();
        });
        let scores = scores
            .into_inner()
            .expect("no fold panics with the lock held");
        Ok(CrossValidation {
            scores: scores.into_iter().flatten().collect::<Result<_, _>>()?,
            rows: folds.iter().map(|(_, test)| test.rows()).collect(),
        })
    }
}

/// What is shown of a score.
fn columns(score: &Score) -> [(&'static str, f64); 3] {
    match score {
        Score::Classification(score) => [
            ("accuracy", score.accuracy),
            ("log loss", score.log_loss),
            ("Brier", score.brier),
        ],
        Score::Regression(score) => [
            ("RMSE", score.rmse),
            ("log likelihood", score.log_likelihood),
            ("coverage", score.coverage),
        ],
    }
}

impl fmt::Display for CrossValidation {
    /// A line for each fold, then means and standard errors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.scores.first() else {
            return Ok(());
        };
        write!(f, "{:<10} {:>8}", "fold", "rows")?;
        for (name, _) in columns(first) {
            write!(f, " {name:>14}")?;
        }
        for (fold, (score, rows)) in self.scores.iter().zip(&self.rows).enumerate() {
            write!(f, "\n{:<10} {rows:>8}", fold + 1)?;
            for (_, value) in columns(score) {
                write!(f, " {value:>14.4}")?;
            }
        }
        let estimates = [0, 1, 2].map(|at| self.estimate(|score| columns(score)[at].1));
        write!(f, "\n{:<19}", "mean")?;
        for (mean, _) in estimates {
            write!(f, " {mean:>14.4}")?;
        }
        write!(f, "\n{:<19}", "standard error")?;
        for (_, error) in estimates {
            write!(f, " {error:>14.4}")?;
        }
        Ok(())
    }
}
