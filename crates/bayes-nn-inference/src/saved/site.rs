//! Sites: names, shapes and supports. Where a site stands in the vector follows from those before it.

use bayes_nn_files::{Entry, FileError, Node, Object, Place, Value, choice, record};

use super::Lengths;
use crate::{Begin, Bound, Dimension, Site, SiteSupport};

record!(Begin { "mean": mean, "spread": spread, "sd": sd });
record!(Bound { "values": values });

choice!(SiteSupport {
    "real": Real {},
    "positive": Positive {},
    "lower_bound": LowerBound { "low": 0 as low },
    "upper_bound": UpperBound { "high": 0 as high },
    "interval": Interval { "low": 0 as low, "high": 1 as high },
    "circle": Circle {},
    "simplex": Simplex {},
    "ordered": Ordered {},
    "positive_ordered": PositiveOrdered {},
    "correlation_cholesky": CorrelationCholesky {},
});

impl Entry for Dimension {
    fn write(&self, place: &Place<'_>) -> Value {
        let object = place.object().put("name", &self.name().to_owned());
        object.put("names", &self.names().to_vec()).value()
    }

    fn read(node: &Node<'_>) -> Result<Dimension, FileError> {
        let (name, names): (String, Vec<String>) = (node.get("name")?, node.get("names")?);
        Dimension::new(&name, names).map_err(|error| node.refuse(error.to_string()))
    }
}

/// Adds the sites to an object.
pub(super) fn put_sites<'w>(object: Object<'w>, sites: &[Site]) -> Object<'w> {
    let place = object.at("sites");
    let written = sites.iter().enumerate().map(|(number, site)| {
        let Site {
            name,
            shape,
            offset: _,
            local,
            begin,
            point,
            support,
            axes,
        } = site;
        let object = place.at(&number.to_string()).object();
        let object = object.put("name", name).put("shape", &Lengths(*shape));
        let object = object.put("local", local).put("begin", begin);
        let object = object.put("point", point).put("support", support);
        object.put("axes", axes).value()
    });
    let written = Value::Array(written.collect());
    object.put_value("sites", written)
}

/// The sites of an object.
pub(super) fn get_sites(node: &Node<'_>) -> Result<Vec<Site>, FileError> {
    let mut offset: usize = 0;
    let mut sites = Vec::new();
    for node in node.at("sites")?.items()? {
        let Lengths(shape) = node.get("shape")?;
        let axes: Option<Vec<Option<Dimension>>> = node.get("axes")?;
        let axes = axes.unwrap_or_default();
        let mut named = axes.iter().zip(shape.iter());
        let fits = |(axis, length): (&Option<Dimension>, &usize)| {
            axis.as_ref().is_none_or(|axis| axis.len() == *length)
        };
        if !axes.is_empty() && (axes.len() != shape.rank() || !named.all(fits)) {
            return Err(node
                .at("axes")?
                .refuse("does not name the axes of the shape"));
        }
        sites.push(Site {
            name: node.get("name")?,
            shape,
            offset,
            local: node.get("local")?,
            begin: node.get("begin")?,
            point: node.get("point")?,
            support: node.get("support")?,
            axes,
        });
        offset = offset.saturating_add(shape.elements());
    }
    Ok(sites)
}

/// The length of the vector of which sites are the parts.
pub(super) fn dim(sites: &[Site]) -> usize {
    sites.last().map_or(0, |site| site.range().end)
}
