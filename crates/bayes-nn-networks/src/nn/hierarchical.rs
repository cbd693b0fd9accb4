//! Networks of which each group of rows has its own, around one that all share.

use std::fmt;
use std::sync::Arc;

use bayes_nn_autodiff::Var;
use bayes_nn_distributions::HalfNormal;
use bayes_nn_models::saved::{FileError, Place, Value};

use super::layer::Output;
use super::{Layer, Network, Parameters, Prior};

/// A network whose parameters differ by group, as much as the rows of the groups say: those of a group
/// are normal around shared ones, with a scale that is learned.
///
/// ```text
/// w_g = w + scale * deviation_g,   deviation ~ Normal(0, 1)
/// ```
///
/// (Neal 1996 has the scales, Gelman and Hill 2006, chapter 12, the pooling.) The shared `layer0.weight`
/// has the prior that the network says. For it there are `layer0.weight.group_scale`, one for each
/// parameter unless [`GroupScale`] says otherwise, and `layer0.weight.deviation`, `[outputs, inputs,
/// groups]`. Scales that stay near 0 tell which layers do not differ.
///
/// The group of each row is an input of the network more, the column of this name; its groups are the
/// dimension of the same name, as [`Data::groups`](bayes_nn_models::model::Data::groups) and tables make
/// it. Rows of a group that is new are predicted with deviations from their prior, and predictions say so.
///
/// Dense layers can differ by group. Others must be left out by [`Hierarchical::only`].
///
/// ```
/// use bayes_nn::nn::Hierarchical;
/// use bayes_nn::prelude::*;
/// // Two groups with slopes of one size, of which the second has few rows.
/// let x: Vec<f64> = (0..48).map(|i| f64::from(i % 12) / 6.0 - 1.0).collect();
/// let words: Vec<&str> = (0..48).map(|i| if i < 44 { "many" } else { "few" }).collect();
/// let y: Vec<f64> = x.iter().map(|x| 2.0 * x + 0.5).collect();
/// let data = Data::new().matrix("x", &x, 1)?.groups("shop", &words)?.column("y", &y)?;
///
/// let net = Hierarchical::over(Mlp::new([1, 1]), "shop");
/// let bnn = Bnn::new(net, Gaussian::new());
/// let names: Vec<String> = bnn.parameters(&data)?.into_iter().map(|p| p.name).collect();
/// assert_eq!(names[..2], ["layer0.weight", "layer0.weight.group_scale"]);
/// let fit = bnn.fit(&data, &Nuts::new().chains(2).seed(1))?;
/// let new = Data::new().matrix("x", &[0.5], 1)?.groups("shop", &["few"])?;
/// assert!((fit.predict(&new, 500)?.mean()[0] - 1.5).abs() < 0.2);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Hierarchical {
    network: Network,
}

/// How the parameters of groups hang together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooling {
    /// One network for all groups: which group a row is of does not count.
    Complete,
    /// Networks of their own around a shared one, by a scale that is learned.
    #[default]
    Partial,
    /// A network for each group, which learns from its own rows alone. There is none for a new group.
    None,
}

/// What has a scale of its own, by which groups differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupScale {
    /// A parameter of a layer: its weights have one, its biases another.
    #[default]
    Parameter,
    /// Each output of a layer.
    Unit,
    /// Each weight.
    Weight,
}

/// What a network says of groups.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    /// The input, and the dimension.
    pub(super) name: String,
    pub(super) pooling: Pooling,
    pub(super) centred: bool,
    pub(super) scale: GroupScale,
    pub(super) scale_prior: Arc<dyn Prior>,
    /// The layers or parameters that differ, by their names inside the network; all of an empty list.
    pub(super) only: Vec<String>,
}

impl Groups {
    pub(super) fn new(name: &str) -> Groups {
        Groups {
            name: name.to_owned(),
            pooling: Pooling::Partial,
            centred: false,
            scale: GroupScale::Parameter,
            scale_prior: Arc::new(HalfNormal::new(1.0)),
            only: Vec::new(),
        }
    }

    /// Whether a parameter differs by group, by its name inside the network.
    pub(super) fn has(&self, parameter: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| is_of(parameter, part))
    }
}

/// Whether a parameter is this one, or one of the layer of this name.
pub(super) fn is_of(parameter: &str, part: &str) -> bool {
    let rest = parameter.strip_prefix(part);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl Hierarchical {
    /// A network, and the name of the column of groups, which is an input of it more.
    pub fn over(network: impl Into<Network>, groups: &str) -> Hierarchical {
        let mut network = network.into().index_input(groups);
        network.said.groups = Some(Groups::new(groups));
        Hierarchical { network }
    }

    fn say(mut self, change: impl FnOnce(&mut Groups)) -> Hierarchical {
        if let Some(groups) = &mut self.network.said.groups {
            change(groups);
        }
        self
    }

    /// Partial pooling, or one of its two limits beside it.
    ///
    /// ```
    /// use bayes_nn::nn::{Hierarchical, Mlp, Pooling};
    /// // What is gained by knowing the groups, and what by sharing.
    /// let nets = [Pooling::Complete, Pooling::Partial, Pooling::None]
    ///     .map(|pooling| Hierarchical::over(Mlp::new([2, 5, 1]), "group").pooling(pooling));
    /// # let _ = nets;
    /// ```
    pub fn pooling(self, pooling: Pooling) -> Hierarchical {
        self.say(|groups| groups.pooling = pooling)
    }

    /// Declares the parameters of groups themselves, `w_g ~ Normal(w, scale)` as
    /// `layer0.weight.of_group`, instead of deviations in units of the scale. It is the same model in
    /// other coordinates, in which samplers do better where every group has many rows (Papaspiliopoulos et
    /// al. 2007, "A general framework for the parametrization of hierarchical models").
    pub fn centred(self) -> Hierarchical {
        self.say(|groups| groups.centred = true)
    }

    /// What has a scale of its own.
    pub fn scale(self, scale: GroupScale) -> Hierarchical {
        self.say(|groups| groups.scale = scale)
    }

    /// The prior of the scales; half-normal of scale 1 unless set. One on negative numbers, too, is refused
    /// where the network is used.
    pub fn scale_prior(self, prior: impl Prior + 'static) -> Hierarchical {
        self.say(|groups| groups.scale_prior = Arc::new(prior))
    }

    /// Lets these layers alone differ by group, by their names, or these parameters: all others are
    /// shared.
    ///
    /// ```
    /// use bayes_nn::nn::{Hierarchical, Mlp};
    /// // Features that all groups share, and what each makes of them.
    /// let net = Hierarchical::over(Mlp::new([8, 20, 1]), "county").only(["layer1"]);
    /// # let _ = net;
    /// ```
    pub fn only(self, layers: impl IntoIterator<Item = impl AsRef<str>>) -> Hierarchical {
        let layers = layers.into_iter().map(|layer| layer.as_ref().to_owned());
        self.say(|groups| groups.only = layers.collect())
    }
}

impl fmt::Debug for Hierarchical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = self.network.said.groups.as_ref();
        f.debug_struct("Hierarchical")
            .field("network", &self.network)
            .field("groups", &groups.map(|groups| &groups.name))
            .finish()
    }
}

impl From<Hierarchical> for Network {
    fn from(hierarchical: Hierarchical) -> Network {
        hierarchical.network
    }
}

impl Layer for Hierarchical {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        self.network.forward(p, inputs)
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        self.network.describe(place)
    }
}
