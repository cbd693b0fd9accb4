//! Progress bars on the terminal.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use bayes_nn_inference::nuts::{ChainProgress, SamplingProgress};
use bayes_nn_inference::{Progress, Stage, Update};
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
    /// Steps done by each restart, and those that there are to be at the most.
    done: Vec<[u64; 2]>,
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
        state.done = vec![[0, steps]; restarts];
    }

    fn stage(&self, stage: Stage) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = &state.bar {
            bar.set_message(stage_in_words(stage, state.done.len()));
            bar.tick();
        }
    }

    fn update(&self, update: Update) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some([done, steps]) = state.done.get_mut(update.restart) {
            *done = update.step;
            if update.steps > 0 {
                *steps = update.steps;
            }
        }
        let sum = |which: usize| state.done.iter().map(|counts| counts[which]).sum();
        if let Some(bar) = &state.bar {
            bar.set_length(sum(1));
            bar.set_position(sum(0));
            bar.set_message(in_words(&update, state.done.len()));
        }
    }

    fn finish(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = &state.bar {
            bar.abandon();
        }
    }
}

/// What a fit of so many restarts is doing.
fn stage_in_words(stage: Stage, restarts: usize) -> String {
    match stage {
        Stage::SettingUp => "setting up".to_owned(),
        Stage::Fitting { restart } => format!("{}fitting", of_several(restart, restarts)),
        Stage::FinalElbo => "measuring the final ELBO".to_owned(),
        _ => String::new(),
    }
}

/// How far a restart is.
fn in_words(update: &Update, restarts: usize) -> String {
    let mut words = of_several(update.restart, restarts);
    let most = if update.may_end_sooner {
        "at most "
    } else {
        ""
    };
    if let Some(steps) = update.epoch.filter(|_| update.steps > 0) {
        let epoch = |step: u64| step.div_ceil(steps.max(1));
        let (now, all) = (epoch(update.step), epoch(update.steps));
        words += &format!("epoch {now} of {most}{all}, ");
    }
    words += &format!("ELBO {:.1}", update.elbo);
    if let Some(score) = update.score {
        words += &format!(", validation {:.4}", score.log_likelihood);
        if let Some(accuracy) = score.accuracy {
            words += &format!(" and {:.1} %", 100.0 * accuracy);
        }
        if let Some(rmse) = score.rmse {
            words += &format!(" and RMSE {rmse:.3}");
        }
    }
    if let Some(rate) = update.learning_rate {
        words += &format!(", rate {rate:.1e}");
    }
    if let Some(seconds) = update.seconds_left {
        let left = match seconds {
            s if s < 90.0 => format!("{s:.0} s"),
            s if s < 5400.0 => format!("{:.0} min", s / 60.0),
            s => format!("{:.1} h", s / 3600.0),
        };
        words += &format!(", {most}{left} left");
    }
    words
}

fn of_several(restart: usize, restarts: usize) -> String {
    match restarts {
        1 => String::new(),
        _ => format!("restart {} of {restarts}, ", restart + 1),
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
    use bayes_nn_inference::HeldOutScore;

    use super::*;

    #[test]
    fn a_bar_adds_up_the_steps_of_all_restarts() {
        let bar = Bar::new("fit");
        Progress::start(&bar, 2, 100);
        for (restart, step) in [(0, 30), (1, 20), (0, 60)] {
            let update = Update {
                restart,
                step,
                elbo: -1.0,
                ..Update::default()
            };
            Progress::update(&bar, update);
        }
        let state = bar.state.lock().unwrap();
        assert_eq!(state.bar.as_ref().unwrap().position(), 80);
        drop(state);
        Progress::finish(&bar);
    }

    #[test]
    fn a_bar_says_which_stage_epoch_score_rate_and_time_a_fit_is_at() {
        let bar = Bar::new("fit");
        let shown = || {
            let state = bar.state.lock().unwrap();
            let bar = state.bar.as_ref().unwrap();
            (bar.message(), bar.length().unwrap())
        };
        Progress::start(&bar, 2, 4_000);
        bar.stage(Stage::SettingUp);
        assert_eq!(shown(), ("setting up".to_owned(), 8_000));
        bar.stage(Stage::Fitting { restart: 1 });
        assert_eq!(shown().0, "restart 2 of 2, fitting");
        let update = Update {
            restart: 1,
            step: 512,
            elbo: -12.34,
            steps: 3_000,
            may_end_sooner: true,
            epoch: Some(100),
            learning_rate: Some(0.005),
            score: Some(HeldOutScore {
                rows: 50,
                log_likelihood: -0.25,
                accuracy: Some(0.9),
                rmse: None,
            }),
            seconds_left: Some(150.0),
        };
        Progress::update(&bar, update);
        let expected = "restart 2 of 2, epoch 6 of at most 30, ELBO -12.3, validation -0.2500 and \
                        90.0 %, rate 5.0e-3, at most 2 min left";
        assert_eq!(shown(), (expected.to_owned(), 7_000));
        let one = Update {
            step: 512,
            seconds_left: Some(80.0),
            ..Update::default()
        };
        assert_eq!(in_words(&one, 1), "ELBO 0.0, 80 s left");
        bar.stage(Stage::FinalElbo);
        assert_eq!(shown().0, "measuring the final ELBO");
        Progress::finish(&bar);
    }
}
