//! Everything that needs a GPU: the tests of kernels and fits on it, the memory checker, and the
//! table beside other libraries. On this machine, or staged as executables and a script for one
//! without cargo.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value};

use crate::command::{copy, make_folder, output_of, root, show, target_folder, write};
use crate::machine;
use crate::peers::gpu::{BUILT, PACKAGES};
use crate::python::Python;

/// The tests that run on a GPU: package, name.
const TESTS: [(&str, &str); 7] = [
    ("bayes-nn-kernels", "device"),
    ("bayes-nn-kernels", "cuda"),
    ("bayes-nn-kernels", "replicas"),
    ("bayes-nn-kernels", "operations"),
    ("bayes-nn-kernels", "random_graphs"),
    ("bayes-nn-kernels", "ranks"),
    ("bayes-nn", "devices"),
];

/// The scripts of the peers that are measured, with what they share and the list of packages.
const PEERS: [&str; 5] = [
    "common.py",
    "image_torch.py",
    "image_jax.py",
    "moons_numpyro.py",
    PACKAGES,
];

/// What is run where the folder lies.
const SCRIPT: &str = include_str!("gpu.sh");

/// Builds what is needed and runs it here, or stages it in a folder.
///
/// # Errors
/// When something does not build or cannot be copied; when a test fails.
pub fn run(stage: Option<&Path>) -> Result<(), String> {
    let folder = match stage {
        Some(folder) => folder.to_path_buf(),
        None => target_folder()?.join("gpu"),
    };
    let script = staged(&folder)?;
    if stage.is_some() {
        println!(
            "staged; on the machine with the GPU: bash {}",
            script.display()
        );
        return Ok(());
    }
    let list = folder.join("peers").join(PACKAGES);
    let python = Python::prepare(&target_folder()?.join("peers-gpu-venv"), &list, 12);
    println!("+ bash {}", script.display());
    let mut command = Command::new("bash");
    command.arg(&script).env("PYTHON", &python.interpreter);
    show(&mut command, "bash")?;
    for file in ["GPU.md", "gpu.json"] {
        copy(&folder.join(file), &root().join("benches").join(file))?;
    }
    Ok(())
}

/// Fills a folder with everything that is run, and names the script that runs it.
fn staged(folder: &Path) -> Result<PathBuf, String> {
    make_folder(&folder.join("peers"))?;
    for (package, test) in TESTS {
        let arguments = format!("test -p {package} --features nccl --no-run --test {test}");
        stage(&built(&arguments)?, &folder.join(format!("test-{test}")))?;
    }
    let workload = "build --release -p bayes-nn-benches --features cuda --bin workload";
    stage(&built(workload)?, &folder.join("workload"))?;
    let this = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    stage(&this, &folder.join("xtask"))?;
    for file in PEERS {
        let from = root().join("benches/peers").join(file);
        copy(&from, &folder.join("peers").join(file))?;
    }
    write(&folder.join(BUILT), &origin().to_string())?;
    let tests = TESTS.map(|(_, test)| test).join(" ");
    let script = folder.join("run.sh");
    write(&script, &SCRIPT.replace("{tests}", &tests))?;
    Ok(script)
}

/// What the programs are built by and from, which the machine that they run on does not know.
fn origin() -> Value {
    let mut commit = Command::new("git");
    commit
        .args(["describe", "--always", "--dirty"])
        .current_dir(root());
    let pairs = [
        machine::of("compiler", Command::new("rustc").arg("--version")),
        machine::of("commit", &mut commit),
    ];
    Value::Object(Map::from_iter(
        pairs.map(|(name, value)| (name, value.into())),
    ))
}

/// Copies an executable without its symbols: the folder has to travel.
fn stage(from: &Path, to: &Path) -> Result<(), String> {
    copy(from, to)?;
    let stripped = output_of(Command::new("strip").arg(to));
    if let Err(problem) = stripped {
        println!("{} keeps its symbols: {problem}", to.display());
    }
    Ok(())
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
