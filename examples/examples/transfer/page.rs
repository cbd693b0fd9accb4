//! What is written: the report and `summary.json`.

use std::error::Error;
use std::path::Path;

use bayes_nn::Approximation;
use bayes_nn::plots::{Lines, Series};
use bayes_nn::prelude::*;
use bayes_nn::report::Report;
use serde::Serialize;

/// A fit of few images.
#[derive(Serialize)]
pub struct Few {
    pub seed: u64,
    pub labels: usize,
    pub way: String,
    pub accuracy: f64,
    /// Means of the learned widenings, less 1.
    pub widenings: Vec<(String, f64)>,
    pub seconds: f64,
}

/// How well a task is known after another one.
#[derive(Serialize)]
pub struct Step {
    pub seed: u64,
    pub way: String,
    pub after: usize,
    pub task: usize,
    pub accuracy: f64,
}

#[derive(Default, Serialize)]
pub struct Summary {
    pub few: Vec<Few>,
    pub tasks: Vec<Step>,
}

/// The means of the widenings that a fit has learned, less 1.
pub fn widenings(fit: &Posterior<Bnn>) -> Result<Vec<(String, f64)>, Box<dyn Error>> {
    let draws = fit.draws(200, 0)?;
    let learned = draws.variables().iter();
    let learned = learned.filter(|variable| variable.name().ends_with(".widening"));
    Ok(learned
        .map(|v| (v.name().to_owned(), v.mean()[0]))
        .collect())
}

/// The network of an earlier task, with its own head on the features of a later one.
pub fn with_features(
    fit: &Posterior<Bnn>,
    shared: &Approximation,
) -> Result<Posterior<Bnn>, Box<dyn Error>> {
    let own = fit.approximation().ok_or("ADVI has a guide")?;
    let (mut mean, mut sd) = (own.mean().to_vec(), own.sd());
    let (means, sds) = (shared.mean(), shared.sd());
    for site in own.sites() {
        let mut others = shared.sites().iter();
        if let Some(other) = others.find(|other| other.name == site.name) {
            mean[site.range()].copy_from_slice(&means[other.range()]);
            sd[site.range()].copy_from_slice(&sds[other.range()]);
        }
    }
    let sites = own.sites().to_vec();
    let guide = match sd.iter().all(|sd| *sd == 0.0) {
        true => Approximation::point(sites, mean)?,
        false => Approximation::independent(sites, mean, sd)?,
    };
    Ok(Posterior::new(
        fit.model().clone(),
        Data::new()
            .matrix("x", &[0.0; 784], 784)?
            .column("y", &[0.0])?,
        guide,
    )?)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Mean and standard error.
fn spread(values: &[f64]) -> String {
    let (n, mean) = (values.len() as f64, mean(values));
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    match values.len() {
        1 => format!("{:.2} %", 100.0 * mean),
        _ => format!(
            "{:.2} ± {:.2} %",
            100.0 * mean,
            100.0 * (squares / (n - 1.0) / n).sqrt()
        ),
    }
}

impl Summary {
    /// Writes both into a folder.
    pub fn write(&self, out: &Path) -> Result<(), Box<dyn Error>> {
        std::fs::create_dir_all(out)?;
        self.report()?.write(out.join("report.html"))?;
        let summary = serde_json::to_string_pretty(self)?;
        Ok(std::fs::write(out.join("summary.json"), summary)?)
    }

    fn report(&self) -> Result<Report, Box<dyn Error>> {
        let mut page = Report::new("What is known of other digits");
        let ways = distinct(self.few.iter().map(|few| few.way.as_str()));
        let labels = distinct(self.few.iter().map(|few| few.labels));
        let of = |labels: usize, way: &str| -> Vec<f64> {
            let same = self
                .few
                .iter()
                .filter(|few| few.labels == labels && few.way == way);
            same.map(|few| few.accuracy).collect()
        };
        let mut rows = Vec::new();
        let mut lines = Lines::new()
            .x_label("labels of each digit")
            .y_label("right (%)")
            .log_x();
        for way in &ways {
            let scores: Vec<Vec<f64>> = labels.iter().map(|labels| of(*labels, way)).collect();
            for (labels, scores) in labels.iter().zip(&scores) {
                rows.push([labels.to_string(), way.to_string(), spread(scores)]);
            }
            let means: Vec<f64> = scores.iter().map(|scores| 100.0 * mean(scores)).collect();
            let x: Vec<f64> = labels.iter().map(|labels| *labels as f64).collect();
            lines = lines.series(Series::new(*way, &x, &means));
        }
        if !rows.is_empty() {
            let widenings = self.few.iter().flat_map(|few| {
                let own = few.widenings.iter();
                own.map(|(name, mean)| {
                    [
                        few.seed.to_string(),
                        few.labels.to_string(),
                        name.clone(),
                        format!("{mean:.2}"),
                    ]
                })
            });
            page = page
                .section("The digits 5 to 9 from few labels")
                .table(&["labels of each digit", "how", "right"], &rows)
                .figure(
                    &lines.to_svg()?,
                    "Means over the seeds, on images that no fit has seen.",
                )
                .section("How far above 1 the widenings are that were learned")
                .table(
                    &["seed", "labels", "variable", "mean"],
                    &widenings.collect::<Vec<_>>(),
                );
        }
        for row in &rows {
            println!("{} labels of each digit, {}: {}", row[0], row[1], row[2]);
        }
        if !self.tasks.is_empty() {
            page = self.tasks_on(page.section("Tasks one after the other"))?;
        }
        Ok(page)
    }

    /// What is right in the end, and how much less than just after each task was learned.
    fn tasks_on(&self, page: Report) -> Result<Report, Box<dyn Error>> {
        let last = self.tasks.iter().map(|step| step.after).max().unwrap_or(0);
        let mut rows = Vec::new();
        let mut lines = Lines::new()
            .x_label("tasks learned")
            .y_label("right on the first (%)");
        for way in distinct(self.tasks.iter().map(|step| step.way.as_str())) {
            let own: Vec<&Step> = self.tasks.iter().filter(|step| step.way == way).collect();
            let seeds = distinct(own.iter().map(|step| step.seed));
            let at = |seed: u64, after: usize, task: usize| {
                let mut own = own.iter();
                let step = own.find(|s| s.seed == seed && s.after == after && s.task == task);
                step.map_or(f64::NAN, |step| step.accuracy)
            };
            let tasks = 0..=last;
            let over = |of: &dyn Fn(u64, usize) -> f64| -> Vec<f64> {
                let of_seed = |seed: &u64| {
                    tasks
                        .clone()
                        .map(|task| of(*seed, task))
                        .collect::<Vec<_>>()
                };
                seeds.iter().map(|seed| mean(&of_seed(seed))).collect()
            };
            let end = over(&|seed, task| at(seed, last, task));
            let lost = over(&|seed, task| at(seed, task, task) - at(seed, last, task));
            println!(
                "{way}: {} right in the end, forgot {}",
                spread(&end),
                spread(&lost)
            );
            rows.push([way.to_owned(), spread(&end), spread(&lost)]);
            let first: Vec<f64> = (0..=last)
                .map(|after| {
                    100.0
                        * mean(
                            &seeds
                                .iter()
                                .map(|seed| at(*seed, after, 0))
                                .collect::<Vec<_>>(),
                        )
                })
                .collect();
            let x: Vec<f64> = (0..=last).map(|after| (after + 1) as f64).collect();
            lines = lines.series(Series::new(way, &x, &first));
        }
        Ok(page
            .table(
                &[
                    "how",
                    "right on all in the end",
                    "lost since each was learned",
                ],
                &rows,
            )
            .figure(&lines.to_svg()?, "The first task, after each of the tasks."))
    }
}

/// Each value once, in the order of the first.
fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut known = Vec::new();
    for value in values {
        if !known.contains(&value) {
            known.push(value);
        }
    }
    known
}
