//! Guides: a mean, standard deviations, and the factor of a covariance, as tensors.

use bayes_nn_files::{Entry, FileError, Node, Object, Place, Value, choice};

use super::site::{dim, get_sites, put_sites};
use crate::{Approximation, Family, Site};

choice!(Family {
    "mean_field": MeanField {},
    "full_rank": FullRank {},
    "low_rank": LowRank { "rank": rank },
    "point": Point {},
});

impl Entry for Approximation {
    fn write(&self, place: &Place<'_>) -> Value {
        put_numbers(put_sites(place.object(), &self.sites), self).value()
    }

    fn read(node: &Node<'_>) -> Result<Approximation, FileError> {
        get_numbers(node, get_sites(node)?)
    }
}

/// Adds a guide without its sites to an object.
pub(super) fn put_numbers<'w>(object: Object<'w>, guide: &Approximation) -> Object<'w> {
    let (dim, rank) = (guide.dim(), guide.factor.len() / guide.dim().max(1));
    let object = object.put("family", &guide.family);
    let object = object.tensor("mean", &guide.mean, &[dim]);
    match guide.family {
        Family::Point => object,
        Family::MeanField => object.tensor("sd", &guide.diagonal, &[dim]),
        Family::FullRank => object.tensor("cholesky", &guide.cholesky(), &[dim, dim]),
        Family::LowRank { .. } => object.tensor("sd", &guide.diagonal, &[dim]).tensor(
            "factor",
            &guide.factor,
            &[dim, rank],
        ),
    }
}

/// The guide of an object over these sites.
pub(super) fn get_numbers(node: &Node<'_>, sites: Vec<Site>) -> Result<Approximation, FileError> {
    let dim = dim(&sites);
    let family = node.get("family")?;
    let mean = node.tensor("mean", &[dim])?;
    let guide = match family {
        Family::Point => Approximation::point(sites, mean),
        Family::MeanField => Approximation {
            family,
            sites,
            mean: mean.into(),
            diagonal: node.tensor("sd", &[dim])?.into(),
            strict: [].into(),
            factor: [].into(),
        }
        .checked(),
        Family::FullRank => {
            Approximation::correlated(sites, mean, node.tensor("cholesky", &[dim, dim])?)
        }
        Family::LowRank { rank } => {
            let sd = node.tensor("sd", &[dim])?;
            Approximation::low_rank(sites, mean, sd, node.tensor("factor", &[dim, rank])?)
        }
    };
    guide.map_err(|error| node.refused(error))
}
