//! Posteriors of earlier fits as priors.

mod declare;

use std::fmt;
use std::sync::Arc;

use bayes_nn_autodiff::Shape;
use bayes_nn_inference::{Moments, SiteSupport};
use bayes_nn_models::Error;
use bayes_nn_models::model::DrawSource;

use super::error::InformedError;
use super::hierarchical::is_of;
use super::{Prior, listed};

/// By how much a prior is wider than the posterior that it comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Widening {
    /// Standard deviations of the prior are those of the posterior times this number, above 0: with 1 what
    /// was learned counts in full, as if its rows were among the new ones; with more it counts for less.
    By(f64),
    /// Standard deviations of the prior are those of the posterior times `1 + w`, with a variable `w` for each
    /// parameter, `layer0.weight.widening`, `LogNormal(0, 1)`: the more a new task wants other weights in a layer, the
    /// wider the prior gets there, as far as the method sees it. It cannot get narrower than the posterior: guides of
    /// independent normals of many weights would make it so, as prior and guide that are narrower together cost
    /// nothing and take noise away. A number, chosen on held-out rows, can still be better. A fit that looks for a
    /// mode ([`Advi::map`](bayes_nn_inference::Advi::map)) cannot learn it, as the density has no highest point.
    Learned,
}

/// Posteriors as priors.
pub trait IntoPrior {
    /// The posterior as a prior, for any network or model that has variables of the same names and shapes,
    /// or some of them: as the normal that a guide is, with its correlations, or that draws of chains have
    /// ([`Moments`]). Of a point, as [`Advi::map`](bayes_nn_inference::Advi::map) finds one or as trained
    /// weights are ([`Approximation::point`](bayes_nn_inference::Approximation::point)), standard
    /// deviations are 1 before they are widened; together with
    /// [`Advi::warm_start`](bayes_nn_inference::Advi::warm_start) this is MOPED (Krishnan, Subedar and Tickoo
    /// 2020, "Specifying weight priors in Bayesian deep neural networks with empirical Bayes").
    ///
    /// A fit, a posterior, a guide or a table of draws can be one.
    ///
    /// ```
    /// use bayes_nn::nn::Widening;
    /// use bayes_nn::prelude::*;
    /// // What many rows say of a line, for another one of which there are three.
    /// let x: Vec<f64> = (0..200).map(|i| f64::from(i) / 100.0 - 1.0).collect();
    /// let y: Vec<f64> = x.iter().map(|x| 2.0 * x + 1.0).collect();
    /// let net = || Mlp::new([1, 1]);
    /// let source = Bnn::new(net(), Gaussian::new());
    /// let source = source.fit(Data::new().matrix("x", &x, 1)?.column("y", &y)?, &Advi::mean_field())?;
    ///
    /// let prior = source.into_prior(Widening::By(2.0))?;
    /// let few = Data::new().matrix("x", &[0.0, 0.1, -0.1], 1)?.column("y", &[1.1, 1.3, 0.9])?;
    /// let target = Bnn::new(net().prior(prior), Gaussian::new());
    /// let fit = target.fit(&few, &Advi::mean_field())?;
    /// // The slope is that of the other line.
    /// let at_1 = fit.predict(&[1.0], 500)?.mean()[0];
    /// assert!((at_1 - 3.1).abs() < 0.3, "{at_1}");
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// A widening that is not a finite number above 0; no draws; a covariance that is singular up to
    /// rounding.
    fn into_prior(self, widening: Widening) -> Result<InformedPrior, Error>;
}

impl<S: Into<DrawSource>> IntoPrior for S {
    fn into_prior(self, widening: Widening) -> Result<InformedPrior, Error> {
        InformedPrior::new(&self.into(), widening)
    }
}

/// A prior that is the posterior of an earlier fit, made by [`IntoPrior::into_prior`]: of a network
/// ([`Mlp::prior`](super::Mlp::prior)), of some of its parameters (`prior_for`), of a
/// head ([`Gaussian::noise_prior`](super::Gaussian::noise_prior)) or of a model as a function
/// ([`InformedPrior::sample`]).
///
/// ```text
/// z_i = mean_i + widening (own_i e_i + F_i u),   e_i ~ Normal(0, 1),   u ~ Normal(0, 1)
/// ```
///
/// in unconstrained space, where positive numbers are logarithms. Correlations, inside of a parameter and
/// between them, come by directions `u` that all parameters share, a variable more of the model
/// (`directions.` and a number of the source): exact for every method, and the weights keep their names, so
/// that their posterior can be the next prior. A mean-field guide is for priors without directions.
///
/// Fits begin at the posterior's means and standard deviations ([`Trace::begin_at`](bayes_nn_models::model::Trace::begin_at)).
///
/// What does not fit is refused by name where the prior is used: another shape; a support that is neither
/// all numbers nor the positive ones; a parameter that the earlier fit did not have, unless
/// [`InformedPrior::otherwise`] says what its prior is.
///
/// ```
/// use bayes_nn::nn::{IntoPrior, Widening, prior};
/// use bayes_nn::prelude::*;
/// let data = datasets::moons(100, 0.2, 0)?;
/// let source = Bnn::new(Mlp::new([2, 5, 1]), Bernoulli).fit(&data, &Advi::mean_field().steps(50))?;
///
/// // The features of one task, with a new head and any correlations, for one with three classes.
/// let features = source.into_prior(Widening::Learned)?.only(["layer0"])?;
/// let net = Mlp::new([2, 5, 3]).prior(features.otherwise(prior::learned_scale()));
/// let names: Vec<String> = Bnn::new(net, Categorical)
///     .parameters(&data)?
///     .into_iter()
///     .map(|parameter| parameter.name)
///     .collect();
/// assert_eq!(names, ["layer0.weight", "layer0.bias", "layer1.weight", "layer1.bias"]);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct InformedPrior {
    pub(in crate::nn) variables: Vec<Variable>,
    /// How many directions the source has.
    pub(in crate::nn) rank: usize,
    /// A number that other sources do not have: their directions are others.
    pub(in crate::nn) source: u32,
    pub(in crate::nn) widening: Widening,
    pub(in crate::nn) otherwise: Option<Arc<dyn Prior>>,
}

/// What the posterior says of a variable, in unconstrained space.
#[derive(Clone, Debug)]
pub(in crate::nn) struct Variable {
    pub(in crate::nn) name: String,
    pub(in crate::nn) shape: Shape,
    pub(in crate::nn) support: SiteSupport,
    /// Whether its axes are called something.
    pub(in crate::nn) is_named: bool,
    pub(in crate::nn) mean: Arc<[f64]>,
    pub(in crate::nn) own: Arc<[f64]>,
    /// Row-major, a row for each element; empty without directions.
    pub(in crate::nn) factor: Arc<[f64]>,
    /// Whether the source had no spread, so that the prior's says nothing of it.
    pub(in crate::nn) is_point: bool,
}

impl InformedPrior {
    fn new(source: &DrawSource, widening: Widening) -> Result<InformedPrior, Error> {
        if let Widening::By(factor) = widening
            && !(factor > 0.0 && factor.is_finite())
        {
            return Err(InformedError::Widening { factor }.into());
        }
        let moments = source.moments()?;
        let rank = moments.rank;
        let variables = source.sites().iter().map(|site| {
            let range = site.range();
            let own = &moments.own[range.clone()];
            let factor = &moments.factor[rank * range.start..rank * range.end];
            Variable {
                name: site.name.clone(),
                shape: site.shape,
                support: site.support.clone().unwrap_or(SiteSupport::Real),
                is_named: site.axes.iter().any(Option::is_some),
                mean: moments.mean[range].into(),
                own: spread(own),
                factor: factor.into(),
                is_point: own.iter().all(|own| *own == 0.0),
            }
        });
        Ok(InformedPrior {
            variables: variables.collect(),
            rank,
            source: fingerprint(&moments),
            widening,
            otherwise: None,
        })
    }

    /// The names of its variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|variable| variable.name.as_str())
    }

    /// The same of these variables alone, or of the layers of these names.
    ///
    /// ```
    /// use bayes_nn::nn::{IntoPrior, Widening};
    /// use bayes_nn::{Approximation, Site};
    /// let sites = vec![Site::new("layer0.weight", [2], 0), Site::new("layer1.weight", [1], 2)];
    /// let prior = Approximation::point(sites, vec![0.3, -1.0, 0.7])?.into_prior(Widening::By(1.0))?;
    /// assert_eq!(prior.only(["layer1"])?.names().collect::<Vec<_>>(), ["layer1.weight"]);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// A name of which there is nothing.
    pub fn only(
        mut self,
        parts: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<InformedPrior, Error> {
        let parts: Vec<String> = parts.into_iter().map(|p| p.as_ref().to_owned()).collect();
        for part in &parts {
            self.check_part(part)?;
        }
        let is_kept = |own: &Variable| parts.iter().any(|part| is_of(&own.name, part));
        self.variables.retain(is_kept);
        Ok(self)
    }

    /// The same, where a variable, or the layer of this name, is called otherwise: for a network that has
    /// the layer at another place.
    ///
    /// ```
    /// use bayes_nn::nn::{IntoPrior, Widening};
    /// use bayes_nn::{Approximation, Site};
    /// let sites = vec![Site::new("layer0.weight", [2], 0)];
    /// let prior = Approximation::point(sites, vec![0.3, -1.0])?.into_prior(Widening::By(1.0))?;
    /// let names = prior.renamed("layer0", "encoder.layer0")?;
    /// assert_eq!(names.names().collect::<Vec<_>>(), ["encoder.layer0.weight"]);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// A name of which there is nothing; a new name that another variable has.
    pub fn renamed(mut self, part: &str, name: &str) -> Result<InformedPrior, Error> {
        self.check_part(part)?;
        for own in &mut self.variables {
            if is_of(&own.name, part) {
                own.name = format!("{name}{}", &own.name[part.len()..]);
            }
        }
        let mut names: Vec<&str> = self.names().collect();
        names.sort_unstable();
        let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
        match twice {
            None => Ok(self),
            Some(pair) => {
                let name = pair[0].to_owned();
                Err(InformedError::NameTwice { name }.into())
            }
        }
    }

    /// The prior of parameters that the earlier fit did not have, of which it then says nothing, as of the
    /// last layer for other classes. Without it they are refused.
    pub fn otherwise(self, prior: impl Prior + 'static) -> InformedPrior {
        InformedPrior {
            otherwise: Some(Arc::new(prior)),
            ..self
        }
    }

    /// The same without correlations: independent normals of the same standard deviations.
    pub fn independent(mut self) -> InformedPrior {
        for own in &mut self.variables {
            (own.own, own.factor) = (own.sd(self.rank).into(), [].into());
        }
        InformedPrior { rank: 0, ..self }
    }

    fn check_part(&self, part: &str) -> Result<(), InformedError> {
        match self.names().any(|name| is_of(name, part)) {
            true => Ok(()),
            false => Err(self.unknown(part)),
        }
    }

    fn unknown(&self, name: &str) -> InformedError {
        InformedError::Unknown {
            name: name.to_owned(),
            available: listed(&self.names().collect::<Vec<_>>()),
        }
    }
}

impl Variable {
    /// The standard deviations of its elements.
    fn sd(&self, rank: usize) -> Vec<f64> {
        let along = |element: usize| match self.factor.is_empty() {
            true => 0.0,
            false => self.factor[rank * element..][..rank]
                .iter()
                .map(|f| f * f)
                .sum(),
        };
        let own = self.own.iter().enumerate();
        own.map(|(element, own)| (own * own + along(element)).sqrt())
            .collect()
    }
}

/// The standard deviations of the elements of a variable: 1 in all of a point, and in elements that were
/// removed the root mean square of the others.
fn spread(own: &[f64]) -> Arc<[f64]> {
    let positive: Vec<f64> = own.iter().copied().filter(|own| *own > 0.0).collect();
    let squares: f64 = positive.iter().map(|own| own * own).sum();
    let unless_there = match positive.is_empty() {
        true => 1.0,
        false => (squares / positive.len() as f64).sqrt(),
    };
    let own = own.iter().map(|own| match *own > 0.0 {
        true => *own,
        false => unless_there,
    });
    own.collect()
}

/// A number by the bits of what there is of a source (FNV-1a).
fn fingerprint(moments: &Moments) -> u32 {
    let numbers = moments
        .mean
        .iter()
        .chain(&moments.own)
        .chain(&moments.factor);
    numbers
        .flat_map(|number| number.to_bits().to_le_bytes())
        .fold(0x811c_9dc5, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
}

impl fmt::Debug for InformedPrior {
    /// Names and the widening alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InformedPrior")
            .field("of", &self.names().collect::<Vec<_>>())
            .field("widening", &self.widening)
            .field("otherwise", &self.otherwise)
            .finish_non_exhaustive()
    }
}
