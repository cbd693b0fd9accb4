//! Networks: parameters by name, heads, and predictions with what is not known about them.

use bayes_nn::Task;
use bayes_nn::nn::{DenseByGroup, Network, prior};

use bayes_nn::prelude::*;

fn blobs(classes: usize) -> Dataset {
    let mut x = Vec::new();
    let mut y = Vec::new();
    for i in 0..20 * classes {
        let (class, t) = (i % classes, i as f64);
        let angle = class as f64 * std::f64::consts::TAU / classes as f64;
        x.extend([
            2.0 * angle.cos() + 0.5 * (3.7 * t).sin(),
            2.0 * angle.sin() + 0.5 * (2.3 * t).cos(),
        ]);
        y.push(class as f64);
    }
    Dataset::new(&x, 2, &y).unwrap()
}

fn wave() -> Dataset {
    let x: Vec<f64> = (0..60).map(|i| f64::from(i) / 10.0 - 3.0).collect();
    let noise = |i: usize| 0.1 * (17.0 * i as f64).sin();
    let y: Vec<f64> = x
        .iter()
        .enumerate()
        .map(|(i, x)| 100.0 + 30.0 * (x.sin() + noise(i)))
        .collect();
    Dataset::new(&x, 1, &y).unwrap().standardize_target()
}

#[test]
fn parameters_are_named_by_layer_and_drawn_in_their_shapes() {
    let net = Mlp::new([2, 3, 1])
        .activation(Relu)
        .prior(Normal::new(0.0, 1.0))
        .prior_for("layer1.weight", Laplace::new(0.0, 0.01));
    let bnn = Bnn::new(net, Bernoulli);
    let draws = model::prior_predictive(&bnn, &blobs(2), 300, 1).unwrap();
    let names: Vec<&str> = draws.variables().iter().map(|v| v.name()).collect();
    assert_eq!(
        names,
        [
            "layer0.weight",
            "layer0.bias",
            "layer1.weight",
            "layer1.bias",
            "y"
        ]
    );
    let weight = draws.variable("layer0.weight").unwrap();
    assert_eq!(weight.shape().to_string(), "[2, 3]");
    assert!(weight.sd().iter().all(|sd| (sd - 1.0).abs() < 0.25));
    let narrow = draws.variable("layer1.weight").unwrap();
    assert!(narrow.sd().iter().all(|sd| *sd < 0.03));
}

#[test]
fn every_activation_is_what_its_formula_says() {
    let at = |f: Activation, x: f64| f.apply(x.into()).number().unwrap();
    assert_eq!(at(Activation::LeakyRelu, -2.0), -0.2);
    assert_eq!(at(Activation::LeakyRelu, 2.0), 2.0);
    assert!((at(Activation::Silu, 1.0) - 0.7310585786300049).abs() < 1e-15);
    assert!((at(Activation::Gelu, 1.0) - 0.8413447460685429).abs() < 1e-15);
    assert_eq!(at(Identity, -3.5), -3.5);
    assert!((at(Softplus, 0.0) - std::f64::consts::LN_2).abs() < 1e-15);
}

#[test]
fn classes_are_learned_and_uncertainty_is_split() {
    for classes in [2, 3] {
        let data = blobs(classes);
        let advi = Advi::mean_field().steps(1_500).seed(1);
        let fit = match classes {
            2 => Bnn::new(Mlp::new([2, 4, 1]), Bernoulli).fit(&data, &advi),
            _ => Bnn::new(Mlp::new([2, 4, 3]), Categorical).fit(&data, &advi),
        }
        .unwrap();
        let prediction = fit.predict(&data, 200).unwrap();
        let score = prediction.score(data.y()).unwrap();
        assert!(score.classification().unwrap().accuracy > 0.95, "{score}");
        let (task, width) = match classes {
            2 => (Task::Binary, 1),
            _ => (Task::Classes(3), 3),
        };
        assert_eq!(prediction.task(), task);
        assert_eq!(prediction.mean().len(), width * data.rows());
        let parts = prediction.aleatoric().iter().zip(prediction.epistemic());
        for ((aleatoric, epistemic), total) in parts.zip(prediction.total()) {
            assert!(*aleatoric >= 0.0 && *epistemic >= 0.0);
            assert!((aleatoric + epistemic - total).abs() < 1e-12);
            assert!(total <= (classes as f64).ln() + 1e-5);
        }
        let predicted = prediction.predicted();
        let right = predicted.iter().zip(data.y()).filter(|(a, b)| a == b);
        assert!(right.count() >= 19 * classes);

        let how = Predict::draws(2_000).seed(5);
        let draws = fit.predict_draws(&data, how).unwrap();
        let mean = fit.predict_with(&data, how).unwrap();
        for row in [0, 7, 19] {
            let ones = draws.row(row).iter().filter(|y| **y == 1.0).count();
            let p = mean.mean()[row * width + width / 2];
            let error = (p * (1.0 - p) / 2_000.0).sqrt();
            // Beyond 5 standard errors once in 10^6.
            assert!(
                (ones as f64 / 2_000.0 - p).abs() <= 5.0 * error + 1e-3,
                "{p}"
            );
        }
        let log_loss = score.classification().unwrap().log_loss;
        let log_predictive = fit.log_predictive(&data, data.y(), Predict::draws(200));
        let mean = log_predictive.unwrap().iter().sum::<f64>() / data.rows() as f64;
        assert!((mean + log_loss).abs() < 1e-4);
    }
}

#[test]
fn moments_are_those_of_the_draws_of_the_weights() {
    let data = blobs(2);
    let bnn = Bnn::new(Mlp::new([2, 3, 1]).without_bias(), Bernoulli);
    let fit = bnn.fit(&data, &Advi::mean_field().steps(300)).unwrap();
    let draws = fit.draws(40, 9).unwrap();
    let prediction = fit.predict_with(&data, Predict::draws(40).seed(9)).unwrap();
    let first = draws.variable("layer0.weight").unwrap();
    let second = draws.variable("layer1.weight").unwrap();
    for row in [0, 13] {
        let x = data.row(row);
        let p: Vec<f64> = (0..40)
            .map(|draw| {
                let (w, v) = (first.draw(draw).unwrap(), second.draw(draw).unwrap());
                let logit: f64 = (0..3)
                    .map(|j| v[j] * (w[j] * x[0] + w[3 + j] * x[1]).tanh())
                    .sum();
                1.0 / (1.0 + (-logit).exp())
            })
            .collect();
        let mean = p.iter().sum::<f64>() / 40.0;
        let sd = (p.iter().map(|p| (p - mean) * (p - mean)).sum::<f64>() / 40.0).sqrt();
        let entropy = |p: f64| -p * p.ln() - (1.0 - p) * (1.0 - p).ln();
        let expected = p.iter().map(|p| entropy(*p)).sum::<f64>() / 40.0;
        assert!((prediction.mean()[row] - mean).abs() < 1e-5);
        assert!((prediction.sd_between_draws()[row] - sd).abs() < 1e-5);
        assert!((prediction.aleatoric()[row] - expected).abs() < 1e-5);
        assert!((prediction.epistemic()[row] - (entropy(mean) - expected)).abs() < 2e-5);
        let sd_of_draws = (mean * (1.0 - mean)).sqrt();
        assert!((prediction.sd_of_draws()[row] - sd_of_draws).abs() < 1e-5);
    }
}

#[test]
fn rows_are_predicted_alike_in_any_company() {
    let data = blobs(2);
    let bnn = Bnn::new(Mlp::new([2, 3, 1]), Bernoulli);
    let fit = bnn
        .fit(&data, &Advi::mean_field().steps(200).batch(7))
        .unwrap();
    let x: Vec<[f64; 2]> = (0..1_300)
        .map(|row| [0, 1].map(|j| data.row(row % data.rows())[j]))
        .collect();
    let all = fit.predict(&x, 25).unwrap();
    assert_eq!(all.rows(), 1_300);
    for row in [0, 511, 512, 1_299] {
        let one = fit.predict(&x[row..row + 1], 25).unwrap();
        assert!((one.mean()[0] - all.mean()[row]).abs() < 1e-6);
        assert!((one.epistemic()[0] - all.epistemic()[row]).abs() < 1e-5);
    }
    assert_eq!(fit.predict(&x, 25).unwrap().mean(), all.mean());
}

#[test]
fn a_regression_predicts_on_the_original_scale_with_honest_intervals() {
    let data = wave();
    let constants = data.target_standardization().unwrap();
    let y = constants.invert(data.y()).unwrap();
    let bnn = Bnn::new(Mlp::new([1, 8, 1]).activation(Relu), Gaussian::new());
    let advi = Advi::mean_field().steps(6_000).learning_rate(0.02).seed(2);
    let fit = bnn.fit(&data, &advi).unwrap();
    let prediction = fit
        .predict_with(&data, Predict::draws(300).interval(0.9))
        .unwrap();
    let score = prediction.score(&y).unwrap();
    let how = Predict::draws(300).interval(0.9);
    assert_eq!(fit.score(&data, how).unwrap(), score);
    let score = score.regression().unwrap();
    assert!(score.rmse < 8.0, "{score}");
    assert!(score.coverage > 0.75, "{score}");
    assert!(score.log_likelihood > -4.0, "{score}");
    let sigma = fit.draws(300, 0).unwrap();
    let sigma = sigma.variable("sigma").unwrap();
    let noise = sigma.values().iter().map(|s| s * s).sum::<f64>() / 300.0;
    let unit = constants.sds()[0];
    assert!((prediction.aleatoric()[3] / (noise * unit * unit) - 1.0).abs() < 1e-3);
    let (lower, upper) = prediction.interval().unwrap();
    let bounds = lower.iter().zip(upper).zip(prediction.mean());
    assert!(bounds.into_iter().all(|((l, u), m)| l < m && m < u));
    // Far away nobody knows.
    let far = fit.predict(&[30.0], 300).unwrap();
    assert!(far.epistemic()[0] > 2.0 * prediction.epistemic()[30]);
    let draws = fit.predict_draws(&[0.5], Predict::draws(2_000)).unwrap();
    let mean = draws.values().iter().sum::<f64>() / 2_000.0;
    assert!((mean - fit.predict(&[0.5], 2_000).unwrap().mean()[0]).abs() < 1.0);
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let bnn = Bnn::new(Mlp::new([2, 3, 1]), Bernoulli);
    let fit = || {
        let advi = Advi::full_rank().steps(100).batch(9).seed(4);
        bnn.fit(&blobs(2), &advi).unwrap()
    };
    let (one, two) = (fit(), fit());
    assert_eq!(one.approximation().unwrap(), two.approximation().unwrap());
    assert_eq!(
        one.advi().unwrap().curve().elbos(),
        two.advi().unwrap().curve().elbos()
    );
    assert_eq!(one.draws(5, 1).unwrap(), two.draws(5, 1).unwrap());
    assert_eq!(
        one.predictive(&blobs(2), 5, 1).unwrap(),
        two.predictive(&blobs(2), 5, 1).unwrap()
    );
}

#[test]
fn a_fit_shows_itself_as_a_small_table() {
    let bnn = Bnn::new(Mlp::new([2, 3, 1]), Bernoulli);
    let fit = bnn
        .fit(&blobs(2), &Advi::mean_field().steps(100).restarts(2))
        .unwrap();
    let text = fit.to_string();
    for part in [
        "steps      100",
        "steps/s",
        "ELBO       -",
        "±",
        "converged  ",
        "restarts",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_network_is_also_a_model_of_named_columns() {
    let data = blobs(2);
    let columns = Data::new().matrix("x", data.x(), 2).unwrap();
    let columns = columns.column("y", data.y()).unwrap();
    let bnn = Bnn::new(Mlp::new([2, 3, 1]), Bernoulli);
    let advi = Advi::mean_field().steps(50);
    let one = bnn.fit(&data, &advi).unwrap();
    let two = model::fit(&bnn, &columns, &advi).unwrap();
    assert_eq!(one.approximation().unwrap(), two.approximation().unwrap());
}

#[test]
fn drawn_products_and_closed_forms_reach_the_same_fit_by_other_draws() {
    // A logistic regression has one optimum, which both have to reach.
    let data = datasets::moons(300, 0.2, 3).unwrap().standardized();
    let net = Mlp::new([2, 1]).prior(Normal::new(0.0, 1.0));
    let bnn = Bnn::new(net, Bernoulli);
    let advi = Advi::mean_field().steps(6_000).seed(2);
    let plain = advi.clone().local_reparameterization(false);
    let plain = bnn.fit(&data, &plain.closed_form_priors(false)).unwrap();
    let local = advi.local_reparameterization(true).closed_form_priors(true);
    let local = bnn.fit(&data, &local).unwrap();
    let [a, b] = [&plain, &local].map(|fit| fit.advi().unwrap().elbo());
    // Once in 16,000 right runs two means are further apart than four standard errors.
    assert!(
        (a.mean - b.mean).abs() < 4.0 * a.mcse.hypot(b.mcse) + 0.05,
        "{a} and {b}"
    );
    let curves = [&plain, &local].map(|fit| fit.advi().unwrap().curve().elbos());
    assert_ne!(curves[0], curves[1]);
}

#[test]
fn a_weight_that_meets_more_than_its_input_is_drawn_itself() {
    use bayes_nn::model::{Batch, Trace};
    // The second use makes rows depend on one draw: then nothing may be drawn row by row, and the
    // setting changes no bit.
    fn model<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
        let weight = trace.sample("weight", Normal::new(0.0, 1.0).expand([2, 1]));
        let logits = trace.times(weight, data.matrix("x"), &|w, x| w.t().matmul(x));
        let shift = weight.sum();
        let y = distributions::Bernoulli::logits(logits.row(0) + shift);
        trace.observe("y", y, data.column("y"));
    }
    let data = datasets::moons(50, 0.2, 3).unwrap();
    let advi = Advi::mean_field().steps(200);
    let curve = |advi: &Advi| {
        let fit = model::fit(&model, &data, advi).unwrap();
        fit.advi().unwrap().curve().elbos().to_vec()
    };
    assert_eq!(
        curve(&advi),
        curve(&advi.clone().local_reparameterization(true))
    );
}

#[test]
fn a_tempered_network_is_surer_of_its_weights_and_says_so() {
    let fitted = |advi: Advi| {
        let net = Mlp::new([2, 8, 2]).prior(prior::learned_scale());
        let advi = advi.steps(3_000).batch(20).seed(1);
        Bnn::new(net, Categorical).fit(&blobs(2), &advi).unwrap()
    };
    let spread = |fit: &Posterior<Bnn>| {
        let sds = fit.approximation().unwrap().sd();
        sds.iter().map(|sd| sd.ln()).sum::<f64>() / sds.len() as f64
    };
    let plain = fitted(Advi::mean_field());
    let cold = fitted(Advi::mean_field().temperature(0.05));
    assert!(spread(&cold) < spread(&plain) - 0.3);
    let said = "tempered posterior, T = 0.05: not the model's posterior";
    assert!(cold.to_string().contains(said), "{cold}");
    assert!(cold.warnings().contains(&said.to_owned()));
    let annealed = fitted(Advi::mean_field().kl_annealing(0.2));
    assert!((spread(&annealed) - spread(&plain)).abs() < 0.1);
}

/// Three groups whose boundaries lie elsewhere: one that all share cannot be right.
#[test]
fn a_network_for_each_group_learns_what_holds_there_by_weights_and_by_products() {
    let rows = 300;
    let number = |i: usize, by: f64| (i as f64 * by).fract() * 2.0 - 1.0;
    let x: Vec<f64> = (0..rows)
        .flat_map(|i| [number(i, 0.754_877), number(i, 0.569_840)])
        .collect();
    let groups: Vec<usize> = (0..rows).map(|i| (i * 7 + i / 5) % 3).collect();
    let turned = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]];
    let y: Vec<f64> = (0..rows)
        .map(|i| {
            let [a, b] = turned[groups[i]];
            f64::from(a * x[2 * i] + b * x[2 * i + 1] > 0.0)
        })
        .collect();
    let data = Data::new().matrix("x", &x, 2).unwrap();
    let data = data.index("group", &groups).unwrap();
    let net = Network::new()
        .input("x", [2])
        .index_input("group")
        .add("hidden", DenseByGroup::new(3, 5), ["x", "group"])
        .add("tanh", Tanh, ["hidden"])
        .add("out", DenseByGroup::new(3, 1), ["tanh", "group"]);
    let bnn = Bnn::new(net, Bernoulli);
    let train = data.clone().column("y", &y).unwrap();
    let advi = Advi::mean_field().steps(1_500).restarts(1).seed(1);
    for advi in [
        advi.clone(),
        advi.clone().batch(50),
        advi.local_reparameterization(false),
    ] {
        let fit = bnn.fit(&train, &advi).unwrap();
        let predicted = fit.predict(&data, 100).unwrap().predicted().to_vec();
        let right = predicted.iter().zip(&y).filter(|(a, b)| a == b).count();
        assert!(right > 280, "{right} of {rows}");
    }
}
