//! The pictures of chains: whether they agree, and where they could not go.

use bayes_nn_inference::diagnostics::Summary;
use bayes_nn_inference::{NutsFit, SiteSupport};
use bayes_nn_models::model::Draws;
use bayes_nn_models::{Model, Posterior};

use super::fit::bounds;
use super::{Report, ReportError};
use crate::plots::{Energy, Forest, Pairs, Ranks, Traces};

/// Scalars of a forest plot, of traces and ranks, and of a pair plot.
const FOREST: usize = 40;
const TRACES: usize = 6;
const RANKS: usize = 4;
const PAIRS: usize = 4;
/// A positive scalar whose draws span more than this has a logarithmic axis.
const WIDE: f64 = 50.0;

/// A scalar of chains.
struct Scalar {
    name: String,
    /// The variable that it is an element of.
    variable: String,
    chains: Vec<Vec<f64>>,
    bounds: (f64, f64),
    r_hat: f64,
    ess: f64,
}

impl Report {
    /// The pictures of chains: a forest plot, traces and ranks of the scalars whose R-hat is largest, pairs of those at
    /// which trajectories diverged or whose draws are worth least, energies.
    pub(super) fn chains<M: Model>(
        self,
        fit: &Posterior<M>,
        summary: &Summary,
    ) -> Result<Report, ReportError> {
        let mut scalars = scalars(fit, summary);
        if scalars.is_empty() {
            return Ok(self);
        }
        let mut picture = Forest::new().title("Means and intervals").x_label("value");
        for scalar in scalars.iter().take(FOREST) {
            picture = picture.chains(&scalar.name, &scalar.chains);
        }
        let caption = match scalars.len() {
            n if n > FOREST => format!("The first {FOREST} of {n} scalars."),
            _ => "Every scalar, and how well its chains agree.".to_owned(),
        };
        let mut report = self.figure(&picture.to_svg()?, &caption);

        // A pair plot is of the order in which variables are declared.
        if let Some(picture) = pairs(fit, &scalars) {
            let caption = "Draws of two scalars against each other. Where divergent ones gather, the density bends \
                           too much for the step size, and the draws may not reach beyond.";
            report = report.figure(&picture.to_svg()?, caption);
        }
        scalars.sort_by(|a, b| b.r_hat.total_cmp(&a.r_hat));
        let mut traces = Traces::new().title("Chains");
        for scalar in scalars.iter().take(TRACES) {
            traces = (traces.chains(&scalar.name, &scalar.chains)).within(scalar.bounds);
        }
        let caption = "Densities of each chain, and its draws in order, of the scalars whose R-hat is largest: where \
                       chains agree, their colours lie over each other.";
        report = report.figure(&traces.to_svg()?, caption);
        if scalars[0].chains.len() > 1 {
            let mut ranks = Ranks::new().title("Ranks of the draws of each chain");
            for scalar in scalars.iter().take(RANKS) {
                ranks = ranks.chains(&scalar.name, &scalar.chains);
            }
            let caption = "How often the draws of a chain have each rank among those of all chains, low ranks at the \
                           left: level where chains agree.";
            report = report.figure(&ranks.to_svg()?, caption);
        }
        match fit.nuts() {
            Some(nuts) => report.energies(nuts),
            None => Ok(report),
        }
    }

    fn energies(self, nuts: &NutsFit) -> Result<Report, ReportError> {
        let chains = nuts.chains().iter().map(|chain| {
            let statistics = chain.draws().statistics().iter();
            statistics.map(|s| s.energy).collect::<Vec<f64>>()
        });
        let chains: Vec<Vec<f64>> = chains.filter(|energies| energies.len() > 1).collect();
        if chains.is_empty() {
            return Ok(self);
        }
        let picture = Energy::new(&chains).title("Energies").to_svg()?;
        let caption = "How far the energy changes from draw to draw, beside how far it has to go: where changes are \
                       much narrower, or E-BFMI is below 0.3, tails may be missed.";
        Ok(self.figure(&picture, caption))
    }
}

/// Every scalar of chains of one length, in the order of the model, with what the summary says of it.
fn scalars<M: Model>(fit: &Posterior<M>, summary: &Summary) -> Vec<Scalar> {
    let chains: Vec<&Draws> = (fit.chains().iter())
        .filter(|draws| !draws.variables().is_empty())
        .collect();
    let Some(first) = chains.first() else {
        return Vec::new();
    };
    let mut rows = summary.rows.iter();
    let mut scalars = Vec::new();
    for (number, variable) in first.variables().iter().enumerate() {
        for element in 0..variable.shape().elements() {
            let mut of_chains: Vec<Vec<f64>> = (chains.iter())
                .map(|draws| draws.variables()[number].element(element))
                .collect();
            let shortest = of_chains.iter().map(Vec::len).min().unwrap_or(0);
            of_chains
                .iter_mut()
                .for_each(|draws| draws.truncate(shortest));
            // The summary has the same scalars in the same order.
            let row = rows.next();
            scalars.push(Scalar {
                name: variable.label(element),
                variable: variable.name().to_owned(),
                chains: of_chains,
                bounds: bounds(fit.sites(), variable.name(), element),
                r_hat: row.and_then(|row| row.r_hat).unwrap_or(0.0),
                ess: row.and_then(|row| row.ess_bulk).unwrap_or(f64::INFINITY),
            });
        }
    }
    scalars
}

/// Pairs of the scalars that differ most between divergent draws and others; without divergent ones, of those whose
/// draws are worth least. Nothing of a single scalar.
fn pairs<M: Model>(fit: &Posterior<M>, scalars: &[Scalar]) -> Option<Pairs> {
    let length = scalars[0].chains[0].len();
    let diverging: Vec<bool> = fit.nuts().map_or_else(Vec::new, |nuts| {
        let chains = nuts.chains().iter().map(|chain| chain.draws().statistics());
        let chains = chains.filter(|statistics| !statistics.is_empty());
        chains
            .flat_map(|s| s[..length].iter().map(|s| s.diverging))
            .collect()
    });
    let any = diverging.contains(&true);
    let mut chosen: Vec<(f64, usize)> = (scalars.iter().enumerate())
        .map(|(place, scalar)| match any {
            true => (-distance(&scalar.chains.concat(), &diverging), place),
            false => (scalar.ess, place),
        })
        .collect();
    // One element of a variable says much of the others: all variables come before second elements.
    chosen.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut places, mut others): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    for (_, place) in chosen {
        let is_new = |other: &usize| scalars[*other].variable != scalars[place].variable;
        match places.iter().all(is_new) {
            true => places.push(place),
            false => others.push(place),
        }
    }
    places.extend(others);
    places.truncate(PAIRS);
    places.sort_unstable();
    let mut picture = Pairs::new().title("Pairs of scalars").diverging(&diverging);
    for &place in &places {
        let (name, draws) = (&scalars[place].name, scalars[place].chains.concat());
        let site = fit
            .sites()
            .iter()
            .find(|site| site.name == scalars[place].variable);
        let is_positive = site.is_some_and(|site| site.support == Some(SiteSupport::Positive));
        let least = draws.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = draws.iter().copied().fold(0.0, f64::max);
        picture = match is_positive && largest > WIDE * least && least > 0.0 {
            true => picture.positive(name, &draws),
            false => (picture.scalar(name, &draws)).within(scalars[place].bounds),
        };
    }
    (places.len() > 1).then_some(picture)
}

/// How far the mean rank of the marked draws lies from that of all, as a share of these.
fn distance(draws: &[f64], marked: &[bool]) -> f64 {
    let mut order: Vec<usize> = (0..draws.len()).collect();
    order.sort_by(|&a, &b| draws[a].total_cmp(&draws[b]));
    let of_marked = order.iter().enumerate().filter(|(_, draw)| marked[**draw]);
    let (mut sum, mut count) = (0.0, 0.0);
    for (rank, _) in of_marked {
        sum += rank as f64;
        count += 1.0;
    }
    (sum / count / draws.len() as f64 - 0.5).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_whose_marked_draws_lie_at_one_end_are_far() {
        let draws: Vec<f64> = (0..100).map(f64::from).collect();
        let low: Vec<bool> = (0..100).map(|i| i < 10).collect();
        let even: Vec<bool> = (0..100).map(|i| i % 10 == 5).collect();
        assert!(distance(&draws, &low) > 0.4);
        assert!(distance(&draws, &even) < 0.02);
    }
}
