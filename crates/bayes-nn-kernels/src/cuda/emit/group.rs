//! Fused groups: one thread for each element, or for the four that share the words of a noise
//! counter. Reductions cut the elements into pieces of a fixed length: a piece is a block's, and
//! its threads' sums are joined as a tree; what the pieces give is joined by a second kernel.

use bayes_nn_autodiff::noise::{GROUP, LANES};
use bayes_nn_autodiff::{NoiseKind, Reduction};

use super::functions::{binary, unary};
use super::text::{Printer, Walk, count, literal};
use super::{THREADS, Work};
use crate::plan::{FusedGroup, GroupReduction, Instruction};

/// Units of a piece: the unit of partial sums.
const PIECE: usize = 1024;

/// Sums of at most so many units are one thread's, if there are many.
const SHORT: usize = 16;

/// How the elements of a group are cut.
struct Cut {
    walk: Walk,
    /// Units of a row: elements, or counters of noise, which are four elements each.
    units: usize,
    /// Rows of a segment: what the reduction over the fewest rows takes together.
    rows: usize,
    /// How many segments there are.
    segments: usize,
    /// How many pieces a segment is cut into.
    pieces: usize,
}

impl Cut {
    fn new(group: &FusedGroup) -> Cut {
        let noise = |i: &Instruction| matches!(i, Instruction::Noise { .. });
        let by_element = !group.instructions.iter().any(noise);
        let units = match by_element {
            true => group.columns,
            false => group.columns.div_ceil(GROUP) * LANES,
        };
        let rows = group.reductions.iter().map(|r| r.rows).min();
        let rows = rows.unwrap_or(group.rows).max(1);
        Cut {
            walk: Walk {
                rows: group.rows,
                columns: group.columns,
                by_element,
            },
            units,
            rows,
            segments: group.rows / rows,
            pieces: (rows * units).div_ceil(PIECE),
        }
    }

    /// Units of a segment.
    fn length(&self) -> usize {
        self.rows * self.units
    }

    /// Whether a thread does a segment by itself.
    fn by_thread(&self) -> bool {
        self.length() <= SHORT && self.segments >= THREADS as usize / 4
    }

    /// How many partial results make one of a reduction.
    fn terms(&self, reduction: &GroupReduction) -> usize {
        reduction.rows / self.rows * self.pieces
    }
}

/// What the header calls a reduction.
pub(super) fn name(kind: Reduction) -> &'static str {
    match kind {
        Reduction::Sum => "Sum",
        Reduction::Max => "Max",
    }
}

impl Printer<'_> {
    pub(super) fn group(&mut self, number: usize, group: &FusedGroup) -> Vec<Work> {
        let cut = Cut::new(group);
        self.open(&number.to_string(), number);
        let total = group.rows * cut.units;
        if total == 0 {
            return vec![self.nothing(group)];
        }
        if group.reductions.is_empty() {
            let (from, below) = ("f.thread".to_owned(), count(total));
            self.walk(group, &cut, "    ", &from, &below, "f.threads");
            self.line("}");
            return vec![Work::Units(total)];
        }
        if cut.by_thread() {
            return self.segments_by_thread(number, group, &cut);
        }
        self.segments_by_block(number, group, &cut)
    }

    /// Reductions over no elements at all.
    fn nothing(&mut self, group: &FusedGroup) -> Work {
        let mut most = 0;
        for reduction in &group.reductions {
            let results = self.value(reduction.value).shape.elements();
            let (place, kind) = (self.element(reduction.value, "i"), name(reduction.kind));
            self.line(format!(
                "    for (place i = f.thread; i < {}; i += f.threads) {place} = (real){kind}::identity();",
                count(results)
            ));
            most = most.max(results);
        }
        self.line("}");
        Work::Units(most)
    }

    fn segments_by_thread(&mut self, number: usize, group: &FusedGroup, cut: &Cut) -> Vec<Work> {
        let (segments, length) = (count(cut.segments), count(cut.length()));
        self.line(format!(
            "    for (place segment = f.thread; segment < {segments}; segment += f.threads) {{"
        ));
        self.accumulators(group);
        let (from, below) = (
            format!("segment * {length}"),
            format!("(segment + 1u) * {length}"),
        );
        self.walk(group, cut, "        ", &from, &below, "1u");
        for (i, reduction) in group.reductions.iter().enumerate() {
            let at = self.partial(group, cut, i, "segment");
            let at = at.unwrap_or_else(|| self.element(reduction.value, "segment"));
            self.line(format!("        {at} = s{i};"));
        }
        self.line("    }\n}");
        let mut works = vec![Work::Units(cut.segments)];
        works.extend(self.finish(number, group, cut));
        works
    }

    fn segments_by_block(&mut self, number: usize, group: &FusedGroup, cut: &Cut) -> Vec<Work> {
        let (pieces, length) = (cut.segments * cut.pieces, count(cut.length()));
        self.line(format!(
            "    for (place piece = f.block; piece < {}; piece += f.blocks) {{",
            count(pieces)
        ));
        let (from, below) = match cut.pieces {
            1 => (
                format!("piece * {length} + threadIdx.x"),
                format!("(piece + 1u) * {length}"),
            ),
            pieces => {
                let (pieces, size) = (count(pieces), count(PIECE));
                self.line(format!(
                    "        const place first = piece / {pieces} * {length} + piece % {pieces} * {size};"
                ));
                self.line(format!(
                    "        const place end = min(first + {size}, (piece / {pieces} + 1u) * {length});"
                ));
                ("first + threadIdx.x".to_owned(), "end".to_owned())
            }
        };
        self.accumulators(group);
        self.walk(group, cut, "        ", &from, &below, "blockDim.x");
        for (i, reduction) in group.reductions.iter().enumerate() {
            let at = self.partial(group, cut, i, "piece");
            let at = at.unwrap_or_else(|| self.element(reduction.value, "piece"));
            let kind = name(reduction.kind);
            self.line(format!(
                "        const double total{i} = block_reduce<{kind}>(s{i});"
            ));
            self.line(format!("        if (threadIdx.x == 0) {at} = total{i};"));
        }
        self.line("    }\n}");
        let mut works = vec![Work::Blocks(pieces, block_for(cut.length()))];
        works.extend(self.finish(number, group, cut));
        works
    }

    fn accumulators(&mut self, group: &FusedGroup) {
        for (i, reduction) in group.reductions.iter().enumerate() {
            let kind = name(reduction.kind);
            self.line(format!("        real s{i} = (real){kind}::identity();"));
        }
    }

    /// Where the partial result `number` of a reduction goes, unless it is the result itself.
    fn partial(
        &mut self,
        group: &FusedGroup,
        cut: &Cut,
        reduction: usize,
        number: &str,
    ) -> Option<String> {
        if cut.terms(&group.reductions[reduction]) == 1 {
            return None;
        }
        let all = cut.segments * cut.pieces;
        self.partials = self.partials.max((reduction + 1) * all);
        let place = match reduction * all {
            0 => number.to_owned(),
            start => format!("{} + {number}", literal(start)),
        };
        Some(format!("f.partials[{place}]"))
    }

    /// The kernel that joins partial results, if a reduction has any.
    fn finish(&mut self, number: usize, group: &FusedGroup, cut: &Cut) -> Option<Work> {
        let open = |r: &GroupReduction| cut.terms(r) > 1;
        if !group.reductions.iter().any(open) {
            return None;
        }
        self.open(&format!("{number}_1"), number);
        let (mut blocks, mut longest) = (0, 0);
        for (i, reduction) in group.reductions.iter().enumerate() {
            if !open(reduction) {
                continue;
            }
            let results = self.value(reduction.value).shape.elements();
            let terms = cut.terms(reduction);
            let at = self.element(reduction.value, "result");
            let (kind, start) = (name(reduction.kind), i * cut.segments * cut.pieces);
            let (results_text, terms_text) = (count(results), count(terms));
            self.line(format!(
                "    for (place result = f.block; result < {results_text}; result += f.blocks) {{\n        \
                 const double total = join_partials<{kind}>(f.partials + {} + result * {terms_text}, {terms_text});\n        \
                 if (threadIdx.x == 0) {at} = total;\n    }}",
                count(start)
            ));
            (blocks, longest) = (blocks.max(results), longest.max(terms));
        }
        self.line("}");
        Some(Work::Blocks(blocks, block_for(longest)))
    }

    /// The loop over units, with what is done for each element.
    fn walk(
        &mut self,
        group: &FusedGroup,
        cut: &Cut,
        indent: &str,
        from: &str,
        below: &str,
        step: &str,
    ) {
        let body = self.body(group, &cut.walk);
        // What no element asks for is not written down.
        let uses = |name: &str| body.iter().any(|line| line.contains(name));
        self.line(format!(
            "{indent}for (place i = {from}; i < {below}; i += {step}) {{"
        ));
        let units = count(cut.units);
        let (row, rest) = match cut.walk.rows {
            0 | 1 => ("0u".to_owned(), "i".to_owned()),
            _ => (format!("i / {units}"), format!("i % {units}")),
        };
        let noise = !cut.walk.by_element;
        if noise || uses("row") {
            self.line(format!("{indent}    const place row = {row};"));
        }
        if !noise {
            if uses("column") {
                self.line(format!("{indent}    const place column = {rest};"));
            }
            for line in body {
                self.line(format!("{indent}    {line}"));
            }
            self.line(format!("{indent}}}"));
            return;
        }
        self.line(format!("{indent}    const place counter = {rest};"));
        for (r, instruction) in group.instructions.iter().enumerate() {
            if let Instruction::Noise { stream, .. } = instruction {
                let draw = if self.repeated { " + (u32)f.draw" } else { "" };
                self.line(format!(
                    "{indent}    const Words w{r} = noise_words(f.control, {stream}u{draw}, row, counter);"
                ));
            }
        }
        let columns = count(cut.walk.columns);
        self.line(format!(
            "#pragma unroll\n{indent}    for (int word = 0; word < 4; ++word) {{"
        ));
        self.line(format!(
            "{indent}        const place column = counter / {LANES}u * {GROUP}u + word * {LANES}u + counter % {LANES}u;"
        ));
        self.line(format!("{indent}        if (column >= {columns}) break;"));
        for line in body {
            self.line(format!("{indent}        {line}"));
        }
        self.line(format!("{indent}    }}\n{indent}}}"));
    }

    /// One statement for each instruction, then the stores and the accumulators.
    fn body(&mut self, group: &FusedGroup, walk: &Walk) -> Vec<String> {
        let mut lines = Vec::new();
        for (r, instruction) in group.instructions.iter().enumerate() {
            let value = match *instruction {
                Instruction::Load(number) => {
                    let operand = &group.operands[number];
                    self.read(operand.value, &operand.access, walk)
                }
                Instruction::Constant(number) => self.real(number),
                Instruction::Step => "(real)f.control->step".to_owned(),
                Instruction::Noise { kind, .. } => match kind {
                    NoiseKind::Normal => format!("normal(w{r}, word)"),
                    NoiseKind::Uniform => format!("uniform(w{r}, word)"),
                },
                Instruction::Unary(f, a) => unary(f, &format!("r{a}")),
                Instruction::Binary(f, a, b) => binary(f, &format!("r{a}"), &format!("r{b}")),
                Instruction::Select(c, a, b) => format!("r{c} != 0 ? r{a} : r{b}"),
            };
            lines.push(format!("const real r{r} = {value};"));
        }
        for store in &group.stores {
            let at = self.write(store.value, walk);
            lines.push(format!("{at} = r{};", store.register));
        }
        for (i, reduction) in group.reductions.iter().enumerate() {
            let (kind, register) = (name(reduction.kind), reduction.register);
            lines.push(format!("s{i} = {kind}::join(s{i}, r{register});"));
        }
        lines
    }
}

/// Threads of a block whose threads share so many terms.
pub(super) fn block_for(terms: usize) -> u32 {
    terms.next_power_of_two().clamp(32, THREADS as usize) as u32
}
