//! Maxima under a window, and their adjoint.

use super::{Grid, Taps, for_each, units_of_a_task};
use crate::cpu::isa::{Level, multiversion};
use crate::cpu::memory::{Frame, Memory};
use crate::element::Element;
use crate::plan::Pool;

/// Rows that are compared at a time.
const ROWS: usize = 64;

/// A pool, or its adjoint, made ready to run.
pub(crate) struct PoolKernel {
    keys: Grid,
    /// What has a pixel for each key: what is taken, or the sums.
    pixels: Grid,
    /// What has an element for each place of the window.
    places: Grid,
    adjoint: bool,
    /// Along height and width, of each place.
    taps: [Vec<Taps>; 2],
    window: [usize; 2],
    /// Channels of a task.
    channels: usize,
}

impl PoolKernel {
    pub fn new(pool: &Pool, memory: &Memory, adjoint: bool) -> PoolKernel {
        let keys = Grid::new(memory, pool.keys);
        let (source, out) = (Grid::new(memory, pool.source), Grid::new(memory, pool.out));
        let (pixels, places) = if adjoint {
            (out, source)
        } else {
            (source, out)
        };
        let taps = |axis| Taps::of(&pool.window, axis, keys.lengths[1 + axis], false);
        let mut kernel = PoolKernel {
            taps: [taps(0), taps(1)],
            window: pool.window.size,
            channels: 1,
            keys,
            pixels,
            places,
            adjoint,
        };
        kernel.channels = units_of_a_task(kernel.cost() / kernel.keys.lengths[0].max(1));
        kernel
    }

    /// What one run costs, in simple operations on elements.
    pub fn cost(&self) -> usize {
        let compared = self.places.pixels() * self.window[0] * self.window[1];
        let elements = compared * (1 + usize::from(self.adjoint)) + self.pixels.pixels();
        self.keys.lengths[0] * self.keys.lengths[3] * elements
    }

    pub fn run<T: Element>(&self, frame: &Frame<'_, T>) {
        let channels = self.keys.lengths[0];
        for_each(frame, self.cost(), channels.div_ceil(self.channels), |i| {
            for channel in i * self.channels..((i + 1) * self.channels).min(channels) {
                match self.adjoint {
                    true => add(frame.isa, self, frame, channel),
                    false => take(frame.isa, self, frame, channel),
                }
            }
        });
    }

    /// Calls `f` with the place of every element of the pool, its row and column.
    fn each_place(&self) -> impl Iterator<Item = [usize; 2]> {
        let [_, height, width, _] = self.places.lengths;
        (0..height).flat_map(move |y| (0..width).map(move |x| [y, x]))
    }

    /// The pixels under the window at a place, each with the number of its tap.
    fn under(&self, [y, x]: [usize; 2]) -> impl Iterator<Item = (usize, [usize; 2])> {
        let (rows, columns) = (self.taps[0][y], self.taps[1][x]);
        let width = self.window[1];
        rows.iter()
            .flat_map(move |(v, y)| columns.iter().map(move |(u, x)| (v * width + u, [y, x])))
    }

    /// Rows of a pixel of a channel.
    ///
    /// # Safety
    /// Nothing writes them.
    #[inline(always)]
    unsafe fn rows<'a, T: Element>(
        grid: &Grid,
        frame: &'a Frame<'_, T>,
        at: [usize; 3],
        start: usize,
        count: usize,
    ) -> &'a [T] {
        // SAFETY: the plan placed the value inside its memory.
        unsafe { std::slice::from_raw_parts(grid.start(frame, at).wrapping_add(start), count) }
    }

    /// The same to be written.
    ///
    /// # Safety
    /// Nothing else reads or writes them.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "the caller's promise")]
    unsafe fn rows_mut<'a, T: Element>(
        grid: &Grid,
        frame: &'a Frame<'_, T>,
        at: [usize; 3],
        start: usize,
        count: usize,
    ) -> &'a mut [T] {
        // SAFETY: the plan placed the value inside its memory.
        unsafe { std::slice::from_raw_parts_mut(grid.start(frame, at).wrapping_add(start), count) }
    }
}

multiversion! {
    /// The elements of a channel of the pool.
    fn take<T: Element>(kernel: &PoolKernel, frame: &Frame<'_, T>, channel: usize) = take_body;
}

multiversion! {
    /// The sums of a channel's pixels.
    fn add<T: Element>(kernel: &PoolKernel, frame: &Frame<'_, T>, channel: usize) = add_body;
}

/// Whether a key comes before the largest so far.
#[inline(always)]
fn is_larger<T: Element>(key: T, largest: T) -> bool {
    key > largest || (key.is_nan() && !largest.is_nan())
}

#[expect(
    clippy::extra_unused_type_parameters,
    reason = "bodies are generic over the level"
)]
#[inline(always)]
fn take_body<L: Level, T: Element>(kernel: &PoolKernel, frame: &Frame<'_, T>, channel: usize) {
    let rows = kernel.keys.lengths[3];
    for place in kernel.each_place() {
        for start in (0..rows).step_by(ROWS) {
            let count = ROWS.min(rows - start);
            let mut largest = [T::NEG_INFINITY; ROWS];
            let mut taken = [T::NEG_INFINITY; ROWS];
            let (largest, taken) = (&mut largest[..count], &mut taken[..count]);
            for (i, (_, [y, x])) in kernel.under(place).enumerate() {
                let at = [channel, y, x];
                // SAFETY: no pass writes what it reads.
                let (keys, source) = unsafe {
                    (
                        PoolKernel::rows(&kernel.keys, frame, at, start, count),
                        PoolKernel::rows(&kernel.pixels, frame, at, start, count),
                    )
                };
                if i == 0 {
                    largest.copy_from_slice(keys);
                    taken.copy_from_slice(source);
                    continue;
                }
                let best = largest.iter_mut().zip(&mut *taken);
                for ((largest, taken), (key, x)) in best.zip(keys.iter().zip(source)) {
                    let larger = is_larger(*key, *largest);
                    *largest = if larger { *key } else { *largest };
                    *taken = if larger { *x } else { *taken };
                }
            }
            let at = [channel, place[0], place[1]];
            // SAFETY: a channel is computed by one task.
            let to = unsafe { PoolKernel::rows_mut(&kernel.places, frame, at, start, count) };
            to.copy_from_slice(taken);
        }
    }
}

#[expect(
    clippy::extra_unused_type_parameters,
    reason = "bodies are generic over the level"
)]
#[inline(always)]
fn add_body<L: Level, T: Element>(kernel: &PoolKernel, frame: &Frame<'_, T>, channel: usize) {
    let [_, height, width, rows] = kernel.keys.lengths;
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        // SAFETY: a channel is computed by one task.
        unsafe {
            PoolKernel::rows_mut(&kernel.pixels, frame, [channel, y, x], 0, rows).fill(T::ZERO)
        };
    }
    for place in kernel.each_place() {
        for start in (0..rows).step_by(ROWS) {
            let count = ROWS.min(rows - start);
            let (mut largest, mut first) = ([T::ZERO; ROWS], [T::ZERO; ROWS]);
            let (largest, first) = (&mut largest[..count], &mut first[..count]);
            for (i, (tap, [y, x])) in kernel.under(place).enumerate() {
                // SAFETY: no pass writes what it reads.
                let keys =
                    unsafe { PoolKernel::rows(&kernel.keys, frame, [channel, y, x], start, count) };
                let tap = T::from_u32(tap as u32);
                if i == 0 {
                    largest.copy_from_slice(keys);
                    first.fill(tap);
                    continue;
                }
                let best = largest.iter_mut().zip(&mut *first);
                for ((largest, first), key) in best.zip(keys) {
                    let larger = is_larger(*key, *largest);
                    *largest = if larger { *key } else { *largest };
                    *first = if larger { tap } else { *first };
                }
            }
            let at = [channel, place[0], place[1]];
            // SAFETY: as above.
            let source = unsafe { PoolKernel::rows(&kernel.places, frame, at, start, count) };
            for (tap, [y, x]) in kernel.under(place) {
                let tap = T::from_u32(tap as u32);
                let at = [channel, y, x];
                // SAFETY: a channel is computed by one task.
                let sums = unsafe { PoolKernel::rows_mut(&kernel.pixels, frame, at, start, count) };
                for (sum, (first, x)) in sums.iter_mut().zip(first.iter().zip(source)) {
                    *sum += if *first == tap { *x } else { T::ZERO };
                }
            }
        }
    }
}
