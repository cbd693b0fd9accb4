//! What the tests of layers share: a run of a layer with values for everything, whose gradients are
//! checked.

use std::collections::BTreeMap;

use bayes_nn_autodiff::{Bindings, Shape, Var, grad};
use bayes_nn_models::model::{Data, probe};

use super::{Layer, Parameters};

/// Inputs, parameters by their names, and the output, all in row-major order.
pub(super) struct Run {
    pub(super) inputs: Vec<Vec<f64>>,
    pub(super) parameters: BTreeMap<String, Vec<f64>>,
    pub(super) shape: Shape,
    pub(super) output: Vec<f64>,
}

/// Numbers between -1 and 1 that look random.
fn numbers(count: usize, seed: &mut u64) -> Vec<f64> {
    let mut next = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*seed >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Runs a layer on inputs of these shapes, rows last, and checks the derivatives of a weighted sum
/// of its output by up to 30 elements of each parameter and input against central differences.
pub(super) fn run(layer: &dyn Layer, shapes: &[Shape]) -> Run {
    probe(&Data::new(), |trace, _| {
        let p = Parameters::new(trace);
        let inputs = shapes.iter().map(|shape| p.graph().input("x", *shape));
        let inputs: Vec<Var<'_>> = inputs.collect();
        let output = p.write(layer, &inputs).unwrap();
        let declared = p.values();
        let mut seed = 7;
        let mut known: Vec<(Var<'_>, Vec<f64>)> = Vec::new();
        for &var in inputs.iter().chain(declared.iter().map(|(_, var)| var)) {
            known.push((var, numbers(var.shape().elements(), &mut seed)));
        }
        let weights = numbers(output.shape().elements(), &mut seed);
        let sum = (p.graph().constant(&weights, output.shape()) * output).sum();
        let vars: Vec<Var<'_>> = known.iter().map(|(var, _)| *var).collect();
        let evaluate = |outputs: &[Var<'_>], known: &[(Var<'_>, Vec<f64>)]| {
            let bind =
                |bound: Bindings, (var, values): &(Var<'_>, Vec<f64>)| bound.bind(*var, values);
            let bindings = known.iter().fold(Bindings::new(), bind);
            let values = p.graph().evaluate(outputs, &bindings).unwrap();
            values
                .iter()
                .map(|v| v.values().to_vec())
                .collect::<Vec<_>>()
        };
        let slopes = evaluate(&grad(sum, &vars).unwrap(), &known);
        for (place, slope) in slopes.iter().enumerate() {
            for element in (0..slope.len()).step_by(slope.len().div_ceil(30)) {
                const H: f64 = 1e-5;
                let [above, below] = [H, -H].map(|h| {
                    let mut moved = known.clone();
                    moved[place].1[element] += h;
                    evaluate(&[sum], &moved)[0][0]
                });
                let difference = (above - below) / (2.0 * H);
                assert!(
                    (slope[element] - difference).abs() < 1e-7 * difference.abs().max(1.0),
                    "{layer:?}: element {element} of {place}: {} for {difference}",
                    slope[element]
                );
            }
        }
        let output_values = evaluate(&[output], &known).remove(0);
        let mut values = known.into_iter().map(|(_, values)| values);
        Run {
            inputs: values.by_ref().take(shapes.len()).collect(),
            parameters: declared
                .into_iter()
                .map(|(info, _)| info.name)
                .zip(values)
                .collect(),
            shape: output.shape(),
            output: output_values,
        }
    })
}
