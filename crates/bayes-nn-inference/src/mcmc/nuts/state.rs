//! The state of a chain.

use super::archive::Archive;

/// A point of a chain, with what the density gives there. All three parts belong together: who
/// moves the position evaluates the density anew ([`Kernel::state_at`](super::Kernel::state_at)).
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The position in unconstrained space, `[dim]`.
    pub position: Vec<f64>,
    /// The gradient of the log density there, `[dim]`.
    pub gradient: Vec<f64>,
    /// The log density there, in nats, up to a constant.
    pub log_prob: f64,
}

impl State {
    pub(super) fn zero(dim: usize) -> State {
        State {
            position: vec![0.0; dim],
            gradient: vec![0.0; dim],
            log_prob: 0.0,
        }
    }

    /// Takes on another state of the same length, without allocating.
    pub(super) fn copy_from(&mut self, other: &State) {
        self.position.copy_from_slice(&other.position);
        self.gradient.copy_from_slice(&other.gradient);
        self.log_prob = other.log_prob;
    }

    pub(super) fn is_finite(&self) -> bool {
        self.log_prob.is_finite() && self.gradient.iter().all(|g| g.is_finite())
    }

    pub(super) fn archive(&mut self, archive: &mut Archive) {
        let dim = self.position.len();
        archive.exactly(dim, &mut self.position);
        archive.exactly(dim, &mut self.gradient);
        archive.f64(&mut self.log_prob);
    }
}
