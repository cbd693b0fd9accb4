//! Draws of several chains: checks, halves, ranks and order statistics.

use super::{DiagnosticsError, special};

/// The least number of draws of a chain: two in each half.
const MIN_DRAWS: usize = 4;

/// Finite draws of chains of one length, chain after chain.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draws {
    values: Vec<f64>,
    length: usize,
}

impl Draws {
    /// At least `min_chains` chains of equal length, of four finite draws or more.
    pub(super) fn new(chains: &[&[f64]], min_chains: usize) -> Result<Self, DiagnosticsError> {
        let length = equal_length(chains, min_chains)?;
        if length < MIN_DRAWS {
            return Err(DiagnosticsError::TooFewDraws {
                needed: MIN_DRAWS,
                got: length,
            });
        }
        for (chain, draws) in chains.iter().enumerate() {
            finite(chain, draws)?;
        }
        Ok(Draws {
            values: chains.concat(),
            length,
        })
    }

    /// All draws.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Draws of each chain.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    pub(super) fn chains(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.length)
    }

    /// Each chain as two; the middle draw of an odd number belongs to neither.
    pub(super) fn split(&self) -> Draws {
        let half = self.length / 2;
        let first = self.chains().map(|draws| &draws[..half]);
        let second = self.chains().map(|draws| &draws[self.length - half..]);
        Draws {
            values: first.chain(second).flatten().copied().collect(),
            length: half,
        }
    }

    pub(super) fn map(&self, f: impl Fn(f64) -> f64) -> Draws {
        Draws {
            values: self.values.iter().map(|&x| f(x)).collect(),
            length: self.length,
        }
    }

    /// The draws as distances from the first, in units of the largest distance, and that unit.
    ///
    /// Chains far from zero keep the digits by which they differ, and powers of draws of any
    /// scale neither overflow nor vanish. The unit of equal draws is 1.
    pub(super) fn in_units(&self) -> (Draws, f64) {
        let origin = self.values[0];
        let distances = self.values.iter().map(|x| (x - origin).abs());
        let largest = distances.fold(0.0, f64::max);
        let unit = if largest > 0.0 { largest } else { 1.0 };
        (self.map(|x| (x - origin) / unit), unit)
    }

    /// Distances from the median: what is far out on either side becomes large.
    pub(super) fn fold(&self) -> Draws {
        let median = self.median();
        self.map(|x| (x - median).abs())
    }

    /// Normal scores of the ranks among all draws, (r - 3/8) / (S + 1/4) (Vehtari et al. 2021,
    /// section 4). Equal draws have the mean of their ranks.
    pub(super) fn rank_normalize(&self) -> Draws {
        let mut order: Vec<usize> = (0..self.values.len()).collect();
        order.sort_unstable_by(|&i, &j| self.values[i].total_cmp(&self.values[j]));
        let mut scores = vec![0.0; order.len()];
        let mut below = 0;
        for equal in order.chunk_by(|&i, &j| self.values[i] == self.values[j]) {
            let rank = below as f64 + (equal.len() as f64 + 1.0) / 2.0;
            let score = special::normal_quantile((rank - 0.375) / (order.len() as f64 + 0.25));
            for &i in equal {
                scores[i] = score;
            }
            below += equal.len();
        }
        Draws {
            values: scores,
            length: self.length,
        }
    }

    pub(super) fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    }

    /// Quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan).
    ///
    /// Interpolates from the nearer neighbour: an indicator of draws below a quantile compares
    /// with it exactly.
    pub(super) fn quantile(&self, probability: f64) -> f64 {
        let sorted = self.sorted();
        let position = (sorted.len() - 1) as f64 * probability;
        let below = position.floor();
        let share = position - below;
        let (a, b) = (
            sorted[below as usize],
            sorted[(below as usize + 1).min(sorted.len() - 1)],
        );
        if share >= 0.5 {
            b - (b - a) * (1.0 - share)
        } else {
            a + (b - a) * share
        }
    }

    fn median(&self) -> f64 {
        let sorted = self.sorted();
        let middle = sorted.len() / 2;
        if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            (sorted[middle - 1] + sorted[middle]) / 2.0
        }
    }

    pub(super) fn is_constant(&self) -> bool {
        is_constant(&self.values)
    }
}

/// The length of all of at least `min_chains` chains.
pub(super) fn equal_length(
    chains: &[&[f64]],
    min_chains: usize,
) -> Result<usize, DiagnosticsError> {
    let needed = min_chains.max(1);
    if chains.len() < needed {
        return Err(DiagnosticsError::TooFewChains {
            needed,
            got: chains.len(),
        });
    }
    let expected = chains[0].len();
    match chains.iter().position(|draws| draws.len() != expected) {
        Some(chain) => Err(DiagnosticsError::UnequalChains {
            chain,
            got: chains[chain].len(),
            expected,
        }),
        None => Ok(expected),
    }
}

/// All values finite, or the first that is not.
pub(super) fn finite(chain: usize, draws: &[f64]) -> Result<(), DiagnosticsError> {
    match draws.iter().position(|x| !x.is_finite()) {
        Some(draw) => Err(DiagnosticsError::NotFinite {
            chain,
            draw,
            value: draws[draw],
        }),
        None => Ok(()),
    }
}

pub(super) fn is_constant(values: &[f64]) -> bool {
    values.iter().all(|&x| x == values[0])
}

/// Mean, summed as distances from the first value: those far from zero keep their digits.
pub(super) fn mean(values: &[f64]) -> f64 {
    let distances = values.iter().map(|x| x - values[0]);
    values[0] + distances.sum::<f64>() / values.len() as f64
}

/// Sum of squared distances from the mean; exactly 0 for equal values.
pub(super) fn sum_of_squares(values: &[f64]) -> f64 {
    if is_constant(values) {
        return 0.0;
    }
    let mean = mean(values);
    values.iter().map(|x| (x - mean) * (x - mean)).sum()
}

/// Variance with the divisor n - 1.
pub(super) fn variance(values: &[f64]) -> f64 {
    sum_of_squares(values) / (values.len() as f64 - 1.0)
}

pub(super) fn check_probability(
    field: &'static str,
    probability: f64,
) -> Result<(), DiagnosticsError> {
    if probability > 0.0 && probability < 1.0 {
        return Ok(());
    }
    Err(DiagnosticsError::Setting {
        field,
        value: probability,
        allowed: "above 0 and below 1",
    })
}
