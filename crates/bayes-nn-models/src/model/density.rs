//! A model with its data as something that can be fitted.

use std::path::Path;
use std::rc::Rc;

use bayes_nn_autodiff::Graph;
use bayes_nn_autodiff::noise::{self, NoiseKey};
use bayes_nn_inference::{
    AdviFit, ColumnScale, Density, DensityError, Handler, HeldOut, InferenceError, Point, Rows,
    Site, SiteError, Start, Traced,
};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::batch::Batch;
use super::explain::Explain;
use super::handlers::{Drawn, PriorDraw, Probe, generator};
use super::record::{BeginAt, Record};
use super::rows::RowTable;
use super::scale::{Reading, readings, scales};
use super::stream::{check_all_rows, observed_columns};
use super::trace::Trace;
use super::{Data, Model};
use crate::data::ObservedColumn;
use crate::error::Error;
use crate::saved::save_running;

/// How often a start is drawn from the prior before one is drawn anywhere.
const PRIOR_DRAWS: usize = 20;
/// The noise stream of where sites begin.
const BEGIN: u32 = u32::MAX - 1;

/// The log density of a model given data, over its unconstrained sites.
pub(crate) struct ModelDensity<'m, M> {
    model: &'m M,
    data: Data,
    /// The rows by which the model is looked at: of a stream the first.
    head: Data,
    sites: Vec<Site>,
    /// Where fits begin in the elements of each site, if that is known.
    begins: Vec<Option<BeginAt>>,
    readings: Vec<Reading>,
    augmented: Vec<String>,
    /// What streamed rows have to come from.
    observed: Vec<ObservedColumn>,
    held_out: Option<&'m dyn HeldOut>,
}

impl<'m, M: Model> ModelDensity<'m, M> {
    /// Looks at the model to find its sites, and checks what can be checked before a fit.
    pub(crate) fn new(model: &'m M, data: Data) -> Result<Self, Error> {
        ModelDensity::seen(model, data, false)
    }

    /// The same for data whose values may be gone, which can be looked at, and not fitted.
    pub(crate) fn described(model: &'m M, data: Data) -> Result<Self, Error> {
        ModelDensity::seen(model, data, true)
    }

    fn seen(model: &'m M, data: Data, may_be_gone: bool) -> Result<Self, Error> {
        if !may_be_gone {
            check_all_rows(model, &data)?;
        }
        let (graph, head) = (Graph::new(), data.head());
        let batch = Batch::new(&graph, &head, Rows::All, may_be_gone.then_some(&head));
        let probe = Rc::new(Probe::new(&batch.shared));
        let record = run(model, &batch, probe.clone())?;
        let observed = observed_columns(&batch.shared, &record);
        let readings = readings(&batch, &record, model.is_network());
        let mut sites = Vec::new();
        let mut offset = 0;
        for site in record.sites {
            let unconstrained = site.bijector.unconstrained_shape(site.shape);
            sites.push(Site {
                local: probe.is_local(site.value, site.declared),
                begin: site.options.begin,
                point: site.options.point,
                support: site.support(&batch.shared)?,
                axes: site.axes,
                ..Site::new(site.name, unconstrained, offset)
            });
            offset += unconstrained.elements();
        }
        let begins = BeginAt::by_site(record.begins, &sites)?;
        Ok(ModelDensity {
            model,
            data,
            head,
            sites,
            begins,
            readings,
            augmented: batch.shared.augmented.take(),
            observed,
            held_out: None,
        })
    }

    /// The sites of the model.
    pub(crate) fn own_sites(&self) -> &[Site] {
        &self.sites
    }

    /// How a fit sees rows changed at random.
    pub(crate) fn augmented(&self) -> Vec<String> {
        self.augmented.clone()
    }

    /// With rows that score a fit while it runs.
    pub(crate) fn with_held_out(self, rows: &'m dyn HeldOut) -> Self {
        ModelDensity {
            held_out: Some(rows),
            ..self
        }
    }

    /// Checks that a minibatch may stand for all rows. Two rows are looked at, whatever their number
    /// in a fit: among fewer there is no telling.
    pub(crate) fn check_rows(&self) -> Result<(), Error> {
        let graph = Graph::new();
        let batch = Batch::new(&graph, &self.head, Rows::Minibatch(2), None);
        let record = run(self.model, &batch, Rc::new(Probe::new(&batch.shared)))?;
        let rows = RowTable::of(&graph);
        let mut terms = record.terms.iter();
        match terms.find(|term| !rows.is_a_sum_over_rows(term.value)) {
            Some(term) => Err(Error::RowsDepend {
                site: term.name.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Checks that sites of a guide or of draws are those of this model.
    pub(crate) fn check_others(&self, sites: &[Site]) -> Result<(), Error> {
        if !Site::agree(&self.sites, sites) {
            return Err(Error::OtherModel {
                found: Site::list(sites),
                expected: Site::list(&self.sites),
            });
        }
        let mut own = self.sites.iter();
        let other = own.find_map(|s| {
            let support = SiteError::support(&s.name, s.support.as_ref(), sites);
            support.or_else(|| SiteError::axes(&s.name, &s.axes, sites))
        });
        other.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Checks that a run declared every site: of one that is missing no term is in the density.
    fn check_sites(&self, record: &Record<'_>) -> Result<(), Error> {
        let declared = |site: &&Site| record.sites.iter().any(|s| s.name == site.name);
        match record.sites.len() < self.sites.len() {
            true => match self.sites.iter().find(|site| !declared(site)) {
                Some(site) => Err(SiteError::Missing {
                    site: site.name.clone(),
                }
                .into()),
                None => Ok(()),
            },
            false => Ok(()),
        }
    }

    /// The unconstrained values of sites that are given, and of the others, which are drawn.
    fn drawn(
        &self,
        rng: &mut Xoshiro256PlusPlus,
        what: Drawn,
        given: &[(String, Vec<f64>)],
    ) -> Result<Vec<f64>, Error> {
        let graph = Graph::new();
        let batch = Batch::new(&graph, &self.head, Rows::All, None);
        let handler = Rc::new(PriorDraw::new(&batch.shared, rng.clone(), what).with(given));
        let record = run(self.model, &batch, handler.clone());
        *rng = handler.rng();
        let record = record?;
        self.check_sites(&record)?;
        let mut start = Vec::with_capacity(self.dim());
        for site in record.sites {
            start.extend(batch.shared.value(site.bijector.inverse(site.value))?);
        }
        Ok(start)
    }

    /// A draw from the prior but for what is given. One at which a later parameter is outside its
    /// domain, or that is infinite in unconstrained space, says nothing against the model: another
    /// is drawn, and after [`PRIOR_DRAWS`] of them a point anywhere. Sites that say where fits begin
    /// in them do so there.
    fn start_with(&self, given: &[(String, Vec<f64>)], seed: u64) -> Result<Vec<f64>, Error> {
        let mut rng = generator(seed);
        let mut start = None;
        for _ in 0..PRIOR_DRAWS {
            match self.drawn(&mut rng, Drawn::Sites, given) {
                Ok(drawn) if drawn.iter().all(|z| z.is_finite()) => {
                    start = Some(drawn);
                    break;
                }
                Ok(_) | Err(Error::Parameter { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let mut start = match start {
            Some(start) => start,
            None => self.drawn(&mut rng, Drawn::Anywhere, given)?,
        };
        for (number, site) in self.sites.iter().enumerate() {
            if given.iter().any(|(name, _)| *name == site.name) {
                continue;
            }
            if let Some(begin) = &self.begins[number] {
                start[site.range()].copy_from_slice(&begin.mean);
            } else if let Some(begin) = site.begin {
                let key = NoiseKey {
                    seed,
                    step: number as u64,
                    stream: BEGIN,
                };
                for (element, z) in start[site.range()].iter_mut().enumerate() {
                    *z = begin.mean + begin.spread * noise::normal(&key, 0, element as u32);
                }
            }
        }
        Ok(start)
    }
}

impl<M: Model> Density for ModelDensity<'_, M> {
    fn sites(&self) -> &[Site] {
        &self.sites
    }

    fn rows(&self) -> Option<usize> {
        self.data.rows()
    }

    fn is_streamed(&self) -> bool {
        self.data.is_streamed()
    }

    fn is_network(&self) -> bool {
        self.model.is_network()
    }

    fn held_out(&self) -> Option<&dyn HeldOut> {
        self.held_out
    }

    fn columns(&self) -> Vec<ColumnScale> {
        scales(&self.head, &self.readings)
    }

    fn check_single_precision(&self) -> Result<(), DensityError> {
        let mut readings = self.readings.iter();
        let check = |reading: &Reading| self.data.check_single_precision(&reading.name);
        Ok(readings.try_for_each(check).map_err(Error::Data)?)
    }

    fn save(&self, fit: &AdviFit, path: &Path) -> Result<(), DensityError> {
        Ok(save_running(self.model, &self.data, fit, path)?)
    }

    fn start(&self, seed: u64) -> Result<Vec<f64>, DensityError> {
        Ok(self.start_with(&[], seed)?)
    }

    fn start_at(
        &self,
        values: &[(String, Vec<f64>)],
        seed: u64,
    ) -> Result<Vec<f64>, InferenceError> {
        Start::check_names(&self.sites, values)?;
        self.start_with(values, seed).map_err(|error| match error {
            Error::Inference(error) => error,
            error => InferenceError::Density(error.into()),
        })
    }

    fn initial_sds(&self, site: usize) -> Option<&[f64]> {
        self.begins.get(site)?.as_ref()?.sd.as_deref()
    }

    fn explain(&self, z: &[f64]) -> Option<String> {
        let graph = Graph::new();
        let batch = Batch::new(&graph, &self.head, Rows::All, None);
        let point = batch.shared.known_input("z", [z.len()].into(), z.to_vec());
        let point = Point::at(point, &self.sites);
        let handler = Rc::new(Explain::at(&batch.shared, point));
        // Whatever else is wrong with the model was said before it was fitted.
        let _ = run(self.model, &batch, handler.clone());
        handler.found()
    }

    fn trace<'g>(
        &self,
        graph: &'g Graph,
        handler: Rc<dyn Handler<'g> + 'g>,
        rows: Rows,
    ) -> Result<Traced<'g>, DensityError> {
        if matches!(rows, Rows::Minibatch(_)) && self.rows() > Some(1) {
            self.check_rows()?;
        }
        let batch = Batch::new(graph, &self.data, rows, None).in_fit();
        let record = run(self.model, &batch, handler)?;
        self.check_sites(&record)?;
        Ok(Traced {
            terms: record.terms,
            data: batch.shared.data(),
            fed: batch.shared.fed(&self.observed),
        })
    }
}

/// Runs a model with a handler, and returns what that left.
pub(crate) fn run<'g>(
    model: &impl Model,
    batch: &Batch<'g>,
    handler: Rc<dyn Handler<'g> + 'g>,
) -> Result<Record<'g>, Error> {
    let trace = Trace::new(batch, handler);
    model.run(&trace, batch);
    batch.shared.check()?;
    let record = trace.into_record()?;
    batch.shared.check_indices(&record)?;
    Ok(record)
}

/// Shows a model, or a part of one, a trace and rows of the data in which nothing has a value:
/// what it declares, in which shapes, and whether all of it fits. Two rows stand for all.
///
/// ```
/// use bayes_nn::model::{self, Data};
/// use bayes_nn::nn::{Dense, Layer};
/// let data = Data::new().matrix("x", &[0.5, 1.0, 2.0, 3.0, 4.0, 5.0], 2)?;
/// let shape = model::probe(&data, |trace, batch| {
///     let out = Dense::new(3).outputs(trace, &[batch.matrix("x")]);
///     batch.check()?;
///     Ok::<_, bayes_nn::Error>(out.shape())
/// })?;
/// assert_eq!(shape.to_string(), "[3, 2]");
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub fn probe<R>(data: &Data, look: impl for<'g> FnOnce(&Trace<'g>, &Batch<'g>) -> R) -> R {
    let graph = Graph::new();
    let data = &data.head();
    // All rows would be copied to lie batch last.
    let rows = match data.rows() {
        Some(_) => Rows::Minibatch(2),
        None => Rows::All,
    };
    let batch = Batch::new(&graph, data, rows, None);
    look(
        &Trace::new(&batch, Rc::new(Probe::new(&batch.shared))),
        &batch,
    )
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::grad;
    use bayes_nn_distributions::{Bernoulli, Distribution, Normal};
    use bayes_nn_inference::Point;
    use bayes_nn_kernels::{Precision, Runtime, Step};

    use super::*;
    use crate::datasets;
    use crate::model::{Trace, from_fn};

    /// Log density and gradient of a network at a fixed point, for each of `steps` steps.
    fn gradients(rows: Rows, steps: u64) -> Vec<Vec<f64>> {
        let data = datasets::moons(60, 0.2, 1).unwrap();
        let network = from_fn(|trace: &Trace<'_>, data| {
            let weights = |name, shape: [usize; 2]| {
                trace.sample(name, Normal::new(0.0, 1.0).expand(shape)).t()
            };
            let hidden = weights("hidden", [2, 4]).matmul(data.matrix("x")).tanh();
            let logit = weights("output", [4, 1]).matmul(hidden).row(0);
            trace.observe("y", Bernoulli::logits(logit), data.column("y"));
        });
        let density = ModelDensity::new(&network, Data::from(&data)).unwrap();
        let graph = Graph::new();
        let step = Step::new(&graph);
        let z = step.state("z", [density.dim()], density.start(3).unwrap());
        let point = Rc::new(Point::at(z, density.sites()));
        let traced = density.trace(&graph, point, rows).unwrap();
        step.bind(traced.data.clone());
        let log_prob = traced.log_prob();
        step.record("log_prob", log_prob);
        step.record("gradient", grad(log_prob, &[z]).unwrap()[0]);
        let runtime = Runtime {
            precision: Precision::F64,
            ..Runtime::default()
        };
        let mut run = step.finish(&runtime).unwrap().start(1).unwrap();
        run.begin(&[8]).unwrap();
        run.advance_one(0, steps).unwrap();
        let gradients = run.recorded(0, "gradient").unwrap();
        let steps = run.recorded(0, "log_prob").unwrap().iter();
        steps
            .zip(gradients.chunks(density.dim()))
            .map(|(log_prob, gradient)| [&[*log_prob], gradient].concat())
            .collect()
    }

    #[test]
    fn the_mean_of_all_minibatch_gradients_is_the_full_gradient() {
        let full = gradients(Rows::All, 1).remove(0);
        let size = full.iter().fold(0.0, |size: f64, g| size.max(g.abs()));
        // 7 does not divide 60: sixty batches of seven are seven epochs.
        for (batch, steps) in [(10, 6), (7, 60), (1, 60), (60, 1)] {
            let parts = gradients(Rows::Minibatch(batch), steps);
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
