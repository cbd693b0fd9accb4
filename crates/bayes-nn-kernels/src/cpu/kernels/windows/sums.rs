//! Outputs of a convolution, or images: every run of rows of a pixel is a sum of runs times
//! weights, over the taps of the window and the channels of the other side.
//!
//! A block of channels of the result and two registers of rows are summed up at a time, in
//! registers. Weights are laid in the order in which the loops read them; what stands under the
//! window stays in the first-level cache for all blocks.

use std::ops::Range;

use bayes_nn_autodiff::Side;

use super::{AT_HAND, Grid, Taps, for_each, units_of_a_task};
use crate::cpu::isa::{InRegisters, Isa, LANES, Level, Register, RegisterOf, Runnable, compiled};
use crate::cpu::kernels::matmul::pieces;
use crate::cpu::memory::{Frame, Memory, Partials};
use crate::plan::Convolution;

/// The convolution made ready to run.
pub(crate) struct SumsKernel<T> {
    from: Grid,
    to: Grid,
    weight: Grid,
    groups: usize,
    /// Channels of a group: of what is read, and of the result.
    from_channels: usize,
    to_channels: usize,
    /// From weight to weight: along the channels of what is read, along those of the result, and
    /// from group to group.
    weight_steps: [usize; 3],
    /// Along height and width, of each pixel of the result.
    taps: [Vec<Taps>; 2],
    window: [usize; 2],
    blocks: Vec<Block<T>>,
    /// The weights by groups, blocks, taps, channels of what is read, channels of the block.
    packed: Partials<T>,
    /// How many rows, and channels of what is read, are summed up at a time.
    rows: usize,
    channels: usize,
    /// Pixels of a task.
    pixels: usize,
}

/// Some channels of the result.
struct Block<T> {
    channel: usize,
    channels: usize,
    routine: Routine<T>,
}

/// Sums up the rows of a block. Safe where what the operands promise is true.
type Routine<T> = unsafe fn(&Operands<T>);

/// A loop of a sum: how many terms it has, and from one to the next how far it is in weights and
/// in what is read.
#[derive(Clone, Copy)]
struct Walk {
    count: usize,
    weight: isize,
    from: isize,
}

/// What a block is computed from: channel `i` of it is the sum over three nested walks of weight `i`
/// there times the rows there. All can be read.
struct Operands<T> {
    weights: *const T,
    from: *const T,
    walks: [Walk; 3],
    /// Where channel `i` goes, at `i * to_stride`; nothing else touches these.
    to: *mut T,
    to_stride: usize,
    /// Whether the sums are added to what is there.
    adds: bool,
    /// How many rows.
    rows: usize,
}

/// The most channels of a block.
const MOST_CHANNELS: usize = 12;

/// Channels and registers of a block whose sums, with a term at hand, are held in registers.
fn largest<T>(isa: Isa) -> (usize, usize) {
    match (isa, size_of::<T>()) {
        (Isa::Avx512, 4) => (MOST_CHANNELS, 2),
        (Isa::Avx512, _) => (MOST_CHANNELS, 1),
        (Isa::Avx2, 4) => (6, 1),
        (Isa::Avx2, _) | (Isa::Baseline, 4) => (2, 1),
        (Isa::Baseline, _) => (1, 1),
    }
}

impl<T: InRegisters> SumsKernel<T> {
    pub fn new(convolution: &Convolution, memory: &Memory, isa: Runnable) -> SumsKernel<T> {
        let grid = |side| Grid::new(memory, convolution.value(side));
        let by_images = convolution.result == Side::Input;
        let (image, weight, output) = (grid(Side::Input), grid(Side::Weight), grid(Side::Output));
        let groups = convolution.groups;
        let [channels, .., outputs] = weight.lengths;
        let outputs = outputs / groups;
        let (by_channel, by_output) = (weight.steps[0], weight.steps[3]);
        let (from, to, from_channels, to_channels, steps) = match by_images {
            true => (output, image, outputs, channels, [by_output, by_channel]),
            false => (image, output, channels, outputs, [by_channel, by_output]),
        };
        let taps = |axis| {
            let length = image.lengths[1 + axis];
            Taps::of(&convolution.window, axis, length, by_images)
        };
        let (most, registers) = largest::<T>(isa.isa());
        let blocks = pieces(to_channels, most).map(|(channel, channels)| Block {
            channel,
            channels,
            routine: routine(channels, isa),
        });
        let window = convolution.window.size;
        let rows = registers * LANES;
        let of_a_channel = window[0] * window[1] * rows * size_of::<T>();
        let terms = window[0] * window[1] * from_channels;
        SumsKernel {
            taps: [taps(0), taps(1)],
            blocks: blocks.collect(),
            packed: Partials::new(weight.lengths.iter().product(), T::ZERO),
            channels: (AT_HAND / of_a_channel).clamp(1, from_channels.max(1)),
            pixels: units_of_a_task(terms * to_channels * to.lengths[3] / 2),
            weight_steps: [steps[0], steps[1], outputs * by_output],
            from,
            to,
            weight,
            groups,
            from_channels,
            to_channels,
            window,
            rows,
        }
    }

    /// What one run costs, in simple operations on elements.
    pub fn cost(&self) -> usize {
        let pixels = self.to.pixels().min(self.from.pixels()) * self.to.lengths[3];
        self.packed.len().saturating_mul(pixels) / 2
    }

    pub fn run(&self, frame: &Frame<'_, T>) {
        let cost = self.cost();
        let blocks = self.blocks.len();
        for_each(frame, cost, self.groups * blocks, |i| {
            self.pack(frame, i / blocks, i % blocks)
        });
        let tasks = self.to.pixels().div_ceil(self.pixels);
        for_each(frame, cost, self.groups * tasks, |i| {
            let start = i % tasks * self.pixels;
            let end = (start + self.pixels).min(self.to.pixels());
            self.sum(frame, i / tasks, start..end);
        });
    }

    /// Where the weights of a block start among the packed ones.
    fn packed_start(&self, group: usize, block: &Block<T>) -> usize {
        let terms = self.window[0] * self.window[1] * self.from_channels;
        (group * self.to_channels + block.channel) * terms
    }

    /// Lays the weights of a block in the order in which they are read.
    fn pack(&self, frame: &Frame<'_, T>, group: usize, block: usize) {
        let block = &self.blocks[block];
        let [by_from, by_to, by_group] = self.weight_steps;
        let taps = self.window[0] * self.window[1];
        let start = self.packed_start(group, block);
        let end = start + taps * self.from_channels * block.channels;
        // SAFETY: each block is packed by one task.
        let mut packed = unsafe { self.packed.part(start..end) }.iter_mut();
        for tap in 0..taps {
            let tap = [0, tap / self.window[1], tap % self.window[1]];
            let start = self.weight.start(frame, tap);
            let start = start.wrapping_add(group * by_group + block.channel * by_to);
            for from in 0..self.from_channels {
                for (to, packed) in (0..block.channels).zip(&mut packed) {
                    // SAFETY: the weight lies inside its value.
                    *packed = unsafe { *start.wrapping_add(from * by_from + to * by_to) };
                }
            }
        }
    }

    /// The sums of some pixels of a group's channels.
    fn sum(&self, frame: &Frame<'_, T>, group: usize, pixels: Range<usize>) {
        let (width, rows) = (self.to.lengths[2], self.to.lengths[3]);
        let mut start = 0;
        while start < rows {
            let mut first = 0;
            // Without anything to sum up there are zeros.
            while first == 0 || first < self.from_channels {
                let channels = self.channels.min(self.from_channels - first);
                for pixel in pixels.clone() {
                    let [y, x] = [pixel / width, pixel % width];
                    let taps = [self.taps[0][y], self.taps[1][x]];
                    let from = [group * self.from_channels + first, taps[0].at, taps[1].at];
                    let to = [group * self.to_channels, y, x];
                    let terms = Terms {
                        from: self.from.start(frame, from).wrapping_add(start),
                        to: self.to.start(frame, to).wrapping_add(start),
                        taps,
                        first,
                        channels,
                        rows: self.rows.min(rows - start),
                    };
                    self.sum_blocks(group, &terms);
                }
                first += channels.max(1);
            }
            start += self.rows;
        }
    }

    /// All channels of a pixel of the result.
    fn sum_blocks(&self, group: usize, terms: &Terms<T>) {
        let Terms { taps, first, .. } = *terms;
        for block in &self.blocks {
            let of_channel = block.channels;
            let of_tap = self.from_channels * of_channel;
            let of_line = self.window[1] * of_tap;
            let along = |axis: usize, of_tap: usize| Walk {
                count: taps[axis].count,
                weight: (taps[axis].tap_step * of_tap) as isize,
                from: taps[axis].step * self.from.steps[1 + axis] as isize,
            };
            let (by_y, by_x) = (along(0, of_line), along(1, of_tap));
            let by_channel = Walk {
                count: terms.channels,
                weight: of_channel as isize,
                from: self.from.steps[0] as isize,
            };
            let walks = match self.from_channels < self.window[1] {
                true => [by_y, by_channel, by_x],
                false => [by_y, by_x, by_channel],
            };
            let start = self.packed_start(group, block)
                + taps[0].tap * of_line
                + taps[1].tap * of_tap
                + first * of_channel;
            let by_channel = self.to.steps[0];
            let operands = Operands {
                weights: self.packed.start().wrapping_add(start),
                from: terms.from,
                walks,
                to: terms.to.wrapping_add(block.channel * by_channel),
                to_stride: by_channel,
                adds: first > 0,
                rows: terms.rows,
            };
            // SAFETY: taps of a pixel have weights and lie over what is read, whose rows and those
            // of the result are inside their values; a pixel is computed by one task.
            unsafe { (block.routine)(&operands) };
        }
    }
}

/// What is summed up at a time: some channels, from number `first` on, of what stands under the
/// window at one pixel of the result.
struct Terms<T> {
    from: *const T,
    to: *mut T,
    taps: [Taps; 2],
    first: usize,
    channels: usize,
    rows: usize,
}

compiled! {
    fn of_channels<T: InRegisters; M>(operands: &Operands<T>) = block;
}

fn routine<T: InRegisters>(channels: usize, isa: Runnable) -> Routine<T> {
    macro_rules! choose {
        ($($m:literal)*) => {
            match channels {
                $($m => of_channels::<T, $m>(isa),)*
                _ => unreachable!("no block has {channels} channels"),
            }
        };
    }
    choose! { 1 2 3 4 5 6 7 8 9 10 11 12 }
}

/// # Safety
/// As for [`Routine`].
#[inline(always)]
unsafe fn block<L: Level, T: InRegisters, const M: usize>(operands: &Operands<T>) {
    let wide = L::VECTOR_BYTES == 64 && size_of::<T>() == 4;
    // SAFETY: as promised.
    unsafe {
        match operands.rows {
            rows if wide && rows == 2 * LANES => registers::<L, T, M, 2, true>(operands),
            rows if wide && rows > LANES => registers::<L, T, M, 2, false>(operands),
            LANES => registers::<L, T, M, 1, true>(operands),
            _ => registers::<L, T, M, 1, false>(operands),
        }
    }
}

/// `V` registers of rows, all of them or (unless `WHOLE`) as many as there are.
///
/// # Safety
/// As for [`Routine`].
#[inline(always)]
unsafe fn registers<L: Level, T: InRegisters, const M: usize, const V: usize, const WHOLE: bool>(
    operands: &Operands<T>,
) {
    let left = |v: usize| operands.rows.saturating_sub(v * LANES);
    // SAFETY: as promised.
    let load = |from: *const T, v: usize| unsafe {
        let from = from.wrapping_add(v * LANES);
        match WHOLE {
            true => RegisterOf::<L, T>::load(from),
            false => RegisterOf::<L, T>::load_first(from, left(v)),
        }
    };
    let mut sums = [[RegisterOf::<L, T>::splat(T::ZERO); V]; M];
    if operands.adds {
        for (i, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = load(operands.to.wrapping_add(i * operands.to_stride), v);
            }
        }
    }
    let [outer, middle, inner] = operands.walks;
    let (mut outer_weights, mut outer_from) = (operands.weights, operands.from);
    for _ in 0..outer.count {
        let (mut middle_weights, mut middle_from) = (outer_weights, outer_from);
        for _ in 0..middle.count {
            let (mut weights, mut from) = (middle_weights, middle_from);
            for _ in 0..inner.count {
                let mut terms = [RegisterOf::<L, T>::splat(T::ZERO); V];
                for (v, term) in terms.iter_mut().enumerate() {
                    *term = load(from, v);
                }
                for (i, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: as promised.
                    let weight = RegisterOf::<L, T>::splat(unsafe { *weights.wrapping_add(i) });
                    for (sum, term) in sums.iter_mut().zip(&terms) {
                        *sum = sum.add_product(weight, *term);
                    }
                }
                weights = weights.wrapping_offset(inner.weight);
                from = from.wrapping_offset(inner.from);
            }
            middle_weights = middle_weights.wrapping_offset(middle.weight);
            middle_from = middle_from.wrapping_offset(middle.from);
        }
        outer_weights = outer_weights.wrapping_offset(outer.weight);
        outer_from = outer_from.wrapping_offset(outer.from);
    }
    for (i, sums) in sums.iter().enumerate() {
        let to = operands.to.wrapping_add(i * operands.to_stride);
        for (v, sum) in sums.iter().enumerate() {
            let to = to.wrapping_add(v * LANES);
            // SAFETY: as promised.
            unsafe {
                match WHOLE {
                    true => sum.store(to),
                    false => sum.store_first(to, left(v)),
                }
            }
        }
    }
}
