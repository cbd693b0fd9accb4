//! Pictures as PNG, for programs and papers that take no SVG.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

use super::{PlotError, Result};

/// Families to write in, the first that the system has.
const FAMILIES: [&str; 6] = [
    "Arial",
    "Helvetica",
    "Helvetica Neue",
    "Liberation Sans",
    "DejaVu Sans",
    "Noto Sans",
];
/// Pixels of a side at the most, as of an SVG.
const LARGEST: f32 = 20_000.0;

/// The fonts of the system, looked for once.
static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_system_fonts();
    let families = || {
        fonts
            .faces()
            .flat_map(|face| face.families.iter().map(|(name, _)| name))
    };
    let wanted = FAMILIES
        .iter()
        .find(|wanted| families().any(|name| name == *wanted));
    let family = wanted
        .map(|name| (*name).to_owned())
        .or_else(|| families().next().cloned());
    if let Some(family) = family {
        fonts.set_sans_serif_family(family);
    }
    Arc::new(fonts)
});

/// A picture, as the plots give it, as PNG: `scale` times as many pixels as the SVG says, 2 for print.
///
/// Text is written in a sans-serif font of the system.
///
/// ```
/// use bayes_nn::plots::{Lines, Series, to_png};
///
/// let svg = Lines::new().series(Series::new("ELBO", &[1.0, 2.0], &[-3.0, -1.0])).to_svg()?;
/// let png = to_png(&svg, 2.0)?;
/// assert!(png.starts_with(b"\x89PNG"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
///
/// # Errors
/// A text that is no SVG; a scale at which no pixel, or more than 20,000 on a side, are left; a system without a font.
pub fn to_png(svg: &str, scale: f64) -> Result<Vec<u8>, PlotError> {
    if FONTS.is_empty() {
        return Err(PlotError::NoFont);
    }
    let options = Options {
        fontdb: FONTS.clone(),
        ..Options::default()
    };
    let failed = |error: &dyn std::fmt::Display| PlotError::Draw(error.to_string());
    let tree = Tree::from_str(svg, &options).map_err(|error| failed(&error))?;
    let (scale, size) = (scale as f32, tree.size());
    let [width, height] = [size.width(), size.height()].map(|pixels| (pixels * scale).round());
    let fits = |pixels: f32| (1.0..=LARGEST).contains(&pixels);
    let pixmap = Pixmap::new(width as u32, height as u32).filter(|_| fits(width) && fits(height));
    let mut pixmap = pixmap.ok_or(PlotError::Size {
        width: width as u32,
        height: height as u32,
        min_width: 1,
        min_height: 1,
    })?;
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut pixmap.as_mut(),
    );
    pixmap.encode_png().map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots::{ColorMap, Surface};

    fn size(png: &[u8]) -> [u32; 2] {
        [16, 20].map(|at| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()))
    }

    #[test]
    fn pictures_have_the_pixels_of_their_scale_and_their_bitmaps_too() {
        let axis = [0.0, 1.0, 2.0];
        let values: Vec<f64> = (0..9).map(f64::from).collect();
        let surface = Surface::new(&axis, &axis, &values)
            .colors(ColorMap::Viridis)
            .size(400, 300);
        let svg = surface.to_svg().unwrap();
        let [small, large] = [1.0, 2.0].map(|scale| to_png(&svg, scale).unwrap());
        assert_eq!((size(&small), size(&large)), ([400, 300], [800, 600]));
        // The bitmap of the surface is drawn: its lowest colour, dark violet, is there.
        let options = Options {
            fontdb: FONTS.clone(),
            ..Options::default()
        };
        let tree = Tree::from_str(&svg, &options).unwrap();
        let mut pixmap = Pixmap::new(400, 300).unwrap();
        resvg::render(&tree, Transform::identity(), &mut pixmap.as_mut());
        let violet = |pixel: &&resvg::tiny_skia::PremultipliedColorU8| {
            [pixel.red(), pixel.green(), pixel.blue()] == [0x44, 0x01, 0x54]
        };
        assert!(pixmap.pixels().iter().find(violet).is_some());
    }

    #[test]
    fn text_is_written() {
        let svg = |text: &str| {
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100\" height=\"20\"><text x=\"5\" y=\"15\" \
                 font-family=\"sans-serif\" font-size=\"12\">{text}</text></svg>"
            )
        };
        assert_ne!(
            to_png(&svg("R-hat"), 1.0).unwrap(),
            to_png(&svg(""), 1.0).unwrap()
        );
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert!(matches!(to_png("no picture", 1.0), Err(PlotError::Draw(_))));
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100\" height=\"20\"/>";
        for scale in [0.0, -1.0, f64::NAN, 1e9] {
            assert!(
                matches!(to_png(svg, scale), Err(PlotError::Size { .. })),
                "{scale}"
            );
        }
    }
}
