//! An exact test of whether ranks are uniform.
//!
//! Of `n` uniform ranks from 0 to `L`, the number below `j` is binomial with `n` and
//! `j / (L + 1)`. The statistic is the smallest two-sided tail probability of these numbers over
//! all `j`: how far the empirical distribution function comes from the middle of its band where
//! it comes farthest (Säilynoja, Bürkner and Vehtari 2022, "Graphical test for discrete
//! uniformity and its applications in goodness-of-fit evaluation and multiple sample
//! comparison"). Its distribution under uniformity is computed, not simulated: the numbers are a
//! Markov chain in `j`.

/// Numbers that belong to one tail probability differ by rounding only.
const ROUNDING: f64 = 1.0 + 1e-9;

/// The probability that ranks among `draws` others, if they are uniform from 0 to `draws`, have a
/// distribution function as far from uniform as this one, or farther. Values below about 1e-13
/// are rounding.
///
/// ```
/// use bayes_nn_validation::sbc::p_value;
/// let even: Vec<usize> = (0..640).map(|i| i % 64).collect();
/// assert!(p_value(&even, 63) > 0.99);
/// let low: Vec<usize> = even.iter().map(|rank| rank * 4 / 5).collect();
/// assert!(p_value(&low, 63) < 1e-12);
/// ```
pub fn p_value(ranks: &[usize], draws: usize) -> f64 {
    let n = ranks.len();
    let binomials = Binomials::new(n);
    let below = |j: usize| ranks.iter().filter(|rank| **rank < j).count();
    let share = |j: usize| j as f64 / (draws + 1) as f64;
    let tails: Vec<Vec<f64>> = (1..=draws).map(|j| binomials.two_sided(share(j))).collect();
    let statistic = tails
        .iter()
        .enumerate()
        .map(|(i, tails)| tails[below(i + 1)]);
    let statistic = statistic.fold(f64::INFINITY, f64::min) * ROUNDING;

    // The probability of every number below j, having been inside all bands up to there.
    let mut inside = vec![0.0; n + 1];
    inside[0] = 1.0;
    for (i, tails) in tails.iter().enumerate() {
        let step = (share(i + 1) - share(i)) / (1.0 - share(i));
        let mut after = vec![0.0; n + 1];
        for (from, probability) in inside.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            for to in (from..=n).filter(|to| tails[*to] > statistic) {
                after[to] += probability * binomials.probability(n - from, to - from, step);
            }
        }
        inside = after;
    }
    (1.0 - inside.iter().sum::<f64>()).clamp(0.0, 1.0)
}

/// Binomial probabilities of up to so many trials.
struct Binomials {
    log_factorials: Vec<f64>,
}

impl Binomials {
    fn new(most: usize) -> Binomials {
        let mut log_factorials = vec![0.0];
        for k in 1..=most {
            log_factorials.push(log_factorials[k - 1] + (k as f64).ln());
        }
        Binomials { log_factorials }
    }

    fn probability(&self, trials: usize, successes: usize, p: f64) -> f64 {
        let failures = trials - successes;
        let orders = self.log_factorials[trials]
            - self.log_factorials[successes]
            - self.log_factorials[failures];
        // No failure at p = 1: zero times the logarithm of zero.
        let of_failures = match failures {
            0 => 0.0,
            count => count as f64 * (-p).ln_1p(),
        };
        (orders + successes as f64 * p.ln() + of_failures).exp()
    }

    /// For each number of successes twice the smaller of the probabilities to have as few, and
    /// to have as many.
    fn two_sided(&self, p: f64) -> Vec<f64> {
        let n = self.log_factorials.len() - 1;
        let each: Vec<f64> = (0..=n).map(|k| self.probability(n, k, p)).collect();
        let summed = |values: &mut dyn Iterator<Item = f64>| -> Vec<f64> {
            let sums = values.scan(0.0, |sum, p| {
                *sum += p;
                Some(*sum)
            });
            sums.collect()
        };
        let few = summed(&mut each.iter().copied());
        let many = summed(&mut each.iter().rev().copied());
        let many = many.iter().rev();
        few.iter()
            .zip(many)
            .map(|(few, many)| 2.0 * few.min(*many))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statistic, written out anew.
    fn statistic(ranks: &[usize], draws: usize) -> f64 {
        let n = ranks.len();
        let choose = |k: usize| {
            (0..k)
                .map(|i| (n - i) as f64 / (i + 1) as f64)
                .product::<f64>()
        };
        let mut least = f64::INFINITY;
        for j in 1..=draws {
            let p = j as f64 / (draws + 1) as f64;
            let of = |k: usize| choose(k) * p.powi(k as i32) * (1.0 - p).powi((n - k) as i32);
            let below = ranks.iter().filter(|rank| **rank < j).count();
            let few: f64 = (0..=below).map(of).sum();
            let many: f64 = (below..=n).map(of).sum();
            least = least.min(2.0 * few.min(many));
        }
        least
    }

    #[test]
    fn the_p_value_is_the_share_of_all_samples_that_are_as_extreme() {
        for (n, draws) in [(4usize, 2usize), (5, 3), (3, 5)] {
            let levels = draws + 1;
            let sample = |mut code: usize| -> Vec<usize> {
                let digits = (0..n).map(|_| {
                    let digit = code % levels;
                    code /= levels;
                    digit
                });
                digits.collect()
            };
            let all: Vec<Vec<usize>> = (0..levels.pow(n as u32)).map(sample).collect();
            let statistics: Vec<f64> = all.iter().map(|ranks| statistic(ranks, draws)).collect();
            for (ranks, own) in all.iter().zip(&statistics) {
                let extreme = statistics.iter().filter(|s| **s <= own * ROUNDING).count();
                let expected = extreme as f64 / all.len() as f64;
                let got = p_value(ranks, draws);
                assert!(
                    (got - expected).abs() < 1e-12,
                    "{ranks:?}: {got}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn ranks_that_crowd_in_the_middle_or_at_the_ends_are_found() {
        let middle: Vec<usize> = (0..300).map(|i| 16 + i % 32).collect();
        let ends: Vec<usize> = (0..300)
            .map(|i| if i % 2 == 0 { i % 20 } else { 63 - i % 20 })
            .collect();
        for ranks in [middle, ends] {
            assert!(p_value(&ranks, 63) < 1e-9);
        }
    }
}
