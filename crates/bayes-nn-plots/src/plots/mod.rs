//! Pictures as SVG text: data, curves, surfaces, posteriors, calibration.
//!
//! Every plot is a small builder that gives a `String` with [`to_svg`](Scatter::to_svg); saving it, or putting it into a
//! [`Report`](crate::report::Report), is the caller's. With the feature `png`, `to_png` makes a PNG of it. All share one visual language: white background,
//! the colour-blind-safe palette of Okabe and Ito, perceptually uniform colour maps, and legends that never cover data.
//!
//! ```
//! use bayes_nn::{datasets, plots::Scatter};
//!
//! let data = datasets::moons(200, 0.2, 0)?;
//! let svg = Scatter::new(data.x(), data.y()).title("Two moons").x_label("x1").y_label("x2").to_svg()?;
//! assert!(svg.starts_with("<svg"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod agreement;
mod calibration;
mod canvas;
mod check;
mod color_bar;
mod contour;
mod curve;
mod densities;
mod energy;
mod forest;
mod frame;
mod images;
mod intervals;
mod lines;
mod loo_pit;
mod pairs;
mod panel;
mod png;
mod predictive_check;
mod prior_posterior;
mod ranks;
#[cfg(feature = "png")]
mod raster;
mod regression;
mod scatter;
mod series;
mod style;
mod surface;
mod ticks;
mod traces;

pub use agreement::Agreement;
pub use calibration::Calibration;
pub use densities::Densities;
pub use energy::Energy;
pub use forest::Forest;
pub use images::Images;
pub use intervals::Intervals;
pub use lines::Lines;
pub use loo_pit::LooPit;
pub use pairs::Pairs;
pub use predictive_check::PredictiveCheck;
pub use prior_posterior::PriorPosterior;
pub use ranks::Ranks;
#[cfg(feature = "png")]
pub use raster::to_png;
pub use regression::Regression;
pub use scatter::{Predictions, Scatter};
pub use series::Series;
pub use style::ColorMap;
pub use surface::Surface;
pub use traces::Traces;

/// What drawing gives.
type Result<T, E = PlotError> = std::result::Result<T, E>;

/// What was wrong with the data or settings of a plot, and what would be right. Indices count from 0.
///
/// ```
/// use bayes_nn::plots::{Lines, PlotError, Series};
///
/// let error = Lines::new().series(Series::new("ELBO", &[1.0, 2.0], &[0.5])).to_svg().unwrap_err();
/// assert!(matches!(error, PlotError::Length { .. }));
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// There is nothing to draw.
    #[error("{what}: nothing to draw; at least one value is needed")]
    Empty {
        /// Which data.
        what: String,
    },
    /// Lengths that do not fit together.
    #[error("{what} has {found} values; {expected} are needed")]
    Length {
        /// Which data.
        what: String,
        /// Its length.
        found: usize,
        /// The length that would fit.
        expected: usize,
    },
    /// A value is NaN or infinite.
    #[error("{what}, index {index}: {value} is not finite and has no place in a picture")]
    NotFinite {
        /// Which data.
        what: String,
        /// Index, from 0.
        index: usize,
        /// The value found.
        value: f64,
    },
    /// A value outside the bounds of its scalar.
    #[error("{what}, index {index}: {value} lies beyond the bounds {lower} and {upper}")]
    Beyond {
        /// What has the value.
        what: String,
        /// Its place.
        index: usize,
        /// The value.
        value: f64,
        /// The bounds.
        lower: f64,
        /// The upper one.
        upper: f64,
    },
    /// A class label that is no whole number from 0.
    #[error("row {row}: {label} is no class; classes are whole numbers from 0 to 255")]
    Class {
        /// Row, from 0.
        row: usize,
        /// The label found.
        label: f64,
    },
    /// A value that is not positive on a logarithmic axis.
    #[error("{value} on the logarithmic {axis} axis; its values must be above 0")]
    Logarithm {
        /// `x` or `y`.
        axis: &'static str,
        /// The value found.
        value: f64,
    },
    /// A range that is empty, in the wrong order, or too narrow or too wide for ticks.
    #[error(
        "the {what} from {lower} to {upper}; it needs lower < upper and a width from 1e-300 to 1.7e308"
    )]
    Range {
        /// Which range.
        what: &'static str,
        /// Lower end.
        lower: f64,
        /// Upper end.
        upper: f64,
    },
    /// The lines of a grid are not evenly spaced in rising order.
    #[error(
        "{what} is not evenly spaced in rising order at index {index}; a surface needs a regular grid"
    )]
    Grid {
        /// Which axis.
        what: &'static str,
        /// Index, from 0.
        index: usize,
    },
    /// A standard deviation that is not positive.
    #[error("`{name}`: standard deviation {sd}; it must be finite and above 0")]
    Sd {
        /// Name of the density.
        name: String,
        /// The value found.
        sd: f64,
    },
    /// A value outside [0, 1].
    #[error("{what} is {value}; it must lie between 0 and 1")]
    NotProbability {
        /// Which value: the probability of a bin, say.
        what: &'static str,
        /// The value found.
        value: f64,
    },
    /// A picture too small for its labels, or absurdly large.
    #[error(
        "{width} x {height} pixels; at least {min_width} x {min_height} are needed, at most 20000 x 20000"
    )]
    Size {
        /// Width asked for.
        width: u32,
        /// Height asked for.
        height: u32,
        /// Smallest width of this plot.
        min_width: u32,
        /// Smallest height of this plot.
        min_height: u32,
    },
    /// Title, legend and labels take up the whole picture.
    #[error(
        "title, legend and axis labels leave no room in {width} x {height} pixels; make the picture larger or them shorter"
    )]
    NoRoom {
        /// Width of the picture.
        width: u32,
        /// Height of the picture.
        height: u32,
    },
    /// There is no font to write a PNG with.
    #[error("the system has no font to write with; install one, as `fonts-dejavu-core` of Debian")]
    NoFont,
    /// The drawing back end failed.
    #[error("the SVG could not be drawn: {0}")]
    Draw(String),
}
