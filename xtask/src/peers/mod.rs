//! Our programs and those of other libraries on the same work, one table.

pub mod gpu;
pub mod isa;
mod measure;
mod results;
pub mod row;
mod rows;
pub mod scaling;
mod table;

use std::path::PathBuf;
use std::process::Command;

use crate::command::{cargo, output_of, root, target_folder};
use crate::machine;
use crate::python::Python;
use isa::Isa;
use measure::{Measured, Places, Runner};
use results::{Line, Results, Sample, Target};
use row::{Judge, Row, Work};

/// Where the data sets lie, and what the peers compile.
pub fn data_folder() -> PathBuf {
    root().join("target/peers-data")
}

/// Builds all programs that are measured, writes the data, and returns the folder that they are in.
///
/// # Errors
/// When something does not build.
pub fn prepare() -> Result<PathBuf, String> {
    cargo("build --release -p bayes-nn-benches --bins", &[])?;
    cargo("build --release -p bayes-nn-examples --example moons", &[])?;
    let programs = target_folder()?.join("release");
    let mut write = Command::new(programs.join("workload"));
    output_of(write.args(["data", "--out"]).arg(data_folder()))?;
    Ok(programs)
}

/// Runs the rows named `only`, or all, held to an instruction set; all together are also written to
/// its section of the page.
///
/// # Errors
/// When a row is not known, this machine lacks the instruction set, our own programs do not build,
/// or results cannot be written. A peer that fails is reported in its line.
pub fn run(only: &[String], repeats: usize, isa: Option<Isa>) -> Result<(), String> {
    let isa = isa.unwrap_or_else(Isa::best);
    isa.check()?;
    let rows = chosen(rows::all(isa), only)?;
    let places = Places {
        programs: prepare()?,
        scripts: root().join("benches/peers"),
        data: data_folder(),
        log: root().join("target/peers-log"),
    };
    let list = places.scripts.join("requirements.txt");
    let python = Python::prepare(&root().join("target/peers-venv"), &list, 10);
    let runner = Runner::new(places, python, isa.variables())?;
    let mut machine = machine::describe();
    machine.extend(runner.python.describe());
    machine.push(held(&runner.python, isa));
    let results = measure(&runner, &rows, machine, repeats, |_| Ok(()))?;
    println!("\n{}", table::text(&results));
    match only.is_empty() {
        true => results.record(isa, &root().join("benches")),
        false => Ok(()),
    }
}

/// How programs are held to an instruction set, and what torch says that it uses.
fn held(python: &Python, isa: Isa) -> (String, String) {
    let variables = isa.variables().iter();
    let variables: Vec<String> = variables.map(|(name, v)| format!("{name}={v}")).collect();
    let ask = "import torch, torch._inductor.cpu_vec_isa as of; \
               print(torch.backends.cpu.get_cpu_capability() + ', compiled', of.pick_vec_isa())";
    let mut command = Command::new(&python.interpreter);
    command
        .args(["-c", ask])
        .envs(isa.variables().iter().copied());
    let torch = output_of(&mut command).unwrap_or_else(|problem| problem);
    let text = format!("{} (torch: {torch})", variables.join(", "));
    ("instructions".to_owned(), text)
}

/// The rows named `only`, or all.
fn chosen(mut rows: Vec<Row>, only: &[String]) -> Result<Vec<Row>, String> {
    if let Some(unknown) = only.iter().find(|id| rows.iter().all(|row| row.id != **id)) {
        let known: Vec<&str> = rows.iter().map(|row| row.id).collect();
        return Err(format!(
            "no row `{unknown}`; the rows are {}",
            known.join(", ")
        ));
    }
    rows.retain(|row| only.is_empty() || only.iter().any(|id| id == row.id));
    Ok(rows)
}

/// All rows, one after the other; `row_done` sees what there is after each.
fn measure(
    runner: &Runner,
    rows: &[Row],
    machine: Vec<(String, String)>,
    repeats: usize,
    row_done: impl Fn(&Results) -> Result<(), String>,
) -> Result<Results, String> {
    let mut results = Results {
        machine,
        repeats,
        lines: Vec::new(),
        missing: runner.python.missing.clone(),
    };
    for row in rows {
        println!("{}: {}", row.id, row.work);
        let lines = measure_row(runner, row, repeats);
        results.lines.extend(lines);
        row_done(&results)?;
    }
    Ok(results)
}

/// Ours and every peer in turn, `repeats` times.
fn measure_row(runner: &Runner, row: &Row, repeats: usize) -> Vec<Line> {
    let mut ours: Vec<Measured> = Vec::new();
    let mut our_problem = None;
    let mut peers: Vec<(Vec<Measured>, Option<String>)> = row
        .peers
        .iter()
        .map(|peer| (Vec::new(), runner.missing(&peer.program)))
        .collect();
    for turn in 1..=repeats {
        if our_problem.is_none() {
            let measured = match &row.ours {
                Work::Program(program) => runner.run(program, row.measure, turn),
                Work::Linear(axis) => {
                    scaling::deviation(runner.programs(), *axis, runner.variables())
                }
            };
            match measured {
                Ok(measured) => ours.push(measured),
                Err(problem) => our_problem = Some(problem),
            }
        }
        for (peer, (runs, problem)) in row.peers.iter().zip(&mut peers) {
            if problem.is_some() {
                continue;
            }
            match runner.run(&peer.program, row.measure, turn) {
                Ok(measured) => runs.push(measured),
                Err(failed) => *problem = Some(failed),
            }
        }
    }
    let sample = |runs: Vec<Measured>, problem: Option<String>| match problem {
        Some(problem) => Err(problem),
        None => Ok(Sample::of(runs)),
    };
    let ours = sample(ours, our_problem);
    let mut lines: Vec<Line> = row
        .peers
        .iter()
        .zip(peers)
        .map(|(peer, (runs, problem))| {
            Line::beside(row, &ours, peer, sample(runs, problem), peer.at_least)
        })
        .collect();
    match row.judge {
        Judge::Each => {}
        Judge::Fastest(at_least) => results::judge_fastest(&mut lines, at_least),
        Judge::Alone(target) => lines.push(Line::alone(row, &ours, target)),
        Judge::Both { at_least, at_most } => {
            results::judge_fastest(&mut lines, at_least);
            lines.push(Line::alone(row, &ours, Target::AtMost(at_most)));
        }
    }
    for line in &lines {
        println!("    {}", table::short(line));
    }
    lines
}
