//! What every plot has around its panels: size, title, legend, axis labels.

use super::canvas::{Canvas, Point, Text};
use super::panel::{Axis, Panel};
use super::style::{FONT_TICK, FONT_TITLE, Mark, text_width, wrap};
use super::{PlotError, Result};
use plotters::style::{Color, RGBAColor, RGBColor};

const MARGIN: f64 = 14.0;
const TITLE_ROW: f64 = 22.0;
const LEGEND_ROW: f64 = 21.0;

#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) title: String,
    pub(super) x_label: String,
    pub(super) y_label: String,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The sign that stands before a name in a legend.
pub(super) enum Key {
    Line(RGBColor),
    LineOverPale(RGBColor),
    Mark(Mark, RGBColor),
    Ring(RGBColor),
    Dashes(RGBColor),
    Band(RGBAColor),
    Bar(RGBColor),
}

impl Frame {
    pub(super) fn new(width: u32, height: u32) -> Self {
        Self {
            title: String::new(),
            x_label: String::new(),
            y_label: String::new(),
            width,
            height,
        }
    }

    pub(super) fn check_size(&self, min_width: u32, min_height: u32) -> Result<()> {
        let (width, height) = (self.width, self.height);
        if (min_width..=20_000).contains(&width) && (min_height..=20_000).contains(&height) {
            return Ok(());
        }
        Err(PlotError::Size {
            width,
            height,
            min_width,
            min_height,
        })
    }

    pub(super) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// The axes of these ranges with their labels.
    pub(super) fn axes(&self, x: (f64, f64), y: (f64, f64)) -> Result<[Axis; 2]> {
        Ok([
            Axis::new("x axis", x, &self.x_label)?,
            Axis::new("y axis", y, &self.y_label)?,
        ])
    }

    /// Draws title, legend and the grid of a panel that takes all the room that is left.
    pub(super) fn panel(
        &self,
        canvas: &Canvas<'_>,
        legend: &[(Key, String)],
        [x, y]: [Axis; 2],
    ) -> Result<Panel> {
        let (from, to) = self.draw(canvas, legend)?;
        let panel = Panel::inside(self, from, to, x, y)?;
        panel.draw_grid(canvas)?;
        Ok(panel)
    }

    fn title_lines(&self) -> Vec<String> {
        wrap(
            &self.title,
            FONT_TITLE,
            f64::from(self.width) - 2.0 * MARGIN,
        )
    }

    /// Sets the height so that this many pixels are left below the title, for plots whose height follows from their data.
    pub(super) fn fit_height(&mut self, below_title: f64) {
        let title = TITLE_ROW * self.title_lines().len() as f64;
        self.height = (2.0 * MARGIN + title + below_title).min(f64::from(u32::MAX)) as u32;
    }

    /// Draws title and legend; returns the corners of the room that is left.
    pub(super) fn draw(
        &self,
        canvas: &Canvas<'_>,
        legend: &[(Key, String)],
    ) -> Result<(Point, Point)> {
        let right = f64::from(self.width) - MARGIN;
        let mut y = MARGIN;
        for line in self.title_lines() {
            canvas.text(&line, (MARGIN, y + 8.0), Text::new(FONT_TITLE).bold())?;
            y += TITLE_ROW;
        }
        let mut x = MARGIN;
        for (key, name) in legend {
            let width = 24.0 + text_width(name, FONT_TICK);
            if x > MARGIN && x + width > right {
                (x, y) = (MARGIN, y + LEGEND_ROW);
            }
            let middle = y + 0.5 * LEGEND_ROW;
            draw_key(canvas, key, (x, middle))?;
            canvas.text(name, (x + 24.0, middle), Text::new(FONT_TICK))?;
            x += width + 16.0;
        }
        if !legend.is_empty() {
            y += LEGEND_ROW;
        }
        // Half of the last number of the x axis may stand out to the right.
        Ok((
            (MARGIN, y + 8.0),
            (right - 10.0, f64::from(self.height) - MARGIN + 4.0),
        ))
    }
}

fn draw_key(canvas: &Canvas<'_>, key: &Key, (x, y): Point) -> Result<()> {
    match key {
        Key::Line(color) => canvas.line(&[(x, y), (x + 18.0, y)], color.to_rgba(), 2.5),
        Key::LineOverPale(color) => {
            canvas.rectangle((x, y - 5.0), (x + 18.0, y + 5.0), pale(*color))?;
            draw_key(canvas, &Key::Line(*color), (x, y))
        }
        Key::Mark(mark, color) => canvas.mark(*mark, (x + 9.0, y), 5.0, color.to_rgba()),
        Key::Ring(color) => canvas.ring((x + 9.0, y), 6.0, *color, 1.5),
        Key::Band(color) => canvas.rectangle((x, y - 5.0), (x + 18.0, y + 5.0), *color),
        Key::Bar(color) => draw_key(canvas, &Key::Band(pale(*color)), (x, y)),
        Key::Dashes(color) => canvas.dashed((x, y), (x + 18.0, y), color.to_rgba(), 1.5),
    }
}

/// For bands and raw values behind their mean.
pub(super) fn pale(color: RGBColor) -> RGBAColor {
    color.mix(0.25)
}

/// The settings that all plots share; by name, those that some do.
macro_rules! frame_settings {
    () => {
        frame_settings!(title);
        frame_settings!(x_label);
        frame_settings!(size);

        /// What the vertical axis shows, with its unit.
        #[must_use]
        pub fn y_label(mut self, label: impl Into<String>) -> Self {
            self.frame.y_label = label.into();
            self
        }
    };
    (x_label) => {
        /// What the horizontal axis shows, with its unit.
        #[must_use]
        pub fn x_label(mut self, label: impl Into<String>) -> Self {
            self.frame.x_label = label.into();
            self
        }
    };
    (size) => {
        /// Width and height in pixels.
        #[must_use]
        pub fn size(mut self, width: u32, height: u32) -> Self {
            self.frame.width = width;
            self.frame.height = height;
            self
        }
    };
    (title) => {
        /// The title above the picture; a long one breaks into lines.
        #[must_use]
        pub fn title(mut self, title: impl Into<String>) -> Self {
            self.frame.title = title.into();
            self
        }
    };
    (class_names) => {
        /// What the legend calls the classes, in order; without it `class 0`, `class 1`, ...
        #[must_use]
        pub fn class_names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
            self.names = names.into_iter().map(Into::into).collect();
            self
        }
    };
    (width) => {
        /// Width in pixels.
        #[must_use]
        pub fn width(mut self, width: u32) -> Self {
            self.frame.width = width;
            self
        }
    };
}
pub(super) use frame_settings;
