//! Posteriors as priors: what they keep, what they refuse, where fits begin.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use bayes_nn::nn::{Hierarchical, InformedPrior, Widening, prior};
use bayes_nn::prelude::*;
use bayes_nn::{Approximation, DrawTable, Site, SiteSupport};

/// Two numbers whose sum is observed with noise of 0.5, and a scale, all of a prior of their own.
fn sum<'g>(trace: &model::Trace<'g>, data: &model::Batch<'g>) {
    let (a, b) = (
        trace.sample("a", Normal::new(0.0, 2.0)),
        trace.sample("b", Normal::new(0.0, 2.0)),
    );
    trace.observe("y", Normal::new(a + b, 0.5), data.column("y"));
}

/// The same by an earlier fit.
fn sum_by(prior: InformedPrior) -> impl model::Model + Clone {
    model::from_fn(move |trace, data| {
        let (a, b) = (prior.sample(trace, "a"), prior.sample(trace, "b"));
        trace.observe("y", Normal::new(a + b, 0.5), data.column("y"));
    })
}

fn seen(y: &[f64]) -> Data {
    Data::new().column("y", y).unwrap()
}

/// Means, sds and the correlation of `a` and `b` over many draws.
fn moments(fit: &Posterior<impl model::Model>) -> [f64; 5] {
    let draws = fit.draws(8_000, 1).unwrap();
    let [a, b] = ["a", "b"].map(|name| draws.variable(name).unwrap().clone());
    let pairs = a.values().iter().zip(b.values());
    let mean = [a.mean()[0], b.mean()[0]];
    let both: f64 = pairs.map(|(a, b)| (a - mean[0]) * (b - mean[1])).sum();
    let (sd, n) = ([a.sd()[0], b.sd()[0]], a.values().len() as f64);
    [mean[0], mean[1], sd[0], sd[1], both / n / sd[0] / sd[1]]
}

/// What is known of `sum` after rows in two parts is what is known after all at once, with each part's
/// posterior as it is: exact for normals, whose correlation is -0.98 here.
#[test]
fn two_parts_one_after_the_other_say_what_both_say_at_once() {
    let (first, second) = ([2.9, 3.2, 3.1], [3.3, 2.7, 3.0]);
    let nuts = || Nuts::new().chains(2).draws(4_000).seed(1);
    // Of the sum the posterior is normal with the precision 1 / 8 + 6 / 0.25, of the difference the prior's.
    let (variance, total): (f64, f64) = (1.0 / (0.125 + 24.0), 4.0 * 18.2 / (0.125 + 24.0));
    let sd = (0.25 * (variance + 8.0)).sqrt();
    let correlation = 0.25 * (variance - 8.0) / (sd * sd);
    let expected = [0.5 * total, 0.5 * total, sd, sd, correlation];
    let sources = [
        model::fit(
            &model::from_fn(sum),
            seen(&first),
            &Advi::full_rank().seed(1),
        )
        .unwrap()
        .into_prior(Widening::By(1.0)),
        model::fit(
            &model::from_fn(sum),
            seen(&first),
            &Advi::low_rank(1).seed(1),
        )
        .unwrap()
        .into_prior(Widening::By(1.0)),
        model::fit(&model::from_fn(sum), seen(&first), &nuts())
            .unwrap()
            .into_prior(Widening::By(1.0)),
    ];
    for prior in sources {
        let prior = prior.unwrap();
        for found in [
            moments(&model::fit(&sum_by(prior.clone()), seen(&second), &nuts()).unwrap()),
            moments(
                &model::fit(&sum_by(prior.clone()), seen(&second), &Advi::full_rank()).unwrap(),
            ),
        ] {
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 0.12, "{found} {expected}");
            }
            assert!((found[0] + found[1] - total).abs() < 0.03, "{found:?}");
        }
        // Without correlations the sum is not what was learned.
        let alone = sum_by(prior.independent());
        let found = moments(&model::fit(&alone, seen(&second), &nuts()).unwrap());
        assert!(
            found[4] > -0.999 && found[4] < -0.5 && found[2] < 1.2,
            "{found:?}"
        );
    }
}

fn points(values: [f64; 3]) -> Approximation {
    let sites = vec![
        Site::new("layer0.weight", [2, 1], 0),
        Site::new("layer0.bias", [1], 2),
    ];
    Approximation::independent(sites, values.to_vec(), vec![0.1, 0.2, 0.3]).unwrap()
}

fn two_rows() -> Dataset {
    Dataset::new(&[0.5, 1.0, -0.3, 0.2], 2, &[0.0, 1.0]).unwrap()
}

#[test]
fn draws_from_the_prior_are_those_of_the_posterior_widened() {
    let prior = points([1.0, -2.0, 0.5])
        .into_prior(Widening::By(3.0))
        .unwrap();
    let net = Mlp::new([2, 1]).prior(prior);
    let bnn = Bnn::new(net, Bernoulli);
    let draws = model::prior_predictive(&bnn, &two_rows(), 4_000, 1).unwrap();
    let weight = draws.variable("layer0.weight").unwrap();
    for (element, (mean, sd)) in [(1.0, 0.3), (-2.0, 0.6)].into_iter().enumerate() {
        assert!((weight.mean()[element] - mean).abs() < 0.05);
        assert!((weight.sd()[element] / sd - 1.0).abs() < 0.05);
    }
    // A positive number is widened in its logarithm.
    let site = Site {
        support: Some(SiteSupport::Positive),
        ..Site::new("sigma", [], 0)
    };
    let noise = Approximation::independent(vec![site], vec![-1.0], vec![0.2]).unwrap();
    let noise = noise.into_prior(Widening::By(2.0)).unwrap();
    let head = Gaussian::new().noise_prior(noise);
    let bnn = Bnn::new(Mlp::new([2, 1]), head);
    let draws = model::prior_predictive(&bnn, &two_rows(), 4_000, 1).unwrap();
    let logs: Vec<f64> = draws
        .variable("sigma")
        .unwrap()
        .values()
        .iter()
        .map(|s| s.ln())
        .collect();
    let mean = logs.iter().sum::<f64>() / 4_000.0;
    let variance = logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / 4_000.0;
    assert!((mean + 1.0).abs() < 0.03 && (variance.sqrt() / 0.4 - 1.0).abs() < 0.05);
}

/// Means and standard deviations of the guide of a network at the start of a fit, by site.
fn beginning(bnn: &Bnn, advi: Advi) -> Vec<(String, Vec<f64>, Vec<f64>)> {
    let found = Arc::new(Mutex::new((Vec::new(), Vec::new())));
    let inside = found.clone();
    let advi = advi
        .steps(4)
        .every(1)
        .learning_rate(1e-12)
        .callback(move |now| {
            *inside.lock().unwrap() = (now.mean.to_vec(), now.sd.to_vec());
            ControlFlow::Break(())
        });
    let fit = bnn
        .fit(&two_rows(), &advi.precision(Precision::F64).restarts(1))
        .unwrap();
    let (mean, sd) = found.lock().unwrap().clone();
    let sites = fit.sites().iter();
    sites
        .map(|site| {
            let range = site.range();
            (
                site.name.clone(),
                mean[range.clone()].to_vec(),
                sd[range].to_vec(),
            )
        })
        .collect()
}

fn assert_near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }
}

#[test]
fn fits_begin_at_the_posterior_and_from_trained_weights_as_moped_has_it() {
    let source = points([1.0, -2.0, 0.5]);
    let net = |prior: InformedPrior| Bnn::new(Mlp::new([2, 1]).prior(prior), Bernoulli);
    let start = beginning(
        &net((&source).into_prior(Widening::Learned).unwrap()),
        Advi::mean_field(),
    );
    let names: Vec<&str> = start.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "layer0.weight.widening",
            "layer0.weight",
            "layer0.bias.widening",
            "layer0.bias",
        ]
    );
    assert_near(&start[0].1, &[0.0]);
    assert_near(&start[1].1, &[1.0, -2.0]);
    assert_near(&start[1].2, &[0.1, 0.2]);
    assert_near(&start[3].2, &[0.3]);
    // Weights that were trained elsewhere: N(w, 1), and a guide of 0.1 |w|.
    let sites = source.sites().to_vec();
    let weights = Approximation::point(sites, vec![1.0, -2.0, 0.5]).unwrap();
    let prior = (&weights).into_prior(Widening::By(1.0)).unwrap();
    let advi = Advi::mean_field().warm_start(&weights, 0.1);
    let start = beginning(&net(prior.clone()), advi);
    assert_near(&start[0].1, &[1.0, -2.0]);
    assert_near(&start[0].2, &[0.1, 0.2]);
    assert_near(&start[1].2, &[0.05]);
    let draws = model::prior_predictive(&net(prior), &two_rows(), 4_000, 1).unwrap();
    assert!((draws.variable("layer0.bias").unwrap().sd()[0] - 1.0).abs() < 0.05);
    // Another head, of which the weights say nothing.
    let bnn = Bnn::new(Mlp::new([2, 1, 1]), Bernoulli);
    let start = beginning(&bnn, Advi::mean_field().warm_start_part(&weights, 0.1));
    assert_near(&start[0].1, &[1.0, -2.0]);
    assert_near(&start[0].2, &[0.1, 0.2]);
    assert_near(&start[2].2, &[0.01]);
    let error = bnn.fit(&two_rows(), &Advi::mean_field().warm_start(&weights, 0.1));
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("no value of `layer1.weight`")
    );
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let source = points([1.0, -2.0, 0.5]);
    for factor in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = (&source).into_prior(Widening::By(factor)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("a prior cannot be widened by {factor}; it must be a finite number above 0")
        );
    }
    let prior = || (&source).into_prior(Widening::By(1.0)).unwrap();
    let refused = |net: Mlp| {
        let bnn = Bnn::new(net, Bernoulli);
        bnn.fit(&two_rows(), &Advi::mean_field())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused(Mlp::new([2, 3, 1]).prior(prior())),
        "the prior of `layer0.weight` is the posterior of a variable of the shape [2, 1]; the \
         parameter has [2, 3]"
    );
    let unknown = "the earlier fit has no `layer1.weight`, only `layer0.weight`, `layer0.bias`; say \
                   what the prior of others is by `InformedPrior::otherwise`, or how a variable is \
                   called now by `InformedPrior::renamed`";
    assert_eq!(refused(Mlp::new([2, 1, 1]).prior(prior())), unknown);
    assert_eq!(
        refused(Mlp::new([2, 1, 1]).prior_for("layer1.weight", prior())),
        unknown
    );
    let error = prior()
        .only(["layer0.weight", "layer1.weight"])
        .unwrap_err();
    assert_eq!(error.to_string(), unknown);
    assert!(prior().renamed("layer", "other").is_err());
    let error = prior().renamed("layer0.bias", "layer0.weight").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the prior would have two variables `layer0.weight`; each needs its own name"
    );
    let none = DrawTable::new(source.sites().to_vec(), vec![], [0]).unwrap();
    let error = none.into_prior(Widening::Learned).unwrap_err();
    assert_eq!(error.to_string(), "there are no draws");

    // A share between 0 and 1, and a value for each name.
    let share = model::from_fn(|trace, data| {
        let share = trace.sample("share", Uniform::new(0.0, 1.0));
        let level = trace.sample("level", Normal::new(0.0, 1.0).over("shop"));
        let own = level.gather(data.index("shop"), 0);
        trace.observe("y", Normal::new(own * share, 1.0), data.column("y"));
    });
    let data = seen(&[0.4, 0.1]).groups("shop", &["a", "b"]).unwrap();
    let fit = model::fit(&share, data, &Advi::mean_field()).unwrap();
    let prior = fit.into_prior(Widening::By(1.0)).unwrap();
    for (name, expected) in [
        (
            "share",
            "`share` has the support numbers from 0 to 1; posteriors of numbers and of",
        ),
        (
            "level",
            "`level` is over a named dimension, whose names new data need not have",
        ),
        (
            "slope",
            "the earlier fit has no `slope`, only `share`, `level`;",
        ),
    ] {
        let prior = prior.clone();
        let model = model::from_fn(move |trace, _| {
            prior.sample(trace, name);
        });
        let error = model::prior_predictive(&model, Data::new(), 2, 0).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

/// Rows of a line through 0 with this slope.
fn line(slope: f64, rows: usize) -> Dataset {
    let x: Vec<f64> = (0..rows)
        .map(|i| 2.0 * i as f64 / rows as f64 - 1.0)
        .collect();
    let noise = [0.05, -0.08, 0.02, 0.01];
    let y = x.iter().enumerate().map(|(i, x)| slope * x + noise[i % 4]);
    Dataset::new(&x, 1, y.collect::<Vec<_>>()).unwrap()
}

#[test]
fn a_widening_is_learned_from_how_different_the_new_task_is() {
    let net = |prior: InformedPrior| {
        let noise = Gaussian::new().noise_prior(LogNormal::new(-3.0, 0.1));
        Bnn::new(Mlp::new([1, 1]).prior(prior), noise)
    };
    let source = Bnn::new(Mlp::new([1, 1]), Gaussian::new());
    let advi = || Advi::mean_field().steps(4_000).learning_rate(0.02).seed(1);
    let source = source.fit(&line(1.0, 100), &advi()).unwrap();
    let widening = |slope: f64| {
        let prior = source.into_prior(Widening::Learned).unwrap();
        let fit = net(prior).fit(&line(slope, 40), &advi()).unwrap();
        let draws = fit.draws(1_000, 0).unwrap();
        let [found, slope] = ["layer0.weight.widening", "layer0.weight"]
            .map(|name| draws.variable(name).unwrap().mean()[0]);
        (found, slope)
    };
    let (same, slope) = widening(1.0);
    assert!(same < 2.0 && (slope - 1.0).abs() < 0.05, "{same} {slope}");
    let (other, slope) = widening(3.0);
    assert!(
        other > 10.0 && (slope - 3.0).abs() < 0.05,
        "{other} {slope}"
    );
}

#[test]
fn networks_with_informed_priors_are_saved_and_their_next_fit_has_the_same_bits() {
    let data = datasets::moons(60, 0.2, 0).unwrap();
    let source = Bnn::new(Mlp::new([2, 4, 1]), Bernoulli);
    let advi = |method: Advi| method.steps(40).seed(3).restarts(1);
    let sources = [
        source.fit(&data, &advi(Advi::mean_field())).unwrap(),
        source.fit(&data, &advi(Advi::low_rank(2))).unwrap(),
        source.fit(&data, &advi(Advi::full_rank())).unwrap(),
    ];
    for (number, source) in sources.iter().enumerate() {
        let prior = source.into_prior(Widening::By(1.5)).unwrap();
        let learned = source.into_prior(Widening::Learned).unwrap();
        let net = Mlp::new([2, 4, 1])
            .prior(prior.only(["layer0"]).unwrap().otherwise(prior::fan_in()))
            .prior_for("layer1.weight", learned);
        let bnn = Bnn::new(net, Bernoulli);
        let fit = bnn.fit(&data, &advi(Advi::mean_field())).unwrap();
        let name = format!("bayes-nn-informed-{number}-{}.bnn", std::process::id());
        let path = std::env::temp_dir().join(name);
        fit.save(&path).unwrap();
        let loaded = Bnn::load(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let [own, other] = [&fit, &loaded].map(|fit| fit.predict(&data, 20).unwrap());
        assert_eq!(own.mean(), other.mean());
        let again = loaded
            .model()
            .fit(&data, &advi(Advi::mean_field()))
            .unwrap();
        assert_eq!(
            again.approximation().unwrap().mean(),
            fit.approximation().unwrap().mean()
        );
        // What all parameters share is declared once.
        let shared = fit
            .sites()
            .iter()
            .filter(|s| s.name.starts_with("directions."));
        assert_eq!(shared.count(), usize::from(number > 0));
    }
}

#[test]
fn a_part_of_one_network_informs_another_at_another_place_with_groups() {
    let data = datasets::moons(60, 0.2, 0).unwrap();
    let bnn = Bnn::new(Mlp::new([2, 3, 1]), Bernoulli);
    let source = bnn.fit(&data, &Advi::mean_field().steps(40)).unwrap();
    let prior = source.into_prior(Widening::By(1.0)).unwrap();
    let prior = prior
        .only(["layer0"])
        .unwrap()
        .renamed("layer0", "features")
        .unwrap();
    let inner = Network::new()
        .input("x", [2])
        .add("features", Dense::new(3), ["x"])
        .add("bent", Tanh, ["features"])
        .add("out", Dense::new(1), ["bent"])
        .prior(prior.otherwise(prior::learned_scale()));
    let net = Hierarchical::over(inner, "shop").only(["out"]);
    let words: Vec<&str> = (0..60).map(|row| ["a", "b"][row % 2]).collect();
    let grouped = Data::from(&data).groups("shop", &words).unwrap();
    let bnn = Bnn::new(net, Bernoulli);
    let advi = Advi::mean_field().steps(4).learning_rate(1e-12).restarts(1);
    let fit = bnn.fit(grouped, &advi).unwrap();
    let of = |fit: &Posterior<Bnn>, name: &str| {
        let guide = fit.approximation().unwrap();
        let site = guide
            .sites()
            .iter()
            .find(|s| s.name == name)
            .unwrap()
            .clone();
        guide.mean()[site.range()].to_vec()
    };
    let (found, source) = (of(&fit, "features.weight"), of(&source, "layer0.weight"));
    for (found, source) in found.iter().zip(&source) {
        assert!((found - source).abs() < 1e-5, "{found} {source}");
    }
    assert_eq!(source.len(), 6);
}
