//! Networks without the weights that say least.

use bayes_nn::nn::prior;
use bayes_nn::prelude::*;

/// A number that depends on the first of ten features alone.
fn rows(count: usize, seed: u64) -> Dataset {
    let number = |i: u64| ((i + 1000 * seed) as f64 * 0.754_877_666).fract() * 2.0 - 1.0;
    let x: Vec<f64> = (0..10 * count as u64).map(|i| number(i * i + i)).collect();
    let y: Vec<f64> = (x.chunks(10).enumerate())
        .map(|(i, x)| (2.0 * x[0]).sin() + 0.1 * number(7 * i as u64 + 3))
        .collect();
    Dataset::new(&x, 10, &y).unwrap()
}

fn fitted(method: &Advi) -> Posterior<Bnn> {
    let net = Mlp::new([10, 8, 1])
        .activation(Tanh)
        .prior(prior::learned_scale());
    Bnn::new(net, Gaussian::new())
        .fit(&rows(200, 1), method)
        .unwrap()
}

fn mean_field() -> Advi {
    Advi::mean_field().steps(3_000).restarts(1).seed(1)
}

#[test]
fn the_weights_whose_mean_is_smallest_beside_their_sd_become_0_and_all_else_stays() {
    let fit = fitted(&mean_field());
    let pruned = fit.pruned(0.6).unwrap();
    let (all, left) = (
        fit.approximation().unwrap(),
        pruned.approximation().unwrap(),
    );
    let (sd, sd_left) = (all.sd(), left.sd());
    let (mut removed, mut kept) = (Vec::new(), Vec::new());
    for site in fit.sites() {
        for i in site.range() {
            let ratio = all.mean()[i].abs() / sd[i];
            match (left.mean()[i], sd_left[i]) {
                (0.0, 0.0) => removed.push(ratio),
                stays => {
                    assert_eq!(stays, (all.mean()[i], sd[i]), "{}", site.name);
                    if site.name.ends_with("weight") {
                        kept.push(ratio);
                    }
                }
            }
        }
    }
    // Of 88 weights; biases and the noise are none.
    assert_eq!((removed.len(), kept.len()), (53, 35));
    let most = removed.into_iter().fold(0.0, f64::max);
    assert!(kept.into_iter().all(|ratio| ratio >= most));
}

#[test]
fn predictions_are_those_of_the_weights_that_are_left() {
    let fit = fitted(&mean_field());
    let test = rows(100, 2);
    let rmse = |share: f64| {
        let score = fit
            .pruned(share)
            .unwrap()
            .score(&test, Predict::draws(100))
            .unwrap();
        score.regression().unwrap().rmse
    };
    let whole = fit.score(&test, Predict::draws(100)).unwrap();
    assert_eq!(rmse(0.0), whole.regression().unwrap().rmse);
    // Nine of ten features say nothing.
    assert!(
        rmse(0.0) < 0.15 && rmse(0.8) < 0.15,
        "{} {}",
        rmse(0.0),
        rmse(0.8)
    );
    let empty = fit.pruned(1.0).unwrap().predict(&test, 20).unwrap();
    assert!(empty.mean().iter().all(|mean| *mean == empty.mean()[0]));
}

#[test]
fn what_cannot_be_pruned_says_why() {
    let fit = fitted(&Advi::mean_field().steps(50).restarts(1));
    let says = |result: Result<Posterior<Bnn>, Error>, words: &[&str]| {
        let message = result.unwrap_err().to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    };
    says(fit.pruned(1.5), &["`share` is 1.5", "from 0 to 1"]);
    says(fit.pruned(f64::NAN), &["`share` is NaN"]);
    says(fit.take(10, 0).unwrap().pruned(0.5), &["no guide"]);
    let correlated = fitted(&Advi::low_rank(2).steps(50).restarts(1));
    says(correlated.pruned(0.5), &["LowRank", "Advi::mean_field()"]);
    let model = model::from_fn(|trace, _| {
        trace.sample("level", Normal::new(0.0, 1.0));
    });
    let fit = model::fit(&model, Data::new(), &Advi::mean_field().steps(50)).unwrap();
    let message = fit.pruned(0.5).err().unwrap().to_string();
    assert!(
        message.contains("`level` []") && message.contains("no weights"),
        "{message}"
    );
}
