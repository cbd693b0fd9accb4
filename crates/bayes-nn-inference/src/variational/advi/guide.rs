//! The Gaussian guide written into a graph: its parameters, a draw, its entropy.

use std::f64::consts::TAU;

use bayes_nn_autodiff::{Graph, Var};

use super::Family;

/// `z = mu + D eps` (mean-field) or `z = mu + D (I + M) eps` (full rank), with `D` diagonal and
/// `M` strictly lower triangular; the diagonal of `D` is `softplus(rho)`.
///
/// An optimiser takes steps of one size in all of `M`: relative to the scale of each row, they suit
/// variables of all scales, where the same steps in `D M` would be wild for the narrow ones.
pub(crate) struct Guide<'g> {
    dimension: usize,
    /// `mu [P]`, `rho [P]` and, for full rank, `lower [P, P]`, of which only the part strictly
    /// below the diagonal counts: `M`.
    pub(crate) blocks: Vec<Var<'g>>,
    diagonal: Var<'g>,
    /// Of full rank: `I + M`.
    factor: Option<Var<'g>>,
}

impl<'g> Guide<'g> {
    /// The guide with its parameters as inputs.
    pub(crate) fn new(graph: &'g Graph, family: Family, dimension: usize) -> Guide<'g> {
        let mu = graph.input("mu", [dimension]);
        let rho = graph.input("rho", [dimension]);
        let mut blocks = vec![mu, rho];
        let factor = (family == Family::FullRank).then(|| {
            let lower = graph.input("lower", [dimension, dimension]);
            blocks.push(lower);
            let ones = graph.constant(&vec![1.0; dimension], [dimension]);
            lower.tril(-1) + ones.diagonal_matrix()
        });
        Guide {
            dimension,
            blocks,
            diagonal: rho.softplus(),
            factor,
        }
    }

    /// The draw that belongs to standard normals `eps [P]`.
    pub(crate) fn draw(&self, eps: Var<'g>) -> Var<'g> {
        let correlated = self.factor.map_or(eps, |factor| factor.matmul(eps));
        self.blocks[0] + self.diagonal * correlated
    }

    /// The differential entropy, in nats.
    pub(crate) fn entropy(&self) -> Var<'g> {
        self.diagonal.ln().sum() + 0.5 * self.dimension as f64 * (1.0 + TAU.ln())
    }

    /// The guide's log density at the draw of `eps`.
    pub(crate) fn log_prob(&self, eps: Var<'g>) -> Var<'g> {
        let constant = 0.5 * self.dimension as f64 * TAU.ln();
        -(0.5 * (eps * eps).sum() + self.diagonal.ln().sum() + constant)
    }

    /// `-d log q / d z` at the draw of `eps`, a constant for differentiation:
    /// `D^-1 (I + M)^-T eps`.
    pub(crate) fn score(&self, eps: Var<'g>) -> Var<'g> {
        let solved = self.factor.map_or(eps, |factor| factor.solve_lower_t(eps));
        (solved / self.diagonal).stop_gradient()
    }
}

/// The number whose softplus this is.
pub(crate) fn inverse_softplus(y: f64) -> f64 {
    y + (-(-y).exp_m1()).ln()
}

/// `ln(1 + e^x)` without overflow.
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bayes_nn_autodiff::{Bindings, grad};

    const MEAN: [f64; 3] = [0.3, -1.0, 2.0];
    const RHO: [f64; 3] = [0.1, 0.7, -0.4];
    // The part on and above the diagonal must not count.
    const LOWER: [f64; 9] = [9.0, 9.0, 9.0, 0.5, 9.0, 9.0, -0.8, 1.5, 9.0];
    const EPS: [f64; 3] = [0.9, -0.2, 1.4];

    #[test]
    fn the_score_is_the_gradient_of_the_full_rank_log_density() {
        let graph = Graph::new();
        let guide = Guide::new(&graph, Family::FullRank, 3);
        let eps = graph.input("eps", [3]);
        let score = guide.score(eps);
        let (z, log_prob) = (guide.draw(eps), guide.log_prob(eps));
        // d log q / d eps = (D (I + M))^T d log q / d z.
        let product = (guide.draw(eps) * score).sum();
        let chained = grad(product, &[eps]).unwrap()[0];
        let direct = grad(log_prob, &[eps]).unwrap()[0];
        let bindings = Bindings::new()
            .bind(guide.blocks[0], &MEAN)
            .bind(guide.blocks[1], &RHO)
            .bind(guide.blocks[2], &LOWER)
            .bind(eps, &EPS);
        let values = graph.evaluate(&[chained, direct, z], &bindings).unwrap();
        for (chained, direct) in values[0].values().iter().zip(values[1].values()) {
            assert!((chained + direct).abs() < 1e-12);
        }
        let expected = 2.0 + softplus(-0.4) * (-0.8 * 0.9 + 1.5 * -0.2 + 1.4);
        assert!((values[2].values()[2] - expected).abs() < 1e-12);
    }

    #[test]
    fn softplus_and_its_inverse_agree_at_all_sizes() {
        for y in [1e-12, 1e-3, 0.5, 3.0, 40.0, 800.0] {
            assert!(
                (softplus(inverse_softplus(y)) / y - 1.0).abs() < 1e-12,
                "{y}"
            );
        }
    }
}
