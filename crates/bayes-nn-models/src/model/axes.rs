//! Named axes of the variables of a model.

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::{AxisNames, DimensionNames, Distribution};
use bayes_nn_inference::Dimension;

use super::batch::{Batch, Shared};
use super::trace::Trace;
use crate::error::{Error, GroupError};

/// What the axes of a variable are called, an entry for each; none at all where no axis has a name.
pub(crate) type Axes = Vec<Option<Dimension>>;

impl<'g> Shared<'g> {
    /// The dimensions of these names, which must be those of axes of the variable `site`.
    fn dimensions(&self, site: &str, names: &DimensionNames) -> Result<Vec<Dimension>, GroupError> {
        let mut found: Vec<Dimension> = Vec::new();
        for name in names.names() {
            let Some(dimension) = self.data.dimension(name) else {
                return Err(GroupError::UnknownDimension {
                    what: format!("`{site}`"),
                    dimension: name.to_string(),
                    available: self.data.dimension_names(),
                });
            };
            if found.contains(dimension) {
                return Err(GroupError::SameAxes {
                    site: site.to_owned(),
                    dimension: name.to_string(),
                });
            }
            found.push(dimension.clone());
        }
        Ok(found)
    }

    /// The shape of a variable over named dimensions, and what its axes are called.
    pub(super) fn shape_over(
        &self,
        site: &str,
        distribution: &dyn Distribution<'g>,
        names: &AxisNames,
    ) -> Result<(Shape, Axes), GroupError> {
        let (event, own) = (distribution.event_shape(), distribution.batch_shape());
        let mut along = self.dimensions(site, &names.event)?;
        if !along.is_empty() {
            check_lengths(site, &along, event)?;
        }
        let over = self.dimensions(site, &names.batch)?;
        if let Some(twice) = over.iter().find(|axis| along.contains(axis)) {
            return Err(GroupError::SameAxes {
                site: site.to_owned(),
                dimension: twice.name().to_owned(),
            });
        }
        let lengths: Vec<usize> = over.iter().map(Dimension::len).collect();
        let too_many = || GroupError::Axes {
            site: site.to_owned(),
            dimensions: shown(&over),
            shape: Box::new(own),
        };
        let batch = match over.is_empty() {
            true => own,
            false => {
                // Parameters have these axes, the last of them, or more before them.
                let before = own.rank().saturating_sub(lengths.len());
                let batch = [&own[..before], &lengths].concat();
                let batch = Shape::try_new(&batch).ok_or_else(too_many)?;
                let fits = own.broadcast(&batch) == Some(batch);
                fits.then_some(batch).ok_or_else(too_many)?
            }
        };
        let lengths: Vec<usize> = event.iter().chain(batch.iter()).copied().collect();
        let shape = Shape::try_new(&lengths).ok_or_else(too_many)?;
        let mut axes: Axes = along.drain(..).map(Some).collect();
        axes.resize(shape.rank() - over.len(), None);
        axes.extend(over.into_iter().map(Some));
        axes.resize(shape.rank(), None);
        Ok((shape, axes))
    }
}

impl<'g> Shared<'g> {
    /// What the axes of an observed value are called, which must be those of its dimensions.
    pub(super) fn axes_of_observed(
        &self,
        site: &str,
        shape: Shape,
        distribution: &dyn Distribution<'g>,
        names: &AxisNames,
    ) -> Result<Axes, GroupError> {
        let (over, axes) = self.shape_over(site, distribution, names)?;
        match over == shape {
            true => Ok(axes),
            false => Err(GroupError::Axes {
                site: site.to_owned(),
                dimensions: shown(&axes.into_iter().flatten().collect::<Vec<_>>()),
                shape: Box::new(shape),
            }),
        }
    }
}

/// Checks that axes are as long as their dimensions.
fn check_lengths(site: &str, dimensions: &[Dimension], shape: Shape) -> Result<(), GroupError> {
    let lengths = dimensions.iter().map(Dimension::len);
    match lengths.eq(shape.iter().copied()) {
        true => Ok(()),
        false => Err(GroupError::Axes {
            site: site.to_owned(),
            dimensions: shown(dimensions),
            shape: Box::new(shape),
        }),
    }
}

/// Dimensions with their lengths, for messages.
fn shown(dimensions: &[Dimension]) -> String {
    let shown: Vec<String> = dimensions.iter().map(Dimension::to_string).collect();
    shown.join(", ")
}

impl<'g> Trace<'g> {
    /// The value of a variable over named dimensions.
    pub(super) fn try_sample_over(
        &self,
        name: &str,
        distribution: &dyn Distribution<'g>,
        names: &AxisNames,
    ) -> Result<Var<'g>, Error> {
        let (shape, axes) = self.shared.shape_over(name, distribution, names)?;
        self.try_sample(name, shape, &distribution.expand(shape), axes)
    }

    /// Names a value that is computed from others, so that draws of it are kept.
    pub fn deterministic(&self, name: &str, value: Var<'g>) -> Var<'g> {
        self.keep(self.full_name(name), value, Vec::new())
    }

    /// Keeps a value whose axes have these names, or none.
    pub(super) fn keep(&self, name: String, value: Var<'g>, axes: Axes) -> Var<'g> {
        match (self.take_name(&name), self.shared.incomplete(value)) {
            (Ok(()), None) => {
                let mut record = self.record.borrow_mut();
                record.deterministics.push((name, value, axes));
            }
            (Ok(()), Some(known)) => self.shared.fail(self.shared.misused(&known.column)),
            (Err(error), _) => self.shared.fail(error),
        }
        value
    }

    /// As [`Trace::deterministic`], of a value whose axes are these dimensions of the data: their names
    /// stay with its draws.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let model = model::from_fn(|trace, data| {
    ///     let spread = trace.sample("spread", HalfNormal::new(1.0));
    ///     let unit = trace.sample("unit", Normal::new(0.0, 1.0).over("county"));
    ///     let level = trace.deterministic_over("level", "county", spread * unit);
    ///     let mean = level.gather(data.index("county"), 0);
    ///     trace.observe("y", Normal::new(mean, 0.5), data.column("y"));
    /// });
    /// let data = Data::new().groups("county", &["B", "A"])?.column("y", &[0.1, 1.9])?;
    /// let draws = model::prior_predictive(&model, &data, 10, 0)?;
    /// assert_eq!(draws.variable("level")?.label(1), "level[B]");
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn deterministic_over(
        &self,
        name: &str,
        dimensions: impl Into<DimensionNames>,
        value: Var<'g>,
    ) -> Var<'g> {
        let full_name = self.full_name(name);
        let axes = self.shared.dimensions(&full_name, &dimensions.into());
        let axes = axes.and_then(|axes| {
            check_lengths(&full_name, &axes, value.shape())?;
            Ok(axes.into_iter().map(Some).collect())
        });
        match axes {
            Ok(axes) => self.keep(full_name, value, axes),
            Err(error) => {
                self.shared.fail(error.into());
                value
            }
        }
    }
}

impl Trace<'_> {
    /// The dimension of this name, of the data that the model is declared over; as
    /// [`Batch::dimension`].
    pub fn dimension(&self, name: &str) -> Option<&Dimension> {
        self.shared.data.dimension(name)
    }
}

impl Batch<'_> {
    /// The dimension of this name, of the data: the names of its places, and how many there are.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let model = model::from_fn(|trace, data| {
    ///     let counties = data.dimension("county").map_or(0, |county| county.len());
    ///     trace.sample("sum", Normal::new(0.0, (counties as f64).sqrt()));
    /// });
    /// # let data = Data::new().groups("county", &["B", "A"])?;
    /// # model::prior_predictive(&model, &data, 10, 0)?;
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn dimension(&self, name: &str) -> Option<&Dimension> {
        self.shared.data.dimension(name)
    }
}
