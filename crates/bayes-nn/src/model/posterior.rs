//! A model with its fitted guide: draws of variables, predictions, pointwise log-likelihood.

use std::sync::Arc;

use bayes_nn_autodiff::{Graph, InputId, Var};
use bayes_nn_inference::{Approximation, Density, InputValues, Site};
use bayes_nn_kernels::{Backend, Cpu, KernelError, Plan, Precision, Program};
use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::batch::Batch;
use super::trace::{Observed, Record, draw};
use super::{Data, Draws, Model, ModelDensity, given};
use crate::error::Error;

/// Mixed into a seed for host draws, which must not repeat what the guide's noise is made of.
const OBSERVATIONS: u64 = 0x6a09_e667_f3bc_c908;

/// A model with the posterior that was found for it.
///
/// Draw `i` of a seed uses the same values of all variables in every method.
#[derive(Clone, Debug)]
pub struct Posterior<M> {
    pub(crate) model: M,
    pub(crate) data: Data,
    pub(crate) approximation: Approximation,
    pub(crate) precision: Precision,
}

impl<M: Model> Posterior<M> {
    /// A posterior from a guide that was fitted earlier to this model, such as the last good
    /// state of a fit that was stopped.
    ///
    /// # Errors
    /// Whatever is wrong with the model or the data, and a guide whose sites are others.
    pub fn new(
        model: M,
        data: impl Into<Data>,
        approximation: Approximation,
    ) -> Result<Posterior<M>, Error> {
        let data = data.into();
        let density = ModelDensity::new(&model, data.clone())?;
        let describe = |sites: &[Site]| {
            let names: Vec<String> = sites
                .iter()
                .map(|site| format!("`{}` {}", site.name, site.shape))
                .collect();
            names.join(", ")
        };
        if density.sites() != approximation.sites() {
            return Err(Error::OtherModel {
                found: describe(approximation.sites()),
                expected: describe(density.sites()),
            });
        }
        Ok(Posterior::from_parts(
            model,
            data,
            approximation,
            Precision::F64,
        ))
    }
}

impl<M> Posterior<M> {
    pub(crate) fn from_parts(
        model: M,
        data: Data,
        approximation: Approximation,
        precision: Precision,
    ) -> Posterior<M> {
        Posterior {
            model,
            data,
            approximation,
            precision,
        }
    }

    /// The model.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The guide in unconstrained space.
    pub fn approximation(&self) -> &Approximation {
        &self.approximation
    }
}

impl<M: Model> Posterior<M> {
    /// Posterior draws of every site and, for the data of the fit, every deterministic.
    ///
    /// # Errors
    /// No draws; draws that are not finite.
    pub fn posterior(&self, draws: usize, seed: u64) -> Result<Draws, Error> {
        check_draws(draws)?;
        let graph = Graph::new();
        let written = self.write(&graph, &self.data, true)?;
        let mut result = Draws::default();
        let mut outputs = Vec::new();
        for site in &written.record.sites {
            result.declare(&site.name, site.shape);
            outputs.push(site.value);
        }
        for (name, value) in &written.record.deterministics {
            result.declare(name, value.shape());
            outputs.push(*value);
        }
        let mut program = written.compile(&outputs, Precision::F64)?;
        program.rewind(seed, 0);
        for _ in 0..draws {
            program.run(1)?;
            for output in 0..outputs.len() {
                result.push(output, &program.read_output(output))?;
            }
        }
        Ok(result)
    }

    /// Draws of each observed variable for new data, with any number of rows. Columns that the
    /// model only observes may be missing.
    ///
    /// # Errors
    /// No draws; a column that is missing and needed; draws that are not finite.
    pub fn predictive(
        &self,
        data: impl Into<Data>,
        draws: usize,
        seed: u64,
    ) -> Result<Draws, Error> {
        check_draws(draws)?;
        let graph = Graph::new();
        let written = self.write(&graph, &data.into(), true)?;
        let parameters = |observed: &Observed<'_>| observed.distribution.parameters().len();
        let mut result = Draws::default();
        let mut outputs = Vec::new();
        for observed in &written.record.observed {
            result.declare(&observed.name, observed.shape);
            let parameters = observed.distribution.parameters();
            outputs.extend(parameters.iter().map(|p| p.value));
        }
        let mut program = written.compile(&outputs, self.precision)?;
        program.rewind(seed, 0);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ OBSERVATIONS);
        for _ in 0..draws {
            program.run(1)?;
            let mut output = 0;
            for (number, observed) in written.record.observed.iter().enumerate() {
                let end = output + parameters(observed);
                let values = (output..end).map(|o| program.read_output(o)).collect();
                output = end;
                let distribution = &*observed.distribution;
                let values = draw(
                    &observed.name,
                    distribution,
                    observed.shape,
                    values,
                    &mut rng,
                )?;
                result.push(number, &values)?;
            }
        }
        Ok(result)
    }

    /// The log density of every observed value under every draw, in nats: for each observed
    /// variable `[draws, ...shape]`. Never scaled, whatever batch the fit used.
    ///
    /// # Errors
    /// No draws; a missing column; values that are not finite.
    pub fn log_likelihood(
        &self,
        data: impl Into<Data>,
        draws: usize,
        seed: u64,
    ) -> Result<Draws, Error> {
        check_draws(draws)?;
        let graph = Graph::new();
        let written = self.write(&graph, &data.into(), false)?;
        let mut result = Draws::default();
        let mut outputs = Vec::new();
        for observed in &written.record.observed {
            result.declare(&observed.name, observed.shape);
            outputs.push(observed.log_prob);
        }
        let mut program = written.compile(&outputs, self.precision)?;
        program.rewind(seed, 0);
        for _ in 0..draws {
            program.run(1)?;
            for output in 0..outputs.len() {
                result.push(output, &program.read_output(output))?;
            }
        }
        Ok(result)
    }

    /// Writes the model with its sites drawn from the guide.
    fn write<'g>(
        &self,
        graph: &'g Graph,
        data: &Data,
        absent_allowed: bool,
    ) -> Result<Written<'g>, Error> {
        let batch = Batch::new(graph, data, None, absent_allowed);
        let (z, mut inputs) = self.approximation.trace(graph);
        let record = given(&self.model, &batch, z, self.approximation.sites())?;
        inputs.extend(batch.shared.inputs());
        Ok(Written {
            graph,
            batch,
            record,
            inputs,
        })
    }
}

/// A model in a graph, ready to be compiled for some of its values.
struct Written<'g> {
    graph: &'g Graph,
    batch: Batch<'g>,
    record: Record<'g>,
    inputs: InputValues,
}

impl<'g> Written<'g> {
    fn compile(
        &self,
        outputs: &[Var<'g>],
        precision: Precision,
    ) -> Result<Box<dyn Program>, Error> {
        let shared = &self.batch.shared;
        for (name, absent) in shared.absent.borrow().iter() {
            if outputs.iter().any(|o| self.graph.depends_on(*o, *absent)) {
                return Err(shared.unknown_column(name));
            }
        }
        compile(self.graph, outputs, &[], &self.inputs, precision)
    }
}

/// Compiles and writes those of the inputs that the program reads.
pub(crate) fn compile(
    graph: &Graph,
    outputs: &[Var<'_>],
    updates: &[(Var<'_>, Var<'_>)],
    inputs: &[(InputId, Arc<[f64]>)],
    precision: Precision,
) -> Result<Box<dyn Program>, Error> {
    let plan = Plan::new(graph, outputs, updates)?;
    let mut program = Cpu::detect()?.compile(&plan, precision)?;
    for (input, values) in inputs {
        match program.write(*input, values) {
            // Read by the model, but not for what is computed here.
            Err(KernelError::NoInput { .. }) => {}
            result => result?,
        }
    }
    Ok(program)
}

pub(crate) fn check_draws(draws: usize) -> Result<(), Error> {
    match draws {
        0 => Err(Error::Request {
            field: "draws",
            value: "0".to_owned(),
            allowed: "1 or more",
        }),
        _ => Ok(()),
    }
}
