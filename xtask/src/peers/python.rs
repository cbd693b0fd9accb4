//! The peers' Python: a virtual environment of pinned packages, each installed on its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{output_of, root};
use crate::machine;

/// A virtual environment, as far as it could be made.
pub struct Venv {
    folder: PathBuf,
    /// Packages and versions that are there.
    pub versions: Vec<(String, String)>,
    /// Packages that are not, and why.
    pub missing: Vec<(String, String)>,
}

impl Venv {
    /// Python and packages with their versions, as the results show them.
    pub fn describe(&self) -> [(String, String); 2] {
        let packages = self.versions.iter();
        let packages: Vec<String> = packages.map(|(name, v)| format!("{name} {v}")).collect();
        [
            machine::of("Python", Command::new(self.python()).arg("--version")),
            ("peers".to_owned(), packages.join(", ")),
        ]
    }

    /// Makes or completes the environment in `folder` from `benches/peers/requirements.txt`.
    pub fn prepare(folder: &Path) -> Venv {
        let mut venv = Venv {
            folder: folder.to_path_buf(),
            versions: Vec::new(),
            missing: Vec::new(),
        };
        let list = root().join("benches/peers/requirements.txt");
        let wanted = match fs::read_to_string(&list) {
            Ok(text) => text,
            Err(error) => {
                let why = format!("cannot be read: {error}");
                venv.missing.push((list.display().to_string(), why));
                return venv;
            }
        };
        let made = match venv.python().exists() {
            true => Ok(String::new()),
            false => output_of(Command::new("python3").args(["-m", "venv"]).arg(folder)),
        };
        let present = made.and_then(|_| venv.pip(&["freeze"]));
        for line in wanted.lines().map(str::trim) {
            let Some((name, version)) = line.split_once("==") else {
                continue;
            };
            let installed = match &present {
                Ok(present) if present.lines().any(|there| there == line) => Ok(String::new()),
                Ok(_) => {
                    println!("installing {line}");
                    venv.pip(&["install", "--quiet", line])
                }
                Err(problem) => Err(problem.clone()),
            };
            match installed {
                Ok(_) => venv.versions.push((name.to_owned(), version.to_owned())),
                Err(problem) => {
                    println!("{line} is missing: {problem}");
                    venv.missing.push((line.to_owned(), problem));
                }
            }
        }
        venv
    }

    /// The interpreter.
    pub fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    /// Names the first of these packages that is not installed.
    pub fn why_missing(&self, packages: &[&str]) -> Option<String> {
        let there = |package: &&&str| self.versions.iter().any(|(name, _)| name == **package);
        let missing = packages.iter().find(|package| !there(package))?;
        Some(format!("missing: {missing}"))
    }

    fn pip(&self, arguments: &[&str]) -> Result<String, String> {
        let pip = ["-m", "pip", "--disable-pip-version-check"];
        output_of(Command::new(self.python()).args(pip).args(arguments))
    }
}
