//! Chains that are stuck in the warm-up: all chains gather at some of its draws, and one whose part
//! of the density cannot matter beside that of another goes on from there.
//!
//! The mass of what a chain explores is estimated as that of a normal: the logarithm is the level of
//! the log density plus the sum of the logarithms of the standard deviations, up to a constant. The
//! outcome depends on the chains at that draw alone, not on which of them came first. A chain that
//! has failed before is left out; a run that is stopped lets no chain through.

use super::adaptation::Adaptation;
use super::archive::Archive;
use super::kernel::Tuned;
use super::state::State;
use super::statistics::Statistics;

/// A chain is stuck if its log density is lower than that of the heaviest chain by more than so many
/// median absolute deviations of it, each taken as a nat at least, ...
const DEVIATIONS: f64 = 10.0;
/// ... and its mass by more than so many nats and half a nat for each coordinate.
const LIGHTER: f64 = 10.0;
/// A shorter warm-up has no gathering.
const SHORTEST: u64 = 100;
/// In percent of the warm-up.
const GATHERINGS: [u64; 2] = [30, 60];

/// The next gathering of a chain that has made so many draws of its warm-up and passed the one at
/// draw `passed`, if any.
pub(super) fn next(warmup: u64, made: u64, passed: Option<u64>) -> Option<u64> {
    let draws = GATHERINGS.map(|percent| (u128::from(warmup) * u128::from(percent) / 100) as u64);
    let ahead = |draw: &u64| *draw >= made && passed.is_none_or(|passed| *draw > passed);
    draws.into_iter().find(ahead).filter(|_| warmup >= SHORTEST)
}

/// A chain as it comes to a gathering.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Report {
    /// The draw of the warm-up.
    pub(super) draw: u64,
    level: f64,
    deviation: f64,
    log_mass: f64,
    pub(super) state: State,
    pub(super) tuned: Tuned,
    pub(super) adaptation: Adaptation,
}

impl Report {
    /// Of a chain after these draws of its warm-up; its level is that of their second half.
    pub(super) fn of(
        warmup: &[Statistics],
        state: &State,
        tuned: &Tuned,
        adaptation: &Adaptation,
    ) -> Report {
        let late = &warmup[warmup.len() / 2..];
        let level = median(late.iter().map(|s| s.log_prob));
        Report {
            draw: warmup.len() as u64,
            level,
            deviation: median(late.iter().map(|s| (s.log_prob - level).abs())),
            log_mass: level + adaptation.log_volume(),
            state: state.clone(),
            tuned: tuned.clone(),
            adaptation: adaptation.clone(),
        }
    }

    pub(super) fn archive(&mut self, archive: &mut Archive) {
        archive.count(&mut self.draw);
        archive.f64(&mut self.level);
        archive.f64(&mut self.deviation);
        archive.f64(&mut self.log_mass);
        self.state.archive(archive);
        archive.f64(&mut self.tuned.step_size);
        self.tuned.whitening.archive(archive);
        self.adaptation.archive(archive);
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Which of the reports, for each of them in order, its chain goes on from; its own, unless it is
/// stuck. Stuck chains are spread over the others.
pub(super) fn successors(reports: &[&Report]) -> Vec<usize> {
    let unchanged = (0..reports.len()).collect();
    let sound = reports.iter().filter(|report| report.log_mass.is_finite());
    let heaviest = sound.max_by(|a, b| a.log_mass.total_cmp(&b.log_mass));
    let Some(heaviest) = heaviest else {
        return unchanged;
    };
    let dim = heaviest.state.position.len() as f64;
    let lowest = heaviest.level - DEVIATIONS * heaviest.deviation.max(1.0);
    let lightest = heaviest.log_mass - LIGHTER - dim / 2.0;
    let is_stuck = |own: &usize| {
        let report = reports[*own];
        report.level < lowest && report.log_mass < lightest
    };
    let healthy: Vec<usize> = (0..reports.len()).filter(|own| !is_stuck(own)).collect();
    let successor = |own: usize| match is_stuck(&own) {
        true => healthy[own % healthy.len()],
        false => own,
    };
    (0..reports.len()).map(successor).collect()
}
