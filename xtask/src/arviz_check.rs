//! Our stores and diagnostics beside those of Python's ArviZ.

use std::process::Command;

use crate::command::{cargo_with, root, show, target_folder};
use crate::python::Python;

/// Writes stores and our numbers of them, and lets ArviZ read the one and compute the other.
///
/// # Errors
/// When the stores cannot be written, ArviZ cannot be installed, or the two disagree.
pub fn run() -> Result<(), String> {
    let stores = target_folder()?.join("arviz-check");
    // The profile whose dependencies the tests of the feature have built.
    let program = "run --profile test -p bayes-nn --features zarr --example inference_data --";
    let mut arguments: Vec<&str> = program.split(' ').collect();
    let stores = stores.to_string_lossy();
    arguments.push(&stores);
    cargo_with(&arguments, &[])?;

    let folder = root().join("xtask/arviz");
    // ArviZ 1 wants Python 3.12.
    let python = Python::prepare(
        &root().join("target/arviz-venv"),
        &folder.join("requirements.txt"),
        12,
    );
    if let Some((what, why)) = python.missing.first() {
        return Err(format!("{what} is missing: {why}"));
    }
    let mut check = Command::new(&python.interpreter);
    check.arg(folder.join("check.py")).arg(&*stores);
    show(&mut check, "check.py")
}
