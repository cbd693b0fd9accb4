//! How certain it is what layers make of rows: units and weights by signal to noise, layers by their
//! similarity between draws.

mod cka;
mod error;
mod gather;
mod hidden;
#[cfg(test)]
mod tests;

use bayes_nn_autodiff::Shape;

use super::agreement::rows_of;
use super::{Inputs, Predict};
use crate::error::{Error, listed};
use crate::model::{Model, Posterior};

pub use cka::cka;
pub use error::RepresentationError;
pub use hidden::Hidden;

/// A hidden unit over rows and draws: of a convolution a channel at a position.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Unit {
    /// The mean over rows and draws.
    pub mean: f64,
    /// The variance over rows of the mean over draws, without the part of it that so many draws leave by
    /// chance: how much of what the unit says of rows is certain.
    pub signal: f64,
    /// The variance over draws, averaged over rows: how much of it is not.
    pub noise: f64,
}

impl Unit {
    /// The standard deviation over draws, of all rows: the root of the noise.
    pub fn spread(&self) -> f64 {
        self.noise.sqrt()
    }

    /// Signal to noise. It is 0 of a unit that is the same for all rows, and infinite of one without spread.
    pub fn signal_to_noise(&self) -> f64 {
        ratio(self.signal, self.noise)
    }
}

/// How certain the weights of a parameter are.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WeightCertainty {
    /// The name of the parameter, such as `layer0.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Of each element the size of its mean by its standard deviation over draws (Blundell et al. 2015,
    /// "Weight uncertainty in neural networks", section 5.3).
    pub signal_to_noise: Vec<f64>,
}

impl WeightCertainty {
    /// The signal to noise that half of the weights have at the least.
    pub fn median(&self) -> f64 {
        let mut ratios = self.signal_to_noise.clone();
        ratios.sort_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied().unwrap_or(0.0)
    }
}

/// How alike representations are, by [`cka`], over pairs of draws.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Similarity {
    /// The mean over pairs.
    pub mean: f64,
    /// The standard deviation over pairs: large where some draws are of another kind than others.
    pub sd: f64,
}

/// What a layer makes of rows, over draws.
#[derive(Clone, Debug)]
pub struct Representation {
    name: String,
    shape: Shape,
    units: Vec<Unit>,
    weights: Vec<WeightCertainty>,
    rows: usize,
    /// Products of rows, of some of the draws, each of length 1; of one that is the same for all rows none.
    kernels: Vec<Option<Vec<f64>>>,
}

impl Representation {
    /// The name of the layer.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape of what it gives of a row: `[units]`, of a convolution `[channels, height, width]`.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Each unit, in row-major order of the shape.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// Of a convolution its channels, each with all its positions: means of what these are. Of other layers
    /// the units.
    pub fn channels(&self) -> Vec<Unit> {
        let channels = match self.shape.rank() {
            0 => 1,
            _ => self.shape[0],
        };
        let positions = (self.units.len() / channels.max(1)).max(1);
        let mean = |units: &[Unit], of: fn(&Unit) -> f64| {
            units.iter().map(of).sum::<f64>() / positions as f64
        };
        let channels = self.units.chunks(positions).map(|units| Unit {
            mean: mean(units, |unit| unit.mean),
            signal: mean(units, |unit| unit.signal),
            noise: mean(units, |unit| unit.noise),
        });
        channels.collect()
    }

    /// Signal to noise of the layer: the signal of all units by the noise of all.
    pub fn signal_to_noise(&self) -> f64 {
        let sum = |of: fn(&Unit) -> f64| self.units.iter().map(of).sum();
        ratio(sum(|unit| unit.signal), sum(|unit| unit.noise))
    }

    /// The weights of the layer, by parameter.
    pub fn weights(&self) -> &[WeightCertainty] {
        &self.weights
    }

    /// How alike what the layer makes of the rows is between one draw and another: 1 where all draws have
    /// the same features, in whatever units.
    ///
    /// # Errors
    /// Fewer than four rows, one draw, a draw in which all rows are the same but one.
    pub fn similarity_of_draws(&self) -> Result<Similarity, Error> {
        let kernels = self.kernels()?;
        if kernels.len() < 2 {
            return Err(Error::Request {
                field: "draws",
                value: kernels.len().to_string(),
                allowed: "2 or more to be compared with each other",
            });
        }
        let pairs = (0..kernels.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
        Ok(Similarity::of(
            pairs.map(|(i, j)| cka::dot(kernels[i], kernels[j])),
        ))
    }

    /// How alike draws of this layer are with draws of another one, of the same rows: a layer of the same
    /// fit, or of one from another start, or of another network.
    ///
    /// # Errors
    /// Another number of rows; as [`Representation::similarity_of_draws`].
    pub fn similarity(&self, other: &Representation) -> Result<Similarity, Error> {
        if self.rows != other.rows {
            return Err(RepresentationError::OtherRows {
                layer: self.name.clone(),
                rows: self.rows,
                other: other.name.clone(),
                other_rows: other.rows,
            }
            .into());
        }
        let (own, others) = (self.kernels()?, other.kernels()?);
        let pairs = own
            .iter()
            .flat_map(|own| others.iter().map(move |other| (own, other)));
        Ok(Similarity::of(
            pairs.map(|(own, other)| cka::dot(own, other)),
        ))
    }

    fn kernels(&self) -> Result<Vec<&Vec<f64>>, RepresentationError> {
        cka::check_rows(self.rows)?;
        let kernels = self.kernels.iter().map(Option::as_ref);
        let constant = || RepresentationError::Constant {
            layer: self.name.clone(),
        };
        kernels.map(|kernel| kernel.ok_or_else(constant)).collect()
    }
}

impl Similarity {
    fn of(pairs: impl Iterator<Item = f64>) -> Similarity {
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for value in pairs {
            count += 1.0;
            let before = value - mean;
            mean += before / count;
            squares += before * (value - mean);
        }
        let sd = match count > 1.0 {
            true => f64::sqrt(squares / (count - 1.0)),
            false => 0.0,
        };
        Similarity { mean, sd }
    }
}

/// What all layers of a model make of rows.
#[derive(Clone, Debug)]
pub struct Representations {
    layers: Vec<Representation>,
    rows: usize,
    draws: usize,
    warnings: Vec<String>,
}

impl Representations {
    /// The layers, in the order in which they say what they give.
    pub fn layers(&self) -> &[Representation] {
        &self.layers
    }

    /// The layer of this name.
    ///
    /// # Errors
    /// No such layer.
    pub fn layer(&self, name: &str) -> Result<&Representation, Error> {
        let found = self.layers.iter().find(|layer| layer.name == name);
        Ok(found.ok_or_else(|| unknown(name, self.layers.iter().map(|layer| &layer.name)))?)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of draws of the model's variables.
    pub fn draws(&self) -> usize {
        self.draws
    }

    /// What should not be passed over: names of groups that the data of the fit do not have.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl<M: Model> Posterior<M> {
    /// How certain it is what each layer makes of rows, from so many draws of the model's variables: of each
    /// unit how far it differs by row and how far by draw, of each layer how alike its draws are, and how
    /// certain its weights are.
    ///
    /// A layer of a sequence is known by the name of its parameters, `layer0`, and
    /// ends after the activations, pools and other layers without parameters that follow it; a layer with a
    /// name of its own is known by it, and inside another one by both, `block.layer0`. A unit of a convolution
    /// is a channel at a position.
    ///
    /// Signal to noise compares unit 3 of a draw with unit 3 of the next. Chains that found the same function
    /// with its units in another order, as those of NUTS may, have little of it and yet are alike:
    /// [`Representation::similarity_of_draws`] sees no units, only which rows are near which.
    ///
    /// Rows go through the model tile by tile, and sums over draws are formed there: memory grows neither with
    /// rows nor with draws. Similarities are those of up to 1,024 rows, taken evenly, and 50 draws, in blocks of
    /// up to 128 rows.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let (train, test) = datasets::moons(400, 0.2, 0)?.standardized().split(0.5, 0)?;
    /// let bnn = Bnn::new(Mlp::new([2, 8, 8, 1]).activation(Tanh), Bernoulli);
    /// let [one, two] = [1, 2].map(|seed| {
    ///     let fit = bnn.fit(&train, &Advi::mean_field().steps(3_000).seed(seed))?;
    ///     fit.representations(&test, Predict::draws(100))
    /// });
    /// let (one, two) = (one?, two?);
    /// let layer = one.layer("layer1")?;
    /// assert_eq!((layer.units().len(), layer.weights()[0].name.as_str()), (8, "layer1.weight"));
    /// // What the draws of a fit have in common, and what fits from two starts do.
    /// let own = layer.similarity_of_draws()?;
    /// let between = layer.similarity(two.layer("layer1")?)?;
    /// assert!((own.mean - between.mean).abs() < 0.1 && own.mean > 0.6);
    /// // Most of these units are left to the prior, and what follows from all of them is certain.
    /// assert!(layer.signal_to_noise() < 1.0 && one.layer("layer2")?.signal_to_noise() > 4.0);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// A model without layers, fewer than two rows or draws, rows that cannot be [predicted](Posterior::predict)
    /// or are in files, what is not finite.
    pub fn representations<'a>(
        &self,
        rows: impl Into<Inputs<'a>>,
        how: Predict,
    ) -> Result<Representations, Error> {
        how.check()?;
        if how.draws < 2 {
            return Err(Error::Request {
                field: "draws",
                value: how.draws.to_string(),
                allowed: "2 or more, between which units may differ",
            });
        }
        let data = rows.into().data(&self.predictive)?;
        let found = match self.predictive.for_names_of(&data, how.draws, how.seed)? {
            Some(extended) => gather::representations(&extended, &data, how)?,
            None => gather::representations(&self.predictive, &data, how)?,
        };
        let warnings = self.predictive.warnings_about(&data);
        Ok(Representations { warnings, ..found })
    }

    /// [`Posterior::representations`] of up to 200 of the rows of the fit, taken evenly; of a
    /// [stream](crate::Data::stream) of its first ones.
    ///
    /// # Errors
    /// A fit without its rows, such as one from a file; rows with missing values; as
    /// [`Posterior::representations`].
    pub fn own_representations(&self, how: Predict) -> Result<Representations, Error> {
        let rows = rows_of(&self.predictive.data).ok_or(RepresentationError::NoRows)?;
        self.representations(rows, how)
    }

    /// What one layer makes of rows under each draw, by its name as in [`Posterior::representations`].
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let data = datasets::moons(40, 0.2, 0)?.standardized();
    /// let bnn = Bnn::new(Mlp::new([2, 8, 1]).activation(Tanh), Bernoulli);
    /// let fit = bnn.fit(&data, &Advi::mean_field().steps(500).seed(1))?;
    /// let hidden = fit.hidden("layer0", &data, Predict::draws(100))?;
    /// assert_eq!(hidden.values().len(), 100 * 40 * 8);
    /// assert!(hidden.row(3, 39).unwrap().iter().all(|unit| unit.abs() <= 1.0));
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// No such layer; more than memory holds; rows in files; as [`Posterior::predict`].
    pub fn hidden<'a>(
        &self,
        layer: &str,
        rows: impl Into<Inputs<'a>>,
        how: Predict,
    ) -> Result<Hidden, Error> {
        how.check()?;
        let data = rows.into().data(&self.predictive)?;
        match self.predictive.for_names_of(&data, how.draws, how.seed)? {
            Some(extended) => hidden::hidden(&extended, &data, how, layer),
            None => hidden::hidden(&self.predictive, &data, how, layer),
        }
    }
}

/// A ratio of what cannot be negative; 0 of nothing to nothing.
fn ratio(signal: f64, noise: f64) -> f64 {
    match signal > 0.0 {
        true => signal / noise,
        false => 0.0,
    }
}

fn unknown<'a>(layer: &str, available: impl Iterator<Item = &'a String>) -> RepresentationError {
    RepresentationError::UnknownLayer {
        layer: layer.to_owned(),
        available: listed(available),
    }
}
