//! Some of the features of its input.

use bayes_nn_autodiff::Var;
use bayes_nn_models::saved::{FileError, Place, Value};

use super::layer::Output;
use super::{Layer, Parameters};

/// Some of the features of its input, by their numbers, in the order that is given: `[features, rows]` of
/// an input `[more, rows]`.
///
/// ```
/// use bayes_nn::nn::{Input, Layer, Select};
/// let select = Select::new([0, 3]);
/// assert_eq!(select.output_shape(&[Input::values([5])])?.to_string(), "[2]");
/// let error = select.output_shape(&[Input::values([3])]).unwrap_err();
/// assert!(error.to_string().contains("[more than 3, rows]"));
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Select {
    pub(super) features: Vec<usize>,
}

impl Select {
    /// The features of these numbers, from 0.
    pub fn new(features: impl Into<Vec<usize>>) -> Select {
        Select {
            features: features.into(),
        }
    }
}

impl Layer for Select {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let [x] = p.inputs(inputs)?;
        let Some(last) = self.features.iter().max() else {
            return Err(p.problem("no features are selected; at least one is needed"));
        };
        match x.shape()[..] {
            [features, _] if *last < features => {
                Ok(x.gather(p.graph().index_constant(&self.features), 0))
            }
            _ => Err(p.wrong_input(x, format!("[more than {last}, rows]"))),
        }
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}
