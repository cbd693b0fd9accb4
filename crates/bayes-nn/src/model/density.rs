//! A model with its data as something that can be fitted.

use std::rc::Rc;

use bayes_nn_autodiff::{Graph, Var};
use bayes_nn_inference::{Density, DensityError, Site, Traced};
use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::batch::{Batch, Shared};
use super::trace::{Mode, Record, Trace};
use super::{Data, Model};
use crate::error::Error;

/// The log density of a model given data, over its unconstrained sites.
pub(crate) struct ModelDensity<'m, M> {
    model: &'m M,
    data: Data,
    sites: Vec<Site>,
}

impl<'m, M: Model> ModelDensity<'m, M> {
    /// Runs the model once to find its sites, and checks what can be checked before a fit.
    pub(crate) fn new(model: &'m M, data: Data) -> Result<Self, Error> {
        let mut density = ModelDensity {
            model,
            data,
            sites: Vec::new(),
        };
        let mut sites = Vec::new();
        density.with_prior_draw(0, |_, record| {
            let mut offset = 0;
            for site in &record.sites {
                let unconstrained = site.bijector.unconstrained_shape(site.shape);
                sites.push(Site::new(site.name.clone(), unconstrained, offset));
                offset += unconstrained.elements();
            }
            Ok(())
        })?;
        density.sites = sites;
        Ok(density)
    }

    /// Runs the model with its sites drawn from their priors, and hands on what that left.
    fn with_prior_draw(
        &self,
        seed: u64,
        hand_on: impl for<'g> FnOnce(&Shared<'g>, &Record<'g>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let graph = Graph::new();
        let batch = Batch::new(&graph, &self.data, None, false);
        let mode = Mode::Prior {
            rng: Box::new(Xoshiro256PlusPlus::seed_from_u64(seed)),
            simulate: false,
        };
        let trace = Trace::new(&batch, mode);
        self.model.run(&trace, &batch);
        batch.shared.check()?;
        let record = trace.record.borrow();
        hand_on(&batch.shared, &record)
    }
}

impl<M: Model> Density for ModelDensity<'_, M> {
    fn sites(&self) -> &[Site] {
        &self.sites
    }

    fn rows(&self) -> Option<usize> {
        self.data.rows()
    }

    fn start(&self, seed: u64) -> Result<Vec<f64>, DensityError> {
        let mut start = Vec::with_capacity(self.dimension());
        self.with_prior_draw(seed, |shared, record| {
            for site in &record.sites {
                let z = site.bijector.inverse(site.value);
                let values = shared.evaluate(&[z])?.swap_remove(0);
                start.extend(values);
            }
            Ok(())
        })?;
        Ok(start)
    }

    fn trace<'g>(
        &self,
        graph: &'g Graph,
        z: &[Var<'g>],
        batch: Option<usize>,
    ) -> Result<Traced<'g>, DensityError> {
        let batch = Batch::new(graph, &self.data, batch, false);
        let mut traced = Traced::default();
        for z in z {
            let record = given(self.model, &batch, *z, &self.sites)?;
            traced.samples.push(record.terms);
        }
        traced.data = batch.shared.inputs();
        Ok(traced)
    }
}

/// Runs a model with its sites taken from `z`.
pub(crate) fn given<'g>(
    model: &impl Model,
    batch: &Batch<'g>,
    z: Var<'g>,
    sites: &[Site],
) -> Result<Record<'g>, Error> {
    let mode = Mode::Given {
        z,
        sites: Rc::from(sites),
    };
    let trace = Trace::new(batch, mode);
    model.run(&trace, batch);
    batch.shared.check()?;
    Ok(trace.record.into_inner())
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::grad;
    use bayes_nn_kernels::Precision;

    use super::*;
    use crate::bnn::Bnn;
    use crate::datasets;
    use crate::model::predictive::compile;
    use crate::nn::{Bernoulli, Mlp};

    /// Log density and gradient of a network at a fixed point, for each of `steps` steps.
    fn gradients(batch: Option<usize>, steps: u64) -> Vec<Vec<f64>> {
        let data = datasets::moons(60, 0.2, 1).unwrap();
        let bnn = Bnn::new(Mlp::new([2, 4, 1]), Bernoulli);
        let density = ModelDensity::new(&bnn, Data::from(&data)).unwrap();
        let graph = Graph::new();
        let z = graph.input("z", [density.dimension()]);
        let traced = density.trace(&graph, &[z], batch).unwrap();
        let log_density = traced.log_densities()[0];
        let gradient = grad(log_density, &[z]).unwrap()[0];
        let outputs = [log_density, gradient];
        let mut program = compile(&graph, &outputs, &[], &traced.data, Precision::F64).unwrap();
        let point = density.start(3).unwrap();
        program.write(z.input_id().unwrap(), &point).unwrap();
        program.rewind(8, 0);
        (0..steps)
            .map(|_| {
                program.run(1).unwrap();
                [program.read_output(0), program.read_output(1)].concat()
            })
            .collect()
    }

    #[test]
    fn the_mean_of_all_minibatch_gradients_is_the_full_gradient() {
        let full = gradients(None, 1).remove(0);
        let size = full.iter().fold(0.0, |size: f64, g| size.max(g.abs()));
        // 7 does not divide 60: sixty batches of seven are seven epochs.
        for (batch, steps) in [(10, 6), (7, 60), (1, 60), (60, 1)] {
            let parts = gradients(Some(batch), steps);
            for (element, full) in full.iter().enumerate() {
                let mean = parts.iter().map(|p| p[element]).sum::<f64>() / steps as f64;
                assert!(
                    (mean - full).abs() < 1e-12 * size,
                    "{batch}: {mean} for {full}"
                );
            }
        }
    }
}
