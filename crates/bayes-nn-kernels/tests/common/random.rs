//! Random models: a list of choices, each a node over earlier ones.

use std::fmt;

use bayes_nn_autodiff::{Graph, Kind, NoiseKind, Shape, Var, Window, concat, grad};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::common::{Model, numbers};

/// Axis lengths around which padding, tails and short rows change.
const LENGTHS: [usize; 14] = [1, 2, 3, 4, 5, 7, 15, 16, 17, 31, 33, 48, 64, 70];
/// An axis that is walked strip by strip.
const LONG: usize = 2118;
/// No value grows beyond this many elements.
const LARGEST: usize = 6000;

/// What a random model is made of. Every list of numbers is a model; fewer and smaller numbers
/// are simpler ones.
#[derive(Clone)]
pub struct Recipe {
    lengths: [usize; 3],
    inputs: Vec<u8>,
    nodes: Vec<[u16; 4]>,
    states: Vec<[u16; 2]>,
    outputs: Vec<u16>,
}

/// The graph that it makes, which is what one wants to see of a failure.
impl fmt::Debug for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let graph = Graph::new();
        let model = self.build(&graph);
        writeln!(
            f,
            "\n{graph:?}outputs {:?}\nupdates {:?}",
            model.outputs, model.updates
        )
    }
}

pub fn recipe(nodes: usize) -> impl Strategy<Value = Recipe> {
    let length = || (0..LENGTHS.len()).prop_map(|i| LENGTHS[i]);
    let first = (0..=LENGTHS.len()).prop_map(|i| LENGTHS.get(i).copied().unwrap_or(LONG));
    (
        (first, length(), length()).prop_map(|(a, b, c)| [a, b, c]),
        prop::collection::vec(any::<u8>(), 2..6),
        prop::collection::vec(any::<[u16; 4]>(), 1..nodes),
        prop::collection::vec(any::<[u16; 2]>(), 0..4),
        prop::collection::vec(any::<u16>(), 1..5),
    )
        .prop_map(|(lengths, inputs, nodes, states, outputs)| Recipe {
            lengths,
            inputs,
            nodes,
            states,
            outputs,
        })
}

/// `cases` random models, or as many as `PROPTEST_CASES` asks for, the same in every run.
pub fn config(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: asked.and_then(|n| n.parse().ok()).unwrap_or(cases),
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..ProptestConfig::default()
    }
}

/// A node, and whether both precisions hold its values exactly: then jumps and kinks are at
/// the same elements in every executor.
#[derive(Clone, Copy)]
struct Known<'g> {
    var: Var<'g>,
    exact: bool,
    bound: f64,
}

struct Builder<'g> {
    graph: &'g Graph,
    known: Vec<Known<'g>>,
}

impl Recipe {
    /// The model; its last outputs are its most intricate ones.
    pub fn build<'g>(&self, graph: &'g Graph) -> Model<'g> {
        let mut model = Model::new(graph);
        let mut builder = Builder {
            graph,
            known: Vec::new(),
        };
        let inputs: Vec<Var<'g>> = self
            .inputs
            .iter()
            .map(|&choice| model.input(self.input_shape(choice)))
            .collect();
        for (number, input) in inputs.iter().enumerate() {
            builder.known.push(Known {
                var: *input,
                exact: number >= self.states.len(),
                bound: 1.5,
            });
        }
        if builder.known.iter().all(|k| !k.exact) {
            let input = model.input(self.input_shape(9));
            builder.known.push(Known {
                var: input,
                exact: true,
                bound: 1.5,
            });
        }
        for node in &self.nodes {
            builder.add(node, &mut model);
        }
        for (state, choice) in inputs.iter().zip(&self.states) {
            let next = builder.next_value(*state, choice);
            model.updates.push((*state, next));
        }
        let count = builder.known.len();
        for &choice in &self.outputs {
            model
                .outputs
                .push(builder.known[usize::from(choice) % count].var);
        }
        model.outputs.push(builder.known[count - 1].var);
        graph.check().unwrap();
        model
    }

    fn input_shape(&self, choice: u8) -> Shape {
        let [a, b, c] = self.lengths;
        let shape = match choice % 12 {
            0 => Shape::SCALAR,
            1 => Shape::from([a]),
            2 => Shape::from([a, b]),
            3 => Shape::from([b, a]),
            4 => Shape::from([a, 1]),
            5 => Shape::from([1, b]),
            6 => Shape::from([a, b, c]),
            7 => Shape::from([a, 1, c]),
            8 => Shape::from([2, 1, b, 1]),
            9 => Shape::from([b, c]),
            10 => Shape::from([b]),
            _ => Shape::from([2, a, 3, 1]),
        };
        match shape.elements() <= LARGEST {
            true => shape,
            false => Shape::from([a, b]),
        }
    }
}

impl<'g> Builder<'g> {
    fn pick(&self, choice: u16) -> Known<'g> {
        self.known[usize::from(choice) % self.known.len()]
    }

    /// The first from `choice` on for which `fits`.
    fn find(&self, choice: u16, fits: impl Fn(&Known<'g>) -> bool) -> Option<Known<'g>> {
        let start = usize::from(choice) % self.known.len();
        let cycle = self.known[start..].iter().chain(&self.known[..start]);
        cycle.copied().find(fits)
    }

    fn exact(&self, choice: u16) -> Known<'g> {
        self.find(choice, |k| k.exact).expect("an input is exact")
    }

    /// Something that broadcasts with `a`.
    fn partner(&self, choice: u16, a: Known<'g>, exact: bool) -> Known<'g> {
        let shape = a.var.shape();
        let fits = |k: &Known<'g>| {
            let common = k.var.shape().broadcast(&shape);
            (k.exact || !exact) && common.is_some_and(|s| s.elements() <= LARGEST)
        };
        self.find(choice, fits).unwrap_or(a)
    }

    fn keep(&mut self, var: Var<'g>, exact: bool, bound: f64) {
        if var.id().is_none() || var.shape().elements() > LARGEST {
            return;
        }
        // Values that would grow without end are brought back, without making errors larger.
        if bound > 8.0 {
            self.known.push(Known {
                var: (var * (4.0 / bound)).sin(),
                exact: false,
                bound: 1.0,
            });
        } else {
            self.known.push(Known { var, exact, bound });
        }
    }

    fn add(&mut self, node: &[u16; 4], model: &mut Model<'g>) {
        let &[operation, first, second, third] = node;
        let a = self.pick(first);
        let (x, shape) = (a.var, a.var.shape());
        let rank = shape.rank();
        match operation % 51 {
            0 => self.keep(-x, a.exact, a.bound),
            1 => {
                let a = self.exact(first);
                self.keep(a.var.abs() + a.var.sign() * 0.5, true, a.bound + 0.5);
            }
            2 => {
                let a = self.exact(first);
                self.keep(a.var.floor(), true, a.bound + 1.0);
            }
            3 => self.keep((x * x + 0.5).reciprocal(), false, 2.0),
            4 => self.keep((x * x + 0.5).sqrt(), false, a.bound + 1.0),
            5 => self.keep(x.sin().exp(), false, 3.0),
            6 => self.keep((x * x + 0.5).ln(), false, 4.0),
            7 => self.keep((x * x).log1p() + (x.sin() * 0.5).log1pmx(), false, 6.0),
            8 => self.keep(x.sin().expm1(), false, 2.0),
            9 => self.keep(x.cos(), false, 1.0),
            10 => self.keep(x.tanh(), false, 1.0),
            11 => self.keep(x.sigmoid() + x.log_sigmoid(), false, a.bound + 1.0),
            12 => self.keep(x.softplus(), false, a.bound + 1.0),
            13 => {
                let a = self.exact(first);
                self.keep(a.var.relu(), true, a.bound);
            }
            14 => self.keep((x * x + 0.5).lgamma() * 0.1, false, 12.0),
            15 => self.keep((x * x + 0.7).digamma(), false, 5.0),
            16 => self.keep((x * x + 0.7).polygamma(u32::from(second % 3)), false, 8.0),
            17 => self.keep(x.erf() + x.erfc() * 0.5 + x.sin().log_erfc(), false, 4.0),
            18 => self.keep(x.stop_gradient() * 0.5, a.exact, a.bound),
            19..=21 => {
                let b = self.partner(second, a, false);
                self.keep(x + b.var, a.exact && b.exact, a.bound + b.bound);
            }
            22 => {
                let b = self.partner(second, a, false);
                self.keep(x - b.var, a.exact && b.exact, a.bound + b.bound);
            }
            23..=25 => {
                let b = self.partner(second, a, false);
                self.keep(x * b.var, false, a.bound * b.bound);
            }
            26 => {
                let b = self.partner(second, a, false);
                self.keep(x / (b.var * b.var + 0.5), false, 2.0 * a.bound);
            }
            27 => {
                let b = self.partner(second, a, false);
                self.keep(
                    (x * x + 0.5).pow(b.var.sin()),
                    false,
                    a.bound * a.bound + 2.0,
                );
            }
            28 => {
                let a = self.exact(first);
                let b = self.partner(second, a, true);
                let (x, y) = (a.var, b.var);
                let result = match third % 6 {
                    0 => x.maximum(y),
                    1 => x.minimum(y),
                    2 => x.lt(y),
                    3 => x.le(y),
                    4 => x.eq(y),
                    _ => x.gt(y),
                };
                self.keep(result, true, a.bound + b.bound);
            }
            29 => {
                let condition = self.exact(third);
                let b = self.partner(second, a, false);
                let fits = |s: Shape| condition.var.shape().broadcast(&s).map(|s| s.elements());
                let common = shape.broadcast(&b.var.shape()).and_then(fits);
                if common.is_some_and(|n| n <= LARGEST) {
                    let chosen = condition.var.gt(0.25).select(x, b.var);
                    self.keep(chosen, a.exact && b.exact, a.bound + b.bound);
                }
            }
            30..=33 => self.product(a, second, third),
            34 if rank > 0 => {
                let axis = usize::from(second) % rank;
                let length = shape[axis].max(1) as f64;
                self.keep(
                    x.sum_axis(axis) / length.sqrt(),
                    false,
                    a.bound * length.sqrt(),
                );
            }
            35 => {
                let a = self.exact(first);
                if a.var.shape().rank() > 0 {
                    let axis = usize::from(second) % a.var.shape().rank();
                    self.keep(a.var.max_axis(axis), true, a.bound);
                }
            }
            36 if rank > 0 => {
                let axis = usize::from(second) % rank;
                self.keep(x.logsumexp(axis), false, a.bound + 5.0);
            }
            37 => {
                let n = shape.elements() as f64;
                self.keep(x.sum() / n.sqrt(), false, a.bound * n.sqrt());
            }
            38 => self.stretched(a, second),
            39 => self.viewed(a, second, third),
            40 => self.keep(
                if rank == 2 {
                    x.t()
                } else {
                    x.reshape([shape.elements()])
                },
                a.exact,
                a.bound,
            ),
            41 if rank > 0 => {
                let axis = usize::from(second) % rank;
                let fits = |k: &Known<'g>| {
                    let s = k.var.shape();
                    s.rank() == rank && s.with(axis, 1) == shape.with(axis, 1)
                };
                let b = self.find(third, fits).unwrap_or(a);
                let parts = [x, b.var, x][..2 + usize::from(third % 2)].to_vec();
                self.keep(
                    concat(&parts, axis),
                    a.exact && b.exact,
                    a.bound.max(b.bound),
                );
            }
            42 => self.factored(a, second, third),
            43 if rank == 2 => self.keep(x.tril(third as isize % 5 - 2), a.exact, a.bound),
            44 if rank > 0 => self.gathered(a, second, third, model),
            45 => self.keep(x.all_reduce_mean(), a.exact, a.bound),
            48 | 49 => self.by_group(a, second, third, model),
            46 => self.convolved(a, second, third, model),
            47 => self.pooled(self.exact(first), second, third),
            _ => {
                let (noise, exact) = match second % 3 {
                    0 => (
                        self.graph
                            .noise(NoiseKind::Uniform, u32::from(third % 3), shape),
                        true,
                    ),
                    1 => (
                        self.graph
                            .noise(NoiseKind::Normal, u32::from(third % 3), shape),
                        false,
                    ),
                    _ => ((self.graph.step() + 1.0) * x / 4.0, false),
                };
                self.keep(noise, exact, a.bound.max(6.8));
            }
        }
    }

    /// A matrix product with `a`, with whatever fits one of its sides.
    fn product(&mut self, a: Known<'g>, choice: u16, how: u16) {
        let shape = a.var.shape();
        if !(1..=2).contains(&shape.rank()) {
            return;
        }
        let left = if how & 1 == 1 { a.var.t() } else { a.var };
        let transpose = how & 2 == 2;
        let inner = left.shape().columns();
        let fits = |k: &Known<'g>| {
            let shape = k.var.shape();
            match shape.rank() {
                1 => shape[0] == inner,
                2 => shape[usize::from(transpose)] == inner,
                _ => false,
            }
        };
        if let Some(b) = self.find(choice, fits) {
            let right = if transpose { b.var.t() } else { b.var };
            let root = (inner.max(1) as f64).sqrt();
            self.keep(left.matmul(right) / root, false, a.bound * b.bound * root);
        }
    }

    /// A factor of a matrix made positive definite by `a`, or a solution with it.
    fn factored(&mut self, a: Known<'g>, choice: u16, how: u16) {
        let shape = a.var.shape();
        if shape.rank() != 2 || shape[0] > 70 {
            return;
        }
        let n = shape[0];
        let identity = self.graph.constant(&vec![1.0; n], [n]).diagonal_matrix();
        // With entries between -1 and 1 the eigenvalues lie between 1 and 1 + n.
        let bounded = a.var.sin() / (shape[1].max(1) as f64).sqrt();
        let matrix = bounded.matmul(bounded.t()) + identity;
        let factor = matrix.cholesky();
        if how.is_multiple_of(3) {
            return self.keep(factor, false, 1.0 + (n as f64).sqrt());
        }
        let fits = |k: &Known<'g>| {
            let shape = k.var.shape();
            (1..=2).contains(&shape.rank()) && shape[0] == n
        };
        let right = self.find(choice, fits).unwrap_or(a);
        let solution = match how % 3 {
            1 => factor.solve_lower(right.var),
            _ => factor.solve_lower_t(right.var),
        };
        self.keep(solution, false, right.bound * (n as f64).sqrt());
    }

    fn stretched(&mut self, a: Known<'g>, choice: u16) {
        let own = a.var.shape();
        let fits = |k: &Known<'g>| {
            let shape = k.var.shape();
            own.broadcast(&shape) == Some(shape) && shape != own
        };
        let shape = match self.find(choice, fits) {
            Some(other) => other.var.shape(),
            None if own.rank() < 4 && own.elements() <= 70 => {
                let mut dims = vec![usize::from(choice % 3) + 1];
                dims.extend(own.iter());
                Shape::try_new(&dims).expect("at most four axes")
            }
            None => return,
        };
        self.keep(a.var.broadcast_to(shape), a.exact, a.bound);
    }

    fn viewed(&mut self, a: Known<'g>, choice: u16, how: u16) {
        let (x, shape) = (a.var, a.var.shape());
        let (n, choice) = (shape.elements(), usize::from(choice));
        let view = match how % 5 {
            0 if shape.rank() > 0 => x.row(choice % shape[0]),
            1 if shape.rank() > 1 => {
                let row = shape.without(0, 1).elements();
                let from = choice % shape[0];
                x.view(from * row, shape.with(0, shape[0] - from))
            }
            2 => x.view(choice % n, [n - choice % n]),
            3 => x.reshape([n, 1]),
            _ => {
                let divisor = [2, 3, 5, 7].into_iter().find(|d| n.is_multiple_of(*d));
                x.reshape([divisor.unwrap_or(1), n / divisor.unwrap_or(1)])
            }
        };
        self.keep(view, a.exact, a.bound);
    }

    fn gathered(&mut self, a: Known<'g>, choice: u16, how: u16, model: &mut Model<'g>) {
        let shape = a.var.shape();
        let axis = usize::from(choice) % shape.rank();
        let length = shape[axis];
        let count = usize::from(how) % 9 + 1;
        let rows: Vec<usize> = (0..count)
            .map(|i| (i * 7 + usize::from(how)) % length)
            .collect();
        let index = match how % 3 {
            0 => self.graph.index_constant(&rows),
            1 => model.index(&rows),
            _ => self.graph.batch(length, count, 2),
        };
        assert_eq!(index.kind(), Kind::Index);
        self.keep(a.var.gather(index, axis), a.exact, a.bound);
    }

    /// Products of rows of an earlier value with the weights of their groups, made of another.
    fn by_group(&mut self, a: Known<'g>, choice: u16, how: u16, model: &mut Model<'g>) {
        let n = a.var.shape().elements();
        let most = usize::from(choice % 5) + 1;
        let inputs = (1..=most).rev().find(|i| n.is_multiple_of(*i)).unwrap_or(1);
        let groups = usize::from(choice / 5 % 4) + 1;
        let shape = Shape::from([groups, usize::from(choice / 20 % 5) + 1, inputs]);
        let large = |k: &Known<'g>| k.var.shape().elements() >= shape.elements();
        let (weights, bound) = match self.find(choice / 3, large) {
            Some(b) => (b.var.view(0, shape), b.bound),
            None => (model.input(shape), 1.5),
        };
        let rows = n / inputs;
        let product = match how % 4 {
            0 if rows.is_multiple_of(groups) => {
                let rows = a.var.reshape([groups, inputs, rows / groups]);
                weights.matmul(rows)
            }
            how => {
                let of = |row: usize| match how {
                    1 => row * groups / rows,
                    _ => (row * 7 + row / 3) % groups,
                };
                let index: Vec<usize> = (0..rows).map(of).collect();
                let index = match how {
                    2 => model.index(&index),
                    _ => self.graph.index_constant(&index),
                };
                weights.matmul_by_group(a.var.reshape([inputs, rows]), index)
            }
        };
        let root = (inputs as f64).sqrt();
        self.keep(product / root, false, a.bound * bound * root);
    }

    /// A convolution of images with weights, both made of earlier values.
    fn convolved(&mut self, a: Known<'g>, choice: u16, how: u16, model: &mut Model<'g>) {
        let images = images(a.var, choice);
        let window = window(images.shape(), how);
        let channels = images.shape()[0];
        let groups = usize::from(choice / 7 % 3) + 1;
        let groups = match channels.is_multiple_of(groups) {
            true => groups,
            false => 1,
        };
        let [height, width] = window.size;
        let own = channels / groups;
        let outputs = groups * (usize::from(choice / 21 % 5) + 1);
        let shape = Shape::from([own, height, width, outputs]);
        let large = |k: &Known<'g>| k.var.shape().elements() >= shape.elements();
        let (weights, bound) = match self.find(choice / 3, large) {
            Some(b) => (b.var.view(0, shape), b.bound),
            None => (model.input(shape), 1.5),
        };
        let root = ((own * height * width) as f64).sqrt();
        let sums = images.convolution(weights, window, groups);
        self.keep(sums / root, false, a.bound * bound * root);
    }

    /// A pool over images made of an earlier value.
    fn pooled(&mut self, a: Known<'g>, choice: u16, how: u16) {
        let images = images(a.var, choice);
        let mut window = window(images.shape(), how);
        for axis in 0..2 {
            // Some pixel must lie under the window at every place.
            window.dilation[axis] = window.dilation[axis].min(images.shape()[1 + axis]);
            let most = window.extent(axis).unwrap() - 1;
            window.before[axis] = window.before[axis].min(most);
            window.after[axis] = window.after[axis].min(most);
        }
        self.keep(images.max_pool(window), true, a.bound);
    }

    /// The next value of a state: itself changed, another state, or any value in another form.
    /// It stays in the range of the inputs, so that no number of steps makes errors large.
    fn next_value(&self, state: Var<'g>, &[how, choice]: &[u16; 2]) -> Var<'g> {
        let shape = state.shape();
        let calm = |fits: &dyn Fn(Shape) -> bool| {
            let found = self.find(choice, |k| k.bound <= 1.5 && fits(k.var.shape()));
            found.map(|k| k.var)
        };
        let other = calm(&|s| s == shape).unwrap_or(state);
        match how % 5 {
            0 => state * 0.5 + other.tanh() * 0.5,
            1 => other,
            2 => {
                let turned = |s: Shape| shape.rank() == 2 && s == Shape::from([shape[1], shape[0]]);
                calm(&turned).map_or(other, |var| var.t())
            }
            3 => {
                let reshaped = calm(&|s| s.elements() == shape.elements());
                reshaped.map_or(other, |var| var.reshape(shape))
            }
            _ => {
                let narrow = |s: Shape| s != shape && s.broadcast(&shape) == Some(shape);
                calm(&narrow).map_or(other, |var| var.broadcast_to(shape))
            }
        }
    }
}

/// The first elements of a value as images `[channels, height, width, rows]`, unless it is one
/// already.
fn images(value: Var<'_>, choice: u16) -> Var<'_> {
    let (shape, choice) = (value.shape(), usize::from(choice));
    if shape.rank() == 4 {
        return value;
    }
    let mut left = shape.elements();
    let mut axis = |length: usize| {
        let length = length.min(left);
        left /= length;
        length
    };
    let (height, width) = (axis(choice % 7 + 1), axis(choice / 7 % 6 + 1));
    let (channels, rows) = (axis(choice / 42 % 4 + 1), axis(70));
    value.view(0, [channels, height, width, rows])
}

/// A window that fits at least once.
fn window(images: Shape, choice: u16) -> Window {
    let mut rest = usize::from(choice);
    let mut pair = |count: usize, from: usize| {
        [(); 2].map(|()| {
            let number = rest % count + from;
            rest /= count;
            number
        })
    };
    let window = Window::new(pair(3, 1)).stride(pair(3, 1));
    let window = window.padding_around(pair(3, 0), pair(3, 0));
    let window = window.dilation(pair(2, 1));
    match (0..2).all(|axis| window.places(axis, images[1 + axis]).is_some()) {
        true => window,
        false => Window::new([1, 1]),
    }
}

/// Gradients of one number made of all outputs, by all real inputs.
pub fn gradients<'g>(model: &Model<'g>) -> (Var<'g>, Vec<Var<'g>>) {
    let inputs: Vec<Var<'g>> = model
        .inputs
        .iter()
        .map(|(input, _)| *input)
        .filter(|input| input.kind() == Kind::Float)
        .collect();
    let scalar = model.outputs.iter().fold(Var::from(0.0), |sum, output| {
        let weights = model
            .graph
            .constant(&numbers(output.shape().elements(), 99), output.shape());
        sum + (*output * weights).sum()
    });
    (scalar, grad(scalar, &inputs).unwrap())
}
