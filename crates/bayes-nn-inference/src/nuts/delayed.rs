//! Delayed acceptance: trajectories of an approximate density, draws of the exact one.
//!
//! A transition of NUTS is reversible with respect to the density that its trajectories are
//! computed with. Taken as a proposal, and accepted with the probability in which exact and
//! approximate density change differently, it is reversible with respect to the exact density
//! (Christen and Fox 2005, "Markov chain Monte Carlo using an approximation", J. Comput. Graph.
//! Stat. 14, section 2). So gradients may be rounded to single precision, and no draw shows it.
//!
//! Only what is kept needs to be exact. A warm-up goes without: far from where it leads, a log
//! density can be so large that rounding would overrule every step.

use super::archive::Archive;
use super::log_density::EvalError;
use super::random::Stream;
use super::tree::{Report, State};

/// The exact log density at a point, in nats, up to a constant.
pub(super) trait Exact: Send {
    fn logp(&mut self, position: &[f64]) -> Result<f64, EvalError>;
}

/// What decides on the draws that trajectories propose.
pub(super) struct DelayedAcceptance {
    exact: Box<dyn Exact>,
    /// The exact log density where the chain is; not a number before the first transition.
    log_density: f64,
    /// The state before the transition.
    before: State,
    /// Draws that were rejected here.
    overruled: u64,
}

impl DelayedAcceptance {
    pub(super) fn new(exact: Box<dyn Exact>, dim: usize) -> DelayedAcceptance {
        DelayedAcceptance {
            exact,
            log_density: f64::NAN,
            before: State::zero(dim),
            overruled: 0,
        }
    }

    /// Keeps the state that a transition is about to leave.
    pub(super) fn leave(&mut self, state: &State) -> Result<(), EvalError> {
        if self.log_density.is_nan() {
            let value = self.logp(&state.position)?;
            if !value.is_finite() {
                let problem = format!(
                    "the log density in double precision is {value} where trajectories of single \
                     precision led; set `precision` to F64"
                );
                return Err(EvalError::Fatal(problem.into()));
            }
            self.log_density = value;
        }
        self.before.copy_from(state);
        Ok(())
    }

    /// Accepts what a transition proposed, or puts the chain back where it was.
    pub(super) fn decide(
        &mut self,
        state: &mut State,
        report: &mut Report,
        stream: &mut Stream,
    ) -> Result<(), EvalError> {
        if report.moved != 0 {
            let log_density = self.logp(&state.position)?;
            let exact = log_density - self.log_density;
            let approximate = state.log_density - self.before.log_density;
            if stream.uniform() < (exact - approximate).exp() {
                self.log_density = log_density;
            } else {
                state.copy_from(&self.before);
                self.overruled += 1;
                report.moved = 0;
                report.statistics.energy -= report.statistics.energy_error;
                report.statistics.energy_error = 0.0;
            }
        }
        report.statistics.log_density = self.log_density;
        Ok(())
    }

    pub(super) fn overruled(&self) -> u64 {
        self.overruled
    }

    /// Whether the density has the value at the chain's position that it had there, if it was asked.
    pub(super) fn is_where_it_was(&mut self, position: &[f64]) -> bool {
        let value = self.logp(position);
        self.log_density.is_nan()
            || value.is_ok_and(|value| value.to_bits() == self.log_density.to_bits())
    }

    pub(super) fn archive(&mut self, archive: &mut Archive) {
        archive.f64(&mut self.log_density);
        archive.u64(&mut self.overruled);
    }

    fn logp(&mut self, position: &[f64]) -> Result<f64, EvalError> {
        match self.exact.logp(position) {
            Err(EvalError::Reject) => Ok(f64::NEG_INFINITY),
            result => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chain::{Advance, Chain};
    use super::super::log_density::LogDensity;
    use super::super::settings::Nuts;
    use super::*;

    /// A normal.
    struct Normal {
        mean: f64,
        sd: f64,
    }

    impl LogDensity for Normal {
        fn dim(&self) -> usize {
            1
        }

        fn logp_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
            let z = (x[0] - self.mean) / self.sd;
            gradient[0] = -z / self.sd;
            Ok(-0.5 * z * z)
        }
    }

    /// A standard normal of which nothing is left below -1.
    struct Cut;

    impl Exact for Cut {
        fn logp(&mut self, x: &[f64]) -> Result<f64, EvalError> {
            match x[0] < -1.0 {
                true => Err(EvalError::Reject),
                false => Ok(-0.5 * x[0] * x[0] - 1e6),
            }
        }
    }

    #[test]
    fn draws_are_of_the_exact_density_however_wrong_the_trajectories_are() {
        let nuts = Nuts::new().warmup(500).draws(40_000);
        let rough = Normal { mean: 0.4, sd: 1.3 };
        let exact = Some(DelayedAcceptance::new(Box::new(Cut), 1));
        let stream = Stream::new(7, 0);
        let mut chain = Chain::new(&nuts, 0, Box::new(rough), exact, stream);
        let state = State {
            position: vec![0.5],
            gradient: vec![-0.1 / 1.69],
            log_density: -0.5 * 0.01 / 1.69,
        };
        chain.begin_at(state);
        while chain.advance(&|| false).unwrap() == Advance::Drew {}
        let draws = chain.draws.column(0);
        let n = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / n;
        let square = draws.iter().map(|x| x * x).sum::<f64>() / n;
        // The standard normal above -1: mean phi(1) / Phi(1), and mean square 1 - phi(1) / Phi(1).
        let ratio = 0.241_970_724_519_143_37 / 0.841_344_746_068_542_9;
        assert!((mean - ratio).abs() < 0.015, "{mean}, not {ratio}");
        let expected = 1.0 - ratio;
        assert!((square - expected).abs() < 0.03, "{square}, not {expected}");
        assert!(draws.iter().all(|x| *x >= -1.0));
        assert!(chain.overruled() > 1_000);
        // Statistics are those of the exact density.
        for (x, s) in draws.iter().zip(chain.draws.statistics()) {
            assert_eq!(s.log_density, -0.5 * x * x - 1e6);
        }
    }
}
