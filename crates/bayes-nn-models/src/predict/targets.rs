//! What was seen of the rows of a prediction.

use std::borrow::Cow;
use std::sync::Arc;

use crate::data::{DataError, Dataset, Standardization, available};

/// Targets to score a prediction against: those of a data set, or numbers `[n]`, which are classes by
/// their number, counts, or on the original scale.
///
/// Those of a data set are taken back to their original scale if they were standardised, and classes are
/// told by their names if it has any.
#[derive(Clone, Debug)]
pub struct Targets<'a> {
    y: Cow<'a, [f64]>,
    classes: Option<Arc<[String]>>,
}

impl<'a> From<&'a [f64]> for Targets<'a> {
    fn from(y: &'a [f64]) -> Targets<'a> {
        Targets {
            y: Cow::Borrowed(y),
            classes: None,
        }
    }
}

impl<'a, const N: usize> From<&'a [f64; N]> for Targets<'a> {
    fn from(y: &'a [f64; N]) -> Targets<'a> {
        y.as_slice().into()
    }
}

impl<'a> From<&'a Vec<f64>> for Targets<'a> {
    fn from(y: &'a Vec<f64>) -> Targets<'a> {
        y.as_slice().into()
    }
}

impl<'a> From<&'a Dataset> for Targets<'a> {
    fn from(data: &'a Dataset) -> Targets<'a> {
        let own = || Targets {
            y: Cow::Borrowed(data.y()),
            classes: data.class_names().cloned(),
        };
        // A target that is not finite on its scale is refused by the score.
        let scaled = |constants| {
            let classes = data.class_names();
            Targets::of_scaled(data.y().to_vec(), Some(constants), classes)
        };
        data.target_standardization().map_or_else(own, scaled)
    }
}

impl Targets<'static> {
    /// Targets on the scale of a model.
    pub(super) fn of_scaled(
        mut y: Vec<f64>,
        scale: Option<&Standardization>,
        classes: Option<&Arc<[String]>>,
    ) -> Self {
        if let Some(constants) = scale {
            let (mean, sd) = (constants.means()[0], constants.sds()[0]);
            y.iter_mut().for_each(|y| *y = *y * sd + mean);
        }
        Targets {
            y: Cow::Owned(y),
            classes: classes.cloned(),
        }
    }
}

impl<'a> Targets<'a> {
    /// The targets, classes by their numbers in the fit.
    pub(super) fn of(self, fitted: Option<&Arc<[String]>>) -> Result<Cow<'a, [f64]>, DataError> {
        let (Some(own), Some(fitted)) = (self.classes, fitted) else {
            return Ok(self.y);
        };
        if own == *fitted {
            return Ok(self.y);
        }
        let place = |name: &String| fitted.iter().position(|known| known == name);
        let places: Vec<Option<usize>> = own.iter().map(place).collect();
        let class = |(row, y): (usize, &f64)| {
            let place = places.get(*y as usize).copied().flatten();
            place.map(|place| place as f64).ok_or_else(|| {
                let class = own.get(*y as usize).cloned().unwrap_or_default();
                DataError::UnknownClass {
                    row,
                    known: available(&class, fitted),
                    class,
                }
            })
        };
        let y: Result<Vec<f64>, DataError> = self.y.iter().enumerate().map(class).collect();
        Ok(Cow::Owned(y?))
    }
}
