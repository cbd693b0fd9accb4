//! Colours and marks: the visual language that all plots share.

use plotters::style::RGBColor;

pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(super) const MUTED: RGBColor = RGBColor(0x66, 0x66, 0x66);
pub(super) const GRID: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);
pub(super) const WHITE: RGBColor = RGBColor(0xff, 0xff, 0xff);

pub(super) const FONT_TITLE: f64 = 16.0;
pub(super) const FONT_LABEL: f64 = 13.0;
pub(super) const FONT_TICK: f64 = 12.0;

/// Okabe and Ito 2008, "Color universal design", without the yellow, which is too pale for lines on white.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x00, 0x00, 0x00),
];

pub(super) fn category(index: usize) -> RGBColor {
    PALETTE[index % PALETTE.len()]
}

#[derive(Clone, Copy)]
pub(super) enum Mark {
    Circle,
    Square,
    Triangle,
    Diamond,
}

/// Shapes change with the class as well, so that a grey print can be read.
pub(super) fn mark(index: usize) -> Mark {
    [Mark::Circle, Mark::Triangle, Mark::Square, Mark::Diamond][index % 4]
}

/// Approximate width of a text in pixels, on the wide side of the common sans-serif fonts.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '(' | ')' | '['
        | ']' | ' ' => 0.38,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.95,
        c if c.is_uppercase() => 0.70,
        c if c.is_ascii() || c.is_alphabetic() => 0.62,
        _ => 0.85,
    };
    size * text.chars().map(em).sum::<f64>()
}

/// Approximate width in pixels of the widest of texts as long as the numbers of an axis.
pub(super) fn widest<'a>(texts: impl Iterator<Item = &'a String>) -> f64 {
    texts
        .map(|text| text_width(text, FONT_TICK))
        .fold(0.0, f64::max)
}

/// A text of at most `width` pixels; of a longer one the middle is left out, so that its beginning and its end, which often
/// is an index, can be read.
pub(super) fn shortened(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let kept = |kept: usize| -> String {
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        let ends = chars[..head].iter().chain(['\u{2026}'].iter());
        ends.chain(&chars[chars.len() - tail..]).collect()
    };
    let fitting = (1..chars.len())
        .rev()
        .map(kept)
        .find(|text| text_width(text, size) <= width);
    fitting.unwrap_or_else(|| kept(1))
}

/// Breaks a text between words into lines of at most `width` pixels; a word that is longer has a line of its own.
pub(super) fn wrap(text: &str, size: f64, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line)
                if text_width(line, size) + text_width(word, size) + 0.38 * size <= width =>
            {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// How a value becomes a colour.
///
/// ```
/// use bayes_nn::plots::ColorMap;
///
/// assert_eq!(ColorMap::Viridis.color(0.0), [0x44, 0x01, 0x54]);
/// assert_eq!(ColorMap::Diverging.color(0.5), [0xf7, 0xf7, 0xf7]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorMap {
    /// From dark violet to yellow, perceptually uniform: for amounts, such as uncertainty. By S. van der Walt and N. Smith,
    /// matplotlib, CC0; ten evenly spaced colours of it, straight lines between.
    #[default]
    Viridis,
    /// From blue over near-white to red: for values with a meaningful middle, such as a probability. ColorBrewer's RdBu with
    /// eleven classes reversed, by C. Brewer, Apache-2.0.
    Diverging,
}

const VIRIDIS: [u32; 10] = [
    0x440154, 0x482878, 0x3e4a89, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6dcd59, 0xb4de2c,
    0xfde725,
];
const DIVERGING: [u32; 11] = [
    0x053061, 0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xf7f7f7, 0xfddbc7, 0xf4a582, 0xd6604d,
    0xb2182b, 0x67001f,
];

impl ColorMap {
    /// The colour at `share` of the way from the lower to the upper end, as red, green, blue; below 0 and above 1 the end's.
    pub fn color(self, share: f64) -> [u8; 3] {
        let table: &[u32] = match self {
            Self::Viridis => &VIRIDIS,
            Self::Diverging => &DIVERGING,
        };
        let place = share.clamp(0.0, 1.0) * (table.len() - 1) as f64;
        let below = (place as usize).min(table.len() - 2);
        let channel = |color: u32, shift: u32| f64::from(color >> shift & 0xff);
        [16, 8, 0].map(|shift| {
            let (a, b) = (
                channel(table[below], shift),
                channel(table[below + 1], shift),
            );
            (a + (b - a) * (place - below as f64)).round() as u8
        })
    }

    pub(super) fn palette(self) -> [[u8; 3]; 256] {
        std::array::from_fn(|i| self.color(i as f64 / 255.0))
    }

    pub(super) fn rgb(self, share: f64) -> RGBColor {
        let [r, g, b] = self.color(share);
        RGBColor(r, g, b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn color_maps_pass_through_their_published_colors() {
        assert_eq!(ColorMap::Viridis.color(1.0), [0xfd, 0xe7, 0x25]);
        assert_eq!(ColorMap::Viridis.color(1.0 / 3.0), [0x31, 0x68, 0x8e]);
        assert_eq!(ColorMap::Diverging.color(0.1), [0x21, 0x66, 0xac]);
        assert_eq!(ColorMap::Diverging.color(7.0), [0x67, 0x00, 0x1f]);
    }

    #[test]
    fn viridis_rises_in_luminance() {
        let luminance = |share: f64| {
            let [r, g, b] = ColorMap::Viridis.color(share).map(f64::from);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        assert!(
            (0..100).all(|i| luminance(f64::from(i + 1) / 100.0) > luminance(f64::from(i) / 100.0))
        );
    }

    #[test]
    fn long_names_keep_their_ends() {
        let name = "encoder.attention.layer0.weight[12, 3]";
        let short = shortened(name, 12.0, 120.0);
        assert!(text_width(&short, 12.0) <= 120.0);
        assert!(
            short.starts_with("encod") && short.ends_with(", 3]"),
            "{short}"
        );
        assert_eq!(shortened("a", 12.0, 120.0), "a");
        assert_eq!(shortened("abc", 12.0, 0.0), "a\u{2026}");
    }

    #[test]
    fn long_texts_break_between_words() {
        let lines = wrap("a rather long title that does not fit", 16.0, 160.0);
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| text_width(line, 16.0) <= 160.0));
        assert_eq!(lines.join(" "), "a rather long title that does not fit");
    }
}
