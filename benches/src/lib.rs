//! What several benches share: programs and data sets.

use bayes_nn::prelude::*;
use bayes_nn_autodiff::{Graph, Op, Var};
use bayes_nn_kernels::{Backend, Cpu, Plan, Precision, Replicas};

/// A replica of a program that computes one output of a graph from its inputs, filled with small numbers of
/// both signs, run once already. Inputs are states, or later runs would have nothing to do.
pub fn program(
    precision: Precision,
    write: impl for<'g> FnOnce(&'g Graph) -> (Var<'g>, Vec<Var<'g>>),
) -> Box<dyn Replicas> {
    program_on(1, precision, write)
}

/// [`program`] on so many threads.
pub fn program_on(
    threads: usize,
    precision: Precision,
    write: impl for<'g> FnOnce(&'g Graph) -> (Var<'g>, Vec<Var<'g>>),
) -> Box<dyn Replicas> {
    let graph = Graph::new();
    let (output, inputs) = write(&graph);
    let states: Vec<(Var, Var)> = inputs.into_iter().map(|input| (input, input)).collect();
    let plan = Plan::new(&graph, &[output], &states).expect("the graph is right");
    let cpu = Cpu::detect()
        .expect("BAYES_NN_ISA is right")
        .threads(threads);
    let loaded = cpu.load(&plan.into(), &[], precision);
    let replicas = loaded.and_then(|loaded| loaded.start(1));
    let mut replicas = replicas.expect("the CPU can run it");
    let program = replicas.program_mut(0);
    for input in graph.inputs() {
        let node = graph.node(input.node);
        let values: Vec<f64> = (0..node.shape.elements())
            .map(|i| (i as f64 * 0.37).sin())
            .collect();
        if let Op::Input(id) = node.op {
            program
                .write(id, &values)
                .expect("the length is the shape's");
        }
    }
    program.run(1).expect("all inputs are written");
    replicas
}

/// 20 and 50 filters of 5 by 5 on images of 28 by 28, each with a pool of 2 by 2, 500 dense units and ten
/// classes, all with standard normal priors.
pub fn convolutional() -> Sequential {
    Sequential::new()
        .input([1, 28, 28])
        .layer(Conv2d::new(20, [5, 5]))
        .layer(Relu)
        .layer(MaxPool2d::new([2, 2]))
        .layer(Conv2d::new(50, [5, 5]))
        .layer(Relu)
        .layer(MaxPool2d::new([2, 2]))
        .layer(Flatten)
        .layer(Dense::new(500))
        .layer(Relu)
        .layer(Dense::new(10))
        .prior(Normal::new(0.0, 1.0))
}
