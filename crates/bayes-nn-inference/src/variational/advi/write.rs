//! One step of ADVI as a graph: draw, log density, gradient, update.

use std::rc::Rc;

use bayes_nn_autodiff::{Graph, Shape, Var, grad};
use bayes_nn_kernels::{Backend, Runtime, Step, StepProgram};

use super::Advi;
use super::guide::Guide;
use super::layout::Layout;
use crate::terms::write_terms;
use crate::{Density, InferenceError, Optimizer, Rows, Schedule};

/// The name under which the ELBO of every step is recorded.
pub(super) const ELBO: &str = "elbo";

/// The name of the number of steps of a fit that is as long as it needs.
pub(super) const STEPS: &str = "steps";

/// The name of the running average of a block of the guide.
pub(super) fn average_of(block: &str) -> String {
    format!("{block}.average")
}

impl Advi {
    /// Where the programs of a fit run.
    pub(super) fn runtime(&self) -> Runtime {
        Runtime {
            device: self.device.clone(),
            precision: self.precision.unwrap_or_default(),
            threads: self.threads,
        }
    }

    /// How the coordinates of a density lie in the blocks of the guide.
    pub(super) fn layout(&self, density: &dyn Density) -> Layout {
        let layout = Layout::new(self.family, density.sites());
        match self.optimizer {
            Optimizer::Ivon { .. } => layout.with_sds(),
            _ => layout,
        }
    }

    /// Writes the step of all restarts.
    pub(super) fn write(&self, density: &dyn Density) -> Result<StepProgram, InferenceError> {
        let graph = Graph::new();
        let step = Step::new(&graph)
            .draws(self.samples)
            .ranks(self.device.ranks());
        let step = Rc::new(step);
        let layout = self.layout(density);
        let names = layout.blocks();
        let guide = Rc::new(Guide::new(&step, layout, self.forms()));
        let rows = match self.rows_of_rank(density.rows()) {
            Some(rows) => Rows::Minibatch(rows),
            None => Rows::All,
        };
        let traced = write_terms(&step, density, guide.clone(), rows)?;
        self.check_prior(density, &traced)?;
        let (objective, elbo) = self.objective(density, &traced, &guide, graph.step());
        // Draws differ in noise and ranks in rows, hence in the gradient and the ELBO. After one mean
        // over both, all ranks take the same step.
        let mut estimates = grad(objective, &guide.blocks)?;
        estimates.push(elbo);
        let mut means = step.mean(&estimates);
        let elbo = means.pop().expect("as many means as estimates");
        let steps = match self.is_as_long_as_needed() {
            true => {
                let steps = step.state(STEPS, Shape::SCALAR, 0.0);
                step.next(steps, steps);
                steps
            }
            false => Var::from(self.step_count() as f64),
        };
        let factor = self.rate_factor(graph.step(), steps);
        let rate = self.rate() * factor;
        let ivon = self
            .optimizer
            .ivon_of(self.step_count())
            .filter(|_| means.len() > 1);
        let moved = ivon.map(|ivon| {
            let normal = (guide.blocks[0], guide.blocks[1]);
            ivon.ascend(&step, normal, (means[0], means[1]), rate)
        });
        let rate = match self.optimizer {
            Optimizer::Ivon { .. } => Optimizer::rate_of_points() * factor,
            _ => rate,
        };
        for ((name, block), gradient) in names.into_iter().zip(&guide.blocks).zip(means) {
            let next = match (moved, name) {
                (Some((mean, _)), "mu") => mean,
                (Some((_, sd)), "sd") => sd,
                _ => self.optimizer.ascend(&step, name, *block, gradient, rate),
            };
            step.next(*block, next);
            self.write_average(&step, name, next);
        }
        step.record(ELBO, elbo);
        Ok(step.finish(&self.runtime())?)
    }

    /// Whether the rate falls as soon as the fit has converged, and the fit ends with that.
    pub(super) fn is_as_long_as_needed(&self) -> bool {
        let falls = matches!(self.rate_schedule(), Schedule::Cooldown { .. });
        falls && self.stop_when_converged == Some(true) && self.extension.is_none()
    }

    /// The running average of a block over the last steps, if it is averaged.
    fn write_average<'g>(&self, step: &Step<'g>, block: &str, value: Var<'g>) {
        let Some(first) = self.first_averaged() else {
            return;
        };
        let average = step.state(&average_of(block), value.shape(), 0.0);
        let count = step.graph().step() - first as f64 + 1.0;
        let weight = count.ge(1.0).select(count.maximum(1.0).reciprocal(), 0.0);
        step.next(average, average + weight * (value - average));
    }

    /// Whether averages have begun after so many steps.
    pub(super) fn has_averages(&self, done: usize) -> bool {
        self.first_averaged()
            .is_some_and(|first| first < done as u64)
    }

    /// The first step whose result is averaged, if any is.
    pub(super) fn first_averaged(&self) -> Option<u64> {
        let (all, before) = self.averaged_steps();
        let averaged = (self.averaged_share() * all as f64).round() as u64;
        (averaged > 0).then(|| before + all - averaged.min(all))
    }

    /// The steps over whose end the guide is averaged: their number, and that of those before.
    pub(super) fn averaged_steps(&self) -> (u64, u64) {
        match &self.extension {
            Some(extension) => (extension.steps, extension.from),
            None => (self.step_count(), 0),
        }
    }

    /// The factor on the learning rate at a step, of so many that were set.
    pub(super) fn rate_factor<'g>(&self, step: Var<'g>, steps: Var<'g>) -> Var<'g> {
        match &self.extension {
            Some(extension) => extension.factor_at(self.rate_schedule(), step),
            None => self.rate_schedule().factor_of(step, steps),
        }
    }
}
