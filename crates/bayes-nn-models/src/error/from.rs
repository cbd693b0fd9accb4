//! Errors of the parts below, and errors of models that passed through them.

use bayes_nn_autodiff::GraphError;
use bayes_nn_inference::{HandlerError, InferenceError, StartError};
use bayes_nn_kernels::KernelError;

use super::Error;

/// The error of a model, if it is one.
fn own(error: HandlerError) -> Result<Error, HandlerError> {
    error.downcast::<Error>().map(|own| *own)
}

impl From<GraphError> for Error {
    fn from(error: GraphError) -> Error {
        Error::Graph(Box::new(error))
    }
}

impl From<KernelError> for Error {
    fn from(error: KernelError) -> Error {
        Error::Kernel(Box::new(error))
    }
}

impl From<HandlerError> for Error {
    /// Unwraps what a handler reported.
    fn from(error: HandlerError) -> Error {
        let known = own(error)
            .or_else(|error| error.downcast().map(|site| Error::Site(*site)))
            .or_else(|error| {
                let start = |start: Box<StartError>| Error::Inference((*start).into());
                error.downcast().map(start)
            });
        known.unwrap_or_else(Error::Handler)
    }
}

impl From<InferenceError> for Error {
    /// Unwraps what a model or a store reported from within a fit.
    fn from(error: InferenceError) -> Error {
        match error {
            InferenceError::Density(inner) => match Error::from(inner) {
                Error::Handler(other) => Error::Inference(InferenceError::Density(other)),
                known => known,
            },
            InferenceError::DrawSink(inner) => {
                own(inner).unwrap_or_else(|other| Error::Inference(InferenceError::DrawSink(other)))
            }
            InferenceError::Graph(inner) => Error::Graph(inner),
            InferenceError::Kernel(inner) => Error::Kernel(inner),
            other => Error::Inference(other),
        }
    }
}
