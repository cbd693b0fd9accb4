//! Layer normalisation.

use bayes_nn_autodiff::Var;
use bayes_nn_models::saved::{FileError, Place, Value};

use super::layer::Output;
use super::{Layer, Parameters};

/// Brings the features of each row to mean 0 and variance 1, then scales and shifts each feature:
/// `gain (x - mean) / sqrt(variance + epsilon) + shift` (Ba, Kiros and Hinton 2016, "Layer
/// normalization", equations 3 and 4), with `gain [features]` and `shift [features]`.
///
/// Inputs are `[features, rows]`. A feature is scaled by `1 + gain`, so that a prior around 0 is one
/// around no change.
///
/// ```
/// use bayes_nn::prelude::*;
/// use bayes_nn::nn::{Input, Layer, LayerNorm};
/// let norm = LayerNorm::new();
/// let names: Vec<String> = norm.parameters(&[Input::values([8])])?.into_iter().map(|p| p.name).collect();
/// assert_eq!(names, ["gain", "shift"]);
/// let net = Sequential::new().layer(Dense::new(8)).layer(LayerNorm::new()).layer(Tanh);
/// # let _ = net;
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNorm {
    pub(super) epsilon: f64,
}

impl Default for LayerNorm {
    fn default() -> LayerNorm {
        LayerNorm::new()
    }
}

impl LayerNorm {
    /// With 1e-5 added to the variance.
    pub fn new() -> LayerNorm {
        LayerNorm { epsilon: 1e-5 }
    }

    /// Adds another number to the variance, which must be positive.
    #[must_use]
    pub fn epsilon(self, epsilon: f64) -> LayerNorm {
        LayerNorm { epsilon }
    }
}

impl Layer for LayerNorm {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let [x] = p.inputs(inputs)?;
        let [features, rows] = x.shape()[..] else {
            return Err(p.wrong_input(x, "[features, rows]"));
        };
        let mean = x.sum_axis(0).reshape([1, rows]) / features as f64;
        let centred = x - mean;
        let variance = (centred * centred).sum_axis(0).reshape([1, rows]) / features as f64;
        let gain = p.get("gain", features, 1)?.reshape([features, 1]);
        let shift = p.get("shift", features, 1)?.reshape([features, 1]);
        Ok((1.0 + gain) * centred / (variance + self.epsilon).sqrt() + shift)
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

#[cfg(test)]
mod tests {
    use bayes_nn_models::model::{Data, from_fn, prior_predictive};

    use super::*;
    use crate::nn::Input;

    #[test]
    fn rows_have_mean_0_and_variance_1_before_gain_and_shift() {
        let model = from_fn(|trace, data| {
            let out = LayerNorm::new()
                .epsilon(1e-12)
                .outputs(trace, &[data.matrix("x")]);
            trace.deterministic("out", out);
        });
        let x = [1.0, 3.0, 8.0, 10.0, 20.0, 60.0];
        let data = Data::new().matrix("x", &x, 3).unwrap();
        let draws = prior_predictive(&model, &data, 5, 1).unwrap();
        let [gain, shift, out] = draws.variables() else {
            panic!("gain, shift and output, got {draws:?}")
        };
        for draw in 0..5 {
            let (gain, shift) = (gain.draw(draw).unwrap(), shift.draw(draw).unwrap());
            let out = out.draw(draw).unwrap();
            for row in 0..2 {
                let value = |i: usize| (out[2 * i + row] - shift[i]) / (1.0 + gain[i]);
                assert!((0..3).map(value).sum::<f64>().abs() < 1e-9);
                assert!(((0..3).map(|i| value(i).powi(2)).sum::<f64>() - 3.0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn other_shapes_are_refused_with_what_would_be_right() {
        let error = LayerNorm::new().output_shape(&[Input::values([2, 3])]);
        assert!(error.unwrap_err().to_string().contains("[features, rows]"));
    }
}
