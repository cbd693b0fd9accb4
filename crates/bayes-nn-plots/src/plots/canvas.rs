//! A white page to draw on in pixels, written as SVG by plotters.

use super::style::{INK, Mark};
use super::{PlotError, Result};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// plotters draws on whole units; this many to a pixel keep curves smooth.
const UNITS: f64 = 4.0;

/// The SVG back end divides font sizes by this to go from its line height to the size of the letters.
const FONT_UNITS: f64 = 1.24 * UNITS;

pub(super) type Point = (f64, f64);

pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    /// Bitmaps, which plotters cannot place in an SVG; they lie under everything else.
    images: Vec<String>,
}

/// How a text is set.
#[derive(Clone, Copy)]
pub(super) struct Text {
    size: f64,
    color: RGBColor,
    bold: bool,
    rotated: bool,
    horizontal: HPos,
    vertical: VPos,
}

impl Text {
    /// Starts at the point, vertically centred on it.
    pub(super) fn new(size: f64) -> Self {
        Self {
            size,
            color: INK,
            bold: false,
            rotated: false,
            horizontal: HPos::Left,
            vertical: VPos::Center,
        }
    }

    pub(super) fn color(self, color: RGBColor) -> Self {
        Self { color, ..self }
    }

    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// Reads upwards, centred on the point.
    pub(super) fn upwards(self) -> Self {
        Self {
            rotated: true,
            ..self.center()
        }
    }

    pub(super) fn center(self) -> Self {
        Self {
            horizontal: HPos::Center,
            ..self
        }
    }

    pub(super) fn right(self) -> Self {
        Self {
            horizontal: HPos::Right,
            ..self
        }
    }

    /// Hangs below the point.
    pub(super) fn below(self) -> Self {
        Self {
            vertical: VPos::Top,
            ..self
        }
    }
}

/// Draws a picture of this size in pixels and returns it as SVG.
pub(super) fn svg(
    (width, height): (u32, u32),
    draw: impl FnOnce(&mut Canvas<'_>) -> Result<()>,
) -> Result<String> {
    let units = |pixels: u32| pixels * UNITS as u32;
    let mut text = String::new();
    let images = {
        let backend = SVGBackend::with_string(&mut text, (units(width), units(height)));
        let mut canvas = Canvas {
            area: backend.into_drawing_area(),
            images: vec![],
        };
        draw(&mut canvas)?;
        canvas.area.present().map_err(failed)?;
        canvas.images
    };
    let (_, body) = text.split_once(">\n").unwrap_or(("", "</svg>\n"));
    let (w, h) = (units(width), units(height));
    let head = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {w} {h}\" \
         stroke-linejoin=\"round\">\n<rect width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/>\n"
    );
    Ok(head + &images.concat() + body)
}

fn failed(error: impl std::fmt::Display) -> PlotError {
    PlotError::Draw(error.to_string())
}

fn units((x, y): Point) -> (i32, i32) {
    ((x * UNITS).round() as i32, (y * UNITS).round() as i32)
}

fn stroke(width: f64) -> u32 {
    (width * UNITS).round() as u32
}

impl Canvas<'_> {
    pub(super) fn line(&self, points: &[Point], color: RGBAColor, width: f64) -> Result<()> {
        let style = color.stroke_width(stroke(width));
        let points: Vec<_> = points.iter().copied().map(units).collect();
        self.area
            .draw(&PathElement::new(points, style))
            .map_err(failed)
    }

    pub(super) fn dashed(
        &self,
        from: Point,
        to: Point,
        color: RGBAColor,
        width: f64,
    ) -> Result<()> {
        const DASH: f64 = 5.0;
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy);
        let at = |distance: f64| {
            let share = (distance / length).min(1.0);
            (from.0 + share * dx, from.1 + share * dy)
        };
        for dash in 0..(length / (2.0 * DASH)).ceil() as usize {
            let start = 2.0 * DASH * dash as f64;
            self.line(&[at(start), at(start + DASH)], color, width)?;
        }
        Ok(())
    }

    pub(super) fn polygon(&self, corners: &[Point], color: RGBAColor) -> Result<()> {
        let corners: Vec<_> = corners.iter().copied().map(units).collect();
        self.area
            .draw(&Polygon::new(corners, color.filled()))
            .map_err(failed)
    }

    pub(super) fn rectangle(&self, from: Point, to: Point, color: RGBAColor) -> Result<()> {
        let corners = [units(from), units(to)];
        self.area
            .draw(&Rectangle::new(corners, color.filled()))
            .map_err(failed)
    }

    pub(super) fn ring(
        &self,
        center: Point,
        radius: f64,
        color: RGBColor,
        width: f64,
    ) -> Result<()> {
        let style = color.stroke_width(stroke(width));
        self.area
            .draw(&Circle::new(units(center), stroke(radius), style))
            .map_err(failed)
    }

    /// A filled mark that covers about the area of a circle with this radius.
    pub(super) fn mark(
        &self,
        mark: Mark,
        (x, y): Point,
        radius: f64,
        color: RGBAColor,
    ) -> Result<()> {
        let corners = |offsets: &[Point]| -> Vec<Point> {
            offsets
                .iter()
                .map(|(dx, dy)| (x + radius * dx, y + radius * dy))
                .collect()
        };
        match mark {
            Mark::Circle => {
                let circle = Circle::new(units((x, y)), stroke(radius), color.filled());
                self.area.draw(&circle).map_err(failed)
            }
            Mark::Square => self.rectangle(
                (x - 0.89 * radius, y - 0.89 * radius),
                (x + 0.89 * radius, y + 0.89 * radius),
                color,
            ),
            Mark::Triangle => {
                self.polygon(&corners(&[(0.0, -1.3), (1.2, 0.85), (-1.2, 0.85)]), color)
            }
            Mark::Diamond => self.polygon(
                &corners(&[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)]),
                color,
            ),
        }
    }

    pub(super) fn text(&self, text: &str, at: Point, how: Text) -> Result<()> {
        let style = if how.bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let mut font = FontDesc::new(FontFamily::SansSerif, how.size * FONT_UNITS, style);
        if how.rotated {
            font = font.transform(FontTransform::Rotate270);
        }
        let style = TextStyle::from(font)
            .color(&how.color)
            .pos(Pos::new(how.horizontal, how.vertical));
        // XML has no place for control characters.
        let text: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        self.area
            .draw_text(&text, &style, units(at))
            .map_err(failed)
    }

    /// A bitmap stretched over a rectangle under all other marks, of which only `crop` (left, top, width, height in
    /// bitmap pixels, of `size`) shows.
    pub(super) fn image(
        &mut self,
        uri: &str,
        size: (usize, usize),
        crop: [f64; 4],
        from: Point,
        to: Point,
    ) {
        let ((x, y), (right, bottom)) = (units(from), units(to));
        self.images.push(format!(
            "<svg x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" viewBox=\"{} {} {} {}\" preserveAspectRatio=\"none\">\
             <image width=\"{}\" height=\"{}\" href=\"{uri}\"/></svg>\n",
            right - x,
            bottom - y,
            crop[0],
            crop[1],
            crop[2],
            crop[3],
            size.0,
            size.1,
        ));
    }
}
