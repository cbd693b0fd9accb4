//! Named curves over a common axis: ELBO against steps, losses against seconds.

use super::canvas::{Canvas, Point, Text, svg};
use super::frame::{Frame, Key, frame_settings, pale};
use super::panel::Panel;
use super::series::Series;
use super::style::{FONT_TICK, MUTED, category};
use super::{PlotError, Result, check};
use plotters::style::{Color, RGBAColor};

/// Several curves over a common axis.
///
/// ```
/// use bayes_nn::plots::{Lines, Series};
///
/// let steps: Vec<f64> = (1..=1000).map(f64::from).collect();
/// let elbo: Vec<f64> = steps.iter().map(|step| -100.0 - 1e5 / step).collect();
/// let svg = Lines::new()
///     .title("ADVI")
///     .x_label("step")
///     .y_label("ELBO (nats)")
///     .series(Series::new("full batch", &steps, &elbo).smoothed(50))
///     .y_quantiles(0.05, 1.0)
///     .to_svg()?;
/// assert!(svg.contains("ELBO (nats)"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Lines {
    series: Vec<Series>,
    log_x: bool,
    log_y: bool,
    quantiles: Option<(f64, f64)>,
    frame: Frame,
}

impl Default for Lines {
    fn default() -> Self {
        Self::new()
    }
}

impl Lines {
    /// No curves yet.
    pub fn new() -> Self {
        Self {
            series: vec![],
            log_x: false,
            log_y: false,
            quantiles: None,
            frame: Frame::new(720, 420),
        }
    }

    frame_settings!();

    /// Adds a curve.
    #[must_use]
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// A logarithmic x axis.
    #[must_use]
    pub fn log_x(mut self) -> Self {
        self.log_x = true;
        self
    }

    /// A logarithmic y axis.
    #[must_use]
    pub fn log_y(mut self) -> Self {
        self.log_y = true;
        self
    }

    /// Lets the y axis show only what lies between two quantiles of the y values, and says so under the picture.
    ///
    /// The first steps of a fit can be far below all others: `y_quantiles(0.02, 1.0)` lets the rest be seen.
    #[must_use]
    pub fn y_quantiles(mut self, lower: f64, upper: f64) -> Self {
        self.quantiles = Some((lower, upper));
        self
    }

    /// Draws the picture. A curve with far more points than pixels is drawn by the extremes in each pixel column.
    ///
    /// # Errors
    /// No curves or an empty one, lengths that do not fit, values that are not finite, values that are not positive on a
    /// logarithmic axis, quantiles that are not in order within [0, 1], a size too small.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        check::not_empty("series", self.series.len())?;
        self.frame.check_size(240, 180)?;
        self.series
            .iter()
            .try_for_each(|series| series.check(self.log_x, self.log_y))?;
        let x = self.series.iter().flat_map(|s| s.x.iter().copied());
        let x_range = check::widened(check::extent(x));
        let (y_range, hidden) = self.y_range()?;
        let legend: Vec<_> = self.series.iter().enumerate().map(legend_of).collect();
        svg(self.frame.size(), |canvas| {
            let [x, y] = self.frame.axes(x_range, y_range)?;
            let axes = [x.logarithmic(self.log_x), y.logarithmic(self.log_y)];
            let panel = self.frame.panel(canvas, &legend, axes)?;
            let curve = |series: &Series, y: &[f64], color: RGBAColor, width: f64| {
                draw_curve(canvas, &panel, &series.x, y, color, width)
            };
            // What is pale lies under every curve.
            for (index, series) in self.series.iter().enumerate() {
                let color = pale(category(index));
                if let Some((lower, upper)) = &series.band {
                    draw_band(canvas, &panel, &series.x, lower, upper, color)?;
                }
                if series.window > 1 {
                    curve(series, &series.y, color, 1.0)?;
                }
            }
            for (index, series) in self.series.iter().enumerate() {
                let color = category(index).to_rgba();
                match series.window {
                    1 => curve(series, &series.y, color, 2.0)?,
                    _ => curve(series, &series.running_mean(), color, 2.0)?,
                }
            }
            if hidden > 0 {
                let note = format!("{hidden} values outside the y axis");
                let below = panel.bottom + panel.x.height() - 11.0;
                let text = Text::new(FONT_TICK - 1.0).color(MUTED).right();
                canvas.text(&note, (panel.right + 10.0, below), text)?;
            }
            panel.draw_axes(canvas)
        })
    }

    /// The range of the y axis, and how many values it does not show.
    fn y_range(&self) -> Result<((f64, f64), usize)> {
        let (low, high) = self.quantiles.unwrap_or((0.0, 1.0));
        if !(0.0 <= low && low < high && high <= 1.0) {
            return Err(PlotError::Range {
                what: "quantiles",
                lower: low,
                upper: high,
            });
        }
        let mut values: Vec<f64> = self.series.iter().flat_map(Series::y_values).collect();
        values.sort_by(f64::total_cmp);
        let inner = (
            check::quantile(&values, low),
            check::quantile(&values, high),
        );
        let range = match self.log_y {
            true => {
                let (lower, upper) = check::padded((inner.0.ln(), inner.1.ln()), 0.05);
                (lower.exp().max(f64::MIN_POSITIVE), upper.exp())
            }
            false => check::padded(inner, 0.05),
        };
        let hidden = values
            .iter()
            .filter(|&&value| value < range.0 || value > range.1)
            .count();
        Ok((range, hidden))
    }
}

fn legend_of((index, series): (usize, &Series)) -> (Key, String) {
    let color = category(index);
    match series.window {
        1 => (Key::Line(color), series.name.clone()),
        window => (
            Key::LineOverPale(color),
            format!("{} (line: mean over {window})", series.name),
        ),
    }
}

/// A band between `(x, lower)` and `(x, upper)`, cut at the panel's frame.
pub(super) fn draw_band(
    canvas: &Canvas<'_>,
    panel: &Panel,
    x: &[f64],
    lower: &[f64],
    upper: &[f64],
    color: RGBAColor,
) -> Result<()> {
    let edge = |values: &[f64]| -> Vec<Point> {
        let inside =
            |(&x, &y): (&f64, &f64)| panel.at((x, y.clamp(panel.y.range.0, panel.y.range.1)));
        thin(&x.iter().zip(values).map(inside).collect::<Vec<_>>(), 1.0)
    };
    let corners: Vec<Point> = edge(lower)
        .into_iter()
        .chain(edge(upper).into_iter().rev())
        .collect();
    canvas.polygon(&corners, color)
}

/// A curve through `(x, y)`, cut at the panel's frame and thinned to what its pixels can show.
pub(super) fn draw_curve(
    canvas: &Canvas<'_>,
    panel: &Panel,
    x: &[f64],
    y: &[f64],
    color: RGBAColor,
    width: f64,
) -> Result<()> {
    let points: Vec<Point> = x.iter().zip(y).map(|(&x, &y)| panel.at((x, y))).collect();
    if let [only] = points[..] {
        return canvas.mark(super::style::Mark::Circle, only, 3.0, color);
    }
    for run in panel.clip(&thin(&points, 1.0)) {
        canvas.line(&run, color, width)?;
    }
    Ok(())
}

/// Keeps first, lowest, highest and last point of each column of `pixels`, where more than four points share a column.
/// Points that go backwards are kept as they are.
pub(super) fn thin(points: &[Point], pixels: f64) -> Vec<Point> {
    if points.windows(2).any(|pair| pair[1].0 < pair[0].0) {
        return points.to_vec();
    }
    let column = |point: &Point| (point.0 / pixels).floor();
    let mut thinned = vec![];
    for group in points.chunk_by(|a, b| column(a) == column(b)) {
        if group.len() <= 4 {
            thinned.extend_from_slice(group);
            continue;
        }
        let height = |&a: &usize, &b: &usize| group[a].1.total_cmp(&group[b].1);
        let lowest = (0..group.len()).min_by(height).unwrap_or(0);
        let highest = (0..group.len()).max_by(height).unwrap_or(0);
        let mut kept = [0, lowest, highest, group.len() - 1];
        kept.sort_unstable();
        thinned.extend(kept.map(|at| group[at]));
    }
    thinned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_extremes_of_every_pixel_column() {
        let points: Vec<Point> = (0..1000)
            .map(|i| (f64::from(i) * 0.01, f64::from(i * 7919 % 1000)))
            .collect();
        let thinned = thin(&points, 1.0);
        assert!(thinned.len() <= 40);
        let highest = |points: &[Point]| points.iter().map(|p| p.1).fold(0.0, f64::max);
        assert_eq!(highest(&thinned), highest(&points));
    }

    #[test]
    fn many_points_make_a_small_file() {
        let x: Vec<f64> = (0..50_000).map(f64::from).collect();
        let y: Vec<f64> = x.iter().map(|x| (x * 12.9898).sin()).collect();
        let svg = Lines::new()
            .series(Series::new("noise", &x, &y).smoothed(100))
            .to_svg()
            .unwrap();
        assert!(svg.len() < 120_000, "{} bytes", svg.len());
    }

    #[test]
    fn values_beyond_the_quantiles_are_counted_under_the_picture() {
        let x: Vec<f64> = (0..100).map(f64::from).collect();
        let mut y = x.clone();
        (y[0], y[1]) = (-1e6, -1e5);
        let lines = Lines::new().series(Series::new("ELBO", &x, &y));
        assert!(!lines.to_svg().unwrap().contains("outside"));
        assert!(
            lines
                .y_quantiles(0.05, 1.0)
                .to_svg()
                .unwrap()
                .contains("2 values outside the y axis")
        );
    }

    #[test]
    fn extreme_values_are_drawn_or_refused() {
        let drawn = |y: [f64; 2]| {
            let svg = Lines::new()
                .series(Series::new("y", &[0.0, 1.0], &y).smoothed(2))
                .to_svg();
            svg.map(|svg| assert!(!svg.contains("NaN") && !svg.contains("inf"), "{y:?}"))
        };
        drawn([-1e300, 1e300]).unwrap();
        drawn([1.0, 1.0 + f64::EPSILON]).unwrap();
        drawn([1e-320, f64::MAX / 2.0]).unwrap();
        for y in [[5e-324, 1e-323], [-f64::MAX, f64::MAX]] {
            assert!(matches!(drawn(y), Err(PlotError::Range { .. })), "{y:?}");
        }
    }

    #[test]
    fn one_point_and_equal_values_are_drawn() {
        Lines::new()
            .series(Series::new("one", &[1.0], &[2.0]))
            .to_svg()
            .unwrap();
        let flat = Series::new("flat", &[1.0, 10.0], &[2.0, 2.0]);
        Lines::new().series(flat).log_x().log_y().to_svg().unwrap();
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let message = |lines: Lines| lines.to_svg().unwrap_err().to_string();
        assert_eq!(
            message(Lines::new()),
            "series: nothing to draw; at least one value is needed"
        );
        let series = Series::new("a", &[0.0, 1.0], &[1.0, 2.0]);
        assert_eq!(
            message(Lines::new().series(series.clone()).log_x()),
            "0 on the logarithmic x axis; its values must be above 0"
        );
        assert_eq!(
            message(Lines::new().series(series.clone().band(&[0.0], &[1.0, 1.0]))),
            "lower band of `a` has 1 values; 2 are needed"
        );
        assert_eq!(
            message(Lines::new().series(series).y_quantiles(0.9, 0.1)),
            "the quantiles from 0.9 to 0.1; it needs lower < upper and a width from 1e-300 to 1.7e308"
        );
        assert_eq!(
            message(Lines::new().series(Series::new("a", &[0.0], &[f64::INFINITY]))),
            "y of `a`, index 0: inf is not finite and has no place in a picture"
        );
    }
}
