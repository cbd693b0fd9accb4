//! Layers whose windows move over images and signals.

use std::sync::Arc;

use bayes_nn_models::saved::{Entry, FileError, Node, Object, Place, Value};

use super::super::moves::{Moves, Padding};
use super::super::{AvgPool, Conv, Layer, MaxPool};
use super::layers::of_kind;

/// Adds how a window moves to an object; without `padding` it is that of the same size.
fn put<'w, const N: usize>(object: Object<'w>, moves: &Moves<N>) -> Object<'w> {
    let Moves {
        size,
        stride,
        dilation,
        padding,
    } = moves;
    let padding = match padding {
        Padding::Pixels(pixels) => Some(pixels.to_vec()),
        Padding::Same => None,
    };
    object
        .put("window", &size.to_vec())
        .put("stride", &stride.to_vec())
        .put("dilation", &dilation.to_vec())
        .put("padding", &padding)
}

fn get<const N: usize>(node: &Node<'_>) -> Result<Moves<N>, FileError> {
    let axes = |name| lengths(&node.at(name)?);
    Ok(Moves {
        size: axes("window")?,
        stride: axes("stride")?,
        dilation: axes("dilation")?,
        padding: match node.find("padding")? {
            Some(pixels) => Padding::Pixels(lengths(&pixels)?),
            None => Padding::Same,
        },
    })
}

fn lengths<const N: usize>(node: &Node<'_>) -> Result<[usize; N], FileError> {
    let lengths = Vec::<usize>::read(node)?;
    let found = lengths.len();
    let refused = |_| node.refuse(format!("is of {found} axes, not of {N}"));
    lengths.try_into().map_err(refused)
}

/// The kind of a layer over `N` axes.
fn kind<const N: usize>(name: &str) -> String {
    format!("{name}{N}d")
}

impl<const N: usize> Conv<N> {
    pub(in crate::nn) fn described(&self, place: &Place<'_>) -> Value {
        let Conv {
            outputs,
            moves,
            groups,
            bias,
        } = self;
        put(of_kind(&kind::<N>("conv"), place), moves)
            .put("outputs", outputs)
            .put("groups", groups)
            .put("bias", bias)
            .value()
    }

    fn read(node: &Node<'_>) -> Result<Conv<N>, FileError> {
        Ok(Conv {
            outputs: node.get("outputs")?,
            moves: get(node)?,
            groups: node.get("groups")?,
            bias: node.get("bias")?,
        })
    }
}

impl<const N: usize> MaxPool<N> {
    pub(in crate::nn) fn described(&self, place: &Place<'_>) -> Value {
        put(of_kind(&kind::<N>("max_pool"), place), &self.0).value()
    }
}

impl<const N: usize> AvgPool<N> {
    pub(in crate::nn) fn described(&self, place: &Place<'_>) -> Value {
        put(of_kind(&kind::<N>("avg_pool"), place), &self.0).value()
    }
}

/// A layer of these kinds; `None` of another.
pub(super) fn read(kind: &str, node: &Node<'_>) -> Result<Option<Arc<dyn Layer>>, FileError> {
    Ok(Some(match kind {
        "conv1d" => Arc::new(Conv::<1>::read(node)?),
        "conv2d" => Arc::new(Conv::<2>::read(node)?),
        "max_pool1d" => Arc::new(MaxPool::<1>(get(node)?)),
        "max_pool2d" => Arc::new(MaxPool::<2>(get(node)?)),
        "avg_pool1d" => Arc::new(AvgPool::<1>(get(node)?)),
        "avg_pool2d" => Arc::new(AvgPool::<2>(get(node)?)),
        _ => return Ok(None),
    }))
}
