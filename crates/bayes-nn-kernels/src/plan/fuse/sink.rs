//! Sinking: operations move to the later pass that alone needs them.
//!
//! An operation joins the first pass that can compute it, and one that needs only parameters
//! joins the very first. Where its result is read by a later pass over the same elements, it is
//! better computed there, unless that would carry more from pass to pass than the result itself.

use super::{DraftStep, Fuser, LONGEST_GROUP, squeezed};

/// A reading of a node by a member of a pass.
struct Use {
    user: usize,
    /// Element by element over the shape that the user's pass walks.
    aligned: bool,
}

impl Fuser<'_> {
    /// Moves what can be moved; `updates` are the states and the nodes of their next values.
    pub(super) fn sink(&mut self, updates: &[(usize, usize)]) {
        let mut uses: Vec<Vec<Use>> = self.nodes.iter().map(|_| Vec::new()).collect();
        let mut members = Vec::new();
        for step in &mut self.steps {
            if let DraftStep::PassDraft(pass) = step {
                pass.members.sort_unstable();
                members.extend_from_slice(&pass.members);
            }
        }
        members.sort_unstable_by(|a, b| b.cmp(a));
        for &user in &members {
            for (node, aligned) in self.readings(user) {
                uses[node].push(Use { user, aligned });
            }
        }
        for node in members {
            if let Some(to) = self.better_pass(node, &uses, updates) {
                self.move_to(node, to);
            }
        }
    }

    /// What a member of a pass reads, and whether it reads it element by element.
    fn readings(&self, user: usize) -> Vec<(usize, bool)> {
        let (operands, walk) = self.walked(user);
        let dims = squeezed(&walk);
        let mut readings: Vec<(usize, bool)> = Vec::new();
        for operand in operands {
            let source = self.source(operand, &walk);
            if self.immediate(source.node).is_none() {
                readings.push((source.node, self.is_aligned(&source, &dims)));
            }
        }
        readings.dedup();
        readings
    }

    /// The later pass that `node` should be computed in, if there is one.
    fn better_pass(
        &self,
        node: usize,
        uses: &[Vec<Use>],
        updates: &[(usize, usize)],
    ) -> Option<usize> {
        let from = self.at[node]?;
        let to = self.at[uses[node].first()?.user]?;
        let only_there = |u: &Use| u.aligned && self.at[u.user] == Some(to);
        if !self.is_element_wise(node)
            || to == from
            || (to < self.hoisted) != (from < self.hoisted)
            || self.value_of[node].is_some()
            || !uses[node].iter().all(only_there)
        {
            return None;
        }
        let room = |step: usize| match &self.steps[step] {
            DraftStep::PassDraft(pass) => pass.members.len() < LONGEST_GROUP,
            DraftStep::Done(_) => false,
        };
        let readings = self.readings(node);
        let intact = |&(read, aligned): &(usize, bool)| {
            let (root, _) = self.viewed(read);
            updates.iter().all(|&(state, next)| {
                state != root
                    || state == next
                    || self.at[next].is_some_and(|written| {
                        to < written || to == written && aligned && read == state
                    })
            })
        };
        if !room(to) || !readings.iter().all(intact) {
            return None;
        }
        // The result is written by one pass and read by another.
        let carried_now = 2;
        let carried_then: usize = readings
            .iter()
            .filter(|(_, aligned)| *aligned)
            .map(|&(read, _)| {
                let in_pass = |step| {
                    let here = |u: &Use| u.user != node && self.at[u.user] == Some(step);
                    self.at[read] == Some(step) || uses[read].iter().any(here)
                };
                let stored = self.at[read] != Some(from)
                    || self.value_of[read].is_some()
                    || uses[read]
                        .iter()
                        .any(|u| u.user != node && (!u.aligned || self.at[u.user] != Some(from)));
                usize::from(!in_pass(to)) + usize::from(!stored)
            })
            .sum();
        (carried_then <= carried_now).then_some(to)
    }

    fn move_to(&mut self, node: usize, to: usize) {
        let from = self.at[node].replace(to);
        if let Some(DraftStep::PassDraft(pass)) = from.map(|step| &mut self.steps[step]) {
            pass.members.retain(|n| *n != node);
        }
        if let DraftStep::PassDraft(pass) = &mut self.steps[to] {
            // Arguments have lower numbers than their users.
            let place = pass.members.partition_point(|n| *n < node);
            pass.members.insert(place, node);
        }
    }
}
