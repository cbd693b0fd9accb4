//! The bar beside a surface that says which colour is which value.

use super::canvas::{Canvas, Point, Text};
use super::panel::Axis;
use super::style::{ColorMap, FONT_LABEL, FONT_TICK, MUTED, widest};
use super::{Result, png};
use plotters::style::Color;

const WIDTH: f64 = 16.0;
const LABEL: f64 = 22.0;

pub(super) struct ColorBar {
    pub(super) axis: Axis,
    pub(super) colors: ColorMap,
}

impl ColorBar {
    /// Where it begins for its numbers and label to end at `right`, in a room of this height.
    pub(super) fn left(&self, right: f64, pixels: f64) -> f64 {
        let label = if self.axis.label.is_empty() {
            0.0
        } else {
            LABEL
        };
        let ticks = self.axis.vertical_ticks(pixels);
        right - label - widest(ticks.iter().map(|(_, label)| label)) - 8.0 - WIDTH
    }

    pub(super) fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        (left, top): Point,
        bottom: f64,
    ) -> Result<()> {
        let right = left + WIDTH;
        let pixels: Vec<u8> = (0..=255).rev().collect();
        let uri = png::data_uri((1, 256), &pixels, &self.colors.palette());
        let crop = [0.0, 0.5, 1.0, 255.0];
        canvas.image(&uri, (1, 256), crop, (left, top), (right, bottom));
        let corners = [
            (left, top),
            (right, top),
            (right, bottom),
            (left, bottom),
            (left, top),
        ];
        canvas.line(&corners, MUTED.to_rgba(), 1.0)?;
        let ticks = self.axis.vertical_ticks(bottom - top);
        for (value, label) in &ticks {
            let y = bottom - self.axis.share(*value) * (bottom - top);
            canvas.line(&[(right, y), (right + 4.0, y)], MUTED.to_rgba(), 1.0)?;
            canvas.text(label, (right + 7.0, y), Text::new(FONT_TICK))?;
        }
        if self.axis.label.is_empty() {
            return Ok(());
        }
        let numbers = widest(ticks.iter().map(|(_, label)| label));
        let middle = (right + 8.0 + numbers + 0.5 * LABEL, 0.5 * (top + bottom));
        canvas.text(&self.axis.label, middle, Text::new(FONT_LABEL).upwards())
    }
}
