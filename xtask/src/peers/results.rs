//! What the runs of all programs say together.

use std::fs::read_to_string;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::isa::Isa;
use super::measure::Measured;
use super::row::{Measure, Peer, Row};
use super::table;
use crate::command::{read_json, write};
use crate::sections;

/// Everything that is written.
pub struct Results {
    pub machine: Vec<(String, String)>,
    pub repeats: usize,
    pub lines: Vec<Line>,
    /// Packages that are not there, and why.
    pub missing: Vec<(String, String)>,
}

/// The runs of one program.
#[derive(Clone)]
pub struct Sample {
    pub median: f64,
    pub least: f64,
    pub most: f64,
    pub runs: Vec<Measured>,
}

impl Sample {
    /// At least one run.
    pub fn of(runs: Vec<Measured>) -> Sample {
        let mut values: Vec<f64> = runs.iter().map(|run| run.value).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            0 => (values[middle - 1] + values[middle]) / 2.0,
            _ => values[middle],
        };
        Sample {
            median,
            least: values[0],
            most: values[values.len() - 1],
            runs,
        }
    }

    /// The median of something else that the runs report, if they do.
    pub fn median_of(&self, read: impl Fn(&Measured) -> Option<f64>) -> Option<f64> {
        let mut values: Vec<f64> = self.runs.iter().filter_map(read).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    fn json(&self) -> Value {
        json!({
            "median": self.median,
            "least": self.least,
            "most": self.most,
            "runs": self.runs.iter().map(|run| run.value).collect::<Vec<_>>(),
            "compile_seconds": self.median_of(|run| run.compile_seconds),
            "elbo": self.median_of(|run| run.elbo),
            "accuracy": self.median_of(|run| run.accuracy),
            "report": self.runs.last().map(|run| &run.report),
        })
    }
}

/// What a line has to reach.
#[derive(Clone, Copy)]
pub enum Target {
    /// A ratio to the peer; where there is none, our own value.
    AtLeast(f64),
    /// Our own value.
    AtMost(f64),
    None,
}

/// A line of the table.
pub struct Line {
    pub row: &'static str,
    pub work: &'static str,
    pub measure: Measure,
    pub ours: Result<Sample, String>,
    /// The peer's name and runs.
    pub peer: Option<(&'static str, Result<Sample, String>)>,
    pub target: Target,
}

impl Line {
    /// Ours beside a peer's.
    pub fn beside(
        row: &Row,
        ours: &Result<Sample, String>,
        peer: &Peer,
        theirs: Result<Sample, String>,
        at_least: Option<f64>,
    ) -> Line {
        Line {
            row: row.id,
            work: row.work,
            measure: row.measure,
            ours: ours.clone(),
            peer: Some((peer.name, theirs)),
            target: at_least.map_or(Target::None, Target::AtLeast),
        }
    }

    /// Ours with a limit.
    pub fn alone(row: &Row, ours: &Result<Sample, String>, target: Target) -> Line {
        Line {
            row: row.id,
            work: row.work,
            measure: row.measure,
            ours: ours.clone(),
            peer: None,
            target,
        }
    }

    fn samples(&self) -> Option<(&Sample, &Sample)> {
        match (&self.ours, &self.peer) {
            (Ok(ours), Some((_, Ok(theirs)))) => Some((ours, theirs)),
            _ => None,
        }
    }

    /// How many times better ours is: the ratio of the medians.
    pub fn ratio(&self) -> Option<f64> {
        let (ours, theirs) = self.samples()?;
        Some(self.measure.ratio(ours.median, theirs.median))
    }

    /// The least and the largest ratio of the repeats, ours and theirs run one after the other.
    pub fn ratios(&self) -> Option<(f64, f64)> {
        let (ours, theirs) = self.samples()?;
        let pairs = ours.runs.iter().zip(&theirs.runs);
        let ratios = pairs.map(|(ours, theirs)| self.measure.ratio(ours.value, theirs.value));
        Some(ratios.fold((f64::INFINITY, 0.0), |(least, most), ratio| {
            (least.min(ratio), most.max(ratio))
        }))
    }

    /// Whether the target is reached; nothing without target or numbers.
    pub fn reached(&self) -> Option<bool> {
        match self.target {
            Target::AtLeast(least) => Some(
                match self.peer {
                    Some(_) => self.ratio()?,
                    None => self.ours.as_ref().ok()?.median,
                } >= least,
            ),
            Target::AtMost(most) => Some(self.ours.as_ref().ok()?.median <= most),
            Target::None => None,
        }
    }

    fn json(&self) -> Value {
        let sample = |sample: &Result<Sample, String>| match sample {
            Ok(sample) => sample.json(),
            Err(problem) => json!({ "problem": problem }),
        };
        let (least, most) = self.ratios().unzip();
        json!({
            "row": self.row,
            "work": self.work,
            "unit": self.measure.unit(),
            "ours": sample(&self.ours),
            "peer": self.peer.as_ref().map(|(name, _)| name),
            "theirs": self.peer.as_ref().map(|(_, theirs)| sample(theirs)),
            "ratio": self.ratio(),
            "least_ratio": least,
            "most_ratio": most,
            "target_ratio": match self.target { Target::AtLeast(ratio) => Some(ratio), _ => None },
            "target_value": match self.target { Target::AtMost(value) => Some(value), _ => None },
            "reached": self.reached(),
        })
    }
}

/// Gives the target to the line of the fastest peer: the one beside which ours looks smallest.
pub fn judge_fastest(lines: &mut [Line], at_least: f64) {
    let ratio = |line: &Line| line.ratio().unwrap_or(f64::INFINITY);
    let fastest = lines
        .iter_mut()
        .min_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    if let Some(line) = fastest {
        line.target = Target::AtLeast(at_least);
    }
}

impl Results {
    /// Writes the page of a GPU and its numbers into a folder.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), String> {
        write(&folder.join("gpu.json"), &format!("{:#}\n", self.json()))?;
        write(&folder.join("GPU.md"), &table::gpu_page(self))
    }

    /// Writes the section of an instruction set, and its numbers among those of the others.
    ///
    /// # Errors
    /// When the page or the numbers cannot be read or written.
    pub fn record(&self, isa: Isa, folder: &Path) -> Result<(), String> {
        let numbers = folder.join("results.json");
        let mut all = read_json(&numbers)?;
        all[isa.name()] = self.json();
        write(&numbers, &format!("{all:#}\n"))?;
        let page = folder.join("RESULTS.md");
        let before = read_to_string(&page)
            .map_err(|error| format!("cannot read {}: {error}", page.display()))?;
        let title = format!("With {}", isa.name());
        let section = table::section(self);
        write(&page, &sections::replaced(&before, &title, &section))
    }

    fn json(&self) -> Value {
        json!({
            "machine": object(&self.machine),
            "repeats": self.repeats,
            "missing": object(&self.missing),
            "lines": self.lines.iter().map(Line::json).collect::<Vec<_>>(),
        })
    }
}

fn object(pairs: &[(String, String)]) -> Value {
    let pairs = pairs
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.clone())));
    Value::Object(Map::from_iter(pairs))
}
