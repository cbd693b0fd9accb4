//! Priors of few weights, what is in use of a network, and the network without the rest.

mod temporary;

use bayes_nn::Error;
use bayes_nn::nn::{Embedding, Prior, Relevance, Select, Sparse, prior, prior::Each};
use bayes_nn::prelude::*;
use temporary::Temporary;

fn number(i: u64) -> f64 {
    (i as f64 * 0.754_877_666).fract() * 2.0 - 1.0
}

/// A curve in the first of six columns.
fn rows(count: u64) -> Dataset {
    let x: Vec<f64> = (0..6 * count).map(|i| number(i * i + i)).collect();
    let noise = |i: usize| 0.05 * number(7 * i as u64 + 3);
    let y = x.chunks(6).enumerate();
    let y: Vec<f64> = y.map(|(i, x)| (2.0 * x[0]).sin() + noise(i)).collect();
    Dataset::new(&x, 6, &y).unwrap()
}

fn net(prior: impl Prior + 'static) -> Bnn {
    Bnn::new(Mlp::new([6, 8, 1]).prior(prior), Gaussian::new())
}

fn fitted(bnn: &Bnn, steps: u64) -> Posterior<Bnn> {
    let advi = Advi::mean_field().steps(steps).restarts(1).seed(1);
    bnn.fit(&rows(150), &advi).unwrap()
}

#[test]
fn the_column_that_matters_is_found_by_each_prior() {
    let of_inputs = [
        fitted(&net(prior::horseshoe().each(Each::Input)), 3_000),
        fitted(&net(prior::ard()), 3_000),
        fitted(&net(prior::spike_slab(0.2).each(Each::Input)), 3_000),
    ];
    for fit in of_inputs {
        let columns = fit.relevance("layer0.weight", 200).unwrap();
        let [low, high] = columns[0].interval;
        assert!(low <= columns[0].size && columns[0].size <= high);
        for other in &columns[1..] {
            assert!(other.interval[1] < 0.5 * low, "{columns:?}");
        }
    }
    let fit = fitted(&net(prior::spike_slab(0.2).each(Each::Input)), 3_000);
    let inclusion = |r: &Relevance| r.inclusion;
    let columns = fit.relevance("layer0.weight", 200).unwrap();
    let columns: Vec<f64> = columns.iter().map(inclusion).collect();
    assert!(
        columns[0] > 0.99 && columns[1..].iter().all(|p| *p < 0.3),
        "{columns:?}"
    );
}

/// The scales of a network's first weight by the prior, of 4,000 draws.
fn drawn(prior: impl Prior + 'static, variable: &str) -> Vec<f64> {
    let draws = model::prior_predictive(&net(prior), &rows(1), 4_000, 3).unwrap();
    draws.variable(variable).unwrap().values().to_vec()
}

#[test]
fn draws_from_the_priors_are_those_of_their_formulas() {
    let share = |values: &[f64], holds: &dyn Fn(f64) -> bool| {
        values.iter().filter(|v| holds(**v)).count() as f64 / values.len() as f64
    };
    // Of 24,000 draws a share is off by 0.02 once in 10^9 runs.
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 0.02, "{found}");
    let gates = drawn(
        prior::spike_slab(0.3).each(Each::Input),
        "layer0.weight.gate",
    );
    assert_eq!(gates.len(), 4_000 * 6);
    near(share(&gates, &|gate| gate > 0.0), 0.3);
    assert!(gates.iter().all(|gate| (0.0..=1.0).contains(gate)));
    assert!(share(&gates, &|gate| gate == 1.0) > 0.01);
    let weights = drawn(prior::spike_slab(0.3).each(Each::Input), "layer0.weight");
    near(share(&weights, &|weight| weight != 0.0), 0.3);
    // The median of half-Cauchy scales is theirs.
    let local = drawn(prior::horseshoe().each(Each::Unit), "layer0.weight.local");
    assert_eq!(local.len(), 4_000 * 8);
    near(share(&local, &|scale| scale < 1.0), 0.5);
    let global = drawn(prior::horseshoe().global(0.1), "layer0.weight.global");
    assert!((share(&global, &|scale| scale < 0.1) - 0.5).abs() < 0.05);
    // Of a Cauchy number half lie within its scale.
    let weights = drawn(prior::ard(), "layer0.weight");
    near(
        share(&weights, &|weight| weight.abs() < 1.0 / 6f64.sqrt()),
        0.5,
    );
    // No weight is beyond a few times the slab.
    let weights = drawn(prior::horseshoe().slab(1e4, 1e4), "layer0.weight");
    assert!(weights.iter().all(|weight| weight.abs() < 6.0));
}

#[test]
fn products_of_scaled_weights_are_drawn_and_not_weights() {
    for prior in [Each::Weight, Each::Input, Each::Unit] {
        let fit = fitted(&net(prior::horseshoe().each(prior)), 20);
        let local: Vec<&str> = fit
            .sites()
            .iter()
            .filter(|s| s.local)
            .map(|s| &*s.name)
            .collect();
        assert_eq!(local, ["layer0.weight.raw", "layer1.weight.raw"]);
    }
    // Draws of products and of weights estimate the same objective.
    let bnn = net(prior::horseshoe().each(Each::Input));
    let elbo = |products: bool| {
        let advi = Advi::mean_field().steps(2_000).restarts(1).seed(1);
        let fit = bnn
            .fit(&rows(150), &advi.local_reparameterization(products))
            .unwrap();
        fit.advi().unwrap().elbo().mean
    };
    let (by_products, by_weights) = (elbo(true), elbo(false));
    assert!(
        (by_products - by_weights).abs() < 25.0,
        "{by_products} {by_weights}"
    );
}

#[test]
fn every_prior_comes_back_from_a_file() {
    let priors: [Bnn; 6] = [
        net(prior::horseshoe()
            .each(Each::Unit)
            .global(0.3)
            .slab(3.0, 2.0)),
        net(prior::horseshoe().each(Each::Input).begin_with(2)),
        net(prior::ard().each(Each::Weight).concentration(2.0)),
        net(prior::spike_slab(0.3).each(Each::Input)),
        net(prior::spike_slab(0.3)),
        net(prior::stick_breaking(2.5)),
    ];
    for bnn in priors {
        let fit = fitted(&bnn, 3);
        let file = Temporary::new();
        fit.save(file.path()).unwrap();
        let again = Bnn::load(file.path()).unwrap();
        assert_eq!(again.draws(3, 1).unwrap(), fit.draws(3, 1).unwrap());
        let bytes = std::fs::read(file.path()).unwrap();
        again.save(file.path()).unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), bytes);
    }
}

#[test]
fn biases_keep_their_prior_and_what_has_no_inputs_is_refused() {
    let names = |bnn: &Bnn| -> Vec<String> {
        let fit = fitted(bnn, 3);
        fit.sites().iter().map(|site| site.name.clone()).collect()
    };
    let sparse = names(&net(prior::ard()));
    assert!(sparse.contains(&"layer0.bias".to_owned()));
    let data = Data::new().index("store", &[0, 1, 2]).unwrap();
    let data = data.column("y", &[0.0, 1.0, 0.5]).unwrap();
    let net = |prior: prior::Horseshoe| {
        let network = Network::new().index_input("store");
        let network = network.add("vectors", Embedding::new(3, 2), ["store"]);
        Bnn::new(
            network.add("out", Dense::new(1), ["vectors"]).prior(prior),
            Gaussian::new(),
        )
    };
    assert!(net(prior::horseshoe()).parameters(&data).is_ok());
    let error = net(prior::horseshoe().each(Each::Unit))
        .parameters(&data)
        .unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("`vectors.table` of the shape [2, 3]"),
        "{message}"
    );
}

#[test]
fn settings_outside_their_range_are_refused_by_name() {
    let message = |bnn: Bnn| {
        let error = bnn.fit(&rows(5), &Advi::mean_field().steps(3)).unwrap_err();
        error.to_string()
    };
    for inclusion in [0.0, 1.0, -0.5, f64::NAN] {
        let message = message(net(prior::spike_slab(inclusion)));
        let words = format!("`inclusion` of the prior of `layer0.weight` is {inclusion}");
        assert!(message.starts_with(&words), "{message}");
    }
    let global = message(net(prior::horseshoe().global(0.0)));
    assert!(
        global.contains("`layer0.weight.global`") && global.contains("scale"),
        "{global}"
    );
    for narrow in [
        prior::horseshoe().each(Each::Input).begin_with(0),
        prior::horseshoe().each(Each::Unit).begin_with(3),
        prior::horseshoe().begin_with(3),
    ] {
        let message = message(net(narrow));
        let words = "`begin_with` of the prior of `layer0.weight` is ";
        assert!(message.starts_with(words), "{message}");
    }
    let slab = message(net(prior::horseshoe().slab(-1.0, 1.0)));
    assert!(slab.contains("`layer0.weight.slab`"), "{slab}");
    let ard = message(net(prior::ard().concentration(-1.0)));
    assert!(ard.contains("`layer0.weight.variance`"), "{ard}");
    for width in [0.0, -2.0, f64::NAN, f64::INFINITY] {
        let stick = message(net(prior::stick_breaking(width)));
        assert!(stick.contains("`layer0.weight.stick`"), "{stick}");
    }
}

fn wide(prior: impl Prior + 'static) -> Bnn {
    let net = Mlp::new([1, 200, 1]).activation(Tanh);
    Bnn::new(net.prior_for("layer1.weight", prior), Gaussian::new())
}

#[test]
fn fits_of_a_wide_layer_begin_as_those_of_a_narrow_one() {
    let narrow = prior::horseshoe().each(Each::Input).begin_with(20);
    let data = Dataset::new(&[0.0, 1.0, 2.0], 1, &[0.0, 1.0, 1.0]).unwrap();
    let means = |bnn: &Bnn, site: &str| -> Vec<f64> {
        let advi = Advi::mean_field().steps(1).learning_rate(1e-9).restarts(1);
        let fit = bnn.fit(&data, &advi).unwrap();
        let guide = fit.approximation().unwrap();
        let site = guide.sites().iter().find(|s| s.name == site).unwrap();
        guide.mean()[site.range()].to_vec()
    };
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-4, "{found}");
    let local = means(&wide(narrow), "layer1.weight.local");
    let global = means(&wide(narrow), "layer1.weight.global")[0];
    near(local[19], 200f64.ln());
    near(local[20], 0.0);
    // A layer of 20 inputs has weights of the size sqrt(2 / 20).
    near(global + local[0], 0.1f64.sqrt().ln());
    near(
        means(
            &wide(prior::horseshoe().each(Each::Input)),
            "layer1.weight.local",
        )[199],
        0.0,
    );
    let logit = means(&wide(prior::stick_breaking(5.0)), "layer1.weight.logit");
    assert!(logit[19] > 1.0 && logit[20] < -6.0, "{logit:?}");
}

/// Draws of a network of eight units without three of them and four columns.
fn without() -> Posterior<Bnn> {
    let fit = fitted(&net(prior::horseshoe().each(Each::Input)), 500);
    let fit = fit.without("layer0.weight", &[1, 2, 4, 5]).unwrap();
    fit.without("layer1.weight", &[0, 3, 7]).unwrap()
}

#[test]
fn a_network_without_units_that_are_zero_is_smaller_and_predicts_the_same() {
    let fit = without();
    let data = rows(40);
    // Draw by draw, and a guide on average.
    let drawn = fit.take(30, 5).unwrap();
    let small = drawn.compact().unwrap();
    let shapes = |fit: &Posterior<Bnn>| -> Vec<String> {
        let parameters = fit.model().parameters(&data).unwrap();
        parameters.iter().map(|p| p.shape.to_string()).collect()
    };
    assert_eq!(shapes(&small), ["[2, 5]", "[5]", "[5, 1]", "[1]", "[]"]);
    let [whole, part] = [&drawn, &small].map(|fit| fit.predict(&data, 30).unwrap());
    for (a, b) in whole.mean().iter().zip(part.mean()) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
    let guide = fit.compact().unwrap();
    assert_eq!(shapes(&guide), shapes(&small));
    let [whole, part] = [&fit, &guide].map(|fit| fit.predict(&data, 2_000).unwrap());
    for (a, b) in whole.mean().iter().zip(part.mean()) {
        assert!((a - b).abs() < 0.02, "{a} {b}");
    }
    // Smaller files, which come back.
    let (large, few) = (Temporary::new(), Temporary::new());
    fit.save(large.path()).unwrap();
    guide.save(few.path()).unwrap();
    let again = Bnn::load(few.path()).unwrap();
    assert_eq!(
        again.predict(&data, 20).unwrap().mean(),
        guide.predict(&data, 20).unwrap().mean()
    );
    let size = |file: &Temporary| std::fs::metadata(file.path()).unwrap().len();
    assert!(size(&few) < size(&large));
    // Once more there is nothing to remove.
    assert_eq!(shapes(&guide.compact().unwrap()), shapes(&guide));
}

#[test]
fn pruned_weights_make_networks_smaller_where_a_unit_has_none_left() {
    let fit = fitted(&net(prior::learned_scale()), 500)
        .pruned(0.9)
        .unwrap();
    let small = fit.compact().unwrap();
    let elements = |fit: &Posterior<Bnn>| -> usize {
        let parameters = fit.model().parameters(&rows(3)).unwrap();
        parameters.iter().map(|p| p.shape.elements()).sum()
    };
    assert!(elements(&small) < elements(&fit) / 2);
    let [whole, part] = [&fit, &small].map(|fit| fit.predict(&rows(30), 2_000).unwrap());
    for (a, b) in whole.mean().iter().zip(part.mean()) {
        assert!((a - b).abs() < 0.02, "{a} {b}");
    }
}

#[test]
fn what_cannot_be_removed_says_why() {
    let says = |result: Result<Posterior<Bnn>, Error>, words: &[&str]| {
        let message = result.unwrap_err().to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    };
    let fit = fitted(&net(prior::ard()), 20);
    says(
        fit.without("layer2.weight", &[0]),
        &["`layer2.weight` is no matrix", "layer0.weight.raw"],
    );
    says(
        fit.without("layer0.weight", &[6]),
        &["`layer0.weight` has 6 inputs, of which 6 is none"],
    );
    says(
        fit.without("layer0.bias", &[0]),
        &["`layer0.bias` is no matrix"],
    );
    assert!(fit.relevance("layer0.bias", 5).is_err());
    let low_rank = net(prior::ard())
        .fit(&rows(20), &Advi::low_rank(2).steps(20))
        .unwrap();
    says(low_rank.compact(), &["LowRank", "Advi::mean_field()"]);
    let network = Network::new().input("x", [6]);
    let network = network
        .add("a", Dense::new(1), ["x"])
        .add("b", Dense::new(1), ["x"]);
    let both = Bnn::new(
        network.add("sum", bayes_nn::nn::Sum, ["a", "b"]),
        Gaussian::new(),
    );
    says(fitted(&both, 3).compact(), &["no chain of layers"]);
}

#[test]
fn some_features_are_selected_in_the_order_given() {
    let net = Sequential::new()
        .layer(Select::new([3, 0]))
        .layer(Dense::new(1).without_bias());
    let bnn = Bnn::new(net, Gaussian::new());
    let fit = fitted(&bnn, 20);
    let draws = fit.draws(1, 3).unwrap();
    let weight = draws.variable("layer0.weight").unwrap().values().to_vec();
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let fit = fit.take(1, 3).unwrap();
    let row = Dataset::new(&x, 6, &[0.0]).unwrap();
    let mean = fit.predict(&row, 1).unwrap().mean()[0];
    assert!((mean - (4.0 * weight[0] + weight[1])).abs() < 1e-5);
    assert!(
        Select::new([])
            .output_shape(&[bayes_nn::nn::Input::values([3])])
            .is_err()
    );
}
