//! What is written: the report and `summary.json`.

use std::error::Error;

use bayes_nn::plots::{Images, Lines, Series};
use bayes_nn::report::Report;
use serde::Serialize;

use crate::digits::Digits;
use crate::{Arguments, By};

/// What a fit to so many labels comes to.
#[derive(Clone, Copy, Serialize)]
pub struct Point {
    pub labels: usize,
    pub accuracy: f64,
}

/// One run from twenty labels on.
#[derive(Serialize)]
pub struct Run {
    by: By,
    seed: u64,
    seconds: f64,
    /// Labels with which so many are right for the first time.
    to_90_percent: Option<usize>,
    to_95_percent: Option<usize>,
    curve: Vec<Point>,
    #[serde(skip)]
    asked: Vec<usize>,
}

impl Run {
    pub fn new(by: By, seed: u64, seconds: f64, curve: Vec<Point>, asked: Vec<usize>) -> Run {
        let to = |share| {
            curve
                .iter()
                .find(|point| point.accuracy >= share)
                .map(|point| point.labels)
        };
        Run {
            by,
            seed,
            seconds,
            to_90_percent: to(0.9),
            to_95_percent: to(0.95),
            curve,
            asked,
        }
    }
}

#[derive(Serialize)]
struct Summary<'a> {
    settings: &'a Arguments,
    runs: &'a [Run],
}

/// Images that are shown of each run.
const IMAGES: usize = 20;

/// Writes both.
pub fn write(settings: &Arguments, digits: &Digits, runs: &[Run]) -> Result<(), Box<dyn Error>> {
    let out = &settings.out;
    std::fs::create_dir_all(out)?;
    let summary = serde_json::to_string_pretty(&Summary { settings, runs })?;
    std::fs::write(out.join("summary.json"), summary)?;
    let labels = |labels: Option<usize>| labels.map_or("not reached".to_owned(), |l| l.to_string());
    let rows = runs.iter().map(|run| {
        let last = run.curve.last().map_or(0.0, |point| point.accuracy);
        [
            format!("{:?}", run.by),
            run.seed.to_string(),
            labels(run.to_90_percent),
            labels(run.to_95_percent),
            format!("{:.2} %", 100.0 * last),
            format!("{:.0}", run.seconds),
        ]
    });
    let head = [
        "by",
        "seed",
        "labels to 90 %",
        "labels to 95 %",
        "right in the end",
        "seconds",
    ];
    let mut lines = Lines::new()
        .title("Test images")
        .x_label("labels")
        .y_label("right");
    for run in runs {
        let x: Vec<f64> = run.curve.iter().map(|point| point.labels as f64).collect();
        let y: Vec<f64> = run.curve.iter().map(|point| point.accuracy).collect();
        lines = lines.series(Series::new(
            format!("{:?}, seed {}", run.by, run.seed),
            &x,
            &y,
        ));
    }
    let mut page = Report::new("Active learning")
        .section("Labels, and what is known by them")
        .table(&head, &rows.collect::<Vec<_>>())
        .figure(
            &lines.to_svg()?,
            "The share of the test images that are told right, by the number of labels.",
        );
    for run in runs {
        let shown = &run.asked[..run.asked.len().min(IMAGES)];
        if shown.is_empty() {
            continue;
        }
        let pixels = shown.iter().flat_map(|row| digits.train.row(*row));
        let pixels: Vec<f64> = pixels.copied().collect();
        let labels = shown.iter().map(|row| digits.train.y()[*row].to_string());
        let images = Images::new(&pixels, (28, 28)).captions(labels);
        let title = format!("Asked for first by {:?}, seed {}", run.by, run.seed);
        page = page.figure(
            &images.title(title).to_svg()?,
            "Images in the order in which their labels were asked for.",
        );
    }
    Ok(page.write(out.join("report.html"))?)
}
