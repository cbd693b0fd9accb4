//! Data sets: features and targets, where they come from, and how they are scaled and split.

#[macro_use]
mod shape;

mod error;
mod idx;
#[cfg(feature = "images")]
mod image_folder;
mod npy;
mod numbers;
pub(crate) mod random;
mod recipe;
mod split;
mod standardize;
mod stream;
mod table;
#[cfg(test)]
mod tests;

pub use self::error::DataError;
pub use self::idx::Idx;
#[cfg(feature = "images")]
pub use self::image_folder::{Channels, ImageFolder, ImageFolderError};
pub use self::npy::Npy;
use self::numbers::Numbers;
pub(crate) use self::numbers::{check_finite, check_whole_rows};
pub use self::recipe::{Embedded, Encoding, Missing, Recipe};
pub(crate) use self::recipe::{Origin, few};
pub use self::split::Split;
pub use self::standardize::Standardization;
pub use self::stream::{IdxFile, NpyFile, Source, SourceColumn, SourceKind, StreamError};
pub(crate) use self::stream::{ObservedColumn, Order, RowFeed, Taken, read};
pub use self::table::{ColumnKind, Place, Table, TableFile, TableReader, TableRows};
pub(crate) use self::table::{TableColumn, available};

use std::fmt;
use std::sync::Arc;

pub use bayes_nn_kernels::Column;

/// Features `[n, features]` and one target per row, all finite.
///
/// Class labels are whole numbers from 0. Values stay in the type in which they are handed in, be it `f64`, `f32` or
/// bytes, and a clone shares them, so that passing a data set around is cheap. Of files with words, dates and missing
/// values a [`Table`] makes one.
///
/// ```
/// use bayes_nn::Dataset;
///
/// let data = Dataset::from_rows(&[[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]], &[0.0, 1.0, 1.0])?;
/// assert_eq!((data.rows(), data.features()), (3, 2));
/// assert_eq!(data.row(1), [3.0, 4.0]);
/// # Ok::<(), bayes_nn::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    x: Numbers,
    y: Numbers,
    features: usize,
    feature_names: Arc<[String]>,
    target_name: Arc<str>,
    standardization: Option<Arc<Standardization>>,
    target_standardization: Option<Arc<Standardization>>,
    /// The names of the classes, by their numbers.
    classes: Option<Arc<[String]>>,
    /// The table of which the numbers were made.
    origin: Option<Arc<Origin>>,
}

impl Dataset {
    /// A data set from `x`, row-major `[n, features]`, and `y`, `[n]`. Features are named `x1`, `x2`, ..., the target `y`.
    ///
    /// # Errors
    /// No rows or features, lengths that do not fit, and values that are NaN or infinite.
    ///
    /// ```
    /// let data = bayes_nn::Dataset::new(&[0.0, 1.0, 2.0, 3.0], 2, &[0.5, 1.5])?;
    /// assert_eq!(data.row(1), [2.0, 3.0]);
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    ///
    /// Images may stay bytes; a `Vec` or `Arc` is taken over, a reference is copied once:
    ///
    /// ```
    /// use bayes_nn::Dataset;
    /// let data = Dataset::new(vec![0_u8, 255, 90, 12], 2, vec![1_u8, 0])?;
    /// assert_eq!(data.row(0), [0.0, 255.0]);
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    pub fn new(
        x: impl Into<Column>,
        features: usize,
        y: impl Into<Column>,
    ) -> Result<Self, DataError> {
        let names = (1..=features).map(|j| format!("x{j}")).collect();
        Self::from_parts(x.into(), y.into(), names, "y".into())
    }

    /// A data set from one array per row and the targets.
    ///
    /// # Errors
    /// As [`Dataset::new`].
    ///
    /// ```
    /// let data = bayes_nn::Dataset::from_rows(&[[0.0], [1.0]], &[0.1, 0.9])?;
    /// assert_eq!(data.features(), 1);
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    pub fn from_rows<const K: usize>(rows: &[[f64; K]], y: &[f64]) -> Result<Self, DataError> {
        Self::new(rows.as_flattened(), K, y)
    }

    fn from_parts(
        x: Column,
        y: Column,
        feature_names: Vec<String>,
        target_name: Arc<str>,
    ) -> Result<Self, DataError> {
        let features = feature_names.len();
        if features == 0 {
            return Err(DataError::ZeroFeatures);
        }
        if x.is_empty() && y.is_empty() {
            return Err(DataError::Empty);
        }
        check_whole_rows("x", x.len(), features)?;
        let rows = x.len() / features;
        if rows != y.len() {
            return Err(DataError::RowMismatch {
                rows,
                targets: y.len(),
            });
        }
        check_finite(&x, features, |feature| feature_names[feature].clone())?;
        check_finite(&y, 1, |_| target_name.to_string())?;
        Ok(Self {
            x: Numbers::new(x),
            y: Numbers::new(y),
            features,
            feature_names: feature_names.into(),
            target_name,
            standardization: None,
            target_standardization: None,
            classes: None,
            origin: None,
        })
    }

    /// The same data with other feature names.
    ///
    /// # Errors
    /// [`DataError::NameCount`] unless there is one name per feature.
    ///
    /// ```
    /// let data = bayes_nn::Dataset::new(&[1.7, 65.0], 2, &[1.0])?.with_feature_names(["height", "weight"])?;
    /// assert_eq!(data.feature_names(), ["height", "weight"]);
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    pub fn with_feature_names<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, DataError> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        if names.len() != self.features {
            return Err(DataError::NameCount {
                given: names.len(),
                features: self.features,
            });
        }
        self.feature_names = names.into();
        Ok(self)
    }

    /// The same data with another target name.
    ///
    /// ```
    /// let data = bayes_nn::Dataset::new(&[1.7], 1, &[65.0])?.with_target_name("weight");
    /// assert_eq!(data.target_name(), "weight");
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    #[must_use]
    pub fn with_target_name(mut self, name: &str) -> Self {
        self.target_name = name.into();
        self
    }

    /// The same data with names of the classes, which the target numbers from 0.
    ///
    /// ```
    /// let data = bayes_nn::Dataset::new(&[1.7, 0.4], 1, &[1.0, 0.0])?.with_classes(["ham", "spam"])?;
    /// assert_eq!(data.classes().map(<[String]>::len), Some(2));
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::NoClass`] for a target that is none of their numbers.
    pub fn with_classes<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, DataError> {
        let names: Arc<[String]> = names.into_iter().map(Into::into).collect();
        let is_class = |y: f64| y >= 0.0 && y.fract() == 0.0 && y < names.len() as f64;
        if let Some(row) = self.y().iter().position(|y| !is_class(*y)) {
            return Err(DataError::NoClass {
                row,
                value: self.y()[row],
                classes: names.len(),
            });
        }
        self.classes = Some(names);
        Ok(self)
    }

    /// The names of the classes, by their numbers; `None` where the target is a number, or classes have
    /// no names.
    pub fn classes(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    pub(crate) fn class_names(&self) -> Option<&Arc<[String]>> {
        self.classes.as_ref()
    }

    pub(crate) fn origin_of(&self) -> Option<&Arc<Origin>> {
        self.origin.as_ref()
    }

    /// Number of rows, n.
    pub fn rows(&self) -> usize {
        self.y.column.len()
    }

    /// Number of features per row.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The features, row-major `[n, features]`.
    ///
    /// Features of another type are copied to `f64` when they are first asked for here, and the copy is kept; a fit
    /// reads them as they are.
    pub fn x(&self) -> &[f64] {
        self.x.as_f64()
    }

    /// The targets, `[n]`; of another type as for [`Dataset::x`].
    pub fn y(&self) -> &[f64] {
        self.y.as_f64()
    }

    /// Features and targets, in the types in which they came.
    pub(crate) fn columns(&self) -> (&Column, &Column) {
        (&self.x.column, &self.y.column)
    }

    /// The features of one row, `[features]`.
    ///
    /// # Panics
    /// If `row` is not below [`Dataset::rows`], as indexing a slice does.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.x()[row * self.features..(row + 1) * self.features]
    }

    /// One feature of all rows, `[n]`.
    ///
    /// # Panics
    /// If `column` is not below [`Dataset::features`], as indexing a slice does.
    ///
    /// ```
    /// let data = bayes_nn::Dataset::from_rows(&[[1.0, 2.0], [3.0, 4.0]], &[0.0, 1.0])?;
    /// assert_eq!(data.column(1), [2.0, 4.0]);
    /// # Ok::<(), bayes_nn::DataError>(())
    /// ```
    pub fn column(&self, column: usize) -> Vec<f64> {
        assert!(
            column < self.features,
            "column {column} of a data set with {} features",
            self.features
        );
        self.x()
            .iter()
            .skip(column)
            .step_by(self.features)
            .copied()
            .collect()
    }

    /// The names of the features, in the order of the columns.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// The name of the target.
    pub fn target_name(&self) -> &str {
        &self.target_name
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 6;
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        write!(
            f,
            "{} row{}, {} feature{} (",
            self.rows(),
            plural(self.rows()),
            self.features,
            plural(self.features)
        )?;
        for (j, name) in self.feature_names.iter().take(SHOWN).enumerate() {
            write!(f, "{}{name}", if j == 0 { "" } else { ", " })?;
        }
        if self.features > SHOWN {
            write!(f, ", ...")?;
        }
        write!(f, "), target {}", self.target_name)?;
        match (&self.standardization, &self.target_standardization) {
            (Some(_), Some(_)) => write!(f, "; features and target standardized")?,
            (Some(_), None) => write!(f, "; features standardized")?,
            (None, Some(_)) => write!(f, "; target standardized")?,
            (None, None) => {}
        }
        match self.classes() {
            Some(classes) => {
                write!(f, "; classes ")?;
                few(f, classes)
            }
            None => Ok(()),
        }
    }
}
