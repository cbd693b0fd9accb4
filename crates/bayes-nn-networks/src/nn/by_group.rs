//! The fully connected layer whose parameters are those of the group of a row.

use bayes_nn_autodiff::{Kind, Var};
use bayes_nn_models::saved::{FileError, Place, Value};

use super::layer::Output;
use super::{Layer, Parameters};

/// A dense layer for each of several groups: `weight[g] x + bias[.., g]` for a row of group `g`,
/// with `weight [groups, outputs, inputs]` and `bias [outputs, groups]`.
///
/// The inputs are `[inputs, rows]`, as many as there are, and an index, `[rows]`, the group of each
/// row, from 0. Rows come in any order. A group that is none is an error of the fit or prediction,
/// which names its row.
///
/// A group without rows keeps what the prior says of it; one scale that all groups share, as
/// [`learned_scale`](super::prior::learned_scale) has it, lets groups with few rows learn from others
/// how large weights are.
///
/// ```
/// use bayes_nn::nn::{Activation, Dense, DenseByGroup, Layer, Network};
/// let network = Network::new()
///     .input("x", [2])
///     .index_input("group")
///     .add("hidden", DenseByGroup::new(18, 5), ["x", "group"])
///     .add("tanh", Activation::Tanh, ["hidden"])
///     .add("out", DenseByGroup::new(18, 1).without_bias(), ["tanh", "group"]);
/// let inputs = network.input_shapes().expect("both are known");
/// let parameters = network.parameters(&inputs)?;
/// let shapes: Vec<String> = parameters.iter().map(|p| p.shape.to_string()).collect();
/// assert_eq!(shapes, ["[18, 5, 2]", "[5, 18]", "[18, 1, 5]"]);
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct DenseByGroup {
    pub(super) groups: usize,
    pub(super) outputs: usize,
    pub(super) bias: bool,
}

impl DenseByGroup {
    /// So many groups, with so many outputs of each row, and a bias.
    pub fn new(groups: usize, outputs: usize) -> DenseByGroup {
        DenseByGroup {
            groups,
            outputs,
            bias: true,
        }
    }

    /// The same without a bias.
    pub fn without_bias(self) -> DenseByGroup {
        DenseByGroup {
            bias: false,
            ..self
        }
    }
}

impl Layer for DenseByGroup {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let [x, groups] = p.inputs(inputs)?;
        let [length, _] = x.shape()[..] else {
            return Err(p.wrong_input(x, "[inputs, rows]"));
        };
        if groups.kind() != Kind::Index {
            return Err(p.wrong_input(groups, "indices [rows]"));
        }
        let weight = p.get("weight", [self.groups, self.outputs, length], length)?;
        let product = p.times(weight, x, |weight, x| weight.matmul_by_group(x, groups));
        if !self.bias {
            return Ok(product);
        }
        let bias = p.get("bias", [self.outputs, self.groups], 1)?;
        Ok(product + bias.gather(groups, 1))
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::Shape;

    use super::super::{Input, Layer, layer, testing};
    use super::*;

    #[test]
    fn each_row_goes_through_the_layer_of_its_group() {
        const GROUPS: [usize; 5] = [2, 0, 2, 2, 0];
        let grouped = layer::from_fn("grouped", |p, inputs| {
            let index = p.graph().index_constant(&GROUPS);
            p.layer("own", &DenseByGroup::new(3, 2), &[inputs[0], index])
        });
        let run = testing::run(&grouped, &[Shape::from([4, 5])]);
        let (weight, bias) = (&run.parameters["own.weight"], &run.parameters["own.bias"]);
        assert_eq!(run.shape, Shape::from([2, 5]));
        for (place, value) in run.output.iter().enumerate() {
            let (output, row) = (place / 5, place % 5);
            let group = GROUPS[row];
            let terms =
                (0..4).map(|i| weight[(group * 2 + output) * 4 + i] * run.inputs[0][i * 5 + row]);
            let expected = terms.sum::<f64>() + bias[output * 3 + group];
            assert!((value - expected).abs() < 1e-12, "{value} {expected}");
        }
    }

    #[test]
    fn inputs_that_do_not_fit_are_named() {
        let layer = DenseByGroup::new(3, 2);
        let says = |inputs: [Input; 2], words: [&str; 2]| {
            let message = layer.output_shape(&inputs).unwrap_err().to_string();
            assert!(words.iter().all(|word| message.contains(word)), "{message}");
        };
        says([Input::values([4]); 2], ["DenseByGroup", "indices [rows]"]);
        let images = Input::values([1, 4, 4]);
        says([images, Input::index()], ["DenseByGroup", "[inputs, rows]"]);
    }
}
