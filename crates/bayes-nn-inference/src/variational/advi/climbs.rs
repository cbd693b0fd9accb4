//! The climbs of a search for the mode, while it is on its way.

use super::search::{MODES, SEARCH, STARTS, is_settled, tried_of};
use super::{Advi, Curve, Stop, Trained};
use crate::variational::natural::{find, other, state};
use crate::variational::pathfinder::mode::Mode;
use crate::{Convergence, Evidence, ResumeError};

/// The name of a state.
const POSITION: &str = "position";

/// The climbs to modes that have ended, and the best of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Climbs {
    /// Starts that were tried.
    pub(super) tried: u64,
    pub(super) gradients: u64,
    /// The log densities of the modes.
    pub(super) modes: Vec<f64>,
    pub(super) best: Option<(Mode, Curve)>,
}

impl Climbs {
    /// Those of training.
    ///
    /// # Errors
    /// [`ResumeError::NoState`], [`ResumeError::OtherState`].
    pub(super) fn of(trained: &Trained, dim: usize) -> Result<Climbs, ResumeError> {
        let &[tried, log_prob, left, arrived] = state(&trained.states, SEARCH)? else {
            return Err(other(SEARCH));
        };
        let gradients = trained.gradients.unwrap_or(0);
        let best = find(&trained.states, POSITION).map(|position| {
            let is_one = position.len() == dim && position.iter().all(|z| z.is_finite());
            let mode = Mode {
                position: position.to_vec(),
                log_prob,
                left,
                arrived: arrived == 1.0,
                looked: false,
                gradients,
            };
            is_one
                .then(|| (mode, trained.curve.clone()))
                .ok_or_else(|| other(POSITION))
        });
        Ok(Climbs {
            tried: tried_of(tried)?,
            gradients,
            modes: state(&trained.states, MODES)?.to_vec(),
            best: best.transpose()?,
        })
    }

    /// The point of the highest mode.
    pub(super) fn position(self) -> Option<Vec<f64>> {
        self.best.map(|(best, _)| best.position)
    }

    /// Whether more starts would not find a better mode.
    pub(super) fn are_enough(&self) -> bool {
        let best = self.best.as_ref().filter(|(best, _)| best.arrived);
        self.tried >= STARTS && is_settled(best.map(|(best, _)| best.log_prob), &self.modes)
    }

    /// Takes in where a climb has ended.
    pub(super) fn take(&mut self, mode: Mode, curve: Curve) {
        let is_late = self.tried >= STARTS;
        self.tried += 1;
        self.gradients += mode.gradients;
        if is_late && !mode.arrived && !mode.looked {
            return;
        }
        self.modes.extend(mode.arrived.then_some(mode.log_prob));
        let higher = |(best, _): &(Mode, Curve)| mode.log_prob > best.log_prob;
        if self.best.as_ref().is_none_or(higher) {
            self.best = Some((mode, curve));
        }
    }

    /// Where training is.
    pub(super) fn trained(
        &self,
        (advi, restart): (&Advi, usize),
        (seconds, setup_seconds): (f64, f64),
        stop: Option<Stop>,
    ) -> Trained {
        let (curve, numbers) = match &self.best {
            Some((best, curve)) => {
                let arrived = f64::from(u8::from(best.arrived));
                (curve.clone(), [best.log_prob, best.left, arrived])
            }
            None => (Curve::default(), [f64::NEG_INFINITY, f64::INFINITY, 0.0]),
        };
        let [log_prob, left, arrived] = numbers;
        let mut states = vec![
            (
                SEARCH.to_owned(),
                vec![self.tried as f64, log_prob, left, arrived],
            ),
            (MODES.to_owned(), self.modes.clone()),
        ];
        let best = self.best.as_ref();
        states.extend(best.map(|(best, _)| (POSITION.to_owned(), best.position.clone())));
        Trained {
            restart,
            tries: advi.tries,
            steps: curve.elbos.len() as u64,
            gradients: Some(self.gradients),
            convergence: Some(Convergence {
                converged: arrived == 1.0,
                evidence: Evidence::Slope { left },
                too_coarse: false,
            }),
            stop,
            kept: None,
            since: 0,
            states,
            curve,
            setup_seconds,
            seconds,
        }
    }
}
