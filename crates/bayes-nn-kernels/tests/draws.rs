//! Several draws in a step: a loop of the plan gives what copies give, on every executor.

use bayes_nn_autodiff::{Graph, NoiseKind, Var, grad};
use bayes_nn_kernels::{
    Binding, Cpu, Device, Precision, Run, Runtime, Step, StepProgram, running_mean,
};

/// A small network over rows of data, fitted by gradients over several draws of its weights.
struct Fit {
    rows: usize,
    batch: Option<usize>,
    draws: usize,
    ranks: usize,
    /// Reads a draw outside the mean, which a loop cannot serve.
    copies: bool,
}

const FIT: Fit = Fit {
    rows: 1000,
    batch: None,
    draws: 5,
    ranks: 1,
    copies: false,
};

impl Fit {
    fn program(&self, runtime: &Runtime) -> StepProgram {
        let graph = Graph::new();
        let step = Step::new(&graph).draws(self.draws).ranks(self.ranks);
        let (hidden, rows) = (4, self.rows);
        let p = 2 * hidden + hidden + hidden;
        let (mu, rho) = (step.state("mu", [p], 0.1), step.state("rho", [p], -1.0));
        let eps = graph.noise(NoiseKind::Normal, step.stream(), [p]);
        let z = mu + rho.softplus() * eps;
        let (x, y) = (graph.input("x", [rows, 2]), graph.input("y", [rows]));
        let numbers =
            |n: usize, f: f64| -> Vec<f64> { (0..n).map(|i| (i as f64 * f).sin()).collect() };
        step.bind(vec![
            Binding::new(x.input_id().unwrap(), numbers(2 * rows, 0.7)),
            Binding::new(y.input_id().unwrap(), numbers(rows, 0.3)),
        ]);
        let (x, y) = match self.batch {
            Some(batch) => {
                let index = graph.batch(rows, batch, 1);
                (x.gather(index, 0).t(), y.gather(index, 0))
            }
            None => (x.t(), y),
        };
        // Dropout: noise of its own in every draw.
        let kept = graph
            .noise(NoiseKind::Uniform, step.stream(), [hidden, 1])
            .gt(0.2);
        let weight = z.view(0, [2, hidden]);
        let layer = (weight.t().matmul(x) + z.view(2 * hidden, [hidden, 1])).tanh() * kept;
        let out = z.view(3 * hidden, [1, hidden]).matmul(layer).row(0);
        let loss = ((out - y) * (out - y)).sum() + 0.1 * (z * z).sum() - rho.sum();
        let gradients = [grad(loss, &[mu, rho]).unwrap(), vec![loss]].concat();
        let means = step.mean(&gradients);
        step.record("loss", means[2]);
        let rate = 1e-3;
        step.next(mu, mu - rate * means[0]);
        step.next(rho, rho - rate * means[1]);
        running_mean(&step, "mean", mu);
        if self.copies {
            step.output("one draw", z);
        }
        step.finish(runtime).unwrap()
    }

    fn run(&self, runtime: &Runtime, steps: u64) -> Run {
        let mut run = self.program(runtime).start(1).unwrap();
        run.begin(&[7]).unwrap();
        run.advance_one(0, steps).unwrap();
        run
    }
}

fn on(device: Device, precision: Precision) -> Runtime {
    Runtime {
        device,
        precision,
        threads: None,
    }
}

fn bits(run: &Run) -> Vec<u64> {
    let states = run.states().map(|name| run.get(0, name).unwrap());
    let recorded = run.recorded(0, "loss").unwrap().to_vec();
    let all = states.chain([recorded]).flatten();
    all.map(f64::to_bits).collect()
}

fn assert_near(run: &Run, expected: &Run, tolerance: f64) {
    for name in run.states() {
        let (found, wanted) = (run.get(0, name).unwrap(), expected.get(0, name).unwrap());
        for (a, b) in found.iter().zip(&wanted) {
            assert!(
                (a - b).abs() <= tolerance * (1.0 + b.abs()),
                "{name}: {a} and {b}"
            );
        }
    }
}

#[test]
fn a_loop_over_draws_gives_what_copies_give() {
    // The long ones go through strips, on several threads.
    for (rows, batch) in [
        (1000, None),
        (900, Some(700)),
        (5000, None),
        (9000, Some(4096)),
    ] {
        for precision in [Precision::F32, Precision::F64] {
            let runtime = on(Device::cpu(), precision);
            let fit = Fit { rows, batch, ..FIT };
            let copies = Fit {
                copies: true,
                ..fit
            };
            let plan = fit.program(&runtime).plan().clone();
            assert_eq!((plan.draws(), plan.evaluations().is_empty()), (5, false));
            assert_eq!(copies.program(&runtime).plan().draws(), 1);
            let steps = if rows < 1000 { 20 } else { 3 };
            let (looped, copied) = (fit.run(&runtime, steps), copies.run(&runtime, steps));
            assert_near(
                &looped,
                &copied,
                if precision == Precision::F32 {
                    1e-5
                } else {
                    1e-13
                },
            );
            assert_eq!(bits(&looped), bits(&fit.run(&runtime, steps)));
        }
    }
}

#[test]
fn what_does_not_depend_on_a_draw_is_computed_once_a_step() {
    let runtime = on(Device::cpu(), Precision::F64);
    let plan = Fit {
        batch: Some(700),
        ..FIT
    }
    .program(&runtime)
    .plan()
    .clone();
    let is_gather = |pass: &bayes_nn_kernels::plan::Pass| {
        matches!(pass, bayes_nn_kernels::plan::Pass::Gather { .. })
    };
    let gathers = plan.passes()[plan.evaluations()]
        .iter()
        .filter(|pass| is_gather(pass));
    assert_eq!(gathers.count(), 0);
    assert!(plan.passes().iter().any(is_gather));
    let (costs, each) = (plan.costs(), plan.evaluations().start);
    assert_eq!(costs[each].operations % plan.draws(), 0);
}

#[test]
fn ranks_average_over_their_draws_and_then_over_each_other() {
    let ranks = |n: usize| Device::new("ranks", Cpu::detect().unwrap().group(n).unwrap());
    let fit = |ranks| Fit {
        rows: 60,
        batch: Some(12 / ranks),
        ranks,
        ..FIT
    };
    // The loss of a part is not that of the whole: only means of gradients of sums of rows are
    // compared, which half as many rows halve.
    let two = fit(2).run(&on(ranks(2), Precision::F64), 1);
    let again = fit(2).run(&on(ranks(2), Precision::F64), 1);
    assert_eq!(bits(&two), bits(&again));
    let loss = |run: &Run| run.recorded(0, "loss").unwrap()[0];
    let one = fit(1).run(&on(Device::cpu(), Precision::F64), 1);
    assert!((loss(&two) / loss(&one)).abs() < 1.0);
}

#[test]
fn few_short_draws_are_unrolled() {
    let draws = |rows, draws| {
        let runtime = on(Device::cpu(), Precision::F32);
        let fit = Fit { rows, draws, ..FIT };
        fit.program(&runtime).plan().draws()
    };
    assert_eq!(
        (draws(20, 5), draws(20, 1000), draws(2000, 2)),
        (1, 1000, 2)
    );
}

#[test]
fn means_that_no_loop_can_serve_are_unrolled() {
    let runtime = on(Device::cpu(), Precision::F64);
    let run = |write: &dyn for<'g> Fn(&'g Graph) -> Vec<Var<'g>>| {
        let graph = Graph::new();
        let step = Step::new(&graph);
        for (number, value) in write(&graph).into_iter().enumerate() {
            step.output(&number.to_string(), value);
        }
        let program = step.finish(&runtime).unwrap();
        let mut run = program.start(1).unwrap();
        run.begin(&[3]).unwrap();
        run.advance_one(0, 1).unwrap();
        let values = |n: usize| run.get(0, &n.to_string()).unwrap()[0];
        (program.plan().draws(), values(0), values(1))
    };
    fn noise(graph: &Graph, stream: u32) -> Var<'_> {
        graph.noise(NoiseKind::Uniform, stream, [])
    }
    // A mean of what depends on a mean, of a value without noise, and two different means.
    let (draws, found, expected) = run(&|g| {
        let inner = noise(g, 0).mean_over_draws(2);
        let by_hand = (noise(g, 0) + noise(g, 1)) / 2.0;
        let outer = (noise(g, 5) * inner).mean_over_draws(2);
        vec![outer, by_hand * (noise(g, 5) + noise(g, 6)) / 2.0]
    });
    assert!(draws == 1 && (found - expected).abs() < 1e-15);
    let (draws, found, expected) =
        run(&|g| vec![(g.step() + 3.0).mean_over_draws(4), g.step() + 3.0]);
    assert_eq!((draws, found), (1, expected));
    let (draws, found, expected) = run(&|g| {
        let two = noise(g, 0).mean_over_draws(2) - noise(g, 0).mean_over_draws(3);
        let sum = noise(g, 0) + noise(g, 1);
        vec![two, sum / 2.0 - (sum + noise(g, 2)) / 3.0]
    });
    assert!(draws == 1 && (found - expected).abs() < 1e-15);
}

#[cfg(feature = "cuda")]
#[test]
fn kernels_repeat_their_launches_or_their_loop() {
    use bayes_nn_kernels::cuda::Host;
    use bayes_nn_kernels::cuda::emit::Tiny;

    let host = match Host::find() {
        Ok(host) => host,
        Err(error) => {
            let required = std::env::var_os("BAYES_NN_REQUIRE_HOST").is_some();
            assert!(!required, "{error}");
            return eprintln!("skipped: {error}");
        }
    };
    for precision in [Precision::F32, Precision::F64] {
        for fit in [
            FIT,
            Fit {
                rows: 200,
                batch: Some(50),
                draws: 60,
                ..FIT
            },
        ] {
            let expected = fit.run(&on(Device::cpu(), precision), 6);
            let tolerance = if precision == Precision::F32 {
                1e-4
            } else {
                1e-12
            };
            let mut found = Vec::new();
            for tiny in [Tiny::NONE, Tiny::ANY] {
                for host in [host.clone(), host.clone().reversed()] {
                    let device = Device::new("host", host.tiny(tiny));
                    let run = fit.run(&on(device, precision), 6);
                    assert_near(&run, &expected, tolerance);
                    found.push(bits(&run));
                }
            }
            assert!(found.iter().all(|bits| *bits == found[0]));
        }
    }
}
