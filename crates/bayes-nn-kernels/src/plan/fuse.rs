//! Fusion: which operations become one pass over memory.
//!
//! Nodes are taken in the order they were written. An element-wise node joins the pass that
//! computes its last argument if that walks the same shape, else a later such pass, else it
//! opens a new one. Broadcasts and views are ways of reading; they cost a pass only where
//! something needs the elements in memory in an order that no layout gives.

mod fixed;
mod sink;

use std::sync::Arc;

use bayes_nn_autodiff::{Graph, Kind, Node, Nodes, Op, Shape, Var};

use super::layout::{Access, Layout, squeezed};
use super::{
    FusedGroup, GroupReduction, Input, Instruction, MatMul, Operand, Pass, Store, ValueId,
};

/// A group longer than this would need more registers than stay in the first-level cache.
const LONGEST_GROUP: usize = 96;

/// A value whose place is not decided yet.
pub(super) struct DraftValue {
    pub shape: Shape,
    pub kind: Kind,
    pub layout: Layout,
    /// The value in whose memory it lies and where; `None` for memory of its own.
    pub within: Option<(ValueId, usize)>,
}

/// Steps and values, before they have places.
pub(super) struct Draft {
    pub values: Vec<DraftValue>,
    pub passes: Vec<Pass>,
    /// How many of them depend on data alone.
    pub hoisted: usize,
    pub inputs: Vec<Input>,
    pub outputs: Vec<ValueId>,
    pub updates: Vec<(ValueId, ValueId)>,
    pub constants: Vec<(ValueId, Arc<[f64]>)>,
}

struct PassDraft {
    dims: Vec<usize>,
    members: Vec<usize>,
}

enum DraftStep {
    PassDraft(PassDraft),
    Done(Pass),
}

struct Fuser<'a> {
    graph: &'a Graph,
    nodes: Nodes<'a>,
    /// How many of the steps depend on data alone; none after them is moved among them.
    hoisted: usize,
    /// Whether every use of a node reads it as a run of elements, so that padding would only
    /// force a copy.
    flat: Vec<bool>,
    /// The step that computes a node; `None` for what is there before the first.
    at: Vec<Option<usize>>,
    value_of: Vec<Option<ValueId>>,
    transposes: Vec<Option<ValueId>>,
    steps: Vec<DraftStep>,
    values: Vec<DraftValue>,
    inputs: Vec<Input>,
    constants: Vec<(ValueId, Arc<[f64]>)>,
}

/// The node that an operand really reads, and which of its squeezed axes follows each axis of
/// the walk.
struct Source {
    node: usize,
    axes: Vec<Option<usize>>,
}

impl Draft {
    pub(super) fn new(graph: &Graph, outputs: &[Var<'_>], updates: &[(Var<'_>, Var<'_>)]) -> Draft {
        let output_nodes: Vec<usize> = outputs.iter().map(|v| graph.node_of(*v).index()).collect();
        let update_nodes: Vec<(usize, usize)> = updates
            .iter()
            .map(|(s, n)| (graph.node_of(*s).index(), graph.node_of(*n).index()))
            .collect();
        let nodes = graph.nodes();
        let mut live = vec![false; nodes.len()];
        for &node in &output_nodes {
            live[node] = true;
        }
        for &(state, next) in &update_nodes {
            live[state] = true;
            live[next] = true;
        }
        for index in (0..nodes.len()).rev() {
            if live[index] {
                for argument in &nodes[index].arguments {
                    live[argument.index()] = true;
                }
            }
        }
        let mut fuser = Fuser {
            graph,
            nodes,
            hoisted: 0,
            flat: flat_uses(nodes, &live),
            at: vec![None; nodes.len()],
            value_of: vec![None; nodes.len()],
            transposes: vec![None; nodes.len()],
            steps: Vec::new(),
            values: Vec::new(),
            inputs: Vec::new(),
            constants: Vec::new(),
        };
        let states: Vec<usize> = update_nodes.iter().map(|(state, _)| *state).collect();
        let fixed = fixed::fixed(nodes, &live, &states);
        for index in (0..nodes.len()).filter(|&i| fixed[i]) {
            fuser.visit(index);
        }
        fuser.hoisted = fuser.steps.len();
        // What is asked of the old value of a state, as an output or as the next value of
        // another state, is set aside before anything can overwrite it.
        let is_state = |n: usize| {
            update_nodes
                .iter()
                .any(|&(state, next)| state == n && state != next)
        };
        let asked = output_nodes
            .iter()
            .chain(update_nodes.iter().map(|(_, next)| next));
        let mut set_aside: Vec<(usize, ValueId)> = Vec::new();
        for &node in asked {
            let (root, offset) = fuser.viewed(node);
            if is_state(root) && set_aside.iter().all(|(n, _)| *n != node) {
                let source = fuser.memory(root);
                set_aside.push((node, fuser.copy(source, offset, node)));
            }
        }
        for index in (0..nodes.len()).filter(|&i| live[i] && !fixed[i]) {
            fuser.visit(index);
        }
        let mut kept = |node: usize| {
            let aside = set_aside.iter().find(|(n, _)| *n == node);
            aside.map_or_else(|| fuser.memory(node), |(_, value)| *value)
        };
        let outputs = output_nodes.iter().map(|n| kept(*n)).collect();
        let updates = update_nodes
            .iter()
            .filter(|(state, next)| state != next)
            .map(|&(state, next)| (state, kept(next)))
            .collect::<Vec<_>>();
        let updates = updates
            .into_iter()
            .map(|(state, next)| (fuser.memory(state), next))
            .collect();
        fuser.sink(&update_nodes);
        fuser.finish(outputs, updates)
    }
}

/// Which nodes are only ever read as runs of elements.
fn flat_uses(nodes: Nodes<'_>, live: &[bool]) -> Vec<bool> {
    let mut used = vec![false; nodes.len()];
    let mut flat = vec![true; nodes.len()];
    for (index, node) in nodes.iter().enumerate().rev() {
        if !live[index] {
            continue;
        }
        let reads_runs = match node.op {
            Op::View { .. } => {
                let source = &nodes[node.arguments[0].index()].shape;
                squeezed(&node.shape) != squeezed(source) || flat[index] && used[index]
            }
            Op::Concat { .. } => true,
            _ => false,
        };
        for argument in &node.arguments {
            used[argument.index()] = true;
            flat[argument.index()] &= reads_runs;
        }
    }
    (0..nodes.len()).map(|i| used[i] && flat[i]).collect()
}

impl Fuser<'_> {
    fn shape(&self, node: usize) -> Shape {
        self.nodes[node].shape
    }

    fn argument(&self, node: usize, i: usize) -> usize {
        self.nodes[node].arguments[i].index()
    }

    /// Whether a view changes only axes of length 1.
    fn is_unit_view(&self, node: usize) -> bool {
        matches!(self.nodes[node].op, Op::View { .. })
            && squeezed(&self.shape(node)) == squeezed(&self.shape(self.argument(node, 0)))
    }

    /// The node that a chain of views looks into, and at which element it starts.
    fn viewed(&self, node: usize) -> (usize, usize) {
        let (mut root, mut start) = (node, 0);
        while let Op::View { offset } = self.nodes[root].op {
            root = self.argument(root, 0);
            start += offset;
        }
        (root, start)
    }

    fn new_value(&mut self, shape: Shape, kind: Kind, layout: Layout) -> ValueId {
        let id = ValueId(self.values.len() as u32);
        self.values.push(DraftValue {
            shape,
            kind,
            layout,
            within: None,
        });
        id
    }

    /// The value that holds a node's elements; from now on the node is kept in memory.
    fn memory(&mut self, node: usize) -> ValueId {
        if let Some(value) = self.value_of[node] {
            return value;
        }
        let Node {
            op, shape, kind, ..
        } = self.nodes[node].clone();
        let value = match op {
            Op::View { offset } => {
                let source = self.argument(node, 0);
                let within = self.memory(source);
                let layout = self.values[within.index()].layout;
                let (start, layout) = layout
                    .view(offset, &shape)
                    .expect("views without a layout are copied when visited");
                let value = self.new_value(shape, kind, layout);
                self.values[value.index()].within = Some((within, start));
                value
            }
            _ => {
                let layout = if self.flat[node] {
                    Layout::contiguous(&shape)
                } else {
                    Layout::padded(&shape)
                };
                self.new_value(shape, kind, layout)
            }
        };
        self.value_of[node] = Some(value);
        match op {
            Op::Input(id) => {
                let name = self.graph.inputs()[id.index()].name.clone();
                self.inputs.push(Input {
                    name,
                    id,
                    value,
                    hoisted: false,
                });
            }
            Op::Constant(id) => {
                let values = self.graph.constant_values(id);
                self.constants.push((value, values));
            }
            // Read in passing everywhere else; here it has to be in memory.
            Op::Broadcast => match self.number(self.argument(node, 0)) {
                Some(number) => {
                    let values = vec![number; shape.elements()];
                    self.constants.push((value, values.into()));
                }
                None => self.join(node),
            },
            Op::Step => self.join(node),
            _ => {}
        }
        value
    }

    fn push(&mut self, node: usize, step: Pass) {
        self.at[node] = Some(self.steps.len());
        self.steps.push(DraftStep::Done(step));
    }

    /// A step that copies from `source` into a value of the shape of `node`.
    fn copy(&mut self, source: ValueId, offset: usize, node: usize) -> ValueId {
        let Node { shape, kind, .. } = self.nodes[node];
        let out = self.new_value(shape, kind, Layout::padded(&shape));
        self.steps.push(DraftStep::Done(Pass::Copy {
            source,
            offset,
            out,
        }));
        out
    }

    fn visit(&mut self, node: usize) {
        let Node { op, shape, .. } = self.nodes[node].clone();
        match op {
            Op::Input(_) => {
                self.memory(node);
            }
            Op::Constant(_) | Op::Step => {}
            Op::Noise { .. } | Op::Unary(_) | Op::Binary(_) | Op::Select => self.join(node),
            Op::Broadcast => self.at[node] = self.at[self.argument(node, 0)],
            Op::View { offset } => {
                let source = self.argument(node, 0);
                if self.is_unit_view(node) {
                    self.at[node] = self.at[source];
                    return;
                }
                let memory = self.memory(source);
                self.at[node] = self.at[source];
                let layout = self.values[memory.index()].layout;
                if layout.view(offset, &shape).is_none() {
                    let out = self.copy(memory, offset, node);
                    self.value_of[node] = Some(out);
                    self.at[node] = Some(self.steps.len() - 1);
                }
            }
            Op::Reduce { kind, from, to } => {
                let source = self.argument(node, 0);
                let whole = self.shape(source);
                let inner: usize = whole[to..].iter().product();
                if inner == 1 {
                    self.join(node);
                    return;
                }
                let step = Pass::ReduceMiddle {
                    kind,
                    source: self.memory(source),
                    out: self.memory(node),
                    outer: whole[..from].iter().product(),
                    length: whole[from..to].iter().product(),
                };
                self.push(node, step);
            }
            Op::MatMul {
                transpose_a,
                transpose_b,
            } => self.matmul(node, transpose_a, transpose_b),
            Op::Cholesky => {
                let step = Pass::Cholesky {
                    matrix: self.memory(self.argument(node, 0)),
                    out: self.memory(node),
                };
                self.push(node, step);
            }
            Op::TriangularSolve { transpose } => {
                let step = Pass::TriangularSolve {
                    triangle: self.memory(self.argument(node, 0)),
                    right: self.memory(self.argument(node, 1)),
                    out: self.memory(node),
                    transpose,
                };
                self.push(node, step);
            }
            Op::Transpose => {
                let source = self.argument(node, 0);
                let out = self.transposed(source);
                self.value_of[node] = Some(out);
                self.at[node] = self.at[source].max(self.step_that_writes(out));
            }
            Op::Concat { axis } => self.concat(node, axis),
            Op::Gather { axis } => {
                let step = Pass::Gather {
                    source: self.memory(self.argument(node, 0)),
                    index: self.memory(self.argument(node, 1)),
                    out: self.memory(node),
                    axis,
                };
                self.push(node, step);
            }
            Op::Scatter { axis } => {
                let step = Pass::Scatter {
                    source: self.memory(self.argument(node, 0)),
                    index: self.memory(self.argument(node, 1)),
                    out: self.memory(node),
                    axis,
                };
                self.push(node, step);
            }
            Op::Batch { rows, stream } => {
                let out = self.memory(node);
                self.push(node, Pass::Batch { rows, stream, out });
            }
            Op::AllReduceMean => {
                let source = self.memory(self.argument(node, 0));
                // One run of memory goes to the other ranks as it lies, paddings included.
                let layout = self.values[source.index()].layout;
                let out = self.new_value(shape, Kind::Float, layout);
                self.value_of[node] = Some(out);
                self.push(node, Pass::AllReduceMean { source, out });
            }
        }
    }

    fn step_that_writes(&self, value: ValueId) -> Option<usize> {
        self.steps.iter().position(
            |step| matches!(step, DraftStep::Done(Pass::Transpose { out, .. }) if *out == value),
        )
    }

    /// The transpose of a matrix in memory, made once.
    fn transposed(&mut self, source: usize) -> ValueId {
        if let Some(out) = self.transposes[source] {
            return out;
        }
        let from = self.memory(source);
        let Node { shape, kind, .. } = self.nodes[source];
        let shape = Shape::from([shape[1], shape[0]]);
        let out = self.new_value(shape, kind, Layout::padded(&shape));
        self.steps
            .push(DraftStep::Done(Pass::Transpose { source: from, out }));
        self.transposes[source] = Some(out);
        out
    }

    fn matmul(&mut self, node: usize, transpose_left: bool, transpose_right: bool) {
        let (left, right) = (self.argument(node, 0), self.argument(node, 1));
        let [m, n] = *self.shape(node) else {
            unreachable!("a product is a matrix");
        };
        let k = self.shape(left)[usize::from(!transpose_left)];
        let mut product = MatMul {
            left: self.memory(left),
            right: self.memory(right),
            out: self.memory(node),
            transpose_left,
            transpose_right,
            m,
            n,
            k,
        };
        // With both transposed neither the columns of the product nor the sum over k run
        // along memory; one copy mends that. A vector is its own transpose.
        let both = transpose_left && transpose_right && m > 1 && n > 1 && k > 1;
        if both && !product.is_large() {
            product.right = self.transposed(right);
            product.transpose_right = false;
        }
        self.push(node, Pass::MatMul(product));
    }

    fn concat(&mut self, node: usize, axis: usize) {
        let shape = self.shape(node);
        let out = self.memory(node);
        let layout = self.values[out.index()].layout;
        let one_run = shape[..axis].iter().all(|n| *n == 1) && layout.is_contiguous();
        let inner: usize = shape[axis + 1..].iter().product();
        let mut start = 0;
        let mut parts = Vec::new();
        for i in 0..self.nodes[node].arguments.len() {
            let part = self.argument(node, i);
            let value = self.memory(part);
            if !(one_run && self.computed_in_place(value, out, start * inner)) {
                parts.push((start, value));
            }
            start += self.shape(part)[axis];
        }
        self.push(node, Pass::Concat { parts, out, axis });
    }

    /// Lets a part of a concatenation be computed where it will stand, if nothing has decided
    /// its place yet.
    fn computed_in_place(&mut self, part: ValueId, out: ValueId, start: usize) -> bool {
        let mut root = part;
        while let Some((within, offset)) = self.values[root.index()].within {
            let (inner, outer) = (&self.values[root.index()], &self.values[within.index()]);
            if offset != 0 || inner.shape.elements() != outer.shape.elements() {
                return false;
            }
            root = within;
        }
        let value = &self.values[root.index()];
        let given = self.inputs.iter().any(|i| i.value == root)
            || self.constants.iter().any(|c| c.0 == root);
        if given || root == out || !value.layout.is_contiguous() {
            return false;
        }
        self.values[root.index()].within = Some((out, start));
        true
    }

    /// What an operand of `shape` reads when `walk` is walked.
    fn source(&self, operand: usize, walk: &Shape) -> Source {
        let mut node = operand;
        let mut axes = stretched_axes(&self.shape(node), walk);
        loop {
            if self.is_unit_view(node) {
                node = self.argument(node, 0);
            } else if self.nodes[node].op == Op::Broadcast {
                let argument = self.argument(node, 0);
                let inner = stretched_axes(&self.shape(argument), &self.shape(node));
                for axis in &mut axes {
                    *axis = axis.and_then(|a| inner[a]);
                }
                node = argument;
            } else {
                return Source { node, axes };
            }
        }
    }

    /// A number that a group can hold in its instructions.
    fn immediate(&self, node: usize) -> Option<Instruction> {
        match self.nodes[node].op {
            Op::Step => Some(Instruction::Step),
            _ => self.number(node).map(Instruction::Constant),
        }
    }

    /// The one element of a constant.
    fn number(&self, node: usize) -> Option<f64> {
        match self.nodes[node].op {
            Op::Constant(id) if self.shape(node).elements() == 1 => {
                Some(self.graph.constant_values(id)[0])
            }
            _ => None,
        }
    }

    /// The operands of an element-wise node or reduction, and the shape that it walks.
    fn walked(&self, node: usize) -> (Vec<usize>, Shape) {
        match self.nodes[node].op {
            Op::Reduce { .. } => {
                let argument = self.argument(node, 0);
                (vec![argument], self.shape(argument))
            }
            Op::Step => (vec![node], Shape::SCALAR),
            _ => {
                let arguments = &self.nodes[node].arguments;
                (
                    arguments.iter().map(|a| a.index()).collect(),
                    self.shape(node),
                )
            }
        }
    }

    /// Puts an element-wise node or reduction into a pass.
    fn join(&mut self, node: usize) {
        let (operands, walk) = self.walked(node);
        let dims = squeezed(&walk);
        let mut earliest = self.hoisted;
        for operand in operands {
            let source = self.source(operand, &walk);
            if self.immediate(source.node).is_some() {
                continue;
            }
            let Some(step) = self.at[source.node] else {
                continue;
            };
            let same_pass = self.is_register(&source, &dims)
                && matches!(&self.steps[step], DraftStep::PassDraft(pass) if pass.dims == dims);
            earliest = earliest.max(if same_pass { step } else { step + 1 });
        }
        let fits = |step: &DraftStep| {
            matches!(step, DraftStep::PassDraft(pass)
                if pass.dims == dims && pass.members.len() < LONGEST_GROUP)
        };
        let step = match self.steps[earliest.min(self.steps.len())..]
            .iter()
            .position(fits)
        {
            Some(later) => earliest + later,
            None => {
                self.steps.push(DraftStep::PassDraft(PassDraft {
                    dims,
                    members: Vec::new(),
                }));
                self.steps.len() - 1
            }
        };
        if let DraftStep::PassDraft(pass) = &mut self.steps[step] {
            pass.members.push(node);
        }
        self.at[node] = Some(step);
    }

    /// Whether a source is walked element by element and computed by a pass, not reduced.
    fn is_register(&self, source: &Source, dims: &[usize]) -> bool {
        self.is_element_wise(source.node) && self.is_aligned(source, dims)
    }

    /// Whether a source is walked element by element.
    fn is_aligned(&self, source: &Source, dims: &[usize]) -> bool {
        let identity = source.axes.iter().enumerate().all(|(i, a)| *a == Some(i));
        identity && squeezed(&self.shape(source.node)) == dims
    }

    /// Whether a node is computed element by element.
    fn is_element_wise(&self, node: usize) -> bool {
        matches!(
            self.nodes[node].op,
            Op::Noise { .. } | Op::Unary(_) | Op::Binary(_) | Op::Select
        )
    }

    fn finish(mut self, outputs: Vec<ValueId>, updates: Vec<(ValueId, ValueId)>) -> Draft {
        // Operands of later passes keep registers of earlier ones, so all passes are walked
        // before it is known what each has to store.
        let mut bodies = Vec::new();
        for step in 0..self.steps.len() {
            if let DraftStep::PassDraft(pass) = &mut self.steps[step] {
                let pass = PassDraft {
                    dims: std::mem::take(&mut pass.dims),
                    members: std::mem::take(&mut pass.members),
                };
                bodies.push((step, self.body(step, &pass), pass));
            }
        }
        let mut groups = bodies.into_iter().peekable();
        let (mut steps, mut hoisted) = (Vec::new(), 0);
        for (index, step) in std::mem::take(&mut self.steps).into_iter().enumerate() {
            match step {
                DraftStep::Done(step) => steps.push(step),
                DraftStep::PassDraft(_) => {
                    let (at, (mut group, registers), pass) =
                        groups.next().expect("every pass has a body");
                    debug_assert_eq!(at, index);
                    for (node, register) in pass.members.iter().zip(registers) {
                        self.keep(*node, register, &mut group);
                    }
                    if !pass.members.is_empty() {
                        steps.push(Pass::Fused(group));
                    }
                }
            }
            if index < self.hoisted {
                hoisted = steps.len();
            }
        }
        Draft {
            values: self.values,
            passes: steps,
            hoisted,
            inputs: self.inputs,
            outputs,
            updates,
            constants: self.constants,
        }
    }

    /// Adds what a group has to write for one of its members.
    fn keep(&mut self, node: usize, register: usize, group: &mut FusedGroup) {
        let Some(value) = self.value_of[node] else {
            return;
        };
        if let Op::Reduce { kind, .. } = self.nodes[node].op {
            let results = self.shape(node).elements().max(1);
            group.reductions.push(GroupReduction {
                kind,
                register,
                value,
                rows: group.rows / results,
            });
        } else {
            group.stores.push(Store { register, value });
        }
    }

    /// The instructions of a pass, and the register of each member.
    fn body(&mut self, step: usize, pass: &PassDraft) -> (FusedGroup, Vec<usize>) {
        let mut group = FusedGroup {
            rows: pass.dims[..pass.dims.len().saturating_sub(1)]
                .iter()
                .product(),
            columns: pass.dims.last().copied().unwrap_or(1),
            instructions: Vec::new(),
            operands: Vec::new(),
            stores: Vec::new(),
            reductions: Vec::new(),
        };
        let mut register_of = vec![None; self.nodes.len()];
        let mut registers = Vec::new();
        for &node in &pass.members {
            let (operands, walk) = self.walked(node);
            let mut arguments = Vec::new();
            for operand in operands {
                let source = self.source(operand, &walk);
                let in_register =
                    self.at[source.node] == Some(step) && self.is_register(&source, &pass.dims);
                let known = register_of[source.node].filter(|_| in_register);
                arguments.push(match known {
                    Some(register) => register,
                    None => self.read(&source, pass, &mut group),
                });
            }
            let register = match self.nodes[node].op {
                Op::Noise { kind, stream } => emit(&mut group, Instruction::Noise { kind, stream }),
                Op::Unary(f) => emit(&mut group, Instruction::Unary(f, arguments[0])),
                Op::Binary(f) => emit(
                    &mut group,
                    Instruction::Binary(f, arguments[0], arguments[1]),
                ),
                Op::Select => emit(
                    &mut group,
                    Instruction::Select(arguments[0], arguments[1], arguments[2]),
                ),
                _ => arguments[0],
            };
            register_of[node] = Some(register);
            registers.push(register);
        }
        (group, registers)
    }

    /// A register that reads a source from memory, or holds an immediate number.
    fn read(&mut self, source: &Source, pass: &PassDraft, group: &mut FusedGroup) -> usize {
        if let Some(immediate) = self.immediate(source.node) {
            return emit(group, immediate);
        }
        let value = self.memory(source.node);
        let DraftValue { shape, layout, .. } = &self.values[value.index()];
        let access = Access::new(&pass.dims, &squeezed(shape), &source.axes, layout);
        let operand = Operand { value, access };
        let number = match group.operands.iter().position(|o| *o == operand) {
            Some(number) => number,
            None => {
                group.operands.push(operand);
                group.operands.len() - 1
            }
        };
        emit(group, Instruction::Load(number))
    }
}

/// Appends an instruction, or finds it where it stands already.
fn emit(group: &mut FusedGroup, instruction: Instruction) -> usize {
    let known = group.instructions.iter().position(|i| *i == instruction);
    known.unwrap_or_else(|| {
        group.instructions.push(instruction);
        group.instructions.len() - 1
    })
}

/// For each squeezed axis of `walk`, the squeezed axis of `own` that follows it when `own` is
/// broadcast to `walk`.
fn stretched_axes(own: &Shape, walk: &Shape) -> Vec<Option<usize>> {
    let mut next = 0;
    let mut axes = Vec::new();
    for axis in 0..walk.rank() {
        let follows = own.aligned(axis, walk.rank()) != 1;
        if walk[axis] != 1 {
            axes.push(follows.then_some(next));
        }
        next += usize::from(follows);
    }
    axes
}
