//! CKA against what follows from its definition, and against numbers from another program.

use super::cka::{cka, kernel, unit_length};
use super::{RepresentationError, Similarity};

/// Six rows of two units, and of three.
const X: [f64; 12] = [
    0.5, -1.0, 1.5, 0.25, -0.75, 2.0, 0.0, 1.0, 2.5, -0.5, -1.25, -1.5,
];
const Y: [f64; 18] = [
    0.2, 1.0, -0.4, 1.1, -0.3, 0.6, -0.9, 0.8, 1.2, 0.4, 0.1, -1.0, 1.9, -1.2, 0.3, -0.6, -0.7, 0.9,
];

#[test]
fn it_is_what_the_definition_gives() {
    // A few lines of Python with the sums of Song et al. 2012, equation 5, as they stand there: the trace of
    // the product of two Gram matrices without their diagonals, the product of their sums over
    // (n - 1) (n - 2), less the sum of their product times 2 / (n - 2); of all six rows, and of the first four.
    for (rows, expected) in [(6, 0.133_604_458_115_408_41), (4, -0.987_855_706_223_016_4)] {
        let found = cka(&X[..2 * rows], &Y[..3 * rows], rows).unwrap();
        assert!((found - expected).abs() < 1e-13, "{found}");
    }
}

#[test]
fn turning_mirroring_scaling_and_shifting_change_nothing() {
    let (sin, cos) = 0.7_f64.sin_cos();
    let moved: Vec<f64> = X
        .chunks(2)
        .flat_map(|x| [cos * x[0] - sin * x[1], sin * x[0] + cos * x[1]])
        .flat_map(|value| [-30.0 * value + 5.0])
        .collect();
    assert!((cka(&X, &moved, 6).unwrap() - 1.0).abs() < 1e-12);
    let [of, of_moved] = [&X[..], &moved].map(|x| cka(x, &Y, 6).unwrap());
    assert!((of - of_moved).abs() < 1e-12);
    assert_eq!(cka(&X, &Y, 6), cka(&Y, &X, 6));
}

#[test]
fn features_that_have_nothing_to_do_with_each_other_are_not_alike() {
    // Thirty rows of forty units each: the biased estimate would find them much alike.
    let mut random = crate::data::random::Random::seed(3);
    let mut of = || {
        (0..600)
            .flat_map(|_| random.normals())
            .collect::<Vec<f64>>()
    };
    let found: Vec<f64> = (0..10).map(|_| cka(&of(), &of(), 30).unwrap()).collect();
    let mean = found.iter().sum::<f64>() / 10.0;
    // Its standard deviation is about 1 / sqrt(10 * 435): a false alarm in 16,000 seeds.
    assert!(mean.abs() < 0.06, "{found:?}");
}

#[test]
fn what_is_constant_or_differs_in_one_row_is_refused() {
    let constant = [0.1, 0.7].repeat(6);
    let mut one = constant.clone();
    one[4] = 3.0;
    for x in [constant, one, vec![0.0; 12]] {
        let error = cka(&X, &x, 6).unwrap_err();
        assert_eq!(error, RepresentationError::Constant { layer: "y".into() });
    }
}

#[test]
fn numbers_that_are_no_rows_are_refused() {
    let few = RepresentationError::TooFewRows {
        rows: 3,
        wanted: "CKA",
        least: 4,
    };
    assert_eq!(cka(&X[..6], &Y[..9], 3), Err(few));
    for len in [0, 11] {
        let error = RepresentationError::Length { len, rows: 6 };
        assert_eq!(cka(&X[..len], &Y, 6), Err(error));
    }
    let mut x = X;
    x[7] = f64::NAN;
    let error = RepresentationError::NotFinite {
        layer: "x".into(),
        row: 3,
        unit: 1,
    };
    assert_eq!(cka(&x, &Y, 6), Err(error));
}

#[test]
fn centred_products_of_a_row_sum_to_zero() {
    let units = (0..2).map(|unit| X.iter().skip(unit).step_by(2).copied());
    let kernel = kernel(units, 6);
    let mut sums = [0.0; 6];
    let pairs = (0..6).flat_map(|i| (i + 1..6).map(move |j| (i, j)));
    for ((i, j), product) in pairs.zip(&kernel) {
        sums[i] += product;
        sums[j] += product;
    }
    assert!(sums.iter().all(|sum| sum.abs() < 1e-12), "{sums:?}");
    assert!(unit_length(kernel).is_some() && unit_length(vec![0.0; 3]).is_none());
}

#[test]
fn means_and_spreads_of_pairs_are_those_of_their_values() {
    let found = Similarity::of([0.5, 0.75, 1.0].into_iter());
    assert!((found.mean - 0.75).abs() < 1e-15 && (found.sd - 0.25).abs() < 1e-15);
    assert_eq!(Similarity::of([0.5].into_iter()).sd, 0.0);
}
