//! Regression by a Gaussian process (Rasmussen and Williams 2006, eq. 2.30): the function is
//! integrated out, which leaves the covariance of the observations.

use bayes_nn::distributions::{Gamma, HalfNormal, MultivariateNormal};
use bayes_nn::model::{Data, from_fn};

use crate::Error;
use crate::data::Folder;
use crate::run::{Method, Run};

/// Squared exponential covariance with length scale `rho` and amplitude `alpha`; `sigma` is a
/// variance.
pub fn regression(folder: &Folder, method: &Method) -> Result<Run, Error> {
    let table = folder.posteriordb("gp_pois_regr")?;
    let (x, y) = (table.column("x")?, table.column("y")?);
    let rows = x.len();
    let data = Data::new().column("x", &x)?.column("y", &y)?;
    let identity: Vec<f64> = (0..rows * rows)
        .map(|place| f64::from(place / rows == place % rows))
        .collect();
    let model = from_fn(move |trace, data| {
        let rho = trace.sample("rho", Gamma::new(25.0, 4.0));
        let alpha = trace.sample("alpha", HalfNormal::new(2.0));
        let sigma = trace.sample("sigma", HalfNormal::new(1.0));
        let x = data.column("x");
        let distance = (x.reshape([rows, 1]) - x) / rho;
        let smooth = alpha * alpha * (distance * distance * -0.5).exp();
        let noise = sigma * trace.graph().constant(&identity, [rows, rows]);
        let process = MultivariateNormal::with_covariance(0.0, smooth + noise);
        trace.observe("y", process, data.column("y"));
    });
    Ok(Run::of(&model, data, method)?)
}
