//! ADVI on densities that are known exactly, and on such that go wrong.

mod conjugate;
mod importance;
mod ivon;
mod low_rank;
mod minibatches;
mod points;
mod ranks;
mod regression;
mod replicas;
mod resumed;
mod resumed_naturally;
mod stops;
mod temper;
mod warm;
