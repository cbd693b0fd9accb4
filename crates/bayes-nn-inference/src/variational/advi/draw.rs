//! Draws of a fitted guide in a program.

use std::sync::Arc;

use bayes_nn_autodiff::{NoiseKind, Shape, Var};
use bayes_nn_kernels::{Binding, Run, Step};

use super::Approximation;
use crate::InferenceError;

/// The name of the factor below its diagonal in a program.
const LOWER: &str = "guide.lower";

impl Approximation {
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
        self.parts()
            .try_for_each(|(name, values)| run.set(replica, name, values))?;
        Ok(())
    }

    /// What a draw is made of besides noise.
    fn parts(&self) -> impl Iterator<Item = (&'static str, &Arc<[f64]>)> {
        let lower = Some((LOWER, &self.strict)).filter(|(_, strict)| strict.len() > 1);
        let parts = [("guide.mean", &self.mean), ("guide.scale", &self.diagonal)];
        parts.into_iter().chain(lower)
    }

    fn write<'g>(
        &self,
        step: &Step<'g>,
        part: impl Fn(&str, Shape, &Arc<[f64]>) -> Var<'g>,
    ) -> Var<'g> {
        let dim = self.dim();
        let eps = step.graph().noise(NoiseKind::Normal, step.stream(), [dim]);
        let parts: Vec<Var<'g>> = (self.parts())
            .map(|(name, values)| match name {
                LOWER => part(name, [dim, dim].into(), values),
                _ => part(name, [dim].into(), values),
            })
            .collect();
        let z = parts[0] + parts[1] * eps;
        match parts.get(2) {
            Some(lower) => z + lower.matmul(eps),
            None => z,
        }
    }
}
