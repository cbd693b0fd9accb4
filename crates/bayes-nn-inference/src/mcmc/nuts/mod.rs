//! The No-U-Turn Sampler (Hoffman and Gelman 2014, JMLR 15; Betancourt 2017): draws from a
//! density by its gradient, exact in the limit of many.
//!
//! [`LogDensity`] is what is sampled: slices in, slices out, nothing of models in it. A
//! [`Density`](crate::Density) becomes one by [`CompiledDensity`]. [`Nuts`] holds the settings;
//! [`Nuts::start`] sets chains going on threads and returns the [`NutsRun`] that watches and
//! steers them; [`NutsFit`] holds the draws. A [`DrawSink`] takes them while they are made.

mod adaptation;
mod archive;
mod chain;
mod checkpoint;
mod compiled;
mod delayed;
mod fit;
mod log_density;
mod low_rank;
mod metric;
mod moments;
mod progress;
mod random;
mod run;
mod settings;
mod sink;
mod start;
mod statistics;
mod step_size;
mod threads;
mod tree;
mod window;

pub use adaptation::{Tuned, WarmupSchedule};
pub use compiled::CompiledDensity;
pub(crate) use compiled::first_bad_term;
pub use fit::{ChainDraws, NutsFit};
pub use log_density::{EvalError, LogDensity};
pub use low_rank::LowRank;
pub use metric::{Metric, Whitening};
pub use progress::{ChainProgress, SamplingProgress};
pub use run::NutsRun;
pub use settings::Nuts;
pub use sink::{Block, DrawSink, Planned, SinkError};
pub use statistics::{Rows, Statistics};
