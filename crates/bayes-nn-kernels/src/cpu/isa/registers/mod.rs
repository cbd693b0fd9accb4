//! Registers: sixteen numbers in vector registers.
//!
//! Loops over slices are left to the compiler's vectoriser. The sums of small products are not:
//! it keeps many of them in memory, or apart in single numbers. A register is named here.

use crate::element::Element;

/// Numbers of a register, whatever the instruction set: sums are then taken in one order.
pub(crate) const LANES: usize = 16;

/// The sum of the lanes, always in the same order.
#[inline(always)]
pub(crate) fn tree_sum<T: Element, const N: usize>(lanes: &[T; N]) -> T {
    let mut sums = *lanes;
    let mut width = N / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}

/// Sixteen numbers, in as many vector registers as they need.
pub trait Register<T>: Copy {
    /// The same number sixteen times.
    fn splat(x: T) -> Self;

    /// # Safety
    /// Sixteen numbers can be read.
    unsafe fn load(from: *const T) -> Self;

    /// The first `count` numbers, at most sixteen, and zeros behind them.
    ///
    /// # Safety
    /// So many numbers can be read.
    unsafe fn load_first(from: *const T, count: usize) -> Self;

    /// # Safety
    /// Sixteen numbers can be written.
    unsafe fn store(self, to: *mut T);

    /// Writes the first `count` numbers, at most sixteen.
    ///
    /// # Safety
    /// So many numbers can be written.
    unsafe fn store_first(self, to: *mut T, count: usize);

    /// `self + a * b`, as [`fma`](super::fma) rounds it.
    #[must_use]
    fn add_product(self, a: Self, b: Self) -> Self;

    /// The sum of all: halves are added to each other until one number is left.
    fn sum(self) -> T;
}

/// Sixteen numbers that the compiler finds registers for.
#[derive(Clone, Copy, Debug)]
pub struct Plain<T>([T; LANES]);

/// Copies a few numbers, four at a time: a call would cost more.
///
/// # Safety
/// So many can be read and written, and the two do not overlap.
#[inline(always)]
unsafe fn copy<T: Element>(from: *const T, to: *mut T, count: usize) {
    let fours = count / 4;
    // SAFETY: as promised.
    unsafe {
        for i in 0..fours {
            let four = from.cast::<[T; 4]>().add(i).read_unaligned();
            to.cast::<[T; 4]>().add(i).write_unaligned(four);
        }
        for i in 4 * fours..count {
            *to.add(i) = *from.add(i);
        }
    }
}

impl<T: Element> Register<T> for Plain<T> {
    #[inline(always)]
    fn splat(x: T) -> Self {
        Plain([x; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: as promised.
        Plain(unsafe { from.cast::<[T; LANES]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_first(from: *const T, count: usize) -> Self {
        let mut first = [T::ZERO; LANES];
        // SAFETY: as promised.
        unsafe { copy(from, first.as_mut_ptr(), count.min(LANES)) };
        Plain(first)
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: as promised.
        unsafe { to.cast::<[T; LANES]>().write_unaligned(self.0) };
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut T, count: usize) {
        // SAFETY: as promised.
        unsafe { copy(self.0.as_ptr(), to, count.min(LANES)) };
    }

    #[inline(always)]
    fn add_product(self, a: Self, b: Self) -> Self {
        let mut sum = self.0;
        for (sum, (a, b)) in sum.iter_mut().zip(a.0.iter().zip(&b.0)) {
            *sum = *a * *b + *sum;
        }
        Plain(sum)
    }

    #[inline(always)]
    fn sum(self) -> T {
        tree_sum(&self.0)
    }
}

#[cfg(target_arch = "x86_64")]
pub use x86_64::{__m256, __m256d, __m512, __m512d, Registers};

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::x86_64::*;
    pub use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

    use super::Register;

    /// Sixteen numbers in so many registers of a machine.
    #[derive(Clone, Copy, Debug)]
    pub struct Registers<V, const COUNT: usize>([V; COUNT]);

    /// Numbers of a type in so many registers of so many each, by these instructions.
    macro_rules! registers {
        ($($float:ident in $count:literal $register:ident of $each:literal:
           $splat:ident $load:ident $first:ident $store:ident $store_first:ident $fma:ident $sum:ident;)+) => {$(
            // SAFETY of all: a level is compiled only for machines that have its instructions.
            impl Register<$float> for Registers<$register, $count> {
                #[inline(always)]
                fn splat(x: $float) -> Self {
                    // SAFETY: as above.
                    Registers([unsafe { $splat(x) }; $count])
                }

                #[inline(always)]
                unsafe fn load(from: *const $float) -> Self {
                    // SAFETY: as above, and as promised.
                    unsafe {
                        let mut registers = [$load(from); $count];
                        for (i, register) in registers.iter_mut().enumerate().skip(1) {
                            *register = $load(from.add($each * i));
                        }
                        Registers(registers)
                    }
                }

                #[inline(always)]
                unsafe fn load_first(from: *const $float, count: usize) -> Self {
                    // SAFETY: as above; what is masked is not read.
                    unsafe {
                        let mut registers = [$first(from, count); $count];
                        for (i, register) in registers.iter_mut().enumerate().skip(1) {
                            let before = $each * i;
                            *register =
                                $first(from.wrapping_add(before), count.saturating_sub(before));
                        }
                        Registers(registers)
                    }
                }

                #[inline(always)]
                unsafe fn store(self, to: *mut $float) {
                    for (i, register) in self.0.into_iter().enumerate() {
                        // SAFETY: as above, and as promised.
                        unsafe { $store(to.add($each * i), register) };
                    }
                }

                #[inline(always)]
                unsafe fn store_first(self, to: *mut $float, count: usize) {
                    for (i, register) in self.0.into_iter().enumerate() {
                        let before = $each * i;
                        // SAFETY: as above; what is masked is not written.
                        unsafe {
                            $store_first(
                                to.wrapping_add(before),
                                count.saturating_sub(before),
                                register,
                            );
                        }
                    }
                }

                #[inline(always)]
                fn add_product(self, a: Self, b: Self) -> Self {
                    let mut sum = self.0;
                    for (i, sum) in sum.iter_mut().enumerate() {
                        // SAFETY: as above.
                        *sum = unsafe { $fma(a.0[i], b.0[i], *sum) };
                    }
                    Registers(sum)
                }

                #[inline(always)]
                fn sum(self) -> $float {
                    // SAFETY: as above.
                    unsafe { $sum(self.0) }
                }
            }
        )+};
    }

    registers! {
        f32 in 2 __m256 of 8:
            _mm256_set1_ps _mm256_loadu_ps first_8 _mm256_storeu_ps store_8 _mm256_fmadd_ps sum_2x8;
        f64 in 4 __m256d of 4:
            _mm256_set1_pd _mm256_loadu_pd first_4 _mm256_storeu_pd store_4 _mm256_fmadd_pd sum_4x4;
        f32 in 1 __m512 of 16:
            _mm512_set1_ps _mm512_loadu_ps first_16 _mm512_storeu_ps store_16 _mm512_fmadd_ps sum_1x16;
        f64 in 2 __m512d of 8:
            _mm512_set1_pd _mm512_loadu_pd first_8_wide _mm512_storeu_pd store_8_wide _mm512_fmadd_pd sum_2x8_wide;
    }

    /// All bits of the first `count` lanes.
    #[target_feature(enable = "avx2")]
    fn mask_8(count: usize) -> __m256i {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lanes)
    }

    #[target_feature(enable = "avx2")]
    fn mask_4(count: usize) -> __m256i {
        let lanes = _mm256_setr_epi64x(0, 1, 2, 3);
        _mm256_cmpgt_epi64(_mm256_set1_epi64x(count as i64), lanes)
    }

    /// A bit for each of the first `count` lanes, at most sixteen.
    #[inline(always)]
    fn bits(count: usize) -> u16 {
        ((1u32 << count.min(16)) - 1) as u16
    }

    // SAFETY of what follows: the caller promises that so many numbers, or all of a register, can
    // be read or written; no other is touched.

    #[target_feature(enable = "avx2")]
    unsafe fn first_8(from: *const f32, count: usize) -> __m256 {
        // SAFETY: as above.
        unsafe { _mm256_maskload_ps(from, mask_8(count)) }
    }

    #[target_feature(enable = "avx2")]
    unsafe fn first_4(from: *const f64, count: usize) -> __m256d {
        // SAFETY: as above.
        unsafe { _mm256_maskload_pd(from, mask_4(count)) }
    }

    #[target_feature(enable = "avx512f")]
    unsafe fn first_16(from: *const f32, count: usize) -> __m512 {
        // SAFETY: as above.
        unsafe { _mm512_maskz_loadu_ps(bits(count), from) }
    }

    #[target_feature(enable = "avx512f")]
    unsafe fn first_8_wide(from: *const f64, count: usize) -> __m512d {
        // SAFETY: as above.
        unsafe { _mm512_maskz_loadu_pd(bits(count) as u8, from) }
    }

    #[target_feature(enable = "avx2")]
    unsafe fn store_8(to: *mut f32, count: usize, x: __m256) {
        // SAFETY: as above.
        unsafe { _mm256_maskstore_ps(to, mask_8(count), x) };
    }

    #[target_feature(enable = "avx2")]
    unsafe fn store_4(to: *mut f64, count: usize, x: __m256d) {
        // SAFETY: as above.
        unsafe { _mm256_maskstore_pd(to, mask_4(count), x) };
    }

    #[target_feature(enable = "avx512f")]
    unsafe fn store_16(to: *mut f32, count: usize, x: __m512) {
        // SAFETY: as above.
        unsafe { _mm512_mask_storeu_ps(to, bits(count), x) };
    }

    #[target_feature(enable = "avx512f")]
    unsafe fn store_8_wide(to: *mut f64, count: usize, x: __m512d) {
        // SAFETY: as above.
        unsafe { _mm512_mask_storeu_pd(to, bits(count) as u8, x) };
    }

    #[target_feature(enable = "avx2")]
    fn sum_2x8([low, high]: [__m256; 2]) -> f32 {
        let eight = _mm256_add_ps(low, high);
        let four = _mm_add_ps(
            _mm256_castps256_ps128(eight),
            _mm256_extractf128_ps::<1>(eight),
        );
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }

    #[target_feature(enable = "avx2")]
    fn sum_4x4([a, b, c, d]: [__m256d; 4]) -> f64 {
        let four = _mm256_add_pd(_mm256_add_pd(a, c), _mm256_add_pd(b, d));
        let two = _mm_add_pd(
            _mm256_castpd256_pd128(four),
            _mm256_extractf128_pd::<1>(four),
        );
        _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
    }

    #[target_feature(enable = "avx512f,avx512dq,avx2")]
    fn sum_1x16([all]: [__m512; 1]) -> f32 {
        sum_2x8([
            _mm512_castps512_ps256(all),
            _mm512_extractf32x8_ps::<1>(all),
        ])
    }

    #[target_feature(enable = "avx512f,avx512dq,avx2")]
    fn sum_2x8_wide([low, high]: [__m512d; 2]) -> f64 {
        let eight = _mm512_add_pd(low, high);
        let four = _mm256_add_pd(
            _mm512_castpd512_pd256(eight),
            _mm512_extractf64x4_pd::<1>(eight),
        );
        let two = _mm_add_pd(
            _mm256_castpd256_pd128(four),
            _mm256_extractf128_pd::<1>(four),
        );
        _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
    }
}

#[cfg(test)]
mod tests;
