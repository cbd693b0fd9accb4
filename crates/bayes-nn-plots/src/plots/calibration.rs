//! The reliability diagram: what came true against what was promised.

use super::canvas::svg;
use super::frame::{Frame, Key, frame_settings, pale};
use super::panel::{Axis, Panel};
use super::style::{MUTED, Mark, category};
use super::{PlotError, check};
use bayes_nn_models::scores::ReliabilityBin;
use plotters::style::Color;

const COUNTS_SHARE: f64 = 0.26;

/// A reliability diagram: frequencies against probabilities, on the diagonal where predictions are calibrated; below it how
/// many predictions each bin holds.
///
/// ```
/// use bayes_nn::{plots::Calibration, scores};
///
/// let bins = scores::reliability(&[0.1, 0.2, 0.8, 0.9], &[0.0, 0.0, 1.0, 1.0], 10)?;
/// let svg = Calibration::new(&bins).title("Calibration").to_svg()?;
/// assert!(svg.contains("perfect calibration"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Calibration<'a> {
    bins: &'a [ReliabilityBin],
    frame: Frame,
}

impl<'a> Calibration<'a> {
    /// The bins of [`reliability`](bayes_nn_models::scores::reliability); empty ones are left out.
    pub fn new(bins: &'a [ReliabilityBin]) -> Self {
        let mut frame = Frame::new(560, 560);
        frame.x_label = "predicted probability".to_owned();
        frame.y_label = "observed frequency".to_owned();
        Self { bins, frame }
    }

    frame_settings!();

    /// Draws the picture.
    ///
    /// # Errors
    /// No predictions in any bin, values outside [0, 1], a size too small.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        let filled: Vec<&ReliabilityBin> = self.bins.iter().filter(|bin| bin.count > 0).collect();
        check::not_empty("bins with predictions", filled.len())?;
        for bin in &filled {
            for (what, value) in [
                ("the probability of a bin", bin.probability),
                ("the frequency of a bin", bin.frequency),
            ] {
                if !(0.0..=1.0).contains(&value) {
                    return Err(PlotError::NotProbability { what, value });
                }
            }
        }
        self.frame.check_size(280, 320)?;
        let color = category(0);
        let legend = [
            (
                Key::Mark(Mark::Circle, color),
                "predictions by bin, with 95 % intervals".to_owned(),
            ),
            (Key::Dashes(MUTED), "perfect calibration".to_owned()),
        ];
        svg(self.frame.size(), |canvas| {
            let (from, to) = self.frame.draw(canvas, &legend)?;
            let split = to.1 - COUNTS_SHARE * (to.1 - from.1);
            let largest = filled.iter().map(|bin| bin.count).max().unwrap_or(1) as f64;
            let share_axis = |label: &str| Axis::new("x axis", (0.0, 1.0), label);
            let mut upper = Panel::inside(
                &self.frame,
                from,
                (to.0, split),
                share_axis("")?,
                share_axis(&self.frame.y_label)?,
            )?;
            let counts = Axis::new("y axis", (0.0, 1.1 * largest), "count")?;
            let mut lower = Panel::inside(
                &self.frame,
                (from.0, split + 10.0),
                to,
                share_axis(&self.frame.x_label)?,
                counts,
            )?;
            // Both share the x axis, so both start where the wider numbers end.
            let left = upper.left.max(lower.left);
            (upper.left, lower.left) = (left, left);

            upper.draw_grid(canvas)?;
            upper.draw_reference(canvas, (0.0, 0.0), (1.0, 1.0))?;
            let points: Vec<_> = filled
                .iter()
                .map(|bin| upper.at((bin.probability, bin.frequency)))
                .collect();
            if points.len() > 1 {
                canvas.line(&points, color.to_rgba(), 1.5)?;
            }
            for bin in &filled {
                let ends = interval(bin).map(|end| upper.at((bin.probability, end)));
                canvas.line(&ends, color.mix(0.55), 1.25)?;
            }
            for &point in &points {
                canvas.mark(Mark::Circle, point, 4.5, color.to_rgba())?;
            }
            upper.draw_axes(canvas)?;

            lower.draw_grid(canvas)?;
            for bin in &filled {
                let (left, top) = lower.at((bin.lower, bin.count as f64));
                let (right, bottom) = lower.at((bin.upper, 0.0));
                canvas.rectangle((left + 1.0, top), (right - 1.0, bottom), pale(color))?;
            }
            lower.draw_axes(canvas)
        })
    }
}

/// The 95 % interval of the frequency that a bin stands for (Wilson 1927).
fn interval(bin: &ReliabilityBin) -> [f64; 2] {
    const Z: f64 = 1.959964;
    let (n, share) = (bin.count as f64, bin.frequency);
    let center = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + (Z / (2.0 * n)).powi(2)).sqrt();
    [-half, half].map(|side| ((center + side) / (1.0 + Z * Z / n)).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(lower: f64, count: usize, probability: f64) -> ReliabilityBin {
        ReliabilityBin {
            lower,
            upper: lower + 0.1,
            count,
            probability,
            frequency: 0.5,
        }
    }

    #[test]
    fn only_bins_with_predictions_are_drawn() {
        let bins = [bin(0.0, 3, 0.05), bin(0.1, 0, 0.15), bin(0.2, 4, 0.25)];
        let svg = Calibration::new(&bins).to_svg().unwrap();
        assert_eq!(
            svg.matches("<circle").count(),
            3,
            "two bins and one legend entry"
        );
    }

    #[test]
    fn a_bin_of_few_predictions_says_less_than_one_of_many() {
        // Of 5 in 10 and of 50 in 100.
        for (count, expected) in [(10, [0.2366, 0.7634]), (100, [0.4038, 0.5962])] {
            let found = interval(&bin(0.5, count, 0.55));
            assert!((found[0] - expected[0]).abs() < 1e-4, "{found:?}");
            assert!((found[1] - expected[1]).abs() < 1e-4, "{found:?}");
        }
        let all = ReliabilityBin {
            frequency: 1.0,
            ..bin(0.5, 3, 0.55)
        };
        assert!((interval(&all)[0] - 0.4385).abs() < 1e-4 && interval(&all)[1] == 1.0);
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let message =
            |bins: &[ReliabilityBin]| Calibration::new(bins).to_svg().unwrap_err().to_string();
        assert!(message(&[bin(0.0, 0, 0.0)]).starts_with("bins with predictions: nothing to draw"));
        assert_eq!(
            message(&[bin(0.0, 1, 1.5)]),
            "the probability of a bin is 1.5; it must lie between 0 and 1"
        );
    }
}
