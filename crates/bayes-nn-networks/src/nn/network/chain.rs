//! Networks whose layers read each other one after the other.

use std::sync::Arc;

use super::{Network, Node, Value};
use crate::nn::{Layer, LayerError, Prior};

/// A layer of a chain.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) name: Option<String>,
    pub(crate) layer: Arc<dyn Layer>,
    pub(crate) prior: Option<Arc<dyn Prior>>,
}

impl Network {
    /// The layers of a network with one input that the first of them reads, as each reads the one before
    /// it.
    ///
    /// # Errors
    /// [`LayerError::NoChain`] of others; what is wrong with the network.
    pub(crate) fn chain(&self) -> Result<Vec<Link>, LayerError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let follows = |(number, node): (usize, &Node)| {
            let before = match node.inputs[..] {
                [Value::Input(0)] => number == 0,
                [Value::Node(before)] => before + 1 == number,
                _ => false,
            };
            before && node.shared.is_none()
        };
        let ends = self
            .output
            .is_none_or(|output| output + 1 == self.nodes.len());
        let is_chain = self.nodes.iter().enumerate().all(follows);
        if self.said.groups.is_some() || self.inputs.len() != 1 || !ends || !is_chain {
            return Err(LayerError::NoChain);
        }
        let link = |node: &Node| Link {
            name: node.name.clone(),
            layer: node.layer.clone(),
            prior: node.prior.clone(),
        };
        Ok(self.nodes.iter().map(link).collect())
    }

    /// This network with other layers, each of which reads the one before it.
    pub(crate) fn with_chain(&self, chain: Vec<Link>) -> Network {
        let mut network = Network {
            nodes: Vec::new(),
            output: None,
            ..self.clone()
        };
        for Link { name, layer, prior } in chain {
            network.append(layer, prior);
            if let Some(last) = network.nodes.last_mut() {
                last.name = name;
            }
        }
        network
    }
}
