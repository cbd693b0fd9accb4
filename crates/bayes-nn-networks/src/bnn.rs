//! Bayesian neural networks: a network with priors, and a head that says what its outputs mean.

use std::sync::Arc;

use bayes_nn_autodiff::{Kind, Shape, Var};
use bayes_nn_distributions::Distribution;
use bayes_nn_inference::Method;
use bayes_nn_models::Error;
use bayes_nn_models::model::{Batch, Data, Model, Posterior, Trace, fit, probe};

use crate::nn::{Head, Input, Network, ParameterInfo, Parameters};

/// A network whose parameters have priors, with the likelihood of its targets.
///
/// It is a [`Model`] over the columns that the network's inputs are named after, and `y`; of a data
/// set these are `x` and `y`. So everything in [`model`](bayes_nn_models::model) works on it, too.
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
    head: Arc<dyn Head>,
}

impl Bnn {
    /// A network with a head.
    pub fn new(network: impl Into<Network>, head: impl Head + 'static) -> Bnn {
        Bnn {
            network: Arc::new(network.into()),
            head: Arc::new(head),
        }
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The head.
    pub fn head(&self) -> &dyn Head {
        &*self.head
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
            self.likelihood(&p, &inputs)?;
            batch.check()?;
            Ok(p.declared())
        })
    }

    /// Finds the posterior of all parameters, by [`Advi`](bayes_nn_inference::Advi),
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

    /// What the network reads of the data, in the shapes of its inputs.
    fn inputs<'g>(&self, data: &Batch<'g>) -> Vec<Var<'g>> {
        let inputs = self.network.inputs().iter();
        let read = inputs.map(|input| match input.kind {
            Kind::Index => data.index(&input.name),
            Kind::Float => in_rows(data.features(&input.name), input.row),
        });
        read.collect()
    }

    /// The distribution of the targets, given what the network reads.
    fn likelihood<'g>(
        &self,
        p: &Parameters<'_, 'g>,
        inputs: &[Var<'g>],
    ) -> Result<Box<dyn Distribution<'g> + 'g>, Error> {
        let outputs = p.write(&*self.network, inputs)?;
        Ok(self.head.likelihood(p, outputs)?)
    }
}

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

impl Model for Bnn {
    fn run<'g>(&self, trace: &Trace<'g>, data: &Batch<'g>) {
        let inputs = self.inputs(data);
        match self.likelihood(&Parameters::new(trace), &inputs) {
            Ok(likelihood) => {
                trace.observe("y", likelihood, data.column("y"));
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
}
