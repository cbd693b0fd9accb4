//! The family of a guide, and how its parameters give standard deviations.

use crate::Site;

/// The shape of the guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Family {
    /// Independent normals, `2 P` parameters.
    MeanField,
    /// One normal with any covariance, by its Cholesky factor, `P (P + 3) / 2` parameters.
    FullRank,
    /// One normal whose covariance is a diagonal and so many directions, `P (2 + rank)` parameters.
    LowRank {
        /// Directions.
        rank: usize,
    },
    /// One point, `P` parameters: the mode of the posterior.
    Point,
}

impl Family {
    /// Whether the guide of a site is a point.
    pub(crate) fn has_point(self, site: &Site) -> bool {
        site.point || self == Family::Point
    }
}

/// The number whose softplus this is.
pub(crate) fn inverse_softplus(y: f64) -> f64 {
    y + (-(-y).exp_m1()).ln()
}

/// `ln(1 + e^x)` without overflow.
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softplus_and_its_inverse_agree_at_all_sizes() {
        for y in [1e-12, 1e-3, 0.5, 3.0, 40.0, 800.0] {
            assert!(
                (softplus(inverse_softplus(y)) / y - 1.0).abs() < 1e-12,
                "{y}"
            );
        }
    }
}
