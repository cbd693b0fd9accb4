//! Mixtures of two normals in order.

use bayes_nn::distributions::{Beta, Distribution, HalfNormal, Mixture, Normal, Ordered};
use bayes_nn::model::{Data, concat, from_fn};

use super::Simulation;
use crate::Error;
use crate::data::Folder;
use crate::run::{Method, Run};

/// Numbers from two normals with these means and standard deviations, 60 % of them from the first.
fn numbers(seed: u64, rows: usize, peaks: [(f64, f64); 2]) -> Result<Data, Error> {
    let mut simulation = Simulation::new(seed);
    let y: Vec<f64> = (0..rows)
        .map(|row| {
            let (mean, sd) = peaks[usize::from(5 * row >= 3 * rows)];
            simulation.normal(mean, sd)
        })
        .collect();
    Ok(Data::new().column("y", &y)?)
}

fn two_peaks(data: Data, method: &Method) -> Result<Run, Error> {
    let model = from_fn(|trace, data| {
        let mu = trace.sample("mu", Ordered::new(Normal::new(0.0, 5.0), 2));
        let sigma = trace.sample("sigma", HalfNormal::new(3.0).expand([2]));
        let share = trace.sample("share", Beta::new(2.0, 2.0));
        let peak = |k: usize| Normal::new(mu.row(k), sigma.row(k));
        let peaks = Mixture::new([(share, peak(0)), (1.0 - share, peak(1))]);
        trace.observe("y", peaks, data.column("y"));
    });
    Ok(Run::of(&model, data, method)?)
}

/// Peaks with a valley between them.
pub fn well_separated(_: &Folder, method: &Method) -> Result<Run, Error> {
    two_peaks(numbers(105, 250, [(-2.0, 1.0), (3.0, 0.7)])?, method)
}

/// A narrow peak inside a wide one: whether it lies to the left or to the right is open, which makes
/// two modes of an order of the means.
fn narrow_in_wide() -> Result<Data, Error> {
    numbers(106, 150, [(0.0, 2.5), (0.1, 0.5)])
}

/// Peaks with one summit.
pub fn badly_separated(_: &Folder, method: &Method) -> Result<Run, Error> {
    two_peaks(narrow_in_wide()?, method)
}

/// The same posterior by peaks in the order of their widths, which has one mode; they are brought
/// into the order of their means afterwards.
pub fn badly_separated_by_widths(_: &Folder, method: &Method) -> Result<Run, Error> {
    let model = from_fn(|trace, data| {
        let mean = trace.sample("standard_mean", Normal::new(0.0, 5.0).expand([2]));
        let width = Ordered::new(HalfNormal::new(3.0), 2);
        let width = trace.sample("standard_width", width);
        let narrow = trace.sample("standard_share", Beta::new(2.0, 2.0));
        let peak = |k: usize| Normal::new(mean.row(k), width.row(k));
        let peaks = Mixture::new([(narrow, peak(0)), (1.0 - narrow, peak(1))]);
        trace.observe("y", peaks, data.column("y"));

        let in_order = mean.row(0).lt(mean.row(1));
        for (name, of) in [("mu", mean), ("sigma", width)] {
            let pair = [(0, 1), (1, 0)].map(|(first, second)| {
                let one = in_order.select(of.row(first), of.row(second));
                one.reshape([1])
            });
            trace.deterministic(name, concat(&pair, 0));
        }
        trace.deterministic("share", in_order.select(narrow, 1.0 - narrow));
    });
    Ok(Run::of(&model, narrow_in_wide()?, method)?)
}
