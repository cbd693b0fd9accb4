//! Tasks one after the other.

use std::error::Error;

use bayes_nn::nn::Widening;
use bayes_nn::prelude::*;

use crate::digits::{Digits, of_digits};
use crate::page::{Step, with_features};
use crate::{Arguments, accuracy, network, start};

/// Pairs of digits.
const TASKS: u8 = 5;

/// Pairs of digits one after the other, each with a head of its own on features that all share: by the
/// posterior of one task as the prior of the next, or by weights that simply go on.
pub fn learned(
    arguments: &Arguments,
    digits: &Digits,
    seed: u64,
    by_posterior: bool,
) -> Result<Vec<Step>, Box<dyn Error>> {
    let way = if by_posterior {
        "posterior as prior"
    } else {
        "fine-tuning"
    };
    let pairs: Vec<[u8; 2]> = (0..TASKS).map(|task| [2 * task, 2 * task + 1]).collect();
    let part = |pair: &[u8], is_test: bool| -> Result<Dataset, Box<dyn Error>> {
        if !arguments.validate {
            let images = if is_test { &digits.test } else { &digits.train };
            return of_digits(images, pair);
        }
        let (train, unseen) = of_digits(&digits.train, pair)?.split(0.9, seed)?;
        Ok(if is_test { unseen } else { train })
    };
    let mut heads: Vec<Posterior<Bnn>> = Vec::new();
    let mut steps = Vec::new();
    for (task, pair) in pairs.iter().enumerate() {
        let train = part(pair, false)?;
        let before = heads.last().and_then(Posterior::approximation);
        let advi = match by_posterior {
            true => Advi::mean_field().temperature(arguments.temperature),
            false => Advi::map(),
        };
        let advi = advi
            .seed(seed)
            .steps(digits.task_steps)
            .progress(Bar::new(format!("{way}: {pair:?}")));
        let advi = match before {
            Some(guide) if !by_posterior => advi.start_at(start(guide)),
            _ => advi,
        };
        let informed = before.filter(|_| by_posterior);
        let informed = informed
            .map(|guide| guide.into_prior(Widening::By(arguments.task_widening)))
            .transpose()?;
        let fit = network(&format!("head{task}"), 2, informed)?.fit(&train, &advi)?;
        let shared = fit.approximation().ok_or("ADVI has a guide")?.clone();
        heads.push(fit);
        for (old, pair) in pairs[..=task].iter().enumerate() {
            let test = part(pair, true)?;
            let fit = with_features(&heads[old], &shared)?;
            let accuracy = accuracy(&fit, &test)?;
            steps.push(Step {
                seed,
                way: way.to_owned(),
                after: task,
                task: old,
                accuracy,
            });
        }
        let now = steps.iter().filter(|step| step.after == task);
        let now: Vec<String> = now
            .map(|step| format!("{:.1}", 100.0 * step.accuracy))
            .collect();
        println!(
            "seed {seed}, {way}, after task {}: {} %",
            task + 1,
            now.join(", ")
        );
    }
    Ok(steps)
}
