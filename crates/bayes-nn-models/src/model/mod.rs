//! Models as plain functions: any joint density, fitted, simulated and predicted from.
//!
//! A model takes a [`Trace`] and the rows of a [`Batch`], and declares its variables. The same
//! function serves fitting, prior predictive draws and posterior predictive draws.
//!
//! ```
//! use bayes_nn::distributions::{HalfNormal, Normal};
//! use bayes_nn::model::{self, Batch, Data, Trace};
//! use bayes_nn::Advi;
//!
//! fn line<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
//!     let slope = trace.sample("slope", Normal::new(0.0, 2.0));
//!     let offset = trace.sample("offset", Normal::new(0.0, 2.0));
//!     let noise = trace.sample("noise", HalfNormal::new(1.0));
//!     let mean = trace.deterministic("mean", slope * data.column("x") + offset);
//!     trace.observe("y", Normal::new(mean, noise), data.column("y"));
//! }
//!
//! let x = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5];
//! let data = Data::new().column("x", &x)?.column("y", &[1.1, 1.9, 3.2, 3.9, 5.1, 6.0])?;
//! let fit = model::fit(&line, &data, &Advi::full_rank().steps(4_000).learning_rate(0.02))?;
//! let slope = fit.draws(500, 0)?.variable("slope")?.mean()[0];
//! assert!((slope - 2.0).abs() < 0.2);
//!
//! let new = Data::new().column("x", &[10.0])?;
//! let predicted = fit.predictive(&new, 500, 0)?.variable("y")?.mean()[0];
//! assert!((predicted - 21.0).abs() < 2.0);
//! # Ok::<(), bayes_nn::Error>(())
//! ```

mod batch;
mod columns;
mod data;
mod density;
mod draws;
mod elpd;
mod fitting;
mod handlers;
mod horseshoe;
mod missing;
#[cfg(feature = "zarr")]
mod observations;
mod origin;
mod posterior;
mod predictive;
mod prior;
mod sampling;
mod source;
mod summary;
mod trace;
mod warnings;
mod window;

pub use bayes_nn_autodiff::{Var, concat};

pub use batch::Batch;
pub(crate) use batch::{Shared, transposed};
pub use data::Data;
pub use density::probe;
pub(crate) use density::{ModelDensity, run};
pub use draws::{Draws, Variable};
pub use fitting::{fit, profile};
pub(crate) use handlers::{Generators, draw};
pub use horseshoe::horseshoe;
#[cfg(feature = "zarr")]
pub(crate) use observations::{Observations, Subset};
pub use origin::Origin;
pub use posterior::Posterior;
#[cfg(feature = "zarr")]
pub(crate) use predictive::Variables;
pub(crate) use predictive::{Predictive, check_draws};
pub use prior::prior_predictive;
pub use sampling::{Sampling, langevin, sample, start, start_into};
pub use source::{DrawSource, DrawTable};
pub(crate) use summary::summarized;
pub(crate) use trace::Observed;
pub use trace::Trace;

/// A joint density over named random variables and observations.
///
/// Every function `for<'g> Fn(&Trace<'g>, &Batch<'g>)` is one. It must declare the same
/// variables, in the same shapes, whenever it is run.
pub trait Model: Sync {
    /// Declares the model's variables.
    fn run<'g>(&self, trace: &Trace<'g>, data: &Batch<'g>);

    /// Whether what is observed in a row depends on the model's variables and on this row alone.
    /// Predictions then go through the rows in tiles, on several threads, and new rows have to
    /// be as wide as those of the fit.
    fn has_independent_rows(&self) -> bool {
        false
    }
}

impl<F> Model for F
where
    F: for<'g> Fn(&Trace<'g>, &Batch<'g>) + Sync,
{
    fn run<'g>(&self, trace: &Trace<'g>, data: &Batch<'g>) {
        self(trace, data);
    }
}

/// Lets the compiler see that a closure is a model.
///
/// ```
/// use bayes_nn::distributions::Normal;
/// use bayes_nn::model;
/// let prior_sd = 3.0;
/// let model = model::from_fn(move |trace, _| {
///     trace.sample("mean", Normal::new(0.0, prior_sd));
/// });
/// # let _ = model;
/// ```
pub fn from_fn<F>(model: F) -> F
where
    F: for<'g> Fn(&Trace<'g>, &Batch<'g>) + Sync,
{
    model
}
