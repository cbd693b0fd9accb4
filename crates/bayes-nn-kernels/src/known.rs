//! Known values: those that depend on data alone, and are the same in all replicas and steps.

use std::borrow::Cow;

use crate::data::{Binding, Column, each_type};
use crate::error::KernelError;
use crate::plan::{Pass, Plan, ValueId};

/// The data of an input, as they were handed in.
#[derive(Debug)]
pub(crate) struct Bound {
    column: Column,
    /// Where it is not 1, the column is that of `[n, columns]` and the input `[columns, n]`.
    columns: usize,
}

impl Bound {
    /// The numbers in row-major order of the input.
    pub fn laid_out(&self) -> Cow<'_, Column> {
        match self.columns {
            1 => Cow::Borrowed(&self.column),
            columns => Cow::Owned(self.column.transposed(columns)),
        }
    }

    /// Calls `take` with an iterator over them.
    pub fn each(&self, take: impl FnOnce(&mut dyn Iterator<Item = f64>)) {
        each_type!(&self.column, values => match self.columns {
            1 => take(&mut values.iter().map(|value| f64::from(*value))),
            columns => {
                let column = |place| values.iter().skip(place).step_by(columns);
                take(&mut (0..columns).flat_map(column).map(|value| f64::from(*value)));
            }
        });
    }
}

/// The data of a plan, and what depends on them alone.
#[derive(Debug)]
pub(crate) struct Known {
    /// The data of each input of the plan, where it has some.
    pub columns: Vec<Option<Bound>>,
    /// Of each value whether it is known, and whether what is not known reads it or it is an
    /// output. These two are asked of the home of a value.
    known: Vec<bool>,
    wanted: Vec<bool>,
    passes: Vec<bool>,
}

impl Known {
    /// Looks for the data of every input, and checks them. Other data are left out.
    ///
    /// # Errors
    /// Data of another length than their input, of an index that are not whole numbers from 0, or
    /// of a state.
    pub fn new(plan: &Plan, data: &[Binding]) -> Result<Known, KernelError> {
        let columns = plan.inputs.iter().enumerate().map(|(number, input)| {
            let bound = data.iter().find(|binding| binding.input == input.id);
            let bound = bound.map(|binding| Bound {
                column: binding.column.clone(),
                columns: binding.columns,
            });
            if let Some(bound) = &bound {
                check(plan, number, &bound.column)?;
            }
            Ok(bound)
        });
        let columns: Vec<Option<Bound>> = columns.collect::<Result<_, KernelError>>()?;
        let home = |value: ValueId| plan.values[value.index()].home.index();
        let mut known = vec![true; plan.values.len()];
        for state in &plan.states {
            known[home(*state)] = false;
        }
        for (input, column) in plan.inputs.iter().zip(&columns) {
            known[home(input.value)] &= column.is_some();
        }
        let mut passes: Vec<bool> = (0..plan.passes.len()).map(|i| i < plan.hoisted).collect();
        // A value of which a part is not known is as a whole not known.
        let mut changed = true;
        while changed {
            changed = false;
            for (pass, runs_once) in plan.passes.iter().zip(&mut passes) {
                pass.each_value(|value, _| *runs_once &= known[home(value)]);
                if !*runs_once {
                    pass.each_value(|value, written| {
                        changed |= written && std::mem::take(&mut known[home(value)]);
                    });
                }
            }
        }
        let mut wanted = vec![false; plan.values.len()];
        for output in &plan.outputs {
            wanted[home(*output)] = true;
        }
        for (pass, _) in plan.passes.iter().zip(&passes).filter(|(_, once)| !**once) {
            pass.each_value(|value, _| wanted[home(value)] = true);
        }
        Ok(Known {
            columns,
            known,
            wanted,
            passes,
        })
    }

    /// Whether a value is known. It is given by its home.
    pub fn is_known(&self, home: ValueId) -> bool {
        self.known[home.index()]
    }

    /// Whether a pass depends on data alone.
    pub fn runs_once(&self, pass: usize) -> bool {
        self.passes[pass]
    }

    /// Whether a value is known, and read where not all is known. It is given by its home.
    pub fn is_shared(&self, home: ValueId) -> bool {
        self.known[home.index()] && self.wanted[home.index()]
    }

    /// Of each value its data, if all that reads them takes slices of them: then nothing needs
    /// them in another type or with padding.
    pub fn in_place(&self, plan: &Plan) -> Vec<Option<Column>> {
        let home = |value: ValueId| plan.values[value.index()].home;
        let mut columns = vec![None; plan.values.len()];
        for (input, column) in plan.inputs.iter().zip(&self.columns) {
            let as_it_is = column.as_ref().filter(|bound| bound.columns == 1);
            if home(input.value) == input.value {
                columns[input.value.index()] = as_it_is.map(|bound| bound.column.clone());
            }
        }
        for output in &plan.outputs {
            columns[home(*output).index()] = None;
        }
        for pass in &plan.passes {
            let mut taken = None;
            if let Pass::Gather(selection) = pass {
                taken = Some(selection.source);
            }
            let mut reads = 0;
            pass.each_value(|value, _| {
                let of_taken =
                    taken.is_some_and(|source| value == source && home(source) == source);
                reads += usize::from(of_taken);
                if !of_taken || reads > 1 {
                    columns[home(value).index()] = None;
                }
            });
        }
        columns
    }
}

/// Whether data can be those of an input.
fn check(plan: &Plan, number: usize, column: &Column) -> Result<(), KernelError> {
    if plan.states.contains(&plan.inputs[number].value) {
        return Err(plan.bound(number));
    }
    let find = |is: fn(f64) -> bool| match column {
        Column::U8(_) | Column::U32(_) => None,
        Column::F32(_) | Column::F64(_) => column.position(is),
    };
    let get = |position| column.get(position).unwrap_or(f64::NAN);
    plan.check_values(number, column.len(), find, get)
}
