//! The pictures, each a function from results to SVG.

use std::error::Error;

use bayes_nn::model::{Model, Posterior};
use bayes_nn::plots::{Agreement, Intervals, Lines, PlotError, Series};
use bayes_nn::{Comparison, Draws};

use crate::data::Houses;

/// Draws of the guide.
const DRAWS: usize = 2000;

/// The ELBO against steps, of both fits.
pub fn elbo<M>(mini: &Posterior<M>, full: &Posterior<M>) -> Result<String, PlotError> {
    let mut plot = Lines::new()
        .title("The ELBO of every step")
        .x_label("step")
        .y_label("ELBO (nats of the full data)")
        .y_quantiles(0.05, 1.0);
    for (name, fit) in [("minibatches", mini), ("all data", full)] {
        let elbos = fit.advi().unwrap().curve().elbos();
        let steps: Vec<f64> = (1..=elbos.len()).map(|step| step as f64).collect();
        plot = plot.series(Series::new(name, &steps, elbos).smoothed(elbos.len() / 100));
    }
    plot.to_svg()
}

/// Levels of counties, from few houses to many, by both methods and as plain means.
pub fn shrinkage<M: Model>(
    houses: &Houses,
    advi: &Posterior<M>,
    nuts: &Posterior<M>,
) -> Result<String, Box<dyn Error>> {
    let sizes = houses.sizes();
    let mut counties: Vec<usize> = (0..houses.counties()).collect();
    counties.sort_by(|&a, &b| sizes[a].total_cmp(&sizes[b]));
    let places = |shift: f64| -> Vec<f64> {
        let ranks = 1..=counties.len();
        ranks.map(|rank| rank as f64 + shift).collect()
    };
    let (advi, nuts) = (advi.draws(DRAWS, 0)?, nuts.all_draws()?);
    let overall = nuts.variable("mu_a")?.mean()[0];
    let mut plot = Intervals::new()
        .title("Levels of the counties")
        .x_label("counties, from few houses to many")
        .y_label("log radon in the basement")
        .size(900, 440)
        .line("mean of all counties", overall);
    for (name, draws, shift) in [("ADVI", &advi, -0.2), ("NUTS", &nuts, 0.2)] {
        let [middle, lower, upper] = intervals(draws, &counties)?;
        plot = plot.series(name, &places(shift), &middle, &lower, &upper);
    }
    let raw = houses.basement_means();
    let measured = counties.iter().zip(places(0.0));
    let measured = measured.filter_map(|(&county, place)| Some((place, raw[county]?)));
    let (x, means): (Vec<f64>, Vec<f64>) = measured.unzip();
    plot = plot.series("mean of its basements", &x, &means, &means, &means);
    Ok(plot.to_svg()?)
}

/// Means and ends of the central 90 % intervals of the levels of counties.
fn intervals(draws: &Draws, counties: &[usize]) -> Result<[Vec<f64>; 3], bayes_nn::Error> {
    let levels = draws.variable("a")?;
    let mut result = [const { Vec::new() }; 3];
    for &county in counties {
        let mut values = levels.element(county);
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize];
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        for (list, value) in result.iter_mut().zip([mean, at(0.05), at(0.95)]) {
            list.push(value);
        }
    }
    Ok(result)
}

/// Posterior means of all levels and slopes, ADVI against NUTS.
pub fn effects(comparison: &Comparison) -> Result<String, PlotError> {
    let effects = comparison
        .sites
        .iter()
        .filter(|site| site.name().starts_with("a[") || site.name().starts_with("b["));
    let means = effects.filter_map(|site| Some((site.reference.mean?, site.fit.mean?)));
    let (nuts, advi): (Vec<f64>, Vec<f64>) = means.unzip();
    Agreement::new(&nuts, &advi)
        .title("Levels and slopes of the counties")
        .x_label("posterior mean by NUTS")
        .y_label("posterior mean by ADVI")
        .to_svg()
}
