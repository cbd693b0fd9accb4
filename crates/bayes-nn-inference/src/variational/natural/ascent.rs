//! The ascent: stages of steps at one rate, each at half the rate of the one before, until the
//! averages of two stages agree.
//!
//! At a constant rate a guide ends in a stationary law around the optimum, whose mean is off by an
//! amount of the order of the rate. Its average over a stage that has become stationary is nearer
//! than any iterate (Welandawe, Andersen, Vehtari and Huggins 2022, "A framework for improving the
//! reliability of black-box variational inference", section 4), and where halving the rate no longer
//! changes the average, so would nothing that follows.

use std::ops::ControlFlow;

use bayes_nn_autodiff::noise::{self, NoiseKey};
use faer::{Mat, Scale};

use super::guide::{Batch, Guide};
use super::position::{Position, States};
use crate::log_density::{EvalError, LogDensity};
use crate::{Convergence, Evidence};

/// The noise stream of draws.
const DRAWN: u32 = 0;
/// Draws of a step at the least.
const DRAWS: usize = 16;
/// A window that moved by this share of what the one before moved is as far as the noise goes.
const STILL: f64 = 0.7;
/// Steps of a window in a row, fewer than it has, that end an ascent if most draws of each are of no
/// use: the guide is then a thousandth as wide as it was.
const MOST_LOST: u64 = 20;
/// The share of the draws of the last window that may be of no use. A guide with more of them reaches
/// where the density is 0, and has no ELBO.
const MOST_LOST_AT_LAST: f64 = 1e-3;

/// How far apart two guides are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Distance {
    /// The largest difference of means, in standard deviations.
    pub mean: f64,
    /// The largest ratio of standard deviations, as the logarithm's size.
    pub sd: f64,
}

impl Distance {
    /// Of a guide from none.
    pub const FAR: Distance = Distance {
        mean: f64::INFINITY,
        sd: f64::INFINITY,
    };

    /// Whether a guide has settled that moved so far last.
    pub fn convergence(self, end: End) -> Convergence {
        Convergence {
            converged: end == End::Converged,
            evidence: Evidence::Stages {
                mean: self.mean,
                sd: self.sd.exp_m1(),
            },
            too_coarse: false,
        }
    }

    fn of<G: Guide>(a: &G, b: &G) -> Distance {
        let (of_a, of_b) = (a.sd(), b.sd());
        let means = a.mean().iter().zip(b.mean()).zip(&of_b);
        let sds = of_a.iter().zip(&of_b);
        Distance {
            mean: means.fold(0.0, |most, ((a, b), sd)| most.max((a - b).abs() / sd)),
            sd: sds.fold(0.0, |most, (a, b)| most.max((a / b).ln().abs())),
        }
    }

    fn within(self, tolerance: f64) -> bool {
        self.mean < tolerance && self.sd < tolerance
    }
}

/// Why an ascent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Halving the rate changed nothing that matters.
    Converged,
    /// The [budget](Ascent::budget) was used up.
    Budget,
    /// Whoever looked on wanted it to end.
    Looked,
    /// Draws of the guide had no finite density, however narrow it was, or still at the end.
    Lost,
}

/// What is shown of an ascent after each of its steps.
pub(crate) struct Look<'a> {
    /// Finds the [states](Position::states) from which the ascent goes on.
    pub states: &'a dyn Fn() -> States,
    /// The mean of the guide, `[P]`.
    pub mean: &'a [f64],
    /// Finds its standard deviations, `[P]`.
    pub sd: &'a dyn Fn() -> Vec<f64>,
    /// The ELBO of each step so far, in nats.
    pub elbos: &'a [f64],
    /// Gradients so far.
    pub gradients: u64,
}

/// The ascent of a guide to a density.
pub(crate) struct Ascent<'a> {
    /// What the guide is fitted to.
    pub density: &'a mut dyn LogDensity,
    /// Of the draws.
    pub seed: u64,
    /// How far apart the averages of two stages may be at the end: means in standard deviations, and
    /// standard deviations as a ratio.
    pub tolerance: f64,
    /// Gradients at the most; a window that was begun is ended.
    pub budget: u64,
    /// Gradients that were taken before and since.
    pub gradients: u64,
    /// The ELBO of each step, in nats.
    pub elbos: Vec<f64>,
    /// Looks on, and may end it.
    pub look: &'a mut dyn FnMut(&Look<'_>) -> ControlFlow<()>,
}

/// The end of a stage: its average guide, and how far the last two windows were apart; or why the
/// ascent ended in it.
struct Stage<G> {
    average: G,
    moved: Distance,
    end: Option<End>,
}

impl Ascent<'_> {
    /// Gradients of a step of a guide of so many coordinates.
    pub fn gradients_of_a_step<G: Guide>(dim: usize) -> u64 {
        DRAWS.max(G::least_draws(dim)) as u64
    }

    /// Moves a guide from where it is until it settles, or goes on where it had. With how far the averages of
    /// the last two stages, or of the last two windows of the first, are apart; infinitely far before
    /// there are two.
    ///
    /// # Errors
    /// Those of the density.
    pub fn settle<G: Guide>(&mut self, at: &mut Position<G>) -> Result<(End, Distance), EvalError> {
        loop {
            let stage = self.stage(at)?;
            let moved = match &at.before {
                Some(before) => Distance::of(before, &stage.average),
                None => stage.moved,
            };
            let converged = at.before.is_some() && moved.within(self.tolerance);
            let end = match stage.end {
                None if converged => Some(End::Converged),
                None if self.gradients >= self.budget => Some(End::Budget),
                end => end,
            };
            let end = match end {
                Some(End::Converged | End::Budget) if at.lost > MOST_LOST_AT_LAST => {
                    Some(End::Lost)
                }
                end => end,
            };
            if stage.end.is_none() {
                at.halve_the_rate(stage.average);
            }
            if let Some(end) = end {
                return Ok((end, moved));
            }
        }
    }

    /// Moves a guide at the rate of the first stage until it only fluctuates: near the density,
    /// though not as near as it could be. With the end, if the ascent ended on the way.
    ///
    /// # Errors
    /// Those of the density.
    pub fn approach<G: Guide>(
        &mut self,
        at: &mut Position<G>,
    ) -> Result<(G, Option<End>), EvalError> {
        let stage = self.stage(at)?;
        Ok((stage.average, stage.end))
    }

    /// The average of a guide over the last of so many windows at the rate of the first stage, and of
    /// its ELBO there, in nats; nothing of a guide that is lost.
    ///
    /// # Errors
    /// Those of the density.
    pub fn windows<G: Guide>(
        &mut self,
        guide: &G,
        windows: usize,
    ) -> Result<Option<(G, f64)>, EvalError> {
        let mut at = Position::new(guide.clone());
        let mut average = None;
        for _ in 0..windows {
            self.elbos.clear();
            average = self.window(&mut at)?.ok();
            if average.is_none() {
                return Ok(None);
            }
        }
        let elbo = self.elbos.iter().sum::<f64>() / self.elbos.len() as f64;
        Ok(average
            .filter(|_| elbo.is_finite())
            .map(|average| (average, elbo)))
    }

    /// Windows of steps at one rate until the guide only fluctuates.
    fn stage<G: Guide>(&mut self, at: &mut Position<G>) -> Result<Stage<G>, EvalError> {
        loop {
            let average = match self.window(at)? {
                Ok(average) => average,
                Err(end) => {
                    let none = || (at.guide.clone(), Distance::FAR);
                    let (average, moved) = at.last.clone().unwrap_or_else(none);
                    let end = Some(end);
                    return Ok(Stage {
                        average,
                        moved,
                        end,
                    });
                }
            };
            let Some((earlier, then)) = at.last.take() else {
                at.last = Some((average, Distance::FAR));
                continue;
            };
            let moved = Distance::of(&earlier, &average);
            let shrinks = moved.mean.max(moved.sd) < STILL * then.mean.max(then.sd);
            let steps = at.steps_of_a_window();
            let fluctuates = !shrinks && then != Distance::FAR && !rises(&self.elbos, steps);
            at.last = Some((average.clone(), moved));
            let end = match moved.within(2.0 * self.tolerance) || fluctuates {
                true => None,
                false if self.gradients >= self.budget => Some(End::Budget),
                false => continue,
            };
            return Ok(Stage {
                average,
                moved,
                end,
            });
        }
    }

    /// The rest of the steps of a window, and the average guide of all; an end instead, if one comes.
    fn window<G: Guide>(&mut self, at: &mut Position<G>) -> Result<Result<G, End>, EvalError> {
        let (steps, rate) = (at.steps_of_a_window(), at.rate());
        let share = 1.0 / steps as f64;
        while at.window.steps < steps {
            let before = self.gradients;
            let batch = self.batch(&at.guide)?;
            at.window.lost += batch.lost as u64;
            at.window.gradients += self.gradients - before;
            if !batch.log_probs.is_empty() {
                self.elbos.push(at.guide.elbo(&batch));
            }
            let usable = batch.lost <= batch.log_probs.len();
            at.window.lost_in_a_row = match usable {
                true => 0,
                false => at.window.lost_in_a_row + 1,
            };
            at.guide = match at.guide.ascend(&batch, rate) {
                Some(next) if usable => next,
                _ => at.guide.narrowed(),
            };
            if at.window.lost_in_a_row > MOST_LOST {
                return Ok(Err(End::Lost));
            }
            for (sum, m) in at.window.mean.iter_mut().zip(at.guide.mean()) {
                *sum += share * m;
            }
            at.window.precision += at.guide.precision() * Scale(share);
            at.window.steps += 1;
            let look = Look {
                mean: at.guide.mean(),
                sd: &|| at.guide.sd(),
                elbos: &self.elbos,
                gradients: self.gradients,
                states: &|| at.states(),
            };
            if (self.look)(&look).is_break() {
                return Ok(Err(End::Looked));
            }
        }
        let window = at.begin_window();
        at.lost = window.lost as f64 / window.gradients as f64;
        let average = at.guide.with(window.mean, window.precision);
        Ok(Ok(average.unwrap_or_else(|| at.guide.clone())))
    }

    /// Draws of a guide, and the density there.
    fn batch<G: Guide>(&mut self, guide: &G) -> Result<Batch, EvalError> {
        let dim = guide.mean().len();
        let count = Self::gradients_of_a_step::<G>(dim) as usize;
        let key = NoiseKey {
            seed: self.seed,
            step: self.gradients,
            stream: DRAWN,
        };
        let noise = Mat::from_fn(dim, count, |i, j| match G::MIRRORED && j % 2 == 1 {
            true => -noise::normal(&key, j as u32 - 1, i as u32),
            false => noise::normal(&key, j as u32, i as u32),
        });
        let draws = guide.draws(&noise);
        let (mut log_probs, mut kept) = (Vec::new(), Vec::new());
        let mut gradients = Mat::<f64>::zeros(dim, count);
        for draw in 0..count {
            self.gradients += 1;
            let gradient = gradients.col_as_slice_mut(kept.len());
            let z = draws.col_as_slice(draw);
            let log_prob = match self.density.log_prob_grad(z, gradient) {
                Err(EvalError::Reject) => f64::NEG_INFINITY,
                log_prob => log_prob?,
            };
            if log_prob.is_finite() && gradient.iter().all(|g| g.is_finite()) {
                log_probs.push(log_prob);
                kept.push(draw);
            }
        }
        let chosen = |i: usize, j: usize| noise[(i, kept[j])];
        Ok(Batch {
            noise: Mat::from_fn(dim, kept.len(), chosen),
            gradients: gradients.subcols(0, kept.len()).to_owned(),
            log_probs,
            lost: count - kept.len(),
        })
    }
}

/// Whether the mean of the last window of ELBOs is above that of the one before by more than two
/// standard errors of the difference.
fn rises(elbos: &[f64], window: usize) -> bool {
    let moments = |values: &[f64]| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        (mean, squares / (n * (n - 1.0)))
    };
    // Steps without a usable draw have none.
    let window = window.min(elbos.len() / 2);
    let (rest, late) = elbos.split_at(elbos.len() - window);
    let (early, early_variance) = moments(&rest[rest.len() - window..]);
    let (late, late_variance) = moments(late);
    late - early > 2.0 * (early_variance + late_variance).sqrt()
}
