//! Running other programs from the root of the repository.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Runs `cargo` with `arguments`, split at spaces, and more environment.
///
/// # Errors
/// When it cannot be started or does not succeed: the command line and its exit status.
pub fn cargo(arguments: &str, environment: &[(&str, &str)]) -> Result<(), String> {
    cargo_with(&arguments.split(' ').collect::<Vec<_>>(), environment)
}

/// [`cargo`] with arguments that may contain spaces.
///
/// # Errors
/// As [`cargo`].
pub fn cargo_with(arguments: &[&str], environment: &[(&str, &str)]) -> Result<(), String> {
    let line = format!("cargo {}", arguments.join(" "));
    println!("+ {line}");
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).envs(environment.iter().copied());
    show(&mut command, &line)
}

/// Runs a program whose output is shown; `name` is what errors call it.
///
/// # Errors
/// When it cannot be started or does not succeed.
pub fn show(command: &mut Command, name: &str) -> Result<(), String> {
    let status = command
        .current_dir(root())
        .status()
        .map_err(|error| format!("{name}: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{name}: {status}")),
    }
}

/// What a program prints, without the white space at its ends.
///
/// # Errors
/// When it cannot be started or does not succeed.
pub fn output_of(command: &mut Command) -> Result<String, String> {
    let path = Path::new(command.get_program());
    let name = path.file_name().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{name} cannot be started: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        false => {
            let text = String::from_utf8_lossy(&output.stderr);
            let last = text.trim().lines().last().unwrap_or_default();
            Err(format!("{name}: {}: {last}", output.status))
        }
    }
}

/// The folder that cargo builds into.
///
/// # Errors
/// When `cargo metadata` fails.
pub fn target_folder() -> Result<PathBuf, String> {
    let arguments = ["metadata", "--no-deps", "--format-version", "1"];
    let text = output_of(
        Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(root()),
    )?;
    let metadata: Value =
        serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))?;
    let folder = metadata.get("target_directory").and_then(Value::as_str);
    folder
        .map(PathBuf::from)
        .ok_or_else(|| "cargo metadata names no target directory".to_owned())
}

/// Reads a JSON file.
///
/// # Errors
/// When it cannot be read or is no JSON.
pub fn read_json(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Copies a file.
///
/// # Errors
/// When it cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let copied = std::fs::copy(from, to);
    let failed = |error| {
        format!(
            "cannot copy {} to {}: {error}",
            from.display(),
            to.display()
        )
    };
    copied.map(|_| ()).map_err(failed)
}

/// Makes a folder and those above it.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(path: &Path) -> Result<(), String> {
    std::fs::create_dir_all(path)
        .map_err(|error| format!("cannot make {}: {error}", path.display()))
}

/// Writes a file.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}
