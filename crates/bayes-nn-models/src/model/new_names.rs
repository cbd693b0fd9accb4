//! Draws of a posterior for new names of a dimension: what a model has for them comes from its prior.

use std::cell::RefCell;
use std::rc::Rc;

use bayes_nn_autodiff::{Graph, Shape, Var};
use bayes_nn_inference::{
    Declared, Dimension, DrawSource, DrawTable, Handler, HandlerError, InferenceError, Rows,
    Sampled, Site, SiteError,
};
use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::axes::Axes;
use super::batch::{Batch, Shared};
use super::groups::{first_names, new_names_warning};
use super::handlers::draw;
use super::{Data, Model, Predictive, Trace, run};
use crate::error::{Error, GroupError};

/// Mixed into a seed for draws of what belongs to new names.
const NEW_NAMES: u64 = 0xbb67_ae85_84ca_a73b;

/// A model that is borrowed.
pub(crate) struct Borrowed<'m, M>(&'m M);

impl<M: Model> Model for Borrowed<'_, M> {
    fn run<'g>(&self, trace: &Trace<'g>, data: &Batch<'g>) {
        self.0.run(trace, data);
    }

    fn has_independent_rows(&self) -> bool {
        self.0.has_independent_rows()
    }

    fn is_network(&self) -> bool {
        self.0.is_network()
    }
}

impl<M: Model> Predictive<M> {
    /// The same posterior by so many of its draws, in which the variables also have values for names
    /// that are new in these data: one draw from the prior of each, given the draw of all others. The
    /// values of known names keep their bits. None without new names.
    pub(crate) fn for_names_of(
        &self,
        data: &Data,
        draws: usize,
        seed: u64,
    ) -> Result<Option<Predictive<Borrowed<'_, M>>>, Error> {
        let data = data.clone().encoded_as(&self.data)?;
        let new = data.new_names(&self.data);
        if new.is_empty() || self.source.sites().is_empty() {
            return Ok(None);
        }
        let guide_draws;
        let rows: Vec<&[f64]> = match &self.source {
            DrawSource::Guide(guide) => {
                guide_draws = guide.draws(draws, seed)?;
                guide_draws
                    .chunks_exact(guide_draws.len() / draws)
                    .collect()
            }
            DrawSource::Table(table) => {
                let count = table.draws() as u128;
                let row = |draw: usize| draw as u128 * count / draws as u128;
                let rows = (0..draws).filter_map(|draw| table.row(row(draw) as usize));
                rows.collect()
            }
        };
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ NEW_NAMES);
        let mut sites = Vec::new();
        let mut extended = Vec::new();
        for z in &rows {
            let graph = Graph::new();
            let batch = Batch::new(&graph, &data, Rows::All, Some(&self.data));
            let handler = Rc::new(Extend {
                shared: batch.shared.clone(),
                z: z.to_vec(),
                fitted: self.source.sites().to_vec(),
                rng: RefCell::new(rng),
                extended: RefCell::default(),
            });
            let record = run(&self.model, &batch, handler.clone())?;
            rng = handler.rng.borrow().clone();
            let drawn = handler.extended.take();
            if sites.is_empty() {
                let mut offset = 0;
                for (site, (name, shape, _)) in record.sites.into_iter().zip(&drawn) {
                    self.check_longer(&site.name, *shape, &site.axes, &new)?;
                    sites.push(Site {
                        support: site.support(&batch.shared)?,
                        axes: site.axes,
                        ..Site::new(name.as_str(), *shape, offset)
                    });
                    offset += shape.elements();
                }
            }
            extended.extend(drawn.into_iter().flat_map(|(_, _, values)| values));
        }
        if rows.is_empty() {
            return Err(InferenceError::NoDraws.into());
        }
        let table = DrawTable::new(sites, extended, [rows.len()])?;
        Ok(Some(Predictive {
            model: Borrowed(&self.model),
            data: self.data.clone(),
            source: table.into(),
            precision: self.precision,
            device: self.device.clone(),
            target: self.target.clone(),
        }))
    }

    /// Checks that a site is longer than in the fit only along dimensions that have new names.
    fn check_longer(
        &self,
        name: &str,
        shape: Shape,
        axes: &Axes,
        new: &[Dimension],
    ) -> Result<(), Error> {
        let mut fitted = self.source.sites().iter();
        let Some(fitted) = fitted.find(|site| site.name == name) else {
            return Ok(());
        };
        let has_new = |from_end: usize| {
            let axis = axes
                .len()
                .checked_sub(from_end)
                .and_then(|axis| axes[axis].as_ref());
            axis.is_some_and(|axis| new.iter().any(|new| new.name() == axis.name()))
        };
        let rank = shape.rank();
        let mut axes = (0..rank).filter(|&axis| shape[axis] != fitted.shape[axis]);
        match axes.all(|axis| has_new(rank - axis)) {
            true => Ok(()),
            false => Err(SiteError::Shape {
                site: name.to_owned(),
                shape: Box::new(shape),
                fitted: Box::new(fitted.shape),
            }
            .into()),
        }
    }
}

impl<M> Predictive<M> {
    /// What there is to warn of in a prediction of these rows, which have the encoding of the fit.
    pub(crate) fn warnings_about(&self, data: &Data) -> Vec<String> {
        let new = data.new_names(&self.data);
        new.iter().map(new_names_warning).collect()
    }

    /// Checks that data have no new names where nothing is drawn for them.
    pub(crate) fn check_no_new_names(
        fitted: &Data,
        data: &Data,
        what: &'static str,
    ) -> Result<(), Error> {
        match data.new_names(fitted).first() {
            None => Ok(()),
            Some(new) => Err(GroupError::NewNames {
                names: first_names(new.names()),
                dimension: new.name().to_owned(),
                what,
            }
            .into()),
        }
    }
}

/// Gives every site the values of one draw, and draws those of new names from the prior.
struct Extend<'g> {
    shared: Rc<Shared<'g>>,
    /// The draw, and the sites that are its parts.
    z: Vec<f64>,
    fitted: Vec<Site>,
    rng: RefCell<Xoshiro256PlusPlus>,
    /// Of each site, as they were declared: the unconstrained values.
    extended: RefCell<Vec<(String, Shape, Vec<f64>)>>,
}

impl<'g> Extend<'g> {
    /// The unconstrained values of a site in a shape that may be longer than that of the fit.
    fn values(&self, site: &Declared<'_, 'g>, shape: Shape) -> Result<Vec<f64>, Error> {
        let mut fitted = self.fitted.iter();
        let fitted = fitted.find(|fitted| fitted.name == site.name);
        let fitted = fitted.ok_or_else(|| SiteError::Unknown {
            site: site.name.to_owned(),
            available: Site::list(&self.fitted),
        })?;
        let known = &self.z[fitted.range()];
        if fitted.shape == shape {
            return Ok(known.to_vec());
        }
        let longer = |axis: usize| shape[axis] > fitted.shape[axis];
        let is_shorter = |axis: usize| shape[axis] < fitted.shape[axis];
        if shape.rank() != fitted.shape.rank() || (0..shape.rank()).any(is_shorter) {
            return Err(SiteError::Shape {
                site: site.name.to_owned(),
                shape: Box::new(shape),
                fitted: Box::new(fitted.shape),
            }
            .into());
        }
        let event = site.distribution.event_shape().rank();
        if (0..event).any(longer) {
            return Err(GroupError::NewNameOfEvent {
                site: site.name.to_owned(),
                distribution: site.distribution.name(),
            }
            .into());
        }
        let parameters = site.distribution.parameters();
        let parameters: Vec<Var<'g>> = parameters.iter().map(|p| p.value).collect();
        let parameters = self.shared.evaluate(&parameters)?;
        let rng = &mut *self.rng.borrow_mut();
        let drawn = draw(site.name, site.distribution, site.whole, parameters, rng)?;
        let drawn = self.shared.known_input(site.name, site.shape, drawn);
        let unconstrained = site.bijector.map(|bijector| bijector.inverse(drawn));
        let mut values = self.shared.value(unconstrained.unwrap_or(drawn))?;
        for (number, value) in known.iter().enumerate() {
            values[place(number, fitted.shape, shape)] = *value;
        }
        Ok(values)
    }
}

/// Where an element of a shape lies in one that is longer along some axes.
fn place(element: usize, shape: Shape, longer: Shape) -> usize {
    let (mut rest, mut stride, mut place) = (element, 1, 0);
    for axis in (0..shape.rank()).rev() {
        place += rest % shape[axis] * stride;
        rest /= shape[axis];
        stride *= longer[axis];
    }
    place
}

impl<'g> Handler<'g> for Extend<'g> {
    fn unconstrained(&self, name: &str, _: Shape) -> Result<Var<'g>, HandlerError> {
        // Every site is asked for by `sample`.
        Err(Box::new(SiteError::Unknown {
            site: name.to_owned(),
            available: Site::list(&self.fitted),
        }))
    }

    fn sample(&self, site: &Declared<'_, 'g>) -> Result<Sampled<'g>, HandlerError> {
        let Some(bijector) = site.bijector else {
            return Err(Box::new(SiteError::Discrete {
                site: site.name.to_owned(),
                distribution: site.distribution.name(),
            }));
        };
        let shape = bijector.unconstrained_shape(site.shape);
        let values = self.values(site, shape)?;
        let z = self.shared.known_input(site.name, shape, values.clone());
        let entry = (site.name.to_owned(), shape, values);
        self.extended.borrow_mut().push(entry);
        Ok(Sampled {
            value: bijector.forward(z),
            log_prob: Var::from(0.0),
            log_jacobian: Var::from(0.0),
        })
    }
}
