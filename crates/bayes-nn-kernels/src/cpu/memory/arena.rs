//! Memory of a program, on cache lines.

use crate::error::KernelError;

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// Elements that start on a cache line, zero at first.
pub(crate) struct Arena<T> {
    /// What is freed with the arena; it is reached through `start` alone, so that pointers which
    /// are kept stay good.
    _memory: Vec<T>,
    /// The first element on a cache line.
    start: *mut T,
    length: usize,
}

// SAFETY: the memory belongs to the arena.
unsafe impl<T: Send> Send for Arena<T> {}
// SAFETY: a shared arena is only read.
unsafe impl<T: Sync> Sync for Arena<T> {}

impl<T: Copy + Default> Arena<T> {
    /// Memory that nothing touches takes no room: the system hands out zeros when they are asked
    /// for.
    ///
    /// # Errors
    /// When the system does not give so much.
    pub fn new(elements: usize) -> Result<Arena<T>, KernelError> {
        /// Fewer elements are not worth asking for.
        const SMALL: usize = 1 << 20;
        let spare = LINE / size_of::<T>();
        let length = elements.saturating_add(spare);
        // Asked for first, as a vector of zeros would end the process instead.
        if length > SMALL && Vec::<T>::new().try_reserve_exact(length).is_err() {
            return Err(KernelError::Memory {
                needed: length.saturating_mul(size_of::<T>()),
            });
        }
        let mut memory = vec![T::default(); length];
        let first = memory.as_ptr().align_offset(LINE).min(spare);
        Ok(Arena {
            start: memory.as_mut_ptr().wrapping_add(first),
            length: memory.len() - first,
            _memory: memory,
        })
    }

    /// Where the elements start, as long as the arena lives.
    pub fn start(&self) -> *mut T {
        self.start
    }

    pub fn elements(&self) -> &[T] {
        // SAFETY: `length` elements of the memory lie there.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }

    pub fn elements_mut(&mut self) -> &mut [T] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.length) }
    }
}
