//! Networks with priors on their weights, and the likelihoods that stand on their outputs.
//!
//! A layer is one function, [`Layer::forward`], of values that have their rows last. A network is
//! a list of layers, and a layer itself. Layers, priors and heads of one's own need nothing beyond
//! this crate:
//!
//! ```
//! use bayes_nn::distributions::{Distribution, HalfNormal, Normal};
//! use bayes_nn::model::Trace;
//! use bayes_nn::nn::{Head, HeadError, Layer, LayerError, ParameterInfo, Parameters};
//! use bayes_nn::prelude::*;
//! use bayes_nn::{Shape, Var};
//!
//! /// What a dense layer makes of its inputs goes as far as a gate lets it (Srivastava, Greff and
//! /// Schmidhuber 2015, equation 3).
//! #[derive(Clone, Copy, Debug)]
//! struct Highway;
//!
//! impl Layer for Highway {
//!     fn forward<'g>(
//!         &self,
//!         p: &Parameters<'_, 'g>,
//!         inputs: &[Var<'g>],
//!     ) -> Result<Var<'g>, LayerError> {
//!         let [x] = p.inputs(inputs)?;
//!         let width = x.shape()[0];
//!         let weight = p.get("weight", [width, width], width)?;
//!         let new = p.times(weight, x, |weight, x| weight.t().matmul(x)).tanh();
//!         let gate = p.layer("gate", &Dense::new(width), &[x])?.sigmoid();
//!         Ok(gate * new + (1.0 - gate) * x)
//!     }
//! }
//!
//! /// Weights that are small where there are many inputs.
//! #[derive(Clone, Copy, Debug)]
//! struct Scaled;
//!
//! impl bayes_nn::nn::Prior for Scaled {
//!     fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
//!         let sd = (parameter.fan_in as f64).sqrt().recip();
//!         trace.sample(&parameter.name, Normal::new(0.0, sd).expand(parameter.shape))
//!     }
//! }
//!
//! /// A number whose logarithm has normal noise: the mean of the logarithm is the output.
//! #[derive(Clone, Copy, Debug)]
//! struct Precise;
//!
//! impl Head for Precise {
//!     fn likelihood<'g>(
//!         &self,
//!         p: &Parameters<'_, 'g>,
//!         outputs: Var<'g>,
//!     ) -> Result<Box<dyn Distribution<'g> + 'g>, HeadError> {
//!         let sd = p.get_with_prior("sigma", Shape::SCALAR, 1, &HalfNormal::new(0.1))?;
//!         Ok(Box::new(LogNormal::new(outputs.row(0), sd)))
//!     }
//! }
//!
//! let net = Sequential::new().layer(Dense::new(4)).layer(Highway).layer(Dense::new(1));
//! let bnn = Bnn::new(net.prior(Scaled), Precise);
//! let data = Dataset::new(&[0.1, 0.7, 1.3, 2.1], 1, &[1.0, 1.2, 1.1, 1.4])?;
//! let fit = bnn.fit(&data, &Advi::mean_field().steps(50))?;
//! assert_eq!(fit.predict(&[0.5], 20)?.mean().len(), 1);
//! # Ok::<(), bayes_nn::Error>(())
//! ```

mod activation;
mod augment;
mod by_group;
mod convolution;
mod dense;
mod dropout;
mod embedding;
mod error;
mod flatten;
mod frame;
mod gaussian_mixture;
pub mod head;
mod hierarchical;
mod informed;
pub mod layer;
mod layer_norm;
mod merge;
mod mlp;
mod moves;
mod network;
mod parameters;
mod point;
mod pool;
pub mod prior;
mod recurrent;
mod rescale;
mod residual;
mod saved;
mod select;
mod sequential;
#[cfg(test)]
mod testing;

pub use activation::Activation;
pub use augment::Augment;
pub use by_group::DenseByGroup;
pub use convolution::{Conv, Conv1d, Conv2d};
pub use dense::Dense;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use error::{HeadError, InformedError, LayerError};
pub use flatten::Flatten;
pub use gaussian_mixture::GaussianMixture;
pub use head::{Bernoulli, Categorical, Gaussian, Head, HeteroscedasticGaussian, Poisson};
pub use hierarchical::{GroupScale, Hierarchical, Pooling};
pub use informed::{InformedPrior, IntoPrior, Widening};
pub use layer::{Input, Layer};
pub use layer_norm::LayerNorm;
pub use merge::{Concat, Sum};
pub use mlp::Mlp;
pub(crate) use network::Link;
pub use network::Network;
pub use parameters::Parameters;
pub use point::Point;
pub use pool::{AvgPool, AvgPool1d, AvgPool2d, MaxPool, MaxPool1d, MaxPool2d};
pub use prior::{ParameterInfo, Prior};
pub use recurrent::{Gru, Lstm};
pub use rescale::Rescale;
pub use residual::Residual;
pub use saved::Registry;
pub use select::Select;
pub use sequential::Sequential;

pub use crate::sparse::{Relevance, Sparse};

/// Names for a message: `` `a`, `b` ``, or `none`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        names => format!("`{}`", names.join("`, `")),
    }
}
