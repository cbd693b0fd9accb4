//! The multilayer perceptron.

use std::sync::Arc;

use bayes_nn_autodiff::Var;
use bayes_nn_models::saved::{FileError, Place, Value};

use super::layer::Output;
use super::prior::Said;
use super::{Activation, Dense, Layer, LayerError, Network, Parameters, Prior};

/// Dense layers with an activation between them, none after the last: a [`Network`] with one
/// input, `x`.
///
/// ```
/// use bayes_nn::distributions::Normal;
/// use bayes_nn::nn::{Activation, Input, Layer, Mlp};
/// let net = Mlp::new([2, 5, 5, 1])
///     .activation(Activation::Tanh)
///     .without_bias()
///     .prior(Normal::new(0.0, 1.0));
/// let parameters = net.parameters(&[Input::values([2])])?;
/// let weights: usize = parameters.iter().map(|p| p.shape.elements()).sum();
/// assert_eq!(weights, 40);
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Mlp {
    sizes: Vec<usize>,
    activation: Activation,
    bias: bool,
    said: Said,
}

impl Mlp {
    /// A network with these widths: features, hidden layers, outputs. Biases, tanh and standard
    /// normal priors unless changed.
    pub fn new(sizes: impl Into<Vec<usize>>) -> Mlp {
        Mlp {
            sizes: sizes.into(),
            activation: Activation::Tanh,
            bias: true,
            said: Said::default(),
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
        self.said.default = Some(Arc::new(prior));
        self
    }

    /// The prior of one parameter, by its name: `layer0.weight`, `layer0.bias`, and so on. A
    /// name that the network does not have is an error when it is used.
    pub fn prior_for(mut self, parameter: &str, prior: impl Prior + 'static) -> Mlp {
        let prior: Arc<dyn Prior> = Arc::new(prior);
        self.said.named.insert(parameter.to_owned(), prior);
        self
    }

    /// All parameters are estimated as points: [`Layer::point`].
    pub fn point(mut self) -> Mlp {
        self.said.point = true;
        self
    }

    /// One parameter is estimated as a point, by its name; as [`Mlp::prior_for`].
    pub fn point_for(mut self, parameter: &str) -> Mlp {
        self.said.points.insert(parameter.to_owned());
        self
    }
}

impl From<Mlp> for Network {
    fn from(mlp: Mlp) -> Network {
        let Some((features, outputs)) = mlp.sizes.split_first().filter(|(_, o)| !o.is_empty())
        else {
            let mut network = Network::new();
            network.refuse(LayerError::Widths { widths: mlp.sizes });
            return network;
        };
        let mut network = Network::new().input("x", *features).with_said(mlp.said);
        for (number, outputs) in outputs.iter().enumerate() {
            if number > 0 && mlp.activation != Activation::Identity {
                network.append(Arc::new(mlp.activation), None);
            }
            let dense = Dense::new(*outputs);
            let dense = match mlp.bias {
                true => dense,
                false => dense.without_bias(),
            };
            network.append(Arc::new(dense), None);
        }
        network
    }
}

impl Layer for Mlp {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        Network::from(self.clone()).forward(p, inputs)
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Network::from(self.clone()).describe(place)
    }
}
