//! Assembly: instructions of a plan become code over places and scalars.

use std::collections::HashMap;

use bayes_nn_autodiff::Reduction;

use super::routine::{Code, Source};
use crate::cpu::isa::Runnable;
use crate::cpu::math::Real;
use crate::cpu::memory::{Base, Memory, Place};
use crate::plan::{
    Access, Function, FusedGroup, Instruction, Layout, Rewritten, RowStarts, ValueId, rewrite,
};

/// A value that is read element by element.
pub(super) struct Stream {
    pub place: Place,
    pub access: Access,
    /// Whether the last tile may be read up to whole vectors.
    pub padded: bool,
}

pub(super) struct Output {
    pub place: Place,
    pub stride: usize,
    /// Whether the last tile may be written up to whole vectors.
    pub padded: bool,
    /// The place from which the elements are copied at the end of a tile; `None` when the
    /// instruction writes them where they belong.
    pub copied_from: Option<usize>,
}

pub(super) struct Reduce {
    pub kind: Reduction,
    pub place: usize,
    /// Where the results start.
    pub to: Place,
    /// Where result `i` goes.
    pub layout: Layout,
    /// How many rows make one result.
    pub rows: usize,
}

/// A number for all elements of a row that is read.
pub(super) struct Read {
    pub scalar: usize,
    pub place: Place,
    pub access: Access,
}

/// A group as code over places and scalars. Places are numbered: streams from 0, then outputs, then
/// slots, which are scratch tiles for registers.
pub(super) struct Assembly<T> {
    pub rows: usize,
    pub columns: usize,
    pub code: Vec<Code<T>>,
    /// All scalars: constants as they are, others 0.
    pub scalars: Vec<T>,
    /// Which scalars are the number of the step, and which are read for every row.
    pub steps: Vec<usize>,
    pub read: Vec<Read>,
    /// Scalars that an instruction needs as elements: the scalar, and the slot of its tile.
    pub splats: Vec<(usize, usize)>,
    pub streams: Vec<Stream>,
    pub outputs: Vec<Output>,
    pub reductions: Vec<Reduce>,
    /// How many places there are.
    pub places: usize,
}

impl<T: Real> Assembly<T> {
    /// Code of the instruction set `isa`; `collapsed` where all rows are walked as one.
    pub fn new(group: &FusedGroup, memory: &Memory, collapsed: bool, isa: Runnable) -> Assembly<T> {
        let (rows, columns) = match collapsed {
            true => (1, group.rows * group.columns),
            false => (group.rows, group.columns),
        };
        let is_stream = |instruction: &&Instruction| matches!(instruction, Instruction::Load(number) if group.operands[*number].access.advances);
        let streams = group.instructions.iter().filter(is_stream).count();
        let mut assembler = Assembler {
            group,
            memory,
            collapsed,
            first_output: streams,
            assembly: Assembly {
                rows,
                columns,
                code: Vec::new(),
                scalars: Vec::new(),
                steps: Vec::new(),
                read: Vec::new(),
                splats: Vec::new(),
                streams: Vec::new(),
                outputs: Vec::new(),
                reductions: Vec::new(),
                places: streams + group.stores.len(),
            },
        };
        assembler.assemble(isa);
        assembler.assembly
    }
}

/// Turns the instructions of a group into code over places and scalars.
struct Assembler<'a, T> {
    group: &'a FusedGroup,
    memory: &'a Memory,
    collapsed: bool,
    /// The place of the first output.
    first_output: usize,
    assembly: Assembly<T>,
}

impl<T: Real> Assembler<'_, T> {
    /// Whether memory of a value may be touched up to whole vectors at the end of a row.
    fn padded(&self, value: ValueId) -> bool {
        let layout = self.memory.value(value).layout;
        if self.collapsed {
            layout.end_padding
        } else {
            layout.row_padding
        }
    }

    /// Turns the instructions into code of the instruction set `isa`.
    fn assemble(&mut self, isa: Runnable) {
        let group = self.group;
        let rewritten = rewrite(group);
        let last_use = last_uses(group, &rewritten);
        let first_slot = self.assembly.places;
        let mut sources: Vec<Option<Source>> = Vec::new();
        let mut free: Vec<usize> = Vec::new();
        let mut direct = vec![false; group.stores.len()];
        // Where the slopes go of the instructions that compute one.
        let mut slopes: HashMap<usize, usize> = HashMap::new();
        for (i, step) in rewritten.iter().enumerate() {
            let arguments = &step.arguments;
            sources.push(match step.function {
                Function::Source => Some(self.source(&group.instructions[i])),
                Function::Contracted => None,
                Function::Slope => Some(Source::Place(slopes[&arguments[0]])),
                function => {
                    let read = arguments.iter().filter_map(|a| sources[*a]).collect();
                    let mut operands = self.operands(function, read);
                    if let Function::WithSlope(_) = function {
                        let slope = free.pop().unwrap_or_else(|| self.new_slot());
                        operands.push(Source::Place(slope));
                        slopes.insert(i, slope);
                    }
                    let to = match self.direct_store(i, &last_use) {
                        Some(store) => {
                            direct[store] = true;
                            self.first_output + store
                        }
                        None => free.pop().unwrap_or_else(|| self.new_slot()),
                    };
                    self.assembly
                        .code
                        .push(Code::new(function, &operands, to, isa));
                    Some(Source::Place(to))
                }
            });
            for &argument in arguments {
                if last_use[argument] == i
                    && let Some(Source::Place(place)) = sources[argument]
                    && place >= first_slot
                    && group.instructions[argument].is_computed()
                    && !free.contains(&place)
                {
                    free.push(place);
                }
            }
        }
        self.place_results(&sources, &direct);
        debug_assert_eq!(self.assembly.streams.len(), self.first_output);
    }

    /// Where an operand or a number of the group is found.
    fn source(&mut self, instruction: &Instruction) -> Source {
        let scalar = self.assembly.scalars.len();
        let mut constant = T::ZERO;
        match *instruction {
            Instruction::Load(number) => {
                let operand = &self.group.operands[number];
                let (place, access) = (self.memory.place(operand.value), operand.access.clone());
                if access.advances {
                    self.assembly.streams.push(Stream {
                        place,
                        access,
                        padded: self.padded(operand.value),
                    });
                    return Source::Place(self.assembly.streams.len() - 1);
                }
                self.assembly.read.push(Read {
                    scalar,
                    place,
                    access,
                });
            }
            Instruction::Constant(number) => constant = T::from_f64(number),
            Instruction::Step => self.assembly.steps.push(scalar),
            Instruction::Noise { .. }
            | Instruction::Unary(..)
            | Instruction::Binary(..)
            | Instruction::Select(..) => unreachable!("only operands and numbers are sources"),
        }
        self.assembly.scalars.push(constant);
        Source::Scalar(scalar)
    }

    /// Operands as routines take them: the first is elements, unless the function is of two
    /// numbers.
    fn operands(&mut self, function: Function, mut operands: Vec<Source>) -> Vec<Source> {
        let second = |operands: &[Source]| matches!(operands, [_, Source::Place(_)]);
        let either = matches!(function, Function::Binary(_)) && second(&operands);
        if let Some(first) = operands.first_mut().filter(|_| !either) {
            *first = Source::Place(self.run(*first));
        }
        operands
    }

    /// Says what is stored and reduced, from where.
    fn place_results(&mut self, sources: &[Option<Source>], direct: &[bool]) {
        let group = self.group;
        let mut place = |register: usize| {
            let source = sources[register].expect("what is stored or reduced is not contracted");
            self.run(source)
        };
        let copied: Vec<Option<usize>> = (group.stores.iter().zip(direct))
            .map(|(store, direct)| (!direct).then(|| place(store.register)))
            .collect();
        let reduced: Vec<usize> = (group.reductions.iter())
            .map(|reduction| place(reduction.register))
            .collect();
        for (store, copied_from) in group.stores.iter().zip(copied) {
            self.assembly.outputs.push(Output {
                place: self.memory.place(store.value),
                stride: self.memory.value(store.value).layout.stride,
                padded: self.padded(store.value),
                copied_from,
            });
        }
        for (reduction, place) in group.reductions.iter().zip(reduced) {
            let value = self.memory.value(reduction.value);
            self.assembly.reductions.push(Reduce {
                kind: reduction.kind,
                place,
                to: self.memory.place(reduction.value),
                layout: value.layout,
                rows: if self.collapsed { 1 } else { reduction.rows },
            });
        }
    }

    fn new_slot(&mut self) -> usize {
        self.assembly.places += 1;
        self.assembly.places - 1
    }

    /// A source as elements.
    fn run(&mut self, source: Source) -> usize {
        match source {
            Source::Place(place) => place,
            Source::Scalar(scalar) => {
                if let Some((_, slot)) = self.assembly.splats.iter().find(|(s, _)| *s == scalar) {
                    return *slot;
                }
                let slot = self.new_slot();
                self.assembly.splats.push((scalar, slot));
                slot
            }
        }
    }

    /// The store that instruction `i` can write by itself. Not if this or a later instruction
    /// wants elements that the memory held before.
    fn direct_store(&self, i: usize, last_use: &[usize]) -> Option<usize> {
        let group = self.group;
        let read_before = |operand: usize| {
            let loads = group.instructions.iter().zip(last_use);
            let mut loads = loads.filter(|(load, _)| **load == Instruction::Load(operand));
            loads.all(|(_, last)| *last < i)
        };
        let wanted = |value: ValueId| {
            let stored = self.memory.value(value);
            let end = stored.offset + stored.layout.span();
            let mut operands = group.operands.iter().enumerate();
            operands.any(|(number, operand)| {
                let read = self.memory.value(operand.value);
                let bases = [operand.value, value].map(|id| self.memory.place(id).base);
                let rows = operand.access.rows == RowStarts::Every(stored.layout.stride);
                let same_elements = read.offset == stored.offset
                    && operand.access.advances
                    && (group.rows <= 1 || rows);
                bases[0] == bases[1]
                    && read.offset < end
                    && stored.offset < read.offset + read.layout.span()
                    && !(same_elements && read_before(number))
            })
        };
        // Passes of a strip read and write values that do not overlap.
        let wanted = |value: ValueId| self.memory.place(value).base != Base::Strip && wanted(value);
        let stores = &group.stores;
        (0..stores.len()).find(|&s| stores[s].register == i && !wanted(stores[s].value))
    }
}

/// For each instruction the last that reads it; those that are stored or reduced are read at the
/// end.
fn last_uses(group: &FusedGroup, rewritten: &[Rewritten]) -> Vec<usize> {
    let mut last_use: Vec<usize> = (0..rewritten.len()).collect();
    for (i, instruction) in rewritten.iter().enumerate() {
        for &argument in &instruction.arguments {
            last_use[argument] = i;
        }
    }
    let stored = group.stores.iter().map(|store| store.register);
    for register in stored.chain(group.reductions.iter().map(|r| r.register)) {
        last_use[register] = rewritten.len();
    }
    last_use
}
