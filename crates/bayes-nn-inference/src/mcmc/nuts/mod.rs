//! The No-U-Turn Sampler (Hoffman and Gelman 2014, JMLR 15; Betancourt 2017): draws from a
//! density by its gradient, exact in the limit of many.
//!
//! [`LogDensity`] is what is sampled: slices in, slices out, nothing of models in it. A
//! [`Density`](crate::Density) becomes one by [`CompiledDensity`]. [`Kernel::step`] is one
//! transition: from a [`State`] to the next, with an [`Info`] about the trajectory between them.
//! [`Nuts`] holds the settings of chains of transitions; [`Nuts::start`] sets them going on threads
//! and returns the [`NutsRun`] that watches and steers them; [`NutsFit`] holds the draws. A
//! [`DrawSink`] takes them while they are made.

mod adaptation;
mod archive;
mod chain;
mod checkpoint;
mod counters;
mod delayed;
mod draw_sink;
mod draws;
mod fit;
mod gathering;
mod kernel;
mod launch;
mod low_rank;
mod metric;
mod moments;
mod parts;
mod progress;
mod random;
mod run;
mod settings;
mod start;
mod state;
mod statistics;
mod step_size;
mod threads;
mod tree;
mod warnings;
mod window;

pub use crate::compiled::CompiledDensity;
pub use crate::error::DrawSinkError;
pub use crate::log_density::{EvalError, LogDensity};
pub use adaptation::WarmupSchedule;
pub use draw_sink::{DrawBlock, DrawSink, PlannedRun};
pub use draws::UnconstrainedDraws;
pub use fit::{ChainDraws, NutsFit};
pub use kernel::{Kernel, TreeLimits, Tuned};
pub use low_rank::LowRank;
pub use metric::{Metric, Whitening};
pub use parts::{ChainParts, NutsParts};
pub use progress::{ChainProgress, SamplingProgress};
pub use run::NutsRun;
pub(crate) use settings::Checkpoints;
pub use settings::Nuts;
pub use state::State;
pub use statistics::{Info, Statistics};
