//! Matrix products: small ones as kernels, large ones for a library. Factors and solutions of
//! triangular systems.

use bayes_nn_autodiff::Side;

use super::Work;
use super::group::block_for;
use super::moves::Sums;
use super::text::{Printer, count, joined, literal, scaled};
use super::windows::{digits, numbered};
use crate::plan::{MatMul, Plan, ProductByGroup, TriangularSolve, Value, ValueId};

/// Products with fewer multiplications than this are kernels of the program.
pub(super) const LIBRARY_FROM: usize = 1 << 18;

/// Sums at least this long are a block's, when the products are few.
const LONG_SUM: usize = 128;

/// Products are few up to here.
const FEW: usize = 4096;

/// A matrix in memory, as a product reads or writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Matrix {
    memory: &'static str,
    offset: usize,
    row_stride: usize,
    column_stride: usize,
}

impl Matrix {
    fn new(memory: &'static str, value: &Value, transposed: bool) -> Matrix {
        // A column vector lies as one row.
        let row_stride = match value.shape.last() {
            Some(1) => 1,
            _ => value.layout.stride,
        };
        let (row_stride, column_stride) = match transposed {
            true => (1, row_stride),
            false => (row_stride, 1),
        };
        Matrix {
            memory,
            offset: value.offset,
            row_stride,
            column_stride,
        }
    }

    fn element(self, row: &str, column: &str) -> String {
        let place = joined(&[
            literal(self.offset),
            scaled(row, self.row_stride),
            scaled(column, self.column_stride),
        ]);
        format!("{}[{place}]", self.memory)
    }
}

/// A product in the words of BLAS: `c = op(a) op(b)`, all stored by columns, `c` of `m` rows and
/// `n` columns, sums over `k`. What BLAS calls a column of `c` is a row of the plan's product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// The pass that it does.
    pub pass: usize,
    /// Rows of `c`.
    pub m: usize,
    /// Columns of `c`.
    pub n: usize,
    /// Terms of a sum.
    pub k: usize,
    /// Where `a` starts in the arena, from column to column, and whether it is transposed.
    pub a: (usize, usize, bool),
    /// The same of `b`.
    pub b: (usize, usize, bool),
    /// Where `c` starts, and from column to column.
    pub c: (usize, usize),
}

impl Product {
    /// A product as a library does it; `None` if it is too small for that to pay.
    pub(super) fn for_library(product: &MatMul, pass: usize, plan: &Plan) -> Option<Product> {
        let (m, n, k) = (product.m, product.n, product.k);
        if m * n * k < LIBRARY_FROM || m.min(n).min(k) < 2 {
            return None;
        }
        let operand = |id: ValueId, transposed| {
            let value = &plan.values[id.index()];
            (value.offset, value.layout.stride, transposed)
        };
        let out = &plan.values[product.out.index()];
        // Rows read as columns transpose a matrix: c^T = b^T a^T.
        Some(Product {
            pass,
            m: n,
            n: m,
            k,
            a: operand(product.right, product.transpose_right),
            b: operand(product.left, product.transpose_left),
            c: (out.offset, out.layout.stride),
        })
    }
}

impl Printer<'_> {
    /// One block factors the matrix.
    pub(super) fn cholesky(&mut self, matrix: ValueId, out: ValueId) -> Work {
        let n = self.value(out).shape.rows();
        let (from, to) = (self.matrix(matrix, false), self.matrix(out, false));
        self.line(format!(
            "    if (f.block == 0) cholesky(&{}, {}, &{}, {}, {});",
            from.element("", ""),
            count(from.row_stride),
            to.element("", ""),
            count(to.row_stride),
            count(n)
        ));
        Work::Blocks(1, block_for(n * n))
    }

    /// A thread solves for each column.
    pub(super) fn triangular_solve(&mut self, solve: &TriangularSolve) -> Work {
        let (shape, transpose) = (self.value(solve.out).shape, solve.transpose);
        let values = [solve.triangle, solve.right, solve.out];
        let [triangle, right, out] = values.map(|id| self.matrix(id, false));
        self.line(format!(
            "    for (place i = f.thread; i < {}; i += f.threads)\n        \
             triangular_solve<{transpose}>(&{}, {}, &{}, {}, &{}, {}, {});",
            count(shape.columns()),
            triangle.element("", ""),
            count(triangle.row_stride),
            right.element("", "i"),
            count(right.row_stride),
            out.element("", "i"),
            count(out.row_stride),
            count(shape.rows())
        ));
        Work::Units(shape.columns())
    }

    fn matrix(&self, id: ValueId, transposed: bool) -> Matrix {
        Matrix::new(self.memory(id), self.value(id), transposed)
    }

    pub(super) fn product(&mut self, product: &MatMul) -> Work {
        let (m, n, k) = (product.m, product.n, product.k);
        let left = self.matrix(product.left, product.transpose_left);
        let right = self.matrix(product.right, product.transpose_right);
        let out = self.matrix(product.out, false);
        let (row, column) = match (m, n) {
            (_, 1) => ("i".to_owned(), "0u".to_owned()),
            (1, _) => ("0u".to_owned(), "i".to_owned()),
            _ => (format!("i / {}", count(n)), format!("i % {}", count(n))),
        };
        let (a, b) = (left.element("row", "k"), right.element("k", "column"));
        let sums = Sums {
            results: m * n,
            terms: k,
            by_block: k >= LONG_SUM && m * n <= FEW,
            kind: "Sum",
            before: &format!("        const place row = {row}, column = {column};\n"),
            start: "0",
            add: &format!("sum += {a} * {b}"),
            to: &out.element("row", "column"),
        };
        self.sums(&sums)
    }
}

impl Printer<'_> {
    /// A thread, or a block, adds up the terms of each element of products by groups.
    pub(super) fn product_by_group(&mut self, number: usize, product: &ProductByGroup) -> Work {
        let [groups, outputs, inputs, rows] = product.sizes(self.plan);
        let of_row = |row: &str| match product.index {
            Some(index) => self.slice(number, index, groups, row),
            None => "g".to_owned(),
        };
        let (out, result) = (product.value(product.result), product.result);
        let (first, second, row) = match result {
            Side::Output => ("o", "k", "n"),
            Side::Input => ("k", "c", "n"),
            Side::Weight => ("o", "c", "k"),
        };
        // Rows that an index tells apart are one block of rows.
        let block = if product.index.is_some() { "0u" } else { "g" };
        let at = |side: Side, axes: [(&str, usize); 3]| {
            self.element(product.value(side), &numbered(&axes))
        };
        let weight = at(
            Side::Weight,
            [("group", 0), (first, outputs), (second, inputs)],
        );
        let input = at(Side::Input, [(block, 0), (second, inputs), (row, rows)]);
        let output = at(Side::Output, [(block, 0), (first, outputs), (row, rows)]);
        let (axes, terms, before, add) = match result {
            Side::Output | Side::Input => {
                let (name, length, terms, factor) = match result {
                    Side::Output => ("o", outputs, inputs, input),
                    _ => ("c", inputs, outputs, output),
                };
                (
                    [("n", rows), (name, length), ("g", groups)],
                    terms,
                    format!("const place group = {}; ", of_row("n")),
                    format!("sum += {weight} * {factor}"),
                )
            }
            Side::Weight => {
                let own = match product.index {
                    Some(_) => format!("if ({} == g) ", of_row("k")),
                    None => String::new(),
                };
                (
                    [("c", inputs), ("o", outputs), ("g", groups)],
                    rows,
                    String::new(),
                    format!("{{ {own}sum += {input} * {output}; }}"),
                )
            }
        };
        let elements = self.value(out).shape.elements();
        let before = format!("        {}{before}\n", digits("i", &axes));
        let sums = Sums {
            results: elements,
            terms,
            by_block: terms >= LONG_SUM && elements <= FEW,
            kind: "Sum",
            before: &before,
            start: "0",
            add: &add,
            to: &self.element(out, "i"),
        };
        self.sums(&sums)
    }
}
