//! Memory of a program, and where a pass finds values in it while it runs.

mod arena;
mod elements;
mod frame;
mod partials;
mod place;
mod scratch;
mod shared;

pub(crate) use arena::Arena;
pub(crate) use elements::{read, write};
pub(crate) use frame::{Frame, WORTH_A_THREAD};
pub(crate) use partials::Partials;
pub(crate) use place::{Base, Bases, Memory, Place, SharedPlaces};
pub(crate) use scratch::{Addresses, Part, Scratch, TILE, TILE_STRIDE, rounded};
pub(crate) use shared::Shared;
