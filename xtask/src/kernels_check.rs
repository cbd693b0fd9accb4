//! CUDA's kernels on a machine without a GPU: their text compiled for two architectures, and
//! their values as C++ on the host.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{cargo, output_of, target_folder};

/// The compiler, as a Python package.
const WHEEL: &str = "nvidia-cuda-nvrtc==13.*";

/// How many random models a long check runs, of each kind.
const LONG_CASES: &str = "200";

/// How much is checked.
#[derive(Clone, Copy, PartialEq)]
pub enum Extent {
    /// Operations, some random models, a step of variational inference. Where NVRTC cannot be
    /// had, only the values, and that is said.
    Quick,
    /// Fits, chains and predictions, too. NVRTC must be there.
    Usual,
    /// All tests of operations and many random models, too.
    Long,
}

/// Compiles and runs the kernels. The compiler is installed if there is none.
pub fn run(extent: Extent) -> Result<(), String> {
    let mut environment = vec![("BAYES_NN_REQUIRE_HOST", "1".to_owned())];
    match compiler() {
        Ok(folder) => {
            let before = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
            let path = format!("{}:{before}", folder.display());
            environment.push(("LD_LIBRARY_PATH", path));
            environment.push(("BAYES_NN_REQUIRE_NVRTC", "1".to_owned()));
        }
        Err(problem) if extent != Extent::Quick => return Err(problem),
        Err(problem) => println!("The text of the kernels is NOT compiled: {problem}"),
    }
    let environment: Vec<(&str, &str)> = environment.iter().map(|(k, v)| (*k, &**v)).collect();
    let kernels = "test -p bayes-nn-kernels --features cuda";
    cargo(
        &format!("{kernels} --test cuda --test replicas --test draws --test device"),
        &environment,
    )?;
    // Ranks that meet, on hosts as on GPUs.
    let host = ("BAYES_NN_TEST_ON", "host");
    let on_host: Vec<(&str, &str)> = environment.iter().copied().chain([host]).collect();
    cargo(&format!("{kernels} --test ranks"), &on_host)?;
    if extent != Extent::Quick {
        cargo(
            "test -p bayes-nn --features cuda --test devices",
            &environment,
        )?;
    }
    if extent == Extent::Long {
        cargo(
            &format!("{kernels} --test operations --test random_graphs"),
            &[host, ("PROPTEST_CASES", LONG_CASES)],
        )?;
    }
    Ok(())
}

/// The folder of NVRTC: where the loader or the toolkit has it, else a wheel under `target/`.
fn compiler() -> Result<PathBuf, String> {
    let listed = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
    let toolkit = ["CUDA_HOME", "CUDA_PATH"]
        .map(std::env::var)
        .into_iter()
        .flatten();
    let toolkit = toolkit.map(|root| format!("{root}/lib64"));
    let usual = ["/usr/local/cuda/lib64", "/usr/lib/x86_64-linux-gnu"].map(str::to_owned);
    let known = listed
        .split(':')
        .map(str::to_owned)
        .chain(toolkit)
        .chain(usual);
    let known = known.filter(|folder| !folder.is_empty()).map(PathBuf::from);
    if let Some(folder) = known.into_iter().find(|folder| holds_compiler(folder)) {
        return Ok(folder);
    }
    let wheel = target_folder()?.join("nvrtc");
    if wheel_folder(&wheel).is_none() {
        println!("installing {WHEEL} under {}", wheel.display());
        let arguments = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--upgrade",
            "--target",
        ];
        output_of(
            Command::new("python3")
                .args(arguments)
                .arg(&wheel)
                .arg(WHEEL),
        )
        .map_err(|problem| format!("{WHEEL} cannot be installed: {problem}"))?;
    }
    wheel_folder(&wheel).ok_or_else(|| format!("{} holds no libnvrtc", wheel.display()))
}

/// The wheel's folder of libraries, `nvidia/<package>/lib`.
fn wheel_folder(wheel: &Path) -> Option<PathBuf> {
    let packages = std::fs::read_dir(wheel.join("nvidia")).ok()?;
    let mut folders = packages.flatten().map(|package| package.path().join("lib"));
    folders.find(|folder| holds_compiler(folder))
}

fn holds_compiler(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name())
        .any(|name| name.to_string_lossy().starts_with("libnvrtc.so"))
}
