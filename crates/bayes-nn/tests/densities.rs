//! Log densities and their derivatives as programs: the fixtures of the distributions, run by the
//! CPU in double precision on every instruction set.

#[path = "../../bayes-nn-distributions/tests/common/mod.rs"]
mod common;

use std::sync::Arc;

use bayes_nn_autodiff::{Graph, Var, grad};
use bayes_nn_distributions::Distribution;
use bayes_nn_kernels::{Backend, Binding, Cpu, Isa, Plan, Precision};
use common::Numbers;

/// Of a log density and of a derivative, relative to themselves.
const TOLERANCES: [f64; 2] = [1e-12, 1e-10];

fn error(got: f64, expected: f64) -> f64 {
    let tiny = |x: f64| x.abs() < f64::MIN_POSITIVE;
    if got == expected || (tiny(got) && tiny(expected)) {
        return 0.0;
    }
    let error = (got - expected).abs() / expected.abs();
    if error.is_nan() { f64::INFINITY } else { error }
}

#[test]
fn compiled_log_densities_and_derivatives_match_mpmath_on_every_instruction_set() {
    let mut failures = Vec::new();
    for family in common::families() {
        for case in &family.cases {
            let graph = Graph::new();
            let inputs = common::inputs(case, &graph);
            let at = case.x.values();
            let component = family.component.as_deref();
            let distribution = common::build(&family.family, component, at.len(), &inputs);
            let x = match case.x {
                Numbers::One(_) => graph.input("x", []),
                Numbers::Many(_) => graph.input("x", distribution.shape()),
            };
            let log_prob = distribution.log_prob(x);
            let names: Vec<&String> = case.derivatives.keys().collect();
            let by: Vec<Var> = names
                .iter()
                .map(|name| inputs.get(*name).copied().unwrap_or(x))
                .collect();
            let mut outputs = vec![log_prob];
            outputs.extend(grad(log_prob, &by).unwrap());
            let mut expected = vec![vec![case.log_prob.0]];
            expected.extend(case.derivatives.values().map(|d| d.values()));

            let plan = Arc::new(Plan::new(&graph, &outputs, &[]).unwrap());
            let mut data = vec![Binding::new(x.input_id().unwrap(), &at)];
            for (name, values) in &case.parameters {
                data.push(Binding::new(
                    inputs[name].input_id().unwrap(),
                    values.values(),
                ));
            }
            for isa in Isa::available() {
                let cpu = Cpu::detect().unwrap().threads(1).isa(isa).unwrap();
                let loaded = cpu.load(&plan, &data, Precision::F64).unwrap();
                let mut replicas = loaded.start(1).unwrap();
                let program = replicas.program_mut(0);
                program.run(1).unwrap();
                for (output, expected) in expected.iter().enumerate() {
                    let tolerance = TOLERANCES[usize::from(output > 0)];
                    let got = program.read_output(output);
                    for (got, expected) in got.iter().zip(expected) {
                        let off = error(*got, *expected);
                        if off > tolerance {
                            let what = output.checked_sub(1).map_or("log_prob", |i| names[i]);
                            let parameters: Vec<_> = case
                                .parameters
                                .iter()
                                .map(|(name, values)| (name, values.values()))
                                .collect();
                            failures.push(format!(
                                "{} at {at:?}, {parameters:?}, {isa}: {what} is {got:e}, should be \
                                 {expected:e}: off by {off:.1e}",
                                family.family
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
