//! How certain it is what the layers of a network make of rows.

use bayes_nn_models::{
    Error, Model, Posterior, Predict, Representation, RepresentationError, Representations,
    Similarity,
};

use super::{Report, ReportError};
use crate::plots::{Lines, Series};

/// Draws behind what is said of the layers of a fit.
const DRAWS: usize = 100;
/// Ratios outside this range are drawn at its ends.
const LOWEST: f64 = 1e-3;
const HIGHEST: f64 = 1e6;

impl Report {
    /// The layers of a fit, if it has some, with the rows that it learned from.
    pub(super) fn layers<M: Model>(self, fit: &Posterior<M>) -> Result<Report, ReportError> {
        match fit.own_representations(Predict::draws(DRAWS)) {
            Ok(found) => self.representations(&found),
            Err(Error::Representation(
                RepresentationError::NoLayers
                | RepresentationError::NoRows
                | RepresentationError::TooFewRows { .. },
            )) => Ok(self),
            Err(error) => {
                let why = format!("What layers make of rows cannot be had: {error}.");
                Ok(self.section("The layers").text(&why))
            }
        }
    }

    /// Adds how certain the layers of a network are: signal to noise of units and of weights, and how alike
    /// the features of two draws are.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// use bayes_nn::report::Report;
    /// let data = datasets::moons(100, 0.2, 0)?.standardized();
    /// let bnn = Bnn::new(Mlp::new([2, 5, 1]).activation(Tanh), Bernoulli);
    /// let fit = bnn.fit(&data, &Advi::mean_field().steps(500).seed(1))?;
    /// let found = fit.representations(&data, Predict::draws(50))?;
    /// let page = Report::new("Moons").representations(&found)?.to_html();
    /// assert!(page.contains("layer0") && page.contains("CKA"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A picture that cannot be drawn.
    pub fn representations(self, found: &Representations) -> Result<Report, ReportError> {
        let rows: Vec<[String; 7]> = found.layers().iter().map(line).collect();
        let report = self.section("The layers").text(&format!(
            "What the layers make of {} rows, in {} draws. The signal of a unit is its variance over rows, the mean over \
             draws taken; its noise the variance over draws. Signal to noise of a weight is the size of its mean by its \
             standard deviation. CKA is 1 where two draws have the same features, up to rotation and scale, and 0 where \
             they have nothing in common.",
            found.rows(),
            found.draws()
        ));
        let head = [
            "layer",
            "units",
            "signal to noise",
            "units above 1",
            "without a signal",
            "CKA of draws",
            "of weights, median",
        ];
        let report = report.table(&head, &rows);
        let mut picture = Lines::new()
            .title("Signal to noise of the units")
            .x_label("share of the units of the layer, least certain first")
            .y_label("signal to noise")
            .log_y();
        let mut is_empty = true;
        for layer in found
            .layers()
            .iter()
            .filter(|layer| layer.units().len() > 1)
        {
            let mut ratios: Vec<f64> = layer
                .units()
                .iter()
                .map(|unit| unit.signal_to_noise().clamp(LOWEST, HIGHEST))
                .collect();
            ratios.sort_by(f64::total_cmp);
            let last = (ratios.len() - 1) as f64;
            let shares: Vec<f64> = (0..ratios.len()).map(|unit| unit as f64 / last).collect();
            picture = picture.series(Series::new(layer.name(), &shares, &ratios));
            is_empty = false;
        }
        if is_empty {
            return Ok(report);
        }
        let caption =
            "Units below 1 differ more by draw than by row: what they say is mostly not known.";
        Ok(report.figure(&picture.to_svg()?, caption))
    }
}

fn line(layer: &Representation) -> [String; 7] {
    let units = layer.units();
    let share = |of: fn(f64) -> bool| {
        let count = units.iter().filter(|unit| of(unit.signal_to_noise()));
        format!(
            "{:.0} %",
            100.0 * count.count() as f64 / units.len().max(1) as f64
        )
    };
    let alike = match layer.similarity_of_draws() {
        Ok(Similarity { mean, sd, .. }) => format!("{mean:.3} ± {sd:.3}"),
        Err(_) => String::new(),
    };
    let weights = layer.weights().iter();
    let largest = weights.max_by_key(|weight| weight.signal_to_noise.len());
    [
        layer.name().to_owned(),
        layer.shape().to_string(),
        number(layer.signal_to_noise()),
        share(|ratio| ratio > 1.0),
        share(|ratio| ratio == 0.0),
        alike,
        largest.map_or(String::new(), |weight| number(weight.median())),
    ]
}

fn number(ratio: f64) -> String {
    match ratio {
        f64::INFINITY => "no noise".to_owned(),
        large if large >= 100.0 => format!("{large:.0}"),
        small => format!("{small:.2}"),
    }
}
