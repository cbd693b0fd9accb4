//! The examples, each a story that a user would follow.
//!
//! - `moons`: Bayesian deep learning on two moons, from data to posterior, as a report:
//!   `cargo run --release --example moons`
