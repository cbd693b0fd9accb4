//! A network for handwritten digits, LeNet-300-100, without most of its weights.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use bayes_nn::nn::{Rescale, Sparse, prior};
use bayes_nn::prelude::*;
use serde::Serialize;

#[path = "../mnist/files.rs"]
mod files;

/// Draws of the weights behind every prediction.
const DRAWS: usize = 50;
/// Weights are removed as long as this share more of held-out digits, at the most, is told wrong.
const COST: f64 = 0.001;
/// What is tried: one of so many weights stays.
const FOLDS: [f64; 6] = [10.0, 20.0, 40.0, 60.0, 80.0, 120.0];

#[derive(Serialize)]
pub struct Digits {
    pub seed: u64,
    pub steps: u64,
    pub fit_seconds: f64,
    /// Of weights removed by so many times: the error on held-out digits.
    pub held_out: Vec<(f64, f64)>,
    pub rows: Vec<Row>,
}

/// What a network comes to on the test digits.
#[derive(Serialize)]
pub struct Row {
    pub network: String,
    pub weights: usize,
    pub error: f64,
    pub nll: f64,
    pub predict_seconds: f64,
}

/// Fits a network to four fifths of the training digits, chooses by the others how many weights it can do
/// without, and makes it smaller.
pub fn told(folder: &Path, steps: u64, seed: u64) -> Result<Digits, Box<dyn Error>> {
    let (train, test) = (files::read(folder, "train")?, files::read(folder, "t10k")?);
    let (train, valid) = train.split(0.8, seed)?;
    let net = Sequential::new()
        .layer(Rescale::pixels())
        .layer(Dense::new(300))
        .layer(Relu)
        .layer(Dense::new(100))
        .layer(Relu)
        .layer(Dense::new(10))
        .prior(prior::horseshoe());
    let advi = Advi::mean_field()
        .batch(128)
        .steps(steps)
        .kl_annealing(0.5)
        .seed(seed)
        .progress(Bar::new("digits"));
    let begin = Instant::now();
    let fit = Bnn::new(net, Categorical).fit(&train, &advi)?;
    let fit_seconds = begin.elapsed().as_secs_f64();
    let error = |fit: &Posterior<Bnn>, data: &Dataset| -> Result<[f64; 3], Box<dyn Error>> {
        let begin = Instant::now();
        let prediction = fit.predict(data, DRAWS)?;
        let seconds = begin.elapsed().as_secs_f64();
        let score = prediction.score(data.y())?;
        let classes = score.classification().ok_or("digits are classes")?;
        Ok([1.0 - classes.accuracy, classes.log_loss, seconds])
    };
    let whole = error(&fit, &valid)?[0];
    let mut held_out = vec![(1.0, whole)];
    let mut kept = fit.clone();
    for fold in FOLDS {
        let pruned = fit.pruned(1.0 - 1.0 / fold)?;
        let [share, _, _] = error(&pruned, &valid)?;
        println!(
            "{fold} times fewer weights: {:.2} % of held-out digits wrong",
            100.0 * share
        );
        held_out.push((fold, share));
        if share <= whole + COST {
            kept = pruned;
        }
    }
    let small = kept.compact()?;
    let mut rows = Vec::new();
    for (network, fit) in [("whole", &fit), ("pruned", &kept), ("made smaller", &small)] {
        let [error, nll, predict_seconds] = error(fit, &test)?;
        rows.push(Row {
            network: network.to_owned(),
            weights: weights(fit),
            error,
            nll,
            predict_seconds,
        });
    }
    Ok(Digits {
        seed,
        steps,
        fit_seconds,
        held_out,
        rows,
    })
}

/// Weights that are not 0.
fn weights(fit: &Posterior<Bnn>) -> usize {
    let Some(guide) = fit.approximation() else {
        return 0;
    };
    let sd = guide.sd();
    let sites = guide
        .sites()
        .iter()
        .filter(|site| site.name.ends_with(".raw"));
    sites
        .flat_map(|site| site.range())
        .filter(|i| sd[*i] > 0.0)
        .count()
}
