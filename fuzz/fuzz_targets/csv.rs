//! Any bytes as a file of comma-separated values: a whole data set, or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/bayes-nn/tests/csv_bytes/mod.rs"]
mod csv_bytes;

fuzz_target!(|bytes: &[u8]| {
    csv_bytes::check(bytes);
});
