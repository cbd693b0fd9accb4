//! Weights of a convolution: each is the dot product of an output's rows, at all places of the
//! window, and of the rows of the pixels under its tap.
//!
//! A block of weights is summed up in registers. Where a tap is outside the image at a place, it
//! reads a row of zeros.

use std::ops::Range;

use bayes_nn_autodiff::Side;

use super::{AT_HAND, Grid, for_each, units_of_a_task};
use crate::cpu::isa::{InRegisters, LANES, Level, Register, RegisterOf, Runnable, compiled};
use crate::cpu::kernels::matmul::{largest_dots, pieces};
use crate::cpu::memory::{Frame, Memory};
use crate::plan::Convolution;

/// The convolution made ready to run.
pub(crate) struct DotsKernel<T> {
    image: Grid,
    weight: Grid,
    output: Grid,
    groups: usize,
    /// Of a group.
    channels: usize,
    outputs: usize,
    /// The taps of all channels of a group.
    taps: Vec<Tap>,
    /// From place to place, along height and width, in images.
    strides: [usize; 2],
    /// Whether at every place all taps are inside the image.
    inside: bool,
    /// Taps of a block, and outputs of a block, by their starts.
    tap_blocks: Vec<(usize, usize)>,
    output_blocks: Vec<(usize, usize)>,
    isa: Runnable,
    /// Blocks of taps of a task.
    blocks: usize,
    /// Places of a line; one, with the rows of all, where these follow one another both in images
    /// and in outputs.
    width: usize,
    /// Terms that are summed up at a time: lines of places, and rows.
    pieces: Vec<(Range<usize>, Range<usize>)>,
    zeros: Box<[T]>,
}

/// A tap of a channel.
struct Tap {
    /// From the image's start to the pixel under it at the first place, which may be outside.
    image: isize,
    /// From the weights' start to its weight for the first output.
    weight: usize,
    /// At which places, along height and width, it is inside the image.
    places: [Range<usize>; 2],
}

/// Computes a block of weights. Safe where what the operands promise is true.
type Routine<T> = unsafe fn(&Operands<'_, T>);

/// What a block is computed from: the weight of tap `i` and output `j` is the sum of products of
/// rows under the tap and rows of the output. All can be read where taps are inside the image, and
/// so many zeros.
struct Operands<'a, T> {
    taps: &'a [Tap],
    image: *const T,
    strides: [usize; 2],
    inside: bool,
    zeros: *const T,
    /// The first output at the first place, and from one to the next; from place to place.
    output: *const T,
    output_stride: usize,
    place_steps: [usize; 2],
    /// Lines of places, and places of a line.
    lines: Range<usize>,
    width: usize,
    /// How many rows.
    rows: usize,
    /// The weights of the first output, and from one to the next; nothing else touches these.
    weight: *mut T,
    weight_step: usize,
    /// Whether the sums are added to what is there.
    adds: bool,
}

impl<T: InRegisters> DotsKernel<T> {
    pub fn new(convolution: &Convolution, memory: &Memory, isa: Runnable) -> DotsKernel<T> {
        let grid = |side| Grid::new(memory, convolution.value(side));
        let (image, weight, output) = (grid(Side::Input), grid(Side::Weight), grid(Side::Output));
        let (groups, window) = (convolution.groups, &convolution.window);
        let [channels, height, width, outputs] = weight.lengths;
        let outputs = outputs / groups;
        let places = |axis: usize, tap: usize| {
            let is_inside = |place: &usize| {
                window
                    .pixel(axis, image.lengths[1 + axis], *place, tap)
                    .is_some()
            };
            let mut places = (0..output.lengths[1 + axis]).filter(is_inside);
            let first = places.next();
            first.map_or(0..0, |first| first..places.next_back().unwrap_or(first) + 1)
        };
        let places = [0, 1].map(|axis| {
            let taps = 0..window.size[axis];
            taps.map(|tap| places(axis, tap)).collect::<Vec<_>>()
        });
        let from_start = |axis: usize, tap: usize| {
            let pixel = (tap * window.dilation[axis]) as isize - window.before[axis] as isize;
            pixel * image.steps[1 + axis] as isize
        };
        let mut taps = Vec::new();
        for channel in 0..channels {
            for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                let by_axes = [channel, y, x].into_iter().zip(weight.steps);
                taps.push(Tap {
                    image: (channel * image.steps[0]) as isize
                        + from_start(0, y)
                        + from_start(1, x),
                    weight: by_axes.map(|(at, step)| at * step).sum(),
                    places: [places[0][y].clone(), places[1][x].clone()],
                });
            }
        }
        let all = [0..output.lengths[1], 0..output.lengths[2]];
        let (most_taps, most_outputs) = largest_dots::<T>(isa.isa());
        let tap_blocks: Vec<_> = pieces(taps.len(), most_taps).collect();
        let terms = output.pixels() * output.lengths[3];
        let strides = [0, 1].map(|axis| window.stride[axis] * image.steps[1 + axis]);
        let inside = taps.iter().all(|tap| tap.places == all);
        let [_, lines, mut width, mut rows] = output.lengths;
        if inside && strides[1] == rows && output.steps[2] == rows {
            (width, rows) = (1, width * rows);
        }
        let most = AT_HAND / (most_outputs * size_of::<T>());
        DotsKernel {
            blocks: units_of_a_task(most_taps * most_outputs * terms / 2),
            pieces: terms_at_hand([lines, width, rows], most),
            strides,
            inside,
            width,
            output_blocks: pieces(outputs, most_outputs).collect(),
            zeros: vec![T::ZERO; output.lengths[3]].into(),
            tap_blocks,
            taps,
            image,
            weight,
            output,
            groups,
            channels,
            outputs,
            isa,
        }
    }

    /// What one run costs, in simple operations on elements.
    pub fn cost(&self) -> usize {
        let terms = self.output.pixels() * self.output.lengths[3];
        let weights: usize = self.weight.lengths.iter().product();
        weights.saturating_mul(terms) / 2
    }

    pub fn run(&self, frame: &Frame<'_, T>) {
        let tasks = self.tap_blocks.len().div_ceil(self.blocks);
        let outputs = self.output_blocks.len();
        for_each(frame, self.cost(), self.groups * outputs * tasks, |i| {
            let start = i % tasks * self.blocks;
            let end = (start + self.blocks).min(self.tap_blocks.len());
            self.dots(frame, i / tasks / outputs, i / tasks % outputs, start..end);
        });
    }

    /// The weights of some outputs and blocks of taps.
    fn dots(&self, frame: &Frame<'_, T>, group: usize, outputs: usize, blocks: Range<usize>) {
        let (output, outputs) = self.output_blocks[outputs];
        let output = group * self.outputs + output;
        for (number, (lines, rows)) in self.pieces.iter().enumerate() {
            for (tap, taps) in &self.tap_blocks[blocks.clone()] {
                let image = self.image.start(frame, [group * self.channels, 0, 0]);
                let own = self.output.start(frame, [output, 0, 0]);
                let weight = self.weight.start(frame, [0; 3]);
                let operands = Operands {
                    taps: &self.taps[*tap..tap + taps],
                    image: image.wrapping_add(rows.start).cast_const(),
                    strides: self.strides,
                    inside: self.inside,
                    zeros: self.zeros.as_ptr(),
                    output: own.wrapping_add(rows.start).cast_const(),
                    output_stride: self.output.steps[0],
                    place_steps: [self.output.steps[1], self.output.steps[2]],
                    lines: lines.clone(),
                    width: self.width,
                    rows: rows.len(),
                    weight: weight.wrapping_add(output * self.weight.steps[3]),
                    weight_step: self.weight.steps[3],
                    adds: number > 0,
                };
                // SAFETY: pixels under a tap where it is inside, outputs and weights lie inside
                // their values; a weight is computed by one task.
                unsafe { routine::<T>(*taps, outputs, self.isa)(&operands) };
            }
        }
    }
}

/// The terms of a dot product in pieces of about `most`: lines of places, and rows; one piece
/// without terms where there are none.
fn terms_at_hand(
    [lines, width, rows]: [usize; 3],
    most: usize,
) -> Vec<(Range<usize>, Range<usize>)> {
    let of_line = (most / width.max(1)).max(2 * LANES) / LANES * LANES;
    let rows_at_once = rows.min(of_line).max(1);
    let lines_at_once = (most / (width * rows_at_once).max(1)).max(1);
    let mut terms = Vec::new();
    for row in (0..rows).step_by(rows_at_once) {
        for line in (0..lines).step_by(lines_at_once) {
            let lines = line..(line + lines_at_once).min(lines);
            terms.push((lines, row..(row + rows_at_once).min(rows)));
        }
    }
    if terms.is_empty() {
        terms.push((0..0, 0..0));
    }
    terms
}

compiled! {
    fn of_size<T: InRegisters; M, N>(operands: &Operands<'_, T>) = block;
}

fn routine<T: InRegisters>(taps: usize, outputs: usize, isa: Runnable) -> Routine<T> {
    macro_rules! choose {
        ($($m:literal $n:literal)*) => {
            match (taps, outputs) {
                $(($m, $n) => of_size::<T, $m, $n>(isa),)*
                _ => unreachable!("no block has {taps} taps and {outputs} outputs"),
            }
        };
    }
    choose! { 1 1 1 2 1 3 1 4 2 1 2 2 2 3 2 4 3 1 3 2 3 3 3 4 4 1 4 2 4 3 4 4 5 1 5 2 5 3 5 4 }
}

/// # Safety
/// As for [`Routine`].
#[inline(always)]
unsafe fn block<L: Level, T: InRegisters, const M: usize, const N: usize>(
    operands: &Operands<'_, T>,
) {
    let mut sums = [[RegisterOf::<L, T>::splat(T::ZERO); M]; N];
    for y in operands.lines.clone() {
        for x in 0..operands.width {
            let [by_line, by_column] = operands.strides;
            let image = operands.image.wrapping_add(y * by_line + x * by_column);
            let [by_line, by_column] = operands.place_steps;
            let output = operands.output.wrapping_add(y * by_line + x * by_column);
            let under = |tap: &Tap| image.wrapping_offset(tap.image);
            let is_inside = |tap: &Tap| tap.places[0].contains(&y) && tap.places[1].contains(&x);
            // SAFETY: as promised.
            unsafe {
                match operands.inside {
                    true => add_place::<L, T, M, N>(&mut sums, operands, output, under),
                    false => {
                        add_place::<L, T, M, N>(&mut sums, operands, output, |tap| match is_inside(
                            tap,
                        ) {
                            true => under(tap),
                            false => operands.zeros,
                        })
                    }
                }
            }
        }
    }
    // All at once to memory: a loop that picks registers by number would keep them there.
    let mut lanes = [[[T::ZERO; LANES]; M]; N];
    for (sums, lanes) in sums.iter().zip(&mut lanes) {
        for (sum, lanes) in sums.iter().zip(lanes) {
            // SAFETY: there is room for as many.
            unsafe { sum.store(lanes.as_mut_ptr()) };
        }
    }
    for (j, lanes) in lanes.iter().enumerate() {
        for (tap, lanes) in operands.taps.iter().zip(lanes) {
            let to = operands
                .weight
                .wrapping_add(tap.weight + j * operands.weight_step);
            // SAFETY: as promised.
            unsafe {
                let sum = RegisterOf::<L, T>::load(lanes.as_ptr()).sum();
                *to = if operands.adds { *to + sum } else { sum };
            }
        }
    }
}

/// Adds the terms of a place: rows of outputs there, and those `under` each tap.
///
/// # Safety
/// They can be read.
#[inline(always)]
unsafe fn add_place<L: Level, T: InRegisters, const M: usize, const N: usize>(
    sums: &mut [[RegisterOf<L, T>; M]; N],
    operands: &Operands<'_, T>,
    output: *const T,
    under: impl Fn(&Tap) -> *const T,
) {
    let mut taps = [operands.zeros; M];
    for (tap, own) in taps.iter_mut().zip(operands.taps) {
        *tap = under(own);
    }
    let rest = operands.rows % LANES;
    let whole = operands.rows - rest;
    // SAFETY: as promised.
    unsafe {
        let mut at = 0;
        while at < whole {
            let load = |from| RegisterOf::<L, T>::load(from);
            add_terms::<L, T, M, N>(sums, &taps, output, operands, at, load);
            at += LANES;
        }
        if rest > 0 {
            let load = |from| RegisterOf::<L, T>::load_first(from, rest);
            add_terms::<L, T, M, N>(sums, &taps, output, operands, whole, load);
        }
    }
}

/// Adds the terms of each dot product that are loaded from row `at` of a place on.
///
/// # Safety
/// They can be read.
#[inline(always)]
unsafe fn add_terms<L: Level, T: InRegisters, const M: usize, const N: usize>(
    sums: &mut [[RegisterOf<L, T>; M]; N],
    under: &[*const T; M],
    output: *const T,
    operands: &Operands<'_, T>,
    at: usize,
    load: impl Fn(*const T) -> RegisterOf<L, T>,
) {
    let mut left = [RegisterOf::<L, T>::splat(T::ZERO); M];
    for (left, under) in left.iter_mut().zip(under) {
        *left = load(under.wrapping_add(at));
    }
    for (j, sums) in sums.iter_mut().enumerate() {
        let right = load(output.wrapping_add(j * operands.output_stride + at));
        for (sum, left) in sums.iter_mut().zip(&left) {
            *sum = sum.add_product(*left, right);
        }
    }
}
