//! A run of our sampler.

use bayes_nn::nuts::{Metric, WarmupSchedule};
use bayes_nn::{InferenceError, Nuts};

use crate::targets::Target;
use crate::{Length, Sampled};

/// One run on one thread.
pub fn sample(
    target: &Target,
    length: Length,
    metric: Metric,
    schedule: WarmupSchedule,
) -> Result<Sampled, InferenceError> {
    let nuts = Nuts::new()
        .seed(length.seed)
        .chains(length.chains)
        .draws(length.draws as u64)
        .warmup(length.draws as u64)
        .metric(metric)
        .schedule(schedule)
        .threads(1);
    let fit = nuts.sample_with(|_| target.density())?;
    let chains = fit.chains().iter();
    let statistics = chains.clone().flat_map(|c| c.draws().statistics());
    let steps = statistics.clone().map(|s| u64::from(s.leapfrog_steps));
    let draws = statistics.clone().count() as f64;
    Ok(Sampled {
        gradients: steps.sum(),
        all_gradients: fit.gradients(),
        divergences: fit.divergences(),
        acceptance: Some(statistics.map(|s| s.acceptance).sum::<f64>() / draws),
        seconds: fit.seconds(),
        dim: fit.chains()[0].draws().dim(),
        chains: chains.map(|c| c.draws().positions().to_vec()).collect(),
    })
}
