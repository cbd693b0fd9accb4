//! Arrays with named dimensions: what each axis is called, and what its places are called.

use std::borrow::Cow;

use super::{Coordinates, ExportError, InferenceData};
use crate::model::{Dimension, Subset, Variable};

/// Arrays that belong together.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) arrays: Vec<Array>,
    /// The dimensions that come before all others, where there are draws.
    pub(super) samples: Option<SampleDims>,
}

/// Which chains there are, and how many draws each has.
#[derive(Clone, Debug)]
pub(super) struct SampleDims {
    pub(super) chains: Vec<usize>,
    pub(super) draws: usize,
}

/// What axes are called, and what their places are called.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels {
    dims: Vec<(String, Vec<String>)>,
    coords: Vec<(String, Coordinates)>,
}

impl Labels {
    /// Names the axes of a variable.
    pub(super) fn dims(&mut self, variable: &str, names: Vec<String>) {
        self.dims.retain(|(known, _)| known != variable);
        self.dims.push((variable.to_owned(), names));
    }

    /// Labels the places along a dimension.
    pub(super) fn coords(&mut self, dimension: &str, labels: Coordinates) {
        self.coords.retain(|(known, _)| known != dimension);
        self.coords.push((dimension.to_owned(), labels));
    }
}

/// The settings of what has [`Labels`].
macro_rules! label_settings {
    () => {
        /// Names the axes of a variable, in every group that has it.
        pub fn dims<N: Into<String>>(
            mut self,
            variable: &str,
            names: impl IntoIterator<Item = N>,
        ) -> Self {
            self.labels
                .dims(variable, names.into_iter().map(Into::into).collect());
            self
        }

        /// Labels a dimension: one for each place along it, of rows one for each row of the data.
        pub fn coords(mut self, dimension: &str, labels: impl Into<Coordinates>) -> Self {
            self.labels.coords(dimension, labels.into());
            self
        }
    };
}
pub(super) use label_settings;

/// A named array, row-major; the axes of draws are not in its shape.
#[derive(Clone, Debug)]
pub(super) struct Array {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Values,
    /// The rows that the last axis stands for, where they are not all.
    pub(super) rows: Option<Subset>,
    /// What axes and places are called by the model, an entry for each axis or none at all.
    pub(super) axes: Vec<Option<Dimension>>,
}

/// The elements of an array.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    Numbers(Vec<f64>),
    Integers(Vec<i64>),
    Flags(Vec<bool>),
    Names(Vec<String>),
}

/// An array as it is stored: with draws, and with a name for every axis.
pub(super) struct Placed<'a> {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) dims: Vec<String>,
    pub(super) values: Cow<'a, Values>,
}

impl Group {
    pub(super) fn new(
        name: &'static str,
        arrays: impl Iterator<Item = Array>,
        samples: Option<&SampleDims>,
    ) -> Group {
        Group {
            name,
            arrays: arrays.collect(),
            samples: samples.cloned(),
        }
    }
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Values::Numbers(values) => values.len(),
            Values::Integers(values) => values.len(),
            Values::Flags(values) => values.len(),
            Values::Names(values) => values.len(),
        }
    }

    /// Those of some rows.
    fn of_rows(self, rows: &[usize]) -> Values {
        fn select<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|&row| values[row].clone()).collect()
        }
        match self {
            Values::Numbers(values) => Values::Numbers(select(&values, rows)),
            Values::Integers(values) => Values::Integers(select(&values, rows)),
            Values::Flags(values) => Values::Flags(select(&values, rows)),
            Values::Names(values) => Values::Names(select(&values, rows)),
        }
    }

    /// With zeros behind, if there are fewer than `length`.
    pub(super) fn padded(mut self, length: usize) -> Values {
        match &mut self {
            Values::Numbers(values) => values.resize(length, 0.0),
            Values::Integers(values) => values.resize(length, 0),
            Values::Flags(values) => values.resize(length, false),
            Values::Names(values) => values.resize(length, String::new()),
        }
        self
    }
}

impl Array {
    pub(super) fn new(name: &str, shape: &[usize], values: Values) -> Array {
        Array {
            name: name.to_owned(),
            shape: shape.to_vec(),
            values,
            rows: None,
            axes: Vec::new(),
        }
    }

    pub(super) fn of_variable(variable: &Variable) -> Array {
        let values = Values::Numbers(variable.values().to_vec());
        Array {
            axes: variable.axes().to_vec(),
            ..Array::new(variable.name(), &variable.shape(), values)
        }
    }

    /// The dimension of an axis, of the model.
    fn axis(&self, axis: usize) -> Option<&Dimension> {
        self.axes.get(axis)?.as_ref()
    }
}

impl From<&Coordinates> for Values {
    fn from(coordinates: &Coordinates) -> Values {
        match coordinates {
            Coordinates::Integers(values) => Values::Integers(values.clone()),
            Coordinates::Numbers(values) => Values::Numbers(values.clone()),
            Coordinates::Names(values) => Values::Names(values.clone()),
        }
    }
}

impl InferenceData {
    /// Checks names: of variables that are given dimensions, and of dimensions that are labelled.
    pub(super) fn check(&self) -> Result<(), ExportError> {
        let arrays = || self.groups.iter().flat_map(|group| &group.arrays);
        let list = |names: Vec<String>| {
            let mut names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            names.dedup();
            names.join(", ")
        };
        for (variable, _) in &self.labels.dims {
            if arrays().all(|array| array.name != *variable) {
                return Err(ExportError::Unknown {
                    kind: "variable",
                    name: variable.clone(),
                    available: list(arrays().map(|array| array.name.clone()).collect()),
                });
            }
        }
        let mut dims = Vec::new();
        for array in arrays() {
            dims.extend(self.dims_of(array)?);
        }
        match self
            .labels
            .coords
            .iter()
            .find(|(dim, _)| !dims.contains(dim))
        {
            Some((dimension, _)) => Err(ExportError::Unknown {
                kind: "dimension",
                name: dimension.clone(),
                available: list(dims),
            }),
            None => Ok(()),
        }
    }

    /// The names of an array's axes. The log density of an event lacks the first axes of the
    /// variable.
    fn dims_of(&self, array: &Array) -> Result<Vec<String>, ExportError> {
        let axes = array.shape.len();
        let same = self.groups.iter().flat_map(|group| &group.arrays);
        let same = same.filter(|other| other.name == array.name);
        let most = same.map(|other| other.shape.len()).max().unwrap_or(axes);
        let named = self
            .labels
            .dims
            .iter()
            .find(|(name, _)| *name == array.name);
        let names = match named {
            Some((_, names)) if names.len() == most => names.clone(),
            Some((_, names)) => {
                return Err(ExportError::Dimensions {
                    variable: array.name.clone(),
                    axes: most,
                    given: names.len(),
                });
            }
            None => {
                let number = |axis: usize| format!("{}_dim_{axis}", array.name);
                let name = |axis: usize| match array.axis(axis) {
                    Some(dimension) => dimension.name().to_owned(),
                    None => number(most - axes + axis),
                };
                return Ok((0..axes).map(name).collect());
            }
        };
        Ok(names[most - axes..].to_vec())
    }

    /// The arrays of a group, those of its coordinates first.
    pub(super) fn place<'a>(&'a self, group: &'a Group) -> Result<Vec<Placed<'a>>, ExportError> {
        let mut labels: Vec<(String, Values, &str)> = Vec::new();
        let mut samples = Vec::new();
        if let Some(dims) = &group.samples {
            let number = |n: usize| n as i64;
            let chains = dims.chains.iter().map(|&chain| number(chain)).collect();
            let draws = (0..dims.draws).map(number).collect();
            labels.push(("chain".to_owned(), Values::Integers(chains), "chain"));
            labels.push(("draw".to_owned(), Values::Integers(draws), "draw"));
            samples = vec![dims.chains.len(), dims.draws];
        }
        let before = labels.len();
        let mut arrays = Vec::new();
        for array in &group.arrays {
            let mut dims: Vec<String> = Vec::new();
            dims.extend(labels[..before].iter().map(|(dim, ..)| dim.clone()));
            for (axis, dim) in self.dims_of(array)?.into_iter().enumerate() {
                let own = self.labels_of(array, axis, &dim)?;
                if dims.contains(&dim) {
                    return Err(name_error(&dim, "stands for two axes of a variable"));
                }
                match labels.iter().find(|(known, ..)| *known == dim) {
                    Some((_, known, _)) if *known == own => {}
                    Some((dimension, _, other)) => {
                        return Err(ExportError::Conflict {
                            dimension: dimension.clone(),
                            variable: array.name.clone(),
                            other: (*other).to_owned(),
                        });
                    }
                    None => labels.push((dim.clone(), own, &array.name)),
                }
                dims.push(dim);
            }
            arrays.push(Placed {
                name: array.name.clone(),
                shape: [&samples, array.shape.as_slice()].concat(),
                dims,
                values: Cow::Borrowed(&array.values),
            });
        }
        let mut placed = Vec::new();
        for (dim, values, _) in labels {
            if group.arrays.iter().any(|array| array.name == dim) {
                return Err(name_error(&dim, "is one of a variable and of a dimension"));
            }
            placed.push((dim, values));
        }
        let coordinates = placed.into_iter().map(|(dim, values)| Placed {
            name: dim.clone(),
            shape: vec![values.len()],
            dims: vec![dim],
            values: Cow::Owned(values),
        });
        Ok(coordinates.chain(arrays).collect())
    }

    /// What the places along an axis are called.
    fn labels_of(&self, array: &Array, axis: usize, dim: &str) -> Result<Values, ExportError> {
        let needed = array.shape[axis];
        let rows = match axis + 1 == array.shape.len() {
            true => array.rows.as_ref(),
            false => None,
        };
        let given = self.labels.coords.iter().find(|(name, _)| name == dim);
        let Some((_, given)) = given else {
            if let Some(dimension) = array.axis(axis) {
                return Ok(Values::Names(dimension.names().to_vec()));
            }
            let rows = rows.map_or_else(|| (0..needed).collect(), |some| some.rows.to_vec());
            return Ok(Values::Integers(rows.iter().map(|&r| r as i64).collect()));
        };
        let given = Values::from(given);
        let places = rows.map_or(needed, |some| some.of);
        if given.len() != places {
            return Err(ExportError::Labels {
                dimension: dim.to_owned(),
                given: given.len(),
                variable: array.name.clone(),
                needed: places,
            });
        }
        Ok(match rows {
            Some(some) => given.of_rows(&some.rows),
            None => given,
        })
    }
}

pub(super) fn name_error(name: &str, problem: &'static str) -> ExportError {
    ExportError::Name {
        name: name.to_owned(),
        problem,
    }
}
