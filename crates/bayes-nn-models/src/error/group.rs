//! What can be wrong with groups and with named axes of variables.

use bayes_nn_autodiff::Shape;
use bayes_nn_inference::DimensionError;

/// Names of groups that do not fit: what was wrong, where, and what would be right.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// A dimension that cannot be.
    #[error(transparent)]
    Dimension(#[from] DimensionError),
    /// A dimension that the data do not have.
    #[error(
        "{what} is over the dimension `{dimension}`, which the data do not have; they have {available} (`Data::groups` and `Data::with_dimension` add one)"
    )]
    UnknownDimension {
        /// The variable, or the column.
        what: String,
        /// The dimension asked for.
        dimension: String,
        /// The dimensions there are.
        available: String,
    },
    /// A dimension with other names than it has already.
    #[error(
        "the dimension `{dimension}` has {known} names already, and is given {found} that are not the same in the same order; a second column of its names is added by `Data::groups_of`"
    )]
    DimensionTwice {
        /// The dimension.
        dimension: String,
        /// Its names.
        known: usize,
        /// The names given.
        found: usize,
    },
    /// A word that is no place of a dimension.
    #[error(
        "row {row}, column `{column}`: `{name}` is no place of the dimension `{dimension}`, which has {available}"
    )]
    UnknownName {
        /// The row, from 0.
        row: usize,
        /// The column.
        column: String,
        /// The word.
        name: String,
        /// The dimension.
        dimension: String,
        /// The names of its places.
        available: String,
    },
    /// A variable two axes of which are one dimension.
    #[error(
        "two axes of `{site}` are `{dimension}`; an axis that counts the same again needs a dimension with a name of its own"
    )]
    SameAxes {
        /// The variable.
        site: String,
        /// The dimension.
        dimension: String,
    },
    /// A variable in another shape than its dimensions.
    #[error(
        "`{site}` is over {dimensions}, and has the shape {shape}; axes must be as long as their dimensions, and parameters of a distribution may lack the first of them"
    )]
    Axes {
        /// The variable.
        site: String,
        /// The dimensions with their lengths.
        dimensions: String,
        /// The shape of the value, of the event, or of what is repeated.
        shape: Box<Shape>,
    },
    /// A value that is selected by the names of another dimension than it is over.
    #[error(
        "`{site}` is over `{dimension}`, and is selected from by `{column}`, whose names are of `{found}`"
    )]
    SelectedByOther {
        /// The variable.
        site: String,
        /// Its dimension.
        dimension: String,
        /// The column.
        column: String,
        /// The dimension of the column.
        found: String,
    },
    /// An index that has names in one of two data sets and not in the other, or those of another dimension.
    #[error(
        "the index `{column}` has {found}, and in the data of the fit {fitted}: groups would be taken for others; make the column in the same way (`Data::groups`)"
    )]
    OtherGroups {
        /// The column.
        column: String,
        /// What it has.
        found: String,
        /// What it has in the data of the fit.
        fitted: String,
    },
    /// A new name of a dimension along which the numbers of one draw lie.
    #[error(
        "the data have a new name along the axes of one draw of {distribution} for `{site}`: its numbers depend on each other, so there is none that could be drawn from the prior by itself"
    )]
    NewNameOfEvent {
        /// The variable.
        site: String,
        /// Its distribution.
        distribution: &'static str,
    },
    /// New names where nothing can be drawn for them.
    #[error(
        "{names} of `{dimension}` are not among the names of the data of the fit, and {what} draws nothing for them; give both the same dimension first, by `Data::with_dimension`"
    )]
    NewNames {
        /// The names.
        names: String,
        /// Their dimension.
        dimension: String,
        /// What would have to.
        what: &'static str,
    },
    /// Names of an element of a variable whose axes have none, or not as many.
    #[error(
        "`{variable}` is asked for an element by {given} names; each axis needs one, and must have names (its first element is `{example}`)"
    )]
    NamesOfAxes {
        /// The variable.
        variable: String,
        /// The names given.
        given: usize,
        /// The first element.
        example: String,
    },
    /// A name that no place of a variable has.
    #[error("`{variable}` has no place `{name}` along `{dimension}`, which has {available}")]
    NoSuchPlace {
        /// The variable.
        variable: String,
        /// The name asked for.
        name: String,
        /// The dimension.
        dimension: String,
        /// Its names.
        available: String,
    },
}
