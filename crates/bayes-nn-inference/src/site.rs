//! Sites: the parts of the unconstrained vector.

use std::collections::HashSet;

use bayes_nn_autodiff::Shape;

use crate::SiteSupport;
use crate::dimension::{Dimension, element_index};

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
    /// Where fits begin, unless a prior draw is as good as anything.
    pub begin: Option<Begin>,
    /// Whether the variable is a point estimate: the guide of mean-field ADVI has one value for it,
    /// without a spread, and the methods that cannot have points refuse it
    /// ([`InferenceError::PointSite`](crate::InferenceError::PointSite)).
    pub point: bool,
    /// Where the values lie that its unconstrained numbers stand for; nothing if that is not known,
    /// as of a density that is no model.
    pub support: Option<SiteSupport>,
    /// What the axes of its values are called, an entry for each axis; none where no axis has a name,
    /// or that is not known.
    pub axes: Vec<Option<Dimension>>,
}

/// Where fits begin in a site: means of a guide, and chains that start from the prior, at normal
/// numbers around `mean`, all in unconstrained space.
///
/// Weights of networks begin at a size at which signals keep theirs from layer to layer, whatever
/// their prior (He et al. 2015, "Delving deep into rectifiers", equation 10), and with little
/// spread, so that the noise of their draws does not drown what the data say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Begin {
    /// The mean of the means.
    pub mean: f64,
    /// Their standard deviation; 0 for all alike.
    pub spread: f64,
    /// The standard deviation of a guide, in each element.
    pub sd: f64,
}

impl Site {
    /// A site from its parts.
    pub fn new(name: impl Into<String>, shape: impl Into<Shape>, offset: usize) -> Site {
        Site {
            name: name.into(),
            shape: shape.into(),
            offset,
            local: false,
            begin: None,
            point: false,
            support: None,
            axes: Vec::new(),
        }
    }

    /// What is wrong with sites that are to be the parts of one vector: a name twice, or a part that
    /// does not begin where the one before it ends.
    pub(crate) fn problem(sites: &[Site]) -> Option<String> {
        let mut offset = 0;
        let mut names = HashSet::new();
        sites.iter().find_map(|site| {
            if site.offset != offset {
                return Some(format!(
                    "has `{}` at {}, not at {offset}",
                    site.name, site.offset
                ));
            }
            offset = site.range().end;
            (!names.insert(&site.name)).then(|| format!("has two sites `{}`", site.name))
        })
    }

    /// Whether these are the same parts of a vector: as many, with the same names, shapes and
    /// places. Of their supports [`SiteError::support`](crate::SiteError::support) tells.
    pub fn agree(own: &[Site], others: &[Site]) -> bool {
        let part = |site: &Site| (site.name.clone(), site.shape, site.offset);
        own.iter().map(part).eq(others.iter().map(part))
    }

    /// An element of its unconstrained values, for messages: `` `b[HENNEPIN]` ``, or its number where
    /// axes have no names.
    pub(crate) fn element(&self, element: usize) -> String {
        let is_axis = |(axis, length): (&Option<Dimension>, &usize)| {
            axis.as_ref().is_none_or(|axis| axis.len() == *length)
        };
        let mut axes = self.axes.iter().zip(self.shape.iter());
        match self.axes.len() == self.shape.rank() && !self.axes.is_empty() && axes.all(is_axis) {
            true => format!(
                "`{}{}`",
                self.name,
                element_index(self.shape, &self.axes, element)
            ),
            false if self.shape.elements() == 1 => format!("`{}`", self.name),
            false => format!("`{}`, element {element}", self.name),
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
