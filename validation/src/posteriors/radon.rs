//! Radon in the houses of Minnesota, by county (Gelman and Hill 2006, chapter 12).

use bayes_nn::distributions::{Distribution, HalfNormal, Normal};
use bayes_nn::model::{Data, from_fn};

use crate::Error;
use crate::data::Folder;
use crate::run::{Method, Run};

/// Uranium in the ground, the floor that was measured, and the mean floor of the county. Most
/// counties have few houses, so their effects are written as so many standard deviations.
pub fn contextual_effects(folder: &Folder, method: &Method) -> Result<Run, Error> {
    let names = ["county_code", "floor", "Uppm", "activity"];
    let [county, floor, uranium, activity] = folder.csv("radon/radon_mn_919.csv", names)?;
    let county: Vec<usize> = county.iter().map(|code| *code as usize).collect();
    let counties = county.iter().max().map_or(0, |last| last + 1);
    let mean_floor: Vec<f64> = county
        .iter()
        .map(|own| {
            let floors = county.iter().zip(&floor).filter(|(code, _)| *code == own);
            let (count, sum) =
                floors.fold((0.0, 0.0), |(n, sum), (_, floor)| (n + 1.0, sum + floor));
            sum / count
        })
        .collect();
    let log_uranium: Vec<f64> = uranium.iter().map(|x| x.ln()).collect();
    let log_radon: Vec<f64> = activity
        .iter()
        .map(|&x| if x <= 0.0 { 0.1f64.ln() } else { x.ln() })
        .collect();

    let data = Data::new()
        .index("county", &county)?
        .column("log_uranium", &log_uranium)?
        .column("floor", &floor)?
        .column("mean_floor", &mean_floor)?
        .column("log_radon", &log_radon)?;
    let model = from_fn(move |trace, data| {
        let mean = trace.sample("county_effect_mean", Normal::new(0.0, 1.0));
        let scale = trace.sample("county_effect_scale", HalfNormal::new(1.0));
        let standard = trace.sample("standard", Normal::new(0.0, 1.0).expand([counties]));
        let effect = trace.deterministic("county_effect", mean + scale * standard);
        let weight = trace.sample("weight", Normal::new(0.0, 1.0).expand([3]));
        let noise = trace.sample("log_radon_scale", HalfNormal::new(1.0));
        let expected = weight.row(0) * data.column("log_uranium")
            + weight.row(1) * data.column("floor")
            + weight.row(2) * data.column("mean_floor")
            + effect.gather(data.index("county"), 0);
        trace.observe(
            "log_radon",
            Normal::new(expected, noise),
            data.column("log_radon"),
        );
    });
    Ok(Run::of(&model, data, method)?)
}
