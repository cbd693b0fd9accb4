//! Postponing: operations move to the later group that alone needs them.
//!
//! An operation joins the first group that can compute it, and one that needs only parameters
//! joins the very first. Where its result is read by a later group over the same elements, it is
//! better computed there, unless that would carry more from group to group than the result itself.

use std::collections::HashMap;

use super::fuse::{Fusion, PassDraft};
use super::layout::squeezed;
use super::lower::Lowering;
use super::views::Views;

/// Moves what can be moved; `updates` are the states and the nodes of their next values.
pub(super) fn postpone(lowering: &mut Lowering<'_>, updates: &[(usize, usize)]) {
    let mut members = Vec::new();
    for pass in &mut lowering.fusion.passes {
        if let PassDraft::Group(group) = pass {
            group.members.sort_unstable();
            members.extend_from_slice(&group.members);
        }
    }
    members.sort_unstable_by(|a, b| b.cmp(a));
    let mut uses = Uses::new(&lowering.views, &lowering.fusion, &members);
    let mut next_of: HashMap<usize, Vec<usize>> = HashMap::new();
    for &(state, next) in updates.iter().filter(|(state, next)| state != next) {
        next_of.entry(state).or_default().push(next);
    }
    for node in members {
        if let Some(to) = better_group(lowering, node, &uses, &next_of) {
            let from = lowering.fusion.at[node];
            let readings = readings(&lowering.views, node);
            uses.count(from, &readings, -1);
            uses.count(Some(to), &readings, 1);
            lowering.fusion.move_to(node, to);
        }
    }
}

/// Of each node, which groups read it, and how often.
struct Uses {
    /// The last of the users.
    last: Vec<Option<usize>>,
    /// All readings, and those that are not element by element over the shape of their group.
    all: Vec<[usize; 2]>,
    /// The same of each group.
    of_group: HashMap<(usize, usize), [usize; 2]>,
}

impl Uses {
    /// `members` are all users, the last one first.
    fn new(views: &Views<'_>, fusion: &Fusion, members: &[usize]) -> Uses {
        let mut uses = Uses {
            last: vec![None; views.nodes.len()],
            all: vec![[0; 2]; views.nodes.len()],
            of_group: HashMap::new(),
        };
        for &user in members {
            let readings = readings(views, user);
            for &(node, _) in &readings {
                uses.last[node].get_or_insert(user);
            }
            uses.count(fusion.at[user], &readings, 1);
            for (node, aligned) in readings {
                add(&mut uses.all[node], aligned, 1);
            }
        }
        uses
    }

    /// Adds readings by a member of a group, or takes them away.
    fn count(&mut self, group: Option<usize>, readings: &[(usize, bool)], change: isize) {
        let Some(group) = group else { return };
        for &(node, aligned) in readings {
            let counts = self.of_group.entry((node, group)).or_default();
            add(counts, aligned, change);
        }
    }

    fn by(&self, node: usize, group: usize) -> [usize; 2] {
        self.of_group.get(&(node, group)).copied().unwrap_or([0; 2])
    }
}

fn add([all, unaligned]: &mut [usize; 2], aligned: bool, change: isize) {
    *all = all.wrapping_add_signed(change);
    if !aligned {
        *unaligned = unaligned.wrapping_add_signed(change);
    }
}

/// What a member of a group reads, and whether it reads it element by element.
fn readings(views: &Views<'_>, user: usize) -> Vec<(usize, bool)> {
    let (operands, walk) = views.walked(user);
    let dims = squeezed(&walk);
    let mut readings: Vec<(usize, bool)> = Vec::new();
    for operand in operands {
        let source = views.source(operand, &walk);
        if views.immediate(source.node).is_none() {
            readings.push((source.node, views.is_aligned(&source, &dims)));
        }
    }
    readings.dedup();
    readings
}

/// The later group that `node` should be computed in, if there is one.
fn better_group(
    lowering: &Lowering<'_>,
    node: usize,
    uses: &Uses,
    next_of: &HashMap<usize, Vec<usize>>,
) -> Option<usize> {
    let (views, fusion) = (&lowering.views, &lowering.fusion);
    let at = &fusion.at;
    let from = at[node]?;
    let to = at[uses.last[node]?]?;
    let [all, unaligned] = uses.all[node];
    if !views.is_element_wise(node)
        || to == from
        || (to < fusion.hoisted) != (from < fusion.hoisted)
        || lowering.value_of[node].is_some()
        || unaligned > 0
        || uses.by(node, to)[0] < all
        || !fusion.has_room(to)
    {
        return None;
    }
    let readings = readings(views, node);
    let intact = |&(read, aligned): &(usize, bool)| {
        let (root, _) = views.viewed(read);
        let mut nexts = next_of.get(&root).into_iter().flatten();
        nexts.all(|&next| {
            at[next].is_some_and(|written| to < written || to == written && aligned && read == root)
        })
    };
    if !readings.iter().all(intact) {
        return None;
    }
    // The result is written by one group and read by another.
    let carried_now = 2;
    let carried_then: usize = readings
        .iter()
        .filter(|(_, aligned)| *aligned)
        .map(|&(read, _)| {
            // Readings by other members than the node itself.
            let mut own = [0; 2];
            for (_, aligned) in readings.iter().filter(|(other, _)| *other == read) {
                add(&mut own, *aligned, 1);
            }
            let others = |[all, unaligned]: [usize; 2]| [all - own[0], unaligned - own[1]];
            let [all, unaligned] = others(uses.all[read]);
            let [all_here, unaligned_here] = others(uses.by(read, from));
            let in_group = at[read] == Some(to) || uses.by(read, to)[0] > 0;
            let aligned_elsewhere = (all - unaligned) > (all_here - unaligned_here);
            let stored = at[read] != Some(from)
                || lowering.value_of[read].is_some()
                || unaligned > 0
                || aligned_elsewhere;
            usize::from(!in_group) + usize::from(!stored)
        })
        .sum();
    (carried_then <= carried_now).then_some(to)
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::Graph;

    use crate::plan::{FusedGroup, Pass, Plan};

    fn computed(group: &FusedGroup) -> usize {
        let instructions = group.instructions.iter();
        instructions.filter(|i| i.is_computed()).count()
    }

    #[test]
    fn what_one_later_group_needs_is_computed_there() {
        let graph = Graph::new();
        let (x, y) = (graph.input("x", [3000]), graph.input("y", [3000]));
        // The scale is known before the first group; the product is needed after the sum.
        let scaled = (x * 2.0).exp();
        let total = (y + 1.0).sum();
        let plan = Plan::new(&graph, &[scaled * total], &[]).unwrap();
        let counts = plan.passes.iter().filter_map(Pass::group).map(computed);
        assert_eq!(counts.collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn what_two_groups_need_stays_where_it_is() {
        let graph = Graph::new();
        let x = graph.input("x", [3000]);
        let y = x.exp();
        let plan = Plan::new(&graph, &[y / y.sum()], &[]).unwrap();
        let counts = plan.passes.iter().filter_map(Pass::group).map(computed);
        assert_eq!(counts.collect::<Vec<_>>(), [1, 1]);
    }
}
