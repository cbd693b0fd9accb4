//! Progress bars on the terminal.

use std::sync::{Mutex, PoisonError};

use bayes_nn_inference::{Progress, Update};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar for all restarts of a fit, on standard error. It is silent when that is no terminal.
///
/// ```
/// use bayes_nn::{Advi, Bar};
/// let advi = Advi::mean_field().steps(1_000).progress(Bar::new("full batch"));
/// # let _ = advi;
/// ```
pub struct Bar {
    label: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bar: Option<ProgressBar>,
    /// Steps done by each restart.
    done: Vec<u64>,
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

impl Progress for Bar {
    fn start(&self, restarts: usize, steps: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let total = steps * restarts as u64;
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let template = "{prefix} {bar:30} {human_pos}/{human_len} steps, {per_sec}, {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(self.label.clone());
        state.bar = Some(bar);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_adds_up_the_steps_of_all_restarts() {
        let bar = Bar::new("fit");
        bar.start(2, 100);
        for (restart, step) in [(0, 30), (1, 20), (0, 60)] {
            let elbo = -1.0;
            bar.update(Update {
                restart,
                step,
                elbo,
            });
        }
        let state = bar.state.lock().unwrap();
        assert_eq!(state.bar.as_ref().unwrap().position(), 80);
        drop(state);
        bar.finish();
    }
}
