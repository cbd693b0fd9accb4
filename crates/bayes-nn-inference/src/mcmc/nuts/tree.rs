//! One transition: a trajectory that doubles until it turns, and a draw from its points.
//!
//! Multinomial NUTS (Betancourt 2017, "A conceptual introduction to Hamiltonian Monte Carlo",
//! appendix A; Hoffman and Gelman 2014 for the doubling). Points are weighted by
//! `exp(-energy)`. Within a doubling the draw is uniform by weight; between the old trajectory
//! and its doubling it is biased towards the new half, which keeps the density and moves
//! further. A trajectory turns when the distance between its ends would shrink in stretched
//! space; besides its ends, each end is compared with the first point of the other half, without
//! which trajectories on independent normals can run through whole periods unseen.

#[cfg(test)]
mod tests;

use super::archive::Archive;
use super::log_density::{EvalError, LogDensity};
use super::metric::{LANES, Whitening, dot};
use super::random::Stream;
use super::statistics::Statistics;

/// An energy error beyond which a trajectory counts as divergent.
const DIVERGENCE: f64 = 1000.0;

/// Where a chain stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    pub(super) position: Vec<f64>,
    pub(super) gradient: Vec<f64>,
    pub(super) log_density: f64,
}

impl State {
    pub(super) fn zero(dim: usize) -> State {
        State {
            position: vec![0.0; dim],
            gradient: vec![0.0; dim],
            log_density: 0.0,
        }
    }

    /// Takes on another state of the same length, without allocating.
    pub(super) fn copy_from(&mut self, other: &State) {
        self.position.copy_from_slice(&other.position);
        self.gradient.copy_from_slice(&other.gradient);
        self.log_density = other.log_density;
    }

    pub(super) fn archive(&mut self, archive: &mut Archive) {
        archive.floats(&mut self.position);
        archive.floats(&mut self.gradient);
        archive.f64(&mut self.log_density);
    }
}

/// A point of a trajectory, in stretched space with the chain's position as origin.
#[derive(Clone, Debug)]
struct Node {
    y: Vec<f64>,
    momentum: Vec<f64>,
    gradient: Vec<f64>,
    /// Steps from the start, in the direction of time.
    index: i64,
}

/// A point that may become the draw, in the density's own space.
#[derive(Clone, Debug)]
struct Sample {
    state: State,
    energy: f64,
    index: i64,
}

/// A part of a trajectory: the nodes it was entered and left by, its draw, its weight.
#[derive(Clone, Copy)]
struct Part {
    first: usize,
    last: usize,
    sample: usize,
    log_weight: f64,
}

/// Why a trajectory ends.
enum End {
    Turned,
    Diverged,
    Interrupted,
    Failed(EvalError),
}

/// What a transition reports beside the draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Report {
    pub(super) statistics: Statistics,
    /// Steps from the start of the trajectory to the draw.
    pub(super) moved: i64,
}

/// What does not change along a trajectory.
pub(super) struct Dynamics<'a> {
    pub(super) density: &'a mut dyn LogDensity,
    pub(super) whitening: &'a Whitening,
    pub(super) step_size: f64,
    /// Asked before every leapfrog step.
    pub(super) interrupted: &'a dyn Fn() -> bool,
}

/// The memory of all trajectories of a chain. It grows with the depth that is reached; after
/// that, no step allocates.
#[derive(Debug, Default)]
pub(super) struct Arena {
    dim: usize,
    nodes: Vec<Node>,
    free_nodes: Vec<usize>,
    samples: Vec<Sample>,
    free_samples: Vec<usize>,
    /// The position at which the trajectory began.
    origin: Vec<f64>,
    initial_energy: f64,
    leapfrog_steps: u32,
    acceptance: f64,
}

impl Arena {
    pub(super) fn new(dim: usize) -> Arena {
        Arena {
            dim,
            origin: vec![0.0; dim],
            ..Arena::default()
        }
    }

    /// Draws the next state. `None` if it was interrupted, with the state as it was.
    pub(super) fn transition(
        &mut self,
        state: &mut State,
        dynamics: &mut Dynamics<'_>,
        stream: &mut Stream,
        max_depth: u32,
    ) -> Result<Option<Report>, EvalError> {
        let start = self.begin(state, dynamics.whitening, stream);
        let mut whole = Part {
            first: start,
            last: start,
            sample: self.take_sample(),
            log_weight: 0.0,
        };
        let sample = &mut self.samples[whole.sample];
        sample.state.copy_from(state);
        sample.energy = self.initial_energy;
        sample.index = 0;

        let mut depth = 0;
        let mut diverging = false;
        while depth < max_depth {
            let direction = stream.sign();
            let extent = self.nodes[whole.last].index - self.nodes[whole.first].index;
            if direction * (extent as f64) < 0.0 {
                std::mem::swap(&mut whole.first, &mut whole.last);
            }
            let new = match self.grow(whole.last, direction, depth, dynamics, stream) {
                Ok(new) => new,
                Err(End::Turned) => break,
                Err(End::Diverged) => {
                    diverging = true;
                    break;
                }
                Err(End::Interrupted) => return Ok(None),
                Err(End::Failed(error)) => return Err(error),
            };
            depth += 1;
            let accepted = new.log_weight >= whole.log_weight
                || stream.uniform() < (new.log_weight - whole.log_weight).exp();
            let turned = self.turns(whole, new, direction);
            let total = log_sum_exp(whole.log_weight, new.log_weight);
            whole = self.join(whole, new, total, accepted);
            if turned {
                break;
            }
        }

        let sample = &self.samples[whole.sample];
        state.copy_from(&sample.state);
        Ok(Some(Report {
            statistics: Statistics {
                log_density: state.log_density,
                energy: sample.energy,
                energy_error: sample.energy - self.initial_energy,
                depth,
                leapfrog_steps: self.leapfrog_steps,
                diverging,
                step_size: dynamics.step_size,
                acceptance: self.acceptance / f64::from(self.leapfrog_steps.max(1)),
            },
            moved: sample.index,
        }))
    }

    /// The energy error of a single leapfrog step with a fresh momentum; infinite if there is no
    /// density after it. `None` if it was interrupted.
    pub(super) fn try_step(
        &mut self,
        state: &State,
        dynamics: &mut Dynamics<'_>,
        stream: &mut Stream,
    ) -> Result<Option<f64>, EvalError> {
        let start = self.begin(state, dynamics.whitening, stream);
        match self.leapfrog(start, 1.0, dynamics) {
            Ok(part) => Ok(Some(-part.log_weight)),
            Err(End::Interrupted) => Ok(None),
            Err(End::Failed(error)) => Err(error),
            Err(End::Diverged | End::Turned) => Ok(Some(f64::INFINITY)),
        }
    }

    /// Makes the first node, with a fresh momentum.
    fn begin(&mut self, state: &State, whitening: &Whitening, stream: &mut Stream) -> usize {
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
        stream.normals(&mut node.momentum);
        whitening.gradient(&state.gradient, &mut node.gradient);
        self.initial_energy = energy(&node.momentum, state.log_density);
        start
    }

    /// Grows `2^depth` points beyond the node `tip`.
    fn grow(
        &mut self,
        tip: usize,
        direction: f64,
        depth: u32,
        dynamics: &mut Dynamics<'_>,
        stream: &mut Stream,
    ) -> Result<Part, End> {
        if depth == 0 {
            return self.leapfrog(tip, direction, dynamics);
        }
        let near = self.grow(tip, direction, depth - 1, dynamics, stream)?;
        let far = self.grow(near.last, direction, depth - 1, dynamics, stream)?;
        if self.turns(near, far, direction) {
            return Err(End::Turned);
        }
        let total = log_sum_exp(near.log_weight, far.log_weight);
        let accepted = stream.uniform() < (far.log_weight - total).exp();
        Ok(self.join(near, far, total, accepted))
    }

    /// Joins two parts of which `far` follows `near`, with their weight in all, and frees what is
    /// inside.
    fn join(&mut self, near: Part, far: Part, log_weight: f64, far_sample: bool) -> Part {
        if near.last != near.first {
            self.free_nodes.push(near.last);
        }
        if far.first != far.last {
            self.free_nodes.push(far.first);
        }
        let (sample, other) = match far_sample {
            true => (far.sample, near.sample),
            false => (near.sample, far.sample),
        };
        self.free_samples.push(other);
        Part {
            first: near.first,
            last: far.last,
            sample,
            log_weight,
        }
    }

    /// Whether the trajectory of both parts turns, of which `far` follows `near`.
    fn turns(&self, near: Part, far: Part, direction: f64) -> bool {
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

    /// A leapfrog step from a node to a new one.
    fn leapfrog(
        &mut self,
        from: usize,
        direction: f64,
        dynamics: &mut Dynamics<'_>,
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
        match density.logp_grad(&point.state.position, &mut point.state.gradient) {
            Ok(log_density) => point.state.log_density = log_density,
            Err(EvalError::Reject) => return Err(End::Diverged),
            Err(error) => return Err(End::Failed(error)),
        }
        whitening.kick(
            &point.state.gradient,
            half,
            &mut new.gradient,
            &mut new.momentum,
        );
        point.energy = energy(&new.momentum, point.state.log_density);
        let error = point.energy - self.initial_energy;
        if error.is_nan() || error > DIVERGENCE || !point.state.log_density.is_finite() {
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

    fn take_sample(&mut self) -> usize {
        self.free_samples.pop().unwrap_or_else(|| {
            let zeros = vec![0.0; self.dim];
            self.samples.push(Sample {
                state: State {
                    position: zeros.clone(),
                    gradient: zeros,
                    log_density: 0.0,
                },
                energy: 0.0,
                index: 0,
            });
            self.samples.len() - 1
        })
    }
}

fn energy(momentum: &[f64], log_density: f64) -> f64 {
    0.5 * dot(momentum, momentum) - log_density
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

fn log_sum_exp(a: f64, b: f64) -> f64 {
    let (large, small) = if a > b { (a, b) } else { (b, a) };
    match large == f64::NEG_INFINITY {
        true => large,
        false => large + (small - large).exp().ln_1p(),
    }
}
