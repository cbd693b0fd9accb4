//! Vectors for the levels of a category.

use bayes_nn_autodiff::{Kind, Var};
use bayes_nn_models::saved::{FileError, Place, Value};

use super::layer::Output;
use super::{Layer, Parameters};

/// A vector for each of several levels, looked up by an index: `table [width, levels]`, of which
/// an index selects a column.
///
/// The input is an index, `[rows]`, from 0; the output is `[width, rows]`. An index that is no
/// level is an error of the fit or prediction, which names its row.
///
/// ```
/// use bayes_nn::nn::{Concat, Dense, Embedding, Input, Layer, Network};
/// let embedding = Embedding::new(85, 4);
/// assert_eq!(embedding.output_shape(&[Input::index()])?.to_string(), "[4]");
/// let network = Network::new()
///     .input("x", [3])
///     .index_input("store")
///     .add("embedding", embedding, ["store"])
///     .add("both", Concat, ["x", "embedding"])
///     .add("out", Dense::new(1), ["both"]);
/// let inputs = network.input_shapes().expect("both are known");
/// assert_eq!(network.parameters(&inputs)?[0].shape.to_string(), "[4, 85]");
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Embedding {
    pub(super) levels: usize,
    pub(super) width: usize,
}

impl Embedding {
    /// So many levels, each with a vector of `width` numbers.
    pub fn new(levels: usize, width: usize) -> Embedding {
        Embedding { levels, width }
    }
}

impl Layer for Embedding {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let [index] = p.inputs(inputs)?;
        if index.kind() != Kind::Index {
            return Err(p.wrong_input(index, "indices [rows]"));
        }
        let table = p.get("table", [self.width, self.levels], 1)?;
        Ok(table.gather(index, 1))
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}
