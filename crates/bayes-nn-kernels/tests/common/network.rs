//! A network's step of variational inference, written out.

use bayes_nn_autodiff::{Graph, NoiseKind, Var, grad};

use crate::common::Model;

/// One step of variational inference for a 2-5-5-1 network, by Adam, on minibatches.
pub fn variational_step<'g>(graph: &'g Graph, batch: Option<usize>) -> Model<'g> {
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
    let gradients = grad(elbo, &[mean, scale]).unwrap();
    for (i, (parameter, gradient)) in [mean, scale].into_iter().zip(gradients).enumerate() {
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
    m.outputs = vec![elbo];
    m
}
