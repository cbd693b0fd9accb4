//! What fits and chains warn of.

use bayes_nn_inference::diagnostics::{Summary, e_bfmi};
use bayes_nn_inference::{AdviFit, NutsFit};

/// Where warnings begin.
const LARGE_R_HAT: f64 = 1.01;
const SMALL_ESS_PER_CHAIN: f64 = 100.0;
const SMALL_E_BFMI: f64 = 0.3;
const MANY_REJECTED: f64 = 0.02;

/// Of a run of NUTS: its errors, and what its statistics say.
pub(super) fn of_run(fit: &NutsFit) -> Vec<String> {
    let errors = fit.chains().iter().filter_map(|chain| chain.error());
    let errors = errors.chain(fit.sink_error());
    let mut warnings: Vec<String> = errors.map(ToString::to_string).collect();
    let chains = fit.chains().iter();
    let draws: usize = chains.map(|chain| chain.draws().len()).sum();
    let divergences = fit.divergences();
    if divergences > 0 {
        warnings.push(format!(
            "{divergences} of {draws} trajectories diverged: the draws may miss a part of the \
             posterior; write the model with standardised variables, or raise `target_accept`"
        ));
    }
    let cut = fit.depth_reached();
    if cut > 0 {
        warnings.push(format!(
            "{cut} of {draws} trajectories were ended by `max_depth`: the draws are right but \
             expensive; rescale the model, or warm up longer; where the scale of variables is itself \
             drawn, write them as a product, as `model::horseshoe` does"
        ));
    }
    let rejected = fit.rejected();
    if rejected as f64 > MANY_REJECTED * draws as f64 {
        warnings.push(format!(
                "double precision rejected {rejected} of {draws} draws that trajectories of \
             single precision proposed: the draws are right, but worth fewer; set `precision` to F64"
            ));
    }
    let device = fit.device();
    let here = 1e6 * fit.seconds_per_gradient();
    let cpu = fit.cpu_seconds_per_gradient().map(|s| 1e6 * s);
    if let Some(cpu) = cpu.filter(|cpu| *cpu < here) {
        warnings.push(format!(
            "`{device}` does not pay: a gradient takes {here:.1} us there and {cpu:.1} us on \
             one thread of the CPU; leave out `device`"
        ));
    }
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
    warnings
}

/// Of any chains, so many, by the summary of their variables.
pub(super) fn of_summary(summary: &Summary, chains: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    let rows = summary.rows.iter();
    let worst = rows
        .clone()
        .filter_map(|row| Some((row.r_hat?, &row.name)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((r_hat, name)) = worst.filter(|(r_hat, _)| *r_hat > LARGE_R_HAT) {
        warnings.push(format!(
            "the chains do not agree: R-hat of `{name}` is {r_hat:.3}, above {LARGE_R_HAT}; \
             draw more, or look for several modes"
        ));
    }
    let least = rows
        .filter_map(|row| {
            let ess = row.ess_bulk.into_iter().chain(row.ess_tail);
            Some((ess.reduce(f64::min)?, &row.name))
        })
        .min_by(|a, b| a.0.total_cmp(&b.0));
    let enough = SMALL_ESS_PER_CHAIN * chains as f64;
    if let Some((ess, name)) = least.filter(|(ess, _)| *ess < enough) {
        warnings.push(format!(
            "the draws of `{name}` are worth {ess:.0} independent ones, fewer than {enough}: \
             draw more"
        ));
    }
    warnings
}

/// Of a variational fit: that it had not converged, and restarts that failed.
pub(super) fn of_fit(fit: &AdviFit) -> Vec<String> {
    let convergence = fit.convergence();
    let not_converged = (!convergence.converged)
        .then(|| format!("the fit had not converged ({convergence}): give it more steps"));
    let failed = fit.restarts().iter().filter_map(|restart| {
        let error = restart.outcome.as_ref().err()?;
        Some(format!(
            "the restart of seed {} failed: {error}",
            restart.seed
        ))
    });
    not_converged.into_iter().chain(failed).collect()
}
