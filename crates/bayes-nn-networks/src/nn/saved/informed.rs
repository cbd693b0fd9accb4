//! Posteriors of earlier fits as priors.

use bayes_nn_inference::SiteSupport;
use bayes_nn_inference::saved::Lengths;
use bayes_nn_models::saved::{Entry, FileError, Node, Place, Value, choice};

use super::super::informed::{InformedPrior, Variable, Widening};
use super::Registry;
use super::layers::of_kind;
use super::network::{read_prior, write_prior};

pub(super) const INFORMED: &str = "informed";

choice!(Widening { "by": By { "factor": 0 as factor }, "learned": Learned {} });

impl InformedPrior {
    pub(in crate::nn) fn described(&self, place: &Place<'_>) -> Result<Value, FileError> {
        let InformedPrior {
            variables,
            rank,
            source,
            widening,
            otherwise,
        } = self;
        let object = of_kind(INFORMED, place);
        let otherwise = write_prior(otherwise.as_ref(), &object.at("otherwise"))?;
        let place = object.at("variables");
        let variables = variables.iter().enumerate().map(|(number, variable)| {
            write_variable(variable, *rank, &place.at(&number.to_string()))
        });
        let variables = Value::Array(variables.collect());
        let object = object.put("rank", rank).put("source", source);
        let object = object.put("widening", widening);
        let object = object.put_value("variables", variables);
        Ok(object.put_value("otherwise", otherwise).value())
    }

    pub(super) fn read(node: &Node<'_>, registry: &Registry) -> Result<InformedPrior, FileError> {
        let rank: usize = node.get("rank")?;
        let widening = node.get("widening")?;
        if let Widening::By(factor) = widening
            && !(factor > 0.0 && factor.is_finite())
        {
            return Err(node.at("widening")?.refuse("is not above 0"));
        }
        let variables = node.at("variables")?.items()?;
        let variables = variables.iter().map(|node| read_variable(node, rank));
        Ok(InformedPrior {
            variables: variables.collect::<Result<_, _>>()?,
            rank,
            source: node.get("source")?,
            widening,
            otherwise: read_prior(node, "otherwise", registry)?,
        })
    }
}

fn write_variable(variable: &Variable, rank: usize, place: &Place<'_>) -> Value {
    let Variable {
        name,
        shape,
        support,
        is_named,
        mean,
        own,
        factor,
        is_point,
    } = variable;
    let elements = shape.elements();
    let object = place.object().put("name", name);
    let object = object.put("shape", &Lengths(*shape));
    let object = object.put("support", support).put("is_named", is_named);
    let object = object.put("is_point", is_point);
    let object = object.tensor("mean", mean, &[elements]);
    let object = object.tensor("own", own, &[elements]);
    match rank {
        0 => object.value(),
        _ => object.tensor("factor", factor, &[elements, rank]).value(),
    }
}

fn read_variable(node: &Node<'_>, rank: usize) -> Result<Variable, FileError> {
    let Lengths(shape) = node.get("shape")?;
    let elements = shape.elements();
    let mean = node.tensor("mean", &[elements])?;
    let own = node.tensor("own", &[elements])?;
    let factor = match rank {
        0 => Vec::new(),
        _ => node.tensor("factor", &[elements, rank])?,
    };
    let is_finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
    if !(is_finite(&mean) && is_finite(&factor)) {
        return Err(node.refuse("has a mean or a direction that is not finite"));
    }
    if !own.iter().all(|own| *own > 0.0 && own.is_finite()) {
        return Err(node.refuse("has a standard deviation that is not above 0"));
    }
    Ok(Variable {
        name: node.get("name")?,
        shape,
        support: SiteSupport::read(&node.at("support")?)?,
        is_named: node.get("is_named")?,
        mean: mean.into(),
        own: own.into(),
        factor: factor.into(),
        is_point: node.get("is_point")?,
    })
}
