//! Data made by formula, for examples and tests.

use crate::data::random::Random;
use crate::data::{DataError, Dataset};
use std::f64::consts::PI;

/// The most points that are made at once.
const MOST_POINTS: usize = 100_000_000;

/// Two interleaved half circles in the plane, the classic test of a boundary that is not straight.
///
/// `n / 2` points of class 0 lie on the outer arc `(cos t, sin t)`, the others of class 1 on the inner arc
/// `(1 - cos t, 1/2 - sin t)`, t evenly spaced over `[0, pi]`. Each coordinate gets Gaussian noise with standard deviation
/// `noise`; the rows are shuffled. The same seed gives the same points. After `make_moons` of scikit-learn.
///
/// # Errors
/// Fewer than 2 points, and noise that is negative or not finite.
///
/// ```
/// use bayes_nn::datasets;
///
/// let data = datasets::moons(1000, 0.2, 0)?.standardized();
/// assert_eq!((data.rows(), data.features()), (1000, 2));
/// assert_eq!(data.y().iter().sum::<f64>(), 500.0);
/// # Ok::<(), bayes_nn::DataError>(())
/// ```
pub fn moons(n: usize, noise: f64, seed: u64) -> Result<Dataset, DataError> {
    if n < 2 {
        return Err(DataError::TooFewPoints { n });
    }
    check_points(n)?;
    if !(noise >= 0.0 && noise.is_finite()) {
        return Err(DataError::Noise { noise });
    }
    let outer = n / 2;
    let mut points: Vec<([f64; 2], f64)> = (0..n)
        .map(|i| match i < outer {
            true => {
                let (sin, cos) = angle(i, outer).sin_cos();
                ([cos, sin], 0.0)
            }
            false => {
                let (sin, cos) = angle(i - outer, n - outer).sin_cos();
                ([1.0 - cos, 0.5 - sin], 1.0)
            }
        })
        .collect();
    let mut random = Random::seed(seed);
    random.shuffle(&mut points);
    for ([x1, x2], _) in &mut points {
        let [z1, z2] = random.normals();
        *x1 += noise * z1;
        *x2 += noise * z2;
    }
    let (rows, y): (Vec<[f64; 2]>, Vec<f64>) = points.into_iter().unzip();
    Dataset::from_rows(&rows, &y)
}

fn check_points(n: usize) -> Result<(), DataError> {
    let most = MOST_POINTS;
    match n > most {
        true => Err(DataError::TooManyPoints { n, most }),
        false => Ok(()),
    }
}

/// The i-th of `count` evenly spaced angles, both ends included.
fn angle(i: usize, count: usize) -> f64 {
    PI * i as f64 / (count.max(2) - 1) as f64
}

/// The points of a square grid, `steps * steps` of them: x1 runs fastest, both axes from `min` to `max` inclusive.
///
/// [`grid_axis`] gives the values along one axis.
///
/// # Errors
/// [`DataError::Grid`] for ends that are not finite and in order, and for fewer than 2 steps.
///
/// ```
/// let points = bayes_nn::datasets::grid(0.0, 1.0, 2)?;
/// assert_eq!(points, [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]);
/// # Ok::<(), bayes_nn::DataError>(())
/// ```
pub fn grid(min: f64, max: f64, steps: usize) -> Result<Vec<[f64; 2]>, DataError> {
    check_points(steps.saturating_mul(steps))?;
    let axis = grid_axis(min, max, steps)?;
    Ok(axis
        .iter()
        .flat_map(|&x2| axis.iter().map(move |&x1| [x1, x2]))
        .collect())
}

/// The values along one axis of [`grid`]: `steps` evenly spaced values, both ends included.
///
/// # Errors
/// As [`grid`].
///
/// ```
/// assert_eq!(bayes_nn::datasets::grid_axis(-1.0, 1.0, 3)?, [-1.0, 0.0, 1.0]);
/// # Ok::<(), bayes_nn::DataError>(())
/// ```
pub fn grid_axis(min: f64, max: f64, steps: usize) -> Result<Vec<f64>, DataError> {
    if !(min < max && min.is_finite() && max.is_finite() && steps >= 2) {
        return Err(DataError::Grid { min, max, steps });
    }
    check_points(steps)?;
    let at = |i: usize| {
        let fraction = i as f64 / (steps - 1) as f64;
        min * (1.0 - fraction) + max * fraction
    };
    Ok((0..steps).map(at).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_noise_every_point_lies_on_its_arc() {
        let data = moons(101, 0.0, 4).unwrap();
        assert_eq!(data.y().iter().filter(|&&class| class == 0.0).count(), 50);
        for row in 0..data.rows() {
            let (x1, x2) = (data.row(row)[0], data.row(row)[1]);
            let (from, side) = match data.y()[row] {
                0.0 => ([x1, x2], x2),
                _ => ([1.0 - x1, 0.5 - x2], 0.5 - x2),
            };
            assert!((from[0].hypot(from[1]) - 1.0).abs() < 1e-12);
            assert!(side > -1e-12);
        }
    }

    #[test]
    fn a_seed_gives_these_points() {
        let data = moons(100, 0.2, 0).unwrap();
        let expected = [
            0.41235633775746794,
            -0.4017674898923747,
            0.9432152182652566,
            0.5751627825573337,
        ];
        for (found, expected) in data.x().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{:?}", &data.x()[..4]);
        }
        assert_eq!(moons(100, 0.2, 0).unwrap(), data);
        assert_ne!(moons(100, 0.2, 1).unwrap(), data);
    }

    #[test]
    fn each_bad_argument_has_its_message() {
        assert_eq!(
            moons(1, 0.2, 0).unwrap_err().to_string(),
            "1 points for two moons; at least 2 are needed"
        );
        for noise in [-0.1, f64::NAN, f64::INFINITY] {
            assert_eq!(
                moons(10, noise, 0).unwrap_err().to_string(),
                format!("noise {noise}; a standard deviation is finite and not negative")
            );
        }
        assert_eq!(
            grid(1.0, 1.0, 1).unwrap_err().to_string(),
            "a grid from 1 to 1 in 1 steps; it needs finite min < max and at least 2 steps"
        );
    }

    #[test]
    fn a_grid_ends_exactly_at_its_ends() {
        let axis = grid_axis(-3.0, 3.0, 100).unwrap();
        assert_eq!((axis.len(), axis[0], axis[99]), (100, -3.0, 3.0));
        assert_eq!(grid(-3.0, 3.0, 100).unwrap().len(), 10_000);
    }
}
