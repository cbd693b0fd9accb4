//! What every method has in common, and what every fit tells.

use std::any::Any;
use std::fmt;

use bayes_nn_kernels::{Precision, Runtime};

use crate::{Density, DrawSource, DrawTable, InferenceError};

/// A way to find the posterior of a density: the settings of [`Advi`](crate::Advi),
/// [`Nuts`](crate::Nuts), [`Pathfinder`](crate::Pathfinder), [`Sgld`](crate::Sgld), or one's own.
pub trait Method {
    /// What it finds.
    type Fit: Fit;

    /// Finds the posterior of a density.
    ///
    /// # Errors
    /// A setting outside its range; a density that cannot be written or compiled; whatever the
    /// method ran into.
    fn fit(&self, density: &dyn Density) -> Result<Self::Fit, InferenceError>;
}

/// What a method found: where the draws of the posterior come from, and what happened on the way.
/// It is shown with `{}` as a report of a few lines.
pub trait Fit: Any + fmt::Debug + fmt::Display + Send + Sync {
    /// The name of the method, as tables show it: `"NUTS"`.
    fn method(&self) -> &'static str;

    /// Where draws of the posterior come from.
    fn source(&self) -> DrawSource;

    /// The draws before those, if they were kept.
    fn warmup(&self) -> Option<DrawTable> {
        None
    }

    /// Where draws of other runs of the method come from, of which the best was kept: of restarts.
    /// What they predict shows whether they agree. Nothing where that is judged otherwise.
    fn others(&self) -> Vec<DrawSource> {
        Vec::new()
    }

    /// What should not be passed over, a sentence each, the most serious first. Whether chains agree
    /// is not among it, unless the method knows of one that is stuck: that is seen from their draws.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Where predictions are computed unless told otherwise: on the CPU in double precision, if
    /// the draws do not come with coarser numbers of another device.
    fn runtime(&self) -> Runtime {
        Runtime {
            precision: Precision::F64,
            ..Runtime::default()
        }
    }
}
