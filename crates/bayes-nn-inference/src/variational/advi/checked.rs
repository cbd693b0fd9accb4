//! What the settings of ADVI amount to and may be, and how they are shown.

use std::fmt;

use bayes_nn_autodiff::MOST_DRAWS;
use bayes_nn_kernels::{Backend, Precision};

use super::guide::Forms;
use super::{Advi, Estimator, Family, MOST_COORDINATES};
use crate::check::{MOST_RUNS, at_least_one, count, positive, setting};
use crate::{Density, InferenceError, Schedule};

/// Steps of an optimiser, the share of them over which a guide is averaged, and its standard
/// deviations at the start, unless set or a network's.
const STEPS: u64 = 20_000;
const AVERAGED: f64 = 0.25;
/// Gradients of a natural ascent at the most, and how far apart its last two stages may be, unless
/// set. Each halving of the rate halves what is left, so that a fit is off by about twice that.
const BUDGET: u64 = 100_000;
const TOLERANCE: f64 = 0.05;
pub(super) const INITIAL_SD: f64 = 0.1;

/// The most draws that measure a final ELBO: their error is a thousandth of the ELBO's spread.
const MOST_ELBO_DRAWS: usize = 1_000_000;

impl Advi {
    /// Whether a density is fitted by natural gradients, or its mode is climbed to by L-BFGS.
    pub(crate) fn goes_by_natural_gradients(&self, density: &dyn Density) -> bool {
        !self.by_optimizer
            && self.device.is_cpu()
            && self.device.ranks() == 1
            && self.precision.unwrap_or(density.default_precision()) == Precision::F64
            && density.dim() <= MOST_COORDINATES
            && (self.family == Family::Point || density.sites().iter().all(|site| !site.point))
    }

    pub(super) fn most_gradients(&self) -> u64 {
        self.budget.unwrap_or(BUDGET)
    }

    pub(super) fn largest_move(&self) -> f64 {
        self.tolerance.unwrap_or(TOLERANCE)
    }

    /// Checks the settings of natural gradients, which say nothing to any other way to a fit.
    pub(super) fn check_ascent(&self, density: &dyn Density) -> Result<(), InferenceError> {
        at_least_one("budget", self.most_gradients())?;
        positive("tolerance", self.largest_move())?;
        if self.goes_by_natural_gradients(density) && self.family != Family::Point {
            return Ok(());
        }
        let allowed = "left out of a fit that does not go by natural gradients";
        match (self.budget, self.tolerance) {
            (Some(budget), _) => Err(setting("budget", budget, allowed)),
            (_, Some(tolerance)) => Err(setting("tolerance", tolerance, allowed)),
            (None, None) => Ok(()),
        }
    }

    pub(crate) fn step_count(&self) -> u64 {
        self.steps.unwrap_or(STEPS)
    }

    pub(crate) fn restart_count(&self) -> usize {
        self.restarts.unwrap_or(1)
    }

    /// All steps there are to be at the most, those of an extension among them.
    pub(crate) fn last_step(&self) -> u64 {
        let extended = self.extension.as_ref().map(|own| own.end());
        extended.unwrap_or(self.step_count())
    }

    /// The seed of a restart by its number.
    pub(super) fn seed_of(&self, restart: usize) -> u64 {
        self.seed.wrapping_add(restart as u64)
    }

    /// Whether restarts are compared by what they predict.
    pub(super) fn compares(&self, density: &dyn Density) -> bool {
        density.is_network() && self.restart_count() > 1
    }

    /// What a fit keeps of these settings.
    pub(super) fn recorded(&self) -> Advi {
        Advi {
            callback: None,
            progress: None,
            interrupt: None,
            checkpoint: None,
            ..self.clone()
        }
    }

    pub(crate) fn rate_schedule(&self) -> Schedule {
        let own = self.optimizer.default_schedule();
        self.schedule.unwrap_or(own)
    }

    pub(crate) fn averaged_share(&self) -> f64 {
        self.averaging.unwrap_or(AVERAGED)
    }

    /// What the guide answers in closed form.
    pub(crate) fn forms(&self) -> Forms {
        Forms {
            expectations: self.expectations.unwrap_or(false),
            products: self.products.unwrap_or(false),
        }
    }

    pub(crate) fn rate(&self) -> f64 {
        self.learning_rate
            .unwrap_or(self.optimizer.default_learning_rate(self.family))
    }

    /// How many rows a rank of the device takes in a step: its part of the minibatch, where all
    /// rows are one minibatch if none is set. `None` where there is one rank and all rows are its.
    pub(crate) fn rows_of_rank(&self, rows: Option<usize>) -> Option<usize> {
        match self.device.ranks() {
            1 => self.batch,
            ranks => self.batch.or(rows).map(|rows| rows / ranks),
        }
    }

    /// Checks that the ranks of the device can have equal parts of what a step takes.
    fn check_ranks(&self, rows: Option<usize>) -> Result<(), InferenceError> {
        let ranks = self.device.ranks();
        match (rows, self.batch) {
            _ if ranks == 1 => Ok(()),
            (None, _) => {
                let allowed = "one device: the density has no rows to deal to several";
                Err(setting("device", &self.device, allowed))
            }
            (Some(rows), batch) if !batch.unwrap_or(rows).is_multiple_of(ranks) => {
                let value = match batch {
                    Some(batch) => batch.to_string(),
                    None => format!("unset, hence all {rows} rows"),
                };
                let allowed = format!("a multiple of {ranks}, the ranks of {}", self.device);
                Err(setting("batch", value, allowed))
            }
            (Some(_), _) => Ok(()),
        }
    }

    /// Checks that rows that are streamed come in minibatches, to one device.
    pub(super) fn check_streamed(&self, density: &dyn Density) -> Result<(), InferenceError> {
        let set = |field, value: &dyn fmt::Display, allowed| Err(setting(field, value, allowed));
        match (density.is_streamed(), self.batch) {
            (true, None) => set(
                "batch",
                &"unset",
                "the rows of a minibatch: those of the data are streamed, and never there all at once",
            ),
            (true, Some(_)) if self.device.ranks() > 1 => set(
                "device",
                &self.device,
                "one device: rows that are streamed are not dealt to several",
            ),
            _ => Ok(()),
        }
    }

    /// Checks every setting; `rows` are those of the density.
    pub(crate) fn check(&self, rows: Option<usize>) -> Result<(), InferenceError> {
        at_least_one("steps", self.step_count())?;
        count("samples", self.samples, MOST_DRAWS)?;
        count("restarts", self.restart_count(), MOST_RUNS)?;
        at_least_one("every", self.every)?;
        self.check_checkpoint()?;
        at_least_one("threads", self.threads.unwrap_or(1) as u64)?;
        if self.elbo_draws < 2 {
            return Err(setting("elbo_draws", self.elbo_draws, "2 or more"));
        }
        count("elbo_draws", self.elbo_draws, MOST_ELBO_DRAWS)?;
        if self.forms().expectations && self.estimator == Estimator::StickingTheLanding {
            let allowed =
                "false with the estimator StickingTheLanding, which takes priors by draws";
            return Err(setting("closed_form_priors", true, allowed));
        }
        positive("learning_rate", self.rate())?;
        positive("initial_sd", self.initial_sd.unwrap_or(INITIAL_SD))?;
        let averaging = self.averaged_share();
        if !(0.0..=1.0).contains(&averaging) {
            return Err(setting("averaging", averaging, "between 0 and 1"));
        }
        if let Some(batch) = self.batch {
            at_least_one("batch", batch as u64)?;
            match rows {
                Some(rows) if batch <= rows => {}
                Some(rows) => {
                    let allowed = format!("at most {rows}, the rows of the data set");
                    return Err(setting("batch", batch, allowed));
                }
                None => {
                    let allowed = "left out: the density has no rows to draw from";
                    return Err(setting("batch", batch, allowed));
                }
            }
        }
        self.check_ranks(rows)?;
        self.optimizer.check()?;
        self.optimizer.check_fit(self.family, self.step_count())?;
        if let Some(warm_start) = &self.warm_start {
            warm_start.check()?;
        }
        self.rate_schedule().check()?;
        self.convergence.unwrap_or_default().validate()
    }
}

impl fmt::Debug for Advi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Advi")
            .field("family", &self.family)
            .field("steps", &self.steps)
            .field("budget", &self.budget)
            .field("tolerance", &self.tolerance)
            .field("samples", &self.samples)
            .field("estimator", &self.estimator)
            .field("local_reparameterization", &self.products)
            .field("closed_form_priors", &self.expectations)
            .field("temperature", &self.temperature)
            .field("kl_annealing", &self.kl_annealing)
            .field("optimizer", &self.optimizer)
            .field("schedule", &self.rate_schedule())
            .field("learning_rate", &self.rate())
            .field("batch", &self.batch)
            .field("averaging", &self.averaging)
            .field("restarts", &self.restart_count())
            .field("seed", &self.seed)
            .field("precision", &self.precision)
            .field("device", &self.device)
            .field("initial_sd", &self.initial_sd)
            .finish_non_exhaustive()
    }
}
