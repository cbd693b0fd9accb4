//! Starts for chains and guides.

use super::Pathfinder;
use super::fit::Proposed;
use super::path::{SinglePath, mean};
use crate::{Density, InferenceError};

/// What chains and guides can begin at.
#[derive(Debug)]
pub(crate) struct Starts {
    proposed: Proposed,
    /// Which of the weighted draws each start is.
    order: Vec<usize>,
}

impl Starts {
    /// Those of a density, by the default settings.
    ///
    /// # Errors
    /// As a [fit](crate::Method::fit) of [`Pathfinder`].
    pub(crate) fn of(density: &dyn Density, seed: u64) -> Result<Starts, InferenceError> {
        Pathfinder::new().seed(seed).starts(density)
    }

    /// Draw `number` `[P]`: all that are tried are different while there are any, those with large
    /// weights rather early.
    pub(crate) fn draw(&self, number: usize) -> Vec<f64> {
        let place = self.proposed.weighted.places[self.order[number % self.order.len()]];
        self.proposed.kept[place.path].draw(place.draw).0
    }

    /// The path with the highest ELBO.
    pub(crate) fn best(&self) -> &SinglePath {
        let mut paths = self.proposed.kept.iter().map(|kept| &kept.path);
        let first = paths.next().expect("a proposal has a path");
        paths.fold(first, |best, path| {
            match mean(&path.log_ratios) > mean(&best.log_ratios) {
                true => path,
                false => best,
            }
        })
    }
}

impl Pathfinder {
    /// Starts for chains and guides, by these settings.
    pub(crate) fn starts(&self, density: &dyn Density) -> Result<Starts, InferenceError> {
        let proposed = self.propose(density)?;
        let order = proposed.weighted.ranked(self.seed);
        Ok(Starts { proposed, order })
    }
}
