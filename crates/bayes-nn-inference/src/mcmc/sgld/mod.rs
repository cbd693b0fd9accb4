//! Stochastic gradient Langevin dynamics (Welling and Teh 2011, "Bayesian learning via stochastic
//! gradient Langevin dynamics", ICML): a chain whose every step takes the gradient of a minibatch.

mod result;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bayes_nn_autodiff::{Graph, NoiseKind, Var, grad};
use bayes_nn_kernels::{
    Backend, Device, KernelError, Precision, Run, Runtime, Step, StepProgram, fan_out,
};

use crate::check::{MOST_RUNS, at_least_one, count, holds_data, no_points, positive, setting};
use crate::columns::Concerns;
use crate::interrupt::{Pace, is_requested};
use crate::terms::write_terms;
use crate::{
    Density, DensityError, InferenceError, Interrupt, Method, Point, Rows, Schedule, Start,
};

use result::rounded_away;
pub use result::{SgldChain, SgldFit};

const Z: &str = "z";
/// Numbers that are recorded between two looks at a chain, about.
const NUMBERS: u64 = 1 << 16;

/// Settings of stochastic gradient Langevin dynamics.
///
/// A step of size `e` adds `e / 2` times the gradient of the log density and a normal with variance
/// `e` (equation 4). There is no test for acceptance: draws are from the posterior up to an error
/// that vanishes with the step size. Of a normal with precision `L` in every direction, steps of
/// one size on the full data find the variance `1 / (L (1 - e L / 4))`; minibatches add the
/// variance of their gradients times `e / (4 L)`. [`Nuts`](crate::Nuts) has no such error, and
/// needs all rows for every gradient.
///
/// Nothing is checked until the run: a setting outside its range is then an
/// [`InferenceError::Setting`] that names it.
///
/// ```
/// # use std::rc::Rc;
/// # use bayes_nn_autodiff::Graph;
/// # use bayes_nn_inference::{Density, DensityError, Handler, Rows, Site, Term, Traced};
/// use bayes_nn_inference::{Method, Sgld};
/// # struct Normal(Vec<Site>);
/// # impl Density for Normal {
/// #     fn sites(&self) -> &[Site] { &self.0 }
/// #     fn start(&self, _seed: u64) -> Result<Vec<f64>, DensityError> { Ok(vec![0.5]) }
/// #     fn trace<'g>(
/// #         &self, _: &'g Graph, handler: Rc<dyn Handler<'g> + 'g>, _: Rows,
/// #     ) -> Result<Traced<'g>, DensityError> {
/// #         let x = handler.unconstrained("x", [1].into())?;
/// #         Ok(Traced::new(vec![Term::new("x", (-0.5 * x * x).sum())]))
/// #     }
/// # }
/// # let density = Normal(vec![Site::new("x", [1], 0)]);
/// let fit = Sgld::new().step_size(0.1).thinning(20).draws(2_000).seed(1).fit(&density)?;
/// let draws = fit.chains().iter().flat_map(|chain| chain.draws());
/// let variance = draws.map(|x| x * x).sum::<f64>() / 8_000.0;
/// assert!((variance - 1.0 / (1.0 - 0.1 / 4.0)).abs() < 0.15);
/// # Ok::<(), bayes_nn_inference::InferenceError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "settings do nothing until they fit"]
pub struct Sgld {
    pub(crate) draws: u64,
    pub(crate) warmup: u64,
    pub(crate) thinning: u64,
    pub(crate) chains: usize,
    pub(crate) step_size: f64,
    pub(crate) schedule: Schedule,
    pub(crate) batch: Option<usize>,
    pub(crate) seed: u64,
    pub(crate) start: Start,
    pub(crate) threads: Option<usize>,
    pub(crate) device: Device,
    /// That of the density unless set; always set in the settings that a fit keeps.
    pub(crate) precision: Option<Precision>,
    pub(crate) interrupt: Option<Interrupt>,
}

impl Default for Sgld {
    fn default() -> Sgld {
        Sgld {
            draws: 1000,
            warmup: 1000,
            thinning: 1,
            chains: 4,
            step_size: 1e-4,
            schedule: Schedule::Constant,
            batch: None,
            seed: 0,
            start: Start::default(),
            threads: None,
            device: Device::default(),
            precision: None,
            interrupt: None,
        }
    }
}

impl Sgld {
    /// Four chains of 1000 draws after 1000 steps of warm-up, on the full data.
    pub fn new() -> Sgld {
        Sgld::default()
    }

    /// Draws that are kept of each chain, 1000 unless set.
    pub fn draws(mut self, draws: u64) -> Sgld {
        self.draws = draws;
        self
    }

    /// Steps of each chain before its first draw, 1000 unless set.
    pub fn warmup(mut self, steps: u64) -> Sgld {
        self.warmup = steps;
        self
    }

    /// Steps for each draw that is kept, 1 unless set.
    pub fn thinning(mut self, steps: u64) -> Sgld {
        self.thinning = steps;
        self
    }

    /// Chains, 4 unless set.
    pub fn chains(mut self, chains: usize) -> Sgld {
        self.chains = chains;
        self
    }

    /// The size of the first step, 1e-4 unless set: the variance of its noise.
    pub fn step_size(mut self, size: f64) -> Sgld {
        self.step_size = size;
        self
    }

    /// How the step size changes over all steps, constant unless set. Draws of a chain whose steps
    /// shrink count as much as its [steps](SgldFit::step_sizes) are large (equation 11).
    pub fn schedule(mut self, schedule: Schedule) -> Sgld {
        self.schedule = schedule;
        self
    }

    /// Rows of each minibatch; all rows unless set.
    pub fn batch(mut self, rows: usize) -> Sgld {
        self.batch = Some(rows);
        self
    }

    /// The seed of everything random; chain `i` has the seed plus `i`. The same seed gives the same
    /// bits on a CPU.
    pub fn seed(mut self, seed: u64) -> Sgld {
        self.seed = seed;
        self
    }

    /// Where chains begin, uniformly unless set.
    pub fn start_at(mut self, start: Start) -> Sgld {
        self.start = start;
        self
    }

    /// How many chains may run at the same time; as many as the machine has threads unless set.
    /// Results do not depend on it.
    pub fn threads(mut self, threads: usize) -> Sgld {
        self.threads = Some(threads);
        self
    }

    /// Where steps are computed, the CPU unless set.
    pub fn device(mut self, device: Device) -> Sgld {
        self.device = device;
        self
    }

    /// The precision in which steps are computed; unless set, the one that [the density
    /// asks for](Density::is_network): single of networks, double of models as functions.
    pub fn precision(mut self, precision: Precision) -> Sgld {
        self.precision = Some(precision);
        self
    }

    /// Lets somebody ask all chains to end early: they keep what they have drawn after the steps of
    /// some tenths of a second.
    pub fn interrupt(mut self, interrupt: &Interrupt) -> Sgld {
        self.interrupt = Some(interrupt.clone());
        self
    }
}

impl Method for Sgld {
    type Fit = SgldFit;

    /// Samples a density.
    ///
    /// # Errors
    /// A setting outside its range; a density that cannot be written or compiled; a chain whose
    /// position is no longer finite, or data that cannot be read before there is a draw
    /// ([`InferenceError::Chain`]). If there are draws the chain keeps them, and [`SgldChain::error`] says
    /// what happened.
    fn fit(&self, density: &dyn Density) -> Result<SgldFit, InferenceError> {
        self.check(density)?;
        let settings = Sgld {
            precision: Some(self.precision.unwrap_or(density.default_precision())),
            ..self.clone()
        };
        settings.fit_checked(density)
    }
}

impl Sgld {
    fn fit_checked(&self, density: &dyn Density) -> Result<SgldFit, InferenceError> {
        holds_data(density, self.in_precision())?;
        let mut concerns = Concerns::of(density, self.in_precision());
        let program = self.write(density)?;
        let mut chains = fan_out(&program, self.chains, |run, chains| {
            let seeds: Vec<u64> = chains.map(|chain| self.seed_of(chain)).collect();
            self.run(density, run, &seeds)
        })?;
        if chains.iter().all(SgldChain::is_empty) {
            let mut failed = chains.iter_mut();
            if let Some(error) = failed.find_map(|chain| Arc::into_inner(chain.error.take()?)) {
                return Err(error);
            }
        }
        let last_step = |draw: u64| (self.warmup + (draw + 1) * self.thinning - 1) as f64;
        let factor = |step: f64| self.schedule.factor(Var::from(step), self.steps()).number();
        // A run that was interrupted has fewer.
        let made = chains.iter().map(|chain| chain.len() as u64).max();
        let step_sizes = (0..made.unwrap_or(0)).filter_map(|draw| factor(last_step(draw)));
        let step_sizes: Vec<f64> = step_sizes.map(|factor| self.step_size * factor).collect();
        if self.in_precision() == Precision::F32 {
            let coarse = rounded_away(self.step_size.sqrt(), density.sites(), &chains);
            concerns.coarse.extend(coarse);
        }
        Ok(SgldFit {
            settings: Sgld {
                interrupt: None,
                ..self.clone()
            },
            sites: density.sites().to_vec(),
            step_sizes,
            chains,
            concerns,
        })
    }

    fn in_precision(&self) -> Precision {
        self.precision.unwrap_or_default()
    }

    /// Writes the step of all chains.
    fn write(&self, density: &dyn Density) -> Result<StepProgram, InferenceError> {
        let graph = Graph::new();
        let step = Step::new(&graph);
        let z = step.state(Z, [density.dim()], 0.0);
        let rows = self.batch.map_or(Rows::All, Rows::Minibatch);
        let point = Rc::new(Point::at(z, density.sites()));
        let log_prob = write_terms(&step, density, point, rows)?.log_prob();
        let gradient = grad(log_prob, &[z])?[0];
        let size = self.step_size * self.schedule.factor(graph.step(), self.steps());
        let noise = graph.noise(NoiseKind::Normal, step.stream(), [density.dim()]);
        let next = z + 0.5 * size * gradient + size.sqrt() * noise;
        step.next(z, next);
        step.record(Z, next);
        Ok(step.finish(&Runtime {
            device: self.device.clone(),
            precision: self.in_precision(),
            threads: self.threads,
        })?)
    }

    /// Runs chains with these seeds as the replicas of a run.
    fn run(
        &self,
        density: &dyn Density,
        run: &mut Run,
        seeds: &[u64],
    ) -> Result<Vec<SgldChain>, InferenceError> {
        let dim = density.dim();
        run.begin(seeds)?;
        let mut chains = Vec::new();
        for (replica, seed) in seeds.iter().enumerate() {
            run.set(replica, Z, &self.start.draw(density, *seed, 0)?)?;
            chains.push(SgldChain {
                seed: *seed,
                dim,
                draws: Vec::new(),
                error: None,
            });
        }
        let (mut made, chunk) = (0, (NUMBERS / dim as u64).max(1));
        let mut pace = Pace::new(self.interrupt.is_some());
        while made < self.steps() && !is_requested(self.interrupt.as_ref()) {
            let due = chunk.min(self.steps() - made).min(pace.steps());
            let began = Instant::now();
            let dues = chains.iter().map(|chain| match chain.error {
                None => due,
                Some(_) => 0,
            });
            let dues: Vec<u64> = dues.collect();
            let outcomes = run.advance(&dues);
            let outcomes = outcomes.into_iter().zip(&mut chains).zip(&dues);
            for (replica, ((outcome, chain), due)) in outcomes.enumerate() {
                // The steps before data that cannot be read stand.
                let unread = match outcome {
                    Err(KernelError::Feed(error)) => Some(error),
                    outcome => outcome.map(|()| None)?,
                };
                if *due == 0 {
                    continue;
                }
                if let Some(element) = run.first_non_finite(replica, Z)? {
                    return Err(self.not_finite(density, chain, element));
                }
                let entries = run.recorded(replica, Z)?.chunks_exact(dim);
                for (step, entry) in (made + 1..).zip(entries) {
                    let drawn = step.saturating_sub(self.warmup);
                    if drawn > 0 && drawn.is_multiple_of(self.thinning) {
                        chain.draws.extend(entry);
                    }
                }
                chain.error = unread.map(|error| Arc::new(self.failed(chain, error)));
            }
            made += due;
            pace.took(due, began.elapsed());
        }
        Ok(chains)
    }

    fn not_finite(
        &self,
        density: &dyn Density,
        chain: &SgldChain,
        element: usize,
    ) -> InferenceError {
        let mut sites = density.sites().iter();
        let site = sites.find(|site| site.range().contains(&element));
        let concern = Concerns::of(density, self.in_precision()).first();
        let advice = concern.unwrap_or_else(|| {
            format!(
                "try a smaller step_size (it is {}; {} would be a tenth)",
                self.step_size,
                self.step_size / 10.0
            )
        });
        let problem = format!(
            "the position is not finite, first in `{}`; {advice}",
            site.map_or("", |site| &site.name),
        );
        self.failed(chain, problem)
    }

    fn failed(&self, chain: &SgldChain, source: impl Into<DensityError>) -> InferenceError {
        InferenceError::Chain {
            chain: chain.seed.wrapping_sub(self.seed) as usize,
            draws: chain.len(),
            source: source.into(),
        }
    }

    fn seed_of(&self, chain: usize) -> u64 {
        self.seed.wrapping_add(chain as u64)
    }

    /// Steps of each chain, warm-up included.
    fn steps(&self) -> u64 {
        self.warmup + self.draws * self.thinning
    }

    fn check(&self, density: &dyn Density) -> Result<(), InferenceError> {
        at_least_one("draws", self.draws)?;
        at_least_one("thinning", self.thinning)?;
        count("chains", self.chains, MOST_RUNS)?;
        at_least_one("threads", self.threads.unwrap_or(1) as u64)?;
        positive("step_size", self.step_size)?;
        self.schedule.check()?;
        let steps = self.draws.checked_mul(self.thinning);
        if steps.and_then(|s| s.checked_add(self.warmup)).is_none() {
            let allowed = "few enough for the number of steps to fit into 64 bits";
            return Err(setting("draws", self.draws, allowed));
        }
        if self.device.ranks() > 1 {
            return Err(setting("device", &self.device, "one device"));
        }
        if density.dim() == 0 {
            return Err(InferenceError::NothingToFit);
        }
        no_points(density, "SGLD")?;
        match (self.batch, density.rows()) {
            (None, _) => Ok(()),
            (Some(batch), Some(rows)) if (1..=rows).contains(&batch) => Ok(()),
            (Some(batch), Some(rows)) => {
                let allowed = format!("between 1 and {rows}, the rows of the data set");
                Err(setting("batch", batch, allowed))
            }
            (Some(batch), None) => {
                let allowed = "left out: the density has no rows to draw from";
                Err(setting("batch", batch, allowed))
            }
        }
    }
}
