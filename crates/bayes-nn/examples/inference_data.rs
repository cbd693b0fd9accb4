//! Fits written as Zarr stores, with our own numbers of them beside: what `cargo xtask
//! arviz-check` lets ArviZ read and compute again.
//!
//! `cargo run --features zarr --example inference_data -- FOLDER` writes the stores and
//! `numbers.json`.

use std::path::{Path, PathBuf};

use bayes_nn::diagnostics::{
    Loo, ess_bulk, ess_mean, ess_quantile, ess_tail, mcse_mean, mcse_quantile, mcse_sd, r_hat,
};
use bayes_nn::distributions::{Distribution, HalfCauchy, HalfNormal, Normal, Poisson};
use bayes_nn::model::{self, Batch, Data, Model, Posterior, Trace};
use bayes_nn::{Advi, Draws, Error, Nuts, ZarrStore};
use serde_json::{Value, json};

const SCHOOLS: [&str; 8] = [
    "Choate",
    "Deerfield",
    "Andover",
    "Exeter",
    "Hotchkiss",
    "Lawrenceville",
    "St. Paul's",
    "Mt. Hermon",
];
const EFFECT: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
const ERROR: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];
const NAN: f64 = f64::NAN;

fn schools<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mean = trace.sample("mean", Normal::new(0.0, 5.0));
    let spread = trace.sample("spread", HalfCauchy::new(5.0));
    let standard = trace.sample("standard", Normal::new(0.0, 1.0).over("school"));
    let effect = trace.deterministic_over("effect", "school", mean + spread * standard);
    let measured = Normal::new(effect, data.column("error")).over("school");
    trace.observe("measured", measured, data.column("measured"));
}

/// Two outcomes of the same rows.
fn line<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let slope = trace.sample("slope", Normal::new(0.0, 2.0));
    let noise = trace.sample("noise", HalfNormal::new(1.0));
    let x = data.column("x");
    trace.observe("y", Normal::new(slope * x, noise), data.column("y"));
    trace.observe(
        "count",
        Poisson::new((0.3 * slope * x).exp()),
        data.column("count"),
    );
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("the folder to write to is missing")?;
    std::fs::create_dir_all(&folder)?;
    let cases = [
        eight_schools(&folder)?,
        two_outcomes(&folder)?,
        gaps(&folder)?,
        variational(&folder)?,
        on_the_way(&folder, false)?,
        on_the_way(&folder, true)?,
    ];
    let numbers = folder.join("numbers.json");
    std::fs::write(&numbers, serde_json::to_string(&cases)?)?;
    println!("{}", numbers.display());
    Ok(())
}

/// Every group, with names for the rows.
fn eight_schools(folder: &Path) -> Result<Value, Error> {
    let data = Data::new()
        .with_dimension("school", SCHOOLS)?
        .column("measured", &EFFECT)?
        .column("error", &ERROR)?;
    let nuts = Nuts::new()
        .draws(500)
        .warmup(400)
        .keep_warmup(true)
        .target_accept(0.9);
    let samples = model::fit(&schools, &data, &nuts.seed(1))?;
    samples
        .inference_data()?
        .posterior_predictive(&samples.predictive(&data, 2_000, 0)?)?
        .overwrite_zarr(folder.join("schools.zarr"))?;
    let draws = posterior_of_schools();
    let statistics = [
        "lp",
        "energy",
        "energy_error",
        "tree_depth",
        "n_steps",
        "diverging",
        "step_size",
        "acceptance_rate",
    ];
    let statistics: serde_json::Map<String, Value> = statistics
        .map(|name| (name.to_owned(), json!(["chain", "draw"])))
        .into_iter()
        .collect();
    let rows = json!({ "measured": ["chain", "draw", "school"] });
    Ok(json!({
        "store": "schools.zarr",
        "groups": {
            "posterior": draws,
            "sample_stats": statistics,
            "warmup_posterior": draws,
            "warmup_sample_stats": statistics,
            "log_likelihood": rows,
            "posterior_predictive": rows,
            "observed_data": { "measured": ["school"] },
            "constant_data": { "error": ["error_dim_0"] },
        },
        "coords": {
            "posterior/school": SCHOOLS,
            "posterior/chain": [0, 1, 2, 3],
        },
        "posterior": of_samples(&samples),
        "loo": { "measured": of_loo(&samples.loo("measured")?) },
        // By the values of `posterior_predictive`, which are drawn with the same seed.
        "loo_pit": { "measured": samples.loo_pit("measured")? },
    }))
}

/// Several observed variables, an odd number of draws and of chains.
fn two_outcomes(folder: &Path) -> Result<Value, Error> {
    let x = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0];
    let data = Data::new()
        .column("x", &x)?
        .column("y", &[1.1, 1.9, 3.2, 3.9, 5.1, 5.8])?
        .column("count", &[1.0, 2.0, 3.0, 2.0, 5.0, 6.0])?;
    let samples = model::fit(&line, &data, &Nuts::new().chains(3).draws(333).seed(7))?;
    let path = folder.join("outcomes.zarr");
    samples.inference_data()?.overwrite_zarr(path)?;
    Ok(json!({
        "store": "outcomes.zarr",
        "groups": groups(
            json!({ "slope": ["chain", "draw"], "noise": ["chain", "draw"] }),
            &["y", "count"],
            json!({ "x": ["x_dim_0"] }),
        ),
        "coords": { "log_likelihood/y_dim_0": [0, 1, 2, 3, 4, 5] },
        "posterior": of_samples(&samples),
        "loo": {
            "y": of_loo(&samples.loo("y")?),
            "count": of_loo(&samples.loo("count")?),
        },
    }))
}

/// Missing values: coordinates are row numbers.
fn gaps(folder: &Path) -> Result<Value, Error> {
    let normal = model::from_fn(|trace, data| {
        let mean = trace.sample("mean", Normal::new(1.0, 2.0));
        trace.observe("y", Normal::new(mean, 0.5), data.column("y"));
    });
    let y = [1.1, NAN, 0.7, 1.9, NAN, 1.4, 0.2, NAN];
    let data = Data::new().column_with_missing("y", &y)?;
    let samples = model::fit(&normal, &data, &Nuts::new().draws(400).seed(2))?;
    samples
        .inference_data()?
        .overwrite_zarr(folder.join("gaps.zarr"))?;
    let posterior = json!({
        "mean": ["chain", "draw"],
        "y_missing": ["chain", "draw", "y_missing_dim_0"],
    });
    Ok(json!({
        "store": "gaps.zarr",
        "groups": groups(posterior, &["y"], Value::Null),
        "coords": {
            "posterior/y_missing_dim_0": [1, 4, 7],
            "log_likelihood/y_dim_0": [0, 2, 3, 5, 6],
            "observed_data/y_dim_0": [0, 2, 3, 5, 6],
        },
        "posterior": of_samples(&samples),
        "loo": { "y": of_loo(&samples.loo("y")?) },
    }))
}

/// Draws of a guide: one chain.
fn variational(folder: &Path) -> Result<Value, Error> {
    let data = Data::new()
        .with_dimension("school", SCHOOLS)?
        .column("measured", &EFFECT)?
        .column("error", &ERROR)?;
    let fit = model::fit(&schools, &data, &Advi::full_rank().steps(4_000).seed(1))?;
    let fit = fit.take(1_000, 3)?;
    fit.inference_data()?
        .overwrite_zarr(folder.join("advi.zarr"))?;
    let draws = fit.draws(1_000, 3)?;
    Ok(json!({
        "store": "advi.zarr",
        "groups": {
            "posterior": posterior_of_schools(),
            "log_likelihood": { "measured": ["chain", "draw", "school"] },
            "observed_data": { "measured": ["school"] },
            "constant_data": { "error": ["error_dim_0"] },
        },
        "coords": { "posterior/chain": [0], "log_likelihood/school": SCHOOLS },
        "posterior": of_chains(&[draws]),
        "loo": { "measured": of_loo(&fit.loo("measured")?) },
    }))
}

/// A store that was written while the chains ran; of a run that was stopped, what they have in
/// common.
fn on_the_way(folder: &Path, stopped: bool) -> Result<Value, Error> {
    let data = Data::new()
        .with_dimension("school", SCHOOLS)?
        .column("measured", &EFFECT)?
        .column("error", &ERROR)?;
    let name = if stopped { "stopped.zarr" } else { "way.zarr" };
    let store = ZarrStore::new(folder.join(name)).every(70).overwrite(true);
    let nuts = Nuts::new().chains(3).threads(3).warmup(300).seed(5);
    let draws = if stopped { 1 << 40 } else { 250 };
    let run = store.start(&schools, &data, &nuts.draws(draws))?;
    if stopped {
        while run.progress().iter().any(|chain| chain.draws < 500) {
            std::thread::yield_now();
        }
        run.stop();
    }
    let samples = run.wait()?;
    // The first chains, as many as have most draws together.
    let mut shortest = usize::MAX;
    let lengths = samples
        .nuts()
        .unwrap()
        .chains()
        .iter()
        .map(|c| c.draws().len());
    let rectangles = lengths.enumerate().map(|(before, length)| {
        shortest = shortest.min(length);
        (before + 1, shortest)
    });
    let most = rectangles.max_by_key(|(chains, draws)| (chains * draws, *chains));
    let (count, draws) = most.expect("there are chains");
    let statistics = bayes_nn::nuts::Statistics::COLUMNS;
    let statistics = statistics.map(|(name, _)| (name.to_owned(), json!(["chain", "draw"])));
    let statistics = Value::Object(statistics.into_iter().collect());
    let chains: Vec<i64> = (0..count as i64).collect();
    Ok(json!({
        "store": name,
        "groups": {
            "posterior": posterior_of_schools(),
            "sample_stats": statistics,
            "warmup_sample_stats": statistics,
            "observed_data": { "measured": ["school"] },
            "constant_data": { "error": ["error_dim_0"] },
        },
        "coords": {
            "posterior/school": SCHOOLS,
            "posterior/chain": chains,
            "sample_stats/draw": (0..draws as i64).collect::<Vec<_>>(),
            "warmup_sample_stats/draw": (0..300).collect::<Vec<_>>(),
        },
        "posterior": of_rectangle(&samples.chains()[..count], draws),
        "loo": {},
    }))
}

/// The variables of the schools, with their dimensions.
fn posterior_of_schools() -> Value {
    json!({
        "mean": ["chain", "draw"],
        "spread": ["chain", "draw"],
        "standard": ["chain", "draw", "school"],
        "effect": ["chain", "draw", "school"],
    })
}

/// The groups that every run has, where rows have no names.
fn groups(posterior: Value, observed: &[&str], constant: Value) -> Value {
    let map = |dims: fn(&str) -> Value| {
        let named = observed.iter().map(|name| ((*name).to_owned(), dims(name)));
        Value::Object(named.collect())
    };
    let mut groups = json!({
        "posterior": posterior,
        "log_likelihood": map(|name| json!(["chain", "draw", format!("{name}_dim_0")])),
        "observed_data": map(|name| json!([format!("{name}_dim_0")])),
    });
    if !constant.is_null() {
        groups["constant_data"] = constant;
    }
    let statistics = bayes_nn::nuts::Statistics::COLUMNS;
    let statistics = statistics.map(|(name, _)| (name.to_owned(), json!(["chain", "draw"])));
    let statistics = Value::Object(statistics.into_iter().collect());
    groups["sample_stats"] = statistics.clone();
    groups["warmup_sample_stats"] = statistics;
    groups
}

fn of_samples<M: Model>(samples: &Posterior<M>) -> Value {
    of_chains(samples.chains())
}

fn of_chains(chains: &[Draws]) -> Value {
    of_rectangle(chains, usize::MAX)
}

/// Every diagnostic of every variable, of the first draws: for each element one number, or none.
fn of_rectangle(chains: &[Draws], draws: usize) -> Value {
    let variables = chains[0].variables().iter().enumerate();
    let variables = variables.map(|(number, variable)| {
        let elements = 0..variable.shape().elements();
        let elements = elements.map(|element| -> Vec<Vec<f64>> {
            let chains = chains.iter().map(|chain| {
                let mut values = chain.variables()[number].element(element);
                values.truncate(draws);
                values
            });
            chains.collect()
        });
        let elements: Vec<Vec<Vec<f64>>> = elements.collect();
        let each = |diagnostic: &dyn Fn(&[&[f64]]) -> Option<f64>| -> Vec<Option<f64>> {
            let chains = elements.iter().map(|chains| {
                let chains: Vec<&[f64]> = chains.iter().map(Vec::as_slice).collect();
                diagnostic(&chains)
            });
            chains.collect()
        };
        let moments = each(&|chains| {
            let draws = chains.concat();
            Some(draws.iter().sum::<f64>() / draws.len() as f64)
        });
        let sds = each(&|chains| {
            let draws = chains.concat();
            let mean = draws.iter().sum::<f64>() / draws.len() as f64;
            let squares: f64 = draws.iter().map(|x| (x - mean) * (x - mean)).sum();
            Some((squares / (draws.len() as f64 - 1.0)).sqrt())
        });
        // The tails that ArviZ takes unless it is told.
        let summary_tail = |chains: &[&[f64]]| {
            let [low, high] = [0.11, 0.89].map(|p| ess_quantile(chains, p).ok());
            Some(low?.min(high?))
        };
        let numbers = json!({
            "mean": moments,
            "sd": sds,
            "ess_bulk": each(&|chains| ess_bulk(chains).ok()),
            "ess_tail": each(&|chains| ess_tail(chains).ok()),
            "ess_tail_of_summary": each(&summary_tail),
            "ess_mean": each(&|chains| ess_mean(chains).ok()),
            "ess_quantile": each(&|chains| ess_quantile(chains, 0.3).ok()),
            "r_hat": each(&|chains| r_hat(chains).ok()),
            "mcse_mean": each(&|chains| mcse_mean(chains).ok()),
            "mcse_sd": each(&|chains| mcse_sd(chains).ok()),
            "mcse_quantile": each(&|chains| mcse_quantile(chains, 0.3).ok()),
        });
        (variable.name().to_owned(), numbers)
    });
    Value::Object(variables.collect())
}

fn of_loo(loo: &Loo) -> Value {
    json!({
        "elpd": [loo.elpd_loo],
        "se": [loo.se],
        "p": [loo.p_loo],
        "elpd_i": loo.pointwise,
        "pareto_k": loo.k_hats,
    })
}
