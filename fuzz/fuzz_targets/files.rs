//! Files of fits in which something was changed, with a checksum that fits: refused, or fits.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/bayes-nn/tests/changed_files/mod.rs"]
mod changed_files;

static SAVED: LazyLock<Vec<changed_files::Saved>> = LazyLock::new(changed_files::Saved::all);

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let changes: Vec<changed_files::Change> = (rest.as_chunks::<11>().0.iter())
        .map(|&[what, low, high, ref value @ ..]| {
            let place = u16::from_le_bytes([low, high]);
            (what, place, u64::from_le_bytes(*value))
        })
        .take(8)
        .collect();
    SAVED[usize::from(*first) % SAVED.len()].check(&changes);
});
