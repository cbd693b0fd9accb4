//! Constants of the elementary functions; made by `coefficients.py`, which says how.

use super::real::Real;

/// pi/2 in three parts of 26 bits and a rest: a product with an integer below 2^26 is exact.
pub(super) const HALF_PI: [f64; 4] = [
    1.5707963109016418,
    1.5893254712295857e-8,
    6.123233932053594e-17,
    6.36831716351095e-25,
];

#[rustfmt::skip]
#[allow(clippy::approx_constant, clippy::excessive_precision)]
impl Real for f32 {
    const ROUND_MAGIC: Self = 1.2582912e+7;
    const BIASED_MAGIC: Self = 8.388608e+6;
    const LN2_HI: Self = 0.69314575;
    const LN2_LO: Self = 1.4286068e-6;
    const LOG2_E: Self = 1.442695;
    const SQRT_HALF: Self = 0.70710677;
    const EXP_LOWEST: Self = -104.0;
    const EXP_ZERO: Self = -87.33653;
    const EXP_NORMAL: Self = -86.0;
    const EXP_HIGHEST: Self = 89.0;
    const EXPM1_LOWEST: Self = -20.0;
    const EXP: &'static [Self] = &[
        0.5,
        0.16666667,
        0.041666467,
        0.0083333105,
        0.001393365,
        0.00019890991,
    ];
    const LOG: &'static [Self] = &[
        0.33333343,
        0.19994389,
        0.14790027,
    ];
    const LOG_UNIT: &'static [Self] = &[
        0.33333334,
        0.19999853,
        0.14296179,
        0.108532876,
        0.11612165,
    ];
    const SIN: &'static [Self] = &[
        -0.16666667,
        0.008333332,
        -0.00019840087,
        2.7249896e-6,
    ];
    const COS: &'static [Self] = &[
        0.041666664,
        -0.0013888302,
        2.4547917e-5,
    ];
    const COTH: &'static [Self] = &[
        2.88539,
        0.11552416,
        -0.00092111196,
    ];
}

#[rustfmt::skip]
#[allow(clippy::approx_constant, clippy::excessive_precision)]
impl Real for f64 {
    const ROUND_MAGIC: Self = 6.755399441055744e+15;
    const BIASED_MAGIC: Self = 4.503599627370496e+15;
    const LN2_HI: Self = 0.693147180559663;
    const LN2_LO: Self = 2.8235290563031577e-13;
    const LOG2_E: Self = 1.4426950408889634;
    const SQRT_HALF: Self = 0.7071067811865476;
    const EXP_LOWEST: Self = -746.0;
    const EXP_ZERO: Self = -746.0;
    const EXP_NORMAL: Self = -707.0;
    const EXP_HIGHEST: Self = 710.0;
    const EXPM1_LOWEST: Self = -40.0;
    const EXP: &'static [Self] = &[
        0.5,
        0.1666666666666667,
        0.04166666666666667,
        0.008333333333326136,
        0.0013888888888883748,
        0.00019841269874820627,
        2.4801587325547743e-5,
        2.7557255400206422e-6,
        2.75572736431103e-7,
        2.5105217004720745e-8,
        2.0914686968086876e-9,
    ];
    const LOG: &'static [Self] = &[
        0.3333333333333335,
        0.19999999999949722,
        0.14285714313001635,
        0.11111105565129939,
        0.09091444727837474,
        0.07665855309105386,
        0.07308292712444311,
    ];
    const LOG_UNIT: &'static [Self] = &[
        0.3333333333333333,
        0.20000000000007292,
        0.1428571428355438,
        0.11111111358713932,
        0.09090894718066429,
        0.07692785032479312,
        0.06657072104827468,
        0.06000536404795356,
        0.04400369243072337,
        0.08082022805971766,
    ];
    const SIN: &'static [Self] = &[
        -0.16666666666666666,
        0.008333333333330948,
        -0.00019841269836756774,
        2.7557316101617874e-6,
        -2.505113165023518e-8,
        1.5918115263265974e-10,
    ];
    const COS: &'static [Self] = &[
        0.041666666666666664,
        -0.0013888888888887398,
        2.480158729876456e-5,
        -2.7557317271145144e-7,
        2.087614614655861e-9,
        -1.1382623647474604e-11,
    ];
    const COTH: &'static [Self] = &[
        2.8853900817779268,
        0.11552453009332359,
        -0.0009250684777171969,
        1.058218849598559e-5,
        -1.2710218573939905e-7,
        1.5281432122907395e-9,
    ];
}
