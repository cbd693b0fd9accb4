//! Progress bars on the terminal.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use bayes_nn_inference::nuts::{ChainProgress, SamplingProgress};
use bayes_nn_inference::{Progress, Update};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar for all restarts of a fit or all chains of a sampler, on standard error. It is silent
/// when that is no terminal.
///
/// ```
/// use bayes_nn::{Advi, Bar, Nuts};
/// let advi = Advi::mean_field().steps(1_000).progress(Bar::new("full batch"));
/// let nuts = Nuts::new().progress(Bar::new("baseline"));
/// # let _ = (advi, nuts);
/// ```
pub struct Bar {
    label: String,
    state: Mutex<State>,
}

impl fmt::Debug for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bar")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    bar: Option<ProgressBar>,
    /// Steps done by each restart, or draws by each chain.
    done: Vec<u64>,
    chains: Vec<ChainProgress>,
}

impl Bar {
    /// A bar with a label before it.
    pub fn new(label: impl Into<String>) -> Bar {
        Bar {
            label: label.into(),
            state: Mutex::default(),
        }
    }
}

impl State {
    fn begin(&mut self, label: &str, parts: usize, each: u64, unit: &str) {
        let total = each.saturating_mul(parts as u64);
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let template = format!(
            "{{prefix}} {{bar:30}} {{human_pos}}/{{human_len}} {unit}, {{per_sec}}, {{msg}}"
        );
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.set_prefix(label.to_owned());
        self.bar = Some(bar);
        self.chains.clear();
    }
}

impl Progress for Bar {
    fn start(&self, restarts: usize, steps: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.begin(&self.label, restarts, steps, "steps");
        state.done = vec![0; restarts];
    }

    fn update(&self, update: Update) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(done) = state.done.get_mut(update.restart) {
            *done = update.step;
        }
        let total = state.done.iter().sum();
        if let Some(bar) = &state.bar {
            bar.set_position(total);
            bar.set_message(format!("ELBO {:.1}", update.elbo));
        }
    }

    fn finish(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = &state.bar {
            bar.abandon();
        }
    }
}

impl SamplingProgress for Bar {
    fn start(&self, chains: usize, draws: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.begin(&self.label, chains, draws, "draws");
    }

    fn update(&self, chain: ChainProgress) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.chains.iter_mut().find(|c| c.chain == chain.chain) {
            Some(known) => *known = chain,
            None => state.chains.push(chain),
        }
        let chains = &state.chains;
        let draws = chains.iter().map(|c| c.draws).sum();
        let gradients: u64 = chains.iter().map(|c| c.gradients).sum();
        let divergences: u64 = chains.iter().map(|c| c.divergences).sum();
        if let Some(bar) = &state.bar {
            bar.set_position(draws);
            bar.set_message(format!(
                "{divergences} divergences, step size {:.2e}, {:.1} gradients a draw",
                chain.step_size,
                gradients as f64 / draws.max(1) as f64
            ));
        }
    }

    fn finish(&self) {
        Progress::finish(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_adds_up_the_steps_of_all_restarts() {
        let bar = Bar::new("fit");
        Progress::start(&bar, 2, 100);
        for (restart, step) in [(0, 30), (1, 20), (0, 60)] {
            let elbo = -1.0;
            let update = Update {
                restart,
                step,
                elbo,
            };
            Progress::update(&bar, update);
        }
        let state = bar.state.lock().unwrap();
        assert_eq!(state.bar.as_ref().unwrap().position(), 80);
        drop(state);
        Progress::finish(&bar);
    }
}
