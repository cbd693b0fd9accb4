//! Posteriors of data that are simulated here, each from a seed of its own, with models that users
//! write: curved, multimodal, badly scaled. What is known of them are the moments of long runs with
//! small steps, in `references/`, written by `cargo xtask references`.

mod mixture;
mod predator_and_prey;
mod regression;
mod series;
mod test_scores;

use bayes_nn::distributions::{Bernoulli, Distribution, Normal, Poisson};
use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Posterior, Source};

const fn simulated(name: &'static str, sample: super::Sample) -> Posterior {
    Posterior {
        name,
        source: Source::Simulated(sample),
        sample,
        diverges: false,
        multimodal: false,
    }
}

/// All of them.
pub const ALL: &[Posterior] = &[
    simulated("item_response", test_scores::two_parameters),
    simulated("gaussian_process_counts", series::counts),
    simulated("arma", series::arma),
    simulated("predator_and_prey", predator_and_prey::lotka_volterra),
    simulated("mixture_well_separated", mixture::well_separated),
    Posterior {
        multimodal: true,
        source: Source::Simulated(mixture::badly_separated_by_widths),
        ..simulated("mixture_badly_separated", mixture::badly_separated)
    },
    simulated("raw_regression", regression::raw),
    simulated("hierarchical_logistic", regression::hierarchical_logistic),
];

/// Numbers from a seed.
struct Simulation(Xoshiro256PlusPlus);

impl Simulation {
    fn new(seed: u64) -> Simulation {
        Simulation(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    fn normal(&mut self, mean: f64, sd: f64) -> f64 {
        Normal::new(mean, sd).draw(&[mean, sd], &mut self.0)
    }

    fn normals(&mut self, count: usize, mean: f64, sd: f64) -> Vec<f64> {
        (0..count).map(|_| self.normal(mean, sd)).collect()
    }

    fn poisson(&mut self, rate: f64) -> f64 {
        Poisson::new(rate).draw(&[rate], &mut self.0)
    }

    /// 1 with the probability of these log odds, else 0.
    fn bernoulli(&mut self, logit: f64) -> f64 {
        Bernoulli::logits(logit).draw(&[logit], &mut self.0)
    }
}
