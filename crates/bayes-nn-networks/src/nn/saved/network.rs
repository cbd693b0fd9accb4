//! Networks: inputs, layers with what they read, and what is said of parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bayes_nn_autodiff::{Kind, Shape};
use bayes_nn_inference::saved::Lengths;
use bayes_nn_models::saved::{Entry, FileError, Node, Place, Value, choice};

use super::super::hierarchical::{GroupScale, Groups, Pooling};
use super::super::network::{self, NetworkInput};
use super::super::prior::Said;
use super::super::{Network, Prior};
use super::Registry;
use super::layers::of_kind;

/// What a layer reads.
enum Source {
    Input(usize),
    Layer(usize),
}

choice!(Source { "input": Input { "number": 0 as number }, "layer": Layer { "number": 0 as number } });

impl Network {
    pub(in crate::nn) fn described(&self, place: &Place<'_>) -> Result<Value, FileError> {
        let Network {
            inputs,
            nodes,
            output,
            said,
            error: _,
        } = self;
        let object = of_kind("network", place);
        let place = object.at("layers");
        let nodes = nodes.iter().enumerate();
        let layers = nodes.map(|(number, node)| write_node(node, &place.at(&number.to_string())));
        let layers = Value::Array(layers.collect::<Result<_, _>>()?);
        let said = write_said(said, &object.at("parameters"))?;
        let object = object.put("inputs", inputs).put("output", output);
        Ok(object
            .put_value("layers", layers)
            .put_value("parameters", said)
            .value())
    }

    pub(crate) fn read(node: &Node<'_>, registry: &Registry) -> Result<Network, FileError> {
        let mut network = Network::new();
        for input in node.get::<Vec<NetworkInput>>("inputs")? {
            network.take_name(&input.name);
            network.inputs.push(input);
        }
        for node in node.at("layers")?.items()? {
            let layer = read_node(&node, registry, &network)?;
            if let Some(name) = &layer.name {
                network.take_name(name);
            }
            network.nodes.push(layer);
        }
        network.output = node.get("output")?;
        network.said = read_said(&node.at("parameters")?, registry)?;
        if network.said.groups.is_some() && network.groups().is_none() {
            let groups = node.at("parameters")?.at("groups")?;
            return Err(groups.at("name")?.refuse("is no input of indices"));
        }
        if let Some(error) = &network.error {
            return Err(node.refused(error));
        }
        match network
            .output
            .is_none_or(|output| output < network.nodes.len())
        {
            true => Ok(network),
            false => Err(node.at("output")?.refuse("is none of the layers")),
        }
    }
}

impl Entry for NetworkInput {
    fn write(&self, place: &Place<'_>) -> Value {
        let NetworkInput { name, kind, row } = self;
        let object = place.object().put("name", name);
        let object = object.put("is_index", &(*kind == Kind::Index));
        object.put("row", &row.map(Lengths)).value()
    }

    fn read(node: &Node<'_>) -> Result<NetworkInput, FileError> {
        let row: Option<Shape> = node.get::<Option<Lengths>>("row")?.map(|lengths| lengths.0);
        Ok(NetworkInput {
            name: node.get("name")?,
            kind: match node.get("is_index")? {
                true => Kind::Index,
                false => Kind::Float,
            },
            row,
        })
    }
}

fn write_node(node: &network::Node, place: &Place<'_>) -> Result<Value, FileError> {
    let network::Node {
        name,
        layer,
        prior,
        shared,
        inputs,
    } = node;
    let object = place.object();
    let layer = layer.describe(&object.at("layer"))?;
    let prior = write_prior(prior.as_ref(), &object.at("prior"))?;
    let inputs = inputs.iter().map(|input| match input {
        network::Value::Input(number) => Source::Input(*number),
        network::Value::Node(number) => Source::Layer(*number),
    });
    let inputs: Vec<Source> = inputs.collect();
    Ok((object.put("name", name).put("shared", shared))
        .put("inputs", &inputs)
        .put_value("layer", layer)
        .put_value("prior", prior)
        .value())
}

/// A layer after those that the network has already, which are all that it can read.
fn read_node(
    node: &Node<'_>,
    registry: &Registry,
    network: &Network,
) -> Result<network::Node, FileError> {
    let inputs = node.at("inputs")?;
    let read = Vec::<Source>::read(&inputs)?
        .into_iter()
        .map(|source| match source {
            Source::Input(number) if number < network.inputs.len() => {
                Ok(network::Value::Input(number))
            }
            Source::Layer(number) if number < network.nodes.len() => {
                Ok(network::Value::Node(number))
            }
            _ => Err(inputs.refuse("has what is no input and no layer before this one")),
        });
    Ok(network::Node {
        inputs: read.collect::<Result<_, _>>()?,
        name: node.get("name")?,
        layer: registry.read_layer(&node.at("layer")?)?,
        prior: read_prior(node, "prior", registry)?,
        shared: node.get("shared")?,
    })
}

pub(super) fn write_prior(
    prior: Option<&Arc<dyn Prior>>,
    place: &Place<'_>,
) -> Result<Value, FileError> {
    prior.map_or(Ok(Value::Null), |prior| prior.describe(place))
}

pub(super) fn read_prior(
    node: &Node<'_>,
    name: &str,
    registry: &Registry,
) -> Result<Option<Arc<dyn Prior>>, FileError> {
    let prior = node.find(name)?;
    prior.map(|prior| registry.read_prior(&prior)).transpose()
}

fn write_said(said: &Said, place: &Place<'_>) -> Result<Value, FileError> {
    let Said {
        named,
        default,
        points,
        point,
        groups,
    } = said;
    let object = place.object();
    let of_all = write_prior(default.as_ref(), &object.at("prior"))?;
    let place = object.at("priors");
    let priors = named.iter().enumerate().map(|(number, (name, prior))| {
        let object = place
            .at(&number.to_string())
            .object()
            .put("parameter", name);
        let prior = prior.describe(&object.at("prior"))?;
        Ok(object.put_value("prior", prior).value())
    });
    let priors = Value::Array(priors.collect::<Result<_, FileError>>()?);
    let points: Vec<String> = points.iter().cloned().collect();
    let object = (object.put("points", &points).put("point", point))
        .put_value("prior", of_all)
        .put_value("priors", priors);
    Ok(match groups {
        Some(groups) => {
            let groups = write_groups(groups, &object.at("groups"))?;
            object.put_value("groups", groups).value()
        }
        None => object.value(),
    })
}

fn write_groups(groups: &Groups, place: &Place<'_>) -> Result<Value, FileError> {
    let Groups {
        name,
        pooling,
        centred,
        scale,
        scale_prior,
        only,
    } = groups;
    let object = place.object().put("name", name).put("pooling", pooling);
    let prior = scale_prior.describe(&object.at("scale_prior"))?;
    let object = object.put("centred", centred).put("scale", scale);
    let object = object.put_value("scale_prior", prior);
    Ok(object.put("only", only).value())
}

fn read_groups(node: &Node<'_>, registry: &Registry) -> Result<Groups, FileError> {
    Ok(Groups {
        name: node.get("name")?,
        pooling: node.get("pooling")?,
        centred: node.get("centred")?,
        scale: node.get("scale")?,
        scale_prior: registry.read_prior(&node.at("scale_prior")?)?,
        only: node.get("only")?,
    })
}

choice!(Pooling { "complete": Complete {}, "partial": Partial {}, "none": None {} });
choice!(GroupScale { "parameter": Parameter {}, "unit": Unit {}, "weight": Weight {} });

fn read_said(node: &Node<'_>, registry: &Registry) -> Result<Said, FileError> {
    let mut named = BTreeMap::new();
    for node in node.at("priors")?.items()? {
        let prior = registry.read_prior(&node.at("prior")?)?;
        named.insert(node.get("parameter")?, prior);
    }
    let points: Vec<String> = node.get("points")?;
    let groups = node.find("groups")?;
    let groups = groups.map(|groups| read_groups(&groups, registry));
    Ok(Said {
        named,
        default: read_prior(node, "prior", registry)?,
        points: BTreeSet::from_iter(points),
        point: node.get("point")?,
        groups: groups.transpose()?,
    })
}
