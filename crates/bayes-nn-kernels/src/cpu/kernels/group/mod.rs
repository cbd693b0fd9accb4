//! Fused groups: a straight line of instructions over tiles that stay in the first-level cache.
//!
//! The columns of a row are walked in tiles. For each tile every instruction runs over all its
//! elements before the next, so that the price of choosing it is paid once a tile and its loop
//! is a plain vector loop. Registers are tiles of scratch memory; operands and results are read
//! and written where they lie.

mod assemble;
mod bound;
mod functions;
mod kernel;
mod routine;
mod tile;

pub(crate) use kernel::GroupKernel;
