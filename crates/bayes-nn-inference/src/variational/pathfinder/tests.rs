//! Tests against targets whose Hessian is known.

use super::draws::Draws;
use super::gaussian::{Gaussian, Pair};
use super::lbfgs::{InverseHessian, Point};
use super::path::{Evaluator, PathSettings, SinglePath, single};
use crate::log_density::{EvalError, LogDensity};

/// A normal with this precision matrix `[P, P]` around a mean.
struct Normal {
    precision: Vec<f64>,
    mean: Vec<f64>,
}

impl Normal {
    /// Precisions from 1 to `condition`, in directions that no coordinate has.
    fn of(dim: usize, condition: f64) -> Normal {
        let wave = |i: usize, k: usize| ((7 * i + 3 * k + i * k) as f64).sin();
        let mut precision = vec![0.0; dim * dim];
        let mut directions: Vec<Vec<f64>> = Vec::new();
        for k in 0..dim {
            let mut v: Vec<f64> = (0..dim).map(|i| wave(i, k)).collect();
            for other in directions.iter().chain(&directions) {
                let along = dot(&v, other);
                v.iter_mut().zip(other).for_each(|(v, o)| *v -= along * o);
            }
            let length = dot(&v, &v).sqrt();
            v.iter_mut().for_each(|v| *v /= length);
            directions.push(v);
        }
        for (k, v) in directions.iter().enumerate() {
            let of = condition.powf(k as f64 / (dim - 1) as f64);
            for i in 0..dim {
                for j in 0..dim {
                    precision[i * dim + j] += of * v[i] * v[j];
                }
            }
        }
        Normal {
            precision,
            mean: (0..dim).map(|i| 3.0 * wave(i, dim)).collect(),
        }
    }

    fn times(&self, v: &[f64]) -> Vec<f64> {
        let rows = self.precision.chunks(v.len());
        rows.map(|row| dot(row, v)).collect()
    }
}

impl LogDensity for Normal {
    fn dim(&self) -> usize {
        self.mean.len()
    }

    fn log_prob_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        let away: Vec<f64> = x.iter().zip(&self.mean).map(|(x, m)| m - x).collect();
        gradient.copy_from_slice(&self.times(&away));
        Ok(-0.5 * dot(&away, gradient))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    super::gaussian::dot(a, b)
}

/// The inverse Hessian after steps of a path, by the dense recursion (Nocedal and Wright 2006,
/// equation 6.17).
fn dense(diagonal: &[f64], pairs: &[Pair]) -> Vec<f64> {
    let dim = diagonal.len();
    let mut h = vec![0.0; dim * dim];
    (0..dim).for_each(|i| h[i * dim + i] = diagonal[i]);
    for Pair { s, y } in pairs {
        let rho = dot(s, y).recip();
        let hy: Vec<f64> = h.chunks(dim).map(|row| dot(row, y)).collect();
        let yhy = dot(y, &hy);
        for i in 0..dim {
            for j in 0..dim {
                h[i * dim + j] +=
                    (rho + rho * rho * yhy) * s[i] * s[j] - rho * (s[i] * hy[j] + hy[i] * s[j]);
            }
        }
    }
    h
}

/// Pairs of a quadratic with steps in arbitrary directions.
fn pairs(target: &Normal, count: usize) -> Vec<Pair> {
    let dim = target.mean.len();
    let step = |k: usize| (0..dim).map(move |i| ((2 * i + 5 * k) as f64).cos());
    let of = |s: Vec<f64>| Pair {
        y: target.times(&s),
        s,
    };
    (0..count).map(|k| of(step(k).collect())).collect()
}

/// The lower Cholesky factor's log-determinant.
fn log_det(matrix: &[f64], dim: usize) -> f64 {
    let mut l = matrix.to_vec();
    let mut sum = 0.0;
    for j in 0..dim {
        let pivot = (l[j * dim + j] - dot(&l[j * dim..][..j], &l[j * dim..][..j])).sqrt();
        l[j * dim + j] = pivot;
        sum += pivot.ln();
        for i in j + 1..dim {
            let below = dot(&l[i * dim..][..j], &l[j * dim..][..j]);
            l[i * dim + j] = (l[i * dim + j] - below) / pivot;
        }
    }
    2.0 * sum
}

#[test]
fn the_factor_gives_the_covariance_and_determinant_of_the_dense_recursion() {
    // More pairs than coordinates, as many, and fewer.
    for (dim, count) in [(3, 6), (6, 6), (20, 4)] {
        let target = Normal::of(dim, 100.0);
        let pairs = pairs(&target, count);
        let diagonal: Vec<f64> = (0..dim).map(|i| 0.1 + 0.2 * i as f64).collect();
        let gaussian = Gaussian::around_zero(&diagonal, pairs.iter()).unwrap();
        let expected = dense(&diagonal, &pairs);
        // The map of noise to draws, column by column.
        let mut found = vec![0.0; dim * dim];
        for k in 0..dim {
            let mut column = vec![0.0; dim];
            column[k] = 1.0;
            gaussian.draw(&mut column);
            for i in 0..dim {
                for j in 0..dim {
                    found[i * dim + j] += column[i] * column[j];
                }
            }
        }
        for ((found, covariance), expected) in
            found.iter().zip(gaussian.covariance()).zip(&expected)
        {
            assert!((found - expected).abs() < 1e-11, "{found} for {expected}");
            assert!((covariance - expected).abs() < 1e-11);
        }
        for (i, sd) in gaussian.sd().iter().enumerate() {
            assert!((sd - expected[i * dim + i].sqrt()).abs() < 1e-11);
        }
        let at_mean = gaussian.log_prob(&vec![0.0; dim]);
        let constant = -0.5 * dim as f64 * std::f64::consts::TAU.ln();
        let found = 2.0 * (constant - at_mean);
        assert!((found - log_det(&expected, dim)).abs() < 1e-10, "{found}");
    }
}

#[test]
fn a_draw_has_the_log_density_of_its_place() {
    let target = Normal::of(7, 30.0);
    let pairs = pairs(&target, 3);
    let gaussian = Gaussian::around_zero(&[0.7; 7], pairs.iter()).unwrap();
    let gaussian = gaussian.after_step(&[0.3; 7], &[1.0; 7]).unwrap();
    let mut z: Vec<f64> = (0..7).map(|i| (i as f64).sin()).collect();
    let log_prob = gaussian.draw(&mut z);
    assert!((gaussian.log_prob(&z) - log_prob).abs() < 1e-12);
}

#[test]
fn a_pair_that_rounding_spoils_gives_no_gaussian() {
    let flat = Pair {
        s: vec![1e-200; 2],
        y: vec![1e-200; 2],
    };
    assert!(Gaussian::around_zero(&[1.0; 2], [&flat].into_iter()).is_none());
    let sound = Gaussian::around_zero(&[1.0; 2], [].into_iter()).unwrap();
    assert!(sound.after_step(&[0.0; 2], &[f64::NAN; 2]).is_none());
}

#[test]
fn the_centre_is_uphill_of_a_point_that_is_not_the_mode() {
    let mut target = Normal::of(5, 10.0);
    let mut at = |position: Vec<f64>| Point::at(&mut target, position).unwrap();
    let (from, to) = (at(vec![2.0; 5]), at(vec![1.0; 5]));
    let mut hessian = InverseHessian::new(5, 6);
    hessian.learn(&from, &to);
    let centre = hessian.gaussian(&to).unwrap().mean().to_vec();
    assert!(at(centre).log_prob > to.log_prob);
}

#[test]
fn steps_without_curvature_are_not_learnt_from() {
    let mut hessian = InverseHessian::new(2, 6);
    let point = |position: [f64; 2], gradient: [f64; 2]| Point {
        position: position.to_vec(),
        log_prob: 0.0,
        gradient: gradient.to_vec(),
    };
    let from = point([0.0, 0.0], [1.0, 1.0]);
    // The gradient grew along the step; it did not change; it is not a number.
    for to in [[2.0, 2.0], [1.0, 1.0], [f64::NAN, 1.0]] {
        hessian.learn(&from, &point([1.0, 1.0], to));
        assert!(hessian.is_empty(), "{to:?}");
    }
    hessian.learn(&from, &point([1.0, 1.0], [0.5, 0.5]));
    assert!(!hessian.is_empty());
}

fn path(target: &mut Normal, other: &mut Normal, start: Vec<f64>) -> SinglePath {
    let mut gradient = vec![0.0; start.len()];
    let mut value = |z: &[f64]| other.log_prob_grad(z, &mut gradient);
    let mut evaluator = Evaluator {
        density: target,
        value: &mut value,
        epsilon: f64::EPSILON,
    };
    let settings = PathSettings {
        history: 10,
        elbo_draws: 25,
        iterations: 200,
        draws: Draws {
            seed: 5,
            strata: 100,
        },
    };
    single(&mut evaluator, start, &settings, &mut |_, _| {}).unwrap()
}

#[test]
fn a_normal_target_is_found() {
    let (dim, condition) = (6, 1e4);
    let (mut target, mut other) = (Normal::of(dim, condition), Normal::of(dim, condition));
    let found = path(&mut target, &mut other, vec![1.5; dim]);
    // The evidence of a density without its constant.
    let half_log_det = 0.5
        * (0..dim)
            .map(|k| k as f64 / 5.0 * condition.ln())
            .sum::<f64>();
    let evidence = 0.5 * dim as f64 * std::f64::consts::TAU.ln() - half_log_det;
    let elbo = found.log_ratios.iter().sum::<f64>() / found.log_ratios.len() as f64;
    assert!((elbo - evidence).abs() < 0.1, "{elbo} for {evidence}");
    for (found, expected) in found.gaussian.mean().iter().zip(&target.mean) {
        assert!((found - expected).abs() < 1e-3, "{found} for {expected}");
    }
    assert!(found.counts.gradients < 80, "{:?}", found.counts);
}
