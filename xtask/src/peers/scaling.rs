//! How the cost of a step grows with rows and parameters.

use std::path::Path;

use serde_json::{Value, json};

use super::isa::Variables;
use super::measure::{Measured, pinned};
use super::row::{Axis, Cores};
use crate::command::output_of;

/// Rows of the two-moons network in every step, from 10^3 to 10^6.
pub const ROWS: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Widths of two hidden layers that make about 10^4 to 10^7 parameters.
pub const WIDTHS: [usize; 4] = [84, 299, 983, 3_145];

/// Options of a step of a network with two hidden layers of this width, on minibatches of 128.
pub fn width_options(width: usize) -> String {
    format!("--rows 1000 --batch 128 --hidden {width}")
}

/// What `workload step` prints with these options, and these variables in its environment.
///
/// # Errors
/// When it fails.
pub fn step(
    programs: &Path,
    options: &str,
    cores: Cores,
    variables: Variables,
) -> Result<Value, String> {
    let mut command = pinned(&programs.join("workload"), cores);
    command.arg("step").args(options.split(' '));
    command.envs(variables.iter().copied());
    let text = output_of(&mut command)?;
    serde_json::from_str(&text).map_err(|error| format!("workload step {options}: {error}"))
}

/// A number that it printed.
///
/// # Errors
/// When it did not.
pub fn number(report: &Value, name: &str) -> Result<f64, String> {
    let value = report.get(name).and_then(Value::as_f64);
    value.ok_or_else(|| format!("workload step printed no `{name}`"))
}

/// The largest distance of a size's cost per row or parameter from the geometric mean of all
/// sizes' costs, as a share of that mean. On one core, so that sizes that are worth two do not
/// differ from those that are not.
///
/// # Errors
/// When a step fails.
pub fn deviation(programs: &Path, axis: Axis, variables: Variables) -> Result<Measured, String> {
    let (options, count): (Vec<String>, &str) = match axis {
        Axis::Rows => (ROWS.map(|rows| format!("--rows {rows}")).to_vec(), "rows"),
        Axis::Parameters => (WIDTHS.map(width_options).to_vec(), "parameters"),
    };
    let mut points = Vec::new();
    let mut costs = Vec::new();
    for options in &options {
        let report = step(programs, options, Cores::One, variables)?;
        let (seconds, size) = (
            number(&report, "seconds_per_step")?,
            number(&report, count)?,
        );
        costs.push(seconds / size);
        points.push(json!({ count: size, "nanoseconds_of_each": 1e9 * seconds / size }));
    }
    let mean = (costs.iter().map(|cost| cost.ln()).sum::<f64>() / costs.len() as f64).exp();
    let distances = costs.iter().map(|cost| (cost / mean - 1.0).abs());
    Ok(Measured {
        value: distances.fold(0.0, f64::max),
        report: Value::Array(points),
        ..Measured::default()
    })
}
