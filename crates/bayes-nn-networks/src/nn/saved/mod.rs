//! What a file says of networks: their layers, heads and priors by the names of their kinds, and how
//! these are made again.

mod distributions;
mod informed;
mod layers;
mod network;
mod windows;

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bayes_nn_models::saved::{FileError, Node};

use super::{Head, InformedPrior, Layer, Prior};

pub(super) use distributions::describe_distribution;

/// The error of a part that a file cannot describe.
pub(super) fn unsaved(what: &str, part: &dyn fmt::Debug) -> FileError {
    FileError::Unsaved {
        what: format!("the {what} {part:?}"),
        remedy: format!(
            "its `describe` does not say by what it is made again; implement that, and register it \
             where the file is read (`Registry::{what}`)"
        ),
    }
}

type Make<T> = Arc<dyn Fn(&Node<'_>) -> Result<Arc<T>, FileError> + Send + Sync>;

/// Layers, heads and priors of one's own by the names of their kinds, for files of networks that have
/// them: [`Layer::describe`]. Those of this library are known without.
#[derive(Clone, Default)]
#[must_use]
pub struct Registry {
    layers: BTreeMap<String, Make<dyn Layer>>,
    heads: BTreeMap<String, Make<dyn Head>>,
    priors: BTreeMap<String, Make<dyn Prior>>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("layers", &self.layers.keys())
            .field("heads", &self.heads.keys())
            .field("priors", &self.priors.keys())
            .finish()
    }
}

impl Registry {
    /// Nothing but what this library has.
    pub fn new() -> Registry {
        Registry::default()
    }

    /// With a kind of layers, and how one is made of what [`Layer::describe`] said.
    pub fn layer<L: Layer + 'static>(
        mut self,
        kind: &str,
        make: impl Fn(&Node<'_>) -> Result<L, FileError> + Send + Sync + 'static,
    ) -> Registry {
        let make = move |node: &Node<'_>| Ok(Arc::new(make(node)?) as Arc<dyn Layer>);
        self.layers.insert(kind.to_owned(), Arc::new(make));
        self
    }

    /// With a kind of heads, and how one is made of what [`Head::describe`] said.
    pub fn head<H: Head + 'static>(
        mut self,
        kind: &str,
        make: impl Fn(&Node<'_>) -> Result<H, FileError> + Send + Sync + 'static,
    ) -> Registry {
        let make = move |node: &Node<'_>| Ok(Arc::new(make(node)?) as Arc<dyn Head>);
        self.heads.insert(kind.to_owned(), Arc::new(make));
        self
    }

    /// With a kind of priors, and how one is made of what [`Prior::describe`] said.
    pub fn prior<P: Prior + 'static>(
        mut self,
        kind: &str,
        make: impl Fn(&Node<'_>) -> Result<P, FileError> + Send + Sync + 'static,
    ) -> Registry {
        let make = move |node: &Node<'_>| Ok(Arc::new(make(node)?) as Arc<dyn Prior>);
        self.priors.insert(kind.to_owned(), Arc::new(make));
        self
    }

    pub(crate) fn read_layer(&self, node: &Node<'_>) -> Result<Arc<dyn Layer>, FileError> {
        let kind: String = node.get("kind")?;
        match layers::read(&kind, node, self)? {
            Some(layer) => Ok(layer),
            None => made(&self.layers, &kind, node, "layer"),
        }
    }

    pub(crate) fn read_head(&self, node: &Node<'_>) -> Result<Arc<dyn Head>, FileError> {
        let kind: String = node.get("kind")?;
        match layers::read_head(&kind, node, self)? {
            Some(head) => Ok(head),
            None => made(&self.heads, &kind, node, "head"),
        }
    }

    pub(crate) fn read_prior(&self, node: &Node<'_>) -> Result<Arc<dyn Prior>, FileError> {
        let kind: String = node.get("kind")?;
        if kind == informed::INFORMED {
            return Ok(Arc::new(InformedPrior::read(node, self)?));
        }
        match distributions::read(&kind, node)? {
            Some(prior) => Ok(prior),
            None => made(&self.priors, &kind, node, "prior"),
        }
    }
}

/// A part of one's own.
fn made<T: ?Sized>(
    known: &BTreeMap<String, Make<T>>,
    kind: &str,
    node: &Node<'_>,
    what: &str,
) -> Result<Arc<T>, FileError> {
    match known.get(kind) {
        Some(make) => make(node),
        None => Err(node.refuse(format!(
            "is a {what} of the kind `{}`, which is not known here: register it \
             (`Registry::{what}`, `Bnn::load_with`)",
            kind.chars().take(40).collect::<String>()
        ))),
    }
}

/// A value of any type by itself.
fn any<T: Any>(value: &T) -> &dyn Any {
    value
}
