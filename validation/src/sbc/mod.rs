//! Simulation-based calibration (Talts et al. 2018; Modrák et al. 2023, "Simulation-based
//! calibration checking for Bayesian computation: the choice of test quantities shapes
//! sensitivity").
//!
//! Variables are drawn from the prior, data by them, and posterior draws from the data. Then the
//! variables that made the data are one more draw of that posterior, so their rank among the
//! others is uniform, and so is that of any function of variables and data. Functions of the
//! variables alone are blind to a sampler that does not look at all data; the log likelihood
//! sees it.
//!
//! Draws of a chain are thinned until they are nearly independent.

mod cases;
mod uniformity;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bayes_nn::model::{self, Batch, Data, Draws, Trace};
use bayes_nn::{Error as ModelError, Nuts};

pub use cases::{ALL, normal, normal_with_smaller_sd};
pub use uniformity::p_value;

use crate::Error;
use crate::table::table;

/// How often the test may reject where nothing is wrong, over all quantities of all right
/// models of a run.
pub const ALPHA: f64 = 1e-3;

/// A model as a plain function.
type Function = for<'g> fn(&Trace<'g>, &Batch<'g>);

/// A model that data are simulated from, and the one that is sampled given them.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The model.
    pub name: &'static str,
    /// What is wrong with the model that is sampled, if anything is.
    pub bug: Option<&'static str>,
    truth: Function,
    sampled: Function,
    /// The data of both models, given the observed column.
    data: fn(&[f64]) -> Result<Data, ModelError>,
    rows: usize,
    /// The data of the model that is sampled have so many rows of those.
    rows_seen: usize,
    /// What is ranked: variables of both models, element by element.
    parameters: &'static [&'static str],
    log_prior: fn(&Point<'_>) -> f64,
    log_likelihood: fn(&Point<'_>, &[f64]) -> f64,
}

/// One draw of all variables.
struct Point<'a> {
    draws: &'a Draws,
    draw: usize,
}

impl Point<'_> {
    fn values(&self, name: &str) -> &[f64] {
        let variable = self.draws.variable(name).ok();
        variable.and_then(|v| v.draw(self.draw)).unwrap_or_default()
    }

    fn number(&self, name: &str) -> f64 {
        self.values(name).first().copied().unwrap_or(f64::NAN)
    }
}

/// How a calibration is run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many data sets.
    pub simulations: usize,
    /// Draws that the truth is ranked among.
    pub draws: usize,
    /// One of so many draws of a chain is used.
    pub thin: usize,
    /// Draws of each chain before those.
    pub warmup: u64,
    /// Seed of everything random.
    pub seed: u64,
    /// Simulations at the same time; the results do not depend on it.
    pub threads: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            simulations: 1_000,
            draws: 63,
            thin: 8,
            warmup: 300,
            seed: 0,
            threads: std::thread::available_parallelism().map_or(1, |n| n.get()),
        }
    }
}

/// The ranks of every quantity, and what they cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranks {
    /// Name and ranks of each quantity; a rank is the number of draws below the truth.
    pub quantities: Vec<(String, Vec<usize>)>,
    /// Divergent trajectories of all simulations.
    pub divergences: usize,
}

/// What one simulation gives.
struct Simulated {
    ranks: Vec<usize>,
    divergences: usize,
    seconds: f64,
    sampling_seconds: f64,
}

/// The time of a calibration's simulations, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// From its start to its end.
    pub wall: f64,
    /// The mean of a simulation.
    pub each: f64,
    /// The part of that in which the chain ran: the rest wrote, differentiated and compiled.
    pub sampling: f64,
}

impl Case {
    /// Simulates data, samples, and ranks.
    ///
    /// # Errors
    /// A model that cannot be simulated, or sampled.
    pub fn run(&self, settings: &Settings) -> Result<(Ranks, Cost), Error> {
        let begin = Instant::now();
        let nothing_seen = (self.data)(&vec![0.0; self.rows])?;
        let truths = model::prior_predictive(
            &self.truth,
            nothing_seen,
            settings.simulations,
            settings.seed,
        )?;
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..settings.threads.max(1) {
                scope.spawn(|| {
                    loop {
                        let simulation = next.fetch_add(1, Ordering::Relaxed);
                        if simulation >= settings.simulations {
                            break;
                        }
                        let simulated = self.simulate(settings, &truths, simulation);
                        let mut done = done.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                        done.push((simulation, simulated));
                    }
                });
            }
        });
        let mut done = done
            .into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        done.sort_by_key(|(simulation, _)| *simulation);

        let names = self.names(&truths);
        let mut quantities: Vec<(String, Vec<usize>)> =
            names.into_iter().map(|name| (name, Vec::new())).collect();
        let mut divergences = 0;
        let mut cost = Cost {
            wall: 0.0,
            each: 0.0,
            sampling: 0.0,
        };
        for (simulation, simulated) in done {
            let simulated = simulated.map_err(|source| Error::Simulation {
                case: self.name,
                simulation,
                source: Box::new(source),
            })?;
            for ((_, ranks), rank) in quantities.iter_mut().zip(simulated.ranks) {
                ranks.push(rank);
            }
            divergences += simulated.divergences;
            cost.each += simulated.seconds / settings.simulations as f64;
            cost.sampling += simulated.sampling_seconds / settings.simulations as f64;
        }
        cost.wall = begin.elapsed().as_secs_f64();
        let ranks = Ranks {
            quantities,
            divergences,
        };
        Ok((ranks, cost))
    }

    fn simulate(
        &self,
        settings: &Settings,
        truths: &Draws,
        simulation: usize,
    ) -> Result<Simulated, ModelError> {
        let begin = Instant::now();
        let truth = Point {
            draws: truths,
            draw: simulation,
        };
        let observed = truth.values("y");
        let data = (self.data)(&observed[..self.rows_seen])?;
        let nuts = Nuts::new()
            .draws((settings.draws * settings.thin) as u64)
            .warmup(settings.warmup)
            .chains(1)
            .first_chain(simulation)
            .seed(settings.seed);
        let samples = model::fit(&self.sampled, data, &nuts)?;
        let draws = samples.all_draws()?;
        let of_truth = self.quantities(&truth, observed);
        let mut ranks = vec![0; of_truth.len()];
        for draw in (settings.thin - 1..settings.draws * settings.thin).step_by(settings.thin) {
            let point = Point {
                draws: &draws,
                draw,
            };
            let quantities = self.quantities(&point, observed);
            for ((rank, drawn), truth) in ranks.iter_mut().zip(quantities).zip(&of_truth) {
                *rank += usize::from(drawn < *truth);
            }
        }
        let fit = samples.nuts().unwrap();
        Ok(Simulated {
            ranks,
            divergences: fit.divergences(),
            seconds: begin.elapsed().as_secs_f64(),
            sampling_seconds: fit.chains().iter().map(|chain| chain.seconds()).sum(),
        })
    }

    fn names(&self, truths: &Draws) -> Vec<String> {
        let truth = Point {
            draws: truths,
            draw: 0,
        };
        let parameters = self.parameters.iter().flat_map(|name| {
            let elements = truth.values(name).len();
            (0..elements).map(move |element| match elements {
                1 => (*name).to_owned(),
                _ => format!("{name}[{element}]"),
            })
        });
        let functions = ["log likelihood", "log joint"].map(str::to_owned);
        parameters.chain(functions).collect()
    }

    fn quantities(&self, point: &Point<'_>, observed: &[f64]) -> Vec<f64> {
        let parameters = self.parameters.iter().flat_map(|name| point.values(name));
        let log_likelihood = (self.log_likelihood)(point, observed);
        let log_joint = log_likelihood + (self.log_prior)(point);
        parameters
            .copied()
            .chain([log_likelihood, log_joint])
            .collect()
    }
}

impl Ranks {
    /// The quantity whose ranks are least likely to be uniform, with the p-value of that.
    pub fn worst(&self, draws: usize) -> (&str, f64) {
        let p_values = self.quantities.iter();
        let p_values = p_values.map(|(name, ranks)| (name.as_str(), p_value(ranks, draws)));
        p_values
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or(("", 1.0))
    }
}

/// A line of the table.
#[derive(Debug)]
pub struct Line {
    case: Case,
    ranks: Ranks,
    cost: Cost,
    draws: usize,
}

/// Runs all cases; `seen` is told of each that is done.
///
/// # Errors
/// Those of [`Case::run`].
pub fn run(settings: &Settings, mut seen: impl FnMut(&Line)) -> Result<Vec<Line>, Error> {
    let mut lines = Vec::new();
    for case in ALL {
        let (ranks, cost) = case.run(settings)?;
        let line = Line {
            case,
            ranks,
            cost,
            draws: settings.draws,
        };
        seen(&line);
        lines.push(line);
    }
    Ok(lines)
}

impl Line {
    /// The model, and what is wrong with it.
    pub fn title(&self) -> String {
        match self.case.bug {
            Some(bug) => format!("{}, {bug}", self.case.name),
            None => self.case.name.to_owned(),
        }
    }

    /// The quantity whose ranks are least likely to be uniform, with the p-value of that.
    pub fn worst(&self) -> (&str, f64) {
        self.ranks.worst(self.draws)
    }
}

/// The p-value of one quantity below which a run rejects: [`ALPHA`] over the quantities of all
/// right models (Bonferroni).
pub fn threshold(lines: &[Line]) -> f64 {
    let right = lines.iter().filter(|line| line.case.bug.is_none());
    ALPHA / right.map(|line| line.ranks.quantities.len()).sum::<usize>() as f64
}

/// Whether all right models pass and all wrong ones fail.
pub fn passes(lines: &[Line]) -> bool {
    let threshold = threshold(lines);
    let mut lines = lines.iter();
    lines.all(|line| (line.worst().1 < threshold) == line.case.bug.is_some())
}

/// The table of all lines, as Markdown.
pub fn markdown(lines: &[Line]) -> String {
    let header = [
        "model",
        "planted bug",
        "quantities",
        "smallest p",
        "of",
        "rejected quantities",
        "divergences",
        "ms a simulation",
        "of them sampling",
        "seconds",
        "verdict",
    ];
    let threshold = threshold(lines);
    let rows = lines.iter().map(|line| {
        let (worst, p) = line.worst();
        let quantities = &line.ranks.quantities;
        let rejected = quantities
            .iter()
            .filter(|(_, ranks)| p_value(ranks, line.draws) < threshold);
        let rejected: Vec<&str> = rejected.map(|(name, _)| name.as_str()).collect();
        let verdict = match (line.case.bug.is_some(), rejected.is_empty()) {
            (false, true) => "passed",
            (false, false) => "FAILED",
            (true, false) => "bug found",
            (true, true) => "FAILED: bug not found",
        };
        [
            line.case.name.to_owned(),
            line.case.bug.unwrap_or("none").to_owned(),
            quantities.len().to_string(),
            match p < 1e-12 {
                true => "below 1e-12".to_owned(),
                false => format!("{p:.1e}"),
            },
            worst.to_owned(),
            rejected.join(", "),
            line.ranks.divergences.to_string(),
            format!("{:.1}", 1e3 * line.cost.each),
            format!("{:.1}", 1e3 * line.cost.sampling),
            format!("{:.1}", line.cost.wall),
            verdict.to_owned(),
        ]
    });
    table(header, &rows.collect::<Vec<_>>())
}

/// How it is judged, for those who read the table.
pub fn explanation(settings: &Settings, lines: &[Line]) -> String {
    format!(
        "{} data sets of each model. Each is drawn from the prior, sampled by one chain of {} \
         draws\nafter {} of warm-up, and the truth is ranked among every {}th draw, {} in all. The \
         quantities are\nevery parameter, the log likelihood of all data, and the log joint. The \
         test of uniformity is the exact\none of the empirical distribution function (Säilynoja \
         et al. 2022); a quantity is rejected below\np = {:.1e}, which is {ALPHA:e} over all \
         quantities of the right models (Bonferroni). A model that\nsees half of the rows gives \
         ranks of its parameters that are uniform, rightly: it is the log likelihood\nthat finds \
         it. A simulation writes, differentiates and compiles its model anew; the column beside \
         its\ntime is the part in which the chain ran.",
        settings.simulations,
        settings.draws * settings.thin,
        settings.warmup,
        settings.thin,
        settings.draws,
        threshold(lines),
    )
}
