//! Fused groups: a straight line of instructions over tiles that stay in the first-level cache.
//!
//! The columns of a row are walked in tiles. For each tile every instruction runs over all its
//! elements before the next, so that the price of choosing it is paid once a tile and its loop
//! is a plain vector loop. Registers are tiles of scratch memory; operands and results are read
//! and written where they lie.

use std::ops::Range;

use bayes_nn_autodiff::noise::NoiseKey;
use bayes_nn_autodiff::{Binary, NoiseKind, Reduction, Unary};
use rayon::prelude::*;

use super::isa::{Level, multiversion};
use super::program::{Frame, WORTH_A_THREAD};
use super::{math, noise};
use crate::Element;
use crate::plan::layout::PADDING;
use crate::plan::{Access, Group, Instruction, Plan};

/// Lanes of a running sum: element `i` of a row belongs to lane `i mod 16`.
pub(super) const LANES: usize = 16;

/// Elements of a tile. A multiple of 64, where blocks of noise begin.
const TILE: usize = 256;

/// Columns of a piece: the unit of work for threads and of partial sums. Fixed, so that
/// neither depends on how many threads there are.
const PIECE: usize = 16 * TILE;

/// A register's whereabouts while a tile is computed.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// A run of elements, by its number in the table of places.
    Place(usize),
    /// One number for the whole row, by its number in the table of scalars.
    Scalar(usize),
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Unary(Unary, usize),
    Binary(Binary, Source, Source),
    Select(usize, usize, usize),
    Noise(NoiseKind, u32),
}

/// One instruction and the place that its result goes to.
#[derive(Clone, Copy, Debug)]
struct Code {
    operation: Operation,
    to: usize,
}

/// A value that is read element by element.
struct Stream {
    offset: usize,
    access: Access,
    /// Whether the last tile may be read up to whole vectors.
    padded: bool,
}

struct Output {
    offset: usize,
    stride: usize,
    /// Whether the last tile may be written up to whole vectors.
    padded: bool,
    /// The place from which the elements are copied at the end of a tile; `None` when the
    /// instruction writes them where they belong.
    copied_from: Option<usize>,
}

struct Reduce {
    kind: Reduction,
    place: usize,
    offset: usize,
    /// Where result `i` goes.
    layout: crate::plan::Layout,
    /// How many rows make one result.
    rows: usize,
}

/// A number for all elements of a row.
enum RowScalar<T> {
    Constant(T),
    Step,
    Read { offset: usize, access: Access },
}

/// A group made ready to run.
pub(super) struct GroupKernel<T> {
    rows: usize,
    columns: usize,
    code: Vec<Code>,
    scalars: Vec<RowScalar<T>>,
    /// Scalars that an instruction needs as a run of elements: the scalar, and the slot.
    splats: Vec<(usize, usize)>,
    streams: Vec<Stream>,
    outputs: Vec<Output>,
    reductions: Vec<Reduce>,
    /// How many scratch tiles registers need.
    slots: usize,
    partials: Vec<f64>,
    cost: usize,
}

/// Memory of a thread that runs groups.
pub(super) struct Scratch<T> {
    tiles: Vec<T>,
    places: Vec<*mut T>,
    scalars: Vec<T>,
    sums: Vec<[T; LANES]>,
}

impl<T: Element> GroupKernel<T> {
    pub fn new(group: &Group, plan: &Plan) -> GroupKernel<T> {
        let collapsed = is_one_run(group, plan);
        let (rows, columns) = match collapsed {
            true => (1, group.rows * group.columns),
            false => (group.rows, group.columns),
        };
        let mut assembler = Assembler::new(group, plan, collapsed);
        assembler.assemble();
        let pieces = columns.div_ceil(PIECE);
        let weight: usize = group.instructions.iter().map(instruction_weight).sum();
        GroupKernel {
            rows,
            columns,
            partials: vec![0.0; assembler.reductions.len() * rows * pieces],
            cost: rows * columns * (weight + group.operands.len() + group.stores.len()),
            code: assembler.code,
            scalars: assembler.scalars,
            splats: assembler.splats,
            streams: assembler.streams,
            outputs: assembler.outputs,
            reductions: assembler.reductions,
            slots: assembler.slots,
        }
    }

    /// Scratch tiles that a run needs: registers, and one for each stream and each output, used
    /// where a last tile cannot be touched beyond its end.
    fn tiles(&self) -> usize {
        self.slots + self.streams.len() + self.outputs.len()
    }

    /// What one run costs, in simple operations on elements.
    pub fn cost(&self) -> usize {
        self.cost
    }

    pub fn run(&mut self, frame: &Frame<'_, T>) {
        let pieces = self.rows * self.columns.div_ceil(PIECE);
        let mut partials = std::mem::take(&mut self.partials);
        let count = self.reductions.len();
        if frame.parallel && self.cost > WORTH_A_THREAD && pieces > 1 {
            // Pieces are dealt in runs, so that a thread's share is worth its while.
            let run = (pieces * WORTH_A_THREAD / (4 * self.cost)).clamp(1, pieces);
            let this = &*self;
            let sums = Shared(partials.as_mut_ptr());
            (0..pieces.div_ceil(run)).into_par_iter().for_each(|i| {
                let range = i * run..((i + 1) * run).min(pieces);
                // SAFETY: each piece has its own partial sums.
                let sums = unsafe {
                    std::slice::from_raw_parts_mut(
                        sums.at(range.start * count),
                        range.len() * count,
                    )
                };
                run_pieces(frame.isa, this, frame, range, sums, frame.scratch());
            });
        } else {
            run_pieces(frame.isa, self, frame, 0..pieces, &mut partials, frame.scratch());
        }
        let per_row = self.columns.div_ceil(PIECE);
        for (number, reduction) in self.reductions.iter().enumerate() {
            let run = (reduction.rows * per_row).max(1);
            for result in 0..(self.rows / reduction.rows.max(1)).max(1) {
                let terms = (result * run..(result + 1) * run)
                    .filter_map(|piece| partials.get(piece * count + number).copied());
                let total = match reduction.kind {
                    Reduction::Sum => terms.sum(),
                    Reduction::Max => terms.fold(f64::NEG_INFINITY, largest),
                };
                // SAFETY: the plan placed the result inside the arena, and nothing else runs.
                unsafe {
                    *frame.arena.add(reduction.offset + reduction.layout.place(result)) =
                        T::from_f64(total);
                }
            }
        }
        self.partials = partials;
    }
}

/// A pointer that threads may share, each to use its own part.
struct Shared<T>(*mut T);

impl<T> Shared<T> {
    fn at(&self, index: usize) -> *mut T {
        // SAFETY: callers stay inside the allocation.
        unsafe { self.0.add(index) }
    }
}

// SAFETY: every user takes a part of its own.
unsafe impl<T: Send> Sync for Shared<T> {}

/// About how many simple operations an instruction costs.
fn instruction_weight(instruction: &Instruction) -> usize {
    match instruction {
        Instruction::Noise { .. } => 12,
        Instruction::Unary(Unary::Neg | Unary::Abs | Unary::Relu | Unary::StopGradient, _) => 1,
        Instruction::Unary(
            Unary::Lgamma | Unary::Polygamma(_) | Unary::Erf | Unary::Erfc,
            _,
        ) => 50,
        Instruction::Unary(..) => 6,
        Instruction::Binary(Binary::Pow, ..) => 20,
        _ => 1,
    }
}

/// Whether all rows can be walked as one: everything read and written lies without gaps.
fn is_one_run(group: &Group, plan: &Plan) -> bool {
    let noise = |i: &Instruction| matches!(i, Instruction::Noise { .. });
    let follows = |access: &Access| {
        access.is_single()
            || access.advances
                && access.rows == crate::plan::RowStarts::Every(group.columns)
    };
    let gapless = |id: crate::plan::ValueId| plan.values[id.index()].layout.is_contiguous();
    group.rows > 1
        && !group.instructions.iter().any(noise)
        && group.operands.iter().all(|o| follows(&o.access))
        && group.stores.iter().all(|s| gapless(s.value))
        && group.reductions.iter().all(|r| r.rows == group.rows)
}

/// Turns the instructions of a group into code over places and scalars.
struct Assembler<'a, T> {
    group: &'a Group,
    plan: &'a Plan,
    collapsed: bool,
    code: Vec<Code>,
    scalars: Vec<RowScalar<T>>,
    splats: Vec<(usize, usize)>,
    streams: Vec<Stream>,
    outputs: Vec<Output>,
    reductions: Vec<Reduce>,
    slots: usize,
}

impl<'a, T: Element> Assembler<'a, T> {
    fn new(group: &'a Group, plan: &'a Plan, collapsed: bool) -> Self {
        Assembler {
            group,
            plan,
            collapsed,
            code: Vec::new(),
            scalars: Vec::new(),
            splats: Vec::new(),
            streams: Vec::new(),
            outputs: Vec::new(),
            reductions: Vec::new(),
            slots: 0,
        }
    }

    /// Whether memory of a value may be touched up to whole vectors at the end of a row.
    fn padded(&self, value: crate::plan::ValueId) -> bool {
        let layout = self.plan.values[value.index()].layout;
        if self.collapsed {
            layout.end_padding
        } else {
            layout.row_padding
        }
    }

    /// Places are numbered: slots `0..slots`, then streams, then outputs. While slots are
    /// still being handed out, streams and outputs are numbered from these.
    fn assemble(&mut self) {
        const STREAMS: usize = 1 << 20;
        const OUTPUTS: usize = 1 << 21;
        let group = self.group;
        let mut last_use: Vec<usize> = (0..group.instructions.len()).collect();
        for (i, instruction) in group.instructions.iter().enumerate() {
            for argument in instruction.arguments() {
                last_use[argument] = i;
            }
        }
        let end = group.instructions.len();
        for reduction in &group.reductions {
            last_use[reduction.register] = end;
        }
        for store in &group.stores {
            last_use[store.register] = end;
        }
        let mut sources: Vec<Source> = Vec::new();
        let mut free: Vec<usize> = Vec::new();
        let mut direct: Vec<Option<usize>> = vec![None; group.stores.len()];
        for (i, instruction) in group.instructions.iter().enumerate() {
            let source = match *instruction {
                Instruction::Load(number) => {
                    let operand = &group.operands[number];
                    let value = &self.plan.values[operand.value.index()];
                    if operand.access.advances {
                        self.streams.push(Stream {
                            offset: value.offset,
                            access: operand.access.clone(),
                            padded: self.padded(operand.value),
                        });
                        Source::Place(STREAMS + self.streams.len() - 1)
                    } else {
                        self.scalar(RowScalar::Read {
                            offset: value.offset,
                            access: operand.access.clone(),
                        })
                    }
                }
                Instruction::Constant(number) => {
                    self.scalar(RowScalar::Constant(T::from_f64(number)))
                }
                Instruction::Step => self.scalar(RowScalar::Step),
                _ => {
                    let operation = match *instruction {
                        Instruction::Unary(f, a) => Operation::Unary(f, self.run(sources[a])),
                        Instruction::Binary(f, a, b) => match (sources[a], sources[b]) {
                            (a @ Source::Scalar(_), b @ Source::Scalar(_)) => {
                                Operation::Binary(f, Source::Place(self.run(a)), b)
                            }
                            (a, b) => Operation::Binary(f, a, b),
                        },
                        Instruction::Select(c, a, b) => Operation::Select(
                            self.run(sources[c]),
                            self.run(sources[a]),
                            self.run(sources[b]),
                        ),
                        Instruction::Noise { kind, stream } => Operation::Noise(kind, stream),
                        _ => unreachable!("loads and numbers were handled"),
                    };
                    let store = self.direct_store(i);
                    let to = match store {
                        Some(store) => {
                            direct[store] = Some(i);
                            OUTPUTS + store
                        }
                        None => free.pop().unwrap_or_else(|| self.new_slot()),
                    };
                    self.code.push(Code { operation, to });
                    Source::Place(to)
                }
            };
            sources.push(source);
            for argument in instruction.arguments() {
                if last_use[argument] == i
                    && let Source::Place(place) = sources[argument]
                    && place < STREAMS
                    && is_register(&group.instructions[argument])
                    && !free.contains(&place)
                {
                    free.push(place);
                }
            }
        }
        for (number, store) in group.stores.iter().enumerate() {
            let value = &self.plan.values[store.value.index()];
            let copied_from = match direct[number] {
                Some(_) => None,
                None => Some(self.run(sources[store.register])),
            };
            self.outputs.push(Output {
                offset: value.offset,
                stride: value.layout.stride,
                padded: self.padded(store.value),
                copied_from,
            });
        }
        for reduction in &group.reductions {
            let value = &self.plan.values[reduction.value.index()];
            let place = self.run(sources[reduction.register]);
            self.reductions.push(Reduce {
                kind: reduction.kind,
                place,
                offset: value.offset,
                layout: value.layout,
                rows: if self.collapsed { 1 } else { reduction.rows },
            });
        }
        let (slots, streams) = (self.slots, self.streams.len());
        let number = |place: &mut usize| {
            if *place >= OUTPUTS {
                *place = *place - OUTPUTS + slots + streams;
            } else if *place >= STREAMS {
                *place = *place - STREAMS + slots;
            }
        };
        for code in &mut self.code {
            number(&mut code.to);
            match &mut code.operation {
                Operation::Unary(_, a) => number(a),
                Operation::Binary(_, a, b) => {
                    for source in [a, b] {
                        if let Source::Place(place) = source {
                            number(place);
                        }
                    }
                }
                Operation::Select(c, a, b) => [c, a, b].into_iter().for_each(number),
                Operation::Noise(..) => {}
            }
        }
        for output in &mut self.outputs {
            output.copied_from.iter_mut().for_each(number);
        }
        for reduction in &mut self.reductions {
            number(&mut reduction.place);
        }
    }

    fn new_slot(&mut self) -> usize {
        self.slots += 1;
        self.slots - 1
    }

    fn scalar(&mut self, scalar: RowScalar<T>) -> Source {
        self.scalars.push(scalar);
        Source::Scalar(self.scalars.len() - 1)
    }

    /// A source as a run of elements.
    fn run(&mut self, source: Source) -> usize {
        match source {
            Source::Place(place) => place,
            Source::Scalar(scalar) => {
                if let Some((_, slot)) = self.splats.iter().find(|(s, _)| *s == scalar) {
                    return *slot;
                }
                let slot = self.new_slot();
                self.splats.push((scalar, slot));
                slot
            }
        }
    }

    /// The store that instruction `i` can write by itself. Not if the group also reads the
    /// memory: then a later instruction might want the old elements.
    fn direct_store(&self, i: usize) -> Option<usize> {
        let overlaps = |value: crate::plan::ValueId| {
            let stored = &self.plan.values[value.index()];
            let end = stored.offset + stored.layout.span();
            self.group.operands.iter().any(|operand| {
                let read = &self.plan.values[operand.value.index()];
                read.offset < end && stored.offset < read.offset + read.layout.span()
            })
        };
        let stores = &self.group.stores;
        (0..stores.len()).find(|&s| stores[s].register == i && !overlaps(stores[s].value))
    }
}

fn is_register(instruction: &Instruction) -> bool {
    !matches!(
        instruction,
        Instruction::Load(_) | Instruction::Constant(_) | Instruction::Step
    )
}

/// The larger; NaN when either is.
fn largest(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

multiversion! {
    /// Runs the pieces of a group; `partials` takes what they reduce.
    fn run_pieces<T: Element>(
        kernel: &GroupKernel<T>,
        frame: &Frame<'_, T>,
        pieces: Range<usize>,
        partials: &mut [f64],
        scratch: &mut Scratch<T>,
    ) = pieces_body;
}

#[inline(always)]
fn pieces_body<L: Level, T: Element>(
    kernel: &GroupKernel<T>,
    frame: &Frame<'_, T>,
    pieces: Range<usize>,
    partials: &mut [f64],
    scratch: &mut Scratch<T>,
) {
        scratch.prepare(kernel);
        let per_row = kernel.columns.div_ceil(PIECE);
        let count = kernel.reductions.len();
        let mut present = usize::MAX;
        for (number, piece) in pieces.enumerate() {
            let (row, part) = (piece / per_row, piece % per_row);
            if row != present {
                present = row;
                scratch.enter_row(kernel, frame, row);
            }
            for (sum, reduction) in scratch.sums.iter_mut().zip(&kernel.reductions) {
                *sum = match reduction.kind {
                    Reduction::Sum => [T::ZERO; LANES],
                    Reduction::Max => [T::NEG_INFINITY; LANES],
                };
            }
            let columns = part * PIECE..((part + 1) * PIECE).min(kernel.columns);
            let mut column = columns.start;
            while column < columns.end {
                let length = TILE.min(columns.end - column);
                tile::<L, T>(kernel, frame, scratch, row, column, length);
                column += length;
            }
            for (i, reduction) in kernel.reductions.iter().enumerate() {
                let lanes = &scratch.sums[i];
                partials[number * count + i] = match reduction.kind {
                    Reduction::Sum => tree_sum(lanes).to_f64(),
                    Reduction::Max => lanes
                        .iter()
                        .fold(f64::NEG_INFINITY, |a, b| largest(a, b.to_f64())),
                };
            }
        }
}

/// The sum of the lanes, always in the same order.
#[inline(always)]
pub(super) fn tree_sum<T: Element>(lanes: &[T; LANES]) -> T {
    let mut sums = *lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}

// SAFETY: places are pointed anew at the start of every run, on the thread that runs.
unsafe impl<T: Send> Send for Scratch<T> {}

impl<T: Element> Scratch<T> {
    /// Memory that is enough for each of these kernels.
    pub fn for_kernels<'a>(kernels: impl Iterator<Item = &'a GroupKernel<T>>) -> Scratch<T> {
        let (mut tiles, mut scalars, mut sums) = (0, 0, 0);
        for kernel in kernels {
            tiles = tiles.max(kernel.tiles());
            scalars = scalars.max(kernel.scalars.len());
            sums = sums.max(kernel.reductions.len());
        }
        Scratch {
            tiles: vec![T::ZERO; tiles * TILE],
            places: vec![std::ptr::null_mut(); tiles],
            scalars: vec![T::ZERO; scalars],
            sums: vec![[T::ZERO; LANES]; sums],
        }
    }

    /// Points the places of a kernel to their scratch tiles.
    fn prepare(&mut self, kernel: &GroupKernel<T>) {
        let (tiles, _) = self.tiles.as_chunks_mut::<TILE>();
        let places = &mut self.places[..kernel.tiles()];
        for (place, tile) in places.iter_mut().zip(tiles) {
            *place = tile.as_mut_ptr();
        }
    }

    fn enter_row(&mut self, kernel: &GroupKernel<T>, frame: &Frame<'_, T>, row: usize) {
        for (scalar, known) in kernel.scalars.iter().zip(&mut self.scalars) {
            *known = match scalar {
                RowScalar::Constant(number) => *number,
                RowScalar::Step => T::from_f64(frame.step as f64),
                RowScalar::Read { offset, access } => {
                    // SAFETY: the plan keeps every access inside the arena.
                    unsafe { *frame.arena.add(offset + access.start(row)) }
                }
            };
        }
        for &(scalar, slot) in &kernel.splats {
            self.tiles[slot * TILE..(slot + 1) * TILE].fill(self.scalars[scalar]);
        }
    }
}

/// Computes one tile of one row.
#[inline(always)]
fn tile<L: Level, T: Element>(
    kernel: &GroupKernel<T>,
    frame: &Frame<'_, T>,
    scratch: &mut Scratch<T>,
    row: usize,
    column: usize,
    length: usize,
) {
    let rounded = length.next_multiple_of(PADDING);
    let base = scratch.tiles.as_mut_ptr();
    for (i, stream) in kernel.streams.iter().enumerate() {
        let place = kernel.slots + i;
        // SAFETY: the plan keeps rows inside the arena. A tile that is no whole number of
        // vectors is copied first, unless the value says that it may be read beyond its end.
        unsafe {
            let source = frame
                .arena
                .add(stream.offset + stream.access.start(row) + column);
            scratch.places[place] = if rounded == length || stream.padded {
                source
            } else {
                let staged = base.add(place * TILE);
                std::ptr::copy_nonoverlapping(source, staged, length);
                staged
            };
        }
    }
    let first_output = kernel.slots + kernel.streams.len();
    for (i, output) in kernel.outputs.iter().enumerate() {
        let place = first_output + i;
        // SAFETY: as above, for writing.
        unsafe {
            scratch.places[place] = if rounded == length || output.padded {
                frame.arena.add(output.offset + row * output.stride + column)
            } else {
                base.add(place * TILE)
            };
        }
    }

    for code in &kernel.code {
        // SAFETY: a place is `rounded` readable elements, and no instruction writes a place
        // that it reads: registers are freed only after their last reader.
        unsafe {
            let to = std::slice::from_raw_parts_mut(scratch.places[code.to], rounded);
            let run = |place: usize| -> &[T] {
                std::slice::from_raw_parts(scratch.places[place], rounded)
            };
            match code.operation {
                Operation::Unary(f, a) => unary::<L, T>(f, to, run(a)),
                Operation::Binary(f, a, b) => {
                    let a = match a {
                        Source::Place(place) => Run::Elements(run(place)),
                        Source::Scalar(scalar) => Run::Number(scratch.scalars[scalar]),
                    };
                    let b = match b {
                        Source::Place(place) => Run::Elements(run(place)),
                        Source::Scalar(scalar) => Run::Number(scratch.scalars[scalar]),
                    };
                    binary::<L, T>(f, to, a, b);
                }
                Operation::Select(c, a, b) => select(to, run(c), run(a), run(b)),
                Operation::Noise(kind, stream) => {
                    let key = NoiseKey {
                        seed: frame.seed,
                        step: frame.step,
                        stream,
                    };
                    match kind {
                        NoiseKind::Normal => {
                            noise::fill_normals::<L, T>(&key, row as u32, column, to);
                        }
                        NoiseKind::Uniform => {
                            noise::fill_uniforms::<L, T>(&key, row as u32, column, to);
                        }
                    }
                }
            }
        }
    }

    for (sum, reduction) in scratch.sums.iter_mut().zip(&kernel.reductions) {
        // SAFETY: a place is `rounded` readable elements.
        let run = unsafe { std::slice::from_raw_parts(scratch.places[reduction.place], length) };
        accumulate(reduction.kind, sum, run);
    }
    for (i, output) in kernel.outputs.iter().enumerate() {
        // SAFETY: the plan gives the value `length` elements here, and `rounded` when padded;
        // the source is a scratch tile or an operand, never the output itself.
        unsafe {
            let target = frame.arena.add(output.offset + row * output.stride + column);
            match output.copied_from {
                Some(place) => {
                    std::ptr::copy(scratch.places[place], target, length);
                }
                None if scratch.places[first_output + i] != target => {
                    std::ptr::copy_nonoverlapping(
                        scratch.places[first_output + i],
                        target,
                        length,
                    );
                }
                None => {}
            }
        }
    }
}

/// Adds (or compares) a run into lanes: element `i` into lane `i mod 16`.
#[inline(always)]
fn accumulate<T: Element>(kind: Reduction, lanes: &mut [T; LANES], run: &[T]) {
    let (whole, rest) = run.as_chunks::<LANES>();
    match kind {
        Reduction::Sum => {
            for chunk in whole {
                for (lane, x) in lanes.iter_mut().zip(chunk) {
                    *lane += *x;
                }
            }
            for (lane, x) in lanes.iter_mut().zip(rest) {
                *lane += *x;
            }
        }
        Reduction::Max => {
            for chunk in whole {
                for (lane, x) in lanes.iter_mut().zip(chunk) {
                    *lane = maximum(*lane, *x);
                }
            }
            for (lane, x) in lanes.iter_mut().zip(rest) {
                *lane = maximum(*lane, *x);
            }
        }
    }
}

/// The larger; NaN when either is.
#[inline(always)]
pub(super) fn maximum<T: Element>(a: T, b: T) -> T {
    if a > b || a != a { a } else { b }
}

/// The smaller; NaN when either is.
#[inline(always)]
fn minimum<T: Element>(a: T, b: T) -> T {
    if a < b || a != a { a } else { b }
}

#[derive(Clone, Copy)]
enum Run<'a, T> {
    Elements(&'a [T]),
    Number(T),
}

/// `to[i] = f(a[i])`. The lengths are whole numbers of unrolled vectors, so the compiler's tail
/// loop is never entered.
#[inline(always)]
fn map<T: Element>(to: &mut [T], a: &[T], f: impl Fn(T) -> T) {
    for (to, a) in to.iter_mut().zip(a) {
        *to = f(*a);
    }
}

#[inline(always)]
fn map2<T: Element>(to: &mut [T], a: &[T], b: &[T], f: impl Fn(T, T) -> T) {
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        *to = f(*a, *b);
    }
}

#[inline(always)]
fn map_runs<T: Element>(to: &mut [T], a: Run<'_, T>, b: Run<'_, T>, f: impl Fn(T, T) -> T) {
    match (a, b) {
        (Run::Elements(a), Run::Elements(b)) => map2(to, a, b, f),
        (Run::Elements(a), Run::Number(b)) => map(to, a, |a| f(a, b)),
        (Run::Number(a), Run::Elements(b)) => map(to, b, |b| f(a, b)),
        (Run::Number(a), Run::Number(b)) => to.fill(f(a, b)),
    }
}

#[inline(always)]
fn indicator<T: Element>(condition: bool) -> T {
    if condition { T::ONE } else { T::ZERO }
}

#[inline(always)]
fn binary<L: Level, T: Element>(f: Binary, to: &mut [T], a: Run<'_, T>, b: Run<'_, T>) {
    match f {
        Binary::Add => map_runs(to, a, b, |a, b| a + b),
        Binary::Sub => map_runs(to, a, b, |a, b| a - b),
        Binary::Mul => map_runs(to, a, b, |a, b| a * b),
        Binary::Div => map_runs(to, a, b, |a, b| a / b),
        Binary::Max => map_runs(to, a, b, maximum),
        Binary::Min => map_runs(to, a, b, minimum),
        Binary::Less => map_runs(to, a, b, |a, b| indicator(a < b)),
        Binary::LessEqual => map_runs(to, a, b, |a, b| indicator(a <= b)),
        Binary::Equal => map_runs(to, a, b, |a, b| indicator(a == b)),
        f => map_runs(to, a, b, |a, b| {
            T::from_f64(f.apply(a.to_f64(), b.to_f64()))
        }),
    }
}

#[inline(always)]
fn select<T: Element>(to: &mut [T], c: &[T], a: &[T], b: &[T]) {
    for (((to, c), a), b) in to.iter_mut().zip(c).zip(a).zip(b) {
        *to = if *c != T::ZERO { *a } else { *b };
    }
}

#[inline(always)]
fn unary<L: Level, T: Element>(f: Unary, to: &mut [T], a: &[T]) {
    match f {
        Unary::Neg => map(to, a, |x| -x),
        Unary::Abs => map(to, a, |x| x.abs()),
        Unary::Sign => map(to, a, |x| {
            if x > T::ZERO {
                T::ONE
            } else if x < T::ZERO {
                -T::ONE
            } else {
                x
            }
        }),
        Unary::Floor => map(to, a, math::floor::<L, T>),
        Unary::Reciprocal => map(to, a, |x| T::ONE / x),
        Unary::Sqrt => map(to, a, math::sqrt::<L, T>),
        Unary::Exp => map(to, a, math::exp::<L, T>),
        Unary::Ln => map(to, a, math::ln::<L, T>),
        Unary::Log1p => map(to, a, math::log1p::<L, T>),
        Unary::Expm1 => map(to, a, math::expm1::<L, T>),
        Unary::Log1pmx => map(to, a, math::log1pmx::<L, T>),
        Unary::Sin => map(to, a, math::sin::<L, T>),
        Unary::Cos => map(to, a, math::cos::<L, T>),
        Unary::Tanh => map(to, a, math::tanh::<L, T>),
        Unary::Sigmoid => map(to, a, math::sigmoid::<L, T>),
        Unary::Softplus => map(to, a, math::softplus::<L, T>),
        Unary::LogSigmoid => map(to, a, math::log_sigmoid::<L, T>),
        Unary::Relu => map(to, a, |x| if x < T::ZERO { T::ZERO } else { x }),
        Unary::StopGradient => to.copy_from_slice(a),
        Unary::Lgamma => map(to, a, math::lgamma::<L, T>),
        Unary::Polygamma(order) => map(to, a, |x| math::polygamma::<L, T>(order, x)),
        Unary::Erf => map(to, a, math::erf::<L, T>),
        Unary::Erfc => map(to, a, math::erfc::<L, T>),
        f => map(to, a, |x| T::from_f64(f.apply(x.to_f64()))),
    }
}
