//! Linear regressions, most of them of Gelman and Hill (2006), on raw predictors: the
//! coefficients correlate strongly.

use bayes_nn::Nuts;
use bayes_nn::distributions::{Distribution, Flat, HalfCauchy, HalfNormal, Normal};
use bayes_nn::model::{Data, from_fn};

use crate::Error;
use crate::data::Folder;
use crate::run::Run;

/// Rows of a design matrix: a one, then a number of each predictor. Returns `[n, columns]`
/// row-major and the number of columns.
fn design(predictors: &[Vec<f64>]) -> (Vec<f64>, usize) {
    let rows = predictors.first().map_or(0, Vec::len);
    let row = |row: usize| std::iter::once(1.0).chain(predictors.iter().map(move |p| p[row]));
    ((0..rows).flat_map(row).collect(), predictors.len() + 1)
}

fn each(column: &[f64], f: impl Fn(f64) -> f64) -> Vec<f64> {
    column.iter().map(|x| f(*x)).collect()
}

fn product(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

/// Flat coefficients, and a flat standard deviation.
fn flat(predictors: &[Vec<f64>], y: &[f64], nuts: &Nuts) -> Result<Run, Error> {
    let (x, columns) = design(predictors);
    let data = Data::new().matrix("x", &x, columns)?.column("y", y)?;
    let model = from_fn(move |trace, data| {
        let beta = trace.sample("beta", Flat::real().expand([columns]));
        let sigma = trace.sample("sigma", Flat::positive());
        let mean = beta.matmul(data.matrix("x"));
        trace.observe("y", Normal::new(mean, sigma), data.column("y"));
    });
    Ok(Run::of(&model, data, nuts)?)
}

/// The logarithm of earnings by height.
pub fn earnings(folder: &Folder, nuts: &Nuts) -> Result<Run, Error> {
    let people = folder.posteriordb("earnings")?;
    let log_earn = each(&people.column("earn")?, f64::ln);
    flat(&[people.column("height")?], &log_earn, nuts)
}

/// The logarithm of the leaves' weight of mesquite bushes by their measures.
pub fn mesquite(folder: &Folder, nuts: &Nuts) -> Result<Run, Error> {
    let bushes = folder.posteriordb("mesquite")?;
    let log = |name: &str| Ok::<_, Error>(each(&bushes.column(name)?, f64::ln));
    let (d1, d2, height) = (log("diam1")?, log("diam2")?, log("canopy_height")?);
    let combined = |f: fn(f64, f64, f64) -> f64| -> Vec<f64> {
        let rows = d1.iter().zip(&d2).zip(&height);
        rows.map(|((d1, d2), height)| f(*d1, *d2, *height))
            .collect()
    };
    let predictors = [
        combined(|d1, d2, height| d1 + d2 + height),
        combined(|d1, d2, _| d1 + d2),
        combined(|d1, d2, _| d1 - d2),
        log("total_height")?,
        log("density")?,
        bushes.column("group")?,
    ];
    flat(&predictors, &log("weight")?, nuts)
}

/// Party identification in the national election study of 2000.
pub fn election(folder: &Folder, nuts: &Nuts) -> Result<Run, Error> {
    let voters = folder.posteriordb("nes2000")?;
    let age = voters.column("age_discrete")?;
    let of_age = |class: f64| each(&age, |age| f64::from(age == class));
    let predictors = [
        voters.column("real_ideo")?,
        voters.column("race_adj")?,
        of_age(2.0),
        of_age(3.0),
        of_age(4.0),
        voters.column("educ1")?,
        voters.column("gender")?,
        voters.column("income")?,
    ];
    flat(&predictors, &voters.column("partyid7")?, nuts)
}

/// Flat coefficients, and a half-Cauchy standard deviation.
fn kidscores(predictors: &[Vec<f64>], scores: &[f64], nuts: &Nuts) -> Result<Run, Error> {
    let (x, columns) = design(predictors);
    let data = Data::new().matrix("x", &x, columns)?.column("y", scores)?;
    let model = from_fn(move |trace, data| {
        let beta = trace.sample("beta", Flat::real().expand([columns]));
        let sigma = trace.sample("sigma", HalfCauchy::new(2.5));
        let mean = beta.matmul(data.matrix("x"));
        trace.observe("score", Normal::new(mean, sigma), data.column("y"));
    });
    Ok(Run::of(&model, data, nuts)?)
}

/// Test scores of children by their mothers' schooling and IQ.
pub fn kidscore(folder: &Folder, nuts: &Nuts) -> Result<Run, Error> {
    let children = folder.posteriordb("kidiq")?;
    let (school, iq) = (children.column("mom_hs")?, children.column("mom_iq")?);
    kidscores(&[school, iq], &children.column("kid_score")?, nuts)
}

/// The same with an interaction of the two.
pub fn kidscore_interaction(folder: &Folder, nuts: &Nuts) -> Result<Run, Error> {
    let children = folder.posteriordb("kidiq")?;
    let (school, iq) = (children.column("mom_hs")?, children.column("mom_iq")?);
    let both = product(&school, &iq);
    kidscores(&[school, iq, both], &children.column("kid_score")?, nuts)
}

/// Five correlated predictors without an intercept.
pub fn correlated(folder: &Folder, nuts: &Nuts) -> Result<Run, Error> {
    let table = folder.posteriordb("sblrc")?;
    let columns = table.number("D")? as usize;
    let data = Data::new()
        .matrix("x", &table.column("X")?, columns)?
        .column("y", &table.column("y")?)?;
    let model = from_fn(move |trace, data| {
        let beta = trace.sample("beta", Normal::new(0.0, 10.0).expand([columns]));
        let sigma = trace.sample("sigma", HalfNormal::new(10.0));
        let mean = beta.matmul(data.matrix("x"));
        trace.observe("y", Normal::new(mean, sigma), data.column("y"));
    });
    Ok(Run::of(&model, data, nuts)?)
}

/// Summer temperatures by year, which is far from 0: intercept and slope are all but one.
pub fn kilpisjarvi(folder: &Folder, nuts: &Nuts) -> Result<Run, Error> {
    let table = folder.posteriordb("kilpisjarvi_mod")?;
    let data = Data::new()
        .column("x", &table.column("x")?)?
        .column("y", &table.column("y")?)?;
    let alpha = (table.number("pmualpha")?, table.number("psalpha")?);
    let beta = (table.number("pmubeta")?, table.number("psbeta")?);
    let model = from_fn(move |trace, data| {
        let alpha = trace.sample("alpha", Normal::new(alpha.0, alpha.1));
        let beta = trace.sample("beta", Normal::new(beta.0, beta.1));
        let sigma = trace.sample("sigma", Flat::positive());
        let mean = alpha + beta * data.column("x");
        trace.observe("y", Normal::new(mean, sigma), data.column("y"));
    });
    Ok(Run::of(&model, data, nuts)?)
}

/// A series regressed on its own last values; the first ones are taken as given.
pub fn autoregression(folder: &Folder, nuts: &Nuts) -> Result<Run, Error> {
    let table = folder.posteriordb("arK")?;
    let (y, order) = (table.column("y")?, table.number("K")? as usize);
    // The last value first.
    let lags = y.windows(order + 1).flat_map(|w| w[..order].iter().rev());
    let lags: Vec<f64> = lags.copied().collect();
    let data = Data::new()
        .matrix("lags", &lags, order)?
        .column("y", &y[order..])?;
    let model = from_fn(move |trace, data| {
        let alpha = trace.sample("alpha", Normal::new(0.0, 10.0));
        let beta = trace.sample("beta", Normal::new(0.0, 10.0).expand([order]));
        let sigma = trace.sample("sigma", HalfCauchy::new(2.5));
        let mean = alpha + beta.matmul(data.matrix("lags"));
        trace.observe("y", Normal::new(mean, sigma), data.column("y"));
    });
    Ok(Run::of(&model, data, nuts)?)
}
