//! Batches of rows that together say most of a model's variables.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{entropy, plogp};

/// Configurations of the classes of a batch, at the most: where there are more, so many stand for them.
const MOST: usize = 10_000;
/// Configurations that are looked at together.
const TOGETHER: usize = 256;

/// What the classes of a batch of rows, which are not known, would say of the draws of a model's variables.
///
/// A configuration is a class for each row of the batch. Given one, a draw is as probable as it makes these
/// classes; and what the class of a further row says of the draws is the mutual information under these
/// weights, averaged over the configurations. Sums of it, row by row, are the joint mutual information of
/// BatchBALD (Kirsch et al. 2019), by the chain rule.
///
/// Configurations are exact up to [`MOST`]. Beyond that so many are drawn at random from all, by their
/// probability and with even strata (Kitagawa 1996, "Monte Carlo filter and smoother"), which is unbiased.
pub(super) struct Joint {
    draws: usize,
    classes: usize,
    /// The probability of each configuration.
    shares: Vec<f64>,
    /// The probability of each draw given each configuration, `[draws, configurations]`.
    weights: Vec<f64>,
    is_exact: bool,
    random: Xoshiro256PlusPlus,
    most: usize,
}

impl Joint {
    /// Of no rows yet.
    pub(super) fn new(draws: usize, classes: usize, seed: u64) -> Joint {
        Joint {
            draws,
            classes,
            shares: vec![1.0],
            weights: vec![1.0 / draws as f64; draws],
            is_exact: true,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            most: MOST,
        }
    }

    /// With another number of configurations at the most.
    #[cfg(test)]
    pub(super) fn of_most(self, most: usize) -> Joint {
        Joint { most, ..self }
    }

    pub(super) fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// The mutual information between the draws and the class of a row, given the classes of the batch, in
    /// nats; `p [draws, classes]`.
    pub(super) fn information(&self, p: &[f64]) -> f64 {
        let entropies: Vec<f64> = p.chunks_exact(self.classes).map(entropy).collect();
        let (mut classes, mut own) = (vec![0.0; self.classes * TOGETHER], vec![0.0; TOGETHER]);
        let mut sum = 0.0;
        for first in (0..self.shares.len()).step_by(TOGETHER) {
            let count = TOGETHER.min(self.shares.len() - first);
            classes.fill(0.0);
            own.fill(0.0);
            for draw in 0..self.draws {
                let weights = &self.weights[draw * self.shares.len() + first..][..count];
                let p = &p[draw * self.classes..][..self.classes];
                for (p, of_class) in p.iter().zip(classes.chunks_exact_mut(TOGETHER)) {
                    add(of_class, *p, weights);
                }
                add(&mut own, entropies[draw], weights);
            }
            for (place, share) in self.shares[first..first + count].iter().enumerate() {
                let of_classes = classes.iter().skip(place).step_by(TOGETHER);
                let total: f64 = of_classes.map(|p| plogp(*p)).sum();
                sum += share * (total - own[place]);
            }
        }
        sum.max(0.0)
    }

    /// Adds a row to the batch.
    pub(super) fn add(&mut self, p: &[f64]) {
        let count = self.shares.len();
        let mut next = vec![0.0; count * self.classes];
        for draw in 0..self.draws {
            let weights = &self.weights[draw * count..][..count];
            let p = &p[draw * self.classes..][..self.classes];
            for (next, weight) in next.chunks_exact_mut(self.classes).zip(weights) {
                add(next, *weight, p);
            }
        }
        for (next, share) in next.chunks_exact_mut(self.classes).zip(&self.shares) {
            next.iter_mut().for_each(|p| *p *= share);
        }
        // A configuration that no draw gives has no weights.
        let possible: Vec<usize> = (0..next.len()).filter(|place| next[*place] > 0.0).collect();
        let kept: Vec<(usize, f64)> = match possible.len() <= self.most {
            true => possible
                .iter()
                .map(|place| (*place, next[*place]))
                .collect(),
            false => self.drawn(&possible, &next),
        };
        let mut weights = vec![0.0; self.draws * kept.len()];
        for (number, (place, _)) in kept.iter().enumerate() {
            let (before, class) = (place / self.classes, place % self.classes);
            let probability = next[*place] / self.shares[before];
            for draw in 0..self.draws {
                let joint = self.weights[draw * count + before] * p[draw * self.classes + class];
                weights[draw * kept.len() + number] = joint / probability;
            }
        }
        self.weights = weights;
        self.shares = kept.into_iter().map(|(_, share)| share).collect();
    }

    /// Some of the configurations, with the shares that each stands for.
    fn drawn(&mut self, possible: &[usize], probabilities: &[f64]) -> Vec<(usize, f64)> {
        self.is_exact = false;
        let total: f64 = possible.iter().map(|place| probabilities[*place]).sum();
        let offset = (self.random.next_u64() >> 11) as f64 * (-53f64).exp2();
        let (mut kept, mut below, mut taken) = (Vec::new(), 0.0, 0);
        for place in possible {
            below += probabilities[*place] / total * self.most as f64;
            let until = ((below - offset).ceil().max(0.0) as usize).min(self.most);
            if until > taken {
                kept.push((*place, (until - taken) as f64 / self.most as f64));
                taken = until;
            }
        }
        kept
    }
}

/// `sums += factor * values`.
fn add(sums: &mut [f64], factor: f64, values: &[f64]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += factor * value;
    }
}

/// A batch of so many rows, each of which adds most to what those before it say, with what it adds.
///
/// `information` has the mutual information of each row by itself, and `load` gives probabilities `[rows, draws,
/// classes]` of rows, of which so many are asked for at once. What a row adds is never more than it says by
/// itself, nor more than it would have added to a smaller batch, so that a row is not looked at while another
/// adds more than that (Minoux 1978, "Accelerated greedy algorithms").
pub(super) fn batch<E>(
    mut joint: Joint,
    information: &[f64],
    k: usize,
    at_once: usize,
    mut load: impl FnMut(&[usize]) -> Result<Vec<f64>, E>,
) -> Result<Vec<(usize, f64)>, E> {
    let order = super::highest(information, information.len());
    let order: Vec<usize> = order.into_iter().map(|(row, _)| row).collect();
    let mut bounds: Vec<f64> = order.iter().map(|row| information[*row]).collect();
    let mut open: Vec<usize> = (0..order.len()).collect();
    let numbers = joint.draws * joint.classes;
    let mut held: Vec<f64> = Vec::new();
    let mut chosen = Vec::with_capacity(k);
    while chosen.len() < k {
        open.sort_by(|a, b| bounds[*b].total_cmp(&bounds[*a]).then(a.cmp(b)));
        let mut best = (0, f64::NEG_INFINITY);
        for (at, place) in open.iter().enumerate() {
            if best.1 >= bounds[*place] {
                break;
            }
            while held.len() <= place * numbers {
                let first = held.len() / numbers;
                let rows = &order[first..(first + at_once).min(order.len())];
                held.extend(load(rows)?);
            }
            let gain = match chosen.is_empty() {
                true => bounds[*place],
                false => joint.information(&held[place * numbers..][..numbers]),
            };
            let gain = gain.min(bounds[*place]);
            if joint.is_exact() {
                bounds[*place] = gain;
            }
            if gain > best.1 {
                best = (at, gain);
            }
        }
        let place = open.remove(best.0);
        chosen.push((order[place], best.1));
        joint.add(&held[place * numbers..][..numbers]);
    }
    Ok(chosen)
}
