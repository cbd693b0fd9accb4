//! Posteriors as others found them, and long runs of our own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::Error;
use crate::data::{Folder, problem, read};
use crate::run::Run;

/// Moments of a scalar from a very long run.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// The scalar, as the rows of a summary call it: `beta[0]`.
    pub name: String,
    /// Its mean.
    pub mean: f64,
    /// The Monte Carlo standard error of that mean.
    pub mcse: f64,
    /// Its standard deviation.
    pub sd: f64,
}

/// The summary of 10,000 draws in posteriordb.
///
/// # Errors
/// When it cannot be read.
pub fn posteriordb(folder: &Folder, name: &str) -> Result<Vec<Moments>, Error> {
    let summary = folder.json(&format!("posteriordb/summaries/{name}.json"))?;
    let parameters = summary.field("params")?.as_object();
    let moments = parameters.into_iter().flatten().filter_map(|(name, of)| {
        let number = |field: &str| of.get(field)?.as_f64();
        Some(Moments {
            name: from_zero(name),
            mean: number("mean")?,
            mcse: number("mcse_mean")?,
            sd: number("sd")?,
        })
    });
    Ok(moments.collect())
}

/// The 10,000 draws of posteriordb of each scalar.
///
/// # Errors
/// When they cannot be read.
pub fn draws(folder: &Folder, name: &str) -> Result<BTreeMap<String, Vec<f64>>, Error> {
    let chains = folder.zipped_json(&format!("posteriordb/draws/{name}.json"))?;
    let mut draws: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for chain in chains.as_array().into_iter().flatten() {
        for (name, values) in chain.as_object().into_iter().flatten() {
            let values = values.as_array().into_iter().flatten();
            let scalar = draws.entry(from_zero(name)).or_default();
            scalar.extend(values.filter_map(Value::as_f64));
        }
    }
    Ok(draws)
}

/// `beta[1]` of a language that counts from 1 as `beta[0]`.
fn from_zero(name: &str) -> String {
    let index = name.strip_suffix(']').and_then(|name| name.split_once('['));
    match index.map(|(name, index)| (name, index.parse::<usize>())) {
        Some((name, Ok(index))) => format!("{name}[{}]", index.saturating_sub(1)),
        _ => name.to_owned(),
    }
}

/// The ground truth of the inference gym for these variables: how a model here calls it, and how
/// the file does.
///
/// # Errors
/// When it cannot be read.
pub fn inference_gym(
    folder: &Folder,
    file: &str,
    variables: &[(&str, &str)],
) -> Result<Vec<Moments>, Error> {
    let truth = folder.json(&format!("inference_gym/ground_truth/{file}.json"))?;
    let mut moments = Vec::new();
    for (name, theirs) in variables {
        let of = |what: &str| {
            let field = format!("{theirs}_{what}");
            match truth.number(&field) {
                Ok(number) => Ok(vec![number]),
                Err(_) => truth.column(&field),
            }
        };
        let means = of("MEAN")?;
        let elements = of("MEAN_STANDARD_ERROR")?
            .into_iter()
            .zip(of("STANDARD_DEVIATION")?);
        for (element, (mean, (mcse, sd))) in means.iter().zip(elements).enumerate() {
            let name = match means.len() {
                1 => (*name).to_owned(),
                _ => format!("{name}[{element}]"),
            };
            moments.push(Moments {
                name,
                mean: *mean,
                mcse,
                sd,
            });
        }
    }
    Ok(moments)
}

/// Where the moments of a posterior of simulated data are kept.
pub fn file(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/references");
    PathBuf::from(folder).join(format!("{name}.json"))
}

/// The moments of a posterior of simulated data, as [`write()`] left them.
///
/// # Errors
/// When they cannot be read.
pub fn simulated(name: &str) -> Result<Vec<Moments>, Error> {
    let table = read(file(name))?;
    let scalars = table.field("scalars")?.as_object();
    let moments = scalars.into_iter().flatten().map(|(name, of)| {
        let number = |place: usize| of.get(place)?.as_f64();
        Some(Moments {
            name: name.clone(),
            mean: number(0)?,
            mcse: number(1)?,
            sd: number(2)?,
        })
    });
    let moments: Option<Vec<_>> = moments.collect();
    moments.ok_or_else(|| problem(&file(name), "a scalar is not mean, error and deviation"))
}

/// Writes the moments of a long run: mean, its Monte Carlo standard error and standard deviation of
/// each scalar but those of variables that only serve others, whose names begin with `standard`.
///
/// # Errors
/// When the file cannot be written.
pub fn write(name: &str, how: &str, run: &Run) -> Result<(), Error> {
    let rows = run.summary.rows.iter();
    let kept = || rows.clone().filter(|row| !row.name.starts_with("standard"));
    let r_hat = kept().filter_map(|row| row.r_hat).fold(0.0, f64::max);
    let scalars = kept().filter_map(|row| {
        let moments = json!([row.mean?, row.mcse_mean?, row.sd?]);
        Some((row.name.clone(), moments))
    });
    let scalars: serde_json::Map<String, Value> = scalars.collect();
    let facts = json!({
        "how": how,
        "largest_r_hat": r_hat,
        "divergences": run.divergences,
        "gradients": run.gradients,
        "scalars": scalars,
    });
    let path = file(name);
    std::fs::write(&path, format!("{facts:#}\n")).map_err(|error| problem(&path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_from_zero() {
        let names = ["beta[1]", "theta[12]", "sigma", "x[a]"].map(from_zero);
        assert_eq!(names, ["beta[0]", "theta[11]", "sigma", "x[a]"]);
    }
}
