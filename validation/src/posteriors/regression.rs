//! Linear regressions, most of them of Gelman and Hill (2006), on raw predictors.
//!
//! The coefficients of raw predictors correlate strongly, and chains cross such a posterior
//! slowly. So the coefficients of orthogonal predictors are sampled, and those of the raw ones
//! computed from them (Stan user's guide, "The QR reparameterization"). The map is linear, so
//! what is flat for the ones is flat for the others.

use bayes_nn::distributions::{Distribution, Flat, HalfCauchy, HalfNormal, Normal};
use bayes_nn::model::{Data, Trace, Var, from_fn};

use crate::Error;
use crate::data::Folder;
use crate::run::{Method, Run};

/// Rows of a design matrix: a one, then a number of each predictor. Returns `[n, columns]`
/// row-major and the number of columns.
fn design(predictors: &[Vec<f64>]) -> (Vec<f64>, usize) {
    let rows = predictors.first().map_or(0, Vec::len);
    let row = |row: usize| std::iter::once(1.0).chain(predictors.iter().map(move |p| p[row]));
    ((0..rows).flat_map(row).collect(), predictors.len() + 1)
}

/// Predictors `[n, k]` as `orthogonal = raw back`, both row-major: columns of mean square 1 that
/// are orthogonal to each other, and the `[k, k]` matrix that leads from their coefficients to
/// those of the raw ones.
struct Orthogonal {
    columns: usize,
    predictors: Vec<f64>,
    back: Vec<f64>,
}

impl Orthogonal {
    /// By the modified method of Gram and Schmidt.
    fn of(raw: &[f64], columns: usize) -> Orthogonal {
        let rows = raw.len() / columns;
        let mut predictors = raw.to_vec();
        let mut back: Vec<f64> = (0..columns * columns)
            .map(|place| f64::from(place / columns == place % columns))
            .collect();
        for own in 0..columns {
            for other in 0..=own {
                let products = predictors.chunks(columns).map(|row| row[own] * row[other]);
                let product = products.sum::<f64>() / rows as f64;
                for row in predictors
                    .chunks_mut(columns)
                    .chain(back.chunks_mut(columns))
                {
                    match other == own {
                        true => row[own] /= product.sqrt(),
                        false => row[own] -= product * row[other],
                    }
                }
            }
        }
        Orthogonal {
            columns,
            predictors,
            back,
        }
    }

    fn data(&self, y: &[f64]) -> Result<Data, Error> {
        let data = Data::new().matrix("x", &self.predictors, self.columns)?;
        Ok(data.column("y", y)?)
    }

    /// Flat coefficients: of the orthogonal predictors, and of the raw ones.
    fn sample<'g>(&self, trace: &Trace<'g>) -> (Var<'g>, Var<'g>) {
        let own = trace.sample("orthogonal", Flat::real().expand([self.columns]));
        let shape = [self.columns, self.columns];
        let raw = trace.graph().constant(&self.back, shape).matmul(own);
        (own, raw)
    }
}

fn each(column: &[f64], f: impl Fn(f64) -> f64) -> Vec<f64> {
    column.iter().map(|x| f(*x)).collect()
}

fn product(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

/// Flat coefficients, and a flat standard deviation.
fn flat(predictors: &[Vec<f64>], y: &[f64], method: &Method) -> Result<Run, Error> {
    let (x, columns) = design(predictors);
    let x = Orthogonal::of(&x, columns);
    let data = x.data(y)?;
    let model = from_fn(|trace, data| {
        let (orthogonal, beta) = x.sample(trace);
        trace.deterministic("beta", beta);
        let sigma = trace.sample("sigma", Flat::positive());
        let mean = orthogonal.matmul(data.matrix("x"));
        trace.observe("y", Normal::new(mean, sigma), data.column("y"));
    });
    Ok(Run::of(&model, data, method)?)
}

/// The logarithm of earnings by height.
pub fn earnings(folder: &Folder, method: &Method) -> Result<Run, Error> {
    let people = folder.posteriordb("earnings")?;
    let log_earn = each(&people.column("earn")?, f64::ln);
    flat(&[people.column("height")?], &log_earn, method)
}

/// The logarithm of the leaves' weight of mesquite bushes by their measures.
pub fn mesquite(folder: &Folder, method: &Method) -> Result<Run, Error> {
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
    flat(&predictors, &log("weight")?, method)
}

/// Party identification in the national election study of 2000.
pub fn election(folder: &Folder, method: &Method) -> Result<Run, Error> {
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
    flat(&predictors, &voters.column("partyid7")?, method)
}

/// Flat coefficients, and a half-Cauchy standard deviation.
fn kidscores(predictors: &[Vec<f64>], scores: &[f64], method: &Method) -> Result<Run, Error> {
    let (x, columns) = design(predictors);
    let x = Orthogonal::of(&x, columns);
    let data = x.data(scores)?;
    let model = from_fn(|trace, data| {
        let (orthogonal, beta) = x.sample(trace);
        trace.deterministic("beta", beta);
        let sigma = trace.sample("sigma", HalfCauchy::new(2.5));
        let mean = orthogonal.matmul(data.matrix("x"));
        trace.observe("score", Normal::new(mean, sigma), data.column("y"));
    });
    Ok(Run::of(&model, data, method)?)
}

/// Test scores of children by their mothers' schooling and IQ.
pub fn kidscore(folder: &Folder, method: &Method) -> Result<Run, Error> {
    let children = folder.posteriordb("kidiq")?;
    let (school, iq) = (children.column("mom_hs")?, children.column("mom_iq")?);
    kidscores(&[school, iq], &children.column("kid_score")?, method)
}

/// The same with an interaction of the two.
pub fn kidscore_interaction(folder: &Folder, method: &Method) -> Result<Run, Error> {
    let children = folder.posteriordb("kidiq")?;
    let (school, iq) = (children.column("mom_hs")?, children.column("mom_iq")?);
    let both = product(&school, &iq);
    kidscores(&[school, iq, both], &children.column("kid_score")?, method)
}

/// Five correlated predictors without an intercept, left as they are.
pub fn correlated(folder: &Folder, method: &Method) -> Result<Run, Error> {
    let table = folder.posteriordb("sblrc")?;
    let columns = table.number("D")? as usize;
    let data = Data::new()
        .matrix("x", &table.column("X")?, columns)?
        .column("y", &table.column("y")?)?;
    let model = from_fn(|trace, data| {
        let beta = trace.sample("beta", Normal::new(0.0, 10.0).expand([columns]));
        let sigma = trace.sample("sigma", HalfNormal::new(10.0));
        let mean = beta.matmul(data.matrix("x"));
        trace.observe("y", Normal::new(mean, sigma), data.column("y"));
    });
    Ok(Run::of(&model, data, method)?)
}

/// Summer temperatures by year, which is far from 0: intercept and slope are all but one. Their
/// priors are factors of the density.
pub fn kilpisjarvi(folder: &Folder, method: &Method) -> Result<Run, Error> {
    let table = folder.posteriordb("kilpisjarvi_mod")?;
    let (x, columns) = design(&[table.column("x")?]);
    let x = Orthogonal::of(&x, columns);
    let data = x.data(&table.column("y")?)?;
    let alpha_prior = (table.number("pmualpha")?, table.number("psalpha")?);
    let beta_prior = (table.number("pmubeta")?, table.number("psbeta")?);
    let model = from_fn(|trace, data| {
        let (orthogonal, raw) = x.sample(trace);
        let alpha = trace.deterministic("alpha", raw.row(0));
        let beta = trace.deterministic("beta", raw.row(1));
        let prior = |(mean, sd), value| Normal::new(mean, sd).log_prob(value);
        trace.factor("alpha's prior", prior(alpha_prior, alpha));
        trace.factor("beta's prior", prior(beta_prior, beta));
        let sigma = trace.sample("sigma", Flat::positive());
        let mean = orthogonal.matmul(data.matrix("x"));
        trace.observe("y", Normal::new(mean, sigma), data.column("y"));
    });
    Ok(Run::of(&model, data, method)?)
}

/// A series regressed on its own last values; the first ones are taken as given.
pub fn autoregression(folder: &Folder, method: &Method) -> Result<Run, Error> {
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
    Ok(Run::of(&model, data, method)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orthogonal_predictors_are_combinations_of_the_raw_ones() {
        let raw = [
            1.0, 3952.0, 7.0, 1.0, 3953.0, -2.0, 1.0, 3954.0, 0.5, 1.0, 3957.0, 1.5,
        ];
        let Orthogonal {
            predictors, back, ..
        } = Orthogonal::of(&raw, 3);
        let dot = |a: &[f64], i: usize, b: &[f64], j: usize| -> f64 {
            let rows = a.chunks(3).zip(b.chunks(3));
            rows.map(|(a, b)| a[i] * b[j]).sum()
        };
        for i in 0..3 {
            for j in 0..3 {
                let product = dot(&predictors, i, &predictors, j) / 4.0;
                assert!(
                    (product - f64::from(i == j)).abs() < 1e-6,
                    "{i}, {j}: {product}"
                );
            }
        }
        for (raw, own) in raw.chunks(3).zip(predictors.chunks(3)) {
            for (j, own) in own.iter().enumerate() {
                let combined: f64 = (0..3).map(|i| raw[i] * back[3 * i + j]).sum();
                assert!((combined - own).abs() < 1e-8, "{combined} for {own}");
            }
        }
    }
}
