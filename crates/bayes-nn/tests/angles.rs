//! Angles as variables: a circle has no ends between which nothing passes.

use std::f64::consts::PI;

use bayes_nn::distributions::{Distribution, Normal, VonMises};
use bayes_nn::model::{self, Data, Model, Posterior};
use bayes_nn::{Advi, Nuts};

/// Draws of `angle`, the share of them above 0, and the root mean square of their distance from
/// `loc` along the circle.
fn of_draws<M: Model>(posterior: &Posterior<M>, loc: f64) -> (f64, f64) {
    let draws = posterior.draws(4_000, 1).unwrap();
    let angles = draws.variable("angle").unwrap().values();
    let n = angles.len() as f64;
    let above = angles.iter().filter(|angle| **angle > 0.0).count() as f64 / n;
    let squares: f64 = angles
        .iter()
        .map(|angle| distance(*angle, loc).powi(2))
        .sum();
    (above, (squares / n).sqrt())
}

fn distance(angle: f64, loc: f64) -> f64 {
    (angle - loc).sin().atan2((angle - loc).cos())
}

/// The same of the density `exp(concentration cos(angle - loc))`, by sums.
fn exact(loc: f64, concentration: f64) -> (f64, f64) {
    const POINTS: usize = 20_000;
    let (mut total, mut above, mut squares) = (0.0, 0.0, 0.0);
    for point in 0..POINTS {
        let angle = PI * (2.0 * (point as f64 + 0.5) / POINTS as f64 - 1.0);
        let weight = (concentration * ((angle - loc).cos() - 1.0)).exp();
        total += weight;
        above += weight * f64::from(angle > 0.0);
        squares += weight * distance(angle, loc).powi(2);
    }
    (above / total, (squares / total).sqrt())
}

fn nuts(seed: u64) -> Nuts {
    Nuts::new().warmup(500).draws(1_000).seed(seed)
}

#[test]
fn a_direction_at_half_a_turn_has_both_of_its_sides() {
    for (loc, concentration) in [
        (PI - 0.1, 8.7),
        (0.1 - PI, 50.0),
        (PI - 0.1, 1.0),
        (0.8, 100.0),
    ] {
        let prior = model::from_fn(move |trace, _| {
            trace.sample("angle", VonMises::new(loc, concentration));
        });
        let (above, spread) = exact(loc, concentration);
        let what = format!("{loc}, {concentration}");
        for seed in 0..3 {
            let posterior = model::fit(&prior, Data::new(), &nuts(seed)).unwrap();
            let (share, distance) = of_draws(&posterior, loc);
            // 4,000 draws are worth 1,000 independent ones or more.
            assert!((share - above).abs() < 0.06, "{what}: {share} for {above}");
            assert!(
                (distance / spread - 1.0).abs() < 0.1,
                "{what}: {distance} for {spread}"
            );
            let fit = model::fit(&prior, Data::new(), &Advi::mean_field().seed(seed)).unwrap();
            let (share, distance) = of_draws(&fit, loc);
            assert!(
                (share - above).abs() < 0.05,
                "{what}: ADVI {share} for {above}"
            );
            // A normal distribution over points is not quite that of wide angles.
            let allowed = if concentration < 5.0 { 0.3 } else { 0.1 };
            assert!(
                (distance / spread - 1.0).abs() < allowed,
                "{what}: ADVI {distance} for {spread}"
            );
        }
    }
}

#[test]
fn data_may_say_where_on_the_circle_an_angle_lies() {
    let (at, noise) = (PI - 0.05, 0.2);
    let measured = model::from_fn(move |trace, data| {
        let angle = trace.sample("angle", VonMises::new(0.0, 1e-3));
        trace.observe("x", Normal::new(angle.cos(), noise), data.column("x"));
        trace.observe("y", Normal::new(angle.sin(), noise), data.column("y"));
    });
    let data = Data::new().column("x", &[at.cos()]).unwrap();
    let data = data.column("y", &[at.sin()]).unwrap();
    let (above, spread) = exact(at, 1.0 / (noise * noise));
    for seed in 0..3 {
        let posterior = model::fit(&measured, &data, &nuts(seed)).unwrap();
        let (share, distance) = of_draws(&posterior, at);
        assert!((share - above).abs() < 0.06, "{share} for {above}");
        assert!(
            (distance / spread - 1.0).abs() < 0.1,
            "{distance} for {spread}"
        );
        let fit = model::fit(&measured, &data, &Advi::full_rank().seed(seed)).unwrap();
        let (share, distance) = of_draws(&fit, at);
        assert!((share - above).abs() < 0.05, "ADVI {share} for {above}");
        assert!(
            (distance / spread - 1.0).abs() < 0.15,
            "ADVI {distance} for {spread}"
        );
    }
}

#[test]
fn a_vector_of_angles_is_a_vector() {
    let model = model::from_fn(move |trace, _| {
        trace.sample("angle", VonMises::new(0.3, 2.0).expand([3]));
    });
    let posterior = model::fit(&model, Data::new(), &nuts(1)).unwrap();
    assert_eq!(posterior.sites()[0].shape.to_string(), "[2, 3]");
    let draws = posterior.draws(10, 1).unwrap();
    assert_eq!(draws.variable("angle").unwrap().shape().to_string(), "[3]");
}
