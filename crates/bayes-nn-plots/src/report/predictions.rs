//! How a fit predicts rows.

use bayes_nn_models::scores::ReliabilityBin;
use bayes_nn_models::{Dataset, Model, Posterior, Predict, Prediction};

use super::{Report, ReportError};
use crate::plots::{Agreement, Calibration, Regression};

/// Bins of a reliability diagram, as of the printed score.
const BINS: usize = 10;

impl Report {
    /// Adds how a fit predicts rows: scores, for classes a confusion matrix and a reliability diagram, for
    /// numbers what was predicted against what was observed, and of one input the line with its bands.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// use bayes_nn::report::Report;
    /// let (train, test) = datasets::moons(200, 0.2, 0)?.split(0.5, 0)?;
    /// let fit = Bnn::new(Mlp::new([2, 5, 1]), Bernoulli).fit(&train, &Advi::mean_field().steps(500))?;
    /// let page = Report::new("Moons").fit(&fit)?.predictions(&fit, &test, Predict::draws(100))?;
    /// assert!(page.to_html().contains("perfect calibration"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Rows that do not fit the model; a picture that cannot be drawn.
    pub fn predictions<M: Model + Clone + Send + 'static>(
        self,
        fit: &Posterior<M>,
        rows: &Dataset,
        how: Predict,
    ) -> Result<Report, ReportError> {
        let prediction = fit.predict_with(rows, how)?;
        let score = prediction.score(rows)?;
        let report = self.section("Predictions").text(&format!(
            "{} rows, each predicted with {} draws.",
            prediction.rows(),
            prediction.draws()
        ));
        let report = report.code(&score.to_string());
        let report = match prediction.confusion(rows)? {
            Some(confusion) => report.code(&confusion.to_string()),
            None => report,
        };
        match prediction.reliability(rows, BINS)? {
            Some(bins) => report.calibration(&bins),
            None => report.observed(&prediction, rows),
        }
    }

    fn calibration(self, bins: &[ReliabilityBin]) -> Result<Report, ReportError> {
        let picture = Calibration::new(bins).title("Calibration").to_svg()?;
        let caption = "How often what was predicted came true, against how probable it was said to be; below, \
                       how many rows each bin holds.";
        Ok(self.figure(&picture, caption))
    }

    fn observed(self, prediction: &Prediction, rows: &Dataset) -> Result<Report, ReportError> {
        let y = match rows.target_standardization() {
            Some(scale) => scale
                .invert(rows.y())
                .map_err(bayes_nn_models::Error::from)?,
            None => rows.y().to_vec(),
        };
        let mut report = self;
        if let (1, [feature]) = (rows.features(), rows.feature_names()) {
            let x = match rows.standardization() {
                Some(scale) => scale
                    .invert(rows.x())
                    .map_err(bayes_nn_models::Error::from)?,
                None => rows.x().to_vec(),
            };
            let picture = Regression::new(&x, &y)
                .prediction(&x, prediction)
                .title("The line and what is not known of it")
                .x_label(feature)
                .y_label(rows.target_name())
                .to_svg()?;
            let caption = "The predicted mean, where it may lie, and where new observations may.";
            report = report.figure(&picture, caption);
        }
        let picture = Agreement::new(&y, prediction.mean())
            .title("Predictions")
            .x_label("observed")
            .y_label("predicted mean")
            .to_svg()?;
        Ok(report.figure(
            &picture,
            "What was predicted of each row, against what was observed.",
        ))
    }
}
