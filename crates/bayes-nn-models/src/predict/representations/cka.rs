//! Linear CKA: how alike two representations of the same rows are, whatever their units are called.

use super::RepresentationError;

/// Rows of a block: CKA by blocks needs memory for the pairs inside them alone.
const BLOCK: usize = 128;
/// Fewer rows have no unbiased estimate.
pub(super) const LEAST: usize = 4;
/// A variance up to this part of the mean square is rounding.
const ROUNDING: f64 = 1e-12;

/// How alike two representations of the same rows are, by linear centred kernel alignment (Kornblith et al.
/// 2019, "Similarity of neural network representations revisited", arXiv 1905.00414, equation 5):
///
/// ```text
/// CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)),   K = x x^T, L = y y^T
/// ```
///
/// `x` is row-major `[rows, units]` and so is `y`, whose units may be others and of another number. It is 1
/// for the same up to rotation, reflection and a scale, and around 0 for what has nothing to do with each
/// other. HSIC is estimated without bias (Song et al. 2012, "Feature selection via dependence maximization",
/// equation 5), so that few rows of many units do not look alike by chance; an estimate may be a little below 0.
///
/// ```
/// let x = [0.3, 1.0, -1.2, 0.4, 0.8, -0.5, 2.0, 0.1, -0.7, -0.9];
/// // Turned by a right angle, and twice as large.
/// let turned: Vec<f64> = x.chunks(2).flat_map(|x| [-2.0 * x[1], 2.0 * x[0]]).collect();
/// assert!((bayes_nn::cka(&x, &turned, 5)? - 1.0).abs() < 1e-12);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
///
/// # Errors
/// Fewer than four rows, numbers that do not fill them or are not finite, what is the same for all rows but one.
pub fn cka(x: &[f64], y: &[f64], rows: usize) -> Result<f64, RepresentationError> {
    check_rows(rows)?;
    let of = |values: &[f64], name: &str| {
        if rows == 0 || values.is_empty() || !values.len().is_multiple_of(rows) {
            let len = values.len();
            return Err(RepresentationError::Length { len, rows });
        }
        let units = values.len() / rows;
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            return Err(RepresentationError::NotFinite {
                layer: name.to_owned(),
                row: place / units,
                unit: place % units,
            });
        }
        let by_unit: Vec<Vec<f64>> = (0..units)
            .map(|unit| values.iter().skip(unit).step_by(units).copied().collect())
            .collect();
        let kernel = kernel(by_unit.iter().map(|unit| unit.iter().copied()), rows);
        let constant = || RepresentationError::Constant {
            layer: name.to_owned(),
        };
        unit_length(kernel).ok_or_else(constant)
    };
    Ok(dot(&of(x, "x")?, &of(y, "y")?))
}

pub(super) fn check_rows(rows: usize) -> Result<(), RepresentationError> {
    match rows >= LEAST {
        true => Ok(()),
        false => Err(RepresentationError::TooFewRows {
            rows,
            wanted: "CKA",
            least: LEAST,
        }),
    }
}

/// Rows in blocks of about the same length, without blocks that are too short.
pub(super) fn blocks(rows: &[usize]) -> impl Iterator<Item = &[usize]> {
    let length = rows
        .len()
        .div_ceil(rows.len().div_ceil(BLOCK).max(1))
        .max(1);
    rows.chunks(length).filter(|rows| rows.len() >= LEAST)
}

/// The products of rows, `x_i x_j` for `i < j`, centred so that those of a row sum to 0, times the root of
/// what makes the scalar product of two such vectors the unbiased HSIC. Where rows do not differ, zeros.
///
/// This is U-centring (Székely and Rizzo 2014, "Partial distance correlation with methods for dissimilarities",
/// definition 2), by which Song's estimate is a scalar product: vectors of several blocks one after the other
/// give its mean over blocks, as Nguyen, Raghu and Kornblith 2021, "Do wide and deep networks learn the same
/// things?", equation 2, have it.
pub(super) fn kernel<U: Iterator<Item = f64>>(
    units: impl Iterator<Item = U>,
    rows: usize,
) -> Vec<f64> {
    let mut products = vec![0.0; rows * rows];
    let (mut squares, mut centred) = (0.0, 0.0);
    for unit in units {
        let mut unit: Vec<f64> = unit.collect();
        squares += unit.iter().map(|value| value * value).sum::<f64>();
        // Products of centred rows have the same U-centred ones, with more digits.
        let mean = unit.iter().sum::<f64>() / rows as f64;
        unit.iter_mut().for_each(|value| *value -= mean);
        centred += unit.iter().map(|value| value * value).sum::<f64>();
        for i in 0..rows {
            let value = unit[i];
            let row = &mut products[i * rows + i..(i + 1) * rows];
            for (product, other) in row.iter_mut().zip(&unit[i..]) {
                *product += value * other;
            }
        }
    }
    let pairs = (0..rows).flat_map(|i| (i + 1..rows).map(move |j| (i, j)));
    if centred <= ROUNDING * squares {
        return vec![0.0; rows * (rows - 1) / 2];
    }
    let mut sums = vec![0.0; rows];
    for (i, j) in pairs.clone() {
        let product = products[i * rows + j];
        sums[i] += product;
        sums[j] += product;
    }
    let n = rows as f64;
    let all = sums.iter().sum::<f64>() / ((n - 1.0) * (n - 2.0));
    let scale = (2.0 / (n * (n - 3.0))).sqrt();
    let centred = |(i, j): (usize, usize)| {
        scale * (products[i * rows + j] - (sums[i] + sums[j]) / (n - 2.0) + all)
    };
    let kernel: Vec<f64> = pairs.map(centred).collect();
    // One row that differs from all others leaves rounding alone.
    let size = dot(&kernel, &kernel);
    let product = (2.0 / (n * (n - 3.0))) * products.iter().map(|p| p * p).sum::<f64>();
    match size <= ROUNDING * ROUNDING * product {
        true => vec![0.0; kernel.len()],
        false => kernel,
    }
}

/// The vector of length 1 in the same direction; none of zeros.
pub(super) fn unit_length(mut kernel: Vec<f64>) -> Option<Vec<f64>> {
    let length = dot(&kernel, &kernel).sqrt();
    kernel.iter_mut().for_each(|value| *value /= length);
    (length > 0.0).then_some(kernel)
}

/// In eight sums, which vectors of a processor hold.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a, b) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.0.iter().zip(b.0) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest = a.1.iter().zip(b.1).map(|(a, b)| a * b).sum::<f64>();
    sums.iter().sum::<f64>() + rest
}
