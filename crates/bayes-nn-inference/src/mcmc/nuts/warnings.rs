//! What a run of NUTS warns of.

use super::fit::{ChainDraws, NutsFit};
use crate::columns::Concerns;
use crate::diagnostics::e_bfmi;

/// Where warnings begin.
const SMALL_E_BFMI: f64 = 0.3;
const MANY_REJECTED: f64 = 0.02;
/// A chain is stuck if its mean log density is below that of the highest chain by more than so many
/// nats, and so many of that chain's standard deviations.
const STUCK_NATS: f64 = 10.0;
const STUCK_DEVIATIONS: f64 = 5.0;
/// A chain stands still if more than this share of its draws are the draw before them.
const STANDING: f64 = 0.5;
/// Chains of fewer draws are not judged.
const JUDGED_DRAWS: usize = 20;

/// That somebody ended the run early.
fn interrupted(fit: &NutsFit) -> Option<String> {
    let (made, draws) = (
        fit.chains().iter().map(|chain| chain.draws().len()),
        fit.settings().draws,
    );
    let fewest = made.min().unwrap_or(0);
    let is_early = fit.stopped() && (fewest as u64) < draws;
    is_early.then(|| {
        format!("the run was interrupted: the shortest chain has {fewest} of {draws} draws")
    })
}

/// The most serious first.
pub(super) fn of(fit: &NutsFit) -> Vec<String> {
    let stuck = Stuck::of(fit.chains());
    let mut warnings: Vec<String> = interrupted(fit).into_iter().collect();
    warnings.extend(stuck.iter().map(|stuck| stuck.warning(fit)));
    warnings.extend(moved(fit));
    warnings.extend(fit.chains().iter().filter_map(standing));
    let errors = fit.chains().iter().filter_map(|chain| chain.error());
    let errors = errors.chain(fit.sink_error());
    warnings.extend(errors.map(ToString::to_string));
    let Concerns { coarse, scale } = fit.parts.concerns.clone();
    warnings.extend(coarse);
    let draws: usize = fit.chains().iter().map(|chain| chain.draws().len()).sum();
    let divergences = fit.divergences();
    if divergences > 0 {
        warnings.push(format!(
            "{divergences} of {draws} trajectories diverged: the draws may miss a part of the \
             posterior; write the model with standardised variables, or raise `target_accept`"
        ));
    }
    warnings.extend(cut_short(fit, stuck.as_ref()));
    let rejected = fit.rejected();
    if rejected as f64 > MANY_REJECTED * draws as f64 {
        warnings.push(format!(
            "double precision rejected {rejected} of {draws} draws that trajectories of single \
             precision proposed: the draws are right, but worth fewer; set `precision` to F64"
        ));
    }
    warnings.extend(slow_device(fit));
    for chain in fit.chains() {
        let energies = chain.draws().statistics().iter().map(|s| s.energy);
        let energies: Vec<f64> = energies.collect();
        if let Some(value) = e_bfmi(&energies).ok().filter(|value| *value < SMALL_E_BFMI) {
            warnings.push(format!(
                "chain {} explored its energies slowly: E-BFMI is {value:.2}, below \
                 {SMALL_E_BFMI}; tails may be missed",
                chain.number()
            ));
        }
    }
    // The metric has found the scale of data by which chains are not troubled.
    if !warnings.is_empty() {
        warnings.extend(scale);
    }
    warnings
}

/// Chains that were stuck in the warm-up and went on elsewhere.
fn moved(fit: &NutsFit) -> Option<String> {
    let moved = || fit.chains().iter().filter(|c| c.moved_at().is_some());
    let numbers = listed(moved().map(|chain| chain.number().to_string()));
    let draws = listed(moved().filter_map(|chain| Some(chain.moved_at()?.to_string())));
    let (chains, were) = match moved().count() {
        0 => return None,
        1 => ("chain", "was"),
        _ => ("chains", "were"),
    };
    Some(format!(
        "{chains} {numbers} {were} stuck far below the others and went on from near one of them \
         after {draws} draws of the warm-up: the draws are of the posterior unless its mass lies \
         where {numbers} had come to, too"
    ))
}

/// A chain most of whose trajectories led nowhere.
fn standing(chain: &ChainDraws) -> Option<String> {
    let draws = chain.draws();
    if draws.len() < JUDGED_DRAWS {
        return None;
    }
    let stays = (1..draws.len()).filter(|i| draws.draw(*i) == draws.draw(i - 1));
    let stays = stays.count();
    (stays as f64 > STANDING * draws.len() as f64).then(|| {
        format!(
            "chain {} stayed where it was in {stays} of {} draws: its step size is too large there; \
             warm up longer, raise `target_accept`, or write the model with standardised variables",
            chain.number(),
            draws.len(),
        )
    })
}

/// Trajectories ended by the limit of doublings, of chains that are not stuck.
fn cut_short(fit: &NutsFit, stuck: Option<&Stuck<'_>>) -> Option<String> {
    let is_stuck = |chain: &&ChainDraws| {
        let mut low = stuck.into_iter().flat_map(|stuck| &stuck.low);
        low.any(|low| low.chain.number() == chain.number())
    };
    let others = fit.chains().iter().filter(|chain| !is_stuck(chain));
    let (cut, draws) = others.fold((0, 0), |(cut, draws), chain| {
        (cut + fit.cut(chain), draws + chain.draws().len())
    });
    (cut > 0).then(|| {
        format!(
            "{cut} of {draws} trajectories were ended by `max_depth`: where the chains agree, the \
             draws are right but expensive; rescale the model, or warm up longer; where the \
             scale of variables is itself drawn, write them as a product, as `model::horseshoe` does"
        )
    })
}

fn slow_device(fit: &NutsFit) -> Option<String> {
    let device = fit.device();
    let here = 1e6 * fit.seconds_per_gradient();
    let cpu = fit.cpu_seconds_per_gradient().map(|s| 1e6 * s);
    let cpu = cpu.filter(|cpu| *cpu < here)?;
    Some(format!(
        "`{device}` does not pay: a gradient takes {here:.1} us there and {cpu:.1} us on one \
         thread of the CPU; leave out `device`"
    ))
}

/// A chain with the level of its log density.
#[derive(Clone, Copy)]
struct Level<'a> {
    chain: &'a ChainDraws,
    mean: f64,
    sd: f64,
}

impl Level<'_> {
    fn of(chain: &ChainDraws) -> Option<Level<'_>> {
        let values = || chain.draws().statistics().iter().map(|s| s.log_prob);
        let draws = chain.draws().len();
        let count = draws as f64;
        let mean = values().sum::<f64>() / count;
        let squares: f64 = values().map(|value| (value - mean).powi(2)).sum();
        (draws >= JUDGED_DRAWS).then_some(Level {
            chain,
            mean,
            sd: (squares / count).sqrt(),
        })
    }
}

/// Chains at a log density far below that of others.
struct Stuck<'a> {
    low: Vec<Level<'a>>,
    others: Vec<Level<'a>>,
}

impl Stuck<'_> {
    fn of(chains: &[ChainDraws]) -> Option<Stuck<'_>> {
        let levels: Vec<Level<'_>> = chains.iter().filter_map(Level::of).collect();
        let highest = levels.iter().max_by(|a, b| a.mean.total_cmp(&b.mean))?;
        let least = highest.mean - STUCK_NATS.max(STUCK_DEVIATIONS * highest.sd);
        let (low, others): (Vec<_>, Vec<_>) = levels.iter().partition(|l| l.mean < least);
        (!low.is_empty()).then_some(Stuck { low, others })
    }

    fn warning(&self, fit: &NutsFit) -> String {
        let (low, others) = (&self.low, &self.others);
        let mean = |levels: &[Level<'_>]| {
            digits(levels.iter().map(|l| l.mean).sum::<f64>() / levels.len() as f64)
        };
        let (is, its) = match low.len() {
            1 => ("is", "its log density is"),
            _ => ("are", "their log densities are"),
        };
        let values = listed(low.iter().map(|level| digits(level.mean)));
        let level = match low.len() <= others.len() {
            true => format!(
                "{} {is} stuck: {its} {values} where the other{} {}",
                chains(low),
                if others.len() == 1 { " has" } else { "s have" },
                mean(others)
            ),
            false => format!(
                "the log density of {} is {}, and {values} in {}: unless it is unbounded, these \
                 are stuck",
                chains(others),
                mean(others),
                chains(low)
            ),
        };
        let cut: usize = low.iter().map(|level| fit.cut(level.chain)).sum();
        let draws: usize = low.iter().map(|level| level.chain.draws().len()).sum();
        let cut = match cut {
            0 => String::new(),
            _ => format!(" ({cut} of {draws} trajectories there were ended by `max_depth`)"),
        };
        format!(
            "{level}{cut}; those draws are not of the posterior and stand among the others: draw \
             again, from other starts (`start_at`) or with a longer warm-up"
        )
    }
}

fn chains(levels: &[Level<'_>]) -> String {
    let numbers = listed(levels.iter().map(|level| level.chain.number().to_string()));
    match levels.len() {
        1 => format!("chain {numbers}"),
        _ => format!("chains {numbers}"),
    }
}

/// "1, 2 and 3".
fn listed(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<String> = items.collect();
    match items.pop() {
        Some(last) if !items.is_empty() => format!("{} and {last}", items.join(", ")),
        last => last.unwrap_or_default(),
    }
}

fn digits(value: f64) -> String {
    match value.abs() < 100.0 {
        true => format!("{value:.1}"),
        false => format!("{value:.0}"),
    }
}
