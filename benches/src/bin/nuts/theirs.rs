//! A run of the crate nuts-rs.

use std::collections::HashMap;
use std::error::Error;
use std::time::Instant;

use bayes_nn::nuts::{EvalError, LogDensity};
use nuts_rs::rand::rngs::StdRng;
use nuts_rs::rand::{Rng, RngExt, SeedableRng};
use nuts_rs::{
    Chain, CpuLogpFunc, CpuMath, CpuMathError, DiagNutsSettings, HasDims, LogpError,
    LowRankNutsSettings, Settings,
};

use crate::targets::Target;
use crate::{Length, Sampled};

/// One of our densities as one of theirs.
struct Adapter(Box<dyn LogDensity + Send>);

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Failure(EvalError);

impl LogpError for Failure {
    fn is_recoverable(&self) -> bool {
        matches!(self.0, EvalError::Reject)
    }
}

impl HasDims for Adapter {
    fn dim_sizes(&self) -> HashMap<String, u64> {
        HashMap::from([("unconstrained_parameter".to_owned(), self.0.dim() as u64)])
    }
}

impl CpuLogpFunc for Adapter {
    type LogpError = Failure;
    type FlowParameters = ();
    type ExpandedVector = Vec<f64>;

    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn logp(&mut self, position: &[f64], gradient: &mut [f64]) -> Result<f64, Failure> {
        self.0.log_prob_grad(position, gradient).map_err(Failure)
    }

    fn expand_vector<R: Rng + ?Sized>(
        &mut self,
        _rng: &mut R,
        position: &[f64],
    ) -> Result<Vec<f64>, CpuMathError> {
        Ok(position.to_vec())
    }
}

/// One run, chain after chain, with the default settings of the library.
pub fn sample(target: &Target, length: Length, low_rank: bool) -> Result<Sampled, Box<dyn Error>> {
    let num_tune = length.draws as u64;
    match low_rank {
        false => {
            let settings = DiagNutsSettings {
                num_tune,
                ..Default::default()
            };
            run(settings, target, length)
        }
        true => {
            let settings = LowRankNutsSettings {
                num_tune,
                ..Default::default()
            };
            run(settings, target, length)
        }
    }
}

fn run(
    settings: impl Settings,
    target: &Target,
    length: Length,
) -> Result<Sampled, Box<dyn Error>> {
    let begin = Instant::now();
    let mut sampled = Sampled::default();
    for number in 0..length.chains {
        let density = target.density();
        let dim = density.dim();
        let mut random = StdRng::seed_from_u64(1_000 * length.seed + number as u64);
        let start: Vec<f64> = (0..dim).map(|_| random.random_range(-2.0..2.0)).collect();
        let math = CpuMath::new(Adapter(density));
        let mut chain = settings.new_chain(number as u64, math, &mut random)?;
        chain.set_position(&start)?;
        let mut kept = Vec::with_capacity(length.draws * dim);
        for draw in 0..2 * length.draws {
            let (position, progress) = chain.draw()?;
            sampled.all_gradients += progress.num_gradients;
            if draw >= length.draws {
                kept.extend_from_slice(&position);
                sampled.gradients += progress.num_gradients;
                sampled.divergences += usize::from(progress.diverging);
            }
        }
        sampled.dim = dim;
        sampled.chains.push(kept);
    }
    sampled.seconds = begin.elapsed().as_secs_f64();
    Ok(sampled)
}
