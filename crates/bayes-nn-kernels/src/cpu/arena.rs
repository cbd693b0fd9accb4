//! Memory of a program, on cache lines.

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// Elements that start on a cache line, zero at first.
pub(super) struct Arena<T> {
    memory: Vec<T>,
    /// The first element on a cache line.
    first: usize,
}

impl<T: Copy + Default> Arena<T> {
    /// Memory that nothing touches takes no room: the system hands out zeros when they are asked
    /// for.
    pub fn new(elements: usize) -> Arena<T> {
        let spare = LINE / size_of::<T>();
        let memory = vec![T::default(); elements + spare];
        let first = memory.as_ptr().align_offset(LINE).min(spare);
        Arena { memory, first }
    }

    pub fn start(&mut self) -> *mut T {
        self.elements_mut().as_mut_ptr()
    }

    pub fn elements(&self) -> &[T] {
        &self.memory[self.first..]
    }

    pub fn elements_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.first..]
    }
}
