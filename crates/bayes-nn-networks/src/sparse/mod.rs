//! What is in use of a fitted network, and the network that is left without the rest.

mod compact;

use bayes_nn_inference::{Approximation, DrawSource, DrawTable, Family, Site};
use bayes_nn_models::Error;
use bayes_nn_models::model::{Draws, Posterior};

use crate::Bnn;
use crate::nn::LayerError;

/// How much an input of a layer counts in what follows from it: of the first layer a column of the data,
/// of the others a hidden unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relevance {
    /// The size of the weights of the input, the root of the sum of their squares: its mean over draws.
    pub size: f64,
    /// Between which sizes the middle 90 % of draws lie.
    pub interval: [f64; 2],
    /// The probability that the input counts at all: the share of draws in which one of its weights is
    /// not 0. It is 1 where the prior has no spike at 0.
    pub inclusion: f64,
}

/// The part of the sum of squared sizes that inputs may have together and yet go.
const NEGLIGIBLE: f64 = 1e-3;

impl Relevance {
    /// The inputs of a layer that are not in use: those that count with a probability of at most a half,
    /// and of the others the smallest, as many as have a thousandth of the sum of squared sizes together.
    ///
    /// ```
    /// use bayes_nn::nn::Relevance;
    /// let of = |size, inclusion| Relevance { size, interval: [size; 2], inclusion };
    /// let inputs = [of(1.0, 1.0), of(0.02, 1.0), of(0.5, 0.9), of(0.3, 0.2)];
    /// assert_eq!(Relevance::unused(&inputs), [1, 3]);
    /// ```
    pub fn unused(inputs: &[Relevance]) -> Vec<usize> {
        let is_in = |input: &usize| inputs[*input].inclusion > 0.5;
        let (mut used, mut unused): (Vec<usize>, Vec<usize>) = (0..inputs.len()).partition(is_in);
        used.sort_by(|a, b| inputs[*a].size.total_cmp(&inputs[*b].size));
        let square = |input: usize| inputs[input].size * inputs[input].size;
        let mut left = NEGLIGIBLE * used.iter().map(|input| square(*input)).sum::<f64>();
        unused.extend(used.into_iter().take_while(|input| {
            left -= square(*input);
            left >= 0.0
        }));
        unused.sort_unstable();
        unused
    }
}

/// What priors such as [`prior::horseshoe`](crate::nn::prior::horseshoe()) and
/// [`prior::spike_slab`](crate::nn::prior::spike_slab()) are for: which inputs of which layers are in
/// use, and the network without the others, which is smaller and predicts the same.
///
/// ```
/// use bayes_nn::nn::{Sparse, prior, prior::Each};
/// use bayes_nn::prelude::*;
/// // A curve in the first of four columns.
/// let number = |i: usize| (i as f64 * 0.754_877_666).fract() * 2.0 - 1.0;
/// let x: Vec<f64> = (0..400).map(|i| number(i * i + i)).collect();
/// let y: Vec<f64> = x.chunks(4).map(|x| (2.0 * x[0]).sin()).collect();
/// let data = Dataset::new(&x, 4, &y)?;
/// let net = Mlp::new([4, 10, 1]).prior(prior::horseshoe().each(Each::Input));
/// let fit = Bnn::new(net, Gaussian::new()).fit(&data, &Advi::mean_field().steps(4_000).seed(1))?;
///
/// let columns = fit.relevance("layer0.weight", 200)?;
/// assert!((1..4).all(|column| columns[column].size < 0.2 * columns[0].size));
/// let fit = fit.without("layer0.weight", &[1, 2, 3])?;
/// let small = fit.compact()?;
/// let parameters = small.model().parameters(&data)?;
/// assert_eq!(parameters[0].shape.to_string(), "[1, 10]");
/// let [all, few] = [&fit, &small].map(|fit| fit.predict(&data, 2_000).unwrap().mean()[0]);
/// assert!((all - few).abs() < 0.02);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub trait Sparse: Sized {
    /// How much each input of a layer counts, by the weights of this name, `[inputs, outputs]`, such as
    /// `layer0.weight`, in so many draws.
    ///
    /// # Errors
    /// No such weights; as [`Posterior::draws`].
    fn relevance(&self, weights: &str, draws: usize) -> Result<Vec<Relevance>, Error>;

    /// This posterior without the weights of some inputs of a layer: they are 0 in all draws and
    /// predictions. Nothing is fitted again.
    ///
    /// # Errors
    /// No such weights, or inputs; a guide with correlations; weights in which fits do not begin around 0.
    fn without(&self, weights: &str, inputs: &[usize]) -> Result<Self, Error>;

    /// The network without the hidden units and the inputs all of whose weights are 0, as they are after
    /// [`Sparse::without`] and where [`Posterior::pruned`] left none: with the same posterior of what is
    /// left, a smaller network that makes the same predictions, up to rounding: those of [`Posterior::take`]
    /// draw by draw, those of a guide up to which random numbers meet which weights. A layer
    /// [`Select`](crate::nn::Select) takes what it reads from the columns of the data, which stay as they are.
    ///
    /// Priors of what is left are those of the smaller network. A layer of which all inputs are 0 keeps
    /// one of them.
    ///
    /// # Errors
    /// A guide with correlations; a network that is no chain of layers without names in common, or whose
    /// parameters differ by group. Layers whose outputs cannot be taken out one by one
    /// ([`Layer::with_outputs`](crate::nn::Layer::with_outputs)) keep all of them.
    fn compact(&self) -> Result<Self, Error>;
}

impl Sparse for Posterior<Bnn> {
    fn relevance(&self, weights: &str, draws: usize) -> Result<Vec<Relevance>, Error> {
        let draws = self.draws(draws, 0)?;
        relevance(&draws, weights)
    }

    fn without(&self, weights: &str, inputs: &[usize]) -> Result<Self, Error> {
        let source = self.source();
        let Some(site) = site_of(source.sites(), weights).filter(|s| s.shape.rank() == 2) else {
            return Err(unknown(weights, source.sites()));
        };
        let [rows, outputs] = [site.shape[0], site.shape[1]];
        if let Some(none) = inputs.iter().find(|input| **input >= rows) {
            return Err(refused(
                weights,
                format!("has {rows} inputs, of which {none} is none"),
            ));
        }
        let dim = source.sites().last().map_or(0, |site| site.range().end);
        let mut elements: Vec<Option<usize>> = (0..dim).map(Some).collect();
        for input in inputs {
            let first = site.offset + input * outputs;
            elements[first..first + outputs].fill(None);
        }
        let left = parts(source, source.sites().to_vec(), &elements)?;
        let left = self.with_model(self.model().clone(), left)?;
        // Whatever the prior makes of its variables.
        let drawn = left.draws(1, 0)?;
        let drawn = drawn.variable(weights)?.values();
        let of = |input: &usize| &drawn[input * outputs..(input + 1) * outputs];
        match inputs.iter().flat_map(of).all(|weight| *weight == 0.0) {
            true => Ok(left),
            false => Err(refused(
                weights,
                "has a prior under which no weight can be 0".to_owned(),
            )),
        }
    }

    fn compact(&self) -> Result<Self, Error> {
        compact::compact(self)
    }
}

fn relevance(draws: &Draws, weights: &str) -> Result<Vec<Relevance>, Error> {
    let weights = draws.variable(weights)?;
    let [inputs, outputs] = weights.shape()[..] else {
        let problem = format!(
            "has the shape {}; inputs are the first of two axes",
            weights.shape()
        );
        return Err(refused(weights.name(), problem));
    };
    let count = weights.values().len() / (inputs * outputs).max(1);
    let of_input = |input: usize| {
        let size = |draw: usize| {
            let first = (draw * inputs + input) * outputs;
            let own = &weights.values()[first..first + outputs];
            own.iter().map(|weight| weight * weight).sum::<f64>().sqrt()
        };
        let mut sizes: Vec<f64> = (0..count).map(size).collect();
        sizes.sort_by(f64::total_cmp);
        let place = |share: f64| sizes[(share * (count - 1) as f64).round() as usize];
        Relevance {
            size: sizes.iter().sum::<f64>() / count as f64,
            interval: [place(0.05), place(0.95)],
            inclusion: sizes.iter().filter(|size| **size > 0.0).count() as f64 / count as f64,
        }
    };
    Ok((0..inputs).map(of_input).collect())
}

/// The site that says whether weights are 0: that of the weights, or of what is scaled to give them.
fn site_of<'s>(sites: &'s [Site], weights: &str) -> Option<&'s Site> {
    let raw = format!("{weights}.raw");
    sites
        .iter()
        .find(|site| site.name == weights || site.name == raw)
}

/// Draws of other sites, whose elements are these of a source; 0 where there is none.
fn parts(
    source: &DrawSource,
    sites: Vec<Site>,
    elements: &[Option<usize>],
) -> Result<DrawSource, Error> {
    let of = |row: &[f64]| -> Vec<f64> {
        let values = elements
            .iter()
            .map(|element| element.map_or(0.0, |e| row[e]));
        values.collect()
    };
    Ok(match source {
        DrawSource::Guide(guide) => match guide.family() {
            Family::MeanField => {
                Approximation::independent(sites, of(guide.mean()), of(&guide.sd()))?.into()
            }
            Family::Point => Approximation::point(sites, of(guide.mean()))?.into(),
            family => {
                let family = format!("{family:?}");
                return Err(LayerError::Correlated { family }.into());
            }
        },
        DrawSource::Table(table) => {
            let rows = (0..table.draws()).filter_map(|draw| table.row(draw));
            let rows: Vec<f64> = rows.flat_map(of).collect();
            DrawTable::new(sites, rows, table.lengths().to_vec())?.into()
        }
    })
}

fn refused(weights: &str, problem: String) -> Error {
    LayerError::Weights {
        parameter: weights.to_owned(),
        problem,
    }
    .into()
}

fn unknown(weights: &str, sites: &[Site]) -> Error {
    let sites: Vec<&str> = sites.iter().map(|site| site.name.as_str()).collect();
    let problem = format!(
        "is no matrix of weights of this fit, which has `{}`",
        sites.join("`, `")
    );
    refused(weights, problem)
}
