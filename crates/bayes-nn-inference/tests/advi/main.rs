//! ADVI on densities that are known exactly, and on such that go wrong.

mod conjugate;
mod importance;
mod lanes;
mod minibatches;
mod ranks;
mod regression;
mod stops;
