//! Python beside us, with the packages of a list: a virtual environment of them, each installed
//! on its own, or an interpreter as it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::output_of;
use crate::machine;

/// An interpreter with those of the wanted packages that it has.
pub struct Python {
    /// The program.
    pub interpreter: PathBuf,
    /// Packages and versions that are there.
    pub versions: Vec<(String, String)>,
    /// Packages that are not, and why.
    pub missing: Vec<(String, String)>,
}

impl Python {
    /// Python and packages with their versions, as the results show them.
    pub fn describe(&self) -> [(String, String); 2] {
        let packages = self.versions.iter();
        let packages: Vec<String> = packages.map(|(name, v)| format!("{name} {v}")).collect();
        [
            machine::of("Python", Command::new(&self.interpreter).arg("--version")),
            ("peers".to_owned(), packages.join(", ")),
        ]
    }

    /// Makes or completes a virtual environment in `folder` from lines `name==version` of the file
    /// `list`, with a Python 3 of at least this minor version.
    pub fn prepare(folder: &Path, list: &Path, minor: u32) -> Python {
        let mut python = Python::bare(folder.join("bin/python"));
        let made = match python.interpreter.exists() {
            true => Ok(String::new()),
            false => interpreter(minor).and_then(|python| {
                output_of(Command::new(python).args(["-m", "venv"]).arg(folder))
            }),
        };
        let present = made.and_then(|_| python.pip(&["freeze"]));
        for (line, name, version) in python.wanted(list) {
            let frozen = format!("{name}=={version}");
            let installed = match &present {
                Ok(present) if present.lines().any(|there| there == frozen) => Ok(String::new()),
                Ok(_) => {
                    println!("installing {line}");
                    python.pip(&["install", "--quiet", &line])
                }
                Err(problem) => Err(problem.clone()),
            };
            match installed {
                Ok(_) => python.versions.push((name, version)),
                Err(problem) => {
                    println!("{line} is missing: {problem}");
                    python.missing.push((line, problem));
                }
            }
        }
        python
    }

    /// What `PYTHON` names, else `python3`, with whatever versions it has of the packages of
    /// `list`.
    pub fn present(list: &Path) -> Python {
        let named = std::env::var_os("PYTHON").map(PathBuf::from);
        let mut python = Python::bare(named.unwrap_or_else(|| "python3".into()));
        let ask = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))";
        for (line, name, pinned) in python.wanted(list) {
            let found = output_of(Command::new(&python.interpreter).args(["-c", ask, &name]));
            match found {
                Ok(version) if version == pinned => python.versions.push((name, version)),
                Ok(version) => {
                    let version = format!("{version} (the list has {pinned})");
                    python.versions.push((name, version));
                }
                Err(problem) => python.missing.push((line, problem)),
            }
        }
        python
    }

    fn bare(interpreter: PathBuf) -> Python {
        Python {
            interpreter,
            versions: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// The lines of a list with name and version; extras, as in `jax[cuda13]`, are no part of a
    /// name.
    fn wanted(&mut self, list: &Path) -> Vec<(String, String, String)> {
        let text = match fs::read_to_string(list) {
            Ok(text) => text,
            Err(error) => {
                let why = format!("cannot be read: {error}");
                self.missing.push((list.display().to_string(), why));
                return Vec::new();
            }
        };
        let parts = |line: &str| {
            let (package, version) = line.split_once("==")?;
            let name = package.split_once('[').map_or(package, |(name, _)| name);
            Some((line.to_owned(), name.to_owned(), version.to_owned()))
        };
        text.lines().map(str::trim).filter_map(parts).collect()
    }

    /// Names the first of these packages that is not installed.
    pub fn why_missing(&self, packages: &[&str]) -> Option<String> {
        let there = |package: &&&str| self.versions.iter().any(|(name, _)| name == **package);
        let missing = packages.iter().find(|package| !there(package))?;
        Some(format!("missing: {missing}"))
    }

    fn pip(&self, arguments: &[&str]) -> Result<String, String> {
        let pip = ["-m", "pip", "--disable-pip-version-check"];
        output_of(Command::new(&self.interpreter).args(pip).args(arguments))
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
