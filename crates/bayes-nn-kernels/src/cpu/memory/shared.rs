//! Memory that all replicas of a plan read.

use super::arena::Arena;
use super::place::Bases;
use crate::data::Column;
use crate::element::Element;
use crate::error::KernelError;

/// What all replicas of a plan read.
pub(crate) struct Shared<T> {
    /// Data that are read as they are, by value.
    pub columns: Vec<Option<Column>>,
    /// Data in the type of the program, with its padding, and what was computed from data alone.
    pub floats: Arena<T>,
    /// Indices among them.
    pub indices: Arena<u32>,
}

impl<T: Element> Shared<T> {
    pub fn new(
        columns: Vec<Option<Column>>,
        [floats, indices]: [usize; 2],
    ) -> Result<Shared<T>, KernelError> {
        Ok(Shared {
            columns,
            floats: Arena::new(floats)?,
            indices: Arena::new(indices)?,
        })
    }

    /// Where real numbers are, with those of a replica.
    pub fn bases(&self, arena: &Arena<T>) -> Bases<T> {
        Bases([arena.start(), std::ptr::null_mut(), self.floats.start()])
    }

    /// Where indices are, with those of a replica.
    pub fn index_bases(&self, arena: &Arena<u32>) -> Bases<u32> {
        Bases([arena.start(), std::ptr::null_mut(), self.indices.start()])
    }
}
