//! Convolutions and pools: plain loops over the taps of a window.

use bayes_nn_autodiff::{Side, Window};

use super::Work;
use super::moves::Sums;
use super::text::{Printer, count};
use crate::plan::{Convolution, Pool};

/// Sums at least this long are a block's, when the weights are few.
const LONG_SUM: usize = 128;

/// Weights are few up to here.
const FEW: usize = 4096;

/// Names declared as the digits of a number, the last one first: the number is taken apart by
/// lengths.
pub(super) fn digits(number: &str, names: &[(&str, usize)]) -> String {
    let mut text = String::new();
    let mut rest = number.to_owned();
    for (name, length) in names {
        let length = count((*length).max(1));
        text += &format!("const place {name} = {rest} % {length}; ");
        rest = format!("{rest} / {length}");
    }
    text
}

/// The row-major number of an element by its digits, the first one first.
pub(super) fn numbered(names: &[(&str, usize)]) -> String {
    let (first, rest) = names.split_first().expect("an element has axes");
    rest.iter()
        .fold(first.0.to_owned(), |number, (name, length)| {
            format!("({number}) * {} + {name}", count(*length))
        })
}

/// Declares the pixel under tap `v`, `u` of a window at `y`, `x`. Before the image the difference
/// wraps to a number beyond its end.
fn pixel(window: &Window) -> String {
    let along = |name: &str, place: &str, tap: &str, axis: usize| {
        let [stride, dilation] = [window.stride[axis], window.dilation[axis]].map(count);
        let before = count(window.before[axis]);
        format!("const place {name} = {place} * {stride} + {tap} * {dilation} - {before}; ")
    };
    along("row", "y", "v", 0) + &along("column", "x", "u", 1)
}

impl Printer<'_> {
    pub(super) fn convolution(&mut self, convolution: &Convolution) -> Work {
        let Convolution {
            result,
            window,
            groups,
            sides,
        } = convolution;
        let [image, weight, output] = sides.map(|id| self.value(id).shape);
        let [channels, height, width, rows] = [image[0], image[1], image[2], image[3]];
        let [own, tall, wide, outputs] = [weight[0], weight[1], weight[2], weight[3]];
        let [lines, places] = [output[1], output[2]];
        let per_group = outputs / groups;
        let inside = format!("row < {} && column < {}", count(height), count(width));
        let number = [("own", 0), ("v", tall), ("u", wide), ("o", outputs)];
        let weight_at = self.element(sides[1], &numbered(&number));
        let number = [("c", 0), ("row", height), ("column", width), ("n", rows)];
        let image_at = self.element(sides[0], &numbered(&number));
        let number = [("o", 0), ("y", lines), ("x", places), ("n", rows)];
        let output_at = self.element(sides[2], &numbered(&number));
        let channel = format!(
            "const place c = o / {} * {} + own; ",
            count(per_group),
            count(own)
        );
        let (results, terms, before, add) = match result {
            Side::Output => {
                let taps = [("u", wide), ("v", tall), ("own", own.max(1))];
                (
                    [("n", rows), ("x", places), ("y", lines), ("o", outputs)],
                    own * tall * wide,
                    String::new(),
                    format!(
                        "{}{channel}{}if ({inside}) sum += {weight_at} * {image_at};",
                        digits("k", &taps),
                        pixel(window)
                    ),
                )
            }
            Side::Input => {
                // From the pixel back to the place: it must be one, and a whole number of strides.
                let place = |name: &str, pixel: &str, tap: &str, axis: usize| {
                    let [before, dilation] =
                        [window.before[axis], window.dilation[axis]].map(count);
                    format!("const place {name} = {pixel} + {before} - {tap} * {dilation}; ")
                };
                let [by_line, by_column] = window.stride.map(count);
                let taps = [("u", wide), ("v", tall), ("of_group", per_group.max(1))];
                let declared = digits("k", &taps)
                    + &format!(
                        "const place o = c / {0} * {1} + of_group; ",
                        count(own.max(1)),
                        count(per_group)
                    )
                    + &place("down", "row", "v", 0)
                    + &place("across", "column", "u", 1)
                    + &format!("const place y = down / {by_line}, x = across / {by_column}; ");
                let inside = format!(
                    "down % {by_line} == 0u && across % {by_column} == 0u && y < {} && x < {}",
                    count(lines),
                    count(places)
                );
                (
                    [
                        ("n", rows),
                        ("column", width),
                        ("row", height),
                        ("c", channels),
                    ],
                    per_group * tall * wide,
                    format!("const place own = c % {}; ", count(own.max(1))),
                    format!("{declared}if ({inside}) sum += {weight_at} * {output_at};"),
                )
            }
            Side::Weight => {
                let terms = [("n", rows), ("x", places), ("y", lines)];
                (
                    [("o", outputs), ("u", wide), ("v", tall), ("own", own)],
                    rows * places * lines,
                    channel,
                    format!(
                        "{}{}if ({inside}) sum += {image_at} * {output_at};",
                        digits("k", &terms),
                        pixel(window)
                    ),
                )
            }
        };
        let out = convolution.value(*result);
        let elements = self.value(out).shape.elements();
        let before = format!("        {}{before}\n", digits("i", &results));
        let sums = Sums {
            results: elements,
            terms,
            by_block: *result == Side::Weight && terms >= LONG_SUM && elements <= FEW,
            kind: "Sum",
            before: &before,
            start: "0",
            add: &format!("{{ {add} }}"),
            to: &self.element(out, "i"),
        };
        self.sums(&sums)
    }

    /// A thread takes each element.
    pub(super) fn pool(&mut self, pool: &Pool) -> Work {
        let to = self.element(pool.out, "i");
        let taken = self.taken(pool);
        let [image, places] = [pool.keys, pool.out].map(|id| self.value(id).shape);
        let results = [
            ("n", image[3]),
            ("x", places[2]),
            ("y", places[1]),
            ("c", image[0]),
        ];
        let source = self.element(pool.source, "first");
        let before = [digits("i", &results), taken];
        self.each(places.elements(), &before, &format!("{to} = {source};"))
    }

    /// A thread adds up the elements of each row of a channel, so that no two add to one.
    pub(super) fn unpool(&mut self, pool: &Pool) -> Work {
        let taken = self.taken(pool);
        let [image, places] = [pool.keys, pool.source].map(|id| self.value(id).shape);
        let pixels = count(image[1] * image[2]);
        let (rows, wide) = (count(image[3].max(1)), count(image[3]));
        let to = self.element(pool.out, &format!("(c * {pixels} + p) * {wide} + n"));
        let number = [
            ("c", 0),
            ("y", places[1]),
            ("x", places[2]),
            ("n", places[3]),
        ];
        let source = self.element(pool.source, &numbered(&number));
        let sum = self.element(pool.out, "first");
        let (lines, columns) = (count(places[1]), count(places[2]));
        let before = [
            format!("const place n = i % {rows}, c = i / {rows};"),
            format!("for (place p = 0; p < {pixels}; ++p) {to} = 0;"),
            format!("for (place y = 0; y < {lines}; ++y)"),
            format!("for (place x = 0; x < {columns}; ++x) {{"),
            taken,
        ];
        self.each(
            image[0] * image[3],
            &before,
            &format!("{sum} += {source}; }}"),
        )
    }

    /// Declares `first`, the number of the key that is the first largest under the window at `y`,
    /// `x` of channel `c` and row `n`.
    fn taken(&self, pool: &Pool) -> String {
        let image = self.value(pool.keys).shape;
        let [tall, wide] = pool.window.size.map(count);
        let number = [
            ("c", 0),
            ("row", image[1]),
            ("column", image[2]),
            ("n", image[3]),
        ];
        let key = self.element(pool.keys, "at");
        format!(
            "place first = 0; real largest = -INF; bool some = false; \
             for (place v = 0; v < {tall}; ++v) for (place u = 0; u < {wide}; ++u) {{ {} \
             if (row < {} && column < {}) {{ const place at = {}; const real key = {key}; \
             if (!some || key > largest || (key != key && largest == largest)) \
             {{ some = true; largest = key; first = at; }} }} }}",
            pixel(&pool.window),
            count(image[1]),
            count(image[2]),
            numbered(&number)
        )
    }
}
