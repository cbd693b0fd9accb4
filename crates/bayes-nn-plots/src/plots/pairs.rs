//! Draws of scalars against each other, with those of divergent trajectories marked.

use super::canvas::{Canvas, Text, svg};
use super::curve::{Curve, UNBOUNDED};
use super::frame::{Frame, Key, frame_settings};
use super::lines::draw_curve;
use super::panel::{Axis, Panel};
use super::style::{FONT_TICK, Mark, category, shortened, widest};
use super::{PlotError, Result, check};
use plotters::style::Color;

const GAP: f64 = 10.0;
/// Room for a name beside its axis.
const NAME: f64 = 22.0;
/// Points of a panel at the most, besides those that are marked.
const POINTS: usize = 600;

/// The draws of each pair of scalars in the plane, with the density of each scalar on the diagonal.
///
/// Draws at which a trajectory of NUTS diverged are triangles of another colour: where they gather, the density bends too
/// much for the step size, and the draws may not reach beyond. Of many draws an even share is shown, of the divergent ones
/// all.
///
/// ```
/// use bayes_nn::plots::Pairs;
///
/// let draws: Vec<f64> = (0..200).map(|i| (f64::from(i) * 0.7).sin()).collect();
/// let scales: Vec<f64> = draws.iter().map(|x| x.exp()).collect();
/// let diverging: Vec<bool> = scales.iter().map(|scale| *scale < 0.4).collect();
/// let svg = Pairs::new()
///     .scalar("mean", &draws)
///     .positive("spread", &scales)
///     .diverging(&diverging)
///     .to_svg()?;
/// assert!(svg.contains("divergent: "));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Pairs {
    scalars: Vec<Scalar>,
    diverging: Vec<bool>,
    frame: Frame,
}

#[derive(Debug, Clone)]
struct Scalar {
    name: String,
    draws: Vec<f64>,
    log: bool,
    bounds: (f64, f64),
}

impl Default for Pairs {
    fn default() -> Self {
        Self::new()
    }
}

impl Pairs {
    /// No scalars yet.
    pub fn new() -> Self {
        Self {
            scalars: vec![],
            diverging: vec![],
            frame: Frame::new(720, 700),
        }
    }

    frame_settings!(title);
    frame_settings!(size);

    /// The last scalar that was added lies between these bounds, as in
    /// [`Densities::within`](super::Densities::within).
    #[must_use]
    pub fn within(mut self, bounds: (f64, f64)) -> Self {
        if let Some(scalar) = self.scalars.last_mut() {
            scalar.bounds = bounds;
        }
        self
    }

    /// Adds a scalar with its draws, `[n]`, of all chains one after the other.
    #[must_use]
    pub fn scalar(self, name: impl Into<String>, draws: &[f64]) -> Self {
        self.with(name.into(), draws, false)
    }

    /// Adds a scalar above 0 on a logarithmic axis.
    #[must_use]
    pub fn positive(self, name: impl Into<String>, draws: &[f64]) -> Self {
        self.with(name.into(), draws, true)
    }

    fn with(mut self, name: String, draws: &[f64], log: bool) -> Self {
        let draws = draws.to_vec();
        self.scalars.push(Scalar {
            name,
            draws,
            log,
            bounds: UNBOUNDED,
        });
        self
    }

    /// At which draws a trajectory diverged, `[n]`.
    #[must_use]
    pub fn diverging(mut self, diverging: &[bool]) -> Self {
        self.diverging = diverging.to_vec();
        self
    }

    /// Draws the picture.
    ///
    /// # Errors
    /// Fewer than two scalars, lengths that do not fit, values that are not finite or on a logarithmic axis not above 0, a
    /// size too small for the panels.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        let count = self.scalars.len();
        check::length("scalars", count, count.max(2))?;
        let draws = self.scalars[0].draws.len();
        self.scalars
            .iter()
            .try_for_each(|scalar| scalar.check(draws))?;
        if !self.diverging.is_empty() {
            check::length("diverging", self.diverging.len(), draws)?;
        }
        let least = 80 + 70 * count as u32;
        self.frame.check_size(least, least)?;
        let axes = self
            .scalars
            .iter()
            .map(Scalar::axis)
            .collect::<Result<Vec<_>>>()?;
        let diverges = |draw: &usize| self.diverging.get(*draw).copied().unwrap_or(false);
        let (marked, others): (Vec<usize>, Vec<usize>) = (0..draws).partition(diverges);
        let every = others.len().div_ceil(POINTS).max(1);
        let shown: Vec<usize> = others.into_iter().step_by(every).collect();
        let mut legend = vec![(
            Key::Mark(Mark::Circle, category(0)),
            match every {
                1 => "draws".to_owned(),
                _ => format!("draws, one of {every}"),
            },
        )];
        if !marked.is_empty() {
            let text = format!("divergent: {} of {draws}", marked.len());
            legend.push((Key::Mark(Mark::Triangle, category(1)), text));
        }
        svg(self.frame.size(), |canvas| {
            let (from, to) = self.frame.draw(canvas, &legend)?;
            let side = (to.1 - from.1) / count as f64;
            let numbers = axes[1..].iter().flat_map(|axis| axis.vertical_ticks(side));
            let numbers: Vec<String> = numbers.map(|(_, label)| label).collect();
            let left = from.0 + NAME + widest(numbers.iter()) + 10.0;
            let bottom = to.1 - NAME - 24.0;
            let gaps = GAP * (count - 1) as f64;
            let (width, height) = (
                (to.0 - left - gaps) / count as f64,
                (bottom - from.1 - gaps) / count as f64,
            );
            for (row, of_row) in self.scalars.iter().enumerate() {
                for (column, of_column) in self.scalars[..=row].iter().enumerate() {
                    let (left, top) = (
                        left + column as f64 * (width + GAP),
                        from.1 + row as f64 * (height + GAP),
                    );
                    let mut panel = Panel {
                        left,
                        top,
                        right: left + width,
                        bottom: top + height,
                        x: axes[column].clone(),
                        y: axes[row].clone(),
                    };
                    if row == column {
                        of_row.draw_density(canvas, &mut panel)?;
                    } else {
                        panel.draw_grid(canvas)?;
                        let at =
                            |draw: &usize| panel.at((of_column.draws[*draw], of_row.draws[*draw]));
                        for draw in &shown {
                            let color = category(0).mix(0.35);
                            canvas.mark(Mark::Circle, at(draw), 1.75, color)?;
                        }
                        for draw in &marked {
                            canvas.mark(Mark::Triangle, at(draw), 3.0, category(1).to_rgba())?;
                        }
                    }
                    // Numbers stand at the left and at the bottom of all panels.
                    panel.x.numbers = row == count - 1;
                    panel.y.numbers = column == 0 && row > 0;
                    panel.draw_axes(canvas)?;
                    let text = Text::new(FONT_TICK).bold();
                    if panel.x.numbers {
                        let name = shortened(&of_column.name, FONT_TICK, width + GAP);
                        let at = (0.5 * (panel.left + panel.right), to.1 - 16.0);
                        canvas.text(&name, at, text.center().below())?;
                    }
                    if column == 0 {
                        let name = shortened(&of_row.name, FONT_TICK, height);
                        let at = (from.0 + 8.0, 0.5 * (panel.top + panel.bottom));
                        canvas.text(&name, at, text.upwards())?;
                    }
                }
            }
            Ok(())
        })
    }
}

impl Scalar {
    fn check(&self, draws: usize) -> Result<()> {
        let name = format!("`{}`", self.name);
        check::not_empty(&name, self.draws.len())?;
        check::length(&name, self.draws.len(), draws)?;
        check::finite(&name, &self.draws)?;
        check::within(&name, &self.draws, self.bounds)?;
        let smallest = self.draws.iter().copied().fold(f64::INFINITY, f64::min);
        match self.log && smallest <= 0.0 {
            true => Err(PlotError::Logarithm {
                axis: "x",
                value: smallest,
            }),
            false => Ok(()),
        }
    }

    fn axis(&self) -> Result<Axis> {
        let (lower, upper) = check::extent(self.draws.iter().copied());
        let range = match self.log {
            true => {
                let (lower, upper) = check::padded((lower.ln(), upper.ln()), 0.04);
                (lower.exp().max(f64::MIN_POSITIVE), upper.exp())
            }
            false => check::padded((lower, upper), 0.04),
        };
        Ok(Axis::new("axis", range, "")?.logarithmic(self.log))
    }

    /// The density, on a logarithmic axis that of the logarithm.
    fn draw_density(&self, canvas: &Canvas<'_>, panel: &mut Panel) -> Result<()> {
        let curve = match self.log {
            true => {
                let logs: Vec<f64> = self.draws.iter().map(|draw| draw.ln()).collect();
                let mut curve = Curve::of_draws(&logs, UNBOUNDED);
                curve.x.iter_mut().for_each(|x| *x = x.exp());
                curve
            }
            false => Curve::of_draws(&self.draws, self.bounds),
        };
        panel.y = Axis::new("y axis", (0.0, 1.08 * curve.peak), "")?.without_ticks();
        panel.draw_grid(canvas)?;
        draw_curve(
            canvas,
            panel,
            &curve.x,
            &curve.density,
            category(0).to_rgba(),
            1.5,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(n: u32, shift: f64) -> Vec<f64> {
        (0..n).map(|i| (f64::from(i) * 0.7 + shift).sin()).collect()
    }

    #[test]
    fn divergent_draws_are_all_shown_and_of_others_a_share() {
        let (a, b) = (draws(3_000, 0.0), draws(3_000, 1.0));
        let diverging: Vec<bool> = (0..3_000).map(|i| i % 10 == 0).collect();
        let svg = Pairs::new()
            .scalar("a", &a)
            .scalar("b", &b)
            .diverging(&diverging);
        let svg = svg.to_svg().unwrap();
        assert_eq!(svg.matches("<polygon").count(), 300 + 1);
        assert!((400..=POINTS + 1).contains(&svg.matches("<circle").count()));
        assert!(svg.contains("divergent: 300 of 3000") && svg.contains("draws, one of 5"));
    }

    #[test]
    fn equal_draws_are_drawn() {
        let pairs = Pairs::new().scalar("a", &[1.0; 5]).positive("b", &[2.0; 5]);
        pairs.to_svg().unwrap();
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let message = |pairs: Pairs| pairs.to_svg().unwrap_err().to_string();
        let one = Pairs::new().scalar("a", &[1.0, 2.0]);
        assert_eq!(message(one.clone()), "scalars has 1 values; 2 are needed");
        assert_eq!(
            message(one.clone().scalar("b", &[1.0])),
            "`b` has 1 values; 2 are needed"
        );
        assert_eq!(
            message(one.clone().positive("b", &[1.0, 0.0])),
            "0 on the logarithmic x axis; its values must be above 0"
        );
        let two = one.scalar("b", &[1.0, 2.0]);
        assert_eq!(
            message(two.clone().diverging(&[true])),
            "diverging has 1 values; 2 are needed"
        );
        assert!(message(two.size(100, 100)).starts_with("100 x 100 pixels; at least 220"));
    }
}
