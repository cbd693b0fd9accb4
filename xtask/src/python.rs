//! Python beside us: a virtual environment of pinned packages, each installed on its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::output_of;
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

    /// Makes or completes the environment in `folder` from lines `name==version` of the file
    /// `list`, with a Python 3 of at least this minor version.
    pub fn prepare(folder: &Path, list: &Path, minor: u32) -> Venv {
        let mut venv = Venv {
            folder: folder.to_path_buf(),
            versions: Vec::new(),
            missing: Vec::new(),
        };
        let wanted = match fs::read_to_string(list) {
            Ok(text) => text,
            Err(error) => {
                let why = format!("cannot be read: {error}");
                venv.missing.push((list.display().to_string(), why));
                return venv;
            }
        };
        let made = match venv.python().exists() {
            true => Ok(String::new()),
            false => interpreter(minor).and_then(|python| {
                output_of(Command::new(python).args(["-m", "venv"]).arg(folder))
            }),
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

/// The first Python 3 of at least this minor version: what `PYTHON` names, those in the path,
/// those of pyenv.
fn interpreter(minor: u32) -> Result<PathBuf, String> {
    let named = std::env::var_os("PYTHON").map(PathBuf::from);
    let newer = (minor..minor + 8).map(|minor| format!("python3.{minor}").into());
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let pyenv = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| Some(home?.join(".pyenv")));
    let versions = pyenv.and_then(|folder| fs::read_dir(folder.join("versions")).ok());
    let mut versions: Vec<PathBuf> = versions
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin/python3")))
        .collect();
    versions.sort();
    let test = format!("import sys; sys.exit(sys.version_info < (3, {minor}))");
    let mut all = named
        .into_iter()
        .chain([PathBuf::from("python3")])
        .chain(newer)
        .chain(versions);
    let fits = |python: &PathBuf| output_of(Command::new(python).args(["-c", &test])).is_ok();
    all.find(fits)
        .ok_or_else(|| format!("no Python of version 3.{minor} or newer; set PYTHON to one"))
}
