//! Licences, duplicates, sources and known vulnerabilities of the crates of others, by cargo-deny.

use std::process::{Command, Stdio};

use crate::command::{cargo, root};

/// What cargo-deny says where it is missing.
const MISSING: &str = "cargo-deny is not installed; `cargo install cargo-deny --locked` builds it from \
                       crates.io in some minutes";

/// Checks all crates in the lock file against `deny.toml`. Advisories need a database that is fetched from
/// github.com; where it cannot be had, what was not checked is said, and the rest decides.
///
/// # Errors
/// When cargo-deny is missing, or finds something.
pub fn run() -> Result<(), String> {
    if !succeeds("--version") {
        return Err(MISSING.to_owned());
    }
    cargo("deny --all-features check licenses bans sources", &[])?;
    if !succeeds("fetch db") {
        eprintln!(
            "advisories were NOT CHECKED: their database, https://github.com/RustSec/advisory-db, cannot be \
             fetched from here; licences, bans and sources are as deny.toml wants them"
        );
        return Ok(());
    }
    cargo("deny --all-features check advisories", &[])
}

/// Whether a command of cargo-deny succeeds; what it prints is not shown.
fn succeeds(arguments: &str) -> bool {
    let status = Command::new(env!("CARGO"))
        .arg("deny")
        .args(arguments.split(' '))
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
