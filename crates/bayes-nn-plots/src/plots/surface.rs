//! A function on a grid as a heat map: probability, uncertainty.

use super::canvas::{Canvas, Point, Text, svg};
use super::color_bar::ColorBar;
use super::contour::contour;
use super::frame::{Frame, Key, frame_settings};
use super::panel::{Axis, Panel};
use super::scatter::{class_keys, name_of, overlay};
use super::style::{ColorMap, FONT_LABEL, INK, WHITE};
use super::{PlotError, Result, check, png};
use plotters::style::Color;

/// Between surfaces side by side, and above those that have names.
const GAP: f64 = 24.0;
const NAME_ROW: f64 = 22.0;

/// Values on a regular grid as colours, with a colour bar, and over them points and a contour line.
/// Several surfaces may stand side by side, under one colour bar.
///
/// ```
/// use bayes_nn::{datasets, plots::{ColorMap, Surface}};
///
/// let axis = datasets::grid_axis(-3.0, 3.0, 50)?;
/// let points = datasets::grid(-3.0, 3.0, 50)?;
/// let p: Vec<f64> = points.iter().map(|[a, b]| 1.0 / (1.0 + (a - b).exp())).collect();
/// let svg = Surface::new(&axis, &axis, &p)
///     .title("Probability of class 1")
///     .value_label("p(y = 1 | x)")
///     .colors(ColorMap::Diverging)
///     .range(0.0, 1.0)
///     .points(&[0.0, 1.0, 1.0, 0.0], &[1.0, 0.0])
///     .contour(0.5)
///     .to_svg()?;
/// assert!(svg.contains("image/png"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Surface<'a> {
    x1: &'a [f64],
    x2: &'a [f64],
    /// Names and values, from left to right.
    parts: Vec<(String, &'a [f64])>,
    colors: ColorMap,
    range: Option<(f64, f64)>,
    value_label: String,
    points: Option<(&'a [f64], &'a [f64])>,
    contour: Option<f64>,
    names: Vec<String>,
    frame: Frame,
}

impl<'a> Surface<'a> {
    /// Values `[x2.len(), x1.len()]`, row-major with x1 running fastest, as [`grid`](bayes_nn_models::datasets::grid) orders points.
    /// Both axes are evenly spaced in rising order.
    pub fn new(x1: &'a [f64], x2: &'a [f64], values: &'a [f64]) -> Self {
        Self {
            x1,
            x2,
            parts: vec![(String::new(), values)],
            colors: ColorMap::default(),
            range: None,
            value_label: String::new(),
            points: None,
            contour: None,
            names: vec![],
            frame: Frame::new(640, 540),
        }
    }

    frame_settings!();

    /// The name of the first surface, written above it.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.parts[0].0 = name.into();
        self
    }

    /// Adds a surface over the same grid to the right, with a name above it. Points, contour and
    /// colours are those of the first.
    #[must_use]
    pub fn beside(mut self, name: impl Into<String>, values: &'a [f64]) -> Self {
        self.parts.push((name.into(), values));
        self
    }

    /// The colour map; [`ColorMap::Viridis`] without it.
    #[must_use]
    pub fn colors(mut self, colors: ColorMap) -> Self {
        self.colors = colors;
        self
    }

    /// The values at the two ends of the colour bar; those beyond get the end's colour. Without it: the extremes found.
    #[must_use]
    pub fn range(mut self, lower: f64, upper: f64) -> Self {
        self.range = Some((lower, upper));
        self
    }

    /// What the colours show, written beside the colour bar.
    #[must_use]
    pub fn value_label(mut self, label: impl Into<String>) -> Self {
        self.value_label = label.into();
        self
    }

    /// Points `x`, `[n, 2]`, over the surface, coloured by class, `[n]`. Those outside the grid are left out.
    #[must_use]
    pub fn points(mut self, x: &'a [f64], classes: &'a [f64]) -> Self {
        self.points = Some((x, classes));
        self
    }

    frame_settings!(class_names);

    /// A line where the surface has this value.
    #[must_use]
    pub fn contour(mut self, level: f64) -> Self {
        self.contour = Some(level);
        self
    }

    /// Draws the picture.
    ///
    /// # Errors
    /// A grid with fewer than two lines per axis or not evenly spaced, lengths that do not fit, values that are not finite,
    /// labels that are no classes, an empty range, a size too small.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        check_spacing("x1", self.x1)?;
        check_spacing("x2", self.x2)?;
        for (_, values) in &self.parts {
            check::length("values", values.len(), self.x1.len() * self.x2.len())?;
            check::finite("values", values)?;
        }
        check::finite("contour", self.contour.as_slice())?;
        self.frame.check_size(280, 240)?;
        let all = self.parts.iter().flat_map(|(_, values)| values.iter());
        let found = check::widened(check::extent(all.copied()));
        let range = self.range.unwrap_or(found);
        let bar = ColorBar {
            axis: Axis::new("range of the colours", range, &self.value_label)?,
            colors: self.colors,
        };
        let (points, classes) = self.points_inside()?;
        svg(self.frame.size(), |canvas| {
            self.draw(canvas, &bar, &points, &classes)
        })
    }

    fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        bar: &ColorBar,
        points: &[f64],
        classes: &[f64],
    ) -> Result<()> {
        let mut legend = class_keys(classes, |class| name_of(&self.names, class));
        if let Some(level) = self.contour {
            legend.push((Key::Line(INK), format!("contour at {level}")));
        }
        let (from, to) = self.frame.draw(canvas, &legend)?;
        let bar_left = bar.left(to.0 + 10.0, to.1 - from.1);
        let named = self.parts.iter().any(|(name, _)| !name.is_empty());
        let [x, y] = self.frame.axes(ends(self.x1), ends(self.x2))?;
        let whole = Panel::inside(
            &self.frame,
            (from.0, from.1 + if named { NAME_ROW } else { 0.0 }),
            (bar_left - 18.0, to.1),
            x,
            y,
        )?;
        let count = self.parts.len() as f64;
        let width = (whole.right - whole.left - GAP * (count - 1.0)) / count;
        if width < 20.0 {
            let (width, height) = self.frame.size();
            return Err(PlotError::NoRoom { width, height });
        }
        for (place, (name, values)) in self.parts.iter().enumerate() {
            let left = whole.left + place as f64 * (width + GAP);
            let y = match place {
                0 => whole.y.clone(),
                _ => Axis::new("y axis", ends(self.x2), "")?.without_ticks(),
            };
            let panel = Panel {
                left,
                right: left + width,
                x: whole.x.clone(),
                y,
                ..whole
            };
            self.draw_cells(canvas, &panel, bar, values);
            if let Some(level) = self.contour {
                self.draw_contour(canvas, &panel, level, values)?;
            }
            overlay(canvas, &panel, points, classes)?;
            panel.draw_axes(canvas)?;
            let above = (left + 0.5 * width, whole.top - 0.55 * NAME_ROW);
            canvas.text(name, above, Text::new(FONT_LABEL).bold().center())?;
        }
        bar.draw(canvas, (bar_left, whole.top), whole.bottom)
    }

    fn draw_cells(&self, canvas: &mut Canvas<'_>, panel: &Panel, bar: &ColorBar, values: &[f64]) {
        let (width, height) = (self.x1.len(), self.x2.len());
        let index = |&value: &f64| (255.0 * bar.axis.share(value)).round().clamp(0.0, 255.0) as u8;
        // The bitmap runs from the top, the grid from the bottom.
        let pixels: Vec<u8> = values
            .chunks_exact(width)
            .rev()
            .flatten()
            .map(index)
            .collect();
        // Grid points are the centres of pixels: half a pixel stands out on every side.
        let crop = [0.5, 0.5, (width - 1) as f64, (height - 1) as f64];
        let uri = png::data_uri((width, height), &pixels, &bar.colors.palette());
        canvas.image(
            &uri,
            (width, height),
            crop,
            (panel.left, panel.top),
            (panel.right, panel.bottom),
        );
    }

    fn draw_contour(
        &self,
        canvas: &Canvas<'_>,
        panel: &Panel,
        level: f64,
        values: &[f64],
    ) -> Result<()> {
        let along = |axis: &[f64], place: f64| {
            let (lower, upper) = ends(axis);
            lower + place / (axis.len() - 1) as f64 * (upper - lower)
        };
        let at = |(column, row): Point| panel.at((along(self.x1, column), along(self.x2, row)));
        let segments: Vec<[Point; 2]> = contour(values, self.x1.len(), level)
            .into_iter()
            .map(|segment| segment.map(at))
            .collect();
        for (color, width) in [(WHITE.mix(0.8), 4.0), (INK.to_rgba(), 1.75)] {
            segments
                .iter()
                .try_for_each(|segment| canvas.line(segment, color, width))?;
        }
        Ok(())
    }

    /// Checked points and classes, those outside the grid left out.
    fn points_inside(&self) -> Result<(Vec<f64>, Vec<f64>)> {
        let Some((x, classes)) = self.points else {
            return Ok((vec![], vec![]));
        };
        check::points(x, classes)?;
        let within = |axis: &[f64], value: f64| {
            let (lower, upper) = ends(axis);
            (lower..=upper).contains(&value)
        };
        let inside = x.chunks_exact(2).zip(classes);
        let inside =
            inside.filter(|(point, _)| within(self.x1, point[0]) && within(self.x2, point[1]));
        let (points, classes): (Vec<&[f64]>, Vec<f64>) = inside.unzip();
        Ok((points.concat(), classes))
    }
}

fn ends(axis: &[f64]) -> (f64, f64) {
    (axis[0], axis[axis.len() - 1])
}

fn check_spacing(what: &'static str, axis: &[f64]) -> Result<()> {
    check::finite(what, axis)?;
    check::length(what, axis.len(), axis.len().max(2))?;
    let (lower, upper) = ends(axis);
    let step = (upper - lower) / (axis.len() - 1) as f64;
    let uneven = |&index: &usize| {
        let found = axis[index] - axis[index - 1];
        !(step > 0.0 && (found - step).abs() <= 1e-3 * step)
    };
    match (1..axis.len()).find(uneven) {
        None => Ok(()),
        Some(index) => Err(PlotError::Grid { what, index }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surface_of_a_hundred_by_a_hundred_is_a_small_file() {
        let axis: Vec<f64> = (0..100).map(f64::from).collect();
        let values: Vec<f64> = (0..10_000).map(|i| (f64::from(i) * 0.37).sin()).collect();
        let svg = Surface::new(&axis, &axis, &values).to_svg().unwrap();
        assert!(svg.len() < 60_000, "{} bytes", svg.len());
    }

    #[test]
    fn points_outside_the_grid_are_left_out() {
        let axis = [0.0, 1.0];
        let surface = Surface::new(&axis, &axis, &[0.0, 1.0, 2.0, 3.0])
            .points(&[0.5, 0.5, 2.0, 0.5], &[0.0, 0.0]);
        let svg = surface.to_svg().unwrap();
        assert_eq!(
            svg.matches("<circle").count(),
            3,
            "a point with its edge, and one legend entry"
        );
    }

    #[test]
    fn surfaces_stand_side_by_side_under_one_bar() {
        let axis = [0.0, 1.0];
        let (a, b) = ([0.0, 1.0, 2.0, 3.0], [4.0; 4]);
        let surface = Surface::new(&axis, &axis, &a)
            .name("ADVI")
            .beside("NUTS", &b);
        let svg = surface.clone().to_svg().unwrap();
        assert!(svg.contains("ADVI") && svg.contains("NUTS"));
        assert_eq!(svg.matches("image/png").count(), 3, "two surfaces, one bar");
        let message = surface.beside("HMC", &a[..3]).to_svg().unwrap_err();
        assert_eq!(message.to_string(), "values has 3 values; 4 are needed");
    }

    #[test]
    fn a_constant_surface_is_drawn() {
        let axis = [0.0, 1.0];
        Surface::new(&axis, &axis, &[0.0; 4])
            .contour(0.0)
            .to_svg()
            .unwrap();
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let axis = [0.0, 1.0];
        let message = |surface: Surface<'_>| surface.to_svg().unwrap_err().to_string();
        assert_eq!(
            message(Surface::new(&axis, &[0.0], &[0.0; 2])),
            "x2 has 1 values; 2 are needed"
        );
        assert_eq!(
            message(Surface::new(&[0.0, 1.0, 3.0], &axis, &[0.0; 6])),
            "x1 is not evenly spaced in rising order at index 1; a surface needs a regular grid"
        );
        assert_eq!(
            message(Surface::new(&axis, &axis, &[0.0; 3])),
            "values has 3 values; 4 are needed"
        );
        assert_eq!(
            message(Surface::new(&axis, &axis, &[0.0; 4]).range(1.0, 0.0)),
            "the range of the colours from 1 to 0; it needs lower < upper and a width from 1e-300 to 1.7e308"
        );
        assert_eq!(
            message(Surface::new(&axis, &axis, &[0.0, f64::NAN, 0.0, 0.0])),
            "values, index 1: NaN is not finite and has no place in a picture"
        );
    }
}
