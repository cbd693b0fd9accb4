//! Quantiles of the normal and the beta distribution.

use bayes_nn_autodiff::special::lgamma;

// Coefficients of Wichura's three rational functions, from the highest power.
const CENTRAL_NUMERATOR: [f64; 8] = [
    2_509.080_928_730_122_7,
    33_430.575_583_588_13,
    67_265.770_927_008_7,
    45_921.953_931_549_87,
    13_731.693_765_509_46,
    1_971.590_950_306_551_3,
    133.141_667_891_784_38,
    3.387_132_872_796_366_5,
];
const CENTRAL_DENOMINATOR: [f64; 8] = [
    5_226.495_278_852_854,
    28_729.085_735_721_943,
    39_307.895_800_092_71,
    21_213.794_301_586_597,
    5_394.196_021_424_751,
    687.187_007_492_057_9,
    42.313_330_701_600_91,
    1.0,
];
const INTERMEDIATE_NUMERATOR: [f64; 8] = [
    0.000_774_545_014_278_341_4,
    0.022_723_844_989_269_184,
    0.241_780_725_177_450_6,
    1.270_458_252_452_368_4,
    3.647_848_324_763_204_5,
    5.769_497_221_460_691,
    4.630_337_846_156_546,
    1.423_437_110_749_683_5,
];
const INTERMEDIATE_DENOMINATOR: [f64; 8] = [
    1.0507500716444169e-09,
    0.000_547_593_808_499_534_5,
    0.015_198_666_563_616_457,
    0.148_103_976_427_480_08,
    0.689_767_334_985_1,
    1.676_384_830_183_803_8,
    2.053_191_626_637_759,
    1.0,
];
const TAIL_NUMERATOR: [f64; 8] = [
    2.0103343992922881e-07,
    2.7115555687434876e-05,
    0.001_242_660_947_388_078_4,
    0.026_532_189_526_576_124,
    0.296_560_571_828_504_87,
    1.784_826_539_917_291_3,
    5.463_784_911_164_114,
    6.657_904_643_501_103,
];
const TAIL_DENOMINATOR: [f64; 8] = [
    2.0442631033899397e-15,
    1.421511758316446e-07,
    1.8463183175100548e-05,
    0.000_786_869_131_145_613_3,
    0.014_875_361_290_850_615,
    0.136_929_880_922_735_8,
    0.599_832_206_555_888,
    1.0,
];

/// Quantile of the standard normal distribution, relative error below 1e-15 (Wichura 1988,
/// algorithm AS 241, PPND16).
pub(crate) fn normal_quantile(probability: f64) -> f64 {
    let polynomial =
        |coefficients: &[f64; 8], x: f64| coefficients.iter().fold(0.0, |value, c| value * x + c);
    let centred = probability - 0.5;
    if centred.abs() <= 0.425 {
        let r = 0.180_625 - centred * centred;
        return centred * polynomial(&CENTRAL_NUMERATOR, r) / polynomial(&CENTRAL_DENOMINATOR, r);
    }
    let tail = if centred < 0.0 {
        probability
    } else {
        1.0 - probability
    };
    let r = (-tail.ln()).sqrt();
    let magnitude = if r <= 5.0 {
        polynomial(&INTERMEDIATE_NUMERATOR, r - 1.6)
            / polynomial(&INTERMEDIATE_DENOMINATOR, r - 1.6)
    } else {
        polynomial(&TAIL_NUMERATOR, r - 5.0) / polynomial(&TAIL_DENOMINATOR, r - 5.0)
    };
    magnitude.copysign(centred)
}

/// Quantile of the beta distribution for shapes of at least 1, by bisection to 2^-60.
pub(super) fn beta_quantile(probability: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if beta_cdf(middle, a, b) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Regularised incomplete beta function (DLMF 8.17.20), from the side where its continued
/// fraction converges fast.
fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_cdf(1.0 - x, b, a);
    }
    let log_scale = lgamma(a + b) - lgamma(a) - lgamma(b) + a * x.ln() + b * (-x).ln_1p();
    log_scale.exp() / (a * beta_fraction(x, a, b))
}

/// The continued fraction 1 + d_1 / (1 + d_2 / (1 + ...)) of DLMF 8.17.22, by Lentz's method.
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const SMALLEST: f64 = 1e-300;
    let away_from_zero = |value: f64| {
        if value.abs() < SMALLEST {
            SMALLEST
        } else {
            value
        }
    };
    let (mut value, mut c, mut d) = (1.0, 1.0, 0.0);
    // It converges within a few times sqrt(max(a, b)) terms.
    for term in 1..100_000 {
        let m = f64::from(term / 2);
        let coefficient = if term % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        d = 1.0 / away_from_zero(1.0 + coefficient * d);
        c = away_from_zero(1.0 + coefficient / c);
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64, tolerance: f64) {
        let error = (value / expected - 1.0).abs();
        assert!(error < tolerance, "{value} for {expected}");
    }

    /// Values of `scipy.special.ndtri`.
    #[test]
    fn normal_quantiles_have_all_digits() {
        for (probability, expected) in [
            (1e-30, -11.464_024_688_443_613),
            (1e-7, -5.199_337_582_192_816_5),
            (0.001, -3.090_232_306_167_813),
            (0.07, -1.475_791_028_179_170_6),
            (0.08, -1.405_071_560_309_632_9),
            (0.3, -0.524_400_512_708_040_9),
            (0.74, 0.643_345_405_392_917),
            (0.93, 1.475_791_028_179_171),
            (0.9999, 3.719_016_485_455_709),
        ] {
            close(normal_quantile(probability), expected, 1e-14);
        }
        assert_eq!(normal_quantile(0.5), 0.0);
    }

    /// Values of `scipy.stats.beta.ppf`.
    #[test]
    fn beta_quantiles_have_ten_digits_up_to_shapes_of_a_million() {
        for (probability, a, b, expected) in [
            (0.1586553, 1.0, 1.4, 0.116_086_079_032_315_78),
            (0.8413447, 1.0, 37.5, 0.047_908_278_568_643_15),
            (0.1586553, 20.5, 180.25, 0.080_873_870_858_178_89),
            (0.8413447, 501.0, 501.0, 0.515_795_595_616_802_3),
            (0.1586553, 9501.0, 501.0, 0.947_729_545_732_100_7),
            (0.8413447, 50001.0, 950001.0, 0.050_218_845_924_955_846),
            (0.1586553, 1e6, 1e6, 0.499_646_446_676_719_37),
        ] {
            close(beta_quantile(probability, a, b), expected, 1e-10);
        }
    }
}
