//! Parameters that differ by the group of a row.

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::{Distribution, Normal};
use bayes_nn_inference::SiteSupport;
use bayes_nn_models::model::{Begin, SiteOptions};

use super::{Parameters, Place};
use crate::nn::hierarchical::{GroupScale, Groups, Pooling, is_of};
use crate::nn::{LayerError, listed};

/// The groups of the rows of a run.
#[derive(Clone)]
pub(super) struct ByGroup<'t, 'g> {
    said: &'t Groups,
    /// What goes before the names of parameters inside the network that says so.
    network: String,
    /// The group of each row, `[rows]`.
    index: Var<'g>,
}

impl<'t, 'g> ByGroup<'t, 'g> {
    /// What groups say; nothing where all are one.
    pub(super) fn new(
        said: &'t Groups,
        network: String,
        index: Var<'g>,
    ) -> Option<ByGroup<'t, 'g>> {
        let differ = said.pooling != Pooling::Complete;
        differ.then_some(ByGroup {
            said,
            network,
            index,
        })
    }
}

/// The standard deviation of a guide of deviations at the start.
const SMALL: f64 = 0.01;

impl<'t, 'g> Parameters<'t, 'g> {
    /// The groups by which a parameter of this layer differs, by its whole name.
    pub(super) fn groups_of(&self, parameter: &str) -> Option<&ByGroup<'t, 'g>> {
        let groups = self.groups.as_ref()?;
        let inside = parameter.strip_prefix(&groups.network)?;
        groups.said.has(inside).then_some(groups)
    }

    /// The same without groups.
    fn shared(&self) -> Parameters<'_, 'g> {
        let mut shared = self.inside(Place::Same);
        shared.groups = None;
        shared
    }

    /// `weight^T x` of a weight `[inputs, outputs]` and `x [inputs, rows]`, with what groups add to the
    /// weight.
    pub(in crate::nn) fn weighted(
        &self,
        name: &str,
        outputs: usize,
        x: Var<'g>,
    ) -> Result<Var<'g>, LayerError> {
        let inputs = x.shape()[0];
        let shape = [inputs, outputs];
        let own = self.shared();
        let pooled = || {
            let weight = own.get(name, shape, inputs)?;
            Ok(self.times(weight, x, |weight, x| weight.t().matmul(x)))
        };
        let Some(groups) = self.groups_of(&self.frame.parameter(name)) else {
            return pooled();
        };
        let by_group =
            |weight: Var<'g>, x: Var<'g>| matrices(weight).matmul_by_group(x, groups.index);
        let scales = match groups.said.scale {
            GroupScale::Parameter => Shape::SCALAR,
            GroupScale::Unit => Shape::from([outputs, 1]),
            GroupScale::Weight => Shape::from([outputs, inputs, 1]),
        };
        if groups.said.pooling == Pooling::None {
            let count = self.group_count(groups)?;
            let weight = own.get(name, [outputs, inputs, count], inputs)?;
            return Ok(self.times(weight, x, by_group));
        }
        if groups.said.centred {
            // Weights that begin at 0 would leave all units alike.
            let he = (2.0 / inputs as f64).sqrt();
            let mean = own
                .get(name, shape, inputs)?
                .t()
                .reshape([outputs, inputs, 1]);
            let scale = self.group_scale(groups, name, scales, inputs)?;
            let scale = match groups.said.scale {
                GroupScale::Unit => scale.reshape([outputs, 1, 1]),
                _ => scale,
            };
            let weight = self.of_group(
                groups,
                (&format!("{name}.of_group"), he),
                Normal::new(mean, scale),
            );
            return Ok(self.times(weight, x, by_group));
        }
        let product = pooled()?;
        let scale = self.group_scale(groups, name, scales, inputs)?;
        let standard = Normal::new(0.0, 1.0).expand([outputs, inputs, 1]);
        let deviation = self.of_group(groups, (&format!("{name}.deviation"), 0.0), standard);
        let added = match groups.said.scale {
            // No product of what a guide draws itself.
            GroupScale::Weight => by_group(scale * deviation, x),
            _ => scale * self.times(deviation, x, by_group),
        };
        Ok(product + added)
    }

    /// A bias, `[outputs, 1]`, or that of the group of each row, `[outputs, rows]`.
    pub(in crate::nn) fn bias(&self, name: &str, outputs: usize) -> Result<Var<'g>, LayerError> {
        let own = self.shared();
        let pooled = || Ok(own.get(name, outputs, 1)?.reshape([outputs, 1]));
        let Some(groups) = self.groups_of(&self.frame.parameter(name)) else {
            return pooled();
        };
        let of_rows = |bias: Var<'g>| bias.gather(groups.index, 1);
        let scales = match groups.said.scale {
            GroupScale::Parameter => Shape::SCALAR,
            GroupScale::Unit | GroupScale::Weight => Shape::from([outputs, 1]),
        };
        if groups.said.pooling == Pooling::None {
            let count = self.group_count(groups)?;
            return Ok(of_rows(own.get(name, [outputs, count], 1)?));
        }
        let mean = pooled()?;
        let scale = self.group_scale(groups, name, scales, 1)?;
        Ok(match groups.said.centred {
            true => of_rows(self.of_group(
                groups,
                (&format!("{name}.of_group"), 0.0),
                Normal::new(mean, scale),
            )),
            false => {
                let standard = Normal::new(0.0, 1.0).expand([outputs, 1]);
                let deviation =
                    self.of_group(groups, (&format!("{name}.deviation"), 0.0), standard);
                mean + of_rows(scale * deviation)
            }
        })
    }

    fn group_scale(
        &self,
        groups: &ByGroup<'_, 'g>,
        name: &str,
        shape: Shape,
        fan_in: usize,
    ) -> Result<Var<'g>, LayerError> {
        let name = format!("{name}.group_scale");
        let prior = &*groups.said.scale_prior;
        let scale = self.shared().declare(&name, shape, fan_in, Some(prior))?;
        match self.support(scale).filter(SiteSupport::has_negative) {
            None => Ok(scale),
            Some(support) => Err(LayerError::GroupScale {
                parameter: self.frame.parameter(&name),
                support: Box::new(support),
            }),
        }
    }

    /// A variable over the groups, which are its last axis. A fit begins in it at normal values of this
    /// spread.
    fn of_group(
        &self,
        groups: &ByGroup<'_, 'g>,
        (name, spread): (&str, f64),
        distribution: impl Distribution<'g> + 'g,
    ) -> Var<'g> {
        let name = self.frame.parameter(name);
        let begin = Begin {
            mean: 0.0,
            spread,
            sd: SMALL,
        };
        let options = SiteOptions {
            begin: Some(begin),
            point: self.frame.is_point(&name),
        };
        self.run.trace.options(&name, options);
        let over = distribution.over(groups.said.name.as_str());
        self.run.trace.sample(&name, over)
    }

    fn group_count(&self, groups: &ByGroup<'_, 'g>) -> Result<usize, LayerError> {
        let name = groups.said.name.as_str();
        let count = self.run.trace.dimension(name).map(|groups| groups.len());
        count.ok_or_else(|| LayerError::NoGroups {
            groups: name.to_owned(),
        })
    }

    /// Refuses a layer that is said to differ by group, and is none of this network.
    pub(in crate::nn) fn check_groups(&self, said: &Groups) -> Result<(), LayerError> {
        let declared = self.declared();
        let inside = declared.iter().filter_map(|p| self.frame.within(&p.name));
        let names: Vec<&str> = inside.collect();
        let is_known = |part: &&String| names.iter().any(|name| is_of(name, part));
        match said.only.iter().find(|part| !is_known(part)) {
            None => Ok(()),
            Some(part) => Err(LayerError::UnknownParameter {
                key: part.clone(),
                wanted: "let differ by group",
                available: listed(&names),
            }),
        }
    }
}

/// A matrix for each group, `[groups, outputs, inputs]`, of weights `[outputs, inputs, groups]`.
fn matrices(weight: Var<'_>) -> Var<'_> {
    let [outputs, inputs, groups] = weight.shape()[..] else {
        return weight;
    };
    let groups_first = weight.reshape([outputs * inputs, groups]).t();
    groups_first.reshape([groups, outputs, inputs])
}
