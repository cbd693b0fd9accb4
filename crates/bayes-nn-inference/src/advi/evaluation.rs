//! The ELBO of a finished fit: many draws on the full data, without updates.

use bayes_nn_autodiff::Graph;

use super::stepper::{History, Written, compile, id};
use super::{Advi, Elbo};
use crate::{Density, InferenceError};

/// Mixed into the seed, so that the draws here are none that the fit has seen.
const EVALUATION: u64 = 0x9e37_79b9_7f4a_7c15;

/// Draws in each call of the program, and the fewest of all.
const CHUNK: u64 = 50;

/// Fewer draws than asked for are enough once the error is this small a part of the ELBO.
const ENOUGH: f64 = 1e-4;

/// The mean of `log p - log q` over draws of the guide with these parameters, and its error.
pub(super) fn elbo(
    advi: &Advi,
    density: &dyn Density,
    blocks: &[Vec<f64>],
) -> Result<Elbo, InferenceError> {
    let graph = Graph::new();
    let written = Written::new(&graph, advi, density, 1, None)?;
    let draws = advi.elbo_draws as u64;
    let history = History::new(&graph, CHUNK.min(draws));
    let updates = history.updates(&graph, written.elbo_by_draws());
    let mut program = compile(&graph, advi, &[], &updates, &written.data)?;
    for (block, values) in written.guide.blocks.iter().zip(blocks) {
        program.write(id(*block), values)?;
    }
    program.fill(id(history.history), 0.0)?;
    program.rewind(advi.seed ^ EVALUATION, 0);

    let mut values = Vec::with_capacity(advi.elbo_draws);
    while (values.len() as u64) < draws {
        let count = CHUNK.min(draws - values.len() as u64);
        program.write(id(history.cursor), &[0.0])?;
        program.run(count)?;
        values.extend(&program.read_input(id(history.history))[..count as usize]);
        let elbo = Elbo::of(&values);
        if elbo.mcse <= ENOUGH * elbo.mean.abs() {
            break;
        }
    }
    Ok(Elbo::of(&values))
}
