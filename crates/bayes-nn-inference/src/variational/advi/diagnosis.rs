//! Diagnosis of a number that is not finite: the step that gave it, and the term of the density.

use std::rc::Rc;

use bayes_nn_autodiff::Graph;
use bayes_nn_kernels::{Backend, Run, Step};

use super::guide::Guide;
use super::layout::Layout;
use super::states::blocks;
use super::write::ELBO;
use super::{Advi, Approximation};
use crate::columns::Concerns;
use crate::density::NOT_DEFINITE;
use crate::terms::{BadTerm, first_bad_term, write_terms};
use crate::{Density, Divergence, InferenceError, NonFinite, Rows};

/// Repeats the `steps` steps after the last saved state one by one, up to the first bad one, and
/// describes it. `elbos` are those of the steps before.
pub(super) fn locate(
    advi: &Advi,
    density: &dyn Density,
    run: &mut Run,
    replica: usize,
    mut elbos: Vec<f64>,
    steps: u64,
) -> Result<Divergence, InferenceError> {
    run.restore(replica)?;
    run.rewind(replica, advi.seed, elbos.len() as u64)?;
    let mut what = None;
    for _ in 0..steps {
        run.advance_one(replica, 1)?;
        let elbo = run.recorded(replica, ELBO)?[0];
        what = match elbo.is_finite() {
            false => Some(NonFinite::Elbo),
            true => non_finite(run, replica, &advi.layout(density))?,
        };
        if what.is_some() {
            run.restore(replica)?;
            break;
        }
        run.save(replica)?;
        elbos.push(elbo);
    }
    let blocks = blocks(advi, density, run, replica, false)?;
    let step = elbos.len() as u64;
    let bad = bad_term(advi, density, &blocks, step)?;
    Ok(Divergence {
        step,
        seed: advi.seed,
        // The repeated steps give the same numbers, so one that is not finite was found.
        what: what.unwrap_or(NonFinite::Elbo),
        advice: advice(advi, density, bad.as_ref(), step),
        term: bad.map(|bad| bad.name),
        last_good: Approximation::from_blocks(&advi.layout(density), blocks),
        elbos,
    })
}

fn advice(advi: &Advi, density: &dyn Density, bad: Option<&BadTerm>, step: u64) -> String {
    let smaller = format!(
        "try a smaller learning rate (it is {}; {} would be a tenth), or a smaller initial_sd",
        advi.rate(),
        advi.rate() / 10.0
    );
    match bad.and_then(|bad| Some((bad, bad.advice(density)?))) {
        // A guide on its way to infinity is beyond single precision first.
        Some((bad, advice)) if bad.finite_in_double && step > 0 => {
            match bad.name.ends_with(NOT_DEFINITE) {
                true => advice,
                false => format!("{advice}. If it is the same there, {smaller}"),
            }
        }
        Some((_, advice)) => advice,
        None => match (
            Concerns::of(density, advi.runtime().precision).first(),
            step,
        ) {
            (Some(concern), _) => concern,
            (None, 0) => {
                "this is the first step: look at the term, at the data it reads and at the start"
                    .to_owned()
            }
            (None, _) => smaller,
        },
    }
}

/// Which state is not finite, if one is not.
pub(super) fn non_finite(
    run: &Run,
    replica: usize,
    layout: &Layout,
) -> Result<Option<NonFinite>, InferenceError> {
    for state in run.states() {
        let Some(place) = run.first_non_finite(replica, state)? else {
            continue;
        };
        // A state is a block of the guide, or belongs to one: `mu`, `mu.average`, `mu.adam.m`.
        let (block, of_block) = state.split_once('.').unwrap_or((state, ""));
        let site = layout.site(block, place);
        let site = site.map_or_else(String::new, |site| site.name.clone());
        return Ok(Some(match of_block {
            "" | "average" => NonFinite::Parameter { site },
            _ => NonFinite::Optimizer { site },
        }));
    }
    Ok(None)
}

/// The first term that is not finite at the guide's draw of this step, or whose gradient is not.
fn bad_term(
    advi: &Advi,
    density: &dyn Density,
    blocks: &[Vec<f64>],
    number: u64,
) -> Result<Option<BadTerm>, InferenceError> {
    let graph = Graph::new();
    // Each rank has rows of its own; the search runs on one device with the rows of all.
    let step = Rc::new(Step::new(&graph));
    let layout = advi.layout(density);
    let names = layout.blocks();
    let guide = Rc::new(Guide::new(&step, layout, advi.forms()));
    let rows = match advi.rows_of_rank(density.rows()) {
        Some(rows) => Rows::Minibatch(rows * advi.device.ranks()),
        None => Rows::All,
    };
    let traced = write_terms(&step, density, guide.clone(), rows)?;
    let draw = guide.draw().map_err(InferenceError::Density)?;
    let values = blocks.iter().map(Vec::as_slice);
    let values: Vec<_> = names.into_iter().zip(values).collect();
    first_bad_term(
        &step,
        (density, draw),
        &traced.terms,
        &guide.blocks,
        &values,
        (advi.seed, number),
        &advi.runtime(),
    )
}
