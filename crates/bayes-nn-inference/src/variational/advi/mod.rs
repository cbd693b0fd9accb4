//! Automatic differentiation variational inference (Kucukelbir et al. 2017, "Automatic
//! differentiation variational inference", JMLR 18).
//!
//! A Gaussian guide over the unconstrained vector is fitted by stochastic gradient ascent on the
//! ELBO. [`Advi`] holds the settings.

mod approximation;
mod ascending;
mod automatic;
mod checked;
mod checkpoint;
mod climbs;
mod diagnosis;
mod drawn;
mod drive;
mod elbo;
mod ended;
mod every;
mod extension;
mod family;
mod fit;
mod guide;
mod importance;
mod interrupted;
mod job;
mod layout;
mod low_rank;
mod mode;
mod narrow;
mod network;
mod parts;
mod place;
mod precision;
mod pruned;
mod report;
mod result;
mod resume;
mod resume_error;
mod search;
mod settings;
mod states;
mod temper;
mod training;
mod validate;
mod variances;
mod warm;
mod write;

pub use approximation::Approximation;
pub use every::Every;
pub(crate) use extension::Extension;
pub use family::Family;
pub use parts::AdviParts;
pub use result::{AdviFit, Curve, Elbo, Restart, Scored, Stop};
pub use resume::Resume;
pub use resume_error::ResumeError;
pub use settings::{Advi, Estimator, MOST_COORDINATES};
pub(crate) use training::Trained;
pub use training::Training;
pub use variances::{GradientVariances, SiteVariances};
pub(crate) use warm::WarmStart;
