//! A replica of a plan: its memory, and its passes run step by step.

use std::ops::Range;
use std::sync::Arc;

use bayes_nn_autodiff::Kind;
use rayon::ThreadPool;

use super::isa::Runnable;
use super::kernel::{Kernel, Number};
use super::memory::{Arena, Frame, Memory, Scratch, Shared, WORTH_A_THREAD, read, write};
use super::strips;
use super::watch::{Stopwatch, Unwatched, Watch};
use crate::element::Precision;
use crate::error::KernelError;
use crate::known::Known;
use crate::plan::{Plan, ValueId};
use crate::plan_program::PlanProgram;
use crate::profile::Profile;
use crate::ranks::Seat;

/// Passes of a plan and their memory, as all programs of them have it.
pub(super) struct Part<T> {
    pub memory: Memory,
    pub shared: Arc<Shared<T>>,
    pub known: Arc<Known>,
    pub isa: Runnable,
    /// Threads of a program, at the most.
    pub threads: usize,
}

pub(super) struct CpuProgram<T> {
    part: Arc<Part<T>>,
    kernels: Vec<Kernel<T>>,
    floats: Arena<T>,
    /// For the strips of each thread.
    strips: Arena<T>,
    indices: Arena<u32>,
    written: Vec<bool>,
    /// Whether hoisted passes are to be run.
    stale: bool,
    scratch: Vec<Scratch<T>>,
    /// The states when they were last saved, one after the other.
    saved: Vec<T>,
    /// Present when some kernel is worth more than one thread.
    pool: Option<ThreadPool>,
    /// Where it meets the other ranks of a group.
    seat: Option<Seat>,
    seed: u64,
    step: u64,
}

impl<T: Number> CpuProgram<T> {
    /// # Errors
    /// When the system does not give the memory for it.
    pub fn new(part: Arc<Part<T>>, seat: Option<Seat>) -> Result<CpuProgram<T>, KernelError> {
        let Part {
            memory,
            shared,
            known,
            isa,
            threads,
        } = &*part;
        let plan = &memory.plan;
        let strips_of = |pass: usize| {
            let number = plan.strips.partition_point(|s| s.passes.end <= pass);
            let strips = plan.strips.get(number);
            strips.filter(|s| s.passes.contains(&pass))
        };
        let kernels: Vec<Kernel<T>> = (plan.passes.iter().enumerate())
            .map(|(number, step)| Kernel::new(step, memory, strips_of(number), *isa))
            .collect();
        let cost = |kernels: &[Kernel<T>]| kernels.iter().map(Kernel::cost).sum::<usize>();
        let large = kernels.iter().any(|kernel| kernel.cost() > WORTH_A_THREAD)
            || (plan.strips.iter())
                .any(|strips| cost(&kernels[strips.passes.clone()]) > WORTH_A_THREAD);
        // Where the system starts no threads, the same program runs on this one.
        let pool = (large && *threads > 1)
            .then(|| {
                rayon::ThreadPoolBuilder::new()
                    .num_threads(*threads)
                    .build()
            })
            .and_then(Result::ok);
        let threads = pool.as_ref().map_or(1, |p| p.current_num_threads());
        let scratch = (0..threads).map(|_| Kernel::scratch(&kernels));
        let mut program = CpuProgram {
            floats: Arena::new(plan.floats)?,
            // The strips of different threads start on different cache lines.
            strips: Arena::new(threads.saturating_mul(memory.strip))?,
            indices: Arena::new(plan.indices)?,
            written: known.columns.iter().map(Option::is_some).collect(),
            stale: true,
            scratch: scratch.collect::<Result<_, _>>()?,
            kernels,
            saved: Vec::new(),
            pool,
            seat,
            seed: 0,
            step: 0,
            part: part.clone(),
        };
        let bases = shared.bases(&program.floats);
        for (number, kernel) in program.kernels.iter_mut().enumerate() {
            let runs_whole = strips_of(number).is_none();
            if let (Kernel::Fused(group), Some(scratch), true) =
                (kernel, program.scratch.first_mut(), runs_whole)
            {
                group.bind(bases, scratch);
            }
        }
        Ok(program)
    }

    /// Gives a value its elements, in row-major order. Those of values that programs share may be
    /// given only as long as there is no other program.
    pub fn fill(&mut self, id: ValueId, values: impl Iterator<Item = f64>) {
        let Part { memory, shared, .. } = &*self.part;
        let (value, place) = (memory.value(id), memory.place(id));
        // SAFETY: the plan placed the value inside its memory, which nobody uses now.
        unsafe {
            match value.kind {
                Kind::Float => {
                    let start = shared.bases(&self.floats).at(place);
                    write(start, &value.layout, values, T::from_f64);
                }
                Kind::Index => {
                    let start = shared.index_bases(&self.indices).at(place);
                    write(start, &value.layout, values, |v| v as u32);
                }
            }
        }
    }

    pub fn part(&self) -> &Arc<Part<T>> {
        &self.part
    }

    /// Runs steps on this thread, or with the pool that this thread belongs to.
    fn run_here<W: Watch>(
        &mut self,
        steps: u64,
        parallel: bool,
        watch: &mut W,
    ) -> Result<(), KernelError> {
        // Replicas share the part: to count this use of it would make their threads wait for
        // one another.
        let Part { memory, shared, .. } = &*self.part;
        let plan = &memory.plan;
        let kernels = &mut self.kernels;
        let mut frame = Frame {
            bases: shared.bases(&self.floats),
            indices: shared.index_bases(&self.indices),
            columns: &shared.columns,
            memory,
            isa: self.part.isa,
            strips: self.strips.start(),
            strip_elements: memory.strip,
            scratch: self.scratch.as_mut_ptr(),
            parallel,
            seat: self.seat.as_ref(),
            seed: self.seed,
            step: self.step,
            draw: 0,
        };
        if self.stale {
            run_passes(kernels, 0..plan.hoisted, &frame, watch)?;
            self.stale = false;
        }
        for _ in 0..steps {
            watch.step_begins();
            match plan.draws {
                1 => run_passes(kernels, plan.hoisted..plan.passes.len(), &frame, watch)?,
                _ => run_draws(kernels, frame, watch)?,
            }
            frame.step += 1;
            self.step = frame.step;
        }
        Ok(())
    }

    /// Runs steps whose inputs are known.
    pub fn run_ready<W: Watch>(&mut self, steps: u64, watch: &mut W) -> Result<(), KernelError> {
        match self.pool.take() {
            None => self.run_here(steps, false, watch),
            Some(pool) => {
                let result = pool.install(|| self.run_here(steps, true, watch));
                self.pool = Some(pool);
                result
            }
        }
    }
}

/// Runs a step of several draws.
fn run_draws<T: Number, W: Watch>(
    kernels: &mut [Kernel<T>],
    mut frame: Frame<'_, T>,
    watch: &mut W,
) -> Result<(), KernelError> {
    let plan = &frame.memory.plan;
    let Range { start, end } = plan.evaluations;
    run_passes(kernels, plan.hoisted..start, &frame, watch)?;
    for draw in 0..plan.draws {
        frame.draw = draw as u32;
        run_passes(kernels, start..end, &frame, watch)?;
    }
    frame.draw = 0;
    run_passes(kernels, end..plan.passes.len(), &frame, watch)
}

fn run_passes<T: Number, W: Watch>(
    kernels: &mut [Kernel<T>],
    passes: Range<usize>,
    frame: &Frame<'_, T>,
    watch: &mut W,
) -> Result<(), KernelError> {
    let mut number = passes.start;
    let mut strips = (frame.memory.plan.strips.iter())
        .filter(|run| passes.contains(&run.passes.start))
        .peekable();
    while number < passes.end {
        if let Some(run) = strips.next_if(|run| run.passes.start == number) {
            strips::run(&kernels[run.passes.clone()], run, frame, watch);
            number = run.passes.end;
        } else {
            kernels[number].run(frame)?;
            watch.pass_ends(number);
            number += 1;
        }
    }
    Ok(())
}

/// Where the states lie.
fn state_ranges(plan: &Plan) -> impl Iterator<Item = Range<usize>> {
    plan.states.iter().filter_map(|state| {
        let value = &plan.values[state.index()];
        let range = value.offset..value.offset + value.layout.span();
        (value.kind == Kind::Float).then_some(range)
    })
}

impl<T: Number> PlanProgram for CpuProgram<T> {
    fn plan(&self) -> &Plan {
        &self.part.memory.plan
    }

    fn known(&self) -> &Known {
        &self.part.known
    }

    fn precision(&self) -> Precision {
        T::PRECISION
    }

    fn written(&self) -> &[bool] {
        &self.written
    }

    fn put(
        &mut self,
        input: usize,
        elements: impl Iterator<Item = f64>,
    ) -> Result<(), KernelError> {
        self.fill(self.plan().inputs[input].value, elements);
        self.written[input] = true;
        self.stale |= self.plan().inputs[input].hoisted;
        Ok(())
    }

    fn read(&self, id: ValueId, first: usize, elements: &mut [f64]) {
        let Part { memory, shared, .. } = &*self.part;
        let (value, place) = (memory.value(id), memory.place(id));
        // SAFETY: the plan placed the value inside its memory, which nobody writes now.
        unsafe {
            match value.kind {
                Kind::Float => {
                    let start = shared.bases(&self.floats).at(place);
                    read(start, &value.layout, first, elements, T::to_f64);
                }
                Kind::Index => {
                    let start = shared.index_bases(&self.indices).at(place);
                    read(start, &value.layout, first, elements, f64::from);
                }
            }
        }
    }

    fn run(&mut self, steps: u64) -> Result<(), KernelError> {
        self.check_written()?;
        self.run_ready(steps, &mut Unwatched)
    }

    fn profile(&mut self, steps: u64) -> Result<Profile, KernelError> {
        self.check_written()?;
        let passes = self.plan().costs();
        let mut watch = Stopwatch::new(passes.len());
        self.run_ready(steps, &mut watch)?;
        Ok(Profile::of_samples(passes, watch.seconds(), T::PRECISION))
    }

    fn save(&mut self) {
        let floats = self.floats.elements();
        self.saved.clear();
        self.saved.reserve_exact(
            state_ranges(&self.part.memory.plan)
                .map(|range| range.len())
                .sum(),
        );
        for range in state_ranges(&self.part.memory.plan) {
            self.saved.extend_from_slice(&floats[range]);
        }
    }

    fn restore(&mut self) {
        let floats = self.floats.elements_mut();
        let mut saved = &self.saved[..];
        for range in state_ranges(&self.part.memory.plan) {
            let Some((state, rest)) = saved.split_at_checked(range.len()) else {
                return;
            };
            floats[range].copy_from_slice(state);
            saved = rest;
        }
    }

    fn forget(&mut self) {
        self.saved = Vec::new();
    }

    fn rewind(&mut self, seed: u64, step: u64) {
        self.seed = seed;
        self.step = step;
    }
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::{Graph, NoiseKind};

    use super::*;
    use crate::cpu::isa::Isa;
    use crate::cpu::loaded::CpuLoaded;

    /// The outputs and the states after some steps, and how many groups were bound.
    fn run<T: Number>(plan: &Plan, isa: Runnable, bound: bool) -> (Vec<u64>, usize) {
        let loaded = CpuLoaded::<T>::new(plan, &[], isa, 1).unwrap();
        let mut program = loaded.program(None).unwrap();
        let groups = program
            .kernels
            .iter_mut()
            .filter_map(|kernel| match kernel {
                Kernel::Fused(group) => Some(group),
                _ => None,
            });
        let count = groups.map(|group| group.keep_bound(bound)).sum();
        for (number, input) in plan.inputs.iter().enumerate() {
            let elements = plan.value(input.value).shape.elements();
            let numbers = (0..elements).map(|i| (i as f64 * 0.37).sin());
            program.put(number, numbers).unwrap();
        }
        program.rewind(3, 5);
        program.run(3).unwrap();
        let numbers = plan.outputs.iter().chain(&plan.states);
        let numbers = numbers.flat_map(|value| program.values(*value));
        (numbers.map(f64::to_bits).collect(), count)
    }

    #[test]
    fn bound_groups_compute_the_bits_of_others() {
        for columns in [1, 5, 64, 70, 500, 513, 1100] {
            let graph = Graph::new();
            let (x, row) = (graph.input("x", [3, columns]), graph.input("row", [3, 1]));
            let state = graph.input("state", [3, columns]);
            let line = graph.input("line", [columns]);
            let noise = graph.noise(NoiseKind::Normal, 1, [3, columns]);
            let next = 0.9 * state + x * row + noise * graph.step();
            let total = line.exp().sum() + (line * line).max();
            let outputs = [
                next.tanh(),
                (row + 1.0).broadcast_to([3, columns]) * x,
                total + line,
                (line * 0.5).sum(),
                x.sum_axis(1),
            ];
            let plan = Plan::new(&graph, &outputs, &[(state, next), (line, line - 0.1)]).unwrap();
            for isa in Isa::available() {
                let isa = isa.check().unwrap();
                let (bits, count) = run::<f64>(&plan, isa, true);
                assert!(count > 0);
                assert_eq!(bits, run::<f64>(&plan, isa, false).0, "{columns}, {isa:?}");
                let (bits, _) = run::<f32>(&plan, isa, true);
                assert_eq!(bits, run::<f32>(&plan, isa, false).0, "{columns}, {isa:?}");
            }
        }
    }
}
