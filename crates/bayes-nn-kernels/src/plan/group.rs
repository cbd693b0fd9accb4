//! Groups: the instructions of each fused group, what it reads, and what it stores.

use bayes_nn_autodiff::Op;

use super::draft::{Draft, DraftValue};
use super::fuse::{GroupDraft, PassDraft};
use super::layout::{Access, squeezed};
use super::lower::Lowering;
use super::views::Source;
use super::{FusedGroup, GroupReduction, Instruction, Operand, Pass, Store};

/// A group without its stores, and the register of each member.
struct Body {
    group: FusedGroup,
    registers: Vec<usize>,
    members: Vec<usize>,
}

/// Writes down all groups, and with them the draft of a plan of which nothing is asked yet.
pub(super) fn finish(mut lowering: Lowering<'_>) -> Draft {
    // Operands of later groups keep registers of earlier ones, so all groups are walked before it
    // is known what each has to store.
    let mut registers = vec![None; lowering.views.nodes.len()];
    let drafts = std::mem::take(&mut lowering.fusion.passes).into_iter();
    let bodies = drafts.enumerate().map(|(number, draft)| match draft {
        PassDraft::Group(group) => PassDraft::Group(lowering.body(number, group, &mut registers)),
        PassDraft::Done(pass) => PassDraft::Done(pass),
    });
    let bodies: Vec<PassDraft<Body>> = bodies.collect();
    let mut passes = Vec::new();
    let mut ends = vec![0; lowering.fusion.ends.len()];
    for (index, body) in bodies.into_iter().enumerate() {
        match body {
            PassDraft::Done(pass) => passes.push(pass),
            PassDraft::Group(body) if body.members.is_empty() => {}
            PassDraft::Group(body) => passes.push(Pass::Fused(lowering.stored(body))),
        }
        for (end, stage) in ends.iter_mut().zip(&lowering.fusion.ends) {
            if index < *stage {
                *end = passes.len();
            }
        }
    }
    let hoisted = ends.first().copied().unwrap_or(0);
    let evaluations = match ends[..] {
        [_, start, end] => start..end,
        _ => hoisted..hoisted,
    };
    Draft {
        values: lowering.values,
        passes,
        hoisted,
        evaluations,
        inputs: lowering.inputs,
        constants: lowering.constants,
        ..Draft::default()
    }
}

impl Lowering<'_> {
    /// A group with what it has to write for those of its members that are kept in memory.
    fn stored(&self, body: Body) -> FusedGroup {
        let Body {
            mut group,
            registers,
            members,
        } = body;
        for (node, register) in members.into_iter().zip(registers) {
            let Some(value) = self.value_of[node] else {
                continue;
            };
            if let Op::Reduce { kind, .. } = self.views.nodes[node].op {
                let results = self.views.shape(node).elements().max(1);
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
        group
    }

    /// The instructions of a group; `register_of` remembers the register of every node that a
    /// group computes.
    fn body(
        &mut self,
        number: usize,
        draft: GroupDraft,
        register_of: &mut [Option<usize>],
    ) -> Body {
        let GroupDraft { dims, members } = draft;
        let mut group = FusedGroup {
            rows: dims[..dims.len().saturating_sub(1)].iter().product(),
            columns: dims.last().copied().unwrap_or(1),
            instructions: Vec::new(),
            operands: Vec::new(),
            stores: Vec::new(),
            reductions: Vec::new(),
        };
        let mut registers = Vec::with_capacity(members.len());
        for &node in &members {
            let (operands, walk) = self.views.walked(node);
            let mut arguments = Vec::with_capacity(operands.len());
            for operand in operands {
                let source = self.views.source(operand, &walk);
                let in_register = self.fusion.at[source.node] == Some(number)
                    && self.views.is_register(&source, &dims);
                let known = register_of[source.node].filter(|_| in_register);
                arguments.push(match known {
                    Some(register) => register,
                    None => self.read(&source, &dims, &mut group),
                });
            }
            let instruction = match self.views.nodes[node].op {
                Op::Noise { kind, stream } => Some(Instruction::Noise { kind, stream }),
                Op::Unary(f) => Some(Instruction::Unary(f, arguments[0])),
                Op::Binary(f) => Some(Instruction::Binary(f, arguments[0], arguments[1])),
                Op::Select => Some(Instruction::Select(
                    arguments[0],
                    arguments[1],
                    arguments[2],
                )),
                // What is read is the result, or what is reduced.
                Op::Step | Op::Broadcast | Op::Reduce { .. } => None,
                Op::Input(_)
                | Op::Constant(_)
                | Op::Batch { .. }
                | Op::View { .. }
                | Op::Concat { .. }
                | Op::Transpose
                | Op::MatMul { .. }
                | Op::ProductByGroup { .. }
                | Op::Cholesky
                | Op::TriangularSolve { .. }
                | Op::Convolution { .. }
                | Op::Pool { .. }
                | Op::Unpool { .. }
                | Op::Gather { .. }
                | Op::Scatter { .. }
                | Op::AllReduceMean
                | Op::MeanOverDraws { .. } => unreachable!("no group computes it"),
            };
            let register = match instruction {
                Some(instruction) => emit(&mut group, instruction),
                None => arguments[0],
            };
            register_of[node] = Some(register);
            registers.push(register);
        }
        Body {
            group,
            registers,
            members,
        }
    }

    /// A register that reads a source from memory, or holds an immediate number.
    fn read(&mut self, source: &Source, dims: &[usize], group: &mut FusedGroup) -> usize {
        if let Some(immediate) = self.views.immediate(source.node) {
            return emit(group, immediate);
        }
        let value = self.memory(source.node);
        let DraftValue { shape, layout, .. } = &self.values[value.index()];
        let access = Access::new(dims, &squeezed(shape), &source.axes, layout);
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

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::{Binary, Graph, Unary};

    use super::*;
    use crate::plan::Plan;

    fn groups(plan: &Plan) -> Vec<&FusedGroup> {
        plan.passes.iter().filter_map(Pass::group).collect()
    }

    #[test]
    fn a_value_is_read_once_and_a_result_is_stored_once() {
        let graph = Graph::new();
        let x = graph.input("x", [30]);
        let plan = Plan::new(&graph, &[x.exp() + x], &[]).unwrap();
        let [group] = groups(&plan)[..] else {
            panic!("one group was expected");
        };
        let instructions = [
            Instruction::Load(0),
            Instruction::Unary(Unary::Exp, 0),
            Instruction::Binary(Binary::Add, 0, 1),
        ];
        assert_eq!(group.instructions, instructions);
        assert_eq!((group.operands.len(), group.stores.len()), (1, 1));
        assert_eq!(group.stores[0].register, 2);
    }

    #[test]
    fn what_a_later_group_reads_is_stored() {
        let graph = Graph::new();
        let x = graph.input("x", [30]).exp();
        let plan = Plan::new(&graph, &[x / x.sum()], &[]).unwrap();
        let [first, second] = groups(&plan)[..] else {
            panic!("two groups were expected");
        };
        assert_eq!((first.stores.len(), first.reductions.len()), (1, 1));
        assert_eq!(first.reductions[0].rows, 1);
        assert_eq!(second.operands.len(), 2);
        assert!(second.operands[1].access.is_single());
    }
}
