//! One pair of axes on a canvas: maps values to pixels, and draws frame, grid, ticks and labels.

use super::canvas::{Canvas, Point, Text};
use super::frame::Frame;
use super::style::{FONT_LABEL, FONT_TICK, GRID, INK, MUTED, shortened, text_width, widest};
use super::ticks;
use super::{PlotError, Result};
use plotters::style::Color;

/// Pixels between ticks at the least, and how many there are at most.
const X_SPACING: f64 = 44.0;
const Y_SPACING: f64 = 26.0;
const X_TICKS: f64 = 9.0;
const Y_TICKS: f64 = 7.0;

#[derive(Clone)]
pub(super) struct Axis {
    pub(super) range: (f64, f64),
    pub(super) log: bool,
    pub(super) label: String,
    /// Whether ticks have grid lines and numbers.
    pub(super) ticks: bool,
    /// Whether the numbers are written.
    pub(super) numbers: bool,
    /// What stands at 0, 1, 2 and so on, instead of numbers.
    names: Vec<String>,
}

impl Axis {
    /// # Errors
    /// A range that is empty, or too narrow or too wide to be divided into ticks.
    pub(super) fn new(what: &'static str, range: (f64, f64), label: &str) -> Result<Self> {
        let (lower, upper) = range;
        if !(1e-300..=f64::MAX).contains(&(upper - lower)) {
            return Err(PlotError::Range { what, lower, upper });
        }
        Ok(Self {
            range,
            log: false,
            label: label.to_owned(),
            ticks: true,
            numbers: true,
            names: vec![],
        })
    }

    pub(super) fn logarithmic(mut self, log: bool) -> Self {
        self.log = log;
        self
    }

    /// With a name at each of 0, 1, 2 and so on, if there are any.
    pub(super) fn named(mut self, names: Vec<String>) -> Self {
        self.names = names;
        self
    }

    pub(super) fn without_ticks(mut self) -> Self {
        self.ticks = false;
        self
    }

    /// 0 at the lower end, 1 at the upper.
    pub(super) fn share(&self, value: f64) -> f64 {
        let (lower, upper) = self.range;
        match self.log {
            true => (value / lower).ln() / (upper / lower).ln(),
            false => (value - lower) / (upper - lower),
        }
    }

    fn ticks_for(&self, count: usize) -> Vec<(f64, String)> {
        if self.ticks && !self.names.is_empty() {
            let named = self.names.iter().enumerate();
            let named = named.map(|(place, name)| (place as f64, name.clone()));
            let (lower, upper) = self.range;
            return named
                .filter(|(at, _)| (lower..=upper).contains(at))
                .collect();
        }
        match (self.ticks, self.log) {
            (false, _) => vec![],
            (true, true) => ticks::logarithmic(self.range, count),
            (true, false) => ticks::linear(self.range, count),
        }
    }

    /// At least two where that is possible, since one says nothing about the scale.
    pub(super) fn vertical_ticks(&self, pixels: f64) -> Vec<(f64, String)> {
        let count = (pixels / Y_SPACING).round().clamp(2.0, Y_TICKS) as usize;
        (count..=2 * count)
            .map(|count| self.ticks_for(count))
            .find(|ticks| ticks.len() >= 2)
            .unwrap_or_else(|| self.ticks_for(count))
    }

    /// As many as fit beside each other.
    fn horizontal_ticks(&self, pixels: f64) -> Vec<(f64, String)> {
        let most = (pixels / X_SPACING).round().clamp(2.0, X_TICKS) as usize;
        let fits = |ticks: &Vec<(f64, String)>| {
            let ends = |(value, label): &(f64, String)| {
                let (center, half) = (
                    pixels * self.share(*value),
                    0.5 * text_width(label, FONT_TICK),
                );
                (center - half, center + half)
            };
            ticks
                .windows(2)
                .all(|pair| ends(&pair[0]).1 + 12.0 < ends(&pair[1]).0)
        };
        let found = (2..=most)
            .rev()
            .map(|count| self.ticks_for(count))
            .find(fits);
        let mut ticks = found.unwrap_or_else(|| self.ticks_for(1));
        if !self.names.is_empty() {
            let room = pixels * (self.share(1.0) - self.share(0.0)) - 12.0;
            for (_, name) in &mut ticks {
                *name = shortened(name, FONT_TICK, room);
            }
        }
        ticks
    }

    /// Room for numbers and label of a vertical axis of this height.
    pub(super) fn width(&self, pixels: f64) -> f64 {
        let ticks = self.vertical_ticks(pixels);
        let numbers = widest(ticks.iter().map(|(_, label)| label));
        let label = if self.label.is_empty() { 0.0 } else { 24.0 };
        numbers + label + if self.ticks { 10.0 } else { 4.0 }
    }

    /// Room for numbers and label of a horizontal axis.
    pub(super) fn height(&self) -> f64 {
        let label = if self.label.is_empty() { 0.0 } else { 22.0 };
        label + if self.ticks { 24.0 } else { 6.0 }
    }
}

pub(super) struct Panel {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
    pub(super) x: Axis,
    pub(super) y: Axis,
}

impl Panel {
    /// The panel inside a rectangle that also has room for the axes' numbers and labels.
    ///
    /// # Errors
    /// [`PlotError::NoRoom`] when hardly a pixel is left.
    pub(super) fn inside(
        frame: &Frame,
        (left, top): Point,
        (right, bottom): Point,
        x: Axis,
        y: Axis,
    ) -> Result<Self> {
        let bottom = bottom - x.height();
        let left = left + y.width(bottom - top);
        if right - left < 20.0 || bottom - top < 20.0 {
            let (width, height) = frame.size();
            return Err(PlotError::NoRoom { width, height });
        }
        Ok(Self {
            left,
            top,
            right,
            bottom,
            x,
            y,
        })
    }

    pub(super) fn at(&self, (x, y): Point) -> Point {
        (
            self.left + self.x.share(x) * (self.right - self.left),
            self.bottom - self.y.share(y) * (self.bottom - self.top),
        )
    }

    /// The grid, which belongs under the data.
    pub(super) fn draw_grid(&self, canvas: &Canvas<'_>) -> Result<()> {
        for (value, _) in self.x.horizontal_ticks(self.right - self.left) {
            let (x, _) = self.at((value, self.y.range.0));
            canvas.line(&[(x, self.top), (x, self.bottom)], GRID.to_rgba(), 1.0)?;
        }
        for (value, _) in self.y.vertical_ticks(self.bottom - self.top) {
            let (_, y) = self.at((self.x.range.0, value));
            canvas.line(&[(self.left, y), (self.right, y)], GRID.to_rgba(), 1.0)?;
        }
        Ok(())
    }

    /// A dashed line between two points, to compare with.
    pub(super) fn draw_reference(&self, canvas: &Canvas<'_>, from: Point, to: Point) -> Result<()> {
        canvas.dashed(self.at(from), self.at(to), MUTED.to_rgba(), 1.5)
    }

    /// The axes with numbers and labels, which belong over the data.
    pub(super) fn draw_axes(&self, canvas: &Canvas<'_>) -> Result<()> {
        let corners = [
            (self.left, self.top),
            (self.left, self.bottom),
            (self.right, self.bottom),
        ];
        let line = |points: &[Point]| canvas.line(points, MUTED.to_rgba(), 1.0);
        match self.y.ticks {
            true => line(&corners)?,
            false => line(&corners[1..])?,
        }
        let small = Text::new(FONT_TICK);
        for (value, label) in self.x.horizontal_ticks(self.right - self.left) {
            let (x, _) = self.at((value, self.y.range.0));
            line(&[(x, self.bottom), (x, self.bottom + 4.0)])?;
            if !self.x.numbers {
                continue;
            }
            canvas.text(&label, (x, self.bottom + 8.0), small.center().below())?;
        }
        for (value, label) in self.y.vertical_ticks(self.bottom - self.top) {
            let (_, y) = self.at((self.x.range.0, value));
            line(&[(self.left - 4.0, y), (self.left, y)])?;
            if !self.y.numbers {
                continue;
            }
            canvas.text(&label, (self.left - 7.0, y), small.right())?;
        }
        let text = Text::new(FONT_LABEL).color(INK);
        if !self.x.label.is_empty() {
            let middle = 0.5 * (self.left + self.right);
            canvas.text(
                &self.x.label,
                (middle, self.bottom + self.x.height() - 16.0),
                text.center().below(),
            )?;
        }
        if !self.y.label.is_empty() {
            let middle = 0.5 * (self.top + self.bottom);
            let x = self.left - self.y.width(self.bottom - self.top) + 10.0;
            canvas.text(&self.y.label, (x, middle), text.upwards())?;
        }
        Ok(())
    }

    /// The parts of a line of pixels that lie inside the panel (Liang and Barsky 1984, one segment after another).
    pub(super) fn clip(&self, points: &[Point]) -> Vec<Vec<Point>> {
        let mut runs: Vec<Vec<Point>> = vec![];
        for pair in points.windows(2) {
            let Some((from, to)) = self.clip_segment(pair[0], pair[1]) else {
                continue;
            };
            match runs.last_mut() {
                Some(run) if run.last() == Some(&from) => run.push(to),
                _ => runs.push(vec![from, to]),
            }
        }
        runs
    }

    fn clip_segment(&self, from: Point, to: Point) -> Option<(Point, Point)> {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let (mut start, mut end) = (0.0f64, 1.0f64);
        for (step, room) in [
            (-dx, from.0 - self.left),
            (dx, self.right - from.0),
            (-dy, from.1 - self.top),
            (dy, self.bottom - from.1),
        ] {
            if step == 0.0 && room < 0.0 {
                return None;
            }
            if step < 0.0 {
                start = start.max(room / step);
            } else if step > 0.0 {
                end = end.min(room / step);
            }
        }
        let at = |share: f64| match share {
            0.0 => from,
            1.0 => to,
            _ => (from.0 + share * dx, from.1 + share * dy),
        };
        (start <= end).then(|| (at(start), at(end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel() -> Panel {
        Panel {
            left: 0.0,
            top: 0.0,
            right: 10.0,
            bottom: 10.0,
            x: Axis::new("x axis", (0.0, 1.0), "").unwrap(),
            y: Axis::new("y axis", (1.0, 100.0), "")
                .unwrap()
                .logarithmic(true),
        }
    }

    #[test]
    fn values_map_to_pixels_with_y_upwards() {
        let (x, y) = panel().at((0.25, 10.0));
        assert!((x - 2.5).abs() < 1e-12 && (y - 5.0).abs() < 1e-12);
    }

    #[test]
    fn lines_are_cut_at_the_frame() {
        let runs = panel().clip(&[
            (-5.0, 5.0),
            (5.0, 5.0),
            (5.0, 15.0),
            (8.0, 15.0),
            (8.0, 5.0),
        ]);
        assert_eq!(
            runs,
            [
                vec![(0.0, 5.0), (5.0, 5.0), (5.0, 10.0)],
                vec![(8.0, 10.0), (8.0, 5.0)]
            ]
        );
    }

    #[test]
    fn an_axis_needs_a_range() {
        for range in [
            (1.0, 1.0),
            (2.0, 1.0),
            (f64::NAN, 1.0),
            (-f64::MAX, f64::MAX),
            (0.0, 1e-310),
        ] {
            assert!(Axis::new("x axis", range, "").is_err());
        }
    }
}
