//! The declaration of a parameter: its prior, where fits begin in it, whether it is a point.

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_models::model::SiteOptions;

use super::Parameters;
use crate::nn::prior::{Said, unless_set};
use crate::nn::{LayerError, ParameterInfo, Prior, listed};

impl<'g> Parameters<'_, 'g> {
    /// The parameter `name` of this layer, which has a prior of its `own` in some layers.
    pub(super) fn declare(
        &self,
        name: &str,
        shape: Shape,
        fan_in: usize,
        own: Option<&dyn Prior>,
    ) -> Result<Var<'g>, LayerError> {
        let name = self.frame.parameter(name);
        let declared = self.run.declared.borrow();
        if let Some((known, value)) = declared.iter().find(|(known, _)| known.name == name) {
            return match known.shape == shape {
                true => Ok(*value),
                false => Err(LayerError::ParameterShape {
                    parameter: name,
                    first: Box::new(known.shape),
                    second: Box::new(shape),
                }),
            };
        }
        drop(declared);
        if self.groups_of(&name).is_some() {
            return Err(LayerError::NotByGroup {
                layer: self.shown(),
                parameter: name,
            });
        }
        if shape.elements() == 0 {
            return Err(LayerError::EmptyParameter {
                parameter: name,
                shape: Box::new(shape),
            });
        }
        let info = ParameterInfo {
            shape,
            fan_in,
            fan_out: shape.elements() / fan_in.max(1),
            point: self.frame.is_point(&name),
            name,
        };
        let named = self.frame.named_prior(&info.name);
        let prior = named.or_else(|| self.frame.prior(own));
        let options = SiteOptions {
            // A prior that a layer chose says where the parameter is to be.
            begin: info.begin().filter(|_| own.is_none()),
            point: info.point,
        };
        let trace = self.run.trace;
        trace.options(&info.name, options);
        let value = prior
            .unwrap_or_else(|| unless_set(&info))
            .declare(trace, &info);
        let left = trace.options(&info.name, SiteOptions::default());
        if value.shape() != shape {
            return Err(LayerError::PriorShape {
                parameter: info.name,
                found: Box::new(value.shape()),
                expected: Box::new(shape),
            });
        }
        // The prior declared the parameter by other variables.
        if left.is_some() && info.point {
            return Err(LayerError::PointOfOthers {
                parameter: info.name,
            });
        }
        trace.weight(&info.name, value);
        self.run.declared.borrow_mut().push((info, value));
        Ok(value)
    }

    /// Refuses what a network says of parameters that none of its layers has asked for.
    pub(in crate::nn) fn check_said(&self, said: &Said) -> Result<(), LayerError> {
        let mut keys = said.named.keys().chain(&said.points).peekable();
        if keys.peek().is_none() {
            return Ok(());
        }
        let declared = self.declared();
        let inside = declared.iter().filter_map(|p| self.frame.within(&p.name));
        let names: Vec<&str> = inside.collect();
        match keys.find(|key| !names.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(LayerError::UnknownParameter {
                key: key.clone(),
                wanted: match said.named.contains_key(key) {
                    true => "give a prior to",
                    false => "estimate as a point",
                },
                available: listed(&names),
            }),
        }
    }
}
