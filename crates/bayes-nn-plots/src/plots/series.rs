//! One named curve, with what may be drawn around it.

use super::{PlotError, Result, check};

/// One curve of [`Lines`](super::Lines): a name, x and y values, and if wanted a band around it or a running mean through it.
///
/// ```
/// use bayes_nn::plots::{Lines, Series};
///
/// let (x, y) = ([0.0, 1.0, 2.0], [3.0, 1.0, 2.0]);
/// let series = Series::new("loss", &x, &y).band(&[2.0, 0.0, 1.0], &[4.0, 2.0, 3.0]);
/// assert!(Lines::new().series(series).to_svg()?.contains("loss"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Series {
    pub(super) name: String,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) band: Option<(Vec<f64>, Vec<f64>)>,
    /// Values that a running mean takes in; 1 for none.
    pub(super) window: usize,
}

impl Series {
    /// Points `(x, y)` joined in order, both `[n]`.
    pub fn new(name: impl Into<String>, x: &[f64], y: &[f64]) -> Self {
        Self {
            name: name.into(),
            x: x.to_vec(),
            y: y.to_vec(),
            band: None,
            window: 1,
        }
    }

    /// A shaded band from `lower` to `upper`, each `[n]`, such as an interval.
    #[must_use]
    pub fn band(mut self, lower: &[f64], upper: &[f64]) -> Self {
        self.band = Some((lower.to_vec(), upper.to_vec()));
        self
    }

    /// Draws the mean over about `window` values around each strongly, and the values themselves pale behind it.
    #[must_use]
    pub fn smoothed(mut self, window: usize) -> Self {
        self.window = window.max(1);
        self
    }

    pub(super) fn check(&self, log_x: bool, log_y: bool) -> Result<()> {
        let name = &self.name;
        check::not_empty(&format!("`{name}`"), self.x.len())?;
        check::length(&format!("y of `{name}`"), self.y.len(), self.x.len())?;
        check::finite(&format!("x of `{name}`"), &self.x)?;
        check::finite(&format!("y of `{name}`"), &self.y)?;
        if let Some((lower, upper)) = &self.band {
            for (what, values) in [("lower", lower), ("upper", upper)] {
                let what = format!("{what} band of `{name}`");
                check::length(&what, values.len(), self.x.len())?;
                check::finite(&what, values)?;
            }
        }
        let smallest = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
        for (axis, log, value) in [
            ("x", log_x, smallest(&self.x)),
            ("y", log_y, self.y_values().fold(f64::INFINITY, f64::min)),
        ] {
            if log && value <= 0.0 {
                return Err(PlotError::Logarithm { axis, value });
            }
        }
        Ok(())
    }

    /// Everything that the y axis has to show.
    pub(super) fn y_values(&self) -> impl Iterator<Item = f64> {
        let bands = self
            .band
            .iter()
            .flat_map(|(lower, upper)| lower.iter().chain(upper));
        self.y.iter().chain(bands).copied()
    }

    /// Means over windows centred on each value. At the start, where a fit climbs steeply, they shrink on both sides alike, so
    /// that the curve is followed to its first value; at the end, where it is level, they are only cut short.
    pub(super) fn running_mean(&self) -> Vec<f64> {
        let n = self.y.len();
        let mut sums = Vec::with_capacity(n + 1);
        // Sums of differences from one value, which keeps the digits of a curve far from zero.
        let origin = self.y[n - 1];
        sums.push(0.0);
        for y in &self.y {
            sums.push(sums[sums.len() - 1] + (y - origin));
        }
        let mean = |i: usize| {
            let half = (self.window / 2).min(i);
            let (start, end) = (i - half, n.min(i + half + 1));
            origin + (sums[end] - sums[start]) / (end - start) as f64
        };
        (0..n).map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_means_are_centred_and_start_at_the_first_value() {
        let series = Series::new("", &[0.0; 5], &[1.0, 2.0, 6.0, 4.0, 8.0]).smoothed(3);
        assert_eq!(series.running_mean(), [1.0, 3.0, 4.0, 6.0, 6.0]);
        assert_eq!(series.clone().smoothed(1).running_mean(), series.y);
        assert_eq!(
            series.smoothed(100).running_mean(),
            [1.0, 3.0, 4.2, 4.2, 4.2]
        );
    }
}
