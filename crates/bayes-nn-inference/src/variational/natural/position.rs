//! Where an ascent is: all that its next step depends on, beside the density and the settings.
//!
//! It is kept as named vectors, the states: the noise of a step is a function of the seed and of how many
//! gradients there were before, so that nothing else is needed for the bits of an ascent that was not
//! interrupted.

use faer::{Mat, Scale};

use super::ascent::Distance;
use super::gaussian::Gaussian;
use super::guide::Guide;
use super::linear::{from_lower_triangle, lower_triangle};
use crate::ResumeError;

/// Vectors by their names.
pub(crate) type States = Vec<(String, Vec<f64>)>;

/// The rate of the first stage, and the steps of its windows. Those of the next are twice as long,
/// so that a guide on its way goes as far in each.
const RATE: f64 = 0.3;
const WINDOW: usize = 24;
/// Stages at the most, after which a rate is nothing.
const STAGES: u32 = 40;

/// What a counter may be at the most, so that it is exact.
const MOST_COUNTED: f64 = 9.0e15;

/// The names of states.
const COUNTERS: &str = "counters";
const GUIDE: &str = "guide";
const BEFORE: &str = "before";
const LAST: &str = "last";
const SUMS: &str = "sums";
const METRIC: &str = "metric";

/// Where an ascent is.
#[derive(Clone, Debug)]
pub(crate) struct Position<G> {
    /// The guide after the last step.
    pub guide: G,
    /// Stages that have ended.
    stage: u32,
    /// The average of the stage before.
    pub before: Option<G>,
    /// The average of the last whole window of this stage, and how far it is from that of the one
    /// before.
    pub last: Option<(G, Distance)>,
    /// The share of the draws of the last whole window at which there was no finite density.
    pub lost: f64,
    /// The window that has begun.
    pub window: Window,
}

/// A window that has begun.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// Steps so far.
    pub steps: usize,
    /// Sums of means and precisions, each over the number of steps of a window.
    pub mean: Vec<f64>,
    pub precision: Mat<f64>,
    /// Gradients, and draws that were of no use.
    pub gradients: u64,
    pub lost: u64,
    /// Steps in a row most draws of which were of no use.
    pub lost_in_a_row: u64,
}

impl Window {
    fn of<G: Guide>(guide: &G) -> Window {
        Window {
            steps: 0,
            mean: vec![0.0; guide.mean().len()],
            precision: guide.precision() * Scale(0.0),
            gradients: 0,
            lost: 0,
            lost_in_a_row: 0,
        }
    }
}

impl<G: Guide> Position<G> {
    /// Before the first step.
    pub fn new(guide: G) -> Position<G> {
        Position {
            window: Window::of(&guide),
            guide,
            stage: 0,
            before: None,
            last: None,
            lost: 0.0,
        }
    }

    /// The rate of a step.
    pub fn rate(&self) -> f64 {
        RATE * 0.5f64.powi(self.stage as i32)
    }

    pub fn steps_of_a_window(&self) -> usize {
        WINDOW << self.stage
    }

    /// The next window, with the one that has ended.
    pub fn begin_window(&mut self) -> Window {
        std::mem::replace(&mut self.window, Window::of(&self.guide))
    }

    /// The next stage, from the average of the one that has ended.
    pub fn halve_the_rate(&mut self, average: G) {
        self.window = Window::of(&average);
        self.guide = average.clone();
        self.before = Some(average);
        self.last = None;
        self.stage += 1;
    }

    /// The guide as far as it is known: the average of the last window of the stage, or that of the last
    /// step.
    pub fn average(&self) -> &G {
        self.last
            .as_ref()
            .map_or(&self.guide, |(average, _)| average)
    }

    /// All of it by names.
    pub fn states(&self) -> States {
        let window = &self.window;
        let distance = self
            .last
            .as_ref()
            .map_or(Distance::FAR, |(_, moved)| *moved);
        let counters = vec![
            self.lost,
            f64::from(self.stage),
            window.steps as f64,
            window.gradients as f64,
            window.lost as f64,
            window.lost_in_a_row as f64,
            distance.mean,
            distance.sd,
        ];
        let sums = || {
            let mut sums = window.mean.clone();
            sums.extend(lower_triangle(&window.precision));
            sums
        };
        let states = [
            (COUNTERS, Some(counters)),
            (GUIDE, Some(self.guide.numbers())),
            (BEFORE, self.before.as_ref().map(G::numbers)),
            (LAST, self.last.as_ref().map(|(last, _)| last.numbers())),
            (SUMS, (window.steps > 0).then(sums)),
            (METRIC, self.guide.metric()),
        ];
        let states = states
            .into_iter()
            .filter_map(|(name, numbers)| Some((name, numbers?)));
        states
            .map(|(name, numbers)| (name.to_owned(), numbers))
            .collect()
    }

    /// An ascent of a guide as the one given from its [states](Position::states).
    ///
    /// # Errors
    /// [`ResumeError::NoState`], [`ResumeError::OtherState`].
    pub fn from_states(states: &States, like: &G) -> Result<Position<G>, ResumeError> {
        let counters = state(states, COUNTERS)?;
        let &[lost, stage, steps, drawn, lost_draws, in_a_row, mean, sd] = counters else {
            return Err(other(COUNTERS));
        };
        let count = |value: f64| {
            let is_count = (0.0..=MOST_COUNTED).contains(&value) && value.fract() == 0.0;
            is_count
                .then_some(value as u64)
                .ok_or_else(|| other(COUNTERS))
        };
        let guide = |name| match find(states, name) {
            Some(numbers) => like.again(numbers).map(Some).ok_or_else(|| other(name)),
            None => Ok(None),
        };
        let own = guide(GUIDE)?.ok_or_else(|| none(GUIDE))?;
        let mut at = Position::new(own);
        at.stage = u32::try_from(count(stage)?).map_err(|_| other(COUNTERS))?;
        at.window.steps = usize::try_from(count(steps)?).map_err(|_| other(COUNTERS))?;
        if at.stage > STAGES || at.window.steps > at.steps_of_a_window() {
            return Err(other(COUNTERS));
        }
        at.window.gradients = count(drawn)?;
        at.window.lost = count(lost_draws)?;
        at.window.lost_in_a_row = count(in_a_row)?;
        at.before = guide(BEFORE)?;
        at.last = guide(LAST)?.map(|last| (last, Distance { mean, sd }));
        if at.window.steps > 0 {
            let shape = at.window.precision.shape();
            let (mean, lower) = (state(states, SUMS)?.split_at_checked(at.window.mean.len()))
                .ok_or_else(|| other(SUMS))?;
            at.window.mean = mean.to_vec();
            at.window.precision = from_lower_triangle(shape, lower).ok_or_else(|| other(SUMS))?;
        }
        at.lost = lost;
        Ok(at)
    }
}

/// The metric of states, a normal distribution; nothing if they have none.
pub(crate) fn metric_of(states: &States, dim: usize) -> Result<Option<Gaussian>, ResumeError> {
    let metric = find(states, METRIC).map(|numbers| Gaussian::standard(dim).again(numbers));
    metric
        .map(|metric| metric.ok_or_else(|| other(METRIC)))
        .transpose()
}

/// The numbers of a state.
///
/// # Errors
/// [`ResumeError::NoState`].
pub(crate) fn state<'s>(states: &'s States, name: &str) -> Result<&'s [f64], ResumeError> {
    find(states, name).ok_or_else(|| none(name))
}

pub(crate) fn find<'s>(states: &'s States, name: &str) -> Option<&'s [f64]> {
    let mut states = states.iter();
    let state = states.find(|(own, _)| own == name);
    state.map(|(_, values)| &values[..])
}

fn none(name: &str) -> ResumeError {
    ResumeError::NoState {
        name: name.to_owned(),
    }
}

/// What is wrong with a state.
pub(crate) fn other(name: &str) -> ResumeError {
    ResumeError::OtherState {
        name: name.to_owned(),
    }
}
