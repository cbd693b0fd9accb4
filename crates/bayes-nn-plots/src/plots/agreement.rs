//! The same quantities by two methods, one against the other.

use super::canvas::svg;
use super::frame::{Frame, Key, frame_settings};
use super::style::{MUTED, Mark, category};
use super::{PlotError, check};
use plotters::style::Color;

/// Two values of each of many quantities, such as the predicted probabilities of two fits: on the
/// diagonal where they agree.
///
/// ```
/// use bayes_nn::plots::Agreement;
///
/// let svg = Agreement::new(&[0.1, 0.5, 0.9], &[0.15, 0.5, 0.8])
///     .range(0.0, 1.0)
///     .x_label("NUTS")
///     .y_label("ADVI")
///     .to_svg()?;
/// assert!(svg.contains("equal"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Agreement<'a> {
    x: &'a [f64],
    y: &'a [f64],
    range: Option<(f64, f64)>,
    frame: Frame,
}

impl<'a> Agreement<'a> {
    /// The values by the first method and by the second, each `[n]`.
    pub fn new(x: &'a [f64], y: &'a [f64]) -> Self {
        Self {
            x,
            y,
            range: None,
            frame: Frame::new(520, 520),
        }
    }

    frame_settings!();

    /// The ends of both axes; without it, the extremes found.
    #[must_use]
    pub fn range(mut self, lower: f64, upper: f64) -> Self {
        self.range = Some((lower, upper));
        self
    }

    /// Draws the picture.
    ///
    /// # Errors
    /// No values, lengths that do not fit, values that are not finite, an empty range, a size too
    /// small.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        check::not_empty("values", self.x.len())?;
        check::length("y", self.y.len(), self.x.len())?;
        check::finite("x", self.x)?;
        check::finite("y", self.y)?;
        self.frame.check_size(240, 240)?;
        let found = check::extent(self.x.iter().chain(self.y).copied());
        // Marks at the ends of a given range are not cut in half.
        let range = match self.range {
            Some(range) => check::padded(range, 0.02),
            None => check::padded(found, 0.05),
        };
        let color = category(0);
        let legend = [
            (Key::Mark(Mark::Circle, color), "both values".to_owned()),
            (Key::Dashes(MUTED), "equal".to_owned()),
        ];
        svg(self.frame.size(), |canvas| {
            let axes = self.frame.axes(range, range)?;
            let panel = self.frame.panel(canvas, &legend, axes)?;
            panel.draw_reference(canvas, (range.0, range.0), (range.1, range.1))?;
            let inside = |v: f64| (range.0..=range.1).contains(&v);
            let points = self.x.iter().zip(self.y);
            for (&x, &y) in points.filter(|(x, y)| inside(**x) && inside(**y)) {
                canvas.mark(Mark::Circle, panel.at((x, y)), 2.8, color.mix(0.55))?;
            }
            panel.draw_axes(canvas)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_inside_is_drawn() {
        let svg = Agreement::new(&[0.0, 0.5, 2.0], &[0.0, 0.6, 0.5])
            .range(0.0, 1.0)
            .to_svg()
            .unwrap();
        assert_eq!(
            svg.matches("<circle").count(),
            3,
            "two points and one legend entry"
        );
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let message = |x: &[f64], y: &[f64]| Agreement::new(x, y).to_svg().unwrap_err().to_string();
        assert!(message(&[], &[]).starts_with("values: nothing to draw"));
        assert_eq!(message(&[1.0], &[]), "y has 0 values; 1 are needed");
        assert!(message(&[f64::NAN], &[0.0]).starts_with("x, index 0: NaN"));
    }
}
