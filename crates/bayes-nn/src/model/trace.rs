//! One run of a model: what `sample` and `observe` do, and what they leave behind.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use bayes_nn_autodiff::{Graph, Shape, Var};
use bayes_nn_distributions::{Bijector, Distribution, ParameterValues, Uniform};
use bayes_nn_inference::{Site, Term};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::batch::{Batch, Shared};
use super::missing::Completed;
use crate::error::Error;

/// The handle through which a model declares its random variables.
///
/// The same model is run for different ends. To fit it, [`Trace::sample`] gives a part of the
/// unconstrained vector, sent through the bijector of the distribution's support. For the prior
/// it gives a draw made on the host. For predictions it gives a draw of the posterior.
pub struct Trace<'g> {
    pub(super) shared: Rc<Shared<'g>>,
    pub(super) mode: RefCell<Mode<'g>>,
    scope: RefCell<Vec<String>>,
    scale: RefCell<f64>,
    names: RefCell<HashSet<String>>,
    pub(crate) record: RefCell<Record<'g>>,
}

/// Where the values of sites come from.
pub(crate) enum Mode<'g> {
    /// Drawn on the host, one after the other; observations, too, if `simulate`. Unless it does,
    /// a site without a proper prior is somewhere in its support.
    Prior {
        rng: Box<Xoshiro256PlusPlus>,
        simulate: bool,
    },
    /// Parts of the unconstrained vector `z`.
    Given { z: Var<'g>, sites: Rc<[Site]> },
}

/// What a run of a model leaves behind.
#[derive(Default)]
pub(crate) struct Record<'g> {
    pub(crate) sites: Vec<Sampled<'g>>,
    pub(crate) observed: Vec<Observed<'g>>,
    pub(crate) deterministics: Vec<(String, Var<'g>)>,
    /// The summands of the log density in unconstrained space, scaled.
    pub(crate) terms: Vec<Term<'g>>,
}

pub(crate) struct Sampled<'g> {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) value: Var<'g>,
    pub(crate) bijector: Bijector<'g>,
    /// For imputed values: the rows that they stand in.
    pub(crate) rows: Option<Arc<[usize]>>,
}

pub(crate) struct Observed<'g> {
    pub(crate) name: String,
    pub(crate) distribution: Box<dyn Distribution<'g> + 'g>,
    pub(crate) shape: Shape,
    /// What was seen, without the values that are missing.
    pub(crate) value: Var<'g>,
    /// If some are: the rows that are not.
    pub(crate) rows: Option<Arc<[usize]>>,
    /// Of each event that was seen, never scaled; of the shape beside it, or one number for all.
    pub(crate) log_prob: Var<'g>,
    pub(crate) log_prob_shape: Shape,
    /// A draw on the host, when the run simulates.
    pub(crate) simulated: Option<Vec<f64>>,
}

impl<'g> Trace<'g> {
    pub(crate) fn new(batch: &Batch<'g>, mode: Mode<'g>) -> Trace<'g> {
        Trace {
            shared: batch.shared.clone(),
            mode: RefCell::new(mode),
            scope: RefCell::default(),
            scale: RefCell::new(1.0),
            names: RefCell::default(),
            record: RefCell::default(),
        }
    }

    /// What the run left behind, and the generator of a run that drew from the prior.
    pub(crate) fn into_parts(self) -> (Record<'g>, Option<Box<Xoshiro256PlusPlus>>) {
        let rng = match self.mode.into_inner() {
            Mode::Prior { rng, .. } => Some(rng),
            Mode::Given { .. } => None,
        };
        (self.record.into_inner(), rng)
    }

    /// The graph that the model is written into, for constants.
    pub fn graph(&self) -> &'g Graph {
        self.shared.graph
    }

    /// A random variable with this prior; the value has the shape of the distribution.
    ///
    /// Errors (a name used twice, a parameter outside its domain, a discrete distribution) are
    /// kept, and returned by whatever runs the model.
    #[track_caller]
    pub fn sample(&self, name: &str, distribution: impl Distribution<'g> + 'g) -> Var<'g> {
        let shape = distribution.shape();
        self.shared.graph.scope(name, || {
            let name = self.full_name(name);
            self.try_sample(&name, shape, &distribution)
                .unwrap_or_else(|error| {
                    self.shared.fail(error);
                    self.shared.zeros(shape)
                })
        })
    }

    fn try_sample(
        &self,
        name: &str,
        shape: Shape,
        distribution: &dyn Distribution<'g>,
    ) -> Result<Var<'g>, Error> {
        self.take_name(name)?;
        self.check_parameters(name, distribution)?;
        let support = distribution.support();
        let bijector = support.bijector().ok_or_else(|| Error::Discrete {
            site: name.to_owned(),
            distribution: distribution.name(),
        })?;
        let parameters = distribution.parameters();
        if parameters
            .iter()
            .any(|p| self.shared.is_of_minibatch(p.value))
        {
            return Err(Error::LocalSite {
                site: name.to_owned(),
            });
        }
        let value = match &mut *self.mode.borrow_mut() {
            Mode::Prior { rng, simulate } => {
                if *simulate || distribution.is_proper() {
                    let values = self.draw(name, distribution, shape, rng)?;
                    self.shared.graph.constant(&values, shape)
                } else {
                    let unconstrained = bijector.unconstrained_shape(shape);
                    bijector.forward(self.anywhere(name, unconstrained, rng)?)
                }
            }
            Mode::Given { z, sites } => {
                let (value, log_det) = constrained(name, shape, &bijector, *z, sites)?;
                let log_prob = distribution.log_prob(value).sum();
                self.add_term(name, log_prob, log_det);
                value
            }
        };
        self.record.borrow_mut().sites.push(Sampled {
            name: name.to_owned(),
            shape,
            value,
            bijector,
            rows: None,
        });
        Ok(value)
    }

    /// Says that `value` was seen and came from this distribution, which must have the shape of
    /// the value or stretch to it.
    ///
    /// In a minibatch the log density of what comes from rows is scaled by `N / B`.
    ///
    /// A column [with missing values](super::Data::column_with_missing) is completed: those become
    /// a variable `name_missing` under the same distribution, which must be continuous. What is
    /// returned is the value, whole, for the rest of the model to use; where observations are
    /// simulated ([`prior_predictive`](super::prior_predictive)), it is what was simulated.
    ///
    /// ```
    /// use bayes_nn::distributions::Normal;
    /// use bayes_nn::model::{Batch, Trace};
    /// // A regression on a covariate that was not always measured.
    /// fn line<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    ///     let centre = trace.sample("centre", Normal::new(0.0, 1.0));
    ///     let x = trace.observe("x", Normal::new(centre, 1.0), data.column("x"));
    ///     let slope = trace.sample("slope", Normal::new(0.0, 1.0));
    ///     trace.observe("y", Normal::new(slope * x, 0.1), data.column("y"));
    /// }
    /// # let _ = bayes_nn::model::from_fn(line);
    /// ```
    #[track_caller]
    pub fn observe(
        &self,
        name: &str,
        distribution: impl Distribution<'g> + 'g,
        value: impl Into<Var<'g>>,
    ) -> Var<'g> {
        let value = value.into();
        self.shared.graph.scope(name, || {
            let name = self.full_name(name);
            let seen = self.try_observe(&name, Box::new(distribution), value);
            seen.unwrap_or_else(|error| {
                self.shared.fail(error);
                self.shared.zeros(value.shape())
            })
        })
    }

    fn try_observe(
        &self,
        name: &str,
        distribution: Box<dyn Distribution<'g> + 'g>,
        value: Var<'g>,
    ) -> Result<Var<'g>, Error> {
        self.take_name(name)?;
        self.check_parameters(name, &*distribution)?;
        let (shape, own) = (value.shape(), distribution.shape());
        let event = distribution.event_shape();
        let fits = shape.len() >= event.len() && shape[..event.len()] == event[..] && {
            let batch = shape.without(0, event.len());
            distribution.batch_shape().broadcast(&batch) == Some(batch)
        };
        if !fits {
            return Err(Error::ObservedShape {
                site: name.to_owned(),
                shape: Box::new(shape),
                distribution: Box::new(own),
            });
        }
        let mut simulated = None;
        if let Mode::Prior {
            rng,
            simulate: true,
        } = &mut *self.mode.borrow_mut()
        {
            simulated = Some(self.draw(name, &*distribution, shape, rng)?);
        }
        let completed = match (&simulated, self.shared.incomplete(value)) {
            (Some(values), _) => Completed::whole(self.shared.graph.constant(values, shape)),
            (None, None) => Completed::whole(value),
            (None, Some(incomplete)) => self.complete(name, &*distribution, incomplete)?,
        };
        let checked = matches!(*self.mode.borrow(), Mode::Prior { .. }) && simulated.is_none();
        if checked && !self.shared.is_absent(value) {
            self.check_support(name, &*distribution, &completed)?;
        }
        let log_prob = distribution.log_prob(completed.value);
        self.add_term(name, log_prob.sum(), 0.0.into());
        // An event has one density.
        let log_prob_shape = shape.without(0, event.len());
        let (log_prob, log_prob_shape) = completed.seen_only(log_prob, log_prob_shape);
        self.record.borrow_mut().observed.push(Observed {
            name: name.to_owned(),
            distribution,
            shape,
            value: completed.observed,
            rows: completed.rows,
            log_prob,
            log_prob_shape,
            simulated,
        });
        Ok(completed.value)
    }

    /// Names a value that is computed from others, so that draws of it are kept.
    pub fn deterministic(&self, name: &str, value: Var<'g>) -> Var<'g> {
        let name = self.full_name(name);
        match (self.take_name(&name), self.shared.incomplete(value)) {
            (Ok(()), None) => self.record.borrow_mut().deterministics.push((name, value)),
            (Ok(()), Some(known)) => self.shared.fail(self.shared.misused(&known.column)),
            (Err(error), _) => self.shared.fail(error),
        }
        value
    }

    /// Adds the sum of `log_density` to the log density of the model; like an observation it is
    /// scaled when it comes from the rows of a minibatch.
    pub fn factor(&self, name: &str, log_density: Var<'g>) {
        let name = self.full_name(name);
        match self.take_name(&name) {
            Ok(()) => self.add_term(&name, log_density.sum(), 0.0.into()),
            Err(error) => self.shared.fail(error),
        }
    }

    /// Multiplies the log density of everything declared inside by `factor`: a plate of which
    /// only a part is written, or a tempered likelihood.
    pub fn scaled<R>(&self, factor: f64, declare: impl FnOnce() -> R) -> R {
        if !(factor > 0.0 && factor.is_finite()) {
            self.shared.fail(Error::Scale { factor });
        }
        let before = self.scale.replace_with(|scale| *scale * factor);
        let result = declare();
        self.scale.replace(before);
        result
    }

    /// Keeps an error of the model, and gives zeros to go on with.
    pub(crate) fn refuse(&self, error: Error, shape: Shape) -> Var<'g> {
        self.shared.fail(error);
        self.shared.zeros(shape)
    }

    /// Puts `name.` before every name declared inside, as layers do.
    pub fn scope<R>(&self, name: &str, declare: impl FnOnce() -> R) -> R {
        self.scope.borrow_mut().push(name.to_owned());
        let result = self.shared.graph.scope(name, declare);
        self.scope.borrow_mut().pop();
        result
    }

    fn full_name(&self, name: &str) -> String {
        let scope = self.scope.borrow();
        match scope.is_empty() {
            true => name.to_owned(),
            false => format!("{}.{name}", scope.join(".")),
        }
    }

    pub(super) fn take_name(&self, name: &str) -> Result<(), Error> {
        match self.names.borrow_mut().insert(name.to_owned()) {
            true => Ok(()),
            false => Err(Error::NameTwice {
                name: name.to_owned(),
            }),
        }
    }

    /// Adds a log density, scaled, and the logarithm of the Jacobian of a bijector, which is not:
    /// it belongs to the coordinates, whatever density is written in them.
    pub(super) fn add_term(&self, name: &str, value: Var<'g>, log_jacobian: Var<'g>) {
        let scale = *self.scale.borrow() * self.shared.factor(value);
        let term = Term::new(name, value * scale + log_jacobian);
        self.record.borrow_mut().terms.push(term);
    }

    fn check_parameters(
        &self,
        name: &str,
        distribution: &dyn Distribution<'g>,
    ) -> Result<(), Error> {
        distribution.check().map_err(|source| Error::Parameter {
            site: name.to_owned(),
            source: Box::new(source),
        })
    }

    /// Draws on the host, in row-major order of `shape`.
    pub(super) fn draw(
        &self,
        name: &str,
        distribution: &dyn Distribution<'g>,
        shape: Shape,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Result<Vec<f64>, Error> {
        let parameters: Vec<Var<'g>> = distribution.parameters().iter().map(|p| p.value).collect();
        let values = self.shared.evaluate(&parameters)?;
        draw(name, distribution, shape, values, rng)
    }

    /// An unconstrained point to start from where there is no prior: uniform from -2 to 2.
    fn anywhere(
        &self,
        name: &str,
        shape: Shape,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Result<Var<'g>, Error> {
        let values = draw(
            name,
            &Uniform::new(-2.0, 2.0),
            shape,
            vec![vec![-2.0], vec![2.0]],
            rng,
        )?;
        Ok(self.shared.graph.constant(&values, shape))
    }

    fn check_support(
        &self,
        name: &str,
        distribution: &dyn Distribution<'g>,
        value: &Completed<'g>,
    ) -> Result<(), Error> {
        let support = distribution.support();
        let values = self.shared.evaluate(&[value.observed])?.swap_remove(0);
        // Rows are the last axis: batch last.
        let rows = value.observed.shape().columns();
        match values.iter().position(|v| !support.contains(*v)) {
            Some(place) => Err(Error::Support {
                site: name.to_owned(),
                row: value.row(place % rows),
                value: values[place],
                distribution: distribution.name(),
                support: support.to_string(),
            }),
            None => Ok(()),
        }
    }
}

/// The part of `z` that belongs to a site as a value of this shape, and the logarithm of the
/// Jacobian of the way there, summed.
pub(super) fn constrained<'g>(
    name: &str,
    shape: Shape,
    bijector: &Bijector<'g>,
    z: Var<'g>,
    sites: &[Site],
) -> Result<(Var<'g>, Var<'g>), Error> {
    let site = sites.iter().find(|site| site.name == name);
    let site = site.ok_or_else(|| Error::SiteAppeared {
        site: name.to_owned(),
    })?;
    // A vector on a simplex, say, has one unconstrained element less.
    let unconstrained = bijector.unconstrained_shape(shape);
    if site.shape != unconstrained {
        return Err(Error::SiteShape {
            site: name.to_owned(),
            shape: Box::new(unconstrained),
            fitted: Box::new(site.shape),
        });
    }
    let z = z.view(site.offset, unconstrained);
    let log_det = match bijector.log_det_jacobian(z) {
        // One number stands for every element.
        number if number.number().is_some() && bijector.is_element_wise() => {
            number * shape.elements() as f64
        }
        elements => elements.sum(),
    };
    Ok((bijector.forward(z), log_det))
}

/// Draws that fill `shape`, given the values of each parameter.
pub(crate) fn draw<'g>(
    name: &str,
    distribution: &dyn Distribution<'g>,
    shape: Shape,
    values: Vec<Vec<f64>>,
    rng: &mut Xoshiro256PlusPlus,
) -> Result<Vec<f64>, Error> {
    let wrong = |source| Error::Parameter {
        site: name.to_owned(),
        source: Box::new(source),
    };
    let table = ParameterValues::of(distribution, values).map_err(wrong)?;
    let event = distribution.event_shape();
    let batch = shape.without(0, event.len().min(shape.len()));
    let (mut numbers, mut checked) = (Vec::new(), None);
    let mut one = vec![0.0; event.elements()];
    let mut values = vec![0.0; shape.elements()];
    for place in 0..batch.elements() {
        let source = source_index(place, batch, table.shape());
        // Draws that share their numbers share the check.
        if checked != Some(source) {
            table.read(source, &mut numbers);
            distribution.check_values(&numbers).map_err(wrong)?;
            checked = Some(source);
        }
        distribution.draw_event(&numbers, rng, &mut one);
        // Event axes come first: the numbers of one event are a whole batch apart.
        for (value, drawn) in values[place..]
            .iter_mut()
            .step_by(batch.elements())
            .zip(&one)
        {
            *value = *drawn;
        }
    }
    Ok(values)
}

/// Where element `index` of `shape` lies in a tensor of shape `own` that is stretched to it.
fn source_index(index: usize, shape: Shape, own: Shape) -> usize {
    let (mut rest, mut stride, mut source) = (index, 1, 0);
    for axis in (0..shape.rank()).rev() {
        let length = own.aligned(axis, shape.rank());
        if length != 1 {
            source += rest % shape[axis] * stride;
        }
        rest /= shape[axis];
        stride *= length;
    }
    source
}
