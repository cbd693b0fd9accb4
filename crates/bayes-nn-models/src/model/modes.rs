//! Several modes, seen in the chains of one variable.

use std::cmp::Ordering;

use bayes_nn_inference::diagnostics::ess_mean;

/// The chains of a variable that has two peaks with a valley between them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Modes {
    /// The medians of the draws below and above the valley.
    pub(super) centers: [f64; 2],
    /// How many chains have nearly all their draws below it, and above it.
    pub(super) staying: [usize; 2],
    /// How many have draws on both sides.
    pub(super) moving: usize,
}

/// The least share of the draws, and the least number, that is a mode.
const LEAST_SHARE: f64 = 0.05;
const LEAST_DRAWS: usize = 40;
/// The density in a valley is at most this part of that at the lower of the two peaks.
const VALLEY: f64 = 0.25;
/// A density is measured in windows whose half width is this part of the distance between peaks.
const WINDOW: f64 = 0.1;
/// A chain stays in a mode that has all but this share of its draws.
const STRAY: f64 = 0.05;
/// Modes are compared by mass, which is not known; one whose log density is lower by more nats on
/// average is rather a place in which chains are stuck.
const LEVELS: f64 = 5.0;
/// A chain that has fewer effective draws in its mode has rather not come anywhere yet. Where log
/// densities are known it is enough that it moves.
const LEAST_ESS: f64 = 10.0;

impl Modes {
    /// Of chains of one variable, with the log density at each of their draws where it is known.
    /// None where the variable has one peak, where the peaks lie at levels too different, or where
    /// chains without log densities seldom move.
    pub(super) fn of(chains: &[Vec<f64>], log_probs: Option<&[Vec<f64>]>) -> Option<Modes> {
        let mut sorted = chains.concat();
        sorted.sort_by(f64::total_cmp);
        let below = halved(&sorted)?;
        let least = LEAST_DRAWS.max((LEAST_SHARE * sorted.len() as f64) as usize);
        if below < least || sorted.len() - below < least {
            return None;
        }
        let centers = [&sorted[..below], &sorted[below..]].map(|side| side[side.len() / 2]);
        let distance = centers[1] - centers[0];
        let density = |x: f64| {
            let before = |x: f64| sorted.partition_point(|value| *value < x);
            before(x + WINDOW * distance) - before(x - WINDOW * distance)
        };
        let between = (2..=8).map(|tenth| centers[0] + 0.1 * f64::from(tenth) * distance);
        let valley = between.min_by_key(|x| density(*x))?;
        let peak = centers.map(density).into_iter().min()?;
        if density(valley) as f64 > VALLEY * peak as f64 {
            return None;
        }
        if let Some(log_probs) = log_probs {
            let level = |above: bool| {
                let draws = chains.iter().flatten().zip(log_probs.iter().flatten());
                let side = draws.filter(|(value, _)| (**value >= valley) == above);
                let (sum, count) = side.fold((0.0, 0.0), |(sum, n), (_, log)| (sum + log, n + 1.0));
                sum / count
            };
            // A level that is not a number is not alike.
            if (level(false) - level(true)).abs().partial_cmp(&LEVELS) != Some(Ordering::Less) {
                return None;
            }
        }
        let (below, above) = sorted.split_at(sorted.partition_point(|value| *value < valley));
        let centers = [below, above].map(|side| side[side.len() / 2]);
        let (mut staying, mut moving) = ([0; 2], 0);
        for chain in chains {
            let above = chain.iter().filter(|value| **value >= valley).count();
            match above as f64 / chain.len() as f64 {
                share if share <= STRAY => staying[0] += 1,
                share if share >= 1.0 - STRAY => staying[1] += 1,
                _ => {
                    moving += 1;
                    continue;
                }
            }
            let still = chain.iter().all(|value| *value == chain[0]);
            let mixes = || ess_mean(&[chain]).is_ok_and(|ess| ess >= LEAST_ESS);
            if still || log_probs.is_none() && !mixes() {
                return None;
            }
        }
        Some(Modes {
            centers,
            staying,
            moving,
        })
    }

    /// Which chains are where, of a variable of this name.
    pub(super) fn described(&self, name: &str) -> String {
        let [low, high] = self.centers.map(digits);
        let (below, above) = (self.staying[0], self.staying[1]);
        let mut chains = vec![
            format!("{below} near {low}"),
            format!("{above} near {high}"),
        ];
        if self.moving > 0 {
            chains.push(format!("{} at both in turn", self.moving));
        }
        let all = below + above + self.moving;
        format!("of {all} chains `{name}` is in {}", chains.join(", in "))
    }
}

/// Three digits.
fn digits(value: f64) -> String {
    let text = format!("{value:.2e}");
    match text.parse::<f64>() {
        Ok(value) if (1e-3..1e5).contains(&value.abs()) || value == 0.0 => value.to_string(),
        _ => text,
    }
}

/// How many of sorted values are in the lower of the two groups whose means explain most of the
/// variance (Otsu 1979). None of values that are all equal or not finite.
fn halved(sorted: &[f64]) -> Option<usize> {
    let (first, last) = (*sorted.first()?, *sorted.last()?);
    // In units of the range, so that sums of large values keep their digits.
    let units = |value: &f64| (value - first) / (last - first);
    let total: f64 = sorted.iter().map(units).sum();
    let count = sorted.len() as f64;
    let (mut sum, mut best) = (0.0, None::<(f64, usize)>);
    for (place, value) in sorted.iter().enumerate().take(sorted.len() - 1) {
        sum += units(value);
        let (low, high) = ((place + 1) as f64, count - (place + 1) as f64);
        let explained = low * high * (sum / low - (total - sum) / high).powi(2);
        if explained.is_finite() && best.is_none_or(|(most, _)| explained > most) {
            best = Some((explained, place + 1));
        }
    }
    Some(best.filter(|(explained, _)| *explained > 0.0)?.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use bayes_nn_distributions::{Distribution, Normal};

    /// Chains of 1,000 draws, shared among these means, each with a standard deviation.
    fn chains(parts: &[&[(f64, f64)]]) -> Vec<Vec<f64>> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let normal = Normal::new(0.0, 1.0);
        parts
            .iter()
            .map(|chain| {
                let each = 1_000 / chain.len();
                let draws = chain.iter().flat_map(|part| vec![*part; each]);
                draws
                    .map(|(mean, sd)| mean + sd * normal.draw(&[0.0, 1.0], &mut rng))
                    .collect()
            })
            .collect()
    }

    #[test]
    fn chains_in_modes_of_their_own_are_counted() {
        let (low, high) = ((-2.0, 0.5), (2.0, 0.2));
        let modes = Modes::of(&chains(&[&[low], &[high], &[low, high], &[high]]), None).unwrap();
        assert_eq!((modes.staying, modes.moving), ([1, 2], 1));
        assert!((modes.centers[0] + 2.0).abs() < 0.1, "{modes:?}");
        assert!((modes.centers[1] - 2.0).abs() < 0.1, "{modes:?}");
    }

    #[test]
    fn chains_that_merely_disagree_are_no_modes() {
        for parts in [
            // Around different values of one wide peak; of different widths; of a skewed peak.
            [&[(0.0, 1.0)][..], &[(1.0, 1.0)], &[(2.0, 1.0)]],
            [&[(0.0, 0.1)], &[(0.0, 1.0)], &[(0.0, 10.0)]],
            [&[(0.0, 1.0)], &[(0.0, 1.0)], &[(0.0, 1.0)]],
        ] {
            assert_eq!(Modes::of(&chains(&parts), None), None);
            let skewed = chains(&parts);
            let skewed: Vec<Vec<f64>> = skewed
                .iter()
                .map(|chain| chain.iter().map(|x| x.exp()).collect())
                .collect();
            assert_eq!(Modes::of(&skewed, None), None);
        }
        assert_eq!(Modes::of(&[vec![1.0; 1_000]], None), None);
    }

    #[test]
    fn places_that_slow_chains_have_not_left_are_no_modes() {
        let walk = |from: f64| (0..1_000).map(|i| from + 1e-4 * f64::from(i)).collect();
        let chains = [walk(-2.0), walk(2.0), walk(2.2), walk(1.9)];
        assert_eq!(Modes::of(&chains, None), None);
        let levels = vec![vec![0.0; 1_000]; 4];
        assert!(Modes::of(&chains, Some(&levels)).is_some());
        let [_, others @ ..] = chains;
        let stuck = [&[vec![-2.0; 1_000]], &others[..]].concat();
        assert_eq!(Modes::of(&stuck, Some(&levels)), None);
    }

    #[test]
    fn a_place_far_below_is_no_mode() {
        let draws = chains(&[&[(-2.0, 0.3)], &[(2.0, 0.3)]]);
        let levels = |low: f64| [vec![low; 1_000], vec![-3.0; 1_000]];
        assert!(Modes::of(&draws, Some(&levels(-4.0))).is_some());
        assert!(Modes::of(&draws, Some(&levels(-30.0))).is_none());
        assert!(Modes::of(&draws, Some(&levels(f64::NAN))).is_none());
    }
}
