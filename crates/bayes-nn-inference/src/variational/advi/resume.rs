//! Training that goes on: to the end that was set, or beyond it.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use bayes_nn_autodiff::{Var, noise};
use bayes_nn_kernels::Device;

use super::every::{Checkpoint, Every};
use super::extension::Extension;
use super::job::Job;
use super::settings::Callback;
use super::training::Trained;
use super::{Advi, AdviFit, Family, ResumeError, Stop, Training};
use crate::variational::natural::{Ascent, Gaussian, Independent};
use crate::{Density, InferenceError, Interrupt, Progress, Site, Snapshot};

/// The least factor on the learning rate at which further steps move anything.
const LEAST_FACTOR: f64 = 1e-3;

/// How the training of a fit goes on, and who looks on.
///
/// ```
/// use bayes_nn_inference::{Every, Resume};
/// let resume = Resume::cycle(5_000).checkpoint("fit.bnn", Every::Seconds(60.0));
/// # let _ = resume;
/// ```
#[derive(Clone)]
#[must_use = "settings do nothing until they resume"]
pub struct Resume {
    more: More,
    threads: Option<usize>,
    device: Option<Device>,
    callback: Option<Callback>,
    progress: Option<Arc<dyn Progress>>,
    interrupt: Option<Interrupt>,
    checkpoint: Option<Checkpoint>,
}

/// How far.
#[derive(Clone, Copy, Debug, PartialEq)]
enum More {
    Rest,
    Steps(u64),
    Cycle(u64),
}

impl std::fmt::Debug for Resume {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resume")
            .field("more", &self.more)
            .finish_non_exhaustive()
    }
}

/// So many steps more at the last learning rate.
impl From<u64> for Resume {
    fn from(steps: u64) -> Resume {
        Resume::steps(steps)
    }
}

impl Resume {
    fn new(more: More) -> Resume {
        Resume {
            more,
            threads: None,
            device: None,
            callback: None,
            progress: None,
            interrupt: None,
            checkpoint: None,
        }
    }

    /// To the end that was set: of a fit that was interrupted, ended by its callback, or taken up from a
    /// [checkpoint](Advi::checkpoint). The outcome has the bits of a fit that was not interrupted. Of
    /// restarts all go on.
    pub fn rest() -> Resume {
        Resume::new(More::Rest)
    }

    /// So many steps beyond those that were done, at the learning rate of the last of them. Of restarts
    /// the one that was kept goes on.
    ///
    /// A fit by natural gradients goes on as if its [budget](Advi::budget) had been larger by so many steps:
    /// the window of steps that is under way when they are done is ended, and none follow once it has
    /// converged at half the last rate.
    pub fn steps(steps: u64) -> Resume {
        Resume::new(More::Steps(steps))
    }

    /// So many steps beyond those that were done, in which the learning rate goes through the schedule
    /// of the fit from its beginning (a warm restart, Loshchilov and Hutter 2017, "SGDR"). Of restarts
    /// the one that was kept goes on. A fit by natural gradients refuses it.
    pub fn cycle(steps: u64) -> Resume {
        Resume::new(More::Cycle(steps))
    }

    /// As [`Advi::threads`].
    pub fn threads(mut self, threads: usize) -> Resume {
        self.threads = Some(threads);
        self
    }

    /// As [`Advi::device`]; the CPU unless set. The same bits are those of the same device.
    pub fn device(mut self, device: Device) -> Resume {
        self.device = Some(device);
        self
    }

    /// As [`Advi::callback`].
    pub fn callback(
        mut self,
        callback: impl FnMut(&Snapshot<'_>) -> ControlFlow<()> + Send + 'static,
    ) -> Resume {
        self.callback = Some(Arc::new(Mutex::new(callback)));
        self
    }

    /// As [`Advi::progress`].
    pub fn progress(mut self, progress: impl Progress + 'static) -> Resume {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// As [`Advi::interrupt`].
    pub fn interrupt(mut self, interrupt: &Interrupt) -> Resume {
        self.interrupt = Some(interrupt.clone());
        self
    }

    /// As [`Advi::checkpoint`].
    pub fn checkpoint(mut self, path: impl Into<std::path::PathBuf>, every: Every) -> Resume {
        self.checkpoint = Some(Checkpoint::new(path, every));
        self
    }

    /// The settings of a fit, with who looks on now.
    fn settings(self, advi: &Advi) -> Advi {
        Advi {
            threads: self.threads.or(advi.threads),
            device: self.device.unwrap_or_default(),
            callback: self.callback,
            progress: self.progress,
            interrupt: self.interrupt,
            checkpoint: self.checkpoint,
            ..advi.clone()
        }
    }
}

impl AdviFit {
    /// Goes on with the training of this fit, which may come from a file, on the density that it was
    /// fitted to.
    ///
    /// [`Resume::rest`] goes to the end that was set, [`Resume::steps`] and [`Resume::cycle`] beyond it. A fit
    /// by natural gradients goes on from the step at which it was, or with the next start if it was in the
    /// search for one; a fit to a mode with the climb that it was in, from its start.
    ///
    /// ```
    /// # use std::rc::Rc;
    /// # use bayes_nn_autodiff::Graph;
    /// # use bayes_nn_inference::{Advi, Density, DensityError, Handler, Method, Rows, Site, Term, Traced};
    /// # struct Normal(Vec<Site>);
    /// # impl Density for Normal {
    /// #     fn sites(&self) -> &[Site] { &self.0 }
    /// #     fn start(&self, _seed: u64) -> Result<Vec<f64>, DensityError> { Ok(vec![0.5]) }
    /// #     fn trace<'g>(
    /// #         &self, _: &'g Graph, handler: Rc<dyn Handler<'g> + 'g>, _: Rows,
    /// #     ) -> Result<Traced<'g>, DensityError> {
    /// #         let x = handler.unconstrained("x", [1].into())?;
    /// #         Ok(Traced::new(vec![Term::new("x", (-0.5 * x * x).sum())]))
    /// #     }
    /// # }
    /// # let density = Normal(vec![Site::new("x", [1], 0)]);
    /// use std::ops::ControlFlow;
    /// use bayes_nn_inference::Resume;
    /// let advi = Advi::mean_field().steps(1_000);
    /// let whole = advi.fit(&density)?;
    /// let half = advi.every(500).callback(|_| ControlFlow::Break(())).fit(&density)?;
    /// let resumed = half.resume(&density, Resume::rest())?;
    /// assert_eq!(resumed.approximation(), whole.approximation());
    ///
    /// let longer = resumed.resume(&density, 500)?;
    /// assert_eq!(longer.steps(), 1_500);
    /// # Ok::<(), bayes_nn_inference::InferenceError>(())
    /// ```
    ///
    /// # Errors
    /// [`InferenceError::Resume`] for a fit that cannot go on; [`InferenceError::OtherDensity`] for other
    /// sites; as [a fit](crate::Method::fit).
    pub fn resume(
        &self,
        density: &dyn Density,
        resume: impl Into<Resume>,
    ) -> Result<AdviFit, InferenceError> {
        let (resume, parts) = (resume.into(), self.parts());
        let more = resume.more;
        if !Site::agree(parts.approximation.sites(), density.sites()) {
            return Err(InferenceError::OtherDensity {
                found: Site::list(parts.approximation.sites()),
                expected: Site::list(density.sites()),
            });
        }
        let advi = resume.settings(&parts.settings);
        let is_complete = parts.stop.is_complete();
        if more == More::Rest && is_complete {
            return Err(ResumeError::Complete {
                steps: self.steps(),
            }
            .into());
        }
        let training = match &parts.training {
            Some(training) => training,
            None => return Err(ResumeError::NoTraining.into()),
        };
        training.check(density)?;
        match more {
            More::Rest => {
                let advi = advi.for_density(density)?;
                // Of a fit that was extended the other restarts had come to their end.
                let (numbers, others) = match (&advi.extension, &training.restarts[..]) {
                    (Some(_), [own, ..]) => (own.restart..own.restart + 1, &parts.restarts[..]),
                    _ => (0..advi.restart_count(), &[][..]),
                };
                let of = |number| training.restarts.iter().find(|t| t.restart == number);
                let jobs = numbers.map(|restart| Job {
                    restart,
                    from: of(restart),
                });
                advi.fit_jobs(density, &jobs.collect::<Vec<_>>(), others)
            }
            More::Steps(0) | More::Cycle(0) => Err(ResumeError::NoSteps.into()),
            More::Steps(steps) => self.extend(&advi, density, steps, true),
            More::Cycle(steps) => self.extend(&advi, density, steps, false),
        }
    }

    /// So many further steps of the restart that was kept.
    fn extend(
        &self,
        advi: &Advi,
        density: &dyn Density,
        steps: u64,
        at_last_rate: bool,
    ) -> Result<AdviFit, InferenceError> {
        let restarts = self.parts.training.iter().flat_map(|t| &t.restarts);
        let mut restarts = restarts.filter(|t| advi.seed_of(t.restart) == self.parts.seed);
        let kept = restarts.next().ok_or(ResumeError::NoTraining)?;
        let extension = Extension {
            from: kept.curve.elbos().len() as u64,
            steps,
            factor: match at_last_rate {
                true if kept.gradients.is_none() => Some(advi.last_factor(kept)?),
                true => Some(1.0),
                false => None,
            },
        };
        let mut extended = Advi {
            extension: Some(extension),
            ..advi.clone()
        };
        if let Some(gradients) = kept.gradients {
            let further = advi.gradients_of(density, steps, at_last_rate)?;
            extended.budget = Some(gradients.saturating_add(further));
        }
        let extended = extended.for_density(density)?;
        let begun = Trained {
            steps: match kept.gradients {
                Some(_) => kept.steps,
                None => extended.last_step(),
            },
            stop: None,
            convergence: None,
            ..kept.clone()
        };
        let job = Job {
            restart: kept.restart,
            from: Some(&begun),
        };
        extended.fit_jobs(density, &[job], &self.parts.restarts)
    }
}

impl Advi {
    /// Gradients of so many further steps by natural gradients.
    fn gradients_of(
        &self,
        density: &dyn Density,
        steps: u64,
        at_last_rate: bool,
    ) -> Result<u64, ResumeError> {
        let of_a_step = match self.family {
            Family::Point => return Err(ResumeError::Mode),
            _ if !at_last_rate => return Err(ResumeError::NoCycle),
            Family::MeanField => Ascent::gradients_of_a_step::<Independent>(density.dim()),
            _ => Ascent::gradients_of_a_step::<Gaussian>(density.dim()),
        };
        Ok(steps.saturating_mul(of_a_step))
    }

    /// The factor on the learning rate at the last step of a restart.
    fn last_factor(&self, trained: &Trained) -> Result<f64, InferenceError> {
        let last = trained.curve.elbos().len().saturating_sub(1) as f64;
        let steps = Var::from(trained.steps as f64);
        let factor = self.rate_factor(Var::from(last), steps).number();
        match factor.unwrap_or(1.0) {
            factor if factor < LEAST_FACTOR => Err(ResumeError::NoRate { factor }.into()),
            factor => Ok(factor),
        }
    }
}

impl Training {
    /// Checks that training can go on with this library and this density.
    fn check(&self, density: &dyn Density) -> Result<(), InferenceError> {
        if self.random_stream != noise::VERSION {
            return Err(ResumeError::OtherStream {
                found: self.random_stream,
                own: noise::VERSION,
            }
            .into());
        }
        if self.rows != density.rows() {
            return Err(ResumeError::OtherRows {
                found: self.rows,
                given: density.rows(),
            }
            .into());
        }
        Ok(())
    }
}

impl Stop {
    /// Whether the fit came to an end of its own, and was not ended from outside.
    pub(crate) fn is_complete(self) -> bool {
        !matches!(self, Stop::Callback | Stop::Interrupted)
    }
}
