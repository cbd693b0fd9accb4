//! The variances of gradients by draws of weights and by draws of products, side by side.

use bayes_nn::nn::head;
use bayes_nn::prelude::*;

/// Of a linear model `y = w x` with noise of sd 1, `w ~ N(mu, s^2)` and rows `x`, the gradient of the
/// log likelihood by `mu` is `sum x (y - w x)`: its variance is `s^2 (sum x^2)^2` where `w` is drawn,
/// and `s^2 sum x^4` where products are. Over 20,000 draws both are found within 5 %, about five
/// standard errors.
#[test]
fn variances_are_those_of_a_linear_model_in_closed_form() {
    let x: Vec<f64> = (0..30).map(|i| 0.1 * f64::from(i) - 1.0).collect();
    let y: Vec<f64> = x.iter().map(|x| 0.5 * x).collect();
    let net = Mlp::new([1, 1]).without_bias().prior(Normal::new(0.0, 1.0));
    let known_noise = head::from_fn("known noise", |_, outputs| {
        Ok(Box::new(Normal::new(outputs.row(0), 1.0)))
    });
    let bnn = Bnn::new(net, known_noise);
    let data = Dataset::new(&x, 1, &y).unwrap();
    let advi = Advi::mean_field().full_batch().precision(Precision::F64);
    let fit = bnn.fit(&data, &advi.clone().steps(500)).unwrap();
    let guide = fit.approximation().unwrap();
    let variances = model::gradient_variances(&bnn, &data, &advi, guide, 20_000).unwrap();
    let variance = guide.sd()[0].powi(2);
    let sum = |power: i32| x.iter().map(|x| x.powi(power)).sum::<f64>();
    let site = &variances.sites[0];
    assert_eq!((site.site.as_str(), site.elements), ("layer0.weight", 1));
    let found = [site.weights[0], site.products[0]];
    let expected = [variance * sum(2) * sum(2), variance * sum(4)];
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found / expected - 1.0).abs() < 0.05,
            "{found} for {expected}"
        );
    }
    let ratio = variances.ratios()[0];
    assert!((ratio - found[0] / found[1]).abs() < 1e-9 * ratio);
}

#[test]
fn drawn_products_leave_less_noise_in_a_small_dense_network() {
    let data = datasets::moons(200, 0.2, 0).unwrap().standardized();
    let bnn = Bnn::new(Mlp::new([2, 20, 20, 1]), Bernoulli);
    let advi = Advi::mean_field().steps(2_000).batch(25).seed(1);
    let fit = bnn.fit(&data, &advi).unwrap();
    let guide = fit.approximation().unwrap();
    let variances = model::gradient_variances(&bnn, &data, &advi, guide, 1_000).unwrap();
    assert!(
        variances.ratios().iter().all(|ratio| *ratio > 1.5),
        "{variances}"
    );
    let table = variances.to_string();
    assert!(
        table.contains("layer1.weight") && table.contains("products drawn"),
        "{table}"
    );
}

#[test]
fn what_has_no_such_variances_is_refused_by_name() {
    let data = datasets::moons(40, 0.2, 0).unwrap();
    let bnn = Bnn::new(Mlp::new([2, 3, 1]), Bernoulli);
    let advi = Advi::mean_field().steps(20);
    let fit = bnn.fit(&data, &advi).unwrap();
    let guide = fit.approximation().unwrap();
    let message = |bnn: &Bnn, advi: &Advi, steps| {
        let refused = model::gradient_variances(bnn, &data, advi, guide, steps);
        refused.unwrap_err().to_string()
    };
    assert_eq!(
        message(&bnn, &advi, 1),
        "`steps` is 1; it must be 2 or more"
    );
    let map = Advi::map();
    assert!(message(&bnn, &map, 10).starts_with("`family` is Point; it must be MeanField"));
    let other = Bnn::new(Mlp::new([2, 4, 1]), Bernoulli);
    assert!(message(&other, &advi, 10).contains("over other sites"));
}
