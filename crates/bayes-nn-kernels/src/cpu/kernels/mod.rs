//! Kernels: the code of each kind of pass.

pub(crate) mod group;
pub(crate) mod linalg;
pub(crate) mod matmul;
pub(crate) mod moves;
pub(crate) mod reduce;
pub(crate) mod slices;
pub(crate) mod windows;
