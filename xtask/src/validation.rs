//! The programs of the package `validation`, and what they found in `validation/RESULTS.md`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::command::{root, write};
use crate::{machine, sections};

/// The sections of the page, each written by its own command.
const SECTIONS: [(&str, &str); 7] = [
    ("Posteriors with known answers", "cargo xtask posteriors"),
    ("Simulation-based calibration", "cargo xtask sbc"),
    ("NUTS with default settings", "cargo xtask defaults"),
    (
        "Mean-field ADVI with default settings",
        "cargo xtask defaults --method mean-field",
    ),
    (
        "Full-rank ADVI with default settings",
        "cargo xtask defaults --method full-rank",
    ),
    (
        "Pathfinder beside mean-field ADVI",
        "cargo xtask pathfinder",
    ),
    ("What `converged` promises", "cargo xtask converged"),
];

/// Simulations of a run that is worth keeping.
const ENOUGH: u32 = 1_000;

/// Samples the posteriors named `only`, or all; all together are also written.
///
/// # Errors
/// When the program does not build, a posterior is not as it should be, or the results cannot be
/// written.
pub fn posteriors(only: &[String], data: Option<PathBuf>) -> Result<(), String> {
    let mut arguments = Vec::new();
    if let Some(folder) = data {
        let folder =
            fs::canonicalize(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        arguments.extend(["--data".to_owned(), folder.display().to_string()]);
    }
    if !only.is_empty() {
        arguments.push("--only".to_owned());
        arguments.extend_from_slice(only);
    }
    run("posteriors", &arguments, only.is_empty().then_some(0))
}

/// Calibrates by so many simulations of each model.
///
/// # Errors
/// When the program does not build, a model is not as it should be, or the results cannot be
/// written.
pub fn sbc(simulations: u32) -> Result<(), String> {
    let arguments = ["--simulations".to_owned(), simulations.to_string()];
    run("sbc", &arguments, (simulations >= ENOUGH).then_some(1))
}

/// Runs a method with its default settings on the posteriors whose names contain one of `only`, or
/// on all, which are also written.
///
/// # Errors
/// When the program does not build, or the results cannot be written.
pub fn defaults(method: &str, only: &[String]) -> Result<(), String> {
    let mut arguments = vec!["--method".to_owned(), method.to_owned()];
    if !only.is_empty() {
        arguments.push("--only".to_owned());
        arguments.extend_from_slice(only);
    }
    let section = match method {
        "nuts" => Some(2),
        "mean-field" => Some(3),
        "full-rank" => Some(4),
        _ => None,
    };
    run("defaults", &arguments, section.filter(|_| only.is_empty()))
}

/// Puts Pathfinder beside mean-field ADVI.
///
/// # Errors
/// When the program does not build, or the results cannot be written.
pub fn pathfinder() -> Result<(), String> {
    run("pathfinder", &[], Some(5))
}

/// Runs variational fits on for ten times their gradients.
///
/// # Errors
/// When the program does not build, or the results cannot be written.
pub fn converged() -> Result<(), String> {
    run("converged", &[], Some(6))
}

/// Computes references of simulated posteriors, of those named `only`, or of all.
///
/// # Errors
/// When the program does not build, or chains do not agree.
pub fn references(only: &[String]) -> Result<(), String> {
    let mut arguments = Vec::new();
    if !only.is_empty() {
        arguments.push("--only".to_owned());
        arguments.extend_from_slice(only);
    }
    run("references", &arguments, None)
}

/// Runs a program of the package, prints what it prints, and puts that into a section.
fn run(binary: &str, arguments: &[String], section: Option<usize>) -> Result<(), String> {
    let machine = machine::describe();
    let package = ["run", "--release", "-p", "bayes-nn-validation", "--bin"];
    let output = Command::new(env!("CARGO"))
        .args(package)
        .args([binary, "--"])
        .args(arguments)
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    println!("\n{}", text.trim());
    if let Some(section) = section.filter(|_| !text.trim().is_empty()) {
        let facts = machine
            .iter()
            .map(|(name, value)| format!("- {name}: {value}\n"));
        let body = format!("{}\n{}", facts.collect::<String>(), text.trim());
        record(section, &body)?;
    }
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{binary}: not all is as it should be")),
    }
}

/// Writes one section of the page and leaves the others as they are.
fn record(section: usize, body: &str) -> Result<(), String> {
    let path = root().join("validation/RESULTS.md");
    let before = fs::read_to_string(&path)
        .unwrap_or_else(|_| "# Does it draw from the right distribution?\n".to_owned());
    let (title, command) = SECTIONS[section];
    let body = format!("Written by `{command}`.\n\n{}", body.trim());
    write(&path, &sections::replaced(&before, title, &body))
}
