//! What can be fitted: a log density over an unconstrained vector, written as a graph.

use std::sync::Arc;

use bayes_nn_autodiff::{Graph, InputId, Shape, Var};

/// What a density reports when it cannot be written down; the caller gets it back unchanged in
/// [`crate::InferenceError::Density`].
pub type DensityError = Box<dyn std::error::Error + Send + Sync>;

/// Inputs of a graph with the values to write to them, in row-major order.
pub type InputValues = Vec<(InputId, Arc<[f64]>)>;

/// A named part of the unconstrained vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The name of the random variable.
    pub name: String,
    /// The shape of its unconstrained values; elements are in row-major order.
    pub shape: Shape,
    /// Where its first element stands in the vector.
    pub offset: usize,
}

impl Site {
    /// A site from its parts.
    pub fn new(name: impl Into<String>, shape: impl Into<Shape>, offset: usize) -> Site {
        Site {
            name: name.into(),
            shape: shape.into(),
            offset,
        }
    }

    /// Names and shapes of several, for messages.
    pub fn list(sites: &[Site]) -> String {
        let describe = |site: &Site| format!("`{}` {}", site.name, site.shape);
        sites.iter().map(describe).collect::<Vec<_>>().join(", ")
    }

    /// The elements that belong to the site.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.shape.elements()
    }
}

/// A summand of the log density, in nats.
#[derive(Clone, Debug)]
pub struct Term<'g> {
    /// The site, observation or factor that it comes from.
    pub name: String,
    /// A scalar.
    pub value: Var<'g>,
}

impl<'g> Term<'g> {
    /// A term from its parts.
    pub fn new(name: impl Into<String>, value: Var<'g>) -> Term<'g> {
        Term {
            name: name.into(),
            value,
        }
    }

    /// What has to be finite, each with how to speak of it: the Cholesky factors that the term is
    /// computed from, then its value.
    pub(crate) fn parts(&self) -> Vec<(String, Var<'g>)> {
        let name = format!("{} (a matrix is not positive definite)", self.name);
        let factors = self.value.cholesky_factors().into_iter();
        let mut parts: Vec<_> = factors.map(|factor| (name.clone(), factor)).collect();
        parts.push((self.name.clone(), self.value));
        parts
    }
}

/// A density written into a graph.
#[derive(Clone, Debug, Default)]
pub struct Traced<'g> {
    /// For each of the vectors that were asked for, the terms whose sum is the log density there.
    pub samples: Vec<Vec<Term<'g>>>,
    /// The inputs that the terms read, with their values in row-major order.
    pub data: InputValues,
}

impl<'g> Traced<'g> {
    /// The terms of each sample, without data.
    pub fn new(samples: Vec<Vec<Term<'g>>>) -> Traced<'g> {
        Traced {
            samples,
            data: Vec::new(),
        }
    }

    /// The log density of each sample: the sum of its terms.
    pub fn log_densities(&self) -> Vec<Var<'g>> {
        let sum = |terms: &Vec<Term<'g>>| {
            terms
                .iter()
                .fold(Var::from(0.0), |sum, term| sum + term.value)
        };
        self.samples.iter().map(sum).collect()
    }
}

/// A log density over an unconstrained vector `z` of length `P`, up to no constant at all: what
/// is fitted is compared in nats.
pub trait Density: Sync {
    /// The parts of `z`, in the order of their offsets and without gaps.
    fn sites(&self) -> &[Site];

    /// The length `P` of `z`.
    fn dimension(&self) -> usize {
        self.sites().last().map_or(0, |site| site.range().end)
    }

    /// The number `N` of rows of data, if minibatches can be drawn from it.
    fn rows(&self) -> Option<usize> {
        None
    }

    /// Where a fit with this seed starts, `[P]`: a draw from the prior or random numbers. Never
    /// all zeros, which in a network is a symmetric saddle point.
    ///
    /// # Errors
    /// When the density has no such point.
    fn start(&self, seed: u64) -> Result<Vec<f64>, DensityError>;

    /// Writes the log density at each `z`, all of shape `[P]`.
    ///
    /// With a `batch` of `B` rows the terms that come from rows are computed on a minibatch of
    /// `graph` and scaled by `N / B`: the sum estimates the log density of the full data without
    /// bias, in the same nats.
    ///
    /// # Errors
    /// When the density cannot be written.
    fn trace<'g>(
        &self,
        graph: &'g Graph,
        z: &[Var<'g>],
        batch: Option<usize>,
    ) -> Result<Traced<'g>, DensityError>;
}
