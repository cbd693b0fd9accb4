//! Asking work that runs to end early and to give what there is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the steps between two looks at a request or a clock take.
const PACE: Duration = Duration::from_millis(200);

/// A request to end early. What was given it looks at it between steps: a fit by
/// [`Advi`](crate::Advi), chains of [`Nuts`](crate::Nuts) and of [`Sgld`](crate::Sgld) then end in
/// good order, give what they have, and say that they were interrupted. Clones share the request, which
/// is never taken back.
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
/// use bayes_nn_inference::{Interrupt, Stop};
/// let interrupt = Interrupt::new();
/// let other = interrupt.clone();
/// let advi = Advi::mean_field().steps(100_000).interrupt(&interrupt);
/// // Any thread may ask; here the callback does.
/// let fit = advi.callback(move |_| { other.request(); ControlFlow::Continue(()) }).fit(&density)?;
/// assert!(fit.stop() == Stop::Interrupted && fit.steps() < 100_000);
/// # Ok::<(), bayes_nn_inference::InferenceError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// A request that nobody has made yet.
    #[must_use]
    pub fn new() -> Interrupt {
        Interrupt::default()
    }

    /// Asks for the end.
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether somebody has asked.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// The request that Ctrl-C (SIGINT) makes. The first ends the work that was given it, the second
    /// the process, at once and with the code 130. Whoever calls it again gets the same request. With
    /// the feature `ctrlc`.
    ///
    /// # Errors
    /// [`InferenceError::Signal`](crate::InferenceError::Signal) where the program handles the signal
    /// otherwise, or the system refuses.
    #[cfg(feature = "ctrlc")]
    pub fn on_ctrl_c() -> Result<Interrupt, crate::InferenceError> {
        use std::sync::{Mutex, PoisonError};
        static SIGNAL: Mutex<Option<Interrupt>> = Mutex::new(None);
        let mut signal = SIGNAL.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(interrupt) = &*signal {
            return Ok(interrupt.clone());
        }
        let interrupt = Interrupt::new();
        let asked = interrupt.clone();
        ctrlc::set_handler(move || match asked.is_requested() {
            true => std::process::exit(130),
            false => asked.request(),
        })
        .map_err(|error| crate::InferenceError::Signal {
            problem: error.to_string(),
        })?;
        Ok(signal.insert(interrupt).clone())
    }
}

/// Whether somebody asked for the end of what was given a request.
pub(crate) fn is_requested(interrupt: Option<&Interrupt>) -> bool {
    interrupt.is_some_and(Interrupt::is_requested)
}

/// How many steps are done between two looks at a request or a clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace(Option<u64>);

impl Pace {
    /// One step first; without anybody who looks, any number.
    pub(crate) fn new(is_looked_at: bool) -> Pace {
        Pace(is_looked_at.then_some(1))
    }

    pub(crate) fn steps(self) -> u64 {
        self.0.unwrap_or(u64::MAX)
    }

    /// Takes in how long steps took. The first may be slower than those that follow.
    pub(crate) fn took(&mut self, steps: u64, took: Duration) {
        let one = took.as_secs_f64() / steps.max(1) as f64;
        let most = (PACE.as_secs_f64() / one.max(1e-9)) as u64;
        let next = most.clamp(1, steps.saturating_mul(4).max(1));
        self.0 = self.0.map(|_| next);
    }
}
