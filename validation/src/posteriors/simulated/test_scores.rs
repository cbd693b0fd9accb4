//! Item response: who solves which item of a test (Birnbaum 1968).

use bayes_nn::distributions::{Bernoulli, Distribution, LogNormal, Normal};
use bayes_nn::model::{Data, from_fn};

use super::Simulation;
use crate::Error;
use crate::data::Folder;
use crate::run::{Method, Run};

const PERSONS: usize = 100;
const ITEMS: usize = 20;

/// Two parameters an item, its discrimination and its difficulty: products of unknowns.
pub fn two_parameters(_: &Folder, method: &Method) -> Result<Run, Error> {
    let mut simulation = Simulation::new(101);
    let ability = simulation.normals(PERSONS, 0.0, 1.0);
    let discrimination: Vec<f64> = simulation.normals(ITEMS, 0.0, 0.5);
    let difficulty = simulation.normals(ITEMS, 0.3, 1.0);
    let pairs = || (0..PERSONS).flat_map(|person| (0..ITEMS).map(move |item| (person, item)));
    let answers: Vec<f64> = pairs()
        .map(|(person, item)| {
            let ahead = ability[person] - difficulty[item];
            simulation.bernoulli(discrimination[item].exp() * ahead)
        })
        .collect();
    let (person, item): (Vec<usize>, Vec<usize>) = pairs().unzip();
    let data = Data::new()
        .index("person", &person)?
        .index("item", &item)?
        .column("answer", &answers)?;
    let model = from_fn(|trace, data| {
        let ability = trace.sample("ability", Normal::new(0.0, 1.0).expand([PERSONS]));
        let discrimination = LogNormal::new(0.0, 0.5).expand([ITEMS]);
        let discrimination = trace.sample("discrimination", discrimination);
        let mean = trace.sample("mean_difficulty", Normal::new(0.0, 1.0));
        let difficulty = trace.sample("difficulty", Normal::new(0.0, 1.0).expand([ITEMS]));
        let item = data.index("item");
        let ahead = ability.gather(data.index("person"), 0) - difficulty.gather(item, 0) - mean;
        let logits = discrimination.gather(item, 0) * ahead;
        trace.observe("answer", Bernoulli::logits(logits), data.column("answer"));
    });
    Ok(Run::of(&model, data, method)?)
}
