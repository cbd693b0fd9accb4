//! Networks with priors on their weights, and the likelihoods that stand on their outputs.
//!
//! A layer is one file: a struct that implements [`Layer`]. Layers see their input batch last,
//! `[features, rows]`.

mod activation;
mod dense;
mod head;
mod mlp;
mod prior;
mod sequential;

pub use activation::Activation;
pub use dense::Dense;
pub use head::{Bernoulli, Categorical, Gaussian, Head, Likelihood};
pub use mlp::Mlp;
pub use prior::Prior;
pub use sequential::{Layer, Network, Parameters, Sequential};
