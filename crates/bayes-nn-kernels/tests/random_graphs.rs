//! Random graphs on every instruction set, in both precisions, against the reference.

mod common;
#[path = "common/random.rs"]
mod random;

use bayes_nn_autodiff::{Graph, Op, Side, Var, grad};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use random::{config, gradients, recipe};

proptest! {
    #![proptest_config(config(1500))]

    #[test]
    fn programs_compute_what_the_reference_computes(recipe in recipe(25), steps in 1u64..4) {
        let graph = Graph::new();
        recipe.build(&graph).assert_like_reference(steps);
    }
}

proptest! {
    #![proptest_config(config(1500))]

    #[test]
    fn gradients_are_those_of_the_reference(recipe in recipe(16), steps in 1u64..3) {
        let graph = Graph::new();
        let mut model = recipe.build(&graph);
        let (scalar, gradients) = gradients(&model);
        model.outputs = vec![scalar];
        model.outputs.extend(gradients);
        model.assert_gradients_like_reference(steps, 1e-10, 1e-3);
    }
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn gradients_of_gradients_are_those_of_the_reference(recipe in recipe(7)) {
        let graph = Graph::new();
        let mut model = recipe.build(&graph);
        let (_, first) = gradients(&model);
        let slope = first.iter().fold(Var::from(0.0), |sum, g| sum + (*g * *g).sum());
        model.outputs = first;
        let inputs: Vec<Var<'_>> = model.inputs.iter().map(|(input, _)| *input).collect();
        model.outputs.extend(grad(slope, &inputs).unwrap());
        model.assert_gradients_like_reference(1, 1e-9, 1e-2);
    }
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn means_over_draws_are_those_of_the_reference(recipe in recipe(12), draws in 500usize..900) {
        let graph = Graph::new();
        let mut model = recipe.build(&graph);
        // A next value that noise reaches could not be computed in a loop.
        model.updates.clear();
        let (scalar, gradients) = gradients(&model);
        let drawn = [vec![scalar], gradients].concat();
        model.outputs = drawn.iter().map(|value| value.mean_over_draws(draws)).collect();
        model.assert_gradients_like_reference(1, 1e-9, 1e-2);
    }
}

#[test]
fn convolutions_pools_and_products_by_group_are_drawn_with_their_derivatives() {
    let mut runner = TestRunner::new(config(1));
    let (mut images, mut weights, mut outputs) = (0, 0, 0);
    let (mut pools, mut unpools) = (0, 0);
    let mut by_group = [0; 3];
    for _ in 0..300 {
        let graph = Graph::new();
        let recipe = recipe(16).new_tree(&mut runner).unwrap().current();
        gradients(&recipe.build(&graph));
        for node in graph.nodes().iter() {
            match node.op {
                Op::Convolution { result, .. } => match result {
                    Side::Input => images += 1,
                    Side::Weight => weights += 1,
                    Side::Output => outputs += 1,
                },
                Op::ProductByGroup { result } => by_group[result as usize] += 1,
                Op::Pool { .. } => pools += 1,
                Op::Unpool { .. } => unpools += 1,
                _ => {}
            }
        }
    }
    let drawn = [images, weights, outputs, pools, unpools];
    let few = drawn.iter().chain(&by_group).any(|count| *count < 10);
    assert!(!few, "{drawn:?}, {by_group:?}");
}
