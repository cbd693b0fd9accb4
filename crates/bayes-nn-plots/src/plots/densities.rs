//! Many densities in one picture.

use super::canvas::{Canvas, Point, Text, svg};
use super::curve::{Curve, UNBOUNDED};
use super::frame::{Frame, frame_settings};
use super::panel::{Axis, Panel};
use super::style::{FONT_TICK, INK, MUTED, Mark, category, widest};
use super::{PlotError, Result, check};
use plotters::style::Color;

/// Rows that fit below each other before another column begins.
const MAX_ROWS: usize = 20;
const ROW: f64 = 24.0;
const GAP: f64 = 18.0;
/// The least width of the densities beside their names where there are several columns.
const LEAST_WIDTH: f64 = 180.0;

/// Many densities below each other over one axis, such as the posterior of every weight.
///
/// Each is drawn to the same height, so that a wide one can be read beside a narrow one; a dot marks its mean. More than
/// twenty go into several columns, with the same axis. The height follows from the number of densities.
///
/// ```
/// use bayes_nn::plots::Densities;
///
/// let svg = Densities::new()
///     .title("Posterior of the weights")
///     .normal("w[0]", 0.3, 1.0)
///     .draws("w[1]", &[0.9, 1.1, 1.3, 0.7])
///     .to_svg()?;
/// assert!(svg.contains("w[1]"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Densities {
    rows: Vec<Row>,
    frame: Frame,
}

#[derive(Debug, Clone)]
struct Row {
    name: String,
    source: Source,
    bounds: (f64, f64),
}

#[derive(Debug, Clone)]
enum Source {
    Normal { mean: f64, sd: f64 },
    Draws(Vec<f64>),
}

impl Default for Densities {
    fn default() -> Self {
        Self::new()
    }
}

impl Densities {
    /// No densities yet.
    pub fn new() -> Self {
        Self {
            rows: vec![],
            frame: Frame::new(720, 0),
        }
    }

    /// Adds a normal density.
    #[must_use]
    pub fn normal(mut self, name: impl Into<String>, mean: f64, sd: f64) -> Self {
        self.rows.push(Row {
            name: name.into(),
            source: Source::Normal { mean, sd },
            bounds: UNBOUNDED,
        });
        self
    }

    /// Adds the density of draws, `[n]`, by a Gaussian kernel with Silverman's bandwidth
    /// `0.9 min(sd, iqr / 1.34) n^(-1/5)` (Silverman 1986, equation 3.31).
    #[must_use]
    pub fn draws(mut self, name: impl Into<String>, draws: &[f64]) -> Self {
        self.rows.push(Row {
            name: name.into(),
            source: Source::Draws(draws.to_vec()),
            bounds: UNBOUNDED,
        });
        self
    }

    /// The last draws that were added are of a scalar that lies between these bounds, of which either may be
    /// infinite: its density is reflected there (Silverman 1986, section 2.10), and nothing lies beyond.
    ///
    /// ```
    /// use bayes_nn::plots::Densities;
    ///
    /// let draws: Vec<f64> = (0..200).map(|i| (f64::from(i) * 0.7).sin().abs()).collect();
    /// let picture = Densities::new().draws("sd", &draws).within((0.0, f64::INFINITY));
    /// assert!(picture.to_svg()?.contains("sd"));
    /// # Ok::<(), bayes_nn::plots::PlotError>(())
    /// ```
    #[must_use]
    pub fn within(mut self, bounds: (f64, f64)) -> Self {
        if let Some(row) = self.rows.last_mut() {
            row.bounds = bounds;
        }
        self
    }

    frame_settings!(title);
    frame_settings!(x_label);
    frame_settings!(width);

    /// Draws the picture.
    ///
    /// # Errors
    /// No densities, no draws, values that are not finite, a standard deviation that is not positive, a width too small for
    /// the columns, more densities than a picture can hold.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        check::not_empty("densities", self.rows.len())?;
        let curves = self
            .rows
            .iter()
            .map(Row::curve)
            .collect::<Result<Vec<_>, _>>()?;
        let axis = Axis::new("x axis", Curve::range(&curves), &self.frame.x_label)?;
        let names = widest(self.rows.iter().map(|row| &row.name));
        // Beside long names fewer columns leave room for the densities.
        let has_room = f64::from(self.frame.size().0) / (names + LEAST_WIDTH);
        let most = (has_room as usize).clamp(1, 3);
        let columns = self.rows.len().div_ceil(MAX_ROWS).min(most);
        let per_column = self.rows.len().div_ceil(columns);
        let mut frame = self.frame.clone();
        frame.fit_height(axis.height() + ROW * (per_column + 1) as f64);
        frame.check_size((columns as f64 * (names + 120.0)) as u32, 100)?;
        svg(frame.size(), |canvas| {
            let (from, to) = frame.draw(canvas, &[])?;
            let column_width = (to.0 - from.0 - GAP * (columns - 1) as f64) / columns as f64;
            for (column, group) in (0..self.rows.len())
                .collect::<Vec<_>>()
                .chunks(per_column)
                .enumerate()
            {
                let left = from.0 + column as f64 * (column_width + GAP) + names + 8.0;
                let panel = Panel {
                    left,
                    top: from.1,
                    right: left + column_width - names - 8.0,
                    bottom: to.1 - axis.height(),
                    x: axis.clone(),
                    y: Axis::new("y axis", (0.0, 1.0), "")?.without_ticks(),
                };
                panel.draw_grid(canvas)?;
                let row = (panel.bottom - panel.top) / (per_column + 1) as f64;
                let baseline = |place: usize| panel.top + (place + 2) as f64 * row - 4.0;
                for (place, &index) in group.iter().enumerate() {
                    let baseline = baseline(place);
                    canvas.text(
                        &self.rows[index].name,
                        (left - 8.0, baseline - 5.0),
                        Text::new(FONT_TICK).right(),
                    )?;
                    draw_ridge(canvas, &panel, &curves[index], baseline, 1.6 * row)?;
                }
                draw_zero(canvas, &panel)?;
                for (place, &index) in group.iter().enumerate() {
                    let mean = (panel.at((curves[index].mean, 0.0)).0, baseline(place));
                    canvas.mark(Mark::Circle, mean, 2.25, INK.to_rgba())?;
                }
                panel.draw_axes(canvas)?;
            }
            Ok(())
        })
    }
}

fn draw_ridge(
    canvas: &Canvas<'_>,
    panel: &Panel,
    curve: &Curve,
    baseline: f64,
    height: f64,
) -> Result<()> {
    let outline: Vec<Point> = curve
        .x
        .iter()
        .zip(&curve.density)
        .map(|(&x, density)| {
            (
                panel.at((x, 0.0)).0,
                baseline - height * density / curve.peak,
            )
        })
        .collect();
    let (first, last) = (outline[0].0, outline[outline.len() - 1].0);
    let mut corners = outline.clone();
    corners.extend([(last, baseline), (first, baseline)]);
    canvas.polygon(&corners, category(4).mix(0.45))?;
    canvas.line(&outline, category(0).to_rgba(), 1.25)
}

/// A dashed line at zero, if the axis shows it.
pub(super) fn draw_zero(canvas: &Canvas<'_>, panel: &Panel) -> Result<()> {
    let (lower, upper) = panel.x.range;
    if lower >= 0.0 || upper <= 0.0 {
        return Ok(());
    }
    let (x, _) = panel.at((0.0, 0.0));
    canvas.dashed((x, panel.top), (x, panel.bottom), MUTED.to_rgba(), 1.0)
}

impl Row {
    fn curve(&self) -> Result<Curve> {
        let name = format!("`{}`", self.name);
        match &self.source {
            Source::Draws(draws) => {
                check::not_empty(&name, draws.len())?;
                check::finite(&name, draws)?;
                check::within(&name, draws, self.bounds)?;
                Ok(Curve::of_draws(draws, self.bounds))
            }
            &Source::Normal { mean, sd } => {
                check::finite(&name, &[mean])?;
                if !(sd > 0.0 && sd.is_finite()) {
                    return Err(PlotError::Sd {
                        name: self.name.clone(),
                        sd,
                    });
                }
                Ok(Curve::of_normal(mean, sd))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_draws_make_a_narrow_peak() {
        let curve = Curve::of_draws(&[0.0; 10], UNBOUNDED);
        assert!(curve.peak.is_finite() && curve.density.iter().all(|density| density.is_finite()));
        Densities::new()
            .draws("zero", &[0.0; 10])
            .draws("one", &[1e9])
            .to_svg()
            .unwrap();
    }

    #[test]
    fn forty_densities_are_all_named() {
        let all = (0..40).fold(Densities::new(), |all, i| {
            all.normal(format!("w[{i}]"), f64::from(i), 1.0)
        });
        let svg = all.to_svg().unwrap();
        assert!((0..40).all(|i| svg.contains(&format!("w[{i}]"))));
        assert!(svg.len() < 200_000, "{} bytes", svg.len());
    }

    #[test]
    fn long_names_leave_room_for_densities() {
        let tall = |name: &str| {
            let all = (0..40).fold(Densities::new(), |all, i| {
                all.normal(format!("{name}[{i}]"), f64::from(i), 1.0)
            });
            let svg = all.to_svg().unwrap();
            let height = svg.split("height=\"").nth(1).unwrap();
            height.split('"').next().unwrap().parse::<f64>().unwrap()
        };
        assert!(tall("the effect of the county of a house") > 1.8 * tall("w"));
    }

    #[test]
    fn draws_beyond_their_bounds_are_refused() {
        let beyond = Densities::new()
            .draws("sd", &[0.5, -0.1])
            .within((0.0, 1.0));
        assert_eq!(
            beyond.to_svg().unwrap_err().to_string(),
            "`sd`, index 1: -0.1 lies beyond the bounds 0 and 1"
        );
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let message = |densities: Densities| densities.to_svg().unwrap_err().to_string();
        assert!(message(Densities::new()).starts_with("densities: nothing to draw"));
        assert!(message(Densities::new().draws("w", &[])).starts_with("`w`: nothing to draw"));
        assert!(
            message(Densities::new().draws("w", &[0.0, f64::NAN])).starts_with("`w`, index 1: NaN")
        );
        assert_eq!(
            message(Densities::new().normal("w", 0.0, 0.0)),
            "`w`: standard deviation 0; it must be finite and above 0"
        );
        assert!(message(Densities::new().normal("w", 0.0, 1.0).width(50)).starts_with("50 x "));
    }
}
