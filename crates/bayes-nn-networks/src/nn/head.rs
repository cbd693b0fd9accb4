//! Heads: what the outputs of a network say about the targets.

use std::fmt;
use std::sync::Arc;

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::{self as distributions, Distribution, HalfNormal};
use bayes_nn_inference::SiteSupport;
use bayes_nn_models::saved::{FileError, Place, Value};

use super::saved::unsaved;
use super::{HeadError, Parameters, Prior};

/// What a head gives.
type Likelihood<'g> = Result<Box<dyn Distribution<'g> + 'g>, HeadError>;

/// A distribution of the targets given the outputs of a network.
///
/// [`Head::likelihood`] is all that a head is. What is predicted follows from the distribution: a
/// class, a count or a number from its support, means and uncertainty from its probabilities or
/// moments, intervals from draws, scores from its log density. A closure is a head by
/// [`from_fn`].
///
/// ```
/// use bayes_nn::Var;
/// use bayes_nn::distributions::{Distribution, Poisson};
/// use bayes_nn::nn::{Head, HeadError, Parameters};
/// use bayes_nn::prelude::*;
///
/// /// A count by one output, the logarithm of its mean.
/// #[derive(Clone, Copy, Debug)]
/// struct Counts;
///
/// impl Head for Counts {
///     fn likelihood<'g>(
///         &self,
///         _: &Parameters<'_, 'g>,
///         outputs: Var<'g>,
///     ) -> Result<Box<dyn Distribution<'g> + 'g>, HeadError> {
///         Ok(Box::new(Poisson::new(outputs.row(0).exp())))
///     }
/// }
///
/// let data = Dataset::new(&[0.1, 0.7, 1.3, 2.1], 1, &[0.0, 2.0, 1.0, 4.0])?;
/// let fit = Bnn::new(Mlp::new([1, 4, 1]), Counts).fit(&data, &Advi::mean_field().steps(50))?;
/// let (lower, upper) = fit.predict(&[0.5], 20)?.interval().map(|(l, u)| (l[0], u[0])).unwrap();
/// assert!(0.0 <= lower && lower <= upper);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
pub trait Head: fmt::Debug + Send + Sync {
    /// The distribution of the target of each row, of the shape `[rows]` or one that stretches to
    /// it, for outputs `[..row, rows]`. Parameters of the head's own come from `p`.
    ///
    /// # Errors
    /// Outputs of another shape than the head takes: [`HeadError::outputs`].
    fn likelihood<'g>(
        &self,
        p: &Parameters<'_, 'g>,
        outputs: Var<'g>,
    ) -> Result<Box<dyn Distribution<'g> + 'g>, HeadError>;

    /// What a file says of the head, as [`Layer::describe`](super::Layer::describe).
    ///
    /// # Errors
    /// [`FileError::Unsaved`] of a head that does not say.
    fn describe(&self, _: &Place<'_>) -> Result<Value, FileError> {
        Err(unsaved("head", &self))
    }
}

/// A head that is a function; `name` is what it is shown as.
///
/// ```
/// use bayes_nn::distributions::Poisson;
/// use bayes_nn::nn::head;
/// use bayes_nn::prelude::*;
/// let counts = head::from_fn("poisson", |_, outputs| {
///     Ok(Box::new(Poisson::new(outputs.row(0).exp())))
/// });
/// let bnn = Bnn::new(Mlp::new([1, 4, 1]), counts);
/// let names: Vec<String> = bnn.heads().map(|(name, head)| format!("{name}: {head:?}")).collect();
/// assert_eq!(names, ["y: poisson"]);
/// ```
pub fn from_fn<F>(name: &str, likelihood: F) -> FromFn<F>
where
    F: for<'g> Fn(&Parameters<'_, 'g>, Var<'g>) -> Likelihood<'g> + Send + Sync,
{
    FromFn {
        name: name.to_owned(),
        likelihood,
    }
}

/// The head that [`from_fn`] makes.
#[derive(Clone)]
pub struct FromFn<F> {
    name: String,
    likelihood: F,
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl<F> Head for FromFn<F>
where
    F: for<'g> Fn(&Parameters<'_, 'g>, Var<'g>) -> Likelihood<'g> + Send + Sync,
{
    fn likelihood<'g>(&self, p: &Parameters<'_, 'g>, outputs: Var<'g>) -> Likelihood<'g> {
        (self.likelihood)(p, outputs)
    }
}

/// Two classes, 0 and 1, by one output: the logit of class 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bernoulli;

impl Head for Bernoulli {
    fn likelihood<'g>(&self, _: &Parameters<'_, 'g>, outputs: Var<'g>) -> Likelihood<'g> {
        let logits = one_output("Bernoulli", outputs)?;
        Ok(Box::new(distributions::Bernoulli::logits(logits)))
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

/// Several classes, numbered from 0, by one output each: log probabilities up to a constant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Categorical;

impl Head for Categorical {
    fn likelihood<'g>(&self, _: &Parameters<'_, 'g>, outputs: Var<'g>) -> Likelihood<'g> {
        match outputs.shape()[..] {
            [classes, _] if classes > 1 => Ok(Box::new(distributions::Categorical::new(outputs))),
            _ => {
                let expected = "[classes, rows] of at least two classes";
                Err(HeadError::outputs("Categorical", expected, outputs))
            }
        }
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

/// A count, 0 or more, by one output: the logarithm of its mean.
///
/// ```
/// use bayes_nn::nn;
/// use bayes_nn::prelude::*;
/// let x: Vec<f64> = (0..40).map(|i| 0.05 * f64::from(i) - 1.0).collect();
/// let y: Vec<f64> = x.iter().map(|x| (2.0 * x + 1.0).exp().round()).collect();
/// let data = Dataset::new(&x, 1, &y)?;
/// let bnn = Bnn::new(Mlp::new([1, 8, 1]), nn::Poisson);
/// let fit = bnn.fit(&data, &Advi::mean_field().steps(5_000).seed(1))?;
/// let mean = fit.predict(&[0.5], 500)?.mean()[0];
/// assert!((mean - 2.0f64.exp()).abs() < 1.5, "{mean}");
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Poisson;

impl Head for Poisson {
    fn likelihood<'g>(&self, _: &Parameters<'_, 'g>, outputs: Var<'g>) -> Likelihood<'g> {
        let log_mean = one_output("Poisson", outputs)?;
        Ok(Box::new(distributions::Poisson::new(log_mean.exp())))
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

/// A number with normal noise by one output, its mean. The standard deviation of the noise,
/// one for all rows, is learned: the site `sigma`, with a half-normal prior of scale 1 unless
/// changed. Where it depends on the row: [`HeteroscedasticGaussian`].
#[derive(Clone, Debug)]
pub struct Gaussian {
    pub(super) noise: Arc<dyn Prior>,
}

impl Default for Gaussian {
    fn default() -> Self {
        Gaussian::new()
    }
}

impl Gaussian {
    /// With the half-normal prior of scale 1, which suits targets that are standardised.
    pub fn new() -> Gaussian {
        Gaussian {
            noise: Arc::new(HalfNormal::new(1.0)),
        }
    }

    /// With another prior of the noise's standard deviation. A prior on negative numbers, too, is
    /// refused where the network is fitted ([`HeadError::Scale`]).
    #[must_use]
    pub fn noise_prior(self, prior: impl Prior + 'static) -> Gaussian {
        Gaussian {
            noise: Arc::new(prior),
        }
    }
}

impl Head for Gaussian {
    fn likelihood<'g>(&self, p: &Parameters<'_, 'g>, outputs: Var<'g>) -> Likelihood<'g> {
        let mean = one_output("Gaussian", outputs)?;
        let sd = p.get_with_prior("sigma", Shape::SCALAR, 1, &*self.noise)?;
        if let Some(support) = p.support(sd).filter(SiteSupport::has_negative) {
            return Err(HeadError::Scale {
                parameter: "sigma",
                support: Box::new(support),
            });
        }
        Ok(Box::new(distributions::Normal::new(mean, sd)))
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        self.described(place)
    }
}

/// A number with normal noise that depends on the row, by two outputs: the mean, and how much noise
/// there is.
///
/// ```text
/// y ~ Normal(outputs[0], sd),   sd = softplus(outputs[1] / 2 + ln(e - 1)) + least
/// ```
///
/// An output of 0 is noise of unit scale, that of targets that are standardised; the half keeps
/// it near there where a fit begins, with outputs of about unit scale. Without `least`, 0.02 unless
/// changed, the density would have no bound where a mean comes close to a target, and noise would
/// vanish there.
///
/// ```
/// use bayes_nn::nn::HeteroscedasticGaussian;
/// use bayes_nn::prelude::*;
/// // Noise that grows from 0.1 to 0.7.
/// let x: Vec<f64> = (0..200).map(|i| f64::from(i) / 100.0 - 1.0).collect();
/// let noise = |i: usize| (0.4 + 0.3 * x[i]) * [1.2, -0.7, 0.4, -1.4, 0.5][i % 5];
/// let y: Vec<f64> = (0..200).map(|i| x[i] + noise(i)).collect();
/// let data = Dataset::new(&x, 1, &y)?;
/// let bnn = Bnn::new(Mlp::new([1, 10, 2]), HeteroscedasticGaussian::new());
/// let fit = bnn.fit(&data, &Advi::mean_field().steps(3_000).learning_rate(0.02).seed(1))?;
/// let noise = fit.predict(&[-0.9, 0.9], 100)?.aleatoric().to_vec();
/// assert!(noise[0] < 0.1 && noise[1] > 0.3, "{noise:?}");
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeteroscedasticGaussian {
    pub(super) least: f64,
}

impl Default for HeteroscedasticGaussian {
    fn default() -> Self {
        HeteroscedasticGaussian::new()
    }
}

impl HeteroscedasticGaussian {
    /// With standard deviations from 0.02 on, which suits targets that are standardised.
    pub fn new() -> HeteroscedasticGaussian {
        HeteroscedasticGaussian { least: 0.02 }
    }

    /// With another least standard deviation; it is not negative.
    #[must_use]
    pub fn least_noise(self, least: f64) -> HeteroscedasticGaussian {
        HeteroscedasticGaussian { least }
    }
}

impl Head for HeteroscedasticGaussian {
    fn likelihood<'g>(&self, p: &Parameters<'_, 'g>, outputs: Var<'g>) -> Likelihood<'g> {
        let [2, _] = outputs.shape()[..] else {
            let (head, expected) = ("HeteroscedasticGaussian", "[2, rows]");
            return Err(HeadError::outputs(head, expected, outputs));
        };
        let sd = soft_scale(p, &self, outputs.row(1), self.least)?;
        Ok(Box::new(distributions::Normal::new(outputs.row(0), sd)))
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

/// The only output of each row, `[rows]`.
fn one_output<'g>(head: &'static str, outputs: Var<'g>) -> Result<Var<'g>, HeadError> {
    match outputs.shape()[..] {
        [1, _] => Ok(outputs.row(0)),
        _ => Err(HeadError::outputs(head, "[1, rows]", outputs)),
    }
}

/// The standard deviations that outputs of about unit scale stand for, `softplus(x / 2 + ln(e - 1)) + least`.
pub(super) fn soft_scale<'g>(
    p: &Parameters<'_, 'g>,
    head: &dyn fmt::Debug,
    outputs: Var<'g>,
    least: f64,
) -> Result<Var<'g>, HeadError> {
    if !(least >= 0.0 && least.is_finite()) {
        let problem = "the least noise must be a finite number that is not negative";
        return Err(p.shown_as(head).problem(problem).into());
    }
    let unit = 1f64.exp_m1().ln();
    Ok((0.5 * outputs + unit).softplus() + least)
}
