//! A fit by natural gradients, from the best of a few starts, or to the mode.

use std::ops::ControlFlow;
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

use bayes_nn_kernels::{Device, Precision};

use super::ascending::Ascending;
use super::checkpoint::Board;
use super::ended::Ended;
use super::job::{Job, Outcomes};
use super::place::Place;
use super::search::{Programs, Search};
use super::{Advi, Family, Restart, Stop, Trained};
use crate::columns::Concerns;
use crate::compiled::Compiled;
use crate::variational::natural::{Ascent, End, Look, Position};
use crate::{Density, InferenceError, Snapshot, Update};

impl Advi {
    /// Gradients of a fit by natural gradients at the most, 100,000 unless set. The stage in which they
    /// are used up is ended, and the fit has not [converged](crate::AdviFit::convergence).
    ///
    /// A fit that goes by an optimiser, or to a mode, refuses this and [`Advi::tolerance`].
    ///
    /// ```
    /// use bayes_nn_inference::Advi;
    /// let advi = Advi::full_rank().tolerance(0.01).budget(1_000_000);
    /// # let _ = advi;
    /// ```
    pub fn budget(mut self, gradients: u64) -> Advi {
        self.budget = Some(gradients);
        self
    }

    /// When a fit by natural gradients has converged: when steps of half the size move no mean by more
    /// than this part of its standard deviation and no standard deviation by more than this part of
    /// itself; 0.05 unless set. A smaller one takes more gradients.
    pub fn tolerance(mut self, largest_move: f64) -> Advi {
        self.tolerance = Some(largest_move);
        self
    }

    /// Runs the restarts, each on a thread of its own as far as there are any; by the optimiser, if
    /// no start was found for one.
    pub(super) fn run_naturally(
        &self,
        density: &dyn Density,
        jobs: &[Job<'_>],
        others: &[Restart],
    ) -> Result<Outcomes, InferenceError> {
        let begin = Instant::now();
        let compiled = match self.family {
            Family::Point => Compiled::without_jacobians(density)?,
            _ => Compiled::new(density, &Device::cpu(), Precision::F64)?,
        };
        let concerns = Concerns::of(density, Precision::F64);
        let board = Board::of(self, density, &concerns, (jobs, others));
        let mut runs = Vec::new();
        for job in jobs {
            let programs = Programs::new(compiled.start()?, compiled.start()?);
            let advi = Advi {
                seed: self.seed_of(job.restart),
                ..self.clone()
            };
            runs.push((advi, *job, programs));
        }
        let writing = begin.elapsed();
        let available = || thread::available_parallelism().map_or(1, |n| n.get());
        let threads = self.threads.unwrap_or_else(available);
        let on = (density, board.as_ref());
        let mut ends = Vec::new();
        while !runs.is_empty() {
            let together: Vec<_> = runs.drain(..threads.min(runs.len())).collect();
            ends.extend(thread::scope(|scope| {
                let runs = together.into_iter().map(|(advi, job, programs)| {
                    move || match advi.family {
                        Family::Point => advi.climb(on, job, programs.density, writing),
                        _ => advi.run_one(on, job, programs, writing),
                    }
                });
                let mut running: Vec<_> = runs.collect();
                let own = running.pop();
                let others: Vec<_> = running.into_iter().map(|job| scope.spawn(job)).collect();
                let own = own.map(|job| job());
                let joined = others.into_iter().map(|thread| match thread.join() {
                    Ok(end) => end,
                    Err(panic) => std::panic::resume_unwind(panic),
                });
                joined.chain(own).collect::<Vec<_>>()
            }));
        }
        match ends.into_iter().collect::<Result<Option<Vec<_>>, _>>()? {
            Some(ends) => self.finish_all(density, ends.into_iter().map(Ok).collect(), &concerns),
            None => {
                let jobs: Vec<Job<'_>> = jobs.iter().map(|job| Job::new(job.restart)).collect();
                let anew = Advi {
                    extension: None,
                    ..self.clone()
                };
                anew.run_all(density, &jobs, others)
            }
        }
    }

    /// Runs one restart, from its start or from where it was; nothing if no start has a finite density, or
    /// the guide lost it.
    fn run_one(
        &self,
        (density, board): (&dyn Density, Option<&Board<'_>>),
        job: Job<'_>,
        mut programs: Programs,
        writing: Duration,
    ) -> Result<Option<Ended>, InferenceError> {
        let begin = Instant::now();
        let (mut place, mut gradients) = match job.from {
            Some(trained) if trained.is_at_its_end() => {
                return Ok(Some(trained.clone().end(self, density)?));
            }
            Some(trained) => (
                Place::of(trained, self.family, density.dim())?,
                trained.gradients.unwrap_or(0),
            ),
            None => (Place::Search(Search::default()), 0),
        };
        // A search that was interrupted is shown by the guide after one step, and goes on where it was.
        let mut unfinished = None;
        if let Place::Search(search) = &mut place {
            let is_whole = self.search(density, search, &mut programs)?;
            let Some(gaussian) = search.best() else {
                return Ok(None);
            };
            gradients = search.gradients;
            let ascent = Place::Normal(Position::new(gaussian.clone()));
            unfinished = (!is_whole).then(|| (search.states(), gradients));
            place = ascent;
        }
        let mut ascending = Ascending::new(self, job, board, gradients, writing + begin.elapsed());
        let mut ascent = Ascent {
            density: &mut programs.density,
            seed: self.seed,
            tolerance: self.largest_move(),
            budget: self.most_gradients(),
            gradients,
            elbos: job
                .from
                .map_or(Vec::new(), |trained| trained.curve.elbos.clone()),
            look: &mut |look| ascending.look(look),
        };
        let (end, moved) = place.ascend(&mut ascent, self.family)?;
        let (gradients, elbos) = (ascent.gradients, ascent.elbos);
        ascending.failed()?;
        let (Some(_), false) = (place.blocks(self.family), end == End::Lost) else {
            return Ok(None);
        };
        let trained = Trained {
            convergence: Some(moved.convergence(end)),
            stop: Some(match end {
                End::Converged => Stop::Converged,
                End::Budget | End::Lost => Stop::Steps,
                End::Looked => self.stop_from_outside(),
            }),
            ..ascending.trained(&elbos, place.states(), gradients)
        };
        if let (Some(board), None) = (board, &unfinished) {
            board.post(trained.clone())?;
        }
        let mut ended = trained.end(self, density)?;
        if let Some((states, gradients)) = unfinished {
            ended.training = Some(ascending.trained(&[], states, gradients));
        }
        Ok(Some(ended))
    }

    /// Why a fit ended that somebody who looked on ended.
    pub(super) fn stop_from_outside(&self) -> Stop {
        match self.is_interrupted() {
            true => Stop::Interrupted,
            false => Stop::Callback,
        }
    }

    /// Shows a fit to whom it concerns, and asks whether it goes on.
    pub(super) fn show(&self, restart: usize, look: &Look<'_>, elbos: &[f64]) -> ControlFlow<()> {
        if let Some(progress) = &self.progress {
            progress.update(Update {
                restart,
                step: look.gradients,
                elbo: elbos.iter().sum::<f64>() / elbos.len() as f64,
                ..Update::default()
            });
        }
        let Some(callback) = &self.callback else {
            return ControlFlow::Continue(());
        };
        let snapshot = Snapshot {
            restart,
            step: look.elbos.len() as u64,
            elbos,
            mean: look.mean,
            sd: &(look.sd)(),
        };
        let mut callback = callback.lock().unwrap_or_else(PoisonError::into_inner);
        callback(&snapshot)
    }
}
