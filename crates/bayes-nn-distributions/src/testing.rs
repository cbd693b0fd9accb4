//! What the tests of the distributions share: goodness of fit, stability, derivatives.
//!
//! Statistical tests use fixed seeds and [`DRAWS`] draws. Each would fail for one seed in a
//! thousand or fewer if the draws were right: that is the false-alarm rate of choosing a seed.

use bayes_nn_autodiff::{Bindings, Graph, NoiseKind, Var, grad};

use crate::{Distribution, sample};

const DRAWS: usize = 20_000;
const SEED: u64 = 20_160_601;

/// `|got - expected| <= tolerance |expected|`.
pub(crate) fn assert_close(got: f64, expected: f64, tolerance: f64, what: &str) {
    let close = got == expected || (got - expected).abs() <= tolerance * expected.abs();
    assert!(close, "{what}: got {got:e}, expected {expected:e}");
}

/// A function of one number and its derivative, through a graph.
pub(crate) fn value_and_slope(x: f64, f: for<'g> fn(Var<'g>) -> Var<'g>) -> (f64, f64) {
    let graph = Graph::new();
    let input = graph.input("x", []);
    let y = f(input);
    let slope = grad(y, &[input]).unwrap()[0];
    let at = Bindings::new().bind(input, &[x]);
    let values = graph.evaluate(&[y, slope], &at).unwrap();
    assert_eq!(f(Var::from(x)).number(), Some(values[0].values()[0]));
    (values[0].values()[0], values[1].values()[0])
}

/// The first five draws of a seed are these, on every platform.
pub(crate) fn assert_stable<'g>(distribution: &dyn Distribution<'g>, expected: &[f64]) {
    let draws = sample(distribution, 5, 42).unwrap();
    assert_eq!(draws, expected, "{distribution:?}");
}

/// The expectation of the log density under normals around, next to and far from its bulk, and
/// its derivatives, against the Gauss-Legendre rule of two points on pieces of which one ends
/// at 0.7, where the log density may have a kink.
pub(crate) fn assert_expected(distribution: &dyn for<'g> Distribution<'g>) {
    const KINK: f64 = 0.7;
    for (mean, sd) in [(0.7, 1.0), (0.2, 0.3), (-4.0, 0.1), (3.0, 5.0), (30.0, 0.5)] {
        let at = |mean: f64, sd: f64| {
            let density = |x: f64| {
                let z = (x - mean) / sd;
                (-0.5 * z * z).exp() / (sd * std::f64::consts::TAU.sqrt())
            };
            let (low, high) = (mean - 12.0 * sd, mean + 12.0 * sd);
            let middle = KINK.clamp(low, high);
            let mut total = 0.0;
            for (a, b) in [(low, middle), (middle, high)] {
                let step = (b - a) / 4000.0;
                for piece in 0..4000 {
                    let centre = a + (f64::from(piece) + 0.5) * step;
                    for side in [-1.0, 1.0] {
                        let x = centre + side * step / 12f64.sqrt();
                        let log_prob = number(distribution.log_prob(Var::from(x)));
                        total += 0.5 * step * density(x) * log_prob;
                    }
                }
            }
            total
        };
        let graph = Graph::new();
        let inputs = [graph.input("mean", []), graph.input("sd", [])];
        let expected = distribution.expected_log_prob(inputs[0], inputs[1]);
        let expected = expected.expect("a closed form");
        let mut outputs = grad(expected, &inputs).unwrap();
        outputs.push(expected);
        let bound = Bindings::new()
            .bind(inputs[0], &[mean])
            .bind(inputs[1], &[sd]);
        let values = graph.evaluate(&outputs, &bound).unwrap();
        let [by_mean, by_sd, value] = [0, 1, 2].map(|i| values[i].values()[0]);
        let what = format!("{distribution:?} under N({mean}, {sd}^2)");
        assert_close(value, at(mean, sd), 1e-10, &what);
        let h = 1e-4;
        let slope = |up: f64, down: f64| (up - down) / (2.0 * h);
        let error = |got: f64, by: f64| (got - by).abs() / by.abs().max(1.0);
        assert!(
            error(by_mean, slope(at(mean + h, sd), at(mean - h, sd))) < 1e-6,
            "{what}"
        );
        assert!(
            error(by_sd, slope(at(mean, sd + h), at(mean, sd - h))) < 1e-6,
            "{what}"
        );
    }
}

/// Each row of the log probabilities is the log probability of its number, and they sum to 1.
pub(crate) fn assert_classes<'g>(
    graph: &'g Graph,
    distribution: &dyn Distribution<'g>,
    classes: usize,
    tolerance: f64,
) {
    let all = distribution.log_probabilities().expect("classes");
    let batch = distribution.batch_shape();
    let of_one = |class: usize| {
        let log_prob = distribution.log_prob(Var::from(class as f64));
        log_prob.broadcast_to(batch)
    };
    let mut outputs: Vec<Var<'g>> = (0..classes).map(of_one).collect();
    outputs.push(all);
    let values = graph.evaluate(&outputs, &Bindings::new()).unwrap();
    let all = &values[classes];
    assert_eq!(all.shape()[0], classes);
    assert_eq!(all.shape().without(0, 1), batch);
    let each: Vec<f64> = values[..classes]
        .iter()
        .flat_map(|v| v.values().to_vec())
        .collect();
    assert_eq!(all.values().len(), each.len());
    for (got, expected) in all.values().iter().zip(&each) {
        assert!(
            got == expected || (got - expected).abs() <= tolerance,
            "{distribution:?}: {got}, {expected}"
        );
    }
    for place in 0..batch.elements() {
        let column = all.values().iter().skip(place).step_by(batch.elements());
        let total: f64 = column.map(|log_prob| log_prob.exp()).sum();
        assert!(
            (total - 1.0).abs() < 1e-14,
            "{distribution:?} sums to {total}"
        );
    }
}

/// Kolmogorov-Smirnov against the distribution function.
pub(crate) fn assert_draws_follow<'g>(
    distribution: &dyn Distribution<'g>,
    cdf: impl Fn(f64) -> f64,
) {
    let draws = sample(distribution, DRAWS, SEED).unwrap();
    assert_ks(draws, cdf, &format!("{distribution:?}"));
}

/// The same for each number of an event, given its place; all together in the false-alarm rate.
pub(crate) fn assert_components_follow<'g>(
    distribution: &dyn Distribution<'g>,
    cdf: impl Fn(usize, f64) -> f64,
) {
    let size = distribution.event_shape().elements();
    let draws = sample(distribution, DRAWS, SEED).unwrap();
    for place in 0..size {
        let marginal = draws.iter().skip(place).step_by(size).copied().collect();
        let what = format!("number {place} of {distribution:?}");
        assert_ks(marginal, |x| cdf(place, x), &what);
    }
    let n = DRAWS as f64;
    let moments = [distribution.mean(), distribution.variance()].map(numbers);
    for place in 0..size {
        let of_place = |values: &[f64]| values[place % values.len()];
        let (mean, variance) = (of_place(&moments[0]), of_place(&moments[1]));
        let marginal = draws.iter().skip(place).step_by(size);
        let squares: Vec<f64> = marginal.map(|x| (x - mean) * (x - mean)).collect();
        let second = squares.iter().sum::<f64>() / n;
        let spread = squares
            .iter()
            .map(|s| (s - second) * (s - second))
            .sum::<f64>()
            / n;
        assert!(
            (second - variance).abs() < 4.0 * (spread / n).sqrt() + 1e-12,
            "number {place} of {distribution:?}: variance {second} against {variance}"
        );
    }
}

/// The values of a tensor that depends on no input.
fn numbers(x: Var<'_>) -> Vec<f64> {
    match x.graph() {
        Some(graph) => {
            let values = graph.evaluate(&[x], &Bindings::new()).unwrap();
            values[0].values().to_vec()
        }
        None => x.constant_values().unwrap(),
    }
}

/// The same for the reparameterised draw.
pub(crate) fn assert_rsample_follows(
    distribution: &dyn for<'g> Distribution<'g>,
    cdf: impl Fn(f64) -> f64,
) {
    let graph = Graph::new();
    let mut stream = 0;
    let draw = distribution.rsample(&mut |kind: NoiseKind| {
        stream += 1;
        graph.noise(kind, stream, [DRAWS])
    });
    let draw = draw.expect("there is a reparameterised draw");
    let values = graph
        .evaluate(&[draw], &Bindings::new().seed(SEED))
        .unwrap();
    assert_ks(
        values[0].values().to_vec(),
        cdf,
        &format!("{distribution:?}"),
    );
}

/// The distribution function between two points beyond which next to nothing lies, by Simpson's
/// rule over the density.
pub(crate) fn density_cdf<'g>(
    distribution: &dyn Distribution<'g>,
    low: f64,
    high: f64,
) -> impl Fn(f64) -> f64 + use<> {
    const PIECES: usize = 4000;
    let step = (high - low) / PIECES as f64;
    // Rounding must not lead beyond the end.
    let density = |x: f64| number(distribution.log_prob(Var::from(x.min(high)))).exp();
    let mut total = 0.0;
    let mut sums = vec![0.0];
    for piece in 0..PIECES {
        let a = low + piece as f64 * step;
        total += step / 6.0 * (density(a) + 4.0 * density(a + 0.5 * step) + density(a + step));
        sums.push(total);
    }
    assert!((total - 1.0).abs() < 1e-6, "{distribution:?}: {total}");
    move |x| {
        let place = ((x - low) / step).clamp(0.0, PIECES as f64 - 1e-6);
        let (piece, share) = (place as usize, place.fract());
        (sums[piece] + (sums[piece + 1] - sums[piece]) * share).min(1.0)
    }
}

fn assert_ks(mut draws: Vec<f64>, cdf: impl Fn(f64) -> f64, what: &str) {
    draws.sort_by(f64::total_cmp);
    let n = draws.len() as f64;
    let distance = draws.iter().enumerate().fold(0.0, |largest: f64, (i, &x)| {
        let p = cdf(x);
        assert!((0.0..=1.0).contains(&p), "{what}: drew {x}");
        largest
            .max((p - i as f64 / n).abs())
            .max((p - (i + 1) as f64 / n).abs())
    });
    // The limit law of Kolmogorov puts one in a thousand beyond 1.95.
    assert!(distance * n.sqrt() < 1.95, "{what}: distance {distance}");
}

/// Chi-square of the counts of 0, 1, .., `values - 1` against `log_prob`; cells that expect
/// fewer than ten draws are merged.
pub(crate) fn assert_draws_count<'g>(distribution: &dyn Distribution<'g>, values: usize) {
    let draws = sample(distribution, DRAWS, SEED).unwrap();
    let n = draws.len() as f64;
    let (mut statistic, mut cells, mut total) = (0.0, 0, 0.0);
    let (mut expected, mut observed) = (0.0, 0.0);
    for value in 0..values {
        let x = value as f64;
        let log_prob = number(distribution.log_prob(Var::from(x)));
        expected += n * log_prob.exp();
        observed += draws.iter().filter(|&&d| d == x).count() as f64;
        total += log_prob.exp();
        if expected >= 10.0 {
            statistic += (observed - expected) * (observed - expected) / expected;
            cells += 1;
            (expected, observed) = (0.0, 0.0);
        }
    }
    assert!(
        (total - 1.0).abs() < 1e-12,
        "{distribution:?} sums to {total}"
    );
    assert!(draws.iter().all(|&d| distribution.support().contains(d)));
    // The quantile of Wilson and Hilferty: one in a thousand lies beyond.
    let df = f64::from(cells - 1);
    let spread = 2.0 / (9.0 * df);
    let limit = df * (1.0 - spread + 3.09 * spread.sqrt()).powi(3);
    assert!(statistic < limit, "{distribution:?}: {statistic} on {df}");
}

/// Mean and variance of draws against the formulas, at four standard errors.
pub(crate) fn assert_moments<'g>(distribution: &dyn Distribution<'g>) {
    let draws = sample(distribution, DRAWS, SEED + 1).unwrap();
    let n = draws.len() as f64;
    let (mean, variance) = (number(distribution.mean()), number(distribution.variance()));
    let average = draws.iter().sum::<f64>() / n;
    let error = (variance / n).sqrt();
    assert!(
        (average - mean).abs() < 4.0 * error,
        "{distribution:?}: mean {average}"
    );
    let squares: Vec<f64> = draws.iter().map(|x| (x - mean) * (x - mean)).collect();
    let second = squares.iter().sum::<f64>() / n;
    let spread = squares
        .iter()
        .map(|s| (s - second) * (s - second))
        .sum::<f64>()
        / n;
    assert!(
        (second - variance).abs() < 4.0 * (spread / n).sqrt() + 1e-12 * variance,
        "{distribution:?}: variance {second} against {variance}"
    );
}

/// `-inf` as a number and in the graph, with derivative zero.
pub(crate) fn assert_impossible<'g>(
    graph: &'g Graph,
    distribution: &dyn Distribution<'g>,
    outside: &[f64],
) {
    let input = graph.input("x", []);
    let log_prob = distribution.log_prob(input);
    let slope = grad(log_prob, &[input]).unwrap()[0];
    for &x in outside {
        let folded = number(distribution.log_prob(Var::from(x)));
        assert_eq!(folded, f64::NEG_INFINITY, "{distribution:?} at {x}");
        let at = Bindings::new().bind(input, &[x]);
        let values = graph.evaluate(&[log_prob, slope], &at).unwrap();
        assert_eq!(
            values[0].values(),
            [f64::NEG_INFINITY],
            "{distribution:?} at {x}"
        );
        assert_eq!(
            values[1].values(),
            [0.0],
            "the slope of {distribution:?} at {x}"
        );
    }
}

/// The value of a scalar, run through its graph where it has one.
fn number(x: Var<'_>) -> f64 {
    match x.graph() {
        Some(graph) => graph.evaluate(&[x], &Bindings::new()).unwrap()[0].values()[0],
        None => x.number().unwrap_or(f64::NAN),
    }
}

/// The distribution function of the standard normal.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}
