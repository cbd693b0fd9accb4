//! What a program found, in the report and `summary.json`.

use std::error::Error;
use std::path::Path;

use bayes_nn::Score;
use bayes_nn::plots::{Images, Scatter};
use bayes_nn::report::Report;
use serde::Serialize;

/// The figures and pictures of one program.
#[derive(Serialize)]
pub struct Part {
    title: &'static str,
    figures: Vec<(String, f64)>,
    #[serde(skip)]
    pictures: Vec<(String, String)>,
}

impl Part {
    pub fn new(title: &'static str) -> Part {
        Part {
            title,
            figures: Vec::new(),
            pictures: Vec::new(),
        }
    }

    /// A number, which is printed, too.
    pub fn figure(&mut self, what: &str, value: f64) {
        println!("{}: {what}: {value:.4}", self.title);
        self.figures.push((what.to_owned(), value));
    }

    pub fn picture(&mut self, svg: &str, caption: &str) {
        self.pictures.push((svg.to_owned(), caption.to_owned()));
    }
}

#[derive(Serialize)]
struct Summary<'a> {
    seed: u64,
    programs: &'a [Part],
}

/// Writes both into a folder.
pub fn write(out: &Path, seed: u64, parts: &[Part]) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(out)?;
    let summary = Summary {
        seed,
        programs: parts,
    };
    let summary = serde_json::to_string_pretty(&summary)?;
    std::fs::write(out.join("summary.json"), summary)?;
    let mut page = Report::new("Hybrids");
    for part in parts {
        let rows = part.figures.iter();
        let rows = rows.map(|(what, value)| [what.clone(), format!("{value:.4}")]);
        page = page
            .section(part.title)
            .table(&["figure", "value"], &rows.collect::<Vec<_>>());
        for (svg, caption) in &part.pictures {
            page = page.figure(svg, caption);
        }
    }
    Ok(page.write(out.join("report.html"))?)
}

/// The negative log likelihood of a regression, in nats a row.
pub fn nll(score: &Score) -> Result<f64, Box<dyn Error>> {
    let score = score.regression().ok_or("it is a regression")?;
    Ok(-score.log_likelihood)
}

/// Values of `columns` variables, variable after variable, row after row.
pub fn transposed(values: &[f64], columns: usize) -> Vec<f64> {
    let rows = values.len() / columns;
    let row = |row: usize| values.iter().skip(row).step_by(rows);
    (0..rows).flat_map(row).copied().collect()
}

/// The first images of 28 by 28, what was drawn again of them, and how far draws are apart; all from 0 to 1, but
/// for the last, of which the largest number is black.
pub fn images(title: &str, [seen, mean, sd]: [&[f64]; 3]) -> Result<String, Box<dyn Error>> {
    const PIXELS: usize = 28 * 28;
    let shown = &sd[..SHOWN * PIXELS];
    let largest = shown.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let mut pixels = Vec::new();
    for image in 0..SHOWN {
        for (values, black) in [(seen, 1.0), (mean, 1.0), (sd, largest)] {
            let own = &values[image * PIXELS..][..PIXELS];
            pixels.extend(own.iter().map(|value| 255.0 * value / black));
        }
    }
    let images = Images::new(&pixels, (28, 28)).columns(6).title(title);
    Ok(images.to_svg()?)
}

/// Images of a picture.
const SHOWN: usize = 10;

/// Points of two kinds over the same inputs.
pub fn both(x: &[f64], y: [&[f64]; 2]) -> Result<String, Box<dyn Error>> {
    let (mut points, mut kinds) = (Vec::new(), Vec::new());
    for (kind, y) in [0.0, 1.0].into_iter().zip(y) {
        points.extend(x.iter().zip(y).flat_map(|(x, y)| [*x, *y]));
        kinds.extend(y.iter().map(|_| kind));
    }
    let picture = Scatter::new(&points, &kinds).class_names(["held out", "drawn"]);
    Ok(picture.x_label("x").y_label("y").to_svg()?)
}
