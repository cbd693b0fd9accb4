//! Checkpoints with changed bytes: refused, or taken up.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/bayes-nn-inference/tests/nuts/changed.rs"]
mod changed;

static SAVED: LazyLock<Vec<changed::Saved>> = LazyLock::new(|| {
    let folder = format!("bayes-nn-checkpoints-{}", std::process::id());
    changed::Saved::all(&std::env::temp_dir().join(folder))
});

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let changes: Vec<changed::Change> = (rest.as_chunks::<11>().0.iter())
        .map(|&[what, low, high, ref value @ ..]| {
            let place = u16::from_le_bytes([low, high]);
            (what, place, u64::from_le_bytes(*value))
        })
        .take(8)
        .collect();
    let saved = &SAVED[usize::from(first / 4) % SAVED.len()];
    saved.check(&changes, first % 4 > 0);
});
