//! Variables: what formulas are written with, and the shape rule of each operation.

use std::ops::{Add, Div, Mul, Neg, Sub};
use std::panic::Location;

use crate::graph::{Graph, InputId, NodeId};
use crate::{Binary, Kind, Op, Reduction, Shape, Unary};

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
/// Operators never fail on the spot. Operands that do not fit leave an error in the graph, with
/// the line that wrote the operator, and [`Graph::check`] returns it.
#[derive(Clone, Copy)]
pub struct Var<'g>(Repr<'g>);

#[derive(Clone, Copy)]
enum Repr<'g> {
    Number(f64),
    Node(&'g Graph, NodeId),
}

impl<'g> Var<'g> {
    pub(crate) fn node(graph: &'g Graph, id: NodeId) -> Var<'g> {
        Var(Repr::Node(graph, id))
    }

    /// The number, when this is one.
    pub fn number(self) -> Option<f64> {
        match self.0 {
            Repr::Number(x) => Some(x),
            Repr::Node(..) => None,
        }
    }

    /// The node, when this is one.
    pub fn id(self) -> Option<NodeId> {
        match self.0 {
            Repr::Number(_) => None,
            Repr::Node(_, id) => Some(id),
        }
    }

    /// The input, when this is one.
    pub fn input_id(self) -> Option<InputId> {
        match self.0 {
            Repr::Number(_) => None,
            Repr::Node(graph, id) => match graph.node(id).op {
                Op::Input(input) => Some(input),
                _ => None,
            },
        }
    }

    /// The graph, unless this is a plain number.
    pub fn graph(self) -> Option<&'g Graph> {
        match self.0 {
            Repr::Number(_) => None,
            Repr::Node(graph, _) => Some(graph),
        }
    }

    /// The shape; a number's is `[]`.
    pub fn shape(self) -> Shape {
        match self.0 {
            Repr::Number(_) => Shape::SCALAR,
            Repr::Node(graph, id) => graph.node(id).shape,
        }
    }

    /// Whether these are real numbers or an index.
    pub fn kind(self) -> Kind {
        match self.0 {
            Repr::Number(_) => Kind::Float,
            Repr::Node(graph, id) => graph.node(id).kind,
        }
    }

    /// Whether the value comes from the rows of the data: from an input that
    /// [`Graph::mark_rows`] names, or the row numbers of [`Graph::batch`]. A plain number does
    /// not.
    pub fn comes_from_rows(self) -> bool {
        match self.0 {
            Repr::Number(_) => false,
            Repr::Node(graph, id) => graph.is_of_rows(id),
        }
    }

    #[track_caller]
    fn unary(self, f: Unary) -> Var<'g> {
        let (graph, location) = match self.0 {
            Repr::Number(x) => return Var(Repr::Number(f.apply(x))),
            Repr::Node(graph, _) => (graph, Location::caller()),
        };
        match float_operands(graph, f.name(), &[self], location) {
            Ok(()) => graph.push(Op::Unary(f), &[self], self.shape(), Kind::Float),
            Err(stand_in) => stand_in,
        }
    }

    #[track_caller]
    fn binary(self, f: Binary, other: impl Into<Var<'g>>) -> Var<'g> {
        let other = other.into();
        let location = Location::caller();
        if let (Some(a), Some(b)) = (self.number(), other.number()) {
            return Var::from(f.apply(a, b));
        }
        let graph = common_graph(&[self, other]);
        if let Err(stand_in) = float_operands(graph, f.name(), &[self, other], location) {
            return stand_in;
        }
        let (a, b) = (self.shape(), other.shape());
        match a.broadcast(&b) {
            Some(shape) => {
                // One order for both spellings lets common subexpressions meet.
                let swap = f.commutes() && self.id() > other.id();
                let operands = if swap { [other, self] } else { [self, other] };
                graph.push(Op::Binary(f), &operands, shape, Kind::Float)
            }
            None => {
                let problem = format!(
                    "the shapes {a} and {b} do not broadcast: aligned at the last axis, lengths \
                     must be equal or 1"
                );
                graph.fail(f.name(), problem, location)
            }
        }
    }

    /// `a` where this is not zero, `b` elsewhere, with broadcasting.
    #[track_caller]
    pub fn select(self, a: impl Into<Var<'g>>, b: impl Into<Var<'g>>) -> Var<'g> {
        let (a, b) = (a.into(), b.into());
        let location = Location::caller();
        if let Some(graph) = [self, a, b].iter().find_map(|v| v.graph())
            && let Err(stand_in) = float_operands(graph, "select", &[self, a, b], location)
        {
            return stand_in;
        }
        if let Some(condition) = self.number() {
            let chosen = if condition != 0.0 { a } else { b };
            let other = if condition != 0.0 { b } else { a };
            if chosen.shape().broadcast(&other.shape()) == Some(chosen.shape()) {
                return chosen;
            }
        }
        let graph = common_graph(&[self, a, b]);
        let shapes = [self.shape(), a.shape(), b.shape()];
        let common = shapes[1].broadcast(&shapes[2]);
        match common.and_then(|s| s.broadcast(&shapes[0])) {
            Some(shape) => graph.push(Op::Select, &[self, a, b], shape, Kind::Float),
            None => {
                let [c, a, b] = shapes;
                let problem = format!("the shapes {c}, {a} and {b} do not broadcast");
                graph.fail("select", problem, location)
            }
        }
    }

    /// The matrix product `[m, k] x [k, n] -> [m, n]`.
    ///
    /// A vector on the left is a row (`[k] x [k, n] -> [n]`), one on the right a column
    /// (`[m, k] x [k] -> [m]`). A [`Var::t`] right before the product costs nothing.
    #[track_caller]
    pub fn matmul(self, other: Var<'g>) -> Var<'g> {
        let location = Location::caller();
        let graph = match (self.0, other.0) {
            (Repr::Node(graph, _), _) | (_, Repr::Node(graph, _)) => graph,
            _ => return self * other,
        };
        if let Err(stand_in) = float_operands(graph, "matmul", &[self, other], location) {
            return stand_in;
        }
        let (a, b) = (self.shape(), other.shape());
        let fail = || {
            let problem = format!(
                "{a} x {b}: operands must be matrices or vectors, and the last axis of the left \
                 one as long as the first of the right one"
            );
            graph.fail("matmul", problem, location)
        };
        if !(1..=2).contains(&a.rank()) || !(1..=2).contains(&b.rank()) || a.columns() != b[0] {
            return fail();
        }
        let left = match a.rank() {
            1 => self.view_unchecked(0, Shape::from([1, a[0]])),
            _ => self,
        };
        let right = match b.rank() {
            1 => other.view_unchecked(0, Shape::from([b[0], 1])),
            _ => other,
        };
        let (left, transpose_a) = left.without_transpose();
        let (right, transpose_b) = right.without_transpose();
        let rows = if a.rank() == 1 { 1 } else { a[0] };
        let columns = if b.rank() == 1 { 1 } else { b[1] };
        let op = Op::MatMul {
            transpose_a,
            transpose_b,
        };
        let product = graph.push(
            op,
            &[left, right],
            Shape::from([rows, columns]),
            Kind::Float,
        );
        let shape = a.without(a.rank() - 1, a.rank());
        let rest = b.without(0, 1);
        match (a.rank(), b.rank()) {
            (2, 2) => product,
            (1, 2) => product.view_unchecked(0, rest),
            (_, _) => product.view_unchecked(0, shape),
        }
    }

    fn without_transpose(self) -> (Var<'g>, bool) {
        if let Repr::Node(graph, id) = self.0 {
            let node = graph.node(id);
            if node.op == Op::Transpose {
                return (Var::node(graph, node.arguments[0]), true);
            }
        }
        (self, false)
    }

    /// The transpose of a matrix; a vector or number is its own.
    #[track_caller]
    pub fn t(self) -> Var<'g> {
        let Repr::Node(graph, _) = self.0 else {
            return self;
        };
        let shape = self.shape();
        match shape.rank() {
            0 | 1 => self,
            2 => graph.push(
                Op::Transpose,
                &[self],
                Shape::from([shape[1], shape[0]]),
                self.kind(),
            ),
            _ => {
                let problem = format!("{shape} is no matrix");
                graph.fail("t", problem, Location::caller())
            }
        }
    }

    #[track_caller]
    fn reduce(self, kind: Reduction, from: usize, to: usize) -> Var<'g> {
        let Repr::Node(graph, _) = self.0 else {
            return self;
        };
        let name = match kind {
            Reduction::Sum => "sum",
            Reduction::Max => "max",
        };
        let location = Location::caller();
        if let Err(stand_in) = float_operands(graph, name, &[self], location) {
            return stand_in;
        }
        let shape = self.shape();
        if to > shape.rank() {
            let problem = format!(
                "axis {from} of the shape {shape}, which has {} axes",
                shape.rank()
            );
            return graph.fail(name, problem, location);
        }
        if kind == Reduction::Max && shape[from..to].contains(&0) {
            let problem = format!("the shape {shape} has no elements there, so no largest one");
            return graph.fail(name, problem, location);
        }
        let op = Op::Reduce { kind, from, to };
        graph.push(op, &[self], shape.without(from, to), Kind::Float)
    }

    /// The sum of all elements, a scalar.
    #[track_caller]
    pub fn sum(self) -> Var<'g> {
        self.reduce(Reduction::Sum, 0, self.shape().rank())
    }

    /// The sums along `axis`, which disappears.
    #[track_caller]
    pub fn sum_axis(self, axis: usize) -> Var<'g> {
        self.reduce(Reduction::Sum, axis, axis + 1)
    }

    /// The mean of all elements, a scalar.
    #[track_caller]
    pub fn mean(self) -> Var<'g> {
        self.sum() / self.shape().elements() as f64
    }

    /// The largest element, a scalar. Ties share its derivative.
    #[track_caller]
    pub fn max(self) -> Var<'g> {
        self.reduce(Reduction::Max, 0, self.shape().rank())
    }

    /// The largest elements along `axis`, which disappears. Ties share the derivative.
    #[track_caller]
    pub fn max_axis(self, axis: usize) -> Var<'g> {
        self.reduce(Reduction::Max, axis, axis + 1)
    }

    /// `ln(sum(exp(x)))` along `axis`, which disappears; no intermediate overflows.
    #[track_caller]
    pub fn logsumexp(self, axis: usize) -> Var<'g> {
        let largest = self.max_axis(axis).stop_gradient();
        // Where all terms are -inf (or one is +inf) the shift must not make inf - inf.
        let shift = largest.abs().lt(f64::INFINITY).select(largest, 0.0);
        let shape = self.shape();
        let kept = match shape.rank() > axis {
            true => shift.reshape(shape.with(axis, 1)),
            false => shift,
        };
        let sum = (self - kept).exp().sum_axis(axis);
        // The logarithm of an empty sum is kept away from the derivative: 0 / 0 is no number.
        let empty = sum.eq(0.0);
        empty.select(f64::NEG_INFINITY, shift + empty.select(1.0, sum).ln())
    }

    /// Stretched to `shape`: axes are aligned at the end, those of length 1 (or missing) repeat.
    #[track_caller]
    pub fn broadcast_to(self, shape: impl Into<Shape>) -> Var<'g> {
        let shape = shape.into();
        let Repr::Node(graph, _) = self.0 else {
            return self;
        };
        let location = Location::caller();
        if let Err(stand_in) = float_operands(graph, "broadcast_to", &[self], location) {
            return stand_in;
        }
        let own = self.shape();
        match own.broadcast(&shape) {
            Some(common) if common == shape => {
                graph.push(Op::Broadcast, &[self], shape, self.kind())
            }
            _ => {
                let problem = format!("{own} cannot be stretched to {shape}");
                graph.fail("broadcast_to", problem, location)
            }
        }
    }

    /// The same elements, in row-major order, in another shape.
    #[track_caller]
    pub fn reshape(self, shape: impl Into<Shape>) -> Var<'g> {
        let shape = shape.into();
        let own = self.shape();
        if own.elements() != shape.elements()
            && let Repr::Node(graph, _) = self.0
        {
            let problem = format!(
                "{own} has {} elements, {shape} {}",
                own.elements(),
                shape.elements()
            );
            return graph.fail("reshape", problem, Location::caller());
        }
        self.view_unchecked(0, shape)
    }

    /// The elements from `offset` on, in row-major order, in a shape of their own. Many views
    /// into one vector of parameters are how parameters are told apart.
    #[track_caller]
    pub fn view(self, offset: usize, shape: impl Into<Shape>) -> Var<'g> {
        let shape = shape.into();
        let own = self.shape();
        if offset + shape.elements() > own.elements()
            && let Repr::Node(graph, _) = self.0
        {
            let problem = format!(
                "elements {offset}..{} of {own}, which has {}",
                offset + shape.elements(),
                own.elements()
            );
            return graph.fail("view", problem, Location::caller());
        }
        self.view_unchecked(offset, shape)
    }

    /// The mean over the *ranks* that run the graph together, of the same shape and the same on
    /// all of them; with one rank this itself, as a number is.
    ///
    /// Ranks are devices that run the same program on their own parts of minibatches. They wait
    /// for one another here, so one mean of a [`concat()`] costs less than several of its parts.
    ///
    /// A gradient through it is this rank's part: its mean over the ranks is the gradient of the
    /// mean of what they compute, and has to be taken, too. Of a loss
    /// that each rank has of its own rows, differentiate first: one mean over gradients and loss is
    /// then all there is.
    ///
    /// ```
    /// use bayes_nn_autodiff::{Bindings, Graph, grad};
    /// let graph = Graph::new();
    /// let x = graph.input("x", [2]);
    /// let loss = (x * x).sum().all_reduce_mean();
    /// let own_part = grad(loss, &[x])?[0];
    /// let gradient = own_part.all_reduce_mean();
    /// // The interpreter is the only rank.
    /// let values = graph.evaluate(&[loss, gradient], &Bindings::new().bind(x, &[1.0, 2.0]))?;
    /// assert_eq!((values[0].values(), values[1].values()), (&[5.0][..], &[2.0, 4.0][..]));
    /// # Ok::<(), bayes_nn_autodiff::GraphError>(())
    /// ```
    #[track_caller]
    pub fn all_reduce_mean(self) -> Var<'g> {
        let Repr::Node(graph, _) = self.0 else {
            return self;
        };
        match float_operands(graph, "all_reduce_mean", &[self], Location::caller()) {
            Ok(()) => graph.push(Op::AllReduceMean, &[self], self.shape(), Kind::Float),
            Err(stand_in) => stand_in,
        }
    }

    pub(crate) fn view_unchecked(self, offset: usize, shape: Shape) -> Var<'g> {
        match self.0 {
            Repr::Number(_) => self,
            Repr::Node(graph, _) => graph.push(Op::View { offset }, &[self], shape, self.kind()),
        }
    }

    /// Row `index` along the first axis: `[r, ...] -> [...]`.
    #[track_caller]
    pub fn row(self, index: usize) -> Var<'g> {
        let shape = self.shape();
        if shape.rank() == 0 {
            return self.axis_error("row", 0);
        }
        let rest = shape.without(0, 1);
        self.view(index * rest.elements(), rest)
    }

    /// Slices along `axis` in the order of `index`, a vector of row numbers:
    /// `[.., n, ..]` by `[b]` gives `[.., b, ..]`. An index outside the axis is an error of
    /// the run, not of the graph.
    #[track_caller]
    pub fn gather(self, index: Var<'g>, axis: usize) -> Var<'g> {
        let shape = self.shape();
        let Repr::Node(graph, _) = self.0 else {
            return self.axis_error("gather", axis);
        };
        if axis >= shape.rank() {
            return self.axis_error("gather", axis);
        }
        if index.kind() != Kind::Index || index.shape().rank() != 1 {
            let problem = format!(
                "the index must be an index vector (index_input, index_constant, batch), this \
                 has the shape {} and the kind {:?}",
                index.shape(),
                index.kind()
            );
            return graph.fail("gather", problem, Location::caller());
        }
        if let Err(stand_in) = same_graph(graph, "gather", &[index], Location::caller()) {
            return stand_in;
        }
        let out = shape.with(axis, index.shape()[0]);
        graph.push(Op::Gather { axis }, &[self, index], out, self.kind())
    }

    /// Adjoint of [`Var::gather`]: slices added up into `length` places along `axis`.
    pub(crate) fn scatter(self, index: Var<'g>, axis: usize, length: usize) -> Var<'g> {
        let shape = self.shape().with(axis, length);
        match self.0 {
            Repr::Number(_) => self,
            Repr::Node(graph, _) => {
                graph.push(Op::Scatter { axis }, &[self, index], shape, Kind::Float)
            }
        }
    }

    #[track_caller]
    fn axis_error(self, operator: &'static str, axis: usize) -> Var<'g> {
        match self.0 {
            Repr::Number(_) => Var::from(f64::NAN),
            Repr::Node(graph, _) => {
                let shape = self.shape();
                let problem = format!("axis {axis} of the shape {shape}");
                graph.fail(operator, problem, Location::caller())
            }
        }
    }

    /// The values, when they are known without running anything: a number or a constant.
    pub fn constant_values(self) -> Option<Vec<f64>> {
        match self.0 {
            Repr::Number(x) => Some(vec![x]),
            Repr::Node(graph, id) => match graph.node(id).op {
                Op::Constant(constant) => Some(graph.constant_values(constant).to_vec()),
                _ => None,
            },
        }
    }
}

/// The arguments one after the other along `axis`; they must agree in all other axes.
///
/// ```
/// use bayes_nn_autodiff::{Graph, concat};
/// let graph = Graph::new();
/// let both = concat(&[graph.input("a", [2, 5]), graph.input("b", [3, 5])], 0);
/// assert_eq!(both.shape().to_string(), "[5, 5]");
/// ```
#[track_caller]
pub fn concat<'g>(parts: &[Var<'g>], axis: usize) -> Var<'g> {
    let location = Location::caller();
    let Some(graph) = parts.iter().find_map(|p| p.graph()) else {
        return Var::from(f64::NAN);
    };
    if let Err(stand_in) = same_graph(graph, "concat", parts, location) {
        return stand_in;
    }
    let first = parts[0].shape();
    let fits = |p: &Var<'g>| {
        let shape = p.shape();
        axis < shape.rank()
            && shape.rank() == first.rank()
            && shape.with(axis, 1) == first.with(axis, 1)
            && p.kind() == parts[0].kind()
    };
    if !parts.iter().all(fits) {
        let shapes: Vec<String> = parts.iter().map(|p| p.shape().to_string()).collect();
        let problem = format!(
            "the shapes {} must be of one kind and agree in every axis but {axis}",
            shapes.join(", ")
        );
        return graph.fail("concat", problem, location);
    }
    let length = parts.iter().map(|p| p.shape()[axis]).sum();
    let shape = first.with(axis, length);
    graph.push(Op::Concat { axis }, parts, shape, parts[0].kind())
}

/// The graph of the first operand that has one.
pub(crate) fn common_graph<'g>(operands: &[Var<'g>]) -> &'g Graph {
    operands
        .iter()
        .find_map(|v| v.graph())
        .expect("operations on numbers alone are done at once")
}

/// Checks that the operands belong to one graph.
fn same_graph<'g>(
    graph: &'g Graph,
    operator: &'static str,
    operands: &[Var<'g>],
    location: &'static Location<'static>,
) -> Result<(), Var<'g>> {
    graph.check_own("an operand", operands).map_err(|_| {
        let problem = "the operands belong to different graphs".to_owned();
        graph.fail(operator, problem, location)
    })
}

/// Checks that the operands are real numbers and of one graph.
pub(crate) fn float_operands<'g>(
    graph: &'g Graph,
    operator: &'static str,
    operands: &[Var<'g>],
    location: &'static Location<'static>,
) -> Result<(), Var<'g>> {
    same_graph(graph, operator, operands, location)?;
    for operand in operands {
        if operand.kind() == Kind::Index {
            let problem = "an index can only select (gather); give the numbers as a float input \
                           to calculate with them"
                .to_owned();
            return Err(graph.fail(operator, problem, location));
        }
    }
    Ok(())
}

macro_rules! unary_methods {
    ($($(#[$doc:meta])* $name:ident => $op:expr;)*) => {
        impl<'g> Var<'g> {
            $($(#[$doc])* #[track_caller] pub fn $name(self) -> Var<'g> { self.unary($op) })*

            /// The polygamma function of an order: 0 is digamma, 1 trigamma.
            #[track_caller]
            pub fn polygamma(self, order: u32) -> Var<'g> { self.unary(Unary::Polygamma(order)) }
        }
    };
}

unary_methods! {
    /// The absolute value.
    abs => Unary::Abs;
    /// -1, 0 or 1.
    sign => Unary::Sign;
    /// The largest whole number not above.
    floor => Unary::Floor;
    /// `1 / x`.
    reciprocal => Unary::Reciprocal;
    /// The square root.
    sqrt => Unary::Sqrt;
    /// `e^x`.
    exp => Unary::Exp;
    /// The natural logarithm.
    ln => Unary::Ln;
    /// `ln(1 + x)`, accurate near 0.
    log1p => Unary::Log1p;
    /// `e^x - 1`, accurate near 0.
    expm1 => Unary::Expm1;
    /// `ln(1 + x) - x`, accurate near 0.
    log1pmx => Unary::Log1pmx;
    /// The sine.
    sin => Unary::Sin;
    /// The cosine.
    cos => Unary::Cos;
    /// The hyperbolic tangent.
    tanh => Unary::Tanh;
    /// `1 / (1 + e^-x)`.
    sigmoid => Unary::Sigmoid;
    /// `ln(1 + e^x)`.
    softplus => Unary::Softplus;
    /// `ln(sigmoid(x))`.
    log_sigmoid => Unary::LogSigmoid;
    /// `max(x, 0)`.
    relu => Unary::Relu;
    /// The logarithm of the absolute gamma function.
    lgamma => Unary::Lgamma;
    /// The derivative of `lgamma`.
    digamma => Unary::Polygamma(0);
    /// The error function.
    erf => Unary::Erf;
    /// `1 - erf(x)`, accurate for large `x`.
    erfc => Unary::Erfc;
    /// The same value, a constant for differentiation.
    stop_gradient => Unary::StopGradient;
}

macro_rules! binary_methods {
    ($($(#[$doc:meta])* $name:ident => $op:expr;)*) => {
        impl<'g> Var<'g> {
            $($(#[$doc])* #[track_caller]
            pub fn $name(self, other: impl Into<Var<'g>>) -> Var<'g> { self.binary($op, other) })*

            /// 1 where greater, 0 elsewhere.
            #[track_caller]
            pub fn gt(self, other: impl Into<Var<'g>>) -> Var<'g> { other.into().lt(self) }

            /// 1 where greater or equal, 0 elsewhere.
            #[track_caller]
            pub fn ge(self, other: impl Into<Var<'g>>) -> Var<'g> { other.into().le(self) }
        }
    };
}

binary_methods! {
    /// `x^y`.
    pow => Binary::Pow;
    /// The larger of two, element by element; NaN when either is.
    maximum => Binary::Max;
    /// The smaller of two, element by element; NaN when either is.
    minimum => Binary::Min;
    /// 1 where less, 0 elsewhere.
    lt => Binary::Less;
    /// 1 where less or equal, 0 elsewhere.
    le => Binary::LessEqual;
    /// 1 where equal, 0 elsewhere.
    eq => Binary::Equal;
}

macro_rules! operators {
    ($($trait:ident $method:ident $op:expr;)*) => {$(
        impl<'g, R: Into<Var<'g>>> $trait<R> for Var<'g> {
            type Output = Var<'g>;
            #[track_caller]
            fn $method(self, other: R) -> Var<'g> { self.binary($op, other) }
        }
        impl<'g> $trait<Var<'g>> for f64 {
            type Output = Var<'g>;
            #[track_caller]
            fn $method(self, other: Var<'g>) -> Var<'g> { Var::from(self).binary($op, other) }
        }
    )*};
}

operators! {
    Add add Binary::Add;
    Sub sub Binary::Sub;
    Mul mul Binary::Mul;
    Div div Binary::Div;
}

impl<'g> Neg for Var<'g> {
    type Output = Var<'g>;
    #[track_caller]
    fn neg(self) -> Var<'g> {
        self.unary(Unary::Neg)
    }
}

impl From<f64> for Var<'_> {
    fn from(number: f64) -> Self {
        Var(Repr::Number(number))
    }
}

impl std::fmt::Debug for Var<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Repr::Number(x) => write!(f, "{x:?}"),
            Repr::Node(graph, id) => {
                write!(f, "%{}: {:?}", id.0, graph.node(id).shape)
            }
        }
    }
}
