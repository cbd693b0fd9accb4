//! Where chains and guides begin.

use bayes_nn_autodiff::Shape;
use bayes_nn_autodiff::noise::{self, NoiseKey};

use crate::variational::pathfinder;
use crate::{Approximation, Density, InferenceError, Site};

/// The noise stream of a start between -2 and 2, which no step has.
const UNIFORM: u32 = u32::MAX;

/// Where chains, paths and the means of guides begin.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Start {
    /// Uniform between -2 and 2 in every coordinate of unconstrained space.
    #[default]
    Uniform,
    /// What the density gives as its start ([`crate::Density::start`]): of models, prior draws.
    Prior,
    /// A variational fit to the same density: chains begin at draws of it, a guide at its means.
    Approximation(Approximation),
    /// A fit by [`Pathfinder`](crate::Pathfinder) with its default settings, made for the purpose:
    /// chains begin at different draws of it, a guide at the mean of its best normal.
    Pathfinder,
    /// Values of sites by their names: see [`Start::values`].
    Values(Vec<(String, Vec<f64>)>),
}

/// A value to start at that is none of the density's.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A name that no site has.
    #[error("the start has a value of `{site}`, which is none of the variables: {available}")]
    UnknownSite {
        /// The name.
        site: String,
        /// Those that there are.
        available: String,
    },
    /// A site that the start, an earlier fit, has not.
    #[error(
        "the start has no value of `{site}`, only of {available}; fit a model of the same variables first"
    )]
    MissingSite {
        /// The site.
        site: String,
        /// Those that the start has.
        available: String,
    },
    /// A site that the start, an earlier fit, has in another shape.
    #[error("the start has `{site}` in the shape {got}, which must be {shape}")]
    Shape {
        /// The site.
        site: String,
        /// Its shape in the start.
        got: Box<Shape>,
        /// Its shape in the density.
        shape: Box<Shape>,
    },
    /// Values of one site at two places.
    #[error("the start has values of `{site}` twice; give all its elements in one place")]
    Twice {
        /// The site.
        site: String,
    },
    /// Another number of elements than the site has.
    #[error("the start has {got} elements of `{site}`, whose shape is {shape}: give {}", shape.elements())]
    Length {
        /// The site.
        site: String,
        /// Elements given.
        got: usize,
        /// The shape of the site.
        shape: Box<Shape>,
    },
    /// A value that is not inside the support.
    #[error(
        "the start has the value {value} at element {element} of `{site}`, which is not inside the support of {distribution}: {support}"
    )]
    Outside {
        /// The site.
        site: String,
        /// The element of the site, in row-major order.
        element: usize,
        /// The value given.
        value: f64,
        /// The distribution of the site.
        distribution: &'static str,
        /// Its support.
        support: String,
    },
}

impl Start {
    /// Values of sites by their names, in the space of the model and in the row-major order of their
    /// shapes. The other sites begin as [`Start::Prior`] has them. All chains begin at the same
    /// values: that they end at the same place then says less.
    ///
    /// A name that no site has, one that is there twice, a number of elements that is not the site's and a value outside of
    /// its support, or on the bound, are errors of the fit ([`StartError`]).
    ///
    /// ```
    /// use bayes_nn_inference::{Nuts, Start};
    /// let start = Start::values([("beta", vec![0.5, -1.0]), ("sigma", vec![2.0])]);
    /// let nuts = Nuts::new().start_at(start);
    /// # let _ = nuts;
    /// ```
    pub fn values<N: Into<String>, V: Into<Vec<f64>>>(
        values: impl IntoIterator<Item = (N, V)>,
    ) -> Start {
        let values = values.into_iter();
        Start::Values(values.map(|(name, v)| (name.into(), v.into())).collect())
    }

    /// Checks that values by names are of these sites, of each once.
    ///
    /// # Errors
    /// [`StartError::UnknownSite`], [`StartError::Twice`].
    pub fn check_names(sites: &[Site], values: &[(String, Vec<f64>)]) -> Result<(), StartError> {
        for (number, (name, _)) in values.iter().enumerate() {
            known(sites, name)?;
            if values[..number].iter().any(|(other, _)| other == name) {
                return Err(StartError::Twice { site: name.clone() });
            }
        }
        Ok(())
    }

    /// The start `[P]` of the chain or path of a seed, another one for each of `tries`.
    pub(crate) fn draw(
        &self,
        density: &dyn Density,
        seed: u64,
        tries: u32,
    ) -> Result<Vec<f64>, InferenceError> {
        let dim = density.dim();
        let seed_of_try = seed.wrapping_add(u64::from(tries) << 32);
        let start = match self {
            Start::Uniform => {
                let key = NoiseKey {
                    seed,
                    step: u64::from(tries),
                    stream: UNIFORM,
                };
                let uniform = |i| 4.0 * noise::uniform(&key, 0, i as u32) - 2.0;
                (0..dim).map(uniform).collect()
            }
            Start::Prior => density
                .start(seed_of_try)
                .map_err(InferenceError::Density)?,
            Start::Values(values) => density.start_at(values, seed_of_try)?,
            Start::Approximation(approximation) => approximation.draws(1, seed_of_try)?,
            Start::Pathfinder => pathfinder::Starts::of(density, seed)?.draw(tries as usize),
        };
        match start.len() == dim {
            true => Ok(start),
            false => Err(InferenceError::StartLength {
                got: start.len(),
                expected: dim,
            }),
        }
    }
}

/// The start `[P]` of a density without supports, at which these sites have these values and the
/// others those of `others [P]`.
pub(crate) fn with_values(
    sites: &[Site],
    values: &[(String, Vec<f64>)],
    mut others: Vec<f64>,
) -> Result<Vec<f64>, InferenceError> {
    Start::check_names(sites, values)?;
    for (name, values) in values {
        let site = known(sites, name)?;
        let place = others.get_mut(site.range());
        match place.filter(|place| place.len() == values.len()) {
            Some(place) => place.copy_from_slice(values),
            None => {
                return Err(StartError::Length {
                    site: name.clone(),
                    got: values.len(),
                    shape: Box::new(site.shape),
                }
                .into());
            }
        }
    }
    Ok(others)
}

/// The site of a name.
pub(crate) fn known<'s>(sites: &'s [Site], name: &str) -> Result<&'s Site, StartError> {
    let found = sites.iter().find(|site| site.name == name);
    found.ok_or_else(|| StartError::UnknownSite {
        site: name.to_owned(),
        available: Site::list(sites),
    })
}
