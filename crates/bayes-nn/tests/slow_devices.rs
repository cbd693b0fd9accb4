//! NUTS on devices that are slower or faster than the CPU: what it measures, and what it warns of.

use std::sync::Arc;

use bayes_nn::distributions::Normal;
use bayes_nn::model::{self, Batch, Data, Posterior, Trace};
use bayes_nn::{Device, Nuts};
use bayes_nn_autodiff::InputId;
use bayes_nn_kernels::{
    Backend, Binding, KernelError, Loaded, Plan, Precision, Profile, Program, Replicas,
};

/// The CPU, doing every step many times over, or none at a point where it was just before.
#[derive(Clone, Copy, Debug)]
enum Pace {
    Repeats(u64),
    Remembers,
}

impl Backend for Pace {
    fn load(
        &self,
        plan: &Arc<Plan>,
        data: &[Binding],
        precision: Precision,
    ) -> Result<Arc<dyn Loaded>, KernelError> {
        let device = Device::cpu().threads(1);
        Ok(Arc::new(PacedPlan {
            pace: *self,
            loaded: device.load(plan, data, precision)?,
        }))
    }
}

#[derive(Debug)]
struct PacedPlan {
    pace: Pace,
    loaded: Arc<dyn Loaded>,
}

impl Loaded for PacedPlan {
    fn start(&self, replicas: usize) -> Result<Box<dyn Replicas>, KernelError> {
        let paced = |_| -> Result<Box<dyn Program>, KernelError> {
            Ok(Box::new(Paced {
                pace: self.pace,
                moved: true,
                position: Vec::new(),
                replicas: self.loaded.start(1)?,
            }))
        };
        let programs = (0..replicas).map(paced);
        Ok(Box::new(programs.collect::<Result<Vec<_>, _>>()?))
    }
}

struct Paced {
    pace: Pace,
    /// Whether anything was written since the last step but what was there already.
    moved: bool,
    position: Vec<f64>,
    replicas: Box<dyn Replicas>,
}

impl Program for Paced {
    fn write(&mut self, input: InputId, values: &[f64]) -> Result<(), KernelError> {
        self.moved |= self.position != values;
        values.clone_into(&mut self.position);
        self.replicas.program_mut(0).write(input, values)
    }

    fn fill(&mut self, input: InputId, value: f64) -> Result<(), KernelError> {
        self.moved = true;
        self.replicas.program_mut(0).fill(input, value)
    }

    fn run(&mut self, steps: u64) -> Result<(), KernelError> {
        match self.pace {
            Pace::Repeats(times) => self.replicas.program_mut(0).run(times * steps),
            Pace::Remembers if !self.moved => Ok(()),
            Pace::Remembers => {
                self.moved = false;
                self.replicas.program_mut(0).run(steps)
            }
        }
    }

    fn read_input(&self, input: InputId) -> Vec<f64> {
        self.replicas.program(0).read_input(input)
    }

    fn read_output(&self, output: usize) -> Vec<f64> {
        self.replicas.program(0).read_output(output)
    }

    fn read_output_from(&self, output: usize, first: usize, values: &mut [f64]) {
        let program = self.replicas.program(0);
        program.read_output_from(output, first, values);
    }

    fn profile(&mut self, steps: u64) -> Result<Profile, KernelError> {
        self.replicas.program_mut(0).profile(steps)
    }

    fn save(&mut self) {
        self.replicas.program_mut(0).save();
    }

    fn restore(&mut self) {
        self.replicas.program_mut(0).restore();
    }

    fn forget(&mut self) {
        self.replicas.program_mut(0).forget();
    }

    fn first_non_finite(&self, input: InputId) -> Option<usize> {
        self.replicas.program(0).first_non_finite(input)
    }

    fn rewind(&mut self, seed: u64, step: u64) {
        self.replicas.program_mut(0).rewind(seed, step);
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
    model::fit(&mean, data, &nuts.device(device)).unwrap()
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
