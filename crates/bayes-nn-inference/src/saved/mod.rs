//! What a file holds of fits, and how they come back: the names of the format, in one place.
//!
//! [`write_fit`] and [`read_fit`] are of fits by the methods of this crate, each under the name of its
//! kind; [`DrawSource`] is an entry by itself. What a file has of models is said where these are.

mod advi;
mod guide;
mod nuts;
mod pathfinder;
mod settings;
mod sgld;
mod site;
mod table;
mod training;

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use bayes_nn_autodiff::{Shape, noise};
use bayes_nn_files::{Entry, File, FileError, Node, Object, Place, Value, choice, record, save};
use bayes_nn_kernels::Precision;

use crate::{AdviFit, Concerns, DrawSource, Elbo, Fit, InferenceError, NutsFit};
use crate::{PathfinderFit, SgldFit};

/// What a file says of a fit; nothing of one of a kind of one's own.
pub fn write_fit(fit: &dyn Fit, place: &Place<'_>) -> Option<Value> {
    let any: &dyn Any = fit;
    if let Some(fit) = any.downcast_ref::<AdviFit>() {
        return Some(fit.write(place));
    }
    if let Some(fit) = any.downcast_ref::<NutsFit>() {
        return Some(fit.write(place));
    }
    if let Some(fit) = any.downcast_ref::<SgldFit>() {
        return Some(fit.write(place));
    }
    any.downcast_ref::<PathfinderFit>()
        .map(|fit| fit.write(place))
}

/// Saves a fit by itself, without what it was fitted to.
///
/// # Errors
/// A file that cannot be written; what was there before is then still there.
pub fn save_fit(fit: &AdviFit, path: &Path) -> Result<(), FileError> {
    save(path, |root| {
        let root = root.put("random_stream", &noise::VERSION);
        let posterior = root.at("posterior").object().put("fit", fit).value();
        Ok(root.put_value("posterior", posterior).value())
    })
}

/// The variational fit of a file, by itself.
///
/// # Errors
/// A file that cannot be read, is damaged, or has another fit.
pub fn load_fit(path: &Path) -> Result<AdviFit, FileError> {
    File::read(path)?.root()?.at("posterior")?.get("fit")
}

/// The fit that a file has.
///
/// # Errors
/// A kind that is not known; what cannot be.
pub fn read_fit(node: &Node<'_>) -> Result<Arc<dyn Fit>, FileError> {
    Ok(match node.get::<String>("kind")?.as_str() {
        ADVI => Arc::new(AdviFit::read(node)?),
        NUTS => Arc::new(NutsFit::read(node)?),
        SGLD => Arc::new(SgldFit::read(node)?),
        PATHFINDER => Arc::new(PathfinderFit::read(node)?),
        other => return Err(node.unknown(other, &[ADVI, NUTS, SGLD, PATHFINDER])),
    })
}

const ADVI: &str = "advi";
const NUTS: &str = "nuts";
const SGLD: &str = "sgld";
const PATHFINDER: &str = "pathfinder";

/// The object of a fit of this kind.
fn of_kind<'w>(kind: &str, place: &Place<'w>) -> Object<'w> {
    place.object().put("kind", &kind.to_owned())
}

/// A precision as a file has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits(pub Precision);

impl Entry for Bits {
    fn write(&self, _: &Place<'_>) -> Value {
        match self.0 {
            Precision::F32 => "f32".into(),
            Precision::F64 => "f64".into(),
        }
    }

    fn read(node: &Node<'_>) -> Result<Bits, FileError> {
        match String::read(node)?.as_str() {
            "f32" => Ok(Bits(Precision::F32)),
            "f64" => Ok(Bits(Precision::F64)),
            other => Err(node.unknown(other, &["f32", "f64"])),
        }
    }
}

/// A shape as a file has it: the lengths of its axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths(pub Shape);

impl Entry for Lengths {
    fn write(&self, place: &Place<'_>) -> Value {
        self.0.to_vec().write(place)
    }

    fn read(node: &Node<'_>) -> Result<Lengths, FileError> {
        let lengths = Vec::<usize>::read(node)?;
        let shape = Shape::try_new(&lengths).map(Lengths);
        shape.ok_or_else(|| node.refuse(format!("has {} axes; six are the most", lengths.len())))
    }
}

/// An error by its message.
fn told(error: Option<&InferenceError>) -> Option<String> {
    error.map(ToString::to_string)
}

fn again(message: Option<String>) -> Option<Arc<InferenceError>> {
    message.map(|message| Arc::new(InferenceError::Told { message }))
}

record!(Elbo { "mean": mean, "mcse": mcse });
record!(Concerns { "coarse": coarse, "scale": scale });

choice!(DrawSource {
    "guide": Guide { "guide": 0 as guide },
    "table": Table { "table": 0 as table },
});
