//! Formulas with any sizes: refused, or computed as the reference computes them.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/bayes-nn-kernels/tests/formulas/mod.rs"]
mod formulas;

fuzz_target!(|bytes: &[u8]| {
    let choices: Vec<formulas::Choice> = (bytes.as_chunks::<10>().0.iter())
        .map(|&[which, a, b, c, ref sizes @ ..]| (which, [a, b, c], *sizes))
        .take(8)
        .collect();
    formulas::check(&choices);
});
