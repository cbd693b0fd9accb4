//! A model and its values, run by the reference on the host and by programs on every
//! instruction set.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::Arc;

use bayes_nn_autodiff::{Bindings, Graph, Shape, Var};
use bayes_nn_kernels::{Backend, Binding, Cpu, Isa, Plan, Precision, Program, Replicas};

pub const SEED: u64 = 20_240_607;

/// Numbers between -1.5 and 1.5 that both precisions hold exactly.
pub fn numbers(n: usize, salt: u64) -> Vec<f64> {
    let mut state = salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % 193) as f64 / 64.0 - 1.5
        })
        .collect()
}

/// A graph with values for its inputs, what is asked of it, and what its states become.
pub struct Model<'g> {
    pub graph: &'g Graph,
    pub inputs: Vec<(Var<'g>, Vec<f64>)>,
    pub outputs: Vec<Var<'g>>,
    pub updates: Vec<(Var<'g>, Var<'g>)>,
}

impl<'g> Model<'g> {
    pub fn new(graph: &'g Graph) -> Model<'g> {
        Model {
            graph,
            inputs: Vec::new(),
            outputs: Vec::new(),
            updates: Vec::new(),
        }
    }

    /// An input with numbers of its own.
    pub fn input(&mut self, shape: impl Into<Shape>) -> Var<'g> {
        let shape = shape.into();
        let values = numbers(shape.elements(), self.inputs.len() as u64 + 1);
        self.input_at(shape, values)
    }

    pub fn input_at(&mut self, shape: impl Into<Shape>, values: Vec<f64>) -> Var<'g> {
        let name = format!("input{}", self.inputs.len());
        let input = self.graph.input(&name, shape.into());
        self.inputs.push((input, values));
        input
    }

    pub fn index(&mut self, values: &[usize]) -> Var<'g> {
        let name = format!("input{}", self.inputs.len());
        let input = self.graph.index_input(&name, values.len());
        let values = values.iter().map(|v| *v as f64).collect();
        self.inputs.push((input, values));
        input
    }

    /// The outputs of each of `steps` steps, by the reference.
    pub fn reference(&self, steps: u64) -> Vec<Vec<Vec<f64>>> {
        let mut values: Vec<Vec<f64>> = self.inputs.iter().map(|(_, v)| v.clone()).collect();
        let asked: Vec<Var<'g>> = self
            .outputs
            .iter()
            .copied()
            .chain(self.updates.iter().map(|(_, next)| *next))
            .collect();
        let mut history = Vec::new();
        for step in 0..steps {
            let start = Bindings::new().seed(SEED).step(step);
            let bindings = self
                .inputs
                .iter()
                .zip(&values)
                .fold(start, |b, ((input, _), v)| b.bind(*input, v));
            let results = self.graph.evaluate(&asked, &bindings).unwrap();
            let mut results: Vec<Vec<f64>> =
                results.into_iter().map(|t| t.values().to_vec()).collect();
            let next = results.split_off(self.outputs.len());
            for ((state, _), value) in self.updates.iter().zip(next) {
                let number = self.inputs.iter().position(|(i, _)| i.id() == state.id());
                values[number.unwrap()] = value;
            }
            history.push(results);
        }
        history
    }

    pub fn plan(&self) -> Plan {
        Plan::new(self.graph, &self.outputs, &self.updates).unwrap()
    }

    /// The same with inputs as states that stay as they are: nothing depends on data alone.
    fn with_states(&self) -> Model<'g> {
        let is_state = |v: &Var<'g>| self.updates.iter().any(|(state, _)| state.id() == v.id());
        let inputs = self.inputs.iter().map(|(input, _)| *input);
        let held = inputs.filter(|v| !is_state(v)).map(|v| (v, v));
        Model {
            graph: self.graph,
            inputs: self.inputs.clone(),
            outputs: self.outputs.clone(),
            updates: self.updates.iter().copied().chain(held).collect(),
        }
    }

    /// A program with all inputs written, at step 0.
    pub fn program(&self, backend: &dyn Backend, precision: Precision) -> Box<dyn Replicas> {
        let mut replicas = single(backend, &self.plan(), &[], precision);
        self.write(replicas.program_mut(0));
        replicas
    }

    /// What is no state, as data.
    pub fn data(&self) -> Vec<Binding> {
        let is_state = |v: &Var<'g>| self.updates.iter().any(|(state, _)| state.id() == v.id());
        let inputs = self.inputs.iter().filter(|(input, _)| !is_state(input));
        inputs
            .map(|(input, values)| Binding::new(input.input_id().unwrap(), values))
            .collect()
    }

    /// A program with data bound and states written, at step 0.
    pub fn bound(&self, backend: &dyn Backend, precision: Precision) -> Box<dyn Replicas> {
        let mut replicas = single(backend, &self.plan(), &self.data(), precision);
        let program = replicas.program_mut(0);
        for (state, _) in &self.updates {
            let mut inputs = self.inputs.iter();
            let (input, values) = inputs.find(|(input, _)| input.id() == state.id()).unwrap();
            program.write(input.input_id().unwrap(), values).unwrap();
        }
        program.rewind(SEED, 0);
        replicas
    }

    pub fn write(&self, program: &mut dyn Program) {
        let plan = self.plan();
        for (input, values) in &self.inputs {
            let id = input.input_id().unwrap();
            // What nothing depends on is no input of the program.
            if plan.inputs().iter().any(|input| input.id == id) {
                program.write(id, values).unwrap();
            }
        }
        program.rewind(SEED, 0);
    }

    /// Steps on every instruction set in both precisions against the reference.
    pub fn assert_like_reference(&self, steps: u64) {
        self.assert_within(steps, 1e-10, 1e-4, largest);
    }

    /// The same for derivatives: sums in which terms as large as the largest cancel.
    pub fn assert_gradients_like_reference(&self, steps: u64, double: f64, single: f64) {
        let expected = self.reference(steps);
        let scale = expected
            .iter()
            .flatten()
            .map(|v| largest(v))
            .fold(0.0, f64::max);
        self.assert_within(steps, double, single, |_| scale);
    }

    fn assert_within(&self, steps: u64, double: f64, single: f64, scale: impl Fn(&[f64]) -> f64) {
        let expected = self.reference(steps);
        let states = self.with_states();
        for (name, backend) in backends() {
            let precisions = [(Precision::F64, double), (Precision::F32, single)];
            let ways = precisions.map(|(p, t)| [(self, p, t), (&states, p, t)]);
            for (model, precision, tolerance) in ways.into_iter().flatten() {
                // Written inputs may change, data not: each in one precision.
                let mut replicas = match precision {
                    Precision::F32 => model.program(&*backend, precision),
                    Precision::F64 => model.bound(&*backend, precision),
                };
                let program = replicas.program_mut(0);
                for (step, expected) in expected.iter().enumerate() {
                    program.run(1).unwrap();
                    for (number, expected) in expected.iter().enumerate() {
                        let what = format!("{name} {precision:?}, step {step}, output {number}");
                        // What cancels is known no better than its terms, which are around 1.
                        let tolerance = tolerance * scale(expected).max(0.05);
                        assert_close(&what, &program.read_output(number), expected, tolerance);
                    }
                }
            }
        }
    }
}

/// A plan with data, and one replica of it.
pub fn single(
    backend: &dyn Backend,
    plan: &Plan,
    data: &[Binding],
    precision: Precision,
) -> Box<dyn Replicas> {
    let loaded = backend.load(&Arc::new(plan.clone()), data, precision);
    loaded.unwrap().start(1).unwrap()
}

/// What models run on: every instruction set of the CPU. With the feature `cuda` the environment
/// variable BAYES_NN_TEST_ON may name something else instead: `host`, CUDA's kernels as C++, or
/// `cuda`, the first GPU.
pub fn backends() -> Vec<(String, Box<dyn Backend>)> {
    #[cfg(feature = "cuda")]
    match std::env::var("BAYES_NN_TEST_ON").as_deref() {
        Ok("host") => {
            use bayes_nn_kernels::cuda::Host;
            return vec![("host".to_owned(), Box::new(Host::find().unwrap()))];
        }
        Ok("cuda") => {
            let cuda = bayes_nn_kernels::cuda::Cuda::new(0);
            let cuda = cuda.unwrap_or_else(|error| panic!("{error}"));
            return vec![("cuda".to_owned(), Box::new(cuda))];
        }
        _ => {}
    }
    let cpus = Isa::available().into_iter().map(|isa| {
        let cpu = Cpu::detect().unwrap().isa(isa).unwrap().threads(2);
        (isa.to_string(), Box::new(cpu) as Box<dyn Backend>)
    });
    cpus.collect()
}

/// The largest absolute value that is finite.
fn largest(values: &[f64]) -> f64 {
    values
        .iter()
        .filter(|x| x.is_finite())
        .fold(0.0, |a: f64, b| a.max(b.abs()))
}

/// Equal within `tolerance`; NaN and infinities are equal to themselves.
#[track_caller]
pub fn assert_close(what: &str, values: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(values.len(), expected.len(), "{what}");
    for (i, (value, expected)) in values.iter().zip(expected).enumerate() {
        let close = (value - expected).abs() <= tolerance
            || value == expected
            || value.is_nan() && expected.is_nan();
        assert!(
            close,
            "{what}, element {i} of {}: {value} for {expected}",
            values.len()
        );
    }
}
