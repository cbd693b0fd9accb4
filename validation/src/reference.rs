//! Posteriors as others found them.

use crate::Error;
use crate::data::Folder;

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

/// A posterior as it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Of each scalar.
    pub moments: Vec<Moments>,
    /// The target acceptance of the run that found them, where the file tells.
    pub target_accept: Option<f64>,
}

/// The summary of 10,000 draws in posteriordb.
///
/// # Errors
/// When it cannot be read.
pub fn posteriordb(folder: &Folder, name: &str) -> Result<Reference, Error> {
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
    let acceptance = "/method_arguments/control/adapt_delta";
    Ok(Reference {
        moments: moments.collect(),
        target_accept: summary
            .field("sampler")?
            .pointer(acceptance)
            .and_then(|v| v.as_f64()),
    })
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
) -> Result<Reference, Error> {
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
    Ok(Reference {
        moments,
        target_accept: None,
    })
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
