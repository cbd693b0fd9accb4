//! Layers one after the other.

use std::sync::Arc;

use bayes_nn_autodiff::{Shape, Var};

use super::layer::Output;
use super::{Layer, Network, Parameters, Prior};

/// Layers one after the other: a [`Network`] with one input, `x`. Those with parameters are named
/// `layer0`, `layer1`, and so on.
///
/// ```
/// use bayes_nn::nn::{Activation, Dense, Input, Layer, Sequential};
/// use bayes_nn::distributions::Laplace;
/// let network = Sequential::new()
///     .layer(Dense::new(20))
///     .layer(Activation::Relu)
///     .layer(Dense::new(1).without_bias())
///     .prior_for("layer1.weight", Laplace::new(0.0, 0.2));
/// let parameters = network.parameters(&[Input::values([2])])?;
/// let names: Vec<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
/// assert_eq!(names, ["layer0.weight", "layer0.bias", "layer1.weight"]);
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Sequential {
    network: Network,
}

impl Default for Sequential {
    fn default() -> Self {
        Sequential::new()
    }
}

impl Sequential {
    /// No layers yet; rows have the shape that the data give them.
    pub fn new() -> Sequential {
        Sequential {
            network: Network::new().open_input("x"),
        }
    }

    /// The shape of the rows: those of data are seen in it, and those of another size refused.
    ///
    /// ```
    /// use bayes_nn::nn::{Network, Sequential};
    /// let images = Network::from(Sequential::new().input([1, 28, 28]));
    /// assert_eq!(images.input_shapes().map(|inputs| inputs[0].to_string()),
    ///     Some("[1, 28, 28, rows]".to_owned()));
    /// ```
    pub fn input(mut self, row: impl Into<Shape>) -> Sequential {
        self.network.set_first_input(row.into());
        self
    }

    /// Adds a layer after those there are.
    pub fn layer(mut self, layer: impl Layer + 'static) -> Sequential {
        self.network.append(Arc::new(layer), None);
        self
    }

    /// Adds a layer whose parameters have a prior of their own.
    ///
    /// ```
    /// use bayes_nn::distributions::Normal;
    /// use bayes_nn::nn::{Dense, Sequential};
    /// let network = Sequential::new().layer_with_prior(Dense::new(1), Normal::new(0.0, 0.1));
    /// # let _ = network;
    /// ```
    pub fn layer_with_prior(
        mut self,
        layer: impl Layer + 'static,
        prior: impl Prior + 'static,
    ) -> Sequential {
        self.network.append(Arc::new(layer), Some(Arc::new(prior)));
        self
    }

    /// The prior of every parameter that has none of its own; [`learned_scale`](super::prior::learned_scale) unless set.
    pub fn prior(self, prior: impl Prior + 'static) -> Sequential {
        Sequential {
            network: self.network.prior(prior),
        }
    }

    /// The prior of one parameter, by its name. A name that the network does not have is an
    /// error when it is used.
    pub fn prior_for(self, parameter: &str, prior: impl Prior + 'static) -> Sequential {
        Sequential {
            network: self.network.prior_for(parameter, prior),
        }
    }

    /// All parameters are estimated as points: [`Layer::point`].
    pub fn point(self) -> Sequential {
        Sequential {
            network: self.network.point(),
        }
    }

    /// One parameter is estimated as a point, by its name. A name that the network does not have is
    /// an error when it is used.
    pub fn point_for(self, parameter: &str) -> Sequential {
        Sequential {
            network: self.network.point_for(parameter),
        }
    }
}

impl From<Sequential> for Network {
    fn from(layers: Sequential) -> Network {
        layers.network
    }
}

impl Layer for Sequential {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        self.network.forward(p, inputs)
    }
}
