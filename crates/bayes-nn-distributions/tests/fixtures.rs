//! Log densities and their derivatives against mpmath, at ordinary and extreme arguments.
//!
//! Errors are relative to the value itself. No allowance is made for the conditioning of the
//! inputs, which the references take as the exact doubles that they are; only next to a zero of
//! a density's logarithm or derivative would one be needed, and no case lies there.

mod common;

use bayes_nn_autodiff::{Bindings, Graph, Var, grad};
use bayes_nn_distributions::Distribution;
use common::{Case, Family, Numbers};

/// Of a log density, relative to itself.
const LOG_PROB: f64 = 1e-12;
/// Of a derivative, relative to itself.
const DERIVATIVE: f64 = 1e-10;

/// The largest relative errors of a family.
#[derive(Default)]
struct Worst {
    log_prob: f64,
    derivative: f64,
}

/// The error relative to the reference. Below the normal numbers a double has no relative
/// accuracy left; there both need only be that small.
fn error(got: f64, expected: f64) -> f64 {
    let tiny = |x: f64| x.abs() < f64::MIN_POSITIVE;
    if got == expected || (tiny(got) && tiny(expected)) {
        return 0.0;
    }
    let error = (got - expected).abs() / expected.abs();
    if error.is_nan() { f64::INFINITY } else { error }
}

fn describe(family: &Family, case: &Case) -> String {
    let named = case.parameters.iter();
    let parameters: Vec<String> = named
        .map(|(name, values)| format!("{name} = {:?}", values.values()))
        .collect();
    format!(
        "{} at {:?}, {}",
        family.family,
        case.x.values(),
        parameters.join(", ")
    )
}

/// All errors of a case: of plain numbers, of the graph, of every derivative.
fn compare(family: &Family, case: &Case, worst: &mut Worst, failures: &mut Vec<String>) {
    let component = family.component.as_deref();
    let mut note = |what: &str, got: f64, expected: f64, limit: f64, largest: &mut f64| {
        let error = error(got, expected);
        *largest = largest.max(error);
        if error > limit {
            let case = describe(family, case);
            failures.push(format!(
                "{case}: {what} is {got:e}, should be {expected:e}: off by {error:.1e}"
            ));
        }
    };

    let event = case.x.values().len();
    let constants = Graph::new();
    let numbers = common::numbers(case, &constants);
    let distribution = common::build(&family.family, component, event, &numbers);
    let at = match &case.x {
        Numbers::One(x) => Var::from(x.0),
        Numbers::Many(_) => constants.constant(&case.x.values(), distribution.shape()),
    };
    let folded = distribution.log_prob(at);
    let folded = folded.constant_values().expect("numbers fold")[0];
    note(
        "the number",
        folded,
        case.log_prob.0,
        LOG_PROB,
        &mut worst.log_prob,
    );

    let graph = Graph::new();
    let inputs = common::inputs(case, &graph);
    let distribution = common::build(&family.family, component, event, &inputs);
    let x = match case.x {
        Numbers::One(_) => graph.input("x", []),
        Numbers::Many(_) => graph.input("x", distribution.shape()),
    };
    let log_prob = distribution.log_prob(x);
    let mut bindings = Bindings::new().bind(x, &case.x.values());
    for (name, values) in &case.parameters {
        bindings = bindings.bind(inputs[name], &values.values());
    }
    let names: Vec<&str> = case.derivatives.keys().map(String::as_str).collect();
    let by: Vec<Var> = names
        .iter()
        .map(|&name| inputs.get(name).copied().unwrap_or(x))
        .collect();
    let mut outputs = grad(log_prob, &by).expect("a scalar density");
    outputs.push(log_prob);
    let values = graph.evaluate(&outputs, &bindings).expect("all bound");
    let run = values[names.len()].values()[0];
    note(
        "the graph",
        run,
        case.log_prob.0,
        LOG_PROB,
        &mut worst.log_prob,
    );
    for (name, values) in names.iter().zip(&values) {
        let expected = case.derivatives[*name].values();
        for (&got, expected) in values.values().iter().zip(expected) {
            let what = format!("d/d{name}");
            note(&what, got, expected, DERIVATIVE, &mut worst.derivative);
        }
    }
}

#[test]
fn log_densities_and_derivatives_match_mpmath() {
    let mut failures = Vec::new();
    let mut count = 0;
    for family in common::families() {
        let mut worst = Worst::default();
        for case in &family.cases {
            compare(&family, case, &mut worst, &mut failures);
        }
        count += family.cases.len();
        println!(
            "{} {}: log_prob {:.1e}, derivatives {:.1e}",
            family.family,
            family.component.as_deref().unwrap_or_default(),
            worst.log_prob,
            worst.derivative
        );
    }
    assert!(count > 3500, "only {count} cases were found");
    assert!(
        failures.is_empty(),
        "{} of {count} cases:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
