//! Shapes of any lengths have an answer to every question.

use bayes_nn_autodiff::Shape;
use proptest::prelude::*;

/// Lengths and axes, some of which wrap around when they are multiplied or added.
const SIZES: [usize; 12] = [
    0,
    1,
    2,
    3,
    4,
    1 << 31,
    1 << 32,
    1 << 33,
    (1 << 62) + 1,
    1 << 63,
    usize::MAX - 1,
    usize::MAX,
];

fn size(choice: u8) -> usize {
    SIZES[usize::from(choice) % SIZES.len()]
}

proptest! {
    #[test]
    fn shapes_of_any_lengths_have_an_answer(
        lengths in prop::collection::vec(any::<u8>(), 0..8),
        others in prop::collection::vec(any::<u8>(), 0..7),
        numbers in any::<[u8; 3]>(),
    ) {
        let of = |choices: &[u8]| {
            let lengths: Vec<usize> = choices.iter().map(|c| size(*c)).collect();
            Shape::try_new(&lengths)
        };
        let (Some(a), Some(b)) = (of(&lengths), of(&others)) else {
            return Ok(());
        };
        let exact = |lengths: &[usize]| {
            let product = lengths.iter().try_fold(1u128, |p, l| p.checked_mul(*l as u128));
            match lengths.contains(&0) {
                true => 0,
                false => product.map_or(usize::MAX, |p| usize::try_from(p).unwrap_or(usize::MAX)),
            }
        };
        prop_assert_eq!(a.elements(), exact(&a));
        prop_assert_eq!(a.rows(), exact(&a[..a.len().saturating_sub(1)]));
        prop_assert_eq!(a.columns(), a.last().copied().unwrap_or(1));
        let [n, from, to] = numbers.map(size);
        prop_assert!(a.without(from, to).rank() <= a.rank());
        prop_assert_eq!(a.with(n, 7).rank(), a.rank());
        a.aligned(n, to);
        if let Some(common) = a.broadcast(&b) {
            prop_assert_eq!(common.rank(), a.rank().max(b.rank()));
        }
        prop_assert!(a.to_string().starts_with('['));
    }
}
