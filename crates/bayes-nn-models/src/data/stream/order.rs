//! The order in which rows are streamed: blocks of them shuffled, and rows within a few blocks.

use std::ops::Range;

use bayes_nn_autodiff::noise::Permutation;

/// The streams of the permutations of blocks and of rows.
const BLOCKS: u32 = 2;
const ROWS: u32 = 3;

/// Blocks whose rows are shuffled together.
const WINDOW: usize = 8;

/// An endless sequence of epochs, each of which has every row once: the blocks in a random order, and the
/// rows of every eight that follow one another in a random order, too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) rows: usize,
    /// Rows of a block; the last may have fewer.
    pub(crate) block: usize,
}

/// Blocks that are read together, and the order of their rows.
pub(super) struct Window {
    pub(super) blocks: Vec<Range<usize>>,
    pub(super) rows: usize,
    order: Permutation,
}

impl Order {
    /// How many windows an epoch has.
    pub(super) fn windows(self) -> usize {
        self.blocks().div_ceil(WINDOW)
    }

    fn blocks(self) -> usize {
        self.rows.div_ceil(self.block)
    }

    pub(super) fn window(self, seed: u64, epoch: u64, number: usize) -> Window {
        let shuffled = Permutation::new(seed, BLOCKS, epoch, self.blocks() as u64);
        let first = number * WINDOW;
        let last = (first + WINDOW).min(self.blocks());
        let blocks = (first..last).map(|place| {
            let start = shuffled.at(place as u64) as usize * self.block;
            start..(start + self.block).min(self.rows)
        });
        let blocks: Vec<Range<usize>> = blocks.collect();
        let rows = blocks.iter().map(Range::len).sum();
        let all = epoch * self.windows() as u64 + number as u64;
        Window {
            blocks,
            rows,
            order: Permutation::new(seed, ROWS, all, rows as u64),
        }
    }

    /// The epoch, the window and the place in it of a row of the whole sequence.
    pub(super) fn place(self, seed: u64, position: u64) -> (u64, usize, usize) {
        let epoch = position / self.rows as u64;
        let mut place = (position % self.rows as u64) as usize;
        let mut number = 0;
        loop {
            let rows = self.window(seed, epoch, number).rows;
            if place < rows {
                return (epoch, number, place);
            }
            place -= rows;
            number += 1;
        }
    }
}

impl Window {
    /// The block of the row at a place of the order, and the row's number in it.
    pub(super) fn at(&self, place: usize) -> (usize, usize) {
        let mut row = self.order.at(place as u64) as usize;
        let mut block = 0;
        while row >= self.blocks[block].len() {
            row -= self.blocks[block].len();
            block += 1;
        }
        (block, row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_has_every_row_once_in_another_order() {
        for (rows, block) in [(1, 1), (7, 3), (1_000, 7), (64, 64), (100, 1_000)] {
            let order = Order { rows, block };
            let epoch = |epoch| {
                let mut all = Vec::new();
                for number in 0..order.windows() {
                    let window = order.window(5, epoch, number);
                    for place in 0..window.rows {
                        let position = epoch * rows as u64 + all.len() as u64;
                        assert_eq!(order.place(5, position), (epoch, number, place));
                        let (block, row) = window.at(place);
                        all.push(window.blocks[block].start + row);
                    }
                }
                all
            };
            let [mut first, second] = [epoch(0), epoch(1)];
            assert_eq!(first == second, rows == 1);
            first.sort_unstable();
            assert!(first.into_iter().eq(0..rows));
        }
    }
}
