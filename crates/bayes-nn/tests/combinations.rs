//! What users put together of parts that know nothing of one another: each fit is saved, loaded and
//! predicts what it predicted, and its page names its parts.

mod temporary;

use bayes_nn::nn::prior::{self, Each};
use bayes_nn::nn::{Flatten, GaussianMixture, HeteroscedasticGaussian, Hierarchical, Poisson};
use bayes_nn::nn::{Relevance, Sparse, Widening};
use bayes_nn::prelude::*;
use bayes_nn::report::Report;
use bayes_nn::{Acquisition, Resume};

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

fn page(fit: &Posterior<Bnn>) -> String {
    Report::new("Both").fit(fit).unwrap().to_html()
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
    let net = Hierarchical::over(net, "scanner").only(["layer1"]);
    let bnn = Bnn::new(net, Bernoulli);
    let scanners = ["usual", "negative", "other"];
    let (train, test) = (images(60, 90, &scanners), images(60, 150, &scanners));
    let fit = bnn.fit(&train, &advi).unwrap();
    let fit = again(&fit, &test);
    let score = fit.score(&test, Predict::draws(40)).unwrap();
    assert!(score.classification().unwrap().accuracy > 0.95, "{score}");
    let page = page(&fit);
    for part in ["layer0.weight", "layer1.weight.group_scale"] {
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
        let score = fit.score(&rows, Predict::draws(200)).unwrap();
        score.regression().unwrap().log_likelihood
    };
    // South's days are around 1.5 and -1.5, those of the north around half of one.
    for (here, there) in [(1.5, 0.5), (-1.5, -0.5), (1.5, 0.0)] {
        assert!(density("south", here) > density("south", there) + 1.0);
        assert!(density("north", 0.5) > density("north", here) + 1.0);
    }
    // Of a shop that is new it is known that it is like others.
    let new = fit.predict(at("east", 0.0), 200).unwrap();
    assert!(new.mean()[0].abs() < 1.0 && new.epistemic()[0] > 0.05);
}

#[test]
fn rows_are_acquired_for_a_network_with_an_informed_prior_that_was_loaded() {
    let data = datasets::moons(300, 0.2, 1).unwrap().standardized();
    let net = || Mlp::new([2, 8, 1]).activation(Tanh);
    let advi = Advi::mean_field().steps(1_500).learning_rate(0.02).seed(3);
    let first = Bnn::new(net(), Bernoulli);
    let rows: Vec<usize> = (0..60).collect();
    let first = first.fit(&data.select(&rows).unwrap(), &advi).unwrap();
    let prior = first.into_prior(Widening::Learned).unwrap();
    let known: Vec<usize> = (60..80).collect();
    let bnn = Bnn::new(net().prior(prior), Bernoulli);
    let fit = bnn.fit(&data.select(&known).unwrap(), &advi).unwrap();
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
    assert!(page(&fit).contains("layer0.weight.widening"));
}

/// Counts by shop and six columns, of which two matter.
fn counts(rows: usize) -> Data {
    let (mut x, mut y, mut words) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..rows {
        // Multiples of roots of primes have nothing to do with one another.
        let number = |prime: f64| 2.0 * ((row + 1) as f64 * prime.sqrt()).fract() - 1.0;
        let own = [2.0, 3.0, 5.0, 7.0, 11.0, 13.0].map(number);
        let (shop, level) = [("north", 0.5), ("south", 1.5)][row % 2];
        let rate = f64::exp(level + own[0] - 0.8 * own[3]);
        y.push((rate + 0.5 * number(17.0)).round().max(0.0));
        x.extend(own);
        words.push(shop);
    }
    let data = Data::new().matrix("x", &x, 6).unwrap();
    let data = data.groups("shop", &words).unwrap();
    data.column("y", &y).unwrap()
}

#[test]
fn a_hierarchical_network_of_counts_whose_inputs_are_chosen_goes_on_from_its_file() {
    let net = Mlp::new([6, 8, 1]).activation(Tanh);
    let net = net.prior_for("layer0.weight", prior::horseshoe().each(Each::Input));
    let net = Hierarchical::over(net, "shop").only(["layer1"]);
    let bnn = Bnn::new(net, Poisson);
    let (data, test) = (counts(200), counts(40));
    let advi = Advi::mean_field().steps(2_000).restarts(1);
    let fit = bnn.fit(&data, &advi.learning_rate(0.02).seed(5)).unwrap();
    let loaded = again(&fit, &test);
    let longer = loaded.resume(&data, Resume::cycle(500)).unwrap();
    assert_eq!(longer.advi().unwrap().steps(), 2_500);
    let fit = again(&longer, &test);
    let inputs = fit.relevance("layer0.weight", 200).unwrap();
    let least = inputs[0].size.min(inputs[3].size);
    for other in [1, 2, 4, 5] {
        assert!(inputs[other].size < 0.5 * least, "{inputs:?}");
    }
    // What differs by group is no chain of dense layers.
    let told = fit.compact().err().unwrap().to_string();
    assert!(told.contains("chain"), "{told}");
    assert!(page(&fit).contains("layer1.weight.group_scale"));
}

#[test]
fn a_compact_network_with_noise_by_row_is_a_network_like_any_other() {
    let number = |i: usize| 2.0 * (i as f64 * 0.754_877_666).fract() - 1.0;
    let x: Vec<f64> = (0..600).map(|i| number(i * i + i)).collect();
    let rows = x.chunks(3).enumerate();
    let y = rows.map(|(row, x)| (2.0 * x[1]).sin() + (0.1 + 0.1 * x[1]) * number(row * row));
    let y: Vec<f64> = y.collect();
    let data = Dataset::new(&x, 3, &y).unwrap();
    let net = Mlp::new([3, 20, 2]).prior(prior::horseshoe().each(Each::Input));
    let bnn = Bnn::new(net, HeteroscedasticGaussian::new());
    let advi = Advi::mean_field().steps(4_000).restarts(1).seed(2);
    let fit = bnn.fit(&data, &advi).unwrap();
    let mut left = fit;
    for weights in ["layer0.weight", "layer1.weight"] {
        let unused = Relevance::unused(&left.relevance(weights, 200).unwrap());
        left = left.without(weights, &unused).unwrap();
    }
    let small = left.compact().unwrap();
    let shapes = |fit: &Posterior<Bnn>| -> usize {
        let parameters = fit.model().parameters(&data).unwrap();
        parameters.iter().map(|p| p.shape.elements()).sum()
    };
    assert!(shapes(&small) < shapes(&left), "{}", shapes(&small));
    let small = again(&small, &Data::from(&data));
    let [all, few] = [&left, &small].map(|fit| fit.predict(&data, 1_000).unwrap());
    for (all, few) in all.mean().iter().zip(few.mean()) {
        assert!((all - few).abs() < 0.05, "{all} {few}");
    }
    let guess = small.score(Data::from(&data), Predict::draws(100)).unwrap();
    assert!(guess.regression().unwrap().rmse < 0.2, "{guess}");
    assert!(page(&small).contains("layer1.weight"));
}
