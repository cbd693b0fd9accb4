//! The examples, each a story that a user would follow.
//!
//! - `moons`: Bayesian deep learning on two moons, from data to posterior, as a report:
//!   `cargo run --release --example moons`
//! - `regression`: a network on one input, with bands of what is not known, in forty lines:
//!   `cargo run --release --example regression`
//! - `classification`: a table in a file to a saved fit that predicts new rows, in forty lines:
//!   `cargo run --release --example classification`
//! - `eight_schools`: a hierarchical model by NUTS, centred and non-centred, the divergences and
//!   their cure: `cargo run --release --example eight_schools`
//! - `radon`: varying intercepts and slopes, by ADVI, minibatch ADVI and NUTS, centred and
//!   non-centred: `cargo run --release --example radon`
//! - `trust`: the moons network by ADVI, mean-field and full-rank, beside NUTS, and whether the
//!   approximations can be trusted: `cargo run --release --example trust`
//! - `mnist`: handwritten digits by dense and convolutional networks, as they come:
//!   `cargo run --release --example mnist -- --data DIR`
//! - `uci`: regression on the tables and splits by which papers compare themselves:
//!   `cargo run --release --example uci -- --data DIR`
//! - `sequence`: recurrent networks over a series and over digits read row by row:
//!   `cargo run --release --example sequence -- --net lstm`
//! - `hierarchical`: one network for all groups, one for each, or each around a shared one; and a group
//!   of which ten rows are known: `cargo run --release --example hierarchical`
//! - `transfer`: what is known of some digits as the prior of others, and tasks one after the other:
//!   `cargo run --release --example transfer`
//! - `sparse`: which of a hundred columns matter, and a network for digits without most of its weights:
//!   `cargo run --release --example sparse`
//! - `width`: of the hidden units that are given, those that are in use, beside a search over widths:
//!   `cargo run --release --example width`
//! - `active`: which digits to ask the labels of, a few at a time, from twenty on:
//!   `cargo run --release --example active -- --data DIR`
//! - `representations`: how certain what a network makes of digits is, by unit and layer, and between fits:
//!   `cargo run --release --example representations -- --data DIR`
//! - `hybrids`: a mixture density network, weights that walk at random, a network inside a regression, a
//!   Bayesian last layer, an autoencoder: `cargo run --release --example hybrids`
