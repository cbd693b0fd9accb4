//! Where the training of a fit is.

use bayes_nn_files::{FileError, Node, Place, Value};

use crate::variational::advi::Trained;
use crate::{Curve, Training};

impl Training {
    /// Written beside the curve of the fit, which is that of a restart and not written again.
    pub(super) fn write(&self, curve: &Curve, place: &Place<'_>) -> Value {
        let Training {
            random_stream,
            rows,
            restarts,
        } = self;
        let object = place.object();
        let at = object.at("restarts");
        let restarts = restarts.iter().enumerate();
        let restarts =
            restarts.map(|(number, own)| write_restart(own, curve, &at.at(&number.to_string())));
        let restarts = Value::Array(restarts.collect());
        object
            .put("random_stream", random_stream)
            .put("rows", rows)
            .put_value("restarts", restarts)
            .value()
    }

    /// Read beside the curve of the fit.
    pub(super) fn read(node: &Node<'_>, curve: &Curve) -> Result<Training, FileError> {
        let restarts = node.at("restarts")?.items()?;
        let restarts = restarts.iter().map(|node| read_restart(node, curve));
        Ok(Training {
            random_stream: node.get("random_stream")?,
            rows: node.get("rows")?,
            restarts: restarts.collect::<Result<_, _>>()?,
        })
    }
}

fn write_restart(trained: &Trained, of_fit: &Curve, place: &Place<'_>) -> Value {
    let Trained {
        restart,
        tries,
        steps,
        gradients,
        convergence,
        stop,
        kept,
        since,
        states,
        curve,
        setup_seconds,
        seconds,
    } = trained;
    let object = place.object();
    let names: Vec<String> = states.iter().map(|(name, _)| name.clone()).collect();
    let at = object.at("states");
    for (number, (_, values)) in states.iter().enumerate() {
        at.at(&number.to_string()).tensor(values, &[values.len()]);
    }
    let blocks = kept.as_ref().map(|kept| {
        let at = object.at("kept");
        for (number, block) in kept.iter().enumerate() {
            at.at(&number.to_string()).tensor(block, &[block.len()]);
        }
        kept.len()
    });
    let object = object
        .put("restart", restart)
        .put("tries", tries)
        .put("steps", steps)
        .put("gradients", gradients)
        .put("convergence", convergence)
        .put("stop", stop)
        .put("states", &names)
        .put("kept", &blocks)
        .put("since", since)
        .put("setup_seconds", setup_seconds)
        .put("seconds", seconds);
    match curve == of_fit {
        true => object.value(),
        false => object.put("curve", curve).value(),
    }
}

fn read_restart(node: &Node<'_>, of_fit: &Curve) -> Result<Trained, FileError> {
    let names: Vec<String> = node.get("states")?;
    let at = node.at("states")?;
    let states = names.into_iter().enumerate();
    let states = states.map(|(number, name)| Ok((name, at.vector(&number.to_string())?)));
    let states = states.collect::<Result<_, FileError>>()?;
    let kept = match node.get::<Option<usize>>("kept")? {
        Some(blocks) => {
            let at = node.at("kept")?;
            let blocks = (0..blocks).map(|number| at.vector(&number.to_string()));
            Some(blocks.collect::<Result<_, FileError>>()?)
        }
        None => None,
    };
    Ok(Trained {
        restart: node.get("restart")?,
        tries: node.get("tries")?,
        steps: node.get("steps")?,
        gradients: node.get("gradients")?,
        convergence: node.get("convergence")?,
        stop: node.get("stop")?,
        kept,
        since: node.get("since")?,
        states,
        curve: match node.get("curve")? {
            Some(curve) => curve,
            None => of_fit.clone(),
        },
        setup_seconds: node.get("setup_seconds")?,
        seconds: node.get("seconds")?,
    })
}
