//! What a run reports while it runs.

/// The progress of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ChainProgress {
    /// The chain's number.
    pub chain: usize,
    /// Draws made, those of the warm-up included.
    pub draws: u64,
    /// Divergences after the warm-up.
    pub divergences: u64,
    /// The step size at present.
    pub step_size: f64,
    /// Gradients so far.
    pub gradients: u64,
    /// Whether it has ended, well or not.
    pub finished: bool,
}

impl ChainProgress {
    /// Gradients for each draw so far, on average.
    pub fn gradients_per_draw(&self) -> f64 {
        self.gradients as f64 / self.draws.max(1) as f64
    }
}

/// Something that shows progress. Chains that run at the same time share it.
pub trait SamplingProgress: Send + Sync {
    /// A run begins: so many chains of so many draws, warm-up included.
    fn start(&self, chains: usize, draws: u64);
    /// A chain came further. Called several times a second at the most, and at its end.
    fn update(&self, chain: ChainProgress);
    /// The run has ended, well or not.
    fn finish(&self);
}
