//! Fits whose data cannot be read any more.

use bayes_nn_kernels::KernelError;

use super::Approximation;
use crate::{InferenceError, Interruption};

/// A failure of the fit of this seed after steps of these ELBOs; where its data could not be read, with
/// the guide that it had by then.
pub(super) fn interrupted(
    error: InferenceError,
    seed: u64,
    elbos: &[f64],
    last_good: impl FnOnce() -> Result<Approximation, InferenceError>,
) -> InferenceError {
    let cause = match &error {
        InferenceError::Kernel(kernel) => match &**kernel {
            KernelError::Feed(cause) => cause.clone(),
            _ => return error,
        },
        _ => return error,
    };
    match last_good() {
        Ok(last_good) => InferenceError::Interrupted(Box::new(Interruption {
            step: elbos.len() as u64,
            seed,
            cause,
            last_good,
            elbos: elbos.to_vec(),
        })),
        Err(error) => error,
    }
}
