//! The two-moons network: its steps, a whole process, the surface of a grid, the first ELBO.

use std::error::Error;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use bayes_nn::prelude::*;

use crate::{Outcome, Steps, data, last_elbo};

/// Calls that are timed, of which the median is reported.
const CALLS: usize = 5;

/// Two hidden layers of five tanh units without biases, standard normal priors.
pub fn network() -> Bnn {
    let net = Mlp::new([2, 5, 5, 1])
        .activation(Tanh)
        .without_bias()
        .prior(Normal::new(0.0, 1.0));
    Bnn::new(net, Bernoulli)
}

/// Steps a second, once they run.
pub fn steps(steps: &Steps) -> Outcome {
    let (train, _) = data::moons(&steps.data)?;
    let fit = network().fit(&train, &steps.advi().elbo_draws(2))?;
    let result = fit.advi().unwrap();
    Ok(serde_json::json!({
        "steps_per_second": result.steps() as f64 / result.seconds(),
        "compile_seconds": result.setup_seconds(),
        "elbo": last_elbo(result),
    }))
}

/// Seconds of so many restarts side by side over those of one fit, both from call to return and
/// after a fit that compiled what they need.
pub fn restarts(steps: &Steps, count: usize) -> Outcome {
    let (train, _) = data::moons(&steps.data)?;
    let seconds = |count: usize| -> Result<f64, Box<dyn Error>> {
        let advi = steps.advi().elbo_draws(2).restarts(count).threads(count);
        let begin = Instant::now();
        let fit = network().fit(&train, &advi)?;
        let seconds = begin.elapsed().as_secs_f64();
        for restart in fit.advi().unwrap().restarts() {
            if let Err(error) = &restart.outcome {
                return Err(format!("a restart failed: {error}").into());
            }
        }
        Ok(seconds)
    };
    seconds(1)?;
    let (one, all) = (seconds(1)?, seconds(count)?);
    Ok(serde_json::json!({
        "times_one": all / one,
        "one_seconds": one,
        "all_seconds": all,
        "restarts": count,
    }))
}

/// Everything from the file to predictions; the clock is outside.
pub fn process(steps: &Steps, draws: usize) -> Outcome {
    let (train, test) = data::moons(&steps.data)?;
    let fit = network().fit(&train, &steps.advi())?;
    let prediction = fit.predict(&test, draws)?;
    Ok(serde_json::json!({
        "elbo": last_elbo(fit.advi().unwrap()),
        "accuracy": accuracy(&prediction, &test)?,
    }))
}

/// Seconds of predicting a grid.
pub fn grid(steps: &Steps, side: usize, draws: usize) -> Outcome {
    let (train, test) = data::moons(&steps.data)?;
    let fit = network().fit(&train, &steps.advi().elbo_draws(2))?;
    let grid = datasets::grid(-3.0, 3.0, side)?;
    let mut seconds = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let begin = Instant::now();
        fit.predict(&grid, draws)?;
        seconds.push(begin.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(serde_json::json!({
        "seconds": seconds[CALLS / 2],
        "accuracy": accuracy(&fit.predict(&test, draws)?, &test)?,
    }))
}

fn accuracy(prediction: &Prediction, test: &Dataset) -> Result<f64, Box<dyn Error>> {
    let score = prediction.score(test.y())?;
    let score = score.classification().ok_or("the labels are classes")?;
    Ok(score.accuracy)
}

/// One step, reported from inside the fit: the clock outside stops at this line, not at the end
/// of the process.
pub fn first_elbo(folder: &Path) -> Outcome {
    let (train, _) = data::moons(folder)?;
    let advi = Advi::mean_field()
        .restarts(1)
        .full_batch()
        .local_reparameterization(false)
        .closed_form_priors(false)
        .every(1)
        .elbo_draws(2)
        .callback(|snapshot| {
            println!("{}", serde_json::json!({ "elbo": snapshot.elbos[0] }));
            // A reader that is gone has no use for the line.
            let _ = std::io::stdout().flush();
            ControlFlow::Break(())
        });
    let fit = network().fit(&train, &advi)?;
    Ok(serde_json::json!({ "elbo": fit.advi().unwrap().curve().elbos()[0] }))
}
