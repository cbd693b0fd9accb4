//! Even cuts of a length.

/// Cuts a length into as few pieces as there can be, as even as they can be: starts and lengths.
pub(in crate::cpu::kernels) fn pieces(
    length: usize,
    most: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let count = length.div_ceil(most);
    (0..count).map(move |i| {
        let start = |i: usize| i * length / count;
        (start(i), start(i + 1) - start(i))
    })
}
