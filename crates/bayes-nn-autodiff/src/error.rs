//! What can be wrong with a graph.

use std::panic::Location;

use crate::Shape;

/// A graph that cannot be differentiated, evaluated or compiled.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// An operator was given operands that do not fit. The graph keeps the first such error and
    /// returns it when it is used, so that formulas need no `?`.
    #[error("{operator} at {location}{}: {problem}", in_scope(.scope))]
    Operator {
        /// The operator, as its method is called.
        operator: &'static str,
        /// What does not fit, and what would.
        problem: String,
        /// The names (site, layer) inside which the operator was written, outermost first.
        scope: Vec<String>,
        /// The line of source that wrote the operator.
        location: &'static Location<'static>,
    },
    /// A gradient was asked of something that is not one number.
    #[error("only a scalar can be differentiated, this has the shape {shape}; sum it first")]
    NotScalar {
        /// The shape of what was to be differentiated.
        shape: Shape,
    },
    /// A mean over draws was to be differentiated.
    #[error(
        "a mean over draws cannot be differentiated; differentiate what is averaged, and take the \
         mean of its gradient"
    )]
    MeanOverDraws,
    /// A variable is a plain number, or belongs to another graph, where a node was needed.
    #[error("{role} must be a node of this graph")]
    Foreign {
        /// What the variable was given as.
        role: &'static str,
    },
    /// An input has no value, or one of the wrong length.
    #[error("the input `{name}` of shape {shape} needs {} values, got {got}", .shape.elements())]
    Binding {
        /// The input's name.
        name: String,
        /// The input's shape.
        shape: Shape,
        /// How many values were bound.
        got: usize,
    },
    /// A value is larger than the memory that the system gives.
    #[error("a value of the shape {shape} does not fit into memory")]
    Memory {
        /// The shape of the value.
        shape: Shape,
    },
    /// An index points outside the axis it selects from.
    #[error("index {index} at position {position} is outside the axis of length {length}")]
    Index {
        /// The offending index.
        index: f64,
        /// Where it stands among the indices.
        position: usize,
        /// The length of the axis.
        length: usize,
    },
}

fn in_scope(scope: &[String]) -> String {
    if scope.is_empty() {
        String::new()
    } else {
        format!(" in `{}`", scope.join("."))
    }
}
