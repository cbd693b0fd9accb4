//! A mixture of two normals.

use bayes_nn::distributions::{Beta, Distribution, HalfNormal, Mixture, Normal, Ordered};
use bayes_nn::model::{Data, from_fn};

use crate::Error;
use crate::data::Folder;
use crate::run::{Method, Run};

/// The peaks have an order, or they could change their names. That order also makes a mode some
/// 450 nats below the other, a narrow peak inside a wide one to its left: of chains that begin
/// anywhere about one in sixty comes there first.
pub fn two_peaks(folder: &Folder, method: &Method) -> Result<Run, Error> {
    let y = folder.posteriordb("low_dim_gauss_mix")?.column("y")?;
    let data = Data::new().column("y", &y)?;
    let model = from_fn(|trace, data| {
        let mu = trace.sample("mu", Ordered::new(Normal::new(0.0, 2.0), 2));
        let sigma = trace.sample("sigma", HalfNormal::new(2.0).expand([2]));
        let theta = trace.sample("theta", Beta::new(5.0, 5.0));
        let peak = |k: usize| Normal::new(mu.row(k), sigma.row(k));
        let peaks = Mixture::new([(theta, peak(0)), (1.0 - theta, peak(1))]);
        trace.observe("y", peaks, data.column("y"));
    });
    Ok(Run::of(&model, data, method)?)
}
