//! Posterior densities beside the draws that they come from, variable by variable.

use std::borrow::Cow;

use super::canvas::{Text, svg};
use super::curve::{Curve, UNBOUNDED};
use super::frame::{Frame, frame_settings};
use super::lines::draw_curve;
use super::panel::{Axis, Panel};
use super::style::{ColorMap, FONT_LABEL, category};
use super::{PlotError, Result, check};
use plotters::style::{Color, RGBColor};

const ROW: f64 = 172.0;
const GAP: f64 = 16.0;

/// For every variable a row: on the left the densities of its elements, on the right their draws in order.
///
/// The height follows from the number of variables.
///
/// ```
/// use bayes_nn::plots::Traces;
///
/// let draws = [0.1, 1.0, 0.3, 1.2, 0.2, 0.9]; // three draws of two elements
/// let svg = Traces::new().title("Posterior").variable("w", &draws, 2).to_svg()?;
/// assert!(svg.contains("w (2 elements)"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Traces<'a> {
    variables: Vec<Variable<'a>>,
    frame: Frame,
}

#[derive(Debug, Clone)]
struct Variable<'a> {
    name: String,
    draws: Cow<'a, [f64]>,
    elements: usize,
    /// What a column is.
    column: &'static str,
    bounds: (f64, f64),
}

impl Default for Traces<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Traces<'a> {
    /// No variables yet.
    pub fn new() -> Self {
        Self {
            variables: vec![],
            frame: Frame::new(720, 0),
        }
    }

    /// Adds a variable with its draws, row-major `[draws, elements]`.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, draws: &'a [f64], elements: usize) -> Self {
        self.variables.push(Variable {
            name: name.into(),
            draws: draws.into(),
            elements,
            column: "elements",
            bounds: UNBOUNDED,
        });
        self
    }

    /// Adds a scalar with the draws of each chain; what the longer ones have more is left out.
    #[must_use]
    pub fn chains<C: AsRef<[f64]>>(mut self, name: impl Into<String>, chains: &[C]) -> Self {
        let shortest = chains.iter().map(|chain| chain.as_ref().len()).min();
        let draw = |draw: usize| chains.iter().map(move |chain| chain.as_ref()[draw]);
        let draws: Vec<f64> = (0..shortest.unwrap_or(0)).flat_map(draw).collect();
        self.variables.push(Variable {
            name: name.into(),
            draws: draws.into(),
            elements: chains.len(),
            column: "chains",
            bounds: UNBOUNDED,
        });
        self
    }

    /// The last variable that was added lies between these bounds, as in
    /// [`Densities::within`](super::Densities::within).
    #[must_use]
    pub fn within(mut self, bounds: (f64, f64)) -> Self {
        if let Some(variable) = self.variables.last_mut() {
            variable.bounds = bounds;
        }
        self
    }

    frame_settings!(title);
    frame_settings!(width);

    /// Draws the picture.
    ///
    /// # Errors
    /// No variables or draws, draws that are no whole rows, values that are not finite, a width too small, more variables
    /// than a picture can hold.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        check::not_empty("variables", self.variables.len())?;
        self.variables.iter().try_for_each(Variable::check)?;
        let mut frame = self.frame.clone();
        frame.fit_height(ROW * self.variables.len() as f64);
        frame.check_size(360, 100)?;
        svg(frame.size(), |canvas| {
            let (from, to) = frame.draw(canvas, &[])?;
            let row = (to.1 - from.1) / self.variables.len() as f64;
            let middle = from.0 + 0.42 * (to.0 - from.0);
            for (place, variable) in self.variables.iter().enumerate() {
                let top = from.1 + place as f64 * row;
                let bottom = top + row - 6.0;
                canvas.text(
                    &variable.heading(),
                    (from.0, top + 8.0),
                    Text::new(FONT_LABEL).bold(),
                )?;
                let top = top + 22.0;
                let curves: Vec<Curve> = variable
                    .columns()
                    .map(|draws| Curve::of_draws(&draws, variable.bounds))
                    .collect();
                let peak = curves.iter().map(|curve| curve.peak).fold(0.0, f64::max);
                let values = Curve::range(&curves);

                let left = Panel::inside(
                    &frame,
                    (from.0, top),
                    (middle, bottom),
                    Axis::new("x axis", values, "value")?,
                    Axis::new("y axis", (0.0, 1.08 * peak), "density")?.without_ticks(),
                )?;
                left.draw_grid(canvas)?;
                for (element, curve) in curves.iter().enumerate() {
                    let color = variable.color(element).mix(0.9);
                    draw_curve(canvas, &left, &curve.x, &curve.density, color, 1.5)?;
                }
                left.draw_axes(canvas)?;

                let draws = variable.draws.len() / variable.elements;
                let order: Vec<f64> = (0..draws).map(|draw| draw as f64).collect();
                let right = Panel::inside(
                    &frame,
                    (middle + GAP, top),
                    (to.0, bottom),
                    Axis::new("x axis", (0.0, order.len().max(2) as f64 - 1.0), "draw")?,
                    Axis::new("y axis", values, "")?,
                )?;
                right.draw_grid(canvas)?;
                for (element, draws) in variable.columns().enumerate() {
                    draw_curve(
                        canvas,
                        &right,
                        &order,
                        &draws,
                        variable.color(element).mix(0.6),
                        0.75,
                    )?;
                }
                right.draw_axes(canvas)?;
            }
            Ok(())
        })
    }
}

impl Variable<'_> {
    fn check(&self) -> Result<()> {
        let name = format!("`{}`", self.name);
        check::not_empty(&name, self.draws.len())?;
        check::not_empty(&format!("elements of {name}"), self.elements)?;
        let whole = self.draws.len() / self.elements * self.elements;
        check::length(&name, self.draws.len(), whole.max(self.elements))?;
        check::finite(&name, &self.draws)?;
        check::within(&name, &self.draws, self.bounds)
    }

    fn columns(&self) -> impl Iterator<Item = Vec<f64>> {
        (0..self.elements).map(|element| {
            self.draws
                .iter()
                .skip(element)
                .step_by(self.elements)
                .copied()
                .collect()
        })
    }

    fn heading(&self) -> String {
        match self.elements {
            1 => self.name.clone(),
            elements => format!("{} ({elements} {})", self.name, self.column),
        }
    }

    /// A few elements get colours of their own, many a stretch of the colour map without its pale end.
    fn color(&self, element: usize) -> RGBColor {
        match self.elements {
            0..=6 => category(element),
            elements => ColorMap::Viridis.rgb(0.88 * element as f64 / (elements - 1) as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_the_elements_of_row_major_draws() {
        let variable = Variable {
            name: "w".into(),
            draws: [1.0, 10.0, 2.0, 20.0][..].into(),
            elements: 2,
            column: "elements",
            bounds: UNBOUNDED,
        };
        assert_eq!(
            variable.columns().collect::<Vec<_>>(),
            [[1.0, 2.0], [10.0, 20.0]]
        );
    }

    #[test]
    fn every_element_has_a_density_and_a_trace() {
        let draws: Vec<f64> = (0..300).map(|i| (f64::from(i) * 0.7).sin()).collect();
        let svg = Traces::new().variable("w", &draws, 3).to_svg().unwrap();
        for color in ["#0072B2", "#D55E00", "#009E73"] {
            assert_eq!(svg.matches(&format!("stroke=\"{color}\"")).count(), 2);
        }
    }

    #[test]
    fn one_draw_is_drawn() {
        Traces::new().variable("w", &[1.0], 1).to_svg().unwrap();
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let message = |traces: Traces<'_>| traces.to_svg().unwrap_err().to_string();
        assert!(message(Traces::new()).starts_with("variables: nothing to draw"));
        assert!(message(Traces::new().variable("w", &[], 1)).starts_with("`w`: nothing to draw"));
        assert!(
            message(Traces::new().variable("w", &[1.0], 0))
                .starts_with("elements of `w`: nothing to draw")
        );
        assert_eq!(
            message(Traces::new().variable("w", &[1.0; 5], 2)),
            "`w` has 5 values; 4 are needed"
        );
        assert!(
            message(Traces::new().variable("w", &[1.0, f64::NAN], 1))
                .starts_with("`w`, index 1: NaN")
        );
    }
}
