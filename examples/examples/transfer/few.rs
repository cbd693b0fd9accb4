//! New digits from few labels, with what is known of others.

use std::error::Error;
use std::time::Instant;

use bayes_nn::nn::Widening;
use bayes_nn::prelude::*;

use crate::digits::{Digits, few, of_digits};
use crate::page::{Few, widenings};
use crate::{Arguments, accuracy, network, start};

/// Rows of a minibatch.
const BATCH: usize = 50;

/// The digits 5 to 9 from few labels, with what there is to know of 0 to 4.
pub fn learned(
    arguments: &Arguments,
    digits: &Digits,
    seed: u64,
) -> Result<Vec<Few>, Box<dyn Error>> {
    let first = of_digits(&digits.train, &[0, 1, 2, 3, 4])?;
    let advi = Advi::mean_field().seed(seed).steps(digits.steps);
    let source =
        network("head", 5, None)?.fit(&first, &advi.clone().progress(Bar::new("digits 0 to 4")))?;
    let guide = source.approximation().ok_or("ADVI has a guide")?;
    let rest = of_digits(&digits.train, &[5, 6, 7, 8, 9])?;
    let mut rows = Vec::new();
    for labels in &arguments.labels {
        let (train, unseen) = few(&rest, *labels, seed)?;
        let test = match arguments.validate {
            true => unseen,
            false => of_digits(&digits.test, &[5, 6, 7, 8, 9])?,
        };
        let advi = advi
            .clone()
            .steps(digits.few_steps)
            .batch(BATCH)
            .temperature(arguments.temperature);
        let informed = |widening| Ok::<_, bayes_nn::Error>(Some(source.into_prior(widening)?));
        let ways = [
            ("from scratch", network("head", 5, None)?, advi.clone()),
            (
                "the start alone",
                network("head", 5, None)?,
                advi.clone().start_at(start(guide)),
            ),
            (
                "informed prior, widening learned",
                network("head", 5, informed(Widening::Learned)?)?,
                advi.clone(),
            ),
            (
                "informed prior, widened",
                network("head", 5, informed(Widening::By(arguments.widening))?)?,
                advi,
            ),
        ];
        for (way, bnn, advi) in ways {
            let begin = Instant::now();
            let fit = bnn.fit(
                &train,
                &advi.progress(Bar::new(format!("{labels} labels, {way}"))),
            )?;
            let accuracy = accuracy(&fit, &test)?;
            println!(
                "seed {seed}, {labels} labels of each digit, {way}: {:.2} %",
                100.0 * accuracy
            );
            rows.push(Few {
                seed,
                labels: *labels,
                way: way.to_owned(),
                accuracy,
                widenings: widenings(&fit)?,
                seconds: begin.elapsed().as_secs_f64(),
            });
        }
    }
    Ok(rows)
}
