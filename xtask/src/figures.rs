//! Plots of the time of a step against what makes it larger.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::command::root;
use crate::peers;
use crate::peers::row::Cores;
use crate::peers::scaling::{WIDTHS, number, step, width_options};

/// Rows of the two-moons network in every step.
const ROWS: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];
/// Draws of the weights in every step.
const SAMPLES: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// Threads that a program may use.
const THREADS: [(f64, Cores); 2] = [(1.0, Cores::One), (2.0, Cores::Two)];

/// Measures the steps and writes the plots into `benches/figures`.
///
/// # Errors
/// When a step fails or a plot cannot be written.
pub fn run() -> Result<(), String> {
    let programs = peers::prepare()?;
    let folder = root().join("benches/figures");
    fs::create_dir_all(&folder)
        .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let figures = json!([
        rows(&programs)?,
        parameters(&programs)?,
        samples(&programs)?,
        threads(&programs)?,
    ]);
    let mut draw = Command::new(programs.join("figures"))
        .arg(&folder)
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| format!("figures cannot be started: {error}"))?;
    if let Some(mut input) = draw.stdin.take() {
        input
            .write_all(figures.to_string().as_bytes())
            .map_err(|error| format!("figures does not read: {error}"))?;
    }
    match draw.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("figures: {status}")),
        Err(error) => Err(format!("figures: {error}")),
    }
}

/// One curve: name, sizes, milliseconds.
fn curve(
    programs: &Path,
    name: &str,
    count: &str,
    options: &[String],
    cores: Cores,
) -> Result<Value, String> {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for options in options {
        println!("step {options}");
        let report = step(programs, options, cores, &[])?;
        x.push(number(&report, count)?);
        y.push(1e3 * number(&report, "seconds_per_step")?);
    }
    Ok(json!({ "name": name, "x": x, "y": y }))
}

fn figure(file: &str, title: &str, x_label: &str, curves: &[Value]) -> Value {
    json!({ "file": file, "title": title, "x_label": x_label, "curves": curves })
}

fn rows(programs: &Path) -> Result<Value, String> {
    let options = ROWS.map(|rows| format!("--rows {rows}"));
    let one = curve(programs, "one thread", "rows", &options, Cores::One)?;
    let two = curve(programs, "two threads", "rows", &options, Cores::Two)?;
    Ok(figure(
        "rows",
        "A step against rows: 2-5-5-1, full batch",
        "rows in every step",
        &[one, two],
    ))
}

fn parameters(programs: &Path) -> Result<Value, String> {
    let smallest = "--rows 1000 --batch 128".to_owned();
    let widths = [9].into_iter().chain(WIDTHS);
    let options: Vec<String> = std::iter::once(smallest)
        .chain(widths.map(width_options))
        .collect();
    let one = curve(programs, "one thread", "parameters", &options, Cores::One)?;
    let two = curve(programs, "two threads", "parameters", &options, Cores::Two)?;
    Ok(figure(
        "parameters",
        "A step against parameters: two hidden layers, batch 128",
        "parameters",
        &[one, two],
    ))
}

fn samples(programs: &Path) -> Result<Value, String> {
    let moons = SAMPLES.map(|samples| format!("--rows 500 --samples {samples}"));
    let wide = SAMPLES.map(|samples| format!("{} --samples {samples}", width_options(WIDTHS[1])));
    let moons = curve(programs, "2-5-5-1, 500 rows", "samples", &moons, Cores::One)?;
    let wide = curve(
        programs,
        "32-299-299-1, batch 128",
        "samples",
        &wide,
        Cores::One,
    )?;
    Ok(figure(
        "samples",
        "A step against draws of the weights, one thread",
        "draws in every step",
        &[moons, wide],
    ))
}

/// Few points on this axis, so that each work is a curve of its own.
fn threads(programs: &Path) -> Result<Value, String> {
    let works = [
        ("2-5-5-1, 500 rows", "--rows 500".to_owned()),
        ("2-5-5-1, 100,000 rows", "--rows 100000".to_owned()),
        ("32-299-299-1, batch 128", width_options(WIDTHS[1])),
        ("32-983-983-1, batch 128", width_options(WIDTHS[2])),
    ];
    let mut curves = Vec::new();
    for (name, options) in works {
        let mut y = Vec::new();
        for (threads, cores) in THREADS {
            println!("step {options}, {threads} threads");
            let report = step(programs, &options, cores, &[])?;
            y.push(1e3 * number(&report, "seconds_per_step")?);
        }
        let x = THREADS.map(|(threads, _)| threads);
        curves.push(json!({ "name": name, "x": x, "y": y }));
    }
    Ok(figure(
        "threads",
        "A step against threads",
        "threads",
        &curves,
    ))
}
