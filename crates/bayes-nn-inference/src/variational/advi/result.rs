//! The result of a fit.

use std::fmt;
use std::sync::Arc;

use super::{Advi, AdviParts, Approximation};
use crate::{Convergence, HeldOutScore, InferenceError};

/// The ELBO of a finished fit in nats of the full data: a lower bound of the log evidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elbo {
    /// The mean over draws of the guide.
    pub mean: f64,
    /// Its Monte Carlo standard error.
    pub mcse: f64,
}

impl Elbo {
    pub(crate) fn of(values: &[f64]) -> Elbo {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        Elbo {
            mean,
            mcse: (squares / (n - 1.0) / n).sqrt(),
        }
    }
}

impl fmt::Display for Elbo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ± {:.2} nats", self.mean, self.mcse)
    }
}

/// Why a fit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// All steps were done.
    Steps,
    /// The convergence test passed, see [`crate::Advi::stop_when_converged`].
    Converged,
    /// The callback asked for it.
    Callback,
    /// Held-out rows were predicted no better for as long as [`crate::Advi::patience`] says.
    Validation,
    /// [`crate::Advi::interrupt`] was asked for it, or the fit is a
    /// [checkpoint](crate::Advi::checkpoint).
    Interrupted,
}

/// A score of held-out rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Steps done.
    pub step: u64,
    /// How well the guide predicted after them.
    pub score: HeldOutScore,
}

/// The ELBO of every step, and the scores of rows that were held out.
#[derive(Clone, Default, PartialEq)]
pub struct Curve {
    pub(super) elbos: Vec<f64>,
    /// Seconds since the first step, after so many steps.
    pub(super) clock: Vec<(usize, f64)>,
    pub(super) scores: Vec<Scored>,
    /// The place of the best of them.
    pub(super) best: Option<usize>,
}

impl Curve {
    /// A curve of one ELBO a step, with [readings of the clock](Curve::clock).
    ///
    /// ```
    /// use bayes_nn_inference::Curve;
    /// let curve = Curve::new(vec![-3.0, -2.0, -1.5], vec![(2, 0.1), (3, 0.2)])?;
    /// assert_eq!(curve.seconds(), [0.05, 0.1, 0.2]);
    /// assert!(Curve::new(vec![-3.0], vec![(2, 0.1)]).is_err());
    /// # Ok::<(), bayes_nn_inference::InferenceError>(())
    /// ```
    ///
    /// # Errors
    /// Readings after no step, not in the order of their steps, beyond the last, or whose times fall.
    pub fn new(elbos: Vec<f64>, clock: Vec<(usize, f64)>) -> Result<Curve, InferenceError> {
        let mut before = (0, 0.0);
        for &(steps, seconds) in &clock {
            let in_order = steps > before.0 && steps <= elbos.len();
            if !(in_order && seconds >= before.1 && seconds.is_finite()) {
                return Err(InferenceError::Parts {
                    problem: format!(
                        "has a clock that reads {seconds} s after {steps} of {} steps, and {} s \
                         after {} before",
                        elbos.len(),
                        before.1,
                        before.0
                    ),
                });
            }
            before = (steps, seconds);
        }
        Ok(Curve {
            elbos,
            clock,
            ..Curve::default()
        })
    }

    /// The same with scores of held-out rows.
    ///
    /// # Errors
    /// Scores after no step, not in the order of their steps, or beyond the last.
    pub fn with_scores(self, scores: Vec<Scored>) -> Result<Curve, InferenceError> {
        let mut before = 0;
        for Scored { step, .. } in &scores {
            if *step <= before || *step > self.elbos.len() as u64 {
                return Err(InferenceError::Parts {
                    problem: format!(
                        "has a score after {step} of {} steps, and one after {before} before",
                        self.elbos.len()
                    ),
                });
            }
            before = *step;
        }
        Ok(Curve { scores, ..self }.counted_from(0))
    }

    /// The same, of which no score before a step is the best.
    pub(super) fn counted_from(mut self, step: u64) -> Curve {
        self.best = None;
        for (place, scored) in self.scores.iter().enumerate() {
            let best = self.best.map(|best| self.scores[best].score.log_likelihood);
            let better = |best| scored.score.log_likelihood > best;
            if scored.step >= step && best.is_none_or(better) {
                self.best = Some(place);
            }
        }
        self
    }

    /// The readings of the clock: after how many steps, and how many seconds since the first.
    pub fn clock(&self) -> &[(usize, f64)] {
        &self.clock
    }

    /// One estimate a step, in nats of the full data.
    pub fn elbos(&self) -> &[f64] {
        &self.elbos
    }

    /// Seconds from the first step to the end of each step; between two readings of the clock
    /// (every [`crate::Advi::every`] steps) steps are taken as equally long.
    pub fn seconds(&self) -> Vec<f64> {
        let mut seconds = Vec::with_capacity(self.elbos.len());
        let mut before = (0, 0.0);
        for &(steps, time) in &self.clock {
            let length = (time - before.1) / (steps - before.0) as f64;
            seconds.extend((1..=steps - before.0).map(|i| before.1 + length * i as f64));
            before = (steps, time);
        }
        seconds
    }

    /// The scores of held-out rows, in the order of their steps; none without such rows.
    pub fn scores(&self) -> &[Scored] {
        &self.scores
    }

    /// The first of those with the highest log likelihood.
    pub fn best_score(&self) -> Option<&Scored> {
        self.scores.get(self.best?)
    }
}

impl fmt::Debug for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Curve({} steps)", self.elbos.len())
    }
}

/// The outcome of one restart.
#[derive(Clone, Debug)]
pub struct Restart {
    /// Its seed; a fit with this seed alone gives the same bits.
    pub seed: u64,
    /// Its final ELBO and whether it converged, or what stopped it.
    pub outcome: Result<(Elbo, Convergence), Arc<InferenceError>>,
    /// Its guide, where there are several restarts of a network: what they predict is compared.
    pub approximation: Option<Approximation>,
}

/// A finished variational fit. From its [parts](AdviFit::parts) it can be
/// [put together](AdviFit::new) again.
#[derive(Clone, Debug)]
pub struct AdviFit {
    pub(super) parts: AdviParts,
}

impl AdviFit {
    /// The fitted guide.
    pub fn approximation(&self) -> &Approximation {
        &self.parts.approximation
    }

    /// The ELBO of every step of the restart that was kept.
    pub fn curve(&self) -> &Curve {
        &self.parts.curve
    }

    /// The ELBO of the fitted guide on the full data; of a [point](super::Family::Point) the log
    /// density there, of the model's own variables.
    pub fn elbo(&self) -> Elbo {
        self.parts.elbo
    }

    /// Whether draws of the guide can be weighted to draws of the posterior, which the optimiser
    /// knows nothing of: the shape of the tail of their importance ratios, good below
    /// [0.67](crate::diagnostics::k_hat_threshold) (Yao, Vehtari, Simpson and Gelman 2018, "Yes,
    /// but did it work?"). Above 1 the guide has not the shape of the posterior: its means may be
    /// right, its standard deviations are not. Of a density that asks for
    /// double precision, whose ELBO was measured by at least 1,000 [draws](Advi::elbo_draws); in the
    /// space of a network's weights it says nothing.
    pub fn k_hat(&self) -> Option<f64> {
        self.parts.k_hat
    }

    /// Whether more steps would not have changed the guide, with the numbers behind it.
    pub fn convergence(&self) -> &Convergence {
        &self.parts.convergence
    }

    /// How many times as large as at the start standard deviations are, by site: the geometric mean
    /// over its elements. A guide that began narrow, or one whose optimiser remembers for long, may
    /// predict well and still know nothing of uncertainty: then all of them are near 1. Of mean-field
    /// fits by an optimiser, without sites that are points; nothing of others.
    pub fn sds_moved(&self) -> &[(String, f64)] {
        &self.parts.sds_moved
    }

    /// Why the fit ended.
    pub fn stop(&self) -> Stop {
        self.parts.stop
    }

    /// The seed of the restart that was kept.
    pub fn seed(&self) -> u64 {
        self.parts.seed
    }

    /// The settings of the fit, without its callback and display of progress.
    pub fn settings(&self) -> &Advi {
        &self.parts.settings
    }

    /// Steps done by the restart that was kept.
    pub fn steps(&self) -> u64 {
        self.parts.curve.elbos.len() as u64
    }

    /// Gradients of the log density that it took, each at one draw of a guide; those of the search
    /// for a start among them.
    pub fn gradients(&self) -> u64 {
        self.parts.gradients
    }

    /// Seconds that its steps took.
    pub fn seconds(&self) -> f64 {
        self.parts.seconds
    }

    /// Seconds before the first step: tracing, differentiating, compiling.
    pub fn setup_seconds(&self) -> f64 {
        self.parts.setup_seconds
    }

    /// All restarts, in the order of their seeds; a single one, too, is here.
    pub fn restarts(&self) -> &[Restart] {
        &self.parts.restarts
    }
}
