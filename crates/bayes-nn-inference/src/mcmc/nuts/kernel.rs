//! One transition as a function, which chains are made of.

use std::fmt;

use rand_core::Rng;

use super::metric::Whitening;
use super::state::State;
use super::statistics::Info;
use super::tree::{Arena, Dynamics};
use crate::InferenceError;
use crate::check::{positive, setting};
use crate::log_density::{EvalError, LogDensity};

/// The step size and the metric of a kernel: what a warm-up finds. With them, sampling can go on
/// without one.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuned {
    /// The step size, in the coordinates of the metric.
    pub step_size: f64,
    /// The metric.
    pub whitening: Whitening,
}

/// How far a trajectory may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "limits do nothing until a kernel has them"]
pub struct TreeLimits {
    pub(crate) max_depth: u32,
    pub(crate) max_leapfrog: Option<u64>,
}

impl Default for TreeLimits {
    fn default() -> TreeLimits {
        TreeLimits {
            max_depth: 10,
            max_leapfrog: None,
        }
    }
}

impl TreeLimits {
    /// At most 10 doublings: 1023 leapfrog steps.
    pub fn new() -> TreeLimits {
        TreeLimits::default()
    }

    /// Doublings of a trajectory at the most, 10 unless set.
    pub fn max_depth(mut self, doublings: u32) -> TreeLimits {
        self.max_depth = doublings;
        self
    }

    /// Leapfrog steps of a trajectory at the most; unless set, as many as the depth allows. A
    /// doubling that would exceed it is not begun: half a doubling could not be reversed.
    pub fn max_leapfrog(mut self, steps: u64) -> TreeLimits {
        self.max_leapfrog = Some(steps);
        self
    }

    /// Doublings that both limits allow.
    pub(super) fn depth(&self) -> u32 {
        let steps = self.max_leapfrog.unwrap_or(u64::MAX - 1);
        self.max_depth.min((steps + 1).ilog2())
    }

    pub(super) fn check(&self) -> Result<(), InferenceError> {
        if !(1..=20).contains(&self.max_depth) {
            return Err(setting("max_depth", self.max_depth, "between 1 and 20"));
        }
        match self.max_leapfrog {
            Some(steps) if !(1..1 << 32).contains(&steps) => {
                Err(setting("max_leapfrog", steps, "between 1 and 2^32 - 1"))
            }
            _ => Ok(()),
        }
    }
}

/// A transition of the No-U-Turn Sampler with a fixed step size and metric: it leaves the density
/// invariant, so that its repetition is a Markov chain with draws from the density.
///
/// This is what [`Nuts`](super::Nuts) repeats. Called from outside it serves programs that have a
/// loop of their own, such as Gibbs samplers that alternate between kernels. It holds the memory
/// of its trajectories: once the longest has been made, a step allocates nothing.
///
/// ```
/// use bayes_nn_inference::nuts::{EvalError, Kernel, LogDensity, TreeLimits, Whitening};
/// use rand_core::SeedableRng;
/// use rand_xoshiro::Xoshiro256PlusPlus;
///
/// /// A normal with mean 3 and standard deviation 2.
/// struct Normal;
///
/// impl LogDensity for Normal {
///     fn dim(&self) -> usize { 1 }
///     fn log_prob_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
///         let z = (x[0] - 3.0) / 2.0;
///         gradient[0] = -z / 2.0;
///         Ok(-0.5 * z * z)
///     }
/// }
///
/// let mut kernel = Kernel::new(Normal, 2.0, Whitening::identity(1), TreeLimits::new())?;
/// let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
/// let mut state = kernel.state_at(vec![0.0])?;
/// let (mut sum, mut squares) = (0.0, 0.0);
/// for _ in 0..10_000 {
///     let info = kernel.step(&mut state, &mut rng)?;
///     assert!(!info.statistics.diverging);
///     sum += state.position[0];
///     squares += (state.position[0] - 3.0).powi(2);
/// }
/// // Within five standard errors, which are 0.03 and 0.084.
/// assert!((sum / 1e4 - 3.0).abs() < 0.15);
/// assert!((squares / 1e4 - 4.0).abs() < 0.42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Kernel<D> {
    pub(super) density: D,
    pub(super) tuned: Tuned,
    limits: TreeLimits,
    arena: Arena,
}

impl<D: LogDensity> Kernel<D> {
    /// A kernel over a density.
    ///
    /// # Errors
    /// A density without coordinates, a metric of another length, a setting outside its range.
    pub fn new(
        density: D,
        step_size: f64,
        metric: Whitening,
        limits: TreeLimits,
    ) -> Result<Kernel<D>, InferenceError> {
        let dim = density.dim();
        if dim == 0 {
            return Err(InferenceError::NothingToFit);
        }
        positive("step_size", step_size)?;
        limits.check()?;
        let got = metric.scale().len();
        if got != dim {
            let allowed = format!("of the {dim} coordinates of the density");
            return Err(setting("metric", format!("of {got} coordinates"), allowed));
        }
        Ok(Kernel {
            density,
            tuned: Tuned {
                step_size,
                whitening: metric,
            },
            limits,
            arena: Arena::new(dim),
        })
    }

    /// The state at a position `[dim]`. Where the density is not defined its `log_prob` is minus
    /// infinity, and no chain can begin there.
    ///
    /// # Errors
    /// [`EvalError::Fatal`]: that of the density, or a position of another length.
    pub fn state_at(&mut self, position: Vec<f64>) -> Result<State, EvalError> {
        self.check_length(position.len())?;
        let mut gradient = vec![0.0; position.len()];
        let log_prob = match self.density.log_prob_grad(&position, &mut gradient) {
            Err(EvalError::Reject) => f64::NEG_INFINITY,
            result => result?,
        };
        Ok(State {
            position,
            gradient,
            log_prob,
        })
    }

    /// Moves a state by one transition.
    ///
    /// # Errors
    /// [`EvalError::Fatal`]: that of the density, or a state of another length. The state is then
    /// as it was.
    pub fn step(
        &mut self,
        state: &mut State,
        rng: &mut (impl Rng + ?Sized),
    ) -> Result<Info, EvalError> {
        self.check_length(state.position.len())?;
        self.check_length(state.gradient.len())?;
        let info = self.step_unless(state, rng, u32::MAX, &|| false)?;
        Ok(info.expect("nothing interrupts the transition"))
    }

    /// The step size and the metric.
    pub fn tuned(&self) -> &Tuned {
        &self.tuned
    }

    /// Doublings of a trajectory at the most.
    pub(super) fn depth(&self) -> u32 {
        self.limits.depth()
    }

    /// The density.
    pub fn density(&self) -> &D {
        &self.density
    }

    /// Moves a state by one transition of at most so many doublings. `None` if `interrupted` said so before a leapfrog step,
    /// with the state as it was.
    pub(super) fn step_unless(
        &mut self,
        state: &mut State,
        rng: &mut (impl Rng + ?Sized),
        most: u32,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Option<Info>, EvalError> {
        let mut dynamics = Dynamics {
            density: &mut self.density,
            whitening: &self.tuned.whitening,
            step_size: self.tuned.step_size,
            interrupted,
        };
        self.arena
            .transition(state, &mut dynamics, rng, self.limits.depth().min(most))
    }

    /// The energy error of a single leapfrog step with a fresh momentum; infinite if there is no
    /// density after it. `None` if it was interrupted.
    pub(super) fn try_leapfrog(
        &mut self,
        state: &State,
        rng: &mut (impl Rng + ?Sized),
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Option<f64>, EvalError> {
        let mut dynamics = Dynamics {
            density: &mut self.density,
            whitening: &self.tuned.whitening,
            step_size: self.tuned.step_size,
            interrupted,
        };
        self.arena.try_leapfrog(state, &mut dynamics, rng)
    }

    fn check_length(&self, got: usize) -> Result<(), EvalError> {
        let expected = self.density.dim();
        match got == expected {
            true => Ok(()),
            false => {
                let error = InferenceError::StartLength { got, expected };
                Err(EvalError::Fatal(Box::new(error)))
            }
        }
    }
}

impl<D> fmt::Debug for Kernel<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel")
            .field("tuned", &self.tuned)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
