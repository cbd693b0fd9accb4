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

mod axes;
mod batch;
mod columns;
mod data;
mod density;
mod draws;
mod elpd;
mod explain;
mod fitting;
mod groups;
mod handlers;
mod horseshoe;
mod importance;
mod known;
mod layers;
mod missing;
mod modes;
mod new_names;
#[cfg(feature = "zarr")]
mod observations;
mod part;
mod posterior;
mod predictive;
mod prior;
mod pruned;
mod record;
mod report;
mod resume;
mod rows;
mod sampling;
mod scale;
mod stream;
mod summary;
mod tables;
mod trace;
mod window;

use bayes_nn_files::{Place, Value};

use crate::error::Error;

pub use bayes_nn_autodiff::{Var, concat, stack};
pub use bayes_nn_inference::{Begin, Dimension, DrawSource, DrawTable};

pub use crate::saved::{load, load_with_data};
pub use batch::Batch;
pub(crate) use batch::{Shared, transposed};
pub use data::Data;
pub(crate) use data::{Gone, Scales, Values};
pub use density::probe;
pub(crate) use density::{ModelDensity, run};
pub use draws::{Draws, Variable};
pub use fitting::{fit, fit_validated, gradient_variances, profile};
pub(crate) use handlers::{Generators, draw};
pub use horseshoe::horseshoe;
#[cfg(feature = "zarr")]
pub(crate) use observations::{Observations, Subset};
pub use posterior::Posterior;
#[cfg(feature = "zarr")]
pub(crate) use predictive::Variables;
pub(crate) use predictive::{Predictive, check_draws};
pub use prior::prior_predictive;
pub(crate) use record::Observed;
pub use record::SiteOptions;
pub(crate) use report::LARGE_R_HAT;
pub use sampling::{Sampling, start, start_into};
pub(crate) use summary::summarized;
pub use trace::Trace;
pub(crate) use window::Fed;

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

    /// Whether it is a network: many weights, inputs and targets of about unit scale. Methods then
    /// choose [what suits networks](bayes_nn_inference::Density::is_network), and a fit to targets
    /// of another scale warns.
    fn is_network(&self) -> bool {
        false
    }

    /// What a file says of the model, by which it comes back without code; of a function, that it is
    /// one.
    ///
    /// # Errors
    /// A part that a file cannot describe.
    fn describe(&self, place: &Place<'_>) -> Result<Value, Error> {
        Ok(place.object().put("kind", &"function".to_owned()).value())
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
/// A helper that computes with [`Var`]s is a function of its own, for all lifetimes; a closure
/// inside the model would be one for a single lifetime, which the compiler refuses:
///
/// ```
/// use bayes_nn::model::{self, Var};
/// use bayes_nn::prelude::*;
/// fn saturated<'g>(x: Var<'g>, half: Var<'g>) -> Var<'g> {
///     x / (x + half)
/// }
/// let model = model::from_fn(|trace, data| {
///     let half = trace.sample("half", LogNormal::new(0.0, 1.0));
///     let mean = saturated(data.column("x"), half);
///     trace.observe("y", Normal::new(mean, 0.05), data.column("y"));
/// });
/// let data = Data::new().column("x", &[1.0, 2.0, 4.0])?.column("y", &[0.33, 0.5, 0.67])?;
/// let fit = model::fit(&model, &data, &Nuts::new().chains(2).seed(1))?;
/// assert!((fit.all_draws()?.variable("half")?.mean()[0] - 2.0).abs() < 0.2);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
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
