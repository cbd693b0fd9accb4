//! What was observed beside what the posterior would draw in its place.

use super::canvas::{Canvas, svg};
use super::curve::{Curve, UNBOUNDED};
use super::frame::{Frame, Key, frame_settings, pale};
use super::lines::draw_curve;
use super::panel::{Axis, Panel};
use super::style::{INK, Mark, category};
use super::{PlotError, Result, check};
use plotters::style::Color;

/// Densities of draws at the most.
const CURVES: usize = 50;
/// Bars of whole numbers at the most; of more, several numbers share one.
const BARS: usize = 40;

/// The posterior predictive check: the density of what was observed over the densities of data sets drawn from the
/// posterior; of whole numbers how often each was observed, with the 90 % interval of how often it was drawn.
///
/// Where the draws do not look as the observations do, the model lacks something (Gelman, Meng and Stern 1996, "Posterior
/// predictive assessment of model fitness via realized discrepancies"). Of long tails the picture shows what lies between
/// the quantiles 0.5 % and 99.5 % of the draws, and all that was observed.
///
/// ```
/// use bayes_nn::plots::PredictiveCheck;
///
/// let observed = [1.0, 0.0, 2.0, 1.0];
/// let drawn = [0.0, 1.0, 1.0, 2.0, 1.0, 1.0, 0.0, 3.0]; // two draws of four observations
/// let svg = PredictiveCheck::new(&observed, &drawn).x_label("count").to_svg()?;
/// assert!(svg.contains("observed"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PredictiveCheck<'a> {
    observed: &'a [f64],
    drawn: &'a [f64],
    names: Vec<String>,
    bounds: (f64, f64),
    frame: Frame,
}

impl<'a> PredictiveCheck<'a> {
    /// What was observed, `[n]`, and draws of it, row-major `[draws, n]`.
    pub fn new(observed: &'a [f64], drawn: &'a [f64]) -> Self {
        let mut frame = Frame::new(720, 360);
        frame.x_label = "value".to_owned();
        Self {
            observed,
            drawn,
            names: vec![],
            bounds: UNBOUNDED,
            frame,
        }
    }

    /// The numbers lie between these bounds, of which either may be infinite: densities are reflected there, as in
    /// [`Densities::within`](super::Densities::within).
    #[must_use]
    pub fn within(mut self, bounds: (f64, f64)) -> Self {
        self.bounds = bounds;
        self
    }

    frame_settings!();

    frame_settings!(class_names);

    /// Draws the picture.
    ///
    /// # Errors
    /// No observations, draws that are no whole data sets, values that are not finite, a size too small.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        let n = self.observed.len();
        check::not_empty("observations", n)?;
        check::not_empty("draws", self.drawn.len())?;
        let whole = (self.drawn.len() / n).max(1) * n;
        check::length("draws", self.drawn.len(), whole)?;
        check::finite("observations", self.observed)?;
        check::finite("draws", self.drawn)?;
        check::within("observations", self.observed, self.bounds)?;
        check::within("draws", self.drawn, self.bounds)?;
        self.frame.check_size(240, 180)?;
        let is_whole = |value: &f64| value.fract() == 0.0;
        let mut sorted = self.drawn.to_vec();
        sorted.sort_by(f64::total_cmp);
        let ends = [0.005, 0.995].map(|share| check::quantile(&sorted, share));
        let range = check::extent(self.observed.iter().copied().chain(ends));
        match self.observed.iter().all(is_whole) && self.drawn.iter().all(is_whole) {
            true => self.bars((range.0.floor(), range.1.ceil())),
            false => self.densities(range),
        }
    }

    fn densities(&self, range: (f64, f64)) -> Result<String> {
        let range = check::padded(range, 0.08);
        let data_sets = self.drawn.len() / self.observed.len();
        let shown = data_sets.min(CURVES);
        let data_sets = (0..shown).map(|draw| {
            let start = draw * data_sets / shown * self.observed.len();
            &self.drawn[start..start + self.observed.len()]
        });
        let drawn: Vec<Curve> = data_sets
            .map(|set| Curve::between(set, range, self.bounds))
            .collect();
        let observed = Curve::between(self.observed, range, self.bounds);
        // One data set of equal draws does not hide all others.
        let mut peaks: Vec<f64> = drawn.iter().map(|curve| curve.peak).collect();
        peaks.sort_by(f64::total_cmp);
        let peak = check::quantile(&peaks, 0.95).max(observed.peak);
        let legend = [
            (
                Key::Line(INK),
                format!("observed ({} values)", self.observed.len()),
            ),
            (
                Key::Line(category(4)),
                format!("drawn from the posterior, {shown} times"),
            ),
        ];
        svg(self.frame.size(), |canvas| {
            let [x, _] = self.frame.axes(range, (0.0, 1.0))?;
            let y = Axis::new("y axis", (0.0, 1.08 * peak), "density")?.without_ticks();
            let panel = self.frame.panel(canvas, &legend, [x, y])?;
            for curve in &drawn {
                let color = category(4).mix(0.45);
                draw_curve(canvas, &panel, &curve.x, &curve.density, color, 0.9)?;
            }
            draw_curve(
                canvas,
                &panel,
                &observed.x,
                &observed.density,
                INK.to_rgba(),
                2.25,
            )?;
            panel.draw_axes(canvas)
        })
    }

    /// How often each whole number occurs.
    fn bars(&self, (first, last): (f64, f64)) -> Result<String> {
        let width = ((last - first + 1.0) / BARS as f64).ceil();
        let bars = ((last - first + 1.0) / width).ceil() as usize;
        let histogram = |values: &[f64]| {
            let mut counts = vec![0.0; bars];
            for value in values {
                let bar = (value - first) / width;
                if (0.0..bars as f64).contains(&bar) {
                    counts[bar as usize] += 1.0;
                }
            }
            counts
        };
        let observed = histogram(self.observed);
        let drawn: Vec<Vec<f64>> = self
            .drawn
            .chunks_exact(self.observed.len())
            .map(histogram)
            .collect();
        let intervals: Vec<[f64; 3]> = (0..bars)
            .map(|bar| {
                let mut counts: Vec<f64> = drawn.iter().map(|counts| counts[bar]).collect();
                counts.sort_by(f64::total_cmp);
                let mean = counts.iter().sum::<f64>() / counts.len() as f64;
                [
                    check::quantile(&counts, 0.05),
                    mean,
                    check::quantile(&counts, 0.95),
                ]
            })
            .collect();
        let highest = observed
            .iter()
            .chain(intervals.iter().flatten())
            .copied()
            .fold(1.0, f64::max);
        let legend = [
            (
                Key::Bar(category(0)),
                format!("observed ({} values)", self.observed.len()),
            ),
            (
                Key::Mark(Mark::Circle, category(1)),
                "drawn from the posterior: mean and 90 % interval".to_owned(),
            ),
        ];
        svg(self.frame.size(), |canvas| {
            let half = 0.5 * width;
            let range = (first - half, first + bars as f64 * width - half);
            let x = Axis::new("x axis", range, &self.frame.x_label)?.named(self.names.clone());
            let y = Axis::new("y axis", (0.0, 1.06 * highest), "count")?;
            let panel = self.frame.panel(canvas, &legend, [x, y])?;
            for bar in 0..bars {
                let middle = first + bar as f64 * width;
                draw_bar(canvas, &panel, middle, width, observed[bar])?;
                let [lower, mean, upper] = intervals[bar].map(|count| panel.at((middle, count)));
                canvas.line(&[lower, upper], category(1).to_rgba(), 1.75)?;
                canvas.mark(Mark::Circle, mean, 3.5, category(1).to_rgba())?;
            }
            panel.draw_axes(canvas)
        })
    }
}

fn draw_bar(canvas: &Canvas<'_>, panel: &Panel, middle: f64, width: f64, count: f64) -> Result<()> {
    let from = panel.at((middle - 0.42 * width, count));
    let to = panel.at((middle + 0.42 * width, 0.0));
    canvas.rectangle(from, to, pale(category(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_counted_and_others_have_densities() {
        let counts = PredictiveCheck::new(&[0.0, 1.0], &[1.0, 1.0, 0.0, 2.0])
            .to_svg()
            .unwrap();
        assert!(counts.contains("90 % interval") && counts.contains("observed (2 values)"));
        let numbers = PredictiveCheck::new(&[0.5, 1.0], &[1.0, 1.5, 0.0, 2.0])
            .to_svg()
            .unwrap();
        assert!(numbers.contains("drawn from the posterior, 2 times"));
    }

    /// A density that is highest at 0 reaches below it, unless it is reflected there.
    #[test]
    fn densities_end_at_the_bounds_of_the_numbers() {
        let incomes: Vec<f64> = (0..200).map(|i| (f64::from(i) / 200.0).powi(3)).collect();
        let check = || PredictiveCheck::new(&incomes, &incomes);
        let left = |svg: &str| {
            let lines = svg.split("<polyline").skip(1);
            let x = lines.filter_map(|line| {
                let points = line.split("points=\"").nth(1)?;
                points.split(',').next()?.trim().parse::<f64>().ok()
            });
            x.collect::<Vec<_>>()
        };
        let positive = check().within((0.0, f64::INFINITY)).to_svg().unwrap();
        let (bounded, free) = (left(&positive), left(&check().to_svg().unwrap()));
        // Of the lines of the picture those of the two densities begin further right, at 0.
        assert_eq!(bounded.len(), free.len());
        let moved = bounded.iter().zip(&free).filter(|(b, f)| b > f).count();
        assert_eq!(moved, 2, "{bounded:?}, {free:?}");
        let error = check().within((0.5, 1.0)).to_svg().unwrap_err();
        assert!(
            error.to_string().starts_with("observations, index 0"),
            "{error}"
        );
    }

    #[test]
    fn many_counts_share_bars() {
        let observed: Vec<f64> = (0..1_000).map(f64::from).collect();
        let svg = PredictiveCheck::new(&observed, &observed).to_svg().unwrap();
        let marks = svg.matches("<circle").count();
        assert!((BARS - 1..=BARS + 1).contains(&marks), "{marks} marks");
    }

    #[test]
    fn classes_have_their_names() {
        let check = PredictiveCheck::new(&[0.0, 1.0], &[1.0, 1.0]).class_names(["ham", "spam"]);
        let svg = check.to_svg().unwrap();
        assert!(svg.contains("ham") && svg.contains("spam"));
    }

    #[test]
    fn long_tails_do_not_hide_the_rest() {
        let observed: Vec<f64> = (0..100).map(|i| (f64::from(i) * 0.7).sin()).collect();
        let mut drawn = observed.repeat(10);
        drawn[5] = 1e9;
        let svg = PredictiveCheck::new(&observed, &drawn).to_svg().unwrap();
        assert!(!svg.contains("e9"));
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let message = |observed: &[f64], drawn: &[f64]| {
            let check = PredictiveCheck::new(observed, drawn);
            check.to_svg().unwrap_err().to_string()
        };
        assert!(message(&[], &[1.0]).starts_with("observations: nothing to draw"));
        assert!(message(&[1.0], &[]).starts_with("draws: nothing to draw"));
        assert_eq!(
            message(&[1.0, 2.0], &[1.0; 5]),
            "draws has 5 values; 4 are needed"
        );
        assert!(message(&[f64::NAN], &[1.0]).starts_with("observations, index 0: NaN"));
    }
}
