//! Memory of a program, and where a pass finds values in it while it runs.

mod arena;
mod frame;
mod partials;
mod place;
mod scratch;

pub(crate) use arena::Arena;
pub(crate) use frame::{Frame, WORTH_A_THREAD};
pub(crate) use partials::Partials;
pub(crate) use place::{Memory, Place};
pub(crate) use scratch::{Scratch, TILE, TILE_STRIDE, rounded};
