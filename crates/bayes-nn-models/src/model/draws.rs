//! Draws of named variables.

use bayes_nn_autodiff::Shape;
use bayes_nn_inference::{Dimension, element_index};

use crate::data::available;
use crate::error::{Error, GroupError};

/// Draws of several variables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draws {
    variables: Vec<Variable>,
    warnings: Vec<String>,
}

/// Draws of one variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    name: String,
    shape: Shape,
    /// What the axes are called, an entry for each; none where no axis has a name.
    axes: Vec<Option<Dimension>>,
    values: Vec<f64>,
}

impl Draws {
    /// All variables, in the order in which the model declares them.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The variable `name`.
    ///
    /// # Errors
    /// [`Error::UnknownVariable`] with the names there are.
    pub fn variable(&self, name: &str) -> Result<&Variable, Error> {
        let found = self.variables.iter().find(|v| v.name == name);
        found.ok_or_else(|| Error::UnknownVariable {
            name: name.to_owned(),
            available: match self.names() {
                names if names.is_empty() => "none of any variable".to_owned(),
                names => format!("draws of {names}"),
            },
        })
    }

    /// What should not be passed over: names of groups that the data of the fit do not have, whose
    /// values were drawn from the prior.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(crate) fn with_warnings(mut self, warnings: Vec<String>) -> Draws {
        self.warnings = warnings;
        self
    }

    /// The names of the variables, for messages.
    pub(crate) fn names(&self) -> String {
        let names: Vec<&str> = self.variables.iter().map(|v| v.name.as_str()).collect();
        names.join(", ")
    }

    /// The draws of every variable in parts of so many, one after the other; none has no
    /// variables.
    pub(crate) fn parts(
        &self,
        lengths: impl Iterator<Item = usize>,
    ) -> impl Iterator<Item = Draws> {
        let mut end = 0;
        lengths.map(move |length| {
            end += length;
            match length {
                0 => Draws::default(),
                _ => self.part(end - length..end),
            }
        })
    }

    fn part(&self, draws: std::ops::Range<usize>) -> Draws {
        let part = |variable: &Variable| {
            let elements = variable.shape.elements();
            let values = &variable.values[draws.start * elements..draws.end * elements];
            Variable {
                values: values.to_vec(),
                ..variable.clone()
            }
        };
        Draws {
            variables: self.variables.iter().map(part).collect(),
            warnings: self.warnings.clone(),
        }
    }

    pub(crate) fn declare(&mut self, name: &str, shape: Shape, axes: &[Option<Dimension>]) {
        self.variables.push(Variable {
            name: name.to_owned(),
            shape,
            axes: axes.to_vec(),
            values: Vec::new(),
        });
    }

    /// Adds a draw to the variable declared as number `variable`.
    pub(crate) fn push(&mut self, variable: usize, draw: &[f64]) -> Result<(), Error> {
        let variable = &mut self.variables[variable];
        let elements = variable.shape.elements();
        if let Some(element) = draw.iter().position(|v| !v.is_finite()) {
            return Err(Error::NotFiniteDraw {
                name: variable.name.clone(),
                draw: variable.values.len() / elements.max(1),
                element,
                value: draw[element],
            });
        }
        match draw {
            // A plain number stands for every element.
            [number] => variable
                .values
                .extend(std::iter::repeat_n(number, elements)),
            draw => variable.values.extend(draw),
        }
        Ok(())
    }
}

impl Variable {
    /// The name, with the scopes it was declared in: `layer0.weight`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape of one draw.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// What the axes are called, an entry for each; none at all where no axis has a name.
    pub fn axes(&self) -> &[Option<Dimension>] {
        &self.axes
    }

    /// The name of one element (row-major in the shape): `b[HENNEPIN]`, or `b[42]` where the axis has no
    /// names.
    pub fn label(&self, element: usize) -> String {
        match self.shape.elements() == 1 && self.axes.is_empty() {
            true => self.name.clone(),
            false => {
                let index = element_index(self.shape, &self.axes, element);
                format!("{}{index}", self.name)
            }
        }
    }

    /// All draws of the element of these names, one for each axis: of `b` over counties
    /// `b.of(["HENNEPIN"])`.
    ///
    /// # Errors
    /// An axis without names; another number of names than axes; a name that is not there.
    pub fn of<S: AsRef<str>>(&self, names: impl IntoIterator<Item = S>) -> Result<Vec<f64>, Error> {
        let names: Vec<S> = names.into_iter().collect();
        let axes: Option<Vec<&Dimension>> = self.axes.iter().map(Option::as_ref).collect();
        let axes = axes.filter(|axes| axes.len() == names.len() && !axes.is_empty());
        let Some(axes) = axes else {
            return Err(GroupError::NamesOfAxes {
                variable: self.name.clone(),
                given: names.len(),
                example: self.label(0),
            }
            .into());
        };
        let mut element = 0;
        for (axis, name) in axes.into_iter().zip(&names) {
            let place = axis.position(name.as_ref());
            let place = place.ok_or_else(|| GroupError::NoSuchPlace {
                variable: self.name.clone(),
                name: name.as_ref().to_owned(),
                dimension: axis.name().to_owned(),
                available: available(name.as_ref(), axis.names()),
            })?;
            element = element * axis.len() + place;
        }
        Ok(self.element(element))
    }

    /// All draws, row-major `[draws, ...shape]`.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// One draw, row-major in the variable's shape; `None` beyond the last one.
    pub fn draw(&self, draw: usize) -> Option<&[f64]> {
        let elements = self.shape.elements();
        let start = draw.checked_mul(elements)?;
        self.values.get(start..start.checked_add(elements)?)
    }

    /// All draws of one element (row-major in the shape).
    pub fn element(&self, element: usize) -> Vec<f64> {
        let elements = self.shape.elements().max(1);
        let draws = self.values.iter().skip(element).step_by(elements);
        draws.copied().collect()
    }

    /// The mean over draws of each element.
    pub fn mean(&self) -> Vec<f64> {
        self.over_draws(|draws| draws.iter().sum::<f64>() / draws.len() as f64)
    }

    /// The standard deviation over draws of each element (divided by the number of draws less 1).
    pub fn sd(&self) -> Vec<f64> {
        self.over_draws(|draws| {
            let n = draws.len() as f64;
            let mean = draws.iter().sum::<f64>() / n;
            let squares: f64 = draws.iter().map(|v| (v - mean) * (v - mean)).sum();
            (squares / (n - 1.0).max(1.0)).sqrt()
        })
    }

    fn over_draws(&self, summary: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        let elements = 0..self.shape.elements();
        elements.map(|e| summary(&self.element(e))).collect()
    }
}
