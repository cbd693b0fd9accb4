//! Choosing rows: by index, by a seeded split, and in folds.

use super::random::Random;
use super::recipe::missing;
use super::table::{ColumnKind, Table};
use super::{DataError, Dataset, Numbers, Origin};

/// How rows are dealt out to the sides of a split or to folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Split<'a> {
    /// At random.
    Random,
    /// At random, with every class in all parts by the share that it has of all rows, as nearly as
    /// whole rows allow; a target that is a number in ten bins of its size.
    Stratified,
    /// At random by the values of a column of the table, such as patients: rows of one value stay
    /// together.
    Grouped(&'a str),
    /// By the order of a column of numbers or dates: what is tested comes after what is trained on. Rows
    /// of one moment stay together.
    Ordered(&'a str),
}

impl Split<'_> {
    /// The rows in the order in which they are dealt out, cut into pieces that stay together.
    fn pieces(self, data: &Dataset, seed: u64) -> Result<Vec<Vec<usize>>, DataError> {
        let mut rows: Vec<usize> = (0..data.rows()).collect();
        if !matches!(self, Split::Ordered(_)) {
            Random::second_stream(seed).shuffle(&mut rows);
        }
        let (Split::Grouped(column) | Split::Ordered(column)) = self else {
            if self == Split::Stratified {
                let strata = data.strata();
                rows.sort_by_key(|row| strata[*row]);
            }
            return Ok(rows.into_iter().map(|row| vec![row]).collect());
        };
        let Origin {
            table, rows: of, ..
        } = data.origin("split by a column")?;
        let values = split_column(table, of, column, self)?;
        let ordered = matches!(self, Split::Ordered(_));
        // Groups come in the order of their first rows, moments in that of their values.
        let mut pieces: Vec<Vec<usize>> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for row in rows {
            let next = pieces.len();
            let place = *places.entry(values[row].to_bits()).or_insert(next);
            if place == next {
                pieces.push(Vec::new());
            }
            pieces[place].push(row);
        }
        if ordered {
            pieces.sort_by(|a, b| values[a[0]].total_cmp(&values[b[0]]));
        }
        Ok(pieces)
    }

    /// What is dealt out, for messages.
    fn unit(self) -> &'static str {
        match self {
            Split::Random | Split::Stratified => "rows",
            Split::Grouped(_) => "groups",
            Split::Ordered(_) => "moments",
        }
    }
}

/// The column of groups or moments, none of them missing.
fn split_column(
    table: &Table,
    rows: &[usize],
    column: &str,
    split: Split<'_>,
) -> Result<Vec<f64>, DataError> {
    let found = table.column(column)?;
    let is_time = matches!(found.kind, ColumnKind::Number | ColumnKind::Date);
    if matches!(split, Split::Ordered(_)) && !is_time {
        // Words have no order in time: the first one is refused as it stands.
        table.as_kind(found, ColumnKind::Date)?;
    }
    let value = |row: &usize| match found.values[*row] {
        value if value.is_nan() => Err(missing(table.place(*row), column)),
        // -0 is 0.
        value => Ok(value + 0.0),
    };
    rows.iter().map(value).collect()
}

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
            origin: self.origin_of_rows(rows),
            ..self.clone()
        })
    }

    /// Splits at random into a training set with `round(train_fraction * n)` rows and a test set with the others.
    ///
    /// The same seed gives the same split. Standardizing constants of numbers are kept; the encoding of a table's rows is
    /// fitted anew to the training set, and holds for both.
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
        self.split_by(Split::Random, train_fraction, seed)
    }

    /// As [`Dataset::split`], with a choice of what stays together. The fraction is met as nearly as
    /// groups allow. The seed changes nothing of [`Split::Ordered`].
    ///
    /// # Errors
    /// As [`Dataset::split`]; a column that is not there, misses values or has no order.
    ///
    /// ```
    /// use bayes_nn::{Table, data::Split};
    /// let text = "day,x,y\n2024-01-03,1,5\n2024-01-01,2,6\n2024-01-02,3,7\n2024-01-04,4,8\n";
    /// let data = Table::read_from(text.as_bytes())?.except(["day"])?.target("y")?;
    /// let (train, test) = data.split_by(Split::Ordered("day"), 0.75, 0)?;
    /// assert_eq!(train.target_standardization().unwrap().means(), [6.0]);
    /// assert_eq!(test.target_standardization().unwrap().invert(test.y())?, [8.0]);
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    pub fn split_by(
        &self,
        split: Split<'_>,
        train_fraction: f64,
        seed: u64,
    ) -> Result<(Self, Self), DataError> {
        if !(train_fraction > 0.0 && train_fraction < 1.0) {
            return Err(DataError::SplitFraction {
                fraction: train_fraction,
            });
        }
        let wanted = (train_fraction * self.rows() as f64).round() as usize;
        let pieces = split.pieces(self, seed)?;
        let (mut train, mut test) = (Vec::new(), Vec::new());
        // Of strata, each part of the whole is dealt out as the whole is.
        let mut dealt = 0;
        for piece in pieces {
            let is_train = match split {
                Split::Stratified => {
                    let share = |rows: usize| (rows as f64 * train_fraction).round() as usize;
                    share(dealt + 1) > share(dealt)
                }
                Split::Ordered(_) => dealt < wanted && test.is_empty(),
                _ => train.len() + piece.len().div_ceil(2) <= wanted,
            };
            dealt += piece.len();
            if is_train { &mut train } else { &mut test }.extend(piece);
        }
        check_sides(train.len(), test.len())?;
        if split == Split::Stratified {
            // So far they lie class by class.
            let mut random = Random::seed(seed);
            random.shuffle(&mut train);
            random.shuffle(&mut test);
        }
        self.sides(&train, &test)
    }

    /// Splits a data set of a table by a column that marks test rows with 1 or `true`, training rows with
    /// 0 or `false`. The column is no feature of either.
    ///
    /// # Errors
    /// A column that is not there, or marks a row otherwise; a side without rows.
    ///
    /// ```
    /// let text = "x1,x2,y,is_test\n0.5,1.5,0,0\n2.5,3.5,1,1\n4.5,5.5,1,0\n";
    /// let data = bayes_nn::Table::read_from(text.as_bytes())?.target("y")?;
    /// let (train, test) = data.split_marked("is_test")?;
    /// assert_eq!((train.rows(), test.rows(), test.features()), (2, 1, 2));
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    pub fn split_marked(&self, column: &str) -> Result<(Self, Self), DataError> {
        let data = self.without_feature(column)?;
        let Origin { table, rows, .. } = data.origin("column that marks test rows")?;
        let marks = table.column(column)?;
        let is_test = |row: usize| match marks.text(rows[row]).to_lowercase().as_str() {
            "1" | "true" => Ok(true),
            "0" | "false" => Ok(false),
            _ => Err(DataError::WrongField {
                place: table.place(rows[row]),
                column: column.to_owned(),
                field: marks.text(rows[row]),
                expected: "a mark of a row: 1 or true of test, 0 or false of training rows",
            }),
        };
        let marked: Vec<bool> = (0..data.rows()).map(is_test).collect::<Result<_, _>>()?;
        let (test, train): (Vec<usize>, Vec<usize>) =
            (0..data.rows()).partition(|row| marked[*row]);
        check_sides(train.len(), test.len())?;
        data.sides(&train, &test)
    }

    /// Training and test sets of so many folds: each row is in one test set, and in the training sets of
    /// all others. Of [`Split::Ordered`] the training set of a fold are the rows before it, so that there
    /// is one fold fewer.
    ///
    /// # Errors
    /// Fewer than two folds, or more than rows or groups; as [`Dataset::split_by`].
    ///
    /// ```
    /// use bayes_nn::{Dataset, data::Split};
    /// let data = Dataset::new(&[1.0, 2.0, 3.0, 4.0], 1, &[0.0, 1.0, 0.0, 1.0])?;
    /// for (train, test) in data.folds(2, Split::Stratified, 0)? {
    ///     assert_eq!((train.rows(), test.y().iter().sum::<f64>()), (2, 1.0));
    /// }
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    pub fn folds(
        &self,
        folds: usize,
        split: Split<'_>,
        seed: u64,
    ) -> Result<Vec<(Self, Self)>, DataError> {
        let pieces = split.pieces(self, seed)?;
        let count = pieces.len();
        if !(2..=count).contains(&folds) {
            return Err(DataError::Folds {
                folds,
                of: count,
                what: split.unit(),
            });
        }
        let ordered = matches!(split, Split::Ordered(_));
        let mut tests = vec![Vec::new(); folds];
        for (place, piece) in pieces.into_iter().enumerate() {
            let fold = match ordered {
                true => place * folds / count,
                false => place % folds,
            };
            tests[fold].extend(piece);
        }
        let first = usize::from(ordered);
        let side = |fold: usize| {
            let others = tests.iter().enumerate();
            let train = others.filter(|(other, _)| {
                if ordered {
                    *other < fold
                } else {
                    *other != fold
                }
            });
            let train: Vec<usize> = train.flat_map(|(_, rows)| rows).copied().collect();
            self.sides(&train, &tests[fold])
        };
        (first..folds).map(side).collect()
    }

    /// The class of each row, or the bin of its number among ten of as many rows.
    fn strata(&self) -> Vec<i64> {
        let y = self.y();
        let is_class = |y: &f64| y.fract() == 0.0 && (0.0..1000.0).contains(y);
        if self.classes.is_some() || y.iter().all(is_class) {
            return y.iter().map(|y| *y as i64).collect();
        }
        let mut sorted = y.to_vec();
        sorted.sort_by(f64::total_cmp);
        let bin = |y: &f64| 10 * sorted.partition_point(|other| other < y) / sorted.len();
        y.iter().map(|y| bin(y) as i64).collect()
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
