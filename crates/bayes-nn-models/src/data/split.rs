//! Choosing rows: by index, and by a seeded split.

use super::random::Random;
use super::{DataError, Dataset, Numbers};

impl Dataset {
    /// The rows with these indices, in this order; an index may occur more than once. Standardizing constants are kept.
    ///
    /// # Errors
    /// [`DataError::RowOutOfRange`], and [`DataError::Empty`] for no index.
    ///
    /// ```
    /// let data = bayes_nn::Dataset::new(&[1.0, 2.0, 3.0], 1, &[0.0, 1.0, 0.0])?;
    /// assert_eq!(data.select(&[2, 0])?.x(), [3.0, 1.0]);
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    pub fn select(&self, rows: &[usize]) -> Result<Self, DataError> {
        if rows.is_empty() {
            return Err(DataError::Empty);
        }
        if let Some(&row) = rows.iter().find(|&&row| row >= self.rows()) {
            return Err(DataError::RowOutOfRange {
                row,
                rows: self.rows(),
            });
        }
        Ok(Self {
            x: Numbers::new(self.x.column.rows(rows, self.features)),
            y: Numbers::new(self.y.column.rows(rows, 1)),
            ..self.clone()
        })
    }

    /// Splits at random into a training set with `round(train_fraction * n)` rows and a test set with the others.
    ///
    /// The same seed gives the same split. Standardizing constants are kept.
    ///
    /// # Errors
    /// A fraction outside (0, 1), and a side that would have no rows.
    ///
    /// ```
    /// let data = bayes_nn::Dataset::new(&[1.0, 2.0, 3.0, 4.0], 1, &[0.0, 1.0, 0.0, 1.0])?;
    /// let (train, test) = data.split(0.75, 0)?;
    /// assert_eq!((train.rows(), test.rows()), (3, 1));
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    pub fn split(&self, train_fraction: f64, seed: u64) -> Result<(Self, Self), DataError> {
        if !(train_fraction > 0.0 && train_fraction < 1.0) {
            return Err(DataError::SplitFraction {
                fraction: train_fraction,
            });
        }
        let train = (train_fraction * self.rows() as f64).round() as usize;
        let test = self.rows() - train;
        check_sides(train, test)?;
        let mut order: Vec<usize> = (0..self.rows()).collect();
        Random::second_stream(seed).shuffle(&mut order);
        Ok((self.select(&order[..train])?, self.select(&order[train..])?))
    }
}

pub(super) fn check_sides(train: usize, test: usize) -> Result<(), DataError> {
    let side = match (train, test) {
        (0, _) => "training",
        (_, 0) => "test",
        _ => return Ok(()),
    };
    Err(DataError::EmptySide { side, train, test })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(n: usize) -> Dataset {
        let x: Vec<f64> = (0..n).map(|i| i as f64).collect();
        Dataset::new(&x, 1, &x).unwrap()
    }

    #[test]
    fn every_row_is_on_one_side_once_with_its_target() {
        let (train, test) = numbered(101).split(0.7, 9).unwrap();
        assert_eq!((train.rows(), test.rows()), (71, 30));
        assert_eq!((train.x(), test.x()), (train.y(), test.y()));
        let mut all: Vec<f64> = [train.x(), test.x()].concat();
        all.sort_by(f64::total_cmp);
        assert_eq!(all, numbered(101).x());
    }

    #[test]
    fn a_seed_gives_this_split() {
        let (train, _) = numbered(10).split(0.5, 0).unwrap();
        assert_eq!(train.x(), [3.0, 1.0, 2.0, 7.0, 6.0]);
        assert_eq!(numbered(10).split(0.5, 0).unwrap().0, train);
        assert_ne!(numbered(10).split(0.5, 1).unwrap().0, train);
    }

    #[test]
    fn each_bad_split_has_its_message() {
        let message = |fraction| numbered(3).split(fraction, 0).unwrap_err().to_string();
        for fraction in [0.0, 1.0, -0.5, f64::NAN] {
            assert_eq!(
                message(fraction),
                format!("training fraction {fraction}; it must be above 0 and below 1")
            );
        }
        assert_eq!(
            message(0.1),
            "the training set would be empty: 0 training and 3 test rows; both need at least one"
        );
        assert_eq!(
            message(0.9),
            "the test set would be empty: 3 training and 0 test rows; both need at least one"
        );
        assert_eq!(
            numbered(3).select(&[0, 3]).unwrap_err().to_string(),
            "row 3 of a data set with 3 rows; rows count from 0"
        );
    }
}
