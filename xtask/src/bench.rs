//! The criterion benches, and what became faster or slower since a saved run.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{cargo, cargo_with, read_json, target_folder};

/// Ratio of medians from which a row counts as slower, if the intervals do not overlap either.
const SLOWER: f64 = 1.05;

/// Where criterion puts the latest run.
const LATEST: &str = "new";

/// Runs the benches, saves the run, compares it with a saved one.
pub fn run(filter: Option<&str>, save: Option<&str>, baseline: Option<&str>) -> Result<(), String> {
    let folder = target_folder()?.join("criterion");
    if let Some(name) = baseline.filter(|name| rows(&folder, name).is_empty()) {
        return Err(format!(
            "no saved run `{name}`; `cargo xtask bench --save {name}` makes one"
        ));
    }
    let mut arguments = vec!["bench", "-p", "bayes-nn-benches", "--bench", "*", "--"];
    arguments.extend(filter);
    match (save, baseline) {
        (Some(save), _) => arguments.extend(["--save-baseline", save]),
        (None, Some(baseline)) => arguments.extend(["--baseline-lenient", baseline]),
        (None, None) => {}
    }
    cargo_with(&arguments, &[])?;
    match baseline {
        Some(baseline) => compare(&folder, save.unwrap_or(LATEST), baseline, filter),
        None => Ok(()),
    }
}

/// Prints the passes of a workload's step with their times.
pub fn profile(workload: &str) -> Result<(), String> {
    cargo(
        &format!("run --release -p bayes-nn-benches --bin profile -- {workload}"),
        &[],
    )
}

/// Runs our NUTS beside the crate nuts-rs, and writes the page.
pub fn nuts_rs() -> Result<(), String> {
    let program = "run --release -p bayes-nn-benches --features nuts-rs --bin nuts";
    cargo(&format!("{program} -- --out benches/NUTS.md"), &[])
}

/// Fits and predicts rows that are streamed from files of 4 GB in a folder, and writes the page.
pub fn streams(folder: &Path) -> Result<(), String> {
    let program = "run --release -p bayes-nn-benches --features streams --bin streams";
    let folder = folder.to_str().ok_or("the folder's name is no text")?;
    let arguments: Vec<&str> = program.split(' ').collect();
    let own = ["--", "--folder", folder, "--out", "benches/STREAMS.md"];
    cargo_with(&[&arguments[..], &own].concat(), &[])
}

/// A median with its confidence interval, in nanoseconds.
struct Median {
    lower: f64,
    value: f64,
    upper: f64,
}

impl Median {
    fn of(folder: &Path) -> Option<Median> {
        let estimates = read_json(&folder.join("estimates.json")).ok()?;
        let median = estimates.get("median")?;
        let bound = |name| median.get("confidence_interval")?.get(name)?.as_f64();
        Some(Median {
            lower: bound("lower_bound")?,
            value: median.get("point_estimate")?.as_f64()?,
            upper: bound("upper_bound")?,
        })
    }
}

fn compare(folder: &Path, now: &str, before: &str, filter: Option<&str>) -> Result<(), String> {
    let rows: Vec<(PathBuf, String)> = rows(folder, now)
        .into_iter()
        .filter(|(_, name)| filter.is_none_or(|filter| name.contains(filter)))
        .collect();
    let width = rows.iter().map(|(_, name)| name.len()).max().unwrap_or(0);
    println!("\nTime beside the saved run `{before}`, medians:");
    let (mut slower, mut compared) = (0, 0);
    for (row, name) in &rows {
        let (Some(now), Some(before)) = (Median::of(&row.join(now)), Median::of(&row.join(before)))
        else {
            println!("{name:width$}   not in the saved run");
            continue;
        };
        compared += 1;
        let ratio = now.value / before.value;
        let mark = match ratio > SLOWER && now.lower > before.upper {
            true => "  SLOWER",
            false => "",
        };
        slower += usize::from(!mark.is_empty());
        println!(
            "{name:width$}   {:>10} -> {:>10}   {ratio:5.2}{mark}",
            time(before.value),
            time(now.value)
        );
    }
    println!("{slower} of {compared} rows slower by more than 5 % outside the confidence interval");
    Ok(())
}

/// The folders of the benches that have a run of this name, with the names of the benches.
fn rows(folder: &Path, run: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let description = read_json(&folder.join(run).join("benchmark.json"));
        if let Some(name) = description.ok().as_ref().and_then(full_id) {
            found.push((folder.clone(), name));
        }
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        let inner = entries.flatten().map(|entry| entry.path());
        open.extend(inner.filter(|path| path.is_dir()));
    }
    found.sort_by(|a, b| a.1.cmp(&b.1));
    found
}

fn full_id(description: &Value) -> Option<String> {
    Some(description.get("full_id")?.as_str()?.to_owned())
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        t if t < 1e3 => format!("{t:.1} ns"),
        t if t < 1e6 => format!("{:.2} µs", t / 1e3),
        t if t < 1e9 => format!("{:.2} ms", t / 1e6),
        t => format!("{:.2} s", t / 1e9),
    }
}
