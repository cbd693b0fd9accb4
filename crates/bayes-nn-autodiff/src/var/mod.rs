//! Variables, with which formulas are written. Their operations, each with its shape rule, are in
//! the other files of this folder.

mod arithmetic;
mod linalg;
mod operation;
mod reduce;
mod select;
mod shape;
mod windows;

use crate::graph::{Graph, InputId, NodeId};
use crate::tensor::{AT_ONCE, Tensor, filled};
use crate::{GraphError, Kind, Op, Shape};
pub(crate) use linalg::by_group;
pub(crate) use operation::Failure;
use operation::Literal;
pub use reduce::MOST_DRAWS;
pub use shape::{concat, stack};
pub(crate) use windows::convolved;

/// A plain number, or a node of a graph.
///
/// Arithmetic on numbers is done at once and needs no graph, so a formula written with `Var`
/// serves both as a function of numbers and as a way of writing a graph:
///
/// ```
/// use bayes_nn_autodiff::{Graph, Var};
/// fn half_square(x: Var) -> Var { 0.5 * x * x }
///
/// assert_eq!(half_square(Var::from(3.0)).number(), Some(4.5));
/// let graph = Graph::new();
/// assert_eq!(half_square(graph.input("x", [7])).shape().elements(), 7);
/// ```
///
/// A number has the shape `[]`, and each operation has one shape rule for numbers and nodes: what
/// fits the one fits the other, and gives the same shape.
///
/// Operators never fail on the spot. Operands that do not fit leave an error in the graph, with
/// the line that wrote the operator, and [`Graph::check`] returns it. Where all operands are
/// numbers the result is an error ([`Var::check`]), and the first graph that meets it keeps it.
#[derive(Clone, Copy)]
pub struct Var<'g>(Repr<'g>);

#[derive(Clone, Copy)]
enum Repr<'g> {
    /// A number, and the graph that it was computed in, if it was in one.
    Number(f64, Option<&'g Graph>),
    /// One number for all elements of a shape other than `[]`.
    Uniform(f64, &'static Shape),
    /// Numbers in a shape.
    Literal(&'static Literal),
    /// An operation on numbers alone that failed.
    Error(&'static Failure),
    Node(&'g Graph, NodeId),
}

impl<'g> Var<'g> {
    pub(crate) fn node(graph: &'g Graph, id: NodeId) -> Var<'g> {
        Var(Repr::Node(graph, id))
    }

    /// A number that was computed in a graph.
    pub(crate) fn number_of(graph: &'g Graph, number: f64) -> Var<'g> {
        Var(Repr::Number(number, Some(graph)))
    }

    /// The number, when this is one. NaN stands for an operation on numbers that failed.
    pub fn number(self) -> Option<f64> {
        match self.0 {
            Repr::Number(x, _) => Some(x),
            Repr::Error(_) => Some(f64::NAN),
            Repr::Uniform(..) | Repr::Literal(_) | Repr::Node(..) => None,
        }
    }

    /// The node, when this is one.
    pub fn id(self) -> Option<NodeId> {
        match self.0 {
            Repr::Node(_, id) => Some(id),
            _ => None,
        }
    }

    /// The input, when this is one.
    pub fn input_id(self) -> Option<InputId> {
        match self.0 {
            Repr::Node(graph, id) => match graph.node(id).op {
                Op::Input(input) => Some(input),
                _ => None,
            },
            _ => None,
        }
    }

    /// The graph, when this is a node.
    pub fn graph(self) -> Option<&'g Graph> {
        match self.0 {
            Repr::Node(graph, _) => Some(graph),
            _ => None,
        }
    }

    /// The shape; a number's is `[]`.
    pub fn shape(self) -> Shape {
        match self.0 {
            Repr::Number(..) | Repr::Error(_) => Shape::SCALAR,
            Repr::Uniform(_, shape) => *shape,
            Repr::Literal(literal) => literal.shape,
            Repr::Node(graph, id) => graph.node(id).shape,
        }
    }

    /// Whether these are real numbers or an index.
    pub fn kind(self) -> Kind {
        match self.0 {
            Repr::Node(graph, id) => graph.node(id).kind,
            _ => Kind::Float,
        }
    }

    /// The error of the graph of a node, or of an operation on numbers alone.
    ///
    /// ```
    /// use bayes_nn_autodiff::Var;
    /// let (a, b) = (Var::from(2.0), Var::from(3.0));
    /// assert!((a * b).check().is_ok());
    /// let error = a.matmul(b).check().unwrap_err();
    /// assert!(error.to_string().contains("[] x []"));
    /// ```
    ///
    /// # Errors
    /// [`GraphError::Operator`] where an operator was given operands that do not fit.
    pub fn check(self) -> Result<(), GraphError> {
        match self.0 {
            Repr::Error(failure) => Err(failure.error()),
            Repr::Node(graph, _) | Repr::Number(_, Some(graph)) => graph.check(),
            Repr::Number(_, None) | Repr::Uniform(..) | Repr::Literal(_) => Ok(()),
        }
    }

    pub(crate) fn failure(self) -> Option<&'static Failure> {
        match self.0 {
            Repr::Error(failure) => Some(failure),
            _ => None,
        }
    }

    /// The values of a variable that is no node, unless they are too many.
    pub(crate) fn literal(self) -> Option<Tensor> {
        match self.0 {
            Repr::Number(x, _) => Some(filled(Shape::SCALAR, |_| x)),
            Repr::Uniform(x, shape) if shape.elements() <= AT_ONCE => Some(filled(*shape, |_| x)),
            Repr::Literal(literal) => Some(literal.tensor()),
            Repr::Uniform(..) | Repr::Error(_) | Repr::Node(..) => None,
        }
    }

    /// The number that all elements are, of a variable that is no node.
    pub(crate) fn uniform_number(self) -> Option<f64> {
        match self.0 {
            Repr::Uniform(x, _) => Some(x),
            _ => self.number(),
        }
    }

    /// The values, when they are known without running anything: numbers or a constant. Of more
    /// than 2^26 equal numbers there is none.
    pub fn constant_values(self) -> Option<Vec<f64>> {
        match self.0 {
            Repr::Node(graph, id) => match graph.node(id).op {
                Op::Constant(constant) => Some(graph.constant_values(constant).to_vec()),
                _ => None,
            },
            _ => Some(self.literal()?.values().to_vec()),
        }
    }

    /// Whether the value comes from the rows of the data: from an input that
    /// [`Graph::mark_rows`] names, or the row numbers of [`Graph::batch`]. A plain number does
    /// not.
    pub fn comes_from_rows(self) -> bool {
        match self.0 {
            Repr::Node(graph, id) => graph.is_of_rows(id),
            _ => false,
        }
    }
}

impl From<f64> for Var<'_> {
    fn from(number: f64) -> Self {
        Var(Repr::Number(number, None))
    }
}

impl std::fmt::Debug for Var<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Repr::Number(x, _) => write!(f, "{x:?}"),
            Repr::Uniform(x, shape) => write!(f, "{x:?}: {shape}"),
            Repr::Literal(literal) => {
                write!(f, "{:?}: {}", literal.tensor().values(), literal.shape)
            }
            Repr::Error(failure) => write!(f, "{}", failure.error()),
            Repr::Node(graph, id) => write!(f, "%{}: {:?}", id.0, graph.node(id).shape),
        }
    }
}
