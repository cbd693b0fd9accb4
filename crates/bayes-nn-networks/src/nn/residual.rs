//! A layer whose input goes around it.

use std::fmt;
use std::sync::Arc;

use bayes_nn_autodiff::Var;
use bayes_nn_models::saved::{self, FileError};

use super::frame::Place;
use super::layer::Output;
use super::{Input, Layer, Parameters};

/// `x + layer(x)` (He et al. 2016, *Deep Residual Learning for Image Recognition*, equation 1).
///
/// The layer, which may be a network, gives the shape that it takes. Parameters have the names that
/// they have in the layer. Sums of several branches, or of branches with layers on both sides, are
/// made by [`Sum`](super::Sum) in a [`Network`](super::Network).
///
/// ```
/// use bayes_nn::nn::{Activation, Dense, Input, Layer, Residual, Sequential};
/// let block = || {
///     let inner = Sequential::new().layer(Dense::new(8)).layer(Activation::Silu).layer(Dense::new(8));
///     Residual::new(inner)
/// };
/// let net = Sequential::new().layer(Dense::new(8)).layer(block()).layer(block());
/// assert_eq!(net.output_shape(&[Input::values([3])])?.to_string(), "[8]");
/// assert_eq!(net.parameters(&[Input::values([3])])?[2].name, "layer1.layer0.weight");
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
#[derive(Clone)]
pub struct Residual {
    pub(super) layer: Arc<dyn Layer>,
}

impl Residual {
    /// Around this layer.
    pub fn new(layer: impl Layer + 'static) -> Residual {
        Residual {
            layer: Arc::new(layer),
        }
    }
}

impl fmt::Debug for Residual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Residual")
    }
}

impl Layer for Residual {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let [x] = p.inputs(inputs)?;
        let through = p.enter(Place::Same, &*self.layer, None, inputs)?;
        match through.shape() == x.shape() {
            true => Ok(x + through),
            false => Err(p.problem(format!(
                "the layer inside gives {} for {}; it must give the shape that it takes",
                Input::of(through),
                Input::of(x),
            ))),
        }
    }

    fn describe(&self, place: &saved::Place<'_>) -> Result<saved::Value, FileError> {
        self.described(place)
    }
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::Shape;

    use super::*;
    use crate::nn::testing::run;
    use crate::nn::{Activation, Dense, Sequential};

    #[test]
    fn the_input_is_added_to_what_went_through_the_layer() {
        let inner = Sequential::new()
            .layer(Dense::new(3))
            .layer(Activation::Tanh);
        let run = run(&Residual::new(inner), &[Shape::from([3, 2])]);
        let (w, b) = (
            &run.parameters["layer0.weight"],
            &run.parameters["layer0.bias"],
        );
        let x = |i: usize, row: usize| run.inputs[0][2 * i + row];
        for (j, row) in [(0, 0), (1, 1), (2, 0), (2, 1)] {
            let sum = (0..3).map(|i| w[3 * i + j] * x(i, row)).sum::<f64>() + b[j];
            let expected = x(j, row) + sum.tanh();
            assert!((run.output[2 * j + row] - expected).abs() < 1e-14);
        }
    }

    #[test]
    fn a_layer_that_changes_the_shape_is_refused_with_both() {
        let net = Sequential::new()
            .layer(Dense::new(4))
            .layer(Residual::new(Dense::new(3)));
        let error = net.output_shape(&[Input::values([2])]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "layer 1 (Residual): the layer inside gives [3, rows] for [4, rows]; it must give the \
             shape that it takes"
        );
    }
}
