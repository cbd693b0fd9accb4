//! Allocation: places in one arena for values that are needed from one pass to another.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// At most so many values are placed by size, which takes time quadratic in their number; more are
/// placed by time.
const MANY: usize = 2048;

/// Memory that is needed from one pass to another, both included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing {
    pub size: usize,
    pub from: usize,
    pub to: usize,
}

/// Where each finds room, and how much they need in all.
pub(crate) fn allocate(items: &[Passing]) -> (Vec<usize>, usize) {
    match items.len() <= MANY {
        true => by_size(items),
        false => by_time(items),
    }
}

/// Largest first, each at the lowest place that is free during its whole life.
fn by_size(items: &[Passing]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|&i| (Reverse(items[i].size), i));
    let mut offsets = vec![0; items.len()];
    let mut end = 0;
    for (rank, &index) in order.iter().enumerate() {
        let item = items[index];
        let mut taken: Vec<(usize, usize)> = order[..rank]
            .iter()
            .filter(|&&other| items[other].from <= item.to && item.from <= items[other].to)
            .map(|&other| (offsets[other], offsets[other] + items[other].size))
            .collect();
        taken.sort_unstable();
        let mut offset = 0;
        for (start, stop) in taken {
            if offset + item.size <= start {
                break;
            }
            offset = offset.max(stop);
        }
        offsets[index] = offset;
        end = end.max(offset + item.size);
    }
    (offsets, end)
}

/// In the order in which they are needed, each in the smallest gap that holds it.
fn by_time(items: &[Passing]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|&i| (items[i].from, Reverse(items[i].size), i));
    let mut offsets = vec![0; items.len()];
    let mut gaps = Gaps::default();
    let mut present: BinaryHeap<Reverse<(usize, usize)>> = BinaryHeap::new();
    for index in order {
        let item = items[index];
        while let Some(&Reverse((to, ended))) = present.peek()
            && to < item.from
        {
            present.pop();
            gaps.give(offsets[ended], items[ended].size);
        }
        if item.size > 0 {
            offsets[index] = gaps.take(item.size);
            present.push(Reverse((item.to, index)));
        }
    }
    (offsets, gaps.end)
}

/// Memory that nothing needs at present, up to the end of what was ever needed.
#[derive(Default)]
struct Gaps {
    /// Lengths by starts; gaps neither overlap nor touch.
    by_start: BTreeMap<usize, usize>,
    by_length: BTreeSet<(usize, usize)>,
    end: usize,
}

impl Gaps {
    fn insert(&mut self, start: usize, length: usize) {
        self.by_start.insert(start, length);
        self.by_length.insert((length, start));
    }

    fn remove(&mut self, start: usize, length: usize) {
        self.by_start.remove(&start);
        self.by_length.remove(&(length, start));
    }

    /// A place in the smallest gap that is large enough, or at the end.
    fn take(&mut self, size: usize) -> usize {
        if let Some(&(length, start)) = self.by_length.range((size, 0)..).next() {
            self.remove(start, length);
            if length > size {
                self.insert(start + size, length - size);
            }
            return start;
        }
        let last = self.by_start.last_key_value().map(|(s, l)| (*s, *l));
        let start = match last {
            Some((start, length)) if start + length == self.end => {
                self.remove(start, length);
                start
            }
            Some(_) | None => self.end,
        };
        self.end = start + size;
        start
    }

    /// Memory that is needed no longer, joined to the gaps beside it.
    fn give(&mut self, start: usize, size: usize) {
        let (mut start, mut length) = (start, size);
        if let Some((&before, &own)) = self.by_start.range(..start).next_back()
            && before + own == start
        {
            self.remove(before, own);
            (start, length) = (before, length + own);
        }
        if let Some(&own) = self.by_start.get(&(start + length)) {
            self.remove(start + length, own);
            length += own;
        }
        self.insert(start, length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lives and sizes of many kinds, from a sequence that is always the same.
    fn items(count: usize) -> Vec<Passing> {
        let mut state = 1u64;
        let mut below = |n: u64| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) % n
        };
        let item = |_| {
            let (from, life) = (below(500) as usize, below(40) as usize);
            Passing {
                size: 64 * below(6) as usize,
                from,
                to: from + life,
            }
        };
        (0..count).map(item).collect()
    }

    #[test]
    fn what_is_needed_at_the_same_time_lies_apart() {
        let items = items(600);
        for place in [by_size, by_time] {
            let (offsets, end) = place(&items);
            for (i, a) in items.iter().enumerate() {
                assert!(offsets[i] + a.size <= end);
                for (j, b) in items.iter().enumerate().take(i) {
                    let together = a.from <= b.to && b.from <= a.to;
                    let apart =
                        offsets[i] + a.size <= offsets[j] || offsets[j] + b.size <= offsets[i];
                    assert!(!together || apart || a.size * b.size == 0, "{i}, {j}");
                }
            }
        }
    }

    #[test]
    fn things_of_one_size_need_no_more_than_is_needed_at_once() {
        let mut items = items(600);
        for item in &mut items {
            item.size = 64;
        }
        let at = |time: usize| {
            items
                .iter()
                .filter(|i| (i.from..=i.to).contains(&time))
                .count()
        };
        let most = (0..600).map(at).max().unwrap();
        assert_eq!(by_time(&items).1, 64 * most);
    }
}
