//! Values that are known without a program: of what depends on data alone.

use bayes_nn_autodiff::{Evaluated, Shape, Var};
use bayes_nn_kernels::Column;

use super::batch::Shared;
use crate::error::Error;

impl<'g> Shared<'g> {
    /// An input whose value is known here.
    pub(crate) fn known_input(&self, name: &str, shape: Shape, values: Vec<f64>) -> Var<'g> {
        let input = self.graph.input(name, shape);
        self.interpreter.borrow_mut().bind(input, values);
        input
    }

    /// The value of a variable, row-major; or the input that it depends on and that has none.
    fn interpret(&self, var: Var<'g>) -> Result<Evaluated, Error> {
        let mut interpreter = self.interpreter.borrow_mut();
        let inputs = self.inputs.borrow();
        self.graph.check()?;
        loop {
            let evaluated = interpreter.value(var)?;
            let Evaluated::Unbound(waits_for) = &evaluated else {
                return Ok(evaluated);
            };
            let mut known = inputs.iter();
            let Some(known) = known.find(|known| known.input.id() == Some(*waits_for)) else {
                return Ok(evaluated);
            };
            // Data are brought to double precision only where a value needs them.
            match (&known.values, known.columns) {
                (Column::F64(values), 1) => interpreter.bind(known.input, values.clone()),
                (values, 1) => interpreter.bind(known.input, values.to_f64()),
                (values, columns) => {
                    interpreter.bind(known.input, values.transposed(columns).to_f64());
                }
            }
        }
    }

    /// The value of a variable, row-major, if it depends on data alone and none of them is
    /// missing.
    pub(crate) fn known(&self, var: Var<'g>) -> Result<Option<Vec<f64>>, Error> {
        Ok(match self.interpret(var)? {
            Evaluated::Value(value) => Some(value.values().to_vec()),
            Evaluated::Unbound(_) => None,
        })
    }

    /// The values of `vars`, which may depend on data but not on noise or on absent columns.
    pub(crate) fn evaluate(&self, vars: &[Var<'g>]) -> Result<Vec<Vec<f64>>, Error> {
        vars.iter().map(|var| self.value(*var)).collect()
    }

    /// The value of one such variable.
    pub(crate) fn value(&self, var: Var<'g>) -> Result<Vec<f64>, Error> {
        match self.interpret(var)? {
            Evaluated::Value(value) => Ok(value.values().to_vec()),
            Evaluated::Unbound(input) => {
                let inputs = self.inputs.borrow();
                let missing = inputs.iter().find(|known| known.seen.id() == Some(input));
                match missing {
                    Some(column) => Err(self.misused(&column.name)),
                    None => Err(self.unknown_column(&self.graph.input_name(input))),
                }
            }
        }
    }
}
