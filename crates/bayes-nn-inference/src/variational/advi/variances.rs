//! How noisy gradients are by each estimator of a product of weights and inputs.

use std::fmt;
use std::rc::Rc;

use bayes_nn_autodiff::{Graph, grad};
use bayes_nn_kernels::{Step, running_mean_and_squares};

use super::guide::{Forms, Guide};
use super::{Advi, Approximation, Family};
use crate::check::{count, setting};
use crate::terms::write_terms;
use crate::{Density, InferenceError, Rows};

/// The most steps whose gradients are compared.
const MOST: usize = 10_000_000;

/// The variance of the gradient of the ELBO at a guide, by draws of weights and by draws of their
/// products with the inputs ([`Advi::local_reparameterization`]): the smaller it is, the larger the
/// steps that an optimiser can take.
///
/// Shown with `{}` it is a table, a site a row.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradientVariances {
    /// The steps whose gradients were compared.
    pub steps: usize,
    /// Site by site, in their order.
    pub sites: Vec<SiteVariances>,
}

/// The variances of the gradient by the parameters of one site, averaged over its elements: the
/// first by means, the second by spreads, in the parameter that the optimiser moves.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SiteVariances {
    /// Its name.
    pub site: String,
    /// Its elements.
    pub elements: usize,
    /// Where weights are drawn.
    pub weights: [f64; 2],
    /// Where products are drawn, wherever that is exact.
    pub products: [f64; 2],
}

impl GradientVariances {
    /// How many times as large variances are where weights are drawn, summed over all elements: of
    /// the gradient by means, and by spreads.
    pub fn ratios(&self) -> [f64; 2] {
        [0, 1].map(|part| {
            let sum = |of: fn(&SiteVariances) -> [f64; 2]| -> f64 {
                let sites = self.sites.iter();
                sites
                    .map(|site| site.elements as f64 * of(site)[part])
                    .sum()
            };
            sum(|site| site.weights) / sum(|site| site.products)
        })
    }
}

impl fmt::Display for GradientVariances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.sites.iter().map(|site| site.site.chars().count());
        let width = names.max().unwrap_or(0).max(4);
        writeln!(
            f,
            "variances of the gradient by means | by spreads, {} steps",
            self.steps
        )?;
        writeln!(
            f,
            "{:width$}  {:>21}  {:>21}",
            "", "weights drawn", "products drawn"
        )?;
        for site in &self.sites {
            let pair = |[mean, spread]: [f64; 2]| format!("{mean:.2e} | {spread:.2e}");
            let (weights, products) = (pair(site.weights), pair(site.products));
            writeln!(f, "{:width$}  {weights:>21}  {products:>21}", site.site)?;
        }
        let [mean, spread] = self.ratios();
        write!(
            f,
            "by weights {mean:.1} | {spread:.1} times as large in all"
        )
    }
}

impl Advi {
    /// Compares the variances of the gradients that steps of these settings would have at a guide of
    /// independent normals, over so many steps by each estimator; nothing is fitted. Where steps are on
    /// minibatches their noise is a part of both, and the same rows are drawn for both.
    ///
    /// # Errors
    /// As a [fit](crate::Method::fit), before its first step; fewer than two steps; a guide of another
    /// family, or over other sites.
    pub fn gradient_variances(
        &self,
        density: &dyn Density,
        guide: &Approximation,
        steps: usize,
    ) -> Result<GradientVariances, InferenceError> {
        let advi = self.for_density(density)?;
        count("steps", steps, MOST)?;
        if steps < 2 {
            return Err(setting("steps", steps, "2 or more"));
        }
        if guide.family() != Family::MeanField || advi.family != Family::MeanField {
            let allowed = "MeanField: of other guides products of weights are not drawn";
            let other = match guide.family() {
                Family::MeanField => advi.family,
                other => other,
            };
            return Err(setting("family", format!("{other:?}"), allowed));
        }
        if guide.sites() != density.sites() {
            let problem = "is over other sites than the density".to_owned();
            return Err(InferenceError::Guide { problem });
        }
        let weights = advi.variances(density, guide, steps, false)?;
        let products = advi.variances(density, guide, steps, true)?;
        let sites = density.sites().iter();
        let sites = sites.filter(|site| !advi.family.has_point(site));
        Ok(GradientVariances {
            steps,
            sites: sites
                .zip(weights.into_iter().zip(products))
                .map(|(site, (weights, products))| SiteVariances {
                    site: site.name.clone(),
                    elements: site.shape.elements(),
                    weights,
                    products,
                })
                .collect(),
        })
    }

    /// Those of each site of the normal part, by means and by spreads.
    fn variances(
        &self,
        density: &dyn Density,
        guide: &Approximation,
        steps: usize,
        products: bool,
    ) -> Result<Vec<[f64; 2]>, InferenceError> {
        let graph = Graph::new();
        let step = Rc::new(Step::new(&graph).draws(self.samples));
        let layout = self.layout(density);
        let (names, sites) = (layout.blocks(), layout.normal.clone());
        let starts = layout.independent(guide.mean(), &guide.sd());
        let forms = Forms {
            products,
            ..self.forms()
        };
        let own = Rc::new(Guide::new(&step, layout, forms));
        let rows = self.batch.map_or(Rows::All, Rows::Minibatch);
        let traced = write_terms(&step, density, own.clone(), rows)?;
        let (objective, _) = self.objective(density, &traced, &own, graph.step());
        let gradients = step.mean(&grad(objective, &own.blocks)?);
        let state = |block: &str| format!("{block}.gradient");
        for (name, gradient) in names.iter().zip(&gradients) {
            running_mean_and_squares(&step, &state(name), *gradient);
        }
        let mut run = step.finish(&self.runtime())?.start(1)?;
        run.begin(&[self.seed])?;
        for (name, values) in starts {
            run.set(0, name, &values)?;
        }
        run.advance_one(0, steps as u64)?;
        let squares = |block: &str| run.get(0, &format!("{}.squares", state(block)));
        let (of_means, of_spreads) = (squares(names[0])?, squares(names[1])?);
        let mean = |squares: &[f64]| {
            let sum: f64 = squares.iter().sum();
            sum / squares.len() as f64 / (steps - 1) as f64
        };
        let by_site = sites.iter().map(|site| {
            let own = site.range();
            [mean(&of_means[own.clone()]), mean(&of_spreads[own])]
        });
        Ok(by_site.collect())
    }
}
