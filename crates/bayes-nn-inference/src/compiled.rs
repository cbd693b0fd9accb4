//! A [`Density`] compiled into a program that gives its logarithm and gradient.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use bayes_nn_autodiff::{Graph, Op, grad};
use bayes_nn_kernels::{Device, KernelError, Precision, Run, Runtime, Slot, Step, StepProgram};

use crate::log_density::{EvalError, LogDensity};
use crate::terms::{BadTerm, write_terms};
use crate::{Density, InferenceError, Point, Rows};

const Z: &str = "z";
const LOG_PROB: &str = "log_prob";
const GRADIENT: &str = "gradient";

/// A density written, differentiated and planned once, for as many chains as wanted.
pub(crate) struct Compiled {
    gradient: StepProgram,
    /// The density alone, in double precision.
    exact: Option<StepProgram>,
    dim: usize,
    is_noisy: bool,
}

/// A program over the unconstrained vector that gives the logarithm of a density and its gradient.
///
/// ```
/// # use std::rc::Rc;
/// # use bayes_nn_autodiff::Graph;
/// # use bayes_nn_inference::{Density, DensityError, Handler, Rows, Site, Term, Traced};
/// use bayes_nn_inference::nuts::{CompiledDensity, LogDensity};
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
/// let mut compiled = CompiledDensity::new(&density)?;
/// let mut gradient = [0.0];
/// assert_eq!(compiled.log_prob_grad(&[2.0], &mut gradient)?, -2.0);
/// assert_eq!(gradient, [-2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CompiledDensity {
    run: Run,
    z: Slot,
    log_prob: Slot,
    gradient: Slot,
    dim: usize,
}

impl Compiled {
    /// Compiles the density in this precision; if it is single, also the log density in double. On
    /// the CPU a program has one thread: chains have theirs.
    pub(crate) fn new(
        density: &dyn Density,
        device: &Device,
        precision: Precision,
    ) -> Result<Compiled, InferenceError> {
        Compiled::of(
            density,
            (device, precision),
            precision == Precision::F32,
            |point| point,
        )
    }

    /// Compiles the density of the model's own variables, with its gradient by the unconstrained
    /// ones, for the CPU in double precision.
    pub(crate) fn without_jacobians(density: &dyn Density) -> Result<Compiled, InferenceError> {
        let cpu = (&Device::cpu(), Precision::F64);
        Compiled::of(density, cpu, false, |point| point.without_jacobians())
    }

    /// Compiles the density with its gradient in this precision, and the log density alone in
    /// double.
    pub(crate) fn with_value(
        density: &dyn Density,
        device: &Device,
        precision: Precision,
    ) -> Result<Compiled, InferenceError> {
        Compiled::of(density, (device, precision), true, |point| point)
    }

    fn of(
        density: &dyn Density,
        (device, precision): (&Device, Precision),
        with_value: bool,
        handler: impl for<'g> Fn(Point<'g>) -> Point<'g>,
    ) -> Result<Compiled, InferenceError> {
        let dim = density.dim();
        if dim == 0 {
            return Err(InferenceError::NothingToFit);
        }
        let is_noisy = Cell::new(false);
        let write = |with_gradient: bool, precision| -> Result<StepProgram, InferenceError> {
            let graph = Graph::new();
            let step = Step::new(&graph);
            // A state that nothing updates: it is set before every step.
            let z = step.state(Z, [dim], 0.0);
            let point = Rc::new(handler(Point::at(z, density.sites())));
            let log_prob = write_terms(&step, density, point, Rows::All)?.log_prob();
            let nodes = graph.nodes();
            is_noisy.set(nodes.iter().any(|node| matches!(node.op, Op::Noise { .. })));
            step.output(LOG_PROB, log_prob);
            if with_gradient {
                step.output(GRADIENT, grad(log_prob, &[z])?[0]);
            }
            Ok(step.finish(&runtime(device, precision))?)
        };
        Ok(Compiled {
            gradient: write(true, precision)?,
            exact: match with_value {
                true => Some(write(false, Precision::F64)?),
                false => None,
            },
            dim,
            is_noisy: is_noisy.get(),
        })
    }

    /// Whether the density is drawn anew at every step, as by layers that change rows at random.
    pub(crate) fn is_noisy(&self) -> bool {
        self.is_noisy
    }

    /// The density with its gradient, for one chain.
    pub(crate) fn start(&self) -> Result<CompiledDensity, InferenceError> {
        CompiledDensity::of(&self.gradient, self.dim)
    }

    /// The same on another device.
    pub(crate) fn start_on(&self, device: &Device) -> Result<CompiledDensity, InferenceError> {
        let runtime = runtime(device, self.gradient.runtime().precision);
        CompiledDensity::of(&self.gradient.on(&runtime)?, self.dim)
    }

    /// The density alone in double precision, where it was compiled.
    pub(crate) fn start_exact(&self) -> Result<Option<CompiledValue>, InferenceError> {
        let exact = self.exact.as_ref().map(|program| {
            let run = begun(program)?;
            Ok(CompiledValue {
                z: run.slot(Z)?,
                log_prob: run.slot(LOG_PROB)?,
                run,
            })
        });
        exact.transpose()
    }
}

fn runtime(device: &Device, precision: Precision) -> Runtime {
    Runtime {
        device: device.clone().threads(1),
        precision,
        threads: Some(1),
    }
}

fn begun(program: &StepProgram) -> Result<Run, KernelError> {
    let mut run = program.start(1)?;
    run.begin(&[0])?;
    Ok(run)
}

/// A program over the unconstrained vector that gives the logarithm of a density alone.
pub(crate) struct CompiledValue {
    run: Run,
    z: Slot,
    log_prob: Slot,
}

impl CompiledValue {
    /// The log density at `position [dim]`, in nats.
    pub(crate) fn log_prob(&mut self, position: &[f64]) -> Result<f64, EvalError> {
        let mut log_prob = [0.0];
        let run = &mut self.run;
        run.set_at(0, self.z, position)
            .and_then(|()| run.advance_one(0, 1))
            .and_then(|()| run.get_into(0, self.log_prob, &mut log_prob))
            .map_err(fatal)?;
        Ok(log_prob[0])
    }
}

fn fatal(error: KernelError) -> EvalError {
    EvalError::Fatal(Box::new(error))
}

impl CompiledDensity {
    /// Writes, differentiates and compiles a density for the CPU, in double precision.
    ///
    /// # Errors
    /// A density without variables, or that cannot be written or compiled.
    pub fn new(density: &dyn Density) -> Result<CompiledDensity, InferenceError> {
        Compiled::new(density, &Device::cpu(), Precision::F64)?.start()
    }

    fn of(program: &StepProgram, dim: usize) -> Result<CompiledDensity, InferenceError> {
        let run = begun(program)?;
        Ok(CompiledDensity {
            z: run.slot(Z)?,
            log_prob: run.slot(LOG_PROB)?,
            gradient: run.slot(GRADIENT)?,
            run,
            dim,
        })
    }
}

impl fmt::Debug for CompiledDensity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompiledDensity")
            .field("dim", &self.dim)
            .finish_non_exhaustive()
    }
}

impl LogDensity for CompiledDensity {
    fn dim(&self) -> usize {
        self.dim
    }

    fn log_prob_grad(&mut self, position: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        let mut log_prob = [0.0];
        let run = &mut self.run;
        run.set_at(0, self.z, position)
            .and_then(|()| run.advance_one(0, 1))
            .and_then(|()| run.get_into(0, self.log_prob, &mut log_prob))
            .and_then(|()| run.get_into(0, self.gradient, gradient))
            .map_err(fatal)?;
        Ok(log_prob[0])
    }
}

/// The first term of the log density that is not finite at `z`, or whose gradient is not.
pub(crate) fn first_bad_term(
    density: &dyn Density,
    position: &[f64],
    precision: Precision,
) -> Result<Option<BadTerm>, InferenceError> {
    let graph = Graph::new();
    let step = Step::new(&graph);
    let z = step.state(Z, [position.len()], 0.0);
    let point = Rc::new(Point::at(z, density.sites()));
    let terms = write_terms(&step, density, point, Rows::All)?.terms;
    let runtime = runtime(&Device::cpu(), precision);
    crate::terms::first_bad_term(
        &step,
        (density, z),
        &terms,
        &[z],
        &[(Z, position)],
        (0, 0),
        &runtime,
    )
}
