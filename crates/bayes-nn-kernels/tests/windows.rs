//! Convolutions and pools on every instruction set, against the reference.

mod common;

use bayes_nn_autodiff::{Graph, Window, grad};
use bayes_nn_kernels::{Cpu, Isa, Precision};
use common::Model;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Rows around which vectors and paddings change.
const ROWS: [usize; 8] = [1, 2, 5, 16, 17, 32, 40, 70];

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 24,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn window() -> impl Strategy<Value = Window> {
    let pair = |range: std::ops::Range<usize>| (range.clone(), range).prop_map(|(a, b)| [a, b]);
    (pair(1..4), pair(1..4), pair(1..3), pair(0..3), pair(0..3)).prop_map(
        |(size, stride, dilation, before, after)| {
            let window = Window::new(size).stride(stride).dilation(dilation);
            window.padding_around(before, after)
        },
    )
}

/// A convolution and its derivatives by images and weights.
fn convolution<'g>(
    graph: &'g Graph,
    image: [usize; 4],
    outputs: usize,
    window: Window,
    groups: usize,
) -> Model<'g> {
    let mut model = Model::new(graph);
    let images = model.input(image);
    let [height, width] = window.size;
    let weights = model.input([image[0] / groups, height, width, outputs]);
    let result = images.convolution(weights, window, groups);
    let slopes = grad((result * result).sum() * 0.5, &[images, weights]).unwrap();
    model.outputs = [&[result], &slopes[..]].concat();
    model
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn convolutions_and_their_derivatives_are_those_of_the_reference(
        window in window(),
        (groups, channels, outputs) in (1..4usize, 1..8usize, 1..15usize),
        (height, width, rows) in (1..8usize, 1..8usize, 0..ROWS.len()),
    ) {
        let fits = |axis: usize, length: usize| window.places(axis, length).is_some();
        if fits(0, height) && fits(1, width) {
            let graph = Graph::new();
            let image = [groups * channels, height, width, ROWS[rows]];
            let model = convolution(&graph, image, groups * outputs, window, groups);
            model.assert_gradients_like_reference(1, 1e-12, 1e-5);
        }
    }

    #[test]
    fn pools_and_their_derivatives_are_those_of_the_reference(
        window in window(),
        (channels, height, width, rows) in (1..4usize, 1..8usize, 1..8usize, 0..ROWS.len()),
    ) {
        let graph = Graph::new();
        let mut model = Model::new(&graph);
        let images = model.input([channels, height, width, ROWS[rows]]);
        let pool = images.max_pool(window);
        if graph.check().is_ok() {
            let first = grad((pool * pool).sum() * 0.5, &[images]).unwrap()[0];
            let second = grad((first * first * first).sum(), &[images]).unwrap()[0];
            model.outputs.extend([pool, first, second]);
            model.assert_gradients_like_reference(1, 1e-12, 1e-5);
        }
    }
}

#[test]
fn large_convolutions_are_cut_into_parts_that_fit() {
    let graph = Graph::new();
    for (image, outputs, window, groups) in [
        ([16, 7, 7, 70], 13, Window::new([5, 5]), 1),
        ([1, 9, 20, 100], 7, Window::new([5, 5]).padding([2, 2]), 1),
        ([40, 3, 3, 20], 30, Window::new([3, 3]).padding([1, 1]), 1),
        ([6, 1, 200, 3], 6, Window::new([1, 7]).stride([1, 2]), 6),
    ] {
        let model = convolution(&graph, image, outputs, window, groups);
        model.assert_gradients_like_reference(1, 1e-11, 1e-4);
    }
}

#[test]
fn convolutions_and_pools_have_the_same_bits_at_any_number_of_threads() {
    let graph = Graph::new();
    let window = Window::new([3, 3]).padding([1, 1]);
    let mut model = convolution(&graph, [8, 9, 9, 70], 12, window, 2);
    let images = model.inputs[0].0;
    let pool = images.max_pool(Window::new([2, 2]).stride([2, 2]));
    let slope = grad((pool * pool).sum(), &[images]).unwrap()[0];
    model.outputs.extend([pool, slope]);
    for isa in Isa::available() {
        let bits = |threads: usize| {
            let cpu = Cpu::detect().unwrap().isa(isa).unwrap().threads(threads);
            let mut replicas = model.program(&cpu, Precision::F32);
            let program = replicas.program_mut(0);
            program.run(1).unwrap();
            let outputs = (0..model.outputs.len()).flat_map(|i| program.read_output(i));
            outputs.map(f64::to_bits).collect::<Vec<_>>()
        };
        let one = bits(1);
        assert!([2, 8].into_iter().all(|threads| bits(threads) == one));
    }
}
