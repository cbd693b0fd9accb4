//! Each bad input is an error that says what was wrong, where, and what would be right.

use bayes_nn::distributions::{MultivariateNormal, Poisson};
use bayes_nn::model::{self, Batch, Trace};

use bayes_nn::prelude::*;
use bayes_nn_kernels::Cpu;

fn rows(labels: &[f64]) -> Dataset {
    let x: Vec<f64> = (0..2 * labels.len()).map(|i| (i as f64).sin()).collect();
    Dataset::new(&x, 2, labels).unwrap()
}

fn small() -> Mlp {
    Mlp::new([2, 3, 1])
}

fn quick() -> Advi {
    Advi::mean_field().steps(20).elbo_draws(10)
}

fn message<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => panic!("this should have failed"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn values_that_are_not_finite_are_named_by_row_and_column() {
    assert_eq!(
        message(Dataset::new(&[1.0, f64::NAN], 1, &[0.0, 1.0]).map_err(Error::from)),
        "row 1, column `x1`: NaN is not finite"
    );
    assert_eq!(
        message(Data::new().column("speed", &[1.0, f64::INFINITY])),
        "row 1, column `speed`: inf is not finite"
    );
    assert_eq!(
        message(Data::new().matrix("x", &[1.0, 2.0, 3.0, f64::NAN], 2)),
        "row 1, column `x[1]`: NaN is not finite"
    );
}

#[test]
fn a_label_that_is_no_class_is_named_by_row() {
    let bnn = Bnn::new(small(), Bernoulli);
    assert_eq!(
        message(bnn.fit(&rows(&[0.0, 1.0, 2.0]), &quick())),
        "`y`, row 2: 2 cannot come from Bernoulli, whose values are 0 or 1"
    );
    let bnn = Bnn::new(Mlp::new([2, 3]), Categorical);
    assert_eq!(
        message(bnn.fit(&rows(&[0.0, 3.0, 2.0, 1.0]), &quick())),
        "`y`, row 1: 3 cannot come from Categorical, whose values are a whole number from 0 to 2"
    );
    assert!(message(bnn.fit(&rows(&[0.0, 0.5]), &quick())).contains("row 1: 0.5"));
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let bnn = Bnn::new(Mlp::new([3, 1]), Bernoulli);
    assert_eq!(
        message(bnn.fit(&rows(&[0.0, 1.0]), &quick())),
        "the input `x` of the network is given [2, rows]; it takes [3, rows]"
    );
    let bnn = Bnn::new(Mlp::new([2, 4]), Bernoulli);
    assert_eq!(
        message(bnn.fit(&rows(&[0.0, 1.0]), &quick())),
        "the likelihood Bernoulli takes outputs [1, rows], the network gives [4, rows]"
    );
    let bnn = Bnn::new(Mlp::new([2, 1]), Categorical);
    assert_eq!(
        message(bnn.fit(&rows(&[0.0, 1.0]), &quick())),
        "the likelihood Categorical takes outputs [classes, rows] of at least two classes, the \
         network gives [1, rows]"
    );
    let layers = Sequential::new()
        .layer(Dense::new(4))
        .layer(Tanh)
        .layer(Dense::new(1).inputs(5));
    assert_eq!(
        message(Bnn::new(layers, Bernoulli).fit(&rows(&[0.0, 1.0]), &quick())),
        "layer 2 (Dense { outputs: 1, inputs: Some(5), bias: true }) is given [4, rows]; it takes \
         [5, rows]"
    );
    assert!(
        message(Bnn::new(Mlp::new([2]), Bernoulli).fit(&rows(&[0.0]), &quick()))
            .contains("the widths [2] make no layer")
    );

    let data = Data::new().column("a", &[1.0, 2.0]).unwrap();
    assert_eq!(
        message(data.matrix("m", &[1.0, 2.0, 3.0], 3)),
        "column `m` has 1 rows, the columns before it have 2"
    );
}

/// A function whose operands do not fit, inside a scope and a site.
fn misfit<'g>(trace: &Trace<'g>, _: &Batch<'g>) {
    let weight = trace.sample("weight", Normal::new(0.0, 1.0).expand([3]));
    trace.scope("layer7", || {
        let other = trace.sample("other", Normal::new(0.0, 1.0).expand([4]));
        trace.deterministic("sum", weight + other);
    });
}

#[test]
fn a_formula_that_does_not_fit_names_line_and_layer() {
    let error = message(model::fit(&misfit, Data::new(), &quick()));
    assert!(
        error.starts_with("add at crates/bayes-nn/tests/bad_input.rs:"),
        "{error}"
    );
    assert!(error.contains("in `layer7`"), "{error}");
    assert!(
        error.contains("the shapes [3] and [4] do not broadcast"),
        "{error}"
    );
}

#[test]
fn an_observation_of_another_shape_than_its_distribution_is_refused() {
    fn column_against_row<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
        let y = data.column("y");
        let mean = trace.sample("mean", Normal::new(0.0, 1.0));
        trace.observe("y", Normal::new(mean, 1.0).expand([3, 1]), y);
    }
    let data = Data::new().column("y", &[1.0, 2.0, 3.0]).unwrap();
    let error = message(model::fit(&column_against_row, &data, &quick()));
    assert!(
        error.starts_with(
            "`y`: a value of shape [3] is observed under a distribution of shape [3, 1]"
        ),
        "{error}"
    );
}

#[test]
fn an_empty_set_is_refused() {
    assert_eq!(
        message(Dataset::new(&[0.0; 0], 2, &[0.0; 0]).map_err(Error::from)),
        "the data set is empty; at least one row is needed"
    );
    assert!(message(Data::new().column("y", &[0.0; 0])).contains("empty"));
    let fit = Bnn::new(small(), Bernoulli)
        .fit(&rows(&[0.0, 1.0]), &quick())
        .unwrap();
    assert!(message(fit.predict(&[[0.0; 2]; 0], 10)).contains("empty"));
}

#[test]
fn settings_of_a_fit_are_checked_against_the_data() {
    let bnn = Bnn::new(small(), Bernoulli);
    let data = rows(&[0.0, 1.0, 1.0]);
    assert_eq!(
        message(bnn.fit(&data, &quick().batch(4))),
        "`batch` is 4; it must be at most 3, the rows of the data set"
    );
    assert_eq!(
        message(bnn.fit(&data, &quick().steps(0))),
        "`steps` is 0; it must be 1 or more"
    );
    assert_eq!(
        message(bnn.fit(&data, &quick().learning_rate(-1.0))),
        "`learning_rate` is -1; it must be finite and above 0"
    );
}

#[test]
fn a_scale_that_is_not_positive_names_the_site() {
    let bnn = Bnn::new(small().prior(Normal::new(0.0, 0.0)), Bernoulli);
    assert_eq!(
        message(bnn.fit(&rows(&[0.0, 1.0]), &quick())),
        "`layer0.weight`: Normal: scale must be a finite number > 0, got 0"
    );
    let model = model::from_fn(|trace, _| {
        trace.scaled(-2.0, || trace.sample("x", Normal::new(0.0, 1.0)));
    });
    assert_eq!(
        message(model::fit(&model, Data::new(), &quick())),
        "`Trace::scaled` is given the factor -2; it must be finite and above 0"
    );
}

#[test]
fn a_name_used_twice_is_refused() {
    let model = model::from_fn(|trace, _| {
        trace.sample("slope", Normal::new(0.0, 1.0));
        trace.sample("slope", HalfNormal::new(1.0));
    });
    let error = message(model::fit(&model, Data::new(), &quick()));
    assert!(
        error.starts_with("the name `slope` is used twice in the model"),
        "{error}"
    );
}

#[test]
fn a_prior_for_no_parameter_lists_the_parameters_there_are() {
    let net = small().prior_for("layer2.weight", Normal::new(0.0, 1.0));
    assert_eq!(
        message(Bnn::new(net, Bernoulli).fit(&rows(&[0.0, 1.0]), &quick())),
        "there is no parameter `layer2.weight` to give a prior to; the network has \
         `layer0.weight`, `layer0.bias`, `layer1.weight`, `layer1.bias`"
    );
}

#[test]
fn a_learning_rate_that_blows_up_keeps_the_last_good_state_which_predicts() {
    let bnn = Bnn::new(small(), Bernoulli);
    let data = rows(&[0.0, 1.0, 1.0, 0.0]);
    let error = bnn.fit(&data, &quick().learning_rate(1e35)).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("step "), "{text}");
    assert!(text.contains("is not finite"), "{text}");
    assert!(text.contains("try a smaller learning rate"), "{text}");
    let good = error.last_good().unwrap().clone();
    let posterior = Posterior::new(bnn, &data, good).unwrap();
    let prediction = posterior.predict(&data, 20).unwrap();
    assert!(prediction.mean().iter().all(|p| (0.0..=1.0).contains(p)));
}

#[test]
fn columns_are_looked_up_by_name_and_kind() {
    let model = model::from_fn(|trace, data| {
        let mean = trace.sample("mean", Normal::new(0.0, 1.0));
        trace.observe("y", Normal::new(mean, 1.0), data.column("height"));
    });
    let data = Data::new().column("weight", &[1.0]).unwrap();
    assert_eq!(
        message(model::fit(&model, &data, &quick())),
        "the model reads the column `height`, which the data do not have; they have `weight`"
    );
    let data = Data::new().index("height", &[1]).unwrap();
    assert_eq!(
        message(model::fit(&model, &data, &quick())),
        "`height` is an index; the model reads it as a column"
    );
}

#[test]
fn a_discrete_variable_is_no_site() {
    let model = model::from_fn(|trace, _| {
        trace.sample("count", Poisson::new(3.0));
    });
    let error = message(model::fit(&model, Data::new(), &quick()));
    assert!(
        error.starts_with("`count` has the discrete prior Poisson"),
        "{error}"
    );
}

#[test]
fn a_site_for_each_row_of_a_minibatch_is_refused() {
    fn local<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
        let x = data.column("x");
        let level = trace.sample("level", Normal::new(x, 1.0));
        trace.observe("y", Normal::new(level, 1.0), data.column("y"));
    }
    let data = Data::new().column("x", &[1.0; 4]).unwrap();
    let data = data.column("y", &[1.0; 4]).unwrap();
    assert!(model::fit(&local, &data, &quick()).is_ok());
    // On several devices all rows are a minibatch, too.
    let group = Cpu::detect().unwrap().group(2).unwrap();
    let group = Device::new("two CPUs", group);
    for advi in [quick().batch(2), quick().device(group)] {
        let error = message(model::fit(&local, &data, &advi));
        assert!(
            error.starts_with("the prior of `level` depends on the rows of the minibatch"),
            "{error}"
        );
        assert!(error.contains("on one device"), "{error}");
    }
}

#[test]
fn predictions_check_their_rows() {
    let fit = Bnn::new(small(), Bernoulli)
        .fit(&rows(&[0.0, 1.0]), &quick())
        .unwrap();
    assert_eq!(
        message(fit.predict(&[1.0, 2.0, 3.0, 4.0], 10)),
        "a slice of 4 numbers does not say how wide its rows are, and the model reads rows of 2; hand in a data set, data by name, or rows as arrays of 2 numbers"
    );
    assert_eq!(
        message(fit.predict(&[[1.0, 2.0], [3.0, f64::NAN]], 10)),
        "row 1, feature 1: NaN is not finite"
    );
    assert_eq!(
        message(fit.predict(&[[1.0, 2.0]], 0)),
        "`draws` is 0; it must be 1 or more"
    );
    assert_eq!(
        message(fit.predict_with(&[[1.0, 2.0]], Predict::draws(3).interval(1.0))),
        "`interval` is 1; it must be above 0 and below 1"
    );
    assert!(message(fit.predict(&[[1.0, 2.0]], 3).unwrap().score(&[2.0])).contains("label 2"));
    assert_eq!(
        message(fit.draws(0, 0)),
        "`draws` is 0; it must be 1 or more"
    );
}

#[test]
fn a_posterior_of_another_model_is_refused() {
    let data = rows(&[0.0, 1.0]);
    let fit = Bnn::new(small(), Bernoulli).fit(&data, &quick()).unwrap();
    let other = Bnn::new(Mlp::new([2, 1]).without_bias(), Bernoulli);
    let result = Posterior::new(other, &data, fit.approximation().unwrap().clone());
    assert!(message(result).ends_with("the model has `layer0.weight` [2, 1]"));
}

#[test]
fn what_is_not_asked_for_is_still_known() {
    let model = model::from_fn(|trace, _| {
        trace.sample("a", Laplace::new(0.0, 1.0));
    });
    let fit = model::fit(&model, Data::new(), &quick()).unwrap();
    let draws = fit.draws(3, 0).unwrap();
    assert_eq!(
        message(draws.variable("b")),
        "there are no draws of `b`; there are draws of a"
    );
}

#[test]
fn a_prediction_that_overflows_names_its_row() {
    let bnn = Bnn::new(small().activation(Relu), Bernoulli);
    let fit = bnn.fit(&rows(&[0.0, 1.0]), &quick()).unwrap();
    let error = message(fit.predict(&[[0.5, 0.5], [3e38, 3e38]], 5));
    assert!(
        error.starts_with("the prediction of row 1 is not finite"),
        "{error}"
    );
}

/// Two observations of variance 1 whose covariance is below 1 at draws from the prior, and far
/// above it elsewhere.
fn impossible_covariance<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let apart = trace.sample("apart", Normal::new(0.0, 1e-4));
    let off_diagonal = trace.graph().constant(&[0.0, 1.0, 1.0, 0.0], [2, 2]);
    let ones = trace.graph().constant(&[1.0; 2], [2]);
    let covariance = ones.diagonal_matrix() + off_diagonal * (0.5 + 1e6 * apart * apart);
    let normal = MultivariateNormal::with_covariance(0.0, covariance);
    trace.observe("y", normal, data.column("y"));
}

#[test]
fn a_covariance_that_is_not_positive_definite_is_named_by_its_site() {
    let data = Data::new().column("y", &[0.5, 1.0]).unwrap();
    let nuts = Nuts::new().seed(1);
    for message in [
        message(model::fit(&impossible_covariance, &data, &quick())),
        message(model::fit(&impossible_covariance, &data, &nuts)),
    ] {
        assert!(
            message.contains("first in the term `y (a matrix is not positive definite)`"),
            "{message}"
        );
    }
}
