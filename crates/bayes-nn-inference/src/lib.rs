//! Inference over densities: automatic differentiation variational inference (ADVI), its
//! optimisers, schedules, convergence test and error reports.
//!
//! Exact draws, at a higher price, come from the No-U-Turn Sampler: [`mcmc::nuts`].
//!
//! Nothing here knows of models, networks or data sets. What can be fitted is a [`Density`]: a
//! log density over an unconstrained vector, written as a graph. A [`Method`] fits it: [`Advi`] turns
//! it into one program whose every step draws, differentiates and updates, and returns an [`AdviFit`].
//!
//! ```
//! use std::rc::Rc;
//! use bayes_nn_autodiff::Graph;
//! use bayes_nn_inference::{Advi, Density, DensityError, Handler, Method, Rows, Site, Term, Traced};
//!
//! /// Two correlated normals.
//! struct Valley(Vec<Site>);
//!
//! impl Density for Valley {
//!     fn sites(&self) -> &[Site] { &self.0 }
//!     fn start(&self, _seed: u64) -> Result<Vec<f64>, DensityError> { Ok(vec![0.5, -0.5]) }
//!     fn trace<'g>(
//!         &self, _: &'g Graph, handler: Rc<dyn Handler<'g> + 'g>, _: Rows,
//!     ) -> Result<Traced<'g>, DensityError> {
//!         let x = handler.unconstrained("x", [2].into())?;
//!         let (a, b) = (x.view(0, []), x.view(1, []));
//!         Ok(Traced::new(vec![Term::new("valley", -0.5 * (a * a + (b - a) * (b - a)))]))
//!     }
//! }
//!
//! let density = Valley(vec![Site::new("x", [2], 0)]);
//! let fit = Advi::full_rank().steps(4_000).learning_rate(0.02).seed(1).fit(&density)?;
//! // The density lacks the factor 1 / (2 pi), so its evidence is ln(2 pi).
//! assert!((fit.elbo().mean - std::f64::consts::TAU.ln()).abs() < 0.01);
//! # Ok::<(), bayes_nn_inference::InferenceError>(())
//! ```
#![forbid(unsafe_code)]

mod check;
mod columns;
mod compiled;
mod density;
pub mod diagnostics;
mod dimension;
mod draw_source;
mod error;
mod handler;
mod held_out;
mod interrupt;
mod log_density;
pub mod mcmc;
mod method;
mod moments;
mod progress;
pub mod saved;
mod site;
mod start;
mod support;
mod terms;
pub mod variational;

pub use columns::{ColumnScale, Concerns};
pub use density::{Density, DensityError, Fed, Rows, Term, Traced};
pub use dimension::{Dimension, DimensionError, element_index};
pub use draw_source::{DrawSource, DrawTable};
pub use error::{Divergence, InferenceError, Interruption, NonFinite, PathFailure};
pub use handler::{Declared, Handler, HandlerError, Point, Sampled, SiteError, from_unconstrained};
pub use held_out::{HeldOut, HeldOutScore, Scorer, Scoring};
pub use interrupt::Interrupt;
pub use mcmc::nuts::{self, Nuts, NutsFit};
pub use mcmc::{Sgld, SgldChain, SgldFit};
pub use method::{Fit, Method};
pub use moments::Moments;
pub use progress::{Progress, Snapshot, Stage, Update};
pub use site::{Begin, Site};
pub use start::{Start, StartError};
pub use support::{Bound, SiteSupport};
pub use variational::advi::{
    self, Advi, AdviFit, AdviParts, Approximation, Curve, Elbo, Estimator, Every, Family,
    GradientVariances, Restart, Resume, ResumeError, Scored, SiteVariances, Stop, Training,
};
pub use variational::pathfinder::{Path, Pathfinder, PathfinderFit};
pub use variational::{Convergence, ConvergenceTest, Evidence, Optimizer, Schedule};
