//! Bayesian neural networks and probabilistic programs: write a model, fit its posterior, look
//! at predictions and at what is not known.
//!
//! # A network from a table
//!
//! A file and the name of its target are enough. What the columns are is found out and can be printed, how
//! they become numbers is fitted to the training rows and holds for every new row, and the head of the
//! network follows from the target: classes, or a number.
//!
//! ```
//! use bayes_nn::prelude::*;
//!
//! let data = Table::read("tests/data/iris.csv")?.target("species")?;
//! let (train, test) = data.split(0.7, 0)?;
//! let fit = Bnn::for_data(&train).fit(&train, &Advi::mean_field().seed(1))?;
//! let score = fit.predict(&test, 500)?.score(&test)?;
//! assert!(score.classification().unwrap().accuracy > 0.92);
//!
//! // New rows need no target, and columns may come in any order.
//! let new = "petal width,petal length,sepal width,sepal length\n0.2,1.4,3.5,5.1\n";
//! let prediction = fit.predict(&Table::read_from(new.as_bytes())?, 500)?;
//! assert_eq!(prediction.predicted_classes(), ["setosa"]);
//! // What more data would remove of the uncertainty, in nats, and what none would.
//! let (epistemic, aleatoric) = (prediction.epistemic()[0], prediction.aleatoric()[0]);
//! println!("{epistemic:.3} {aleatoric:.3}");
//! assert!(epistemic < 0.3 && aleatoric < 0.3, "{epistemic} {aleatoric}");
//! # Ok::<(), Error>(())
//! ```
//!
//! Networks of one's own are lists of layers with priors and a head:
//! `Bnn::new(Mlp::new([4, 50, 3]).activation(Tanh), Categorical)`; [`nn`] has the layers.
//!
//! # A model as a function
//!
//! A network is one kind of model. Any joint density is a function that declares random variables with their
//! priors, and what was observed:
//!
//! ```
//! use bayes_nn::prelude::*;
//!
//! let line = model::from_fn(|trace, data| {
//!     let slope = trace.sample("slope", Normal::new(0.0, 10.0));
//!     let intercept = trace.sample("intercept", Normal::new(0.0, 10.0));
//!     let noise = trace.sample("noise", HalfNormal::new(1.0));
//!     let mean = intercept + slope * data.column("x");
//!     trace.observe("y", Normal::new(mean, noise), data.column("y"));
//! });
//! let data = Data::new()
//!     .column("x", &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])?
//!     .column("y", &[1.1, 2.9, 5.2, 7.0, 8.8, 11.1])?;
//! let fit = model::fit(&line, &data, &Nuts::new().seed(1))?;
//! let slope = fit.all_draws()?.variable("slope")?.mean()[0];
//! assert!((slope - 1.99).abs() < 0.03);
//!
//! let new = Data::new().column("x", &[10.0])?;
//! let prediction = fit.predict(&new, 1_000)?;
//! assert!((prediction.mean()[0] - 20.9).abs() < 0.3);
//! let (lower, upper) = prediction.interval().unwrap();
//! assert!(lower[0] < 20.5 && 21.3 < upper[0]);
//! # Ok::<(), Error>(())
//! ```
//!
//! # Which method when
//!
//! A model says nothing of how it is fitted; the last argument does.
//!
//! | settings | for | what it is worth |
//! |---|---|---|
//! | [`Nuts::new()`](Nuts) | models of up to some thousand variables whose answer matters | draws of the posterior itself; what went wrong is warned of |
//! | [`Advi::full_rank()`](Advi) | the same models, in a fraction of the time | one normal; k-hat says whether it has the posterior's shape |
//! | [`Advi::mean_field()`](Advi) | networks, minibatches, files larger than memory | normals without correlations: good predictions, and spreads that are often too small |
//! | [`Advi::low_rank(10)`](Advi::low_rank) | many variables of which some depend on each other | between the two |
//! | [`Pathfinder`] | a first look, and where the others begin | a few hundred gradients |
//! | [`Advi::map()`](Advi::map) | a point, as a start or for comparison | no uncertainty |
//!
//! Whether a fast fit will do is a question with an answer: [`compare()`] puts it beside NUTS, variable by
//! variable and in what both predict.
//!
//! ```
//! use bayes_nn::prelude::*;
//! use bayes_nn::compare;
//!
//! let coin = model::from_fn(|trace, data| {
//!     let p = trace.sample("p", Uniform::new(0.0, 1.0));
//!     trace.observe("y", distributions::Bernoulli::probs(p), data.column("y"));
//! });
//! let data = Data::new().column("y", &[1.0, 0.0, 1.0, 1.0, 0.0, 1.0])?;
//! let quick = model::fit(&coin, &data, &Advi::full_rank().seed(1))?;
//! let exact = model::fit(&coin, &data, &Nuts::new().seed(1))?;
//! let comparison = compare(&quick, &exact)?;
//! println!("{comparison}");
//! // The posterior is Beta(5, 3), of standard deviation 0.161.
//! assert!((comparison.sites[0].fit.mean.unwrap() - 0.625).abs() < 0.02);
//! assert!((comparison.sites[0].sd_ratio().unwrap().value - 1.0).abs() < 0.1);
//! # Ok::<(), Error>(())
//! ```
//!
//! # How to read a fit
//!
//! `println!("{fit}")` says whether to trust it, the most serious first, and [`Posterior::warnings`] has the same
//! as a list. Of chains look at R-hat, which is below 1.01 where chains agree, at effective draws, some hundreds
//! of which give a mean and some thousands an interval, and at divergences, of which there should be none. Of a
//! variational fit look at `converged`, at k-hat, which is below 0.7 where the guide has the posterior's
//! shape, and of independent normals at [`sd_shares`](AdviFit::sd_shares). `fit.report("page.html")` draws all of it, and with it what was observed beside what the model draws in
//! its place.
//!
//! ```
//! use bayes_nn::prelude::*;
//!
//! let model = model::from_fn(|trace, data| {
//!     let mean = trace.sample("mean", Normal::new(0.0, 10.0));
//!     trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
//! });
//! let data = Data::new().column("y", &[1.1, 1.9, 0.2, 0.9, 1.4])?;
//! let chains = model::fit(&model, &data, &Nuts::new().seed(1))?;
//! println!("{chains}");
//! assert!(chains.warnings().is_empty());
//! let mean = &chains.summary()?.rows[0];
//! assert!(mean.r_hat.unwrap() < 1.01 && mean.ess_bulk.unwrap() > 1_000.0);
//! assert_eq!(chains.nuts().unwrap().divergences(), 0);
//! // How well each value is predicted by the others, in nats.
//! assert!((chains.loo("y")?.elpd_loo + 6.4).abs() < 0.3);
//!
//! let guide = model::fit(&model, &data, &Advi::full_rank().seed(1))?;
//! let advi = guide.advi().unwrap();
//! assert!(advi.convergence().converged && advi.k_hat().unwrap() < 0.7);
//! # Ok::<(), Error>(())
//! ```
//!
//! # Priors
//!
//! A prior is a [distribution](distributions), whose parameters may be other variables. What a prior means is best
//! seen in data drawn from it, before there is a fit. The weights of networks have the prior
//! [`prior::learned_scale()`](nn::prior::learned_scale) unless another is set, for all of them or by name.
//!
//! ```
//! use bayes_nn::nn::prior;
//! use bayes_nn::prelude::*;
//!
//! let growth = model::from_fn(|trace, data| {
//!     let rate = trace.sample("rate", Normal::new(0.0, 1.0));
//!     trace.observe("size", LogNormal::new(rate * data.column("day"), 0.1), data.column("size"));
//! });
//! let data = Data::new().column("day", &[10.0])?;
//! let drawn = model::prior_predictive(&growth, &data, 1_000, 0)?;
//! // A rate of standard deviation 1 a day believes in growth to 20,000 times in ten days as a matter of course.
//! let large = drawn.variable("size")?.values().iter().filter(|size| **size > 2e4).count();
//! assert!(large > 100);
//!
//! let train = datasets::moons(200, 0.2, 0)?.standardized();
//! let net = Mlp::new([2, 10, 1]).prior(prior::fan_in()).prior_for("layer1.weight", Laplace::new(0.0, 1.0));
//! let shapes = Bnn::new(net, Bernoulli).parameters(&train)?;
//! assert_eq!(shapes[0].name, "layer0.weight");
//! # Ok::<(), Error>(())
//! ```
//!
//! # Shapes
//!
//! Data are handed in with rows first, `[n, features]`, and so are predictions handed back. Inside a model rows are
//! the last axis, `[features, n]`, so that the same feature of all rows lies in one stretch of memory. A variable
//! of several elements is a distribution that is [expanded](distributions::Distribution::expand), or that stands
//! [over](distributions::Distribution::over) a dimension of the data with names.
//!
//! ```
//! use bayes_nn::prelude::*;
//!
//! let plane = model::from_fn(|trace, data| {
//!     let slopes = trace.sample("slopes", Normal::new(0.0, 5.0).expand([2]));
//!     // [2] times [2, n] is [n].
//!     let mean = slopes.matmul(data.matrix("x"));
//!     trace.observe("y", Normal::new(mean, 0.1), data.column("y"));
//! });
//! let x = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 1.0]; // four rows of two features
//! let data = Data::new().matrix("x", &x, 2)?.column("y", &[1.0, -2.0, -1.0, 0.0])?;
//! let fit = model::fit(&plane, &data, &Advi::full_rank().seed(1))?;
//! let draws = fit.draws(1_000, 0)?;
//! let slopes = draws.variable("slopes")?;
//! assert_eq!((slopes.shape().to_string(), slopes.values().len()), ("[2]".to_owned(), 2_000));
//! assert_eq!(slopes.label(1), "slopes[1]");
//! assert!((slopes.mean()[0] - 1.0).abs() < 0.05 && (slopes.mean()[1] + 2.0).abs() < 0.05);
//! # Ok::<(), Error>(())
//! ```
//!
//! # Saving
//!
//! A fit is one file, without the data that it was fitted to. A network comes back whole, a model as a function
//! with that function, [`model::load`]; both predict the same, bit for bit.
//!
//! ```
//! use bayes_nn::prelude::*;
//!
//! let data = datasets::moons(200, 0.2, 0)?.standardized();
//! let fit = Bnn::new(Mlp::new([2, 5, 1]), Bernoulli).fit(&data, &Advi::mean_field().steps(500).seed(1))?;
//! let path = std::env::temp_dir().join(format!("bayes-nn-moons-{}.bnn", std::process::id()));
//! fit.save(&path)?;
//! let loaded = Bnn::load(&path)?;
//! assert_eq!(fit.predict(&data, 100)?.mean(), loaded.predict(&data, 100)?.mean());
//! # std::fs::remove_file(&path).expect("it is there");
//! # Ok::<(), Error>(())
//! ```
//!
//! # Where to go on
//!
//! - [`Table`]: files of numbers, words, dates and missing values, as a data set and as rows to
//!   predict; [`Dataset`], [`datasets`]: data from slices or formulas, standardised and split;
//!   [`data::TableFile`], [`data::NpyFile`]: files larger than memory.
//! - [`nn`], [`Bnn`]: networks with priors, and the likelihoods on their outputs.
//! - [`model`]: any joint density as a plain function.
//! - [`Prediction`], [`scores`]: means, uncertainty, and how good they were.
//! - [`Posterior::replications`], [`Posterior::loo_pit`], [`Posterior::prior_draws`]: whether the model describes
//!   the data, and what these say.
//! - [`Posterior::save`], [`Bnn::load`], [`model::load`]: what a file holds; [`saved`] has what it holds of layers,
//!   heads and priors of one's own.
//! - `plots`, `report`, with the feature `plots` (on unless switched off): pictures, and one page
//!   that holds them all; progress bars show how far a fit is. With the feature `png`, pictures as PNG, too.
//! - `InferenceData`, with the feature `zarr`: a store of draws that Python's ArviZ opens, and
//!   `ZarrStore`, one that is written while the sampler runs.
#![forbid(unsafe_code)]

pub mod prelude;

pub use bayes_nn_autodiff::{Graph, Kind, NoiseKind, Shape, Var, Window, concat, stack};
pub use bayes_nn_distributions as distributions;
pub use bayes_nn_inference::{
    Advi, AdviFit, AdviParts, Approximation, Bound, Concerns, Convergence, ConvergenceTest, Curve,
    Dimension, DimensionError, Divergence, Elbo, Estimator, Every, Evidence, Family, Fit,
    GradientVariances, HeldOutScore, InferenceError, Interrupt, Interruption, Method, Moments,
    NonFinite, Nuts, NutsFit, Optimizer, Path, PathFailure, Pathfinder, PathfinderFit, Progress,
    Restart, Resume, ResumeError, Schedule, Scored, Sgld, SgldFit, Site, SiteError, SiteSupport,
    SiteVariances, Snapshot, Stage, Start, StartError, Stop, Training, Update,
};
pub use bayes_nn_inference::{diagnostics, nuts};
pub use bayes_nn_kernels::{Device, DeviceError, DeviceInfo, Precision, Profile};
#[cfg(feature = "zarr")]
pub use bayes_nn_models::inference_data::{self, InferenceData, ZarrStore};
pub use bayes_nn_models::{
    Acquire, Acquired, Acquisition, AcquisitionError, Comparison, CrossValidation, Data, DataError,
    Dataset, DrawSource, DrawTable, Draws, Error, Estimate, Explained, FileError, GroupError,
    Hidden, Inputs, Model, Posterior, Predict, Predicted, Prediction, PredictiveComparison,
    PredictiveDraws, Replications, Representation, RepresentationError, Representations,
    RestartAgreement, Score, Similarity, SiteComparison, Standardization, Table, Targets, Task,
    Unit, WeightCertainty, cka, compare, compare_on, data, datasets, model, saved, scores,
};
pub use bayes_nn_networks::{Bnn, nn};
#[cfg(feature = "plots")]
pub use bayes_nn_plots::{Bar, plots, report};
/// A source of random bits, for distributions of one's own.
pub use rand_core::Rng;

/// The programs of the README are tests, too.
#[cfg(all(doctest, feature = "plots"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
