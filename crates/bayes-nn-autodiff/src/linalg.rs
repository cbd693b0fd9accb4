//! Linear algebra of square matrices: the methods of [`Var`] and their shape rules.

use std::panic::Location;

use crate::graph::{Graph, NodeId};
use crate::var::{common_graph, float_operands};
use crate::{Kind, Op, Shape, Var};

impl<'g> Var<'g> {
    /// The Cholesky factor of a symmetric positive definite matrix `[n, n]`: the lower triangular
    /// `L` with a positive diagonal for which `L L^T` is the matrix, with zeros above the
    /// diagonal. A plain number is a matrix of one number.
    ///
    /// Of the matrix only the lower triangle is read, and only it has a derivative. Where the
    /// matrix is not positive definite, or not to rounding, the whole triangle of the factor is
    /// NaN. A covariance that is nearly singular is mended by a small number added to its
    /// diagonal.
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
    pub fn cholesky(self) -> Var<'g> {
        let Some(graph) = self.graph() else {
            return self.sqrt();
        };
        match self.square(graph, "cholesky", Location::caller()) {
            Ok(shape) => graph.push(Op::Cholesky, &[self], shape, Kind::Float),
            Err(stand_in) => stand_in,
        }
    }

    /// The Cholesky factors that this is computed from, in the order written: what to look at
    /// when it is NaN.
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
    pub fn solve_lower(self, right: Var<'g>) -> Var<'g> {
        self.triangular_solve("solve_lower", false, right, Location::caller())
    }

    /// The solution `X` of `L^T X = B` for this lower triangular `L`, with the shapes of
    /// [`Var::solve_lower`].
    #[track_caller]
    pub fn solve_lower_t(self, right: Var<'g>) -> Var<'g> {
        self.triangular_solve("solve_lower_t", true, right, Location::caller())
    }

    fn triangular_solve(
        self,
        operator: &'static str,
        transpose: bool,
        right: Var<'g>,
        location: &'static Location<'static>,
    ) -> Var<'g> {
        if self.graph().is_none() && right.graph().is_none() {
            return right / self;
        }
        let graph = common_graph(&[self, right]);
        if let Err(stand_in) = float_operands(graph, operator, &[right], location) {
            return stand_in;
        }
        let n = match self.square(graph, operator, location) {
            Ok(shape) => shape[0],
            Err(stand_in) => return stand_in,
        };
        let shape = right.shape();
        if !(1..=2).contains(&shape.rank()) || shape[0] != n {
            let problem = format!(
                "a right-hand side of the shape {shape} for a triangle of the shape [{n}, {n}], \
                 which needs a vector [{n}] or a matrix [{n}, m]"
            );
            return graph.fail(operator, problem, location);
        }
        let columns = if shape.rank() == 1 { 1 } else { shape[1] };
        let matrix = Shape::from([n, columns]);
        let arguments = [self, right.view_unchecked(0, matrix)];
        graph
            .push(
                Op::TriangularSolve { transpose },
                &arguments,
                matrix,
                Kind::Float,
            )
            .view_unchecked(0, shape)
    }

    /// The matrix with zeros above its `k`-th diagonal; the main one is number 0, those below it
    /// have negative numbers. What was there does not count, not even NaN. A plain number is left
    /// as it is.
    ///
    /// ```
    /// use bayes_nn_autodiff::{Bindings, Graph};
    /// let graph = Graph::new();
    /// let ones = graph.input("ones", [2, 3]);
    /// let at = Bindings::new().bind(ones, &[1.0; 6]);
    /// let values = graph.evaluate(&[ones.tril(0), ones.tril(-1)], &at)?;
    /// assert_eq!(values[0].values(), [1.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    /// assert_eq!(values[1].values(), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    /// # Ok::<(), bayes_nn_autodiff::GraphError>(())
    /// ```
    #[track_caller]
    pub fn tril(self, k: isize) -> Var<'g> {
        let Some(graph) = self.graph() else {
            return self;
        };
        let shape = self.shape();
        let [rows, columns] = *shape else {
            let problem = format!("{shape} is no matrix");
            return graph.fail("tril", problem, Location::caller());
        };
        let (row, column) = places(graph, rows, columns);
        column.le(row + k as f64).select(self, 0.0)
    }

    /// The diagonal of a square matrix: `[n, n] -> [n]`. A plain number is left as it is.
    #[track_caller]
    pub fn diagonal(self) -> Var<'g> {
        let Some(graph) = self.graph() else {
            return self;
        };
        match self.square(graph, "diagonal", Location::caller()) {
            Ok(shape) => {
                let n = shape[0];
                let places: Vec<usize> = (0..n).map(|i| i * n + i).collect();
                let flat = self.view_unchecked(0, Shape::from(n * n));
                flat.gather(graph.index_constant(&places), 0)
            }
            Err(stand_in) => stand_in,
        }
    }

    /// The matrix with this diagonal and zeros elsewhere: `[n] -> [n, n]`. A plain number is left
    /// as it is.
    #[track_caller]
    pub fn diagonal_matrix(self) -> Var<'g> {
        let Some(graph) = self.graph() else {
            return self;
        };
        let shape = self.shape();
        let [n] = *shape else {
            let problem = format!("{shape} is no vector");
            return graph.fail("diagonal_matrix", problem, Location::caller());
        };
        let (row, column) = places(graph, n, n);
        column.eq(row).select(self, 0.0)
    }

    /// The shape, if it is that of a square matrix of real numbers.
    fn square(
        self,
        graph: &'g Graph,
        operator: &'static str,
        location: &'static Location<'static>,
    ) -> Result<Shape, Var<'g>> {
        float_operands(graph, operator, &[self], location)?;
        let shape = self.shape();
        match *shape {
            [rows, columns] if rows == columns => Ok(shape),
            _ => {
                let problem = format!("{shape} is no square matrix [n, n]");
                Err(graph.fail(operator, problem, location))
            }
        }
    }
}

/// The numbers of the rows of a matrix, as a column, and those of its columns, as a row.
fn places(graph: &Graph, rows: usize, columns: usize) -> (Var<'_>, Var<'_>) {
    let count = |n: usize| (0..n).map(|i| i as f64).collect::<Vec<_>>();
    (
        graph.constant(&count(rows), [rows, 1]),
        graph.constant(&count(columns), [1, columns]),
    )
}
