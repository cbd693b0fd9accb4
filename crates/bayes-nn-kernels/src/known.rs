//! Known values: those that depend on data alone, and are the same in all replicas and steps.

use crate::data::{Binding, Column};
use crate::error::KernelError;
use crate::plan::{Pass, Plan, ValueId};

/// The data of a plan, and what depends on them alone.
#[derive(Debug)]
pub(crate) struct Known {
    /// The data of each input of the plan, where it has some.
    pub columns: Vec<Option<Column>>,
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
            let column = bound.map(|binding| binding.column.clone());
            if let Some(column) = &column {
                check(plan, number, column)?;
            }
            Ok(column)
        });
        let columns: Vec<Option<Column>> = columns.collect::<Result<_, KernelError>>()?;
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
            if home(input.value) == input.value {
                columns[input.value.index()].clone_from(column);
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
