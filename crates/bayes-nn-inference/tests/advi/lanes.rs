//! Restarts on a device that runs them together give what they give on threads.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::regression::Regression;
use crate::stops::Chance;
use bayes_nn_autodiff::InputId;
use bayes_nn_inference::{Advi, AdviFit, ConvergenceTest, Density, Stop};
use bayes_nn_kernels::{Backend, Device, KernelError, Lanes, Plan, Precision, Program};

/// The CPU as if it ran lanes together; it counts how often it does.
#[derive(Clone, Default)]
struct Together {
    runs: Arc<AtomicUsize>,
}

struct Programs {
    programs: Vec<Box<dyn Program>>,
    runs: Arc<AtomicUsize>,
}

impl Backend for Together {
    fn compile(&self, plan: &Plan, precision: Precision) -> Result<Box<dyn Program>, KernelError> {
        Device::cpu().compile(plan, precision)
    }

    fn compile_lanes(
        &self,
        plan: &Plan,
        precision: Precision,
        _: &[InputId],
        lanes: usize,
    ) -> Result<Option<Box<dyn Lanes>>, KernelError> {
        let programs = (0..lanes).map(|_| self.compile(plan, precision));
        Ok(Some(Box::new(Programs {
            programs: programs.collect::<Result<_, _>>()?,
            runs: self.runs.clone(),
        })))
    }
}

impl Lanes for Programs {
    fn programs(&mut self) -> Vec<&mut dyn Program> {
        let programs = self.programs.iter_mut();
        programs.map(|program| &mut **program as _).collect()
    }

    fn write_all(&mut self, input: InputId, values: &[f64]) -> Result<(), KernelError> {
        let mut programs = self.programs.iter_mut();
        programs.try_for_each(|program| program.write(input, values))
    }

    fn run_all(&mut self, steps: &[u64]) -> Vec<Result<(), KernelError>> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let programs = self.programs.iter_mut().zip(steps);
        programs
            .map(|(program, steps)| program.run(*steps))
            .collect()
    }
}

/// The fit on threads, which one with lanes must equal to the last bit; and how often lanes ran.
fn same_on_lanes(advi: &Advi, density: &dyn Density) -> (AdviFit, usize) {
    let together = Together::default();
    let device = Device::new("together", together.clone());
    let lanes = advi.clone().device(device).fit(density).unwrap();
    let threads = advi.clone().fit(density).unwrap();
    assert_eq!(lanes.approximation(), threads.approximation());
    assert_eq!(lanes.curve().elbos(), threads.curve().elbos());
    assert_eq!(lanes.stop(), threads.stop());
    let report = |fit: &AdviFit| format!("{:?} {:?}", fit.seed(), fit.restarts());
    assert_eq!(report(&lanes), report(&threads));
    assert!(lanes.setup_seconds() > 0.0 && lanes.seconds() > 0.0);
    (threads, together.runs.load(Ordering::Relaxed))
}

#[test]
fn restarts_that_run_together_are_those_of_threads() {
    let advi = Advi::mean_field().steps(300).every(100).restarts(4).seed(5);
    let (fit, runs) = same_on_lanes(&advi, &Regression::line());
    assert_eq!(fit.restarts().len(), 4);
    // Three chunks, then the final ELBOs by 50 draws and at most 1000.
    assert!((4..=23).contains(&runs), "{runs}");
    same_on_lanes(&advi.batch(5), &Regression::line());
}

#[test]
fn a_restart_ends_where_it_would_alone_while_others_go_on() {
    let test = ConvergenceTest {
        window: 200,
        tolerance: 0.01,
    };
    let advi = Advi::mean_field()
        .steps(3_000)
        .every(50)
        .restarts(5)
        .convergence(test)
        .stop_when_converged();
    let (fit, _) = same_on_lanes(&advi, &Regression::line());
    assert_eq!(fit.stop(), Stop::Converged);
    let stopped = Advi::mean_field()
        .steps(300)
        .every(50)
        .restarts(3)
        .callback(|snapshot| match (snapshot.restart, snapshot.step) {
            (1, 100) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
    same_on_lanes(&stopped, &Regression::line());
}

#[test]
fn a_restart_that_fails_leaves_the_others_alone() {
    let advi = Advi::mean_field().steps(300).initial_sd(0.01);
    let (fit, _) = same_on_lanes(&advi.clone().seed(3).restarts(4), &Chance::new());
    let failed = fit.restarts().iter().filter(|r| r.outcome.is_err());
    assert_eq!(failed.count(), 2);
    // Where all fail it is the first that is reported.
    let device = Device::new("together", Together::default());
    let all = advi.initial_sd(1e3).restarts(2).seed(4);
    let error = all.clone().fit(&Chance::new()).unwrap_err().to_string();
    let lanes = all.device(device).fit(&Chance::new()).unwrap_err();
    assert_eq!(lanes.to_string(), error);
}
