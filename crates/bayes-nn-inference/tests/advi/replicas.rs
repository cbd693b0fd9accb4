//! Restarts on a device that runs them together give what they give on threads.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::regression::Regression;
use crate::stops::Chance;
use bayes_nn_inference::{Advi, AdviFit, ConvergenceTest, Density, Method, Stop};
use bayes_nn_kernels::{
    Backend, Binding, Device, KernelError, Loaded, Plan, Precision, Program, Replicas,
};

/// The CPU as if it ran replicas together; it counts how often it does.
#[derive(Clone, Debug, Default)]
struct Together {
    runs: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct LoadedTogether {
    loaded: Arc<dyn Loaded>,
    runs: Arc<AtomicUsize>,
}

struct Programs {
    programs: Box<dyn Replicas>,
    runs: Arc<AtomicUsize>,
}

impl Backend for Together {
    fn load(
        &self,
        plan: &Arc<Plan>,
        data: &[Binding],
        precision: Precision,
    ) -> Result<Arc<dyn Loaded>, KernelError> {
        Ok(Arc::new(LoadedTogether {
            loaded: Device::cpu().load(plan, data, precision)?,
            runs: self.runs.clone(),
        }))
    }
}

impl Loaded for LoadedTogether {
    fn together(&self) -> usize {
        usize::MAX
    }

    fn start(&self, replicas: usize) -> Result<Box<dyn Replicas>, KernelError> {
        Ok(Box::new(Programs {
            programs: self.loaded.start(replicas)?,
            runs: self.runs.clone(),
        }))
    }
}

impl Replicas for Programs {
    fn count(&self) -> usize {
        self.programs.count()
    }

    fn program(&self, replica: usize) -> &dyn Program {
        self.programs.program(replica)
    }

    fn program_mut(&mut self, replica: usize) -> &mut dyn Program {
        self.programs.program_mut(replica)
    }

    fn run_all(&mut self, steps: &[u64]) -> Vec<Result<(), KernelError>> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.programs.run_all(steps)
    }
}

/// The fit on threads, which one of replicas together must equal to the last bit; and how often these ran.
fn same_together(advi: &Advi, density: &dyn Density) -> (AdviFit, usize) {
    let together = Together::default();
    let device = Device::new("together", together.clone());
    let replicas = advi.clone().device(device).fit(density).unwrap();
    let threads = advi.clone().fit(density).unwrap();
    assert_eq!(replicas.approximation(), threads.approximation());
    assert_eq!(replicas.curve().elbos(), threads.curve().elbos());
    assert_eq!(replicas.stop(), threads.stop());
    let report = |fit: &AdviFit| format!("{:?} {:?}", fit.seed(), fit.restarts());
    assert_eq!(report(&replicas), report(&threads));
    assert!(replicas.setup_seconds() > 0.0 && replicas.seconds() > 0.0);
    (threads, together.runs.load(Ordering::Relaxed))
}

#[test]
fn restarts_that_run_together_are_those_of_threads() {
    let advi = Advi::mean_field().steps(300).every(100).restarts(4).seed(5);
    let (fit, runs) = same_together(&advi, &Regression::line());
    assert_eq!(fit.restarts().len(), 4);
    // Three chunks, then the final ELBOs by 50 draws and at most 1000.
    assert!((4..=23).contains(&runs), "{runs}");
    same_together(&advi.batch(5), &Regression::line());
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
    let (fit, _) = same_together(&advi, &Regression::line());
    assert_eq!(fit.stop(), Stop::Converged);
    let stopped = Advi::mean_field()
        .steps(300)
        .every(50)
        .restarts(3)
        .callback(|snapshot| match (snapshot.restart, snapshot.step) {
            (1, 100) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
    same_together(&stopped, &Regression::line());
}

#[test]
fn a_restart_that_fails_leaves_the_others_alone() {
    let advi = Advi::mean_field().steps(300).initial_sd(0.01);
    let (fit, _) = same_together(&advi.clone().seed(3).restarts(4), &Chance::new());
    let failed = fit.restarts().iter().filter(|r| r.outcome.is_err());
    assert_eq!(failed.count(), 2);
    // Where all fail it is the first that is reported.
    let device = Device::new("together", Together::default());
    let all = advi.initial_sd(1e3).restarts(2).seed(4);
    let error = all.clone().fit(&Chance::new()).unwrap_err().to_string();
    let replicas = all.device(device).fit(&Chance::new()).unwrap_err();
    assert_eq!(replicas.to_string(), error);
}
