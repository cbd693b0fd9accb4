//! The frame: what every kernel of a program needs while it runs.

use bayes_nn_autodiff::Kind;

use super::place::{Base, Bases, Memory, Place};
use super::scratch::Scratch;
use crate::cpu::isa::Runnable;
use crate::data::Column;
use crate::element::Element;
use crate::plan::{Value, ValueId};
use crate::ranks::Seat;

/// A pass is cut into pieces for several threads when it costs more than this, counted in simple
/// operations on elements: about 5 microseconds on one thread with AVX-512.
pub(crate) const WORTH_A_THREAD: usize = 200_000;

/// What every kernel of a program needs: memory, and the number of the step.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a, T> {
    /// Where real numbers are; of a strip the address that column 0 would have.
    pub bases: Bases<T>,
    /// Where indices are.
    pub indices: Bases<u32>,
    /// Data that are read as they are, by value.
    pub columns: &'a [Option<Column>],
    /// Memory for the strips of all threads, and how much of it each has.
    pub strips: *mut T,
    pub strip_elements: usize,
    pub memory: &'a Memory,
    pub isa: Runnable,
    pub scratch: *mut Scratch<T>,
    /// Whether pieces of a kernel may run at the same time.
    pub parallel: bool,
    /// Which of several ranks this is.
    pub seat: Option<&'a Seat>,
    pub seed: u64,
    pub step: u64,
    /// Which draw of the step it is, in passes that are repeated for each.
    pub draw: u32,
}

// SAFETY: kernels that share a frame between threads write disjoint parts of the arena.
unsafe impl<T: Sync> Sync for Frame<'_, T> {}

impl<T: Element> Frame<'_, T> {
    pub fn value(&self, id: ValueId) -> &Value {
        self.memory.value(id)
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
        let mut frame = *self;
        frame.bases.0[Base::Strip as usize] = own.wrapping_sub(column);
        frame
    }

    /// Where a value starts.
    #[inline(always)]
    pub fn at(&self, place: Place) -> *mut T {
        self.bases.at(place)
    }

    /// Where the elements of a real value start.
    pub fn floats(&self, id: ValueId) -> *mut T {
        debug_assert_eq!(self.value(id).kind, Kind::Float);
        self.bases.at(self.memory.place(id))
    }

    /// Where the elements of an index start.
    pub fn index(&self, id: ValueId) -> *mut u32 {
        debug_assert_eq!(self.value(id).kind, Kind::Index);
        self.indices.at(self.memory.place(id))
    }
}
