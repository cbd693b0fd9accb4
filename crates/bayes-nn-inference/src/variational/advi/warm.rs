//! Where a guide begins that goes on from another fit.

use std::sync::Arc;

use super::checked::INITIAL_SD;
use super::{Advi, Approximation, Family};
use crate::check::positive;
use crate::{Density, DrawSource, InferenceError, Site, SiteError, StartError};

/// The least standard deviation of an element, as a part of what an element of the root mean square
/// of its site has.
const FLOOR: f64 = 0.1;

/// What an earlier fit says of the sites.
#[derive(Clone, Debug)]
pub(crate) struct WarmStart {
    pub(crate) source: DrawSource,
    pub(crate) relative_sd: f64,
    /// Whether variables that only one of both has are passed over.
    pub(crate) is_part: bool,
}

impl Advi {
    /// Begins where an earlier fit ended: with its means, and with standard deviations of
    /// `relative_sd` times the size of each mean (Krishnan, Subedar and Tickoo 2020, "Specifying
    /// weight priors in Bayesian deep neural networks with empirical Bayes", MOPED; 0.1 is usual).
    /// The mean is that of a guide, of a mode ([`Advi::map`]) or of draws: give a fit, a posterior or
    /// an [`Approximation`](super::Approximation).
    ///
    /// Of an element whose mean is small, it is at least a tenth of what the root mean square of its
    /// variable would get; of a variable that is zero all over, [`Advi::initial_sd`].
    ///
    /// ```
    /// # use std::rc::Rc;
    /// # use bayes_nn_autodiff::Graph;
    /// # use bayes_nn_inference::{Advi, Density, DensityError, Handler, Method, Rows, Site, Term, Traced};
    /// # struct Normal(Vec<Site>);
    /// # impl Density for Normal {
    /// #     fn sites(&self) -> &[Site] { &self.0 }
    /// #     fn start(&self, _seed: u64) -> Result<Vec<f64>, DensityError> { Ok(vec![0.5]) }
    /// #     fn trace<'g>(
    /// #         &self, _: &'g Graph, handler: Rc<dyn Handler<'g> + 'g>, _: Rows,
    /// #     ) -> Result<Traced<'g>, DensityError> {
    /// #         let x = handler.unconstrained("x", [1].into())?;
    /// #         Ok(Traced::new(vec![Term::new("x", (-0.5 * (x - 2.0) * (x - 2.0)).sum())]))
    /// #     }
    /// # }
    /// # let density = Normal(vec![Site::new("x", [1], 0)]);
    /// let map = Advi::map().fit(&density)?;
    /// let fit = Advi::mean_field().warm_start(&map, 0.1).steps(2_000).fit(&density)?;
    /// assert!((fit.approximation().mean()[0] - 2.0).abs() < 0.1);
    /// # Ok::<(), bayes_nn_inference::InferenceError>(())
    /// ```
    ///
    /// # Errors
    /// Of the fit: variables that are not those of the density, or of other shapes ([`StartError`]).
    pub fn warm_start(self, from: impl Into<DrawSource>, relative_sd: f64) -> Advi {
        self.warm_started(from.into(), relative_sd, false)
    }

    /// [`Advi::warm_start`] from a fit that has only some of the variables, or others, too: of another task,
    /// say, whose network has another last layer. Those of the same name begin as there, and the others as
    /// they would without. At least one has to be the same.
    ///
    /// ```
    /// use bayes_nn_inference::{Advi, Approximation, Site};
    /// // Weights that somebody trained.
    /// let sites = vec![Site::new("layer0.weight", [2, 2], 0)];
    /// let weights = Approximation::point(sites, vec![0.4, -1.2, 0.8, 0.1])?;
    /// let advi = Advi::mean_field().warm_start_part(weights, 0.1);
    /// # let _ = advi;
    /// # Ok::<(), bayes_nn_inference::InferenceError>(())
    /// ```
    ///
    /// # Errors
    /// Of the fit: no variable of the same name; one of another shape ([`StartError`]).
    pub fn warm_start_part(self, from: impl Into<DrawSource>, relative_sd: f64) -> Advi {
        self.warm_started(from.into(), relative_sd, true)
    }

    fn warm_started(mut self, source: DrawSource, relative_sd: f64, is_part: bool) -> Advi {
        self.by_optimizer |= self.family != Family::Point;
        self.warm_start = Some(Arc::new(WarmStart {
            source,
            relative_sd,
            is_part,
        }));
        self
    }

    /// The standard deviations with which a guide begins, `[P]`: one in all sites that say nothing
    /// of it, and in all if one was set.
    pub(super) fn initial_sds(&self, density: &dyn Density) -> Result<Vec<f64>, InferenceError> {
        let initial_sd = self.initial_sd.unwrap_or(INITIAL_SD);
        let mut sds = vec![initial_sd; density.dim()];
        if self.initial_sd.is_none() {
            for (number, site) in density.sites().iter().enumerate() {
                match (density.initial_sds(number), site.begin) {
                    (Some(own), _) => sds[site.range()].copy_from_slice(own),
                    (None, Some(begin)) => sds[site.range()].fill(begin.sd),
                    (None, None) => {}
                }
            }
        }
        let Some(warm) = &self.warm_start else {
            return Ok(sds);
        };
        for (site, values) in density.sites().iter().zip(warm.means(density)?) {
            let Some(values) = values else { continue };
            let squares: f64 = values.iter().map(|v| v * v).sum();
            let least = FLOOR * (squares / values.len().max(1) as f64).sqrt();
            let own = values.iter().map(|value| match least > 0.0 {
                true => warm.relative_sd * value.abs().max(least),
                false => initial_sd,
            });
            sds.splice(site.range(), own);
        }
        Ok(sds)
    }

    /// How many times as large as at the start the standard deviations of a guide are, by site.
    pub(super) fn sds_moved(
        &self,
        density: &dyn Density,
        guide: &Approximation,
    ) -> Result<Vec<(String, f64)>, InferenceError> {
        if self.family != Family::MeanField {
            return Ok(Vec::new());
        }
        let (sds, initial) = (guide.sd(), self.initial_sds(density)?);
        let moved = density
            .sites()
            .iter()
            .filter(|site| !site.point)
            .map(|site| {
                let pairs = sds[site.range()].iter().zip(&initial[site.range()]);
                let logarithms: f64 = pairs.map(|(sd, initial)| (sd / initial).ln()).sum();
                let count = site.shape.elements().max(1) as f64;
                (site.name.clone(), (logarithms / count).exp())
            });
        Ok(moved.collect())
    }
}

impl WarmStart {
    pub(super) fn check(&self) -> Result<(), InferenceError> {
        positive("warm_start", self.relative_sd)
    }

    /// Where the means begin, `[P]`: those of the earlier fit, and for variables that it does not have
    /// those of `others`.
    pub(super) fn mean(
        &self,
        density: &dyn Density,
        others: impl FnOnce() -> Result<Vec<f64>, InferenceError>,
    ) -> Result<Vec<f64>, InferenceError> {
        let means = self.means(density)?;
        if means.iter().all(Option::is_some) {
            return Ok(means.into_iter().flatten().flatten().collect());
        }
        let mut start = others()?;
        for (site, values) in density.sites().iter().zip(means) {
            if let (Some(values), Some(place)) = (values, start.get_mut(site.range())) {
                place.copy_from_slice(&values);
            }
        }
        Ok(start)
    }

    /// The means that the earlier fit has for each site of a density.
    fn means(&self, density: &dyn Density) -> Result<Vec<Option<Vec<f64>>>, InferenceError> {
        let (own, mean) = (self.source.sites(), self.source.mean()?);
        let sites = density.sites();
        let unknown = |site: &&Site| find(sites, &site.name).is_none();
        let unknown = match self.is_part {
            true => own
                .first()
                .filter(|_| own.iter().all(|site| unknown(&site))),
            false => own.iter().find(unknown),
        };
        if let Some(unknown) = unknown {
            return Err(StartError::UnknownSite {
                site: unknown.name.clone(),
                available: Site::list(sites),
            }
            .into());
        }
        let mut values = Vec::with_capacity(sites.len());
        for site in sites {
            let Some(found) = find(own, &site.name) else {
                if self.is_part {
                    values.push(None);
                    continue;
                }
                return Err(StartError::MissingSite {
                    site: site.name.clone(),
                    available: Site::list(own),
                }
                .into());
            };
            if found.shape != site.shape {
                return Err(StartError::Shape {
                    site: site.name.clone(),
                    got: Box::new(found.shape),
                    shape: Box::new(site.shape),
                }
                .into());
            }
            let axes = SiteError::axes(&site.name, &site.axes, own);
            let support = || SiteError::support(&site.name, site.support.as_ref(), own);
            if let Some(error) = axes.or_else(support) {
                return Err(InferenceError::Density(error.into()));
            }
            values.push(Some(mean[found.range()].to_vec()));
        }
        Ok(values)
    }
}

fn find<'s>(sites: &'s [Site], name: &str) -> Option<&'s Site> {
    sites.iter().find(|site| site.name == name)
}
