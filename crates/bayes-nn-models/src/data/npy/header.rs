//! The header of an NPY file (NumPy enhancement proposal 1), a literal of Python, and the types of numbers
//! it names.

use std::sync::Arc;

use bayes_nn_kernels::Column;

use super::problem;
use crate::data::DataError;

/// What the header says.
#[derive(Debug)]
pub(in crate::data) struct Header {
    pub(in crate::data) number: Number,
    /// Whether the first axis is the fastest.
    pub(in crate::data) fortran: bool,
    pub(in crate::data) shape: Vec<usize>,
    /// Where the numbers begin.
    pub(in crate::data) begin: usize,
}

/// A type of numbers.
#[derive(Clone, Copy, Debug)]
pub(in crate::data) struct Number {
    /// `b` for booleans, `i`, `u` and `f`.
    kind: u8,
    size: usize,
    big_endian: bool,
}

impl Header {
    pub(in crate::data) fn parse(bytes: &[u8]) -> Result<Header, DataError> {
        let Some([major, _, rest @ ..]) = bytes.strip_prefix(b"\x93NUMPY") else {
            let begins = &bytes[..bytes.len().min(6)];
            return Err(problem(format!(
                "it begins with the bytes {begins:02x?}; an NPY file begins with 93 and `NUMPY`"
            )));
        };
        let (length, after) = match (major, rest) {
            (1, [a, b, after @ ..]) => (usize::from(u16::from_le_bytes([*a, *b])), after),
            (2 | 3, [a, b, c, d, after @ ..]) => {
                (u32::from_le_bytes([*a, *b, *c, *d]) as usize, after)
            }
            _ => return Err(problem(format!("its version is {major}, or it ends there"))),
        };
        let text = after
            .get(..length)
            .and_then(|text| std::str::from_utf8(text).ok());
        let text = text.ok_or_else(|| problem("its header is cut off, or no text".to_owned()))?;
        let read = || {
            let descr = value(text, "descr")?.trim_matches(['\'', '"']);
            Some(Header {
                number: Number::of(descr)?,
                fortran: value(text, "fortran_order")? == "True",
                shape: shape(value(text, "shape")?)?,
                begin: bytes.len() - after.len() + length,
            })
        };
        read().ok_or_else(|| {
            problem(format!(
                "its header is `{}`; numbers of the types b1, i1 to i8, u1 to u8, f4 and f8 are read",
                text.trim_end()
            ))
        })
    }
}

/// What follows a key, up to the comma or the bracket that ends it.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let place = text.find(&format!("'{key}'"))? + key.len() + 2;
    let rest = text[place..].trim_start().strip_prefix(':')?.trim_start();
    let end = match rest.starts_with('(') {
        true => rest.find(')')? + 1,
        false => rest.find([',', '}'])?,
    };
    Some(rest[..end].trim_end())
}

/// `(3, 4)`, `(3,)` or `()`.
fn shape(text: &str) -> Option<Vec<usize>> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let lengths = inner.split(',').map(str::trim);
    let lengths = lengths.filter(|length| !length.is_empty());
    lengths.map(|length| length.parse().ok()).collect()
}

impl Number {
    /// `<f8`, `>i4`, `|u1` and the like.
    fn of(descr: &str) -> Option<Number> {
        let [order, kind, size] = *descr.as_bytes() else {
            return None;
        };
        let number = Number {
            kind,
            size: usize::from(size.checked_sub(b'0')?),
            big_endian: order == b'>',
        };
        let known = match kind {
            b'b' => number.size == 1,
            b'i' | b'u' => matches!(number.size, 1 | 2 | 4 | 8),
            b'f' => matches!(number.size, 4 | 8),
            _ => false,
        };
        (known && matches!(order, b'<' | b'>' | b'|' | b'=')).then_some(number)
    }

    pub(in crate::data) fn size(self) -> usize {
        self.size
    }

    /// Bytes as numbers.
    pub(in crate::data) fn column(self, bytes: &[u8]) -> Result<Column, DataError> {
        fn each<const N: usize, T>(
            bytes: &[u8],
            big_endian: bool,
            number: impl Fn([u8; N]) -> T,
        ) -> Arc<[T]> {
            let ordered = |mut bytes: [u8; N]| {
                if big_endian {
                    bytes.reverse();
                }
                number(bytes)
            };
            bytes.as_chunks().0.iter().map(|b| ordered(*b)).collect()
        }
        let big = self.big_endian;
        Ok(match (self.kind, self.size) {
            (b'b', _) | (b'u', 1) => bytes.into(),
            (b'i', 1) => each(bytes, big, |b| f32::from(i8::from_le_bytes(b))).into(),
            (b'i', 2) => each(bytes, big, |b| f32::from(i16::from_le_bytes(b))).into(),
            (b'u', 2) => each(bytes, big, |b| f32::from(u16::from_le_bytes(b))).into(),
            (b'i', 4) => each(bytes, big, |b| f64::from(i32::from_le_bytes(b))).into(),
            (b'u', 4) => each(bytes, big, u32::from_le_bytes).into(),
            (b'i', _) => exact(each(bytes, big, |b| i128::from(i64::from_le_bytes(b))))?,
            (b'u', _) => exact(each(bytes, big, |b| i128::from(u64::from_le_bytes(b))))?,
            (_, 4) => each(bytes, big, f32::from_le_bytes).into(),
            _ => each(bytes, big, f64::from_le_bytes).into(),
        })
    }
}

/// Whole numbers as doubles, none of them rounded.
fn exact(numbers: Arc<[i128]>) -> Result<Column, DataError> {
    let rounded = numbers
        .iter()
        .position(|number| *number as f64 as i128 != *number);
    match rounded {
        None => Ok(numbers
            .iter()
            .map(|n| *n as f64)
            .collect::<Arc<[f64]>>()
            .into()),
        Some(place) => Err(problem(format!(
            "its number {} at the place {place} is none that a double holds",
            numbers[place]
        ))),
    }
}
