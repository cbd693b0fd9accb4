//! What a run of a model leaves behind: its variables, and the terms of its log density.

use std::collections::BTreeMap;
use std::sync::Arc;

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::{Bijector, Distribution};
use bayes_nn_inference::{
    Begin, Dimension, InferenceError, Site, SiteError, SiteSupport, StartError, Term,
};

use super::axes::Axes;
use super::batch::Shared;
use super::{Data, Trace};
use crate::error::Error;

/// What a run of a model leaves behind.
#[derive(Default)]
pub(crate) struct Record<'g> {
    pub(crate) sites: Vec<Sampled<'g>>,
    pub(crate) observed: Vec<Observed<'g>>,
    pub(crate) deterministics: Vec<(String, Var<'g>, Axes)>,
    /// The summands of the log density in unconstrained space, scaled.
    pub(crate) terms: Vec<Term<'g>>,
    /// Where fits begin in variables of which that is known element by element.
    pub(crate) begins: BTreeMap<String, BeginAt>,
    /// What layers give, `[..units, rows]`.
    pub(crate) layers: Vec<(String, Var<'g>)>,
    /// The weights of layers.
    pub(crate) weights: Vec<(String, Var<'g>)>,
}

/// Where fits begin in the elements of a variable, in unconstrained space.
#[derive(Clone, Debug)]
pub(crate) struct BeginAt {
    pub(crate) mean: Arc<[f64]>,
    /// The standard deviations of a guide.
    pub(crate) sd: Option<Arc<[f64]>>,
}

impl BeginAt {
    /// In the order of the sites.
    pub(super) fn by_site(
        mut begins: BTreeMap<String, BeginAt>,
        sites: &[Site],
    ) -> Result<Vec<Option<BeginAt>>, InferenceError> {
        let own = sites.iter().map(|site| {
            let begin = begins.remove(&site.name);
            let lengths = begin.iter().flat_map(|begin| {
                let sd = begin.sd.iter().map(|sd| sd.len());
                sd.chain([begin.mean.len()])
            });
            match lengths.into_iter().find(|n| *n != site.shape.elements()) {
                None => Ok(begin),
                Some(got) => Err(StartError::Length {
                    site: site.name.clone(),
                    got,
                    shape: Box::new(site.shape),
                }),
            }
        });
        let own = own.collect::<Result<Vec<_>, StartError>>()?;
        match begins.pop_first() {
            None => Ok(own),
            Some((site, _)) => Err(StartError::UnknownSite {
                site,
                available: Site::list(sites),
            }
            .into()),
        }
    }
}

impl<'g> Record<'g> {
    /// Checks that sites have the supports and the names of axes that they had in the fit.
    pub(super) fn check_fitted(&self, shared: &Shared<'g>, fitted: &[Site]) -> Result<(), Error> {
        for site in &self.sites {
            let support = site.support(shared)?;
            let support = SiteError::support(&site.name, support.as_ref(), fitted);
            let axes = || SiteError::axes(&site.name, &site.axes, fitted);
            if let Some(error) = support.or_else(axes) {
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// The sites and the deterministics: names, shapes, names of axes and values.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&String, Shape, &Axes, Var<'g>)> {
        let sites = self.sites.iter();
        let sites = sites.map(|s| (&s.name, s.shape, &s.axes, s.value));
        let named = self.deterministics.iter();
        sites.chain(named.map(|(name, value, axes)| (name, value.shape(), axes, *value)))
    }
}

pub(crate) struct Sampled<'g> {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) value: Var<'g>,
    pub(crate) bijector: Bijector<'g>,
    pub(crate) axes: Axes,
    /// For imputed values: the rows that they stand in.
    pub(crate) rows: Option<Arc<[usize]>>,
    /// How many nodes there were when its prior was written.
    pub(crate) declared: usize,
    pub(crate) options: SiteOptions,
}

impl<'g> Sampled<'g> {
    /// Where its values lie, with the bounds that depend on data alone.
    pub(crate) fn support(&self, shared: &Shared<'g>) -> Result<Option<SiteSupport>, Error> {
        SiteSupport::of(&self.bijector, |bound| match bound.constant_values() {
            Some(values) => Ok(Some(values)),
            None => shared.known(bound),
        })
    }
}

impl<'g> Trace<'g> {
    /// The value of a variable that was declared before in this run, by its name without the scopes
    /// around; nothing of one that was not.
    ///
    /// ```
    /// use bayes_nn::distributions::Normal;
    /// use bayes_nn::model::{self, Batch, Trace};
    /// fn twice<'g>(trace: &Trace<'g>, _: &Batch<'g>) {
    ///     assert!(trace.declared("x").is_none());
    ///     let x = trace.sample("x", Normal::new(0.0, 1.0));
    ///     assert_eq!(trace.declared("x").and_then(|known| known.id()), x.id());
    /// }
    /// model::prior_predictive(&model::from_fn(twice), model::Data::new(), 10, 0)?;
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn declared(&self, name: &str) -> Option<Var<'g>> {
        let name = self.full_name(name);
        let record = self.record.borrow();
        let mut sites = record.sites.iter();
        sites.find(|site| site.name == name).map(|site| site.value)
    }

    /// Says of a variable where fits begin in each of its elements, in unconstrained space, as
    /// [`Trace::options`] says of all alike: guides at these means with these standard deviations, or with
    /// those of its options, and chains that start from the prior at these means.
    ///
    /// A length that is not that of the variable, and a name that none has, are errors of the fit.
    pub fn begin_at(
        &self,
        name: &str,
        mean: impl Into<Arc<[f64]>>,
        sd: Option<impl Into<Arc<[f64]>>>,
    ) {
        let begin = BeginAt {
            mean: mean.into(),
            sd: sd.map(Into::into),
        };
        let begins = &mut self.record.borrow_mut().begins;
        begins.insert(self.full_name(name), begin);
    }

    /// The support of the variable whose value this is; nothing of a value that is computed from
    /// others.
    ///
    /// ```
    /// use bayes_nn::SiteSupport;
    /// use bayes_nn::distributions::HalfNormal;
    /// use bayes_nn::model::{self, Batch, Trace};
    /// fn scale<'g>(trace: &Trace<'g>, _: &Batch<'g>) {
    ///     let sd = trace.sample("sd", HalfNormal::new(1.0));
    ///     assert_eq!(trace.support(sd), Some(SiteSupport::Positive));
    ///     assert_eq!(trace.support(2.0 * sd), None);
    /// }
    /// model::prior_predictive(&model::from_fn(scale), model::Data::new(), 10, 0)?;
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn support(&self, value: Var<'g>) -> Option<SiteSupport> {
        let record = self.record.borrow();
        let mut sites = record.sites.iter().rev();
        let site = sites.find(|site| site.value.id().is_some() && site.value.id() == value.id())?;
        site.support(&self.shared).ok()?
    }
}

/// What is said of a random variable besides its prior ([`Trace::options`]): nothing unless set.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SiteOptions {
    /// Where fits begin, in unconstrained space, instead of at a draw of the prior.
    pub begin: Option<Begin>,
    /// Whether guides have a point for it instead of a distribution: a variable that is estimated,
    /// among others whose posterior is wanted.
    pub point: bool,
}

pub(crate) struct Observed<'g> {
    pub(crate) name: String,
    pub(crate) distribution: Box<dyn Distribution<'g> + 'g>,
    pub(crate) shape: Shape,
    pub(crate) axes: Axes,
    /// What was seen, without the values that are missing.
    pub(crate) value: Var<'g>,
    /// If some are: the rows that are not.
    pub(crate) rows: Option<Arc<[usize]>>,
    /// Of each event that was seen, never scaled; of the shape beside it, or one number for all.
    pub(crate) log_prob: Var<'g>,
    pub(crate) log_prob_shape: Shape,
}

impl<'g> Observed<'g> {
    /// What the axes of its log densities are called.
    pub(super) fn log_prob_axes(&self) -> &[Option<Dimension>] {
        let event = self.distribution.event_shape().rank();
        self.axes.get(event..).unwrap_or_default()
    }

    /// Checks that new rows may be looked at: a series or a process over the rows would be drawn
    /// anew, whatever the rows of the fit said.
    pub(crate) fn check_new_rows(&self, data: &Data, fitted: &Data) -> Result<(), Error> {
        let over_rows = self.distribution.event_shape().rank() == self.shape.rank()
            && self.shape.rank() > 0
            && self.value.comes_from_rows();
        match over_rows && !data.are_those_of(fitted) {
            true => Err(Error::NewRowsOfAnEvent {
                site: self.name.clone(),
                distribution: self.distribution.name(),
            }),
            false => Ok(()),
        }
    }
}
