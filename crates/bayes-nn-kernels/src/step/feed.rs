//! Windows that are fed before every step, as with the rows of a minibatch that come from a file.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::run::Run;
use crate::KernelError;

/// What windows of a step are fed with: a function of the seed and the number of the step, whatever ran
/// before.
pub trait Feed: fmt::Debug + Send + Sync {
    /// What feeds a replica of this seed, from this step on.
    ///
    /// # Errors
    /// When nothing can be fed.
    fn begin(&self, seed: u64, step: u64) -> Result<Box<dyn Feeder>, FeedError>;
}

/// What feeds one replica, step after step.
pub trait Feeder: Send {
    /// The blocks of the next step, one for each window in the order in which
    /// [`Step::fed_by`](super::Step::fed_by) names them, each in row-major order.
    ///
    /// # Errors
    /// When there is no next block, as of a file that was changed.
    fn next(&mut self) -> Result<&[Vec<f64>], FeedError>;

    /// What is wrong with an index of the blocks that were fed last, in terms of where they come from: the
    /// number at this position of a block must be below the length of an axis. Nothing unless a feeder knows.
    fn refuse(&self, _index: &WrongIndex) -> Option<FeedError> {
        None
    }
}

/// An index that was fed and is outside its axis.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct WrongIndex {
    /// The number.
    pub value: f64,
    /// Where it stands in its block.
    pub position: usize,
    /// One past the largest number allowed.
    pub length: usize,
}

/// Why a window could not be fed; its [source](Error::source) is what was reported. Cloning shares it.
#[derive(Clone, Debug)]
pub struct FeedError(Arc<dyn Error + Send + Sync>);

impl FeedError {
    /// What was reported.
    pub fn new(error: impl Error + Send + Sync + 'static) -> FeedError {
        FeedError(Arc::new(error))
    }
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for FeedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

impl PartialEq for FeedError {
    fn eq(&self, other: &FeedError) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Run {
    /// Feeds the windows of a replica for its next step, if they are fed.
    pub(super) fn feed_step(&mut self, replica: usize) -> Result<(), KernelError> {
        let Some(fed) = &self.program.step.fed else {
            return Ok(());
        };
        let feeder = &mut self.feeders[replica];
        let feeder = match feeder {
            Some(feeder) => feeder,
            None => feeder.insert(fed.feed.begin(self.seeds[replica], self.steps[replica])?),
        };
        for (input, block) in fed.inputs.iter().zip(feeder.next()?) {
            if let Some(input) = input {
                self.replicas.program_mut(replica).write(*input, block)?;
            }
        }
        Ok(())
    }

    /// The error of a step as what feeds it would say it.
    pub(super) fn told(&self, replica: usize, error: KernelError) -> KernelError {
        let KernelError::Index {
            value,
            position,
            length,
            ..
        } = error
        else {
            return error;
        };
        let wrong = WrongIndex {
            value,
            position,
            length,
        };
        let feeder = self.feeders[replica].as_ref();
        let told = feeder.and_then(|feeder| feeder.refuse(&wrong));
        told.map_or(error, KernelError::Feed)
    }
}
