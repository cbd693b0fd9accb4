//! What a fit and predictions take.

use std::error::Error;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bayes_nn::prelude::*;
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::Outcome;
use crate::files::COLUMNS;

/// Where rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum From {
    /// All in memory, each minibatch of any rows
    Memory,
    /// All in memory, in the order of a stream
    Blocks,
    File,
    Copy,
}

/// Steps of a stretch, of which one goes before those that count.
const STEPS: u64 = 2_000;
const STRETCHES: u64 = 5;

/// Fits, predicts, and says how long it took.
pub fn run(path: &Path, from: From) -> Outcome<Value> {
    let begin = Instant::now();
    let seconds = || begin.elapsed().as_secs_f64();
    let is_resident = matches!(from, From::Memory | From::Blocks);
    let (data, table, opened) = match is_resident {
        true => {
            let data = Table::read(path)?;
            let opened = seconds();
            (Data::from(&data.target("y")?), None, opened)
        }
        false => {
            let folder = path.parent().ok_or("the file is in no folder")?;
            let table = Table::reader().open(path)?;
            let table = match from {
                From::Copy => table.copied_in(folder)?,
                _ => table,
            };
            let opened = seconds();
            (Data::from(table.target("y")?), Some(table), opened)
        }
    };
    let data = match from {
        From::Blocks => data.shuffle_blocks((1 << 17) / COLUMNS),
        _ => data,
    };
    let encoded = seconds() - opened;
    let times = Arc::new(Mutex::new(Vec::new()));
    let seen = times.clone();
    let advi = Advi::mean_field()
        .batch(512)
        .steps((STRETCHES + 1) * STEPS)
        .every(STEPS)
        .callback(move |_| {
            if let Ok(mut seen) = seen.lock() {
                seen.push(Instant::now());
            }
            ControlFlow::Continue(())
        });
    let fit = Bnn::new(Mlp::new([COLUMNS, 20, 1]), Gaussian::new()).fit(&data, &advi)?;
    let times = times.lock().map_err(|_| "a callback has failed")?;
    let stretches = times
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs_f64());
    let step = 1e6 * stretches.fold(f64::INFINITY, f64::min) / STEPS as f64;
    let before = seconds();
    if let Some(table) = table {
        let out = path.with_extension("predicted.csv");
        let predicted = fit.predict_to(fit.encode(&table)?, Predict::draws(10), &out);
        let removed = fs::remove_file(&out);
        predicted?;
        removed?;
    }
    Ok(json!({
        "step": step,
        "opened": opened,
        "encoded": encoded,
        "predicted": seconds() - before,
        "peak": peak_bytes()?,
    }))
}

/// The largest resident size so far, in bytes, as Linux reports it.
fn peak_bytes() -> Result<usize, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.ok_or("/proc/self/status has no line VmHWM")?;
    let number: usize = kibibytes.trim().trim_end_matches(" kB").parse()?;
    Ok(1024 * number)
}
