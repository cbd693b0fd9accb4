//! One ADVI step as a program: draw, ELBO, gradient, update, all inside.

use std::sync::Arc;

use bayes_nn_autodiff::{Graph, InputId, NoiseKind, Var, grad};
use bayes_nn_kernels::{Backend, KernelError, Plan, Profile, Program};

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

/// A compiled step, with its states.
pub(super) struct Stepper {
    program: Box<dyn Program>,
    states: Vec<State>,
    history: InputId,
    cursor: InputId,
    chunk: u64,
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

pub(super) fn compile(
    graph: &Graph,
    advi: &Advi,
    outputs: &[Var<'_>],
    updates: &[(Var<'_>, Var<'_>)],
    data: &[(InputId, Arc<[f64]>)],
) -> Result<Box<dyn Program>, InferenceError> {
    let plan = Plan::new(graph, outputs, updates)?;
    let mut program = advi.device.compile(&plan, advi.precision)?;
    for (input, values) in data {
        match program.write(*input, values) {
            // Read by the density, but without effect on it.
            Err(KernelError::NoInput { .. }) => {}
            result => result?,
        }
    }
    Ok(program)
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

impl Stepper {
    /// Writes and compiles the step, and sets its states to the start.
    pub(super) fn new(
        advi: &Advi,
        density: &dyn Density,
        start: &[f64],
    ) -> Result<Stepper, InferenceError> {
        let graph = Graph::new();
        let written = Written::new(&graph, advi, density, advi.samples, advi.batch)?;
        let (objective, elbo) = written.objective(advi.estimator);
        let blocks = &written.guide.blocks;
        let gradients = grad(objective, blocks)?;
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

        let mut program = compile(&graph, advi, &[elbo], &updates, &written.data)?;
        program.fill(id(history.history), 0.0)?;
        let mut stepper = Stepper {
            program,
            states,
            history: id(history.history),
            cursor: id(history.cursor),
            chunk,
        };
        stepper.write_start(start, advi.initial_sd)?;
        stepper.save();
        stepper.program.rewind(advi.seed, 0);
        Ok(stepper)
    }

    /// Sets the guide's blocks, and their averages, to these means, one standard deviation and
    /// no correlation, and the memory to zero.
    fn write_start(&mut self, mean: &[f64], sd: f64) -> Result<(), InferenceError> {
        let rho = inverse_softplus(sd);
        for State { input, role } in &self.states {
            match role {
                Role::Parameter(0) | Role::Average(0) => self.program.write(*input, mean)?,
                Role::Parameter(1) | Role::Average(1) => self.program.fill(*input, rho)?,
                _ => self.program.fill(*input, 0.0)?,
            }
        }
        Ok(())
    }

    pub(super) fn chunk(&self) -> u64 {
        self.chunk
    }

    /// Runs at most [`Stepper::chunk`] steps and returns the ELBO of each.
    pub(super) fn run(&mut self, steps: u64) -> Result<Vec<f64>, InferenceError> {
        self.program.write(self.cursor, &[0.0])?;
        self.program.run(steps)?;
        let mut elbos = self.program.read_input(self.history);
        elbos.truncate(steps as usize);
        Ok(elbos)
    }

    /// Runs `steps` steps and measures their passes.
    pub(super) fn profile(&mut self, steps: u64) -> Result<Profile, InferenceError> {
        self.program.write(self.cursor, &[0.0])?;
        Ok(self.program.profile(steps)?)
    }

    /// The values of the states that play the wanted roles, in their order.
    pub(super) fn values(&self, wanted: impl Fn(Role) -> bool) -> Values {
        let states = self.states.iter().filter(|state| wanted(state.role));
        states
            .map(|state| self.program.read_input(state.input))
            .collect()
    }

    /// The first state that is not finite: its role, and which of its elements.
    pub(super) fn non_finite(&self) -> Option<(Role, usize)> {
        self.states.iter().find_map(|state| {
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

/// The first step whose result is averaged, if any is.
pub(super) fn first_averaged(advi: &Advi) -> Option<u64> {
    let steps = (advi.averaging * advi.steps as f64).round() as u64;
    (steps > 0).then(|| advi.steps - steps.min(advi.steps))
}
