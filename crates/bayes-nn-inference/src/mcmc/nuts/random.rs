//! The random numbers of a chain: one xoshiro256++ stream each, far from all others.

use std::convert::Infallible;
use std::f64::consts::TAU;

use rand_core::utils::fill_bytes_via_next_word;
use rand_core::{Rng, SeedableRng, TryRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::archive::Archive;

/// How many chains share a seed: a jump takes about a microsecond.
const JUMPS: usize = 1 << 10;

/// The stream of one chain, which counts the numbers that it has given.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    rng: Xoshiro256PlusPlus,
    taken: u64,
}

impl Stream {
    /// The streams of [`JUMPS`] chains are those of one seed, jumps of 2^128 numbers apart; the next
    /// as many chains have another seed.
    pub(super) fn new(seed: u64, chain: usize) -> Stream {
        let others = (chain / JUMPS) as u64;
        let seed = seed ^ others.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        for _ in 0..chain % JUMPS {
            rng.jump();
        }
        Stream { rng, taken: 0 }
    }

    /// Saves or restores the position of the stream, which lies behind at most so many numbers. A
    /// fresh stream is run forward to it.
    pub(super) fn archive(&mut self, archive: &mut Archive, most: u64) {
        let mut taken = self.taken;
        archive.u64(&mut taken);
        if taken > most {
            return archive.refuse();
        }
        while self.taken < taken {
            self.next_u64();
        }
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|bits| (bits >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.taken += 1;
        Ok(self.rng.next_u64())
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        fill_bytes_via_next_word(dst, || self.try_next_u64())
    }
}

/// What a trajectory draws from a generator.
pub(super) trait Variates: Rng {
    /// Uniform on the open interval (0, 1).
    fn uniform(&mut self) -> f64 {
        ((self.next_u64() >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
    }

    /// One of two directions of time.
    fn sign(&mut self) -> f64 {
        match self.next_u64() >> 63 {
            0 => 1.0,
            _ => -1.0,
        }
    }

    /// Standard normals, by Box and Muller's method.
    fn normals(&mut self, out: &mut [f64]) {
        for pair in out.chunks_mut(2) {
            let radius = (-2.0 * self.uniform().ln()).sqrt();
            let (sin, cos) = (TAU * self.uniform()).sin_cos();
            pair[0] = radius * cos;
            if let Some(second) = pair.get_mut(1) {
                *second = radius * sin;
            }
        }
    }
}

impl<R: Rng + ?Sized> Variates for R {}
