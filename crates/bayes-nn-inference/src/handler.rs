//! Handlers: what a model's `sample` and `observe`, and a layer's use of its weights, do.

use std::cell::Cell;

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::{Bijector, Distribution};

use crate::{Dimension, Site, SiteSupport};

/// What a handler reports; whoever runs the model gets it back unchanged. [`SiteError`] is what
/// the handlers of this crate report.
pub type HandlerError = Box<dyn std::error::Error + Send + Sync>;

/// A random variable as a model declares it.
#[derive(Debug)]
pub struct Declared<'a, 'g> {
    /// The name, with the scopes around it.
    pub name: &'a str,
    /// The shape of the value.
    pub shape: Shape,
    /// Its distribution, given what was declared before.
    pub distribution: &'a dyn Distribution<'g>,
    /// The map from unconstrained numbers onto the support of a variable that is sampled; none
    /// for one that is observed.
    pub bijector: Option<&'a Bijector<'g>>,
    /// The rows of the data that the value stands for, if not for all: those that are missing of
    /// a variable that is sampled for them, those that are known of one that is observed.
    pub rows: Option<&'a [usize]>,
    /// The shape of the whole that the distribution describes: that of the value, unless the
    /// value stands for some of the rows.
    pub whole: Shape,
}

/// The value of a random variable, with what it adds to the objective.
#[derive(Clone, Copy, Debug)]
pub struct Sampled<'g> {
    /// The value, in the shape that was declared.
    pub value: Var<'g>,
    /// Its log density, a scalar, or the expectation of that under a guide. Of missing rows 0:
    /// their density is a part of that of the whole column.
    pub log_prob: Var<'g>,
    /// The logarithm of the Jacobian of the map from the unconstrained space, a scalar.
    pub log_jacobian: Var<'g>,
}

/// Decides what the declarations of a model mean.
///
/// A model runs against one handler. [`Point`] takes the values of sites from a vector, which is
/// the log density at that vector; a guide does so for its own draw. Others draw from the prior,
/// or only note what there is.
pub trait Handler<'g> {
    /// The unconstrained numbers of a site.
    ///
    /// # Errors
    /// A site that the handler does not know, or knows in another shape.
    fn unconstrained(&self, name: &str, shape: Shape) -> Result<Var<'g>, HandlerError>;

    /// The value of a random variable: unless implemented otherwise [`Handler::unconstrained`]
    /// mapped by its bijector.
    ///
    /// # Errors
    /// As [`Handler::unconstrained`], and [`SiteError::Discrete`] where there is no bijector.
    fn sample(&self, site: &Declared<'_, 'g>) -> Result<Sampled<'g>, HandlerError> {
        from_unconstrained(self, site)
    }

    /// The value that replaces an observed one, where observations are simulated: of the whole
    /// shape, without missing rows.
    ///
    /// # Errors
    /// Data that the handler refuses.
    fn observe(
        &self,
        observed: &Declared<'_, 'g>,
        seen: Var<'g>,
    ) -> Result<Option<Var<'g>>, HandlerError> {
        let _ = (observed, seen);
        Ok(None)
    }

    /// A weight applied to its input: `map(weight, x)`, where `map` is linear in each. A guide may
    /// answer with a draw of the product, where others multiply by a draw of the weight.
    fn times(
        &self,
        weight: Var<'g>,
        x: Var<'g>,
        map: &dyn Fn(Var<'g>, Var<'g>) -> Var<'g>,
    ) -> Var<'g> {
        map(weight, x)
    }

    /// A weight times what scales it, element by element, of a shape that broadcasts to the weight's. A
    /// guide that draws products of weights draws those of the scaled weight by the same formula.
    fn scale_weight(&self, weight: Var<'g>, scale: Var<'g>) -> Var<'g> {
        scale * weight
    }
}

/// The value of a random variable made of the [unconstrained numbers](Handler::unconstrained) that
/// the handler gives, sent through the bijector of its support: what [`Handler::sample`] does.
///
/// # Errors
/// As [`Handler::sample`].
pub fn from_unconstrained<'g>(
    handler: &(impl Handler<'g> + ?Sized),
    site: &Declared<'_, 'g>,
) -> Result<Sampled<'g>, HandlerError> {
    let bijector = site.bijector.ok_or_else(|| SiteError::Discrete {
        site: site.name.to_owned(),
        distribution: site.distribution.name(),
    })?;
    // A vector on a simplex, say, has one unconstrained element less.
    let z = handler.unconstrained(site.name, bijector.unconstrained_shape(site.shape))?;
    let log_jacobian = match bijector.log_det_jacobian(z) {
        // One number stands for every element.
        number if number.number().is_some() && bijector.is_element_wise() => {
            number * site.shape.elements() as f64
        }
        elements => elements.sum(),
    };
    let value = bijector.forward(z);
    let log_prob = match site.rows {
        Some(_) => Var::from(0.0),
        None => site.distribution.log_prob(value).sum(),
    };
    Ok(Sampled {
        value,
        log_prob,
        log_jacobian,
    })
}

/// A site that does not fit the ones that are known.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SiteError {
    /// A discrete distribution of a variable that is to be fitted.
    #[error(
        "`{site}` has the discrete prior {distribution}, which has no gradient; sum it out of the model, or observe it"
    )]
    Discrete {
        /// The site.
        site: String,
        /// The name of its distribution.
        distribution: &'static str,
    },
    /// A site that the vector has no part for.
    #[error(
        "`{site}` is declared now, but was not when the model was looked at first, with {available}; a model must declare the same variables at every run"
    )]
    Unknown {
        /// The site.
        site: String,
        /// Those that there are.
        available: String,
    },
    /// A part of the vector that no site asks for.
    #[error(
        "`{site}` is not declared now, but was when the model was looked at first; a model must declare the same variables at every run"
    )]
    Missing {
        /// The site.
        site: String,
    },
    /// A site in another shape than its part of the vector.
    #[error(
        "`{site}` has the shape {shape}, the model was fitted with {fitted}; the shape of a variable must not depend on the number of rows"
    )]
    Shape {
        /// The site.
        site: String,
        /// The shape that is wanted.
        shape: Box<Shape>,
        /// The shape of its part of the vector.
        fitted: Box<Shape>,
    },
    /// A site whose prior has another support than that of which the numbers in the vector are.
    #[error(
        "`{site}` has a prior on {support}, the model was fitted with one on {fitted}: draws of the fit are other values there; a model must declare a variable with the same support at every run"
    )]
    Support {
        /// The site.
        site: String,
        /// The support that it has.
        support: Box<SiteSupport>,
        /// The support that it had.
        fitted: Box<SiteSupport>,
    },
    /// A site whose axes have other names than the values in the vector.
    #[error(
        "`{site}` is over {found}, and the values of the fit are over {fitted}: places would be taken for others; give the data the same names in the same order"
    )]
    Axes {
        /// The site.
        site: String,
        /// The names that its axes have.
        found: String,
        /// Those that they had.
        fitted: String,
    },
}

impl SiteError {
    /// That the axes of a site have other names than in the fit, as far as both are known.
    pub fn axes(site: &str, own: &[Option<Dimension>], fitted: &[Site]) -> Option<SiteError> {
        let fitted = fitted.iter().find(|fitted| fitted.name == site)?;
        if own.is_empty() || fitted.axes.is_empty() || own == fitted.axes {
            return None;
        }
        let mut pairs = own.iter().zip(&fitted.axes);
        let (own, fitted) = match pairs.find(|(own, fitted)| own != fitted) {
            Some((own, fitted)) => differing(own.as_ref(), fitted.as_ref()),
            None => (own.len().to_string(), fitted.axes.len().to_string()),
        };
        Some(SiteError::Axes {
            site: site.to_owned(),
            found: own,
            fitted,
        })
    }

    /// That a site has another support than in the fit, as far as both are known.
    pub fn support(site: &str, own: Option<&SiteSupport>, fitted: &[Site]) -> Option<SiteError> {
        let fitted = fitted.iter().find(|fitted| fitted.name == site)?;
        let (own, fitted) = (own?, fitted.support.as_ref()?);
        (!own.agrees(fitted)).then(|| SiteError::Support {
            site: site.to_owned(),
            support: Box::new(own.clone()),
            fitted: Box::new(fitted.clone()),
        })
    }
}

/// Two dimensions in words, by what is different first.
fn differing(own: Option<&Dimension>, other: Option<&Dimension>) -> (String, String) {
    let (Some(a), Some(b)) = (own, other) else {
        let name =
            |axis: Option<&Dimension>| axis.map_or("no names".to_owned(), Dimension::to_string);
        return (name(own), name(other));
    };
    let place =
        (0..a.len().max(b.len())).find(|&place| a.names().get(place) != b.names().get(place));
    let shown =
        |axis: &Dimension| match place.and_then(|place| Some((place, axis.names().get(place)?))) {
            Some((place, name)) => format!("{axis}, place {place} is `{name}`"),
            None => axis.to_string(),
        };
    (shown(a), shown(b))
}

/// The model at a point: every site is its part of one unconstrained vector.
#[derive(Debug)]
pub struct Point<'g> {
    z: Var<'g>,
    sites: Vec<Site>,
    /// Where the next site is looked for first: models declare them in one order.
    next: Cell<usize>,
    /// Whether the density is that of the unconstrained vector.
    jacobians: bool,
}

impl<'g> Point<'g> {
    /// The model at `z [P]`, of which `sites` are the parts.
    pub fn at(z: Var<'g>, sites: &[Site]) -> Point<'g> {
        Point {
            z,
            sites: sites.to_vec(),
            next: Cell::new(0),
            jacobians: true,
        }
    }

    /// The same point, whose density is that of the model's own variables: without the Jacobians of
    /// the maps from unconstrained space.
    pub(crate) fn without_jacobians(self) -> Point<'g> {
        Point {
            jacobians: false,
            ..self
        }
    }

    /// The part of `z` that belongs to a site.
    pub(crate) fn site(&self, name: &str) -> Option<&Site> {
        let next = self.next.get();
        let place = match self.sites.get(next) {
            Some(site) if site.name == name => next,
            _ => self.sites.iter().position(|site| site.name == name)?,
        };
        self.next.set(place + 1);
        self.sites.get(place)
    }
}

impl<'g> Handler<'g> for Point<'g> {
    fn unconstrained(&self, name: &str, shape: Shape) -> Result<Var<'g>, HandlerError> {
        let site = self.site(name).ok_or_else(|| SiteError::Unknown {
            site: name.to_owned(),
            available: Site::list(&self.sites),
        })?;
        match site.shape == shape {
            true => Ok(self.z.view(site.offset, shape)),
            false => Err(SiteError::Shape {
                site: name.to_owned(),
                shape: Box::new(shape),
                fitted: Box::new(site.shape),
            }
            .into()),
        }
    }

    fn sample(&self, site: &Declared<'_, 'g>) -> Result<Sampled<'g>, HandlerError> {
        let mut sampled = from_unconstrained(self, site)?;
        if !self.jacobians {
            sampled.log_jacobian = Var::from(0.0);
        }
        Ok(sampled)
    }
}
