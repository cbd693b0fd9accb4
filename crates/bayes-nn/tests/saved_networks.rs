//! Networks in files: they come back whole, without data and without code.

mod temporary;

use bayes_nn::distributions::{Cauchy, Distribution, HalfCauchy};
use bayes_nn::nn::{
    self, AvgPool1d, Concat, DenseByGroup, Dropout, Embedding, Gru, Head, HeadError,
    HeteroscedasticGaussian, LayerError, LayerNorm, Lstm, ParameterInfo, Parameters, Prior,
    Registry, Rescale, Residual, Sum, head, layer, prior,
};
use bayes_nn::prelude::*;
use bayes_nn::saved::{Place, Value};
use bayes_nn::{Error, FileError, Inputs, Var};
use temporary::Temporary;

/// A fit that went through a file, with what the file said of its network.
fn again(fit: &Posterior<Bnn>) -> Posterior<Bnn> {
    let file = Temporary::new();
    fit.save(file.path()).unwrap();
    let again = Bnn::load(file.path()).unwrap();
    assert_eq!(again.to_string(), fit.to_string());
    assert_eq!(again.draws(3, 1).unwrap(), fit.draws(3, 1).unwrap());
    assert_eq!(again.chains(), fit.chains());
    let bytes = std::fs::read(file.path()).unwrap();
    again.save(file.path()).unwrap();
    assert_eq!(std::fs::read(file.path()).unwrap(), bytes);
    again
}

/// That a network fitted to these data predicts the same when it comes back.
fn comes_back(bnn: &Bnn, data: &Data) {
    for advi in [Advi::mean_field().steps(3), Advi::map().steps(3)] {
        for precision in [Precision::F32, Precision::F64] {
            let advi = advi.clone().restarts(1).precision(precision);
            let fit = bnn.fit(data, &advi).unwrap();
            let again = again(&fit);
            for (name, _) in bnn.heads() {
                let means = |of: &Posterior<Bnn>| {
                    let prediction = of.target(name).predict(data, 7).unwrap();
                    (prediction.mean().to_vec(), prediction.epistemic().to_vec())
                };
                assert_eq!(means(&again), means(&fit));
            }
        }
    }
}

fn numbers(rows: usize, columns: usize) -> Vec<f64> {
    let number = |i: usize| (i as f64 * 0.7).sin();
    (0..rows * columns).map(number).collect()
}

#[test]
fn every_layer_comes_back() {
    let rows = 6;
    let targets = [0.0, 1.0, 1.0, 0.0, 1.0, 0.0];
    let data = Data::new().matrix("x", numbers(rows, 16), 16).unwrap();
    let data = data.matrix("z", numbers(rows, 3), 3).unwrap();
    let data = data.index("store", &[0, 3, 2, 1, 3, 0]).unwrap();
    let data = data.column("y", &targets).unwrap();

    let images = Sequential::new()
        .input([1, 4, 4])
        .layer(Rescale::new(0.5, 0.1))
        .layer(nn::Augment::new().flip().shift(1).rotate(5.0).noise(0.1))
        .layer(Conv2d::new(2, [2, 3]).same().dilation([1, 1]))
        .layer(Relu)
        .layer(
            Conv2d::new(2, [2, 2])
                .padding([1, 0])
                .groups(2)
                .without_bias(),
        )
        .layer(MaxPool2d::new([2, 2]).stride([1, 1]))
        .layer(AvgPool2d::new([2, 1]))
        .layer(Flatten)
        .layer(LayerNorm::new().epsilon(1e-4))
        .layer(Dropout::new(0.1))
        .layer(Residual::new(
            Sequential::new().layer(Dense::new(8).point()).layer(Tanh),
        ))
        .layer(Dense::new(1));
    comes_back(&Bnn::new(images, Bernoulli), &data);

    let states = Sequential::new()
        .input([2, 8])
        .layer(Gru::new(2).all_states());
    let signals = Sequential::new()
        .input([4, 4])
        .layer(Conv1d::new(3, [2]).stride([2]));
    let signals = signals.layer(AvgPool1d::new([2])).layer(Flatten);
    for (sequence, features) in [(states.layer(Lstm::new(2)), 2), (signals, 3)] {
        let sequence = sequence.layer(Dense::new(1).inputs(features));
        comes_back(&Bnn::new(sequence, Bernoulli), &data);
    }

    let network = Network::new()
        .input("z", [3])
        .index_input("store")
        .open_input("x")
        .add("embedding", Embedding::new(4, 2), ["store"])
        .add("grouped", DenseByGroup::new(4, 2), ["z", "store"])
        .add("sum", Sum, ["embedding", "grouped"])
        .add_with_prior("from x", Dense::new(2), prior::learned_scale(), ["x"])
        .add("both", Concat, ["sum", "from x"])
        .add("one", Dense::new(4), ["both"])
        .add_shared("two", "one", ["one"])
        .add("out", Dense::new(2), ["two"])
        .add("unused", Dense::new(1), ["out"])
        .output("out")
        .prior(prior::fan_in().scaled(1.5))
        .prior_for("one.weight", prior::scale_mixture(0.3, [1.0, 0.1]))
        .point_for("one.bias");
    comes_back(
        &Bnn::new(network, HeteroscedasticGaussian::new().least_noise(0.1)),
        &data,
    );

    let mixture = Sequential::new().input([16]).layer(Dense::new(9));
    let head = nn::GaussianMixture::new(3).least_noise(0.1);
    comes_back(&Bnn::new(mixture, head), &data);

    for activation in [
        Activation::LeakyRelu,
        Activation::Elu,
        Sigmoid,
        Softplus,
        Activation::Silu,
        Activation::Gelu,
        Activation::Sin,
        Identity,
        Relu,
    ] {
        let net = Mlp::new([3, 2, 2, 1])
            .activation(activation)
            .prior(Cauchy::new(0.0, 0.5));
        let data = Data::new().matrix("x", numbers(rows, 3), 3).unwrap();
        let data = data.column("y", &targets).unwrap();
        let bnn = Bnn::new(net.point_for("layer0.weight"), nn::Poisson);
        let fit = bnn
            .fit(&data, &Advi::mean_field().steps(2).restarts(1))
            .unwrap();
        let predicted = again(&fit).predict(&data, 3).unwrap().mean().to_vec();
        assert_eq!(predicted, fit.predict(&data, 3).unwrap().mean());
    }
}

#[test]
fn several_targets_and_their_heads_come_back() {
    let data = Data::new().matrix("x", numbers(5, 2), 2).unwrap();
    let data = data.column("price", &[1.1, 0.3, 0.9, 0.2, 0.5]).unwrap();
    let data = data.column("kind", &[0.0, 2.0, 1.0, 1.0, 2.0]).unwrap();
    let bnn = Bnn::several(Mlp::new([2, 3, 4]).without_bias())
        .target(
            "price",
            1,
            Gaussian::new().noise_prior(HalfCauchy::new(0.3)),
        )
        .target("kind", 3, Categorical);
    comes_back(&bnn, &data);
    let fit = bnn.fit(&data, &Advi::mean_field().steps(3)).unwrap();
    let kind = again(&fit.target("kind"));
    assert_eq!(kind.predict(&data, 3).unwrap().mean().len(), 15);
}

#[test]
fn chains_restarts_and_pruned_networks_come_back() {
    let data = datasets::moons(40, 0.2, 0).unwrap().standardized();
    let bnn = Bnn::new(Mlp::new([2, 3, 1]).prior(prior::learned_scale()), Bernoulli);
    let chains = bnn
        .fit(&data, &Nuts::new().chains(2).draws(20).warmup(40))
        .unwrap();
    let restarts = bnn
        .fit(&data, &Advi::mean_field().steps(50).restarts(2))
        .unwrap();
    assert!(restarts.agreement().is_some());
    let pruned = restarts.pruned(0.5).unwrap();
    for fit in [chains, restarts, pruned] {
        let again = again(&fit);
        let rows = [[0.5, -0.5], [1.0, 2.0]];
        let means = |of: &Posterior<Bnn>| of.predict(&rows, 9).unwrap().mean().to_vec();
        assert_eq!(means(&again), means(&fit));
        let scores = |of: &Posterior<Bnn>| of.score(&data, Predict::draws(9)).unwrap().to_string();
        assert_eq!(scores(&again), scores(&fit));
        // Rows of another scale are refused as they were.
        let raw = datasets::moons(40, 0.2, 0).unwrap();
        let error = |of: &Posterior<Bnn>| of.predict(&raw, 9).unwrap_err().to_string();
        assert_eq!(error(&again), error(&fit));
    }
}

#[test]
fn a_recipe_comes_back_and_encodes_a_raw_table() {
    let text = "age,sex,born,glad,price\n\
                20,f,1990-05-01,true,1.0\nNA,m,1980-01-02,false,2.0\n40,m,NA,true,3.5\n";
    let train = Table::read_from(text.as_bytes())
        .unwrap()
        .target("price")
        .unwrap();
    let fit = Bnn::for_data(&train)
        .fit(&train, &Advi::mean_field().steps(20))
        .unwrap();
    let again = again(&fit);
    let encoding = |of: &Posterior<Bnn>| of.encoding().unwrap().clone();
    assert_eq!(encoding(&again), encoding(&fit));
    let new = "price,sex,age,glad,born\nNA,m,33,false,1999-12-31\nNA,f,NA,true,NA\n";
    let new = Table::read_from(new.as_bytes()).unwrap();
    let predicted = |of: &Posterior<Bnn>, rows: Inputs<'_>| {
        let prediction = of.predict(rows, 20).unwrap();
        let (low, high) = prediction.interval().unwrap();
        (prediction.to_string(), low.to_vec(), high.to_vec())
    };
    assert_eq!(
        predicted(&again, (&new).into()),
        predicted(&fit, (&new).into())
    );
    assert_eq!(
        predicted(&again, (&train).into()),
        predicted(&fit, (&train).into())
    );
    let unknown = Table::read_from("age,sex,born,glad\n1,x,NA,true\n".as_bytes()).unwrap();
    let error = |of: &Posterior<Bnn>| of.predict(&unknown, 2).unwrap_err().to_string();
    assert_eq!(error(&again), error(&fit));
    assert!(error(&again).contains('x'));
}

/// The error of saving a network that cannot be described.
fn refused(bnn: &Bnn) -> String {
    let data = Dataset::new(&[0.1, 0.7, 1.3, 2.1], 1, &[1.0, 1.2, 1.1, 1.4]).unwrap();
    let fit = bnn.fit(&data, &Advi::mean_field().steps(2)).unwrap();
    let file = Temporary::new();
    let error = fit.save(file.path()).unwrap_err();
    assert!(matches!(error, Error::File(FileError::Unsaved { .. })));
    assert!(!file.path().exists());
    error.to_string()
}

/// Twice what goes in.
#[derive(Clone, Copy, Debug)]
struct Twice;

impl Layer for Twice {
    fn forward<'g>(
        &self,
        p: &Parameters<'_, 'g>,
        inputs: &[Var<'g>],
    ) -> Result<Var<'g>, LayerError> {
        let [x] = p.inputs(inputs)?;
        Ok(x + x)
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(place.object().put("kind", &"twice".to_owned()).value())
    }
}

#[derive(Clone, Copy, Debug)]
struct Wide(f64);

impl Prior for Wide {
    fn declare<'g>(&self, trace: &model::Trace<'g>, of: &ParameterInfo) -> Var<'g> {
        Normal::new(0.0, self.0).declare(trace, of)
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        let object = place.object().put("kind", &"wide".to_owned());
        Ok(object.put("sd", &self.0).value())
    }
}

#[derive(Clone, Copy, Debug)]
struct Precise;

impl Head for Precise {
    fn likelihood<'g>(
        &self,
        _: &Parameters<'_, 'g>,
        outputs: Var<'g>,
    ) -> Result<Box<dyn Distribution<'g> + 'g>, HeadError> {
        Ok(Box::new(Normal::new(outputs.row(0), 0.1)))
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(place.object().put("kind", &"precise".to_owned()).value())
    }
}

#[test]
fn what_is_not_described_is_refused_by_name_and_what_is_registered_comes_back() {
    let square = layer::from_fn("square", |p, inputs| {
        let [x] = p.inputs(inputs)?;
        Ok(x * x)
    });
    let net = Sequential::new()
        .layer(Dense::new(2))
        .layer(square)
        .layer(Dense::new(1));
    let told = refused(&Bnn::new(net, Gaussian::new()));
    assert!(
        told.starts_with("the layer square cannot be saved: "),
        "{told}"
    );
    assert!(told.contains("Registry::layer"));
    let counts = head::from_fn("exact", |_, outputs| {
        Ok(Box::new(Normal::new(outputs.row(0), 0.1)))
    });
    assert!(refused(&Bnn::new(Mlp::new([1, 1]), counts)).starts_with("the head exact cannot"));
    let truncated = distributions::TruncatedNormal::new(0.0, 1.0, -1.0, 1.0);
    let net = Mlp::new([1, 1]).prior(truncated);
    assert!(refused(&Bnn::new(net, Gaussian::new())).starts_with("the prior TruncatedNormal"));

    let data = Dataset::new(&[0.1, 0.7, 1.3, 2.1], 1, &[1.0, 1.2, 1.1, 1.4]).unwrap();
    let net = Sequential::new()
        .layer(Residual::new(Twice))
        .layer(Dense::new(1));
    let bnn = Bnn::new(net.prior(Wide(0.3)), Precise);
    let fit = bnn.fit(&data, &Advi::mean_field().steps(20)).unwrap();
    let file = Temporary::new();
    fit.save(file.path()).unwrap();
    let error = Bnn::load(file.path()).unwrap_err().to_string();
    assert!(
        error.contains("is a layer of the kind `twice`, which is not known here"),
        "{error}"
    );
    let registry = Registry::new()
        .layer("twice", |_| Ok(Twice))
        .prior("wide", |node| Ok(Wide(node.get("sd")?)))
        .head("precise", |_| Ok(Precise));
    let again = Bnn::load_with(&registry, file.path()).unwrap();
    let means = |of: &Posterior<Bnn>| of.predict(&[0.3, 0.9], 9).unwrap().mean().to_vec();
    assert_eq!(means(&again), means(&fit));
}

#[test]
fn a_function_comes_back_with_its_code_alone() {
    let model = model::from_fn(|trace, _| {
        trace.sample("x", Normal::new(0.0, 1.0));
    });
    let file = Temporary::new();
    let fit = model::fit(&model, Data::new(), &Advi::mean_field()).unwrap();
    fit.save(file.path()).unwrap();
    let error = Bnn::load(file.path()).unwrap_err().to_string();
    assert!(error.contains("`posterior.model` is a function"), "{error}");
}

#[test]
fn a_network_of_other_shapes_is_told_the_first_that_differs() {
    let data = datasets::moons(20, 0.2, 0).unwrap().standardized();
    let bnn = Bnn::new(Mlp::new([2, 3, 1]), Bernoulli);
    let fit = bnn.fit(&data, &Advi::mean_field().steps(2)).unwrap();
    let file = Temporary::new();
    fit.save(file.path()).unwrap();
    let other = Bnn::new(Mlp::new([2, 4, 1]), Bernoulli);
    assert_eq!(
        model::load(&other, file.path()).unwrap_err().to_string(),
        "variable 0 of the model is `layer0.weight` [2, 4], in the file it is `layer0.weight` [2, 3]"
    );
    model::load(&bnn, file.path()).unwrap();
}
