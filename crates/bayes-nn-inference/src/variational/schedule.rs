//! How the learning rate changes over a fit.

use std::f64::consts::PI;

use bayes_nn_autodiff::Var;

use crate::InferenceError;

/// The factor on the learning rate, as a function of the step.
///
/// ```
/// use bayes_nn_inference::Schedule;
/// let halved = Schedule::Step { every: 100, factor: 0.5 };
/// assert_eq!(halved.factor(250.0.into(), 1000).number(), Some(0.25));
/// let warm = Schedule::WarmUp { share: 0.1, last: 0.0 };
/// assert_eq!(warm.factor(9.0.into(), 100).number(), Some(0.1 * 10.0));
/// let cosine = Schedule::Cosine { last: 0.1 };
/// assert!((cosine.factor(500.0.into(), 1000).number().unwrap() - 0.55).abs() < 1e-12);
/// let cooldown = Schedule::Cooldown { share: 0.2 };
/// assert_eq!(cooldown.factor(800.0.into(), 1000).number(), Some(1.0));
/// assert!((cooldown.factor(900.0.into(), 1000).number().unwrap() - 0.5).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Schedule {
    /// Always 1.
    #[default]
    Constant,
    /// Multiplied by `factor` after every `every` steps.
    Step {
        /// Steps between two changes.
        every: u64,
        /// The factor of each change.
        factor: f64,
    },
    /// 1 but for the last `share` of the steps, in which half a cosine takes it to 0. With
    /// [`Advi::stop_when_converged`](crate::Advi::stop_when_converged) that begins when the test
    /// has passed, so that the fit is as long as it needs.
    Cooldown {
        /// The share of all steps in which it falls.
        share: f64,
    },
    /// Half a cosine from 1 at the first step to `last` after the last one (Loshchilov and
    /// Hutter 2017, "SGDR", equation 5, without restarts).
    Cosine {
        /// The factor at the end.
        last: f64,
    },
    /// Linear from 0 to 1 over the first `share` of the steps, then half a cosine to `last`.
    WarmUp {
        /// The part of the steps in which it rises.
        share: f64,
        /// The factor at the end.
        last: f64,
    },
}

impl Schedule {
    /// The factor at `step` of a fit of `steps` steps.
    pub fn factor<'g>(&self, step: Var<'g>, steps: u64) -> Var<'g> {
        self.factor_of(step, Var::from(steps as f64))
    }

    /// The same, of a fit whose length may change.
    pub(crate) fn factor_of<'g>(&self, step: Var<'g>, steps: Var<'g>) -> Var<'g> {
        match *self {
            Schedule::Constant => Var::from(1.0),
            Schedule::Step { every, factor } => {
                let changes = (step * (1.0 / every as f64)).floor();
                (changes * factor.ln()).exp()
            }
            Schedule::Cooldown { share } => {
                let gone = (step / steps - (1.0 - share)) / share;
                0.5 * (1.0 + (gone.maximum(0.0).minimum(1.0) * PI).cos())
            }
            Schedule::Cosine { last } => {
                let turn = (step * (PI / steps)).cos();
                last + 0.5 * (1.0 - last) * (1.0 + turn)
            }
            Schedule::WarmUp { share, last } => {
                let risen = (-(-share * steps).floor()).maximum(1.0);
                let rises = (step + 1.0) * risen.reciprocal();
                let rest = (steps - risen).maximum(1.0);
                let turn = ((step - risen).maximum(0.0) * (PI / rest)).cos();
                rises.minimum(1.0) * (last + 0.5 * (1.0 - last) * (1.0 + turn))
            }
        }
    }

    pub(crate) fn check(&self) -> Result<(), InferenceError> {
        let problem = |value: String, allowed: &str| InferenceError::Setting {
            field: "schedule",
            value,
            allowed: allowed.to_owned(),
        };
        match *self {
            Schedule::Step { every: 0, .. } => {
                Err(problem("Step { every: 0 }".into(), "every at least 1 step"))
            }
            Schedule::Step { factor, .. } if !(factor > 0.0 && factor <= 1.0) => Err(problem(
                format!("Step {{ factor: {factor} }}"),
                "a factor above 0 and at most 1",
            )),
            Schedule::Cooldown { share } if !(share > 0.0 && share <= 1.0) => Err(problem(
                format!("Cooldown {{ share: {share} }}"),
                "a share above 0 and at most 1",
            )),
            Schedule::WarmUp { share, last }
                if !((0.0..=1.0).contains(&share) && (0.0..=1.0).contains(&last)) =>
            {
                Err(problem(
                    format!("WarmUp {{ share: {share}, last: {last} }}"),
                    "a share and a last factor between 0 and 1",
                ))
            }
            Schedule::Cosine { last } if !(0.0..=1.0).contains(&last) => Err(problem(
                format!("Cosine {{ last: {last} }}"),
                "a last factor between 0 and 1",
            )),
            _ => Ok(()),
        }
    }
}
