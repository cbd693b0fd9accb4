//! The family of a guide, and how its parameters give standard deviations.

/// The shape of the Gaussian guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Family {
    /// Independent normals, `2 P` parameters.
    MeanField,
    /// One normal with any covariance, by its Cholesky factor, `P (P + 3) / 2` parameters.
    FullRank,
}

impl Family {
    /// The names of the blocks of a guide's parameters.
    pub(crate) fn blocks(self) -> &'static [&'static str] {
        match self {
            Family::MeanField => &["mu", "rho"],
            Family::FullRank => &["mu", "rho", "lower"],
        }
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
