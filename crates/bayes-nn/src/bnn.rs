//! Bayesian neural networks: a network with priors, and a head that says what its outputs mean.

use std::borrow::Borrow;
use std::sync::Arc;

use bayes_nn_inference::{Advi, Nuts};

use crate::data::Dataset;
use crate::error::Error;
use crate::model::{Batch, Fit, Model, Samples, Trace, fit, sample};
use crate::nn::{Head, Network};

/// A network whose parameters have priors, with the likelihood of its targets.
///
/// It is a [`Model`] over a data set's `x` and `y`, so that everything in [`crate::model`] works
/// on it, too. Cloning shares the network.
///
/// ```
/// use bayes_nn::prelude::*;
///
/// let data = datasets::moons(200, 0.2, 0)?.standardized();
/// let (train, test) = data.split(0.5, 0)?;
/// let net = Mlp::new([2, 5, 5, 1]).activation(Tanh).without_bias().prior(Normal::new(0.0, 1.0));
/// let bnn = Bnn::new(net, Bernoulli);
/// let fit = bnn.fit(&train, Advi::mean_field().steps(2_000).seed(1))?;
/// println!("{fit}");
/// let prediction = fit.predict(test.x(), 100)?;
/// println!("{}", prediction.score(test.y())?);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Bnn {
    network: Arc<dyn Network>,
    head: Arc<dyn Head>,
}

impl Bnn {
    /// A network with a head.
    pub fn new(network: impl Network + 'static, head: impl Head + 'static) -> Bnn {
        Bnn {
            network: Arc::new(network),
            head: Arc::new(head),
        }
    }

    /// The network.
    pub fn network(&self) -> &dyn Network {
        &*self.network
    }

    /// The head.
    pub fn head(&self) -> &dyn Head {
        &*self.head
    }

    /// Fits the posterior of all parameters.
    ///
    /// # Errors
    /// A network whose layers do not fit each other, the head or the data; a prior for no
    /// parameter; a label that is no class; settings outside their range; a fit that ran into
    /// numbers that are not finite ([`Error::last_good`]).
    pub fn fit(&self, train: &Dataset, advi: impl Borrow<Advi>) -> Result<Fit<Bnn>, Error> {
        self.check(train.features())?;
        fit(self, train, advi)
    }

    /// Draws from the posterior of all parameters by the No-U-Turn Sampler.
    ///
    /// # Errors
    /// As [`Bnn::fit`]; no start with a finite density; no chain with any draw.
    pub fn sample(&self, train: &Dataset, nuts: impl Borrow<Nuts>) -> Result<Samples<Bnn>, Error> {
        self.check(train.features())?;
        sample(self, train, nuts)
    }

    /// Checks that layers, head and this number of features fit.
    pub(crate) fn check(&self, features: usize) -> Result<(), Error> {
        let (inputs, outputs) = self.network.sizes()?;
        self.head.check(outputs).map_err(|needed| Error::Outputs {
            head: self.head.name(),
            needed,
            outputs,
        })?;
        match inputs == features {
            true => Ok(()),
            false => Err(Error::Features {
                found: features,
                expected: inputs,
            }),
        }
    }
}

impl Model for Bnn {
    fn run<'g>(&self, trace: &Trace<'g>, data: &Batch<'g>) {
        let outputs = self.network.forward(trace, data.matrix("x"));
        let likelihood = self.head.likelihood(trace, outputs);
        likelihood.observe(trace, data.column("y"));
    }
}
