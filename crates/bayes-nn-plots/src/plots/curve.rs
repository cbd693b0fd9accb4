//! Densities of pictures: that of a normal distribution, and the kernel estimate of draws.

use super::canvas::{Canvas, Point};
use super::panel::Panel;
use super::{Result, check};
use plotters::style::RGBAColor;

/// Bounds of a scalar that has none.
pub(super) const UNBOUNDED: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

/// A density on a grid.
pub(super) struct Curve {
    pub(super) x: Vec<f64>,
    pub(super) density: Vec<f64>,
    pub(super) peak: f64,
    pub(super) mean: f64,
}

impl Curve {
    const POINTS: usize = 120;

    pub(super) fn of_normal(mean: f64, sd: f64) -> Self {
        let density =
            |x: f64| (-0.5 * ((x - mean) / sd).powi(2)).exp() / (sd * std::f64::consts::TAU.sqrt());
        Self::on_grid(mean - 3.5 * sd, mean + 3.5 * sd, mean, density)
    }

    /// The kernel density estimate of finite draws, at least one, between bounds.
    pub(super) fn of_draws(draws: &[f64], bounds: (f64, f64)) -> Self {
        Self::estimate(draws, None, bounds)
    }

    /// The same on a range, whatever the draws beyond it.
    pub(super) fn between(draws: &[f64], range: (f64, f64), bounds: (f64, f64)) -> Self {
        Self::estimate(draws, Some(range), bounds)
    }

    fn estimate(draws: &[f64], range: Option<(f64, f64)>, bounds: (f64, f64)) -> Self {
        let mut sorted = draws.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let bandwidth = silverman(&sorted, mean);
        let (lower, upper) = range.unwrap_or((
            sorted[0] - 3.0 * bandwidth,
            sorted[sorted.len() - 1] + 3.0 * bandwidth,
        ));
        let kernels = |x: f64| {
            // Draws more than eight bandwidths away add nothing that a picture could show.
            let from = sorted.partition_point(|&draw| draw < x - 8.0 * bandwidth);
            let to = sorted.partition_point(|&draw| draw <= x + 8.0 * bandwidth);
            let kernel = |draw: &f64| (-0.5 * ((x - draw) / bandwidth).powi(2)).exp();
            sorted[from..to].iter().map(kernel).sum::<f64>()
                / (draws.len() as f64 * bandwidth * std::f64::consts::TAU.sqrt())
        };
        // What the kernels have beyond a bound is folded back.
        let density = |x: f64| {
            let ends = [bounds.0, bounds.1].into_iter();
            let reflected = ends
                .filter(|end| end.is_finite())
                .map(|end| kernels(2.0 * end - x));
            kernels(x) + reflected.sum::<f64>()
        };
        let (lower, upper) = (lower.max(bounds.0), upper.min(bounds.1));
        match lower < upper {
            true => Self::on_grid(lower, upper, mean, density),
            // The range of a picture may lie beyond what is possible.
            false => Self::on_grid(lower, lower + bandwidth, mean, |_| 0.0),
        }
    }

    /// Fills what lies under the curve.
    pub(super) fn fill(&self, canvas: &Canvas<'_>, panel: &Panel, color: RGBAColor) -> Result<()> {
        let curve = self.x.iter().zip(&self.density);
        let mut corners: Vec<Point> = curve.map(|(&x, &density)| panel.at((x, density))).collect();
        let (first, last) = (corners[0].0, corners[corners.len() - 1].0);
        corners.extend([(last, panel.bottom), (first, panel.bottom)]);
        canvas.polygon(&corners, color)
    }

    /// The common range of several, with a margin.
    pub(super) fn range(curves: &[Curve]) -> (f64, f64) {
        let ends = curves.iter().flat_map(|c| [c.x[0], c.x[c.x.len() - 1]]);
        check::padded(check::extent(ends), 0.02)
    }

    fn on_grid(lower: f64, upper: f64, mean: f64, density: impl Fn(f64) -> f64) -> Self {
        let step = (upper - lower) / (Self::POINTS - 1) as f64;
        let x: Vec<f64> = (0..Self::POINTS).map(|i| lower + step * i as f64).collect();
        let density: Vec<f64> = x.iter().map(|&x| density(x)).collect();
        let peak = density.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        Self {
            x,
            density,
            peak,
            mean,
        }
    }
}

/// Silverman's bandwidth of sorted draws; equal draws get a narrow peak of their own.
fn silverman(sorted: &[f64], mean: f64) -> f64 {
    let n = sorted.len() as f64;
    let sd =
        (sorted.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0)).sqrt();
    let iqr = check::quantile(sorted, 0.75) - check::quantile(sorted, 0.25);
    let spread = if iqr > 0.0 { sd.min(iqr / 1.34) } else { sd };
    let bandwidth = 0.9 * spread * n.powf(-0.2);
    if bandwidth > 1e-12 * mean.abs() {
        bandwidth
    } else {
        1e-3 * mean.abs().max(1e-3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(curve: &Curve) -> f64 {
        let ends = curve.density[0] + curve.density[curve.density.len() - 1];
        (curve.x[1] - curve.x[0]) * (curve.density.iter().sum::<f64>() - 0.5 * ends)
    }

    #[test]
    fn nothing_of_a_density_lies_beyond_bounds() {
        // Quantiles of a uniform distribution, and of an exponential one.
        let even: Vec<f64> = (0..4_000).map(|i| (f64::from(i) + 0.5) / 4_000.0).collect();
        let exponential: Vec<f64> = even.iter().map(|p| -(-p).ln_1p()).collect();
        let curve = Curve::of_draws(&exponential, (0.0, f64::INFINITY));
        assert!(curve.x[0] >= 0.0);
        assert!((area(&curve) - 1.0).abs() < 0.01, "{}", area(&curve));
        // The density is 1 at the bound. A kernel estimate without a bound has half of that there, a reflected
        // one misses what it falls by in a bandwidth.
        assert!(curve.density[0] > 0.85, "{}", curve.density[0]);
        let curve = Curve::of_draws(&even, (0.0, 1.0));
        assert!(curve.x[0] >= 0.0 && curve.x[curve.x.len() - 1] <= 1.0);
        assert!((area(&curve) - 1.0).abs() < 0.01, "{}", area(&curve));
        assert!(
            curve
                .density
                .iter()
                .all(|density| (density - 1.0).abs() < 0.02)
        );
        // A panel that ends within.
        let curve = Curve::between(&exponential, (-3.0, 2.0), (0.0, f64::INFINITY));
        assert!(curve.x[0] == 0.0 && curve.x[curve.x.len() - 1] == 2.0);
        let curve = Curve::between(&exponential, (-3.0, -2.0), (0.0, f64::INFINITY));
        assert!(curve.density.iter().all(|density| *density == 0.0));
    }

    #[test]
    fn densities_integrate_to_one() {
        let draws: Vec<f64> = (0..500).map(|i| (f64::from(i) * 0.7).sin() + 2.0).collect();
        assert!((area(&Curve::of_draws(&draws, UNBOUNDED)) - 1.0).abs() < 1e-3);
        assert!((area(&Curve::of_normal(-1.0, 0.3)) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn the_bandwidth_is_silvermans() {
        let draws = [1.0, 2.0, 3.0, 4.0, 5.0];
        let expected = 0.9 * 2.5f64.sqrt().min(2.0 / 1.34) * 5f64.powf(-0.2);
        assert!((silverman(&draws, 3.0) - expected).abs() < 1e-14);
    }
}
