//! What must pass before a change is taken.

use crate::command::cargo;
use crate::kernels_check::{self, Extent};

/// Most crates of others that a user of the facade builds.
const MOST_CRATES: usize = 83;

/// Tests (unless only `lints` are asked for), those of the features `zarr`, `images` and `parquet`, the facade
/// without plots, formatting, lints,
/// documentation, the number of dependencies, whether all crates could be published, CUDA's kernels,
/// and the examples that need no data.
pub fn run(lints: bool) -> Result<(), String> {
    if !lints {
        cargo("test", &[])?;
    }
    // A plain `cargo test` leaves these out, and with them the hundred crates of Zarr.
    let zarr = "test --features bayes-nn/zarr";
    cargo(
        &format!("{zarr} -p bayes-nn --test inference_data --test zarr_store"),
        &[],
    )?;
    cargo(&format!("{zarr} -p bayes-nn-models --lib"), &[])?;
    cargo(
        &format!("{zarr} -p bayes-nn-models --doc inference_data"),
        &[],
    )?;
    cargo(
        "test -p bayes-nn --features images --test image_folders",
        &[],
    )?;
    cargo(
        "test -p bayes-nn-models --features images --doc image_folder",
        &[],
    )?;
    cargo(
        "test -p bayes-nn --features parquet --test parquet_tables --test parquet_streams",
        &[],
    )?;
    // Fitting needs nothing that draws.
    cargo("check -p bayes-nn --no-default-features", &[])?;
    cargo("fmt --all --check", &[])?;
    cargo(
        "clippy --workspace --all-targets --all-features -- -D warnings",
        &[],
    )?;
    cargo(
        "doc --workspace --no-deps --features bayes-nn/zarr,bayes-nn/images,bayes-nn/parquet",
        &[("RUSTDOCFLAGS", "-D warnings")],
    )?;
    few_dependencies()?;
    publishable()?;
    kernels_check::run(Extent::Quick)?;
    for example in ["moons", "regression", "classification"] {
        cargo(&format!("run --release --example {example}"), &[])?;
    }
    Ok(())
}

/// Packages all crates as for publishing them, and refuses every warning but that it is a rehearsal.
fn publishable() -> Result<(), String> {
    let output = std::process::Command::new(env!("CARGO"))
        .args("publish --dry-run --workspace --no-verify --allow-dirty".split(' '))
        .current_dir(crate::command::root())
        .output()
        .map_err(|error| format!("cargo publish: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let warning = text
        .lines()
        .find(|line| line.starts_with("warning") && !line.contains("dry run"));
    match (output.status.success(), warning) {
        (true, None) => Ok(()),
        (true, Some(warning)) => Err(format!("cargo publish --dry-run: {warning}")),
        (false, _) => Err(format!("cargo publish --dry-run fails:\n{text}")),
    }
}

/// Counts the crates of others that the facade with default features is built from.
fn few_dependencies() -> Result<(), String> {
    let output = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "-p",
            "bayes-nn",
            "-e",
            "normal,build",
            "--prefix",
            "none",
        ])
        .current_dir(crate::command::root())
        .output()
        .map_err(|error| format!("cargo tree: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut crates: Vec<&str> = text
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .filter(|line| !line.starts_with("bayes-nn"))
        .collect();
    crates.sort_unstable();
    crates.dedup();
    println!("{} crates of others in the facade's tree", crates.len());
    match crates.len() {
        0 => Err("cargo tree printed nothing".to_owned()),
        n if n <= MOST_CRATES => Ok(()),
        n => Err(format!(
            "the facade needs {n} crates of others, more than {MOST_CRATES}"
        )),
    }
}
