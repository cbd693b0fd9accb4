//! Networks: layers by name, each with the values it reads.

mod chain;
mod walk;

use std::fmt;
use std::sync::Arc;

use bayes_nn_autodiff::{Kind, Shape};

use super::hierarchical::Groups;
use super::prior::Said;
use super::{Input, Layer, LayerError, Prior};

pub(crate) use chain::Link;

/// Layers by name, each with the inputs and layers that it reads: any network without loops.
///
/// It is a list, built from first to last, and a layer itself. A layer's parameters are named
/// after it, as `hidden.weight`. What is wrong while it is built is kept, and returned where it is
/// used.
///
/// ```
/// use bayes_nn::nn::{Activation, Concat, Dense, Layer, Network, layer};
/// // Two inputs: numbers, and which of 85 stores each row is of.
/// let embed = layer::from_fn("embedding", |p, inputs| {
///     let [store] = p.inputs(inputs)?;
///     Ok(p.get("table", [4, 85], 1)?.gather(store, 1))
/// });
/// let network = Network::new()
///     .input("x", [3])
///     .index_input("store")
///     .add("embedding", embed, ["store"])
///     .add("both", Concat, ["x", "embedding"])
///     .add("hidden", Dense::new(20), ["both"])
///     .add("tanh", Activation::Tanh, ["hidden"])
///     .add("out", Dense::new(1), ["tanh"]);
/// let inputs = network.input_shapes().expect("both are known");
/// assert_eq!(network.output_shape(&inputs)?.to_string(), "[1]");
/// assert_eq!(network.parameters(&inputs)?[1].shape.to_string(), "[7, 20]");
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Network {
    pub(super) inputs: Vec<NetworkInput>,
    pub(super) nodes: Vec<Node>,
    pub(super) output: Option<usize>,
    pub(super) said: Said,
    pub(super) error: Option<LayerError>,
}

/// What a network reads.
#[derive(Clone, Debug)]
pub(crate) struct NetworkInput {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The shape of a row; `None` for any.
    pub(crate) row: Option<Shape>,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    /// `None` for a layer of a sequence, which counts.
    pub(super) name: Option<String>,
    pub(super) layer: Arc<dyn Layer>,
    pub(super) prior: Option<Arc<dyn Prior>>,
    /// The layer by whose name its parameters are known, if not by its own.
    pub(super) shared: Option<String>,
    pub(super) inputs: Vec<Value>,
}

/// A value inside a network.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Input(usize),
    Node(usize),
}

impl Network {
    /// Neither inputs nor layers yet.
    pub fn new() -> Network {
        Network::default()
    }

    /// An input of numbers, whose rows have this shape.
    ///
    /// ```
    /// use bayes_nn::nn::{Input, Network};
    /// let network = Network::new().input("x", [1, 28, 28]);
    /// assert_eq!(network.input_shapes(), Some(vec![Input::values([1, 28, 28])]));
    /// ```
    pub fn input(self, name: &str, row: impl Into<Shape>) -> Network {
        self.with_input(name, Kind::Float, Some(row.into()))
    }

    /// An input of numbers whose rows have the shape that the data give them.
    ///
    /// ```
    /// use bayes_nn::nn::{Dense, Input, Layer, Network};
    /// let network = Network::new().open_input("x").add("out", Dense::new(1), ["x"]);
    /// let parameters = network.parameters(&[Input::values([8])])?;
    /// assert_eq!(parameters[0].shape.to_string(), "[8, 1]");
    /// # Ok::<(), bayes_nn::nn::LayerError>(())
    /// ```
    pub fn open_input(self, name: &str) -> Network {
        self.with_input(name, Kind::Float, None)
    }

    /// An input of indices, one a row.
    ///
    /// ```
    /// use bayes_nn::nn::{Input, Network};
    /// let network = Network::new().index_input("store");
    /// assert_eq!(network.input_shapes(), Some(vec![Input::index()]));
    /// ```
    pub fn index_input(self, name: &str) -> Network {
        self.with_input(name, Kind::Index, Some(Shape::SCALAR))
    }

    fn with_input(mut self, name: &str, kind: Kind, row: Option<Shape>) -> Network {
        self.take_name(name);
        let name = name.to_owned();
        self.inputs.push(NetworkInput { name, kind, row });
        self
    }

    /// Adds a layer that reads these inputs and layers, all of them there already.
    ///
    /// ```
    /// use bayes_nn::nn::{Activation, Dense, Network, Sum};
    /// let network = Network::new()
    ///     .input("x", [4])
    ///     .add("inner", Dense::new(4), ["x"])
    ///     .add("bent", Activation::Tanh, ["inner"])
    ///     .add("sum", Sum, ["x", "bent"]);
    /// # let _ = network;
    /// ```
    pub fn add(
        self,
        name: &str,
        layer: impl Layer + 'static,
        inputs: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Network {
        self.add_node(name, Arc::new(layer), None, None, inputs)
    }

    /// Adds a layer whose parameters have a prior of their own.
    ///
    /// ```
    /// use bayes_nn::distributions::Laplace;
    /// use bayes_nn::nn::{Dense, Network};
    /// let network = Network::new()
    ///     .open_input("x")
    ///     .add_with_prior("out", Dense::new(1), Laplace::new(0.0, 0.2), ["x"]);
    /// # let _ = network;
    /// ```
    pub fn add_with_prior(
        self,
        name: &str,
        layer: impl Layer + 'static,
        prior: impl Prior + 'static,
        inputs: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Network {
        self.add_node(name, Arc::new(layer), Some(Arc::new(prior)), None, inputs)
    }

    /// Adds the layer `of` once more, on other inputs and with the same parameters.
    ///
    /// ```
    /// use bayes_nn::nn::{Concat, Dense, Layer, Network};
    /// let network = Network::new()
    ///     .input("left", [3])
    ///     .input("right", [3])
    ///     .add("one", Dense::new(2), ["left"])
    ///     .add_shared("other", "one", ["right"])
    ///     .add("both", Concat, ["one", "other"]);
    /// let inputs = network.input_shapes().expect("both are known");
    /// assert_eq!(network.parameters(&inputs)?.len(), 2);
    /// assert_eq!(network.output_shape(&inputs)?.to_string(), "[4]");
    /// # Ok::<(), bayes_nn::nn::LayerError>(())
    /// ```
    pub fn add_shared(
        mut self,
        name: &str,
        of: &str,
        inputs: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Network {
        let known = self.nodes.iter().find(|n| n.name.as_deref() == Some(of));
        match known.cloned() {
            Some(Node {
                layer,
                prior,
                shared,
                ..
            }) => {
                let shared = shared.unwrap_or_else(|| of.to_owned());
                self.add_node(name, layer, prior, Some(shared), inputs)
            }
            None => {
                let names = self.nodes.iter().filter_map(|node| node.name.as_deref());
                let available = super::listed(&names.collect::<Vec<_>>());
                self.refuse(LayerError::UnknownName {
                    name: of.to_owned(),
                    reader: format!("`{name}`"),
                    available,
                });
                self
            }
        }
    }

    fn add_node(
        mut self,
        name: &str,
        layer: Arc<dyn Layer>,
        prior: Option<Arc<dyn Prior>>,
        shared: Option<String>,
        inputs: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Network {
        let inputs = inputs.into_iter();
        let inputs = inputs.map(|input| self.value(input.as_ref(), format!("`{name}`")));
        let inputs: Result<Vec<Value>, LayerError> = inputs.collect();
        self.take_name(name);
        match inputs {
            Ok(inputs) => self.nodes.push(Node {
                name: Some(name.to_owned()),
                layer,
                prior,
                shared,
                inputs,
            }),
            Err(error) => self.refuse(error),
        }
        self
    }

    /// Adds a layer without a name after those there are; the first reads the first input.
    pub(super) fn append(&mut self, layer: Arc<dyn Layer>, prior: Option<Arc<dyn Prior>>) {
        let last = self.nodes.len().checked_sub(1);
        self.nodes.push(Node {
            name: None,
            layer,
            prior,
            shared: None,
            inputs: vec![last.map_or(Value::Input(0), Value::Node)],
        });
    }

    /// The layer whose output is the network's; the last one unless set.
    ///
    /// ```
    /// use bayes_nn::nn::{Dense, Input, Layer, Network};
    /// let network = Network::new()
    ///     .input("x", [2])
    ///     .add("three", Dense::new(3), ["x"])
    ///     .add("four", Dense::new(4), ["three"])
    ///     .output("three");
    /// assert_eq!(network.output_shape(&[Input::values([2])])?.to_string(), "[3]");
    /// # Ok::<(), bayes_nn::nn::LayerError>(())
    /// ```
    pub fn output(mut self, name: &str) -> Network {
        match self.value(name, "the output".to_owned()) {
            Ok(Value::Node(node)) => self.output = Some(node),
            Ok(Value::Input(_)) => self.refuse(LayerError::NoLayers),
            Err(error) => self.refuse(error),
        }
        self
    }

    /// The prior of every parameter that has none of its own; [`learned_scale`](crate::nn::prior::learned_scale) unless set.
    ///
    /// ```
    /// use bayes_nn::distributions::Normal;
    /// use bayes_nn::nn::{Dense, Network};
    /// let network = Network::new()
    ///     .open_input("x")
    ///     .add("out", Dense::new(1), ["x"])
    ///     .prior(Normal::new(0.0, 0.5));
    /// # let _ = network;
    /// ```
    pub fn prior(mut self, prior: impl Prior + 'static) -> Network {
        self.said.default = Some(Arc::new(prior));
        self
    }

    /// The prior of one parameter, by its whole name inside this network. A name that the network
    /// does not have is an error when it is used.
    ///
    /// ```
    /// use bayes_nn::distributions::Laplace;
    /// use bayes_nn::nn::{Dense, Network};
    /// let network = Network::new()
    ///     .open_input("x")
    ///     .add("out", Dense::new(1), ["x"])
    ///     .prior_for("out.weight", Laplace::new(0.0, 0.2));
    /// # let _ = network;
    /// ```
    pub fn prior_for(mut self, parameter: &str, prior: impl Prior + 'static) -> Network {
        let prior: Arc<dyn Prior> = Arc::new(prior);
        self.said.named.insert(parameter.to_owned(), prior);
        self
    }

    /// All parameters are estimated as points: [`Layer::point`].
    pub fn point(mut self) -> Network {
        self.said.point = true;
        self
    }

    /// One parameter is estimated as a point, by its whole name inside this network, as
    /// [`Layer::point`] says of a layer. A name that the network does not have is an error when it
    /// is used.
    ///
    /// ```
    /// use bayes_nn::nn::{Dense, Input, Layer, Network};
    /// let network = Network::new()
    ///     .input("x", [3])
    ///     .add("out", Dense::new(1), ["x"])
    ///     .point_for("out.bias");
    /// let parameters = network.parameters(&[Input::values([3])])?;
    /// assert_eq!((parameters[0].point, parameters[1].point), (false, true));
    /// # Ok::<(), bayes_nn::nn::LayerError>(())
    /// ```
    pub fn point_for(mut self, parameter: &str) -> Network {
        self.said.points.insert(parameter.to_owned());
        self
    }

    /// What it takes, in the order of its inputs; `None` where one is
    /// [open](Network::open_input).
    pub fn input_shapes(&self) -> Option<Vec<Input>> {
        let known = |input: &NetworkInput| {
            let kind = input.kind;
            input.row.map(|row| Input { row, kind })
        };
        self.inputs.iter().map(known).collect()
    }

    /// The groups by which parameters differ, and the number of the input that has those of rows.
    pub(super) fn groups(&self) -> Option<(&Groups, usize)> {
        let groups = self.said.groups.as_ref()?;
        let is_index =
            |input: &NetworkInput| input.name == groups.name && input.kind == Kind::Index;
        Some((groups, self.inputs.iter().position(is_index)?))
    }

    pub(crate) fn inputs(&self) -> &[NetworkInput] {
        &self.inputs
    }

    /// Gives the first input this shape.
    pub(super) fn set_first_input(&mut self, row: Shape) {
        if let Some(input) = self.inputs.first_mut() {
            input.row = Some(row);
        }
    }

    pub(super) fn with_said(mut self, said: Said) -> Network {
        self.said = said;
        self
    }

    /// Keeps the first error.
    pub(super) fn refuse(&mut self, error: LayerError) {
        self.error.get_or_insert(error);
    }

    pub(super) fn take_name(&mut self, name: &str) {
        let name = name.to_owned();
        let counts = |node: &Node| node.name.is_none();
        let number = name.strip_prefix("layer").map(str::parse::<usize>);
        let taken = self.value(&name, String::new()).is_ok()
            || matches!(number, Some(Ok(_))) && self.nodes.iter().any(counts);
        if taken {
            self.refuse(LayerError::NameTwice { name });
        } else if name.is_empty() || name.contains('.') {
            self.refuse(LayerError::Name { name });
        }
    }

    fn value(&self, name: &str, reader: String) -> Result<Value, LayerError> {
        let named = |node: &Node| node.name.as_deref() == Some(name);
        if let Some(node) = self.nodes.iter().position(named) {
            return Ok(Value::Node(node));
        }
        if let Some(input) = self.inputs.iter().position(|input| input.name == name) {
            return Ok(Value::Input(input));
        }
        let inputs = self.inputs.iter().map(|input| input.name.as_str());
        let nodes = self.nodes.iter().filter_map(|node| node.name.as_deref());
        Err(LayerError::UnknownName {
            name: name.to_owned(),
            reader,
            available: super::listed(&inputs.chain(nodes).collect::<Vec<_>>()),
        })
    }
}

impl fmt::Debug for Network {
    /// Names and layers alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs: Vec<&str> = self.inputs.iter().map(|i| i.name.as_str()).collect();
        let layers: Vec<_> = self.nodes.iter().map(|node| &node.layer).collect();
        f.debug_struct("Network")
            .field("inputs", &inputs)
            .field("layers", &layers)
            .finish_non_exhaustive()
    }
}
