//! Layers that make one value of several.

use bayes_nn_autodiff::{Var, concat};
use bayes_nn_models::saved::{FileError, Place, Value};

use super::layer::Output;
use super::{Input, Layer, LayerError, Parameters};

/// The sum of inputs of one shape: what goes around a layer is added to what went through it.
///
/// ```
/// use bayes_nn::nn::{Input, Layer, Sum};
/// let same = [Input::values([3]), Input::values([3])];
/// assert_eq!(Sum.output_shape(&same)?.to_string(), "[3]");
/// let error = Sum.output_shape(&[Input::values([3]), Input::values([1])]).unwrap_err();
/// assert_eq!(error.to_string(), "Sum is given [1, rows]; it takes [3, rows]");
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum;

impl Layer for Sum {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let (first, rest) = at_least_one(p, inputs)?;
        rest.iter()
            .try_fold(*first, |sum, x| match x.shape() == first.shape() {
                true => Ok(sum + *x),
                false => Err(p.wrong_input(*x, Input::of(*first).to_string())),
            })
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

/// The inputs one after the other along their first axis, that of features or channels.
///
/// ```
/// use bayes_nn::nn::{Concat, Input, Layer};
/// let inputs = [Input::values([2, 5, 5]), Input::values([3, 5, 5])];
/// assert_eq!(Concat.output_shape(&inputs)?.to_string(), "[5, 5, 5]");
/// let error = Concat.output_shape(&[Input::values([2]), Input::values([3, 4])]).unwrap_err();
/// assert_eq!(error.to_string(), "Concat is given [3, 4, rows]; it takes [any, rows]");
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Concat;

impl Layer for Concat {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let (first, rest) = at_least_one(p, inputs)?;
        let shape = first.shape();
        if shape.rank() < 2 {
            return Err(p.wrong_input(*first, "[any, .., rows]"));
        }
        let fits = |x: &&Var<'g>| {
            let own = x.shape();
            own.rank() == shape.rank() && own.with(0, 1) == shape.with(0, 1)
        };
        match rest.iter().find(|x| !fits(x)) {
            None => Ok(concat(inputs, 0)),
            Some(x) => {
                let axes = shape[1..shape.rank() - 1].iter();
                let axes: String = axes.map(|length| format!("{length}, ")).collect();
                Err(p.wrong_input(*x, format!("[any, {axes}rows]")))
            }
        }
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

fn at_least_one<'a, 'g>(
    p: &Parameters<'_, 'g>,
    inputs: &'a [Var<'g>],
) -> Result<(&'a Var<'g>, &'a [Var<'g>]), LayerError> {
    inputs
        .split_first()
        .ok_or_else(|| p.problem("there are no inputs; it takes one or more"))
}
