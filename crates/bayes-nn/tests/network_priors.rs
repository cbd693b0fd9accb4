//! Priors of the parameters of a network: by name, of a layer, for all.

use bayes_nn::Var;
use bayes_nn::model::Trace;
use bayes_nn::nn::{ParameterInfo, Prior, layer, prior};
use bayes_nn::prelude::*;

/// Standard deviations of many draws from the prior of a network over `x [rows, 2]`.
fn spread(network: impl Into<Network>, parameter: &str) -> f64 {
    let data = Dataset::new(&[0.5, 1.0], 2, &[0.0]).unwrap();
    let bnn = Bnn::new(network, Bernoulli);
    let draws = model::prior_predictive(&bnn, &data, 400, 3).unwrap();
    draws.variable(parameter).unwrap().sd()[0]
}

#[test]
fn a_prior_by_name_goes_before_the_layers_which_goes_before_the_networks() {
    let near = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 0.2, "{found}");
    let normal = |sd: f64| Normal::new(0.0, sd);
    let net = || {
        Sequential::new()
            .layer(Dense::new(1))
            .layer_with_prior(Dense::new(1), normal(1e-1))
            .layer_with_prior(Dense::new(1), normal(1e-1))
            .prior_for("layer2.weight", normal(1e-2))
    };
    near(spread(net().prior(normal(1e-3)), "layer0.weight"), 1e-3);
    near(spread(net().prior(normal(1e-3)), "layer1.weight"), 1e-1);
    near(spread(net().prior(normal(1e-3)), "layer2.weight"), 1e-2);
    near(spread(net().prior(normal(1e-3)), "layer2.bias"), 1e-1);
    // Names of the outer network go before those of the inner one, its default goes after.
    let inner = || {
        Sequential::new()
            .layer(Dense::new(1))
            .prior_for("layer0.bias", normal(1e-2))
    };
    let outer = || {
        Network::new()
            .open_input("x")
            .add("block", inner(), ["x"])
            .prior(normal(1e-3))
    };
    near(spread(outer(), "block.layer0.bias"), 1e-2);
    near(spread(outer(), "block.layer0.weight"), 1e-3);
    let outer = outer().prior_for("block.layer0.bias", normal(1e-4));
    near(spread(outer, "block.layer0.bias"), 1e-4);
    let own = layer::from_fn("scale", |p, inputs| {
        let [x] = p.inputs(inputs)?;
        Ok(x.sum_axis(0).reshape([1, x.shape().columns()])
            * p.get_with_prior("scale", [1, 1], 1, &Normal::new(1.0, 1e-2))?)
    });
    let net = |prior: Normal<'static>| Sequential::new().layer(own.clone()).prior(prior);
    near(spread(net(normal(1e-3)), "layer0.scale"), 1e-2);
    let named = net(normal(1e-3)).prior_for("layer0.scale", normal(1e-4));
    near(spread(named, "layer0.scale"), 1e-4);
}

/// One standard deviation for all elements, learned.
#[derive(Clone, Copy, Debug)]
struct Hierarchical;

impl Prior for Hierarchical {
    fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
        let scale = trace.sample(&format!("{}.scale", parameter.name), HalfNormal::new(1.0));
        trace.sample(
            &parameter.name,
            Normal::new(0.0, scale).expand(parameter.shape),
        )
    }
}

/// Declares less than it should.
#[derive(Clone, Copy, Debug)]
struct Short;

impl Prior for Short {
    fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
        trace.sample(&parameter.name, Normal::new(0.0, 1.0).expand([1]))
    }
}

#[test]
fn a_prior_of_ones_own_may_have_parameters_and_is_held_to_the_shape() {
    let data = Dataset::new(&[0.5, 1.0], 2, &[0.0]).unwrap();
    let net = Mlp::new([2, 1]).without_bias();
    let bnn = Bnn::new(net.clone().prior(Hierarchical), Bernoulli);
    let fit = bnn.fit(&data, &Advi::mean_field().steps(20)).unwrap();
    let draws = fit.draws(3, 0).unwrap();
    let sites: Vec<&str> = draws.variables().iter().map(|v| v.name()).collect();
    assert_eq!(sites, ["layer0.weight.scale", "layer0.weight"]);
    let bnn = Bnn::new(net.prior(Short), Bernoulli);
    assert_eq!(
        bnn.fit(&data, &Advi::mean_field()).unwrap_err().to_string(),
        "the prior of `layer0.weight` declares a value of the shape [1]; the parameter has [2, 1]"
    );
}

/// The draws of the first layer's weight from the prior of a network over 16 features.
fn weights(net: Mlp) -> Vec<f64> {
    let data = Dataset::new(&[0.5; 16], 16, &[0.0]).unwrap();
    let bnn = Bnn::new(net, Bernoulli);
    let draws = model::prior_predictive(&bnn, &data, 400, 3).unwrap();
    draws.variable("layer0.weight").unwrap().values().to_vec()
}

fn mean_of(values: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    values.iter().map(|v| f(*v)).sum::<f64>() / values.len() as f64
}

#[test]
fn a_parameter_of_which_nothing_is_said_has_a_learned_scale() {
    let net = || Mlp::new([16, 5, 1]);
    assert_eq!(weights(net()), weights(net().prior(prior::learned_scale())));
    // A single number has nothing to learn a scale from.
    let single = layer::from_fn("gain", |p, inputs| {
        let [x] = p.inputs(inputs)?;
        Ok(x.sum_axis(0).reshape([1, x.shape().columns()]) * p.get("gain", [], 1)?)
    });
    let of = |net: Sequential| spread(net, "layer0.gain");
    let net = || Sequential::new().layer(single.clone());
    assert_eq!(of(net()), of(net().prior(Normal::new(0.0, 1.0))));
}

#[test]
fn priors_of_one_word_have_the_spread_that_they_say() {
    let net = || Mlp::new([16, 5, 1]);
    // Of 32,000 draws a mean is within 3 % once in 10^6 runs.
    let near = |found: f64, expected: f64| {
        assert!((found / expected - 1.0).abs() < 0.03, "{found}");
    };
    let square = |x: f64| x * x;
    near(
        mean_of(&weights(net().prior(prior::fan_in())), square),
        1.0 / 16.0,
    );
    let relu = prior::fan_in().scaled(2f64.sqrt());
    near(mean_of(&weights(net().prior(relu)), square), 1.0 / 8.0);
    let laplace = Laplace::new(0.0, 0.2);
    near(mean_of(&weights(net().prior(laplace)), f64::abs), 0.2);
    // E |x| of Student's t with 4 degrees of freedom is 1.
    let student = StudentT::new(4.0, 0.0, 0.1);
    near(mean_of(&weights(net().prior(student)), f64::abs), 0.1);
    let mixture = prior::scale_mixture(0.25, [1.0, 1e-3]);
    near(mean_of(&weights(net().prior(mixture)), square), 0.25);
    let narrow = |x: f64| f64::from(x.abs() < 5e-3);
    let mixture = prior::scale_mixture(0.25, [1.0, 1e-3]);
    near(mean_of(&weights(net().prior(mixture)), narrow), 0.75);
    // One variance for all 80 weights of a draw: the mean square of each has its own size.
    let learned = weights(net().prior(prior::learned_scale().variance(4.0, 3.0)));
    let squares: Vec<f64> = learned.chunks(80).map(|w| mean_of(w, square)).collect();
    assert!((mean_of(&squares, |v| v) - 1.0).abs() < 0.15);
    assert!(squares.iter().any(|v| *v < 0.5) && squares.iter().any(|v| *v > 2.0));
}

#[test]
fn a_learned_scale_is_that_of_the_weights() {
    // Large slopes: a standard normal prior shrinks them, a learned scale does not.
    let x: Vec<f64> = (0..60).map(|i| f64::from(i % 12) / 6.0 - 1.0).collect();
    let y: Vec<f64> = x
        .iter()
        .map(|x| 30.0 * x + 0.1 * (97.0 * x).sin())
        .collect();
    let data = Dataset::new(&x, 1, &y).unwrap();
    let slope = |net: Sequential| {
        let fit = Bnn::new(net, Gaussian::new().noise_prior(HalfNormal::new(20.0)))
            .fit(&data, &Nuts::new().chains(2).seed(1))
            .unwrap();
        let draws = fit.all_draws().unwrap();
        draws.variable("layer0.weight").unwrap().mean()[0]
    };
    let net = || Sequential::new().layer(Dense::new(1).without_bias());
    assert!((slope(net().prior(prior::learned_scale())) - 30.0).abs() < 0.5);
    let tight = Normal::new(0.0, 0.1);
    assert!(slope(net().prior(tight)) < 25.0);
}

/// Which parameters of a network over `x [rows, 2]` are points.
fn points(network: impl Into<Network>) -> Vec<String> {
    let data = Dataset::new(&[0.5, 1.0], 2, &[0.0]).unwrap();
    let parameters = Bnn::new(network, Bernoulli).parameters(&data).unwrap();
    let points = parameters.into_iter().filter(|p| p.point);
    points.map(|p| p.name).collect()
}

#[test]
fn a_layer_a_parameter_or_a_network_is_estimated_as_a_point() {
    let net = || Sequential::new().layer(Dense::new(3)).layer(Tanh);
    assert!(points(net().layer(Dense::new(1))).is_empty());
    let last = net().layer(Dense::new(1).point());
    assert_eq!(points(last.clone()), ["layer1.weight", "layer1.bias"]);
    let all = [
        "layer0.weight",
        "layer0.bias",
        "layer1.weight",
        "layer1.bias",
    ];
    assert_eq!(points(last.clone().point()), all);
    let some = last.point_for("layer0.bias");
    assert_eq!(
        points(some),
        ["layer0.bias", "layer1.weight", "layer1.bias"]
    );
    assert_eq!(
        points(Mlp::new([2, 1]).point_for("layer0.bias")),
        ["layer0.bias"]
    );
    assert_eq!(points(Mlp::new([2, 1]).point()).len(), 2);
    // Inside a network that is a layer, by names of either.
    let outer = |inner: Sequential| Network::new().open_input("x").add("block", inner, ["x"]);
    let inner = || Sequential::new().layer(Dense::new(1));
    assert_eq!(
        points(outer(inner().point_for("layer0.bias"))),
        ["block.layer0.bias"]
    );
    let named = outer(inner()).point_for("block.layer0.weight");
    assert_eq!(points(named), ["block.layer0.weight"]);
    let whole = Network::new()
        .open_input("x")
        .add("block", Layer::point(inner()), ["x"]);
    assert_eq!(points(whole), ["block.layer0.weight", "block.layer0.bias"]);
}

/// Elements of variables of another name, times a scale.
#[derive(Clone, Copy, Debug)]
struct Apart;

impl Prior for Apart {
    fn declare<'g>(&self, trace: &Trace<'g>, parameter: &ParameterInfo) -> Var<'g> {
        let raw = Normal::new(0.0, 1.0).expand(parameter.shape);
        0.1 * trace.sample(&format!("{}.raw", parameter.name), raw)
    }
}

#[test]
fn points_that_cannot_be_are_refused_by_name() {
    let data = Dataset::new(&[0.5, 1.0], 2, &[0.0]).unwrap();
    let message = |net: Mlp| {
        let error = Bnn::new(net, Bernoulli).parameters(&data).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        message(Mlp::new([2, 1]).point_for("layer1.bias")),
        "there is no parameter `layer1.bias` to estimate as a point; the network has \
         `layer0.weight`, `layer0.bias`"
    );
    assert_eq!(
        message(Mlp::new([2, 1]).without_bias().point().prior(Apart)),
        "`layer0.weight` is to be estimated as a point, but its prior makes it of other variables; \
         give it a prior that declares the parameter itself"
    );
    let bayesian = Bnn::new(Mlp::new([2, 1]).prior(Apart), Bernoulli);
    assert!(bayesian.parameters(&data).is_ok());
}

#[test]
fn a_last_layer_alone_is_bayesian() {
    let data = datasets::moons(60, 0.2, 0).unwrap().standardized();
    let net = Sequential::new().layer(Dense::new(4).point()).layer(Tanh);
    let bnn = Bnn::new(net.layer(Dense::new(1)), Bernoulli);
    let fit = bnn.fit(&data, &Advi::mean_field().steps(200)).unwrap();
    let draws = fit.draws(20, 0).unwrap();
    let sd = |name: &str| draws.variable(name).unwrap().sd();
    assert!(sd("layer0.weight").iter().all(|sd| *sd < 1e-12));
    assert!(sd("layer1.weight").iter().all(|sd| *sd > 1e-4));
}
