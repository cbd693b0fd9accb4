//! Bayesian neural networks: a network with priors, and a head that says what its outputs mean.

use std::path::Path;
use std::sync::Arc;

use bayes_nn_autodiff::{Kind, Shape, Var};
use bayes_nn_distributions::Distribution;
use bayes_nn_inference::{Advi, Method};
use bayes_nn_models::Error;
use bayes_nn_models::model::{Batch, Data, Model, Posterior, Trace, fit, fit_validated, probe};
use bayes_nn_models::saved::{FileError, Node, Place, Value, load_by};

use crate::nn::{Head, HeadError, Input, Layer, Network, ParameterInfo, Parameters, Registry};

/// A network whose parameters have priors, with the likelihood of its targets.
///
/// It is a [`Model`] over the columns that the network's inputs are named after, and `y`, or the
/// columns that it predicts by name ([`Bnn::several`]); of a data set these are `x` and `y`. So everything in [`model`](bayes_nn_models::model) works on it, too.
/// Rows of data are seen in the shape of the input: with the input `x` of the shape `[1, 28, 28]`
/// those of a matrix `[n, 784]` are images. Cloning shares the network.
///
/// ```
/// use bayes_nn::prelude::*;
///
/// let data = datasets::moons(200, 0.2, 0)?.standardized();
/// let (train, test) = data.split(0.5, 0)?;
/// let net = Mlp::new([2, 5, 5, 1]).activation(Tanh).without_bias().prior(Normal::new(0.0, 1.0));
/// let bnn = Bnn::new(net, Bernoulli);
/// let fit = bnn.fit(&train, &Advi::mean_field().steps(2_000).seed(1))?;
/// println!("{fit}");
/// let prediction = fit.predict(&test, 100)?;
/// let score = prediction.score(test.y())?;
/// println!("{score}");
/// assert!(score.classification().unwrap().accuracy > 0.85);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Bnn {
    network: Arc<Network>,
    targets: Vec<Target>,
}

/// A variable that a network predicts.
#[derive(Clone, Debug)]
struct Target {
    name: String,
    /// How many outputs of the network its head reads; `None` for all, in the shape that they have.
    outputs: Option<usize>,
    head: Arc<dyn Head>,
}

impl Bnn {
    /// A network with a head.
    pub fn new(network: impl Into<Network>, head: impl Head + 'static) -> Bnn {
        let mut bnn = Bnn::several(network);
        bnn.targets.push(Target {
            name: "y".to_owned(),
            outputs: None,
            head: Arc::new(head),
        });
        bnn
    }

    /// A network that predicts several variables at once, each said by [`Bnn::target`].
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let rows = [0.2, 1.0, -0.4, 0.3, 0.8, -0.1];
    /// let data = Data::new().matrix("x", &rows, 2)?;
    /// let data = data.column("price", &[1.1, 0.3, 0.9])?.column("kind", &[0.0, 2.0, 1.0])?;
    /// let bnn = Bnn::several(Mlp::new([2, 10, 4]))
    ///     .target("price", 1, Gaussian::new())
    ///     .target("kind", 3, Categorical);
    /// let fit = bnn.fit(&data, &Advi::mean_field().steps(50))?;
    /// assert_eq!(fit.target("price").predict(&data, 10)?.mean().len(), 3);
    /// assert_eq!(fit.target("kind").predict(&data, 10)?.mean().len(), 9);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn several(network: impl Into<Network>) -> Bnn {
        Bnn {
            network: Arc::new(network.into()),
            targets: Vec::new(),
        }
    }

    /// Adds the column `name` to what is predicted, from the next `outputs` outputs of the network,
    /// which gives `[outputs, rows]`. Parameters of the head are named after it, as `price.sigma`.
    ///
    /// All outputs must be read in the end. Predictions are those of one variable,
    /// [`Posterior::target`].
    #[must_use]
    pub fn target(mut self, name: &str, outputs: usize, head: impl Head + 'static) -> Bnn {
        self.targets.push(Target {
            name: name.to_owned(),
            outputs: Some(outputs),
            head: Arc::new(head),
        });
        self
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The same heads on another network.
    pub(crate) fn with_network(self, network: Network) -> Bnn {
        Bnn {
            network: Arc::new(network),
            ..self
        }
    }

    /// The names of what is predicted, with their heads.
    pub fn heads(&self) -> impl Iterator<Item = (&str, &dyn Head)> {
        let targets = self.targets.iter();
        targets.map(|target| (target.name.as_str(), &*target.head))
    }

    /// All parameters, of the network and of the head, for data with these columns. This is also
    /// the check of everything that does not depend on values.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let bnn = Bnn::new(Sequential::new().layer(Dense::new(1)), Gaussian::new());
    /// let data = Data::new().matrix("x", &[1.0, 2.0, 3.0, 4.0], 2)?;
    /// let parameters = bnn.parameters(&data)?;
    /// let names: Vec<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
    /// assert_eq!(names, ["layer0.weight", "layer0.bias", "sigma"]);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// Columns that are not there, or of another kind; a network whose layers do not fit each
    /// other, the head or the data; a prior for no parameter.
    pub fn parameters(&self, data: impl Into<Data>) -> Result<Vec<ParameterInfo>, Error> {
        probe(&data.into(), |trace, batch| {
            let inputs = self.inputs(batch);
            batch.check()?;
            let p = Parameters::new(trace);
            self.likelihoods(&p, &inputs)?;
            batch.check()?;
            Ok(p.declared())
        })
    }

    /// Finds the posterior of all parameters, by [`Advi`],
    /// [`Nuts`](bayes_nn_inference::Nuts) or another method: [`model::fit`](fit()).
    ///
    /// # Errors
    /// As [`Bnn::parameters`]; a label that is no class; as [`model::fit`](fit()).
    pub fn fit(
        &self,
        train: impl Into<Data>,
        method: &impl Method,
    ) -> Result<Posterior<Bnn>, Error> {
        fit(self, train, method)
    }

    /// [`Bnn::fit`] by [`Advi`] with rows held out of the training rows, which score the network after
    /// every epoch and may end the fit: [`model::fit_validated`](fit_validated()).
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let data = datasets::moons(600, 0.2, 0)?.standardized();
    /// let (train, valid) = data.split(0.8, 0)?;
    /// let bnn = Bnn::new(Mlp::new([2, 5, 5, 1]), Bernoulli);
    /// let fit = bnn.fit_validated(&train, &valid, &Advi::mean_field().steps(1_000).batch(48))?;
    /// let scores = fit.advi().unwrap().curve().scores();
    /// assert!(scores[0].step == 10 && scores.last().unwrap().score.accuracy > Some(0.8));
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Bnn::fit`] and [`model::fit_validated`](fit_validated()).
    pub fn fit_validated(
        &self,
        train: impl Into<Data>,
        valid: impl Into<Data>,
        advi: &Advi,
    ) -> Result<Posterior<Bnn>, Error> {
        fit_validated(self, train, valid, advi)
    }

    /// What the network reads of the data, in the shapes of its inputs.
    fn inputs<'g>(&self, data: &Batch<'g>) -> Vec<Var<'g>> {
        let inputs = self.network.inputs().iter();
        let read = inputs.map(|input| match input.kind {
            Kind::Index => data.index(&input.name),
            Kind::Float => in_rows(data.features(&input.name), input.row),
        });
        read.collect()
    }

    /// The distributions of the targets, given what the network reads.
    fn likelihoods<'g>(
        &self,
        p: &Parameters<'_, 'g>,
        inputs: &[Var<'g>],
    ) -> Result<Vec<Likelihood<'g>>, Error> {
        let outputs = p.write(&*self.network, inputs)?;
        let read: Option<usize> = self.targets.iter().map(|target| target.outputs).sum();
        let rows = match (read, &outputs.shape()[..]) {
            (None, [.., rows]) if self.targets.len() == 1 => *rows,
            (Some(read), [found, rows]) if read == *found && read > 0 => *rows,
            _ => return Err(self.outputs_differ(outputs).into()),
        };
        let mut first = 0;
        let likelihoods = self.targets.iter().map(|target| match target.outputs {
            None => target.head.likelihood(p, outputs),
            Some(width) => {
                let own = outputs.view(first * rows, [width, rows]);
                first += width;
                target.head.likelihood(&p.named(&target.name), own)
            }
        });
        Ok(likelihoods.collect::<Result<_, _>>()?)
    }

    /// The error of outputs that are not those that the targets read.
    fn outputs_differ(&self, found: Var<'_>) -> HeadError {
        let target = |target: &Target| match target.outputs {
            Some(outputs) => format!("`{}` {outputs}", target.name),
            None => format!("`{}` all", target.name),
        };
        let targets: Vec<String> = self.targets.iter().map(target).collect();
        HeadError::Targets {
            targets: match targets.is_empty() {
                true => "none".to_owned(),
                false => targets.join(", "),
            },
            found: Input::of(found),
        }
    }
}

type Likelihood<'g> = Box<dyn Distribution<'g> + 'g>;

/// Rows `[features, rows]` in the shape of an input; of another size they stay as they are, and
/// the network refuses them.
fn in_rows(x: Var<'_>, row: Option<Shape>) -> Var<'_> {
    let shape = row.and_then(|row| Input::of_rows(row, x.shape().columns()));
    match shape {
        Some(shape) if shape != x.shape() && shape.elements() == x.shape().elements() => {
            x.reshape(shape)
        }
        _ => x,
    }
}

impl Bnn {
    /// The fit of a network that [`Posterior::save`] saved: with the network, which needs no code, and
    /// how rows were scaled or encoded, without the data. It predicts with the same bits.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let text = "size,kind\n1,ham\n2,ham\n2.5,ham\n8,spam\n9,spam\n8.5,spam\n";
    /// let train = Table::read_from(text.as_bytes())?.target("kind")?;
    /// let fit = Bnn::for_data(&train).fit(&train, &Advi::mean_field().seed(1))?;
    /// # let path = std::env::temp_dir().join(format!("bayes-nn-spam-{}.bnn", std::process::id()));
    /// fit.save(&path)?;
    ///
    /// let fit = Bnn::load(&path)?;
    /// # std::fs::remove_file(&path).unwrap();
    /// let new = Table::read_from("size\n1.5\n8.8\n".as_bytes())?;
    /// assert_eq!(fit.predict(&new, 100)?.predicted_classes(), ["ham", "spam"]);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`model::load`](bayes_nn_models::model::load); a model as a function; a layer, head or prior
    /// that is none of this library: [`Bnn::load_with`].
    pub fn load(path: impl AsRef<Path>) -> Result<Posterior<Bnn>, Error> {
        Bnn::load_with(&Registry::new(), path)
    }

    /// [`Bnn::load`] of a network with [layers](crate::nn::Layer::describe), heads or priors of one's
    /// own.
    ///
    /// # Errors
    /// As [`Bnn::load`].
    pub fn load_with(registry: &Registry, path: impl AsRef<Path>) -> Result<Posterior<Bnn>, Error> {
        load_by(path.as_ref(), |node| Ok(Bnn::read(node, registry)?))
    }

    fn read(node: &Node<'_>, registry: &Registry) -> Result<Bnn, FileError> {
        let kind: String = node.get("kind")?;
        if kind != NETWORK {
            return Err(node.refuse(
                "is a function, which comes back with its code alone: `model::load(&model, path)`",
            ));
        }
        let network = Network::read(&node.at("network")?, registry)?;
        let targets = node.at("targets")?.items()?;
        let target = |node: &Node<'_>| {
            Ok(Target {
                name: node.get("name")?,
                outputs: node.get("outputs")?,
                head: registry.read_head(&node.at("head")?)?,
            })
        };
        Ok(Bnn {
            network: Arc::new(network),
            targets: targets
                .iter()
                .map(target)
                .collect::<Result<_, FileError>>()?,
        })
    }
}

/// The kind of a model that is a network.
const NETWORK: &str = "network";

impl Model for Bnn {
    fn run<'g>(&self, trace: &Trace<'g>, data: &Batch<'g>) {
        let inputs = self.inputs(data);
        match self.likelihoods(&Parameters::new(trace), &inputs) {
            Ok(likelihoods) => {
                for (target, likelihood) in self.targets.iter().zip(likelihoods) {
                    trace.observe(&target.name, likelihood, data.column(&target.name));
                }
            }
            Err(error) => {
                trace.refuse(error, Shape::SCALAR);
            }
        }
    }

    fn has_independent_rows(&self) -> bool {
        true
    }

    fn is_network(&self) -> bool {
        true
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, Error> {
        let object = place.object().put("kind", &NETWORK.to_owned());
        let network = self.network.describe(&object.at("network"))?;
        let place = object.at("targets");
        let targets = self.targets.iter().enumerate().map(|(number, target)| {
            let object = place.at(&number.to_string()).object();
            let object = object
                .put("name", &target.name)
                .put("outputs", &target.outputs);
            let head = target.head.describe(&object.at("head"))?;
            Ok(object.put_value("head", head).value())
        });
        let targets = Value::Array(targets.collect::<Result<_, FileError>>()?);
        let object = object.put_value("network", network);
        Ok(object.put_value("targets", targets).value())
    }
}
