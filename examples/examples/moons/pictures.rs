//! The pictures, each a function from results to SVG.

use bayes_nn::plots::{
    Calibration, ColorMap, Lines, PlotError, Predictions, Scatter, Series, Surface,
};
use bayes_nn::scores::ReliabilityBin;
use bayes_nn::{Curve, Dataset, Prediction};

const CLASSES: [&str; 2] = ["class 0", "class 1"];

pub fn data(train: &Dataset) -> Result<String, PlotError> {
    Scatter::new(train.x(), train.y())
        .class_names(CLASSES)
        .title("The training points")
        .x_label("x1")
        .y_label("x2")
        .to_svg()
}

/// A name, the ELBO of every step and the abscissa of every step.
pub struct NamedCurve<'a> {
    pub name: &'a str,
    pub x: Vec<f64>,
    pub curve: &'a Curve,
}

/// The ELBO against steps or seconds, each curve smoothed and with its spread behind it.
pub fn elbo(curves: &[NamedCurve<'_>], title: &str, x_label: &str) -> Result<String, PlotError> {
    let mut plot = Lines::new()
        .title(title)
        .x_label(x_label)
        .y_label("ELBO (nats of the full data)")
        .y_quantiles(0.02, 1.0);
    for NamedCurve { name, x, curve } in curves {
        plot =
            plot.series(Series::new(*name, x, curve.elbos()).smoothed(curve.elbos().len() / 200));
    }
    plot.to_svg()
}

/// The same curve against seconds.
pub fn elbo_in_seconds(curve: NamedCurve<'_>) -> NamedCurve<'_> {
    NamedCurve {
        x: curve.curve.seconds(),
        ..curve
    }
}

pub fn predictions(test: &Dataset, prediction: &Prediction) -> Result<String, PlotError> {
    Predictions::new(test.x(), &prediction.predicted(), test.y())
        .class_names(CLASSES)
        .title("Predicted classes of the held-out points")
        .x_label("x1")
        .y_label("x2")
        .to_svg()
}

pub fn calibration(bins: &[ReliabilityBin]) -> Result<String, PlotError> {
    Calibration::new(bins)
        .title("Calibration on the held-out points")
        .to_svg()
}

/// A surface over the grid, with the test points on it and the boundary p = 0.5 if it is one
/// of probabilities.
pub struct Heat<'a> {
    pub axis: &'a [f64],
    pub test: &'a Dataset,
    pub values: &'a [f64],
    pub title: &'a str,
    pub label: &'a str,
}

impl Heat<'_> {
    fn surface(&self) -> Surface<'_> {
        Surface::new(self.axis, self.axis, self.values)
            .points(self.test.x(), self.test.y())
            .class_names(CLASSES)
            .value_label(self.label)
            .title(self.title)
            .x_label("x1")
            .y_label("x2")
    }

    pub fn probability(&self) -> Result<String, PlotError> {
        self.surface()
            .colors(ColorMap::Diverging)
            .range(0.0, 1.0)
            .contour(0.5)
            .to_svg()
    }

    pub fn uncertainty(&self) -> Result<String, PlotError> {
        self.surface().colors(ColorMap::Viridis).to_svg()
    }
}
