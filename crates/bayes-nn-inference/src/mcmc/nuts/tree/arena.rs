//! The points of a trajectory, the steps between them, and the memory of both.

use rand_core::Rng;

use crate::log_density::{EvalError, LogDensity};
use crate::mcmc::nuts::metric::{LANES, Whitening, dot};
use crate::mcmc::nuts::random::Variates;
use crate::mcmc::nuts::state::State;

/// An energy error beyond which a trajectory counts as divergent.
const DIVERGENCE: f64 = 1000.0;

/// A point of a trajectory, in stretched space with the chain's position as origin.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) y: Vec<f64>,
    pub(super) momentum: Vec<f64>,
    pub(super) gradient: Vec<f64>,
    /// Steps from the start, in the direction of time.
    pub(super) index: i64,
}

/// A point that may become the draw, in the density's own space.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) state: State,
    pub(super) energy: f64,
    pub(super) index: i64,
}

/// A part of a trajectory: the nodes it was entered and left by, its draw, its weight.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) sample: usize,
    pub(super) log_weight: f64,
}

/// Why a trajectory ends.
pub(super) enum End {
    Turned,
    Diverged,
    Interrupted,
    Failed(EvalError),
}

/// What is constant along a trajectory.
pub(crate) struct Dynamics<'a, D: ?Sized> {
    pub(crate) density: &'a mut D,
    pub(crate) whitening: &'a Whitening,
    pub(crate) step_size: f64,
    /// Asked before every leapfrog step.
    pub(crate) interrupted: &'a dyn Fn() -> bool,
}

/// The memory of all trajectories of a chain. It grows with the depth that is reached; after
/// that, no step allocates.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    dim: usize,
    pub(super) nodes: Vec<Node>,
    pub(super) free_nodes: Vec<usize>,
    pub(super) samples: Vec<Sample>,
    pub(super) free_samples: Vec<usize>,
    /// The position at which the trajectory began.
    origin: Vec<f64>,
    pub(super) initial_energy: f64,
    pub(super) leapfrog_steps: u32,
    pub(super) acceptance: f64,
}

impl Arena {
    pub(crate) fn new(dim: usize) -> Arena {
        Arena {
            dim,
            origin: vec![0.0; dim],
            ..Arena::default()
        }
    }

    /// Makes the first node, with a fresh momentum.
    pub(super) fn begin(
        &mut self,
        state: &State,
        whitening: &Whitening,
        rng: &mut (impl Rng + ?Sized),
    ) -> usize {
        self.free_nodes.clear();
        self.free_nodes.extend(0..self.nodes.len());
        self.free_samples.clear();
        self.free_samples.extend(0..self.samples.len());
        self.leapfrog_steps = 0;
        self.acceptance = 0.0;
        self.origin.copy_from_slice(&state.position);
        let start = self.take_node();
        let node = &mut self.nodes[start];
        node.index = 0;
        node.y.fill(0.0);
        rng.normals(&mut node.momentum);
        whitening.gradient(&state.gradient, &mut node.gradient);
        self.initial_energy = energy(&node.momentum, state.log_prob);
        start
    }

    /// A leapfrog step from a node to a new one.
    pub(super) fn leapfrog<D: LogDensity + ?Sized>(
        &mut self,
        from: usize,
        direction: f64,
        dynamics: &mut Dynamics<'_, D>,
    ) -> Result<Part, End> {
        if (dynamics.interrupted)() {
            return Err(End::Interrupted);
        }
        let (to, sample) = (self.take_node(), self.take_sample());
        let [old, new] = self
            .nodes
            .get_disjoint_mut([from, to])
            .expect("a node that is in use is not free");
        let point = &mut self.samples[sample];
        let step = direction * dynamics.step_size;
        let half = 0.5 * step;
        let before = old.y.iter().zip(&old.momentum).zip(&old.gradient);
        let after = new.y.iter_mut().zip(&mut new.momentum);
        for ((y, momentum), ((old, kicked), gradient)) in after.zip(before) {
            *momentum = kicked + half * gradient;
            *y = old + step * *momentum;
        }
        new.index = old.index + direction as i64;
        point.index = new.index;
        let whitening = dynamics.whitening;
        whitening.position(&self.origin, &new.y, &mut point.state.position);
        self.leapfrog_steps += 1;
        let density = &mut *dynamics.density;
        match density.log_prob_grad(&point.state.position, &mut point.state.gradient) {
            Ok(log_prob) => point.state.log_prob = log_prob,
            Err(EvalError::Reject) => return Err(End::Diverged),
            Err(error) => return Err(End::Failed(error)),
        }
        whitening.kick(
            &point.state.gradient,
            half,
            &mut new.gradient,
            &mut new.momentum,
        );
        point.energy = energy(&new.momentum, point.state.log_prob);
        let error = point.energy - self.initial_energy;
        if error.is_nan() || error > DIVERGENCE || !point.state.log_prob.is_finite() {
            return Err(End::Diverged);
        }
        self.acceptance += (-error).exp().min(1.0);
        Ok(Part {
            first: to,
            last: to,
            sample,
            log_weight: -error,
        })
    }

    fn take_node(&mut self) -> usize {
        self.free_nodes.pop().unwrap_or_else(|| {
            let zeros = vec![0.0; self.dim];
            self.nodes.push(Node {
                y: zeros.clone(),
                momentum: zeros.clone(),
                gradient: zeros,
                index: 0,
            });
            self.nodes.len() - 1
        })
    }

    pub(super) fn take_sample(&mut self) -> usize {
        self.free_samples.pop().unwrap_or_else(|| {
            let zeros = vec![0.0; self.dim];
            self.samples.push(Sample {
                state: State {
                    position: zeros.clone(),
                    gradient: zeros,
                    log_prob: 0.0,
                },
                energy: 0.0,
                index: 0,
            });
            self.samples.len() - 1
        })
    }

    /// Whether the trajectory of both parts turns, of which `far` follows `near`.
    pub(super) fn turns(&self, near: Part, far: Part, direction: f64) -> bool {
        self.approach(near.first, far.last, direction)
            || (near.first != near.last && self.approach(near.last, far.last, direction))
            || (far.first != far.last && self.approach(near.first, far.first, direction))
    }

    /// Whether one of two points moves towards the other.
    fn approach(&self, from: usize, to: usize, direction: f64) -> bool {
        let (from, to) = (&self.nodes[from], &self.nodes[to]);
        let (at_start, at_end) = distance_along(from, to);
        !(direction * at_start > 0.0 && direction * at_end > 0.0)
    }
}

fn energy(momentum: &[f64], log_prob: f64) -> f64 {
    0.5 * dot(momentum, momentum) - log_prob
}

/// The inner products of the way from one node to another with the momenta at both, in as many
/// sums as [`dot`] has.
fn distance_along(from: &Node, to: &Node) -> (f64, f64) {
    let (a, a_rest) = from.y.as_chunks::<LANES>();
    let (b, b_rest) = to.y.as_chunks::<LANES>();
    let (p, p_rest) = from.momentum.as_chunks::<LANES>();
    let (q, q_rest) = to.momentum.as_chunks::<LANES>();
    let (mut at_start, mut at_end) = ([0.0; LANES], [0.0; LANES]);
    for ((a, b), (p, q)) in a.iter().zip(b).zip(p.iter().zip(q)) {
        for i in 0..LANES {
            at_start[i] += (b[i] - a[i]) * p[i];
            at_end[i] += (b[i] - a[i]) * q[i];
        }
    }
    let (mut start, mut end) = (at_start.iter().sum(), at_end.iter().sum());
    for ((a, b), (p, q)) in a_rest.iter().zip(b_rest).zip(p_rest.iter().zip(q_rest)) {
        start += (b - a) * p;
        end += (b - a) * q;
    }
    (start, end)
}
