//! A regression on one input: observations, the line, and bands of what is not known.

use super::canvas::svg;
use super::frame::{Frame, Key, frame_settings, pale};
use super::lines::{draw_band, draw_curve};
use super::style::{INK, Mark, category};
use super::{PlotError, Result, check};
use bayes_nn_models::Prediction;
use plotters::style::{Color, RGBAColor};

/// Observations of a number against one input, and over them the predicted mean with two bands: where new observations
/// lie, and where the mean does.
///
/// ```
/// use bayes_nn::plots::Regression;
/// use bayes_nn::prelude::*;
///
/// let line = model::from_fn(|trace, data| {
///     let slope = trace.sample("slope", Normal::new(0.0, 10.0));
///     let noise = trace.sample("noise", HalfNormal::new(1.0));
///     trace.observe("y", Normal::new(slope * data.column("x"), noise), data.column("y"));
/// });
/// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [1.1, 1.8, 3.2, 3.9]);
/// let fit = model::fit(&line, Data::new().column("x", &x)?.column("y", &y)?, &Advi::full_rank())?;
/// let grid = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
/// let prediction = fit.predict(Data::new().column("x", &grid)?, 500)?;
/// let svg = Regression::new(&x, &y).prediction(&grid, &prediction).to_svg()?;
/// assert!(svg.contains("95 % of new observations"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Regression<'a> {
    x: &'a [f64],
    y: &'a [f64],
    curve: Option<Curve>,
    frame: Frame,
}

/// What is predicted, along a rising input.
#[derive(Debug, Clone)]
struct Curve {
    x: Vec<f64>,
    mean: Vec<f64>,
    /// Names with lower and upper ends, the widest first.
    bands: Vec<(String, Vec<f64>, Vec<f64>)>,
    /// Rows that were predicted, means of them, and inputs that were handed in.
    rows: usize,
    means: usize,
    inputs: usize,
}

impl<'a> Regression<'a> {
    /// The input of each observation and what was observed, both `[n]`.
    pub fn new(x: &'a [f64], y: &'a [f64]) -> Self {
        let mut frame = Frame::new(720, 440);
        (frame.x_label, frame.y_label) = ("x".to_owned(), "y".to_owned());
        Self {
            x,
            y,
            curve: None,
            frame,
        }
    }

    frame_settings!();

    /// Adds what is predicted at each input of `x`, in any order: the mean, the interval of the prediction, and where the
    /// mean lies, 1.96 of its standard deviations between draws on both sides.
    #[must_use]
    pub fn prediction(mut self, x: &[f64], prediction: &Prediction) -> Self {
        let mut order: Vec<usize> = (0..x.len().min(prediction.rows())).collect();
        order.sort_by(|&a, &b| x[a].total_cmp(&x[b]));
        let sorted =
            |values: &[f64]| -> Vec<f64> { order.iter().map(|&row| values[row]).collect() };
        let mean = sorted(prediction.mean());
        let sd = sorted(prediction.sd_between_draws());
        let mut bands = vec![];
        if let Some((lower, upper)) = prediction.interval() {
            let percent = 100.0 * prediction.interval_probability();
            let name = format!("{percent:.0} % of new observations");
            bands.push((name, sorted(lower), sorted(upper)));
        }
        let ends = |side: f64| {
            mean.iter()
                .zip(&sd)
                .map(move |(mean, sd)| mean + side * 1.96 * sd)
        };
        let (lower, upper) = (ends(-1.0).collect(), ends(1.0).collect());
        bands.push(("95 % of the mean".to_owned(), lower, upper));
        self.curve = Some(Curve {
            x: sorted(x),
            mean,
            bands,
            rows: prediction.rows(),
            means: prediction.mean().len(),
            inputs: x.len(),
        });
        self
    }

    /// Draws the picture.
    ///
    /// # Errors
    /// No observations, lengths that do not fit, values that are not finite, a prediction of classes, a size too small.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        check::not_empty("observations", self.x.len())?;
        check::length("y", self.y.len(), self.x.len())?;
        check::finite("x", self.x)?;
        check::finite("y", self.y)?;
        self.frame.check_size(240, 180)?;
        let curve = self.curve.iter();
        curve.clone().try_for_each(Curve::check)?;
        let xs = self
            .x
            .iter()
            .chain(curve.clone().flat_map(|curve| &curve.x));
        let bands = curve.clone().flat_map(|curve| &curve.bands);
        let ends = bands.flat_map(|(_, lower, upper)| lower.iter().chain(upper));
        let ys = self
            .y
            .iter()
            .chain(curve.clone().flat_map(|curve| &curve.mean))
            .chain(ends);
        let x_range = check::padded(check::extent(xs.copied()), 0.02);
        let y_range = check::padded(check::extent(ys.copied()), 0.05);
        let mut legend = vec![(Key::Mark(Mark::Circle, INK), "observed".to_owned())];
        if let Some(curve) = &self.curve {
            legend.push((Key::Line(category(0)), "predicted mean".to_owned()));
            let names = curve.bands.iter().enumerate();
            legend.extend(names.map(|(i, (name, ..))| (Key::Band(shade(i)), name.clone())));
        }
        svg(self.frame.size(), |canvas| {
            let axes = self.frame.axes(x_range, y_range)?;
            let panel = self.frame.panel(canvas, &legend, axes)?;
            for curve in curve.clone() {
                for (index, (_, lower, upper)) in curve.bands.iter().enumerate() {
                    draw_band(canvas, &panel, &curve.x, lower, upper, shade(index))?;
                }
            }
            for (&x, &y) in self.x.iter().zip(self.y) {
                canvas.mark(Mark::Circle, panel.at((x, y)), 2.5, INK.mix(0.55))?;
            }
            for curve in curve {
                let color = category(0).to_rgba();
                draw_curve(canvas, &panel, &curve.x, &curve.mean, color, 2.25)?;
            }
            panel.draw_axes(canvas)
        })
    }
}

impl Curve {
    fn check(&self) -> Result<()> {
        check::not_empty("rows of the prediction", self.rows)?;
        check::length("x of the prediction", self.inputs, self.rows)?;
        check::length("means of the prediction", self.means, self.rows)?;
        check::finite("x of the prediction", &self.x)?;
        let ends = self
            .bands
            .iter()
            .flat_map(|(_, lower, upper)| [lower, upper]);
        ends.chain([&self.mean])
            .try_for_each(|values| check::finite("the prediction", values))
    }
}

/// The colour of a band, the widest first.
fn shade(index: usize) -> RGBAColor {
    match index {
        0 => category(4).mix(0.3),
        _ => pale(category(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bayes_nn::prelude::*;

    /// What one network predicts of numbers or classes.
    fn prediction(grid: &[f64], classes: usize) -> Prediction {
        let x = [0.0, 0.5, 1.0, 1.5];
        let numbers = [0.0, 1.0, 2.0, 3.0];
        let y = match classes {
            0 => numbers,
            classes => numbers.map(|number| number % classes as f64),
        };
        let data = Dataset::new(&x, 1, &y).unwrap();
        let advi = Advi::mean_field().steps(20).seed(1);
        match classes {
            0 => Bnn::new(Mlp::new([1, 1]), Gaussian::new())
                .fit(&data, &advi)
                .unwrap()
                .predict(grid, 20),
            _ => Bnn::new(Mlp::new([1, classes]), Categorical)
                .fit(&data, &advi)
                .unwrap()
                .predict(grid, 20),
        }
        .unwrap()
    }

    #[test]
    fn inputs_of_the_prediction_may_come_in_any_order() {
        let (x, y) = ([0.0, 1.0], [0.0, 1.0]);
        let svg = |grid: &[f64]| {
            let plot = Regression::new(&x, &y).prediction(grid, &prediction(grid, 0));
            plot.to_svg().unwrap().matches("<polygon").count()
        };
        assert_eq!(svg(&[0.0, 1.0, 2.0]), svg(&[2.0, 0.0, 1.0]));
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let message = |plot: Regression<'_>| plot.to_svg().unwrap_err().to_string();
        assert!(message(Regression::new(&[], &[])).starts_with("observations: nothing to draw"));
        assert_eq!(
            message(Regression::new(&[1.0], &[])),
            "y has 0 values; 1 are needed"
        );
        let plot = Regression::new(&[0.0], &[0.0]);
        let grid = [0.0, 1.0];
        assert_eq!(
            message(plot.clone().prediction(&[0.0; 3], &prediction(&grid, 0))),
            "x of the prediction has 3 values; 2 are needed"
        );
        assert_eq!(
            message(plot.prediction(&grid, &prediction(&grid, 3))),
            "means of the prediction has 6 values; 2 are needed"
        );
    }
}
