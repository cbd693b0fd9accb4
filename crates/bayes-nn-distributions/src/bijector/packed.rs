//! The lower triangle of a square matrix as a vector, for the factors of correlation matrices.

use bayes_nn_autodiff::{Graph, Shape, Var, concat};

use crate::axes::{Beside, TABLE, combine, joined};

/// How many places there are below the diagonal.
pub(super) fn pairs(size: usize) -> usize {
    match size.is_multiple_of(2) {
        true => (size / 2).saturating_mul(size.saturating_sub(1)),
        false => size.saturating_mul(size / 2),
    }
}

/// The lower triangle of a square matrix, packed row by row, with a batch.
pub(super) struct Packed<'g> {
    pub(super) graph: &'g Graph,
    size: usize,
    /// `[1, ...batch]`
    row: Shape,
}

impl<'g> Packed<'g> {
    /// Of the numbers below the diagonal.
    pub(super) fn of_pairs(z: Var<'g>) -> Option<Packed<'g>> {
        let (graph, count) = (z.graph()?, *z.shape().first()?);
        let size = (1..).find(|size| pairs(size + 1) > count)?;
        let row = z.shape().with(0, 1);
        Some(Packed { graph, size, row })
    }

    pub(super) fn of_matrix(x: Var<'g>) -> Option<Packed<'g>> {
        let shape = x.shape();
        let size = *shape.get(1)?;
        let row = shape.without(0, 1).with(0, 1);
        let graph = x.graph()?;
        Some(Packed { graph, size, row })
    }

    /// `[K K, ...batch]`
    pub(super) fn flat(&self) -> Shape {
        self.row.with(0, self.size * self.size)
    }

    /// The matrix of what is in that shape.
    pub(super) fn matrix(&self, flat: Var<'g>) -> Var<'g> {
        let batch = self.row.without(0, 1);
        flat.reshape(joined(Shape::from([self.size, self.size]), batch))
    }

    /// Whether sums are taken by a table of their own, with an element for each place and pair.
    fn is_small(&self) -> bool {
        self.size * self.size * pairs(self.size) <= TABLE * TABLE
    }

    pub(super) fn row_of(&self, value: f64) -> Var<'g> {
        self.graph.constant(&[value], [1]).broadcast_to(self.row)
    }

    /// The places below the diagonal, row by row.
    fn below(&self) -> Vec<(usize, usize)> {
        (0..self.size)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .collect()
    }

    /// For each place of the matrix where it is found among the packed numbers followed by a 1
    /// and a 0.
    pub(super) fn places(&self) -> Vec<usize> {
        let (size, count) = (self.size, pairs(self.size));
        let place = |at: usize| match (at / size, at % size) {
            (i, j) if j < i => pairs(i) + j,
            (i, j) if i == j => count,
            _ => count + 1,
        };
        (0..size * size).map(place).collect()
    }

    pub(super) fn take_below(&self, flat: Var<'g>) -> Var<'g> {
        let places: Vec<usize> = self
            .below()
            .iter()
            .map(|(i, j)| i * self.size + j)
            .collect();
        flat.gather(self.graph.index_constant(&places), 0)
    }

    /// For each place of the matrix the sum of the packed numbers before it in its row.
    pub(super) fn sums_before(&self, packed: Var<'g>) -> Var<'g> {
        let (size, places) = (self.size, self.below());
        if !self.is_small() {
            let parts = concat(&[packed, self.row_of(0.0), self.row_of(0.0)], 0);
            let entries = parts.gather(self.graph.index_constant(&self.places()), 0);
            return Beside::Before.sums(self.graph, entries, size);
        }
        combine(self.graph, packed, size * size, |at, pair| {
            places[pair].0 == at / size && places[pair].1 < at % size
        })
    }

    /// For each place below the diagonal the sum of what comes after it in its row.
    pub(super) fn sums_after(&self, flat: Var<'g>) -> Var<'g> {
        let (size, places) = (self.size, self.below());
        if !self.is_small() {
            // What stands above the diagonal is left out.
            let parts = concat(&[flat, self.row_of(0.0)], 0);
            let lower = (0..size * size).map(|at| match at % size <= at / size {
                true => at,
                false => size * size,
            });
            let lower = self.graph.index_constant(&lower.collect::<Vec<_>>());
            let sums = Beside::After.sums(self.graph, parts.gather(lower, 0), size);
            return self.take_below(sums);
        }
        combine(self.graph, flat, places.len(), |pair, at| {
            let (i, j) = places[pair];
            at / size == i && at % size > j && at % size <= i
        })
    }
}
