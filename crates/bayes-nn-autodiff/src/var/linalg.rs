//! Linear algebra: products, factors, triangles.

use super::Var;
use super::operation::{Operation, written};
use crate::graph::NodeId;
use crate::{Kind, Op, Shape, Side};

impl<'g> Var<'g> {
    /// The matrix product `[m, k] x [k, n] -> [m, n]`.
    ///
    /// A vector on the left is a row (`[k] x [k, n] -> [n]`), one on the right a column
    /// (`[m, k] x [k] -> [m]`). A [`Var::t`] right before the product costs nothing.
    ///
    /// Of two operands with three axes each, the first axis counts products:
    /// `[g, m, k] x [g, k, n] -> [g, m, n]`.
    #[track_caller]
    #[must_use]
    pub fn matmul(self, other: Var<'g>) -> Var<'g> {
        Operation::new("matmul", &[self, other]).of_floats(|| {
            let (a, b) = (self.shape(), other.shape());
            if let ([groups, m, k], [others, inner, n]) = (&*a, &*b)
                && (groups, k) == (others, inner)
            {
                let shape = Shape::from([*groups, *m, *n]);
                return by_group(Side::Output, &[other, self], shape);
            }
            let fits = (1..=2).contains(&a.rank()) && (1..=2).contains(&b.rank());
            if !fits || a.columns() != b[0] {
                return Err(format!(
                    "{a} x {b}: operands must be matrices or vectors, and the last axis of the \
                     left one as long as the first of the right one; or both have three axes, \
                     [g, m, k] x [g, k, n]"
                ));
            }
            let left = match a.rank() {
                1 => self.viewed(0, Shape::from([1, a[0]]))?,
                _ => self,
            };
            let right = match b.rank() {
                1 => other.viewed(0, Shape::from([b[0], 1]))?,
                _ => other,
            };
            let (left, transpose_a) = left.without_transpose();
            let (right, transpose_b) = right.without_transpose();
            let op = Op::MatMul {
                transpose_a,
                transpose_b,
            };
            let rows = if a.rank() == 1 { 1 } else { a[0] };
            let columns = if b.rank() == 1 { 1 } else { b[1] };
            let matrix = Shape::from([rows, columns]);
            let product = written(op, &[left, right], matrix, Kind::Float)?;
            match (a.rank(), b.rank()) {
                (2, 2) => Ok(product),
                (1, 2) => product.viewed(0, b.without(0, 1)),
                (rank, _) => product.viewed(0, a.without(rank - 1, rank)),
            }
        })
    }

    /// Products with the weights of a row's group: of these weights `[g, o, i]` and `inputs [i, n]`
    /// column `c` of the result `[o, n]` is the product of the matrix number `groups[c]` and column
    /// `c` of the inputs. `groups [n]` is an index vector; a group outside of the weights is an error
    /// of the graph where it is a constant, else of the run.
    ///
    /// This equals a sum of gathered weights times inputs, and no weight is copied for each row. It
    /// is fastest where the rows of each group follow one another.
    ///
    /// ```
    /// use bayes_nn_autodiff::{Bindings, Graph};
    /// let graph = Graph::new();
    /// let (w, x) = (graph.input("w", [2, 1, 2]), graph.input("x", [2, 3]));
    /// let y = w.matmul_by_group(x, graph.index_constant(&[1, 0, 1]));
    /// let at = Bindings::new()
    ///     .bind(w, &[1.0, 2.0, 10.0, 20.0])
    ///     .bind(x, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    /// assert_eq!(graph.evaluate(&[y], &at)?[0].values(), [90.0, 12.0, 150.0]);
    /// # Ok::<(), bayes_nn_autodiff::GraphError>(())
    /// ```
    #[track_caller]
    #[must_use]
    pub fn matmul_by_group(self, inputs: Var<'g>, groups: Var<'g>) -> Var<'g> {
        Operation::new("matmul_by_group", &[self, inputs, groups]).of_any(|| {
            let (own, given) = (self.shape(), inputs.shape());
            let ([_, outputs, inner], [length, rows]) = (&*own, &*given) else {
                return Err(wrong_groups(own, given));
            };
            let are_numbers = [self, inputs].iter().all(|v| v.kind() == Kind::Float);
            if inner != length || !are_numbers {
                return Err(wrong_groups(own, given));
            }
            groups.check_index(own, 0)?;
            if groups.shape()[0] != *rows {
                return Err(format!(
                    "the groups of {} rows for inputs of the shape {given}, which are {rows} rows",
                    groups.shape()[0]
                ));
            }
            let shape = Shape::from([*outputs, *rows]);
            by_group(Side::Output, &[inputs, self, groups], shape)
        })
    }

    fn without_transpose(self) -> (Var<'g>, bool) {
        if let (Some(graph), Some(id)) = (self.graph(), self.id()) {
            let node = graph.node(id);
            if node.op == Op::Transpose {
                return (Var::node(graph, node.arguments[0]), true);
            }
        }
        (self, false)
    }

    /// The Cholesky factor of a symmetric positive definite matrix `[n, n]`: the lower triangular
    /// `L` with a positive diagonal for which `L L^T` is the matrix, with zeros above the
    /// diagonal.
    ///
    /// Of the matrix only the lower triangle is read, and only it has a derivative. Where the
    /// matrix is not positive definite, or not to rounding, the triangle of the factor is NaN from
    /// the row of the first pivot on that is not positive and finite. A covariance that is nearly
    /// singular is mended by a small number added to its diagonal.
    ///
    /// ```
    /// use bayes_nn_autodiff::{Bindings, Graph};
    /// let graph = Graph::new();
    /// let a = graph.input("a", [2, 2]);
    /// let b = graph.input("b", [2]);
    /// let factor = a.cholesky();
    /// let solution = factor.solve_lower_t(factor.solve_lower(b));
    /// let log_det = 2.0 * factor.diagonal().ln().sum();
    /// let at = Bindings::new().bind(a, &[4.0, 2.0, 2.0, 5.0]).bind(b, &[2.0, -3.0]);
    /// let values = graph.evaluate(&[factor, solution, log_det], &at)?;
    /// assert_eq!(values[0].values(), [2.0, 0.0, 1.0, 2.0]);
    /// assert_eq!(values[1].values(), [1.0, -1.0]);
    /// assert!((values[2].values()[0] - 16f64.ln()).abs() < 1e-15);
    /// # Ok::<(), bayes_nn_autodiff::GraphError>(())
    /// ```
    #[track_caller]
    #[must_use]
    pub fn cholesky(self) -> Var<'g> {
        Operation::new("cholesky", &[self]).of_floats(|| {
            let n = self.square()?;
            written(Op::Cholesky, &[self], Shape::from([n, n]), Kind::Float)
        })
    }

    /// The Cholesky factors that this is computed from, in the order in which they were
    /// written: the first one that is NaN is why this is NaN.
    pub fn cholesky_factors(self) -> Vec<Var<'g>> {
        let (Some(graph), Some(id)) = (self.graph(), self.id()) else {
            return Vec::new();
        };
        let nodes = graph.nodes();
        let mut needed = vec![false; id.index() + 1];
        needed[id.index()] = true;
        let mut factors = Vec::new();
        for index in (0..=id.index()).rev() {
            if !needed[index] {
                continue;
            }
            for argument in &nodes[index].arguments {
                needed[argument.index()] = true;
            }
            if nodes[index].op == Op::Cholesky {
                factors.push(Var::node(graph, NodeId(index as u32)));
            }
        }
        factors.reverse();
        factors
    }

    /// The solution `X` of `L X = B` for this lower triangular `L [n, n]` and the right-hand
    /// sides `B`: `[n, m]`, or `[n]` for one. What stands above the diagonal of `L` is not read.
    /// See [`Var::cholesky`] for an example.
    #[track_caller]
    #[must_use]
    pub fn solve_lower(self, right: Var<'g>) -> Var<'g> {
        Operation::new("solve_lower", &[self, right])
            .of_floats(|| self.triangular_solve(false, right))
    }

    /// The solution `X` of `L^T X = B` for this lower triangular `L`, with the shapes of
    /// [`Var::solve_lower`].
    #[track_caller]
    #[must_use]
    pub fn solve_lower_t(self, right: Var<'g>) -> Var<'g> {
        Operation::new("solve_lower_t", &[self, right])
            .of_floats(|| self.triangular_solve(true, right))
    }

    fn triangular_solve(self, transpose: bool, right: Var<'g>) -> Result<Var<'g>, String> {
        let n = self.square()?;
        let shape = right.shape();
        if !(1..=2).contains(&shape.rank()) || shape[0] != n {
            return Err(format!(
                "a right-hand side of the shape {shape} for a triangle of the shape [{n}, {n}], \
                 which needs a vector [{n}] or a matrix [{n}, m]"
            ));
        }
        let columns = if shape.rank() == 1 { 1 } else { shape[1] };
        let matrix = Shape::from([n, columns]);
        let arguments = [self, right.viewed(0, matrix)?];
        let op = Op::TriangularSolve { transpose };
        written(op, &arguments, matrix, Kind::Float)?.viewed(0, shape)
    }

    /// `n`, if this is a square matrix `[n, n]`.
    pub(super) fn square(self) -> Result<usize, String> {
        let shape = self.shape();
        match *shape {
            [rows, columns] if rows == columns => Ok(rows),
            _ => Err(format!("{shape} is no square matrix [n, n]")),
        }
    }
}

/// The side `result` of products by groups, of the shape `shape`, from its two others and the groups
/// of rows, if they have them; the shapes fit.
pub(crate) fn by_group<'g>(
    result: Side,
    given: &[Var<'g>],
    shape: Shape,
) -> Result<Var<'g>, String> {
    written(Op::ProductByGroup { result }, given, shape, Kind::Float)
}

fn wrong_groups(weights: Shape, inputs: Shape) -> String {
    format!(
        "weights of the shape {weights} and inputs of the shape {inputs}; they must be real numbers, \
         [g, o, i] and [i, n]"
    )
}
