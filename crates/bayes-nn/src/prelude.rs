//! What most programs need: `use bayes_nn::prelude::*;`.
//!
//! [`Bernoulli`] and [`Categorical`] are here the heads of networks; the distributions of these
//! names, for models as functions, are [`distributions::Bernoulli`] and
//! [`distributions::Categorical`].

#[cfg(feature = "plots")]
pub use crate::Bar;
pub use crate::nn::Activation::{self, Identity, Relu, Sigmoid, Softplus, Tanh};
pub use crate::nn::{
    AvgPool2d, Bernoulli, Categorical, Conv1d, Conv2d, Dense, Flatten, Gaussian, IntoPrior, Layer,
    MaxPool2d, Mlp, Network, Sequential,
};
#[cfg(feature = "plots")]
pub use crate::report::WriteReport;
pub use crate::{
    Advi, Bnn, Data, Dataset, Device, Error, Estimator, Nuts, Optimizer, Pathfinder, Posterior,
    Precision, Predict, Prediction, Schedule, Table, datasets, distributions, model,
};
pub use bayes_nn_distributions::{
    Distribution, HalfNormal, Laplace, LogNormal, Mixture, Normal, StudentT, Uniform,
};
