//! The head of a mixture density network.

use bayes_nn_autodiff::Var;
use bayes_nn_distributions::{Distribution, Mixture, Normal};
use bayes_nn_models::saved::{FileError, Place, Value};

use super::head::soft_scale;
use super::{Head, HeadError, Parameters};

/// A number that may be near any of several values, as a mixture of normals whose weights, means and
/// standard deviations depend on the row (Bishop 1994, "Mixture density networks", equations 22 to 27).
///
/// Of `K` components the network gives `3 K` outputs: logits of the weights, then means, then scales.
///
/// ```text
/// weight[k] = softmax(outputs[0 .. K])[k]
/// mean[k]   = outputs[K + k] + place[k],   place from -1 to 1
/// sd[k]     = softplus(outputs[2 K + k] / 2 + ln(e - 1)) + least
/// ```
///
/// Places are even, so that components begin apart, over targets that are standardised; that of a single
/// one is 0, and such a mixture is a [`HeteroscedasticGaussian`](super::HeteroscedasticGaussian). Without
/// `least`, 0.02 unless changed, a component could shrink onto one target, at a density without bound.
///
/// Predictions have the mean and the variance of the mixture, which lies between the values where there are
/// several, and intervals from draws; `log_predictive` and scores have its density.
///
/// ```
/// use bayes_nn::nn::GaussianMixture;
/// use bayes_nn::prelude::*;
/// // Two branches, of which each row is on one.
/// let x: Vec<f64> = (0..200).map(|i| f64::from(i) / 100.0 - 1.0).collect();
/// let y: Vec<f64> = (0..200).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 } + 0.3 * x[i]).collect();
/// let data = Dataset::new(&x, 1, &y)?;
/// let bnn = Bnn::new(Mlp::new([1, 10, 6]), GaussianMixture::new(2));
/// let fit = bnn.fit(&data, &Advi::mean_field().steps(3_000).learning_rate(0.02).seed(1))?;
/// let at = fit.log_predictive(&[0.0, 0.0, 0.0], &[1.0, -1.0, 0.0], Predict::draws(100))?;
/// assert!(at[0] > 0.0 && at[1] > 0.0 && at[2] < -2.0, "{at:?}");
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct GaussianMixture {
    pub(super) components: usize,
    pub(super) least: f64,
}

impl GaussianMixture {
    /// Of so many components, one or more, with standard deviations from 0.02 on.
    pub fn new(components: usize) -> GaussianMixture {
        GaussianMixture {
            components,
            least: 0.02,
        }
    }

    /// With another least standard deviation; it is not negative.
    pub fn least_noise(self, least: f64) -> GaussianMixture {
        GaussianMixture { least, ..self }
    }
}

impl Head for GaussianMixture {
    fn likelihood<'g>(
        &self,
        p: &Parameters<'_, 'g>,
        outputs: Var<'g>,
    ) -> Result<Box<dyn Distribution<'g> + 'g>, HeadError> {
        if self.components == 0 {
            let problem = "a mixture must have one component or more";
            return Err(p.shown_as(&self).problem(problem).into());
        }
        let rows = match outputs.shape()[..] {
            [length, rows] if Some(length) == self.components.checked_mul(3) => rows,
            _ => {
                let expected =
                    "[3 components, rows], a logit, a mean and a scale of each component";
                return Err(HeadError::outputs("GaussianMixture", expected, outputs));
            }
        };
        let parts = outputs.reshape([3, self.components, rows]);
        let (logits, means) = (parts.row(0), parts.row(1));
        let weights = (logits - logits.logsumexp(0)).exp();
        let sds = soft_scale(p, &self, parts.row(2), self.least)?;
        let place = |k: usize| match self.components {
            1 => 0.0,
            count => 2.0 * k as f64 / (count - 1) as f64 - 1.0,
        };
        let component = |k: usize| {
            let normal = Normal::new(means.row(k) + place(k), sds.row(k));
            (weights.row(k), normal)
        };
        Ok(Box::new(Mixture::new((0..self.components).map(component))))
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}
