//! Draws have the moments of their densities.

use bayes_nn_inference::Nuts;
use bayes_nn_inference::nuts::{LowRank, Metric, WarmupSchedule};

use crate::targets::{Correlated, Funnel, Standard, assert_mean, column};

fn settings() -> Nuts {
    Nuts::new().draws(2_000).warmup(500).seed(11)
}

#[test]
fn standard_normals_are_drawn_with_every_metric_and_schedule() {
    for metric in [
        Metric::Identity,
        Metric::Variance,
        Metric::Fisher,
        Metric::LowRank(LowRank::new()),
    ] {
        for schedule in [WarmupSchedule::Growing, WarmupSchedule::Stan] {
            let nuts = settings().metric(metric).schedule(schedule);
            let fit = nuts.sample_with(|_| Standard(5)).unwrap();
            assert_eq!(fit.divergences(), 0);
            for coordinate in 0..5 {
                let x = column(&fit, coordinate);
                let what = format!("{metric:?}, {schedule:?}, {coordinate}");
                assert_mean(x.iter().copied(), 0.0, &what);
                assert_mean(x.iter().map(|x| x * x), 1.0, &what);
                assert_mean(x.iter().map(|x| x.powi(4)), 3.0, &what);
            }
        }
    }
}

#[test]
fn correlated_normals_of_unequal_scale_are_drawn_with_every_metric() {
    let low_rank = Metric::LowRank(LowRank::new());
    for metric in [Metric::Variance, Metric::Fisher, low_rank] {
        for r in [0.5, 0.95] {
            let target = || Correlated { r, scale: 1e3 };
            let fit = settings().metric(metric).sample_with(|_| target()).unwrap();
            let (a, b) = (column(&fit, 0), column(&fit, 1));
            let what = format!("{metric:?}, {r}");
            assert_mean(a.iter().copied(), 0.0, &what);
            assert_mean(a.iter().map(|a| a * a), 1.0, &what);
            assert_mean(b.iter().map(|b| b * b), 1e6, &what);
            assert_mean(a.iter().zip(&b).map(|(a, b)| a * b), 1e3 * r, &what);
            // All of them see that the second coordinate is a thousand times as wide.
            for chain in fit.chains() {
                let scale = chain.tuned().whitening.scale();
                let ratio = scale[1] / scale[0];
                assert!((0.5e3..2e3).contains(&ratio), "{what}: {ratio}");
            }
        }
    }
}

#[test]
fn trajectories_of_independent_normals_do_not_run_through_whole_periods() {
    // All coordinates have one frequency: a trajectory that misses the turn after half a period
    // goes on for whole ones and comes back to where it began.
    let nuts = settings().metric(Metric::Identity).target_accept(0.95);
    let fit = nuts.sample_with(|_| Standard(50)).unwrap();
    for chain in fit.chains() {
        let steps: f64 = chain
            .draws()
            .statistics()
            .iter()
            .map(|s| f64::from(s.leapfrog_steps) * s.step_size)
            .sum();
        let time = steps / chain.draws().len() as f64;
        assert!(time < std::f64::consts::TAU, "mean length in time: {time}");
    }
    assert_mean(column(&fit, 7).iter().map(|x| x * x), 1.0, "variance");
}

#[test]
fn the_neck_of_a_funnel_shows_as_divergences() {
    let nuts = Nuts::new().chains(8).seed(3);
    let fit = nuts.sample_with(|_| Funnel).unwrap();
    assert!(fit.divergences() > 5, "{}", fit.divergences());
    for chain in fit.chains() {
        assert!(chain.error().is_none());
        assert_eq!(chain.draws().len(), 1_000);
        assert!(chain.draws().positions().iter().all(|x| x.is_finite()));
    }
}
