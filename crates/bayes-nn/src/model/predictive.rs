//! A model with draws of its variables, whoever made them: more draws, predictions, pointwise
//! log-likelihood.

mod forecasts;

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use bayes_nn_autodiff::{Graph, InputId, Var};
use bayes_nn_inference::{Approximation, Point, Rows, Site};
use bayes_nn_kernels::{Backend, Binding, Device, KernelError, Plan, Precision, Program, Replicas};
use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::batch::Batch;
use super::handlers::draw as observe;
use super::trace::{Observed, Record};
use super::{Data, Draws, Model, run};
use crate::error::Error;

pub(crate) use forecasts::{Forecast, Observation};

/// Mixed into a seed for host draws, which must not repeat what the guide's noise is made of.
const OBSERVATIONS: u64 = 0x6a09_e667_f3bc_c908;

/// Where draws of the unconstrained vector come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// From a guide, fresh ones for each seed.
    Guide(Arc<Approximation>),
    /// From chains: rows `[draws, P]` that were drawn before.
    Rows { sites: Vec<Site>, rows: Arc<[f64]> },
}

impl Source {
    pub(crate) fn sites(&self) -> &[Site] {
        match self {
            Source::Guide(approximation) => approximation.sites(),
            Source::Rows { sites, .. } => sites,
        }
    }

    /// The draw in a graph, with the inputs that it reads. Rows are an input themselves.
    pub(crate) fn trace<'g>(&self, graph: &'g Graph) -> (Var<'g>, Vec<Binding>) {
        match self {
            Source::Guide(approximation) => approximation.trace(graph),
            Source::Rows { .. } => {
                let dimension = self.sites().last().map_or(0, |site| site.range().end);
                (graph.input("z", [dimension]), Vec::new())
            }
        }
    }

    /// Runs a program for some of `of` draws. Rows are taken evenly from all there are.
    pub(crate) fn run(
        &self,
        program: &mut dyn Program,
        z: Option<InputId>,
        draws: Range<usize>,
        of: usize,
    ) -> Result<(), Error> {
        let (Source::Rows { sites, rows }, Some(z)) = (self, z) else {
            return Ok(program.run(draws.len() as u64)?);
        };
        let dimension = sites.last().map_or(0, |site| site.range().end);
        let count = rows.len() / dimension;
        check_draws(count)?;
        for draw in draws {
            match program.write(z, &rows[draw * count / of * dimension..][..dimension]) {
                // Nothing that is computed here depends on it.
                Err(KernelError::NoInput { .. }) => {}
                result => result?,
            }
            program.run(1)?;
        }
        Ok(())
    }
}

/// A model with the data and the draws that belong to it.
#[derive(Clone, Debug)]
pub(crate) struct Predictive<M> {
    pub(crate) model: M,
    pub(crate) data: Data,
    pub(crate) source: Source,
    pub(crate) precision: Precision,
    /// Where rows are streamed through a network. Draws of a model, one by one, are the CPU's.
    pub(crate) device: Device,
}

impl<M> Predictive<M> {
    /// A model with draws that were made before, rows `[draws, P]`.
    pub(crate) fn of_rows(model: M, data: Data, sites: Vec<Site>, rows: Arc<[f64]>) -> Self {
        Predictive {
            model,
            data,
            source: Source::Rows { sites, rows },
            precision: Precision::F64,
            device: Device::cpu(),
        }
    }
}

impl<M: Model> Predictive<M> {
    /// Draws of every site and, for the data of the fit, every deterministic.
    pub(crate) fn posterior(&self, draws: usize, seed: u64) -> Result<Draws, Error> {
        self.variables()?.draws(&self.source, draws, seed)
    }

    /// Every site and every deterministic, as a program.
    pub(crate) fn variables(&self) -> Result<Variables, Error> {
        let graph = Graph::new();
        let written = self.write(&graph, &self.data, true)?;
        let mut declared = Draws::default();
        let mut outputs = Vec::new();
        for site in &written.record.sites {
            declared.declare(&site.name, site.shape);
            outputs.push(site.value);
        }
        for (name, value) in &written.record.deterministics {
            declared.declare(name, value.shape());
            outputs.push(*value);
        }
        Ok(Variables {
            replicas: written.compile(&outputs, Precision::F64)?,
            z: written.z,
            declared,
        })
    }

    /// Draws of each observed variable for new data.
    pub(crate) fn predictive(&self, data: &Data, draws: usize, seed: u64) -> Result<Draws, Error> {
        check_draws(draws)?;
        let graph = Graph::new();
        let written = self.write(&graph, data, true)?;
        let parameters = |observed: &Observed<'_>| observed.distribution.parameters().len();
        let mut result = Draws::default();
        let mut outputs = Vec::new();
        for observed in &written.record.observed {
            result.declare(&observed.name, observed.shape);
            let parameters = observed.distribution.parameters();
            outputs.extend(parameters.iter().map(|p| p.value));
        }
        let mut replicas = written.compile(&outputs, self.precision)?;
        let program = replicas.program_mut(0);
        program.rewind(seed, 0);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ OBSERVATIONS);
        for draw in 0..draws {
            self.source
                .run(&mut *program, written.z, draw..draw + 1, draws)?;
            let mut output = 0;
            for (number, observed) in written.record.observed.iter().enumerate() {
                let end = output + parameters(observed);
                let values = (output..end).map(|o| program.read_output(o)).collect();
                output = end;
                let distribution = &*observed.distribution;
                let values = observe(
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

    /// The log density of every observed value under every draw, never scaled.
    pub(crate) fn log_likelihood(
        &self,
        data: &Data,
        draws: usize,
        seed: u64,
    ) -> Result<Draws, Error> {
        check_draws(draws)?;
        let graph = Graph::new();
        let written = self.write(&graph, data, false)?;
        let mut result = Draws::default();
        let mut outputs = Vec::new();
        for observed in &written.record.observed {
            result.declare(&observed.name, observed.log_prob_shape);
            outputs.push(observed.log_prob);
        }
        let mut replicas = written.compile(&outputs, self.precision)?;
        let program = replicas.program_mut(0);
        program.rewind(seed, 0);
        for draw in 0..draws {
            self.source
                .run(&mut *program, written.z, draw..draw + 1, draws)?;
            for output in 0..outputs.len() {
                result.push(output, &program.read_output(output))?;
            }
        }
        Ok(result)
    }

    /// Writes the model with its sites drawn from the source.
    fn write<'g>(
        &self,
        graph: &'g Graph,
        data: &Data,
        absent_allowed: bool,
    ) -> Result<Written<'g>, Error> {
        data.check_missing(&self.data)?;
        let batch = Batch::new(graph, data, Rows::All, absent_allowed);
        let (z, mut inputs) = self.source.trace(graph);
        let point = Rc::new(Point::at(z, self.source.sites()));
        let record = run(&self.model, &batch, point)?;
        inputs.extend(batch.shared.data());
        Ok(Written {
            graph,
            batch,
            record,
            z: z.input_id(),
            inputs,
        })
    }
}

/// The program that makes sites and deterministics of draws of the unconstrained vector.
pub(crate) struct Variables {
    replicas: Box<dyn Replicas>,
    z: Option<InputId>,
    /// The variables, without draws.
    pub(crate) declared: Draws,
}

impl Variables {
    /// So many draws of all variables.
    pub(crate) fn draws(
        &mut self,
        source: &Source,
        draws: usize,
        seed: u64,
    ) -> Result<Draws, Error> {
        check_draws(draws)?;
        let mut result = self.declared.clone();
        let program = self.replicas.program_mut(0);
        program.rewind(seed, 0);
        for draw in 0..draws {
            source.run(&mut *program, self.z, draw..draw + 1, draws)?;
            for output in 0..result.variables().len() {
                result.push(output, &program.read_output(output))?;
            }
        }
        Ok(result)
    }
}

/// A model in a graph, ready to be compiled for some of its values.
struct Written<'g> {
    graph: &'g Graph,
    batch: Batch<'g>,
    record: Record<'g>,
    z: Option<InputId>,
    inputs: Vec<Binding>,
}

impl<'g> Written<'g> {
    fn compile(
        &self,
        outputs: &[Var<'g>],
        precision: Precision,
    ) -> Result<Box<dyn Replicas>, Error> {
        let shared = &self.batch.shared;
        for (name, absent) in shared.absent.borrow().iter() {
            if outputs.iter().any(|o| self.graph.depends_on(*o, *absent)) {
                return Err(shared.unknown_column(name));
            }
        }
        compile(self.graph, outputs, &[], &self.inputs, precision)
    }
}

/// A program that has those of the inputs that it reads.
pub(crate) fn compile(
    graph: &Graph,
    outputs: &[Var<'_>],
    updates: &[(Var<'_>, Var<'_>)],
    inputs: &[Binding],
    precision: Precision,
) -> Result<Box<dyn Replicas>, Error> {
    let plan = Arc::new(Plan::new(graph, outputs, updates)?);
    Ok(Device::cpu().load(&plan, inputs, precision)?.start(1)?)
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
