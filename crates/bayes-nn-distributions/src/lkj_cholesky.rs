//! The distribution of Lewandowski, Kurowicka and Joe of correlation matrices, by their Cholesky
//! factors.

use std::f64::consts::PI;

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use rand_core::Rng;

use crate::axes::joined;
use crate::linear::{Lower, padded, stacked};
use crate::stable::half_step;
use crate::{Distribution, Domain, Parameter, Support, draws};

/// The LKJ distribution of Cholesky factors `[K, K, ...batch]` with `concentration > 0`.
///
/// ```text
/// p(L) = 1 / Z prod_k L[k, k]^(K - 1 - k + 2 (c - 1)),   k = 1 .. K - 1,   c = concentration
/// Z = prod_m (sqrt(pi) gamma(c + m / 2) / gamma(c + (m + 1) / 2))^(m + 1),   m = 0 .. K - 2
/// ```
///
/// For the correlation matrix `L L^T` it is proportional to its determinant to the power `c - 1`:
/// uniform for 1, nearer to the identity above. It is a density of the places below the diagonal.
/// Only the diagonal is looked at; that the rows have length 1 is not checked.
///
/// D. Lewandowski, D. Kurowicka and H. Joe, *Generating random correlation matrices based on vines
/// and extended onion method*, 2009; draws go by its C-vine.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_distributions::{Distribution, LkjCholesky};
/// // In two dimensions the correlation is uniform on (-1, 1).
/// let graph = Graph::new();
/// let factor = graph.constant(&[1.0, 0.0, 0.6, 0.8], [2, 2]);
/// let log_prob = LkjCholesky::new(2, 1.0).log_prob(factor).number().unwrap();
/// assert!((log_prob - 0.5f64.ln()).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LkjCholesky<'a> {
    size: usize,
    concentration: Var<'a>,
}

impl<'a> LkjCholesky<'a> {
    /// Of matrices with `size` rows, with `concentration`.
    pub fn new(size: usize, concentration: impl Into<Var<'a>>) -> LkjCholesky<'a> {
        LkjCholesky {
            size,
            concentration: concentration.into(),
        }
    }

    /// Both parameters of the beta distribution of `(1 + r) / 2`, for the partial correlations
    /// `r` of a column.
    fn column(&self, column: usize) -> Var<'a> {
        self.concentration + 0.5 * (self.size as f64 - 2.0 - column as f64)
    }

    /// `[K, K, ...batch]` of entries that are zero above the diagonal.
    fn matrix(&self, entry: impl Fn(usize, usize) -> Var<'a>) -> Var<'a> {
        let size = self.size;
        let entries: Vec<Var<'a>> = (0..size * size)
            .map(|at| match (at / size, at % size) {
                (i, j) if j <= i => entry(i, j),
                _ => Var::from(0.0),
            })
            .collect();
        let batch = self.concentration.shape();
        match stacked(&[self.concentration], &entries, batch) {
            flat if flat.graph().is_some() => {
                flat.reshape(joined(Shape::from([size, size]), batch))
            }
            number => number,
        }
    }
}

impl<'a: 'g, 'g> Distribution<'g> for LkjCholesky<'a> {
    fn name(&self) -> &'static str {
        "LkjCholesky"
    }

    fn parameters(&self) -> Vec<Parameter<'g>> {
        vec![Parameter::new(
            "concentration",
            self.concentration,
            Domain::Positive,
        )]
    }

    fn support(&self) -> Support<'g> {
        Support::CorrelationCholesky
    }

    fn event_shape(&self) -> Shape {
        Shape::from([self.size, self.size])
    }

    fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        let c: Var<'g> = self.concentration;
        let own = c.shape().rank();
        let rank = own.max(x.shape().rank().saturating_sub(2));
        let flat = padded(Lower(x).flat(), 1, rank);
        let diagonal = (1..self.size).map(|k| match flat.shape().rank() {
            0 => flat,
            _ => flat.row(k * self.size + k),
        });
        let mut inside = Var::from(0.0);
        let mut outside = Var::from(0.0);
        for (k, entry) in (1..).zip(diagonal) {
            let positive = entry.gt(0.0);
            let power = c * 2.0 + (self.size as f64 - 3.0 - f64::from(k));
            inside = inside + power * positive.select(entry, 1.0).ln();
            outside = outside + positive.eq(0.0);
        }
        for m in 0..self.size.saturating_sub(1) {
            let (a, count) = (c + 0.5 * m as f64, (m + 1) as f64);
            inside = inside + (a.ln() * 0.5 + half_step(a) - 0.5 * PI.ln()) * count;
        }
        outside.eq(0.0).select(inside, f64::NEG_INFINITY)
    }

    fn rsample(&self, _: &mut dyn FnMut(NoiseKind) -> Var<'g>) -> Option<Var<'g>> {
        None
    }

    /// The first number of a factor: always 1.
    fn draw(&self, _: &[f64], _: &mut dyn Rng) -> f64 {
        1.0
    }

    fn draw_event(&self, parameters: &[f64], rng: &mut dyn Rng, event: &mut [f64]) {
        let [concentration] = draws::numbers(parameters);
        for (i, row) in event.chunks_mut(self.size.max(1)).enumerate() {
            let mut left = 1.0;
            for (j, entry) in row.iter_mut().enumerate() {
                *entry = match j {
                    j if j < i => {
                        let beta = concentration + 0.5 * (self.size as f64 - 2.0 - j as f64);
                        let odds = draws::log_gamma(beta, rng) - draws::log_gamma(beta, rng);
                        let partial = libm::tanh(0.5 * odds);
                        let entry = partial * left;
                        left /= libm::cosh(0.5 * odds);
                        entry
                    }
                    j if j == i => left,
                    _ => 0.0,
                };
            }
        }
    }

    /// Zeros but for the diagonal. It needs a graph to be written in: with a plain number as
    /// concentration it is NaN.
    fn mean(&self) -> Var<'g> {
        self.matrix(|i, j| {
            if i != j || i == 0 {
                return Var::from(f64::from(i == j));
            }
            // Of sqrt(1 - r^2) it is (gamma(b + 1/2) / gamma(b))^2 / b.
            let logs = (0..i).map(|column| half_step(self.column(column)) * 2.0);
            logs.reduce(|a, b| a + b).unwrap_or(Var::from(0.0)).exp()
        })
    }

    /// See [`LkjCholesky::mean`] for plain numbers.
    fn variance(&self) -> Var<'g> {
        let rest = |column: usize| {
            let twice: Var<'a> = self.column(column) * 2.0;
            twice / (twice + 1.0)
        };
        let squares = self.matrix(|i, j| {
            let own = match i == j {
                true => Var::from(1.0),
                false => (self.column(j) * 2.0 + 1.0).reciprocal(),
            };
            (0..j).map(rest).fold(own, |product, rest| product * rest)
        });
        let mean: Var<'g> = self.mean();
        squares - mean * mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::testing::assert_stable;
    use bayes_nn_autodiff::{Bindings, Graph, grad};

    #[test]
    fn a_seed_gives_these_numbers() {
        assert_stable(
            &LkjCholesky::new(2, 1.5),
            &[
                1.0,
                0.0,
                -0.22751932972099861,
                0.9737735643378842,
                1.0,
                0.0,
                -0.6964985780400972,
                0.7175581724070339,
                1.0,
                0.0,
                0.21259153990010193,
                0.9771411551883912,
                1.0,
                0.0,
                -0.3965072215641771,
                0.9180316025319917,
                1.0,
                0.0,
                0.3184889894121917,
                0.9479265602477867,
            ],
        );
    }

    #[test]
    fn draws_are_factors_with_the_moments_of_the_formulas() {
        let graph = Graph::new();
        let lkj = LkjCholesky::new(3, graph.constant(&[2.0], [1]));
        let draws = sample(&LkjCholesky::new(3, 2.0), 20_000, 11).unwrap();
        for draw in draws.chunks(9) {
            for row in draw.chunks(3) {
                assert!((row.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-14);
            }
        }
        let moments = [lkj.mean(), lkj.variance()];
        let values = graph.evaluate(&moments, &Bindings::new()).unwrap();
        let n = 20_000.0;
        for place in 0..9 {
            let (mean, variance) = (values[0].values()[place], values[1].values()[place]);
            let column = || draws.iter().skip(place).step_by(9);
            let average = column().sum::<f64>() / n;
            // Four standard errors.
            let limit = 4.0 * (variance.max(0.0) / n).sqrt() + 1e-12;
            assert!(
                (average - mean).abs() < limit,
                "{place}: {average} against {mean}"
            );
            let second = column().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
            assert!(
                (second - variance).abs() < 0.06 * variance + 1e-12,
                "{place}: {second}"
            );
        }
    }

    #[test]
    fn a_diagonal_that_is_not_positive_is_impossible() {
        let graph = Graph::new();
        let x = graph.input("x", [2, 2]);
        let log_prob = LkjCholesky::new(2, 1.5).log_prob(x);
        let slope = grad(log_prob, &[x]).unwrap()[0];
        for diagonal in [0.0, -0.8, f64::NAN] {
            let at = Bindings::new().bind(x, &[1.0, 0.0, 0.6, diagonal]);
            let values = graph.evaluate(&[log_prob, slope], &at).unwrap();
            assert_eq!(values[0].values(), [f64::NEG_INFINITY]);
            assert_eq!(values[1].values(), [0.0; 4]);
        }
    }
}
