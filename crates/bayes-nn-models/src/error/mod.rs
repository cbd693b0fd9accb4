//! What can go wrong, from data to prediction.

mod from;
mod group;

use bayes_nn_autodiff::{GraphError, Shape};
use bayes_nn_distributions::ParameterError;
use bayes_nn_files::FileError;
use bayes_nn_inference::{Approximation, HandlerError, InferenceError, SiteError};
use bayes_nn_kernels::KernelError;

pub use self::group::GroupError;
use crate::data::DataError;

/// Anything that can go wrong: what was wrong, where, and what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Rows that cannot be chosen from a pool.
    #[error(transparent)]
    Acquisition(#[from] crate::predict::AcquisitionError),
    /// What layers make of rows cannot be had or compared.
    #[error(transparent)]
    Representation(#[from] crate::predict::RepresentationError),
    /// Predictions that cannot be scored.
    #[error(transparent)]
    Score(#[from] crate::scores::ScoreError),
    /// Draws that do not give a diagnostic.
    #[error(transparent)]
    Diagnostics(#[from] bayes_nn_inference::diagnostics::DiagnosticsError),
    /// A store that cannot be written.
    #[cfg(feature = "zarr")]
    #[error(transparent)]
    Export(#[from] crate::inference_data::ExportError),
    /// A fit that cannot be started or continued.
    #[error(transparent)]
    Inference(InferenceError),
    /// A formula whose operands do not fit.
    #[error(transparent)]
    Graph(Box<GraphError>),
    /// A program that cannot be made or run.
    #[error(transparent)]
    Kernel(Box<KernelError>),
    /// A column with another number of rows than those before.
    #[error("column `{column}` has {rows} rows, the columns before it have {expected}")]
    Rows {
        /// The column.
        column: String,
        /// Its rows.
        rows: usize,
        /// Rows of the other columns.
        expected: usize,
    },
    /// A column that the model reads is not among the data.
    #[error(
        "the model reads the column `{column}`, which the data do not have; they have {available}"
    )]
    UnknownColumn {
        /// The column asked for.
        column: String,
        /// The columns there are.
        available: String,
    },
    /// A variable that was asked for is not among the draws.
    #[error("there are no draws of `{name}`; there are {available}")]
    UnknownVariable {
        /// The variable asked for.
        name: String,
        /// The variables there are.
        available: String,
    },
    /// A column is there, but of another kind.
    #[error("`{column}` is {found}; the model reads it as {wanted}")]
    ColumnKind {
        /// The column.
        column: String,
        /// What it is: a column, a matrix or an index.
        found: &'static str,
        /// What the model asked for.
        wanted: &'static str,
    },
    /// A value that is no number, in a column that has no missing values.
    #[error(
        "row {row}, column `{column}`: NaN is not finite; if the value is missing, add the column by `Data::column_with_missing`, and a model that observes it imputes it"
    )]
    UnmarkedMissing {
        /// The column.
        column: String,
        /// The row, from 0.
        row: usize,
    },
    /// Missing values that cannot be imputed where they are.
    #[error("the column `{column}` has missing values {problem}")]
    MissingValues {
        /// The column.
        column: String,
        /// Why not, and what would be right.
        problem: String,
    },
    /// Missing values whose distribution does not let them be variables.
    #[error("`{site}` has missing values, which {distribution} does not impute: {problem}")]
    NotImputed {
        /// The observed variable.
        site: String,
        /// The distribution.
        distribution: &'static str,
        /// Why not, and what would be right.
        problem: &'static str,
    },
    /// A distribution with parameters that it cannot have.
    #[error("`{site}`: {source}")]
    Parameter {
        /// The random variable.
        site: String,
        /// What is wrong with the parameters.
        source: Box<ParameterError>,
    },
    /// Two variables of a model have one name.
    #[error(
        "the name `{name}` is used twice in the model; each variable needs its own (`Trace::scope` puts a prefix before names)"
    )]
    NameTwice {
        /// The name.
        name: String,
    },
    /// [`Trace::options`](crate::model::Trace::options) of a variable that is not declared after.
    #[error("the model has options of `{name}`, and declares no such variable after them")]
    OptionsOfNone {
        /// The name.
        name: String,
    },
    /// A variable of more elements than a model can have.
    #[error("`{site}` has the shape {shape}; a variable can have up to 2^30 elements")]
    SiteSize {
        /// The variable.
        site: String,
        /// Its shape.
        shape: Box<Shape>,
    },
    /// A variable whose prior depends on the rows of a minibatch.
    #[error(
        "the prior of `{site}` depends on the rows of the minibatch, which change at every step; fit it on all rows (without `batch`, on one device), or give it one element for each group and select with `Var::gather`"
    )]
    LocalSite {
        /// The variable.
        site: String,
    },
    /// An index that selects what is not there.
    #[error(
        "`{column}` is {value} in row {row}, and selects from {length}: indices count from 0 and must be below that"
    )]
    IndexRange {
        /// The index column.
        column: String,
        /// The row, from 0.
        row: usize,
        /// The index there.
        value: f64,
        /// How many there are to select from.
        length: usize,
    },
    /// A minibatch of rows that depend on each other.
    #[error(
        "`{site}` does not treat rows one by one: what it says of a row of the minibatch changes with the other rows in it, as a series, a process over rows or a mean of a column does, so it cannot be scaled to all rows; fit it on all rows (without `batch`, on one device)"
    )]
    RowsDepend {
        /// The term of the log density: an observation, a factor or a site.
        site: String,
    },
    /// Importance sampling from draws that come from no guide.
    #[error(
        "these draws were made before and come from no guide; this needs the density that draws come from, as a variational fit has it"
    )]
    NoGuide,
    /// Groups, or named axes of variables, that do not fit.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// A variable that does not fit those of the fit.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// A handler of one's own refused a declaration.
    #[error(transparent)]
    Handler(HandlerError),
    /// An observed value outside its distribution's support.
    #[error(
        "`{site}`, row {row}: {value} cannot come from {distribution}, whose values are {support}"
    )]
    Support {
        /// The observed variable.
        site: String,
        /// The row, from 0.
        row: usize,
        /// The value, or what is wrong with the numbers of one together.
        value: Box<str>,
        /// The distribution.
        distribution: &'static str,
        /// What would be right.
        support: String,
    },
    /// An observation and its distribution have different shapes.
    #[error(
        "`{site}`: a value of shape {shape} is observed under a distribution of shape {distribution}; the distribution must have the shape of the value or stretch to it (`Var::reshape` and `Var::row` drop an axis)"
    )]
    ObservedShape {
        /// The observed variable.
        site: String,
        /// The shape of the value.
        shape: Box<Shape>,
        /// The shape of the distribution.
        distribution: Box<Shape>,
    },
    /// A scale that is no positive number.
    #[error("`Trace::scaled` is given the factor {factor}; it must be finite and above 0")]
    Scale {
        /// The factor.
        factor: f64,
    },
    /// A network that cannot be built or does not fit: the error of a layer or head ([`Error::cause`]).
    #[error(transparent)]
    Network(Box<dyn std::error::Error + Send + Sync>),
    /// Rows as one slice for a network that reads more than one matrix.
    #[error(
        "rows are given as one slice of numbers, the network reads {inputs}; predict from data with these columns"
    )]
    SliceOfRows {
        /// The inputs of the network.
        inputs: String,
    },
    /// Rows of another width than those of the fit.
    #[error("`{column}` has {found} numbers a row; in the data of the fit it has {expected}")]
    RowWidth {
        /// The column or matrix.
        column: String,
        /// Its numbers a row.
        found: usize,
        /// Those in the fit.
        expected: usize,
    },
    /// Predictions of a model that does not observe one variable.
    #[error(
        "the model observes {found}; what is predicted is one variable, which `target` names, and `predictive` has draws of all"
    )]
    OneObserved {
        /// The variables that it observes.
        found: String,
    },
    /// Predictions of a variable that the model does not observe.
    #[error("the model observes no `{name}` to be predicted; it observes {observed}")]
    UnknownTarget {
        /// The name given.
        name: String,
        /// The variables that it observes.
        observed: String,
    },
    /// Targets of a variable that is not observed as a column of the data.
    #[error(
        "`{site}` is computed from the data, and is no column of them; `log_likelihood` has its log densities"
    )]
    NoTarget {
        /// The observed variable.
        site: String,
    },
    /// Rows to score, without what was observed of them.
    #[error("the rows have no column `{column}`, which the predictions are to be scored against")]
    NoTargets {
        /// The column that is missing.
        column: String,
    },
    /// Targets for other rows than those predicted.
    #[error("{rows} rows were predicted and there are {targets} targets; each row needs one")]
    Targets {
        /// Rows of the prediction.
        rows: usize,
        /// Targets given.
        targets: usize,
    },
    /// New rows of what is one draw over all rows.
    #[error(
        "`{site}` is one draw of {distribution} over all rows: on new rows it would be a new draw, whatever the rows of the fit say; there are no forecasts yet, so look at it on the data of the fit, or write the rows to forecast into the model as a variable"
    )]
    NewRowsOfAnEvent {
        /// The observed variable.
        site: String,
        /// Its distribution.
        distribution: &'static str,
    },
    /// A variable that is not observed by [`Trace::observe`](crate::model::Trace::observe).
    #[error(
        "`{name}` is not observed, so there is no log density of its values one by one; {observed} (a `factor` is one number and has none)"
    )]
    NotObserved {
        /// The variable asked for.
        name: String,
        /// Those that are, in words.
        observed: String,
    },
    /// A variable that is observed as a function of others, and so was not seen in the data.
    #[error(
        "what is observed of `{name}` depends on variables of the model, so there is nothing to compare its draws with"
    )]
    NotReplicated {
        /// The variable.
        name: String,
    },
    /// Values of which only several together have a log density.
    #[error(
        "`{name}` has {values} values and {densities} log densities; only a value with a log density of its own can be left out"
    )]
    NotPointwise {
        /// The variable.
        name: String,
        /// Values that were observed.
        values: usize,
        /// Log densities that they have.
        densities: usize,
    },
    /// Rows of several numbers as one slice.
    #[error(
        "a slice of {len} numbers does not say how wide its rows are, and the model reads rows of {features}; hand in a data set, data by name, or rows as arrays of {features} numbers"
    )]
    FlatRows {
        /// The number of values.
        len: usize,
        /// Numbers in a row.
        features: usize,
    },
    /// Rows, or targets of held-out rows, that were not standardised as those of the fit.
    #[error(
        "the {what} are {found}, those of the fit are {expected}; scale them by the constants of the training set: {remedy} gives them, or split after standardising"
    )]
    OtherScale {
        /// Which rows.
        what: &'static str,
        /// How they are scaled.
        found: &'static str,
        /// How those of the fit are.
        expected: &'static str,
        /// How they are scaled alike.
        remedy: &'static str,
    },
    /// A value to predict at that is not finite.
    #[error("row {row}, feature {feature}: {value} is not finite")]
    NotFiniteFeature {
        /// The row, from 0.
        row: usize,
        /// The feature, from 0.
        feature: usize,
        /// The value.
        value: f64,
    },
    /// A request for too few draws, or for an interval that is none.
    #[error("`{field}` is {value}; it must be {allowed}")]
    Request {
        /// The argument.
        field: &'static str,
        /// The value given.
        value: String,
        /// What would be right.
        allowed: &'static str,
    },
    /// A result that is not finite.
    #[error("what draw {draw} gives for `{name}` is not finite: {value} at element {element}")]
    NotFiniteDraw {
        /// The variable.
        name: String,
        /// The draw, from 0.
        draw: usize,
        /// The element, in row-major order.
        element: usize,
        /// The value.
        value: f64,
    },
    /// A prediction that is not finite.
    #[error(
        "the prediction of row {row} is not finite: the outputs of the network overflow there; look at the size of its features, or predict in double precision"
    )]
    NotFinitePrediction {
        /// The row, from 0.
        row: usize,
    },
    /// A fit and chains that are to be compared, but are of different posteriors.
    #[error(
        "the fit and the chains are not of one posterior: at the first draw of the chains the log density is {fitted} by the model and data of the fit, and {sampled} by those of the chains"
    )]
    OtherPosterior {
        /// By the model and the data of the fit.
        fitted: f64,
        /// By those of the chains.
        sampled: f64,
    },
    /// A file of a fit that cannot be written or read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Something that needs the data of a fit that was loaded without them.
    #[error(
        "`{what}` needs the data of the fit, which a file of it does not have: `model::load_with_data` \
         takes them"
    )]
    NotSaved {
        /// The column, or the variable that depends on one.
        what: String,
    },
    /// Training that was to go on with other data than those of the fit.
    #[error(
        "the training goes on with the data of the fit, which {problem}; on other data begin at the fit, by \
         `Advi::warm_start`"
    )]
    OtherData {
        /// What differs.
        problem: String,
    },
    /// A variable that is another one in a file than in the model that is to take it up.
    #[error("variable {number} of the model is {expected}, in the file it is {found}")]
    OtherSite {
        /// Its place among the variables, from 0.
        number: usize,
        /// What the model declares.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// The fitted guide does not belong to the model.
    #[error("the approximation is of {found}, the model has {expected}")]
    OtherModel {
        /// The sites of the approximation.
        found: String,
        /// The sites of the model.
        expected: String,
    },
}

/// Names for a message: `` `a`, `b` ``, or `none`.
pub(crate) fn listed<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let quoted = |name: S| format!("`{}`", name.as_ref());
    let names: Vec<String> = names.into_iter().map(quoted).collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}

impl Error {
    /// The last good state of a fit that met a number that is not finite, for `Posterior::new`.
    pub fn last_good(&self) -> Option<&Approximation> {
        match self {
            Error::Inference(error) => error.last_good(),
            _ => None,
        }
    }

    /// What a layer, a head or a handler of one's own reported, in its own type.
    ///
    /// ```
    /// use bayes_nn::{nn, prelude::*};
    /// let data = datasets::moons(20, 0.2, 0)?;
    /// let error = Bnn::new(Mlp::new([2, 4]), Bernoulli).parameters(&data).unwrap_err();
    /// assert!(matches!(error.cause(), Some(nn::HeadError::Outputs { .. })));
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn cause<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match self {
            Error::Network(error) | Error::Handler(error) => error.downcast_ref(),
            _ => None,
        }
    }
}
