//! What a row of the table is: which work, by which programs, and what is to be reached.

use super::results::Target;

/// One piece of work.
pub struct Row {
    /// What `--only` calls it.
    pub id: &'static str,
    pub work: &'static str,
    pub measure: Measure,
    pub ours: Work,
    pub peers: Vec<Peer>,
    pub judge: Judge,
}

/// What is read off a run.
#[derive(Clone, Copy, PartialEq)]
pub enum Measure {
    /// A number that the program prints under this name, and its unit; more of it is better.
    Rate(&'static str, &'static str),
    /// The same; less of it is better.
    Cost(&'static str, &'static str),
    /// Seconds from start to end of the process.
    Process,
    /// Seconds from the start of the process to its first line.
    FirstLine,
}

impl Measure {
    pub fn unit(self) -> &'static str {
        match self {
            Measure::Rate(_, unit) | Measure::Cost(_, unit) => unit,
            Measure::Process | Measure::FirstLine => "s",
        }
    }

    /// How many times better `ours` is than `theirs`.
    pub fn ratio(self, ours: f64, theirs: f64) -> f64 {
        match self {
            Measure::Rate(..) => ours / theirs,
            _ => theirs / ours,
        }
    }
}

/// Our side of a row.
pub enum Work {
    Program(Program),
    /// How far the cost of a step is from linear.
    Linear(Axis),
}

/// What grows in a plot of step times.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Axis {
    Rows,
    Parameters,
}

/// What must hold.
pub enum Judge {
    /// Each peer has a ratio of its own to reach, or none.
    Each,
    /// The ratio to the fastest of all peers.
    Fastest(f64),
    /// A limit without a peer.
    Alone(Target),
    /// The ratio to the fastest of all peers, and a limit.
    Both { at_least: f64, at_most: f64 },
}

/// A peer's side of a row.
pub struct Peer {
    pub name: &'static str,
    pub program: Program,
    /// Ratio to reach.
    pub at_least: Option<f64>,
}

/// Something to run.
pub struct Program {
    pub what: What,
    /// Split at spaces; `{data}` is the folder of the data, `{programs}` that of our programs.
    pub arguments: &'static str,
    pub cores: Cores,
}

/// Which program.
#[derive(Clone, Copy)]
pub enum What {
    /// A binary of the package of benches.
    Binary(&'static str),
    /// An example.
    Example(&'static str),
    /// A script beside `requirements.txt`, and the packages of that list that it imports.
    Script(&'static str, &'static [&'static str]),
}

/// Which cores a program may use.
#[derive(Clone, Copy)]
pub enum Cores {
    One,
    Two,
    All,
}

pub fn ours(arguments: &'static str, cores: Cores) -> Work {
    Work::Program(Program {
        what: What::Binary("workload"),
        arguments,
        cores,
    })
}

pub fn peer(
    name: &'static str,
    what: What,
    arguments: &'static str,
    cores: Cores,
    at_least: impl Into<Option<f64>>,
) -> Peer {
    Peer {
        name,
        program: Program {
            what,
            arguments,
            cores,
        },
        at_least: at_least.into(),
    }
}
