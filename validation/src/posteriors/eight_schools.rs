//! Eight schools (Rubin 1981), centred and not: a funnel, and the same density without one.

use bayes_nn::distributions::{Distribution, HalfCauchy, Normal};
use bayes_nn::model::{Data, from_fn};

use crate::Error;
use crate::data::Folder;
use crate::run::{Method, Run};

fn data(folder: &Folder) -> Result<Data, Error> {
    let schools = folder.posteriordb("eight_schools")?;
    Ok(Data::new()
        .column("y", &schools.column("y")?)?
        .column("sigma", &schools.column("sigma")?)?)
}

/// The effects drawn around their mean: where `tau` is small they have no room.
pub fn centred(folder: &Folder, method: &Method) -> Result<Run, Error> {
    let model = from_fn(|trace, data| {
        let tau = trace.sample("tau", HalfCauchy::new(5.0));
        let mu = trace.sample("mu", Normal::new(0.0, 5.0));
        let theta = trace.sample("theta", Normal::new(mu, tau).expand([8]));
        trace.observe(
            "y",
            Normal::new(theta, data.column("sigma")),
            data.column("y"),
        );
    });
    Ok(Run::of(&model, data(folder)?, method)?)
}

/// The effects as a mean and so many standard deviations.
pub fn non_centred(folder: &Folder, method: &Method) -> Result<Run, Error> {
    let model = from_fn(|trace, data| {
        let tau = trace.sample("tau", HalfCauchy::new(5.0));
        let mu = trace.sample("mu", Normal::new(0.0, 5.0));
        let standard = trace.sample("standard", Normal::new(0.0, 1.0).expand([8]));
        let theta = trace.deterministic("theta", mu + tau * standard);
        trace.observe(
            "y",
            Normal::new(theta, data.column("sigma")),
            data.column("y"),
        );
    });
    Ok(Run::of(&model, data(folder)?, method)?)
}
