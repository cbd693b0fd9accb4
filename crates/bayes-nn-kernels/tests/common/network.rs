//! A network's step of variational inference, written out.
#![allow(dead_code, reason = "each test binary uses its part")]

use bayes_nn_autodiff::{Graph, NoiseKind, Var, concat, grad};

use crate::common::Model;

/// One step of variational inference for a 2-5-5-1 network, by Adam, on minibatches of its 500 rows.
pub fn variational_step(graph: &Graph, batch: Option<usize>) -> Model<'_> {
    step(graph, batch, |values| values.to_vec())
}

/// The same step taken by ranks that have so many rows each: one mean over gradients and ELBO.
pub fn step_of_ranks(graph: &Graph, rows: usize) -> Model<'_> {
    step(graph, Some(rows), |values| {
        let flat = |value: &Var<'_>| value.shape().elements();
        let parts: Vec<Var<'_>> = values.iter().map(|v| v.reshape([flat(v)])).collect();
        let mean = concat(&parts, 0).all_reduce_mean();
        let mut start = 0;
        let part = |value: &Var<'_>| {
            start += flat(value);
            mean.view(start - flat(value), value.shape())
        };
        values.iter().map(part).collect()
    })
}

/// A step with what `meet` makes of the two gradients and the ELBO.
fn step<'g>(
    graph: &'g Graph,
    batch: Option<usize>,
    meet: impl for<'a> Fn(&'a [Var<'g>]) -> Vec<Var<'g>>,
) -> Model<'g> {
    let mut m = Model::new(graph);
    const P: usize = 40;
    let (x, labels) = (
        m.input([500, 2]),
        m.input_at([500], (0..500).map(|i| f64::from(i % 2)).collect()),
    );
    let (mean, scale) = (m.input([P]), m.input([P]));
    let states: Vec<Var<'g>> = (0..4).map(|_| m.input_at([P], vec![0.0; P])).collect();
    let (x, labels, factor) = match batch {
        None => (x.t(), labels, 1.0),
        Some(rows) => {
            let index = graph.batch(500, rows, 9);
            (
                x.gather(index, 0).t(),
                labels.gather(index, 0),
                500.0 / rows as f64,
            )
        }
    };
    let noise = graph.noise(NoiseKind::Normal, 0, [P]);
    let z = mean + scale.softplus() * noise;
    let hidden = z.view(0, [5, 2]).matmul(x).tanh();
    let hidden = z.view(10, [5, 5]).matmul(hidden).tanh();
    let logits = z.view(35, [5]).matmul(hidden);
    let likelihood = (labels * logits - logits.softplus()).sum() * factor;
    let prior = -0.5 * (z * z).sum();
    let entropy = scale.softplus().ln().sum();
    let elbo = likelihood + prior + entropy;
    let mut gradients = grad(elbo, &[mean, scale]).unwrap();
    gradients.push(elbo);
    let met = meet(&gradients);
    for (i, (parameter, &gradient)) in [mean, scale].into_iter().zip(&met).enumerate() {
        let (first, second) = (states[2 * i], states[2 * i + 1]);
        let next_first = first * 0.9 + 0.1 * gradient;
        let next_second = second * 0.999 + 0.001 * gradient * gradient;
        let time = graph.step() + 1.0;
        let rate =
            0.01 * (1.0 - Var::from(0.999).pow(time)).sqrt() / (1.0 - Var::from(0.9).pow(time));
        let next = parameter + rate * next_first / (next_second.sqrt() + 1e-8);
        m.updates.extend([
            (parameter, next),
            (first, next_first),
            (second, next_second),
        ]);
    }
    m.outputs = vec![met[2]];
    m
}
