//! The fitted guide: a normal over the unconstrained vector, or a point of it.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::sync::Arc;

use super::family::{Family, softplus};
use super::layout::Layout;
use crate::{InferenceError, Site};

/// A normal distribution over the unconstrained vector `z [P]`, of which some coordinates, or all,
/// may be points: their standard deviations are 0. A clone shares the numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Approximation {
    pub(crate) family: Family,
    pub(crate) sites: Vec<Site>,
    pub(crate) mean: Arc<[f64]>,
    /// The diagonal of the Cholesky factor of the covariance; of low rank that of `D`.
    pub(crate) diagonal: Arc<[f64]>,
    /// The Cholesky factor below its diagonal, row-major `[P, P]`; of full rank only.
    pub(crate) strict: Arc<[f64]>,
    /// The factor `F`, row-major `[P, rank]`; of low rank only.
    pub(crate) factor: Arc<[f64]>,
}

impl Approximation {
    /// Independent normals over these sites, whose parts of `z [P]` follow one another: by means and
    /// standard deviations, `[P]` each. Those of sites that are [points](Site::point) are 0.
    ///
    /// ```
    /// use bayes_nn_inference::{Approximation, Site};
    /// let sites = vec![Site::new("slope", [2], 0), Site::new("level", [], 2)];
    /// let guide = Approximation::independent(sites.clone(), vec![1.0, -1.0, 0.5], vec![0.1; 3])?;
    /// assert_eq!((guide.dim(), guide.sd()), (3, vec![0.1; 3]));
    /// assert!(Approximation::independent(sites, vec![0.0; 2], vec![1.0; 2]).is_err());
    /// # Ok::<(), bayes_nn_inference::InferenceError>(())
    /// ```
    ///
    /// # Errors
    /// [`InferenceError::Guide`] for sites of one name, for parts that have another number of
    /// elements than the sites, for numbers that are not finite and for standard deviations that are
    /// not positive.
    pub fn independent(
        sites: Vec<Site>,
        mean: Vec<f64>,
        sd: Vec<f64>,
    ) -> Result<Approximation, InferenceError> {
        let is_a_point = !sites.is_empty() && sites.iter().all(|site| site.point);
        let family = match is_a_point {
            true => Family::Point,
            false => Family::MeanField,
        };
        let guide = Approximation {
            family,
            sites,
            mean: mean.into(),
            diagonal: sd.into(),
            strict: [].into(),
            factor: [].into(),
        };
        guide.checked()
    }

    /// A point, the values of all sites, `[P]`: what [`Advi::map`](super::Advi::map) finds.
    ///
    /// ```
    /// use bayes_nn_inference::{Approximation, Site};
    /// let mode = Approximation::point(vec![Site::new("x", [2], 0)], vec![0.3, -1.0])?;
    /// assert_eq!((mode.mean(), mode.sd()), (&[0.3, -1.0][..], vec![0.0; 2]));
    /// # Ok::<(), bayes_nn_inference::InferenceError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Approximation::independent`].
    pub fn point(sites: Vec<Site>, values: Vec<f64>) -> Result<Approximation, InferenceError> {
        let guide = Approximation {
            family: Family::Point,
            sites,
            diagonal: vec![0.0; values.len()].into(),
            mean: values.into(),
            strict: [].into(),
            factor: [].into(),
        };
        guide.checked()
    }

    /// A normal over these sites by its mean, `[P]`, and the lower Cholesky factor of its covariance,
    /// row-major `[P, P]`, of which only what is on and below the diagonal counts.
    ///
    /// ```
    /// use bayes_nn_inference::{Approximation, Site};
    /// let sites = vec![Site::new("x", [2], 0)];
    /// let guide = Approximation::correlated(sites, vec![0.0; 2], vec![1.0, 0.0, 3.0, 4.0])?;
    /// assert_eq!(guide.sd(), [1.0, 5.0]);
    /// # Ok::<(), bayes_nn_inference::InferenceError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Approximation::independent`]; a site that is a point.
    pub fn correlated(
        sites: Vec<Site>,
        mean: Vec<f64>,
        cholesky: Vec<f64>,
    ) -> Result<Approximation, InferenceError> {
        let dim = mean.len();
        if Some(cholesky.len()) != dim.checked_mul(dim) {
            let problem = format!(
                "has a Cholesky factor of {} elements for {dim} means",
                cholesky.len()
            );
            return Err(InferenceError::Guide { problem });
        }
        let below = |(place, value): (usize, &f64)| match place % dim < place / dim {
            true => *value,
            false => 0.0,
        };
        let guide = Approximation {
            family: Family::FullRank,
            sites,
            mean: mean.into(),
            diagonal: (0..dim).map(|i| cholesky[i * dim + i]).collect(),
            strict: cholesky.iter().enumerate().map(below).collect(),
            factor: [].into(),
        };
        guide.checked()
    }

    pub(crate) fn checked(self) -> Result<Approximation, InferenceError> {
        let refuse = |problem| Err(InferenceError::Guide { problem });
        if let Some(problem) = Site::problem(&self.sites) {
            return refuse(problem);
        }
        let offset = self.sites.last().map_or(0, |site| site.range().end);
        for (what, values) in [
            ("means", &self.mean),
            ("standard deviations", &self.diagonal),
        ] {
            if values.len() != offset {
                return refuse(format!(
                    "has {} {what} for {offset} coordinates",
                    values.len()
                ));
            }
        }
        for site in &self.sites {
            for element in site.range() {
                let (mean, sd) = (self.mean[element], self.diagonal[element]);
                let fits = match self.family.has_point(site) {
                    true => sd == 0.0,
                    false if sd == 0.0 && mean == 0.0 => self.has_weights(site),
                    false => sd > 0.0 && sd.is_finite(),
                };
                if !fits || !mean.is_finite() {
                    let number = element - site.offset;
                    return refuse(format!(
                        "has the mean {mean} and the standard deviation {sd} at element {number} of \
                         `{}`; a mean must be finite, a standard deviation positive, or 0 of a point",
                        site.name
                    ));
                }
            }
        }
        let mut factors = self.strict.iter().chain(self.factor.iter());
        match factors.all(|value| value.is_finite()) {
            true => Ok(self),
            false => refuse("has a factor that is not finite".to_owned()),
        }
    }

    /// From the parameters of a guide in the order of its blocks.
    pub(crate) fn from_blocks(layout: &Layout, blocks: Vec<Vec<f64>>) -> Self {
        let mut named = BTreeMap::from_iter(layout.blocks().into_iter().zip(blocks));
        let mut block = |name| named.remove(name).unwrap_or_default();
        let (mean, points, mut strict) = (block("mu"), block("point"), block("lower"));
        let mut factor = block("factor");
        let dim = mean.len();
        let diagonal: Vec<f64> = match layout.has_sds() {
            true => block("sd"),
            false => block("rho").into_iter().map(softplus).collect(),
        };
        for (place, value) in strict.iter_mut().enumerate() {
            let row = place / dim;
            match place % dim < row {
                true => *value *= diagonal[row],
                false => *value = 0.0,
            }
        }
        let rank = factor.len() / dim.max(1);
        for (place, value) in factor.iter_mut().enumerate() {
            *value *= diagonal[place / rank];
        }
        Approximation {
            family: layout.family(),
            sites: layout.sites().to_vec(),
            mean: layout.join(&mean, &points).into(),
            diagonal: layout.join(&diagonal, &vec![0.0; points.len()]).into(),
            strict: strict.into(),
            factor: factor.into(),
        }
    }

    /// Whether the covariance is diagonal, or there is none.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The named parts of `z`.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// The length `P` of `z`.
    pub fn dim(&self) -> usize {
        self.mean.len()
    }

    /// The mean, `[P]`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The first site that is a point.
    pub(crate) fn first_point(&self) -> Option<&Site> {
        let mut sites = self.sites.iter();
        sites.find(|site| self.family.has_point(site))
    }

    /// The marginal standard deviations, `[P]`; 0 of points.
    pub fn sd(&self) -> Vec<f64> {
        let dim = self.dim();
        if self.strict.is_empty() && self.factor.is_empty() {
            return self.diagonal.to_vec();
        }
        let sd = |row: usize| {
            let below = match self.strict.is_empty() {
                true => self.factor_of(row),
                false => &self.strict[row * dim..][..row],
            };
            let squares = below.iter().map(|s| s * s);
            squares
                .fold(self.diagonal[row].powi(2), |sum, s| sum + s)
                .sqrt()
        };
        (0..dim).map(sd).collect()
    }

    /// The lower Cholesky factor of the covariance, row-major `[P, P]`.
    pub fn cholesky(&self) -> Vec<f64> {
        let dim = self.dim();
        if !self.factor.is_empty() {
            return self.cholesky_of_factor();
        }
        let mut factor = match self.strict.is_empty() {
            true => vec![0.0; dim * dim],
            false => self.strict.to_vec(),
        };
        for (i, &d) in self.diagonal.iter().enumerate() {
            factor[i * dim + i] = d;
        }
        factor
    }

    /// The log density of the guide at a point `z [P]`, in nats. Coordinates that are points have
    /// all their mass there: they add nothing where `z` agrees with them, and elsewhere the density
    /// is 0.
    pub fn log_prob(&self, z: &[f64]) -> f64 {
        let dim = self.dim();
        if !self.factor.is_empty() {
            let x: Vec<f64> = z.iter().zip(self.mean.iter()).map(|(z, m)| z - m).collect();
            let (squares, log_det) = self.quadratic_form(&x);
            return -0.5 * (squares + dim as f64 * TAU.ln()) - log_det;
        }
        // The noise that gives z, by forward substitution.
        let mut eps: Vec<f64> = Vec::with_capacity(dim);
        let normal = self.diagonal.iter().filter(|d| **d > 0.0).count();
        let mut log_prob = -0.5 * normal as f64 * TAU.ln();
        for (i, z) in z.iter().enumerate() {
            let mut rest = z - self.mean[i];
            if !self.strict.is_empty() {
                let below = self.strict[i * dim..][..i].iter().zip(&eps);
                rest = below.fold(rest, |rest, (s, e)| rest - s * e);
            }
            if self.diagonal[i] == 0.0 {
                match rest == 0.0 {
                    true => continue,
                    false => return f64::NEG_INFINITY,
                }
            }
            let e = rest / self.diagonal[i];
            log_prob -= 0.5 * e * e + self.diagonal[i].ln();
            eps.push(e);
        }
        log_prob
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn correlated() -> Approximation {
        let sites = [Site::new("x", [2], 0)];
        let rho = vec![super::super::family::inverse_softplus(0.5); 2];
        let blocks = vec![vec![1.0, -1.0], rho, vec![7.0, 7.0, 2.4, 7.0]];
        Approximation::from_blocks(&Layout::new(Family::FullRank, &sites), blocks)
    }

    #[test]
    fn the_factor_keeps_only_what_is_below_the_diagonal() {
        let factor = correlated().cholesky();
        for (found, expected) in factor.iter().zip([0.5, 0.0, 1.2, 0.5]) {
            assert!((found - expected).abs() < 1e-12);
        }
        assert!((correlated().sd()[1] - 1.3).abs() < 1e-12);
    }
}
