//! NUTS on densities that are known exactly, and on such that go wrong.

mod adaptation;
mod allocation;
mod changed;
mod checkpoints;
mod failures;
mod gatherings;
mod handle;
mod models;
mod moments;
#[allow(dead_code, reason = "ADVI is asked for more than NUTS can say")]
#[path = "../advi/regression.rs"]
mod regression;
mod sinks;
mod stationarity;
mod targets;
