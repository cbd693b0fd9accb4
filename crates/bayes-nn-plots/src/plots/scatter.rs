//! Points in the plane by class, and predictions of them.

use super::canvas::{Canvas, svg};
use super::frame::{Frame, Key, frame_settings};
use super::panel::Panel;
use super::style::{INK, Mark, category, mark};
use super::{PlotError, Result, check};
use plotters::style::Color;

const RADIUS: f64 = 3.5;

/// Points in the plane, coloured by class.
///
/// ```
/// use bayes_nn::plots::Scatter;
///
/// let svg = Scatter::new(&[0.0, 0.0, 1.0, 1.0], &[0.0, 1.0]).class_names(["ham", "spam"]).to_svg()?;
/// assert!(svg.contains("spam"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Scatter<'a> {
    x: &'a [f64],
    classes: &'a [f64],
    names: Vec<String>,
    frame: Frame,
}

impl<'a> Scatter<'a> {
    /// Points `x`, row-major `[n, 2]`, and their classes, `[n]`, whole numbers from 0.
    pub fn new(x: &'a [f64], classes: &'a [f64]) -> Self {
        Self {
            x,
            classes,
            names: vec![],
            frame: Frame::new(720, 480),
        }
    }

    frame_settings!();

    frame_settings!(class_names);

    /// Draws the picture.
    ///
    /// # Errors
    /// No points, lengths that do not fit, coordinates that are not finite, labels that are no classes, a size too small.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        check::not_empty("points", self.classes.len())?;
        check::points(self.x, self.classes)?;
        self.frame.check_size(240, 180)?;
        let legend = class_keys(self.classes, |class| name_of(&self.names, class));
        svg(self.frame.size(), |canvas| {
            let panel = draw_points(canvas, &self.frame, &legend, self.x, self.classes)?;
            panel.draw_axes(canvas)
        })
    }
}

/// Predicted classes of points in the plane, with the wrong ones ringed.
///
/// ```
/// use bayes_nn::plots::Predictions;
///
/// let svg = Predictions::new(&[0.0, 0.0, 1.0, 1.0], &[0.0, 1.0], &[0.0, 0.0]).to_svg()?;
/// assert!(svg.contains("misclassified: 1 of 2"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Predictions<'a> {
    x: &'a [f64],
    predicted: &'a [f64],
    actual: &'a [f64],
    names: Vec<String>,
    frame: Frame,
}

impl<'a> Predictions<'a> {
    /// Points `x`, row-major `[n, 2]`, their predicted classes and their actual ones, each `[n]`.
    pub fn new(x: &'a [f64], predicted: &'a [f64], actual: &'a [f64]) -> Self {
        Self {
            x,
            predicted,
            actual,
            names: vec![],
            frame: Frame::new(720, 480),
        }
    }

    frame_settings!();

    frame_settings!(class_names);

    /// Draws the picture.
    ///
    /// # Errors
    /// As [`Scatter::to_svg`].
    pub fn to_svg(&self) -> Result<String, PlotError> {
        check::not_empty("points", self.predicted.len())?;
        check::points(self.x, self.predicted)?;
        check::length(
            "the actual classes",
            self.actual.len(),
            self.predicted.len(),
        )?;
        check::classes(self.actual)?;
        self.frame.check_size(240, 180)?;
        let n = self.predicted.len();
        let wrong: Vec<usize> = (0..n)
            .filter(|&row| self.predicted[row] != self.actual[row])
            .collect();
        let mut legend = class_keys(self.predicted, |class| {
            format!("predicted {}", name_of(&self.names, class))
        });
        legend.push((
            Key::Ring(INK),
            format!("misclassified: {} of {n}", wrong.len()),
        ));
        svg(self.frame.size(), |canvas| {
            let panel = draw_points(canvas, &self.frame, &legend, self.x, self.predicted)?;
            for row in wrong {
                let at = panel.at((self.x[2 * row], self.x[2 * row + 1]));
                canvas.ring(at, RADIUS + 3.0, INK, 1.5)?;
            }
            panel.draw_axes(canvas)
        })
    }
}

pub(super) fn name_of(names: &[String], class: usize) -> String {
    names
        .get(class)
        .cloned()
        .unwrap_or_else(|| format!("class {class}"))
}

/// One legend entry per class that occurs, in order.
pub(super) fn class_keys(classes: &[f64], name: impl Fn(usize) -> String) -> Vec<(Key, String)> {
    let mut present: Vec<usize> = classes.iter().map(|&class| class as usize).collect();
    present.sort_unstable();
    present.dedup();
    let key = |class: usize| (Key::Mark(mark(class), category(class)), name(class));
    present.into_iter().map(key).collect()
}

fn draw_points(
    canvas: &Canvas<'_>,
    frame: &Frame,
    legend: &[(Key, String)],
    x: &[f64],
    classes: &[f64],
) -> Result<Panel> {
    let range = |column: usize| {
        let extent = check::extent(x.iter().skip(column).step_by(2).copied());
        check::padded(extent, 0.05)
    };
    let panel = frame.panel(canvas, legend, frame.axes(range(0), range(1))?)?;
    for (point, &class) in x.chunks_exact(2).zip(classes) {
        let at = panel.at((point[0], point[1]));
        canvas.mark(
            mark(class as usize),
            at,
            RADIUS,
            category(class as usize).mix(0.75),
        )?;
    }
    Ok(panel)
}

/// Points over a coloured surface, with a white edge that sets them off from it.
pub(super) fn overlay(
    canvas: &Canvas<'_>,
    panel: &Panel,
    x: &[f64],
    classes: &[f64],
) -> Result<()> {
    let shape = |class: f64| -> Mark { mark(class as usize) };
    for (point, &class) in x.chunks_exact(2).zip(classes) {
        let at = panel.at((point[0], point[1]));
        canvas.mark(shape(class), at, 4.0, super::style::WHITE.to_rgba())?;
        canvas.mark(shape(class), at, 2.8, category(class as usize).to_rgba())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_drawn_and_every_class_named() {
        let svg = Scatter::new(&[0.0, 0.0, 1.0, 1.0, 2.0, 0.0], &[0.0, 0.0, 0.0])
            .to_svg()
            .unwrap();
        assert_eq!(
            svg.matches("<circle").count(),
            4,
            "three points and one legend entry"
        );
        assert!(svg.contains("class 0") && !svg.contains("class 1"));
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let message =
            |x: &[f64], classes: &[f64]| Scatter::new(x, classes).to_svg().unwrap_err().to_string();
        assert_eq!(
            message(&[], &[]),
            "points: nothing to draw; at least one value is needed"
        );
        assert_eq!(message(&[1.0], &[0.0]), "x has 1 values; 2 are needed");
        assert_eq!(
            message(&[1.0, f64::NAN], &[0.0]),
            "x, index 1: NaN is not finite and has no place in a picture"
        );
        assert_eq!(
            message(&[1.0, 2.0], &[0.5]),
            "row 0: 0.5 is no class; classes are whole numbers from 0 to 255"
        );
        let small = Scatter::new(&[1.0, 2.0], &[0.0])
            .size(10, 10)
            .to_svg()
            .unwrap_err();
        assert!(
            small
                .to_string()
                .starts_with("10 x 10 pixels; at least 240 x 180 are needed")
        );
    }

    #[test]
    fn a_title_that_fills_the_picture_is_refused() {
        let title = "word ".repeat(200);
        let message = Scatter::new(&[0.0, 0.0], &[0.0])
            .title(title)
            .size(300, 200)
            .to_svg()
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("title, legend and axis labels leave no room in 300 x 200 pixels")
        );
    }

    #[test]
    fn text_is_escaped() {
        let svg = Scatter::new(&[0.0, 0.0], &[0.0])
            .title("a < b & \u{1}c")
            .to_svg()
            .unwrap();
        assert!(svg.contains("a &lt; b &amp;") && !svg.contains('\u{1}'));
    }
}
