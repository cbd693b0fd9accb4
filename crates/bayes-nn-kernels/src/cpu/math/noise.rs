//! Counter-based noise, many draws at a time: what [`bayes_nn_autodiff::noise`] specifies, a group of 64 columns in one
//! straight run of vector code.

use bayes_nn_autodiff::noise::{GROUP, LANES, NoiseKey, PHILOX_M, PHILOX_W};

use super::exp_log::{ln_reduced, split};
use super::real::{Real, select};
use super::trig::sin_cos_reduced;
use crate::cpu::isa::{Level, multiversion};
use crate::element::Bits;

multiversion! {
    /// Fills `out` with the standard normal numbers of row `row` from column `first_column` on.
    ///
    /// Equal to [`bayes_nn_autodiff::noise::normal`] up to the rounding of `T`; an `f32` is computed in `f32`.
    ///
    /// # Panics
    /// If `first_column` is not a multiple of 64.
    pub fn normals<T: Real>(key: &NoiseKey, row: u32, first_column: usize, out: &mut [T]) = fill_normals;
}

multiversion! {
    /// Fills `out` with the uniform numbers of row `row` from column `first_column` on: exactly
    /// [`bayes_nn_autodiff::noise::uniform`].
    ///
    /// # Panics
    /// If `first_column` is not a multiple of 64.
    pub fn uniforms<T: Real>(key: &NoiseKey, row: u32, first_column: usize, out: &mut [T]) = fill_uniforms;
}

/// Body of [`normals`], for callers that are compiled for an instruction set already.
#[inline(always)]
pub fn fill_normals<L: Level, T: Real>(
    key: &NoiseKey,
    row: u32,
    first_column: usize,
    out: &mut [T],
) {
    fill::<L, T, Normal>(key, row, first_column, out);
}

/// Body of [`uniforms`], for callers that are compiled for an instruction set already.
#[inline(always)]
pub fn fill_uniforms<L: Level, T: Real>(
    key: &NoiseKey,
    row: u32,
    first_column: usize,
    out: &mut [T],
) {
    fill::<L, T, Uniform>(key, row, first_column, out);
}

/// The words of one group: word w of lane l belongs to column 16w + l.
type Words = [[u32; LANES]; 4];

/// How words become numbers. A trait, not a closure: the call through a closure is not always inlined, and left outside
/// it has none of the instruction set's features.
trait Draw {
    fn group<L: Level, T: Real>(words: &Words, out: &mut [T; GROUP]);
}

struct Normal;
struct Uniform;

#[inline(always)]
fn fill<L: Level, T: Real, D: Draw>(key: &NoiseKey, row: u32, first_column: usize, out: &mut [T]) {
    assert!(
        first_column.is_multiple_of(GROUP),
        "noise starts at a multiple of {GROUP} columns, not at {first_column}"
    );
    let mut column = first_column as u32;
    let mut whole = out.chunks_exact_mut(GROUP);
    for chunk in &mut whole {
        if let Ok(chunk) = chunk.try_into() {
            D::group::<L, T>(&philox_group(key, row, column), chunk);
        }
        column += GROUP as u32;
    }
    let rest = whole.into_remainder();
    if !rest.is_empty() {
        let mut last = [T::ZERO; GROUP];
        D::group::<L, T>(&philox_group(key, row, column), &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// Philox4x32-10 over the lanes of the group that starts at `column`.
///
/// Words are kept in 64 bits, whose upper halves hold leftovers of the products: a vector instruction multiplies 32 bits
/// into 64 in such lanes, and ignores the upper halves.
#[inline(always)]
fn philox_group(key: &NoiseKey, row: u32, column: u32) -> Words {
    const LOW: u64 = 0xffff_ffff;
    let [start, c1, c2, c3] = key.counter(row, column).map(u64::from);
    let seed = key.philox_key();
    let mut words = [[0; LANES]; 4];
    for lane in 0..LANES {
        let mut c = [start + lane as u64, c1, c2, c3];
        for round in 0..10u32 {
            let k0 = u64::from(seed[0].wrapping_add(PHILOX_W[0].wrapping_mul(round)));
            let k1 = u64::from(seed[1].wrapping_add(PHILOX_W[1].wrapping_mul(round)));
            let first = (c[0] & LOW) * u64::from(PHILOX_M[0]);
            let second = (c[2] & LOW) * u64::from(PHILOX_M[1]);
            c = [
                (second >> 32) ^ c[1] ^ k0,
                second,
                (first >> 32) ^ c[3] ^ k1,
                first,
            ];
        }
        for (word, c) in words.iter_mut().zip(c) {
            word[lane] = c as u32;
        }
    }
    words
}

impl Draw for Uniform {
    #[inline(always)]
    fn group<L: Level, T: Real>(words: &Words, out: &mut [T; GROUP]) {
        let scale = T::from_f64(2f64.powi(-23));
        for (out, &word) in out.iter_mut().zip(words.as_flattened()) {
            // 23 bits: the conversion from signed integers, which every instruction set has, will do.
            *out = (T::from_i32((word >> 9) as i32) + T::HALF) * scale;
        }
    }
}

impl Draw for Normal {
    #[inline(always)]
    fn group<L: Level, T: Real>(words: &Words, out: &mut [T; GROUP]) {
        let [first, second, third, fourth] = words;
        let (left, right) = out.split_at_mut(GROUP / 2);
        box_muller_lanes::<L, T>(first, second, left);
        box_muller_lanes::<L, T>(third, fourth, right);
    }
}

#[inline(always)]
fn box_muller_lanes<L: Level, T: Real>(radii: &[u32; LANES], angles: &[u32; LANES], out: &mut [T]) {
    let (cosines, sines) = out.split_at_mut(LANES);
    for lane in 0..LANES {
        let (x, y) = box_muller::<L, T>(radii[lane], angles[lane]);
        cosines[lane] = x;
        sines[lane] = y;
    }
}

/// Two standard normal numbers from the word of the radius and the word of the angle.
#[inline(always)]
fn box_muller<L: Level, T: Real>(radius: u32, angle: u32) -> (T, T) {
    // sqrt(1/2) 2^32. From here on u = 1 - v is so near 1 that ln u is computed from v, which the complement holds
    // without loss: in `f32` u itself might round to 1.
    let near_one = radius >= 0xb504_f334;
    let part = T::from_u32(select(near_one, !radius, radius)) + T::HALF;
    let scale = T::from_f64(2f64.powi(-32));
    let (m, k, _) = split(part);
    let f = select(near_one, -part * scale, m - T::ONE);
    let k = select(near_one, T::ZERO, k - T::from_i32(32));
    let length = (ln_reduced::<L, T>(f, k) * -T::TWO).sqrt();

    // Nearest quarter turn, and what is left as a signed 30-bit integer.
    let quarter = angle.wrapping_add(1 << 29) >> 30;
    let rest = T::from_i32((angle << 2) as i32 >> 2);
    let step = T::from_f64(std::f64::consts::TAU * 2f64.powi(-32));
    let (sin, cos) = sin_cos_reduced::<L, T>(rest * step, T::Bits::low(u64::from(quarter)));
    (length * cos, length * sin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::isa::Isa;
    use bayes_nn_autodiff::noise;

    const KEY: NoiseKey = NoiseKey {
        seed: 0x1234_5678_9abc_def0,
        step: (7 << 32) + 11,
        stream: 5,
    };

    fn assert_normals_are_the_specified<T: Real>(tolerance: f64) {
        for isa in Isa::available() {
            let mut out = vec![T::ZERO; 64 * 40 + 17];
            for row in 0..20 {
                normals(isa.check().unwrap(), &KEY, row, 128, &mut out);
                for (i, z) in out.iter().enumerate() {
                    let expected = noise::normal(&KEY, row, 128 + i as u32);
                    let error = (z.to_f64() - expected).abs() / expected.abs();
                    assert!(
                        error < tolerance,
                        "{isa} {:?}: {z} for {expected}",
                        T::PRECISION
                    );
                }
            }
        }
    }

    #[test]
    fn normals_are_the_specified_ones_up_to_rounding() {
        assert_normals_are_the_specified::<f32>(6e-7);
        assert_normals_are_the_specified::<f64>(2e-15);
    }

    fn assert_uniforms_are_the_specified<T: Real>() {
        for isa in Isa::available() {
            let mut out = vec![T::ZERO; 64 * 40 + 17];
            for row in 0..20 {
                uniforms(isa.check().unwrap(), &KEY, row, 64, &mut out);
                for (i, u) in out.iter().enumerate() {
                    assert_eq!(
                        u.to_f64(),
                        noise::uniform(&KEY, row, 64 + i as u32),
                        "{isa}"
                    );
                }
            }
        }
    }

    #[test]
    fn uniforms_are_exactly_the_specified_ones() {
        assert_uniforms_are_the_specified::<f32>();
        assert_uniforms_are_the_specified::<f64>();
    }

    /// Words at which a careless radius or angle would be infinite, missing, or off by a quarter turn.
    fn assert_extreme_words_are_harmless<T: Real>(tolerance: f64) {
        let words = [
            0,
            1,
            (1 << 23) + 1,
            0x1fff_ffff,
            1 << 29,
            1 << 30,
            1 << 31,
            0xb504_f333,
            0xb504_f334,
            0xffff_ff00,
            u32::MAX - 1,
            u32::MAX,
        ];
        for radius in words {
            for angle in words {
                let (x, y) = box_muller::<crate::cpu::isa::Baseline, T>(radius, angle);
                let unit = (f64::from(radius) + 0.5) * 2f64.powi(-32);
                let length = (-2.0 * libm::log(unit)).sqrt();
                let (sin, cos) =
                    libm::sincos(f64::from(angle) * 2f64.powi(-32) * std::f64::consts::TAU);
                assert!((x.to_f64() - length * cos).abs() <= tolerance * length);
                assert!((y.to_f64() - length * sin).abs() <= tolerance * length);
            }
        }
    }

    #[test]
    fn extreme_words_give_ordinary_normals() {
        assert_extreme_words_are_harmless::<f32>(4e-7);
        assert_extreme_words_are_harmless::<f64>(2e-15);
    }

    #[test]
    fn numbers_depend_on_their_position_only() {
        for isa in Isa::available() {
            let mut whole = vec![0f32; 1000];
            normals(isa.check().unwrap(), &KEY, 3, 0, &mut whole);
            for start in (0..1000).step_by(64) {
                for len in [1, 15, 16, 64, 100, 1000 - start] {
                    let len = len.min(1000 - start);
                    let mut part = vec![0f32; len];
                    normals(isa.check().unwrap(), &KEY, 3, start, &mut part);
                    assert_eq!(part, whole[start..start + len], "{isa} {start} {len}");
                }
            }
        }
    }

    /// Kolmogorov-Smirnov: the bound 2.5 / sqrt(n) is passed with probability 7e-6 under the hypothesis. Moments: five
    /// standard errors, 6e-7 each.
    #[test]
    fn normals_are_standard_normal() {
        let n = 1 << 18;
        let isa = Isa::available().into_iter().last().unwrap_or(Isa::Baseline);
        let mut z = vec![0f32; n];
        normals(isa.check().unwrap(), &KEY, 0, 0, &mut z);
        let mut z: Vec<f64> = z.into_iter().map(f64::from).collect();
        let count = n as f64;
        for (power, expected, variance) in
            [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)]
        {
            let mean = z.iter().map(|z| z.powi(power)).sum::<f64>() / count;
            let bound = 5.0 * f64::sqrt(variance / count);
            assert!((mean - expected).abs() < bound, "moment {power}: {mean}");
        }
        z.sort_unstable_by(f64::total_cmp);
        let distance = z
            .iter()
            .enumerate()
            .map(|(i, z)| {
                let cdf = 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
                (cdf - i as f64 / count)
                    .abs()
                    .max(((i + 1) as f64 / count - cdf).abs())
            })
            .fold(0.0, f64::max);
        assert!(distance * count.sqrt() < 2.5, "{}", distance * count.sqrt());
    }

    #[test]
    #[should_panic(expected = "multiple of 64")]
    fn a_start_inside_a_group_is_refused() {
        normals(Isa::Baseline.check().unwrap(), &KEY, 0, 8, &mut [0f32; 4]);
    }
}
