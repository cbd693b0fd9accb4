//! Moments, intervals and diagnostics of variables, chain by chain.

use bayes_nn_inference::diagnostics::{HDI_PROBABILITY, Summary, summary};

use super::Draws;

/// Every element of the wanted variables: name and chains, all of one length.
pub(crate) fn scalars(
    chains: &[&Draws],
    wanted: impl Fn(&str) -> bool,
) -> Vec<(String, Vec<Vec<f64>>)> {
    let shortest = chains.iter().filter_map(|chain| {
        let first = chain
            .variables()
            .iter()
            .find(|v| v.shape().elements() > 0)?;
        Some(first.values().len() / first.shape().elements())
    });
    let shortest = shortest.min().unwrap_or(0);
    let mut scalars: Vec<(String, Vec<Vec<f64>>)> = Vec::new();
    let variables = chains.first().map_or(&[][..], |chain| chain.variables());
    for (number, variable) in variables.iter().enumerate() {
        if !wanted(variable.name()) {
            continue;
        }
        let elements = variable.shape().elements();
        for element in 0..elements {
            let name = variable.label(element);
            let draws = chains.iter().map(|chain| {
                let mut draws = chain.variables()[number].element(element);
                draws.truncate(shortest);
                draws
            });
            scalars.push((name, draws.collect()));
        }
    }
    scalars
}

/// Moments, intervals and diagnostics of the wanted variables of chains, cut to the shortest.
pub(crate) fn summarized(chains: &[&Draws], wanted: impl Fn(&str) -> bool) -> Summary {
    let scalars = scalars(chains, wanted);
    let slices: Vec<(&str, Vec<&[f64]>)> = scalars
        .iter()
        .map(|(name, chains)| (name.as_str(), chains.iter().map(Vec::as_slice).collect()))
        .collect();
    let scalars: Vec<(&str, &[&[f64]])> = slices
        .iter()
        .map(|(name, chains)| (*name, chains.as_slice()))
        .collect();
    summary(&scalars, HDI_PROBABILITY).expect("the chains were cut to one length")
}
