//! Computation graphs with symbolic reverse-mode differentiation.
//!
//! A model is fixed while it is fitted: the same density, evaluated thousands of times. So the
//! density is written down once, with [`Var`]s, and leaves a [`Graph`]. Its gradient
//! ([`grad`]) is more nodes of the same graph, hence a gradient can be differentiated again,
//! and whatever runs the graph sees forward and backward pass as one program.
//!
//! ```
//! use bayes_nn_autodiff::{Bindings, Graph, grad};
//!
//! let graph = Graph::new();
//! let x = graph.input("x", [3]);
//! let energy = (x * x).sum() * 0.5;
//! let gradient = grad(energy, &[x])?[0];
//!
//! let bindings = Bindings::new().bind(x, &[1.0, -2.0, 3.0]);
//! let values = graph.evaluate(&[energy, gradient], &bindings)?;
//! assert_eq!(values[0].values(), [7.0]);
//! assert_eq!(values[1].values(), [1.0, -2.0, 3.0]);
//! # Ok::<(), bayes_nn_autodiff::GraphError>(())
//! ```
//!
//! The crate knows nothing of devices or speed: [`Graph::evaluate`] is a plain double-precision
//! interpreter, the oracle against which every fast executor is tested.
#![forbid(unsafe_code)]

mod binary;
mod error;
mod formula;
mod grad;
mod graph;
pub mod noise;
mod op;
mod reference;
mod shape;
mod simplify;
mod slide;
pub mod special;
mod tensor;
mod unary;
mod var;
mod window;

pub use binary::Binary;
pub use error::GraphError;
pub use grad::grad;
pub use graph::{Graph, InputId, InputInfo, Kind, Node, NodeId, Nodes};
pub use op::{NoiseKind, Op, Reduction};
pub use reference::{Bindings, Evaluated, Interpreter};
pub use shape::Shape;
pub use tensor::Tensor;
pub use unary::Unary;
pub use var::{MOST_DRAWS, Var, concat, stack};
pub use window::{Side, Window};
