//! Priors that a network keeps until it is written into a graph.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::Distribution;
use bayes_nn_models::model::{Begin, Trace};

/// A parameter as a layer asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterInfo {
    /// The whole name, as `layer0.weight`: that of its site.
    pub name: String,
    /// Its shape, without rows.
    pub shape: Shape,
    /// How many elements of it are summed up in an element of the output, each times another
    /// input: the inputs of a dense layer's weight, 1 of a bias.
    pub fan_in: usize,
    /// How many outputs an input enters: all elements divided by `fan_in`.
    pub fan_out: usize,
}

impl ParameterInfo {
    /// Where fits begin in it: weights as He et al. 2015 ("Delving deep into rectifiers", equation
    /// 10) have them, so that signals keep their size from layer to layer, biases at 0, and all with
    /// little spread. A single number begins at a draw of its prior.
    pub(super) fn begin(&self) -> Option<Begin> {
        let fan_in = self.fan_in.max(1) as f64;
        let spread = match self.shape.rank() {
            0 => return None,
            1 => 0.0,
            _ => (2.0 / fan_in).sqrt(),
        };
        Some(Begin {
            mean: 0.0,
            spread,
            sd: SMALL / fan_in.sqrt(),
        })
    }
}

/// The standard deviation of a guide at the start, times the root of the fan-in.
const SMALL: f64 = 0.01;

/// The prior of a parameter of a network. Every distribution that is given by numbers alone is
/// one: independently for each element.
///
/// ```
/// use bayes_nn::Var;
/// use bayes_nn::distributions::{Distribution, Normal};
/// use bayes_nn::model::Trace;
/// use bayes_nn::nn::{Mlp, ParameterInfo, Prior};
///
/// /// Outputs of one size, however many inputs there are (Neal 1996, section 2.1).
/// #[derive(Clone, Copy, Debug)]
/// struct Scaled;
///
/// impl Prior for Scaled {
///     fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
///         let sd = (parameter.fan_in as f64).sqrt().recip();
///         trace.sample(&parameter.name, Normal::new(0.0, sd).expand(parameter.shape))
///     }
/// }
///
/// let net = Mlp::new([2, 50, 1]).prior(Scaled);
/// # let _ = net;
/// ```
pub trait Prior: fmt::Debug + Send + Sync {
    /// Declares the parameter: a value of its shape, at best as a site of its name. A prior with
    /// parameters of its own declares them, too.
    fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g>;
}

impl<D> Prior for D
where
    D: for<'g> Distribution<'g> + Clone + Send + Sync + 'static,
{
    fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
        trace.sample(&parameter.name, self.clone().expand(parameter.shape))
    }
}

/// The priors that a network gives: by a parameter's name, and to all that have none of their
/// own.
#[derive(Clone, Debug, Default)]
pub(super) struct Priors {
    pub(super) named: BTreeMap<String, Arc<dyn Prior>>,
    pub(super) default: Option<Arc<dyn Prior>>,
}
