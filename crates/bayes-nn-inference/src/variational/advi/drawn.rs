//! Draws of a guide, on the host and in programs.

use std::sync::Arc;

use bayes_nn_autodiff::noise::{self, NoiseKey};
use bayes_nn_autodiff::{NoiseKind, Var};
use bayes_nn_kernels::{Binding, Step};

use super::Approximation;
use crate::InferenceError;
use crate::check::setting;

/// The noise stream of draws from the guide.
const DRAWS: u32 = 0;

impl Approximation {
    /// Draws of `z`, row-major `[draws, P]`. Draw `i` is the one that a program of
    /// [`Approximation::draw`] makes in step `i` with the same seed, up to its rounding.
    ///
    /// # Errors
    /// More draws than memory holds.
    pub fn draws(&self, draws: usize, seed: u64) -> Result<Vec<f64>, InferenceError> {
        let dim = self.dim();
        let mut result = Vec::new();
        let numbers = draws.saturating_mul(dim);
        if result.try_reserve_exact(numbers).is_err() {
            return Err(setting("draws", draws, "few enough for memory"));
        }
        for step in 0..draws as u64 {
            let key = NoiseKey {
                seed,
                step,
                stream: DRAWS,
            };
            let all = dim + self.rank();
            let eps: Vec<f64> = (0..all).map(|i| noise::normal(&key, 0, i as u32)).collect();
            result.extend((0..dim).map(|i| {
                let own = self.mean[i] + self.diagonal[i] * eps[i];
                match self.strict.is_empty() {
                    true => {
                        let along = self.factor_of(i).iter().zip(&eps[dim..]);
                        along.fold(own, |sum, (f, e)| sum + f * e)
                    }
                    false => {
                        let below = self.strict[i * dim..][..i].iter().zip(&eps);
                        below.fold(own, |sum, (s, e)| sum + s * e)
                    }
                }
            }));
        }
        Ok(result)
    }

    /// Writes a draw of `z [P]` into a step, a fresh one at every step.
    pub fn draw<'g>(&self, step: &Step<'g>) -> Var<'g> {
        let (dim, rank) = (self.dim(), self.rank());
        let noise = |numbers| {
            step.graph()
                .noise(NoiseKind::Normal, step.stream(), [numbers])
        };
        let input = |name: &str, values: &Arc<[f64]>| {
            let var = match name {
                "lower" => step.graph().input(name, [dim, dim]),
                "factor" => step.graph().input(name, [dim, rank]),
                _ => step.graph().input(name, [dim]),
            };
            let id = var.input_id().expect("it was just made as an input");
            step.bind(vec![Binding::new(id, values.clone())]);
            var
        };
        if rank > 0 {
            let eps = noise(dim + rank);
            let along = input("factor", &self.factor).matmul(eps.view(dim, [rank]));
            let own = input("scale", &self.diagonal) * eps.view(0, [dim]);
            return input("mean", &self.mean) + own + along;
        }
        let eps = noise(dim);
        let mean = input("mean", &self.mean);
        let mut z = mean + input("scale", &self.diagonal) * eps;
        if dim > 1 && !self.strict.is_empty() {
            z = z + input("lower", &self.strict).matmul(eps);
        }
        z
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Site;
    use bayes_nn_autodiff::Graph;
    use bayes_nn_kernels::{Precision, Runtime};

    #[test]
    fn host_draws_are_those_of_a_program() {
        let (sites, mean) = (vec![Site::new("x", [2], 0)], vec![1.0, -1.0]);
        let parts = || (sites.clone(), mean.clone());
        let of = |build: fn(Vec<Site>, Vec<f64>, Vec<f64>) -> Result<_, _>, numbers: &[f64]| {
            let (sites, mean) = parts();
            build(sites, mean, numbers.to_vec()).unwrap()
        };
        let low_rank =
            |sites, mean, factor| Approximation::low_rank(sites, mean, vec![0.5, 0.1], factor);
        for guide in [
            of(Approximation::independent, &[0.5, 2.0]),
            of(Approximation::correlated, &[0.5, 0.0, 1.2, 0.5]),
            of(low_rank, &[0.3, -2.0]),
            of(low_rank, &[0.3, -2.0, 1.0, 0.7, 0.1, -0.4]),
        ] {
            let graph = Graph::new();
            let step = Step::new(&graph);
            step.record("z", guide.draw(&step));
            let runtime = Runtime {
                precision: Precision::F64,
                ..Runtime::default()
            };
            let mut run = step.finish(&runtime).unwrap().start(1).unwrap();
            run.begin(&[9]).unwrap();
            run.advance_one(0, 4).unwrap();
            let host = guide.draws(4, 9).unwrap();
            let program = run.recorded(0, "z").unwrap();
            assert_eq!(host.len(), program.len());
            for (host, program) in host.iter().zip(program) {
                assert!((host - program).abs() < 1e-12, "{:?}", guide.family());
            }
        }
    }
}
