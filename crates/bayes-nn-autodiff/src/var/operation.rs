//! How an operation is written, whatever its operands are: nodes of a graph, or numbers alone.

use std::collections::HashSet;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use super::{Repr, Var};
use crate::graph::Graph;
use crate::tensor::{AT_ONCE, Tensor, apply, filled, of_numbers};
use crate::{GraphError, Kind, Op, Shape};

/// An operation with its operands: where it is written, and who reports an operand that does not
/// fit.
#[derive(Clone, Copy)]
pub(super) struct Operation<'a, 'g> {
    name: &'static str,
    operands: &'a [Var<'g>],
    location: &'static Location<'static>,
}

/// An operation on numbers alone that failed. The first graph that meets it reports it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Failure {
    pub(crate) operator: &'static str,
    pub(crate) problem: String,
    pub(crate) location: &'static Location<'static>,
}

impl Failure {
    /// The error, written inside no scope.
    pub(crate) fn error(&self) -> GraphError {
        GraphError::Operator {
            operator: self.operator,
            problem: self.problem.clone(),
            scope: Vec::new(),
            location: self.location,
        }
    }
}

impl<'a, 'g> Operation<'a, 'g> {
    #[track_caller]
    pub(super) fn new(name: &'static str, operands: &'a [Var<'g>]) -> Operation<'a, 'g> {
        Operation {
            name,
            operands,
            location: Location::caller(),
        }
    }

    /// The result that `rule` makes of operands of any kind that belong to one graph.
    pub(super) fn of_any(self, rule: impl FnOnce() -> Result<Var<'g>, String>) -> Var<'g> {
        let mut errors = self.operands.iter();
        if let Some((failed, failure)) = errors.find_map(|v| Some((*v, v.failure()?))) {
            return match home(self.operands) {
                Some(graph) => graph.report(failure),
                None => failed,
            };
        }
        if let Some(graph) = home(self.operands)
            && graph.check_own("an operand", self.operands).is_err()
        {
            return self.fail("the operands belong to different graphs".to_owned());
        }
        rule().unwrap_or_else(|problem| self.fail(problem))
    }

    /// The result that `rule` makes of operands that are real numbers and belong to one graph.
    pub(super) fn of_floats(self, rule: impl FnOnce() -> Result<Var<'g>, String>) -> Var<'g> {
        self.of_any(|| {
            if self.operands.iter().any(|v| v.kind() == Kind::Index) {
                return Err(
                    "an index can only select (gather); give the numbers as a float input \
                            to calculate with them"
                        .to_owned(),
                );
            }
            rule()
        })
    }

    fn fail(self, problem: String) -> Var<'g> {
        match home(self.operands) {
            Some(graph) => graph.fail(self.name, problem, self.location),
            None => Var(Repr::Error(kept(
                &FAILURES,
                Failure {
                    operator: self.name,
                    problem,
                    location: self.location,
                },
            ))),
        }
    }
}

/// The graph of the first operand that is a node, else the graph that a number came from.
pub(super) fn home<'g>(operands: &[Var<'g>]) -> Option<&'g Graph> {
    let node = operands.iter().find_map(|v| v.graph());
    node.or_else(|| {
        operands.iter().find_map(|v| match v.0 {
            Repr::Number(_, home) => home,
            Repr::Uniform(..) | Repr::Literal(_) | Repr::Error(_) | Repr::Node(..) => None,
        })
    })
}

/// The result of an operation whose operands fit: a node, or the value where all are numbers.
pub(super) fn written<'g>(
    op: Op,
    operands: &[Var<'g>],
    shape: Shape,
    kind: Kind,
) -> Result<Var<'g>, String> {
    shape.check()?;
    if let Some(graph) = home(operands) {
        return Ok(graph.push(op, operands, shape, kind));
    }
    let numbers = |i: usize| match operands[i].0 {
        Repr::Number(x, _) | Repr::Uniform(x, _) => Some(x),
        Repr::Literal(_) | Repr::Error(_) | Repr::Node(..) => None,
    };
    if let Some(number) = of_numbers(op, numbers, operands[0].shape(), shape) {
        return Ok(uniform(number, shape));
    }
    for shape in operands
        .iter()
        .map(|operand| operand.shape())
        .chain([shape])
    {
        at_once(shape)?;
    }
    let values: Option<Vec<Tensor>> = operands.iter().map(|v| v.literal()).collect();
    match values.map(|values| apply(op, &values.iter().collect::<Vec<_>>(), shape)) {
        Some(Ok(result)) => Ok(literal(shape, result.values())),
        // The first error stays; an operation that selects by an index has a graph.
        Some(Err(_)) | None => Ok(operands[0]),
    }
}

/// That so many elements can be computed while a formula is written.
pub(super) fn at_once(shape: Shape) -> Result<(), String> {
    match shape.elements() <= AT_ONCE {
        true => Ok(()),
        false => Err(format!(
            "the shape {shape} of numbers that would be computed while the formula is written; at \
             most {AT_ONCE} can be, the rest has to come from an input"
        )),
    }
}

/// A constant of the graph, or a literal where there is none.
pub(super) fn constant<'g>(graph: Option<&'g Graph>, values: &[f64], shape: Shape) -> Var<'g> {
    match graph {
        Some(graph) => graph.constant(values, shape),
        None => literal(shape, values),
    }
}

/// One number for all elements of a shape.
fn uniform<'g>(number: f64, shape: Shape) -> Var<'g> {
    match shape == Shape::SCALAR {
        true => Var::from(number),
        false => Var(Repr::Uniform(number, kept(&SHAPES, shape))),
    }
}

/// Values that belong to no graph.
fn literal<'g>(shape: Shape, values: &[f64]) -> Var<'g> {
    let bits: Vec<u64> = values.iter().map(|v| v.to_bits()).collect();
    match bits.first() {
        Some(first) if bits.iter().all(|b| b == first) => uniform(values[0], shape),
        _ => Var(Repr::Literal(kept(&LITERALS, Literal { shape, bits }))),
    }
}

/// Numbers in a shape; two are equal if their bits are.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Literal {
    pub(super) shape: Shape,
    bits: Vec<u64>,
}

impl Literal {
    pub(super) fn tensor(&self) -> Tensor {
        filled(self.shape, |i| f64::from_bits(self.bits[i]))
    }
}

/// What a variable without a graph points to, each distinct one once. It stays until the process
/// ends, so that variables are `Copy`. Formulas of numbers written into a program make few of
/// them; values that come from data or from draws belong to a graph.
type Kept<T> = Mutex<Option<HashSet<&'static T>>>;

static FAILURES: Kept<Failure> = Mutex::new(None);
static SHAPES: Kept<Shape> = Mutex::new(None);
static LITERALS: Kept<Literal> = Mutex::new(None);

fn kept<T: Eq + std::hash::Hash>(all: &Kept<T>, one: T) -> &'static T {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    let all = all.get_or_insert_default();
    if let Some(known) = all.get(&one) {
        return known;
    }
    let one: &'static T = Box::leak(Box::new(one));
    all.insert(one);
    one
}
