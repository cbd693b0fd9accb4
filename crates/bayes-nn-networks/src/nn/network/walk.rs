//! A network as a layer: its layers in their order.

use bayes_nn_autodiff::Var;
use bayes_nn_models::saved::{self, FileError};

use super::{Network, NetworkInput, Value};
use crate::nn::frame::Place;
use crate::nn::layer::Output;
use crate::nn::{Input, Layer, LayerError, Parameters, listed};

impl NetworkInput {
    fn check<'g>(&self, x: Var<'g>, p: &Parameters<'_, 'g>) -> Result<(), LayerError> {
        let found = Input::of(x);
        let kind = self.kind;
        let row = self.row.unwrap_or(found.row);
        match found == (Input { row, kind }) {
            true => Ok(()),
            false => Err(LayerError::Input {
                layer: format!("the input `{}` of {}", self.name, p.shown()),
                found,
                expected: match self.row {
                    Some(row) => Input { row, kind }.to_string(),
                    None => "numbers".to_owned(),
                },
            }),
        }
    }
}

impl Layer for Network {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        if inputs.len() != self.inputs.len() {
            let names: Vec<&str> = self.inputs.iter().map(|i| i.name.as_str()).collect();
            return Err(LayerError::Inputs {
                layer: p.shown(),
                found: inputs.len(),
                expected: listed(&names),
            });
        }
        for (input, x) in self.inputs.iter().zip(inputs) {
            input.check(*x, p)?;
        }
        let groups = self.groups().map(|(said, input)| (said, inputs[input]));
        let inside = p.with_said(&self.said, groups);
        let mut values: Vec<Var<'g>> = Vec::with_capacity(self.nodes.len());
        let mut counted = None;
        for (number, node) in self.nodes.iter().enumerate() {
            let read = |value: &Value| match *value {
                Value::Input(input) => inputs[input],
                Value::Node(node) => values[node],
            };
            let arguments: Vec<Var<'g>> = node.inputs.iter().map(read).collect();
            let place = match &node.name {
                Some(name) => Place::Named {
                    name,
                    parameters: node.shared.as_ref().unwrap_or(name),
                },
                None => Place::Numbered(number),
            };
            let value = inside.enter(place, &*node.layer, node.prior.as_deref(), &arguments)?;
            values.push(value);
            match &node.name {
                Some(name) => inside.gives(name, value),
                // Layers that count have names where they have parameters; what follows without, such as
                // an activation, goes on with the last of them. A change of shape alone does not.
                None => {
                    let last = inside.last_numbered();
                    let is_new = last != counted;
                    let is_reshaped = arguments.iter().any(|x| {
                        let [from, to] = [x.shape(), value.shape()];
                        from != to && from.elements() == to.elements()
                    });
                    if let Some(name) = last.as_ref().filter(|_| is_new || !is_reshaped) {
                        inside.gives(name, value);
                    }
                    counted = last;
                }
            }
        }
        inside.check_said(&self.said)?;
        if let Some((said, _)) = groups {
            inside.check_groups(said)?;
        }
        let output = self.output.or(self.nodes.len().checked_sub(1));
        output.map(|node| values[node]).ok_or(LayerError::NoLayers)
    }

    fn describe(&self, place: &saved::Place<'_>) -> Result<saved::Value, FileError> {
        self.described(place)
    }
}
