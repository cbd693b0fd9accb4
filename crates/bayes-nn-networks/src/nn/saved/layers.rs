//! The layers and heads of this library.

use std::sync::Arc;

use bayes_nn_models::saved::{FileError, Node, Object, Place, Value};

use super::super::{
    Activation, Augment, Bernoulli, Categorical, Concat, Dense, DenseByGroup, Dropout, Embedding,
    Flatten, Gaussian, GaussianMixture, Gru, Head, HeteroscedasticGaussian, Layer, LayerNorm, Lstm,
    Network, Point, Poisson, Rescale, Residual, Select, Sum,
};
use super::{Registry, windows};

/// The object of a kind.
pub(super) fn of_kind<'w>(kind: &str, place: &Place<'w>) -> Object<'w> {
    place.object().put("kind", &kind.to_owned())
}

/// Parts that are described by values alone, with the names that the file has for them.
macro_rules! plain {
    ($part:ident: $read:ident {
        $($type:ident: $kind:literal { $($name:literal: $field:ident),* })*
    }) => {
        $(impl $type {
            pub(in crate::nn) fn described(&self, place: &Place<'_>) -> Value {
                let $type { $($field),* } = self;
                of_kind($kind, place)$(.put($name, $field))*.value()
            }
        })*

        fn $read(kind: &str, node: &Node<'_>) -> Result<Option<Arc<dyn $part>>, FileError> {
            Ok(Some(match kind {
                $($kind => Arc::new($type { $($field: node.get($name)?),* }),)*
                _ => return Ok(None),
            }))
        }
    };
}

plain!(Layer: plain_layer {
    Dense: "dense" { "outputs": outputs, "inputs": inputs, "bias": bias }
    DenseByGroup: "dense_by_group" { "groups": groups, "outputs": outputs, "bias": bias }
    Augment: "augment" { "flip": flip, "shift": shift, "degrees": degrees, "noise": noise }
    Dropout: "dropout" { "rate": rate }
    Embedding: "embedding" { "levels": levels, "width": width }
    Flatten: "flatten" {}
    LayerNorm: "layer_norm" { "epsilon": epsilon }
    Select: "select" { "features": features }
    Sum: "sum" {}
    Concat: "concat" {}
    Gru: "gru" { "units": units, "all_states": all_states }
    Lstm: "lstm" { "units": units, "all_states": all_states }
    Rescale: "rescale" { "factor": factor, "shift": shift }
});

plain!(Head: plain_head {
    Bernoulli: "bernoulli" {}
    Categorical: "categorical" {}
    Poisson: "poisson" {}
    HeteroscedasticGaussian: "heteroscedastic_gaussian" { "least_noise": least }
    GaussianMixture: "gaussian_mixture" { "components": components, "least_noise": least }
});

/// The functions between layers, each a kind of its own.
const ACTIVATIONS: [(&str, Activation); 10] = [
    ("tanh", Activation::Tanh),
    ("relu", Activation::Relu),
    ("leaky_relu", Activation::LeakyRelu),
    ("elu", Activation::Elu),
    ("sigmoid", Activation::Sigmoid),
    ("softplus", Activation::Softplus),
    ("silu", Activation::Silu),
    ("gelu", Activation::Gelu),
    ("sin", Activation::Sin),
    ("identity", Activation::Identity),
];

impl Activation {
    pub(in crate::nn) fn described(&self, place: &Place<'_>) -> Value {
        let kind = match self {
            Activation::Tanh => "tanh",
            Activation::Relu => "relu",
            Activation::LeakyRelu => "leaky_relu",
            Activation::Elu => "elu",
            Activation::Sigmoid => "sigmoid",
            Activation::Softplus => "softplus",
            Activation::Silu => "silu",
            Activation::Gelu => "gelu",
            Activation::Sin => "sin",
            Activation::Identity => "identity",
        };
        of_kind(kind, place).value()
    }
}

impl Residual {
    pub(in crate::nn) fn described(&self, place: &Place<'_>) -> Result<Value, FileError> {
        let object = of_kind("residual", place);
        let layer = self.layer.describe(&object.at("layer"))?;
        Ok(object.put_value("layer", layer).value())
    }
}

impl<L: Layer> Point<L> {
    pub(in crate::nn) fn described(&self, place: &Place<'_>) -> Result<Value, FileError> {
        let object = of_kind("point", place);
        let layer = self.layer.describe(&object.at("layer"))?;
        Ok(object.put_value("layer", layer).value())
    }
}

impl Gaussian {
    pub(in crate::nn) fn described(&self, place: &Place<'_>) -> Result<Value, FileError> {
        let object = of_kind("gaussian", place);
        let noise = self.noise.describe(&object.at("noise"))?;
        Ok(object.put_value("noise", noise).value())
    }
}

/// A layer of this library; `None` of another kind.
pub(super) fn read(
    kind: &str,
    node: &Node<'_>,
    registry: &Registry,
) -> Result<Option<Arc<dyn Layer>>, FileError> {
    if let Some((_, activation)) = ACTIVATIONS.iter().find(|(name, _)| *name == kind) {
        return Ok(Some(Arc::new(*activation)));
    }
    let inner = || registry.read_layer(&node.at("layer")?);
    Ok(Some(match kind {
        "residual" => Arc::new(Residual { layer: inner()? }),
        "point" => Arc::new(Point { layer: inner()? }),
        "network" => Arc::new(Network::read(node, registry)?),
        _ => match plain_layer(kind, node)? {
            Some(layer) => layer,
            None => return windows::read(kind, node),
        },
    }))
}

/// A head of this library; `None` of another kind.
pub(super) fn read_head(
    kind: &str,
    node: &Node<'_>,
    registry: &Registry,
) -> Result<Option<Arc<dyn Head>>, FileError> {
    match kind {
        "gaussian" => {
            let noise = registry.read_prior(&node.at("noise")?)?;
            Ok(Some(Arc::new(Gaussian { noise })))
        }
        _ => plain_head(kind, node),
    }
}
