//! What can be fitted: a log density over an unconstrained vector, written as a graph.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use bayes_nn_autodiff::{Graph, Var};
use bayes_nn_kernels::{Binding, Feed, Precision};

use crate::saved::save_fit;
use crate::start::with_values;
use crate::{AdviFit, ColumnScale, Handler, HeldOut, InferenceError, Site};

/// What a density reports when it cannot be written down; the caller gets it back unchanged in
/// [`crate::InferenceError::Density`].
pub type DensityError = Box<dyn std::error::Error + Send + Sync>;

/// What follows the name of a term whose matrix has no Cholesky factor.
pub(crate) const NOT_DEFINITE: &str = "(a matrix is not positive definite)";

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

    /// The values that have to be finite, each with a name for messages: the Cholesky factors that
    /// the term is computed from, then its value.
    pub(crate) fn parts(&self) -> Vec<(String, Var<'g>)> {
        let name = format!("{} {NOT_DEFINITE}", self.name);
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
    /// So many rows, other ones at every step, and each row once an epoch. Terms that come from
    /// rows are scaled by `N / B`, so that their sum estimates that of all rows without bias, in
    /// the same nats.
    Minibatch(usize),
}

/// A density written into a graph.
#[derive(Clone, Debug, Default)]
pub struct Traced<'g> {
    /// The terms whose sum is the log density.
    pub terms: Vec<Term<'g>>,
    /// The data that the terms read.
    pub data: Vec<Binding>,
    /// What they read of data that are fed to every step.
    pub fed: Option<Fed<'g>>,
}

/// Inputs of a density that get other values at every step, such as the rows of a minibatch out of a file.
#[derive(Clone, Debug)]
pub struct Fed<'g> {
    /// The inputs with their names, in the order in which they are fed.
    pub inputs: Vec<(String, Var<'g>)>,
    /// What feeds them.
    pub feed: Arc<dyn Feed>,
}

impl<'g> Traced<'g> {
    /// Terms without data.
    pub fn new(terms: Vec<Term<'g>>) -> Traced<'g> {
        Traced {
            terms,
            ..Traced::default()
        }
    }

    /// The log density: the sum of the terms, in their order.
    pub fn log_prob(&self) -> Var<'g> {
        let terms = self.terms.iter();
        terms.fold(Var::from(0.0), |sum, term| sum + term.value)
    }
}

/// A log density over an unconstrained vector `z` of length `P`, with all its constants: fits are
/// compared by their ELBO in nats.
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

    /// Whether its rows are streamed: a method gets them by [`Rows::Minibatch`], and a density whose data
    /// are not in memory refuses [`Rows::All`].
    fn is_streamed(&self) -> bool {
        false
    }

    /// Whether it is that of a network: of many weights that mean nothing one by one, over data of
    /// about unit scale. Methods that offer both precisions then take single, and choose settings
    /// that suit networks where they are not told any ([`Advi`](crate::Advi)).
    fn is_network(&self) -> bool {
        false
    }

    /// The columns of data that it reads, none unless implemented. A fit looks at them once, and
    /// warns of those that single precision cannot hold and of those far from unit scale.
    fn columns(&self) -> Vec<ColumnScale> {
        Vec::new()
    }

    /// Rows that are held out of it, by which a fit that has epochs scores its guide; none unless
    /// implemented.
    fn held_out(&self) -> Option<&dyn HeldOut> {
        None
    }

    /// Checks that single precision can hold the data that it reads: no value is beyond its range.
    /// Nothing is checked unless implemented.
    ///
    /// # Errors
    /// The first such value, with its row and column.
    fn check_single_precision(&self) -> Result<(), DensityError> {
        Ok(())
    }

    /// Saves a fit of it that runs, as a whole that needs nothing else: see
    /// [`Advi::checkpoint`](crate::Advi::checkpoint). Unless implemented, as
    /// [`save_fit`](crate::saved::save_fit) does, without the density.
    ///
    /// # Errors
    /// A file that cannot be written.
    fn save(&self, fit: &AdviFit, path: &Path) -> Result<(), DensityError> {
        Ok(save_fit(fit, path)?)
    }

    /// Where a fit with this seed starts, `[P]`: a draw from the prior or random numbers. Never
    /// all zeros, which in a network is a symmetric saddle point.
    ///
    /// # Errors
    /// When the density has no such point.
    fn start(&self, seed: u64) -> Result<Vec<f64>, DensityError>;

    /// Where a fit starts, `[P]`, whose start has values of some sites, by name and in row-major
    /// order; the other sites are as in [`Density::start`]. Unless implemented, values are those of
    /// unconstrained space.
    ///
    /// # Errors
    /// [`InferenceError::StartValues`] for a name that no site has, another number of elements than
    /// the site's, and a value outside of its support.
    fn start_at(
        &self,
        values: &[(String, Vec<f64>)],
        seed: u64,
    ) -> Result<Vec<f64>, InferenceError> {
        let others = self.start(seed).map_err(InferenceError::Density)?;
        with_values(self.sites(), values, others)
    }

    /// The standard deviations of a guide at the start, one for each element of the site of this number,
    /// where the density knows them: those of an informed prior. Nothing unless implemented, and then it
    /// is as [`Begin`](crate::Begin) says.
    fn initial_sds(&self, site: usize) -> Option<&[f64]> {
        let _ = site;
        None
    }

    /// What is wrong at a point `z` `[P]` where the log density is not finite, in a sentence that
    /// goes on from "the log density is not finite" and says what to change; nothing if it is not
    /// known.
    fn explain(&self, z: &[f64]) -> Option<String> {
        let _ = z;
        None
    }

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

impl dyn Density + '_ {
    /// The precision in which it is fitted by a method that offers both, unless told otherwise.
    pub(crate) fn default_precision(&self) -> Precision {
        match self.is_network() {
            true => Precision::F32,
            false => Precision::F64,
        }
    }
}
