//! The groups of a fit: draws, statistics, log-likelihood, data.

use std::time::{SystemTime, UNIX_EPOCH};

use bayes_nn_inference::NutsFit;
use bayes_nn_inference::nuts::{PlannedRun, Statistics};
use serde_json::{Map, Value};

use super::InferenceData;
use super::layout::{Array, Group, Labels, SampleDims, Values};
use crate::error::Error;
use crate::model::{Draws, Model, Observations, Posterior, Subset};

pub(super) fn collect<M: Model>(posterior: &Posterior<M>) -> Result<InferenceData, Error> {
    match posterior.nuts() {
        Some(fit) => of_run(posterior, fit),
        None => of_draws(posterior),
    }
}

fn of_run<M: Model>(samples: &Posterior<M>, fit: &NutsFit) -> Result<InferenceData, Error> {
    let observations = samples.predictive.observations()?;
    let drew = || fit.chains().iter().filter(|c| !c.draws().is_empty());
    let draws = drew().map(|chain| chain.draws().len()).min().unwrap_or(0);
    let dims = SampleDims {
        chains: drew().map(|chain| chain.number()).collect(),
        draws,
    };
    let chains: Vec<&Draws> = samples.nonempty().collect();
    let posterior = group("posterior", &chains, &dims, &observations);
    let statistics = drew().map(|chain| &chain.draws().statistics()[..draws]);
    let sample_stats = statistics_group("sample_stats", &statistics.collect::<Vec<_>>(), &dims);
    let mut groups = vec![posterior, sample_stats];

    let warmups = || fit.chains().iter().filter(|c| !c.warmup().is_empty());
    let lengths = warmups().map(|chain| chain.warmup().len());
    if let Some(draws) = lengths.min() {
        let dims = SampleDims {
            chains: warmups().map(|chain| chain.number()).collect(),
            draws,
        };
        let kept = samples.warmup().iter();
        let kept: Vec<&Draws> = kept.filter(|c| !c.variables().is_empty()).collect();
        groups.push(group("warmup_posterior", &kept, &dims, &observations));
        let statistics = warmups().map(|chain| &chain.warmup().statistics()[..draws]);
        let statistics: Vec<&[Statistics]> = statistics.collect();
        groups.push(statistics_group("warmup_sample_stats", &statistics, &dims));
    }

    let chains = samples.pointwise()?;
    let chains: Vec<&Draws> = chains.iter().collect();
    groups.push(group("log_likelihood", &chains, &dims, &observations));
    groups.extend(data_groups(observations));
    let warmup = fit.chains().iter().map(|chain| chain.warmup().len()).max();
    let mut attributes = attributes();
    attributes.insert("sampling_time".to_owned(), fit.seconds().into());
    attributes.insert("tuning_steps".to_owned(), warmup.unwrap_or(0).into());
    Ok(assembled(groups, attributes))
}

fn of_draws<M: Model>(posterior: &Posterior<M>) -> Result<InferenceData, Error> {
    let observations = posterior.predictive.observations()?;
    let guide_draws;
    let chains: Vec<&Draws> = match posterior.table() {
        Some(_) => posterior.nonempty().collect(),
        None => {
            guide_draws = posterior.all_draws()?;
            vec![&guide_draws]
        }
    };
    let lengths = posterior
        .table()
        .map(|table| table.lengths().iter().copied());
    let lengths = lengths.into_iter().flatten().filter(|length| *length > 0);
    let dims = SampleDims {
        chains: (0..chains.len()).collect(),
        draws: lengths.min().unwrap_or(posterior.own_draws()?),
    };
    let likelihood = posterior.pointwise()?;
    let likelihood: Vec<&Draws> = likelihood.iter().collect();
    let mut groups = vec![
        group("posterior", &chains, &dims, &observations),
        group("log_likelihood", &likelihood, &dims, &observations),
    ];
    groups.extend(data_groups(observations));
    Ok(assembled(groups, attributes()))
}

/// The groups of a run that has not begun: its data, and arrays of which no draw is there.
pub(super) fn planned(
    run: &PlannedRun,
    variables: &Draws,
    observations: Observations,
) -> InferenceData {
    let dims = SampleDims {
        chains: run.chains.clone().collect(),
        draws: 0,
    };
    let posterior = |name| group(name, &[variables], &dims, &observations);
    let mut groups = vec![
        posterior("posterior"),
        statistics_group("sample_stats", &[], &dims),
    ];
    if run.warmup > 0 && run.keep_warmup {
        groups.push(posterior("warmup_posterior"));
    }
    if run.warmup > 0 {
        groups.push(statistics_group("warmup_sample_stats", &[], &dims));
    }
    groups.extend(data_groups(observations));
    assembled(groups, attributes())
}

/// Without groups that hold nothing.
fn assembled(mut groups: Vec<Group>, attributes: Map<String, Value>) -> InferenceData {
    groups.retain(|group| !group.arrays.is_empty());
    InferenceData {
        groups,
        attributes,
        labels: Labels::default(),
    }
}

/// Chains of draws, cut to the length that all have.
fn group(
    name: &'static str,
    chains: &[&Draws],
    dims: &SampleDims,
    observations: &Observations,
) -> Group {
    let variables = chains.first().map_or(&[][..], |chain| chain.variables());
    let arrays = variables.iter().enumerate().map(|(number, variable)| {
        let length = variable.shape().elements() * dims.draws;
        let chains = chains
            .iter()
            .map(|c| &c.variables()[number].values()[..length]);
        let values = chains.collect::<Vec<_>>().concat();
        let mut array = Array {
            axes: variable.axes().to_vec(),
            ..Array::new(variable.name(), &variable.shape(), Values::Numbers(values))
        };
        array.rows = observations.rows_of(variable.name(), name == "log_likelihood");
        array
    });
    Group::new(name, arrays, Some(dims))
}

fn statistics_group(name: &'static str, chains: &[&[Statistics]], dims: &SampleDims) -> Group {
    Group::new(name, statistics_arrays(chains), Some(dims))
}

/// An array for each statistic, of chains one after the other.
pub(super) fn statistics_arrays(chains: &[&[Statistics]]) -> impl Iterator<Item = Array> {
    let columns = Statistics::COLUMNS.iter().enumerate();
    columns.map(|(column, (name, _))| {
        let values = chains.iter().copied().flatten().map(|s| s.row()[column]);
        let values = match *name {
            "diverging" => Values::Flags(values.map(|v| v != 0.0).collect()),
            "tree_depth" | "n_steps" => Values::Integers(values.map(|v| v as i64).collect()),
            _ => Values::Numbers(values.collect()),
        };
        Array::new(name, &[], values)
    })
}

fn data_groups(observations: Observations) -> [Group; 2] {
    let observed = observations.observed.into_iter().map(|observed| Array {
        rows: observed.rows,
        axes: observed.axes,
        ..Array::new(
            &observed.name,
            &observed.shape,
            Values::Numbers(observed.values),
        )
    });
    let constant = observations.constant.into_iter().map(|column| {
        let values = match column.whole {
            true => Values::Integers(column.values.iter().map(|&v| v as i64).collect()),
            false => Values::Numbers(column.values.to_vec()),
        };
        Array::new(&column.name, &column.shape, values)
    });
    [
        Group::new("observed_data", observed, None),
        Group::new("constant_data", constant, None),
    ]
}

/// What every store says of its origin.
fn attributes() -> Map<String, Value> {
    let version = env!("CARGO_PKG_VERSION");
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.map_or(0, |elapsed| elapsed.as_secs());
    let attributes = [
        ("created_at", timestamp(seconds)),
        ("creation_library", "bayes-nn".to_owned()),
        ("creation_library_version", version.to_owned()),
        ("creation_library_language", "Rust".to_owned()),
        ("inference_library", "bayes-nn".to_owned()),
        ("inference_library_version", version.to_owned()),
    ];
    let attributes = attributes.into_iter();
    attributes
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

/// Seconds since 1970 as ISO 8601 (the civil calendar by eras of 400 years, from a year that
/// begins in March: H. Hinnant, "chrono-compatible low-level date algorithms").
fn timestamp(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..10 => (400 * era + year, month + 3),
        _ => (400 * era + year + 1, month - 9),
    };
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+00:00")
}

impl Observations {
    /// The rows in which the values of a variable stand, where they are not all: of imputed
    /// ones, or those that have a log-likelihood.
    fn rows_of(&self, name: &str, seen: bool) -> Option<Subset> {
        match seen {
            true => {
                let observed = self.observed.iter().find(|o| o.name == name);
                observed.and_then(|observed| observed.rows.clone())
            }
            false => {
                let imputed = self.imputed.iter().find(|(site, _)| site == name);
                imputed.map(|(_, rows)| rows.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_written_as_dates() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00+00:00");
        assert_eq!(timestamp(951_782_399), "2000-02-28T23:59:59+00:00");
        assert_eq!(timestamp(951_782_400), "2000-02-29T00:00:00+00:00");
        assert_eq!(timestamp(4_107_542_400), "2100-03-01T00:00:00+00:00");
        assert_eq!(timestamp(1_767_225_599), "2025-12-31T23:59:59+00:00");
    }
}
