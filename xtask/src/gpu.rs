//! Everything that needs a GPU: the tests of kernels and fits on it, the memory checker, and the
//! workloads. On this machine, or staged as executables and a script for one without cargo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::command::{output_of, root, target_folder, write};

/// The tests that run on a GPU: package, name.
const TESTS: [(&str, &str); 6] = [
    ("bayes-nn-kernels", "device"),
    ("bayes-nn-kernels", "cuda"),
    ("bayes-nn-kernels", "lanes"),
    ("bayes-nn-kernels", "operations"),
    ("bayes-nn-kernels", "random_graphs"),
    ("bayes-nn", "devices"),
];

/// What is measured: the row's name, and the arguments of `workload`.
const WORK: [(&str, &str); 6] = [
    ("moons", "moons --steps 50000"),
    ("one restart", "restarts --steps 50000 --restarts 1"),
    ("132 restarts", "restarts --steps 50000 --restarts 132"),
    ("minibatch", "moons --steps 50000 --batch 50"),
    ("image", "image --steps 20000 --batch 128"),
    ("grid", "grid --steps 2000 --side 1000 --draws 1000"),
];

/// Builds what is needed and runs it here, or stages it in a folder.
pub fn run(stage: Option<&Path>) -> Result<(), String> {
    let folder = match stage {
        Some(folder) => folder.to_path_buf(),
        None => target_folder()?.join("gpu"),
    };
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (package, test) in TESTS {
        let arguments = format!("test -p {package} --features cuda --no-run --test {test}");
        copy(&built(&arguments)?, &folder.join(format!("test-{test}")))?;
    }
    let workload = "build --release -p bayes-nn-benches --features cuda --bin workload";
    copy(&built(workload)?, &folder.join("workload"))?;
    let script = folder.join("run.sh");
    write(&script, &commands())?;
    if stage.is_some() {
        println!(
            "staged; on the machine with the GPU: bash {}",
            script.display()
        );
        return Ok(());
    }
    println!("+ bash {}", script.display());
    let status = Command::new("bash").arg(&script).status();
    match status.map_err(|error| format!("bash: {error}"))? {
        status if status.success() => Ok(()),
        status => Err(format!("{}: {status}", script.display())),
    }
}

/// The script: every test must run on a GPU, under the memory checker as well where it works,
/// then the workloads print a line each.
fn commands() -> String {
    let mut lines = vec![
        "#!/usr/bin/env bash".to_owned(),
        "# Made by `cargo xtask gpu`.".to_owned(),
        "set -euo pipefail".to_owned(),
        "cd \"$(dirname \"$0\")\"".to_owned(),
        "export BAYES_NN_TEST_ON=cuda BAYES_NN_REQUIRE_CUDA=1 BAYES_NN_REQUIRE_NVRTC=1".to_owned(),
        "nvidia-smi --query-gpu=name,driver_version --format=csv,noheader".to_owned(),
    ];
    let threads = "--test-threads 1";
    for (_, test) in TESTS {
        lines.push(format!("./test-{test} {threads}"));
    }
    lines.push("if compute-sanitizer true 2>/dev/null; then".to_owned());
    for tool in ["memcheck", "racecheck"] {
        for tests in ["test-cuda every_operation steps_of", "test-lanes lanes_are"] {
            lines.push(format!(
                "  compute-sanitizer --tool {tool} --error-exitcode 1 ./{tests} {threads}"
            ));
        }
    }
    lines.push(
        "else echo 'compute-sanitizer does not run here: memory is NOT checked'; fi".to_owned(),
    );
    lines.push("./workload data --out data".to_owned());
    for (row, arguments) in WORK {
        for device in ["cpu", "cuda"] {
            // A million rows by a thousand draws are hours on a CPU.
            if row == "grid" && device == "cpu" {
                continue;
            }
            lines.push(format!("echo '{row} on {device}:'"));
            lines.push(format!(
                "./workload {arguments} --data data --device {device}"
            ));
        }
    }
    lines.join("\n") + "\n"
}

/// Builds, and names the executable.
fn built(arguments: &str) -> Result<PathBuf, String> {
    println!("+ cargo {arguments}");
    let text = output_of(
        Command::new(env!("CARGO"))
            .args(arguments.split(' '))
            .arg("--message-format=json-render-diagnostics")
            .current_dir(root())
            .stderr(Stdio::inherit()),
    )?;
    let messages = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut executables = messages.filter_map(|m| Some(m.get("executable")?.as_str()?.to_owned()));
    let last = executables.next_back();
    last.map(PathBuf::from)
        .ok_or_else(|| format!("cargo {arguments} made no executable"))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let copied = fs::copy(from, to);
    copied
        .map(|_| ())
        .map_err(|error| format!("{}: {error}", to.display()))
}
