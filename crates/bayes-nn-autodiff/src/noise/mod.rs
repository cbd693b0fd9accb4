//! The specification of all random numbers inside programs: counter-based noise, and keyed permutations.
//!
//! A draw is a pure function of where it stands: seed, step, stream (the site), row and column. Nothing is carried from
//! one draw to the next, so any executor may compute any element in any order, on any number of threads or on a GPU,
//! and resuming at a step needs nothing but its number.
//!
//! The source of randomness is Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2,
//! 3" (SC'11), <https://doi.org/10.1145/2063384.2063405>: ten rounds of 32-bit products that turn a 128-bit counter into
//! 128 bits that pass every test of TestU01. Both precisions are driven by the same integers, so a program in `f32` and
//! its twin in `f64` see the same noise up to rounding, and so do the backends, up to the last digits of their elementary
//! functions.
//!
//! What is here is scalar and in `f64`: the reference that executors are tested against.
//!
//! # Layout
//! Columns are taken in groups of 64. The 16 lanes of a group are 16 counters, and word w of lane l is column 16w + l:
//! a vector of lanes is then a vector of neighbouring columns, stored without a shuffle.

use std::f64::consts::TAU;

/// The version of this specification: another one gives other numbers for the same seed.
pub const VERSION: u64 = 1;
/// Columns that share one set of counters.
pub const GROUP: usize = 64;
/// Counters in a group; each gives four words.
pub const LANES: usize = 16;
/// Multipliers of a Philox round (Salmon et al., table 2).
pub const PHILOX_M: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// Increments of the Philox key from round to round: the golden ratio and sqrt(3) - 1.
pub const PHILOX_W: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Philox4x32 with ten rounds (Salmon et al. 2011, section 3.3).
pub fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    let [mut k0, mut k1] = key;
    for _ in 0..10 {
        let p0 = u64::from(PHILOX_M[0]) * u64::from(c0);
        let p1 = u64::from(PHILOX_M[1]) * u64::from(c2);
        (c0, c1, c2, c3) = (
            (p1 >> 32) as u32 ^ c1 ^ k0,
            p1 as u32,
            (p0 >> 32) as u32 ^ c3 ^ k1,
            p0 as u32,
        );
        k0 = k0.wrapping_add(PHILOX_W[0]);
        k1 = k1.wrapping_add(PHILOX_W[1]);
    }
    [c0, c1, c2, c3]
}

fn halves(x: u64) -> [u32; 2] {
    [x as u32, (x >> 32) as u32]
}

/// Which noise: everything about a draw but its row and column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NoiseKey {
    /// Seed of the run.
    pub seed: u64,
    /// Step of the program. Below 2^44 steps and 2^20 streams no two draws share a counter.
    pub step: u64,
    /// Stream: one number for each site that draws.
    pub stream: u32,
}

impl NoiseKey {
    /// Philox counter for row `row` and column `column`; word `(column % 64) / 16` of the result belongs to it.
    pub fn counter(&self, row: u32, column: u32) -> [u32; 4] {
        let (group, lane) = (column / GROUP as u32, column % LANES as u32);
        let [low, high] = halves(self.step);
        [
            group * LANES as u32 + lane,
            row,
            low,
            self.stream ^ (high << 20),
        ]
    }

    /// Philox key: the seed.
    pub fn philox_key(&self) -> [u32; 2] {
        halves(self.seed)
    }

    fn words(&self, row: u32, column: u32) -> ([u32; 4], usize) {
        let words = philox4x32_10(self.counter(row, column), self.philox_key());
        (words, column as usize % GROUP / LANES)
    }
}

/// Standard normal number at `row` and `column`, by Box and Muller (1958).
///
/// The words of a counter make two pairs. The first word of a pair gives the radius sqrt(-2 ln u) with u = (word + 1/2)
/// 2^-32, the second the angle 2 pi word 2^-32. The four words give cosine and sine of the first pair, then of the
/// second. No draw is beyond sqrt(66 ln 2) = 6.76; the mass of a normal outside is 1.4e-11.
pub fn normal(key: &NoiseKey, row: u32, column: u32) -> f64 {
    let (words, word) = key.words(row, column);
    let (radius_word, angle_word) = (words[word / 2 * 2], words[word / 2 * 2 + 1]);
    let unit = (f64::from(radius_word) + 0.5) * 2f64.powi(-32);
    let radius = (-2.0 * libm::log(unit)).sqrt();
    // The nearest quarter turn is taken off as an integer: zeros are then exact, and no precision loses digits.
    let rest = f64::from((angle_word << 2) as i32 >> 2);
    let (sin, cos) = libm::sincos(rest * (TAU * 2f64.powi(-32)));
    let quarter = angle_word.wrapping_add(1 << 29) >> 30;
    let turned = if word % 2 == 0 { quarter + 1 } else { quarter };
    radius
        * match turned % 4 {
            0 => sin,
            1 => cos,
            2 => -sin,
            _ => -cos,
        }
}

/// Uniform number at `row` and `column`, in the open interval (0, 1).
///
/// (k + 1/2) 2^-23 with k the top 23 bits of the word. This many, since k + 1/2 then is an `f32`: both precisions give
/// exactly the same number, never 0 and never 1.
pub fn uniform(key: &NoiseKey, row: u32, column: u32) -> f64 {
    let (words, word) = key.words(row, column);
    (f64::from(words[word] >> 9) + 0.5) * 2f64.powi(-23)
}

/// Rounds of the permutation network.
const ROUNDS: usize = 8;
/// Bits of the smallest network. In halves of one or two bits eight rounds leave some orders visibly more frequent.
const SMALLEST_NETWORK: u32 = 6;

/// A keyed pseudo-random permutation of `0..len`, evaluated at one place in constant memory.
///
/// A Feistel network over the bits of `len - 1`, in which the two halves take turns in being xored with a hash of the
/// other; numbers that come out at `len` or above are sent through again ("cycle walking": Black and Rogaway, "Ciphers
/// with arbitrary finite domains", CT-RSA 2002), on average fewer than two passes from 33 items on, and 64 / `len` below.
/// Luby and Rackoff (1988) prove four rounds pseudo-random for good round functions; eight make up for a cheap one.
///
/// ```
/// use bayes_nn_autodiff::noise::Permutation;
///
/// let epoch = Permutation::new(42, 0, 3, 10);
/// let mut rows: Vec<u64> = (0..10).map(|i| epoch.at(i)).collect();
/// rows.sort_unstable();
/// assert!(rows.into_iter().eq(0..10));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Permutation {
    len: u64,
    low_bits: u32,
    low_mask: u32,
    high_mask: u32,
    keys: [u32; ROUNDS],
}

impl Permutation {
    /// Permutation number `epoch` of `0..len`.
    ///
    /// Its keys are Philox words whose first counter word lies beyond every column of [`normal`] and [`uniform`].
    ///
    /// # Panics
    /// If `len` is 0 or above 2^40.
    pub fn new(seed: u64, stream: u32, epoch: u64, len: u64) -> Permutation {
        assert!(
            (1..=1 << 40).contains(&len),
            "a permutation of {len} items: from 1 to 2^40 are possible"
        );
        let bits = (u64::BITS - (len - 1).leading_zeros()).max(SMALLEST_NETWORK);
        let low_bits = bits.div_ceil(2);
        let [low, high] = halves(epoch);
        let mut keys = [0; ROUNDS];
        for (block, four) in keys.chunks_exact_mut(4).enumerate() {
            let counter = [u32::MAX - block as u32, low, high, stream];
            four.copy_from_slice(&philox4x32_10(counter, halves(seed)));
        }
        Permutation {
            len,
            low_bits,
            low_mask: (1 << low_bits) - 1,
            high_mask: (1 << (bits - low_bits)) - 1,
            keys,
        }
    }

    /// Number of items.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Never: a permutation has at least one item.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Item at place `i`.
    ///
    /// # Panics
    /// In debug builds, if `i` is not below [`Permutation::len`].
    pub fn at(&self, i: u64) -> u64 {
        debug_assert!(i < self.len, "place {i} of {} items", self.len);
        let [x] = self.through([i]);
        self.inside(x)
    }

    /// Items at the places from `first` on, in single words; for a caller that is compiled for an instruction set to
    /// inline.
    ///
    /// # Panics
    /// In debug builds, if a place is not below [`Permutation::len`].
    #[inline(always)]
    pub fn fill(&self, first: u64, out: &mut [u32]) {
        debug_assert!(
            first + out.len() as u64 <= self.len,
            "{} places from {first} on of {} items",
            out.len(),
            self.len
        );
        for (number, out) in out.chunks_mut(LANES).enumerate() {
            let start = first + (number * LANES) as u64;
            let mut places = [0; LANES];
            for (lane, place) in places.iter_mut().enumerate() {
                *place = start + lane as u64;
            }
            // Beyond the last place lanes hold anything, and are not read.
            for (out, x) in out.iter_mut().zip(self.through(places)) {
                *out = self.inside(x) as u32;
            }
        }
    }

    /// Numbers of the network, once through it.
    #[inline(always)]
    fn through<const N: usize>(&self, places: [u64; N]) -> [u64; N] {
        let (mut low, mut high) = ([0; N], [0; N]);
        for (lane, x) in places.into_iter().enumerate() {
            low[lane] = x as u32 & self.low_mask;
            high[lane] = (x >> self.low_bits) as u32;
        }
        for pair in self.keys.chunks_exact(2) {
            for lane in 0..N {
                high[lane] ^= mix(low[lane] ^ pair[0]) & self.high_mask;
                low[lane] ^= mix(high[lane] ^ pair[1]) & self.low_mask;
            }
        }
        let mut out = [0; N];
        for (lane, out) in out.iter_mut().enumerate() {
            *out = u64::from(high[lane]) << self.low_bits | u64::from(low[lane]);
        }
        out
    }

    /// A number of the network, sent through again until it is one of an item.
    #[inline(always)]
    fn inside(&self, mut x: u64) -> u64 {
        while x >= self.len {
            [x] = self.through([x]);
        }
        x
    }
}

/// A 32-bit hash of two products, every input bit flipping every output bit with probability near 1/2: "lowbias32" of
/// Wellons, "Prospecting for hash functions" (2018).
#[inline(always)]
fn mix(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ x >> 16
}

/// Item at place `i` of permutation number `epoch` of `0..n`; see [`Permutation`], which pays for the keys once.
///
/// # Panics
/// As [`Permutation::new`] and [`Permutation::at`].
pub fn permuted(seed: u64, stream: u32, epoch: u64, n: u64, i: u64) -> u64 {
    Permutation::new(seed, stream, epoch, n).at(i)
}

#[cfg(test)]
mod tests;
