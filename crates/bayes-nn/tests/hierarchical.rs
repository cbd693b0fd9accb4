//! Networks whose parameters differ by group.

mod temporary;

use bayes_nn::distributions::HalfCauchy;
use bayes_nn::model::{Batch, Trace};
use bayes_nn::nn::{GroupScale, Hierarchical, Pooling};
use bayes_nn::prelude::*;

use temporary::Temporary;

/// Three groups of unlike numbers of rows, in no order, with slopes and intercepts of their own.
fn rows() -> Data {
    let group = |row: usize| ["a", "b", "c"][[0, 1, 0, 2, 1, 0, 0, 1][row % 8]];
    let words: Vec<&str> = (0..64).map(group).collect();
    let x: Vec<f64> = (0..64)
        .map(|row: u32| f64::from(row * 37 % 64) / 32.0 - 1.0)
        .collect();
    let y = words.iter().zip(&x).enumerate().map(|(row, (word, x))| {
        let (slope, intercept) = match *word {
            "a" => (1.5, 0.2),
            "b" => (0.7, -0.4),
            _ => (2.4, 0.9),
        };
        slope * x + intercept + 0.4 * (f64::from(row as u32 * 29 % 64) / 32.0 - 1.0)
    });
    let y: Vec<f64> = y.collect();
    let data = Data::new().matrix("x", &x, 1).unwrap();
    data.groups("shop", &words)
        .unwrap()
        .column("y", &y)
        .unwrap()
}

fn line() -> Mlp {
    Mlp::new([1, 1]).prior(Normal::new(0.0, 2.0))
}

/// The same as a function, with deviations.
fn by_hand<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let shop = data.index("shop");
    let part = |name: &str| {
        let mean = trace.sample(name, Normal::new(0.0, 2.0));
        let scale = trace.sample(&format!("{name}.scale"), HalfNormal::new(1.0));
        let own = trace.sample(&format!("{name}.own"), Normal::new(0.0, 1.0).over("shop"));
        (mean + scale * own).gather(shop, 0)
    };
    let (slope, intercept) = (part("slope"), part("intercept"));
    let sigma = trace.sample("sigma", HalfNormal::new(1.0));
    let mean = slope * data.matrix("x").row(0) + intercept;
    trace.observe("y", Normal::new(mean, sigma), data.column("y"));
}

fn nuts() -> Nuts {
    Nuts::new()
        .chains(2)
        .draws(1_000)
        .target_accept(0.95)
        .seed(3)
}

#[test]
fn the_posterior_is_that_of_the_model_written_by_hand_in_both_coordinates() {
    let data = rows();
    let x = Data::new()
        .matrix("x", &[-1.0, 1.0, -1.0, 1.0, -1.0, 1.0], 1)
        .unwrap();
    let x = x.groups("shop", &["a", "a", "b", "b", "c", "c"]).unwrap();
    let hand = model::fit(&by_hand, &data, &nuts()).unwrap();
    let hand = hand.predict(&x, 2_000).unwrap();
    let nets = [
        Hierarchical::over(line(), "shop"),
        Hierarchical::over(line(), "shop").centred(),
        // Of one weight and one output these are one scale each, too.
        Hierarchical::over(line(), "shop").scale(GroupScale::Unit),
        Hierarchical::over(line(), "shop").scale(GroupScale::Weight),
        Hierarchical::over(line(), "shop")
            .scale(GroupScale::Unit)
            .centred(),
    ];
    for net in nets {
        let shown = format!("{net:?}");
        let fit = Bnn::new(net, Gaussian::new()).fit(&data, &nuts()).unwrap();
        let prediction = fit.predict(&x, 2_000).unwrap();
        for (place, (found, expected)) in prediction.mean().iter().zip(hand.mean()).enumerate() {
            let sd = hand.sd_between_draws()[place];
            assert!(
                (found - expected).abs() < 0.25 * sd,
                "{shown} {found} {expected} {sd}"
            );
            let ratio = prediction.sd_between_draws()[place] / sd;
            assert!((ratio - 1.0).abs() < 0.2, "{shown} {ratio}");
        }
    }
}

fn advi() -> Advi {
    Advi::mean_field().steps(3_000).learning_rate(0.02).seed(1)
}

fn at(group: &[&str]) -> Data {
    let x = vec![0.8; group.len()];
    let data = Data::new().matrix("x", &x, 1).unwrap();
    data.groups("shop", group).unwrap()
}

#[test]
fn deviations_have_the_names_of_groups_and_a_new_group_comes_from_the_prior() {
    let net = Hierarchical::over(line(), "shop").scale_prior(HalfCauchy::new(1.0));
    let fit = Bnn::new(net, Gaussian::new()).fit(rows(), &advi()).unwrap();
    let shown = fit.summary().unwrap().to_string();
    for name in [
        "layer0.weight ",
        "layer0.weight.group_scale",
        "layer0.weight.deviation[0, 0, b]",
        "layer0.bias.group_scale",
        "layer0.bias.deviation[0, c]",
    ] {
        assert!(shown.contains(name), "{shown}");
    }
    let prediction = fit.predict(at(&["a", "new", "a"]), 1_000).unwrap();
    let spread = prediction.sd_between_draws();
    assert!(spread[1] > 5.0 * spread[0], "{spread:?}");
    assert_eq!(spread[0], spread[2]);
    let warning = &prediction.warnings()[0];
    assert!(
        warning.contains("shop") && warning.contains("new"),
        "{warning}"
    );
}

#[test]
fn pooling_has_two_limits() {
    let fit = |pooling: Pooling| {
        let net = Hierarchical::over(line(), "shop").pooling(pooling);
        Bnn::new(net, Gaussian::new()).fit(rows(), &advi()).unwrap()
    };
    let [complete, partial, none] = [Pooling::Complete, Pooling::Partial, Pooling::None].map(fit);
    let groups = ["a", "b", "c"];
    let mean = |fit: &Posterior<Bnn>| fit.predict(at(&groups), 500).unwrap().mean().to_vec();
    let pooled = mean(&complete);
    assert_eq!((pooled[0], pooled[0]), (pooled[1], pooled[2]));
    for means in [mean(&partial), mean(&none)] {
        for (mean, expected) in means.iter().zip([1.4, 0.16, 2.82]) {
            assert!((mean - expected).abs() < 0.3, "{means:?}");
        }
    }
    let shapes: Vec<String> = none
        .sites()
        .iter()
        .map(|site| site.shape.to_string())
        .collect();
    assert_eq!(shapes[..2], ["[1, 1, 3]", "[1, 3]"]);
    // Nothing is known of a group that has no rows.
    let error = none.predict(at(&["new"]), 10).unwrap_err().to_string();
    assert!(error.contains("layer0.weight"), "{error}");
}

#[test]
fn some_layers_are_shared() {
    let net = Sequential::new()
        .layer(Conv1d::new(2, [3]))
        .layer(Tanh)
        .layer(Flatten)
        .layer(Dense::new(1))
        .input([1, 6]);
    let x: Vec<f64> = (0..96)
        .map(|i| f64::from(i * 29 % 96) / 48.0 - 1.0)
        .collect();
    let words: Vec<&str> = (0..16).map(|row| ["a", "b"][row % 2]).collect();
    let y: Vec<f64> = x.chunks(6).map(|x| x[0] - x[3]).collect();
    let data = Data::new().matrix("x", &x, 6).unwrap();
    let data = data
        .groups("site", &words)
        .unwrap()
        .column("y", &y)
        .unwrap();

    let last = Hierarchical::over(net.clone(), "site").only(["layer1"]);
    let bnn = Bnn::new(last, Gaussian::new());
    let names: Vec<String> = bnn
        .parameters(&data)
        .unwrap()
        .into_iter()
        .map(|p| p.name)
        .collect();
    let expected = [
        "layer0.weight",
        "layer0.bias",
        "layer1.weight",
        "layer1.weight.group_scale",
        "layer1.bias",
        "layer1.bias.group_scale",
        "sigma",
    ];
    assert_eq!(names, expected);
    let one = Hierarchical::over(net.clone(), "site").only(["layer1.bias"]);
    let count = Bnn::new(one, Gaussian::new())
        .parameters(&data)
        .unwrap()
        .len();
    assert_eq!(count, 6);

    let fit = bnn.fit(&data, &advi().steps(200)).unwrap();
    let file = Temporary::new();
    fit.save(file.path()).unwrap();
    let again = Bnn::load(file.path()).unwrap();
    let mean = |fit: &Posterior<Bnn>| fit.predict(&data, 50).unwrap().mean().to_vec();
    assert_eq!(mean(&again), mean(&fit));

    let says = |net: Hierarchical, words: &[&str]| {
        let error = Bnn::new(net, Gaussian::new())
            .parameters(&data)
            .unwrap_err()
            .to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    };
    says(
        Hierarchical::over(net.clone(), "site"),
        &["Conv", "`layer0.weight`", "Hierarchical::only"],
    );
    says(
        Hierarchical::over(net.clone(), "site").only(["layer7"]),
        &["`layer7`", "let differ by group", "`layer1.weight`"],
    );
    says(
        Hierarchical::over(net.clone(), "site")
            .only(["layer1"])
            .scale_prior(Normal::new(0.0, 1.0)),
        &["`layer1.weight.group_scale`", "positive", "`HalfNormal`"],
    );
    says(Hierarchical::over(net, "county"), &["county"]);
}

#[test]
fn groups_without_names_are_refused() {
    let data = Data::new().matrix("x", &[0.1, 0.2], 1).unwrap();
    let data = data
        .index("shop", &[0, 1])
        .unwrap()
        .column("y", &[0.3, 0.1])
        .unwrap();
    for pooling in [Pooling::Partial, Pooling::None] {
        let bnn = Bnn::new(
            Hierarchical::over(line(), "shop").pooling(pooling),
            Gaussian::new(),
        );
        let error = bnn.fit(&data, &advi()).unwrap_err().to_string();
        assert!(error.contains("dimension `shop`"), "{error}");
    }
}
