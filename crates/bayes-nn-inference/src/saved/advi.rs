//! Variational fits.

use std::sync::Arc;

use bayes_nn_files::{Entry, FileError, Node, Place, Value, choice, record};

use super::guide::{get_numbers, put_numbers};
use super::{ADVI, again, of_kind, told};
use crate::{AdviFit, AdviParts, Approximation, Convergence, Curve, Elbo, Evidence};
use crate::{HeldOutScore, InferenceError, Restart, Scored, Site, Stop, Training};

choice!(Stop {
    "steps": Steps {},
    "converged": Converged {},
    "callback": Callback {},
    "validation": Validation {},
    "interrupted": Interrupted {},
});

choice!(Evidence {
    "windows": Windows {
        "window": window,
        "difference": difference,
        "standard_error": standard_error,
        "tolerance": tolerance
    },
    "slope": Slope { "left": left },
    "stages": Stages { "mean": mean, "sd": sd },
});

record!(Convergence { "converged": converged, "evidence": evidence, "too_coarse": too_coarse });
record!(Scored { "step": step, "score": score });
record!(HeldOutScore {
    "rows": rows,
    "log_likelihood": log_likelihood,
    "accuracy": accuracy,
    "rmse": rmse,
});

impl Entry for Curve {
    fn write(&self, place: &Place<'_>) -> Value {
        (place.object())
            .tensor("elbos", self.elbos(), &[self.elbos().len()])
            .put("clock", &self.clock().to_vec())
            .put("scores", &self.scores().to_vec())
            .value()
    }

    fn read(node: &Node<'_>) -> Result<Curve, FileError> {
        let curve = Curve::new(node.vector("elbos")?, node.get("clock")?);
        let curve = curve.map_err(|error| node.refused(error))?;
        let curve = curve.with_scores(node.get("scores")?);
        curve.map_err(|error| node.refused(error))
    }
}

impl Entry for AdviFit {
    fn write(&self, place: &Place<'_>) -> Value {
        let AdviParts {
            approximation,
            curve,
            elbo,
            k_hat,
            convergence,
            stop,
            seed,
            settings,
            gradients,
            setup_seconds,
            seconds,
            restarts,
            sds_moved,
            concerns,
            training,
        } = self.parts();
        let object = of_kind(ADVI, place);
        let place = object.at("restarts");
        let restarts = restarts.iter().enumerate().map(|(number, restart)| {
            write_restart(restart, approximation, &place.at(&number.to_string()))
        });
        let restarts = Value::Array(restarts.collect());
        let training = training.as_ref();
        let place = object.at("training");
        let training_value = training.map_or(Value::Null, |training| training.write(curve, &place));
        object
            .put("guide", approximation)
            .put("curve", curve)
            .put("elbo", elbo)
            .put("k_hat", k_hat)
            .put("convergence", convergence)
            .put("stop", stop)
            .put("seed", seed)
            .put("settings", settings)
            .put("gradients", gradients)
            .put("setup_seconds", setup_seconds)
            .put("seconds", seconds)
            .put_value("restarts", restarts)
            .put("sds_moved", sds_moved)
            .put("concerns", concerns)
            .put_value("training", training_value)
            .value()
    }

    fn read(node: &Node<'_>) -> Result<AdviFit, FileError> {
        let approximation: Approximation = node.get("guide")?;
        let restarts = node.at("restarts")?.items()?;
        let restarts = restarts
            .iter()
            .map(|node| read_restart(node, &approximation));
        let restarts = restarts.collect::<Result<_, _>>()?;
        let curve: Curve = node.get("curve")?;
        let training = node.find("training")?;
        let training = training.map(|node| Training::read(&node, &curve).map(Arc::new));
        let parts = AdviParts {
            restarts,
            approximation,
            training: training.transpose()?,
            curve,
            elbo: node.get("elbo")?,
            k_hat: node.get("k_hat")?,
            convergence: node.get("convergence")?,
            stop: node.get("stop")?,
            seed: node.get("seed")?,
            settings: node.get("settings")?,
            gradients: node.get("gradients")?,
            setup_seconds: node.get("setup_seconds")?,
            seconds: node.get("seconds")?,
            sds_moved: node.get("sds_moved")?,
            concerns: node.get("concerns")?,
        };
        AdviFit::new(parts).map_err(|error| node.refused(error))
    }
}

/// The guide of the restart that was kept is that of the fit, and not written again.
fn write_restart(restart: &Restart, kept: &Approximation, place: &Place<'_>) -> Value {
    let Restart {
        seed,
        outcome,
        approximation,
    } = restart;
    let object = place.object().put("seed", seed);
    let object = match outcome {
        Ok((elbo, convergence)) => object.put("elbo", elbo).put("convergence", convergence),
        Err(error) => object.put("error", &told(Some(error))),
    };
    match approximation {
        Some(guide) if guide == kept => object.put("guide", &"kept".to_owned()).value(),
        Some(guide) => {
            let own = put_numbers(object.at("guide").object(), guide).value();
            object.put_value("guide", own).value()
        }
        None => object.value(),
    }
}

fn read_restart(node: &Node<'_>, kept: &Approximation) -> Result<Restart, FileError> {
    let outcome: Result<(Elbo, Convergence), Arc<InferenceError>> = match again(node.get("error")?)
    {
        Some(error) => Err(error),
        None => Ok((node.get("elbo")?, node.get("convergence")?)),
    };
    let sites = || -> Vec<Site> { kept.sites().to_vec() };
    let approximation = match node.find("guide")? {
        Some(guide) if guide.text() == "\"kept\"" => Some(kept.clone()),
        Some(guide) => Some(get_numbers(&guide, sites())?),
        None => None,
    };
    Ok(Restart {
        seed: node.get("seed")?,
        outcome,
        approximation,
    })
}
