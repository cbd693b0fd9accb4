//! Whether each observation lies where the others say it does.

use super::canvas::{Point, svg};
use super::frame::{Frame, Key, frame_settings, pale};
use super::style::{INK, category};
use super::{PlotError, Result, check};
use plotters::style::Color;

/// Leave-one-out probability integral transforms: the share of them below each level, less the level.
///
/// Each is the probability, by all other observations, of a value below the one that was observed
/// ([`loo_pit`](bayes_nn_inference::diagnostics::loo_pit)). Where the model is right they are uniform, and the line stays
/// inside the band but for one data set in twenty. A line above the band at the left and below it at the right means
/// predictions that are too narrow, the reverse ones that are too wide; above everywhere, predictions that are too high.
///
/// The band is that of Kolmogorov's statistic, 1.358 / (sqrt(n) + 0.12 + 0.11 / sqrt(n)) (Stephens 1970).
///
/// ```
/// use bayes_nn::plots::LooPit;
///
/// let even: Vec<f64> = (0..100).map(|i| (f64::from(i) + 0.5) / 100.0).collect();
/// let svg = LooPit::new(&even).title("y").to_svg()?;
/// assert!(svg.contains("95 % of data sets"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct LooPit<'a> {
    values: &'a [f64],
    frame: Frame,
}

impl<'a> LooPit<'a> {
    /// The transforms of all observations, `[n]`, in any order.
    pub fn new(values: &'a [f64]) -> Self {
        let mut frame = Frame::new(720, 320);
        frame.x_label = "probability of a smaller value, by the other observations".to_owned();
        frame.y_label = "share below, less expected".to_owned();
        Self { values, frame }
    }

    frame_settings!();

    /// Draws the picture.
    ///
    /// # Errors
    /// No values, values outside [0, 1], a size too small.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        check::not_empty("transforms", self.values.len())?;
        if let Some(&value) = self.values.iter().find(|v| !(0.0..=1.0).contains(*v)) {
            return Err(PlotError::NotProbability {
                what: "a transform",
                value,
            });
        }
        self.frame.check_size(240, 180)?;
        let mut sorted = self.values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len() as f64;
        let band = 1.358 / (n.sqrt() + 0.12 + 0.11 / n.sqrt());
        // Before and after each step of the distribution function.
        let mut line: Vec<Point> = vec![(0.0, 0.0)];
        for (rank, &value) in sorted.iter().enumerate() {
            line.push((value, rank as f64 / n - value));
            line.push((value, (rank + 1) as f64 / n - value));
        }
        line.push((1.0, 0.0));
        let farthest = line.iter().map(|(_, y)| y.abs()).fold(1.3 * band, f64::max);
        let legend = [
            (Key::Line(INK), format!("{} observations", sorted.len())),
            (
                Key::Bar(category(0)),
                "95 % of data sets of a right model".to_owned(),
            ),
        ];
        svg(self.frame.size(), |canvas| {
            let axes = self
                .frame
                .axes((0.0, 1.0), (-1.05 * farthest, 1.05 * farthest))?;
            let panel = self.frame.panel(canvas, &legend, axes)?;
            let (from, to) = (panel.at((0.0, band)), panel.at((1.0, -band)));
            canvas.rectangle(from, to, pale(category(0)))?;
            panel.draw_reference(canvas, (0.0, 0.0), (1.0, 0.0))?;
            let line: Vec<Point> = line.iter().map(|&point| panel.at(point)).collect();
            canvas.line(&super::lines::thin(&line, 1.0), INK.to_rgba(), 1.75)?;
            panel.draw_axes(canvas)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_values_make_a_small_file() {
        let values: Vec<f64> = (0..50_000)
            .map(|i| f64::from(i * 7919 % 50_000) / 5e4)
            .collect();
        let svg = LooPit::new(&values).to_svg().unwrap();
        assert!(svg.len() < 60_000, "{} bytes", svg.len());
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let message = |values: &[f64]| LooPit::new(values).to_svg().unwrap_err().to_string();
        assert!(message(&[]).starts_with("transforms: nothing to draw"));
        assert_eq!(
            message(&[0.5, 1.5]),
            "a transform is 1.5; it must lie between 0 and 1"
        );
        assert!(message(&[f64::NAN]).starts_with("a transform is NaN"));
    }
}
