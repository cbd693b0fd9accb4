//! Guides and normal densities, to which the answers are known.

use std::ops::ControlFlow;

use faer::Mat;

use super::ascent::{Ascent, Distance, End};
use super::guide::{Batch, Guide};
use super::{Gaussian, Independent, Position, metric_of};
use crate::ResumeError;
use crate::log_density::{EvalError, LogDensity};

/// A normal density with correlated coordinates whose scales lie far apart.
struct Normal {
    mean: Vec<f64>,
    precision: Mat<f64>,
    /// No density where the first coordinate is farther than this from its mean.
    bound: f64,
}

impl Normal {
    /// The standard deviations of neighbours differ by a factor of 10, and all correlate.
    fn new(dim: usize) -> Normal {
        let scale = |i: usize| 10f64.powi(i as i32 % 5 - 2);
        let covariance = Mat::from_fn(dim, dim, |i, j| {
            scale(i) * scale(j) * if i == j { 1.0 } else { 0.6 }
        });
        let gaussian = Gaussian::new(vec![0.0; dim], covariance).unwrap();
        Normal {
            mean: (0..dim)
                .map(|i| 100.0 * scale(i) * (i as f64).sin())
                .collect(),
            precision: gaussian.precision(),
            bound: f64::INFINITY,
        }
    }

    fn covariance(&self) -> Mat<f64> {
        let zero = vec![0.0; self.mean.len()];
        let one = Gaussian::independent(zero.clone(), &vec![1.0; self.mean.len()]);
        let precision = self.precision.clone();
        one.with(zero, precision).unwrap().covariance()
    }
}

impl LogDensity for Normal {
    fn dim(&self) -> usize {
        self.mean.len()
    }

    fn log_prob_grad(&mut self, z: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        let off: Vec<f64> = z.iter().zip(&self.mean).map(|(z, m)| z - m).collect();
        if off[0].abs() > self.bound {
            return Err(EvalError::Reject);
        }
        for (i, gradient) in gradient.iter_mut().enumerate() {
            let row = self.precision.row(i);
            *gradient = -row.iter().zip(&off).map(|(p, o)| p * o).sum::<f64>();
        }
        Ok(0.5 * gradient.iter().zip(&off).map(|(g, o)| g * o).sum::<f64>())
    }
}

/// Where a guide has settled.
struct Settled<G> {
    guide: G,
    end: End,
    moved: Distance,
}

fn settled<G: Guide>(density: &mut Normal, guide: G) -> (Settled<G>, u64) {
    let mut ascent = Ascent {
        density,
        seed: 3,
        tolerance: 0.05,
        budget: 100_000,
        gradients: 0,
        elbos: Vec::new(),
        look: &mut |_| ControlFlow::Continue(()),
    };
    let mut at = Position::new(guide);
    let (end, moved) = ascent.settle(&mut at).unwrap();
    let guide = at.average().clone();
    (Settled { guide, end, moved }, ascent.gradients)
}

fn wide(dim: usize) -> Gaussian {
    Gaussian::independent(vec![0.0; dim], &vec![1.0; dim])
}

#[test]
fn a_normal_density_of_any_scales_is_found() {
    for dim in [1, 2, 7, 30] {
        let mut density = Normal::new(dim);
        let covariance = density.covariance();
        // Three times as wide, and a hundred spreads away.
        let start = Gaussian::new(vec![0.0; dim], &covariance * faer::Scale(9.0)).unwrap();
        let (found, gradients) = settled(&mut density, start);
        let sd = found.guide.sd();
        assert_eq!(found.end, End::Converged, "{dim}: {:?}", found.moved);
        assert!(gradients < 20_000, "{dim}: {gradients} gradients");
        for (i, sd) in sd.iter().enumerate() {
            let right = covariance[(i, i)].sqrt();
            let off = (found.guide.mean()[i] - density.mean[i]).abs() / right;
            assert!(off < 0.02, "{dim}: mean {i} is {off} sd off");
            assert!((sd / right - 1.0).abs() < 0.02, "{dim}: {sd} for {right}");
        }
    }
}

#[test]
fn independent_normals_end_at_the_conditional_spreads() {
    for dim in [2, 7] {
        let mut density = Normal::new(dim);
        let covariance = density.covariance();
        let near = Gaussian::new(vec![0.0; dim], covariance.clone()).unwrap();
        let (found, _) = settled(&mut density, Independent::nearest(&near));
        assert_eq!(found.end, End::Converged);
        for (i, sd) in found.guide.sd().iter().enumerate() {
            let right = density.precision[(i, i)].sqrt().recip();
            let off = (found.guide.mean()[i] - density.mean[i]).abs() / covariance[(i, i)].sqrt();
            assert!(off < 0.02, "{dim}: mean {i} is {off} sd off");
            assert!((sd / right - 1.0).abs() < 0.05, "{dim}: {sd} for {right}");
        }
    }
}

#[test]
fn a_guide_stays_a_distribution_at_any_rate() {
    let noise = Mat::from_fn(3, 4, |i, j| (1.3 * i as f64 + 2.1 * j as f64).sin() * 2.0);
    let batch = Batch {
        gradients: Mat::from_fn(3, 4, |i, j| 1e3 * (i as f64 - 2.0 * j as f64).cos()),
        log_probs: vec![0.0; 4],
        noise,
        lost: 0,
    };
    for rate in [0.01, 0.3, 1.0, 10.0] {
        let moved = wide(3).ascend(&batch, rate).unwrap();
        assert!(moved.log_det().is_finite() && moved.sd().iter().all(|sd| *sd > 0.0));
        // No farther than a draw of the guide lies from its mean.
        let whitened = |i: usize| {
            (0..3)
                .map(|k| moved.factor()[(k, i)] * moved.mean()[k])
                .sum()
        };
        let length: f64 = (0..3).map(whitened).map(|v: f64| v * v).sum::<f64>().sqrt();
        assert!(
            length <= rate * (1.0 + 3f64.sqrt()) * (1.0 + 1e-9),
            "{length} at {rate}"
        );
        let moved = Independent::nearest(&wide(3)).ascend(&batch, rate).unwrap();
        assert!(moved.sd().iter().all(|sd| *sd > 0.0 && sd.is_finite()));
    }
}

#[test]
fn draws_without_a_density_narrow_the_guide_and_a_guide_without_any_is_lost() {
    let mut density = Normal::new(1);
    // The guide begins a hundred times as wide as what has a density, and around its middle.
    density.bound = 3.0 * density.covariance()[(0, 0)].sqrt();
    let start = Gaussian::independent(density.mean.clone(), &[100.0 * density.bound]);
    let (found, _) = settled(&mut density, start);
    assert!(found.guide.sd()[0] < density.bound, "{:?}", found.guide);
    density.bound = -1.0;
    let (found, gradients) = settled(&mut density, wide(1));
    assert_eq!(found.end, End::Lost);
    assert!(gradients < 2_000, "{gradients}");
}

#[test]
fn whoever_looks_on_may_end_it() {
    let mut density = Normal::new(2);
    let mut looks = 0;
    let mut ascent = Ascent {
        density: &mut density,
        seed: 0,
        tolerance: 0.05,
        budget: 100_000,
        gradients: 0,
        elbos: Vec::new(),
        look: &mut |look| {
            assert_eq!(look.elbos.len(), looks + 1);
            looks += 1;
            match looks {
                5 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        },
    };
    let (end, _) = ascent.settle(&mut Position::new(wide(2))).unwrap();
    assert_eq!(end, End::Looked);
    assert_eq!(ascent.elbos.len(), 5);
}

/// An ascent in a later window of a later stage.
fn on_its_way<G: Guide>(guide: G) -> Position<G> {
    let mut density = Normal::new(guide.mean().len());
    let mut at = Position::new(guide);
    let mut ascent = Ascent {
        density: &mut density,
        seed: 3,
        tolerance: 1e-3,
        budget: 100_000,
        gradients: 0,
        elbos: Vec::new(),
        look: &mut |look| {
            let states = (look.states)();
            let has = |name| states.iter().any(|(own, _)| own == name);
            match has("before") && has("last") && has("sums") {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        },
    };
    ascent.settle(&mut at).unwrap();
    at
}

#[test]
fn an_ascent_comes_back_from_its_states() {
    fn check<G: Guide>(guide: G) {
        let at = on_its_way(guide.clone());
        let states = at.states();
        let again = Position::from_states(&states, &guide).unwrap();
        assert_eq!(again.states(), states);
    }
    check(wide(3));
    check(Independent::nearest(&wide(3)));
}

#[test]
fn states_that_cannot_be_are_refused_by_name() {
    let at = on_its_way(wide(3));
    let changed = |name: &str, change: &dyn Fn(&mut Vec<f64>)| {
        let mut states = at.states();
        let state = states.iter_mut().find(|(own, _)| own == name);
        change(&mut state.unwrap().1);
        Position::from_states(&states, &wide(3)).unwrap_err()
    };
    let other = |name: &str| ResumeError::OtherState {
        name: name.to_owned(),
    };
    // Of three coordinates: the mean, and the lower triangle of the factor.
    assert_eq!(changed("guide", &|guide| guide[3] = -1.0), other("guide"));
    assert_eq!(
        changed("guide", &|guide| guide[0] = f64::NAN),
        other("guide")
    );
    assert_eq!(changed("guide", &|guide| guide.truncate(8)), other("guide"));
    assert_eq!(
        changed("before", &|before| before.push(0.0)),
        other("before")
    );
    assert_eq!(changed("sums", &|sums| sums.truncate(2)), other("sums"));
    let counters = [(1, 41.0), (1, 0.5), (2, 1e3), (3, -1.0), (5, f64::INFINITY)];
    for (place, value) in counters {
        let error = changed("counters", &|counters| counters[place] = value);
        assert_eq!(error, other("counters"), "{place} is {value}");
    }
    let mut states = at.states();
    states.retain(|(name, _)| name != "guide");
    let error = Position::from_states(&states, &wide(3)).unwrap_err();
    assert!(matches!(error, ResumeError::NoState { name } if name == "guide"));

    let like = Independent::nearest(&wide(3));
    let mut states = Position::new(like).states();
    assert!(metric_of(&states, 3).unwrap().is_some());
    assert_eq!(metric_of(&states, 2).unwrap_err(), other("metric"));
    states.retain(|(name, _)| name != "metric");
    assert!(metric_of(&states, 3).unwrap().is_none());
}
