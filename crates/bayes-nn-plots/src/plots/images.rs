//! Grey images side by side, each with a line below it.

use super::canvas::{Canvas, Point, Text, svg};
use super::frame::{Frame, frame_settings};
use super::style::{FONT_TICK, MUTED};
use super::{PlotError, check, png};

/// The room of an image and of what is written below it, in pixels.
const CELL: f64 = 74.0;
const CAPTION: f64 = 18.0;
const GAP: f64 = 18.0;

/// Grey images of one size, row by row, from white where a value is lowest to black where it is
/// highest, each with a caption.
///
/// ```
/// use bayes_nn::plots::Images;
///
/// let pixels = [0.0, 1.0, 1.0, 0.0, 0.5, 0.5, 0.0, 1.0];
/// let svg = Images::new(&pixels, (2, 2)).captions(["a cross", "a step"]).to_svg()?;
/// assert!(svg.matches("image/png").count() == 2 && svg.contains("a step"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Images<'a> {
    pixels: &'a [f64],
    size: (usize, usize),
    captions: Vec<String>,
    columns: usize,
    frame: Frame,
}

impl<'a> Images<'a> {
    /// Images `[n, height, width]` of this height and width.
    pub fn new(pixels: &'a [f64], size: (usize, usize)) -> Self {
        Self {
            pixels,
            size,
            captions: Vec::new(),
            columns: 10,
            frame: Frame::new(0, 0),
        }
    }

    frame_settings!(title);

    /// What is written below each image; those without a caption have none.
    #[must_use]
    pub fn captions<S: Into<String>>(mut self, captions: impl IntoIterator<Item = S>) -> Self {
        self.captions = captions.into_iter().map(Into::into).collect();
        self
    }

    /// So many images in a row, 10 unless set.
    #[must_use]
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns;
        self
    }

    /// Draws the picture.
    ///
    /// # Errors
    /// No images, values that do not fill whole ones or are not finite, rows of no images, more of
    /// them than a picture holds.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        let each = self.size.0.saturating_mul(self.size.1);
        check::not_empty("pixels", self.pixels.len().min(each))?;
        check::not_empty("a row of images", self.columns)?;
        let count = self.pixels.len().div_ceil(each);
        check::length("pixels", self.pixels.len(), count * each)?;
        check::finite("pixels", self.pixels)?;
        let columns = self.columns.min(count);
        let mut frame = self.frame.clone();
        frame.width = (2.0 * GAP + columns as f64 * (CELL + GAP)).max(280.0) as u32 + 20;
        frame.fit_height(count.div_ceil(columns) as f64 * (CELL + CAPTION + GAP) + GAP);
        frame.check_size(280, 1)?;
        let range = check::widened(check::extent(self.pixels.iter().copied()));
        svg(frame.size(), |canvas| {
            let (from, _) = frame.draw(canvas, &[])?;
            for (number, image) in self.pixels.chunks_exact(each).enumerate() {
                let (row, column) = (number / columns, number % columns);
                let left = from.0 + column as f64 * (CELL + GAP);
                let top = from.1 + row as f64 * (CELL + CAPTION + GAP);
                self.draw(canvas, image, range, (left, top));
                if let Some(caption) = self.captions.get(number) {
                    let at = (left + 0.5 * CELL, top + CELL + 0.5 * CAPTION);
                    let how = Text::new(FONT_TICK).color(MUTED).center();
                    canvas.text(caption, at, how)?;
                }
            }
            Ok(())
        })
    }

    fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        image: &[f64],
        (low, high): (f64, f64),
        (left, top): Point,
    ) {
        let (height, width) = self.size;
        let grey = |value: &f64| (255.0 * (value - low) / (high - low)) as u8;
        let pixels: Vec<u8> = image.iter().map(grey).collect();
        let palette = std::array::from_fn(|grey| [255 - grey as u8; 3]);
        let uri = png::data_uri((width, height), &pixels, &palette);
        let size = (width, height);
        let crop = [0.0, 0.0, width as f64, height as f64];
        canvas.image(&uri, size, crop, (left, top), (left + CELL, top + CELL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bad_input_has_its_message() {
        let message = |images: Images<'_>| images.to_svg().unwrap_err().to_string();
        let pixels = [0.0, 1.0, 2.0, f64::NAN];
        assert!(message(Images::new(&[], (2, 2))).starts_with("pixels: nothing to draw"));
        assert!(message(Images::new(&pixels, (0, 2))).starts_with("pixels: nothing to draw"));
        let three = message(Images::new(&pixels[..3], (2, 1)));
        assert_eq!(three, "pixels has 3 values; 4 are needed");
        assert!(message(Images::new(&pixels, (2, 2))).contains("NaN"));
        assert!(
            message(Images::new(&pixels[..2], (1, 1)).columns(0)).starts_with("a row of images")
        );
    }

    #[test]
    fn rows_of_images_are_as_long_as_asked_for() {
        let pixels = vec![0.5; 7 * 6];
        let wide = |columns| {
            Images::new(&pixels, (2, 3))
                .columns(columns)
                .to_svg()
                .unwrap()
        };
        let height = |svg: &str| {
            let start = svg.find("height=\"").unwrap() + 8;
            svg[start..]
                .split('"')
                .next()
                .unwrap()
                .parse::<f64>()
                .unwrap()
        };
        assert!(height(&wide(2)) > 3.0 * height(&wide(7)));
    }
}
