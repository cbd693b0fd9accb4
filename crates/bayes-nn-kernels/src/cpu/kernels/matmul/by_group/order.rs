//! In which order columns are read, by the groups of which they are.

use super::PIECE;
use crate::error::KernelError;

/// Columns of one group.
#[derive(Clone, Copy)]
pub(super) struct Piece {
    pub(super) group: usize,
    /// Where they start, in the order of groups.
    pub(super) start: usize,
    pub(super) columns: usize,
    /// Of sums over rows, which of the partial sums these terms go to; those of the first piece of a
    /// group go to the result.
    pub(super) partial: Option<usize>,
}

/// Columns in the order of their groups.
#[derive(Default)]
pub(super) struct Order {
    /// The index of which the order is, if there was one.
    index: Vec<u32>,
    /// The columns, if they do not lie in this order.
    pub(super) columns: Vec<u32>,
    pub(super) pieces: Vec<Piece>,
    /// How many partial sums the pieces need.
    pub(super) partials: usize,
    /// Where the columns of each group go, while they are sorted.
    next: Vec<u32>,
}

impl Order {
    /// Notes that so many columns are of the next group.
    pub(super) fn push(&mut self, group: usize, columns: usize) {
        let first = self.pieces.last();
        let first = first.map_or(0, |last| last.start + last.columns);
        for start in (0..columns.max(1)).step_by(PIECE) {
            let partial = (start > 0).then(|| {
                self.partials += 1;
                self.partials - 1
            });
            self.pieces.push(Piece {
                group,
                start: first + start,
                columns: PIECE.min(columns - start),
                partial,
            });
        }
    }

    /// Brings the order to what an index into so many groups says.
    pub(super) fn update(&mut self, index: &[u32], groups: usize) -> Result<(), KernelError> {
        if self.index == index && !self.pieces.is_empty() {
            return Ok(());
        }
        if let Some(position) = index.iter().position(|group| *group as usize >= groups) {
            return Err(KernelError::Index {
                name: "matmul_by_group".to_owned(),
                value: f64::from(index[position]),
                position,
                length: groups,
            });
        }
        self.index.clear();
        self.index.extend_from_slice(index);
        self.next.clear();
        self.next.resize(groups, 0);
        for group in index {
            self.next[*group as usize] += 1;
        }
        self.pieces.clear();
        self.partials = 0;
        for group in 0..groups {
            self.push(group, self.next[group] as usize);
        }
        self.columns.clear();
        if !index.is_sorted() {
            let mut start = 0;
            for next in &mut self.next {
                start += std::mem::replace(next, start);
            }
            self.columns.resize(index.len(), 0);
            for (column, group) in index.iter().enumerate() {
                let next = &mut self.next[*group as usize];
                self.columns[*next as usize] = column as u32;
                *next += 1;
            }
        }
        Ok(())
    }
}
