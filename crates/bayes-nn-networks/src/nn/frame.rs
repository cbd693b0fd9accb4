//! Where a layer stands among those around it: the names of its parameters, their priors, and
//! what errors call it.

use std::cell::Cell;
use std::fmt;

use super::Prior;
use super::prior::Said;

/// A layer inside those around it.
pub(super) struct Frame<'t> {
    around: Option<&'t Frame<'t>>,
    place: Place<'t>,
    /// The layer, for errors.
    pub(super) layer: Option<&'t dyn fmt::Debug>,
    /// The prior of the layer's parameters.
    pub(super) prior: Option<&'t dyn Prior>,
    /// What a network, whose layers are inside, says of its parameters.
    pub(super) said: Option<&'t Said>,
    /// Whether all parameters inside are estimated as points.
    pub(super) point: bool,
    /// The number of a [`Place::Numbered`], from its first parameter on.
    number: Cell<Option<usize>>,
    /// How many numbers have been taken inside.
    numbered: Cell<usize>,
}

/// How a layer is called inside the one around it.
#[derive(Clone, Copy)]
pub(super) enum Place<'t> {
    /// As that one itself.
    Same,
    /// By its own name; its parameters by that of a layer with which it shares them.
    Named { name: &'t str, parameters: &'t str },
    /// `layer0`, `layer1` and so on, in the order in which layers ask for their first parameter;
    /// in errors by its place among all.
    Numbered(usize),
}

impl<'t> Frame<'t> {
    pub(super) fn new(around: Option<&'t Frame<'t>>, place: Place<'t>) -> Frame<'t> {
        Frame {
            around,
            place,
            layer: None,
            prior: None,
            said: None,
            point: false,
            number: Cell::new(None),
            numbered: Cell::new(0),
        }
    }

    /// The name of a parameter of this layer; a layer that counts takes its number now.
    pub(super) fn parameter(&self, name: &str) -> String {
        let own = match self.place {
            Place::Same => String::new(),
            Place::Named { parameters, .. } => format!("{parameters}."),
            Place::Numbered(_) => format!("layer{}.", self.number()),
        };
        let name = format!("{own}{name}");
        self.around
            .map_or(name.clone(), |around| around.parameter(&name))
    }

    /// The name of a layer inside this one. Layers that count and have no parameters have none.
    pub(super) fn path(&self, name: &str) -> String {
        let name = match (self.place, self.number.get()) {
            (Place::Named { name: own, .. }, _) => format!("{own}.{name}"),
            (Place::Numbered(_), Some(number)) => format!("layer{number}.{name}"),
            _ => name.to_owned(),
        };
        self.around
            .map_or(name.clone(), |around| around.path(&name))
    }

    /// How many layers inside have asked for parameters, of those that count.
    pub(super) fn numbered(&self) -> usize {
        self.numbered.get()
    }

    fn number(&self) -> usize {
        self.number.get().unwrap_or_else(|| {
            let number = self.around.map_or(0, |around| {
                around.numbered.replace(around.numbered.get() + 1)
            });
            self.number.set(Some(number));
            number
        })
    }

    /// The rest of a parameter's name inside this layer, if it is one of it.
    pub(super) fn within<'a>(&self, parameter: &'a str) -> Option<&'a str> {
        parameter.strip_prefix(&self.parameter(""))
    }

    /// The prior for this parameter by name; networks around go before those inside.
    pub(super) fn named_prior(&self, parameter: &str) -> Option<&'t dyn Prior> {
        let around = self.around.and_then(|around| around.named_prior(parameter));
        around.or_else(|| {
            let named = &self.said?.named;
            named.get(self.within(parameter)?).map(|prior| &**prior)
        })
    }

    /// The prior for all parameters of this layer but those that have one of their `own`; what is
    /// said inside goes before.
    pub(super) fn prior<'a>(&'a self, own: Option<&'a dyn Prior>) -> Option<&'a dyn Prior> {
        let network = || self.said.and_then(|said| said.default.as_deref());
        let around = || self.around.and_then(|around| around.prior(None));
        self.prior.or(own).or_else(network).or_else(around)
    }

    /// Whether this parameter is estimated as a point: where it, its layer or a network around says
    /// so.
    pub(super) fn is_point(&self, parameter: &str) -> bool {
        let by_network = self.said.is_some_and(|said| {
            let name = self.within(parameter);
            said.point || name.is_some_and(|name| said.points.contains(name))
        });
        let around = || self.around.is_some_and(|around| around.is_point(parameter));
        self.point || by_network || around()
    }

    pub(super) fn shown(&self) -> String {
        let layer = self.layer.map(|layer| format!("{layer:?}"));
        match (self.place, self.around, layer) {
            (Place::Same, Some(around), None) => around.shown(),
            (Place::Same, _, Some(layer)) => layer,
            (Place::Same, None, None) => "the network".to_owned(),
            (place, around, layer) => {
                let own = match (place.shown(), layer) {
                    (place, Some(layer)) => format!("{place} ({layer})"),
                    (place, None) => place,
                };
                format!("{own}{}", of(around))
            }
        }
    }
}

impl Place<'_> {
    fn shown(&self) -> String {
        match self {
            Place::Same => String::new(),
            Place::Named { name, .. } => format!("`{name}`"),
            Place::Numbered(place) => format!("layer {place}"),
        }
    }
}

/// Inside what a layer stands, for errors: ` of `block``.
fn of(around: Option<&Frame<'_>>) -> String {
    match around {
        None => String::new(),
        Some(frame) => match frame.place {
            Place::Same => of(frame.around),
            place => format!(" of {}{}", place.shown(), of(frame.around)),
        },
    }
}
