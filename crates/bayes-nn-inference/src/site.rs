//! Sites: the parts of the unconstrained vector.

use bayes_nn_autodiff::Shape;

/// A named part of the unconstrained vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The name of the random variable.
    pub name: String,
    /// The shape of its unconstrained values; elements are in row-major order.
    pub shape: Shape,
    /// Where its first element stands in the vector.
    pub offset: usize,
    /// Whether the variable is a weight that meets one input, with a value for each row, and
    /// nothing else: then a guide may draw the product instead of the weight
    /// ([`Advi::local_reparameterization`](crate::Advi::local_reparameterization)).
    pub local: bool,
    /// Whether the variable is a point estimate: the guide of mean-field ADVI has one value for it,
    /// without a spread, and the methods that cannot have points refuse it
    /// ([`InferenceError::PointSite`](crate::InferenceError::PointSite)).
    pub point: bool,
}

impl Site {
    /// A site from its parts.
    pub fn new(name: impl Into<String>, shape: impl Into<Shape>, offset: usize) -> Site {
        Site {
            name: name.into(),
            shape: shape.into(),
            offset,
            local: false,
            point: false,
        }
    }

    /// Names and shapes of several, for messages.
    pub fn list(sites: &[Site]) -> String {
        let describe = |site: &Site| format!("`{}` {}", site.name, site.shape);
        sites.iter().map(describe).collect::<Vec<_>>().join(", ")
    }

    /// The elements that belong to the site.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset.saturating_add(self.shape.elements())
    }
}
