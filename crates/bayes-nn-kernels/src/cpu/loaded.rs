//! A plan that is loaded with its data. What all replicas read is made here, once.

use std::sync::Arc;

use super::isa::Runnable;
use super::kernel::Number;
use super::memory::{Memory, Shared, SharedPlaces};
use super::program::{CpuProgram, Part};
use super::watch::Unwatched;
use crate::backend::{Loaded, Program};
use crate::data::Binding;
use crate::error::KernelError;
use crate::known::Known;
use crate::plan::{Plan, ValueId};
use crate::ranks::Seat;
use crate::replicas::Replicas;

/// The passes of every step, and the memory that replicas share.
pub(super) struct CpuLoaded<T>(Arc<Part<T>>);

impl<T: Number> CpuLoaded<T> {
    /// Lays out the memory that replicas share, and runs the passes that depend on data alone.
    pub fn new(
        plan: &Plan,
        data: &[Binding],
        isa: Runnable,
        threads: usize,
    ) -> Result<CpuLoaded<T>, KernelError> {
        let known = Arc::new(Known::new(plan, data)?);
        let columns = known.in_place(plan);
        let in_place = |id: ValueId| columns[id.index()].is_some();
        let places = SharedPlaces::new(plan, &known, in_place);
        let shared = Arc::new(Shared::new(columns, places.elements)?);
        let part = |once: bool| {
            Arc::new(Part {
                memory: Memory::new(plan, &known, &places, once),
                shared: shared.clone(),
                known: known.clone(),
                isa,
                threads,
            })
        };
        if places.elements != [0; 2] {
            let mut program = CpuProgram::new(part(true), None)?;
            put_data(&mut program, plan, |home| known.is_known(home));
            program.run_ready(1, &mut Unwatched)?;
        }
        Ok(CpuLoaded(part(false)))
    }

    /// A replica.
    ///
    /// # Errors
    /// When the system does not give the memory for it.
    pub fn program(&self, seat: Option<Seat>) -> Result<CpuProgram<T>, KernelError> {
        let Part { memory, known, .. } = &*self.0;
        let mut program = CpuProgram::new(self.0.clone(), seat)?;
        put_data(&mut program, &memory.plan, |home| !known.is_known(home));
        Ok(program)
    }
}

/// Gives a program the data and constants that lie in certain homes, but for data that are read as
/// they are.
fn put_data<T: Number>(
    program: &mut CpuProgram<T>,
    plan: &Plan,
    is_wanted: impl Fn(ValueId) -> bool,
) {
    let wanted = |id: ValueId| is_wanted(plan.values[id.index()].home);
    for (id, constant) in plan.constants.iter().filter(|(id, _)| wanted(*id)) {
        program.fill(*id, constant.iter().copied());
    }
    let part = program.part().clone();
    for (input, column) in plan.inputs.iter().zip(&part.known.columns) {
        let as_it_is = &part.shared.columns[input.value.index()];
        if let (Some(column), None, true) = (column, as_it_is, wanted(input.value)) {
            column.each(|numbers| program.fill(input.value, numbers));
        }
    }
}

impl<T: Number> Loaded for CpuLoaded<T> {
    fn start(&self, replicas: usize) -> Result<Box<dyn Replicas>, KernelError> {
        let program = |_| Ok(Box::new(self.program(None)?) as Box<dyn Program>);
        let programs: Result<Vec<_>, KernelError> = (0..replicas).map(program).collect();
        Ok(Box::new(programs?))
    }
}
