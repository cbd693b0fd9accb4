//! A network without the units that are 0.

use std::sync::Arc;

use bayes_nn_autodiff::Shape;
use bayes_nn_inference::{DrawSource, Site};
use bayes_nn_models::Error;
use bayes_nn_models::model::Posterior;

use super::{parts, site_of};
use crate::Bnn;
use crate::nn::{Input, Layer, LayerError, Link, ParameterInfo, Select};

/// What is left of a layer.
struct Left {
    /// The weight `[inputs, outputs]`, if the layer has one.
    weight: Option<ParameterInfo>,
    /// What goes before the names of its parameters.
    prefix: String,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
}

pub(super) fn compact(fit: &Posterior<Bnn>) -> Result<Posterior<Bnn>, Error> {
    let (bnn, source) = (fit.model(), fit.source());
    let chain = bnn.network().chain()?;
    let row = bnn.network().inputs().first().and_then(|input| input.row);
    let row = row
        .or_else(|| first_row(source))
        .ok_or(LayerError::NoChain)?;
    let mut left = whole(&chain, row)?;
    narrow(&mut left, &chain, |own| match &own.weight {
        Some(weight) => read_inputs(fit, own, weight),
        None => Ok(own.outputs.clone()),
    })?;
    let network = bnn
        .network()
        .with_chain(smaller(chain, &left, row.elements()));
    let (sites, elements) = sites_of(source.sites(), &left);
    fit.with_model(
        bnn.clone().with_network(network),
        parts(source, sites, &elements)?,
    )
}

/// The rows of data that a first layer of dense weights takes.
fn first_row(source: &DrawSource) -> Option<Shape> {
    let mut sites = source.sites().iter();
    let first = sites.find(|site| site.shape.rank() > 1)?;
    (first.shape.rank() == 2).then(|| [first.shape[0]].into())
}

/// All of each layer.
fn whole(chain: &[Link], mut row: Shape) -> Result<Vec<Left>, LayerError> {
    let mut left = Vec::with_capacity(chain.len());
    let mut numbered = 0;
    for link in chain {
        let parameters = link.layer.parameters(&[Input::values(row)])?;
        let prefix = match (&link.name, parameters.is_empty()) {
            (Some(name), _) => format!("{name}."),
            (None, true) => String::new(),
            (None, false) => {
                numbered += 1;
                format!("layer{}.", numbered - 1)
            }
        };
        let output = link.layer.output_shape(&[Input::values(row)])?;
        let is_dense =
            |p: &&ParameterInfo| p.name == "weight" && p.shape[..] == [row[0], output[0]];
        left.push(Left {
            weight: match (row.rank(), output.rank()) {
                (1, 1) => parameters.iter().find(is_dense).cloned(),
                _ => None,
            },
            prefix,
            inputs: (0..row.elements()).collect(),
            outputs: (0..output.elements()).collect(),
        });
        row = output;
    }
    Ok(left)
}

/// Goes from the last layer to the first, each of which keeps the outputs that the next one reads.
fn narrow(
    left: &mut [Left],
    chain: &[Link],
    read: impl Fn(&Left) -> Result<Vec<usize>, Error>,
) -> Result<(), Error> {
    let can_lose =
        |place: usize, outputs: usize| chain[place].layer.with_outputs(outputs).is_some();
    for place in (0..left.len()).rev() {
        if can_lose(place, left[place].outputs.len()) {
            left[place].inputs = read(&left[place])?;
        }
        if let Some(before) = place.checked_sub(1) {
            let inputs = left[place].inputs.clone();
            match can_lose(before, inputs.len()) {
                true => left[before].outputs = inputs,
                // It gives all that it has.
                false => left[place].inputs.clone_from(&left[before].outputs),
            }
        }
    }
    Ok(())
}

/// The inputs of a dense layer with a weight that is not 0 to an output that is left; one at least.
fn read_inputs(
    fit: &Posterior<Bnn>,
    own: &Left,
    weight: &ParameterInfo,
) -> Result<Vec<usize>, Error> {
    let name = format!("{}weight", own.prefix);
    let site = site_of(fit.sites(), &name).filter(|site| site.shape == weight.shape);
    let Some(site) = site else {
        return Ok(own.inputs.clone());
    };
    // Whatever the prior makes of its variables.
    let drawn = fit.draws(1, 0)?;
    let drawn = drawn.variable(&name)?.values();
    let zero = zeros(fit.source(), site);
    let columns = weight.shape[1];
    let is_read = |input: &usize| {
        let mut elements = own.outputs.iter().map(|output| input * columns + output);
        elements.any(|element| !zero[element] || drawn[element] != 0.0)
    };
    let mut read: Vec<usize> = own.inputs.iter().copied().filter(is_read).collect();
    if read.is_empty() {
        read.extend(own.inputs.first());
    }
    Ok(read)
}

/// Which elements of a site are 0 in all draws.
fn zeros(source: &DrawSource, site: &Site) -> Vec<bool> {
    match source {
        DrawSource::Guide(guide) => {
            let sd = guide.sd();
            let is_zero = |element| guide.mean()[element] == 0.0 && sd[element] == 0.0;
            site.range().map(is_zero).collect()
        }
        DrawSource::Table(table) => {
            let rows = (0..table.draws()).filter_map(|draw| table.row(draw));
            let mut zero = vec![true; site.shape.elements()];
            for row in rows {
                let own = zero.iter_mut().zip(&row[site.range()]);
                own.for_each(|(zero, value)| *zero &= *value == 0.0);
            }
            zero
        }
    }
}

/// The layers of what is left, after the choice of what the first of them reads.
fn smaller(chain: Vec<Link>, left: &[Left], features: usize) -> Vec<Link> {
    let first = left.first().map_or(&[][..], |own| &own.inputs);
    let select = (first.len() < features).then(|| Link {
        name: None,
        layer: Arc::new(Select::new(first)),
        prior: None,
    });
    let links = chain.into_iter().zip(left).map(|(link, own)| Link {
        layer: (link.layer)
            .with_outputs(own.outputs.len())
            .unwrap_or(link.layer),
        ..link
    });
    select.into_iter().chain(links).collect()
}

/// The sites of what is left, and which element of the whole each of theirs is.
fn sites_of(sites: &[Site], left: &[Left]) -> (Vec<Site>, Vec<Option<usize>>) {
    let mut kept = Vec::new();
    let mut elements = Vec::new();
    for site in sites {
        let of = left.iter().find_map(|own| {
            let name = site.name.strip_prefix(&own.prefix)?;
            let weight = own.weight.as_ref()?;
            let of_weight = name == "weight" || name.starts_with("weight.");
            let of_bias = name == "bias" || name.starts_with("bias.");
            (of_weight || of_bias).then_some((own, weight, of_weight))
        });
        let offset = elements.len();
        let all = |length: usize| (0..length).collect::<Vec<usize>>();
        // An axis of inputs or of outputs loses those that are gone; one of length 1 stands for all.
        let axis = |length: usize, whole: usize, own: &[usize]| match length == whole {
            true => own.to_vec(),
            false => all(length),
        };
        let shape = match (of, &site.shape[..]) {
            (Some((own, weight, true)), [inputs, outputs]) => {
                let rows = axis(*inputs, weight.shape[0], &own.inputs);
                let columns = axis(*outputs, weight.shape[1], &own.outputs);
                for row in &rows {
                    let first = site.offset + row * outputs;
                    elements.extend(columns.iter().map(|column| Some(first + column)));
                }
                [rows.len(), columns.len()].into()
            }
            (Some((own, weight, false)), [outputs]) => {
                let columns = axis(*outputs, weight.shape[1], &own.outputs);
                elements.extend(columns.iter().map(|column| Some(site.offset + column)));
                [columns.len()].into()
            }
            _ => {
                elements.extend(site.range().map(Some));
                site.shape
            }
        };
        kept.push(Site {
            shape,
            offset,
            ..site.clone()
        });
    }
    (kept, elements)
}
