//! Elements of a value, in row-major order, to and from the memory where they lie.

use crate::plan::Layout;

/// Writes elements in row-major order.
///
/// # Safety
/// They lie from `start` on in this layout, and nobody else uses them.
pub(crate) unsafe fn write<E>(
    start: *mut E,
    layout: &Layout,
    mut values: impl Iterator<Item = f64>,
    convert: impl Fn(f64) -> E,
) {
    for run in layout.runs() {
        // SAFETY: as promised.
        let run = unsafe { std::slice::from_raw_parts_mut(start.add(run.start), run.len()) };
        for (to, value) in run.iter_mut().zip(&mut values) {
            *to = convert(value);
        }
    }
}

/// Reads elements in row-major order from number `first` on, as many as there are or have room.
///
/// # Safety
/// They lie from `start` on in this layout, and nobody writes them.
pub(crate) unsafe fn read<E: Copy>(
    start: *mut E,
    layout: &Layout,
    mut first: usize,
    elements: &mut [f64],
    convert: impl Fn(E) -> f64,
) {
    let mut elements = elements.iter_mut();
    for run in layout.runs() {
        let skipped = first.min(run.len());
        first -= skipped;
        // SAFETY: as promised.
        let run = unsafe {
            std::slice::from_raw_parts(start.add(run.start + skipped), run.len() - skipped)
        };
        for (from, element) in run.iter().zip(&mut elements) {
            *element = convert(*from);
        }
    }
}
