//! The ELBO of finished fits: many draws on the full data, without updates.

use std::rc::Rc;

use bayes_nn_autodiff::Graph;
use bayes_nn_kernels::{Run, Step, fan_out};

use super::guide::{Forms, Guide};
use super::importance::smoothed;
use super::write::ELBO;
use super::{Advi, Elbo};
use crate::terms::write_terms;
use crate::{Density, InferenceError, Rows};

/// Mixed into the seed, so that these draws differ from those of the fit.
const EVALUATION: u64 = 0x9e37_79b9_7f4a_7c15;

/// Draws between two looks at the error of a guide that is no point.
const CHUNK: u64 = 50;

/// Draws of which the tail shows a k-hat: 100 of them are in it.
pub(super) const ENOUGH_FOR_K_HAT: usize = 1_000;

/// Rows at which a final ELBO is measured, all draws together, as a share of those whose gradients
/// the fit took: a density takes a third of the time of its gradient.
const SHARE: f64 = 0.3;

/// Rows of a draw where one on all rows is too dear.
const SOME_ROWS: usize = 1_024;

/// Fewer draws than asked for are enough once the error is this small a part of the ELBO.
const ENOUGH: f64 = 1e-4;

/// What draws of a guide say of it.
pub(super) struct Judged {
    pub(super) elbo: Elbo,
    /// Of the importance ratios, where there are enough draws for it.
    pub(super) k_hat: Option<f64>,
}

impl Judged {
    /// With a k-hat, or without, as for networks: in the space of weights all guides fail.
    fn of(log_ratios: &[f64], with_k_hat: bool) -> Judged {
        let k_hat = match with_k_hat && log_ratios.len() >= ENOUGH_FOR_K_HAT {
            true => smoothed(log_ratios).ok().and_then(|psis| psis.k_hat),
            false => None,
        };
        Judged {
            elbo: Elbo::of(log_ratios),
            k_hat,
        }
    }
}

/// The draws that measure a final ELBO: how many at the most, and on how many rows each.
#[derive(Clone, Copy)]
struct Measured {
    draws: u64,
    rows: Rows,
    with_k_hat: bool,
}

impl Measured {
    /// On all rows, unless that took longer than a tenth of a fit by minibatches.
    fn of(advi: &Advi, density: &dyn Density) -> Measured {
        let all = Measured {
            draws: advi.elbo_draws as u64,
            rows: Rows::All,
            with_k_hat: !density.is_network(),
        };
        let (Some(rows), Some(batch)) = (density.rows(), advi.batch) else {
            return all;
        };
        let fitted = advi.step_count() as f64 * (advi.samples * batch) as f64;
        let draws_of = |rows: usize| (SHARE * fitted / rows as f64) as u64;
        if draws_of(rows) >= CHUNK && !density.is_streamed() {
            let draws = all.draws.min(draws_of(rows));
            return Measured { draws, ..all };
        }
        let some = SOME_ROWS.max(batch).min(rows);
        Measured {
            draws: all.draws.min(draws_of(some).max(CHUNK)),
            rows: Rows::Minibatch(some),
            with_k_hat: false,
        }
    }
}

/// A guide to be evaluated: the seed of its fit, and its parameters in the order of its blocks.
pub(super) struct Guided<'a> {
    pub seed: u64,
    pub blocks: &'a [Vec<f64>],
}

/// For each guide the mean of `log p - log q` over draws of it, and its error.
pub(super) fn elbos(
    advi: &Advi,
    density: &dyn Density,
    guides: &[Guided<'_>],
) -> Result<Vec<Result<Judged, InferenceError>>, InferenceError> {
    if guides.is_empty() {
        return Ok(Vec::new());
    }
    let graph = Graph::new();
    let step = Rc::new(Step::new(&graph));
    let layout = advi.layout(density);
    let names = layout.blocks();
    let mut measured = Measured::of(advi, density);
    measured.with_k_hat &= layout.points.is_empty();
    // A point is as good as its log density, which one draw shows unless the density has noise.
    let exact = layout.is_a_point() && measured.rows == Rows::All;
    let chunk = if exact { 2 } else { CHUNK };
    let guide = Rc::new(Guide::new(&step, layout, Forms::default()));
    let log_prob = write_terms(&step, density, guide.clone(), measured.rows)?.log_prob();
    step.record(ELBO, log_prob - guide.log_prob());
    let program = step.finish(&advi.runtime())?;
    fan_out(&program, guides.len(), |run, which| {
        evaluate(advi, (measured, chunk), run, &guides[which], &names)
    })
}

/// Draws for each guide until its error is small or there are enough.
fn evaluate(
    advi: &Advi,
    (measured, chunk): (Measured, u64),
    run: &mut Run,
    guides: &[Guided<'_>],
    names: &[&str],
) -> Result<Vec<Result<Judged, InferenceError>>, InferenceError> {
    let seeds: Vec<u64> = guides.iter().map(|g| g.seed ^ EVALUATION).collect();
    run.begin(&seeds)?;
    for (replica, guide) in guides.iter().enumerate() {
        for (block, values) in names.iter().zip(guide.blocks) {
            run.set(replica, block, values)?;
        }
    }
    let Measured {
        draws, with_k_hat, ..
    } = measured;
    // Draws of a small model cost next to nothing, and all of them show whether the guide fits.
    let all = with_k_hat && !advi.by_optimizer;
    let mut values: Vec<Result<Vec<f64>, InferenceError>> =
        guides.iter().map(|_| Ok(Vec::new())).collect();
    let left = |values: &Result<Vec<f64>, InferenceError>| match values {
        Ok(values) if all || !enough(values) => chunk.min(draws - values.len() as u64),
        _ => 0,
    };
    loop {
        let steps: Vec<u64> = values.iter().map(left).collect();
        if steps.iter().all(|steps| *steps == 0) {
            break;
        }
        for (replica, outcome) in run.advance(&steps).into_iter().enumerate() {
            match (outcome, &mut values[replica]) {
                _ if steps[replica] == 0 => {}
                (Ok(()), Ok(values)) => values.extend(run.recorded(replica, ELBO)?),
                (Err(error), values) => *values = Err(error.into()),
                (Ok(()), Err(_)) => {}
            }
        }
    }
    let elbos = values.into_iter();
    Ok(elbos
        .map(|values| values.map(|v| Judged::of(&v, with_k_hat)))
        .collect())
}

fn enough(values: &[f64]) -> bool {
    if values.is_empty() {
        return false;
    }
    let elbo = Elbo::of(values);
    elbo.mcse <= ENOUGH * elbo.mean.abs()
}
