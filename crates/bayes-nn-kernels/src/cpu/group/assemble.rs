//! Assembly: instructions of a plan become code over places and scalars.

use bayes_nn_autodiff::{Binary, NoiseKind, Reduction, Unary};

use crate::Element;
use crate::cpu::strips::{Memory, Place};
use crate::plan::{Access, Group, Instruction, Layout, RowStarts, ValueId};

/// A register's whereabouts while a tile is computed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// A run of elements, by its number in the table of places.
    Place(usize),
    /// One number for the whole row, by its number in the table of scalars.
    Scalar(usize),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    Unary(Unary, usize),
    Binary(Binary, Source, Source),
    Select(usize, usize, usize),
    Noise(NoiseKind, u32),
}

/// One instruction and the place that its result goes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code {
    pub operation: Operation,
    pub to: usize,
}

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
    pub offset: usize,
    /// Where result `i` goes.
    pub layout: Layout,
    /// How many rows make one result.
    pub rows: usize,
}

/// A number for all elements of a row.
pub(super) enum RowScalar<T> {
    Constant(T),
    Step,
    Read { offset: usize, access: Access },
}

/// Turns the instructions of a group into code over places and scalars.
pub(super) struct Assembler<'a, T> {
    pub group: &'a Group,
    pub memory: &'a Memory,
    pub collapsed: bool,
    pub code: Vec<Code>,
    pub scalars: Vec<RowScalar<T>>,
    pub splats: Vec<(usize, usize)>,
    pub streams: Vec<Stream>,
    pub outputs: Vec<Output>,
    pub reductions: Vec<Reduce>,
    pub slots: usize,
}

impl<'a, T: Element> Assembler<'a, T> {
    pub fn new(group: &'a Group, memory: &'a Memory, collapsed: bool) -> Self {
        Assembler {
            group,
            memory,
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
    fn padded(&self, value: ValueId) -> bool {
        let layout = self.memory.value(value).layout;
        if self.collapsed {
            layout.end_padding
        } else {
            layout.row_padding
        }
    }

    /// Places are numbered: slots `0..slots`, then streams, then outputs. While slots are
    /// still being handed out, streams and outputs are numbered from these.
    pub fn assemble(&mut self) {
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
                    if operand.access.advances {
                        self.streams.push(Stream {
                            place: self.memory.place(operand.value),
                            access: operand.access.clone(),
                            padded: self.padded(operand.value),
                        });
                        Source::Place(STREAMS + self.streams.len() - 1)
                    } else {
                        self.scalar(RowScalar::Read {
                            offset: self.memory.value(operand.value).offset,
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
                    let store = self.direct_store(i, &last_use);
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
                    && group.instructions[argument].is_computed()
                    && !free.contains(&place)
                {
                    free.push(place);
                }
            }
        }
        for (number, store) in group.stores.iter().enumerate() {
            let copied_from = match direct[number] {
                Some(_) => None,
                None => Some(self.run(sources[store.register])),
            };
            self.outputs.push(Output {
                place: self.memory.place(store.value),
                stride: self.memory.value(store.value).layout.stride,
                padded: self.padded(store.value),
                copied_from,
            });
        }
        for reduction in &group.reductions {
            let value = self.memory.value(reduction.value);
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
                let rows = operand.access.rows == RowStarts::Every(stored.layout.stride);
                let same_elements = read.offset == stored.offset
                    && operand.access.advances
                    && (group.rows <= 1 || rows);
                read.offset < end
                    && stored.offset < read.offset + read.layout.span()
                    && !(same_elements && read_before(number))
            })
        };
        // Steps of a strip read and write values apart from one another.
        let wanted = |value: ValueId| !self.memory.place(value).of_strip && wanted(value);
        let stores = &group.stores;
        (0..stores.len()).find(|&s| stores[s].register == i && !wanted(stores[s].value))
    }
}
