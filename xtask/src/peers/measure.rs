//! Running one program once, and reading what it says.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::isa::Variables;
use super::row::{Cores, Measure, Program, What};
use crate::command::make_folder;
use crate::python::Python;

/// Longest that a program may take.
const LIMIT: Duration = Duration::from_secs(900);

/// What one run gave.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    pub value: f64,
    pub compile_seconds: Option<f64>,
    pub elbo: Option<f64>,
    pub accuracy: Option<f64>,
    /// Everything that the program printed.
    pub report: Value,
}

/// The folders of all that is run, read and written.
pub struct Places {
    /// Our own programs.
    pub programs: PathBuf,
    /// The peers' scripts.
    pub scripts: PathBuf,
    /// The data sets.
    pub data: PathBuf,
    /// What programs say beside their results.
    pub log: PathBuf,
}

/// What runs programs.
pub struct Runner {
    places: Places,
    pub python: Python,
    /// What all programs find in their environment.
    variables: Variables,
}

impl Runner {
    /// # Errors
    /// When the folder of messages cannot be made.
    pub fn new(places: Places, python: Python, variables: Variables) -> Result<Runner, String> {
        make_folder(&places.log)?;
        Ok(Runner {
            places,
            python,
            variables,
        })
    }

    /// What all programs find in their environment.
    pub fn variables(&self) -> Variables {
        self.variables
    }

    /// The folder of our own programs.
    pub fn programs(&self) -> &Path {
        &self.places.programs
    }

    /// Why a program cannot run, if that is known before.
    pub fn missing(&self, program: &Program) -> Option<String> {
        match program.what {
            What::Script(_, packages) => self.python.why_missing(packages),
            What::Binary(name) => (!self.places.programs.join(name).exists())
                .then(|| format!("missing: no binary `{name}`")),
            What::Example(_) => None,
        }
    }

    /// Runs a program, and takes from it what is measured; `turn` counts such runs from 1.
    ///
    /// # Errors
    /// When it does not start, fails, takes too long, or does not print what is measured.
    pub fn run(
        &self,
        program: &Program,
        measure: Measure,
        turn: usize,
    ) -> Result<Measured, String> {
        let places = &self.places;
        let (path, script, name) = match program.what {
            What::Binary(name) => (places.programs.join(name), None, name),
            What::Example(name) => (places.programs.join("examples").join(name), None, name),
            What::Script(name, _) => {
                let script = places.scripts.join(name);
                (self.python.interpreter.clone(), Some(script), name)
            }
        };
        let mut command = pinned(&path, program.cores);
        command.args(script).envs(self.variables.iter().copied());
        // The scripts lie in the source tree, which stays as it is.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        let arguments = program.arguments.split_whitespace();
        command.args(arguments.map(|a| {
            a.replace("{data}", &places.data.to_string_lossy())
                .replace("{programs}", &places.programs.to_string_lossy())
                .replace("{turn}", &turn.to_string())
        }));
        let log = places.log.join(format!("{name}.log"));
        let ran = run(&mut command, &log)?;
        let report: Value = ran
            .lines
            .last()
            .and_then(|line| serde_json::from_str(line).ok())
            .unwrap_or_default();
        let number = |name: &str| report.get(name).and_then(Value::as_f64);
        let value = match measure {
            Measure::Rate(name, _) | Measure::Cost(name, _) => {
                number(name).ok_or_else(|| format!("failed: it printed no `{name}`"))?
            }
            Measure::Process => ran.seconds,
            Measure::FirstLine => ran.first_line.ok_or("failed: it printed nothing")?,
        };
        Ok(Measured {
            value,
            compile_seconds: number("compile_seconds"),
            elbo: number("elbo"),
            accuracy: number("accuracy"),
            report,
        })
    }
}

/// A program on some of the cores, by `taskset` where there is one: it holds for all libraries
/// alike, whatever they call their own setting.
pub fn pinned(program: &Path, cores: Cores) -> Command {
    let cores = match cores {
        Cores::One => "0",
        Cores::Two => "0,1",
        Cores::All => return Command::new(program),
    };
    let allowed = Command::new("taskset")
        .args(["-c", cores, "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !allowed {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", cores]).arg(program);
    command
}

/// The line of messages that names an error, as clap (`error: ...`) and Python (`TypeError: ...`)
/// print it, else the last one.
fn reason(messages: &str) -> &str {
    let names = |line: &&str| {
        let first = line.split(' ').next();
        let first = first.map(|word| word.trim_end_matches(':'));
        first.is_some_and(|word| word.ends_with("error") || word.ends_with("Error"))
    };
    let mut lines = messages.trim().lines();
    let named = lines.clone().rfind(names);
    named.or_else(|| lines.next_back()).unwrap_or_default()
}

struct Ran {
    lines: Vec<String>,
    /// Seconds to the first line.
    first_line: Option<f64>,
    /// Seconds to the end.
    seconds: f64,
}

/// Runs a command to its end, its messages to a file.
fn run(command: &mut Command, log: &Path) -> Result<Ran, String> {
    let messages =
        File::create(log).map_err(|error| format!("cannot write {}: {error}", log.display()))?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(messages);
    let begin = Instant::now();
    let mut child = command
        .spawn()
        .map_err(|error| format!("failed: it cannot be started: {error}"))?;
    let output = child.stdout.take().ok_or("failed: it has no output")?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut lines = Vec::new();
        let mut first_line = None;
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            first_line.get_or_insert(begin.elapsed().as_secs_f64());
            lines.push(line);
        }
        // When nobody waits any more, the child was too slow and has been stopped.
        let _ = sender.send((lines, first_line));
    });
    let Ok((lines, first_line)) = receiver.recv_timeout(LIMIT) else {
        // It may have ended just now, which is as good.
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("failed: more than {} s", LIMIT.as_secs()));
    };
    let status = child
        .wait()
        .map_err(|error| format!("failed: its end cannot be awaited: {error}"))?;
    let seconds = begin.elapsed().as_secs_f64();
    match status.success() {
        true => Ok(Ran {
            lines,
            first_line,
            seconds,
        }),
        false => {
            let text = fs::read_to_string(log).unwrap_or_default();
            Err(format!("failed: {status}: {}", reason(&text)))
        }
    }
}
