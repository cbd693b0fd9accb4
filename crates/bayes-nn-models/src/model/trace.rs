//! One run of a model: what `sample` and `observe` do, and what they leave behind.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::rc::Rc;

use bayes_nn_autodiff::{Graph, Shape, Var};
use bayes_nn_distributions::Distribution;
use bayes_nn_inference::{Declared, Handler, SiteError, Term};

use super::axes::Axes;
use super::batch::{Batch, Shared};
use super::missing::{Completed, known_rows};
use super::record::{Observed, Record, Sampled, SiteOptions};
use crate::error::Error;

/// The handle through which a model declares its random variables.
///
/// The same model is run for different ends, and a [`Handler`] decides what its declarations
/// mean. To fit it, [`Trace::sample`] gives a part of the unconstrained vector, sent through the
/// bijector of the distribution's support. For the prior it gives a draw made on the host. For
/// predictions it gives a draw of the posterior. In all of them it is a node of the graph.
pub struct Trace<'g> {
    pub(super) shared: Rc<Shared<'g>>,
    pub(super) handler: Rc<dyn Handler<'g> + 'g>,
    scope: RefCell<Vec<String>>,
    scale: RefCell<f64>,
    names: RefCell<HashSet<String>>,
    /// Of variables that are not declared yet.
    options: RefCell<BTreeMap<String, SiteOptions>>,
    pub(crate) record: RefCell<Record<'g>>,
}

impl fmt::Debug for Trace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("scope", &self.scope)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// The most elements of a variable.
const MOST_ELEMENTS: usize = 1 << 30;

impl<'g> Trace<'g> {
    pub(crate) fn new(batch: &Batch<'g>, handler: Rc<dyn Handler<'g> + 'g>) -> Trace<'g> {
        Trace {
            shared: batch.shared.clone(),
            handler,
            scope: RefCell::default(),
            scale: RefCell::new(1.0),
            names: RefCell::default(),
            options: RefCell::default(),
            record: RefCell::default(),
        }
    }

    /// The graph that the model is written into, for constants.
    pub fn graph(&self) -> &'g Graph {
        self.shared.graph
    }

    /// A random variable with this prior; the value has the shape of the distribution, or of the
    /// dimensions that it is [over](Distribution::over), whose names stay with its draws:
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let model = model::from_fn(|trace, data| {
    ///     let b = trace.sample("b", Normal::new(0.0, 1.0).over("county"));
    ///     trace.observe("y", Normal::new(b.gather(data.index("county"), 0), 1.0), data.column("y"));
    /// });
    /// let data = Data::new().groups("county", &["RAMSEY", "ANOKA", "RAMSEY"])?;
    /// let data = data.column("y", &[0.5, -0.2, 1.1])?;
    /// let fit = model::fit(&model, &data, &Nuts::new().chains(2).seed(1))?;
    /// assert!(fit.to_string().contains("b[RAMSEY]"));
    /// let draws = fit.all_draws()?;
    /// assert!(draws.variable("b")?.of(["RAMSEY"])?.len() == 2_000);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// Errors (a name used twice, a parameter outside its domain, a discrete distribution) are
    /// kept, and returned by whatever runs the model.
    #[track_caller]
    pub fn sample(&self, name: &str, distribution: impl Distribution<'g> + 'g) -> Var<'g> {
        let shape = distribution.shape();
        let axes = distribution.axis_names();
        self.shared.graph.scope(name, || {
            let name = self.full_name(name);
            let value = match axes.is_empty() {
                true => self.try_sample(&name, shape, &distribution, Vec::new()),
                false => self.try_sample_over(&name, &distribution, &axes),
            };
            value.unwrap_or_else(|error| self.refuse(error, shape))
        })
    }

    /// Says of a variable, before it is declared, where fits begin in it, or that guides have a
    /// point for it. Default options take back what was said. What was said before, of a variable
    /// that has not been declared since, is returned.
    ///
    /// ```
    /// use bayes_nn::distributions::Normal;
    /// use bayes_nn::model::{self, Batch, Begin, SiteOptions, Trace};
    /// fn line<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    ///     let begin = Some(Begin { mean: 0.0, spread: 1.0, sd: 0.01 });
    ///     trace.options("slope", SiteOptions { begin, ..SiteOptions::default() });
    ///     let slope = trace.sample("slope", Normal::new(0.0, 1e3));
    ///     trace.observe("y", Normal::new(slope * data.column("x"), 1.0), data.column("y"));
    /// }
    /// # let _ = model::from_fn(line);
    /// ```
    pub fn options(&self, name: &str, options: SiteOptions) -> Option<SiteOptions> {
        let name = self.full_name(name);
        match options == SiteOptions::default() {
            true => self.options.borrow_mut().remove(&name),
            false => self.options.borrow_mut().insert(name, options),
        }
    }

    pub(super) fn try_sample(
        &self,
        name: &str,
        shape: Shape,
        distribution: &dyn Distribution<'g>,
        axes: Axes,
    ) -> Result<Var<'g>, Error> {
        self.take_name(name)?;
        self.check_parameters(name, distribution)?;
        if shape.elements() > MOST_ELEMENTS {
            return Err(Error::SiteSize {
                site: name.to_owned(),
                shape: Box::new(shape),
            });
        }
        let support = distribution.support();
        let bijector = support.bijector().ok_or_else(|| SiteError::Discrete {
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
        let value = self.ask(&Declared {
            name,
            shape,
            distribution,
            bijector: Some(&bijector),
            rows: None,
            whole: shape,
        })?;
        self.record.borrow_mut().sites.push(Sampled {
            name: name.to_owned(),
            shape,
            value,
            bijector,
            axes,
            rows: None,
            declared: self.shared.graph.nodes().len(),
            options: self.options.borrow_mut().remove(name).unwrap_or_default(),
        });
        Ok(value)
    }

    /// The value of a site, whose terms are added to the log density.
    pub(super) fn ask(&self, site: &Declared<'_, 'g>) -> Result<Var<'g>, Error> {
        let sampled = self.handler.sample(site)?;
        self.add_term(site.name, sampled.log_prob, sampled.log_jacobian);
        Ok(sampled.value)
    }

    /// A weight applied to its input, as layers do: `map(weight, x)`, where `map` is linear in
    /// each of its arguments. The values are those of `map`; saying so lets a fit draw the product
    /// instead of the weight, which has less variance where `x` has many rows.
    ///
    /// ```
    /// use bayes_nn::distributions::Normal;
    /// use bayes_nn::model::{self, Batch, Trace};
    /// fn regression<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    ///     let weights = trace.sample("weights", Normal::new(0.0, 1.0).expand([3, 1]));
    ///     let mean = trace.times(weights, data.matrix("x"), &|w, x| w.t().matmul(x)).row(0);
    ///     trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    /// }
    /// # use bayes_nn::distributions::Distribution;
    /// # let _ = model::from_fn(regression);
    /// ```
    pub fn times(
        &self,
        weight: Var<'g>,
        x: Var<'g>,
        map: &dyn Fn(Var<'g>, Var<'g>) -> Var<'g>,
    ) -> Var<'g> {
        self.handler.times(weight, x, map)
    }

    /// A weight times what scales it, of a shape that broadcasts to the weight's: `scale * weight`. Saying
    /// so lets a fit draw [products](Trace::times) of the scaled weight.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let regression = model::from_fn(|trace, data| {
    ///     let scale = trace.sample("scale", HalfNormal::new(1.0));
    ///     let raw = trace.sample("raw", Normal::new(0.0, 1.0).expand([3, 1]));
    ///     let weights = trace.scale_weight(raw, scale);
    ///     let mean = trace.times(weights, data.matrix("x"), &|w, x| w.t().matmul(x)).row(0);
    ///     trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    /// });
    /// let x = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    /// let data = Data::new().matrix("x", &x, 3)?.column("y", &[1.0, 0.0, 2.0])?;
    /// let fit = model::fit(&regression, &data, &Advi::mean_field().steps(10))?;
    /// // The scaled weights meet one input, so that their products may be drawn.
    /// assert!(fit.sites()[1].local);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn scale_weight(&self, weight: Var<'g>, scale: Var<'g>) -> Var<'g> {
        self.handler.scale_weight(weight, scale)
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
            seen.unwrap_or_else(|error| self.refuse(error, value.shape()))
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
        let names = distribution.axis_names();
        let axes = match names.is_empty() {
            true => Vec::new(),
            false => self
                .shared
                .axes_of_observed(name, shape, &*distribution, &names)?,
        };
        let mut declared = Declared {
            name,
            shape,
            distribution: &*distribution,
            bijector: None,
            rows: None,
            whole: shape,
        };
        let incomplete = self.shared.incomplete(value);
        let known = incomplete.as_ref().map(|incomplete| {
            declared.shape = incomplete.observed.shape();
            (
                known_rows(shape.columns(), &incomplete.missing),
                incomplete.observed,
            )
        });
        declared.rows = known.as_ref().map(|(rows, _)| rows.as_slice());
        let seen = known.as_ref().map_or(value, |(_, seen)| *seen);
        let completed = match (self.handler.observe(&declared, seen), incomplete) {
            (Ok(Some(simulated)), _) => Completed::whole(simulated),
            (Ok(None), Some(incomplete)) => self.complete(name, &*distribution, incomplete)?,
            (Ok(None), None) => Completed::whole(value),
            (Err(error), incomplete) => {
                // That the distribution has no missing values goes before what is wrong with those
                // that are known.
                if let Some(incomplete) = incomplete {
                    self.complete(name, &*distribution, incomplete)?;
                }
                return Err(error.into());
            }
        };
        let log_prob = distribution.log_prob(completed.value);
        self.add_term(name, log_prob.sum(), 0.0.into());
        // An event has one density.
        let log_prob_shape = shape.without(0, event.len());
        let (log_prob, log_prob_shape) = completed.seen_only(log_prob, log_prob_shape);
        self.record.borrow_mut().observed.push(Observed {
            name: name.to_owned(),
            distribution,
            shape,
            axes,
            value: completed.observed,
            rows: completed.rows,
            log_prob,
            log_prob_shape,
        });
        Ok(completed.value)
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

    /// Says that a fit sees rows changed at random, and how; and whether this run is a part of one, in which
    /// they are. Predictions, rows held out of a fit and looks at the model are not. The fit is printed with
    /// what is said.
    pub fn augments(&self, how: &str) -> bool {
        let mut known = self.shared.augmented.borrow_mut();
        if !known.iter().any(|own| own == how) {
            known.push(how.to_owned());
        }
        self.shared.in_fit.get()
    }

    /// Keeps an error of the model, which whatever runs it returns if it is the first, and gives
    /// zeros of this shape to go on with.
    pub fn refuse(&self, error: impl Into<Error>, shape: impl Into<Shape>) -> Var<'g> {
        self.shared.fail(error.into());
        self.shared.zeros(shape.into())
    }

    /// Puts `name.` before every name declared inside, as layers do.
    pub fn scope<R>(&self, name: &str, declare: impl FnOnce() -> R) -> R {
        self.scope.borrow_mut().push(name.to_owned());
        let result = self.shared.graph.scope(name, declare);
        self.scope.borrow_mut().pop();
        result
    }

    /// What the run left behind.
    ///
    /// # Errors
    /// A variable of which something was said, and which was not declared.
    pub(super) fn into_record(self) -> Result<Record<'g>, Error> {
        match self.options.into_inner().pop_first() {
            Some((name, _)) => Err(Error::OptionsOfNone { name }),
            None => Ok(self.record.into_inner()),
        }
    }

    pub(super) fn full_name(&self, name: &str) -> String {
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
}
