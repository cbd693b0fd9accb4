//! Why the log density of a model is not finite at a point, in words.

use std::cell::RefCell;
use std::rc::Rc;

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::Domain;
use bayes_nn_inference::{Declared, Handler, HandlerError, Point, Sampled, from_unconstrained};

use super::batch::Shared;
use crate::error::Error;

/// Names of variables that are listed at the most.
const NAMES: usize = 3;

/// Puts a model to a point, and keeps what is first wrong with it there.
pub(crate) struct Explain<'g> {
    shared: Rc<Shared<'g>>,
    point: Point<'g>,
    sites: RefCell<Vec<(String, Var<'g>)>>,
    found: RefCell<Option<String>>,
}

impl<'g> Explain<'g> {
    pub(crate) fn at(shared: &Rc<Shared<'g>>, point: Point<'g>) -> Explain<'g> {
        Explain {
            shared: shared.clone(),
            point,
            sites: RefCell::default(),
            found: RefCell::default(),
        }
    }

    /// What was found.
    pub(crate) fn found(&self) -> Option<String> {
        self.found.borrow().clone()
    }

    fn look(&self, declared: &Declared<'_, 'g>, value: Option<Var<'g>>) -> Result<(), Error> {
        if self.found.borrow().is_none() {
            let found = match self.outside(declared)? {
                None => self.not_finite(declared, value)?,
                found => found,
            };
            *self.found.borrow_mut() = found;
        }
        Ok(())
    }

    /// A parameter that is not in its domain.
    fn outside(&self, declared: &Declared<'_, 'g>) -> Result<Option<String>, Error> {
        for parameter in declared.distribution.parameters() {
            let values = self.shared.value(parameter.value)?;
            let outside = values.iter().find(|v| !parameter.domain.contains(**v));
            let Some(value) = outside else {
                continue;
            };
            let sites = self.sites.borrow();
            let depends = |var: Var<'g>| self.shared.graph.depends_on(parameter.value, var);
            let names = sites.iter().filter(|(_, var)| depends(*var));
            let names: Vec<String> = names.map(|(name, _)| format!("`{name}`")).collect();
            let remedy = match parameter.domain {
                Domain::Positive | Domain::NonNegative => {
                    "; give them priors on positive numbers, such as HalfNormal or LogNormal, or \
                     take `softplus` or `exp` of what may be negative"
                }
                _ => "",
            };
            return Ok(Some(format!(
                "there the {} of {} for `{}` is {value}, and must be {}{}",
                parameter.name,
                declared.distribution.name(),
                declared.name,
                parameter.domain,
                match names.len() {
                    0 => String::new(),
                    1..=NAMES => format!(": it depends on {}{remedy}", names.join(", ")),
                    more => format!(
                        ": it depends on {} and {} more{remedy}",
                        names[..NAMES].join(", "),
                        more - NAMES
                    ),
                }
            )));
        }
        Ok(None)
    }

    /// An observed value that has no finite density.
    fn not_finite(
        &self,
        declared: &Declared<'_, 'g>,
        value: Option<Var<'g>>,
    ) -> Result<Option<String>, Error> {
        let Some(value) = value else {
            return Ok(None);
        };
        let log_prob = declared.distribution.log_prob(value);
        let values = self.shared.evaluate(&[log_prob, value])?;
        let Some(place) = values[0].iter().position(|v| !v.is_finite()) else {
            return Ok(None);
        };
        // Rows are the last axis of both: batch last.
        let columns = value.shape().columns();
        let row = place % columns;
        let seen: Vec<f64> = values[1]
            .iter()
            .skip(row)
            .step_by(columns)
            .copied()
            .collect();
        let seen = match &seen[..] {
            // Without the zeros of a number like 1e200.
            [one] if one.abs() >= 1e16 => format!("{one:e}"),
            [one] => one.to_string(),
            several => format!("{several:?}"),
        };
        Ok(Some(format!(
            "there the log density of `{}` is {} in row {}, where {seen} was seen: under {} that \
             value is impossible or infinitely dense",
            declared.name,
            values[0][place],
            declared.rows.map_or(row, |rows| rows[row]),
            declared.distribution.name()
        )))
    }
}

impl<'g> Handler<'g> for Explain<'g> {
    fn unconstrained(&self, name: &str, shape: Shape) -> Result<Var<'g>, HandlerError> {
        self.point.unconstrained(name, shape)
    }

    fn sample(&self, site: &Declared<'_, 'g>) -> Result<Sampled<'g>, HandlerError> {
        self.look(site, None)?;
        let sampled = from_unconstrained(self, site)?;
        let named = (site.name.to_owned(), sampled.value);
        self.sites.borrow_mut().push(named);
        Ok(sampled)
    }

    fn observe(
        &self,
        observed: &Declared<'_, 'g>,
        seen: Var<'g>,
    ) -> Result<Option<Var<'g>>, HandlerError> {
        self.look(observed, Some(seen))?;
        Ok(None)
    }
}
