//! Layers one after the other, and what a layer and a network are.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::Normal;

use super::{Activation, Prior};
use crate::error::Error;
use crate::model::Trace;

/// A part of a network: it maps `[inputs, rows]` to `[outputs, rows]`.
pub trait Layer: fmt::Debug + Send + Sync {
    /// How many outputs there are for so many inputs, or what is wrong with these inputs.
    ///
    /// # Errors
    /// In words, when the layer cannot take so many inputs.
    fn outputs(&self, inputs: usize) -> Result<usize, String>;

    /// The inputs, if the layer knows by itself.
    fn inputs(&self) -> Option<usize> {
        None
    }

    /// Names and shapes of its parameters.
    fn parameters(&self) -> Vec<(&'static str, Shape)>;

    /// Writes the layer; `parameters` declares those that [`Layer::parameters`] lists.
    fn forward<'g>(&self, parameters: &Parameters<'_, 'g>, x: Var<'g>) -> Var<'g>;
}

/// Where a layer gets its parameters: named in its scope, with the prior that was chosen.
pub struct Parameters<'t, 'g> {
    trace: &'t Trace<'g>,
    layer: String,
    own_prior: Option<&'t Arc<dyn Prior>>,
    priors: &'t Priors,
}

impl<'g> Parameters<'_, 'g> {
    /// Declares the parameter `name`, `[shape]`.
    pub fn get(&self, name: &str, shape: impl Into<Shape>) -> Var<'g> {
        let named = self.priors.named.get(&format!("{}.{name}", self.layer));
        let prior = named.or(self.own_prior).unwrap_or(&self.priors.default);
        prior.declare(self.trace, name, shape.into())
    }
}

/// Priors by parameter name, and the one for all others.
#[derive(Clone, Debug)]
pub(crate) struct Priors {
    pub(crate) default: Arc<dyn Prior>,
    pub(crate) named: BTreeMap<String, Arc<dyn Prior>>,
}

impl Default for Priors {
    fn default() -> Self {
        Priors {
            default: Arc::new(Normal::new(0.0, 1.0)),
            named: BTreeMap::new(),
        }
    }
}

/// A function of rows whose parameters have priors.
pub trait Network: fmt::Debug + Send + Sync {
    /// How many features a row has, and how many outputs.
    ///
    /// # Errors
    /// [`Error::Network`] when layers do not fit, [`Error::UnknownPrior`] for a prior that
    /// belongs to no parameter.
    fn sizes(&self) -> Result<(usize, usize), Error>;

    /// The outputs `[outputs, rows]` for `x` `[features, rows]`.
    fn forward<'g>(&self, trace: &Trace<'g>, x: Var<'g>) -> Var<'g>;

    /// Names and shapes of all parameters.
    fn parameters(&self) -> Vec<(String, Shape)>;
}

#[derive(Clone, Debug)]
struct Entry {
    layer: Arc<dyn Layer>,
    prior: Option<Arc<dyn Prior>>,
}

/// Layers one after the other. Those with parameters are named `layer0`, `layer1`, and so on.
///
/// ```
/// use bayes_nn::nn::{Activation, Dense, Network, Sequential};
/// use bayes_nn::distributions::Laplace;
/// let network = Sequential::new()
///     .layer(Dense::new(2, 20))
///     .layer(Activation::Relu)
///     .layer(Dense::new(20, 1).without_bias())
///     .prior_for("layer1.weight", Laplace::new(0.0, 0.2));
/// let names: Vec<String> = network.parameters().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["layer0.weight", "layer0.bias", "layer1.weight"]);
/// assert_eq!(network.sizes()?, (2, 1));
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sequential {
    entries: Vec<Entry>,
    priors: Priors,
}

impl Sequential {
    /// No layers yet.
    pub fn new() -> Sequential {
        Sequential::default()
    }

    /// Adds a layer after those there are.
    pub fn layer(mut self, layer: impl Layer + 'static) -> Sequential {
        self.entries.push(Entry {
            layer: Arc::new(layer),
            prior: None,
        });
        self
    }

    /// Adds a layer whose parameters have a prior of their own.
    pub fn layer_with_prior(
        mut self,
        layer: impl Layer + 'static,
        prior: impl Prior + 'static,
    ) -> Sequential {
        self.entries.push(Entry {
            layer: Arc::new(layer),
            prior: Some(Arc::new(prior)),
        });
        self
    }

    /// The prior of every parameter that has none of its own; a standard normal unless set.
    pub fn prior(mut self, prior: impl Prior + 'static) -> Sequential {
        self.priors.default = Arc::new(prior);
        self
    }

    /// The prior of one parameter, by its name. A name that the network does not have is an
    /// error when it is used.
    pub fn prior_for(mut self, parameter: &str, prior: impl Prior + 'static) -> Sequential {
        self.priors
            .named
            .insert(parameter.to_owned(), Arc::new(prior));
        self
    }

    pub(crate) fn with_priors(mut self, priors: Priors) -> Sequential {
        self.priors = priors;
        self
    }

    /// The layers with the names of those that have parameters.
    fn named(&self) -> impl Iterator<Item = (Option<String>, &Entry)> {
        let mut count = 0;
        self.entries.iter().map(move |entry| {
            let name = (!entry.layer.parameters().is_empty()).then(|| {
                count += 1;
                format!("layer{}", count - 1)
            });
            (name, entry)
        })
    }
}

impl Network for Sequential {
    fn sizes(&self) -> Result<(usize, usize), Error> {
        let network = |problem: String| Error::Network { problem };
        let first = self.entries.iter().find_map(|e| e.layer.inputs());
        let inputs = first.ok_or_else(|| {
            network(
                "no layer says how many features there are; one with parameters is needed".into(),
            )
        })?;
        let mut width = inputs;
        for (number, entry) in self.entries.iter().enumerate() {
            width = entry.layer.outputs(width).map_err(|problem| {
                network(format!("layer {number} ({:?}) {problem}", entry.layer))
            })?;
        }
        let parameters = self.parameters();
        for key in self.priors.named.keys() {
            if !parameters.iter().any(|(name, _)| name == key) {
                let names: Vec<String> = parameters
                    .iter()
                    .map(|(name, _)| format!("`{name}`"))
                    .collect();
                return Err(Error::UnknownPrior {
                    key: key.clone(),
                    available: names.join(", "),
                });
            }
        }
        Ok((inputs, width))
    }

    fn forward<'g>(&self, trace: &Trace<'g>, x: Var<'g>) -> Var<'g> {
        self.named().fold(x, |x, (name, entry)| {
            let layer = name.unwrap_or_default();
            let parameters = Parameters {
                trace,
                layer: layer.clone(),
                own_prior: entry.prior.as_ref(),
                priors: &self.priors,
            };
            match layer.is_empty() {
                true => entry.layer.forward(&parameters, x),
                false => trace.scope(&layer, || entry.layer.forward(&parameters, x)),
            }
        })
    }

    fn parameters(&self) -> Vec<(String, Shape)> {
        self.named()
            .filter_map(|(name, entry)| Some((name?, entry.layer.parameters())))
            .flat_map(|(layer, parameters)| {
                parameters
                    .into_iter()
                    .map(move |(name, shape)| (format!("{layer}.{name}"), shape))
            })
            .collect()
    }
}

impl Layer for Activation {
    fn outputs(&self, inputs: usize) -> Result<usize, String> {
        Ok(inputs)
    }

    fn parameters(&self) -> Vec<(&'static str, Shape)> {
        Vec::new()
    }

    fn forward<'g>(&self, _: &Parameters<'_, 'g>, x: Var<'g>) -> Var<'g> {
        self.apply(x)
    }
}
