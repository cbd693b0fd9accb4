//! A run of a layer: where its parameters come from, and under which names.

mod by_group;
mod declare;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use bayes_nn_autodiff::{Graph, Kind, NoiseKind, Shape, Var};
use bayes_nn_inference::SiteSupport;
use bayes_nn_models::model::Trace;

use self::by_group::ByGroup;
use super::frame::{Frame, Place};
use super::hierarchical::Groups;
use super::prior::Said;
use super::{Input, Layer, LayerError, ParameterInfo, Prior};

/// The first noise stream of layers; guides, minibatches and observations have lower ones.
const STREAMS: u32 = 1 << 16;

/// A run of a layer or a head, which asks it for parameters.
///
/// A parameter is known by its whole name: asked for again, it is the same one, so that a layer
/// that is written twice under one name shares its parameters.
pub struct Parameters<'t, 'g> {
    run: Rc<Run<'t, 'g>>,
    frame: Frame<'t>,
    /// The groups by which parameters differ.
    groups: Option<ByGroup<'t, 'g>>,
}

impl fmt::Debug for Parameters<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameters")
            .field("declared", &self.run.declared)
            .finish_non_exhaustive()
    }
}

/// What all layers of a run have in common.
struct Run<'t, 'g> {
    trace: &'t Trace<'g>,
    declared: RefCell<Vec<(ParameterInfo, Var<'g>)>>,
}

impl<'t, 'g> Parameters<'t, 'g> {
    /// The parameters of a layer in a model as a function, with the priors that
    /// [`learned_scale`](crate::nn::prior::learned_scale) makes where nothing else is said.
    pub fn new(trace: &'t Trace<'g>) -> Parameters<'t, 'g> {
        let declared = RefCell::default();
        Parameters {
            run: Rc::new(Run { trace, declared }),
            frame: Frame::new(None, Place::Same),
            groups: None,
        }
    }

    fn inside<'s>(&'s self, place: Place<'s>) -> Parameters<'s, 'g>
    where
        't: 's,
    {
        Parameters {
            run: self.run.clone(),
            frame: Frame::new(Some(&self.frame), place),
            groups: self.groups.clone(),
        }
    }

    /// The same, where errors show this layer.
    pub(super) fn shown_as<'s>(&'s self, layer: &'s dyn fmt::Debug) -> Parameters<'s, 'g> {
        let mut inside = self.inside(Place::Same);
        inside.frame.layer = Some(layer);
        inside
    }

    /// The same, with `name.` before the names of parameters.
    pub(crate) fn named<'s>(&'s self, name: &'s str) -> Parameters<'s, 'g> {
        let parameters = name;
        self.inside(Place::Named { name, parameters })
    }

    /// The same for the layers of a network, which may differ by the group of each row.
    pub(super) fn with_said<'s>(
        &'s self,
        said: &'s Said,
        groups: Option<(&'s Groups, Var<'g>)>,
    ) -> Parameters<'s, 'g> {
        let mut inside = self.inside(Place::Same);
        inside.frame.said = Some(said);
        if let Some((said, index)) = groups {
            inside.groups = ByGroup::new(said, self.frame.parameter(""), index);
        }
        inside
    }

    /// The same, where all parameters are estimated as points.
    pub(super) fn as_points(&self) -> Parameters<'_, 'g> {
        let mut inside = self.inside(Place::Same);
        inside.frame.point = true;
        inside
    }

    /// The parameter `name`, of this shape. `fan_in` is how many of its elements are summed up in
    /// an element of the output, each times another input: for priors that depend on it.
    ///
    /// # Errors
    /// A shape without elements, or another one than at first.
    pub fn get(
        &self,
        name: &str,
        shape: impl Into<Shape>,
        fan_in: usize,
    ) -> Result<Var<'g>, LayerError> {
        self.declare(name, shape.into(), fan_in, None)
    }

    /// The same with a prior that suits this parameter better than the network's: a scale near 1,
    /// say. What is said of the parameter by name, or of this layer, goes before.
    ///
    /// ```
    /// use bayes_nn::distributions::Normal;
    /// use bayes_nn::nn::layer;
    /// let scale = layer::from_fn("scale", |p, inputs| {
    ///     let [x] = p.inputs(inputs)?;
    ///     let shape = [x.shape()[0], 1];
    ///     Ok(x * p.get_with_prior("scale", shape, 1, &Normal::new(1.0, 0.1))?)
    /// });
    /// # let _ = scale;
    /// ```
    ///
    /// # Errors
    /// As [`Parameters::get`].
    pub fn get_with_prior(
        &self,
        name: &str,
        shape: impl Into<Shape>,
        fan_in: usize,
        prior: &dyn Prior,
    ) -> Result<Var<'g>, LayerError> {
        self.declare(name, shape.into(), fan_in, Some(prior))
    }

    /// A weight applied to its input, `map(weight, x)`, by [`Trace::times`]: a fit may draw the
    /// product instead of the weight.
    ///
    /// ```
    /// use bayes_nn::nn::layer;
    /// let linear = layer::from_fn("linear", |p, inputs| {
    ///     let [x] = p.inputs(inputs)?;
    ///     let features = x.shape()[0];
    ///     let weight = p.get("weight", [features, 1], features)?;
    ///     Ok(p.times(weight, x, |weight, x| weight.t().matmul(x)))
    /// });
    /// # let _ = linear;
    /// ```
    pub fn times(
        &self,
        weight: Var<'g>,
        x: Var<'g>,
        map: impl Fn(Var<'g>, Var<'g>) -> Var<'g>,
    ) -> Var<'g> {
        self.run.trace.times(weight, x, &map)
    }

    /// The output of a layer inside this one. Its parameters are named `name.weight` and so on.
    ///
    /// ```
    /// use bayes_nn::nn::{Dense, Input, Layer, layer};
    /// let residual = layer::from_fn("residual", |p, inputs| {
    ///     let [x] = p.inputs(inputs)?;
    ///     Ok(x + p.layer("inner", &Dense::new(x.shape()[0]), &[x.tanh()])?)
    /// });
    /// let parameters = residual.parameters(&[Input::values([3])])?;
    /// assert_eq!(parameters[0].name, "inner.weight");
    /// # Ok::<(), bayes_nn::nn::LayerError>(())
    /// ```
    ///
    /// # Errors
    /// Those of the layer.
    pub fn layer(
        &self,
        name: &str,
        layer: &dyn Layer,
        inputs: &[Var<'g>],
    ) -> Result<Var<'g>, LayerError> {
        let parameters = name;
        self.enter(Place::Named { name, parameters }, layer, None, inputs)
    }

    pub(super) fn enter(
        &self,
        place: Place<'_>,
        layer: &dyn Layer,
        prior: Option<&dyn Prior>,
        inputs: &[Var<'g>],
    ) -> Result<Var<'g>, LayerError> {
        let mut inside = self.inside(place);
        inside.frame.layer = Some(&layer);
        inside.frame.prior = prior;
        inside.write(layer, inputs)
    }

    /// The output of the layer that this run is of, with its rows checked.
    pub(crate) fn write<L: Layer + ?Sized>(
        &self,
        layer: &L,
        inputs: &[Var<'g>],
    ) -> Result<Var<'g>, LayerError> {
        let rows = inputs.first().map(|x| x.shape().columns());
        let of_rows = |x: &Var<'g>| x.shape().rank() > 0 && Some(x.shape().columns()) == rows;
        if !inputs.iter().all(of_rows) {
            let shapes: Vec<String> = inputs.iter().map(|x| x.shape().to_string()).collect();
            return Err(LayerError::Rows {
                layer: self.frame.shown(),
                found: shapes.join(", "),
            });
        }
        let fine_before = self.graph().check().is_ok();
        let output = layer.forward(self, inputs)?;
        if !fine_before {
            return Ok(output);
        }
        if let Err(source) = self.graph().check() {
            return Err(LayerError::Formula {
                layer: self.frame.shown(),
                source: Box::new(source),
            });
        }
        match rows {
            Some(rows) if !of_rows(&output) => Err(LayerError::Output {
                layer: self.frame.shown(),
                found: Box::new(output.shape()),
                rows,
            }),
            _ => Ok(output),
        }
    }

    /// Fresh random numbers at every step, independent of all others.
    ///
    /// ```
    /// use bayes_nn::NoiseKind;
    /// use bayes_nn::nn::layer;
    /// // Srivastava et al. 2014, section 4, scaled so that the mean stays.
    /// let dropout = layer::from_fn("dropout", |p, inputs| {
    ///     let [x] = p.inputs(inputs)?;
    ///     let kept = p.noise(NoiseKind::Uniform, x.shape()).lt(0.8);
    ///     Ok(kept * x / 0.8)
    /// });
    /// # let _ = dropout;
    /// ```
    pub fn noise(&self, kind: NoiseKind, shape: impl Into<Shape>) -> Var<'g> {
        // Each of them makes the graph longer, so no two have one number.
        let stream = STREAMS.wrapping_add(self.graph().len() as u32);
        self.graph().noise(kind, stream, shape)
    }

    /// Says that a fit sees rows changed at random, how, and whether this run is a part of one, in which
    /// they are ([`Trace::augments`]).
    pub fn augments(&self, how: &str) -> bool {
        self.run.trace.augments(how)
    }

    /// The support of a parameter by its value; nothing of one that its prior computes from others.
    pub(super) fn support(&self, value: Var<'g>) -> Option<SiteSupport> {
        self.run.trace.support(value)
    }

    /// The graph that the layer is written into, for constants.
    pub fn graph(&self) -> &'g Graph {
        self.run.trace.graph()
    }

    /// The inputs of a layer that takes a fixed number of them.
    ///
    /// ```
    /// use bayes_nn::nn::{Input, Layer, layer};
    /// let product = layer::from_fn("product", |p, inputs| {
    ///     let [a, b] = p.inputs(inputs)?;
    ///     Ok(a * b)
    /// });
    /// let error = product.output_shape(&[Input::values([2])]).unwrap_err();
    /// assert_eq!(error.to_string(), "product is given 1 inputs; it takes 2");
    /// ```
    ///
    /// # Errors
    /// [`LayerError::Inputs`] for another number of inputs.
    pub fn inputs<const N: usize>(&self, inputs: &[Var<'g>]) -> Result<[Var<'g>; N], LayerError> {
        inputs.try_into().map_err(|_| LayerError::Inputs {
            layer: self.frame.shown(),
            found: inputs.len(),
            expected: N.to_string(),
        })
    }

    /// The error of a layer that cannot take `x`; `expected` is the shape that it takes, as
    /// `[features, rows]`.
    ///
    /// ```
    /// use bayes_nn::nn::{Input, Layer, layer};
    /// let pool = layer::from_fn("pool", |p, inputs| {
    ///     let [x] = p.inputs(inputs)?;
    ///     match x.shape()[..] {
    ///         [_, _, _, _] => Ok(x.sum_axis(1).sum_axis(1)),
    ///         _ => Err(p.wrong_input(x, "[channels, height, width, rows]")),
    ///     }
    /// });
    /// assert_eq!(pool.output_shape(&[Input::values([3, 8, 8])])?.to_string(), "[3]");
    /// assert_eq!(
    ///     pool.output_shape(&[Input::values([3])]).unwrap_err().to_string(),
    ///     "pool is given [3, rows]; it takes [channels, height, width, rows]",
    /// );
    /// # Ok::<(), bayes_nn::nn::LayerError>(())
    /// ```
    pub fn wrong_input(&self, x: Var<'g>, expected: impl Into<String>) -> LayerError {
        LayerError::Input {
            layer: self.frame.shown(),
            found: Input::of(x),
            expected: expected.into(),
        }
    }

    /// An error of this layer in words: what is wrong, and what would be right.
    ///
    /// ```
    /// use bayes_nn::nn::{Input, Layer, layer};
    /// let halves = layer::from_fn("halves", |p, inputs| {
    ///     let [x] = p.inputs(inputs)?;
    ///     match x.shape()[0] % 2 {
    ///         0 => Ok(x),
    ///         _ => Err(p.problem("the number of features must be even")),
    ///     }
    /// });
    /// assert!(halves.output_shape(&[Input::values([3])]).is_err());
    /// ```
    pub fn problem(&self, problem: impl Into<String>) -> LayerError {
        LayerError::Problem {
            layer: self.frame.shown(),
            problem: problem.into(),
        }
    }

    /// Says what a layer of this network gives ([`Trace::layer`]).
    pub(super) fn gives(&self, name: &str, value: Var<'g>) {
        if value.kind() == Kind::Float {
            self.run.trace.layer(&self.frame.path(name), value);
        }
    }

    /// The name of the last layer of this network that counts and has parameters.
    pub(super) fn last_numbered(&self) -> Option<String> {
        let last = self.frame.numbered().checked_sub(1)?;
        Some(format!("layer{last}"))
    }

    /// This layer, for errors.
    pub(super) fn shown(&self) -> String {
        self.frame.shown()
    }

    /// The parameters so far, in their order.
    pub(crate) fn declared(&self) -> Vec<ParameterInfo> {
        self.values().into_iter().map(|(info, _)| info).collect()
    }

    /// The parameters so far, with their values.
    pub(super) fn values(&self) -> Vec<(ParameterInfo, Var<'g>)> {
        self.run.declared.borrow().clone()
    }
}
