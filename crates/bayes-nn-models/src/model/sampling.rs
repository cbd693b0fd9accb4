//! Chains of NUTS that are watched and steered while they run.

use std::fmt;

use bayes_nn_inference::Nuts;
use bayes_nn_inference::nuts::{ChainProgress, DrawSink, NutsRun};

use super::{Data, Model, ModelDensity, Posterior};
use crate::error::Error;

/// Sets chains going as [`fit`](super::fit) does, and returns at once with the handle that watches and
/// steers them.
///
/// # Errors
/// Whatever is wrong with the model, the data or the settings; no start with a finite density.
///
/// ```
/// use bayes_nn::distributions::Normal;
/// use bayes_nn::model::{self, Data};
/// use bayes_nn::Nuts;
/// let model = model::from_fn(|trace, _| {
///     trace.sample("x", Normal::new(0.0, 1.0));
/// });
/// let nuts = Nuts::new().chains(1).draws(1_000_000_000);
/// let sampling = model::start(&model, Data::new(), &nuts)?;
/// while sampling.progress()[0].draws < 1_100 {
///     std::thread::yield_now();
/// }
/// sampling.stop();
/// let samples = sampling.wait()?;
/// assert!(samples.nuts().unwrap().stopped());
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub fn start<M: Model + Clone>(
    model: &M,
    data: impl Into<Data>,
    nuts: &Nuts,
) -> Result<Sampling<M>, Error> {
    let data = data.into();
    let density = ModelDensity::new(model, data.clone())?;
    Ok(Sampling {
        run: nuts.start(&density)?,
        model: model.clone(),
        data,
    })
}

/// Sets chains going as [`start`] does, and gives their draws to a sink while they are made: rows
/// of the unconstrained vector. With the feature `zarr`, `inference_data::ZarrStore` is one that
/// writes the variables of the model.
///
/// # Errors
/// As [`start`]; a sink that takes no draws from the first.
pub fn start_into<M: Model + Clone>(
    model: &M,
    data: impl Into<Data>,
    nuts: &Nuts,
    sink: Box<dyn DrawSink>,
) -> Result<Sampling<M>, Error> {
    let data = data.into();
    let density = ModelDensity::new(model, data.clone())?;
    Ok(Sampling {
        run: nuts.start_into(&density, sink)?,
        model: model.clone(),
        data,
    })
}

/// A model that is being sampled: a [`NutsRun`] that ends in a [`Posterior`].
pub struct Sampling<M> {
    model: M,
    data: Data,
    run: NutsRun,
}

impl<M> fmt::Debug for Sampling<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampling")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

impl<M> Sampling<M> {
    /// How far each chain is.
    pub fn progress(&self) -> Vec<ChainProgress> {
        self.run.progress()
    }

    /// Seconds of one gradient, measured before the first draw.
    pub fn seconds_per_gradient(&self) -> f64 {
        self.run.seconds_per_gradient()
    }

    /// Whether all chains have ended.
    pub fn is_finished(&self) -> bool {
        self.run.is_finished()
    }

    /// Lets the chains rest after their present draws.
    pub fn pause(&self) {
        self.run.pause();
    }

    /// Lets chains that rest go on.
    pub fn resume(&self) {
        self.run.resume();
    }

    /// Ends the chains after their present draws, which are kept.
    pub fn stop(&self) {
        self.run.stop();
    }
}

impl<M: Model + Clone> Sampling<M> {
    /// Waits for all chains to end.
    ///
    /// # Errors
    /// Only if no chain has a draw, and one or the sink has failed: its error.
    pub fn wait(self) -> Result<Posterior<M>, Error> {
        let fit = self.run.wait()?;
        Posterior::of(self.model, self.data, fit)
    }
}
