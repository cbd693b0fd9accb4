//! The one place where work on replicas is spread over threads.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Run, StepProgram};
use crate::{Backend, KernelError};

/// Does `jobs` jobs with replicas of a program, and returns their results in order.
///
/// `work` is called with some jobs and a run of so many replicas, and gives a result for each. On
/// a CPU it gets one job at a time, on as many threads as [`Runtime::threads`] says; a thread
/// makes its replica when it first needs it and keeps it for its next job, so `work` has to
/// [begin](Run::begin) it. A device that runs replicas at the same time gets all jobs at once,
/// unless the program has windows, which replicas would share. Where the device has several
/// ranks, jobs are done one after another.
///
/// [`Runtime::threads`]: super::Runtime::threads
///
/// # Errors
/// The first in the order of the jobs; after one no further job is begun.
///
/// # Panics
/// Where `work` does.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_kernels::{KernelError, Runtime, Step, fan_out};
///
/// let graph = Graph::new();
/// let step = Step::new(&graph);
/// let x = step.state("x", [], 0.0);
/// step.next(x, x + 1.0);
/// let program = step.finish(&Runtime::default())?;
/// let counts = fan_out(&program, 5, |run, jobs| -> Result<Vec<f64>, KernelError> {
///     run.begin(&vec![0; jobs.len()])?;
///     let steps: Vec<u64> = jobs.clone().map(|job| job as u64).collect();
///     run.advance(&steps).into_iter().collect::<Result<(), _>>()?;
///     (0..jobs.len()).map(|replica| Ok(run.get(replica, "x")?[0])).collect()
/// })?;
/// assert_eq!(counts, [0.0, 1.0, 2.0, 3.0, 4.0]);
/// # Ok::<(), KernelError>(())
/// ```
pub fn fan_out<R: Send, E: From<KernelError> + Send>(
    program: &StepProgram,
    jobs: usize,
    work: impl Fn(&mut Run, Range<usize>) -> Result<Vec<R>, E> + Sync,
) -> Result<Vec<R>, E> {
    if program.step.windows.is_empty() && jobs.min(program.loaded.together()) > 1 {
        return work(&mut program.start(jobs)?, 0..jobs);
    }
    let available = || std::thread::available_parallelism().map_or(1, |n| n.get());
    let runtime = &program.runtime;
    let threads = match runtime.device.ranks() {
        1 => runtime
            .threads
            .unwrap_or_else(available)
            .clamp(1, jobs.max(1)),
        // Their programs take turns, and beside ranks that wait for one another on several GPUs
        // nothing else is to be copied, loaded or freed there.
        _ => 1,
    };
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<_>> = Mutex::new((0..jobs).map(|_| None).collect());
    let take = || {
        let mut run = None;
        loop {
            let job = next.fetch_add(1, Ordering::Relaxed);
            if job >= jobs {
                return;
            }
            let mut attempt = || {
                let run = match &mut run {
                    Some(run) => run,
                    None => run.insert(program.start(1)?),
                };
                work(run, job..job + 1)
            };
            let result = attempt();
            if result.is_err() {
                next.fetch_max(jobs, Ordering::Relaxed);
            }
            results.lock().unwrap_or_else(PoisonError::into_inner)[job] = Some(result);
        }
    };
    match threads {
        1 => take(),
        _ => std::thread::scope(|scope| {
            // Where the system starts no more threads, those that there are do all jobs.
            let start = |_| std::thread::Builder::new().spawn_scoped(scope, take);
            let workers: Vec<_> = (1..threads).map_while(|i| start(i).ok()).collect();
            take();
            for worker in workers {
                if let Err(panic) = worker.join() {
                    std::panic::resume_unwind(panic);
                }
            }
        }),
    }
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    let results: Vec<Vec<R>> = results.into_iter().flatten().collect::<Result<_, E>>()?;
    Ok(results.into_iter().flatten().collect())
}
