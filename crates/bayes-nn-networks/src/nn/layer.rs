//! What a layer is: one function of rows, from which its parameters and its output's shape are
//! found by writing it once.

use std::fmt;
use std::sync::Arc;

use bayes_nn_autodiff::{Kind, Shape, Var};
use bayes_nn_models::model::{Data, Trace, probe};
use bayes_nn_models::saved::{FileError, Place, Value};

use super::saved::unsaved;
use super::{LayerError, ParameterInfo, Parameters, Point};

/// What a layer writes.
pub(super) type Output<'g> = Result<Var<'g>, LayerError>;

/// The rows of a run that is recorded for its shapes.
const RECORDED: usize = 2;

/// A part of a network: a function of rows with parameters.
///
/// A value has the shape `[..row, rows]`: the axes of a row first, the rows last, as
/// `[features, rows]` or `[channels, height, width, rows]`. Indices are `[rows]`.
///
/// [`Layer::forward`] is all that a layer is. Its parameters and the shape of its output are found
/// by running it on two rows.
///
/// ```
/// use bayes_nn::Var;
/// use bayes_nn::nn::{Input, Layer, LayerError, Parameters};
///
/// /// Each feature times a number of its own.
/// #[derive(Clone, Copy, Debug)]
/// struct Scale;
///
/// impl Layer for Scale {
///     fn forward<'g>(
///         &self,
///         p: &Parameters<'_, 'g>,
///         inputs: &[Var<'g>],
///     ) -> Result<Var<'g>, LayerError> {
///         let [x] = p.inputs(inputs)?;
///         let features = x.shape()[0];
///         Ok(p.get("scale", [features, 1], 1)? * x)
///     }
/// }
///
/// let inputs = [Input::values([7])];
/// assert_eq!(Scale.output_shape(&inputs)?.to_string(), "[7]");
/// assert_eq!(Scale.parameters(&inputs)?[0].shape.to_string(), "[7, 1]");
/// # Ok::<(), LayerError>(())
/// ```
pub trait Layer: fmt::Debug + Send + Sync {
    /// Writes the layer: its output `[..row, rows]` for `inputs`, which have the same rows.
    /// Parameters come from `p`, a run of the network.
    ///
    /// # Errors
    /// Inputs that the layer cannot take ([`Parameters::inputs`], [`Parameters::wrong_input`]).
    fn forward<'g>(
        &self,
        p: &Parameters<'_, 'g>,
        inputs: &[Var<'g>],
    ) -> Result<Var<'g>, LayerError>;

    /// The shape of a row of the output, for such inputs.
    ///
    /// ```
    /// use bayes_nn::nn::{Dense, Input, Layer};
    /// assert_eq!(Dense::new(3).output_shape(&[Input::values([5])])?.to_string(), "[3]");
    /// # Ok::<(), bayes_nn::nn::LayerError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Layer::forward`].
    fn output_shape(&self, inputs: &[Input]) -> Result<Shape, LayerError> {
        Ok(record(self, inputs)?.0)
    }

    /// The parameters in the order in which they are declared, for such inputs.
    ///
    /// ```
    /// use bayes_nn::nn::{Dense, Input, Layer};
    /// let parameters = Dense::new(3).parameters(&[Input::values([5])])?;
    /// let weight = &parameters[0];
    /// assert_eq!((weight.name.as_str(), weight.shape.to_string()), ("weight", "[5, 3]".into()));
    /// assert_eq!((weight.fan_in, weight.fan_out), (5, 3));
    /// # Ok::<(), bayes_nn::nn::LayerError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Layer::forward`].
    fn parameters(&self, inputs: &[Input]) -> Result<Vec<ParameterInfo>, LayerError> {
        Ok(record(self, inputs)?.1)
    }

    /// The same layer, whose parameters are estimated as points: a guide has no spread in them, so
    /// that the layers around may be Bayesian where these are not. Their priors count as before, as
    /// a penalty. Methods that draw everything, such as NUTS, draw them too.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// // Bayesian in the last layer alone.
    /// let net = Sequential::new()
    ///     .layer(Dense::new(50).point())
    ///     .layer(Relu)
    ///     .layer(Dense::new(1));
    /// let data = Data::new().matrix("x", &[1.0, 2.0, 3.0, 4.0], 2)?;
    /// let parameters = Bnn::new(net, Gaussian::new()).parameters(&data)?;
    /// let points: Vec<bool> = parameters.iter().map(|p| p.point).collect();
    /// assert_eq!(points, [true, true, false, false, false]);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    fn point(self) -> Point<Self>
    where
        Self: Sized,
    {
        Point::new(self)
    }

    /// What a file says of the layer: an object with its `kind`, and whatever makes it again where the
    /// file is read. A layer of one's own is [registered](super::Registry::layer) there.
    ///
    /// ```
    /// use bayes_nn::{Var, prelude::*};
    /// use bayes_nn::nn::{LayerError, Parameters, Registry};
    /// use bayes_nn::saved::{FileError, Place, Value};
    ///
    /// /// A power of every element.
    /// #[derive(Clone, Copy, Debug)]
    /// struct Power(u32);
    ///
    /// impl Layer for Power {
    ///     fn forward<'g>(
    ///         &self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>],
    ///     ) -> Result<Var<'g>, LayerError> {
    ///         let [x] = p.inputs(inputs)?;
    ///         Ok((1..self.0).fold(x, |product, _| product * x))
    ///     }
    ///
    ///     fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
    ///         let object = place.object().put("kind", &"power".to_owned());
    ///         Ok(object.put("exponent", &self.0).value())
    ///     }
    /// }
    ///
    /// let data = datasets::moons(40, 0.2, 0)?.standardized();
    /// let net = Sequential::new().layer(Dense::new(3)).layer(Power(2)).layer(Dense::new(1));
    /// let fit = Bnn::new(net, Bernoulli).fit(&data, &Advi::mean_field().steps(50))?;
    /// # let path = std::env::temp_dir().join(format!("bayes-nn-power-{}.bnn", std::process::id()));
    /// fit.save(&path)?;
    ///
    /// let registry = Registry::new().layer("power", |node| Ok(Power(node.get("exponent")?)));
    /// let again = Bnn::load_with(&registry, &path)?;
    /// # std::fs::remove_file(&path).unwrap();
    /// assert_eq!(again.predict(&data, 20)?.mean(), fit.predict(&data, 20)?.mean());
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError::Unsaved`] of a layer that does not say, which names it.
    fn describe(&self, _: &Place<'_>) -> Result<Value, FileError> {
        Err(unsaved("layer", &self))
    }

    /// The same layer with so many outputs, if outputs can be taken out of it one by one: of a dense layer
    /// one that is narrower, of one that treats features one by one itself. By it
    /// [`Sparse::compact`](super::Sparse::compact) makes networks smaller.
    ///
    /// ```
    /// use bayes_nn::nn::{Dense, Flatten, Input, Layer};
    /// let few = Dense::new(100).with_outputs(7).unwrap();
    /// assert_eq!(few.output_shape(&[Input::values([3])])?.to_string(), "[7]");
    /// assert!(Flatten.with_outputs(7).is_none());
    /// # Ok::<(), bayes_nn::nn::LayerError>(())
    /// ```
    fn with_outputs(&self, _: usize) -> Option<Arc<dyn Layer>> {
        None
    }

    /// The output for `inputs` inside a model as a function. As with everything on a trace, an
    /// error is kept and returned by whatever runs the model.
    ///
    /// ```
    /// use bayes_nn::distributions::{Normal, Poisson};
    /// use bayes_nn::model::{self, Batch, Data, Trace};
    /// use bayes_nn::nn::{Layer, Mlp};
    ///
    /// fn counts<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    ///     let log_rate = Mlp::new([1, 4, 1]).outputs(trace, &[data.matrix("x")]).row(0);
    ///     trace.observe("y", Poisson::new(log_rate.exp()), data.column("y"));
    /// }
    ///
    /// let data = Data::new().matrix("x", &[0.0, 1.0], 1)?.column("y", &[3.0, 1.0])?;
    /// assert_eq!(model::prior_predictive(&counts, &data, 10, 0)?.variables().len(), 5);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    fn outputs<'g>(&self, trace: &Trace<'g>, inputs: &[Var<'g>]) -> Var<'g> {
        let output = Parameters::new(trace).write(self, inputs);
        output.unwrap_or_else(|error| {
            let rows = inputs.first().map_or(1, |x| x.shape().columns());
            trace.refuse(error, [1, rows])
        })
    }
}

/// A layer that is shared.
impl Layer for Arc<dyn Layer> {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        (**self).forward(p, inputs)
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        (**self).describe(place)
    }

    fn with_outputs(&self, outputs: usize) -> Option<Arc<dyn Layer>> {
        (**self).with_outputs(outputs)
    }
}

/// Writes a layer into a graph of its own, where parameters have no values: the shape of a row of
/// its output, and its parameters.
fn record<L: Layer + ?Sized>(
    layer: &L,
    inputs: &[Input],
) -> Result<(Shape, Vec<ParameterInfo>), LayerError> {
    probe(&Data::new(), |trace, _| {
        let parameters = Parameters::new(trace);
        let p = parameters.shown_as(&layer);
        let inputs = inputs.iter().map(|input| input.place(&p));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let output = p.write(layer, &inputs)?;
        Ok((Input::of(output).row, p.declared()))
    })
}

/// What a layer is given for each row: numbers of some shape, or an index.
///
/// ```
/// use bayes_nn::nn::Input;
/// assert_eq!(Input::values([1, 28, 28]).to_string(), "[1, 28, 28, rows]");
/// assert_eq!(Input::index().to_string(), "indices [rows]");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// The shape of a row; `[]` for an index.
    pub row: Shape,
    /// Real numbers, or whole numbers that select.
    pub kind: Kind,
}

impl Input {
    /// Real numbers, `[..row, rows]`.
    pub fn values(row: impl Into<Shape>) -> Input {
        Input {
            row: row.into(),
            kind: Kind::Float,
        }
    }

    /// An index, `[rows]`, for [`Var::gather`].
    pub fn index() -> Input {
        Input {
            row: Shape::SCALAR,
            kind: Kind::Index,
        }
    }

    /// What a value with its rows last is.
    pub(crate) fn of(value: Var<'_>) -> Input {
        let shape = value.shape();
        let row = shape.without(shape.rank().saturating_sub(1), shape.rank());
        let kind = value.kind();
        Input { row, kind }
    }

    /// The shape of so many rows; `None` where it would have more axes than a shape can.
    pub(crate) fn of_rows(row: Shape, rows: usize) -> Option<Shape> {
        Shape::try_new(&[&row[..], &[rows]].concat())
    }

    fn place<'g>(&self, p: &Parameters<'_, 'g>) -> Result<Var<'g>, LayerError> {
        match (self.kind, Input::of_rows(self.row, RECORDED)) {
            (Kind::Float, Some(shape)) => Ok(p.graph().input("input", shape)),
            (Kind::Index, Some(shape)) => Ok(p.graph().index_input("input", shape)),
            (_, None) => Err(p.problem("a row of an input has at most five axes")),
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == Kind::Index {
            f.write_str("indices ")?;
        }
        f.write_str("[")?;
        for length in self.row.iter() {
            write!(f, "{length}, ")?;
        }
        f.write_str("rows]")
    }
}

/// A layer that is a function; `name` is what errors call it.
///
/// ```
/// use bayes_nn::nn::{Dense, Input, Layer, Sequential, layer};
/// let flatten = layer::from_fn("flatten", |p, inputs| {
///     let [x] = p.inputs(inputs)?;
///     let rows = x.shape().columns();
///     Ok(x.reshape([x.shape().rows(), rows]))
/// });
/// let network = Sequential::new().layer(flatten).layer(Dense::new(10));
/// let parameters = network.parameters(&[Input::values([1, 28, 28])])?;
/// assert_eq!(parameters[0].shape.to_string(), "[784, 10]");
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
pub fn from_fn<F>(name: &str, forward: F) -> FromFn<F>
where
    F: for<'g> Fn(&Parameters<'_, 'g>, &[Var<'g>]) -> Output<'g> + Send + Sync,
{
    FromFn {
        name: name.to_owned(),
        forward,
    }
}

/// The layer that [`from_fn`] makes.
#[derive(Clone)]
pub struct FromFn<F> {
    name: String,
    forward: F,
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl<F> Layer for FromFn<F>
where
    F: for<'g> Fn(&Parameters<'_, 'g>, &[Var<'g>]) -> Output<'g> + Send + Sync,
{
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        (self.forward)(p, inputs)
    }
}
