//! Estimates with their intervals along a common axis.

use super::canvas::svg;
use super::frame::{Frame, Key, frame_settings};
use super::style::{MUTED, category, mark};
use super::{PlotError, Result, check};
use plotters::style::Color;

/// Estimates with intervals at places on an axis, by one method or several: the effects of groups
/// against their sizes, say.
///
/// ```
/// use bayes_nn::plots::Intervals;
///
/// let svg = Intervals::new()
///     .x_label("group")
///     .series("NUTS", &[1.0, 2.0], &[0.5, 0.9], &[0.1, 0.7], &[0.9, 1.1])
///     .line("mean of all", 0.7)
///     .to_svg()?;
/// assert!(svg.contains("mean of all"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Intervals {
    series: Vec<Estimates>,
    line: Option<(String, f64)>,
    frame: Frame,
}

#[derive(Debug, Clone)]
struct Estimates {
    name: String,
    x: Vec<f64>,
    /// Middle, lower end, upper end.
    y: [Vec<f64>; 3],
}

impl Default for Intervals {
    fn default() -> Self {
        Self::new()
    }
}

impl Intervals {
    /// No estimates yet.
    pub fn new() -> Self {
        Self {
            series: vec![],
            line: None,
            frame: Frame::new(760, 420),
        }
    }

    frame_settings!();

    /// Adds estimates at `x` with their lower and upper ends, each `[n]`. Ends that equal the
    /// estimate draw none.
    #[must_use]
    pub fn series(
        mut self,
        name: impl Into<String>,
        x: &[f64],
        estimate: &[f64],
        lower: &[f64],
        upper: &[f64],
    ) -> Self {
        self.series.push(Estimates {
            name: name.into(),
            x: x.to_vec(),
            y: [estimate, lower, upper].map(<[f64]>::to_vec),
        });
        self
    }

    /// A level to compare with.
    #[must_use]
    pub fn line(mut self, name: impl Into<String>, level: f64) -> Self {
        self.line = Some((name.into(), level));
        self
    }

    /// Draws the picture.
    ///
    /// # Errors
    /// No estimates, lengths that do not fit, values that are not finite, a size too small.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        check::not_empty("series", self.series.len())?;
        self.frame.check_size(240, 180)?;
        self.series.iter().try_for_each(Estimates::check)?;
        let places = self.series.iter().flat_map(|s| s.x.iter().copied());
        let x_range = check::padded(check::extent(places), 0.02);
        let levels = self.line.iter().map(|(_, level)| *level);
        let y = self
            .series
            .iter()
            .flat_map(|s| s.y.iter().flatten().copied());
        let y_range = check::padded(check::extent(y.chain(levels)), 0.05);
        let named = self.series.iter().enumerate();
        let mut legend: Vec<(Key, String)> = named
            .map(|(i, s)| (Key::Mark(mark(i), category(i)), s.name.clone()))
            .collect();
        if let Some((name, _)) = &self.line {
            legend.push((Key::Dashes(MUTED), name.clone()));
        }
        svg(self.frame.size(), |canvas| {
            let axes = self.frame.axes(x_range, y_range)?;
            let panel = self.frame.panel(canvas, &legend, axes)?;
            if let Some((_, level)) = self.line {
                panel.draw_reference(canvas, (x_range.0, level), (x_range.1, level))?;
            }
            for (i, series) in self.series.iter().enumerate() {
                for (place, &x) in series.x.iter().enumerate() {
                    let [middle, lower, upper] = series.y.each_ref().map(|y| y[place]);
                    let ends = [panel.at((x, lower)), panel.at((x, upper))];
                    if lower < upper {
                        canvas.line(&ends, category(i).mix(0.55), 1.25)?;
                    }
                    canvas.mark(mark(i), panel.at((x, middle)), 3.0, category(i).mix(0.85))?;
                }
            }
            panel.draw_axes(canvas)
        })
    }
}

impl Estimates {
    fn check(&self) -> Result<()> {
        let name = &self.name;
        check::not_empty(&format!("`{name}`"), self.x.len())?;
        check::finite(&format!("x of `{name}`"), &self.x)?;
        for (what, values) in ["estimate", "lower", "upper"].iter().zip(&self.y) {
            let what = format!("{what} of `{name}`");
            check::length(&what, values.len(), self.x.len())?;
            check::finite(&what, values)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_without_an_interval_is_a_mark_alone() {
        // The other two hold the range of the axis.
        let paths = |lower: f64, upper: f64| {
            let plot = Intervals::new().series(
                "a",
                &[1.0, 2.0, 3.0],
                &[0.0, 1.0, 0.5],
                &[0.0, 1.0, lower],
                &[0.0, 1.0, upper],
            );
            plot.to_svg().unwrap().matches("<polyline").count()
        };
        assert_eq!(paths(0.2, 0.7), paths(0.5, 0.5) + 1);
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let message = |plot: Intervals| plot.to_svg().unwrap_err().to_string();
        assert!(message(Intervals::new()).starts_with("series: nothing to draw"));
        let one = Intervals::new().series("a", &[0.0], &[1.0], &[1.0], &[]);
        assert_eq!(message(one), "upper of `a` has 0 values; 1 are needed");
    }
}
