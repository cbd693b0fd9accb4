//! Files of fits: written by one process, read by another, and opened by Python.

use std::process::Command;

use crate::command::{cargo_with, root, show, target_folder};
use crate::python::Python;

/// Saves fits of every kind, loads them in another process, which predicts the same bits, and lets
/// Python's `safetensors` read every file.
///
/// # Errors
/// When a fit comes back as another, Python cannot be prepared, or it reads something else.
pub fn run() -> Result<(), String> {
    let files = target_folder()?.join("saved-check");
    let files = files.to_string_lossy();
    for task in ["write", "read"] {
        let program = "run --release -p bayes-nn --example saved_files --";
        let mut arguments: Vec<&str> = program.split(' ').collect();
        arguments.extend([task, &files]);
        cargo_with(&arguments, &[])?;
    }
    let folder = root().join("xtask/saved");
    let list = folder.join("requirements.txt");
    let python = Python::prepare(&root().join("target/saved-venv"), &list, 9);
    if let Some((what, why)) = python.missing.first() {
        return Err(format!("{what} is missing: {why}"));
    }
    let mut check = Command::new(&python.interpreter);
    check.arg(folder.join("check.py")).arg(&*files);
    show(&mut check, "check.py")
}
