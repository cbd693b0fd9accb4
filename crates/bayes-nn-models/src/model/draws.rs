//! Draws of named variables.

use std::sync::Arc;

use bayes_nn_autodiff::Shape;

use crate::error::Error;

/// Draws of several variables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draws {
    variables: Vec<Variable>,
    /// Variables that need data which are not there.
    left_out: Arc<[String]>,
}

/// Draws of one variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    name: String,
    shape: Shape,
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
    /// [`Error::UnknownVariable`] with the names there are; [`Error::NotSaved`] for a deterministic of
    /// a fit that was loaded without the data on which it depends.
    pub fn variable(&self, name: &str) -> Result<&Variable, Error> {
        let found = self.variables.iter().find(|v| v.name == name);
        if self.left_out.iter().any(|left_out| left_out == name) {
            return Err(Error::NotSaved {
                what: name.to_owned(),
            });
        }
        found.ok_or_else(|| Error::UnknownVariable {
            name: name.to_owned(),
            available: match self.names() {
                names if names.is_empty() => "none of any variable".to_owned(),
                names => format!("draws of {names}"),
            },
        })
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
            left_out: self.left_out.clone(),
        }
    }

    /// The same without these variables, whose values need data that are not there.
    pub(crate) fn without(self, left_out: Vec<String>) -> Draws {
        Draws {
            left_out: left_out.into(),
            ..self
        }
    }

    pub(crate) fn declare(&mut self, name: &str, shape: Shape) {
        self.variables.push(Variable {
            name: name.to_owned(),
            shape,
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
