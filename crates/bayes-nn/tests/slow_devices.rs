//! NUTS on devices that are slower or faster than the CPU: what it measures, and what it warns of.

use bayes_nn::distributions::Normal;
use bayes_nn::model::{self, Batch, Data, Posterior, Trace};
use bayes_nn::{Device, Nuts};
use bayes_nn_autodiff::InputId;
use bayes_nn_kernels::{Backend, KernelError, Plan, Precision, Profile, Program};

/// The CPU, doing every step many times over, or none at a point where it was just before.
#[derive(Clone, Copy)]
enum Pace {
    Repeats(u64),
    Remembers,
}

impl Backend for Pace {
    fn compile(&self, plan: &Plan, precision: Precision) -> Result<Box<dyn Program>, KernelError> {
        Ok(Box::new(Paced {
            pace: *self,
            moved: true,
            position: Vec::new(),
            program: Device::cpu().threads(1).compile(plan, precision)?,
        }))
    }
}

struct Paced {
    pace: Pace,
    /// Whether anything was written since the last step but what was there already.
    moved: bool,
    position: Vec<f64>,
    program: Box<dyn Program>,
}

impl Program for Paced {
    fn write(&mut self, input: InputId, values: &[f64]) -> Result<(), KernelError> {
        self.moved |= self.position != values;
        values.clone_into(&mut self.position);
        self.program.write(input, values)
    }

    fn fill(&mut self, input: InputId, value: f64) -> Result<(), KernelError> {
        self.moved = true;
        self.program.fill(input, value)
    }

    fn run(&mut self, steps: u64) -> Result<(), KernelError> {
        match self.pace {
            Pace::Repeats(times) => self.program.run(times * steps),
            Pace::Remembers if !self.moved => Ok(()),
            Pace::Remembers => {
                self.moved = false;
                self.program.run(steps)
            }
        }
    }

    fn read_input(&self, input: InputId) -> Vec<f64> {
        self.program.read_input(input)
    }

    fn read_output(&self, output: usize) -> Vec<f64> {
        self.program.read_output(output)
    }

    fn read_output_into(&self, output: usize, values: &mut [f64]) {
        self.program.read_output_into(output, values);
    }

    fn profile(&mut self, steps: u64) -> Result<Profile, KernelError> {
        self.program.profile(steps)
    }

    fn save(&mut self) {
        self.program.save();
    }

    fn restore(&mut self) {
        self.program.restore();
    }

    fn forget(&mut self) {
        self.program.forget();
    }

    fn first_non_finite(&self, input: InputId) -> Option<usize> {
        self.program.first_non_finite(input)
    }

    fn rewind(&mut self, seed: u64, step: u64) {
        self.program.rewind(seed, step);
    }
}

fn mean<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mean = trace.sample("mean", Normal::new(0.0, 1.0));
    trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
}

fn sampled(device: Device, rows: usize) -> Posterior<impl model::Model> {
    let y: Vec<f64> = (0..rows).map(|row| (row as f64).sin()).collect();
    let data = Data::new().column("y", &y).unwrap();
    let nuts = Nuts::new().chains(1).warmup(2).draws(4).max_depth(1);
    model::sample(&mean, data, nuts.device(device)).unwrap()
}

fn warns_of_a_device<M>(samples: &Posterior<M>) -> Option<String> {
    let mut warnings = samples.warnings().into_iter();
    warnings.find(|warning| warning.contains("does not pay"))
}

#[test]
fn a_device_that_is_slower_than_the_cpu_is_warned_of_with_both_figures() {
    let samples = sampled(Device::new("slow", Pace::Repeats(10_000)), 10);
    let there = samples.nuts().unwrap().seconds_per_gradient();
    let here = samples.nuts().unwrap().cpu_seconds_per_gradient().unwrap();
    assert!(here > 0.0 && here < there);
    let expected = format!(
        "`slow` does not pay: a gradient takes {:.1} us there and {:.1} us on one thread of the \
         CPU; leave out `device`",
        1e6 * there,
        1e6 * here
    );
    assert_eq!(warns_of_a_device(&samples), Some(expected.clone()));
    assert!(
        samples
            .to_string()
            .contains(&format!("warning: {expected}"))
    );
}

#[test]
fn a_device_that_is_faster_than_the_cpu_is_not() {
    let samples = sampled(Device::new("fast", Pace::Remembers), 300_000);
    let there = samples.nuts().unwrap().seconds_per_gradient();
    let here = samples.nuts().unwrap().cpu_seconds_per_gradient().unwrap();
    assert!(there < here, "{there} s there, {here} s on the CPU");
    assert_eq!(warns_of_a_device(&samples), None);
}

#[test]
fn on_the_cpu_nothing_is_compared() {
    let samples = sampled(Device::cpu(), 10);
    assert_eq!(samples.nuts().unwrap().device(), "cpu");
    assert_eq!(samples.nuts().unwrap().cpu_seconds_per_gradient(), None);
    assert_eq!(warns_of_a_device(&samples), None);
}
