//! The settings of ADVI: a builder that is checked when it is used.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

#[cfg(doc)]
use {crate::InferenceError, bayes_nn_autodiff::MOST_DRAWS};

use bayes_nn_kernels::{Device, Precision};

use super::every::Checkpoint;
use super::extension::Extension;
use super::family::Family;
use super::warm::WarmStart;
use crate::{ConvergenceTest, Interrupt, Optimizer, Progress, Schedule, Snapshot, Start};

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

pub(crate) type Callback = Arc<Mutex<dyn FnMut(&Snapshot<'_>) -> ControlFlow<()> + Send>>;

/// Settings of a variational fit.
///
/// # How it goes
/// Nothing but a family is needed. A density of up to [300](MOST_COORDINATES) coordinates in double
/// precision, such as a model as a function, is then fitted by natural gradients: from the best of four
/// starts of a quasi-Newton ascent, of sixteen where these come to different modes, in steps measured
/// in the guide's own spread, until steps of half the size change no mean by more than 0.05 of its
/// standard deviation and no standard deviation by more than 5 % ([`Advi::tolerance`]). That takes some
/// thousand gradients; after 100,000 ([`Advi::budget`]) it is given up at the end of the stage in which
/// it is, and the fit has not [converged](crate::AdviFit::convergence).
///
/// A network goes by Adam, on minibatches of 32 to 128 rows where it has more than 1,024. Its weights
/// begin where [`Begin`](crate::Begin) says; products of weights are drawn instead of weights where that
/// is exact, and priors taken in closed form. The rate stays the same until the ELBO has stopped rising:
/// until in the last quarter of the steps it rose by no more than half a percent, or 0.002 nats a row.
/// Then it falls to 0 in a third as many steps. After 40,000 steps, or 20,000 of many weights, the fit
/// ends in any case, and says that it has not converged.
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
    pub(crate) budget: Option<u64>,
    pub(crate) tolerance: Option<f64>,
    pub(crate) samples: usize,
    pub(crate) estimator: Estimator,
    pub(crate) products: Option<bool>,
    pub(crate) expectations: Option<bool>,
    pub(crate) optimizer: Optimizer,
    /// That of the optimiser unless set.
    pub(crate) schedule: Option<Schedule>,
    pub(crate) learning_rate: Option<f64>,
    pub(crate) batch: Option<usize>,
    pub(crate) full_batch: bool,
    pub(crate) averaging: Option<f64>,
    pub(crate) restarts: Option<usize>,
    pub(crate) seed: u64,
    /// That of the density unless set; always set in the settings that a fit keeps.
    pub(crate) precision: Option<Precision>,
    pub(crate) device: Device,
    pub(crate) threads: Option<usize>,
    pub(crate) convergence: Option<ConvergenceTest>,
    pub(crate) stop_when_converged: Option<bool>,
    pub(crate) patience: Option<usize>,
    pub(crate) temperature: Option<f64>,
    pub(crate) kl_annealing: Option<f64>,
    pub(crate) initial_sd: Option<f64>,
    pub(crate) start: Option<Start>,
    pub(crate) warm_start: Option<Arc<WarmStart>>,
    /// How many starts were tried before.
    pub(crate) tries: u32,
    pub(crate) elbo_draws: usize,
    pub(crate) every: u64,
    pub(crate) extension: Option<Extension>,
    pub(crate) callback: Option<Callback>,
    pub(crate) progress: Option<Arc<dyn Progress>>,
    pub(crate) interrupt: Option<Interrupt>,
    pub(crate) checkpoint: Option<Checkpoint>,
}

impl Advi {
    pub(super) fn new(family: Family) -> Advi {
        Advi {
            family,
            by_optimizer: false,
            steps: None,
            budget: None,
            tolerance: None,
            samples: 1,
            estimator: Estimator::default(),
            products: None,
            expectations: None,
            optimizer: Optimizer::default(),
            schedule: None,
            learning_rate: None,
            batch: None,
            full_batch: false,
            averaging: None,
            restarts: None,
            seed: 0,
            precision: None,
            device: Device::default(),
            threads: None,
            convergence: None,
            stop_when_converged: None,
            patience: None,
            temperature: None,
            kl_annealing: None,
            initial_sd: None,
            start: None,
            warm_start: None,
            tries: 0,
            elbo_draws: 1000,
            every: 256,
            extension: None,
            callback: None,
            progress: None,
            interrupt: None,
            checkpoint: None,
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

    /// A guide whose covariance is a diagonal and so many directions, `D^2 + F F^T`, of which each draw has
    /// `z = mu + D eps + F eps'` (Ong, Nott and Smith 2018, "Gaussian variational approximation with a
    /// factor covariance structure"). It has the widest correlations of many variables, where a
    /// [full-rank](Advi::full_rank) guide would have a number for each pair of them: a step costs
    /// `P rank` and `rank^3` operations. Up to some hundred variables the latter is the better choice, by
    /// natural gradients; this one goes by the optimiser, [20,000 steps](Advi::steps) unless set, from
    /// where [`Pathfinder`](crate::Pathfinder) comes to, with gradients by
    /// [`Estimator::StickingTheLanding`].
    ///
    /// ```
    /// use bayes_nn_inference::{Advi, Family};
    /// let advi = Advi::low_rank(5).steps(10_000);
    /// # let _ = (advi, Family::LowRank { rank: 5 });
    /// ```
    pub fn low_rank(rank: usize) -> Advi {
        Advi {
            by_optimizer: true,
            estimator: Estimator::StickingTheLanding,
            ..Advi::new(Family::LowRank { rank })
        }
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
    /// independent given the weights, and mean-field guides; of networks unless told otherwise.
    pub fn local_reparameterization(mut self, local: bool) -> Advi {
        self.by_optimizer = true;
        self.products = Some(local);
        self
    }

    /// Takes the expectation of a prior's log density under the guide in closed form where there is
    /// one, as of normal and Laplace priors under independent normals (Blundell et al. 2015,
    /// "Weight uncertainty in neural networks", section 3.2 has the alternative, by draws): the
    /// divergence of guide and prior then has no noise. Not with [`Estimator::StickingTheLanding`],
    /// which needs both by the same draws; of networks unless told otherwise.
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

    /// Rows in each minibatch. Unless set all rows are one, but of networks of more than 1,024 rows 32
    /// to 128. Batches are consecutive pieces of random permutations of the rows, of rows that are
    /// streamed in shuffled blocks, and the ELBO stays in nats of the full data.
    pub fn batch(mut self, rows: usize) -> Advi {
        self.by_optimizer = true;
        self.batch = Some(rows);
        self.full_batch = false;
        self
    }

    /// All rows in every step, of networks, too.
    pub fn full_batch(mut self) -> Advi {
        self.by_optimizer = true;
        self.batch = None;
        self.full_batch = true;
        self
    }

    /// The share of the steps, at the end, over which the guide's parameters are averaged
    /// (Polyak and Juditsky 1992). 0.25 unless set, of networks 0; 0 takes the last step's. A fit that stops
    /// before that share begins takes the last step's, too.
    pub fn averaging(mut self, share: f64) -> Advi {
        self.by_optimizer = true;
        self.averaging = Some(share);
        self
    }

    /// Fits from several starts, of which the one with the highest final ELBO is kept and all
    /// are reported; unless set there are two of networks of up to 1,000 weights and 1,024 rows of which
    /// [`Advi::steps`] are not set, and one of others. Restart `r` runs with the seed plus `r`, so that
    /// each can be run alone.
    ///
    /// On the CPU restarts are dealt to threads ([`Advi::threads`]). A GPU runs all of them in the
    /// same launches, each on a multiprocessor of its own while there are any, if the step is tiny:
    /// if its values fit the memory that the threads of a multiprocessor share, as those of the
    /// two-moons network do. They then stop, fail and converge one by one as they would alone.
    pub fn restarts(mut self, restarts: usize) -> Advi {
        self.restarts = Some(restarts);
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
    /// and the density a sum over rows, as for minibatches. All draw the same noise, so of a network
    /// weights are drawn, where one device draws [products](Advi::local_reparameterization) unless told
    /// otherwise. Each device holds all data. Restarts run one after another, and predictions on the
    /// first device.
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

    /// The guide's standard deviations at the start; unless set those where sites
    /// [begin](crate::Begin), and 0.1 of others.
    pub fn initial_sd(mut self, sd: f64) -> Advi {
        self.by_optimizer = true;
        self.initial_sd = Some(sd);
        self
    }

    /// Where the guide's means begin. Unless set that is a prior draw, which is far from everything
    /// where a prior is vague, of guides of [low rank](Advi::low_rank) where
    /// [`Pathfinder`](crate::Pathfinder) comes to, and of networks where sites [begin](crate::Begin).
    pub fn start_at(mut self, start: Start) -> Advi {
        self.start = Some(start);
        self
    }

    /// At most so many draws measure the ELBO of the finished fit; 1000 unless set, a million at most.
    /// Fewer are made when its standard error falls to a ten-thousandth of it, and after a fit by
    /// minibatches when a tenth of its time is up: each then on some of the rows, if all are too many.
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
}
