//! Files of fits: tensors in the layout of safetensors, a description of everything else in its
//! header, and a checksum over both. What a file of a fit says is in `docs/format.md`; how any value
//! stands in one is here, once for writing and once for reading.
//!
//! - [`Entry`]: a value that a file can hold. [`record!`] and [`choice!`] make entries of structs and
//!   enums, by the names that the file has for their fields.
//! - [`Place`], [`Object`]: where an entry is written. [`Node`]: where one is read.
//! - [`File`]: a file that was read and found whole. [`save`], [`write_whole`]: a file is there whole
//!   at any moment, the last one until the new one is complete.
//!
//! Whatever is read is checked before anything is made of it: a length is never believed, and memory
//! grows with what the file has, not with what it says.
#![forbid(unsafe_code)]

mod entry;
mod error;
mod layout;
mod read;
mod write;

pub use entry::Entry;
pub use error::FileError;
pub use read::{File, Node};
pub use serde_json::Value;
pub use write::{Object, Place, save, write_whole};

/// The version of the format that is written, and the newest that is read. Version 1 has all numbers
/// in double precision.
pub const FORMAT: u64 = 2;
