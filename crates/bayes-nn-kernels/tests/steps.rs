//! Steps: names, starts, records, data, replicas, jobs.

use std::sync::Arc;

use bayes_nn_autodiff::{Graph, NoiseKind};
use bayes_nn_kernels::{
    Backend, Binding, Cpu, Device, Feed, FeedError, Feeder, KernelError, Precision, Run, Runtime,
    Step, StepProgram, fan_out, running_mean_and_squares,
};

fn exact() -> Runtime {
    Runtime {
        precision: Precision::F64,
        ..Runtime::default()
    }
}

/// A walk of two numbers, with its sum recorded.
fn walk() -> StepProgram {
    let graph = Graph::new();
    let step = Step::new(&graph);
    let x = step.state("x", [2], vec![1.0, -1.0]);
    let noise = graph.noise(NoiseKind::Normal, step.stream(), [2]);
    step.next(x, 0.5 * x + noise);
    step.record("x", x);
    step.record("sum", x.sum());
    step.output("sum", x.sum());
    step.finish(&exact()).unwrap()
}

fn begun(program: &StepProgram, seeds: &[u64]) -> Run {
    let mut run = program.start(seeds.len()).unwrap();
    run.begin(seeds).unwrap();
    run
}

#[test]
fn every_step_leaves_an_entry_of_any_shape() {
    let mut run = begun(&walk(), &[3]);
    run.advance_one(0, 1000).unwrap();
    let (x, sums) = (
        run.recorded(0, "x").unwrap(),
        run.recorded(0, "sum").unwrap(),
    );
    assert_eq!((x.len(), sums.len()), (2000, 1000));
    assert_eq!(x[..2], [1.0, -1.0]);
    for (entry, sum) in x.chunks(2).zip(sums) {
        assert_eq!(entry[0] + entry[1], *sum);
    }
    assert_eq!(run.get(0, "sum").unwrap(), sums[999..]);
    // An advance forgets the entries of the one before.
    let next = run.get(0, "x").unwrap();
    run.advance_one(0, 1).unwrap();
    assert_eq!(run.recorded(0, "x").unwrap(), next);
}

#[test]
fn replicas_are_what_they_are_alone() {
    let program = walk();
    let mut run = begun(&program, &[5, 6, 7]);
    // The third takes none; the second takes more than are recorded at once.
    assert_eq!(run.advance(&[40, 700]), [Ok(()), Ok(())]);
    assert_eq!(run.advance(&[0, 1, 2]), [Ok(()), Ok(()), Ok(())]);
    for (replica, (seed, steps)) in [(5, 40), (6, 701), (7, 2)].into_iter().enumerate() {
        let mut alone = begun(&program, &[seed]);
        alone.advance_one(0, steps).unwrap();
        assert_eq!(run.get(replica, "x"), alone.get(0, "x"));
    }
    assert_eq!(run.recorded(0, "sum").unwrap().len(), 40);
    assert_eq!(run.recorded(1, "sum").unwrap().len(), 1);
}

#[test]
fn states_seed_and_step_are_all_that_another_run_needs_to_go_on_to_the_last_bit() {
    let program = walk();
    let mut run = begun(&program, &[11]);
    run.advance_one(0, 9).unwrap();
    let mut other = program.start(2).unwrap();
    for name in run.states() {
        other.set(1, name, &run.get(0, name).unwrap()).unwrap();
    }
    other.rewind(1, 11, 9).unwrap();
    run.advance_one(0, 9).unwrap();
    other.advance(&[0, 9]).remove(1).unwrap();
    assert_eq!(run.get(0, "x"), other.get(1, "x"));
    assert_eq!(run.recorded(0, "x"), other.recorded(1, "x"));

    run.begin(&[11]).unwrap();
    run.save(0).unwrap();
    run.advance_one(0, 3).unwrap();
    run.restore(0).unwrap();
    assert_eq!(run.get(0, "x").unwrap(), [1.0, -1.0]);
}

#[test]
fn a_state_without_a_next_value_keeps_what_it_was_set_to() {
    let graph = Graph::new();
    let step = Step::new(&graph);
    let z = step.state("z", [3], 0.5);
    step.state("unread", [2], vec![3.0, 4.0]);
    step.output("norm", (z * z).sum());
    let mut run = begun(&step.finish(&exact()).unwrap(), &[0]);
    let (slot, norm) = (run.slot("z").unwrap(), run.slot("norm").unwrap());
    run.advance_one(0, 1).unwrap();
    assert_eq!(run.get(0, "norm").unwrap(), [0.75]);
    run.set_at(0, slot, &[1.0, 2.0, 3.0]).unwrap();
    run.advance_one(0, 2).unwrap();
    let mut value = [0.0];
    run.get_into(0, norm, &mut value).unwrap();
    assert_eq!(value, [14.0]);
    assert_eq!(run.get(0, "unread").unwrap(), [3.0, 4.0]);
    assert_eq!(run.states().collect::<Vec<_>>(), ["z", "unread"]);
    run.fill(0, "z", f64::NAN).unwrap();
    assert_eq!(run.first_non_finite(0, "z"), Ok(Some(0)));
    assert_eq!(run.first_non_finite(0, "unread"), Ok(None));
}

#[test]
fn data_that_nothing_reads_are_no_error_and_data_that_are_missing_are() {
    let graph = Graph::new();
    let step = Step::new(&graph);
    let (x, unread) = (graph.input("x", [3]), graph.input("unread", [1000]));
    let id = |v: bayes_nn_autodiff::Var<'_>| v.input_id().unwrap();
    step.bind(vec![Binding::new(id(unread), vec![0.0; 1000])]);
    let block = step.window("block", [2]);
    step.window("unread block", [5]);
    step.output("sum", x.sum() + block.sum());
    let missing = step.finish(&exact()).unwrap_err();
    assert!(matches!(missing, KernelError::Unset { name, .. } if name == "x"));
    step.bind(vec![Binding::new(id(x), vec![1_u8, 2, 3])]);
    let program = step.finish(&exact()).unwrap();
    assert_eq!(program.plan().inputs().len(), 2);
    let mut run = begun(&program, &[0]);
    run.feed("unread block", &[0.0; 5]).unwrap();
    for (block, sum) in [([1.0, 1.0], 8.0), ([2.0, 0.5], 8.5)] {
        run.feed("block", &block).unwrap();
        run.advance_one(0, 1).unwrap();
        assert_eq!(run.get(0, "sum").unwrap(), [sum]);
    }
    step.bind(vec![Binding::new(id(block), vec![1.0])]);
    assert!(matches!(
        step.finish(&exact()),
        Err(KernelError::Length { got: 1, .. })
    ));
}

#[test]
fn mistakes_are_errors_that_name_what_is_wrong() {
    let finish = |write: &dyn Fn(&Step<'_>)| {
        let graph = Graph::new();
        let step = Step::new(&graph);
        write(&step);
        step.finish(&exact()).unwrap_err().to_string()
    };
    let error = finish(&|step| {
        step.state("x", [], 0.0);
        step.output("x", step.graph().step());
    });
    assert!(error.contains("`x` is given twice"), "{error}");
    let error = finish(&|step| {
        let x = step.state("x", [], 0.0);
        step.next(x, x + 1.0);
        step.next(x, x + 2.0);
    });
    assert!(error.contains("`x` is given two next values"), "{error}");
    let error = finish(&|step| step.next(step.graph().step(), 1.0.into()));
    assert!(error.contains("cannot be replaced"), "{error}");
    let error = finish(&|step| {
        step.state("x", [3], vec![1.0]);
    });
    assert!(error.contains("needs 3 values, got 1"), "{error}");

    let mut run = begun(&walk(), &[0]);
    let no_name = KernelError::NoName {
        name: "y".to_owned(),
    };
    assert_eq!(run.slot("y"), Err(no_name.clone()));
    assert_eq!(run.get(0, "y"), Err(no_name.clone()));
    assert_eq!(run.recorded(0, "y"), Err(no_name));
    assert!(run.set(0, "sum", &[1.0]).is_err());
    assert!(run.feed("x", &[1.0, 1.0]).is_err());
    let replica = KernelError::Replica {
        replica: 1,
        replicas: 1,
    };
    assert_eq!(run.get(1, "x"), Err(replica.clone()));
    assert_eq!(run.begin(&[1, 2]), Err(replica));
}

#[test]
fn streams_are_as_far_apart_as_there_are_draws() {
    let graph = Graph::new();
    let step = Step::new(&graph);
    assert_eq!([step.stream(), step.stream()], [0, 1]);
    let step = Step::new(&graph).draws(10);
    assert_eq!([step.stream(), step.stream()], [0, 10]);
}

#[test]
fn a_step_of_several_draws_takes_the_mean_over_their_streams() {
    let graph = Graph::new();
    let step = Step::new(&graph).draws(4);
    let x = step.state("x", [3], vec![0.5, 1.0, 2.0]);
    let (first, second) = (step.stream(), step.stream());
    let noise = |stream| graph.noise(NoiseKind::Normal, stream, [3]);
    let value = |i: u32| (x * noise(first + i)).sin() * noise(second + i);
    let mean = step.mean(&[value(0), x.sum()]);
    step.output("mean", mean[0]);
    step.output("sum", mean[1]);
    step.output("first", value(0));
    step.output("by hand", (value(0) + value(1) + value(2) + value(3)) / 4.0);
    step.next(x, x + mean[0]);
    let mut run = begun(&step.finish(&exact()).unwrap(), &[9]);
    for _ in 0..3 {
        let before = run.get(0, "x").unwrap();
        run.advance_one(0, 1).unwrap();
        let get = |name| run.get(0, name).unwrap();
        assert_eq!(get("mean"), get("by hand"));
        assert_ne!(get("mean"), get("first"));
        assert!((get("sum")[0] - before.iter().sum::<f64>()).abs() < 1e-14);
        let next: Vec<f64> = before.iter().zip(get("mean")).map(|(x, m)| x + m).collect();
        assert_eq!(get("x"), next);
    }
    let graph = Graph::new();
    let step = Step::new(&graph).draws(0);
    step.output("mean", step.mean(&[graph.step()])[0]);
    assert!(step.finish(&exact()).is_err());
}

#[test]
fn running_statistics_are_those_of_all_steps() {
    let graph = Graph::new();
    let step = Step::new(&graph);
    // A variance that a difference of squares would lose.
    let value = 1e6 + 1e-3 * graph.noise(NoiseKind::Normal, step.stream(), [2, 3]);
    running_mean_and_squares(&step, "value", value);
    step.record("value", value);
    let mut run = begun(&step.finish(&exact()).unwrap(), &[5]);
    run.advance_one(0, 400).unwrap();
    let recorded = run.recorded(0, "value").unwrap();
    let (means, squares) = (
        run.get(0, "value").unwrap(),
        run.get(0, "value.squares").unwrap(),
    );
    for element in 0..6 {
        let values: Vec<f64> = recorded.iter().skip(element).step_by(6).copied().collect();
        let mean = values.iter().sum::<f64>() / 400.0;
        let square: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        assert!((means[element] / mean - 1.0).abs() < 1e-14);
        assert!((squares[element] / square - 1.0).abs() < 1e-5);
    }
}

#[test]
fn means_over_ranks_keep_shapes() {
    let graph = Graph::new();
    let step = Step::new(&graph).ranks(3);
    let x = step.state("x", [2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let values = [x, x.sum()];
    let rows = graph.batch(6, 2, 0);
    let part = x.reshape([6]).gather(rows, 0).mean();
    let means = step.mean(&[values[0], values[1], part]);
    for (name, mean) in ["x mean", "sum", "part"].into_iter().zip(means) {
        step.output(name, mean);
    }
    let device = Device::new("three", Cpu::detect().unwrap().group(3).unwrap());
    assert_eq!(device.ranks(), 3);
    let runtime = Runtime { device, ..exact() };
    let mut run = begun(&step.finish(&runtime).unwrap(), &[0]);
    run.advance_one(0, 1).unwrap();
    assert_eq!(
        run.get(0, "x mean").unwrap(),
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    );
    assert_eq!(run.get(0, "sum").unwrap(), [21.0]);
    assert_eq!(run.get(0, "part").unwrap(), [3.5]);
}

#[test]
fn jobs_are_done_in_any_order_and_returned_in_theirs() {
    let program = walk();
    let job = |run: &mut Run, seed: usize| -> Result<f64, KernelError> {
        run.begin(&[seed as u64])?;
        run.advance_one(0, 50)?;
        Ok(run.get(0, "sum")?[0])
    };
    let all = |threads| {
        let runtime = Runtime {
            threads: Some(threads),
            ..exact()
        };
        let program = program.on(&runtime).unwrap();
        fan_out(&program, 9, |run, jobs| jobs.map(|j| job(run, j)).collect()).unwrap()
    };
    let one: Vec<f64> = all(1);
    assert_eq!(one, all(4));
    let none: Vec<f64> =
        fan_out(&program, 0, |_, _| Err(KernelError::NoInput { index: 0 })).unwrap();
    assert!(none.is_empty());
    let failed: Result<Vec<()>, KernelError> = fan_out(&program, 9, |_, jobs| match jobs.start {
        2 | 5 => Err(KernelError::NoInput { index: jobs.start }),
        _ => Ok(vec![()]),
    });
    assert_eq!(failed, Err(KernelError::NoInput { index: 2 }));
}

/// Feeds the number of the step and the seed, and ends at a step.
#[derive(Debug)]
struct Numbers {
    end: u64,
}

struct Next {
    seed: u64,
    step: u64,
    end: u64,
    blocks: Vec<Vec<f64>>,
}

impl Feed for Numbers {
    fn begin(&self, seed: u64, step: u64) -> Result<Box<dyn Feeder>, FeedError> {
        Ok(Box::new(Next {
            seed,
            step,
            end: self.end,
            blocks: Vec::new(),
        }))
    }
}

impl Feeder for Next {
    fn next(&mut self) -> Result<&[Vec<f64>], FeedError> {
        if self.step == self.end {
            return Err(FeedError::new(std::io::Error::other("there are no more")));
        }
        self.blocks = vec![vec![self.step as f64], vec![self.seed as f64]];
        self.step += 1;
        Ok(&self.blocks)
    }
}

#[test]
fn what_feeds_a_step_is_asked_by_each_replica_before_every_step() {
    let graph = Graph::new();
    let step = Step::new(&graph);
    let inputs = ["number", "seed"].map(|name| (name.to_owned(), graph.input(name, [1])));
    step.fed_by(&inputs, Arc::new(Numbers { end: 9 }));
    let total = step.state("total", [1], 0.0);
    step.next(total, total + inputs[0].1 * inputs[1].1);
    step.record("seen", inputs[0].1 + 100.0 * inputs[1].1);
    let mut run = step.finish(&exact()).unwrap().start(2).unwrap();
    run.begin(&[2, 5]).unwrap();
    for outcome in run.advance(&[3, 4]) {
        outcome.unwrap();
    }
    assert_eq!(run.recorded(0, "seen").unwrap(), [200.0, 201.0, 202.0]);
    assert_eq!(
        run.recorded(1, "seen").unwrap(),
        [500.0, 501.0, 502.0, 503.0]
    );
    assert_eq!(run.get(0, "total").unwrap(), [2.0 * 3.0]);
    // A step is fed the same when it is taken again.
    run.save(1).unwrap();
    run.advance_one(1, 2).unwrap();
    let seen = run.recorded(1, "seen").unwrap().to_vec();
    run.restore(1).unwrap();
    run.rewind(1, 5, 4).unwrap();
    run.advance_one(1, 2).unwrap();
    assert_eq!(run.recorded(1, "seen").unwrap(), seen);
    // What cannot be fed ends one replica, and no other.
    run.save(1).unwrap();
    let outcomes = run.advance(&[2, 5]);
    assert_eq!(outcomes[0], Ok(()));
    let error = outcomes[1].clone().unwrap_err();
    assert!(matches!(error, KernelError::Feed(_)));
    assert_eq!(error.to_string(), "there are no more");
}
