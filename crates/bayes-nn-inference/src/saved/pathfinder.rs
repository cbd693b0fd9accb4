//! Fits by Pathfinder.

use bayes_nn_files::{Entry, FileError, Node, Place, Value, choice};

use super::{PATHFINDER, of_kind};
use crate::{Path, PathFailure, PathfinderFit};

choice!(PathFailure {
    "no_start": NoStart {
        "tries": tries,
        "quantity": quantity,
        "value": value,
        "term": term,
        "why": why
    },
    "no_normal": NoNormal { "iterations": iterations },
    "density": Density { "message": message },
});

impl Entry for Path {
    fn write(&self, place: &Place<'_>) -> Value {
        let Path {
            seed,
            iterations,
            gradients,
            log_probs,
            outcome,
        } = self;
        let object = (place.object())
            .put("seed", seed)
            .put("iterations", iterations)
            .put("gradients", gradients)
            .put("log_probs", log_probs);
        match outcome {
            Ok(elbo) => object.put("elbo", elbo).value(),
            Err(failure) => object.put("failure", failure).value(),
        }
    }

    fn read(node: &Node<'_>) -> Result<Path, FileError> {
        let outcome = match node.get("failure")? {
            Some(failure) => Err(failure),
            None => Ok(node.get("elbo")?),
        };
        Ok(Path {
            seed: node.get("seed")?,
            iterations: node.get("iterations")?,
            gradients: node.get("gradients")?,
            log_probs: node.get("log_probs")?,
            outcome,
        })
    }
}

impl Entry for PathfinderFit {
    fn write(&self, place: &Place<'_>) -> Value {
        let PathfinderFit {
            settings,
            paths,
            k_hat,
            distinct,
            table,
            seconds,
            concerns,
        } = self;
        of_kind(PATHFINDER, place)
            .put("settings", settings)
            .put("paths", paths)
            .put("k_hat", k_hat)
            .put("distinct", distinct)
            .put("table", table)
            .put("seconds", seconds)
            .put("concerns", concerns)
            .value()
    }

    fn read(node: &Node<'_>) -> Result<PathfinderFit, FileError> {
        Ok(PathfinderFit {
            settings: node.get("settings")?,
            paths: node.get("paths")?,
            k_hat: node.get("k_hat")?,
            distinct: node.get("distinct")?,
            table: node.get("table")?,
            seconds: node.get("seconds")?,
            concerns: node.get("concerns")?,
        })
    }
}
