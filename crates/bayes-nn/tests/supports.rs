//! Draws of a fit are values of the priors that were fitted: another support is refused.

use bayes_nn::distributions::{
    Dirichlet, Distribution, Exponential, Gamma, LogNormal, Ordered, TruncatedNormal, VonMises,
};
use bayes_nn::model::{Batch, Trace, Var};
use bayes_nn::prelude::*;
use bayes_nn::{DrawTable, Model, SiteError, SiteSupport, nn};

fn rows(count: usize) -> Data {
    let x: Vec<f64> = (1..=count).map(|i| i as f64).collect();
    let data = Data::new().column("x", x.clone()).unwrap();
    data.column("y", x).unwrap()
}

fn advi() -> Advi {
    Advi::mean_field().steps(20)
}

/// What predictions for two rows say of a fit to five, where the variable `v` is declared as it is
/// for five rows at first, and for two then.
fn predicted<'a>(
    declare: impl for<'g> Fn(&Trace<'g>, &Batch<'g>, bool) -> Var<'g> + Clone + Send + Sync + 'a,
) -> Result<(), Error> {
    let model = model::from_fn(move |trace: &Trace<'_>, data| {
        let v = declare(trace, data, data.total_rows() == 5);
        let mean = v.sum() * data.column("x");
        trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    });
    let fit = model::fit(&model, rows(5), &advi()).unwrap();
    fit.predictive(rows(2), 3, 0).map(|_| ())
}

fn refused<'a>(
    declare: impl for<'g> Fn(&Trace<'g>, &Batch<'g>, bool) -> Var<'g> + Clone + Send + Sync + 'a,
) -> String {
    match predicted(declare) {
        Err(Error::Site(error @ SiteError::Support { .. })) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_variable_that_changes_its_support_after_the_fit_is_named_with_both() {
    assert_eq!(
        refused(|trace, _, first| match first {
            true => trace.sample("v", HalfNormal::new(1.0)),
            false => trace.sample("v", Normal::new(0.0, 1.0)),
        }),
        "`v` has a prior on all numbers, the model was fitted with one on positive numbers: draws of \
         the fit are other values there; a model must declare a variable with the same support at \
         every run"
    );
    let simplex = refused(|trace, _, first| match first {
        true => trace.sample("v", Dirichlet::new(trace.graph().constant(&[1.0; 3], [3]))),
        false => trace.sample("v", Normal::new(0.0, 1.0).expand([2])),
    });
    assert!(simplex.contains("all numbers"), "{simplex}");
    assert!(simplex.contains("shares that sum to 1"), "{simplex}");
    let ordered = refused(|trace, _, first| match first {
        true => trace.sample("v", Normal::new(0.0, 1.0).expand([2])),
        false => trace.sample("v", Ordered::new(Normal::new(0.0, 1.0), 2)),
    });
    assert!(
        ordered.contains("a prior on numbers that increase"),
        "{ordered}"
    );
    let circle = refused(|trace, _, first| match first {
        true => trace.sample("v", VonMises::new(0.0, 1.0)),
        false => trace.sample("v", Normal::new(0.0, 1.0).expand([2])),
    });
    assert!(circle.contains("fitted with one on angles"), "{circle}");
}

#[test]
fn bounds_that_change_after_the_fit_are_told() {
    let numbers = refused(|trace, _, first| {
        trace.sample("v", Uniform::new(0.0, if first { 1.0 } else { 2.5 }))
    });
    assert!(
        numbers.contains("a prior on numbers from 0 to 2.5, the"),
        "{numbers}"
    );
    assert!(
        numbers.contains("fitted with one on numbers from 0 to 1:"),
        "{numbers}"
    );
    let of_data =
        refused(|trace, data, _| trace.sample("v", Uniform::new(0.0, data.column("x").max())));
    assert!(of_data.contains("from 0 to 2, the"), "{of_data}");
    assert!(of_data.contains("from 0 to 5:"), "{of_data}");
    let each = refused(|trace, data, first| {
        let high = data
            .graph()
            .constant(&[1.0, if first { 2.0 } else { 3.0 }], [2]);
        trace.sample("v", Uniform::new(0.0, high))
    });
    assert!(each.contains("from 0 to 2 bounds (1, 3, ..)"), "{each}");
}

#[test]
fn priors_of_one_support_may_change() {
    predicted(|trace, _, first| match first {
        true => trace.sample("v", Gamma::new(2.0, 1.0)),
        false => trace.sample("v", LogNormal::new(0.0, 1.0)),
    })
    .unwrap();
    // 0 as a bound is that of positive numbers.
    predicted(|trace, _, first| match first {
        true => trace.sample("v", Exponential::new(1.0)),
        false => trace.sample("v", TruncatedNormal::above(0.0, 1.0, 0.0)),
    })
    .unwrap();
    // A bound that is a variable has other values at every draw.
    predicted(|trace, _, _| {
        let high = trace.sample("high", HalfNormal::new(1.0));
        trace.sample("v", Uniform::new(0.0, high))
    })
    .unwrap();
}

fn scale(prior_is_positive: bool) -> impl Model + Clone {
    model::from_fn(move |trace, data| {
        let sd = match prior_is_positive {
            true => trace.sample("sd", HalfNormal::new(1.0)),
            false => trace.sample("sd", Normal::new(1.0, 0.1)),
        };
        trace.observe(
            "y",
            Normal::new(data.column("x"), sd.exp()),
            data.column("y"),
        );
    })
}

#[test]
fn guides_tables_and_warm_starts_of_another_support_are_refused() {
    let fit = model::fit(&scale(true), rows(5), &advi()).unwrap();
    assert_eq!(fit.sites()[0].support, Some(SiteSupport::Positive));
    let said = "`sd` has a prior on all numbers, the model was fitted with one on positive numbers";
    let told = |error: Error| {
        assert!(matches!(error, Error::Site(SiteError::Support { .. })));
        assert!(error.to_string().starts_with(said), "{error}");
    };
    told(Posterior::new(scale(false), rows(5), &fit).err().unwrap());
    let table = DrawTable::new(fit.sites().to_vec(), vec![0.1, 0.2], [2]).unwrap();
    told(Posterior::new(scale(false), rows(5), table).err().unwrap());
    let warm = advi().warm_start(&fit, 0.1);
    told(model::fit(&scale(false), rows(5), &warm).err().unwrap());
    model::fit(&scale(true), rows(5), &warm).unwrap();
    // Sites of which nothing is known but names and shapes are taken.
    let bare = DrawTable::new(vec![bayes_nn::Site::new("sd", [], 0)], vec![0.1], [1]).unwrap();
    Posterior::new(scale(false), rows(5), bare).unwrap();
}

#[test]
fn a_noise_prior_with_negative_numbers_is_refused_by_name() {
    let data = datasets::moons(20, 0.2, 0).unwrap();
    let fit = |gaussian: Gaussian| Bnn::new(Mlp::new([2, 2, 1]), gaussian).fit(&data, &advi());
    let error = fit(Gaussian::new().noise_prior(Normal::new(0.0, 1.0))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the prior of the noise's standard deviation `sigma` has the support all numbers, and a \
         standard deviation is positive; take a prior such as `HalfNormal`, which is a normal one \
         cut at 0"
    );
    let Error::Network(error) = error else {
        panic!("{error}")
    };
    let error = error.downcast_ref::<nn::HeadError>();
    assert!(matches!(
        error,
        Some(nn::HeadError::Scale {
            parameter: "sigma",
            ..
        })
    ));
    for refused in [
        fit(Gaussian::new().noise_prior(Uniform::new(-1.0, 1.0))),
        fit(Gaussian::new().noise_prior(TruncatedNormal::above(0.0, 1.0, -0.1))),
        Bnn::new(
            Mlp::new([2, 2, 1]).prior_for("sigma", Normal::new(0.0, 1.0)),
            Gaussian::new(),
        )
        .fit(&data, &advi()),
    ] {
        assert!(refused.is_err());
    }
    for prior in [Uniform::new(0.0, 2.0), Uniform::new(0.1, 2.0)] {
        fit(Gaussian::new().noise_prior(prior)).unwrap();
    }
    fit(Gaussian::new().noise_prior(Gamma::new(2.0, 2.0))).unwrap();
}

#[test]
fn observed_vectors_whose_numbers_do_not_go_together_are_refused_by_row() {
    let shares = |numbers: [f64; 6]| {
        let model = model::from_fn(move |trace, _| {
            let a = trace.sample("a", Gamma::new(2.0, 1.0).expand([3]));
            let seen = trace.graph().constant(&numbers, [3, 2]);
            trace.observe(
                "shares",
                Dirichlet::new(a.reshape([3, 1]).broadcast_to([3, 2])),
                seen,
            );
        });
        let nuts = Nuts::new().draws(20).warmup(20).chains(1);
        model::fit(&model, Data::new(), &nuts).map(|_| ())
    };
    shares([0.2, 0.1, 0.3, 0.1, 0.5, 0.8]).unwrap();
    let error = shares([0.2, 0.1, 0.3, 0.1, 0.5, 0.7])
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("`shares`, row 1: numbers that sum to 0.89")
            && error.contains("cannot come from Dirichlet"),
        "{error}"
    );
}
