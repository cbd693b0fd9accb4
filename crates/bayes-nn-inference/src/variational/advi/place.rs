//! Where a fit by natural gradients is: in the search for its start, or in the ascent.

use super::family::inverse_softplus;
use super::search::Search;
use super::{Family, Trained};
use crate::variational::natural::{
    Ascent, Distance, End, Gaussian, Guide, Independent, Position, States, cholesky, metric_of,
};
use crate::{InferenceError, ResumeError};

/// Where a fit is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Search(Search),
    /// The ascent of a normal distribution of any covariance: of a full-rank guide all of it, of a
    /// mean-field one its first stage, which finds the metric of the means.
    Normal(Position<Gaussian>),
    Independent(Position<Independent>),
}

impl Place {
    /// Where training is.
    ///
    /// # Errors
    /// [`ResumeError::NoState`], [`ResumeError::OtherState`].
    pub(super) fn of(trained: &Trained, family: Family, dim: usize) -> Result<Place, ResumeError> {
        if let Some(search) = Search::of(trained, dim)? {
            return Ok(Place::Search(search));
        }
        let metric = metric_of(&trained.states, dim)?.filter(|_| family == Family::MeanField);
        Ok(match metric.map(|metric| Independent::nearest(&metric)) {
            Some(like) => Place::Independent(Position::from_states(&trained.states, &like)?),
            None => {
                let like = Gaussian::standard(dim);
                Place::Normal(Position::from_states(&trained.states, &like)?)
            }
        })
    }

    /// All of it by names.
    pub(super) fn states(&self) -> States {
        match self {
            Place::Search(search) => search.states(),
            Place::Normal(at) => at.states(),
            Place::Independent(at) => at.states(),
        }
    }

    /// The parameters of the guide as far as it is known, in the order of its blocks; nothing if there is
    /// none, or rounding leaves its covariance without a Cholesky factor.
    pub(super) fn blocks(&self, family: Family) -> Option<Vec<Vec<f64>>> {
        match self {
            Place::Search(search) => blocks(search.best()?, family),
            Place::Normal(at) => blocks(at.average(), family),
            Place::Independent(at) => Some(mean_field(at.average())),
        }
    }

    /// Ascends to the end, which a place in the ascent can.
    ///
    /// # Errors
    /// Those of the density.
    pub(super) fn ascend(
        &mut self,
        ascent: &mut Ascent<'_>,
        family: Family,
    ) -> Result<(End, Distance), InferenceError> {
        let fatal = |error| InferenceError::Density(Box::new(error));
        if let (Place::Normal(at), Family::MeanField) = (&mut *self, family) {
            // The metric of the means has to be right first.
            let (near, end) = ascent.approach(at).map_err(fatal)?;
            if let Some(end) = end {
                return Ok((end, Distance::FAR));
            }
            *self = Place::Independent(Position::new(Independent::nearest(&near)));
        }
        match self {
            Place::Search(_) => Ok((End::Lost, Distance::FAR)),
            Place::Normal(at) => ascent.settle(at).map_err(fatal),
            Place::Independent(at) => ascent.settle(at).map_err(fatal),
        }
    }
}

fn blocks(guide: &Gaussian, family: Family) -> Option<Vec<Vec<f64>>> {
    match family {
        Family::MeanField => Some(mean_field(&Independent::nearest(guide))),
        _ => full_rank(guide),
    }
}

/// The parameters of a mean-field guide, in the order of its blocks.
fn mean_field(guide: &Independent) -> Vec<Vec<f64>> {
    let rho = guide.sd().into_iter().map(inverse_softplus);
    vec![guide.mean().to_vec(), rho.collect()]
}

/// The parameters of a full-rank guide, in the order of its blocks; nothing if rounding leaves its
/// covariance without a Cholesky factor.
fn full_rank(guide: &Gaussian) -> Option<Vec<Vec<f64>>> {
    let dim = guide.mean().len();
    let factor = cholesky(guide.covariance())?;
    let rho = (0..dim).map(|i| inverse_softplus(factor[(i, i)]));
    let lower = (0..dim * dim).map(|place| match (place / dim, place % dim) {
        (row, column) if column < row => factor[(row, column)] / factor[(row, row)],
        _ => 0.0,
    });
    Some(vec![guide.mean().to_vec(), rho.collect(), lower.collect()])
}
