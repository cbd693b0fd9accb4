//! Draws of a guide, on the host and in programs.

use std::sync::Arc;

use bayes_nn_autodiff::noise::{self, NoiseKey};
use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use bayes_nn_kernels::{Binding, Run, Step};

use super::Approximation;
use crate::InferenceError;
use crate::check::setting;

/// The noise stream of draws from the guide.
const DRAWS: u32 = 0;

/// The names in a program of the Cholesky factor below its diagonal, and of the factor of low rank.
const LOWER: &str = "guide.lower";
const FACTOR: &str = "guide.factor";

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
        self.write(step, |name, shape, values| {
            let var = step.graph().input(name, shape);
            let id = var.input_id().expect("it was just made as an input");
            step.bind(vec![Binding::new(id, values.clone())]);
            var
        })
    }

    /// As [`Approximation::draw`], of the guide that [`Approximation::set`] last gave a replica, so
    /// that one program serves all guides over the same sites, of the same family.
    pub fn draw_of_states<'g>(&self, step: &Step<'g>) -> Var<'g> {
        self.write(step, |name, shape, _| step.state(name, shape, 0.0))
    }

    /// Lets the [draws](Approximation::draw_of_states) of a replica come from this guide.
    ///
    /// # Errors
    /// A program without such draws, or with those of another size or family.
    pub fn set(&self, run: &mut Run, replica: usize) -> Result<(), InferenceError> {
        let parts = [
            ("guide.mean", &self.mean),
            ("guide.scale", &self.diagonal),
            (LOWER, &self.strict),
            (FACTOR, &self.factor),
        ];
        let written = |name| match name {
            LOWER => self.has_lower(),
            FACTOR => self.rank() > 0,
            _ => true,
        };
        for (name, values) in parts.into_iter().filter(|(name, _)| written(*name)) {
            run.set(replica, name, values)?;
        }
        Ok(())
    }

    /// Whether a draw has a part below the diagonal.
    fn has_lower(&self) -> bool {
        self.strict.len() > 1
    }

    fn write<'g>(
        &self,
        step: &Step<'g>,
        part: impl Fn(&str, Shape, &Arc<[f64]>) -> Var<'g>,
    ) -> Var<'g> {
        let (dim, rank) = (self.dim(), self.rank());
        let noise = (step.graph()).noise(NoiseKind::Normal, step.stream(), [dim + rank]);
        let eps = match rank {
            0 => noise,
            _ => noise.view(0, [dim]),
        };
        let mean = part("guide.mean", [dim].into(), &self.mean);
        let z = mean + part("guide.scale", [dim].into(), &self.diagonal) * eps;
        match (self.has_lower(), rank) {
            (true, _) => z + part(LOWER, [dim, dim].into(), &self.strict).matmul(eps),
            (false, 0) => z,
            (false, _) => {
                let factor = part(FACTOR, [dim, rank].into(), &self.factor);
                z + factor.matmul(noise.view(dim, [rank]))
            }
        }
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
