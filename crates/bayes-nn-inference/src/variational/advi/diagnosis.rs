//! After a step gave a number that is not finite: which step, and which term of the density.

use std::sync::Arc;

use bayes_nn_autodiff::{Graph, grad};
use bayes_nn_kernels::Plan;

use super::stepper::{Recipe, Role, Stepper, Values, Written, id};
use super::{Advi, Approximation};
use crate::{Density, Divergence, InferenceError, NonFinite, Site, Term};

/// Repeats the `steps` steps after the last saved state one by one, up to the first bad one, and
/// describes it. `elbos` are those of the steps before.
pub(super) fn locate(
    advi: &Advi,
    density: &dyn Density,
    stepper: &mut Stepper<'_>,
    mut elbos: Vec<f64>,
    steps: u64,
) -> Result<Divergence, InferenceError> {
    stepper.restore();
    stepper.rewind(advi.seed, elbos.len() as u64);
    let mut what = None;
    for _ in 0..steps {
        let elbo = stepper.run(1)?[0];
        what = match elbo.is_finite() {
            false => Some(NonFinite::Elbo),
            true => non_finite(stepper, density.sites()),
        };
        if what.is_some() {
            stepper.restore();
            break;
        }
        stepper.save();
        elbos.push(elbo);
    }
    let blocks = stepper.values(|role| matches!(role, Role::Parameter(_)));
    let step = elbos.len() as u64;
    Ok(Divergence {
        step,
        seed: advi.seed,
        // The same steps give the same numbers, so something was found.
        what: what.unwrap_or(NonFinite::Elbo),
        term: first_bad_term(advi, density, &blocks, step)?,
        advice: advice(advi, step),
        last_good: Approximation::from_blocks(advi.family, density.sites(), blocks),
        elbos,
    })
}

fn advice(advi: &Advi, step: u64) -> String {
    if step == 0 {
        return "this is the first step: look at the term, at the data it reads and at the start"
            .to_owned();
    }
    format!(
        "try a smaller learning rate (it is {}; {} would be a tenth), or a smaller initial_sd",
        advi.rate(),
        advi.rate() / 10.0
    )
}

/// Which state is not finite, if one is not.
pub(super) fn non_finite(stepper: &Stepper<'_>, sites: &[Site]) -> Option<NonFinite> {
    let dimension = sites.last()?.range().end;
    let (role, place) = stepper.non_finite()?;
    let element = match role {
        // The factor [P, P]: row i belongs to element i.
        Role::Parameter(2) | Role::Memory(2) | Role::Average(2) => {
            place % (dimension * dimension) / dimension
        }
        _ => place % dimension,
    };
    let site = site_of(sites, element);
    Some(match role {
        Role::Parameter(_) | Role::Average(_) => NonFinite::Parameter { site },
        Role::Memory(_) => NonFinite::Optimizer { site },
    })
}

/// The name of the site that an element of `z` belongs to.
pub(super) fn site_of(sites: &[Site], element: usize) -> String {
    sites
        .iter()
        .find(|site| site.range().contains(&element))
        .map_or_else(String::new, |site| site.name.clone())
}

/// The first term that is not finite at the guide's draws of this step, or whose gradient is not.
fn first_bad_term(
    advi: &Advi,
    density: &dyn Density,
    blocks: &Values,
    step: u64,
) -> Result<Option<String>, InferenceError> {
    let graph = Graph::new();
    let written = Written::new(&graph, advi, density, advi.samples, advi.batch)?;
    let mut names = Vec::new();
    let mut outputs = Vec::new();
    for (name, part) in written.samples.iter().flatten().flat_map(Term::parts) {
        names.push(name);
        outputs.push(part);
    }
    for term in written.samples.iter().flatten() {
        if term.value.id().is_some() {
            for gradient in grad(term.value, &written.guide.blocks)? {
                names.push(format!("{} (its gradient)", term.name));
                outputs.push(gradient);
            }
        }
    }
    let parameters = written.guide.blocks.iter().zip(blocks);
    let inputs = parameters.map(|(block, values)| (id(*block), Arc::from(values.as_slice())));
    let recipe = Recipe {
        plan: Plan::new(&graph, &outputs, &[])?,
        data: written.data.iter().cloned().chain(inputs).collect(),
    };
    let mut lanes = recipe.alone(advi)?;
    let mut programs = lanes.programs();
    let program = &mut programs[0];
    program.rewind(advi.seed, step);
    program.run(1)?;
    let bad = (0..outputs.len())
        .find(|&output| program.read_output(output).iter().any(|v| !v.is_finite()));
    Ok(bad.map(|output| names[output].clone()))
}
