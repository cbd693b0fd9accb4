//! The loop of a fit: after every chunk of steps each restart is checked, and ends or fails by
//! itself.

use std::ops::{ControlFlow, Range};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use bayes_nn_kernels::Run;

use super::family::inverse_softplus;
use super::precision::coarse_means;
use super::write::{ELBO, average_of};
use super::{Advi, AdviFit, Approximation, Curve, Elbo, Stop, diagnosis};
use crate::columns::Concerns;
use crate::{Density, Divergence, InferenceError, NonFinite, Snapshot, Update};

/// A restart that runs, as a replica of a run.
struct Restarted {
    /// The settings, with the seed of this restart.
    advi: Advi,
    restart: usize,
    curve: Curve,
    /// Why it ended, once it has.
    stop: Option<Stop>,
    setup_seconds: f64,
    seconds: f64,
}

/// A restart that has ended, and the guide's parameters that it found, in the order of its blocks.
pub(super) struct Ended {
    restarted: Restarted,
    pub(super) blocks: Vec<Vec<f64>>,
}

impl Ended {
    pub(super) fn seed(&self) -> u64 {
        self.restarted.advi.seed
    }
}

/// Runs some of the restarts as the replicas of a run until each has ended or failed. `writing` is
/// how long it took to write and compile the step.
///
/// # Errors
/// Those that concern all restarts; any other error is the outcome of one restart.
pub(super) fn drive(
    advi: &Advi,
    density: &dyn Density,
    run: &mut Run,
    restarts: Range<usize>,
    writing: Duration,
) -> Result<Vec<Result<Ended, InferenceError>>, InferenceError> {
    let begin = Instant::now();
    let seeds: Vec<u64> = restarts.clone().map(|r| advi.seed_of(r)).collect();
    run.begin(&seeds)?;
    let mut outcomes: Vec<Result<Restarted, InferenceError>> = restarts
        .enumerate()
        .map(|(replica, restart)| {
            let mut restarted = begin_restart(advi, density, run, replica, restart)?;
            restarted.setup_seconds = (writing + begin.elapsed()).as_secs_f64();
            Ok(restarted)
        })
        .collect();
    let first_step = Instant::now();
    loop {
        let due = |restarted: &Result<Restarted, _>| restarted.as_ref().map_or(0, Restarted::due);
        let steps: Vec<u64> = outcomes.iter().map(due).collect();
        if steps.iter().all(|steps| *steps == 0) {
            break;
        }
        for (replica, advanced) in run.advance(&steps).into_iter().enumerate() {
            if let Ok(restarted) = &mut outcomes[replica]
                && steps[replica] > 0
                && let Err(error) = advanced.map_err(InferenceError::from).and_then(|()| {
                    restarted.look(density, run, replica, steps[replica], first_step)
                })
            {
                outcomes[replica] = Err(error);
            }
        }
    }
    let ends = outcomes
        .into_iter()
        .enumerate()
        .map(|(replica, restarted)| {
            let restarted = restarted?;
            let averaged = restarted.advi.first_averaged();
            let averaged = averaged.is_some_and(|first| first < restarted.curve.elbos.len() as u64);
            // All steps were finite, so the saved states are not needed: their memory serves for
            // reading.
            run.forget(replica)?;
            let blocks = blocks(&restarted.advi, run, replica, averaged)?;
            Ok(Ended { restarted, blocks })
        });
    Ok(ends.collect())
}

/// Begins a restart as a replica, with the seed of its number.
fn begin_restart(
    advi: &Advi,
    density: &dyn Density,
    run: &mut Run,
    replica: usize,
    restart: usize,
) -> Result<Restarted, InferenceError> {
    let advi = Advi {
        seed: advi.seed_of(restart),
        ..advi.clone()
    };
    begin(&advi, density, run, replica)?;
    Ok(Restarted {
        advi,
        restart,
        curve: Curve::default(),
        stop: None,
        setup_seconds: 0.0,
        seconds: 0.0,
    })
}

/// Puts a replica to where a fit with these settings begins: sets the guide's blocks, and their
/// averages, to the start's means, one standard deviation and no correlation.
pub(super) fn begin(
    advi: &Advi,
    density: &dyn Density,
    run: &mut Run,
    replica: usize,
) -> Result<(), InferenceError> {
    let mean = advi.start(density)?;
    let rho = inverse_softplus(advi.initial_sd);
    let [mu_name, rho_name, ..] = advi.family.blocks() else {
        unreachable!("every family has means and spreads")
    };
    run.set(replica, mu_name, &mean)?;
    run.fill(replica, rho_name, rho)?;
    if advi.first_averaged().is_some() {
        run.set(replica, &average_of(mu_name), &mean)?;
        run.fill(replica, &average_of(rho_name), rho)?;
    }
    Ok(run.save(replica)?)
}

impl Restarted {
    /// How many steps it does next.
    fn due(&self) -> u64 {
        let left = self.advi.steps - self.curve.elbos.len() as u64;
        match self.stop {
            Some(_) => 0,
            // Another start may be no better than the one before.
            None if self.advi.tries > 0 && self.curve.elbos.is_empty() => 1,
            None => self.advi.every.min(left),
        }
    }

    /// Processes the steps that were just done, and decides whether more follow.
    fn look(
        &mut self,
        density: &dyn Density,
        run: &mut Run,
        replica: usize,
        steps: u64,
        first_step: Instant,
    ) -> Result<(), InferenceError> {
        let elbos = run.recorded(replica, ELBO)?.to_vec();
        let good = elbos.iter().all(|e| e.is_finite())
            && diagnosis::non_finite(run, replica, density.sites())?.is_none();
        if !good {
            let before = std::mem::take(&mut self.curve.elbos);
            let divergence = diagnosis::locate(&self.advi, density, run, replica, before, steps)?;
            return Err(InferenceError::NotFinite(Box::new(divergence)));
        }
        run.save(replica)?;
        self.curve.elbos.extend(&elbos);
        let done = self.curve.elbos.len();
        self.seconds = first_step.elapsed().as_secs_f64();
        self.curve.clock.push((done, self.seconds));
        if let Some(progress) = &self.advi.progress {
            progress.update(Update {
                restart: self.restart,
                step: done as u64,
                elbo: elbos.iter().sum::<f64>() / elbos.len() as f64,
            });
        }
        self.stop = if self.call_back(density, run, replica, &elbos)? {
            Some(Stop::Callback)
        } else if self.advi.stop_when_converged
            && done >= 2 * self.advi.convergence.window
            && self.advi.convergence.check(&self.curve.elbos).converged
        {
            Some(Stop::Converged)
        } else {
            (done as u64 == self.advi.steps).then_some(Stop::Steps)
        };
        Ok(())
    }

    /// Whether the callback wants the fit to end.
    fn call_back(
        &self,
        density: &dyn Density,
        run: &Run,
        replica: usize,
        elbos: &[f64],
    ) -> Result<bool, InferenceError> {
        let Some(callback) = &self.advi.callback else {
            return Ok(false);
        };
        let blocks = blocks(&self.advi, run, replica, false)?;
        let guide = Approximation::from_blocks(self.advi.family, density.sites(), blocks);
        let snapshot = Snapshot {
            restart: self.restart,
            step: self.curve.elbos.len() as u64,
            elbos,
            mean: guide.mean(),
            sd: &guide.sd(),
        };
        let mut callback = callback.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(callback(&snapshot) == ControlFlow::Break(()))
    }
}

impl Ended {
    /// The fit, with its final ELBO.
    pub(super) fn finish(
        self,
        density: &dyn Density,
        elbo: Elbo,
        concerns: &Concerns,
    ) -> Result<AdviFit, InferenceError> {
        let Ended { restarted, blocks } = self;
        let advi = restarted.advi;
        let approximation = Approximation::from_blocks(advi.family, density.sites(), blocks);
        if !elbo.mean.is_finite() || !elbo.mcse.is_finite() {
            return Err(InferenceError::NotFinite(Box::new(Divergence {
                step: restarted.curve.elbos.len() as u64,
                seed: advi.seed,
                what: NonFinite::FinalElbo,
                term: None,
                advice: "some draws of the fitted guide have no finite log density; more steps \
                         or a smaller learning rate may help"
                    .to_owned(),
                last_good: approximation,
                elbos: restarted.curve.elbos,
            })));
        }
        let mut concerns = concerns.clone();
        concerns.coarse.extend(coarse_means(&advi, &approximation));
        Ok(AdviFit {
            convergence: advi
                .convergence
                .check(&restarted.curve.elbos)
                .in_numbers_that_are_too_coarse(!concerns.coarse.is_empty()),
            approximation,
            curve: restarted.curve,
            elbo,
            stop: restarted.stop.unwrap_or(Stop::Steps),
            seed: advi.seed,
            settings: advi.recorded(),
            setup_seconds: restarted.setup_seconds,
            seconds: restarted.seconds,
            restarts: Vec::new(),
            concerns,
        })
    }
}

/// The guide's parameters among the states: their averages, or the last step's.
pub(super) fn blocks(
    advi: &Advi,
    run: &Run,
    replica: usize,
    averaged: bool,
) -> Result<Vec<Vec<f64>>, InferenceError> {
    let names = advi.family.blocks().iter();
    let blocks = names.map(|block| match averaged {
        true => run.get(replica, &average_of(block)),
        false => run.get(replica, block),
    });
    Ok(blocks.collect::<Result<_, _>>()?)
}
