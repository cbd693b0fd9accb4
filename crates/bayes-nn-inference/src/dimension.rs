//! Named dimensions: what axes count, and what the places along them are called.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use bayes_nn_autodiff::Shape;

/// A dimension with a name for each place along it, such as the counties of a country. A clone
/// shares the names.
///
/// ```
/// use bayes_nn_inference::Dimension;
/// let county = Dimension::new("county", ["AITKIN", "ANOKA"])?;
/// assert_eq!((county.len(), county.position("ANOKA")), (2, Some(1)));
/// assert_eq!(
///     Dimension::new("county", ["A", "B", "A"]).unwrap_err().to_string(),
///     "the dimension `county` has the name `A` twice; each place needs its own"
/// );
/// # Ok::<(), bayes_nn_inference::DimensionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    name: Arc<str>,
    places: Arc<[String]>,
}

/// A dimension that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DimensionError {
    /// No names.
    #[error("the dimension `{dimension}` has no names; it needs one for each place along it")]
    Empty {
        /// The dimension.
        dimension: String,
    },
    /// A name of two places.
    #[error("the dimension `{dimension}` has the name `{name}` twice; each place needs its own")]
    NameTwice {
        /// The dimension.
        dimension: String,
        /// The name.
        name: String,
    },
}

impl Dimension {
    /// A dimension with names for the places along it, in this order.
    ///
    /// # Errors
    /// No names; a name that is there twice.
    pub fn new<S: Into<String>>(
        name: &str,
        places: impl IntoIterator<Item = S>,
    ) -> Result<Dimension, DimensionError> {
        let places: Arc<[String]> = places.into_iter().map(Into::into).collect();
        let dimension = || name.to_owned();
        if places.is_empty() {
            return Err(DimensionError::Empty {
                dimension: dimension(),
            });
        }
        let mut seen = HashSet::new();
        if let Some(twice) = places.iter().find(|place| !seen.insert(*place)) {
            return Err(DimensionError::NameTwice {
                dimension: dimension(),
                name: twice.clone(),
            });
        }
        Ok(Dimension {
            name: name.into(),
            places,
        })
    }

    /// What the axis counts.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the places along it are called, in order.
    pub fn names(&self) -> &[String] {
        &self.places
    }

    /// The number of places.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are no places, which cannot be.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The place of a name, from 0.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.places.iter().position(|place| place == name)
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` of {} names", self.name, self.len())
    }
}

/// The element of a variable of this shape as an index: `[HENNEPIN, 2]`, with names along the axes that
/// have them. `axes` has an entry for each axis, or none at all.
pub fn element_index(shape: Shape, axes: &[Option<Dimension>], element: usize) -> String {
    let mut rest = element;
    let mut places: Vec<String> = Vec::new();
    for axis in (0..shape.rank()).rev() {
        let place = rest % shape[axis];
        let name = axes.get(axis).and_then(Option::as_ref);
        places.push(match name.and_then(|axis| axis.names().get(place)) {
            Some(name) => name.clone(),
            None => place.to_string(),
        });
        rest /= shape[axis];
    }
    places.reverse();
    format!("[{}]", places.join(", "))
}
