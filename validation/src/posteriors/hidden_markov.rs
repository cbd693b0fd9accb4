//! A hidden Markov model of two states, summed out by the forward algorithm (Rabiner 1989,
//! Proc. IEEE 77, eq. 18 to 20).

use bayes_nn::distributions::{Dirichlet, Distribution, Flat, Normal};
use bayes_nn::model::{Data, concat, from_fn};

use crate::Error;
use crate::data::Folder;
use crate::run::{Method, Run};

/// The states have means in order, or they could change their names.
pub fn two_states(folder: &Folder, method: &Method) -> Result<Run, Error> {
    let y = folder.posteriordb("hmm_example")?.column("y")?;
    let steps = y.len();
    let data = Data::new().column("y", &y)?;
    let model = from_fn(move |trace, data| {
        let graph = trace.graph();
        let uniform = || Dirichlet::new(graph.constant(&[1.0, 1.0], [2]));
        let from = [
            trace.sample("theta1", uniform()),
            trace.sample("theta2", uniform()),
        ];
        let mu = trace.sample("mu", Flat::positive_ordered(2));
        let prior = Normal::new(graph.constant(&[3.0, 10.0], [2]), 1.0);
        trace.factor("mu's prior", prior.log_prob(mu));

        // [state before, state after] and [time, state]
        let transition = concat(&from.map(|row| row.reshape([1, 2])), 0).ln();
        let times = data.column("y").reshape([steps, 1]);
        let emission = Normal::new(mu, 1.0).log_prob(times);
        let mut forward = emission.row(0);
        for t in 1..steps {
            let before = forward.reshape([2, 1]);
            forward = (before + transition).logsumexp(0) + emission.row(t);
        }
        trace.factor("y", forward.logsumexp(0));
    });
    Ok(Run::of(&model, data, method)?)
}
