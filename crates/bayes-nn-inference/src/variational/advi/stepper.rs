//! One ADVI step as a program: draw, ELBO, gradient, update, all inside. It is written once for
//! all restarts, of which each has a program.

use bayes_nn_autodiff::{Graph, InputId, NoiseKind, Var, concat, grad};
use bayes_nn_kernels::{Alone, Backend, KernelError, Lanes, Plan, Profile, Program};

use super::guide::{Guide, inverse_softplus};
use super::{Advi, Estimator};
use crate::{Density, InferenceError, InputValues, Term};

/// What a state of the program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Block number so-and-so of the guide's parameters.
    Parameter(usize),
    /// Memory of the optimiser about that block, with as many elements a parameter.
    Memory(usize),
    /// The running average of that block.
    Average(usize),
}

struct State {
    input: InputId,
    role: Role,
}

/// The values of several states.
pub(super) type Values = Vec<Vec<f64>>;

/// A step, with what its states are.
pub(super) struct Blueprint {
    pub(super) recipe: Recipe,
    states: Vec<State>,
    history: InputId,
    cursor: InputId,
    chunk: u64,
}

/// The program of one restart.
pub(super) struct Stepper<'a> {
    blueprint: &'a Blueprint,
    program: &'a mut dyn Program,
}

/// The guide's draws and the terms of the log density at them, before anything is made of them.
pub(super) struct Written<'g> {
    pub(super) guide: Guide<'g>,
    pub(super) noise: Vec<Var<'g>>,
    pub(super) draws: Vec<Var<'g>>,
    pub(super) samples: Vec<Vec<Term<'g>>>,
    pub(super) log_densities: Vec<Var<'g>>,
    pub(super) data: InputValues,
}

impl<'g> Written<'g> {
    pub(super) fn new(
        graph: &'g Graph,
        advi: &Advi,
        density: &dyn Density,
        samples: usize,
        batch: Option<usize>,
    ) -> Result<Written<'g>, InferenceError> {
        let dimension = density.dimension();
        let guide = Guide::new(graph, advi.family, dimension);
        let noise: Vec<Var<'g>> = (0..samples)
            .map(|stream| graph.noise(NoiseKind::Normal, stream as u32, [dimension]))
            .collect();
        let draws: Vec<Var<'g>> = noise.iter().map(|eps| guide.draw(*eps)).collect();
        let traced = density
            .trace(graph, &draws, batch)
            .map_err(InferenceError::Density)?;
        graph.check()?;
        Ok(Written {
            log_densities: traced.log_densities(),
            samples: traced.samples,
            data: traced.data,
            guide,
            noise,
            draws,
        })
    }

    fn mean(&self, terms: impl Iterator<Item = Var<'g>>) -> Var<'g> {
        terms.fold(Var::from(0.0), |sum, term| sum + term) / self.noise.len() as f64
    }

    /// The estimate of the ELBO whose noise vanishes when the guide is the posterior.
    pub(super) fn elbo_by_draws(&self) -> Var<'g> {
        let terms = self.log_densities.iter().zip(&self.noise);
        self.mean(terms.map(|(p, eps)| *p - self.guide.log_prob(*eps)))
    }

    /// What is differentiated, and the ELBO that is reported.
    fn objective(&self, estimator: Estimator) -> (Var<'g>, Var<'g>) {
        match estimator {
            Estimator::AnalyticEntropy => {
                let elbo = self.mean(self.log_densities.iter().copied()) + self.guide.entropy();
                (elbo, elbo)
            }
            Estimator::StickingTheLanding => {
                // d/dz (log p - log q) dz, with the parameters of q themselves held fixed.
                let terms = self.log_densities.iter().zip(&self.noise).zip(&self.draws);
                let paths = terms.map(|((p, eps), z)| *p + (self.guide.score(*eps) * *z).sum());
                (self.mean(paths), self.elbo_by_draws())
            }
        }
    }
}

/// A plan with its data, ready to become programs.
pub(super) struct Recipe {
    pub(super) plan: Plan,
    pub(super) data: InputValues,
}

impl Recipe {
    pub(super) fn alone(&self, advi: &Advi) -> Result<Box<dyn Lanes>, InferenceError> {
        let program = advi.device.compile(&self.plan, advi.precision)?;
        self.filled(Box::new(Alone(program)))
    }

    /// So many programs, if the device runs them together.
    pub(super) fn together(
        &self,
        advi: &Advi,
        count: usize,
    ) -> Result<Option<Box<dyn Lanes>>, InferenceError> {
        if count == 1 {
            return self.alone(advi).map(Some);
        }
        let shared: Vec<InputId> = self.data.iter().map(|(input, _)| *input).collect();
        let lanes = advi
            .device
            .compile_lanes(&self.plan, advi.precision, &shared, count)?;
        lanes.map(|lanes| self.filled(lanes)).transpose()
    }

    fn filled(&self, mut lanes: Box<dyn Lanes>) -> Result<Box<dyn Lanes>, InferenceError> {
        for (input, values) in &self.data {
            match lanes.write_all(*input, values) {
                // Read by the density, but without effect on it.
                Err(KernelError::NoInput { .. }) => {}
                result => result?,
            }
        }
        Ok(lanes)
    }
}

/// A vector that takes `value` at the place of the state `cursor`: one entry a step.
pub(super) struct History<'g> {
    pub(super) history: Var<'g>,
    pub(super) cursor: Var<'g>,
}

impl<'g> History<'g> {
    pub(super) fn new(graph: &'g Graph, length: u64) -> History<'g> {
        History {
            history: graph.input("history", [length as usize]),
            cursor: graph.input("cursor", []),
        }
    }

    pub(super) fn updates(&self, graph: &'g Graph, value: Var<'g>) -> [(Var<'g>, Var<'g>); 2] {
        let places: Vec<f64> = (0..self.history.shape().elements())
            .map(|i| i as f64)
            .collect();
        let places = graph.constant(&places, self.history.shape());
        [
            (
                self.history,
                places.eq(self.cursor).select(value, self.history),
            ),
            (self.cursor, self.cursor + 1.0),
        ]
    }
}

pub(super) fn id(input: Var<'_>) -> InputId {
    input.input_id().expect("a state is made as an input")
}

impl Blueprint {
    /// Writes the step.
    pub(super) fn new(advi: &Advi, density: &dyn Density) -> Result<Blueprint, InferenceError> {
        let graph = Graph::new();
        let rows = advi.rows_of_rank(density.rows());
        let written = Written::new(&graph, advi, density, advi.samples, rows)?;
        let (objective, elbo) = written.objective(advi.estimator);
        let blocks = &written.guide.blocks;
        let mut gradients = grad(objective, blocks)?;
        // Ranks differ in nothing but their rows, hence in the gradient and the ELBO. After one
        // mean over both all of them take the same step.
        let elbo = match advi.device.ranks() {
            1 => elbo,
            _ => {
                gradients.push(elbo);
                averaged_over_ranks(&mut gradients);
                gradients.remove(blocks.len())
            }
        };
        let rate = advi.rate() * advi.schedule.factor(graph.step(), advi.steps);

        let mut states = Vec::new();
        let mut updates: Vec<(Var<'_>, Var<'_>)> = Vec::new();
        for (number, (block, gradient)) in blocks.iter().zip(gradients).enumerate() {
            let (next, memories) = advi.optimizer.ascend(&graph, *block, gradient, rate);
            let mut add = |role, state, next| {
                updates.push((state, next));
                states.push(State {
                    input: id(state),
                    role,
                });
            };
            add(Role::Parameter(number), *block, next);
            for memory in memories {
                add(Role::Memory(number), memory.state, memory.next);
            }
            if let Some(first) = first_averaged(advi) {
                let average = graph.input("average", block.shape());
                let count = graph.step() - first as f64 + 1.0;
                let weight = count.ge(1.0).select(count.maximum(1.0).reciprocal(), 0.0);
                let next = average + weight * (next - average);
                add(Role::Average(number), average, next);
            }
        }
        let chunk = advi.every.min(advi.steps);
        let history = History::new(&graph, chunk);
        updates.extend(history.updates(&graph, elbo));

        Ok(Blueprint {
            recipe: Recipe {
                plan: Plan::new(&graph, &[elbo], &updates)?,
                data: written.data,
            },
            states,
            history: id(history.history),
            cursor: id(history.cursor),
            chunk,
        })
    }

    pub(super) fn stepper<'a>(&'a self, program: &'a mut dyn Program) -> Stepper<'a> {
        Stepper {
            blueprint: self,
            program,
        }
    }

    /// The most steps between two looks at them.
    pub(super) fn chunk(&self) -> u64 {
        self.chunk
    }
}

impl Stepper<'_> {
    /// Sets the states to the start.
    pub(super) fn begin(&mut self, advi: &Advi, start: &[f64]) -> Result<(), InferenceError> {
        self.program.fill(self.blueprint.history, 0.0)?;
        self.write_start(start, advi.initial_sd)?;
        self.save();
        self.program.rewind(advi.seed, 0);
        Ok(())
    }

    /// Sets the guide's blocks, and their averages, to these means, one standard deviation and
    /// no correlation, and the memory to zero.
    fn write_start(&mut self, mean: &[f64], sd: f64) -> Result<(), InferenceError> {
        let rho = inverse_softplus(sd);
        for State { input, role } in &self.blueprint.states {
            match role {
                Role::Parameter(0) | Role::Average(0) => self.program.write(*input, mean)?,
                Role::Parameter(1) | Role::Average(1) => self.program.fill(*input, rho)?,
                _ => self.program.fill(*input, 0.0)?,
            }
        }
        Ok(())
    }

    /// Makes ready to run at most [`Blueprint::chunk`] steps.
    pub(super) fn prepare(&mut self) -> Result<(), InferenceError> {
        Ok(self.program.write(self.blueprint.cursor, &[0.0])?)
    }

    /// The ELBO of each of the steps that were run after [`Stepper::prepare`].
    pub(super) fn elbos(&self, steps: u64) -> Vec<f64> {
        let mut elbos = self.program.read_input(self.blueprint.history);
        elbos.truncate(steps as usize);
        elbos
    }

    /// Runs at most [`Blueprint::chunk`] steps and returns the ELBO of each.
    pub(super) fn run(&mut self, steps: u64) -> Result<Vec<f64>, InferenceError> {
        self.prepare()?;
        self.program.run(steps)?;
        Ok(self.elbos(steps))
    }

    /// Runs `steps` steps and measures their passes.
    pub(super) fn profile(&mut self, steps: u64) -> Result<Profile, InferenceError> {
        self.prepare()?;
        Ok(self.program.profile(steps)?)
    }

    /// The values of the states that play the wanted roles, in their order.
    pub(super) fn values(&self, wanted: impl Fn(Role) -> bool) -> Values {
        let states = self
            .blueprint
            .states
            .iter()
            .filter(|state| wanted(state.role));
        states
            .map(|state| self.program.read_input(state.input))
            .collect()
    }

    /// The first state that is not finite: its role, and which of its elements.
    pub(super) fn non_finite(&self) -> Option<(Role, usize)> {
        self.blueprint.states.iter().find_map(|state| {
            let place = self.program.first_non_finite(state.input)?;
            Some((state.role, place))
        })
    }

    /// Remembers the states as they are.
    pub(super) fn save(&mut self) {
        self.program.save();
    }

    /// Goes back to the states that were last saved.
    pub(super) fn restore(&mut self) {
        self.program.restore();
    }

    /// Gives up the states that were last saved.
    pub(super) fn forget(&mut self) {
        self.program.forget();
    }

    pub(super) fn rewind(&mut self, seed: u64, step: u64) {
        self.program.rewind(seed, step);
    }
}

/// Replaces each by its mean over the ranks, which meet once for all of them.
fn averaged_over_ranks(values: &mut [Var<'_>]) {
    let flat = |value: &Var<'_>| value.shape().elements();
    let parts: Vec<Var<'_>> = values.iter().map(|v| v.reshape([flat(v)])).collect();
    let mean = concat(&parts, 0).all_reduce_mean();
    let mut start = 0;
    for value in values {
        let (length, shape) = (flat(value), value.shape());
        *value = mean.view(start, shape);
        start += length;
    }
}

/// The first step whose result is averaged, if any is.
pub(super) fn first_averaged(advi: &Advi) -> Option<u64> {
    let steps = (advi.averaging * advi.steps as f64).round() as u64;
    (steps > 0).then(|| advi.steps - steps.min(advi.steps))
}
