//! Probability distributions as graph algebra.
//!
//! A [`Distribution`] writes its log density once, with [`Var`](bayes_nn_autodiff::Var)s: of
//! plain numbers it is a plain number, of nodes it is part of a graph that can be
//! differentiated and compiled. Beside the density stand a reparameterised draw for variational
//! inference, draws on the host for predictions, the [`Support`] with its [`Bijector`] onto the
//! reals, mean and variance, and checks of the parameters.
//!
//! ```
//! use bayes_nn_autodiff::Var;
//! use bayes_nn_distributions::{Distribution, Mixture, Normal, sample};
//!
//! let spike_and_slab = Mixture::new([
//!     (0.25, Normal::new(0.0, 1.0)),
//!     (0.75, Normal::new(0.0, 0.01)),
//! ]);
//! spike_and_slab.check()?;
//! let log_prob = spike_and_slab.log_prob(Var::from(0.5));
//! assert!((log_prob.number().unwrap() + 2.4302328943245635).abs() < 1e-14);
//! assert_eq!(sample(&spike_and_slab, 100, 1)?.len(), 100);
//! # Ok::<(), bayes_nn_distributions::ParameterError>(())
//! ```
//!
//! The distributions of vectors and matrices ([`Dirichlet`], [`MultivariateNormal`],
//! [`LkjCholesky`], ...) have the axes of one draw first and the batch last; see
//! [`Distribution::event_shape`] and [`Bijector::unconstrained_shape`].
//!
//! # Adding a distribution
//! One file: a struct of [`Var`](bayes_nn_autodiff::Var)s, documented with formula, domains,
//! failures, source and an example, its constructor, an implementation of [`Distribution`], its
//! tests. Then one `mod` and one `pub use` line below. Its family in
//! `fixtures/generate.py` gives the reference values, and one line in `tests/common/mod.rs`
//! names the constructor for them.
//!
//! Densities are asked at extreme arguments and differentiated there, hence:
//! - what cancels is rewritten, with the helpers of `stable.rs`;
//! - a branch that [`select`](bayes_nn_autodiff::Var::select) does not take still has a
//!   derivative, and zero times infinity is NaN. So a branch's *argument* is replaced by
//!   something harmless where the branch is not taken;
//! - conditions are written such that NaN cannot come out as a finite number.
#![forbid(unsafe_code)]

mod axes;
mod bijector;
mod distribution;
mod domain;
mod draws;
mod error;
mod expanded;
mod forward;
mod initial;
mod linear;
mod named;
mod parameter;
mod stable;
mod support;
#[cfg(test)]
mod testing;
mod values;

mod auto_regressive;
mod bernoulli;
mod beta;
mod beta_binomial;
mod binomial;
mod categorical;
mod cauchy;
mod chi_squared;
mod dirichlet;
mod ex_gaussian;
mod exponential;
mod flat;
mod gamma;
mod gaussian_random_walk;
mod geometric;
mod gumbel;
mod half_cauchy;
mod half_normal;
mod half_student_t;
mod horseshoe;
mod inverse_gamma;
mod laplace;
mod lkj_cholesky;
mod log_normal;
mod logistic;
mod mixture;
mod multinomial;
mod multivariate_normal;
mod multivariate_student_t;
mod negative_binomial;
mod normal;
mod ordered;
mod ordered_logistic;
mod poisson;
mod skew_normal;
mod spherical_student_t;
mod student_t;
mod truncated_normal;
mod uniform;
mod von_mises;
mod weibull;
mod zero_inflated_poisson;

pub use bijector::Bijector;
pub use distribution::Distribution;
pub use domain::Domain;
pub use error::ParameterError;
pub use expanded::Expanded;
pub use named::{AxisNames, DimensionNames, Named};
pub use parameter::Parameter;
pub use support::{Cardinality, Support};
pub use values::{ParameterValues, sample, sample_with};

pub use auto_regressive::AutoRegressive;
pub use bernoulli::Bernoulli;
pub use beta::Beta;
pub use beta_binomial::BetaBinomial;
pub use binomial::Binomial;
pub use categorical::Categorical;
pub use cauchy::Cauchy;
pub use chi_squared::ChiSquared;
pub use dirichlet::Dirichlet;
pub use ex_gaussian::ExGaussian;
pub use exponential::Exponential;
pub use flat::Flat;
pub use gamma::Gamma;
pub use gaussian_random_walk::GaussianRandomWalk;
pub use geometric::Geometric;
pub use gumbel::Gumbel;
pub use half_cauchy::HalfCauchy;
pub use half_normal::HalfNormal;
pub use half_student_t::HalfStudentT;
pub use horseshoe::Horseshoe;
pub use inverse_gamma::InverseGamma;
pub use laplace::Laplace;
pub use lkj_cholesky::LkjCholesky;
pub use log_normal::LogNormal;
pub use logistic::Logistic;
pub use mixture::Mixture;
pub use multinomial::Multinomial;
pub use multivariate_normal::MultivariateNormal;
pub use multivariate_student_t::MultivariateStudentT;
pub use negative_binomial::NegativeBinomial;
pub use normal::Normal;
pub use ordered::Ordered;
pub use ordered_logistic::OrderedLogistic;
pub use poisson::Poisson;
pub use skew_normal::SkewNormal;
pub use spherical_student_t::SphericalStudentT;
pub use student_t::StudentT;
pub use truncated_normal::TruncatedNormal;
pub use uniform::Uniform;
pub use von_mises::VonMises;
pub use weibull::Weibull;
pub use zero_inflated_poisson::ZeroInflatedPoisson;
