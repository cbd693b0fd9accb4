//! What can go wrong between a graph and a running program.

use bayes_nn_autodiff::{GraphError, Shape};

use crate::cpu::isa::IsaError;
use crate::device::DeviceError;

/// A plan that cannot be made, or a program that cannot be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// The graph itself is wrong.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A state's next value has another shape, or the state is no input.
    #[error(
        "the state `{name}` of shape {} cannot be replaced by a value of shape {}",
        .shapes.0, .shapes.1
    )]
    State {
        /// The state's name.
        name: String,
        /// The state's shape, and that of its next value.
        shapes: Box<(Shape, Shape)>,
    },
    /// A state has two next values.
    #[error("the state `{name}` is given two next values")]
    StateTwice {
        /// The state's name.
        name: String,
    },
    /// Something that must be an input of the program is not.
    #[error("the program has no input number {index}")]
    NoInput {
        /// The input's number in its graph.
        index: usize,
    },
    /// The number of values does not fit.
    #[error("the input `{name}` of shape {shape} needs {} values, got {got}", .shape.elements())]
    Length {
        /// The input's name.
        name: String,
        /// The input's shape.
        shape: Shape,
        /// How many values came.
        got: usize,
    },
    /// An input was never written.
    #[error("the input `{name}` of shape {shape} has no value yet; write it before running")]
    Unset {
        /// The input's name.
        name: String,
        /// The input's shape.
        shape: Shape,
    },
    /// An input that several lanes share was to be set for one of them.
    #[error(
        "the input `{name}` is shared by the lanes of a program; write it to all of them at once"
    )]
    SharedInput {
        /// The input's name.
        name: String,
    },
    /// A state, window or output has the name of another, or a record that of another.
    #[error("the name `{name}` is given twice in one step; every name is to be there once")]
    NameTwice {
        /// The name.
        name: String,
    },
    /// A step has nothing of this name that can be used so.
    #[error("the step has no `{name}` that can be read or set so")]
    NoName {
        /// The name.
        name: String,
    },
    /// There are fewer replicas.
    #[error("there is no replica {replica}; the run has {replicas}, counted from 0")]
    Replica {
        /// The replica's number.
        replica: usize,
        /// How many there are.
        replicas: usize,
    },
    /// An index is no whole number, or outside its axis.
    #[error(
        "index {value} at position {position} of `{name}` must be a whole number below {length}"
    )]
    Index {
        /// The index input, or the operation that uses the index.
        name: String,
        /// The offending value.
        value: f64,
        /// Where it stands.
        position: usize,
        /// One past the largest value allowed.
        length: usize,
    },
    /// The device cannot be had, or failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The requested instruction set cannot be had.
    #[error(transparent)]
    Isa(#[from] IsaError),
}
