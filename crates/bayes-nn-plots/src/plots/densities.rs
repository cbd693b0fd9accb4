//! Many densities in one picture, and the kernel estimate that makes densities of draws.

use super::canvas::{Canvas, Point, Text, svg};
use super::frame::{Frame, frame_settings};
use super::panel::{Axis, Panel};
use super::style::{FONT_TICK, INK, MUTED, Mark, category, widest};
use super::{PlotError, Result, check};
use plotters::style::{Color, RGBAColor};

/// Rows that fit below each other before another column begins.
const MAX_ROWS: usize = 20;
const ROW: f64 = 24.0;
const GAP: f64 = 18.0;
/// The least width of the densities beside their names where there are several columns.
const LEAST_WIDTH: f64 = 180.0;
/// Bounds of a scalar that has none.
pub(super) const UNBOUNDED: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

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

/// A density on a grid.
pub(super) struct Curve {
    pub(super) x: Vec<f64>,
    pub(super) density: Vec<f64>,
    pub(super) peak: f64,
    mean: f64,
}

impl Curve {
    const POINTS: usize = 120;

    fn of_normal(mean: f64, sd: f64) -> Self {
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

        let beyond = Densities::new()
            .draws("sd", &[0.5, -0.1])
            .within((0.0, 1.0));
        assert_eq!(
            beyond.to_svg().unwrap_err().to_string(),
            "`sd`, index 1: -0.1 lies beyond the bounds 0 and 1"
        );
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
