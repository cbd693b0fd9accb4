//! The random numbers of a chain: one xoshiro256++ stream each, far from all others.

use std::f64::consts::TAU;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::archive::Archive;

/// The stream of one chain, which knows how many numbers it has given.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    rng: Xoshiro256PlusPlus,
    taken: u64,
}

impl Stream {
    /// The stream of chain `chain` is that of the seed after `chain` jumps of 2^128 numbers.
    pub(super) fn new(seed: u64, chain: usize) -> Stream {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        for _ in 0..chain {
            rng.jump();
        }
        Stream { rng, taken: 0 }
    }

    /// Takes in or gives out where the stream stands. A fresh one is run forward to there.
    pub(super) fn archive(&mut self, archive: &mut Archive) {
        let mut taken = self.taken;
        archive.u64(&mut taken);
        while self.taken < taken {
            self.bits();
        }
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.taken += 1;
        self.rng.next_u64()
    }

    /// Uniform on the open interval (0, 1).
    pub(super) fn uniform(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
    }

    /// One of two directions of time.
    pub(super) fn sign(&mut self) -> f64 {
        match self.bits() >> 63 {
            0 => 1.0,
            _ => -1.0,
        }
    }

    /// Standard normals, by Box and Muller's method.
    pub(super) fn normals(&mut self, out: &mut [f64]) {
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
