//! Formulas of any operations with any sizes, those beyond all memory among them.

use std::sync::Arc;

use bayes_nn_autodiff::{
    Bindings, Graph, Kind, NoiseKind, Op, Shape, Var, Window, concat, grad, stack,
};
use bayes_nn_kernels::{Backend, Cpu, KernelError, Plan, Precision};

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

/// Which of the variables are images; the next ones are weights.
const IMAGES: usize = 4;

/// Up to so many elements are computed, and from so many on memory cannot hold them. What lies
/// between depends on the machine.
const COMPUTED: usize = 1 << 14;
const IMPOSSIBLE: usize = 1 << 46;

/// One operation: which, on which of the variables before, with which sizes.
pub type Choice = (u8, [u8; 3], [u8; 6]);

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

/// A window over images, mostly a small one.
fn window(choices: &[u8; 6]) -> Window {
    let [height, width, stride, dilation, before, after] =
        choices.map(|choice| match choice % 16 {
            15 => size(choice),
            _ => usize::from(choice % 3),
        });
    let window = Window::new([height, width]).stride([stride, 1]);
    let window = window.dilation([1, dilation]);
    window.padding_around([before, after], [after, before])
}

/// Writes one operation.
fn write<'g>(graph: &'g Graph, known: &[Var<'g>], (which, of, sizes): Choice) -> Var<'g> {
    let var = |i: usize| known[usize::from(of[i]) % known.len()];
    let (a, b, c) = (var(0), var(1), var(2));
    let (n, k) = (size(sizes[0]), size(sizes[1]));
    let shape = shape(&sizes[1..]);
    match which % 42 {
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
        // By positive numbers: rounding decides all digits behind a pivot that ought to be 0.
        16 => a.exp().solve_lower(b),
        17 => a.exp().solve_lower_t(b),
        18 => a.mean_over_draws(n),
        // Of positive numbers: near a pole the last bit of the argument decides all digits.
        19 => a.exp().polygamma(n as u32),
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
        39 => {
            // Of any two values there is hardly ever a convolution.
            let [a, b] = match of[2] % 2 {
                0 => [known[IMAGES], known[IMAGES + 1]],
                _ => [a, b],
            };
            let mut window = window(&sizes);
            if let ([_, height, width, _], 0) = (&b.shape()[..], of[0] % 2) {
                window.size = [*height, *width];
            }
            let groups = match of[1] % 2 {
                0 => 2,
                _ => size(of[1]),
            };
            a.convolution(b, window, groups)
        }
        40 if of[2].is_multiple_of(2) => known[IMAGES].max_pool(window(&sizes)),
        40 => a.max_pool(window(&sizes)),
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

/// A formula is refused with its line, or computed as the reference computes it; so are its
/// gradients.
///
/// # Panics
/// If it is not.
pub fn check(choices: &[Choice]) {
    let graph = Graph::new();
    let mut known = vec![
        graph.input("vector", [4]),
        graph.input("matrix", [2, 3]),
        graph.input("square", [3, 3]),
        graph.input("number", []),
        graph.input("images", [2, 3, 4, 2]),
        graph.input("weights", [1, 2, 2, 2]),
        graph.index_input("index", [2]),
        graph.constant(&[0.5, -1.5, 2.0], [3]),
        graph.noise(NoiseKind::Uniform, 0, [4]),
        Var::from(0.75),
    ];
    for choice in choices {
        let var = write(&graph, &known, *choice);
        if let Err(error) = graph.check().and(var.check()) {
            let message = error.to_string();
            assert!(message.contains(concat!(file!(), ":")), "{message}");
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
