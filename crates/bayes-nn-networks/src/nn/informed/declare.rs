//! The declaration of variables whose prior is an earlier posterior.

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::{Distribution, LogNormal, Normal};
use bayes_nn_inference::SiteSupport;
use bayes_nn_models::model::Trace;
use bayes_nn_models::saved::{FileError, Place, Value};

use super::{InformedPrior, Variable, Widening};
use crate::nn::{InformedError, ParameterInfo, Prior};

/// The standard deviation of the logarithm of what is added to a widening that is learned, under its prior.
const LOG_WIDENING: f64 = 1.0;
/// That of its guide at the start.
const LOG_WIDENING_START: f64 = 0.1;

impl InformedPrior {
    /// Declares a variable of a model as a function, under its name in the earlier fit.
    ///
    /// ```
    /// use bayes_nn::nn::{IntoPrior, Widening};
    /// use bayes_nn::prelude::*;
    /// let data = |y: &[f64]| Data::new().column("y", y);
    /// let first = model::from_fn(|trace, data| {
    ///     let level = trace.sample("level", Normal::new(0.0, 10.0));
    ///     let noise = trace.sample("noise", HalfNormal::new(1.0));
    ///     trace.observe("y", Normal::new(level, noise), data.column("y"));
    /// });
    /// let fit = model::fit(&first, data(&[1.1, 0.7, 1.3, 0.9])?, &Advi::full_rank())?;
    ///
    /// let prior = fit.into_prior(Widening::By(1.0))?;
    /// let next = model::from_fn(move |trace, data| {
    ///     let (level, noise) = (prior.sample(trace, "level"), prior.sample(trace, "noise"));
    ///     trace.observe("y", Normal::new(level, noise), data.column("y"));
    /// });
    /// let both = model::fit(&next, data(&[1.2, 0.8])?, &Advi::full_rank())?;
    /// let at_once = data(&[1.1, 0.7, 1.3, 0.9, 1.2, 0.8])?;
    /// let at_once = model::fit(&first, at_once, &Advi::full_rank())?;
    /// let level = |fit: model::Draws| fit.variable("level").unwrap().mean()[0];
    /// assert!((level(both.draws(4_000, 0)?) - level(at_once.draws(4_000, 0)?)).abs() < 0.03);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// What does not fit is an error of the model ([`InformedError`]).
    pub fn sample<'g>(&self, trace: &Trace<'g>, name: &str) -> Var<'g> {
        match self.variables.iter().find(|own| own.name == name) {
            Some(own) => self.declare_own(trace, own),
            None => trace.refuse(self.unknown(name), Shape::SCALAR),
        }
    }

    fn declare_own<'g>(&self, trace: &Trace<'g>, own: &Variable) -> Var<'g> {
        if let Some(error) = own.problem() {
            return trace.refuse(error, own.shape);
        }
        let graph = trace.graph();
        let number = |values: &[f64]| match own.shape.rank() {
            0 => Var::from(values[0]),
            _ => graph.constant(values, own.shape),
        };
        let (widening, factor) = match self.widening {
            Widening::By(factor) => (None, factor),
            Widening::Learned => {
                let name = format!("{}.widening", own.name);
                trace.begin_at(&name, [0.0], Some([LOG_WIDENING_START]));
                let widening = trace.sample(&name, LogNormal::new(0.0, LOG_WIDENING));
                (Some(1.0 + widening), 1.0)
            }
        };
        let widened = |value: Var<'g>| match widening {
            Some(widening) => value * widening,
            None => value,
        };
        let scaled = |values: &[f64]| values.iter().map(|v| factor * v).collect::<Vec<_>>();
        let scale = widened(number(&scaled(&own.own)));
        let mut mean = number(&own.mean);
        if self.rank > 0 {
            let directions =
                graph.constant(&scaled(&own.factor), [own.shape.elements(), self.rank]);
            let along = directions.matmul(self.directions(trace));
            mean = mean + widened(along.reshape(own.shape));
        }
        let sd = (!own.is_point).then(|| own.sd(self.rank));
        trace.begin_at(&own.name, own.mean.clone(), sd);
        match own.support {
            SiteSupport::Positive => {
                let log_normal = LogNormal::new(mean, scale).expand(own.shape);
                trace.sample(&own.name, log_normal)
            }
            _ => trace.sample(&own.name, Normal::new(mean, scale).expand(own.shape)),
        }
    }

    /// What all variables share, `[R]`.
    fn directions<'g>(&self, trace: &Trace<'g>) -> Var<'g> {
        let name = format!("directions.{:08x}", self.source);
        trace.declared(&name).unwrap_or_else(|| {
            trace.begin_at(&name, vec![0.0; self.rank], Some(vec![1.0; self.rank]));
            trace.sample(&name, Normal::new(0.0, 1.0).expand([self.rank]))
        })
    }
}

impl Variable {
    /// Why it cannot be declared.
    fn problem(&self) -> Option<InformedError> {
        let site = self.name.clone();
        match &self.support {
            _ if self.is_named => Some(InformedError::Named { site }),
            SiteSupport::Real | SiteSupport::Positive => None,
            support => {
                let support = Box::new(support.clone());
                Some(InformedError::Support { site, support })
            }
        }
    }
}

impl Prior for InformedPrior {
    fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
        let known = self.variables.iter();
        let Some(own) = known.clone().find(|own| own.name == parameter.name) else {
            return match &self.otherwise {
                Some(prior) => prior.declare(trace, parameter),
                None => trace.refuse(self.unknown(&parameter.name), parameter.shape),
            };
        };
        match own.shape == parameter.shape {
            true => self.declare_own(trace, own),
            false => {
                let error = InformedError::Shape {
                    site: own.name.clone(),
                    found: Box::new(own.shape),
                    expected: Box::new(parameter.shape),
                };
                trace.refuse(error, parameter.shape)
            }
        }
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        self.described(place)
    }
}
