//! A [`Density`] compiled into a program that gives its logarithm and gradient.

use bayes_nn_autodiff::{Graph, InputId, grad};
use bayes_nn_kernels::{Backend, Device, KernelError, Plan, Precision, Program};

use super::delayed::Exact;
use super::log_density::{EvalError, LogDensity};
use crate::{Density, InferenceError, InputValues, Term};

/// A density written, differentiated and planned once, for as many programs as wanted.
pub(super) struct Blueprint {
    plan: Plan,
    precision: Precision,
    /// The density alone, where the programs of density and gradient are of single precision.
    exact: Option<Plan>,
    inputs: InputValues,
    z: InputId,
    dim: usize,
}

/// A program over the unconstrained vector that gives the logarithm of a density and its gradient.
///
/// ```
/// # use bayes_nn_autodiff::{Graph, Var};
/// # use bayes_nn_inference::{Density, DensityError, Site, Term, Traced};
/// use bayes_nn_inference::nuts::{CompiledDensity, LogDensity};
/// # struct Normal(Vec<Site>);
/// # impl Density for Normal {
/// #     fn sites(&self) -> &[Site] { &self.0 }
/// #     fn start(&self, _seed: u64) -> Result<Vec<f64>, DensityError> { Ok(vec![0.5]) }
/// #     fn trace<'g>(
/// #         &self, _graph: &'g Graph, z: &[Var<'g>], _batch: Option<usize>,
/// #     ) -> Result<Traced<'g>, DensityError> {
/// #         Ok(Traced::new(vec![vec![Term::new("x", (-0.5 * z[0] * z[0]).sum())]]))
/// #     }
/// # }
/// # let density = Normal(vec![Site::new("x", [1], 0)]);
/// let mut compiled = CompiledDensity::new(&density)?;
/// let mut gradient = [0.0];
/// assert_eq!(compiled.logp_grad(&[2.0], &mut gradient)?, -2.0);
/// assert_eq!(gradient, [-2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CompiledDensity {
    program: Box<dyn Program>,
    z: InputId,
    dim: usize,
}

impl Blueprint {
    pub(super) fn new(
        density: &dyn Density,
        precision: Precision,
    ) -> Result<Blueprint, InferenceError> {
        let dim = density.dimension();
        if dim == 0 {
            return Err(InferenceError::NothingToFit);
        }
        let graph = Graph::new();
        let z = graph.input("z", [dim]);
        let traced = density
            .trace(&graph, &[z], None)
            .map_err(InferenceError::Density)?;
        graph.check()?;
        let log_density = traced.log_densities()[0];
        let gradient = grad(log_density, &[z])?[0];
        // A state, too: then the program has it whether or not the density reads it.
        let plan = Plan::new(&graph, &[log_density, gradient], &[(z, z)])?;
        let exact = match precision {
            Precision::F32 => Some(Plan::new(&graph, &[log_density], &[(z, z)])?),
            Precision::F64 => None,
        };
        Ok(Blueprint {
            plan,
            precision,
            exact,
            inputs: traced.data,
            z: z.input_id().expect("z was just made as an input"),
            dim,
        })
    }

    /// On the CPU a program has one thread: chains have theirs.
    pub(super) fn compile(&self, device: &Device) -> Result<CompiledDensity, InferenceError> {
        Ok(CompiledDensity {
            program: self.program(&self.plan, device, self.precision)?,
            z: self.z,
            dim: self.dim,
        })
    }

    /// The density in double precision, where [`Blueprint::compile`] gives it in single.
    pub(super) fn compile_exact(
        &self,
        device: &Device,
    ) -> Result<Option<CompiledValue>, InferenceError> {
        let Some(plan) = &self.exact else {
            return Ok(None);
        };
        Ok(Some(CompiledValue {
            program: self.program(plan, device, Precision::F64)?,
            z: self.z,
        }))
    }

    fn program(
        &self,
        plan: &Plan,
        device: &Device,
        precision: Precision,
    ) -> Result<Box<dyn Program>, InferenceError> {
        let device = device.clone().threads(1);
        let mut program = device.compile(plan, precision)?;
        for (input, values) in &self.inputs {
            match program.write(*input, values) {
                // Read by the density, but without effect on it.
                Err(KernelError::NoInput { .. }) => {}
                result => result?,
            }
        }
        Ok(program)
    }
}

/// A program over the unconstrained vector that gives the logarithm of a density alone.
pub(super) struct CompiledValue {
    program: Box<dyn Program>,
    z: InputId,
}

impl Exact for CompiledValue {
    fn logp(&mut self, position: &[f64]) -> Result<f64, EvalError> {
        let fatal = |error: KernelError| EvalError::Fatal(Box::new(error));
        self.program.write(self.z, position).map_err(fatal)?;
        self.program.run(1).map_err(fatal)?;
        let mut log_density = [0.0];
        self.program.read_output_into(0, &mut log_density);
        Ok(log_density[0])
    }
}

impl CompiledDensity {
    /// Writes, differentiates and compiles a density for the CPU, in double precision.
    ///
    /// # Errors
    /// A density without variables, or that cannot be written or compiled.
    pub fn new(density: &dyn Density) -> Result<CompiledDensity, InferenceError> {
        Blueprint::new(density, Precision::F64)?.compile(&Device::cpu())
    }
}

impl LogDensity for CompiledDensity {
    fn dim(&self) -> usize {
        self.dim
    }

    fn logp_grad(&mut self, position: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        let fatal = |error: KernelError| EvalError::Fatal(Box::new(error));
        self.program.write(self.z, position).map_err(fatal)?;
        self.program.run(1).map_err(fatal)?;
        let mut log_density = [0.0];
        self.program.read_output_into(0, &mut log_density);
        self.program.read_output_into(1, gradient);
        Ok(log_density[0])
    }
}

/// The first term of the log density that is not finite at `z`, or whose gradient is not.
pub(crate) fn first_bad_term(
    density: &dyn Density,
    position: &[f64],
    precision: Precision,
) -> Result<Option<String>, InferenceError> {
    let graph = Graph::new();
    let z = graph.input("z", [position.len()]);
    let traced = density
        .trace(&graph, &[z], None)
        .map_err(InferenceError::Density)?;
    let mut names = Vec::new();
    let mut outputs = Vec::new();
    for (name, part) in traced.samples.iter().flatten().flat_map(Term::parts) {
        names.push(name);
        outputs.push(part);
    }
    for term in traced.samples.iter().flatten() {
        if term.value.id().is_some() {
            names.push(format!("{} (its gradient)", term.name));
            outputs.push(grad(term.value, &[z])?[0]);
        }
    }
    let plan = Plan::new(&graph, &outputs, &[(z, z)])?;
    let mut program = Device::cpu().compile(&plan, precision)?;
    for (input, values) in &traced.data {
        match program.write(*input, values) {
            Err(KernelError::NoInput { .. }) => {}
            result => result?,
        }
    }
    let z = z.input_id().expect("z was just made as an input");
    program.write(z, position)?;
    program.run(1)?;
    let bad = (0..outputs.len())
        .find(|&output| program.read_output(output).iter().any(|v| !v.is_finite()));
    Ok(bad.map(|output| names[output].clone()))
}
