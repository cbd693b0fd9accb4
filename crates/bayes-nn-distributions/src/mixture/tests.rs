//! Tests of mixtures.

use super::*;
use crate::testing::{
    assert_classes, assert_draws_count, assert_draws_follow, assert_impossible, assert_moments,
    assert_stable, normal_cdf,
};
use crate::{
    Bernoulli, Categorical, Dirichlet, HalfNormal, Horseshoe, Normal, Poisson, Uniform, sample,
};
use bayes_nn_autodiff::{Bindings, Graph, grad};

#[test]
fn a_mixture_of_classes_has_their_log_probabilities() {
    let graph = Graph::new();
    let coins = |values: &[f64]| Bernoulli::logits(graph.constant(values, values.len()));
    let parts = [(0.25, coins(&[0.3, -2.0, 800.0])), (0.75, coins(&[1.0]))];
    assert_classes(&graph, &Mixture::new(parts), 2, 0.0);
    let logits = |values: &[f64]| Categorical::new(graph.constant(values, [3, 2]));
    let parts = [
        (0.25, logits(&[0.0, 1.0, 2.0, -1.0, 5.0, 0.5])),
        (0.75, logits(&[0.0; 6])),
    ];
    assert_classes(&graph, &Mixture::new(parts), 3, 0.0);
}

#[test]
fn the_expected_log_density_of_a_normal_number_is_bounded_by_the_best_choice_of_component() {
    let scales = [1.0, 0.0025];
    let mixture = Mixture::new(
        [0.25, 0.75]
            .into_iter()
            .zip(scales.map(|s| Normal::new(0.0, s))),
    );
    for (mean, sd) in [(0.0, 0.0025), (0.3, 0.1), (0.004, 0.003), (-2.0, 0.7)] {
        let number = |x: Var| x.number().unwrap();
        let (mean_of, sd_of) = (Var::from(mean), Var::from(sd));
        let bound = number(mixture.expected_log_prob(mean_of, sd_of).unwrap());
        // With the component drawn by probabilities (r, 1 - r).
        let of = |odds: f64| {
            let term = |r: f64, weight: f64, scale: f64| {
                let expected = Normal::new(0.0, scale).expected_log_prob(mean_of, sd_of);
                r * (number(expected.unwrap()) + (weight / r).ln())
            };
            term(1.0 / (1.0 + odds.recip()), 0.25, scales[0])
                + term(1.0 / (1.0 + odds), 0.75, scales[1])
        };
        let odds = (-4_000..4_000).map(|i| (f64::from(i) * 0.01).exp());
        let best = odds.map(of).fold(f64::MIN, f64::max);
        assert!(
            (bound - best).abs() < 2e-5 * best.abs(),
            "{mean} {sd}: {bound} {best}"
        );
        let (cells, width) = (40_000, 16.0 * sd / 40_000.0);
        let expectation: f64 = (0..cells)
            .map(|i| mean - 8.0 * sd + (f64::from(i) + 0.5) * width)
            .map(|x| {
                let density = Normal::new(mean, sd).log_prob(Var::from(x));
                number(density).exp() * width * number(mixture.log_prob(Var::from(x)))
            })
            .sum();
        assert!(
            bound <= expectation + 1e-9,
            "{mean} {sd}: {bound} {expectation}"
        );
        assert!(
            bound > expectation - 2f64.ln(),
            "{mean} {sd}: {bound} {expectation}"
        );
    }
}

fn two_peaks() -> Mixture<'static, Normal<'static>> {
    Mixture::new([(0.3, Normal::new(-1.0, 0.5)), (0.7, Normal::new(2.0, 1.0))])
}

#[test]
fn a_seed_gives_these_numbers() {
    assert_stable(
        &two_peaks(),
        &[
            3.50429979394226,
            1.4214246231560443,
            -0.8684168855349343,
            2.6335772993411757,
            0.10603333937543735,
        ],
    );
}

#[test]
fn draws_follow_the_distribution_function() {
    assert_draws_follow(&two_peaks(), |x| {
        0.3 * normal_cdf((x + 1.0) / 0.5) + 0.7 * normal_cdf(x - 2.0)
    });
    assert_moments(&two_peaks());
    let zero_inflated = Mixture::new([(0.2, Poisson::new(0.0)), (0.8, Poisson::new(5.0))]);
    assert_draws_count(&zero_inflated, 40);
    assert_moments(&zero_inflated);
}

#[test]
fn components_with_several_numbers_each_are_drawn_with_their_own() {
    let graph = Graph::new();
    let even = graph.constant(&[0.0, -1e9, 0.0], [3]);
    let odd = graph.constant(&[-1e9, 0.0, -1e9], [3]);
    let mixture = Mixture::new([(0.5, Categorical::new(even)), (0.5, Categorical::new(odd))]);
    assert_draws_count(&mixture, 3);
    assert_eq!(mixture.parameters()[2].name, "component[0].logits");
}

#[test]
fn a_weight_of_zero_takes_no_part() {
    let graph = Graph::new();
    let weight = graph.input("weight", []);
    let x = graph.input("x", []);
    let mixture = Mixture::new([
        (weight, Normal::new(0.0, 1.0)),
        (1.0 - weight, Normal::new(1.0, 1.0)),
    ]);
    let log_prob = mixture.log_prob(x);
    let slope = grad(log_prob, &[x]).unwrap()[0];
    let by_weight = grad(log_prob, &[weight]).unwrap()[0];
    let at = Bindings::new().bind(weight, &[0.0]).bind(x, &[0.25]);
    let outputs = [log_prob, slope, by_weight];
    let values = graph.evaluate(&outputs, &at).unwrap();
    let alone = Normal::new(1.0, 1.0).log_prob(Var::from(0.25)).number();
    assert_eq!(Some(values[0].values()[0]), alone);
    assert_eq!(values[1].values()[0], 0.75);
    assert!(values[2].values()[0].is_finite());
}

#[test]
fn what_no_component_can_draw_is_impossible() {
    let graph = Graph::new();
    let mixture = Mixture::new([(0.5, HalfNormal::new(1.0)), (0.5, HalfNormal::new(9.0))]);
    assert_impossible(&graph, &mixture, &[-1.0]);
}

#[test]
fn a_pole_of_a_component_is_one_of_the_mixture_and_has_no_slope() {
    let graph = Graph::new();
    let (x, scale) = (graph.input("x", []), graph.input("scale", []));
    let mixture = Mixture::new([(0.5, Horseshoe::new(scale)), (0.5, Horseshoe::new(3.0))]);
    let mut outputs = grad(mixture.log_prob(x), &[x, scale]).unwrap();
    outputs.push(mixture.log_prob(x));
    let at = Bindings::new().bind(x, &[0.0]).bind(scale, &[1.0]);
    let values = graph.evaluate(&outputs, &at).unwrap();
    let values: Vec<f64> = values.iter().map(|v| v.values()[0]).collect();
    assert_eq!(values, [0.0, 0.0, f64::INFINITY]);
}

#[test]
fn components_that_are_expanded_keep_their_shape() {
    let wide = |scale: f64| Normal::new(0.0, scale).expand([3]);
    let mixture = Mixture::new([(0.5, wide(1.0)), (0.5, wide(0.1))]);
    assert_eq!(mixture.shape(), Shape::from([3]));
    assert_eq!(sample(&mixture, 2, 1).unwrap().len(), 6);
}

#[test]
fn weights_and_supports_are_checked() {
    let message = |mixture: &dyn Distribution<'static>| mixture.check().unwrap_err().to_string();
    let heavy = Mixture::new([(0.3, Normal::new(0.0, 1.0)), (0.8, Normal::new(0.0, 1.0))]);
    assert_eq!(
        message(&heavy),
        "Mixture: the weights must sum to 1, got 1.1"
    );
    let empty = Mixture::<Normal>::new(Vec::<(f64, _)>::new());
    assert_eq!(
        message(&empty),
        "Mixture: there must be at least one component"
    );
    let parts: [(f64, Box<dyn Distribution<'static>>); 2] = [
        (0.5, Box::new(Normal::new(0.0, 1.0))),
        (0.5, Box::new(Bernoulli::probs(0.5))),
    ];
    assert_eq!(
        message(&Mixture::new(parts)),
        "Mixture: all components must have the same support, component[0] draws a finite \
         number, component[1] 0 or 1"
    );
    let graph = Graph::new();
    let shares = |k: usize| Dirichlet::new(graph.constant(&vec![1.0; k], k));
    assert_eq!(
        Mixture::new([(0.5, shares(2)), (0.5, shares(3))])
            .check()
            .unwrap_err()
            .to_string(),
        "Mixture: all components must draw events of the same shape, component[0] has [2], \
         component[1] [3]"
    );
    let swapped = Mixture::new([(1.0, Uniform::new(1.0, 0.0))]);
    assert_eq!(
        message(&swapped),
        "Mixture: component[0]: low must be less than high, got low = 1 and high = 0"
    );
    let narrow = Mixture::new([(1.0, Normal::new(0.0, 0.0))]);
    assert_eq!(
        message(&narrow),
        "Mixture: component[0].scale must be a finite number > 0, got 0"
    );
    assert!(sample(&narrow, 1, 0).is_err());
}

#[test]
fn weights_are_checked_even_when_components_are_computed_later() {
    let graph = Graph::new();
    let loc = graph.input("loc", [3]);
    let mixture = Mixture::new([(0.3, Normal::new(loc, 1.0)), (0.8, Normal::new(loc, 2.0))]);
    let error = mixture.check().unwrap_err().to_string();
    assert_eq!(error, "Mixture: the weights must sum to 1, got 1.1");
}
