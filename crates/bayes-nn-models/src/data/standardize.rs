//! Standardizing: mean 0 and standard deviation 1 per column, with constants that are remembered.

use super::{DataError, Dataset, Numbers, check_whole_rows};
use std::sync::Arc;

/// The mean and population standard deviation of each column, with which values go to the standardized scale and back.
///
/// A column that is constant has the standard deviation 1, so that it becomes 0 and stays finite.
///
/// ```
/// use bayes_nn::Dataset;
///
/// let train = Dataset::new(&[1.0, 3.0], 1, &[0.0, 1.0])?.standardized();
/// let constants = train.standardization().unwrap();
/// assert_eq!((constants.means(), constants.sds()), (&[2.0][..], &[1.0][..]));
/// assert_eq!(constants.apply(&[5.0])?, [3.0]);
/// assert_eq!(constants.invert(&[3.0])?, [5.0]);
/// # Ok::<(), bayes_nn::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Standardization {
    means: Vec<f64>,
    sds: Vec<f64>,
}

impl Standardization {
    /// Constants, one of each a column.
    pub(crate) fn new(means: Vec<f64>, sds: Vec<f64>) -> Self {
        Self { means, sds }
    }

    /// The constants of finite values, row-major `[n, columns]`, n > 0.
    fn of(values: &[f64], columns: usize) -> Self {
        let (means, sds) = (0..columns)
            .map(|column| mean_and_sd(values.iter().skip(column).step_by(columns)))
            .unzip();
        Self { means, sds }
    }

    /// The mean of each column, on the original scale.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// The standard deviation of each column, on the original scale; it also scales predicted standard deviations back.
    pub fn sds(&self) -> &[f64] {
        &self.sds
    }

    /// `(value - mean) / sd` for values `[n, columns]`, row-major.
    ///
    /// # Errors
    /// [`DataError::NotWholeRows`] for a wrong number of columns, [`DataError::NotFinite`] for a result that is not finite.
    pub fn apply(&self, values: &[f64]) -> Result<Vec<f64>, DataError> {
        let mut values = values.to_vec();
        self.apply_in_place(&mut values, 0).map(|()| values)
    }

    /// [`Standardization::apply`] where the values lie, of rows from this one on.
    pub(super) fn apply_in_place(&self, values: &mut [f64], first: usize) -> Result<(), DataError> {
        self.map(values, first, standardize)
    }

    /// `value * sd + mean` for values `[n, columns]`, row-major: back to the original scale.
    ///
    /// # Errors
    /// As [`Standardization::apply`].
    pub fn invert(&self, values: &[f64]) -> Result<Vec<f64>, DataError> {
        let mut values = values.to_vec();
        self.map(&mut values, 0, |value, mean, sd| value * sd + mean)
            .map(|()| values)
    }

    fn map(
        &self,
        values: &mut [f64],
        first: usize,
        f: impl Fn(f64, f64, f64) -> f64,
    ) -> Result<(), DataError> {
        let columns = self.means.len();
        check_whole_rows("the data set", values.len(), columns)?;
        let mut all_finite = true;
        for row in values.chunks_exact_mut(columns.max(1)) {
            let constants = self.means.iter().zip(&self.sds);
            for (value, (mean, sd)) in row.iter_mut().zip(constants) {
                *value = f(*value, *mean, *sd);
                all_finite &= value.is_finite();
            }
        }
        let wrong = |at: usize| DataError::NotFinite {
            row: first + at / columns,
            column: (at % columns + 1).to_string(),
            value: values[at],
        };
        if all_finite {
            return Ok(());
        }
        let at = values.iter().position(|value| !value.is_finite());
        at.map_or(Ok(()), |at| Err(wrong(at)))
    }

    /// Constants of the original values, when `self` standardized these and `second` what `self` made of them.
    fn then(&self, second: &Self) -> Self {
        Self {
            means: self.invert_unchecked(&second.means),
            sds: self
                .sds
                .iter()
                .zip(&second.sds)
                .map(|(a, b)| a * b)
                .collect(),
        }
    }

    fn invert_unchecked(&self, values: &[f64]) -> Vec<f64> {
        let constants = self.means.iter().zip(&self.sds);
        values
            .iter()
            .zip(constants)
            .map(|(v, (mean, sd))| v * sd + mean)
            .collect()
    }
}

/// Halves keep the difference of two large values of opposite sign in range, and change no other result.
fn standardize(value: f64, mean: f64, sd: f64) -> f64 {
    (0.5 * value - 0.5 * mean) / (0.5 * sd)
}

/// Computed on values scaled into [-2, 2], so that neither sum nor squares overflow, by a power of two, which rounds nothing.
pub(super) fn mean_and_sd<'a>(column: impl Iterator<Item = &'a f64> + Clone) -> (f64, f64) {
    let values = || column.clone().copied();
    let (min, max) = (
        values().fold(f64::MAX, f64::min),
        values().fold(f64::MIN, f64::max),
    );
    // Values that are equal but for rounding, as 0.1 + 0.2 and 0.3 are, have no spread; nor is the
    // mean of equal values always exact.
    let rounding = 16.0 * f64::EPSILON * min.abs().max(max.abs());
    if 0.5 * max - 0.5 * min <= 0.5 * rounding {
        return (min, 1.0);
    }
    let n = values().count() as f64;
    let scale = min.abs().max(max.abs()).log2().floor().min(1023.0).exp2();
    let mean = values().map(|value| value / scale).sum::<f64>() / n;
    let variance = values()
        .map(|value| (value / scale - mean).powi(2))
        .sum::<f64>()
        / n;
    let sd = variance.sqrt() * scale;
    (mean * scale, if sd.is_normal() { sd } else { 1.0 })
}

impl Dataset {
    /// Features with mean 0 and population standard deviation 1 per column; a constant column becomes 0.
    ///
    /// The constants are kept and always refer to the original values. A data set of a
    /// [`Table`](super::Table) whose recipe standardises stays as it is; of another recipe it is one of
    /// numbers from here on.
    ///
    /// ```
    /// use bayes_nn::Dataset;
    ///
    /// let data = Dataset::from_rows(&[[1.0, 7.0], [3.0, 7.0]], &[0.0, 1.0])?.standardized();
    /// assert_eq!(data.x(), [-1.0, 0.0, 1.0, 0.0]);
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    #[must_use]
    pub fn standardized(&self) -> Self {
        if self.origin.is_some() && self.standardization.is_some() {
            return self.clone();
        }
        let (x, standardization) = scaled(self.x(), self.features, self.standardization());
        Self {
            x,
            standardization,
            origin: None,
            ..self.clone()
        }
    }

    /// Features on the scale of another set, usually the training set.
    ///
    /// # Errors
    /// [`DataError::ColumnMismatch`] for another number of features, [`DataError::AlreadyStandardized`] for features that
    /// are not on the original scale, [`DataError::NotFinite`] for a value beyond all range on the new one.
    ///
    /// ```
    /// use bayes_nn::Dataset;
    ///
    /// let train = Dataset::new(&[1.0, 3.0], 1, &[0.0, 1.0])?.standardized();
    /// let test = Dataset::new(&[5.0], 1, &[1.0])?.standardized_by(train.standardization().unwrap())?;
    /// assert_eq!(test.x(), [3.0]);
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    pub fn standardized_by(&self, constants: &Standardization) -> Result<Self, DataError> {
        if self.standardization.is_some() {
            return Err(DataError::AlreadyStandardized { what: "features" });
        }
        if constants.means.len() != self.features {
            return Err(DataError::ColumnMismatch {
                expected: constants.means.len(),
                found: self.features,
            });
        }
        Ok(Self {
            x: Numbers::new(constants.apply(self.x())?.into()),
            standardization: Some(Arc::new(constants.clone())),
            origin: None,
            ..self.clone()
        })
    }

    /// Targets with mean 0 and population standard deviation 1, for regression.
    ///
    /// [`Dataset::target_standardization`] puts predictions back on the original scale. Classes stay
    /// what they are, and so does a data set as in [`Dataset::standardized`].
    ///
    /// ```
    /// use bayes_nn::Dataset;
    ///
    /// let data = Dataset::new(&[0.0, 1.0], 1, &[100.0, 300.0])?.standardize_target();
    /// assert_eq!(data.y(), [-1.0, 1.0]);
    /// assert_eq!(data.target_standardization().unwrap().invert(&[0.5])?, [250.0]);
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    #[must_use]
    pub fn standardize_target(&self) -> Self {
        let by_recipe = self.origin.is_some() && self.target_standardization.is_some();
        if self.classes.is_some() || by_recipe {
            return self.clone();
        }
        let (y, target_standardization) = scaled(self.y(), 1, self.target_standardization());
        Self {
            y,
            target_standardization,
            origin: None,
            ..self.clone()
        }
    }

    /// Targets on the scale of another set, usually the training set.
    ///
    /// # Errors
    /// As [`Dataset::standardized_by`].
    ///
    /// ```
    /// use bayes_nn::Dataset;
    ///
    /// let train = Dataset::new(&[0.0, 1.0], 1, &[100.0, 300.0])?.standardize_target();
    /// let test = Dataset::new(&[2.0], 1, &[400.0])?;
    /// let test = test.standardize_target_by(train.target_standardization().unwrap())?;
    /// assert_eq!(test.y(), [2.0]);
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    pub fn standardize_target_by(&self, constants: &Standardization) -> Result<Self, DataError> {
        if self.target_standardization.is_some() {
            return Err(DataError::AlreadyStandardized { what: "targets" });
        }
        if constants.means.len() != 1 {
            return Err(DataError::ColumnMismatch {
                expected: constants.means.len(),
                found: 1,
            });
        }
        Ok(Self {
            y: Numbers::new(constants.apply(self.y())?.into()),
            target_standardization: Some(Arc::new(constants.clone())),
            origin: None,
            ..self.clone()
        })
    }

    /// The constants of the features, if they are standardized.
    pub fn standardization(&self) -> Option<&Standardization> {
        self.standardization.as_deref()
    }

    /// The constants of the target, if it is standardized.
    pub fn target_standardization(&self) -> Option<&Standardization> {
        self.target_standardization.as_deref()
    }
}

/// Values `[n, columns]` brought to mean 0 and standard deviation 1, and the constants of the
/// original ones, if these were standardized before.
fn scaled(
    values: &[f64],
    columns: usize,
    before: Option<&Standardization>,
) -> (Numbers, Option<Arc<Standardization>>) {
    let own = Standardization::of(values, columns);
    let scaled = |(at, &value): (usize, &f64)| {
        standardize(value, own.means[at % columns], own.sds[at % columns])
    };
    let scaled: Vec<f64> = values.iter().enumerate().map(scaled).collect();
    let constants = before.map_or_else(|| own.clone(), |before| before.then(&own));
    (Numbers::new(scaled.into()), Some(Arc::new(constants)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_get_mean_zero_and_population_sd_one() {
        let data = Dataset::from_rows(&[[1.0, 10.0], [2.0, 10.0], [6.0, 10.0]], &[0.0; 3]).unwrap();
        let scaled = data.standardized();
        let sd = (14.0f64 / 3.0).sqrt();
        for (found, expected) in scaled
            .column(0)
            .iter()
            .zip([-2.0 / sd, -1.0 / sd, 3.0 / sd])
        {
            assert!((found - expected).abs() < 1e-15);
        }
        assert_eq!(scaled.column(1), [0.0; 3]);
        assert_eq!(scaled.standardization().unwrap().sds()[1], 1.0);
        assert_eq!(scaled.y(), data.y());
    }

    #[test]
    fn applying_and_inverting_are_each_others_inverse() {
        let data = Dataset::from_rows(&[[1.0, -4.0], [2.5, 3.0], [6.0, 11.0]], &[0.0; 3]).unwrap();
        let constants = data.standardized().standardization().unwrap().clone();
        let back = constants
            .invert(&constants.apply(data.x()).unwrap())
            .unwrap();
        for (found, expected) in back.iter().zip(data.x()) {
            assert!((found - expected).abs() < 1e-14);
        }
    }

    #[test]
    fn constants_of_a_second_standardizing_refer_to_the_original_values() {
        let data = Dataset::new(&[1.0, 2.0, 6.0, 9.0], 1, &[0.0; 4]).unwrap();
        let part = data.standardized().select(&[0, 1]).unwrap().standardized();
        let constants = part.standardization().unwrap();
        assert!((constants.means()[0] - 1.5).abs() < 1e-14);
        assert!((constants.sds()[0] - 0.5).abs() < 1e-14);
    }

    #[test]
    fn equal_values_that_do_not_sum_exactly_are_a_constant_column() {
        let data = Dataset::new(&[0.1; 3], 1, &[0.0; 3])
            .unwrap()
            .standardized();
        assert_eq!(data.x(), [0.0; 3]);
    }

    #[test]
    fn extreme_values_stay_finite() {
        for x in [[-f64::MAX, f64::MAX], [5e-324, 0.0], [1e-200, 3e-200]] {
            let scaled = Dataset::new(&x, 1, &[0.0; 2]).unwrap().standardized();
            assert!(scaled.x().iter().all(|value| value.is_finite()), "{x:?}");
        }
    }

    #[test]
    fn each_misuse_has_its_message() {
        let one = Dataset::new(&[1.0, 2.0], 1, &[0.0; 2])
            .unwrap()
            .standardized();
        let two = Dataset::new(&[1.0, 2.0], 2, &[0.0]).unwrap();
        let constants = one.standardization().unwrap();
        assert_eq!(
            two.standardized_by(constants).unwrap_err().to_string(),
            "the constants standardize 1 columns, the data have 2"
        );
        assert_eq!(
            one.standardized_by(constants).unwrap_err().to_string(),
            "the features of this data set are standardized already; apply another set's constants to the original values"
        );
        let both = two.standardized();
        assert!(matches!(
            both.standardization().unwrap().apply(&[1.0]),
            Err(DataError::NotWholeRows {
                len: 1,
                features: 2,
                ..
            })
        ));
    }
}
