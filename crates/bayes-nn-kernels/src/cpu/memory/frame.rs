//! The frame: what every kernel of a program needs while it runs.

use bayes_nn_autodiff::Kind;

use super::place::Place;
use super::scratch::Scratch;
use crate::cpu::isa::Runnable;
use crate::element::Element;
use crate::plan::{Value, ValueId};
use crate::ranks::Seat;

/// A pass is cut into pieces for several threads when it costs more than this, counted in simple
/// operations on elements: about 5 microseconds on one thread with AVX-512.
pub(crate) const WORTH_A_THREAD: usize = 200_000;

/// What every kernel of a program needs: memory, and where the run stands.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a, T> {
    pub arena: *mut T,
    /// Where column 0 of the strip at hand would be.
    pub strip: *mut T,
    /// Memory for the strips of all threads, and how much of it each has.
    pub strips: *mut T,
    pub strip_elements: usize,
    pub indices: *mut u32,
    pub values: &'a [Value],
    pub isa: Runnable,
    pub scratch: *mut Scratch<T>,
    /// Whether pieces of a kernel may run at the same time.
    pub parallel: bool,
    /// Which of several ranks this is.
    pub seat: Option<&'a Seat>,
    pub seed: u64,
    pub step: u64,
}

// SAFETY: kernels that share a frame between threads write disjoint parts of the arena.
unsafe impl<T: Sync> Sync for Frame<'_, T> {}

impl<T: Element> Frame<'_, T> {
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }

    /// The number of the thread that asks.
    fn thread(&self) -> usize {
        match self.parallel {
            true => rayon::current_thread_index().unwrap_or(0),
            false => 0,
        }
    }

    /// The scratch memory of the thread that asks.
    #[expect(clippy::mut_from_ref, reason = "every thread has its own")]
    pub fn scratch(&self) -> &mut Scratch<T> {
        // SAFETY: there is one for each thread of the pool, and a thread runs one kernel at a
        // time: kernels do not wait for others.
        unsafe { &mut *self.scratch.add(self.thread()) }
    }

    /// This frame with the memory of the thread that asks, for a strip from `column` on.
    pub fn at_strip(&self, column: usize) -> Self {
        let own = self
            .strips
            .wrapping_add(self.thread() * self.strip_elements);
        Frame {
            strip: own.wrapping_sub(column),
            ..*self
        }
    }

    /// Where a value starts. The plan keeps its elements inside the arena, `Memory` those of a
    /// strip inside a strip's memory.
    #[inline(always)]
    pub fn at(&self, place: Place) -> *mut T {
        let base = match place.of_strip {
            true => self.strip,
            false => self.arena,
        };
        base.wrapping_add(place.offset)
    }

    /// Where the elements of a real value start.
    ///
    /// The plan keeps `offset + layout.span()` inside the arena.
    pub fn floats(&self, value: &Value) -> *mut T {
        debug_assert_eq!(value.kind, Kind::Float);
        // SAFETY: the plan placed the value inside the arena.
        unsafe { self.arena.add(value.offset) }
    }

    /// Where the elements of an index start.
    pub fn index(&self, value: &Value) -> *mut u32 {
        debug_assert_eq!(value.kind, Kind::Index);
        // SAFETY: the plan placed the value inside the arena.
        unsafe { self.indices.add(value.offset) }
    }
}
