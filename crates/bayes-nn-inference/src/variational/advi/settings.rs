//! The settings of ADVI: a builder that is checked when it is used.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use bayes_nn_autodiff::MOST_DRAWS;
use bayes_nn_kernels::{Backend, Device, Precision};

use super::family::Family;
use super::guide::Forms;
use super::warm::WarmStart;
use crate::check::{MOST_RUNS, at_least_one, count, positive, setting};
use crate::{
    ConvergenceTest, Density, InferenceError, Optimizer, Progress, Schedule, Snapshot, Start,
};

/// How the gradient of the ELBO is estimated from draws of the guide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Estimator {
    /// The entropy of the guide in closed form, only the log density by draws.
    #[default]
    AnalyticEntropy,
    /// Both by the same draws, without the score of the guide: the noise of the gradient goes to
    /// zero as the guide comes near the posterior (Roeder, Wu and Duvenaud 2017, "Sticking the
    /// landing", equation 8).
    StickingTheLanding,
}

/// The most coordinates of a density that is fitted by natural gradients: a step of a full-rank
/// guide takes a time that grows with their cube.
pub const MOST_COORDINATES: usize = 300;

/// Steps of an optimiser, the share of them over which a guide is averaged, and its standard
/// deviations at the start, unless set or a network's.
const STEPS: u64 = 20_000;
const AVERAGED: f64 = 0.25;
pub(super) const INITIAL_SD: f64 = 0.1;

/// The most draws that measure a final ELBO: their error is a thousandth of the ELBO's spread.
const MOST_ELBO_DRAWS: usize = 1_000_000;

pub(crate) type Callback = Arc<Mutex<dyn FnMut(&Snapshot<'_>) -> ControlFlow<()> + Send>>;

/// Settings of a variational fit.
///
/// # How it goes
/// Nothing but a family is needed. A density of up to [300](MOST_COORDINATES) coordinates in double
/// precision, such as a model as a function, is then fitted by natural gradients: from the best of
/// four starts of a quasi-Newton ascent, in steps measured in the guide's own spread, until steps of
/// half the size change no mean by more than 0.05 of its standard deviation and no standard
/// deviation by more than 5 %. That takes some thousand gradients, and never more than 100,000 by
/// much: where they do not suffice, the fit has not [converged](AdviFit::convergence).
///
/// Any other density, and any fit for which [`Advi::steps`], [`Advi::batch`], [`Advi::samples`], an
/// optimiser or another of its settings is set, is fitted by stochastic gradient ascent: 20,000
/// steps of Adam unless set.
///
/// ```
/// use bayes_nn_inference::{Advi, Schedule};
/// let advi = Advi::mean_field().steps(20_000).batch(50).seed(1)
///     .schedule(Schedule::Cosine { last: 0.05 });
/// ```
///
/// Nothing is checked until the fit: a setting outside its range is then an
/// [`InferenceError::Setting`] that names it.
#[derive(Clone)]
#[must_use = "settings do nothing until `fit`"]
pub struct Advi {
    pub(crate) family: Family,
    /// Whether a setting of stochastic gradient ascent was set.
    pub(crate) by_optimizer: bool,
    pub(crate) steps: Option<u64>,
    pub(crate) samples: usize,
    pub(crate) estimator: Estimator,
    pub(crate) products: Option<bool>,
    pub(crate) expectations: Option<bool>,
    pub(crate) optimizer: Optimizer,
    /// That of the optimiser unless set.
    pub(crate) schedule: Option<Schedule>,
    pub(crate) learning_rate: Option<f64>,
    pub(crate) batch: Option<usize>,
    pub(crate) averaging: Option<f64>,
    pub(crate) restarts: usize,
    pub(crate) seed: u64,
    /// That of the density unless set; always set in the settings that a fit keeps.
    pub(crate) precision: Option<Precision>,
    pub(crate) device: Device,
    pub(crate) threads: Option<usize>,
    pub(crate) convergence: Option<ConvergenceTest>,
    pub(crate) stop_when_converged: Option<bool>,
    pub(crate) initial_sd: Option<f64>,
    pub(crate) start: Start,
    pub(crate) warm_start: Option<Arc<WarmStart>>,
    /// How many starts were tried before.
    pub(crate) tries: u32,
    pub(crate) elbo_draws: usize,
    pub(crate) every: u64,
    pub(crate) callback: Option<Callback>,
    pub(crate) progress: Option<Arc<dyn Progress>>,
}

impl Advi {
    pub(super) fn new(family: Family) -> Advi {
        Advi {
            family,
            by_optimizer: false,
            steps: None,
            samples: 1,
            estimator: Estimator::default(),
            products: None,
            expectations: None,
            optimizer: Optimizer::default(),
            schedule: None,
            learning_rate: None,
            batch: None,
            averaging: None,
            restarts: 1,
            seed: 0,
            precision: None,
            device: Device::default(),
            threads: None,
            convergence: None,
            stop_when_converged: None,
            initial_sd: None,
            start: Start::Prior,
            warm_start: None,
            tries: 0,
            elbo_draws: 1000,
            every: 256,
            callback: None,
            progress: None,
        }
    }

    /// A guide of independent normals.
    pub fn mean_field() -> Advi {
        Advi::new(Family::MeanField)
    }

    /// A guide with any covariance.
    pub fn full_rank() -> Advi {
        Advi::new(Family::FullRank)
    }

    /// Steps of the optimiser: so many, and no more. 20,000 where an optimiser is used and nothing
    /// is set.
    pub fn steps(mut self, steps: u64) -> Advi {
        self.by_optimizer = true;
        self.steps = Some(steps);
        self
    }

    /// Draws of the guide in each step, 1 unless set, [`MOST_DRAWS`] at most.
    pub fn samples(mut self, samples: usize) -> Advi {
        self.by_optimizer = true;
        self.samples = samples;
        self
    }

    /// How gradients are estimated.
    pub fn estimator(mut self, estimator: Estimator) -> Advi {
        self.by_optimizer = true;
        self.estimator = estimator;
        self
    }

    /// Draws the product of a weight with its input instead of the weight, where the model says
    /// so (`Trace::times`, as dense layers do) and the weight meets nothing else: rows then have
    /// noise of their own, and the gradient less variance (Kingma, Salimans and Welling 2015,
    /// "Variational dropout and the local reparameterization trick"). For models whose rows are
    /// independent given the weights, and mean-field guides; off unless set.
    pub fn local_reparameterization(mut self, local: bool) -> Advi {
        self.by_optimizer = true;
        self.products = Some(local);
        self
    }

    /// Takes the expectation of a prior's log density under the guide in closed form where there is
    /// one, as of normal and Laplace priors under independent normals (Blundell et al. 2015,
    /// "Weight uncertainty in neural networks", section 3.2 has the alternative, by draws): the
    /// divergence of guide and prior then has no noise. Not with [`Estimator::StickingTheLanding`],
    /// which needs both by the same draws; off unless set.
    pub fn closed_form_priors(mut self, closed: bool) -> Advi {
        self.by_optimizer = true;
        self.expectations = Some(closed);
        self
    }

    /// The optimiser, Adam unless set.
    pub fn optimizer(mut self, optimizer: Optimizer) -> Advi {
        self.by_optimizer = true;
        self.optimizer = optimizer;
        self
    }

    /// How the learning rate changes; unless set, [`Optimizer::default_schedule`].
    pub fn schedule(mut self, schedule: Schedule) -> Advi {
        self.by_optimizer = true;
        self.schedule = Some(schedule);
        self
    }

    /// The learning rate; unless set, [`Optimizer::default_learning_rate`].
    pub fn learning_rate(mut self, rate: f64) -> Advi {
        self.by_optimizer = true;
        self.learning_rate = Some(rate);
        self
    }

    /// Rows in each minibatch; all rows unless set. Batches are consecutive pieces of random
    /// permutations of the rows, and the ELBO stays in nats of the full data.
    pub fn batch(mut self, rows: usize) -> Advi {
        self.by_optimizer = true;
        self.batch = Some(rows);
        self
    }

    /// The share of the steps, at the end, over which the guide's parameters are averaged
    /// (Polyak and Juditsky 1992). 0.25 unless set; 0 takes the last step's. A fit that stops
    /// before that share begins takes the last step's, too.
    pub fn averaging(mut self, share: f64) -> Advi {
        self.by_optimizer = true;
        self.averaging = Some(share);
        self
    }

    /// Fits from several starts, of which the one with the highest final ELBO is kept and all
    /// are reported. Restart `r` runs with the seed plus `r`, so that each can be run alone.
    ///
    /// On the CPU restarts are dealt to threads ([`Advi::threads`]). A GPU runs all of them in the
    /// same launches, each on a multiprocessor of its own while there are any, if the step is tiny:
    /// if its values fit the memory that the threads of a multiprocessor share, as those of the
    /// two-moons network do. They then stop, fail and converge one by one as they would alone.
    pub fn restarts(mut self, restarts: usize) -> Advi {
        self.restarts = restarts;
        self
    }

    /// The seed of everything random. The same seed gives the same bits.
    pub fn seed(mut self, seed: u64) -> Advi {
        self.seed = seed;
        self
    }

    /// The numbers to calculate with; unless set `F32` of
    /// [networks](crate::Density::is_network), `F64` of models as functions, which
    /// GPUs without fast double precision take much longer for. A network that is written as a
    /// function is told `F32`.
    ///
    /// Where single precision cannot tell values of the data apart, or a mean of the guide moves by
    /// less than its digits show, the fit has [not converged](crate::Convergence::too_coarse), and
    /// says so.
    pub fn precision(mut self, precision: Precision) -> Advi {
        self.precision = Some(precision);
        self
    }

    /// Where the fit runs, the CPU unless set; predictions from it run there, too. Noise and
    /// minibatches are the same on every device.
    ///
    /// A group of `R` devices ([`Device::cuda_group`]) takes the same steps as one, up to rounding:
    /// each has `B / R` rows of every minibatch of [`Advi::batch`] rows, or of all rows, and one
    /// mean over their gradients and ELBOs makes one step of them. `B` has to be a multiple of `R`,
    /// and the density a sum over rows, as for minibatches. Each device holds all data. Restarts
    /// run one after another, and predictions on the first device.
    pub fn device(mut self, device: Device) -> Advi {
        self.device = device;
        self
    }

    /// How many restarts may run at the same time on threads of this machine; as many as it has
    /// unless set. Results do not depend on it. Restarts that a GPU runs together need no threads.
    pub fn threads(mut self, threads: usize) -> Advi {
        self.threads = Some(threads);
        self
    }

    /// The test by which every fit reports whether it converged.
    pub fn convergence(mut self, test: ConvergenceTest) -> Advi {
        self.by_optimizer = true;
        self.convergence = Some(test);
        self
    }

    /// Stops as soon as the convergence test passes. Averaging begins only in the last share of
    /// all steps: see [`Advi::averaging`].
    pub fn stop_when_converged(mut self) -> Advi {
        self.by_optimizer = true;
        self.stop_when_converged = Some(true);
        self
    }

    /// The guide's standard deviations at the start, 0.1 unless set.
    pub fn initial_sd(mut self, sd: f64) -> Advi {
        self.by_optimizer = true;
        self.initial_sd = Some(sd);
        self
    }

    /// Where the guide's means begin: a prior draw unless set, which is far from everything where
    /// a prior is vague.
    pub fn start_at(mut self, start: Start) -> Advi {
        self.start = start;
        self
    }

    /// At most so many draws, each on the full data, measure the ELBO of the finished fit; 1000
    /// unless set, a million at most. Fewer are made when its standard error falls to a ten-thousandth of it.
    pub fn elbo_draws(mut self, draws: usize) -> Advi {
        self.elbo_draws = draws;
        self
    }

    /// Steps between two looks at the fit: of the checks for numbers that are not finite, of the
    /// callback, of progress and of the convergence test, which is also made after each of its
    /// windows. 256 unless set.
    pub fn every(mut self, steps: u64) -> Advi {
        self.every = steps;
        self
    }

    /// Called after every [`Advi::every`] steps; `ControlFlow::Break(())` ends the fit there.
    /// Restarts that run at the same time take turns.
    pub fn callback(
        mut self,
        callback: impl FnMut(&Snapshot<'_>) -> ControlFlow<()> + Send + 'static,
    ) -> Advi {
        self.callback = Some(Arc::new(Mutex::new(callback)));
        self
    }

    /// Shows progress.
    pub fn progress(mut self, progress: impl Progress + 'static) -> Advi {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// The minibatch size, unless all rows are used.
    pub fn batch_rows(&self) -> Option<usize> {
        self.batch
    }

    /// Whether a density is fitted by natural gradients, or its mode is climbed to by L-BFGS.
    pub(crate) fn goes_by_natural_gradients(&self, density: &dyn Density) -> bool {
        !self.by_optimizer
            && self.device.is_cpu()
            && self.device.ranks() == 1
            && self.precision.unwrap_or(density.default_precision()) == Precision::F64
            && density.dim() <= MOST_COORDINATES
            && (self.family == Family::Point || density.sites().iter().all(|site| !site.point))
    }

    pub(crate) fn step_count(&self) -> u64 {
        self.steps.unwrap_or(STEPS)
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

    /// Checks every setting; `rows` are those of the density.
    pub(crate) fn check(&self, rows: Option<usize>) -> Result<(), InferenceError> {
        at_least_one("steps", self.step_count())?;
        count("samples", self.samples, MOST_DRAWS)?;
        count("restarts", self.restarts, MOST_RUNS)?;
        at_least_one("every", self.every)?;
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
            .field("samples", &self.samples)
            .field("estimator", &self.estimator)
            .field("local_reparameterization", &self.products)
            .field("closed_form_priors", &self.expectations)
            .field("optimizer", &self.optimizer)
            .field("schedule", &self.rate_schedule())
            .field("learning_rate", &self.rate())
            .field("batch", &self.batch)
            .field("averaging", &self.averaging)
            .field("restarts", &self.restarts)
            .field("seed", &self.seed)
            .field("precision", &self.precision)
            .field("device", &self.device)
            .field("initial_sd", &self.initial_sd)
            .finish_non_exhaustive()
    }
}
