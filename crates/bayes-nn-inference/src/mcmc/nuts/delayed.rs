//! Delayed acceptance: trajectories of an approximate density, draws of the exact one.
//!
//! A transition of NUTS is reversible with respect to the density that its trajectories are
//! computed with; for the gradients any function of the position will do, since leapfrog steps
//! that are kicked by it can be undone and keep volume. Taken as a proposal, and accepted with
//! probability min(1, exp(d - d')), where d and d' are the changes of the exact and of the
//! approximate log density, it is reversible with respect to the exact density (Christen and Fox
//! 2005, "Markov chain Monte Carlo using an approximation", J. Comput. Graph. Stat. 14, section
//! 2). So trajectories may be computed in single precision, and the draws are as good.
//!
//! The warm-up has no second test, since its draws need not be exact: far from the typical set a
//! log density can be so large that rounding would reject every draw.

use super::archive::Archive;
use super::random::{Stream, Variates};
use super::state::State;
use super::statistics::Info;
use crate::compiled::CompiledValue;
use crate::log_density::EvalError;

/// The exact log density at a point, in nats, up to a constant.
pub(super) trait Exact: Send {
    fn log_prob(&mut self, position: &[f64]) -> Result<f64, EvalError>;
}

impl Exact for CompiledValue {
    fn log_prob(&mut self, position: &[f64]) -> Result<f64, EvalError> {
        CompiledValue::log_prob(self, position)
    }
}

/// Accepts or rejects the draws that trajectories propose.
pub(super) struct DelayedAcceptance {
    exact: Box<dyn Exact>,
    /// The exact log density where the chain is; not a number before the first transition.
    log_prob: f64,
    /// The state before the transition.
    before: State,
    /// The numbers of the draws that were rejected here, rising.
    rejected: Vec<u64>,
}

impl DelayedAcceptance {
    pub(super) fn new(exact: Box<dyn Exact>, dim: usize) -> DelayedAcceptance {
        DelayedAcceptance {
            exact,
            log_prob: f64::NAN,
            before: State::zero(dim),
            rejected: Vec::new(),
        }
    }

    /// Keeps the state that a transition is about to leave.
    pub(super) fn leave(&mut self, state: &State) -> Result<(), EvalError> {
        if self.log_prob.is_nan() {
            let value = self.log_prob(&state.position)?;
            if !value.is_finite() {
                let problem = format!(
                    "the log density in double precision is {value} where trajectories of single \
                     precision led; set `precision` to F64"
                );
                return Err(EvalError::Fatal(problem.into()));
            }
            self.log_prob = value;
        }
        self.before.copy_from(state);
        Ok(())
    }

    /// Accepts what a transition proposed for a draw, or puts the chain back where it was.
    pub(super) fn decide(
        &mut self,
        draw: u64,
        state: &mut State,
        info: &mut Info,
        stream: &mut Stream,
    ) -> Result<(), EvalError> {
        if info.moved != 0 {
            let log_prob = self.log_prob(&state.position)?;
            let exact = log_prob - self.log_prob;
            let approximate = state.log_prob - self.before.log_prob;
            let accepted = stream.uniform() < (exact - approximate).exp();
            if accepted && log_prob.is_finite() {
                self.log_prob = log_prob;
                info.statistics.energy_error -= exact - approximate;
            } else {
                state.copy_from(&self.before);
                self.rejected.push(draw);
                info.moved = 0;
                info.statistics.energy -= info.statistics.energy_error;
                info.statistics.energy_error = 0.0;
            }
        }
        // Potential energies are those of the exact density, too.
        info.statistics.energy += state.log_prob - self.log_prob;
        info.statistics.log_prob = self.log_prob;
        Ok(())
    }

    pub(super) fn rejected(&self) -> u64 {
        self.rejected.len() as u64
    }

    /// Forgets the draws from this one on.
    pub(super) fn keep_first(&mut self, draws: u64) {
        self.rejected.retain(|draw| *draw < draws);
    }

    /// Whether the density has the value at the chain's position that it had there, if it was
    /// asked.
    pub(super) fn is_where_it_was(&mut self, position: &[f64]) -> bool {
        let value = self.log_prob(position);
        self.log_prob.is_nan()
            || value.is_ok_and(|value| value.to_bits() == self.log_prob.to_bits())
    }

    pub(super) fn archive(&mut self, archive: &mut Archive) {
        archive.f64(&mut self.log_prob);
        let length = archive.length(self.rejected.len());
        self.rejected.resize(length, 0);
        for draw in &mut self.rejected {
            archive.u64(draw);
        }
    }

    fn log_prob(&mut self, position: &[f64]) -> Result<f64, EvalError> {
        match self.exact.log_prob(position) {
            Err(EvalError::Reject) => Ok(f64::NEG_INFINITY),
            result => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chain::{Advance, Chain};
    use super::super::metric::Metric;
    use super::super::settings::Nuts;
    use super::*;
    use crate::log_density::LogDensity;

    /// A normal.
    struct Normal {
        mean: f64,
        sd: f64,
    }

    impl LogDensity for Normal {
        fn dim(&self) -> usize {
            1
        }

        fn log_prob_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
            let z = (x[0] - self.mean) / self.sd;
            gradient[0] = -z / self.sd;
            Ok(-0.5 * z * z)
        }
    }

    /// A standard normal of which nothing is left below -1, and which has no value above 3.
    struct Cut;

    impl Exact for Cut {
        fn log_prob(&mut self, x: &[f64]) -> Result<f64, EvalError> {
            match x[0] {
                ..-1.0 => Err(EvalError::Reject),
                3.0.. => Ok(f64::INFINITY),
                x => Ok(-0.5 * x * x - 1e6),
            }
        }
    }

    /// Settings of a chain that waits for no other, whose warm-up ends where the exact density is.
    fn alone() -> Nuts {
        Nuts::new().chains(1).metric(Metric::Fisher)
    }

    /// A chain that proposes draws of a wider normal, about to start at 0.5.
    fn chain(nuts: &Nuts, exact: impl Exact + 'static) -> Chain {
        let rough = Normal { mean: 0.4, sd: 1.3 };
        let exact = Some(DelayedAcceptance::new(Box::new(exact), 1));
        let stream = Stream::new(7, 0);
        let mut chain = Chain::new(nuts, 0, Box::new(rough), exact, stream).unwrap();
        chain.begin_at(State {
            position: vec![0.5],
            gradient: vec![-0.1 / 1.69],
            log_prob: -0.5 * 0.01 / 1.69,
        });
        chain
    }

    #[test]
    fn draws_are_of_the_exact_density_however_wrong_the_trajectories_are() {
        let nuts = alone().warmup(500).draws(40_000);
        let mut chain = chain(&nuts, Cut);
        while chain.advance(&|| false).unwrap() == Advance::Drew {}
        let draws = chain.draws.column(0);
        let n = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / n;
        let square = draws.iter().map(|x| x * x).sum::<f64>() / n;
        // The standard normal between -1 and 3, by its density and distribution function there.
        let (low, high) = (0.241_970_724_519_143_37, 0.004_431_848_411_938_007_5);
        let between = 0.998_650_101_968_369_9 - 0.158_655_253_931_457_05;
        let expected = (low - high) / between;
        assert!((mean - expected).abs() < 0.015, "{mean}, not {expected}");
        let expected = 1.0 + (-low - 3.0 * high) / between;
        assert!((square - expected).abs() < 0.03, "{square}, not {expected}");
        assert!(draws.iter().all(|x| (-1.0..3.0).contains(x)));
        assert!(chain.rejected() > 1_000);
        let (mut before, mut moves) = (f64::NAN, 0);
        for (x, s) in draws.iter().zip(chain.draws.statistics()) {
            assert_eq!(s.log_prob, -0.5 * x * x - 1e6);
            let kinetic = s.energy + s.log_prob;
            assert!(kinetic >= -1e-9, "{kinetic}");
            assert!(*x != before || s.energy_error == 0.0);
            moves += usize::from(s.energy_error != 0.0);
            before = *x;
        }
        assert!(moves > 20_000, "{moves}");
    }

    #[test]
    fn a_chain_can_be_taken_up_in_its_warm_up_and_after() {
        let nuts = alone().warmup(30).draws(50);
        let to_the_end = |chain: &mut Chain| {
            while chain.advance(&|| false).unwrap() == Advance::Drew {}
        };
        let mut whole = chain(&nuts, Cut);
        to_the_end(&mut whole);
        for draws in [10, 30, 45] {
            let mut first = chain(&nuts, Cut);
            for _ in 0..draws {
                first.advance(&|| false).unwrap();
            }
            let mut archive = Archive::save();
            first.archive(&mut archive);
            let mut second = chain(&nuts, Cut);
            second.archive(&mut Archive::load(archive.finish()).unwrap());
            assert!(second.is_where_it_was());
            to_the_end(&mut second);
            assert_eq!(second.draws, whole.draws);
            assert_eq!(second.rejected(), whole.rejected());
        }
    }

    #[test]
    fn the_first_draws_of_a_chain_are_those_of_a_shorter_one() {
        let to_the_end = |nuts: &Nuts| {
            let mut chain = chain(nuts, Cut);
            while chain.advance(&|| false).unwrap() == Advance::Drew {}
            chain
        };
        let nuts = alone().warmup(30);
        let short = to_the_end(&nuts.clone().draws(20));
        let mut long = to_the_end(&nuts.draws(50));
        assert!(long.rejected() > short.rejected());
        long.keep_first(20);
        assert_eq!(long.draws, short.draws);
        assert_eq!(long.rejected(), short.rejected());
        assert_eq!(long.gradients, short.gradients);
    }

    #[test]
    fn an_exact_density_that_fails_ends_the_chain_and_leaves_its_draws() {
        let mut left = 20;
        let mut chain = chain(&alone().warmup(30), move |x: f64| {
            left -= 1;
            match left {
                0 => Err(EvalError::Fatal("gone".into())),
                _ => Ok(-0.5 * x * x),
            }
        });
        let error = loop {
            if let Err(error) = chain.advance(&|| false) {
                break error;
            }
        };
        assert_eq!(error.to_string(), "gone");
        assert!(chain.draws.len() >= 18, "{}", chain.draws.len());
    }

    impl<F: FnMut(f64) -> Result<f64, EvalError> + Send> Exact for F {
        fn log_prob(&mut self, x: &[f64]) -> Result<f64, EvalError> {
            self(x[0])
        }
    }
}
