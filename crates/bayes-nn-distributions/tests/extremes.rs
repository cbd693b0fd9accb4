//! Densities near the ends of what doubles hold: never NaN, and `-inf` with derivatives that are
//! finite where nothing can be drawn.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use bayes_nn_autodiff::{Bindings, Graph, Var, grad};
use bayes_nn_distributions::{Distribution, Domain, sample};
use common::{Case, Family, Number, Numbers};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Densities of each family with each set of parameters.
const TRIES: usize = 400;

struct Source(Xoshiro256PlusPlus);

impl Source {
    fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.0.next_u64() >> 11) as f64 / 2f64.powi(53)
    }

    fn one_of(&mut self, count: u64) -> u64 {
        self.0.next_u64() % count
    }

    /// A positive number: half of them of ordinary size, half from 10 to the power `-largest` to
    /// `largest`.
    fn size(&mut self, largest: f64) -> f64 {
        let exponent = [largest, 3.0][self.one_of(2) as usize];
        10f64.powf(self.uniform(-exponent, exponent))
    }

    fn real(&mut self, largest: f64) -> f64 {
        match self.one_of(9) {
            0 => 0.0,
            odd if odd % 2 == 1 => -self.size(largest),
            _ => self.size(largest),
        }
    }

    fn of_domain(&mut self, domain: Domain, largest: f64) -> f64 {
        match domain {
            Domain::Positive | Domain::NonNegative => self.size(largest),
            Domain::Probability => match self.one_of(3) {
                0 => 10f64.powf(self.uniform(-largest, 0.0)),
                1 => 1.0 - 10f64.powf(self.uniform(-16.0, 0.0)),
                _ => self.uniform(0.0, 1.0),
            },
            // Doubles count no further.
            Domain::Count => self.size(largest).ceil().min(2f64.powi(53)),
            _ => self.real(largest),
        }
    }
}

/// Up to which power of ten the numbers of a family go. A derivative that is a sum of several
/// overflowing ones of either sign has no value in doubles, so that sums of densities and systems
/// of equations are asked for no derivative that overflows.
fn largest(family: &Family) -> f64 {
    match family.family.as_str() {
        // The derivative by a mean share is total_count^2 / parameter.
        "BetaBinomial" => 270.0,
        "Mixture" => 100.0,
        "Ordered" | "GaussianRandomWalk" | "AutoRegressive" => 30.0,
        "MultivariateNormal" | "MultivariateStudentT" | "SphericalStudentT" => 15.0,
        _ => 300.0,
    }
}

/// Other parameters for a case of these names and lengths.
fn parameters(
    case: &Case,
    domains: &BTreeMap<&str, Domain>,
    largest: f64,
    source: &mut Source,
) -> BTreeMap<String, Numbers> {
    let weights = case.parameters.keys().filter(|n| n.starts_with("weight"));
    let weights = weights.count();
    let drawn = case.parameters.iter().map(|(name, like)| {
        let count = like.values().len();
        let domain = domains.get(name.as_str()).copied();
        let mut draw = |domain| source.of_domain(domain, largest);
        let mut values: Vec<f64> = match name.as_str() {
            _ if name.starts_with("weight") => vec![1.0 / weights as f64],
            "scale_tril" => {
                let size = count.isqrt();
                let entry = |at: usize| match (at / size).cmp(&(at % size)) {
                    std::cmp::Ordering::Less => 0.0,
                    std::cmp::Ordering::Equal => draw(Domain::Positive),
                    std::cmp::Ordering::Greater => draw(Domain::Real),
                };
                (0..count).map(entry).collect()
            }
            _ => {
                let of_component = if name.ends_with("loc") {
                    Domain::Real
                } else {
                    Domain::Positive
                };
                (0..count)
                    .map(|_| draw(domain.unwrap_or(of_component)))
                    .collect()
            }
        };
        match name.as_str() {
            "cutpoints" => values.sort_by(f64::total_cmp),
            "probs" if count > 1 => {
                let total: f64 = values.iter().sum();
                values.iter_mut().for_each(|v| *v /= total);
            }
            _ => {}
        }
        let numbers = match like {
            Numbers::One(_) => Numbers::One(Number(values[0])),
            Numbers::Many(_) => Numbers::Many(values.into_iter().map(Number).collect()),
        };
        (name.clone(), numbers)
    });
    drawn.collect()
}

/// A point anywhere, or a draw.
fn point<'g>(
    distribution: &dyn Distribution<'g>,
    case: &Case,
    largest: f64,
    source: &mut Source,
) -> Vec<f64> {
    let count = case.x.values().len();
    let seed = source.0.next_u64();
    match source.one_of(3) {
        0 => (0..count).map(|_| source.real(largest)).collect(),
        1 => match sample(distribution, 1, seed) {
            Ok(draw) if draw.iter().all(|x| x.abs() < 10f64.powf(3.0 * largest)) => draw,
            // The draw of a heavy tail lies further out, or there are none: of a series without a
            // beginning, of a matrix that is no constant.
            _ => vec![0.0; count],
        },
        _ if distribution.support().is_discrete() => {
            (0..count).map(|_| source.size(largest).ceil()).collect()
        }
        _ => (0..count).map(|_| source.size(largest)).collect(),
    }
}

/// Asks for densities of a family with the parameters that a case has; of what is wrong, a text.
fn try_out(family: &Family, case: &Case, source: &mut Source, wrong: &mut Vec<String>) {
    let component = family.component.as_deref();
    let (largest, event) = (largest(family), case.x.values().len());
    let graph = Graph::new();
    let inputs = common::inputs(case, &graph);
    let distribution = common::build(&family.family, component, event, &inputs);
    let x = match case.x {
        Numbers::One(_) => graph.input("x", []),
        Numbers::Many(_) => graph.input("x", distribution.shape()),
    };
    let log_prob = distribution.log_prob(x);
    let by: Vec<Var> = inputs.values().copied().chain([x]).collect();
    let mut outputs = grad(log_prob, &by).unwrap();
    outputs.push(log_prob);
    let given = distribution.parameters();
    let domain = |node: &Var| given.iter().find(|p| p.value.id() == node.id());
    let domains = inputs.iter();
    let domains = domains.filter_map(|(name, node)| Some((name.as_str(), domain(node)?.domain)));
    let domains: BTreeMap<&str, Domain> = domains.collect();

    let mut done = 0;
    while done < TRIES {
        let drawn = Case {
            parameters: parameters(case, &domains, largest, source),
            ..case.clone()
        };
        let constants = Graph::new();
        let numbers = common::numbers(&drawn, &constants);
        let fixed = common::build(&family.family, component, event, &numbers);
        if fixed.check().is_err() {
            // Bounds the wrong way round.
            continue;
        }
        done += 1;
        let at = point(&*fixed, case, largest, source);
        let mut bindings = Bindings::new().bind(x, &at);
        for (name, values) in &drawn.parameters {
            bindings = bindings.bind(inputs[name], &values.values());
        }
        let values = graph.evaluate(&outputs, &bindings).unwrap();
        let (value, slopes) = values.split_last().unwrap();
        let value = value.values()[0];
        let any = |is: fn(f64) -> bool| slopes.iter().any(|s| s.values().iter().any(|v| is(*v)));
        let outside = at.iter().any(|x| !fixed.support().contains(*x));
        let (is_pole, looks_at_diagonal) = match family.family.as_str() {
            "Horseshoe" => (at[0] == 0.0, false),
            "LkjCholesky" => (false, true),
            _ => (false, false),
        };
        // There terms of a derivative may overflow with either sign.
        let numbers = drawn.parameters.values().flat_map(|v| v.values());
        let numbers = numbers.chain(at.iter().copied()).map(f64::abs);
        let smallest = numbers.filter(|v| *v > 0.0).fold(1.0, f64::min);
        let far_out = value < -1e50 || value.abs() > f64::MAX * smallest;
        let failure = if value.is_nan() {
            "the density is NaN"
        } else if value == f64::INFINITY && !is_pole {
            "the density is infinite"
        } else if outside && value > f64::NEG_INFINITY && !looks_at_diagonal {
            "there is a density outside the support"
        } else if value == f64::NEG_INFINITY && outside && any(|v| !v.is_finite()) {
            "a derivative outside the support is not finite"
        } else if any(|v| v.is_nan()) && !(far_out && value > f64::NEG_INFINITY) {
            "a derivative is NaN"
        } else {
            continue;
        };
        let at_parameters = drawn.parameters.iter();
        let told: Vec<String> = at_parameters
            .map(|(name, values)| format!("{name} = {:?}", values.values()))
            .collect();
        let slopes: Vec<&[f64]> = slopes.iter().map(|s| s.values()).collect();
        wrong.push(format!(
            "{} at {at:?}, {}: {failure}: {value:e}, {slopes:?}",
            family.family,
            told.join(", ")
        ));
    }
}

#[test]
fn densities_and_derivatives_of_parameters_of_any_size_are_never_nan() {
    let mut source = Source(Xoshiro256PlusPlus::seed_from_u64(1));
    let mut wrong = Vec::new();
    for family in common::families() {
        let mut seen = BTreeSet::new();
        for case in &family.cases {
            let names: Vec<&String> = case.parameters.keys().collect();
            // Series of one length stand for those of any.
            if seen.insert((names, case.x.values().len().min(3))) {
                try_out(&family, case, &mut source, &mut wrong);
            }
        }
    }
    let shown = wrong
        .iter()
        .take(40)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(wrong.is_empty(), "{} are wrong:\n{shown}", wrong.len());
}
