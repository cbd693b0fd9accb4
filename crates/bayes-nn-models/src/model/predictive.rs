//! A model with draws of its variables, whoever made them: more draws, predictions, pointwise
//! log-likelihood.

use std::rc::Rc;
use std::sync::Arc;

use bayes_nn_autodiff::{Graph, Var};
use bayes_nn_inference::{Point, Rows};
use bayes_nn_kernels::{Device, Precision, Run, Runtime, Step};
use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::batch::Batch;
use super::handlers::draw as observe;
use super::record::{Observed, Record};
use super::{Data, DrawSource, Draws, Model, ModelDensity, run};
use crate::error::Error;

/// Mixed into a seed for host draws, which must not repeat what the guide's noise is made of.
const OBSERVATIONS: u64 = 0x6a09_e667_f3bc_c908;

/// A model with the data and the draws that belong to it.
#[derive(Clone, Debug)]
pub(crate) struct Predictive<M> {
    pub(crate) model: M,
    pub(crate) data: Data,
    pub(crate) source: DrawSource,
    pub(crate) precision: Precision,
    /// Where rows are streamed through a network. Draws of a model, one by one, are the CPU's.
    pub(crate) device: Device,
    /// The variable that is predicted, of several that are observed.
    pub(crate) target: Option<Arc<str>>,
}

impl<M: Model> Predictive<M> {
    /// Draws of every site and, for the data of the fit, every deterministic.
    pub(crate) fn posterior(&self, draws: usize, seed: u64) -> Result<Draws, Error> {
        self.variables()?.draws(&self.source, draws, seed)
    }

    /// Every site and every deterministic, as a program; of data that are streamed without those that are
    /// computed from rows.
    pub(crate) fn variables(&self) -> Result<Variables, Error> {
        let graph = Graph::new();
        let head = self.data.head();
        let written = self.write(&graph, &head, true)?;
        let mut declared = Draws::default();
        let mut outputs = Vec::new();
        for (name, shape, axes, value) in written.record.variables() {
            // The first rows of a stream are none to report.
            if self.data.is_streamed() && value.comes_from_rows() {
                continue;
            }
            declared.declare(name, shape, axes);
            outputs.push(value);
        }
        written.variables(&outputs, declared, Precision::F64)
    }

    /// Checks that what is observed in a row depends on the model's variables and on this row alone.
    pub(crate) fn check_rows(&self) -> Result<(), Error> {
        ModelDensity::new(&self.model, self.data.head())?.check_rows()
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
            result.declare(&observed.name, observed.shape, &observed.axes);
            let parameters = observed.distribution.parameters();
            outputs.extend(parameters.iter().map(|p| p.value));
        }
        let mut run = written.compile(&outputs, self.precision, seed)?;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ OBSERVATIONS);
        for draw in 0..draws {
            self.source.advance(&mut run, draw..draw + 1, draws)?;
            let mut output = 0;
            for (number, observed) in written.record.observed.iter().enumerate() {
                let end = output + parameters(observed);
                let values = (output..end)
                    .map(|o| output_of(&run, o))
                    .collect::<Result<_, _>>()?;
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
        let mut declared = Draws::default();
        let mut outputs = Vec::new();
        for observed in &written.record.observed {
            let axes = observed.log_prob_axes();
            declared.declare(&observed.name, observed.log_prob_shape, axes);
            outputs.push(observed.log_prob);
        }
        let mut densities = written.variables(&outputs, declared, self.precision)?;
        densities.draws(&self.source, draws, seed)
    }

    /// Writes the model with its sites drawn from the source.
    fn write<'g>(
        &self,
        graph: &'g Graph,
        data: &Data,
        absent_allowed: bool,
    ) -> Result<Written<'g>, Error> {
        let data = &data.clone().encoded_as(&self.data)?;
        data.check_missing(&self.data)?;
        let batch = Batch::new(graph, data, Rows::All, absent_allowed.then_some(&self.data));
        let step = Step::new(graph);
        let record = self.run_drawn(&step, &batch, data)?;
        Ok(Written {
            step,
            batch,
            record,
        })
    }

    /// Runs the model over a batch of these data, with its sites drawn by the step.
    pub(crate) fn run_drawn<'g>(
        &self,
        step: &Step<'g>,
        batch: &Batch<'g>,
        data: &Data,
    ) -> Result<Record<'g>, Error> {
        self.run_at(self.source.draw(step), step, batch, data)
    }

    /// The same with a draw `z [P]` of one's own.
    pub(crate) fn run_at<'g>(
        &self,
        z: Var<'g>,
        step: &Step<'g>,
        batch: &Batch<'g>,
        data: &Data,
    ) -> Result<Record<'g>, Error> {
        let point = Rc::new(Point::at(z, self.source.sites()));
        let record = run(&self.model, batch, point)?;
        if self.precision == Precision::F32 {
            for name in batch.shared.columns_read() {
                data.check_single_precision(&name)?;
            }
        }
        record.check_fitted(&batch.shared, self.source.sites())?;
        for observed in &record.observed {
            observed.check_new_rows(data, &self.data)?;
        }
        step.bind(batch.shared.data());
        Ok(record)
    }
}

/// The program that makes variables, such as sites and deterministics, of draws of the
/// unconstrained vector.
pub(crate) struct Variables {
    run: Run,
    outputs: usize,
    /// The variables, without draws.
    pub(crate) declared: Draws,
}

impl Variables {
    /// So many draws of all variables.
    pub(crate) fn draws(
        &mut self,
        source: &DrawSource,
        draws: usize,
        seed: u64,
    ) -> Result<Draws, Error> {
        check_draws(draws)?;
        let mut result = self.declared.clone();
        self.run.begin(&[seed])?;
        for draw in 0..draws {
            source.advance(&mut self.run, draw..draw + 1, draws)?;
            for output in 0..self.outputs {
                result.push(output, &output_of(&self.run, output)?)?;
            }
        }
        Ok(result)
    }
}

/// A model in a graph, ready to be compiled for some of its values.
struct Written<'g> {
    step: Step<'g>,
    batch: Batch<'g>,
    record: Record<'g>,
}

impl<'g> Written<'g> {
    /// The program that makes these outputs, under the names that are declared.
    fn variables(
        &self,
        outputs: &[Var<'g>],
        declared: Draws,
        precision: Precision,
    ) -> Result<Variables, Error> {
        Ok(Variables {
            run: self.compile(outputs, precision, 0)?,
            outputs: outputs.len(),
            declared,
        })
    }

    /// The values of one draw as a program that was begun.
    fn compile(&self, outputs: &[Var<'g>], precision: Precision, seed: u64) -> Result<Run, Error> {
        self.batch.shared.check_known(outputs)?;
        for (number, output) in outputs.iter().enumerate() {
            self.step.output(&number.to_string(), *output);
        }
        let runtime = Runtime {
            device: Device::cpu(),
            precision,
            threads: None,
        };
        let mut run = self.step.finish(&runtime)?.start(1)?;
        run.begin(&[seed])?;
        Ok(run)
    }
}

/// What the last step gave an output.
fn output_of(run: &Run, output: usize) -> Result<Vec<f64>, Error> {
    Ok(run.get(0, &output.to_string())?)
}

/// The most draws that are asked for at once.
const MOST_DRAWS: usize = 100_000_000;

pub(crate) fn check_draws(draws: usize) -> Result<(), Error> {
    let allowed = match draws {
        0 => "1 or more",
        1..=MOST_DRAWS => return Ok(()),
        _ => "at most 100,000,000",
    };
    Err(Error::Request {
        field: "draws",
        value: draws.to_string(),
        allowed,
    })
}
