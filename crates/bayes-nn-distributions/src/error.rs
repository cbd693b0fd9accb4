//! What can be wrong with a distribution's parameters.

use std::borrow::Cow;

use bayes_nn_autodiff::Shape;

/// Parameters with which a distribution does not exist.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// A parameter lies outside its domain.
    #[error("{distribution}: {parameter}{} must be {expected}, got {value}", at(.position))]
    Domain {
        /// The distribution's name.
        distribution: &'static str,
        /// The parameter's name.
        parameter: Cow<'static, str>,
        /// Which element of the parameter, in row-major order; `None` for a plain number.
        position: Option<usize>,
        /// The offending value.
        value: f64,
        /// What would be right, in words.
        expected: String,
    },
    /// Parameters that are each fine do not fit each other.
    #[error("{distribution}{}: {problem}", at(.position))]
    Conflict {
        /// The distribution's name.
        distribution: &'static str,
        /// Which element of the batch, in row-major order; `None` for a scalar distribution.
        position: Option<usize>,
        /// What does not fit, and what would.
        problem: String,
    },
    /// The parameters have shapes that do not broadcast.
    #[error(
        "{distribution}: {parameter} of batch shape {} does not broadcast with {}: aligned at the \
         last axis, lengths must be equal or 1",
        .shapes[0],
        .shapes[1]
    )]
    Shapes {
        /// The distribution's name.
        distribution: &'static str,
        /// The first parameter that does not fit those before it.
        parameter: Cow<'static, str>,
        /// Its batch shape, and that with which it should broadcast.
        shapes: Box<[Shape; 2]>,
    },
    /// There is nothing to draw: a vector or matrix without elements.
    #[error("{distribution}: {what} is empty; at least one element is needed")]
    Empty {
        /// The distribution's name.
        distribution: &'static str,
        /// What has no elements: a parameter, or a draw.
        what: Cow<'static, str>,
    },
    /// Values were given for another number of parameters.
    #[error("{distribution}: {expected} parameter values are needed, got {got}")]
    Count {
        /// The distribution's name.
        distribution: &'static str,
        /// How many values there should be.
        expected: usize,
        /// How many were given.
        got: usize,
    },
    /// More draws were asked for than memory holds.
    #[error("{distribution}: {draws} draws do not fit into memory")]
    Draws {
        /// The distribution's name.
        distribution: &'static str,
        /// How many were asked for.
        draws: usize,
    },
    /// A draw was asked of a density that does not integrate to 1.
    #[error(
        "{distribution} is no probability distribution{}",
        remedy(.distribution)
    )]
    Improper {
        /// The distribution's name.
        distribution: &'static str,
    },
    /// A parameter is computed by a graph, where a number known now was needed.
    #[error(
        "{distribution}: {parameter} is computed by a graph; evaluate it first and give its values"
    )]
    Unknown {
        /// The distribution's name.
        distribution: &'static str,
        /// The parameter's name.
        parameter: Cow<'static, str>,
    },
}

fn at(position: &Option<usize>) -> String {
    position.map_or(String::new(), |p| format!(" at position {p}"))
}

/// What to do where nothing can be drawn.
fn remedy(distribution: &str) -> &'static str {
    match distribution {
        "AutoRegressive" | "GaussianRandomWalk" => {
            " of its first numbers, so nothing can be drawn from it; say by `initial` where it begins"
        }
        _ => ", so nothing can be drawn from it; use one that integrates to 1",
    }
}
