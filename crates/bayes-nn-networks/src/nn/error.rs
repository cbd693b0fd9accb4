//! What can be wrong with a network.

use bayes_nn_autodiff::{GraphError, Shape, Var};
use bayes_nn_inference::SiteSupport;
use bayes_nn_models::Error;

use super::Input;

/// A layer that cannot take what it is given, or a network that cannot be built: which layer,
/// what it got, and what would be right. Shapes are batch last.
///
/// ```
/// use bayes_nn::nn::{Dense, Input, Layer, LayerError};
/// let error = Dense::new(3).inputs(5).output_shape(&[Input::values([4])]).unwrap_err();
/// assert!(matches!(error, LayerError::Input { .. }));
/// assert!(error.to_string().ends_with("is given [4, rows]; it takes [5, rows]"));
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// An input of another shape or kind than the layer takes.
    #[error("{layer} is given {found}; it takes {expected}")]
    Input {
        /// The layer.
        layer: String,
        /// What it is given for each row.
        found: Input,
        /// The shape that it takes, in words where several would do.
        expected: String,
    },
    /// Another number of inputs than the layer takes.
    #[error("{layer} is given {found} inputs; it takes {expected}")]
    Inputs {
        /// The layer.
        layer: String,
        /// How many inputs it is given.
        found: usize,
        /// How many it takes, in words.
        expected: String,
    },
    /// Inputs of which the last axes, those of the rows, do not agree.
    #[error(
        "{layer} is given inputs of the shapes {found}; the last axis of each must be the same rows"
    )]
    Rows {
        /// The layer.
        layer: String,
        /// The shapes.
        found: String,
    },
    /// An output that does not have the rows of the inputs.
    #[error(
        "{layer} gives an output of the shape {found} for {rows} rows; its last axis must be these rows"
    )]
    Output {
        /// The layer.
        layer: String,
        /// The shape of the output.
        found: Box<Shape>,
        /// The number of rows.
        rows: usize,
    },
    /// A formula of a layer whose operands do not fit.
    #[error("{layer}: {source}")]
    Formula {
        /// The layer.
        layer: String,
        /// The operator, its line, and what does not fit.
        source: Box<GraphError>,
    },
    /// What a layer of one's own says by [`Parameters::problem`](super::Parameters::problem).
    #[error("{layer}: {problem}")]
    Problem {
        /// The layer.
        layer: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A parameter without elements.
    #[error(
        "the parameter `{parameter}` has the shape {shape}; every axis needs at least one element"
    )]
    EmptyParameter {
        /// The parameter.
        parameter: String,
        /// Its shape.
        shape: Box<Shape>,
    },
    /// A parameter that is asked for in two shapes.
    #[error(
        "the parameter `{parameter}` has the shape {first} and is asked for once more with the shape {second}; one name is one parameter"
    )]
    ParameterShape {
        /// The parameter.
        parameter: String,
        /// Its shape at first.
        first: Box<Shape>,
        /// The other one.
        second: Box<Shape>,
    },
    /// A prior that declares something else than the parameter.
    #[error(
        "the prior of `{parameter}` declares a value of the shape {found}; the parameter has {expected}"
    )]
    PriorShape {
        /// The parameter.
        parameter: String,
        /// The shape of what was declared.
        found: Box<Shape>,
        /// The shape of the parameter.
        expected: Box<Shape>,
    },
    /// A layer that has no parameters by group in a network that says so of all layers.
    #[error(
        "{layer} has no form by group for its parameter `{parameter}`; dense layers have: name those that differ by `Hierarchical::only`"
    )]
    NotByGroup {
        /// The layer.
        layer: String,
        /// The parameter.
        parameter: String,
    },
    /// A prior of the scale by which groups differ that is no prior of positive numbers.
    #[error(
        "the prior of `{parameter}`, by which groups differ, has the support {support}, and a scale is positive; take a prior such as `HalfNormal`, which is a normal one cut at 0"
    )]
    GroupScale {
        /// The scale.
        parameter: String,
        /// The support of its prior.
        support: Box<SiteSupport>,
    },
    /// Data without the dimension by which a network differs.
    #[error(
        "the data have no dimension `{groups}`, by which the network differs: `Data::groups` makes it of a column of words"
    )]
    NoGroups {
        /// The dimension.
        groups: String,
    },
    /// A parameter of which something is said, and which the network does not have.
    #[error("there is no parameter `{key}` to {wanted}; the network has {available}")]
    UnknownParameter {
        /// The name given.
        key: String,
        /// What is wanted of it, in words.
        wanted: &'static str,
        /// The parameters there are.
        available: String,
    },
    /// A parameter that is to be estimated as a point, of which the prior declares other variables
    /// instead.
    #[error(
        "`{parameter}` is to be estimated as a point, but its prior makes it of other variables; give it a prior that declares the parameter itself"
    )]
    PointOfOthers {
        /// The parameter.
        parameter: String,
    },
    /// A prior with scales of inputs or units, of a parameter that has none.
    #[error(
        "`{parameter}` of the shape {shape} has no axis of inputs and none of units that could have scales of their own; say `each(Each::Weight)`, or give it another prior by `prior_for`"
    )]
    NoScales {
        /// The parameter.
        parameter: String,
        /// Its shape.
        shape: Box<Shape>,
    },
    /// A setting of a prior outside its range.
    #[error("`{setting}` of the prior of `{parameter}` is {value}; it must be {expected}")]
    PriorSetting {
        /// The parameter.
        parameter: String,
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        expected: &'static str,
    },
    /// Weights of a fit that cannot be looked at or removed.
    #[error("`{parameter}` {problem}")]
    Weights {
        /// The name given.
        parameter: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A guide whose normals depend on each other.
    #[error(
        "the guide is of the family {family}; weights and units are removed from independent normals or from draws alone: fit by `Advi::mean_field()`, or `take` some draws"
    )]
    Correlated {
        /// The family.
        family: String,
    },
    /// A network that is to lose units and is no chain of layers.
    #[error(
        "the network is no chain of layers from one input of a known shape to its output without groups; units are removed from a chain alone, such as an `Mlp` or a `Sequential`"
    )]
    NoChain,
    /// A network without layers.
    #[error("the network has no layers; at least one is needed")]
    NoLayers,
    /// Widths between which there is no layer.
    #[error("the widths {widths:?} make no layer; at least features and outputs are needed")]
    Widths {
        /// The widths given.
        widths: Vec<usize>,
    },
    /// A name that means two things in a network.
    #[error("the network has two parts named `{name}`; each input and layer needs its own name")]
    NameTwice {
        /// The name.
        name: String,
    },
    /// A name that cannot be part of the name of a parameter.
    #[error("`{name}` cannot name a part of a network: a name is not empty and has no dot")]
    Name {
        /// The name given.
        name: String,
    },
    /// A name that no input or layer has, or none before the layer that reads it.
    #[error("the network has no part named `{name}` before {reader}; it has {available}")]
    UnknownName {
        /// The name asked for.
        name: String,
        /// Who asks.
        reader: String,
        /// The inputs and layers there are.
        available: String,
    },
}

impl From<LayerError> for Error {
    fn from(error: LayerError) -> Error {
        Error::Network(Box::new(error))
    }
}

/// A head that cannot say what the outputs of a network mean.
///
/// ```
/// use bayes_nn::prelude::*;
/// let data = datasets::moons(20, 0.2, 0)?;
/// let error = Bnn::new(Mlp::new([2, 4]), Bernoulli).parameters(&data).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the likelihood Bernoulli takes outputs [1, rows], the network gives [4, rows]",
/// );
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// Outputs of another shape than the head takes.
    #[error("the likelihood {head} takes outputs {expected}, the network gives {found}")]
    Outputs {
        /// The head.
        head: &'static str,
        /// The shape that it takes, in words where several would do.
        expected: &'static str,
        /// The outputs for each row.
        found: Input,
    },
    /// Outputs of another number than several heads read together.
    #[error(
        "the network gives outputs {found}; its targets read {targets}, and outputs [n, rows] must be read by all of them together"
    )]
    Targets {
        /// What each target reads, in words.
        targets: String,
        /// The outputs for each row.
        found: Input,
    },
    /// A prior of a standard deviation that is no prior of positive numbers.
    #[error(
        "the prior of the noise's standard deviation `{parameter}` has the support {support}, and a standard deviation is positive; take a prior such as `HalfNormal`, which is a normal one cut at 0"
    )]
    Scale {
        /// The parameter of the head.
        parameter: &'static str,
        /// The support of its prior.
        support: Box<SiteSupport>,
    },
    /// A parameter of the head.
    #[error(transparent)]
    Parameter(#[from] LayerError),
}

impl HeadError {
    /// Outputs of another shape than a head takes; `expected` is that shape, in words where
    /// several would do.
    pub fn outputs(head: &'static str, expected: &'static str, found: Var<'_>) -> HeadError {
        HeadError::Outputs {
            head,
            expected,
            found: Input::of(found),
        }
    }
}

impl From<HeadError> for Error {
    fn from(error: HeadError) -> Error {
        Error::Network(Box::new(error))
    }
}

/// A posterior that cannot be the prior that is asked for.
///
/// ```
/// use bayes_nn::nn::{IntoPrior, Widening};
/// use bayes_nn::prelude::*;
/// let data = datasets::moons(20, 0.2, 0)?;
/// let fit = Bnn::new(Mlp::new([2, 5, 1]), Bernoulli).fit(&data, &Advi::mean_field().steps(10))?;
/// let wider = Mlp::new([2, 8, 1]).prior(fit.into_prior(Widening::Learned)?);
/// let error = Bnn::new(wider, Bernoulli).fit(&data, &Advi::mean_field()).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the prior of `layer0.weight` is the posterior of a variable of the shape [2, 5]; the \
///      parameter has [2, 8]",
/// );
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InformedError {
    /// A widening that is none.
    #[error("a prior cannot be widened by {factor}; it must be a finite number above 0")]
    Widening {
        /// The number given.
        factor: f64,
    },
    /// A name that no variable of the earlier fit has.
    #[error(
        "the earlier fit has no `{name}`, only {available}; say what the prior of others is by `InformedPrior::otherwise`, or how a variable is called now by `InformedPrior::renamed`"
    )]
    Unknown {
        /// The variable or layer.
        name: String,
        /// The variables there are.
        available: String,
    },
    /// A new name that another variable has.
    #[error("the prior would have two variables `{name}`; each needs its own name")]
    NameTwice {
        /// The name.
        name: String,
    },
    /// A parameter of another shape than in the earlier fit.
    #[error(
        "the prior of `{site}` is the posterior of a variable of the shape {found}; the parameter has {expected}"
    )]
    Shape {
        /// The variable.
        site: String,
        /// Its shape in the earlier fit.
        found: Box<Shape>,
        /// The shape of the parameter.
        expected: Box<Shape>,
    },
    /// A variable that is neither a number nor a positive one.
    #[error(
        "`{site}` has the support {support}; posteriors of numbers and of positive numbers can be priors: leave it out by `InformedPrior::only`"
    )]
    Support {
        /// The variable.
        site: String,
        /// Its support.
        support: Box<SiteSupport>,
    },
    /// A variable over names, of which new data may have others.
    #[error(
        "`{site}` is over a named dimension, whose names new data need not have; what their posterior says of new ones is in the variables above them: leave it out by `InformedPrior::only`"
    )]
    Named {
        /// The variable.
        site: String,
    },
}

impl From<InformedError> for Error {
    fn from(error: InformedError) -> Error {
        Error::Network(Box::new(error))
    }
}
