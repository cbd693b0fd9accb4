//! Intervals of many scalars below each other, with R-hat beside them.

use super::canvas::{Canvas, Text, svg};
use super::densities::draw_zero;
use super::frame::{Frame, Key, frame_settings};
use super::panel::{Axis, Panel};
use super::style::{FONT_TICK, MUTED, Mark, category, shortened, widest};
use super::{PlotError, Result, check};
use bayes_nn_inference::diagnostics::{HDI_PROBABILITY, hdi, r_hat};
use plotters::style::Color;

const ROW: f64 = 20.0;
/// Names wider than this are shortened.
const NAMES: f64 = 220.0;
/// The part of the width that R-hat has.
const R_HAT_SHARE: f64 = 0.22;
/// R-hat of chains that do not agree (Vehtari et al. 2021, section 4).
const LARGE_R_HAT: f64 = 1.01;
const INNER: f64 = 0.5;

/// Means and intervals of many scalars over one axis; of chains R-hat stands beside them.
///
/// A dot is the mean, the thick line the narrowest interval with 50 % of the draws, the thin one that with 89 %, as in
/// [`summary`](bayes_nn_inference::diagnostics::summary()). R-hat above 1.01 is a triangle of another colour. The height
/// follows from the number of scalars.
///
/// ```
/// use bayes_nn::plots::Forest;
///
/// let chain = |shift: f64| -> Vec<f64> { (0..200).map(|i| (f64::from(i) * 0.7 + shift).sin()).collect() };
/// let svg = Forest::new()
///     .title("Effects")
///     .chains("effect[0]", &[chain(0.0), chain(1.0)])
///     .chains("effect[1]", &[chain(0.5), chain(2.0)])
///     .to_svg()?;
/// assert!(svg.contains("effect[1]") && svg.contains("R-hat"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Forest {
    rows: Vec<Row>,
    frame: Frame,
}

#[derive(Debug, Clone)]
struct Row {
    name: String,
    chains: Vec<Vec<f64>>,
    /// Whether the draws are of chains, which have an R-hat.
    of_chains: bool,
}

/// What is drawn of a scalar.
struct Estimate {
    mean: f64,
    inner: [f64; 2],
    outer: [f64; 2],
    r_hat: Option<f64>,
}

impl Default for Forest {
    fn default() -> Self {
        Self::new()
    }
}

impl Forest {
    /// No scalars yet.
    pub fn new() -> Self {
        Self {
            rows: vec![],
            frame: Frame::new(720, 0),
        }
    }

    /// Adds a scalar with draws, `[n]`, that are independent, as those of a guide: it has no R-hat.
    #[must_use]
    pub fn draws(mut self, name: impl Into<String>, draws: &[f64]) -> Self {
        self.rows.push(Row {
            name: name.into(),
            chains: vec![draws.to_vec()],
            of_chains: false,
        });
        self
    }

    /// Adds a scalar with the draws of each chain. Chains of unequal length have no R-hat.
    #[must_use]
    pub fn chains<C: AsRef<[f64]>>(mut self, name: impl Into<String>, chains: &[C]) -> Self {
        self.rows.push(Row {
            name: name.into(),
            chains: chains.iter().map(|c| c.as_ref().to_vec()).collect(),
            of_chains: true,
        });
        self
    }

    frame_settings!(title);
    frame_settings!(x_label);
    frame_settings!(width);

    /// Draws the picture.
    ///
    /// # Errors
    /// No scalars or draws, values that are not finite, a width too small for the names, more scalars than a picture can
    /// hold.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        check::not_empty("scalars", self.rows.len())?;
        let estimates: Vec<Estimate> =
            self.rows.iter().map(Row::estimate).collect::<Result<_>>()?;
        let names: Vec<String> = (self.rows.iter())
            .map(|row| shortened(&row.name, FONT_TICK, NAMES))
            .collect();
        let room = widest(names.iter());
        let ends = estimates.iter().flat_map(|e| e.outer);
        let range = check::padded(check::extent(ends), 0.05);
        let axis = Axis::new("x axis", range, &self.frame.x_label)?;
        let r_hats = estimates.iter().filter_map(|e| e.r_hat);
        let r_hats = r_hats.reduce(f64::max).map(|largest| {
            let upper = 1.0 + 1.1 * (largest - 1.0).max(2.0 * (LARGE_R_HAT - 1.0));
            Axis::new("x axis", (0.998, upper), "R-hat")
        });
        let r_hats = r_hats.transpose()?;
        let height = axis.height().max(r_hats.as_ref().map_or(0.0, Axis::height));
        let mut frame = self.frame.clone();
        frame.fit_height(29.0 + height + ROW * self.rows.len() as f64);
        frame.check_size((room + 220.0) as u32, 80)?;
        let percent = 100.0 * HDI_PROBABILITY;
        let text = format!("mean, with intervals of 50 % and {percent:.0} % of the draws");
        let mut legend = vec![(Key::Mark(Mark::Circle, category(0)), text)];
        if r_hats.is_some() {
            let text = format!("R-hat above {LARGE_R_HAT}");
            legend.push((Key::Mark(Mark::Triangle, category(1)), text));
        }
        svg(frame.size(), |canvas| {
            let (from, to) = frame.draw(canvas, &legend)?;
            let left = from.0 + room + 8.0;
            let right = match &r_hats {
                Some(_) => to.0 - R_HAT_SHARE * (to.0 - left),
                None => to.0,
            };
            let panel = |left, right, x| -> Result<Panel> {
                Ok(Panel {
                    left,
                    top: from.1,
                    right,
                    bottom: to.1 - height,
                    x,
                    y: Axis::new("y axis", (0.0, self.rows.len() as f64), "")?.without_ticks(),
                })
            };
            let panel_of_rows = panel(
                left,
                right - 24.0 * f64::from(u8::from(r_hats.is_some())),
                axis,
            )?;
            panel_of_rows.draw_grid(canvas)?;
            draw_zero(canvas, &panel_of_rows)?;
            let y = |row: usize| {
                from.1 + (row as f64 + 0.5) * (to.1 - height - from.1) / self.rows.len() as f64
            };
            for (row, (estimate, name)) in estimates.iter().zip(&names).enumerate() {
                let at = (left - 8.0, y(row));
                canvas.text(name, at, Text::new(FONT_TICK).right())?;
                estimate.draw(canvas, &panel_of_rows, y(row))?;
            }
            panel_of_rows.draw_axes(canvas)?;
            let Some(axis) = r_hats else {
                return Ok(());
            };
            let beside = panel(right, to.0, axis)?;
            beside.draw_grid(canvas)?;
            let (x, _) = beside.at((LARGE_R_HAT, 0.0));
            canvas.dashed((x, beside.top), (x, beside.bottom), MUTED.to_rgba(), 1.0)?;
            for (row, estimate) in estimates.iter().enumerate() {
                let Some(r_hat) = estimate.r_hat else {
                    continue;
                };
                let (x, _) = beside.at((r_hat.max(0.998), 0.0));
                match r_hat > LARGE_R_HAT {
                    true => canvas.mark(Mark::Triangle, (x, y(row)), 4.0, category(1).to_rgba())?,
                    false => canvas.mark(Mark::Circle, (x, y(row)), 3.0, category(0).to_rgba())?,
                }
            }
            beside.draw_axes(canvas)
        })
    }
}

impl Row {
    fn estimate(&self) -> Result<Estimate> {
        let name = format!("`{}`", self.name);
        let draws = self.chains.concat();
        check::not_empty(&name, draws.len())?;
        check::finite(&name, &draws)?;
        let chains: Vec<&[f64]> = self.chains.iter().map(Vec::as_slice).collect();
        // Finite draws, at least one, have intervals.
        let interval = |share| hdi(&chains, share).unwrap_or([draws[0]; 2]);
        Ok(Estimate {
            mean: draws.iter().sum::<f64>() / draws.len() as f64,
            inner: interval(INNER),
            outer: interval(HDI_PROBABILITY),
            r_hat: self.of_chains.then(|| r_hat(&chains).ok()).flatten(),
        })
    }
}

impl Estimate {
    fn draw(&self, canvas: &Canvas<'_>, panel: &Panel, y: f64) -> Result<()> {
        let color = category(0).to_rgba();
        for (ends, width) in [(self.outer, 1.25), (self.inner, 3.5)] {
            let ends = ends.map(|end| (panel.at((end, 0.0)).0, y));
            canvas.line(&ends, color, width)?;
        }
        // A mean far outside the interval, as of heavy tails, has no place on the axis.
        let (lower, upper) = panel.x.range;
        match (lower..=upper).contains(&self.mean) {
            true => canvas.mark(Mark::Circle, (panel.at((self.mean, 0.0)).0, y), 4.0, color),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(shift: f64) -> Vec<f64> {
        (0..200)
            .map(|i| (f64::from(i) * 0.7 + shift).sin())
            .collect()
    }

    #[test]
    fn chains_that_disagree_are_marked() {
        let far: Vec<f64> = wave(0.0).iter().map(|x| x + 10.0).collect();
        let triangles = |chains: &[Vec<f64>]| {
            let svg = Forest::new().chains("x", chains).to_svg().unwrap();
            svg.matches("<polygon").count()
        };
        assert_eq!(triangles(&[wave(0.0), wave(1.0)]), 1, "the legend's");
        assert_eq!(triangles(&[wave(0.0), far]), 2);
    }

    #[test]
    fn independent_draws_have_no_r_hat() {
        let svg = Forest::new().draws("x", &wave(0.0)).to_svg().unwrap();
        assert!(!svg.contains("R-hat"));
    }

    #[test]
    fn one_draw_and_sixty_scalars_are_drawn() {
        let all = (0..60).fold(Forest::new(), |all, i| {
            all.draws(format!("w[{i}]"), &[f64::from(i)])
        });
        let svg = all.to_svg().unwrap();
        assert!((0..60).all(|i| svg.contains(&format!("w[{i}]"))));
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let message = |forest: Forest| forest.to_svg().unwrap_err().to_string();
        assert!(message(Forest::new()).starts_with("scalars: nothing to draw"));
        assert!(message(Forest::new().draws("w", &[])).starts_with("`w`: nothing to draw"));
        assert!(
            message(Forest::new().draws("w", &[0.0, f64::NAN])).starts_with("`w`, index 1: NaN")
        );
        assert!(message(Forest::new().draws("w", &[0.0]).width(50)).starts_with("50 x "));
    }
}
