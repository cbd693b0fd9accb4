//! What can be fitted: a log density over an unconstrained vector, written as a graph.

use std::rc::Rc;

use bayes_nn_autodiff::{Graph, Shape, Var, grad};
use bayes_nn_kernels::{Binding, Runtime, Step};

use crate::{Handler, InferenceError};

/// What a density reports when it cannot be written down; the caller gets it back unchanged in
/// [`crate::InferenceError::Density`].
pub type DensityError = Box<dyn std::error::Error + Send + Sync>;

/// A named part of the unconstrained vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The name of the random variable.
    pub name: String,
    /// The shape of its unconstrained values; elements are in row-major order.
    pub shape: Shape,
    /// Where its first element stands in the vector.
    pub offset: usize,
    /// Whether the variable is a weight that meets one input, with a value for each row, and
    /// nothing else: then a guide may draw the product instead of the weight
    /// ([`Advi::local_reparameterization`](crate::Advi::local_reparameterization)).
    pub local: bool,
}

impl Site {
    /// A site from its parts.
    pub fn new(name: impl Into<String>, shape: impl Into<Shape>, offset: usize) -> Site {
        Site {
            name: name.into(),
            shape: shape.into(),
            offset,
            local: false,
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

/// The rows of the data that a density is written for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rows {
    /// All of them.
    #[default]
    All,
    /// So many, others at every step, each once an epoch. Terms that come from rows are scaled by
    /// `N / B`, so that their sum estimates that of all rows without bias, in the same nats.
    Minibatch(usize),
}

/// A density written into a graph.
#[derive(Clone, Debug, Default)]
pub struct Traced<'g> {
    /// The terms whose sum is the log density.
    pub terms: Vec<Term<'g>>,
    /// The data that the terms read.
    pub data: Vec<Binding>,
}

impl<'g> Traced<'g> {
    /// Terms without data.
    pub fn new(terms: Vec<Term<'g>>) -> Traced<'g> {
        Traced {
            terms,
            data: Vec::new(),
        }
    }

    /// The log density: the sum of the terms, in their order.
    pub fn log_prob(&self) -> Var<'g> {
        let terms = self.terms.iter();
        terms.fold(Var::from(0.0), |sum, term| sum + term.value)
    }
}

/// A log density over an unconstrained vector `z` of length `P`, up to no constant at all: what
/// is fitted is compared in nats.
pub trait Density: Sync {
    /// The parts of `z`, in the order of their offsets and without gaps.
    fn sites(&self) -> &[Site];

    /// The length `P` of `z`.
    fn dim(&self) -> usize {
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

    /// Writes the log density of the sites as the handler gives them. A density that is no model
    /// asks for each of its [sites](Density::sites) by [`Handler::unconstrained`].
    ///
    /// # Errors
    /// When the density cannot be written.
    fn trace<'g>(
        &self,
        graph: &'g Graph,
        handler: Rc<dyn Handler<'g> + 'g>,
        rows: Rows,
    ) -> Result<Traced<'g>, DensityError>;
}

/// Writes a density into a step, with the data that it reads.
pub(crate) fn write_terms<'g>(
    step: &Step<'g>,
    density: &dyn Density,
    handler: Rc<dyn Handler<'g> + 'g>,
    rows: Rows,
) -> Result<Traced<'g>, InferenceError> {
    let traced = density
        .trace(step.graph(), handler, rows)
        .map_err(InferenceError::Density)?;
    step.graph().check()?;
    step.bind(traced.data.clone());
    Ok(traced)
}

/// The first term that is not finite, or whose gradient by `parameters` is not, where the states
/// of a step that does nothing else have these `values`: in step `number` of a seed.
pub(crate) fn first_bad_term<'g>(
    step: &Step<'g>,
    terms: &[Term<'g>],
    parameters: &[Var<'g>],
    values: &[(&str, &[f64])],
    (seed, number): (u64, u64),
    runtime: &Runtime,
) -> Result<Option<String>, InferenceError> {
    let mut names = Vec::new();
    let mut add = |name: String, value| {
        step.output(&names.len().to_string(), value);
        names.push(name);
    };
    for (name, part) in terms.iter().flat_map(Term::parts) {
        add(name, part);
    }
    for term in terms.iter().filter(|term| term.value.id().is_some()) {
        for gradient in grad(term.value, parameters)? {
            add(format!("{} (its gradient)", term.name), gradient);
        }
    }
    let mut run = step.finish(runtime)?.start(1)?;
    run.begin(&[seed])?;
    for (name, values) in values {
        run.set(0, name, values)?;
    }
    run.rewind(0, seed, number)?;
    run.advance_one(0, 1)?;
    for (output, name) in names.iter().enumerate() {
        let values = run.get(0, &output.to_string())?;
        if values.iter().any(|v| !v.is_finite()) {
            return Ok(Some(name.clone()));
        }
    }
    Ok(None)
}
