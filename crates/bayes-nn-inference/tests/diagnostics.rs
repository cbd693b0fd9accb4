//! The diagnostics against ArviZ: see `fixtures/diagnostics/generate.py`.

use bayes_nn_inference::diagnostics::{
    DiagnosticsError, HDI_PROBABILITY, PointwiseLogLikelihood, autocovariance, e_bfmi, ess_bulk,
    ess_mean, ess_quantile, ess_tail, hdi, loo, mcse_mean, mcse_quantile, mcse_sd, psis, r_hat,
    relative_efficiency, summary, waic,
};
use serde_json::Value;

const TOLERANCE: f64 = 1e-10;

/// Compares with a number, or with the null that stands for a NaN.
#[track_caller]
fn close(what: &str, value: Option<f64>, expected: &Value) {
    match (value, expected.as_f64()) {
        (None, None) => {}
        (Some(value), Some(expected)) => {
            let error = (value - expected).abs();
            assert!(
                error <= TOLERANCE * expected.abs(),
                "{what}: {value} for {expected}"
            );
        }
        (value, expected) => panic!("{what}: {value:?} for {expected:?}"),
    }
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("the fixture is JSON")
}

fn array(value: &Value) -> &[Value] {
    value.as_array().expect("the fixture has an array here")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("the fixture has a text here")
}

/// A number; "NaN" and null are NaN.
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn numbers(value: &Value) -> Vec<f64> {
    array(value).iter().map(number).collect()
}

fn matrix(value: &Value) -> Vec<Vec<f64>> {
    array(value).iter().map(numbers).collect()
}

fn slices(chains: &[Vec<f64>]) -> Vec<&[f64]> {
    chains.iter().map(Vec::as_slice).collect()
}

#[test]
fn chains_have_the_diagnostics_of_arviz() {
    let fixture = read(include_str!("../fixtures/diagnostics/chains.json"));
    let probabilities = numbers(&fixture["probabilities"]);
    let masses = numbers(&fixture["masses"]);
    for case in array(&fixture["cases"]) {
        let name = text(&case["name"]);
        let chains = matrix(&case["chains"]);
        let chains = slices(&chains);
        let check = |what: &str, value: Result<f64, DiagnosticsError>| {
            close(&format!("{what} of {name}"), value.ok(), &case[what]);
        };
        check("r_hat", r_hat(&chains));
        check("ess_bulk", ess_bulk(&chains));
        check("ess_tail", ess_tail(&chains));
        check("ess_mean", ess_mean(&chains));
        check("mcse_mean", mcse_mean(&chains));
        check("mcse_sd", mcse_sd(&chains));
        for (i, &p) in probabilities.iter().enumerate() {
            let what = format!("at {p} of {name}");
            let (ess, mcse) = (ess_quantile(&chains, p), mcse_quantile(&chains, p));
            close(&format!("ess {what}"), ess.ok(), &case["ess_quantile"][i]);
            close(
                &format!("mcse {what}"),
                mcse.ok(),
                &case["mcse_quantile"][i],
            );
        }
        for (chain, expected) in chains.iter().zip(array(&case["e_bfmi"])) {
            close(&format!("e_bfmi of {name}"), e_bfmi(chain).ok(), expected);
        }
        for (i, &mass) in masses.iter().enumerate() {
            let interval = hdi(&chains, mass).ok();
            for side in 0..2 {
                let what = format!("hdi {mass} of {name}");
                close(
                    &what,
                    interval.map(|ends| ends[side]),
                    &case["hdi"][i][side],
                );
            }
        }
    }
}

/// The transforms of both round: errors are relative to the variance, not to the lag's value.
#[test]
fn chains_have_the_autocovariance_of_arviz() {
    let fixture = read(include_str!("../fixtures/diagnostics/chains.json"));
    for case in array(&fixture["cases"]) {
        let chain = numbers(&case["chains"][0]);
        let expected = numbers(&case["autocovariance"]);
        for (value, expected_value) in autocovariance(&chain).iter().zip(&expected) {
            let error = (value - expected_value).abs();
            assert!(error <= 1e-13 * expected[0], "{}", case["name"]);
        }
    }
}

#[test]
fn log_likelihoods_have_the_loo_waic_and_weights_of_arviz() {
    let fixture = read(include_str!("../fixtures/diagnostics/log_likelihood.json"));
    for case in array(&fixture["cases"]) {
        let name = text(&case["name"]);
        let values = numbers(&case["log_likelihood"]);
        let shape = [0, 1, 2].map(|axis| number(&case["shape"][axis]) as usize);
        let log_likelihood = PointwiseLogLikelihood::new(&values, shape).unwrap();
        let r_eff = number(&case["r_eff"]);

        let (loo, expected) = (loo(&log_likelihood, r_eff).unwrap(), &case["loo"]);
        let check =
            |what: &str, value| close(&format!("loo {what} of {name}"), value, &expected[what]);
        check("elpd", Some(loo.elpd_loo));
        check("se", Some(loo.se));
        check("p", Some(loo.p_loo));
        check("k_threshold", Some(loo.k_threshold));
        for i in 0..shape[2] {
            let what = format!("observation {i} of {name}");
            close(&what, Some(loo.pointwise[i]), &expected["pointwise"][i]);
            // An infinite shape is a NaN in ArviZ.
            let k_hat = loo.k_hats[i].filter(|k_hat| k_hat.is_finite());
            close(&what, k_hat, &expected["k_hats"][i]);
        }
        // A k-hat without a value does not make ArviZ warn.
        if loo.k_hats.iter().all(Option::is_some) {
            let warned = loo.unreliable().count() > 0;
            assert_eq!(Value::from(warned), expected["warning"], "{name}");
        }

        let first: Vec<f64> = values
            .iter()
            .step_by(shape[2])
            .map(|value| -value)
            .collect();
        let mut log_weights = psis(&first, r_eff).unwrap().log_weights;
        let total: f64 = log_weights.iter().map(|weight| weight.exp()).sum();
        assert!((total - 1.0).abs() < 1e-13, "{name}");
        log_weights.sort_by(|a, b| b.total_cmp(a));
        for (&weight, expected) in log_weights.iter().zip(array(&case["largest_log_weights"])) {
            close(&format!("weight of {name}"), Some(weight), expected);
        }

        let (waic, expected) = (waic(&log_likelihood), &case["waic"]);
        let check =
            |what: &str, value| close(&format!("waic {what} of {name}"), value, &expected[what]);
        check("elpd", Some(waic.elpd_waic));
        check("p", Some(waic.p_waic));
        check("se", Some(waic.se));
        for (&value, expected) in waic.pointwise.iter().zip(array(&expected["pointwise"])) {
            close(&format!("waic of {name}"), Some(value), expected);
        }
        assert_eq!(Value::from(waic.unreliable), expected["warning"], "{name}");
    }
}

#[test]
fn the_table_has_the_numbers_and_the_digits_of_arviz() {
    let fixture = read(include_str!("../fixtures/diagnostics/summary.json"));
    let posterior = fixture["posterior"].as_object().unwrap();
    for table in array(&fixture["tables"]) {
        // In the order of the table, which a map of JSON does not keep.
        let printed = array(&table["printed"]);
        let names: Vec<&str> = printed[1..].iter().map(|line| text(&line[0])).collect();
        let chains: Vec<Vec<Vec<f64>>> =
            names.iter().map(|&name| matrix(&posterior[name])).collect();
        let chains: Vec<Vec<&[f64]>> = chains.iter().map(|chains| slices(chains)).collect();
        let scalars: Vec<(&str, &[&[f64]])> = names
            .iter()
            .zip(&chains)
            .map(|(&name, chains)| (name, chains.as_slice()))
            .collect();
        let summary = summary(&scalars, number(&table["mass"])).unwrap();
        for (row, expected) in summary.rows.iter().zip(array(&table["numbers"])) {
            let [low, high] = row.hdi.map_or([None; 2], |ends| ends.map(Some));
            let values = [
                row.mean,
                row.sd,
                low,
                high,
                row.ess_bulk,
                row.ess_tail,
                row.r_hat,
                row.mcse_mean,
                row.mcse_sd,
            ];
            for (i, value) in values.into_iter().enumerate() {
                let what = format!("{} of {}", table["columns"][i], row.name);
                close(&what, value, &expected[i]);
            }
        }
        for (line, expected) in summary.to_string().lines().zip(printed) {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let expected: Vec<&str> = array(expected).iter().map(text).collect();
            assert_eq!(cells, expected);
        }
        let scalars: Vec<&[&[f64]]> = chains.iter().map(Vec::as_slice).collect();
        let efficiency = relative_efficiency(&scalars).ok();
        close("efficiency", efficiency, &fixture["relative_efficiency"]);
    }
}

#[test]
fn what_cannot_be_computed_says_why() {
    let (short, long, flat) = ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 1.5], [2.0; 8]);
    let broken = [1.0, f64::NAN, 3.0, f64::INFINITY];
    let text = |error: DiagnosticsError| error.to_string();
    assert_eq!(
        r_hat(&[&long]).map_err(text),
        Err("there are 1 chains; at least 2 are needed".to_owned())
    );
    assert_eq!(
        ess_tail(&[&short, &short]).map_err(text),
        Err("there are 3 draws; at least 4 are needed".to_owned())
    );
    assert_eq!(
        mcse_mean(&[&long, &short]).map_err(text),
        Err("chain 1 has 3 draws, chain 0 has 4; all must have as many".to_owned())
    );
    assert_eq!(
        ess_bulk(&[&long, &broken]).map_err(text),
        Err("draw 1 of chain 1 is NaN; every draw must be finite".to_owned())
    );
    assert_eq!(
        mcse_sd(&[&flat]).map_err(text),
        Err("all draws are the same; at least two must differ".to_owned())
    );
    assert_eq!(
        mcse_quantile(&[&long], 1.0).map_err(text),
        Err("`probability` is 1; it must be above 0 and below 1".to_owned())
    );
    assert!(ess_mean(&[]).is_err());
    assert!(hdi(&[], HDI_PROBABILITY).is_err());
    assert_eq!(e_bfmi(&flat), Err(DiagnosticsError::Constant));
    assert_eq!(
        PointwiseLogLikelihood::new(&[-1.0, -2.0, -1.0, f64::NEG_INFINITY], [1, 2, 2])
            .map_err(text),
        Err(
            "the log likelihood of observation 1 at draw 1 of chain 0 is -inf; all must be finite"
                .to_owned()
        )
    );
}

/// One observation that says nothing of the parameters does not stop the others.
#[test]
fn an_observation_without_information_is_reported_not_fatal() {
    let values: Vec<f64> = (0..100)
        .flat_map(|s| [-1.0, -1.0 - (2.4 * f64::from(s)).sin().powi(2)])
        .collect();
    let loo = loo(
        &PointwiseLogLikelihood::new(&values, [2, 50, 2]).unwrap(),
        1.0,
    )
    .unwrap();
    assert_eq!(loo.k_hats[0], None);
    assert!((loo.pointwise[0] + 1.0).abs() < 1e-14);
    assert_eq!(loo.unreliable().next(), Some(0));
    assert!(
        loo.to_string()
            .ends_with("(k-hat above 0.50 or unknown: 1 of 2 observations)")
    );
}

/// A hundred thousand draws of four chains, in a time that shows that nothing is quadratic.
#[test]
fn long_chains_are_no_trouble() {
    let chains: Vec<Vec<f64>> = (0..4)
        .map(|c| {
            let wave =
                |s: i32| (2.4 * f64::from(s) + f64::from(c)).sin() + (1e-3 * f64::from(s)).sin();
            (0..100_000).map(wave).collect()
        })
        .collect();
    let chains = slices(&chains);
    assert!(ess_bulk(&chains).unwrap() < 4_000.0);
    assert!(r_hat(&chains).unwrap() < 1.01);
}
