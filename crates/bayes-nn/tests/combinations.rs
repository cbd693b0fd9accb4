//! What users put together of parts that know nothing of one another: each fit is saved, loaded and
//! predicts what it predicted, and its page names its parts.

mod temporary;

use bayes_nn::nn::{Flatten, GaussianMixture, Hierarchical, Widening};
use bayes_nn::plots::Report;
use bayes_nn::prelude::*;
use bayes_nn::{Acquisition, Error};

use temporary::Temporary;

/// Saves a fit and loads it, and sees that it predicts the same bits of these rows.
fn again(fit: &Posterior<Bnn>, rows: &Data) -> Posterior<Bnn> {
    let file = Temporary::new();
    fit.save(file.path()).unwrap();
    let again = Bnn::load(file.path()).unwrap();
    let mean = |fit: &Posterior<Bnn>| fit.predict(rows, 40).unwrap().mean().to_vec();
    assert_eq!(mean(&again), mean(fit));
    again
}

fn page(fit: &Posterior<Bnn>) -> Result<String, Error> {
    Ok(Report::new("Both").fit(fit)?.to_html())
}

/// Images of 4 x 4 that are bright in the upper or the lower half; one of the scanners shows negatives.
fn images(rows: usize, first: usize, scanners: &[&str]) -> Data {
    let mut x = Vec::new();
    let (mut y, mut words) = (Vec::new(), Vec::new());
    for row in first..first + rows {
        let label = (row * 7).is_multiple_of(3);
        let scanner = scanners[row % scanners.len()];
        let sign = if scanner == "negative" { -1.0 } else { 1.0 };
        x.extend((0..16).map(|place| {
            let noise = ((row * 31 + place * 57) % 100) as f64 / 100.0 - 0.5;
            sign * (noise + if (place < 8) == label { 1.0 } else { -1.0 })
        }));
        y.push(f64::from(u8::from(label)));
        words.push(scanner);
    }
    let data = Data::new().matrix("x", &x, 16).unwrap();
    data.groups("scanner", &words)
        .unwrap()
        .column("y", &y)
        .unwrap()
}

fn convolutional() -> Sequential {
    Sequential::new()
        .input([1, 4, 4])
        .layer(Conv2d::new(3, [3, 3]).same())
        .layer(Relu)
        .layer(Flatten)
        .layer(Dense::new(1))
}

#[test]
fn a_hierarchical_convolutional_network_with_informed_priors() {
    let advi = Advi::mean_field().steps(1_200).learning_rate(0.03).seed(1);
    let source = Bnn::new(convolutional(), Bernoulli);
    let source = source.fit(images(90, 0, &["usual"]), &advi).unwrap();
    let features = source.into_prior(Widening::By(1.5)).unwrap();
    let features = features.only(["layer0"]).unwrap();

    let net = convolutional().prior(features.otherwise(Normal::new(0.0, 1.0)));
    let net = Hierarchical::over(net, "scanner").only(["layer3"]);
    let bnn = Bnn::new(net, Bernoulli);
    let scanners = ["usual", "negative", "other"];
    let (train, test) = (images(60, 90, &scanners), images(60, 150, &scanners));
    let fit = bnn.fit(&train, &advi).unwrap();
    let fit = again(&fit, &test);
    let score = fit.score(&test, Predict::draws(40)).unwrap();
    assert!(score.classification().unwrap().accuracy > 0.95, "{score}");
    let page = page(&fit).unwrap();
    for part in ["scanner", "layer3.weight.group_scale"] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_mixture_density_network_by_group() {
    // Each shop has two kinds of days, and its own size.
    let sizes = [("north", 0.5), ("south", 1.5), ("west", 1.0)];
    let (mut x, mut y, mut words) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..180_usize {
        let (shop, size) = sizes[row % 3];
        let sign = if (row * 13) % 5 < 2 { -1.0 } else { 1.0 };
        let noise = ((row * 37) % 60) as f64 / 60.0 - 0.5;
        x.push((row as f64 * 0.618).fract() - 0.5);
        y.push(size * sign + 0.1 * noise);
        words.push(shop);
    }
    let data = |x: &[f64], words: &[&str], y: &[f64]| {
        let data = Data::new().matrix("x", x, 1).unwrap();
        let data = data.groups("shop", words).unwrap();
        data.column("y", y).unwrap()
    };
    let net = Hierarchical::over(Mlp::new([1, 6]), "shop");
    let bnn = Bnn::new(net, GaussianMixture::new(2));
    let advi = Advi::mean_field().steps(3_000).learning_rate(0.02).seed(2);
    let fit = bnn.fit(data(&x, &words, &y), &advi).unwrap();
    let at = |shop: &str, y: f64| data(&[0.0], &[shop], &[y]);
    let fit = again(&fit, &at("south", 1.0));
    let density = |shop, y| {
        let rows = at(shop, y);
        fit.score(&rows, Predict::draws(200)).unwrap().log_loss
    };
    // South's days are around 1.5 and -1.5, those of the north around half of one.
    for (here, there) in [(1.5, 0.5), (-1.5, -0.5), (1.5, 0.0)] {
        assert!(density("south", here) < density("south", there) - 1.0);
        assert!(density("north", 0.5) < density("north", here) - 1.0);
    }
    // Of a shop that is new it is known that it is like others.
    let new = fit.predict(&at("east", 0.0), 200).unwrap();
    assert!(new.mean()[0].abs() < 1.0 && new.epistemic()[0] > 0.05);
}

#[test]
fn rows_are_acquired_for_a_network_with_an_informed_prior_that_was_loaded() {
    let data = datasets::moons(300, 0.2, 1).unwrap().standardized();
    let net = || Mlp::new([2, 8, 1]).activation(Tanh);
    let advi = Advi::mean_field().steps(1_500).learning_rate(0.02).seed(3);
    let first = Bnn::new(net(), Bernoulli);
    let rows: Vec<usize> = (0..60).collect();
    let first = first.fit(data.select(&rows).unwrap(), &advi).unwrap();
    let prior = first.into_prior(Widening::Learned).unwrap();
    let known: Vec<usize> = (60..80).collect();
    let bnn = Bnn::new(net().prior(prior), Bernoulli);
    let fit = bnn.fit(data.select(&known).unwrap(), &advi).unwrap();
    let pool = data.select(&(80..300).collect::<Vec<_>>()).unwrap();
    let loaded = again(&fit, &Data::from(&pool));
    let by = || Acquisition::BatchBald.draws(40).seed(1);
    let chosen = loaded.acquire(&pool, 10, by()).unwrap();
    assert_eq!(chosen, fit.acquire(&pool, 10, by()).unwrap());
    // They are rows of which the classes are in doubt.
    let means = fit.predict(&pool, 40).unwrap();
    let doubt = |rows: &[usize]| {
        let far = rows.iter().map(|row| (means.mean()[*row] - 0.5).abs());
        far.sum::<f64>() / rows.len() as f64
    };
    let all: Vec<usize> = (0..pool.rows()).collect();
    assert!(doubt(chosen.rows()) < 0.6 * doubt(&all));
    assert!(page(&fit).unwrap().contains("layer0.weight.widening"));
}
