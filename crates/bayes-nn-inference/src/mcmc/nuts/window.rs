//! The draws that a metric is made of.

use super::archive::Archive;
use super::low_rank::Points;
use super::metric::{Metric, Whitening};
use super::moments::{Moments, Welford};
use super::state::State;

/// The moments of consecutive draws, and where the metric needs them the draws.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    metric: Metric,
    moments: Moments,
    /// Kept where moments are not enough.
    points: Option<Points>,
}

impl Window {
    pub(super) fn new(metric: Metric, dim: usize) -> Window {
        Window {
            metric,
            moments: Moments::new(dim),
            points: match metric {
                Metric::LowRank(_) => Some(Points::default()),
                _ => None,
            },
        }
    }

    pub(super) fn add(&mut self, state: &State) {
        self.moments.add(&state.position, &state.gradient);
        if let Some(points) = &mut self.points {
            points.add(&state.position, &state.gradient);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.moments.count()
    }

    pub(super) fn clear(&mut self) {
        self.moments.clear();
        if let Some(points) = &mut self.points {
            points.clear();
        }
    }

    pub(super) fn archive(&mut self, archive: &mut Archive) {
        self.moments.archive(archive);
        if let Some(points) = &mut self.points {
            points.archive(archive, &self.moments);
        }
    }

    /// The sum of the logarithms of the standard deviations of the draws.
    pub(super) fn log_volume(&self) -> f64 {
        let variances = self.moments.draws.variances();
        variances.map(|variance| 0.5 * variance.ln()).sum()
    }

    /// Makes a metric of the draws.
    pub(super) fn set(&self, whitening: &mut Whitening) {
        let Moments { draws, gradients } = &self.moments;
        match self.metric {
            Metric::Identity | Metric::Automatic => {}
            Metric::Variance => whitening.set_inverse_mass(shrunk(draws, self.count())),
            Metric::Fisher | Metric::LowRank(_) => {
                let pairs = draws.variances().zip(gradients.variances());
                whitening.set_inverse_mass(pairs.map(|(draws, gradients)| {
                    // The quotient is not a positive number where a coordinate or its gradient never
                    // changed; such a coordinate keeps its scale.
                    (draws / gradients).sqrt()
                }));
            }
        }
        if let (Metric::LowRank(settings), Some(points)) = (self.metric, &self.points) {
            settings.set_directions(whitening, points, &self.moments);
        }
    }
}

/// Stan's shrinkage of variances from few draws.
fn shrunk(draws: &Welford, count: u64) -> impl Iterator<Item = f64> {
    let n = count as f64;
    let variances = draws.variances();
    variances.map(move |variance| n / (n + 5.0) * variance + 1e-3 * 5.0 / (n + 5.0))
}

#[cfg(test)]
mod tests {
    use super::super::low_rank::LowRank;
    use super::super::random::{Stream, Variates};
    use super::*;

    /// The metric of draws from a normal with a covariance `L L^T`, `L` lower triangular.
    fn metric_of(l: &[Vec<f64>], draws: usize, metric: Metric) -> Whitening {
        let dim = l.len();
        let mut window = Window::new(metric, dim);
        let mut stream = Stream::new(3, 0);
        let mut z = vec![0.0; dim];
        for _ in 0..draws {
            stream.normals(&mut z);
            let position = l
                .iter()
                .map(|row| row.iter().zip(&z).map(|(l, z)| l * z).sum())
                .collect();
            // The gradient is -L^-T z, by substitution from below.
            let mut gradient = vec![0.0; dim];
            for i in (0..dim).rev() {
                let known: f64 = (i + 1..dim).map(|j| l[j][i] * gradient[j]).sum();
                gradient[i] = (-z[i] - known) / l[i][i];
            }
            window.add(&State {
                position,
                gradient,
                log_prob: 0.0,
            });
        }
        let mut whitening = Whitening::identity(dim);
        window.set(&mut whitening);
        whitening
    }

    /// Unit normals of a random walk, each coordinate on a scale of its own.
    fn walk(dim: usize) -> Vec<Vec<f64>> {
        (0..dim)
            .map(|i| {
                let scale = 10f64.powi(i as i32 % 5 - 2);
                (0..=i)
                    .map(|_| scale)
                    .chain(vec![0.0; dim - 1 - i])
                    .collect()
            })
            .collect()
    }

    #[test]
    fn directions_that_noise_suggests_are_not_stretched_unless_asked_for() {
        const DIM: usize = 40;
        let directions = |metric: Metric, draws: usize| {
            let mut window = Window::new(metric.of_dim(DIM), DIM);
            let mut stream = Stream::new(5, 0);
            let (mut position, mut noise) = (vec![0.0; DIM], vec![0.0; DIM]);
            for _ in 0..draws {
                stream.normals(&mut position);
                stream.normals(&mut noise);
                let pairs = position.iter().zip(&noise);
                window.add(&State {
                    gradient: pairs.map(|(x, noise)| noise - x).collect(),
                    position: position.clone(),
                    log_prob: 0.0,
                });
            }
            let mut whitening = Whitening::identity(DIM);
            window.set(&mut whitening);
            whitening.directions().count()
        };
        for draws in [3, 16, 60, 120] {
            assert_eq!(directions(Metric::Automatic, draws), 0, "{draws}");
        }
        assert!(directions(Metric::LowRank(LowRank::new()), 16) > 10);
        // Correlations are seen from few draws.
        let found = metric_of(&walk(DIM), 16, Metric::Automatic.of_dim(DIM));
        assert!(found.directions().count() > 5);
    }

    #[test]
    fn the_fisher_metric_is_the_root_of_draws_over_gradients() {
        let whitening = metric_of(&[vec![3.0, 0.0], vec![0.0, 0.1]], 20, Metric::Fisher);
        for (scale, sd) in whitening.scale().iter().zip([3.0, 0.1]) {
            assert!((scale / sd - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_low_rank_metric_finds_the_covariance_of_a_correlated_normal() {
        let dim = 12;
        let l = walk(dim);
        let settings = LowRank::new().cutoff(1.0 + 1e-9).shrinkage(1e-9);
        let whitening = metric_of(&l, 40, Metric::LowRank(settings));
        // Column i of the inverse mass: the stretching of the transposed stretching of a unit.
        for i in 0..dim {
            let mut unit = vec![0.0; dim];
            unit[i] = 1.0;
            let (mut transposed, mut column) = (vec![0.0; dim], vec![0.0; dim]);
            whitening.gradient(&unit, &mut transposed);
            whitening.unwhiten(&transposed, &mut column);
            for j in 0..dim {
                let covariance: f64 = l[i].iter().zip(&l[j]).map(|(a, b)| a * b).sum();
                let ratio = column[j] / covariance;
                assert!((ratio - 1.0).abs() < 1e-4, "{i}, {j}: {ratio}");
            }
        }
    }

    #[test]
    fn directions_are_orthonormal_and_found_from_fewer_draws_than_coordinates() {
        // One direction is a hundred times as wide as all others.
        let dim = 60;
        let wide = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
        let mut l: Vec<Vec<f64>> = vec![vec![0.0; dim]; dim];
        // The Cholesky factor of I + 99 w w^T with w of length 1, column by column.
        let w: Vec<f64> = (0..dim).map(|i| wide(i) / (dim as f64).sqrt()).collect();
        let mut rest = 99.0;
        for j in 0..dim {
            let pivot = (1.0 + rest * w[j] * w[j]).sqrt();
            for i in j..dim {
                l[i][j] = rest * w[i] * w[j] / pivot;
            }
            l[j][j] = pivot;
            rest /= pivot * pivot;
        }
        let whitening = metric_of(&l, 25, Metric::LowRank(LowRank::new()));
        let directions: Vec<(f64, &[f64])> = whitening.directions().collect();
        assert!(!directions.is_empty());
        for (i, (_, a)) in directions.iter().enumerate() {
            for (j, (_, b)) in directions.iter().enumerate() {
                let product: f64 = a.iter().zip(*b).map(|(a, b)| a * b).sum();
                assert!((product - f64::from(i == j)).abs() < 1e-12, "{product}");
            }
        }
        let along = |(factor, u): &(f64, &[f64])| {
            let product: f64 = u.iter().zip(&w).map(|(u, w)| u * w).sum();
            (product.abs(), *factor)
        };
        let (aligned, factor) =
            directions.iter().map(along).fold(
                (0.0, 0.0),
                |best, now| {
                    if now.0 > best.0 { now } else { best }
                },
            );
        assert!(aligned > 0.9 && factor > 3.0, "{aligned}, {factor}");
        let mut back = vec![0.0; dim];
        let mut x = vec![0.0; dim];
        whitening.unwhiten(&w, &mut x);
        whitening.whiten(&x, &mut back);
        for (w, back) in w.iter().zip(back) {
            assert!((w - back).abs() < 1e-12);
        }
    }
}
