//! The multilayer perceptron.

use std::sync::Arc;

use bayes_nn_autodiff::{Shape, Var};

use super::sequential::Priors;
use super::{Activation, Dense, Network, Prior, Sequential};
use crate::error::Error;
use crate::model::Trace;

/// Dense layers with an activation between them, none after the last.
///
/// ```
/// use bayes_nn::nn::{Activation, Mlp, Network};
/// use bayes_nn::distributions::Normal;
/// let net = Mlp::new([2, 5, 5, 1])
///     .activation(Activation::Tanh)
///     .without_bias()
///     .prior(Normal::new(0.0, 1.0));
/// let weights: usize = net.parameters().iter().map(|(_, shape)| shape.elements()).sum();
/// assert_eq!(weights, 40);
/// ```
#[derive(Clone, Debug)]
pub struct Mlp {
    sizes: Vec<usize>,
    activation: Activation,
    bias: bool,
    priors: Priors,
}

impl Mlp {
    /// A network with these widths: features, hidden layers, outputs. Biases, tanh and standard
    /// normal priors unless changed.
    pub fn new(sizes: impl Into<Vec<usize>>) -> Mlp {
        Mlp {
            sizes: sizes.into(),
            activation: Activation::Tanh,
            bias: true,
            priors: Priors::default(),
        }
    }

    /// The activation between layers.
    pub fn activation(mut self, activation: Activation) -> Mlp {
        self.activation = activation;
        self
    }

    /// Layers without biases.
    pub fn without_bias(mut self) -> Mlp {
        self.bias = false;
        self
    }

    /// The prior of every parameter that has none of its own.
    pub fn prior(mut self, prior: impl Prior + 'static) -> Mlp {
        self.priors.default = Arc::new(prior);
        self
    }

    /// The prior of one parameter, by its name: `layer0.weight`, `layer0.bias`, and so on. A
    /// name that the network does not have is an error when it is used.
    pub fn prior_for(mut self, parameter: &str, prior: impl Prior + 'static) -> Mlp {
        self.priors
            .named
            .insert(parameter.to_owned(), Arc::new(prior));
        self
    }

    /// The layers one after the other.
    pub fn layers(&self) -> Sequential {
        let last = self.sizes.len().saturating_sub(2);
        let pairs = self.sizes.windows(2).enumerate();
        let layers = pairs.fold(Sequential::new(), |layers, (number, pair)| {
            let dense = Dense::new(pair[0], pair[1]);
            let layers = match self.bias {
                true => layers.layer(dense),
                false => layers.layer(dense.without_bias()),
            };
            match number < last && self.activation != Activation::Identity {
                true => layers.layer(self.activation),
                false => layers,
            }
        });
        layers.with_priors(self.priors.clone())
    }
}

impl Network for Mlp {
    fn sizes(&self) -> Result<(usize, usize), Error> {
        if self.sizes.len() < 2 {
            return Err(Error::Network {
                problem: format!(
                    "the widths {:?} make no layer; at least features and outputs are needed",
                    self.sizes
                ),
            });
        }
        self.layers().sizes()
    }

    fn forward<'g>(&self, trace: &Trace<'g>, x: Var<'g>) -> Var<'g> {
        self.layers().forward(trace, x)
    }

    fn parameters(&self) -> Vec<(String, Shape)> {
        self.layers().parameters()
    }
}
