//! The ELBO of finished fits: many draws on the full data, without updates.

use bayes_nn_autodiff::Graph;
use bayes_nn_kernels::{Lanes, Plan};

use super::stepper::{History, Recipe, Values, Written, id};
use super::{Advi, Elbo};
use crate::{Density, InferenceError};

/// Mixed into the seed, so that the draws here are none that the fit has seen.
const EVALUATION: u64 = 0x9e37_79b9_7f4a_7c15;

/// Draws in each call of the program, and the fewest of all.
const CHUNK: u64 = 50;

/// Fewer draws than asked for are enough once the error is this small a part of the ELBO.
const ENOUGH: f64 = 1e-4;

/// A guide to be judged: the seed of its fit, and its parameters.
pub(super) struct Guided<'a> {
    pub seed: u64,
    pub blocks: &'a Values,
}

/// For each guide the mean of `log p - log q` over draws of it, and its error.
pub(super) fn elbos(
    advi: &Advi,
    density: &dyn Density,
    guides: &[Guided<'_>],
) -> Result<Vec<Result<Elbo, InferenceError>>, InferenceError> {
    if guides.is_empty() {
        return Ok(Vec::new());
    }
    let graph = Graph::new();
    let written = Written::new(&graph, advi, density, 1, None)?;
    let history = History::new(&graph, CHUNK.min(advi.elbo_draws as u64));
    let updates = history.updates(&graph, written.elbo_by_draws());
    let recipe = Recipe {
        plan: Plan::new(&graph, &[], &updates)?,
        data: written.data.clone(),
    };
    if let Some(mut lanes) = recipe.together(advi, guides.len())? {
        return Ok(run(advi, &written, &history, &mut *lanes, guides));
    }
    let alone = |guide: &Guided<'_>| {
        let mut lanes = recipe.alone(advi)?;
        let guides = std::slice::from_ref(guide);
        run(advi, &written, &history, &mut *lanes, guides).swap_remove(0)
    };
    Ok(guides.iter().map(alone).collect())
}

/// Draws for each guide in a lane of its own, until its error is small or there are enough.
fn run(
    advi: &Advi,
    written: &Written<'_>,
    history: &History<'_>,
    lanes: &mut dyn Lanes,
    guides: &[Guided<'_>],
) -> Vec<Result<Elbo, InferenceError>> {
    let draws = advi.elbo_draws as u64;
    let programs = lanes.programs().into_iter().zip(guides);
    let mut values: Vec<Result<Vec<f64>, InferenceError>> = programs
        .map(|(program, guide)| {
            for (block, values) in written.guide.blocks.iter().zip(guide.blocks) {
                program.write(id(*block), values)?;
            }
            program.fill(id(history.history), 0.0)?;
            program.rewind(guide.seed ^ EVALUATION, 0);
            Ok(Vec::with_capacity(advi.elbo_draws))
        })
        .collect();
    let enough = |values: &[f64]| {
        let elbo = Elbo::of(values);
        values.len() as u64 == draws || !values.is_empty() && elbo.mcse <= ENOUGH * elbo.mean.abs()
    };
    loop {
        let steps: Vec<u64> = values
            .iter()
            .map(|values| match values {
                Ok(values) if !enough(values) => CHUNK.min(draws - values.len() as u64),
                _ => 0,
            })
            .collect();
        if steps.iter().all(|steps| *steps == 0) {
            break;
        }
        for ((program, values), steps) in lanes.programs().into_iter().zip(&mut values).zip(&steps)
        {
            if *steps > 0
                && let Err(error) = program.write(id(history.cursor), &[0.0])
            {
                *values = Err(error.into());
            }
        }
        let outcomes = lanes.run_all(&steps);
        let looked = lanes.programs().into_iter().zip(outcomes).zip(&steps);
        for (((program, outcome), steps), values) in looked.zip(&mut values) {
            match (outcome, &mut *values) {
                (Ok(()), Ok(values)) if *steps > 0 => {
                    let drawn = program.read_input(id(history.history));
                    values.extend(&drawn[..*steps as usize]);
                }
                (Err(error), _) if *steps > 0 => *values = Err(error.into()),
                _ => {}
            }
        }
    }
    let elbos = values.into_iter();
    elbos.map(|values| values.map(|v| Elbo::of(&v))).collect()
}
