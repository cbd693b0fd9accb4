//! Formulas with sizes that no memory has: each is refused by the graph or by the plan, or computed
//! right. Sizes wrap around in release builds, so these tests are worth running there, too.

use std::sync::Arc;

use bayes_nn_autodiff::{Bindings, Graph, Kind, NoiseKind, Op, Shape, Var, concat, grad, stack};
use bayes_nn_kernels::plan::Request;
use bayes_nn_kernels::{Backend, Cpu, KernelError, Plan, Precision, Runtime, Step};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Lengths, offsets and axes, some of which wrap around when they are multiplied or added.
const SIZES: [usize; 18] = [
    0,
    1,
    2,
    3,
    4,
    6,
    1 << 31,
    1 << 32,
    1 << 33,
    1 << 57,
    (1 << 61) + 1,
    1 << 62,
    (1 << 62) + 1,
    1 << 63,
    0usize.wrapping_sub(1_000_000_000),
    usize::MAX - 1,
    usize::MAX,
    5,
];

/// Up to so many elements are computed, and from so many on memory cannot hold them. What lies
/// between depends on the machine.
const COMPUTED: usize = 1 << 14;
const IMPOSSIBLE: usize = 1 << 46;

/// 2000 formulas, or as many as `PROPTEST_CASES` asks for, the same in every run.
fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: asked.and_then(|n| n.parse().ok()).unwrap_or(2000),
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// One operation: which, on which of the variables before, with which sizes.
type Choice = (u8, [u8; 3], [u8; 6]);

fn size(choice: u8) -> usize {
    // Small sizes come up as often as all others together.
    let small = (usize::from(choice) / SIZES.len()).is_multiple_of(2);
    SIZES[usize::from(choice) % if small { 6 } else { SIZES.len() }]
}

fn shape(choices: &[u8]) -> Shape {
    let rank = usize::from(choices[0]) % 5;
    let lengths: Vec<usize> = choices[1..=rank].iter().map(|c| size(*c)).collect();
    Shape::try_new(&lengths).expect("five axes or fewer")
}

/// Writes one operation.
fn write<'g>(graph: &'g Graph, known: &[Var<'g>], (which, of, sizes): Choice) -> Var<'g> {
    let var = |i: usize| known[usize::from(of[i]) % known.len()];
    let (a, b, c) = (var(0), var(1), var(2));
    let (n, k) = (size(sizes[0]), size(sizes[1]));
    let shape = shape(&sizes[1..]);
    match which % 40 {
        0 => a.view(n, shape),
        1 => a.reshape(shape),
        2 => a.broadcast_to(shape),
        3 => a.row(n),
        4 => a.gather(b, n),
        5 => a.sum_axis(n),
        6 => a.max_axis(n),
        7 => a.logsumexp(n),
        8 => concat(&[a, b, c], n),
        9 => stack(&[a, b], n),
        10 => a.tril(n as isize),
        11 => a.diagonal(),
        12 => a.diagonal_matrix(),
        13 => a.t(),
        14 => a.matmul(b),
        15 => a.cholesky(),
        16 => a.solve_lower(b),
        17 => a.solve_lower_t(b),
        18 => a.mean_over_draws(n),
        19 => a.polygamma(n as u32),
        20 => a.select(b, c),
        21 => a + b,
        22 => a * b,
        23 => a.exp(),
        24 => a.sum(),
        25 => a.max(),
        26 => a.mean(),
        27 => graph.input("input", shape),
        28 => graph.index_input("index", shape),
        29 => graph.constant(&[0.5, -1.0, 2.0, 0.25][..k.min(4)], shape),
        30 => graph.index_constant(&[n, k]),
        31 => graph.noise(NoiseKind::Normal, n as u32, shape),
        32 => graph.batch(n, k, 0),
        33 => a.all_reduce_mean(),
        34 => a.maximum(b).lt(c),
        35 => Var::from(0.5).broadcast_to(shape),
        36 => Var::from(0.5).view(n, shape),
        37 => graph.constant(&[1.0, 2.0, 3.0], [3]).view(n, shape),
        38 => graph.constant(&[1.0, 2.0, 3.0], [3]).row(n),
        _ => concat(&[a, Var::from(1.5).broadcast_to(shape)], n),
    }
}

/// The elements of the largest value that a variable needs, and how many draws there are.
fn largest(graph: &Graph, var: Var<'_>) -> usize {
    let nodes = graph.nodes();
    let Some(root) = var.id() else {
        return var.shape().elements();
    };
    let mut needed = vec![false; nodes.len()];
    needed[root.index()] = true;
    let mut largest = 0;
    for index in (0..=root.index()).rev() {
        if needed[index] {
            let draws = match nodes[index].op {
                Op::MeanOverDraws { draws } => draws,
                _ => 1,
            };
            largest = largest.max(nodes[index].shape.elements().saturating_mul(draws));
            for argument in &nodes[index].arguments {
                needed[argument.index()] = true;
            }
        }
    }
    largest
}

fn values(kind: Kind, shape: Shape) -> Vec<f64> {
    let value = |i: usize| match kind {
        Kind::Float => 0.25 * i as f64 - 0.5,
        Kind::Index => (i % 3) as f64,
    };
    (0..shape.elements()).map(value).collect()
}

/// What the reference gives, and what a program gives.
fn both(graph: &Graph, known: &[Var<'_>], var: Var<'_>) -> Option<[Vec<f64>; 2]> {
    let mut bindings = Bindings::new().seed(3);
    let inputs = known.iter().filter(|var| var.input_id().is_some());
    for input in inputs.filter(|input| input.shape().elements() <= COMPUTED) {
        bindings = bindings.bind(*input, &values(input.kind(), input.shape()));
    }
    let expected = graph.evaluate(&[var], &bindings);
    let plan = Arc::new(Plan::new(graph, &[var], &[]).unwrap());
    let cpu = Cpu::detect().unwrap();
    let mut replicas = cpu
        .load(&plan, &[], Precision::F64)
        .unwrap()
        .start(1)
        .unwrap();
    let program = replicas.program_mut(0);
    program.rewind(3, 0);
    for input in plan.inputs() {
        let value = plan.value(input.value);
        program
            .write(input.id, &values(value.kind, value.shape))
            .unwrap();
    }
    let ran = program.run(1);
    match expected {
        Ok(expected) => {
            assert_eq!(ran, Ok(()));
            Some([expected[0].values().to_vec(), program.read_output(0)])
        }
        // An index outside its axis.
        Err(_) => {
            assert!(ran.is_err());
            None
        }
    }
}

fn check(choices: &[Choice]) {
    let graph = Graph::new();
    let mut known = vec![
        graph.input("vector", [4]),
        graph.input("matrix", [2, 3]),
        graph.input("square", [3, 3]),
        graph.input("number", []),
        graph.index_input("index", [2]),
        graph.constant(&[0.5, -1.5, 2.0], [3]),
        graph.noise(NoiseKind::Uniform, 0, [4]),
        Var::from(0.75),
    ];
    for choice in choices {
        let var = write(&graph, &known, *choice);
        if let Err(error) = graph.check().and(var.check()) {
            let message = error.to_string();
            assert!(message.contains("tests/sizes.rs:"), "{message}");
            return;
        }
        known.push(var);
    }
    let var = *known.last().expect("there are some from the start");
    match largest(&graph, var) {
        0..=COMPUTED => {
            if let Some([expected, got]) = both(&graph, &known, var) {
                assert_eq!(expected.len(), var.shape().elements());
                for (a, b) in expected.iter().zip(&got) {
                    let close = (a - b).abs() <= 1e-9 * a.abs().max(1.0);
                    assert!(close || a == b || (a.is_nan() && b.is_nan()), "{a} and {b}");
                }
                assert_eq!(expected.len(), got.len());
            }
        }
        IMPOSSIBLE.. => {
            let plan = Plan::new(&graph, &[var], &[]);
            assert!(matches!(plan, Err(KernelError::Memory { .. })), "{plan:?}");
        }
        _ => {}
    }
    if let (Kind::Float, true) = (var.kind(), var.shape().elements() <= COMPUTED) {
        let inputs = known
            .iter()
            .filter(|v| v.input_id().is_some() && v.kind() == Kind::Float);
        let inputs: Vec<Var<'_>> = inputs.copied().collect();
        if let Ok(gradients) = grad(var.sum(), &inputs) {
            for (gradient, input) in gradients.iter().zip(&inputs) {
                assert_eq!(gradient.shape(), input.shape());
                if largest(&graph, *gradient) <= COMPUTED {
                    both(&graph, &known, *gradient);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_sizes_are_refused_or_computed_as_the_reference_computes(
        choices in prop::collection::vec(any::<Choice>(), 1..7)
    ) {
        check(&choices);
    }
}

/// The message of the graph's first error.
fn refused(write: impl FnOnce(&Graph)) -> String {
    let graph = Graph::new();
    write(&graph);
    graph.check().unwrap_err().to_string()
}

#[test]
fn sizes_that_wrap_around_are_refused_with_line_and_shape() {
    type Case = (&'static str, &'static [&'static str], fn(&Graph));
    let cases: [Case; 13] = [
        ("mean_over_draws", &["at most 1048576"], |g| {
            let noise = g.noise(NoiseKind::Normal, 0, []);
            let _ = noise.mean_over_draws(usize::MAX);
        }),
        ("row", &["row 18446744073709551615", "[4, 2]"], |g| {
            let _ = g.input("x", [4, 2]).row(0usize.wrapping_sub(1));
        }),
        ("row", &["row 2", "[2, 0]"], |g| {
            let _ = g.input("x", [2, 0]).row(2);
        }),
        ("view", &["elements", "has 4"], |g| {
            let far = 0usize.wrapping_sub(1_000_000_000);
            let _ = g.input("x", [4]).view(far, [1_000_000_000]);
        }),
        ("view", &["has 3"], |g| {
            let _ = g.constant(&[1.0, 2.0, 3.0], [3]).view(usize::MAX, [2]);
        }),
        ("reshape", &["[4] has 4 elements"], |g| {
            let index = g.index_constant(&[1 << 30]);
            let _ = g
                .input("x", [4])
                .reshape([(1 << 62) + 1, 4])
                .gather(index, 0);
        }),
        (
            "broadcast_to",
            &["[8589934592, 2147483648]", "more elements than memory"],
            |g| {
                let _ = g.input("x", []).broadcast_to([1 << 33, 1 << 31]);
            },
        ),
        (
            "reshape",
            &["[0, 9223372036854775808, 2]", "no elements"],
            |g| {
                let _ = g.input("x", [0]).reshape([0, 1 << 63, 2]);
            },
        ),
        (
            "mul",
            &["[4294967296, 4294967296]", "more elements than memory"],
            |g| {
                let column = g.input("x", [1 << 32, 1]);
                let _ = column * column.reshape([1, 1 << 32]);
            },
        ),
        ("gather", &["index 4", "axis 0 of the shape [3]"], |g| {
            let _ = g.input("x", [3]).gather(g.index_constant(&[0, 4]), 0);
        }),
        ("input", &["`x`", "more elements than memory"], |g| {
            let _ = g.input("x", [1 << 40, 1 << 40]);
        }),
        ("noise", &["2^32 - 1"], |g| {
            let _ = g.noise(NoiseKind::Normal, 0, [1 << 33]);
        }),
        ("polygamma", &["order 4294967295"], |g| {
            let _ = g.input("x", []).polygamma(u32::MAX);
        }),
    ];
    for (operator, parts, write) in cases {
        let message = refused(write);
        assert!(message.starts_with(operator), "{operator}: {message}");
        assert!(message.contains("tests/sizes.rs:"), "{message}");
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

#[test]
fn a_program_beyond_all_memory_is_refused_where_it_is_planned() {
    let graph = Graph::new();
    let x = graph.input("x", [1 << 50]);
    let error = Plan::new(&graph, &[x + 1.0], &[]).unwrap_err();
    assert!(matches!(error, KernelError::Memory { .. }));
    let message = error.to_string();
    assert!(message.contains("the system does not give"), "{message}");
    // What is recorded of many steps, too.
    let request = Request {
        records: vec![(graph.input("y", [4]), usize::MAX)],
        ..Request::default()
    };
    let error = Plan::of(&graph, &request).unwrap_err();
    assert!(matches!(error, KernelError::Memory { .. }));
}

#[test]
fn means_of_too_many_copies_are_refused() {
    let graph = Graph::new();
    let noise = graph.noise(NoiseKind::Normal, 0, []);
    let drawn = (0..20).fold(noise, |drawn, i| (drawn + f64::from(i)).sin());
    // Means over different numbers of draws are not computed in one loop.
    let means = [
        drawn.mean_over_draws(1 << 20),
        drawn.exp().mean_over_draws(1 << 19),
    ];
    let error = Plan::new(&graph, &means, &[]).unwrap_err().to_string();
    assert!(error.contains("16777216 are possible"), "{error}");
    let error = graph.evaluate(&means, &Bindings::new()).unwrap_err();
    assert!(
        error.to_string().contains("16777216 are possible"),
        "{error}"
    );
}

#[test]
fn streams_that_would_come_round_again_are_refused() {
    let graph = Graph::new();
    let step = Step::new(&graph).draws(1 << 30);
    let state = step.state("x", [], 0.0);
    let streams: Vec<u32> = (0..5).map(|_| step.stream()).collect();
    assert_eq!(streams[..3], [0, 1 << 30, 2 << 30]);
    step.next(state, state + 1.0);
    let error = step.finish(&Runtime::default()).unwrap_err();
    assert_eq!(error, KernelError::Streams { draws: 1 << 30 });
}
