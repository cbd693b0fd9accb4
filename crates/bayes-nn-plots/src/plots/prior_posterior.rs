//! What was known of scalars before the data, and what is after them.

use super::canvas::{Text, svg};
use super::curve::{Curve, UNBOUNDED};
use super::frame::{Frame, Key, frame_settings};
use super::lines::draw_curve;
use super::panel::{Axis, Panel};
use super::style::{FONT_LABEL, MUTED, category, shortened};
use super::{PlotError, Result, check};
use plotters::style::Color;

const ROW: f64 = 150.0;
const GAP: f64 = 18.0;
const COLUMNS: usize = 3;
/// How far a panel shows the prior beyond the posterior, in widths of the posterior.
const BEYOND: f64 = 4.0;

/// The prior and the posterior density of each of several scalars.
///
/// Where both are the same, the data say nothing of the scalar; where the posterior lies in the tail of the prior, they
/// contradict each other. A panel shows the posterior whole and the central 80 % of the prior, as far as the posterior can
/// still be seen. The height follows from the number of scalars.
///
/// ```
/// use bayes_nn::plots::PriorPosterior;
///
/// let prior: Vec<f64> = (0..200).map(|i| 3.0 * (f64::from(i) * 0.7).sin()).collect();
/// let posterior: Vec<f64> = prior.iter().map(|x| 1.0 + 0.1 * x).collect();
/// let svg = PriorPosterior::new().scalar("slope", &prior, &posterior).to_svg()?;
/// assert!(svg.contains("posterior"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PriorPosterior {
    scalars: Vec<Scalar>,
    frame: Frame,
}

#[derive(Debug, Clone)]
struct Scalar {
    name: String,
    prior: Vec<f64>,
    posterior: Vec<f64>,
    bounds: (f64, f64),
}

impl Default for PriorPosterior {
    fn default() -> Self {
        Self::new()
    }
}

impl PriorPosterior {
    /// No scalars yet.
    pub fn new() -> Self {
        Self {
            scalars: vec![],
            frame: Frame::new(720, 0),
        }
    }

    /// Adds a scalar with draws of its prior and of its posterior, each of any number.
    #[must_use]
    pub fn scalar(mut self, name: impl Into<String>, prior: &[f64], posterior: &[f64]) -> Self {
        self.scalars.push(Scalar {
            name: name.into(),
            prior: prior.to_vec(),
            posterior: posterior.to_vec(),
            bounds: UNBOUNDED,
        });
        self
    }

    /// The last scalar that was added lies between these bounds, as in
    /// [`Densities::within`](super::Densities::within).
    #[must_use]
    pub fn within(mut self, bounds: (f64, f64)) -> Self {
        if let Some(scalar) = self.scalars.last_mut() {
            scalar.bounds = bounds;
        }
        self
    }

    frame_settings!(title);
    frame_settings!(width);

    /// Draws the picture.
    ///
    /// # Errors
    /// No scalars or draws, values that are not finite, a width too small, more scalars than a picture can hold.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        check::not_empty("scalars", self.scalars.len())?;
        self.scalars.iter().try_for_each(Scalar::check)?;
        let columns = self.scalars.len().min(COLUMNS);
        let rows = self.scalars.len().div_ceil(columns);
        let mut frame = self.frame.clone();
        frame.fit_height(29.0 + ROW * rows as f64);
        frame.check_size(120 * columns as u32, 100)?;
        let legend = [
            (Key::LineOverPale(MUTED), "prior".to_owned()),
            (Key::LineOverPale(category(0)), "posterior".to_owned()),
        ];
        svg(frame.size(), |canvas| {
            let (from, to) = frame.draw(canvas, &legend)?;
            let width = (to.0 - from.0 - GAP * (columns - 1) as f64) / columns as f64;
            let height = (to.1 - from.1) / rows as f64;
            for (place, scalar) in self.scalars.iter().enumerate() {
                let (row, column) = (place / columns, place % columns);
                let left = from.0 + column as f64 * (width + GAP);
                let top = from.1 + row as f64 * height;
                let name = shortened(&scalar.name, FONT_LABEL, width);
                canvas.text(&name, (left, top + 8.0), Text::new(FONT_LABEL).bold())?;
                let range = scalar.range();
                let between = |draws| Curve::between(draws, range, scalar.bounds);
                let curves = [&scalar.prior, &scalar.posterior].map(|draws| between(draws));
                let peak = curves.iter().map(|curve| curve.peak).fold(0.0, f64::max);
                let panel = Panel::inside(
                    &frame,
                    (left, top + 22.0),
                    (left + width, top + height - 8.0),
                    Axis::new("x axis", range, "")?,
                    Axis::new("y axis", (0.0, 1.08 * peak), "")?.without_ticks(),
                )?;
                panel.draw_grid(canvas)?;
                let colors = [MUTED, category(0)];
                for (curve, color) in curves.iter().zip(colors) {
                    curve.fill(canvas, &panel, color.mix(0.2))?;
                }
                for (curve, color) in curves.iter().zip(colors) {
                    draw_curve(
                        canvas,
                        &panel,
                        &curve.x,
                        &curve.density,
                        color.to_rgba(),
                        1.75,
                    )?;
                }
                panel.draw_axes(canvas)?;
            }
            Ok(())
        })
    }
}

impl Scalar {
    fn check(&self) -> Result<()> {
        for (which, draws) in [("prior", &self.prior), ("posterior", &self.posterior)] {
            let what = format!("{which} of `{}`", self.name);
            check::not_empty(&what, draws.len())?;
            check::finite(&what, draws)?;
            check::within(&what, draws, self.bounds)?;
        }
        Ok(())
    }

    fn range(&self) -> (f64, f64) {
        let quantiles = |draws: &[f64], shares: [f64; 2]| {
            let mut sorted = draws.to_vec();
            sorted.sort_by(f64::total_cmp);
            shares.map(|share| check::quantile(&sorted, share))
        };
        let [lower, upper] = quantiles(&self.posterior, [0.002, 0.998]);
        let (lower, upper) = check::padded((lower, upper), 0.08);
        let [low, high] = quantiles(&self.prior, [0.1, 0.9]);
        // Next to a bound there is nothing to show beyond it but the axis.
        let margin = 0.02 * (upper - lower);
        let lower = lower.max(self.bounds.0 - margin);
        let upper = upper.min(self.bounds.1 + margin);
        let beyond = BEYOND * (upper - lower);
        (
            lower.min(low.max(lower - beyond)),
            upper.max(high.min(upper + beyond)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(prior: impl Fn(f64) -> f64) -> Scalar {
        let even: Vec<f64> = (0..=100).map(|i| f64::from(i) / 100.0).collect();
        Scalar {
            name: "x".to_owned(),
            prior: even.iter().map(|x| prior(*x)).collect(),
            posterior: even,
            bounds: UNBOUNDED,
        }
    }

    #[test]
    fn panels_show_the_posterior_whole_and_of_the_prior_what_leaves_it_visible() {
        let (lower, upper) = scalar(|x| 4.0 * x - 2.0).range();
        assert!((lower + 1.6).abs() < 1e-9 && (upper - 1.6).abs() < 1e-9);
        let (lower, upper) = scalar(|x| 2e6 * x - 1e6).range();
        assert!(-5.0 < lower && lower < -4.0 && 5.0 < upper && upper < 6.0);
    }

    #[test]
    fn each_scalar_has_a_panel_with_its_name() {
        let all = (0..7).fold(PriorPosterior::new(), |all, i| {
            let Scalar {
                prior, posterior, ..
            } = scalar(|x| x);
            all.scalar(format!("b[{i}]"), &prior, &posterior)
        });
        let svg = all.to_svg().unwrap();
        assert!((0..7).all(|i| svg.contains(&format!("b[{i}]"))));
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let message = |plot: PriorPosterior| plot.to_svg().unwrap_err().to_string();
        assert!(message(PriorPosterior::new()).starts_with("scalars: nothing to draw"));
        let one =
            |prior: &[f64], posterior: &[f64]| PriorPosterior::new().scalar("a", prior, posterior);
        assert!(message(one(&[], &[1.0])).starts_with("prior of `a`: nothing to draw"));
        assert!(message(one(&[0.0], &[f64::NAN])).starts_with("posterior of `a`, index 0: NaN"));
    }
}
