//! Plans with one thing wrong, one for each rule.

use bayes_nn_autodiff::{Graph, Kind, NoiseKind, Shape, concat};

use super::*;
use crate::plan::{FusedGroup, Instruction, Pass, RowStarts};

/// A small network with a state, data, an index, a factor and long columns: passes of many kinds.
fn plan() -> Plan {
    let graph = Graph::new();
    let state = graph.input("state", [4]);
    let (x, y) = (graph.input("x", [4, 3000]), graph.input("y", [3000]));
    let noise = graph.noise(NoiseKind::Normal, 0, [4]);
    let weights = (state + 0.1 * noise).reshape([1, 4]);
    let scaled = x.exp() * 0.5;
    let residual = weights.matmul(scaled).reshape([3000]) - y;
    let loss = (residual * residual).sum();
    let rows = graph.batch(4, 2, 1);
    let picked = state.gather(rows, 0);
    let both = concat(&[picked, state * 2.0], 0);
    let matrix = weights.t().matmul(weights) + 3.0;
    let factor = matrix.cholesky();
    let next = state - 0.01 * loss;
    Plan::new(&graph, &[loss, both, factor], &[(state, next)]).unwrap()
}

/// The rule that is broken once `change` has been made.
fn broken(change: impl FnOnce(&mut Plan)) -> Rule {
    let mut plan = plan();
    plan.validate().unwrap();
    change(&mut plan);
    plan.validate().unwrap_err().rule
}

fn find(plan: &Plan, wanted: impl Fn(&Pass) -> bool) -> usize {
    let found = plan.passes.iter().position(wanted);
    found.expect("the plan has such a pass")
}

fn group_of_state(plan: &Plan) -> usize {
    let state = plan.states[0];
    find(
        plan,
        |pass| matches!(pass, Pass::Fused(g) if g.operands.iter().any(|o| o.value == state)),
    )
}

#[test]
fn values_are_there_and_have_their_place() {
    assert_eq!(broken(|plan| plan.outputs[0] = ValueId(1000)), Rule::Exists);
    assert_eq!(
        broken(|plan| plan.values[plan.outputs[2].index()].shape = Shape::from([5, 4])),
        Rule::Layout
    );
    assert_eq!(broken(|plan| plan.floats = 64), Rule::InsideArena);
    let moved = |plan: &mut Plan| {
        let mut homes = plan.values.iter().enumerate();
        let (view, _) = homes.find(|(i, v)| v.home.index() != *i).unwrap();
        plan.values[view].home = plan.outputs[0];
    };
    assert_eq!(broken(moved), Rule::InsideHome);
}

#[test]
fn what_is_alive_at_the_same_time_lies_apart() {
    let overlapping = |plan: &mut Plan| {
        let at = plan.values[plan.inputs[0].value.index()].offset;
        plan.values[plan.outputs[0].index()].offset = at;
    };
    assert_eq!(broken(overlapping), Rule::Apart);
    let over_itself = |plan: &mut Plan| {
        let factor = find(plan, |pass| matches!(pass, Pass::Cholesky { .. }));
        if let Pass::Cholesky { matrix, out } = &mut plan.passes[factor] {
            *matrix = *out;
        }
    };
    assert_eq!(broken(over_itself), Rule::ReadsApart);
}

#[test]
fn what_is_read_was_written_before() {
    let early = |plan: &mut Plan| {
        let factor = find(plan, |pass| matches!(pass, Pass::Cholesky { .. }));
        let pass = plan.passes.remove(factor);
        plan.strips.clear();
        plan.passes.insert(plan.hoisted, pass);
    };
    assert_eq!(broken(early), Rule::WrittenBefore);
    let never = |plan: &mut Plan| {
        let factor = find(plan, |pass| matches!(pass, Pass::Cholesky { .. }));
        plan.passes.remove(factor);
        plan.strips.clear();
        plan.evaluations = plan.passes.len()..plan.passes.len();
    };
    assert_eq!(broken(never), Rule::WrittenBefore);
}

#[test]
fn groups_read_and_write_inside_their_values() {
    let change = |change: fn(&mut FusedGroup)| {
        broken(|plan| {
            let number = group_of_state(plan);
            if let Pass::Fused(group) = &mut plan.passes[number] {
                change(group);
            }
        })
    };
    assert_eq!(
        change(|group| group.operands[0].access.rows = RowStarts::Listed(Vec::new())),
        Rule::OperandInside
    );
    assert_eq!(
        change(|group| group.operands[0].access.rows = RowStarts::Listed(vec![50])),
        Rule::OperandInside
    );
    assert_eq!(
        change(|group| group.instructions[0] = Instruction::Load(99)),
        Rule::Instruction
    );
    assert_eq!(
        change(|group| group.stores[0].register = 99),
        Rule::Instruction
    );
    let wide = broken(|plan| {
        let number = group_of_state(plan);
        let Pass::Fused(group) = &plan.passes[number] else {
            return;
        };
        let stored = group.stores[0].value;
        let value = &mut plan.values[stored.index()];
        (value.shape, value.layout.columns) = (Shape::from([2]), 2);
    });
    assert_eq!(wide, Rule::ResultShape);
}

#[test]
fn shapes_and_kinds_of_a_pass_fit() {
    let change = |wanted: fn(&Pass) -> bool, change: fn(&mut Pass)| {
        broken(|plan| {
            let number = find(plan, wanted);
            change(&mut plan.passes[number]);
        })
    };
    let product = change(
        |pass| matches!(pass, Pass::MatMul(_)),
        |pass| {
            if let Pass::MatMul(product) = pass {
                product.k += 1;
            }
        },
    );
    assert_eq!(product, Rule::Shapes);
    let axis = change(
        |pass| matches!(pass, Pass::Gather { .. }),
        |pass| {
            if let Pass::Gather(taken) = pass {
                taken.axis = 3;
            }
        },
    );
    assert_eq!(axis, Rule::Shapes);
    let index = change(
        |pass| matches!(pass, Pass::Gather { .. }),
        |pass| {
            if let Pass::Gather(taken) = pass {
                taken.index = taken.source;
            }
        },
    );
    assert_eq!(index, Rule::Kind);
    let kind = broken(|plan| {
        let batch = find(plan, |pass| matches!(pass, Pass::Batch { .. }));
        if let Pass::Batch { out, .. } = plan.passes[batch] {
            plan.values[out.index()].kind = Kind::Float;
            plan.values[out.index()].offset = 0;
        }
    });
    assert_eq!(kind, Rule::Kind);
}

#[test]
fn states_change_and_hoisted_passes_do_not() {
    let no_input = |plan: &mut Plan| plan.states[0] = plan.outputs[0];
    assert_eq!(broken(no_input), Rule::State);
    let no_state = |plan: &mut Plan| plan.states.clear();
    assert_eq!(broken(no_state), Rule::State);
    let all = |plan: &mut Plan| {
        plan.hoisted = group_of_state(plan) + 1;
        plan.strips.clear();
    };
    assert!(matches!(broken(all), Rule::Hoisted | Rule::State));
    let unread = |plan: &mut Plan| {
        for input in &mut plan.inputs {
            input.hoisted = false;
        }
    };
    assert_eq!(broken(unread), Rule::Hoisted);
}

#[test]
fn strips_are_runs_of_passes_over_columns() {
    assert_eq!(broken(|plan| plan.strips[0].columns = 0), Rule::Strips);
    let far = |plan: &mut Plan| plan.strips[0].passes.end = plan.passes.len() + 1;
    assert_eq!(broken(far), Rule::Strips);
    let other = |plan: &mut Plan| plan.strips[0].columns += 1;
    assert_eq!(broken(other), Rule::Strips);
}

#[test]
fn an_error_names_the_pass_and_the_value() {
    let error = Rule::WrittenBefore.by(3, ValueId(7)).to_string();
    assert_eq!(
        error,
        "the plan is wrong at pass 3 for value 7: the value is read before it is written"
    );
}

/// A step of several draws, in a loop.
fn draws() -> Plan {
    let graph = Graph::new();
    let state = graph.input("state", [3000]);
    let drawn = state + graph.noise(NoiseKind::Normal, 0, [3000]);
    let scaled = (drawn.exp() * state.sin()).sum() + drawn.tanh();
    let mean = scaled.mean_over_draws(20);
    Plan::new(&graph, &[mean], &[(state, state - mean)]).unwrap()
}

#[test]
fn draws_are_repeated_after_hoisted_passes_and_hold_their_means() {
    let broken = |change: &dyn Fn(&mut Plan)| {
        let mut plan = draws();
        assert_eq!(plan.draws, 20);
        plan.validate().unwrap();
        change(&mut plan);
        plan.validate().unwrap_err().rule
    };
    assert_eq!(broken(&|plan| plan.draws = 1), Rule::Evaluations);
    assert_eq!(
        broken(&|plan| plan.evaluations.end = 100),
        Rule::Evaluations
    );
    let without_mean = |plan: &mut Plan| {
        let mean = find(plan, |pass| matches!(pass, Pass::MeanOverDraws { .. }));
        plan.evaluations.end = mean;
    };
    assert_eq!(broken(&without_mean), Rule::Evaluations);
    // The mean would lose what the first draws gave it.
    let overlapping = |plan: &mut Plan| {
        let mean = find(plan, |pass| matches!(pass, Pass::MeanOverDraws { .. }));
        let Pass::MeanOverDraws { source, out } = plan.passes[mean] else {
            unreachable!("it was found as one");
        };
        let others = plan.values.iter().enumerate().filter(|(index, value)| {
            let id = ValueId(*index as u32);
            id != source && id != out && value.layout.span() >= 3000 && value.home == id
        });
        let places: Vec<usize> = others.map(|(_, value)| value.offset).collect();
        plan.values[out.index()].offset = *places.last().unwrap();
    };
    assert_eq!(broken(&overlapping), Rule::Apart);
}
