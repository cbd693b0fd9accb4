//! What was predicted of digits, as a section of the report.

use std::error::Error;

use bayes_nn::plots::{Calibration, Images};
use bayes_nn::prelude::*;
use bayes_nn::report::Report;

/// Images of a picture at the most.
const IMAGES: usize = 20;

/// Scores, errors, reliability, and the images that the network is least and most certain of.
pub fn predicted(
    report: Report,
    test: &Dataset,
    prediction: &Prediction,
) -> Result<Report, Box<dyn Error>> {
    let (labels, predicted) = (test.y(), prediction.predicted());
    let matrix = prediction.confusion(labels)?.ok_or("digits are classes")?;
    let bins = prediction.reliability(labels, 10)?;
    let bins = bins.ok_or("digits are classes")?;
    let report = report
        .section("Predictions of the test images")
        .code(&format!("{}\n\n{matrix}", prediction.score(labels)?))
        .figure(
            &Calibration::new(&bins).title("Reliability").to_svg()?,
            "How often the predicted digit was right, against how probable that was said to be.",
        );
    // The entropy of what is predicted, least first.
    let entropy = prediction.total();
    let mut order: Vec<usize> = (0..test.rows()).collect();
    order.sort_by(|a, b| entropy[*a].total_cmp(&entropy[*b]));
    let wrong = order.iter().filter(|row| predicted[**row] != labels[**row]);
    let wrong: Vec<usize> = wrong.copied().collect();
    let picture = |title: &str, rows: &[usize]| {
        let rows = &rows[..rows.len().min(IMAGES)];
        let pixels: Vec<f64> = rows
            .iter()
            .flat_map(|row| test.row(*row))
            .copied()
            .collect();
        let caption = |row: &usize| match predicted[*row] == labels[*row] {
            true => format!("{} ({:.2})", labels[*row], entropy[*row]),
            false => format!(
                "{} not {} ({:.2})",
                predicted[*row], labels[*row], entropy[*row]
            ),
        };
        let images = Images::new(&pixels, (28, 28)).captions(rows.iter().map(caption));
        images.title(title).to_svg()
    };
    let least: Vec<usize> = order.iter().rev().copied().collect();
    let report = report
        .section("Of what the network is sure")
        .text("Below each image its digit, and the entropy of what is predicted, in nats.")
        .figure(
            &picture("Most certain", &order)?,
            "The images with the least entropy.",
        )
        .figure(&picture("Least certain", &least)?, "Those with the most.");
    Ok(match wrong.is_empty() {
        true => report,
        false => report.figure(
            &picture("Wrong, and most certain", &wrong)?,
            "Mistakes of which the network was most sure.",
        ),
    })
}
