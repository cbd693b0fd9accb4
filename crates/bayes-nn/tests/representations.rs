//! How certain it is what layers make of rows.

mod temporary;

use bayes_nn::nn::{Hierarchical, Residual};
use bayes_nn::prelude::*;
use bayes_nn::{Approximation, DrawTable, RepresentationError, Representations, Unit, cka};
use temporary::Temporary;

fn number(i: usize) -> f64 {
    (i as f64 * 0.754_877_666).fract() * 2.0 - 1.0
}

/// So many rows of two columns.
fn rows(count: usize) -> Dataset {
    let x: Vec<f64> = (0..2 * count).map(|i| number(i * i + i)).collect();
    let y: Vec<f64> = x.chunks(2).map(|x| x[0] - 0.5 * x[1]).collect();
    Dataset::new(&x, 2, &y).unwrap()
}

/// A fit of a network by these means and standard deviations of its weights.
fn known(net: impl Into<Network>, mean: &[f64], sd: &[f64]) -> Posterior<Bnn> {
    let head = Gaussian::new().noise_prior(HalfNormal::new(1.0));
    let advi = Advi::mean_field().steps(20).restarts(1);
    let fit = Bnn::new(net, head).fit(&rows(20), &advi).unwrap();
    let sites = fit.sites().to_vec();
    let guide = Approximation::independent(sites, [mean, &[-1.0]].concat(), [sd, &[0.1]].concat());
    fit.with_model(fit.model().clone(), guide.unwrap()).unwrap()
}

fn near(a: f64, b: f64, relative: f64) -> bool {
    (a - b).abs() <= relative * b.abs()
}

/// `h = w^T x` of independent normal weights: over draws its mean is that of the weights times x, its
/// variance that of the weights times squares of x.
fn two_rows() -> Data {
    let data = Data::new().column("x", &[0.0, 1.0]).unwrap();
    data.column("y", &[0.1, 0.9]).unwrap()
}

/// A line, of which nothing is said to be a layer.
fn without_layers() -> impl model::Model + Clone {
    model::from_fn(|trace, data| {
        let slope = trace.sample("slope", Normal::new(0.0, 1.0));
        let line = Normal::new(slope * data.column("x"), 1.0);
        trace.observe("y", line, data.column("y"));
    })
}

#[test]
fn units_of_a_linear_network_have_the_signal_and_noise_of_its_weights() {
    let net = Mlp::new([2, 2, 1]).activation(Identity).without_bias();
    let net = net.prior(Normal::new(0.0, 1.0));
    let (mean, sd) = ([1.0, 0.2, -0.5, 0.1], [0.05, 0.3, 0.1, 0.6]);
    let fit = known(
        net,
        &[&mean[..], &[1.0, 1.0]].concat(),
        &[&sd[..], &[0.1, 0.1]].concat(),
    );
    // More than one tile.
    let data = rows(700);
    let found = fit
        .representations(&data, Predict::draws(20_000).seed(1))
        .unwrap();
    let layer = found.layer("layer0").unwrap();
    assert_eq!(
        (found.rows(), found.draws(), layer.units().len()),
        (700, 20_000, 2)
    );
    for (unit, found) in layer.units().iter().enumerate() {
        let x = || data.x().chunks(2);
        let of = |x: &[f64]| x[0] * mean[unit] + x[1] * mean[2 + unit];
        let center = x().map(of).sum::<f64>() / 700.0;
        let signal = x().map(|x| (of(x) - center).powi(2)).sum::<f64>() / 699.0;
        let square = |x: &[f64]| (x[0] * sd[unit]).powi(2) + (x[1] * sd[2 + unit]).powi(2);
        let noise = x().map(square).sum::<f64>() / 700.0;
        // A variance of 20,000 draws has a relative standard error of a hundredth.
        assert!(near(found.noise, noise, 0.04), "{found:?}, {noise}");
        assert!(near(found.signal, signal, 0.04) || (found.signal - signal).abs() < 0.002);
        assert!((found.mean - center).abs() < 0.02);
        assert!((found.spread() - found.noise.sqrt()).abs() < 1e-15);
    }
    let [certain, uncertain] = layer.units() else {
        panic!()
    };
    assert!(certain.signal_to_noise() > 100.0 * uncertain.signal_to_noise());
    // Weights by name, with the ratios that were given.
    let [weight] = layer.weights() else { panic!() };
    assert_eq!(
        (weight.name.as_str(), weight.shape.to_string()),
        ("layer0.weight", "[2, 2]".into())
    );
    for (place, ratio) in weight.signal_to_noise.iter().enumerate() {
        let expected: f64 = mean[place] / sd[place];
        assert!(
            (ratio - expected.abs()).abs() < 0.03 * (1.0 + expected.abs()),
            "{weight:?}"
        );
    }
    let mut sorted = weight.signal_to_noise.clone();
    sorted.sort_by(f64::total_cmp);
    assert_eq!(weight.median(), sorted[2]);
}

#[test]
fn what_draws_leave_by_chance_is_no_signal() {
    let net = Mlp::new([2, 2, 1]).activation(Identity).without_bias();
    let net = net.prior(Normal::new(0.0, 1.0));
    let fit = known(net, &[0.0; 6], &[1.0; 6]);
    // The mean of ten draws differs by row, as much as chance has it.
    let ratios = (0..40).map(|seed| {
        let found = fit
            .representations(&rows(50), Predict::draws(10).seed(seed))
            .unwrap();
        let [a, b] = found.layers()[0].units() else {
            panic!()
        };
        0.5 * (a.signal_to_noise() + b.signal_to_noise())
    });
    let ratios: Vec<f64> = ratios.collect();
    // Without the correction it is a tenth; what is left are estimates below 0, taken as 0.
    assert!(ratios.iter().sum::<f64>() / 40.0 < 0.06, "{ratios:?}");
    assert!(ratios.iter().filter(|ratio| **ratio == 0.0).count() > 5);
}

fn moons() -> (Dataset, Posterior<Bnn>) {
    let data = datasets::moons(100, 0.2, 0).unwrap().standardized();
    let bnn = Bnn::new(Mlp::new([2, 6, 5, 1]).activation(Tanh), Bernoulli);
    let advi = Advi::mean_field().steps(1_000).restarts(1).seed(1);
    let fit = bnn.fit(&data, &advi).unwrap();
    (data, fit)
}

#[test]
fn sums_over_draws_are_those_of_the_draws_themselves() {
    let (data, fit) = moons();
    // Two tiles of a network.
    let rows: Vec<usize> = (0..600).map(|row| row % 100).collect();
    let data = data.select(&rows).unwrap();
    let how = Predict::draws(30).seed(4);
    let found = fit.representations(&data, how).unwrap();
    for layer in found.layers() {
        let hidden = fit.hidden(layer.name(), &data, how).unwrap();
        assert_eq!((hidden.rows(), hidden.shape()), (600, layer.shape()));
        for (number, unit) in layer.units().iter().enumerate() {
            let of_row = |row: usize| {
                let of_draw = |draw: usize| hidden.row(draw, row).unwrap()[number];
                moments((0..30).map(of_draw))
            };
            let rows: Vec<[f64; 2]> = (0..600).map(of_row).collect();
            let noise = rows.iter().map(|row| row[1]).sum::<f64>() / 600.0;
            let [mean, by_row] = moments(rows.iter().map(|row| row[0]));
            assert!(near(unit.noise, noise, 1e-4) && (unit.mean - mean).abs() < 1e-5);
            assert!((unit.signal - (by_row - noise / 30.0).max(0.0)).abs() < 1e-4 * by_row);
        }
    }
}

/// Mean and variance.
fn moments(values: impl Iterator<Item = f64> + Clone) -> [f64; 2] {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let squares = values.map(|value| (value - mean).powi(2)).sum::<f64>();
    [mean, squares / (count - 1.0)]
}

#[test]
fn similarities_are_those_of_pairs_of_draws() {
    let (data, fit) = moons();
    let how = Predict::draws(8).seed(4);
    let layer = |found: &Representations| found.layer("layer1").unwrap().clone();
    let own = layer(&fit.representations(&data, how).unwrap());
    let hidden = fit.hidden("layer1", &data, how).unwrap();
    let of =
        |a: usize, b: usize| cka(hidden.draw(a).unwrap(), hidden.draw(b).unwrap(), 100).unwrap();
    let pairs = (0..8).flat_map(|a| (0..a).map(move |b| (a, b)));
    let [mean, variance] = moments(pairs.map(|(a, b)| of(a, b)));
    let found = own.similarity_of_draws().unwrap();
    assert!((found.mean - mean).abs() < 1e-6 && (found.sd - variance.sqrt()).abs() < 1e-6);
    // With itself each draw is paired, too, and alike.
    let itself = own.similarity(&own).unwrap().mean;
    assert!((itself - (8.0 * 7.0 * mean + 8.0) / 64.0).abs() < 1e-6);
}

#[test]
fn units_in_another_order_are_alike_and_yet_noise() {
    let net = Mlp::new([2, 2, 1]).activation(Tanh).without_bias();
    let fit = known(net.prior(Normal::new(0.0, 1.0)), &[0.0; 6], &[1.0; 6]);
    // The same function twice, its units the other way round, and as a chain each.
    let one = [2.0, -1.0, 0.5, 1.5, 1.0, -1.0, -1.0];
    let other = [-1.0, 2.0, 1.5, 0.5, -1.0, 1.0, -1.0];
    let table = DrawTable::new(fit.sites().to_vec(), [one, other].concat(), [1, 1]).unwrap();
    let fit = fit.with_model(fit.model().clone(), table).unwrap();
    let found = fit.representations(&rows(60), Predict::draws(2)).unwrap();
    let [hidden, output] = found.layers() else {
        panic!()
    };
    assert!((hidden.similarity_of_draws().unwrap().mean - 1.0).abs() < 1e-6);
    assert!(
        hidden.signal_to_noise() < 1.0,
        "{}",
        hidden.signal_to_noise()
    );
    assert!(output.signal_to_noise() > 1e6);
}

#[test]
fn layers_are_known_by_their_names_and_end_after_what_follows_them() {
    let images: Vec<f64> = (0..12 * 36).map(number).collect();
    let classes: Vec<f64> = (0..12).map(|row| f64::from(row % 2)).collect();
    let data = Dataset::new(&images, 36, &classes).unwrap();
    let net = Sequential::new()
        .input([1, 6, 6])
        .layer(Conv2d::new(3, [3, 3]))
        .layer(Relu)
        .layer(MaxPool2d::new([2, 2]))
        .layer(Flatten)
        .layer(Dense::new(5))
        .layer(Residual::new(
            Sequential::new().layer(Dense::new(5)).layer(Tanh),
        ))
        .layer(Dense::new(1));
    let advi = Advi::mean_field().steps(50).restarts(1);
    let fit = Bnn::new(net, Bernoulli).fit(&data, &advi).unwrap();
    let found = fit.representations(&data, Predict::draws(20)).unwrap();
    let layers = found.layers().iter();
    let names: Vec<(&str, String)> = layers.map(|l| (l.name(), l.shape().to_string())).collect();
    let expected = [
        ("layer0", "[3, 2, 2]"),
        ("layer1", "[5]"),
        ("layer2.layer0", "[5]"),
        ("layer2", "[5]"),
        ("layer3", "[1]"),
    ];
    let expected = expected.map(|(name, shape)| (name, shape.to_owned()));
    assert_eq!(names, expected);
    // Weights of a layer are those whose names begin with it.
    let weights = |layer: &str| {
        let weights = found.layer(layer).unwrap().weights().iter();
        weights.map(|w| w.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        weights("layer2"),
        ["layer2.layer0.weight", "layer2.layer0.bias"]
    );
    assert_eq!(weights("layer1"), ["layer1.weight", "layer1.bias"]);
}

#[test]
fn units_of_a_convolution_are_channels_at_positions() {
    let images: Vec<f64> = (0..12 * 36).map(number).collect();
    let classes: Vec<f64> = (0..12).map(|row| f64::from(row % 2)).collect();
    let data = Dataset::new(&images, 36, &classes).unwrap();
    let net = Network::new()
        .input("x", [1, 6, 6])
        .add("conv", Conv2d::new(3, [3, 3]), ["x"])
        .add("relu", Relu, ["conv"])
        .add("flat", Flatten, ["relu"])
        .add("out", Dense::new(1), ["flat"]);
    let advi = Advi::mean_field().steps(50).restarts(1);
    let fit = Bnn::new(net, Bernoulli).fit(&data, &advi).unwrap();
    let found = fit.representations(&data, Predict::draws(20)).unwrap();
    let relu = found.layer("relu").unwrap();
    assert_eq!(
        (relu.shape().to_string(), relu.units().len()),
        ("[3, 4, 4]".into(), 48)
    );
    let channels = relu.channels();
    assert_eq!(channels.len(), 3);
    for (channel, units) in channels.iter().zip(relu.units().chunks(16)) {
        for of in [|u: &Unit| u.mean, |u: &Unit| u.signal, |u: &Unit| u.noise] {
            let mean = units.iter().map(of).sum::<f64>() / 16.0;
            assert!((of(channel) - mean).abs() < 1e-12);
        }
    }
    // The same numbers in another shape.
    assert_eq!(found.layer("flat").unwrap().units(), relu.units());
    assert_eq!(found.layer("flat").unwrap().channels(), relu.units());
    let hidden = fit.hidden("relu", &data, Predict::draws(3)).unwrap();
    assert_eq!(
        (hidden.shape().to_string(), hidden.values().len()),
        ("[3, 4, 4]".into(), 3 * 12 * 48)
    );
    assert!(hidden.draw(3).is_none() && hidden.row(0, 12).is_none());
}

#[test]
fn a_loaded_fit_has_the_same_ones() {
    let (data, fit) = moons();
    let file = Temporary::new();
    fit.save(file.path()).unwrap();
    let loaded = Bnn::load(file.path()).unwrap();
    let [own, again] =
        [&fit, &loaded].map(|fit| fit.representations(&data, Predict::draws(9)).unwrap());
    for (own, again) in own.layers().iter().zip(again.layers()) {
        assert_eq!(
            (own.units(), own.weights()),
            (again.units(), again.weights())
        );
        assert_eq!(
            own.similarity_of_draws().unwrap(),
            again.similarity_of_draws().unwrap()
        );
    }
}

#[test]
fn networks_of_groups_and_models_as_functions_have_them() {
    let x: Vec<f64> = (0..80).map(number).collect();
    let words: Vec<&str> = (0..40).map(|i| ["a", "b", "c"][i % 3]).collect();
    let y: Vec<f64> = x.chunks(2).map(|x| x[0]).collect();
    let data = Data::new()
        .matrix("x", &x, 2)
        .unwrap()
        .column("y", &y)
        .unwrap();
    let grouped = data.clone().groups("shop", &words).unwrap();
    let net = Hierarchical::over(Mlp::new([2, 4, 1]).activation(Tanh), "shop");
    let advi = Advi::mean_field().steps(100).restarts(1);
    let fit = Bnn::new(net, Gaussian::new()).fit(&grouped, &advi).unwrap();
    let new = ["a", "new"].repeat(20);
    let rows = data.clone().groups("shop", &new).unwrap();
    let found = fit.representations(&rows, Predict::draws(30)).unwrap();
    assert_eq!(found.layers().len(), 2);
    assert!(
        found.warnings()[0].contains("new"),
        "{:?}",
        found.warnings()
    );

    // All rows at once, as a function does not say that they are independent.
    let function = model::from_fn(|trace, data| {
        let mean = Mlp::new([2, 4, 1])
            .activation(Tanh)
            .outputs(trace, &[data.matrix("x")]);
        let sd = trace.sample("sd", HalfNormal::new(1.0));
        trace.observe("y", Normal::new(mean.row(0), sd), data.column("y"));
    });
    let fit = model::fit(
        &function,
        &data,
        &Nuts::new().chains(2).draws(50).warmup(100).seed(1),
    )
    .unwrap();
    let found = fit.representations(&data, Predict::draws(30)).unwrap();
    let hidden = fit.hidden("layer0", &data, Predict::draws(30)).unwrap();
    let layer = found.layer("layer0").unwrap();
    let firsts = (0..30).flat_map(|draw| (0..40).map(move |row| (draw, row)));
    let mean = firsts
        .map(|(draw, row)| hidden.row(draw, row).unwrap()[0])
        .sum::<f64>()
        / 1_200.0;
    assert!((layer.units()[0].mean - mean).abs() < 1e-6);
    let of =
        |a: usize, b: usize| cka(hidden.draw(a).unwrap(), hidden.draw(b).unwrap(), 40).unwrap();
    let pairs = (0..30).flat_map(|a| (0..a).map(move |b| (a, b)));
    let [mean, _] = moments(pairs.map(|(a, b)| of(a, b)));
    assert!((layer.similarity_of_draws().unwrap().mean - mean).abs() < 1e-6);
}

fn refused(error: Error) -> RepresentationError {
    match error {
        Error::Representation(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn what_cannot_be_had_is_refused_by_name() {
    let (data, fit) = moons();
    let how = Predict::draws(5);
    let error = fit.hidden("layer7", &data, how).unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no layer `layer7`; there are `layer0`, `layer1`, `layer2`"
    );
    let found = fit.representations(&data, how).unwrap();
    assert_eq!(found.layer("layer7").unwrap_err().to_string(), error);

    let error = fit.representations(&data, Predict::draws(1)).unwrap_err();
    assert!(
        error.to_string().contains("between which units may differ"),
        "{error}"
    );
    let one = fit.representations(&[[0.1, 0.2]], how).unwrap_err();
    assert_eq!(
        one.to_string(),
        "1 rows are too few for what differs by row, which needs 2 or more"
    );
    let wide = fit.representations(&[[0.1, 0.2, 0.3]; 4], how).unwrap_err();
    assert!(
        matches!(
            wide,
            Error::RowWidth {
                found: 3,
                expected: 2,
                ..
            }
        ),
        "{wide}"
    );

    let few = fit
        .representations(&[[0.1, 0.2], [0.4, 0.3], [0.9, -1.0]], how)
        .unwrap();
    let error = refused(few.layers()[0].similarity_of_draws().unwrap_err());
    assert!(matches!(
        error,
        RepresentationError::TooFewRows {
            rows: 3,
            least: 4,
            ..
        }
    ));
    let fewer = data.select(&(0..50).collect::<Vec<_>>()).unwrap();
    let fewer = fit.representations(&fewer, how).unwrap();
    let error = found.layers()[0]
        .similarity(&fewer.layers()[1])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`layer0` was looked at with 100 rows and `layer1` with 50; both must be of the same rows"
    );
    let same = fit.representations(&[[0.1, 0.2]; 6], how).unwrap();
    assert_eq!(same.layers()[0].signal_to_noise(), 0.0);
    let error = refused(same.layers()[0].similarity_of_draws().unwrap_err());
    assert_eq!(
        error,
        RepresentationError::Constant {
            layer: "layer0".into()
        }
    );

    let line = model::from_fn(|trace, data| {
        let slope = trace.sample("slope", Normal::new(0.0, 1.0));
        trace.layer("total", (slope * data.column("x")).sum());
        trace.observe(
            "y",
            Normal::new(slope * data.column("x"), 1.0),
            data.column("y"),
        );
    });
    let data = two_rows();
    let fit = model::fit(&line, &data, &Advi::full_rank()).unwrap();
    let error = fit.representations(&data, how).unwrap_err().to_string();
    assert_eq!(
        error,
        "the layer `total` gives [] for 2 rows; the last axis must be the rows"
    );
    let fit = model::fit(&without_layers(), &data, &Advi::full_rank()).unwrap();
    let error = refused(fit.representations(&data, how).unwrap_err());
    assert_eq!(error, RepresentationError::NoLayers);
}

#[test]
fn rows_in_files_are_refused_and_not_looked_at_in_part() {
    let file = Temporary::new();
    let lines = (0..200).map(|i| format!("{},{}\n", number(i), number(i).powi(2)));
    std::fs::write(
        file.path(),
        format!("x,height\n{}", lines.collect::<String>()),
    )
    .unwrap();
    let table = Table::reader().open(file.path()).unwrap();
    let bnn = Bnn::new(Mlp::new([1, 5, 1]), Gaussian::new());
    let advi = Advi::mean_field().steps(100).batch(32).restarts(1);
    let fit = bnn.fit(table.target("height").unwrap(), &advi).unwrap();
    let stream = fit.encode(&table).unwrap();
    let error = fit
        .representations(&stream, Predict::draws(5))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("here all rows are needed at once"),
        "{error}"
    );
    let error = fit
        .hidden("layer0", &stream, Predict::draws(5))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("here all rows are needed at once"),
        "{error}"
    );
}

#[cfg(feature = "plots")]
#[test]
fn the_page_of_a_network_has_its_layers_and_that_of_another_model_none() {
    use bayes_nn::report::Report;
    let (_, fit) = moons();
    let page = Report::new("moons").fit(&fit).unwrap().to_html();
    assert!(page.contains("The layers") && page.contains("<td>layer2</td>"));
    let (line, data) = (without_layers(), two_rows());
    let fit = model::fit(&line, &data, &Advi::full_rank()).unwrap();
    let page = Report::new("line").fit(&fit).unwrap().to_html();
    assert!(!page.contains("The layers"));
}
