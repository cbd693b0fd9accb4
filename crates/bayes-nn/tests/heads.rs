//! Heads of every kind: what is predicted follows from the distribution.

use bayes_nn::distributions::{Cauchy, OrderedLogistic, Poisson};
use bayes_nn::model::{self, Batch, Data, Trace};
use bayes_nn::nn::{self, Head, HeadError, head};
use bayes_nn::prelude::*;
use bayes_nn::{Posterior, Task};

const ROWS: usize = 1_100;

/// Rows of a feature from -2 to 2.
fn x() -> Vec<f64> {
    (0..ROWS)
        .map(|i| f64::from((i * 37 % ROWS) as u16) / 275.0 - 2.0)
        .collect()
}

/// A fit of a line to targets that are a function of the feature.
fn line(head: impl Head + 'static, target: impl Fn(f64) -> f64, outputs: usize) -> Posterior<Bnn> {
    let y: Vec<f64> = x().into_iter().map(target).collect();
    let data = Dataset::new(x(), 1, &y).unwrap();
    let net = Sequential::new().layer(Dense::new(outputs));
    let advi = Advi::mean_field().steps(1_500).learning_rate(0.05).seed(1);
    Bnn::new(net, head).fit(&data, &advi).unwrap()
}

fn how() -> Predict {
    Predict::draws(400).seed(2).interval(0.9)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / values.len() as f64
}

/// Counts by one output, the logarithm of their mean.
fn counts() -> impl Head + 'static {
    head::from_fn("poisson", |_, outputs| {
        Ok(Box::new(Poisson::new(outputs.row(0).exp())))
    })
}

fn count(x: f64) -> f64 {
    // About exp(1 + x / 2), above and below it by turns.
    let jitter = (x * 1000.0).sin();
    let rate = (1.0 + 0.5 * x).exp();
    (rate + jitter * rate.sqrt() + 0.5).floor().max(0.0)
}

#[test]
fn a_poisson_head_predicts_counts_with_intervals() {
    let fit = line(counts(), count, 1);
    let prediction = fit.predict_with(&x(), how()).unwrap();
    assert_eq!(prediction.task(), Task::Counts);
    let draws = fit.predict_draws(&x(), how()).unwrap();
    let (lower, upper) = prediction.interval().unwrap();
    for row in [0, 511, 512, ROWS - 1] {
        let draws = draws.row(row);
        assert!(draws.iter().all(|y| *y >= 0.0 && y.fract() == 0.0));
        // The variance of a Poisson variable is its mean.
        let p = prediction.mean()[row];
        assert!((prediction.aleatoric()[row] / p - 1.0).abs() < 1e-4);
        // Beyond 5 standard errors once in 10^6.
        let error = (prediction.total()[row] / 400.0).sqrt();
        assert!((mean(&draws) - p).abs() < 5.0 * error);
        let (low, high) = (lower[row], upper[row]);
        assert!(low.fract() == 0.0 && high.fract() == 0.0 && low <= p && p <= high);
        let inside = draws.iter().filter(|y| (low..=high).contains(y)).count();
        assert!(inside >= 360, "{inside} of 400 in [{low}, {high}]");
    }
    let y: Vec<f64> = x().into_iter().map(count).collect();
    let score = prediction.score(&y).unwrap();
    let score = score.regression().unwrap();
    let log_predictive = fit.log_predictive(&x(), &y, how()).unwrap();
    assert!((score.log_likelihood - mean(&log_predictive)).abs() < 1e-12);
    assert!(score.coverage >= 0.9, "{score}");
    // The density of one draw of the weights is that of its rate.
    let one = Predict::draws(1).seed(2);
    let log_prob = fit.log_predictive(&[0.5], &[2.0], one).unwrap()[0];
    let rate = fit.predict_with(&[0.5], one).unwrap().mean()[0];
    let expected = Poisson::new(rate).log_prob(2.0.into()).number().unwrap();
    assert!((log_prob - expected).abs() < 1e-4);
}

#[test]
fn targets_outside_the_support_are_named_by_their_row() {
    let fit = line(counts(), count, 1);
    for wrong in [-1.0, 0.5] {
        let error = fit.log_predictive(&[0.1, 0.2, 0.3], &[0.0, 3.0, wrong], how());
        assert_eq!(
            error.unwrap_err().to_string(),
            format!(
                "`y`, row 2: {wrong} cannot come from Poisson, whose values are a whole number \
                 >= 0"
            )
        );
    }
    let error = fit.log_predictive(&[0.1, 0.2], &[1.0], how()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "y has 1 values for 2 targets; one target for each row is needed"
    );
    let error = fit.predict(&[0.1, 1e5], 5).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the prediction of row 1 is not finite"),
        "{error}"
    );
}

#[test]
fn a_student_t_head_is_split_by_mean_and_variance() {
    let student = |df: f64| {
        head::from_fn("student", move |_, outputs| {
            Ok(Box::new(StudentT::new(df, outputs.row(0), 2.0)))
        })
    };
    let fit = line(student(4.0), |x| 3.0 * x, 1);
    let prediction = fit.predict_with(&x(), how()).unwrap();
    assert_eq!(prediction.task(), Task::Regression);
    for row in [3, 700] {
        // scale^2 df / (df - 2)
        assert!((prediction.aleatoric()[row] - 8.0).abs() < 1e-3);
        assert!((prediction.mean()[row] - 3.0 * x()[row]).abs() < 1.0);
        assert!(prediction.epistemic()[row] < 0.1);
    }
    // With two degrees of freedom there is a mean, and the variance is infinite.
    let fit = line(student(2.0), |x| 3.0 * x, 1);
    let prediction = fit.predict_with(&x(), how()).unwrap();
    assert_eq!(prediction.total()[5], f64::INFINITY);
    assert!(prediction.mean()[5].is_finite());
    let (lower, upper) = prediction.interval().unwrap();
    assert!(lower[5] < prediction.mean()[5] && prediction.mean()[5] < upper[5]);
}

#[test]
fn what_has_no_moments_is_predicted_by_draws() {
    let cauchy = head::from_fn("cauchy", |_, outputs| {
        Ok(Box::new(Cauchy::new(outputs.row(0), 0.5)))
    });
    let fit = line(cauchy, |x| 2.0 * x, 1);
    let prediction = fit.predict_with(&x(), how()).unwrap();
    let (lower, upper) = prediction.interval().unwrap();
    for row in [0, 600] {
        assert!(prediction.mean()[row].is_finite() && prediction.total()[row] > 0.0);
        // Nine tenths of a Cauchy variable are within 6.31 scales of its median. The ends are
        // quantiles of 400 draws: beyond these bounds once in 10^5.
        let median = 2.0 * x()[row];
        assert!((1.5..8.0).contains(&(median - lower[row])));
        assert!((1.5..8.0).contains(&(upper[row] - median)));
    }
}

#[test]
fn ordered_classes_have_probabilities() {
    let ordered = head::from_fn("ordered", |_, outputs| {
        let graph = outputs.graph().expect("outputs are computed");
        let cutpoints = graph.constant(&[-4.0, 0.0, 4.0], [3, 1]);
        Ok(Box::new(OrderedLogistic::new(outputs.row(0), cutpoints)))
    });
    let class = |x: f64| (x + 2.0).floor().clamp(0.0, 3.0);
    let fit = line(ordered, class, 1);
    let prediction = fit.predict_with(&x(), how()).unwrap();
    assert_eq!(prediction.task(), Task::Classes(4));
    assert!(prediction.interval().is_none());
    assert_eq!(prediction.mean().len(), 4 * ROWS);
    for row in prediction.mean().chunks_exact(4) {
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
    let y: Vec<f64> = x().into_iter().map(class).collect();
    let score = prediction.score(&y).unwrap();
    assert!(score.classification().unwrap().accuracy > 0.8, "{score}");
    let log_loss = score.classification().unwrap().log_loss;
    let log_predictive = fit.log_predictive(&x(), &y, how()).unwrap();
    assert!((mean(&log_predictive) + log_loss).abs() < 1e-4);
    let draws = fit.predict_draws(&[-1.9], how()).unwrap();
    assert!(
        draws
            .row(0)
            .iter()
            .all(|y| [0.0, 1.0, 2.0, 3.0].contains(y))
    );
}

#[test]
fn rows_have_the_draws_that_they_have_in_any_company() {
    let fit = line(counts(), count, 1);
    let all = fit.predict_draws(&x(), how()).unwrap();
    let some = fit.predict_draws(&x()[..600], how()).unwrap();
    for row in [0, 511, 512, 599] {
        let (all, some) = (all.row(row), some.row(row));
        let same = all.iter().zip(&some).filter(|(a, b)| a == b);
        // A rate that differs in its last digit may move a count.
        assert!(same.count() >= 399);
    }
}

#[test]
fn a_head_with_parameters_and_a_positive_support_is_on_the_original_scale() {
    let positive = head::from_fn("log-normal", |p, outputs| {
        let sd = p.get_with_prior("sigma", [], 1, &HalfNormal::new(0.5))?;
        Ok(Box::new(LogNormal::new(outputs.row(0), sd)))
    });
    let y: Vec<f64> = x().into_iter().map(|x| (0.3 * x).exp()).collect();
    let data = Dataset::new(x(), 1, &y).unwrap();
    let bnn = Bnn::new(Sequential::new().layer(Dense::new(1)), positive);
    assert_eq!(bnn.parameters(&data).unwrap().last().unwrap().name, "sigma");
    let fit = bnn.fit(&data, &Advi::mean_field().steps(1_500).learning_rate(0.05));
    let score = fit.unwrap().score(&data, how()).unwrap();
    assert!(score.regression().unwrap().rmse < 0.2, "{score}");
    // Standardised targets below 0 are refused.
    let error = bnn.fit(&data.standardize_target(), &Advi::mean_field());
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("cannot come from LogNormal")
    );
}

#[test]
fn a_head_refuses_outputs_in_words() {
    #[derive(Debug)]
    struct Pair;
    impl Head for Pair {
        fn likelihood<'g>(
            &self,
            _: &nn::Parameters<'_, 'g>,
            outputs: bayes_nn::Var<'g>,
        ) -> Result<Box<dyn Distribution<'g> + 'g>, HeadError> {
            match outputs.shape()[..] {
                [2, _] => Ok(Box::new(Normal::new(outputs.row(0), outputs.row(1).exp()))),
                _ => Err(HeadError::outputs("Pair", "[2, rows]", outputs)),
            }
        }
    }
    let data = Dataset::new(x(), 1, x()).unwrap();
    let net = |outputs| Sequential::new().layer(Dense::new(outputs));
    assert_eq!(
        Bnn::new(net(3), Pair)
            .parameters(&data)
            .unwrap_err()
            .to_string(),
        "the likelihood Pair takes outputs [2, rows], the network gives [3, rows]"
    );
    // Noise that differs from row to row.
    let fit = Bnn::new(net(2), Pair).fit(&data, &Advi::mean_field().steps(300));
    let fit = fit.unwrap();
    let prediction = fit.predict_with(&x(), how()).unwrap();
    assert!(prediction.aleatoric()[0] != prediction.aleatoric()[1]);
    let draws = fit.predict_draws(&x(), how()).unwrap();
    // Five standard errors of a variance of 400 draws.
    let ratio = variance(&draws.row(7)) / prediction.total()[7];
    assert!((ratio - 1.0).abs() < 0.36, "{ratio}");
}

/// A model as a function, with rows that all share a level.
fn level<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let level = trace.sample("level", Normal::new(0.0, 5.0));
    let slope = trace.sample("slope", Normal::new(0.0, 5.0));
    let mean = level + slope * data.column("t");
    trace.observe("y", Normal::new(mean, 0.5), data.column("y"));
}

#[test]
fn a_model_as_a_function_predicts_like_a_network() {
    let y: Vec<f64> = x().into_iter().map(|x| 1.0 + 2.0 * x).collect();
    let data = Data::new().column("t", x()).unwrap();
    let whole = data.clone().column("y", &y).unwrap();
    let fit = model::fit(
        &level,
        &whole,
        &Advi::mean_field().steps(2_000).learning_rate(0.05),
    );
    let fit = fit.unwrap();
    let by_name = fit.predict_with(&data, how()).unwrap();
    let by_slice = fit.predict_with(&x(), how()).unwrap();
    assert_eq!(by_name.mean(), by_slice.mean());
    assert!((by_name.mean()[9] - y[9]).abs() < 0.2);
    assert!((by_name.aleatoric()[9] - 0.25).abs() < 1e-4);
    let score = by_name.score(&y).unwrap();
    assert!(score.regression().unwrap().rmse < 0.2, "{score}");
    // The density of one draw is that around its mean.
    let one = Predict::draws(1);
    let log_predictive = fit.log_predictive(&data, &y, one).unwrap();
    let mean = fit.predict_with(&data, one).unwrap().mean()[9];
    let expected = Normal::new(mean, 0.5).log_prob(y[9].into()).number();
    assert!((log_predictive[9] - expected.unwrap()).abs() < 1e-4);

    let two = model::from_fn(|trace, data: &Batch<'_>| {
        let mean = trace.sample("mean", Normal::new(0.0, 1.0));
        trace.observe("a", Normal::new(mean, 1.0), data.column("t"));
        trace.observe("b", Normal::new(mean, 1.0), data.column("y"));
    });
    let fit = model::fit(&two, &whole, &Advi::mean_field().steps(10)).unwrap();
    assert_eq!(
        fit.predict(&whole, 5).unwrap_err().to_string(),
        "the model observes `a`, `b`; what is predicted is one variable, which `target` names, and \
         `predictive` has draws of all"
    );
}

#[test]
fn a_network_of_several_inputs_predicts_from_data() {
    let network = nn_of_two();
    let a = [0.1, 0.2, 0.3, 0.4];
    let data = Data::new().column("a", &a).unwrap();
    let data = data.matrix("b", &[1.0; 8], 2).unwrap();
    let whole = data.clone().column("y", &a).unwrap();
    let bnn = Bnn::new(network, Gaussian::new());
    let fit = bnn.fit(&whole, &Advi::mean_field().steps(100)).unwrap();
    let prediction = fit.predict(&data, 20).unwrap();
    assert_eq!(prediction.rows(), 4);
    assert!(prediction.score(&a).is_ok());
    assert_eq!(fit.predict(&whole, 20).unwrap().mean(), prediction.mean());
    let wide = Data::new().column("a", &a).unwrap();
    let wide = wide.matrix("b", &[1.0; 12], 3).unwrap();
    assert_eq!(
        fit.predict(&wide, 5).unwrap_err().to_string(),
        "`b` has 3 numbers a row; in the data of the fit it has 2"
    );
    let error = fit
        .predict(Data::new().column("a", &a).unwrap(), 5)
        .unwrap_err();
    assert!(error.to_string().contains("the column `b`"), "{error}");
}

fn nn_of_two() -> Network {
    use bayes_nn::nn::Concat;
    Network::new()
        .open_input("a")
        .open_input("b")
        .add("both", Concat, ["a", "b"])
        .add("out", Dense::new(1), ["both"])
}

#[test]
fn several_targets_are_predicted_at_once_each_by_its_head() {
    let x = x();
    let size: Vec<f64> = x.iter().map(|x| 1.0 - 2.0 * x).collect();
    let kind: Vec<f64> = x.iter().map(|x| f64::from(*x > 0.5)).collect();
    let data = Data::new().column("x", &x).unwrap();
    let whole = data.clone().column("size", &size).unwrap();
    let whole = whole.column("kind", &kind).unwrap();
    let several = || Bnn::several(Sequential::new().layer(Dense::new(3)));
    let bnn = several()
        .target("size", 1, Gaussian::new())
        .target("kind", 2, Categorical);
    let names: Vec<String> = bnn
        .parameters(&whole)
        .unwrap()
        .into_iter()
        .map(|p| p.name)
        .collect();
    assert_eq!(names, ["layer0.weight", "layer0.bias", "size.sigma"]);
    let advi = Advi::mean_field().steps(1_500).learning_rate(0.05).seed(1);
    let fit = bnn.fit(&whole, &advi).unwrap();
    let of_size = fit.target("size").predict_with(&data, how()).unwrap();
    assert_eq!(of_size.task(), Task::Regression);
    let score = of_size.score(&size).unwrap();
    assert!(score.regression().unwrap().rmse < 0.1, "{score}");
    // With or without the column.
    assert_eq!(
        fit.target("size")
            .predict_with(&whole, how())
            .unwrap()
            .mean(),
        of_size.mean()
    );
    let of_kind = fit.target("kind").predict_with(&x, how()).unwrap();
    assert_eq!(of_kind.task(), Task::Classes(2));
    let score = of_kind.score(&kind).unwrap();
    assert!(score.classification().unwrap().accuracy > 0.95, "{score}");
    let draws = fit.target("kind").predict_draws(&data, how()).unwrap();
    assert!(draws.row(3).iter().all(|y| *y == 0.0 || *y == 1.0));
    let log_predictive = fit
        .target("size")
        .log_predictive(&data, &size, how())
        .unwrap();
    assert!(mean(&log_predictive) > 0.0);
    assert_eq!(
        fit.predict(&data, 5).unwrap_err().to_string(),
        "the model observes `size`, `kind`; what is predicted is one variable, which `target` names, \
         and `predictive` has draws of all"
    );
    assert_eq!(
        fit.target("colour")
            .predict(&data, 5)
            .unwrap_err()
            .to_string(),
        "the model observes no `colour` to be predicted; it observes `size`, `kind`"
    );
    // Two heads of one kind have parameters of their own.
    let twins = several().target("size", 1, Gaussian::new()).target(
        "kind",
        2,
        head::from_fn("pair", |p, outputs| {
            let sd = p.get_with_prior("sigma", [], 1, &HalfNormal::new(1.0))?;
            Ok(Box::new(Normal::new(outputs.row(0) + outputs.row(1), sd)))
        }),
    );
    let parameters = twins.parameters(&whole).unwrap();
    assert_eq!(parameters[3].name, "kind.sigma");
}

#[test]
fn targets_that_do_not_read_the_outputs_are_refused() {
    let x = x();
    let data = Data::new()
        .column("x", &x)
        .unwrap()
        .column("a", &x)
        .unwrap();
    let message = |bnn: Bnn| bnn.parameters(&data).unwrap_err().to_string();
    let several = || Bnn::several(Sequential::new().layer(Dense::new(3)));
    assert_eq!(
        message(several().target("a", 1, Gaussian::new())),
        "the network gives outputs [3, rows]; its targets read `a` 1, and outputs [n, rows] must \
         be read by all of them together"
    );
    assert!(message(several()).contains("its targets read none"));
    let wrong = several().target("a", 3, Gaussian::new());
    assert_eq!(
        message(wrong),
        "the likelihood Gaussian takes outputs [1, rows], the network gives [3, rows]"
    );
    let unknown = several().target("b", 3, Categorical);
    assert_eq!(
        unknown
            .fit(&data, &Advi::mean_field())
            .unwrap_err()
            .to_string(),
        "the model reads the column `b`, which the data do not have; they have `x`, `a`"
    );
}

#[test]
fn noise_that_depends_on_the_row_begins_at_unit_scale_and_is_found() {
    // The first half of the rows is nearly exact, the second has noise of 0.8.
    let signs = [1.0, -1.0, -1.0, 1.0, 1.0, -1.0];
    let sd = |x: f64| if x < 0.0 { 0.1 } else { 0.8 };
    let y: Vec<f64> = x()
        .iter()
        .enumerate()
        .map(|(i, x)| x + sd(*x) * signs[i % 6])
        .collect();
    let data = Dataset::new(x(), 1, &y).unwrap();
    let net = || {
        Mlp::new([1, 20, 2])
            .activation(Relu)
            .prior(Normal::new(0.0, 1.0))
    };
    let head = nn::HeteroscedasticGaussian::new();
    let fitted = |steps| {
        let advi = Advi::mean_field()
            .steps(steps)
            .batch(50)
            .learning_rate(0.02)
            .seed(1);
        Bnn::new(net(), head).fit(&data, &advi).unwrap()
    };
    // At the start means and noise are of the size of the targets, whatever the prior.
    let start = fitted(1).predict_with(&x(), how()).unwrap();
    let noise = mean(start.aleatoric());
    assert!((0.1..20.0).contains(&noise), "{noise}");
    assert!(start.mean().iter().all(|m| m.abs() < 10.0));
    let fit = fitted(4_000);
    let noise = fit.predict(&[-1.0, 1.0], 200).unwrap().aleatoric().to_vec();
    assert!((noise[0].sqrt() / 0.1 - 1.0).abs() < 0.5, "{noise:?}");
    assert!((noise[1].sqrt() / 0.8 - 1.0).abs() < 0.25, "{noise:?}");
    let message = |net: Mlp, head: nn::HeteroscedasticGaussian| {
        let error = Bnn::new(net, head).parameters(&data).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        message(Mlp::new([1, 1]), head),
        "the likelihood HeteroscedasticGaussian takes outputs [2, rows], the network gives [1, rows]"
    );
    assert_eq!(
        message(net(), head.least_noise(-1.0)),
        "HeteroscedasticGaussian { least: -1.0 }: the least noise must be a finite number that is \
         not negative"
    );
}

#[test]
fn a_mixture_has_the_density_of_both_branches_and_draws_from_both() {
    // Rows lie by turns on two branches, which come near each other at one end.
    let branch = |i: usize, x: f64| match i % 2 {
        0 => 1.5 - 0.5 * x,
        _ => -1.5 + 0.5 * x,
    };
    let y: Vec<f64> = x().iter().enumerate().map(|(i, x)| branch(i, *x)).collect();
    let data = Dataset::new(x(), 1, &y).unwrap();
    let head = nn::GaussianMixture::new(2);
    let advi = Advi::mean_field()
        .steps(4_000)
        .batch(50)
        .learning_rate(0.02)
        .seed(1);
    let bnn = |head| Bnn::new(Mlp::new([1, 20, 6]), head);
    let fit = bnn(head).fit(&data, &advi).unwrap();
    let prediction = fit.predict_with(&[-1.0, 1.0], how()).unwrap();
    assert_eq!(prediction.task(), Task::Regression);
    for (row, (mean, height)) in prediction.mean().iter().zip([2.0f64, 1.0]).enumerate() {
        // Half of the rows are on each side of a mean that none of them is near.
        assert!(mean.abs() < 0.3, "{mean}");
        let sd = prediction.total()[row].sqrt();
        assert!((sd / height - 1.0).abs() < 0.1, "{sd}");
        let (lower, upper) = prediction
            .interval()
            .map(|(l, u)| (l[row], u[row]))
            .unwrap();
        assert!((lower + height).abs() < 0.3 && (upper - height).abs() < 0.3);
    }
    let draws = fit.predict_draws(&[-1.0], how()).unwrap();
    let above = draws.values().iter().filter(|y| **y > 0.0).count();
    assert!((130..270).contains(&above), "{above}");
    assert!(draws.values().iter().all(|y| (y.abs() - 2.0).abs() < 0.6));
    let density = fit
        .log_predictive(&[-1.0, -1.0, -1.0], &[2.0, -2.0, 0.0], how())
        .unwrap();
    assert!(
        density[0] > 0.3 && density[1] > 0.3 && density[2] < -3.0,
        "{density:?}"
    );
}

#[test]
fn a_mixture_whose_outputs_or_settings_do_not_fit_is_refused() {
    let rows = [0.3, -0.8, 1.4];
    let data = Dataset::new(&rows, 1, &rows).unwrap();
    let message = |outputs, head: nn::GaussianMixture| {
        let error = Bnn::new(Mlp::new([1, outputs]), head).parameters(&data);
        error.unwrap_err().to_string()
    };
    assert_eq!(
        message(5, nn::GaussianMixture::new(2)),
        "the likelihood GaussianMixture takes outputs [3 components, rows], a logit, a mean and a scale of each \
         component, the network gives [5, rows]"
    );
    assert_eq!(
        message(3, nn::GaussianMixture::new(0)),
        "GaussianMixture { components: 0, least: 0.02 }: a mixture must have one component or more"
    );
    assert_eq!(
        message(3, nn::GaussianMixture::new(1).least_noise(f64::NAN)),
        "GaussianMixture { components: 1, least: NaN }: the least noise must be a finite number that is not \
         negative"
    );
    assert!(
        Bnn::new(Mlp::new([1, 3]), nn::GaussianMixture::new(1))
            .parameters(&data)
            .is_ok()
    );
}
