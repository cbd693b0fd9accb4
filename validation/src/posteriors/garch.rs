//! GARCH(1, 1): a series whose variance follows its own past (Bollerslev 1986).

use bayes_nn::distributions::{Flat, Normal};
use bayes_nn::model::{Data, concat, from_fn};

use crate::Error;
use crate::data::Folder;
use crate::run::{Method, Run};

/// The recursion of the variance is written out over time:
/// `s[t]^2 = alpha0 + alpha1 (y[t - 1] - mu)^2 + beta1 s[t - 1]^2`.
pub fn garch(folder: &Folder, method: &Method) -> Result<Run, Error> {
    let table = folder.posteriordb("garch")?;
    let y = table.column("y")?;
    let first = table.number("sigma1")?;
    let steps = y.len();
    let data = Data::new().column("y", &y)?;
    let model = from_fn(move |trace, data| {
        let mu = trace.sample("mu", Flat::real());
        let alpha0 = trace.sample("alpha0", Flat::positive());
        let alpha1 = trace.sample("alpha1", Flat::between(0.0, 1.0));
        // Together below 1, or the variance would grow without bound.
        let beta1 = trace.sample("beta1", Flat::between(0.0, 1.0 - alpha1));
        let y = data.column("y");
        let shocks = alpha0 + alpha1 * (y - mu) * (y - mu);
        let mut variance = trace.graph().constant(&[first * first], [1]);
        let mut variances = vec![variance];
        for t in 1..steps {
            variance = shocks.view(t - 1, [1]) + beta1 * variance;
            variances.push(variance);
        }
        let scale = concat(&variances, 0).sqrt();
        trace.observe("y", Normal::new(mu, scale), y);
    });
    Ok(Run::of(&model, data, method)?)
}
