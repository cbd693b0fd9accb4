//! The draft of a plan: passes and values that have no places yet.

use std::ops::Range;
use std::sync::Arc;

use bayes_nn_autodiff::{Kind, Shape};

use super::layout::Layout;
use super::{Input, Pass, ValueId};

/// A value whose place is not decided yet.
pub(super) struct DraftValue {
    pub shape: Shape,
    pub kind: Kind,
    pub layout: Layout,
    /// The value in whose memory it lies and where; `None` for memory of its own.
    pub within: Option<(ValueId, usize)>,
}

/// Passes and values, before they have places.
#[derive(Default)]
pub(super) struct Draft {
    pub values: Vec<DraftValue>,
    pub passes: Vec<Pass>,
    /// How many of them depend on data alone.
    pub hoisted: usize,
    /// Which are repeated for every draw, and how many draws there are.
    pub evaluations: Range<usize>,
    pub draws: usize,
    pub inputs: Vec<Input>,
    pub outputs: Vec<ValueId>,
    pub updates: Vec<(ValueId, ValueId)>,
    /// All states, those included that nothing updates.
    pub states: Vec<ValueId>,
    /// Outputs that are kept from step to step.
    pub records: Vec<ValueId>,
    pub constants: Vec<(ValueId, Arc<[f64]>)>,
}

impl Draft {
    /// For each value, the value with memory of its own in which it lies, and where.
    pub fn homes(&self) -> Vec<(ValueId, usize)> {
        let own = |value: usize| (ValueId(value as u32), 0);
        let mut homes: Vec<(ValueId, usize)> = (0..self.values.len()).map(own).collect();
        let mut chain = Vec::new();
        for value in 0..self.values.len() {
            // A value may lie in one that was made later, and that in another: each link is
            // followed once.
            let mut at = value;
            while let (true, Some((within, _))) = (homes[at] == own(at), self.values[at].within) {
                chain.push(at);
                at = within.index();
            }
            while let Some(inner) = chain.pop() {
                if let Some((within, offset)) = self.values[inner].within {
                    let (root, start) = homes[within.index()];
                    homes[inner] = (root, start + offset);
                }
            }
        }
        homes
    }
}
