//! Scores of rows against sums over all configurations of their classes.

use std::convert::Infallible;

use super::epig::Targets;
use super::joint::{Joint, batch};
use super::*;

/// Probabilities `[rows, draws, classes]`, some of them 0.
fn table(rows: usize, draws: usize, classes: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::seed(seed);
    let mut p = Vec::new();
    for _ in 0..rows * draws {
        let (mut own, sharpness) = (Vec::new(), 2.0 * random.normals()[0].abs());
        while own.len() < classes {
            let normals = random.normals();
            own.extend(normals.map(|n| if n < -1.5 { 0.0 } else { (sharpness * n).exp() }));
        }
        own.truncate(classes);
        own[0] += 1e-3;
        let sum: f64 = own.iter().sum();
        p.extend(own.iter().map(|p| p / sum));
    }
    p
}

/// `H(y_1..b) - E H(y_1..b given w)` by all configurations.
fn joint_information(rows: &[&[f64]], draws: usize, classes: usize) -> f64 {
    let configurations = classes.pow(rows.len() as u32);
    let (mut together, mut given) = (0.0, 0.0);
    for configuration in 0..configurations {
        let mut mean = 0.0;
        for draw in 0..draws {
            let mut rest = configuration;
            let mut p = 1.0;
            for row in rows {
                p *= row[draw * classes + rest % classes];
                rest /= classes;
            }
            mean += p / draws as f64;
            given += plogp(p) / draws as f64;
        }
        together += plogp(mean);
    }
    together - given
}

fn chosen(p: &[f64], joint: Joint, k: usize, numbers: usize, at_once: usize) -> Vec<(usize, f64)> {
    let own = |p| Joint::new(numbers / CLASSES, CLASSES, 0).information(p);
    let information: Vec<f64> = p.chunks_exact(numbers).map(own).collect();
    let load = |rows: &[usize]| -> Result<Vec<f64>, Infallible> {
        let of = |row: &usize| &p[row * numbers..][..numbers];
        Ok(rows.iter().flat_map(of).copied().collect())
    };
    batch(joint, &information, k, at_once, load).unwrap()
}

const CLASSES: usize = 3;
const DRAWS: usize = 7;
const NUMBERS: usize = CLASSES * DRAWS;

#[test]
fn what_a_row_adds_is_the_difference_of_joint_mutual_informations() {
    for seed in 0..20 {
        let p = table(5, DRAWS, CLASSES, seed);
        let rows: Vec<&[f64]> = p.chunks_exact(NUMBERS).collect();
        let mut joint = Joint::new(DRAWS, CLASSES, 0);
        let (mut sum, mut alone) = (0.0, 0.0);
        for count in 1..=rows.len() {
            let row = rows[count - 1];
            sum += joint.information(row);
            joint.add(row);
            alone += joint_information(&[row], DRAWS, CLASSES);
            let exact = joint_information(&rows[..count], DRAWS, CLASSES);
            assert!((sum - exact).abs() < 1e-12, "{sum} for {exact}");
            assert!(sum <= alone + 1e-12 && sum <= (DRAWS as f64).ln() + 1e-12);
        }
    }
}

#[test]
fn a_batch_is_the_greedy_one_by_enumeration_however_few_rows_are_loaded_at_once() {
    for seed in 0..10 {
        let p = table(12, DRAWS, CLASSES, 100 + seed);
        let rows: Vec<&[f64]> = p.chunks_exact(NUMBERS).collect();
        let mut expected: Vec<usize> = Vec::new();
        let mut scores = Vec::new();
        for _ in 0..4 {
            let so_far: Vec<&[f64]> = expected.iter().map(|row| rows[*row]).collect();
            let before = joint_information(&so_far, DRAWS, CLASSES);
            let gain = |row: usize| {
                let all = [&so_far[..], &[rows[row]]].concat();
                joint_information(&all, DRAWS, CLASSES) - before
            };
            let open = (0..rows.len()).filter(|row| !expected.contains(row));
            let gains = open.map(|row| (row, gain(row)));
            let (row, gain) = gains.max_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap();
            expected.push(row);
            scores.push(gain);
        }
        for at_once in [1, 5, 12] {
            let found = chosen(&p, Joint::new(DRAWS, CLASSES, 0), 4, NUMBERS, at_once);
            let found_rows: Vec<usize> = found.iter().map(|(row, _)| *row).collect();
            assert_eq!(found_rows, expected);
            for ((_, found), expected) in found.iter().zip(&scores) {
                assert!((found - expected).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn a_copy_of_a_row_is_worth_less_than_the_row_and_the_first_of_copies_is_taken() {
    let once = table(6, DRAWS, CLASSES, 5);
    let rows = once.chunks_exact(NUMBERS).flat_map(|row| [row, row]);
    let twice = rows.collect::<Vec<_>>().concat();
    let found = chosen(&twice, Joint::new(DRAWS, CLASSES, 0), 12, NUMBERS, 4);
    let mut rows: Vec<usize> = found.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows[0] % 2, 0);
    assert!(found.windows(2).all(|pair| pair[0].1 >= pair[1].1 - 1e-12));
    rows.sort_unstable();
    assert_eq!(rows, (0..12).collect::<Vec<_>>());
}

/// Forty configurations stand for up to 729. The standard error of the mean over seeds is taken from the
/// seeds; four of them are exceeded once in 15,000 times.
#[test]
fn configurations_that_are_drawn_give_the_mutual_information_without_bias() {
    let p = table(6, DRAWS, CLASSES, 11);
    let rows: Vec<&[f64]> = p.chunks_exact(NUMBERS).collect();
    let exact = joint_information(&rows, DRAWS, CLASSES);
    let before = joint_information(&rows[..5], DRAWS, CLASSES);
    let seeds = 400;
    let estimates: Vec<f64> = (0..seeds)
        .map(|seed| {
            let mut joint = Joint::new(DRAWS, CLASSES, seed).of_most(40);
            rows[..5].iter().for_each(|row| joint.add(row));
            assert!(!joint.is_exact());
            joint.information(rows[5])
        })
        .collect();
    let mean = estimates.iter().sum::<f64>() / seeds as f64;
    let squares: f64 = estimates.iter().map(|e| (e - mean).powi(2)).sum();
    let error = (squares / (seeds * (seeds - 1)) as f64).sqrt();
    let found = exact - before;
    assert!(
        (mean - found).abs() < 4.0 * error,
        "{mean} for {found}, {error}"
    );
    assert!(error < 0.02 * found);
}

#[test]
fn predictive_information_is_that_of_the_joint_table_of_two_classes() {
    let p = table(5, DRAWS, CLASSES, 3);
    let rows: Vec<&[f64]> = p.chunks_exact(NUMBERS).collect();
    let targets = Targets::new(&p[NUMBERS..], DRAWS, CLASSES);
    let mut sum = 0.0;
    for target in &rows[1..] {
        // The divergence of the joint table from the product of its margins.
        let mut joint = [[0.0; CLASSES]; CLASSES];
        for draw in 0..DRAWS {
            for (y, of_y) in joint.iter_mut().enumerate() {
                for (other, p) in of_y.iter_mut().enumerate() {
                    let product = rows[0][draw * CLASSES + y] * target[draw * CLASSES + other];
                    *p += product / DRAWS as f64;
                }
            }
        }
        for y in 0..CLASSES {
            for other in 0..CLASSES {
                let margins: [f64; 2] = [
                    joint[y].iter().sum(),
                    joint.iter().map(|of_y| of_y[other]).sum(),
                ];
                let p = joint[y][other];
                if p > 0.0 {
                    sum += p * (p / (margins[0] * margins[1])).ln();
                }
            }
        }
    }
    let found = targets.information(rows[0]);
    assert!(
        (found - sum / 4.0).abs() < 1e-12,
        "{found} for {}",
        sum / 4.0
    );
    // A class says no more of another than of the draws that both come from.
    assert!(found <= joint_information(&[rows[0]], DRAWS, CLASSES));
}

#[test]
fn the_highest_scores_come_first_and_of_equal_ones_the_first_row() {
    let found = highest(&[0.5, 0.7, 0.5, 0.1, 0.7], 4);
    assert_eq!(found, [(1, 0.7), (4, 0.7), (0, 0.5), (2, 0.5)]);
    let mut all = some(9, 9, 4);
    assert_eq!(some(9, 3, 4), all[..3]);
    all.sort_unstable();
    assert_eq!(all, (0..9).collect::<Vec<_>>());
}
