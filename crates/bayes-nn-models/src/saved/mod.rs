//! Files of fits: a posterior is saved, and comes back with its model.
//!
//! A file has everything that a fit found, what it was found by, and how its rows were encoded, but
//! no row of its data. `docs/format.md` has the schema. A network comes back by itself (`Bnn::load`);
//! a model as a function comes back with the function ([`model::load`](crate::model::load)).

mod data;

use std::path::Path;
use std::sync::Arc;

use bayes_nn_autodiff::noise;
use bayes_nn_files::File;
use bayes_nn_inference::saved::{Bits, read_fit, write_fit};
use bayes_nn_inference::{AdviFit, DrawSource, Fit, Site, SiteError};
use bayes_nn_kernels::Precision;

pub use bayes_nn_files::{Entry, FileError, Node, Object, Place, Value, choice, record};

use crate::error::Error;
use crate::model::{Data, Model, ModelDensity, Posterior};
use crate::predict::{Explained, RestartAgreement};

record!(RestartAgreement { "fits": fits, "rows": rows, "r_hat": r_hat, "worst": worst });
record!(Explained { "rows": rows, "share": share, "of_classes": of_classes, "is_nothing": is_nothing });

impl<M: Model> Posterior<M> {
    /// Saves the fit in a file, from which [`model::load`](crate::model::load) takes it up for a model
    /// as a function, and `Bnn::load` with its network. Loaded fits draw, predict and print the same,
    /// bit for bit.
    ///
    /// The file has no row of the data: a fit can be handed on without them. While it is written
    /// what was there under its name is still there, and stays if anything fails.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let line = model::from_fn(|trace, data| {
    ///     let slope = trace.sample("slope", Normal::new(0.0, 2.0));
    ///     trace.observe("y", Normal::new(slope * data.column("x"), 0.1), data.column("y"));
    /// });
    /// let data = Data::new().column("x", &[1.0, 2.0, 3.0])?.column("y", &[2.1, 3.9, 6.0])?;
    /// let fit = model::fit(&line, &data, &Advi::full_rank().seed(1))?;
    /// # let path = std::env::temp_dir().join(format!("bayes-nn-line-{}.bnn", std::process::id()));
    /// fit.save(&path)?;
    ///
    /// let again = model::load(&line, &path)?;
    /// # std::fs::remove_file(&path).unwrap();
    /// let new = Data::new().column("x", &[10.0])?;
    /// let predicted = again.predictive(&new, 500, 0)?;
    /// assert!((predicted.variable("y")?.mean()[0] - 20.0).abs() < 0.5);
    /// assert_eq!(predicted, fit.predictive(&new, 500, 0)?);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// A folder that is not there or cannot be written to, a full disk; a fit by a method of one's own; a
    /// network with a layer, head or prior that a file cannot describe.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let of = &self.predictive;
        let whole = Whole {
            model: &of.model,
            data: &of.data,
            precision: of.precision,
            target: &of.target,
            agreement: self.agreement(),
            explained: self.explained(),
        };
        whole.save(path.as_ref(), |object| {
            let Some(fit) = self.found() else {
                return Ok(object.put("source", &of.source));
            };
            match write_fit(fit, &object.at("fit")) {
                Some(written) => Ok(object.put_value("fit", written)),
                None => Err(FileError::Unsaved {
                    what: format!("a fit by {}, a method of one's own,", fit.method()),
                    remedy: "save `Posterior::new(model, data, &fit)`, which has its draws"
                        .to_owned(),
                }
                .into()),
            }
        })
    }
}

/// What a file has beside what a method found.
struct Whole<'a, M> {
    model: &'a M,
    data: &'a Data,
    precision: Precision,
    target: &'a Option<Arc<str>>,
    agreement: Option<RestartAgreement>,
    explained: Option<Explained>,
}

impl<M: Model> Whole<'_, M> {
    fn save(
        &self,
        path: &Path,
        found: impl for<'w> FnOnce(Object<'w>) -> Result<Object<'w>, Error>,
    ) -> Result<(), Error> {
        bayes_nn_files::save(path, |root| {
            let root = root
                .put("library", &env!("CARGO_PKG_VERSION").to_owned())
                .put("random_stream", &noise::VERSION);
            let object = root.at("posterior").object();
            let model = self.model.describe(&object.at("model"))?;
            let object = object
                .put_value("model", model)
                .put("data", self.data)
                .put("precision", &Bits(self.precision))
                .put("target", self.target)
                .put("agreement", &self.agreement)
                .put("explained", &self.explained);
            let posterior = found(object)?.value();
            Ok(root.put_value("posterior", posterior).value())
        })
    }
}

/// Saves a fit that runs with its model and what its data are, as [`Posterior::save`] does when it has
/// ended.
pub(crate) fn save_running<M: Model>(
    model: &M,
    data: &Data,
    fit: &AdviFit,
    path: &Path,
) -> Result<(), Error> {
    let whole = Whole {
        model,
        data,
        precision: fit.runtime().precision,
        target: &None,
        agreement: None,
        explained: None,
    };
    whole.save(path, |object| Ok(object.put("fit", fit)))
}

/// Takes up the fit of a file for the model that it was made for.
///
/// Draws, predictions and what is printed are those of the fit that was saved. What needs the data of
/// the fit, as a deterministic computed from a column, or the log-likelihood of its rows, is
/// [`Error::NotSaved`]: [`load_with_data`] takes them.
///
/// # Errors
/// A file that cannot be read, is damaged, or has what cannot be: see [`FileError`]; a model whose
/// variables are others than those of the file, of which the first that differs is named; a model with
/// missing values, whose rows are of the data.
pub fn load<M: Model + Clone>(model: &M, path: impl AsRef<Path>) -> Result<Posterior<M>, Error> {
    load_by(path.as_ref(), |_| Ok(model.clone()))
}

/// As [`load`], with the data that the fit was made from: all that the fit could say can be asked
/// again.
///
/// ```
/// use bayes_nn::prelude::*;
/// use bayes_nn::Error;
/// let coin = model::from_fn(|trace, data| {
///     let p = trace.sample("p", Uniform::new(0.0, 1.0));
///     trace.observe("y", distributions::Bernoulli::probs(p), data.column("y"));
/// });
/// let data = Data::new().column("y", &[1.0, 0.0, 1.0, 1.0, 0.0])?;
/// let fit = model::fit(&coin, &data, &Nuts::new().chains(2).seed(1))?;
/// # let path = std::env::temp_dir().join(format!("bayes-nn-coin-{}.bnn", std::process::id()));
/// fit.save(&path)?;
/// let without = model::load(&coin, &path)?;
/// assert!(matches!(without.loo("y"), Err(Error::NotSaved { .. })));
/// let again = model::load_with_data(&coin, &data, &path)?;
/// # std::fs::remove_file(&path).unwrap();
/// assert_eq!(again.loo("y")?.elpd_loo, fit.loo("y")?.elpd_loo);
/// # Ok::<(), bayes_nn::Error>(())
/// ```
///
/// # Errors
/// As [`load`]; data with other columns, of another width or with another number of rows than those
/// of the fit.
pub fn load_with_data<M: Model + Clone>(
    model: &M,
    data: impl Into<Data>,
    path: impl AsRef<Path>,
) -> Result<Posterior<M>, Error> {
    let file = File::read(path)?;
    let node = file.root()?.at("posterior")?;
    let described: Data = node.get("data")?;
    let data = data.into().encoded_as(&described)?;
    data.check_scale(&described)?;
    if let Some(problem) = described.problem_of(&data) {
        return Err(node.at("data")?.refuse(problem).into());
    }
    read_posterior(&node, model.clone(), data)
}

/// Takes up the fit of a file with the model that is made of what the file says of it.
///
/// # Errors
/// As [`load`]; those of `make`.
pub fn load_by<M: Model>(
    path: &Path,
    make: impl FnOnce(&Node<'_>) -> Result<M, Error>,
) -> Result<Posterior<M>, Error> {
    let file = File::read(path)?;
    let node = file.root()?.at("posterior")?;
    let model = make(&node.at("model")?)?;
    read_posterior(&node, model, node.get("data")?)
}

fn read_posterior<M: Model>(node: &Node<'_>, model: M, data: Data) -> Result<Posterior<M>, Error> {
    let fit: Option<Arc<dyn Fit>> = match node.find("fit")? {
        Some(fit) => Some(read_fit(&fit)?),
        None => None,
    };
    let source: DrawSource = match &fit {
        Some(fit) => fit.source(),
        None => node.get("source")?,
    };
    let density = ModelDensity::described(&model, data.clone())?;
    check_sites(density.own_sites(), source.sites())?;
    let augmented = density.augmented();
    let Bits(precision) = node.get("precision")?;
    let mut posterior = Posterior::from_parts(model, data, source, precision);
    posterior.predictive.target = node.get("target")?;
    let posterior = posterior.taken_up(fit, node.get("agreement")?, node.get("explained")?)?;
    Ok(posterior.augmented_by(augmented))
}

/// Checks that the variables of a file are those of a model, and names the first that is not.
fn check_sites(own: &[Site], found: &[Site]) -> Result<(), Error> {
    let shown = |site: Option<&Site>| match site {
        Some(site) => format!("`{}` {}", site.name, site.shape),
        None => "none".to_owned(),
    };
    for number in 0..own.len().max(found.len()) {
        let (own, found) = (own.get(number), found.get(number));
        if own.map(|site| (&site.name, site.shape)) != found.map(|site| (&site.name, site.shape)) {
            return Err(Error::OtherSite {
                number,
                expected: shown(own),
                found: shown(found),
            });
        }
    }
    let mut own = own.iter();
    let other = own.find_map(|s| SiteError::support(&s.name, s.support.as_ref(), found));
    other.map_or(Ok(()), |error| Err(error.into()))
}
