//! Steps of a network on rows that are streamed from files, beside the same steps on rows in memory:
//! `cargo xtask bench --streams DIR`. What is measured runs in processes of its own, whose memory is
//! told from that of others.

mod files;
mod measure;

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Parser)]
#[command(
    name = "streams",
    about = "Steps on rows that are streamed from large files"
)]
struct Arguments {
    /// A folder for files of 8 GB, which are removed in the end
    #[arg(long)]
    folder: Option<PathBuf>,
    #[arg(long, default_value_t = 10_000_000)]
    rows: usize,
    /// The page that is written
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Subcommand)]
enum Part {
    /// Writes a file of so many rows
    Make { path: PathBuf, rows: usize },
    /// Fits and predicts, and prints what it took
    Measure {
        path: PathBuf,
        #[arg(value_enum)]
        from: measure::From,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("streams: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Outcome<()> {
    match &arguments.part {
        Some(Part::Make { path, rows }) => files::write(path, *rows),
        Some(Part::Measure { path, from }) => {
            println!("{}", measure::run(path, *from)?);
            Ok(())
        }
        None => all(arguments),
    }
}

/// The same program with other arguments; what it prints.
fn run_self(arguments: &[&str]) -> Outcome<String> {
    let output = Command::new(std::env::current_exe()?)
        .args(arguments)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    match output.status.success() {
        true => Ok(text),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
    }
}

/// A file that is removed in the end.
struct Made(PathBuf);

impl Made {
    fn new(folder: &Path, name: &str, rows: usize) -> Outcome<Made> {
        let made = Made(folder.join(format!("bayes-nn-{}-{name}", std::process::id())));
        run_self(&["make", &made.0.to_string_lossy(), &rows.to_string()])?;
        Ok(made)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // What cannot be removed is in the folder of temporary files.
        let _ = fs::remove_file(&self.0);
    }
}

/// Rows of the set that is held in memory.
const RESIDENT: usize = 1_000_000;

fn all(arguments: &Arguments) -> Outcome<()> {
    let folder = arguments.folder.clone().unwrap_or_else(std::env::temp_dir);
    let measured = |path: &Path, from: &str| -> Outcome<Value> {
        let line = run_self(&["measure", &path.to_string_lossy(), from])?;
        eprintln!("{from}: {line}");
        Ok(serde_json::from_str(&line)?)
    };
    let mut rows = Vec::new();
    let small = Made::new(&folder, "small.parquet", RESIDENT.min(arguments.rows))?;
    let resident = measured(&small.0, "memory")?;
    rows.push(("memory, any row", resident.clone()));
    rows.push(("memory, shuffled blocks", measured(&small.0, "blocks")?));
    drop(small);
    let file = Made::new(&folder, "large.parquet", arguments.rows)?;
    let bytes = fs::metadata(&file.0)?.len();
    rows.push(("Parquet", measured(&file.0, "file")?));
    rows.push(("a copy of Parquet", measured(&file.0, "copy")?));
    drop(file);
    let file = Made::new(&folder, "large.csv", arguments.rows)?;
    let text = fs::metadata(&file.0)?.len();
    rows.push(("CSV", measured(&file.0, "file")?));
    rows.push(("a copy of CSV", measured(&file.0, "copy")?));
    drop(file);
    let number = |value: &Value, name: &str| value[name].as_f64().unwrap_or(f64::NAN);
    let mut page = format!(
        "# Streams\n\nWritten by `cargo xtask bench --streams DIR`.\n\n{NOTES}\nThe files have {} rows: \
         {:.1} GB of Parquet, {:.1} GB of CSV; those in memory are the first {}.\n\n\
         | rows from | µs a step | beside memory | opened, s | encoded, s | predicted, s | peak memory, MB |\n\
         |---|---|---|---|---|---|---|\n",
        arguments.rows,
        bytes as f64 / 1e9,
        text as f64 / 1e9,
        RESIDENT.min(arguments.rows),
    );
    for (name, value) in &rows {
        let step = number(value, "step");
        writeln!(
            page,
            "| {name} | {step:.0} | {:.2} | {:.1} | {:.1} | {:.1} | {:.0} |",
            step / number(&resident, "step"),
            number(value, "opened"),
            number(value, "encoded"),
            number(value, "predicted"),
            number(value, "peak") / 1e6,
        )?;
    }
    println!("{page}");
    if let Some(out) = &arguments.out {
        fs::write(out, page)?;
    }
    Ok(())
}

const NOTES: &str = "\
A network 50-20-1 is fitted to 50 columns of numbers and a target by minibatches of 512 rows, by Adam,
with a Gaussian head, one draw a step, products drawn: what `Advi::mean_field()` does. A step's time is
the least of five stretches of 2,000 steps after as many before. `opened` has what is found of a file before
anything is fitted, and for a copy the copy too; `encoded` the walk for means and deviations; `predicted` the
predictions of all rows of the file by ten draws, written to a CSV file.
";
