//! Priors that a network keeps until it is written into a graph.
//!
//! Every distribution that is given by numbers alone is a prior: [`Normal`], `Laplace`, `StudentT`
//! and so on, independently for each element. The functions here make those that depend on the
//! parameter, or need more than one word.
//!
//! ```
//! use bayes_nn::distributions::{Laplace, StudentT};
//! use bayes_nn::nn::{Mlp, prior};
//! let net = Mlp::new([8, 50, 1])
//!     .prior(prior::fan_in())
//!     .prior_for("layer0.weight", Laplace::new(0.0, 0.2))
//!     .prior_for("layer1.weight", StudentT::new(4.0, 0.0, 0.1));
//! # let _ = net;
//! ```
//!
//! Priors of few weights that differ from 0: [`horseshoe()`], [`spike_slab()`] and [`ard()`], on each weight, each
//! input or each unit of a layer; of how many units are in use: [`stick_breaking()`].

mod ard;
mod horseshoe;
mod scaled;
mod spike_slab;
mod stick_breaking;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, LazyLock};

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::{Distribution, Mixture, Normal, SphericalStudentT};
use bayes_nn_models::model::{Begin, Trace};
use bayes_nn_models::saved::{FileError, Place, Value};

use super::hierarchical::Groups;
use super::saved::{describe_distribution, unsaved};

pub use ard::{Ard, ard};
pub use horseshoe::{Horseshoe, horseshoe};
pub use scaled::Each;
pub use spike_slab::{SpikeSlab, spike_slab};
pub use stick_breaking::{StickBreaking, stick_breaking};

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
    /// Whether it is [estimated as a point](super::Layer::point), without a posterior.
    pub point: bool,
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
/// use bayes_nn::distributions::{Distribution, HalfNormal, Normal};
/// use bayes_nn::model::Trace;
/// use bayes_nn::nn::{Mlp, ParameterInfo, Prior};
///
/// /// One standard deviation for all elements, a variable of its own.
/// #[derive(Clone, Copy, Debug)]
/// struct Scaled;
///
/// impl Prior for Scaled {
///     fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
///         let scale = trace.sample(&format!("{}.scale", parameter.name), HalfNormal::new(1.0));
///         trace.sample(&parameter.name, Normal::new(0.0, scale).expand(parameter.shape))
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

    /// What a file says of the prior, as [`Layer::describe`](super::Layer::describe).
    ///
    /// # Errors
    /// [`FileError::Unsaved`] of a prior that does not say.
    fn describe(&self, _: &Place<'_>) -> Result<Value, FileError> {
        Err(unsaved("prior", &self))
    }
}

impl<D> Prior for D
where
    D: for<'g> Distribution<'g> + Clone + Send + Sync + 'static,
{
    fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
        trace.sample(&parameter.name, self.clone().expand(parameter.shape))
    }

    /// That of a distribution of this library that is given by numbers alone.
    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        describe_distribution(self, place).ok_or_else(|| unsaved("prior", &self))
    }
}

/// Normal elements around 0 of the variance `1 / fan_in`, so that outputs have one size however
/// many inputs there are (Neal 1996, *Bayesian Learning for Neural Networks*, section 2.1). A bias
/// is standard normal.
///
/// ```
/// use bayes_nn::nn::{Mlp, prior};
/// let net = Mlp::new([8, 50, 1]).prior(prior::fan_in());
/// // Twice the variance, for ReLU: half of what enters is 0 (He et al. 2015, equation 10).
/// let relu = Mlp::new([8, 50, 1]).prior(prior::fan_in().scaled(2f64.sqrt()));
/// # let _ = (net, relu);
/// ```
pub fn fan_in() -> FanIn {
    FanIn { scale: 1.0 }
}

/// The prior that [`fan_in`] makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FanIn {
    pub(super) scale: f64,
}

impl FanIn {
    /// The standard deviation `scale / sqrt(fan_in)` instead, with `scale > 0`.
    #[must_use]
    pub fn scaled(self, scale: f64) -> FanIn {
        FanIn { scale }
    }
}

impl Prior for FanIn {
    fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
        let sd = self.scale / (parameter.fan_in.max(1) as f64).sqrt();
        Normal::new(0.0, sd).declare(trace, parameter)
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

/// Normal elements around 0 of one variance for each parameter, which is learned: it has the
/// distribution `InverseGamma(1, 10)` and is integrated out ([`SphericalStudentT`]; Wu et al. 2019,
/// *Deterministic Variational Inference for Robust Bayesian Neural Networks*, section 4).
///
/// What follows for the variance of `n` elements with the mean square `s` is
/// `InverseGamma(1 + n / 2, 10 + n s / 2)`: a tensor of many elements has the scale that its own
/// elements have. It is the prior of every parameter of which nothing else is said, but for single
/// numbers, which are standard normal: of one number no scale can be learned.
///
/// ```
/// use bayes_nn::nn::{Mlp, prior};
/// let net = Mlp::new([8, 50, 1]);
/// let wider = Mlp::new([8, 50, 1]).prior(prior::learned_scale().variance(2.0, 1.0));
/// # let _ = (net, wider);
/// ```
pub fn learned_scale() -> LearnedScale {
    LearnedScale {
        concentration: 1.0,
        scale: 10.0,
    }
}

/// The prior that [`learned_scale`] makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearnedScale {
    pub(super) concentration: f64,
    pub(super) scale: f64,
}

impl LearnedScale {
    /// The distribution `InverseGamma(concentration, scale)` of the variance instead; both are
    /// positive.
    #[must_use]
    pub fn variance(self, concentration: f64, scale: f64) -> LearnedScale {
        LearnedScale {
            concentration,
            scale,
        }
    }
}

impl Prior for LearnedScale {
    fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
        let prior = SphericalStudentT::new(self.concentration, self.scale, parameter.shape);
        trace.sample(&parameter.name, prior)
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

/// The prior of a parameter of which nothing is said.
pub(super) fn unless_set(parameter: &ParameterInfo) -> &'static dyn Prior {
    const LEARNED: LearnedScale = LearnedScale {
        concentration: 1.0,
        scale: 10.0,
    };
    static STANDARD: LazyLock<Normal<'static>> = LazyLock::new(|| Normal::new(0.0, 1.0));
    match parameter.shape.rank() {
        0 => &*STANDARD,
        _ => &LEARNED,
    }
}

/// A mixture of two normal distributions around 0: with probability `pi` of the standard deviation
/// `sd[0]`, otherwise of `sd[1]` (Blundell et al. 2015, *Weight Uncertainty in Neural Networks*,
/// equation 7, where `pi` is 1/4, 1/2 or 3/4, `-ln sd[0]` is 0, 1 or 2 and `-ln sd[1]` 6, 7 or 8).
///
/// ```
/// use bayes_nn::nn::{Mlp, prior};
/// let spike_and_slab = prior::scale_mixture(0.5, [1.0, (-6f64).exp()]);
/// let net = Mlp::new([784, 400, 10]).prior(spike_and_slab);
/// # let _ = net;
/// ```
pub fn scale_mixture(pi: f64, sd: [f64; 2]) -> Mixture<'static, Normal<'static>> {
    let [wide, narrow] = sd.map(|sd| Normal::new(0.0, sd));
    Mixture::new([(pi, wide), (1.0 - pi, narrow)])
}

/// What a network says of its parameters: by a parameter's name, and of all of which nothing else
/// is said.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// Priors by name.
    pub(super) named: BTreeMap<String, Arc<dyn Prior>>,
    /// The prior of the others.
    pub(super) default: Option<Arc<dyn Prior>>,
    /// The names of those that are estimated as points.
    pub(super) points: BTreeSet<String>,
    /// Whether all are.
    pub(super) point: bool,
    /// The groups by which they differ.
    pub(super) groups: Option<Groups>,
}
