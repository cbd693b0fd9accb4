//! Layers by shape: what is found by recording, networks with several inputs, and what is said
//! where something does not fit.

use bayes_nn::model::Trace;
use bayes_nn::nn::{Concat, Input, LayerError, ParameterInfo, Parameters, Sum, layer};
use bayes_nn::prelude::*;
use bayes_nn::{NoiseKind, Var};

fn names(parameters: &[ParameterInfo]) -> Vec<&str> {
    parameters.iter().map(|p| p.name.as_str()).collect()
}

fn message(result: Result<impl Sized, LayerError>) -> String {
    match result {
        Ok(_) => panic!("this should have failed"),
        Err(error) => error.to_string(),
    }
}

/// A table of so many vectors of two numbers, one for each index.
fn embedding(levels: usize) -> impl Layer {
    layer::from_fn("embedding", move |p, inputs| {
        let [index] = p.inputs(inputs)?;
        Ok(p.get("table", [2, levels], 1)?.gather(index, 1))
    })
}

/// Sums over the height and width of images.
#[derive(Clone, Copy, Debug)]
struct Pool;

impl Layer for Pool {
    fn forward<'g>(
        &self,
        p: &Parameters<'_, 'g>,
        inputs: &[Var<'g>],
    ) -> Result<Var<'g>, LayerError> {
        let [x] = p.inputs(inputs)?;
        match x.shape()[..] {
            [_, _, _, _] => Ok(x.sum_axis(1).sum_axis(1)),
            _ => Err(p.wrong_input(x, "[channels, height, width, rows]")),
        }
    }
}

#[test]
fn shapes_and_fans_are_found_by_recording() {
    let net = Mlp::new([2, 5, 1]);
    let parameters = net.parameters(&[Input::values([2])]).unwrap();
    let found: Vec<String> = parameters
        .iter()
        .map(|p| format!("{} {} {} {}", p.name, p.shape, p.fan_in, p.fan_out))
        .collect();
    assert_eq!(
        found,
        [
            "layer0.weight [2, 5] 2 5",
            "layer0.bias [5] 1 5",
            "layer1.weight [5, 1] 5 1",
            "layer1.bias [1] 1 1"
        ]
    );
    let images = Sequential::new().layer(Pool).layer(Dense::new(10));
    let input = [Input::values([3, 8, 8])];
    assert_eq!(images.output_shape(&input).unwrap().to_string(), "[10]");
    let weight = images.parameters(&input).unwrap()[0].shape;
    assert_eq!(weight.to_string(), "[3, 10]");
}

#[test]
fn layers_with_parameters_are_numbered_wherever_others_stand() {
    let net = Sequential::new()
        .layer(Tanh)
        .layer(Dense::new(3))
        .layer(Relu)
        .layer(
            Sequential::new()
                .layer(Sigmoid)
                .layer(Dense::new(3).without_bias()),
        )
        .layer(Dense::new(1).without_bias());
    let parameters = net.parameters(&[Input::values([2])]).unwrap();
    assert_eq!(
        names(&parameters),
        [
            "layer0.weight",
            "layer0.bias",
            "layer1.layer0.weight",
            "layer2.weight"
        ]
    );
}

#[test]
fn a_layer_placed_twice_has_its_parameters_once() {
    let network = Network::new()
        .input("left", [3])
        .input("right", [3])
        .add("one", Dense::new(2), ["left"])
        .add_shared("other", "one", ["right"])
        .add_shared("third", "other", ["right"])
        .add("sum", Sum, ["one", "other", "third"]);
    let inputs = network.input_shapes().unwrap();
    let parameters = network.parameters(&inputs).unwrap();
    assert_eq!(names(&parameters), ["one.weight", "one.bias"]);

    // By hand: x^T w + b on both sides, with one w and one b.
    let bnn = Bnn::new(network.add("out", Dense::new(1), ["sum"]), Gaussian::new());
    let rows = [0.3, -1.0, 2.0];
    let data = Data::new().matrix("left", &rows, 3).unwrap();
    let data = data.matrix("right", &rows, 3).unwrap();
    let data = data.column("y", &[0.5]).unwrap();
    let names_of_bnn = bnn.parameters(&data).unwrap();
    let expected = ["one.weight", "one.bias", "out.weight", "out.bias", "sigma"];
    assert_eq!(names(&names_of_bnn), expected);
    let fit = bnn.fit(&data, &Advi::mean_field().steps(20)).unwrap();
    assert!(fit.advi().unwrap().elbo().mean.is_finite());
}

#[test]
fn what_goes_around_a_layer_is_added_to_what_went_through_it() {
    fn network<'g>(trace: &Trace<'g>, data: &model::Batch<'g>) {
        let network = Network::new()
            .open_input("x")
            .add("inner", Dense::new(2), ["x"])
            .add("sum", Sum, ["x", "inner"]);
        let out = network.outputs(trace, &[data.matrix("x")]);
        trace.deterministic("out", out);
    }
    let x = [0.5, -2.0];
    let data = Data::new().matrix("x", &x, 2).unwrap();
    let draws = model::prior_predictive(&network, &data, 3, 1).unwrap();
    let of = |name: &str, draw| draws.variable(name).unwrap().draw(draw).unwrap().to_vec();
    for draw in 0..3 {
        let (w, b) = (of("inner.weight", draw), of("inner.bias", draw));
        for (j, out) in of("out", draw).iter().enumerate() {
            let expected = x[j] + w[j] * x[0] + w[2 + j] * x[1] + b[j];
            assert!((out - expected).abs() < 1e-12);
        }
    }
}

#[test]
fn numbers_and_an_index_are_read_by_name() {
    let network = Network::new()
        .open_input("x")
        .index_input("store")
        .add("embedding", embedding(3), ["store"])
        .add("both", Concat, ["x", "embedding"])
        .add("out", Dense::new(1), ["both"]);
    let bnn = Bnn::new(network, Gaussian::new());
    let (x, store) = ([0.1, 0.2, 0.3, 0.4], [0, 2, 1, 2]);
    let data = Data::new().column("x", &x).unwrap();
    let data = data.index("store", &store).unwrap();
    let whole = data.column("y", &[1.0, 3.0, 2.0, 3.0]).unwrap();
    let parameters = bnn.parameters(&whole).unwrap();
    assert_eq!(parameters[0].shape.to_string(), "[2, 3]");
    assert_eq!(parameters[1].shape.to_string(), "[3, 1]");
    for advi in [Advi::mean_field(), Advi::mean_field().batch(2)] {
        let fit = bnn.fit(&whole, &advi.steps(50)).unwrap();
        let draws = fit.predictive(&whole, 5, 0).unwrap();
        assert_eq!(draws.variable("y").unwrap().values().len(), 20);
        assert_eq!(
            fit.predict(&[0.1], 5).unwrap_err().to_string(),
            "rows are given as one slice of numbers, the network reads `x`, `store`; predict from \
             data with these columns"
        );
    }
    let without = Data::new().column("x", &x).unwrap();
    assert_eq!(
        bnn.fit(&without, &Advi::mean_field())
            .unwrap_err()
            .to_string(),
        "the model reads the column `store`, which the data do not have; they have `x`"
    );
    let numbers = without.column("store", &[0.0, 2.0, 1.0, 2.0]).unwrap();
    assert_eq!(
        bnn.fit(&numbers, &Advi::mean_field())
            .unwrap_err()
            .to_string(),
        "`store` is a column; the model reads it as an index"
    );
}

#[test]
fn rows_of_data_are_seen_in_the_shape_of_the_input() {
    // Rows 0..4 as images of one channel, two rows, two columns: sums over them are known.
    fn images<'g>(trace: &Trace<'g>, data: &model::Batch<'g>) {
        let out = Sequential::new()
            .input([1, 2, 2])
            .layer(layer::from_fn("upper", |p, inputs| {
                let [x] = p.inputs(inputs)?;
                let rows = x.shape().columns();
                Ok(x.row(0).row(0).sum_axis(0).reshape([1, rows]))
            }));
        let x = data.matrix("x").reshape([1, 2, 2, data.rows()]);
        trace.deterministic("out", out.outputs(trace, &[x]));
    }
    let x = [1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0];
    let data = Data::new().matrix("x", &x, 4).unwrap();
    let draws = model::prior_predictive(&images, &data, 1, 0).unwrap();
    assert_eq!(draws.variable("out").unwrap().values(), [3.0, 30.0]);

    let net = Sequential::new()
        .input([1, 2, 2])
        .layer(Pool)
        .layer(Dense::new(1));
    let data = Dataset::new(&x, 4, &[0.0, 1.0]).unwrap();
    let bnn = Bnn::new(net, Bernoulli);
    let fit = bnn.fit(&data, &Advi::mean_field().steps(20)).unwrap();
    assert_eq!(fit.predict(&data, 5).unwrap().rows(), 2);
    let narrow = Dataset::new(&x[..6], 3, &[0.0, 1.0]).unwrap();
    assert_eq!(
        bnn.fit(&narrow, &Advi::mean_field())
            .unwrap_err()
            .to_string(),
        "the input `x` of the network is given [3, rows]; it takes [1, 2, 2, rows]"
    );
}

#[test]
fn what_does_not_fit_names_the_layer_and_both_shapes() {
    let two = [Input::values([2])];
    let images = Network::new()
        .input("x", [2])
        .add("hidden", Dense::new(4), ["x"])
        .add("pool", Pool, ["hidden"]);
    assert_eq!(
        message(images.output_shape(&two)),
        "`pool` (Pool) is given [4, rows]; it takes [channels, height, width, rows]"
    );
    let nested = Network::new().input("x", [2]).add("block", images, ["x"]);
    assert_eq!(
        message(nested.output_shape(&two)),
        "`pool` (Pool) of `block` is given [4, rows]; it takes [channels, height, width, rows]"
    );
    assert_eq!(
        message(Dense::new(0).output_shape(&two)),
        "the parameter `weight` has the shape [2, 0]; every axis needs at least one element"
    );
    let formula = layer::from_fn("misfit", |p, inputs| {
        let [x] = p.inputs(inputs)?;
        Ok(p.get("weight", [3, 5], 5)?.matmul(x))
    });
    let text = message(
        Sequential::new()
            .layer(Tanh)
            .layer(formula)
            .output_shape(&two),
    );
    assert!(
        text.starts_with("layer 1 (misfit): matmul at crates/bayes-nn/tests/"),
        "{text}"
    );
    assert!(text.contains("[3, 5] x [2, 2]"), "{text}");
    let sum = layer::from_fn("sum", |p, inputs| {
        let [x] = p.inputs(inputs)?;
        Ok(x.sum_axis(1))
    });
    assert_eq!(
        message(
            Sequential::new()
                .layer(sum)
                .layer(Dense::new(3))
                .output_shape(&[Input::values([5])])
        ),
        "layer 0 (sum) gives an output of the shape [5] for 2 rows; its last axis must be these rows"
    );
    assert_eq!(
        message(Sum.output_shape(&[Input::values([2]), Input::index()])),
        "Sum is given indices [rows]; it takes [2, rows]"
    );
    let network = Network::new()
        .index_input("store")
        .add("t", embedding(2), ["store"]);
    assert_eq!(
        message(network.output_shape(&two)),
        "the input `store` of Network { inputs: [\"store\"], layers: [embedding], .. } is given \
         [2, rows]; it takes indices [rows]"
    );
    let twice = layer::from_fn("twice", |p, inputs| {
        let [x] = p.inputs(inputs)?;
        Ok(x * p.get("a", [2, 1], 1)? * p.get("a", [1, 1], 1)?)
    });
    assert_eq!(
        message(twice.output_shape(&two)),
        "the parameter `a` has the shape [2, 1] and is asked for once more with the shape [1, 1]; \
         one name is one parameter"
    );
}

#[test]
fn a_network_that_cannot_be_built_says_why() {
    let two = [Input::values([2])];
    let base = || {
        Network::new()
            .input("x", [2])
            .add("a", Dense::new(2), ["x"])
    };
    for (network, expected) in [
        (
            base().add("b", Sum, ["a", "c"]),
            "the network has no part named `c` before `b`; it has `x`, `a`",
        ),
        (
            base().add("b", Tanh, ["b"]),
            "the network has no part named `b` before `b`; it has `x`, `a`",
        ),
        (
            base().add("a", Tanh, ["x"]),
            "the network has two parts named `a`; each input and layer needs its own name",
        ),
        (
            base().add("x", Tanh, ["a"]),
            "the network has two parts named `x`; each input and layer needs its own name",
        ),
        (
            base().add("a.b", Tanh, ["x"]),
            "`a.b` cannot name a part of a network: a name is not empty and has no dot",
        ),
        (
            base().add_shared("b", "c", ["x"]),
            "the network has no part named `c` before `b`; it has `a`",
        ),
        (
            base().output("out"),
            "the network has no part named `out` before the output; it has `x`, `a`",
        ),
        (
            Network::new().input("x", [2]),
            "the network has no layers; at least one is needed",
        ),
        (
            Network::from(Mlp::new([2])),
            "the widths [2] make no layer; at least features and outputs are needed",
        ),
        (
            base().prior_for("b.weight", Normal::new(0.0, 1.0)),
            "there is no parameter `b.weight` to give a prior to; the network has `a.weight`, \
             `a.bias`",
        ),
    ] {
        assert_eq!(message(network.output_shape(&two)), expected);
    }
    assert_eq!(
        message(base().output_shape(&[])),
        "Network { inputs: [\"x\"], layers: [Dense { outputs: 2, inputs: None, bias: true }], .. } \
         is given 0 inputs; it takes `x`"
    );
}

#[test]
fn noise_of_two_places_is_independent_and_a_dropout_can_be_fitted() {
    #[derive(Clone, Copy, Debug)]
    struct Dropout;
    impl Layer for Dropout {
        fn forward<'g>(
            &self,
            p: &Parameters<'_, 'g>,
            inputs: &[Var<'g>],
        ) -> Result<Var<'g>, LayerError> {
            let [x] = p.inputs(inputs)?;
            let kept = p.noise(NoiseKind::Uniform, x.shape()).lt(0.8);
            Ok(kept * x / 0.8)
        }
    }
    fn two<'g>(trace: &Trace<'g>, data: &model::Batch<'g>) {
        let p = Parameters::new(trace);
        let shape = [1, data.rows()];
        let (a, b) = (
            p.noise(NoiseKind::Normal, shape),
            p.noise(NoiseKind::Normal, shape),
        );
        trace.deterministic("difference", a - b);
    }
    let data = Data::new().column("x", &[1.0, 2.0, 3.0]).unwrap();
    let draws = model::prior_predictive(&two, &data, 1, 0).unwrap();
    let difference = draws.variable("difference").unwrap();
    assert!(difference.values().iter().all(|d| d.abs() > 1e-3));

    let data = Dataset::new(&[0.5, 1.0, -1.0, 2.0], 2, &[0.0, 1.0]).unwrap();
    let net = Sequential::new()
        .layer(Dense::new(4))
        .layer(Dropout)
        .layer(Dense::new(1));
    let fit = Bnn::new(net, Bernoulli)
        .fit(&data, &Advi::mean_field().steps(50))
        .unwrap();
    assert!(
        fit.predict(&data, 10)
            .unwrap()
            .mean()
            .iter()
            .all(|p| (0.0..=1.0).contains(p))
    );
}

#[test]
fn a_layer_inside_a_model_leaves_its_error_to_the_run() {
    fn wrong<'g>(trace: &Trace<'g>, data: &model::Batch<'g>) {
        let out = Mlp::new([3, 1]).outputs(trace, &[data.matrix("x")]);
        trace.observe("y", Normal::new(out.row(0), 1.0), data.column("y"));
    }
    let data = Data::from(&Dataset::new(&[0.5, 1.0], 2, &[0.0]).unwrap());
    let error = model::fit(&wrong, &data, &Advi::mean_field()).err();
    assert_eq!(
        error.unwrap().to_string(),
        "the input `x` of the network is given [2, rows]; it takes [3, rows]"
    );
}
