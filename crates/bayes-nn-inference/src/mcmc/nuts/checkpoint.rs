//! Chains on disk: saved whole, and taken up where they were saved.

use std::fs;
use std::path::{Path, PathBuf};

use bayes_nn_files::write_whole;

use super::archive::{Archive, hash};
use super::chain::Chain;
use super::settings::{Checkpoints, Nuts};
use crate::{InferenceError, Site, Start};

/// Where one chain is saved, and what must be the same when it is taken up.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    path: PathBuf,
    every: u64,
    fingerprint: u64,
}

impl Slot {
    /// Where a chain of these settings is saved, if checkpoints are wanted.
    pub(super) fn of(settings: &Nuts, sites: &[Site], dim: usize, chain: usize) -> Option<Slot> {
        // Everything that decides the bits of a chain: all but the number of its draws, its own
        // number, which names the file, and what only watches it.
        let Nuts {
            warmup,
            seed,
            target_accept,
            limits,
            metric,
            schedule,
            initial_step,
            device,
            precision,
            keep_warmup,
            start,
            checkpoints,
            draws: _,
            chains: _,
            first_chain: _,
            threads: _,
            progress: _,
            interrupt: _,
        } = settings;
        let Checkpoints { folder, every } = checkpoints.as_ref()?;
        let (depth, start) = (limits.depth(), identity_of(start));
        let identity = format!(
            "{dim} {warmup} {seed} {target_accept} {depth} {metric:?} {schedule:?} {precision:?} \
             {initial_step} {keep_warmup} {device} {start} {sites:?}"
        );
        Some(Slot {
            path: folder.join(format!("chain-{chain}.nuts")),
            every: *every,
            fingerprint: hash(identity.as_bytes()),
        })
    }

    /// Whether a chain of so many draws is to be saved.
    pub(super) fn is_due(&self, draws: usize) -> bool {
        (draws as u64).is_multiple_of(self.every)
    }

    /// Saves a chain. There is a whole file at any moment.
    pub(super) fn save(&self, chain: &mut Chain) -> Result<(), InferenceError> {
        let mut archive = Archive::save();
        let mut fingerprint = self.fingerprint;
        archive.u64(&mut fingerprint);
        chain.archive(&mut archive);
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)
            .and_then(|()| write_whole(&self.path, &archive.finish()))
            .map_err(|error| self.problem(format!("cannot be written: {error}")))
    }

    /// Takes up the chain that was saved, if one was.
    pub(super) fn restore(&self, chain: &mut Chain) -> Result<bool, InferenceError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.problem(format!("cannot be read: {error}"))),
        };
        let damaged = || self.problem("is damaged, or no checkpoint of this version".to_owned());
        let mut archive = Archive::load(bytes).ok_or_else(damaged)?;
        let mut fingerprint = 0;
        archive.u64(&mut fingerprint);
        if fingerprint != self.fingerprint {
            let problem = "was saved with other settings or another model; only the number of \
                           draws, of chains and of threads may change";
            return Err(self.problem(problem.to_owned()));
        }
        chain.archive(&mut archive);
        if !archive.is_read() {
            return Err(damaged());
        }
        match chain.is_where_it_was() {
            true => Ok(true),
            false => {
                let problem = "was saved with other data or another model: the log density at its \
                               last draw is not the one it had";
                Err(self.problem(problem.to_owned()))
            }
        }
    }

    fn problem(&self, problem: String) -> InferenceError {
        InferenceError::Checkpoint {
            path: self.path.clone(),
            problem,
        }
    }
}

/// A start by its numbers, which may be many.
fn identity_of(start: &Start) -> String {
    match start {
        Start::Approximation(guide) => {
            let numbers = guide.mean().iter().copied().chain(guide.cholesky());
            let bytes: Vec<u8> = numbers.flat_map(f64::to_le_bytes).collect();
            format!("{:016x}", hash(&bytes))
        }
        start => format!("{start:?}"),
    }
}
