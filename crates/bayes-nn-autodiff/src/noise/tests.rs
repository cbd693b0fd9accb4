//! Known answers, moments, and permutations that are fair.

use super::*;
use std::collections::HashMap;

#[test]
fn philox_gives_the_known_answers_of_random123() {
    assert_eq!(
        philox4x32_10([0; 4], [0; 2]),
        [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
    );
    assert_eq!(
        philox4x32_10([u32::MAX; 4], [u32::MAX; 2]),
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
    );
    assert_eq!(
        philox4x32_10(
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0]
        ),
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
    );
}

const KEY: NoiseKey = NoiseKey {
    seed: 20_240_607,
    step: 5,
    stream: 3,
};

#[test]
fn normals_of_one_counter_are_two_points_in_the_plane() {
    let words = philox4x32_10(KEY.counter(2, 70), KEY.philox_key());
    for pair in 0..2 {
        let x = normal(&KEY, 2, 70 + 32 * pair);
        let y = normal(&KEY, 2, 70 + 16 + 32 * pair);
        let unit = (f64::from(words[2 * pair as usize]) + 0.5) / 2f64.powi(32);
        let turn = f64::from(words[2 * pair as usize + 1]) / 2f64.powi(32);
        assert!((x.hypot(y) - (-2.0 * unit.ln()).sqrt()).abs() < 1e-14);
        assert!((y.atan2(x).rem_euclid(TAU) - TAU * turn).abs() < 1e-14);
    }
}

/// Five moments at once; each beyond 5 standard errors has probability 6e-7 or so under the hypothesis.
#[test]
fn normals_have_the_moments_of_the_standard_normal() {
    let n = 200_000;
    let mut sums = [0.0; 4];
    let mut lagged = 0.0;
    let mut previous = 0.0;
    for i in 0..n {
        let z = normal(&KEY, i / 1000, i % 1000);
        for (power, sum) in sums.iter_mut().enumerate() {
            *sum += z.powi(power as i32 + 1);
        }
        lagged += z * previous;
        previous = z;
    }
    let n = f64::from(n);
    for (sum, expected, variance) in [
        (sums[0], 0.0, 1.0),
        (sums[1], 1.0, 2.0),
        (sums[2], 0.0, 15.0),
        (sums[3], 3.0, 96.0),
        (lagged, 0.0, 1.0),
    ] {
        assert!((sum / n - expected).abs() < 5.0 * f64::sqrt(variance / n));
    }
}

#[test]
fn uniforms_are_single_precision_numbers_strictly_between_zero_and_one() {
    for column in 0..10_000 {
        let u = uniform(&KEY, 0, column);
        assert!(u > 0.0 && u < 1.0);
        assert_eq!(f64::from(u as f32), u);
    }
    let largest = (f64::from(u32::MAX >> 9) + 0.5) * 2f64.powi(-23);
    assert!((largest as f32) < 1.0);
}

#[test]
fn every_part_of_the_key_changes_the_noise() {
    let draw = |seed, step, stream, row, column| {
        normal(&NoiseKey { seed, step, stream }, row, column).to_bits()
    };
    let mut draws = vec![
        draw(1, 1, 1, 1, 1),
        draw(2, 1, 1, 1, 1),
        draw(1 + (1 << 32), 1, 1, 1, 1),
        draw(1, 2, 1, 1, 1),
        draw(1, 1 + (1 << 32), 1, 1, 1),
        draw(1, 1, 2, 1, 1),
        draw(1, 1, 1, 2, 1),
        draw(1, 1, 1, 1, 2),
        draw(1, 1, 1, 1, 17),
        draw(1, 1, 1, 1, 65),
    ];
    draws.sort_unstable();
    draws.dedup();
    assert_eq!(draws.len(), 10);
}

#[test]
fn a_permutation_holds_every_item_once() {
    for n in [
        1, 2, 3, 4, 5, 7, 8, 9, 10, 64, 100, 500, 512, 1003, 65_536, 65_537,
    ] {
        for epoch in 0..4 {
            let permutation = Permutation::new(9, 1, epoch, n);
            let mut seen = vec![false; n as usize];
            for i in 0..n {
                let item = permutation.at(i) as usize;
                assert!(!seen[item], "{item} twice among {n}");
                seen[item] = true;
            }
        }
    }
}

#[test]
fn many_places_at_once_hold_the_items_of_each() {
    for n in [1, 5, 16, 33, 500, 513, 65_537] {
        let permutation = Permutation::new(3, 2, 1, n);
        for first in [0, n / 3, n - 1] {
            let mut items = vec![0; (n - first).min(100) as usize];
            permutation.fill(first, &mut items);
            let each = (first..n).map(|i| permutation.at(i) as u32);
            assert!(
                items.iter().copied().eq(each.take(items.len())),
                "{n} from {first}"
            );
        }
    }
}

#[test]
fn the_largest_permutation_stays_inside() {
    for len in [1 << 40, (1 << 39) + 1] {
        let permutation = Permutation::new(1, 0, 0, len);
        let mut items: Vec<u64> = (0..1000).map(|i| permutation.at(len - 1 - i)).collect();
        assert!(items.iter().all(|&item| item < len));
        items.sort_unstable();
        items.dedup();
        assert_eq!(items.len(), 1000);
    }
}

#[test]
fn epochs_streams_and_seeds_give_different_orders() {
    let order = |seed, stream, epoch| -> Vec<u64> {
        (0..50)
            .map(|i| permuted(seed, stream, epoch, 50, i))
            .collect()
    };
    let first = order(1, 1, 0);
    assert_ne!(first, order(1, 1, 1));
    assert_ne!(first, order(1, 1, 1 << 32));
    assert_ne!(first, order(1, 2, 0));
    assert_ne!(first, order(2, 1, 0));
}

/// The chi-square statistic is below its mean plus 5 standard deviations plus 15 but for about one seed in 10^6.
fn assert_uniform(counts: &[u32], what: &str) {
    let expected = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
    let chi2: f64 = counts
        .iter()
        .map(|&c| (f64::from(c) - expected).powi(2) / expected)
        .sum();
    let degrees = counts.len() as f64 - 1.0;
    let bound = degrees + 5.0 * (2.0 * degrees).sqrt() + 15.0;
    assert!(chi2 < bound, "{what}: {chi2} with {degrees} degrees");
}

#[test]
fn every_item_comes_to_every_place_equally_often() {
    for n in [2, 3, 5, 6, 10, 13, 16, 100] {
        for place in [0, n / 2, n - 1] {
            let mut counts = vec![0; n as usize];
            for epoch in 0..200 * n {
                counts[permuted(3, 7, epoch, n, place) as usize] += 1;
            }
            assert_uniform(&counts, &format!("place {place} of {n}"));
        }
    }
}

#[test]
fn two_places_are_independent_of_each_other() {
    let n = 12;
    let mut counts = vec![0; (n * (n - 1)) as usize];
    for epoch in 0..100_000 {
        let permutation = Permutation::new(3, 7, epoch, n);
        let (a, b) = (permutation.at(4), permutation.at(5));
        counts[(a * (n - 1) + b - u64::from(b > a)) as usize] += 1;
    }
    assert_uniform(&counts, "pairs");
}

#[test]
fn all_orders_of_few_items_are_equally_likely() {
    for (n, orders) in [(3, 6), (4, 24), (5, 120), (6, 720)] {
        let mut counts: HashMap<Vec<u64>, u32> = HashMap::new();
        for epoch in 0..500 * orders {
            let permutation = Permutation::new(11, 0, epoch, n);
            let order = (0..n).map(|i| permutation.at(i)).collect();
            *counts.entry(order).or_default() += 1;
        }
        assert_eq!(counts.len() as u64, orders);
        let counts: Vec<u32> = counts.into_values().collect();
        assert_uniform(&counts, &format!("orders of {n}"));
    }
}
