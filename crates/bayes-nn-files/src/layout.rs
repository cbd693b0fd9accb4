//! The layout of safetensors: the length of a header in eight bytes, the header as JSON, and numbers.
//!
//! ```text
//! { "__metadata__": { "bayes-nn": "{..}" },
//!   "fit.guide.mean": { "dtype": "F64", "shape": [40], "data_offsets": [0, 320] }, ..,
//!   "checksum": { "dtype": "U32", "shape": [1], "data_offsets": [..] } }
//! ```
//!
//! Numbers are little-endian and row-major, tensor after tensor without gaps. A tensor of which each
//! number is one of single precision stands as `F32`, after those that need `F64`. The last four bytes
//! are the tensor `checksum`: CRC-32 (ISO 3309, as gzip has it) of all bytes before.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// Under this name the metadata have the description.
const NAME: &str = "bayes-nn";
const CHECKSUM: &str = "checksum";
/// Bytes of the length of the header, and of the checksum.
const LENGTH: usize = 8;
const SUM: usize = 4;

/// How a number stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    F32,
    F64,
}

impl Number {
    /// The shorter one that keeps the bits of all these numbers.
    fn of(values: &[f64]) -> Number {
        let is_single = |value: &f64| f64::from(*value as f32).to_bits() == value.to_bits();
        match values.iter().all(is_single) {
            true => Number::F32,
            false => Number::F64,
        }
    }

    fn of_dtype(dtype: &str) -> Option<Number> {
        [Number::F32, Number::F64]
            .into_iter()
            .find(|number| number.dtype() == dtype)
    }

    fn dtype(self) -> &'static str {
        match self {
            Number::F32 => "F32",
            Number::F64 => "F64",
        }
    }

    /// Bytes of it.
    fn size(self) -> usize {
        match self {
            Number::F32 => 4,
            Number::F64 => 8,
        }
    }

    fn write(self, values: &[f64], to: &mut Vec<u8>) {
        let begin = to.len();
        to.resize(begin + self.size() * values.len(), 0);
        let to = &mut to[begin..];
        match self {
            Number::F32 => {
                for (bytes, value) in to.as_chunks_mut().0.iter_mut().zip(values) {
                    *bytes = (*value as f32).to_le_bytes();
                }
            }
            Number::F64 => {
                for (bytes, value) in to.as_chunks_mut().0.iter_mut().zip(values) {
                    *bytes = value.to_le_bytes();
                }
            }
        }
    }

    fn read(self, bytes: &[u8]) -> Vec<f64> {
        match self {
            Number::F32 => {
                let numbers = bytes.as_chunks().0.iter();
                numbers
                    .map(|bytes| f64::from(f32::from_le_bytes(*bytes)))
                    .collect()
            }
            Number::F64 => {
                let numbers = bytes.as_chunks().0.iter();
                numbers.map(|bytes| f64::from_le_bytes(*bytes)).collect()
            }
        }
    }
}

/// Numbers under a name.
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

/// Where the numbers of a tensor stand in the bytes of a file.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) shape: Vec<usize>,
    number: Number,
    bytes: Range<usize>,
}

impl Slot {
    /// The numbers, from the bytes of the file.
    pub(crate) fn numbers(&self, file: &[u8]) -> Vec<f64> {
        self.number.read(&file[self.bytes.clone()])
    }
}

/// What the layout has: a description, and tensors by name.
pub(crate) struct Layout {
    pub(crate) description: String,
    pub(crate) slots: BTreeMap<String, Slot>,
}

/// Why bytes have not this layout.
pub(crate) enum Problem {
    OtherKind(String),
    Damaged(String),
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The bytes of a file.
pub(crate) fn bytes_of(description: &Value, tensors: &[Tensor]) -> Vec<u8> {
    let mut header = Map::new();
    header.insert(
        "__metadata__".to_owned(),
        json!({ NAME: description.to_string() }),
    );
    let mut end = 0;
    let mut add = |name: &str, dtype: &str, shape: &[usize], bytes: usize| {
        let offsets = [end, end + bytes];
        end += bytes;
        let entry = json!({ "dtype": dtype, "shape": shape, "data_offsets": offsets });
        header.insert(name.to_owned(), entry);
    };
    let mut tensors: Vec<(Number, &Tensor)> = tensors
        .iter()
        .map(|tensor| (Number::of(&tensor.values), tensor))
        .collect();
    // The longer ones first, so that all begin at a multiple of their size.
    tensors.sort_by_key(|(number, _)| std::cmp::Reverse(number.size()));
    for (number, tensor) in &tensors {
        let bytes = number.size() * tensor.values.len();
        add(&tensor.name, number.dtype(), &tensor.shape, bytes);
    }
    add(CHECKSUM, "U32", &[1], SUM);
    let mut header = Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(LENGTH), b' ');
    let mut bytes = Vec::with_capacity(LENGTH + header.len() + end);
    bytes.extend((header.len() as u64).to_le_bytes());
    bytes.extend(header);
    for (number, tensor) in tensors {
        number.write(&tensor.values, &mut bytes);
    }
    bytes.extend(crc(&bytes).to_le_bytes());
    bytes
}

/// What a header has.
type Header<'a> = BTreeMap<String, &'a RawValue>;

/// The description and the tensors of a file.
pub(crate) struct Parsed<'a> {
    bytes: &'a [u8],
    header: Header<'a>,
    /// Where numbers begin.
    data: usize,
}

impl<'a> Parsed<'a> {
    /// The header of a file, which may be damaged.
    pub(crate) fn of(bytes: &'a [u8]) -> Result<Parsed<'a>, Problem> {
        let other = |problem: &str| Problem::OtherKind(problem.to_owned());
        let Some((length, rest)) = bytes.split_first_chunk::<LENGTH>() else {
            return Err(other("it has fewer than 8 bytes"));
        };
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some(header) = rest.get(..length) else {
            return Err(Problem::Damaged(format!(
                "its header has {length} bytes, and the file only {} after the first 8",
                rest.len()
            )));
        };
        let header = std::str::from_utf8(header).map_err(|_| other("its header is no text"))?;
        let header = serde_json::from_str(header);
        Ok(Parsed {
            bytes,
            header: header.map_err(|error| other(&format!("its header is no JSON: {error}")))?,
            data: LENGTH + length,
        })
    }

    /// The description, which may be damaged.
    pub(crate) fn description(&self) -> Result<String, Problem> {
        let metadata = self.header.get("__metadata__").map(|raw| raw.get());
        let metadata = metadata.map(serde_json::from_str::<BTreeMap<String, String>>);
        match metadata {
            Some(Ok(mut metadata)) => metadata.remove(NAME),
            _ => None,
        }
        .ok_or_else(|| {
            let problem = "its header has no description of one (`__metadata__.bayes-nn`)";
            Problem::OtherKind(problem.to_owned())
        })
    }

    /// Checks that all bytes are those that were written.
    pub(crate) fn check_sum(&self) -> Result<(), Problem> {
        let (rest, sum) = self
            .bytes
            .split_last_chunk::<SUM>()
            .unwrap_or((&[], &[0; SUM]));
        match u32::from_le_bytes(*sum) == crc(rest) {
            true => Ok(()),
            false => Err(Problem::Damaged("its checksum is another".to_owned())),
        }
    }

    /// The tensors, whose numbers lie one after the other and are all there is.
    pub(crate) fn slots(&self) -> Result<BTreeMap<String, Slot>, Problem> {
        let mut slots = BTreeMap::new();
        for (name, raw) in &self.header {
            if name != "__metadata__" {
                let damaged = || Problem::Damaged(format!("its tensor `{name}` cannot be"));
                let slot = self.slot(name, raw).ok_or_else(damaged)?;
                slots.insert(name.clone(), slot);
            }
        }
        let mut ranges: Vec<&Range<usize>> = slots.values().map(|slot| &slot.bytes).collect();
        ranges.sort_by_key(|range| (range.start, range.end));
        let mut end = self.data;
        for range in ranges {
            if range.start != end {
                let problem = format!("its tensors do not follow one another at byte {end}");
                return Err(Problem::Damaged(problem));
            }
            end = range.end;
        }
        match end == self.bytes.len() && slots.remove(CHECKSUM).is_some() {
            true => Ok(slots),
            false => Err(Problem::Damaged(format!(
                "its tensors end at byte {end} of {}",
                self.bytes.len()
            ))),
        }
    }

    /// One tensor, inside the file; `None` if it cannot be.
    fn slot(&self, name: &str, raw: &RawValue) -> Option<Slot> {
        let entry: BTreeMap<&str, &RawValue> = serde_json::from_str(raw.get()).ok()?;
        let text = |field| Some(entry.get(field)?.get());
        let dtype: &str = serde_json::from_str(text("dtype")?).ok()?;
        let shape: Vec<usize> = serde_json::from_str(text("shape")?).ok()?;
        let [start, end]: [usize; 2] = serde_json::from_str(text("data_offsets")?).ok()?;
        let number = match (name, dtype) {
            // It is looked at as four bytes, never as a number.
            (CHECKSUM, "U32") => Number::F32,
            (CHECKSUM, _) => return None,
            _ => Number::of_dtype(dtype)?,
        };
        let mut lengths = shape.iter();
        let bytes = lengths.try_fold(number.size(), |bytes, length| bytes.checked_mul(*length));
        let [start, end] = [start.checked_add(self.data)?, end.checked_add(self.data)?];
        let is_inside = end <= self.bytes.len() && end.checked_sub(start) == bytes;
        is_inside.then_some(Slot {
            shape,
            number,
            bytes: start..end,
        })
    }
}
