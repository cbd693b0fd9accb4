//! The handlers that need no fit: one only looks at a model, one draws from its prior.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use bayes_nn_autodiff::{NodeId, Shape, Var};
use bayes_nn_distributions::{Distribution, ParameterError, ParameterValues, Uniform};
use bayes_nn_inference::{
    Declared, Handler, HandlerError, Sampled, StartError, from_unconstrained,
};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::batch::Shared;
use crate::error::Error;

/// How far a value may come back from unconstrained space, of its size where that is above 1.
const ROUND_TRIP: f64 = 1e-6;

/// Looks at a model: its sites are inputs without values, so that nothing depends on a draw. What
/// is wrong whatever the sites are is found here: shapes, parameters and data that depend on no
/// site, observed values outside a support that is known.
pub(crate) struct Probe<'g> {
    shared: Rc<Shared<'g>>,
    /// The products of weights with inputs of rows.
    products: RefCell<Vec<Product>>,
    /// Weights, and what they are when they are scaled.
    scaled: RefCell<Vec<(NodeId, NodeId)>>,
}

/// A use of a weight: the nodes that it wrote, of which the last is the result.
struct Product {
    weight: NodeId,
    nodes: Range<usize>,
    result: NodeId,
}

impl<'g> Probe<'g> {
    pub(crate) fn new(shared: &Rc<Shared<'g>>) -> Probe<'g> {
        Probe {
            shared: shared.clone(),
            products: RefCell::default(),
            scaled: RefCell::default(),
        }
    }

    /// Whether a value, of which the prior ends before node `declared`, is used in one product and
    /// nowhere else, as it is or scaled, so that its draws may differ from row to row.
    pub(crate) fn is_local(&self, value: Var<'g>, declared: usize) -> bool {
        let Some(weight) = value.id() else {
            return false;
        };
        let scaled = self.scaled.borrow();
        let scaled = scaled.iter().find(|(from, _)| *from == weight);
        let used = scaled.map_or(weight, |(_, scaled)| *scaled);
        let products = self.products.borrow();
        let mut own = products.iter().filter(|p| p.weight == used);
        let (Some(product), None) = (own.next(), own.next()) else {
            return false;
        };
        // What is computed from the weight. Its prior may read it, and its product, of which
        // others may read the result alone.
        let nodes = self.shared.graph.nodes();
        let mut of_weight = vec![false; nodes.len()];
        of_weight[weight.index()] = true;
        for (index, node) in nodes.iter().enumerate() {
            if !node.arguments.iter().any(|a| of_weight[a.index()]) {
                continue;
            }
            let is_use = product.nodes.contains(&index) || index == used.index();
            if index >= declared && !is_use {
                return false;
            }
            of_weight[index] = index != product.result.index();
        }
        true
    }

    /// Checks the parameters that depend on data alone.
    fn check_known(&self, declared: &Declared<'_, 'g>) -> Result<(), Error> {
        let distribution = declared.distribution;
        for parameter in distribution.parameters() {
            if parameter.value.constant_values().is_some() {
                continue;
            }
            let Some(values) = self.shared.known(parameter.value)? else {
                continue;
            };
            let outside = values.iter().position(|v| !parameter.domain.contains(*v));
            if let Some(position) = outside {
                return Err(Error::Parameter {
                    site: declared.name.to_owned(),
                    source: Box::new(ParameterError::Domain {
                        distribution: distribution.name(),
                        parameter: parameter.name.clone(),
                        position: Some(position),
                        value: values[position],
                        expected: parameter.domain.to_string(),
                    }),
                });
            }
        }
        Ok(())
    }

    fn check_support(&self, observed: &Declared<'_, 'g>, seen: Var<'g>) -> Result<(), Error> {
        let Some(values) = self.shared.known(seen)? else {
            return Ok(());
        };
        let support = observed.distribution.support();
        let outside = values.iter().position(|v| !support.contains(*v));
        let outside = outside.map(|place| (place, values[place].to_string()));
        let Some((place, value)) = outside.or_else(|| {
            // The axes of an event come first; a number alone has nothing to go with.
            let event = observed.distribution.event_shape();
            let events = match event.rank() {
                0 => 0,
                _ => values.len() / event.elements().max(1),
            };
            (0..events).find_map(|event| {
                let numbers: Vec<f64> =
                    values.iter().skip(event).step_by(events).copied().collect();
                Some((event, support.misfit(&numbers)?))
            })
        }) else {
            return Ok(());
        };
        // Rows are the last axis: batch last.
        let row = place % seen.shape().columns();
        Err(Error::Support {
            site: observed.name.to_owned(),
            row: observed.rows.map_or(row, |rows| rows[row]),
            value: value.into(),
            distribution: observed.distribution.name(),
            support: support.to_string(),
        })
    }
}

impl<'g> Handler<'g> for Probe<'g> {
    fn unconstrained(&self, name: &str, shape: Shape) -> Result<Var<'g>, HandlerError> {
        Ok(self.shared.graph.input(name, shape))
    }

    fn sample(&self, site: &Declared<'_, 'g>) -> Result<Sampled<'g>, HandlerError> {
        self.check_known(site)?;
        from_unconstrained(self, site)
    }

    fn observe(
        &self,
        observed: &Declared<'_, 'g>,
        seen: Var<'g>,
    ) -> Result<Option<Var<'g>>, HandlerError> {
        self.check_known(observed)?;
        self.check_support(observed, seen)?;
        Ok(None)
    }

    fn times(
        &self,
        weight: Var<'g>,
        x: Var<'g>,
        map: &dyn Fn(Var<'g>, Var<'g>) -> Var<'g>,
    ) -> Var<'g> {
        let before = self.shared.graph.nodes().len();
        let result = map(weight, x);
        if let (Some(weight), Some(result), true) = (weight.id(), result.id(), x.comes_from_rows())
        {
            self.products.borrow_mut().push(Product {
                weight,
                nodes: before..self.shared.graph.nodes().len(),
                result,
            });
        }
        result
    }

    fn scale_weight(&self, weight: Var<'g>, scale: Var<'g>) -> Var<'g> {
        let scaled = scale * weight;
        if let (Some(weight), Some(scaled)) = (weight.id(), scaled.id()) {
            self.scaled.borrow_mut().push((weight, scaled));
        }
        scaled
    }
}

/// Draws sites on the host, one after the other. Each is an input of the graph whose value the
/// graph's interpreter knows, so that later parameters can be computed from it.
pub(crate) struct PriorDraw<'g> {
    shared: Rc<Shared<'g>>,
    rng: RefCell<Xoshiro256PlusPlus>,
    what: Drawn,
    /// Values of sites that are not drawn.
    given: Vec<(String, Vec<f64>)>,
}

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drawn {
    /// Sites by their priors; those without a proper one are somewhere in their support.
    Sites,
    /// Sites by their priors, which must be proper.
    Priors,
    /// The same, and what is observed.
    Observations,
    /// Sites by numbers from -2 to 2 in unconstrained space, whatever their priors.
    Anywhere,
}

impl<'g> PriorDraw<'g> {
    pub(crate) fn new(
        shared: &Rc<Shared<'g>>,
        rng: Xoshiro256PlusPlus,
        what: Drawn,
    ) -> PriorDraw<'g> {
        PriorDraw {
            shared: shared.clone(),
            rng: RefCell::new(rng),
            what,
            given: Vec::new(),
        }
    }

    /// With values of sites that are not drawn, in row-major order.
    pub(crate) fn with(mut self, given: &[(String, Vec<f64>)]) -> PriorDraw<'g> {
        self.given = given.to_vec();
        self
    }

    /// The value that was given of a site, checked: it must come back from unconstrained space.
    fn given(&self, site: &Declared<'_, 'g>, values: &[f64]) -> Result<Var<'g>, HandlerError> {
        if values.len() != site.shape.elements() {
            return Err(Box::new(StartError::Length {
                site: site.name.to_owned(),
                got: values.len(),
                shape: Box::new(site.shape),
            }));
        }
        let value = self.input(site.name, site.shape, values.to_vec());
        let Some(bijector) = site.bijector else {
            return Ok(value);
        };
        let unconstrained = bijector.inverse(value);
        let (z, back) = (
            self.shared.value(unconstrained)?,
            self.shared.value(bijector.forward(unconstrained))?,
        );
        let is_off = |(given, back): (&f64, &f64)| {
            let error = (given - back).abs();
            error.is_nan() || error > ROUND_TRIP * given.abs().max(1.0)
        };
        // A value on the bound comes back to it, by way of infinity.
        let on_bound = z.iter().position(|z| !z.is_finite());
        match on_bound.or_else(|| values.iter().zip(&back).position(is_off)) {
            None => Ok(value),
            Some(element) => Err(Box::new(StartError::Outside {
                site: site.name.to_owned(),
                element,
                value: values[element],
                distribution: site.distribution.name(),
                support: site.distribution.support().to_string(),
            })),
        }
    }

    /// The generator as the run left it.
    pub(crate) fn rng(&self) -> Xoshiro256PlusPlus {
        self.rng.borrow().clone()
    }

    /// Draws in row-major order of `shape`.
    fn draw(&self, declared: &Declared<'_, 'g>, shape: Shape) -> Result<Vec<f64>, Error> {
        let parameters = declared.distribution.parameters();
        let parameters: Vec<Var<'g>> = parameters.iter().map(|p| p.value).collect();
        let values = self.shared.evaluate(&parameters)?;
        let rng = &mut *self.rng.borrow_mut();
        draw(declared.name, declared.distribution, shape, values, rng)
    }

    /// An input with a value.
    fn input(&self, name: &str, shape: Shape, values: Vec<f64>) -> Var<'g> {
        self.shared.known_input(name, shape, values)
    }
}

impl<'g> Handler<'g> for PriorDraw<'g> {
    fn unconstrained(&self, name: &str, shape: Shape) -> Result<Var<'g>, HandlerError> {
        let uniform = Uniform::new(-2.0, 2.0);
        let bounds = vec![vec![-2.0], vec![2.0]];
        let values = draw(name, &uniform, shape, bounds, &mut *self.rng.borrow_mut())?;
        Ok(self.input(name, shape, values))
    }

    fn sample(&self, site: &Declared<'_, 'g>) -> Result<Sampled<'g>, HandlerError> {
        if let Some((_, values)) = self.given.iter().find(|(name, _)| name == site.name) {
            return Ok(Sampled {
                value: self.given(site, values)?,
                log_prob: Var::from(0.0),
                log_jacobian: Var::from(0.0),
            });
        }
        let by_prior = match self.what {
            Drawn::Sites => site.distribution.is_proper(),
            Drawn::Priors | Drawn::Observations => true,
            Drawn::Anywhere => false,
        };
        if !by_prior {
            return from_unconstrained(self, site);
        }
        let mut values = self.draw(site, site.whole)?;
        if let Some(rows) = site.rows {
            values = rows.iter().map(|&row| values[row]).collect();
        }
        Ok(Sampled {
            value: self.input(site.name, site.shape, values),
            log_prob: Var::from(0.0),
            log_jacobian: Var::from(0.0),
        })
    }

    fn observe(
        &self,
        observed: &Declared<'_, 'g>,
        _: Var<'g>,
    ) -> Result<Option<Var<'g>>, HandlerError> {
        if self.what != Drawn::Observations {
            return Ok(None);
        }
        let values = self.draw(observed, observed.whole)?;
        Ok(Some(self.input(observed.name, observed.whole, values)))
    }
}

/// The generator that a seed stands for.
pub(crate) fn generator(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// The generators that draws of several elements are made with.
pub(crate) trait Generators {
    /// The one of an element of the batch, in row-major order.
    fn at(&mut self, place: usize) -> &mut dyn Rng;
}

impl Generators for Xoshiro256PlusPlus {
    /// One for all of them, in this order.
    fn at(&mut self, _: usize) -> &mut dyn Rng {
        self
    }
}

/// Draws that fill `shape`, given the values of each parameter.
pub(crate) fn draw<'g>(
    name: &str,
    distribution: &dyn Distribution<'g>,
    shape: Shape,
    values: Vec<Vec<f64>>,
    generators: &mut impl Generators,
) -> Result<Vec<f64>, Error> {
    let wrong = |source| Error::Parameter {
        site: name.to_owned(),
        source: Box::new(source),
    };
    let table = ParameterValues::of(distribution, values).map_err(wrong)?;
    let (event, support) = (distribution.event_shape(), distribution.support());
    let batch = shape.without(0, event.len().min(shape.len()));
    let (mut numbers, mut checked) = (Vec::new(), None);
    let mut one = vec![0.0; event.elements()];
    let mut values = vec![0.0; shape.elements()];
    for place in 0..batch.elements() {
        let source = source_index(place, batch, table.shape());
        // Draws that share their numbers share the check.
        if checked != Some(source) {
            table.read(source, &mut numbers);
            distribution.check_values(&numbers).map_err(wrong)?;
            checked = Some(source);
        }
        distribution.draw_event(&numbers, generators.at(place), &mut one);
        // Event axes come first: the numbers of one event are a whole batch apart.
        for (value, drawn) in values[place..]
            .iter_mut()
            .step_by(batch.elements())
            .zip(&one)
        {
            *value = support.nearest(*drawn);
        }
    }
    Ok(values)
}

/// Where element `index` of `shape` lies in a tensor of shape `own` that is stretched to it.
fn source_index(index: usize, shape: Shape, own: Shape) -> usize {
    let (mut rest, mut stride, mut source) = (index, 1, 0);
    for axis in (0..shape.rank()).rev() {
        let length = own.aligned(axis, shape.rank());
        if length != 1 {
            source += rest % shape[axis] * stride;
        }
        rest /= shape[axis];
        stride *= length;
    }
    source
}
