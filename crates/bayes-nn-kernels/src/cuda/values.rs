//! Values as bytes of a device, and back.

use std::ops::Range;

use bayes_nn_autodiff::Kind;

use crate::data::{Column, each_type};
use crate::element::Precision;
use crate::error::KernelError;
use crate::plan::{Pass, Plan, Value, ValueId};

/// What the control block says as long as no index was outside.
pub(super) const NO_ERROR: u64 = u64::MAX;

/// Bytes of an element of a value.
pub(super) fn element_bytes(value: &Value, precision: Precision) -> usize {
    match value.kind {
        Kind::Float => precision.bytes(),
        Kind::Index => 4,
    }
}

/// Bytes from the first element of a value to its last, both included.
fn span(value: &Value, precision: Precision) -> usize {
    part_of(value, precision, 0, value.shape.elements()).len()
}

/// Elements in row-major order as a value lies in memory; what lies between them is 0.
pub(super) fn encode(
    value: &Value,
    precision: Precision,
    elements: impl Iterator<Item = f64>,
) -> Vec<u8> {
    let size = element_bytes(value, precision);
    let mut bytes = vec![0; span(value, precision)];
    for (i, number) in elements.enumerate() {
        let at = value.layout.place(i) * size;
        let target = &mut bytes[at..at + size];
        match (value.kind, precision) {
            (Kind::Index, _) => target.copy_from_slice(&(number as u32).to_ne_bytes()),
            (_, Precision::F32) => target.copy_from_slice(&(number as f32).to_ne_bytes()),
            (_, Precision::F64) => target.copy_from_slice(&number.to_ne_bytes()),
        }
    }
    bytes
}

/// The elements of a column as a value lies in memory, in the type of the program.
pub(super) fn encode_column(value: &Value, precision: Precision, column: &Column) -> Vec<u8> {
    each_type!(column, numbers => {
        encode(value, precision, numbers.iter().map(|&number| number.into()))
    })
}

/// Where in the memory of a value the elements from number `first` on lie, at most `count` of
/// them, in bytes.
pub(super) fn part_of(
    value: &Value,
    precision: Precision,
    first: usize,
    count: usize,
) -> Range<usize> {
    let end = (first + count).min(value.shape.elements());
    let size = element_bytes(value, precision);
    match first < end {
        true => value.layout.place(first) * size..(value.layout.place(end - 1) + 1) * size,
        false => 0..0,
    }
}

/// The elements of a value in row-major order from number `first` on, from the bytes of this
/// [`part_of`]: as many as fit.
pub(super) fn decode(
    value: &Value,
    precision: Precision,
    bytes: &[u8],
    first: usize,
    elements: &mut [f64],
) {
    let size = element_bytes(value, precision);
    let start = part_of(value, precision, first, elements.len()).start;
    let number = |place: usize| match (value.kind, &bytes[place * size - start..][..size]) {
        (Kind::Index, &[a, b, c, d]) => f64::from(u32::from_ne_bytes([a, b, c, d])),
        (_, &[a, b, c, d]) => f64::from(f32::from_ne_bytes([a, b, c, d])),
        (_, bytes) => f64::from_ne_bytes(bytes.try_into().unwrap_or([0; 8])),
    };
    for (i, target) in (first..value.shape.elements()).zip(elements) {
        *target = number(value.layout.place(i));
    }
}

/// Several numbers one after the other.
pub(super) fn bytes_of(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_ne_bytes()).collect()
}

/// The numbers that lie one after the other.
pub(super) fn numbers_of<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let (words, _) = bytes.as_chunks::<8>();
    let mut numbers = [0; N];
    for (number, bytes) in numbers.iter_mut().zip(words) {
        *number = u64::from_ne_bytes(*bytes);
    }
    numbers
}

/// The error for the index that a control block notes as outside; `values` gives the elements
/// of the index.
pub(super) fn index_error(
    plan: &Plan,
    noted: u64,
    values: impl FnOnce(ValueId) -> Vec<f64>,
) -> KernelError {
    let (pass, position) = ((noted >> 32) as usize, noted as u32 as usize);
    let name = match plan.passes[pass] {
        Pass::ProductByGroup(_) => "matmul_by_group",
        _ => "gather",
    };
    let selection = plan.passes[pass].selection();
    let (index, into, axis) = selection.expect("only selections check indices");
    let length = plan.values[into.index()].shape[axis];
    KernelError::Index {
        name: name.to_owned(),
        value: values(index)[position],
        position,
        length,
    }
}
