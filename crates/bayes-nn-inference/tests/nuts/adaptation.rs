//! Warm-up reaches what it is asked for.

use bayes_nn_inference::Nuts;
use bayes_nn_inference::diagnostics::ess_bulk;
use bayes_nn_inference::nuts::{LowRank, Metric, WarmupSchedule};

use crate::targets::{Chained, Correlated, Standard, assert_mean, column};

#[test]
fn the_mean_acceptance_is_the_wanted_one() {
    // Stan's has 50 draws for the last step size, the growing one 150.
    for (schedule, near) in [
        (WarmupSchedule::Growing, 0.05),
        (WarmupSchedule::Stan, 0.15),
    ] {
        for target in [0.6, 0.8, 0.95] {
            let nuts = Nuts::new().target_accept(target).schedule(schedule).seed(5);
            let fit = nuts.sample_with(|_| Standard(20)).unwrap();
            let statistics = fit.chains().iter().flat_map(|c| c.draws().statistics());
            let mean = statistics.map(|s| s.acceptance).sum::<f64>() / 4_000.0;
            assert!(
                (mean - target).abs() < near,
                "{schedule:?}: {mean} for {target}"
            );
        }
    }
}

#[test]
fn a_first_step_size_is_found_from_far_away() {
    for initial in [1e-7, 1e7] {
        let nuts = Nuts::new()
            .initial_step(initial)
            .warmup(100)
            .draws(10)
            .seed(1);
        let fit = nuts
            .metric(Metric::Identity)
            .sample_with(|_| Standard(5))
            .unwrap();
        for chain in fit.chains() {
            assert!((0.1..4.0).contains(&chain.tuned().step_size));
        }
    }
}

#[test]
fn the_metric_spares_gradients_where_scales_differ() {
    let cost = |metric| {
        let nuts = Nuts::new().metric(metric).seed(2).draws(500).warmup(500);
        let density = |_| Correlated {
            r: 0.0,
            scale: 100.0,
        };
        let fit = nuts.sample_with(density).unwrap();
        let steps = fit.chains().iter().flat_map(|c| c.draws().statistics());
        steps.map(|s| u64::from(s.leapfrog_steps)).sum::<u64>()
    };
    let plain = cost(Metric::Identity);
    assert!(cost(Metric::Variance) * 10 < plain);
    assert!(cost(Metric::Fisher) * 10 < plain);
}

#[test]
fn the_low_rank_metric_spares_gradients_where_coordinates_are_correlated() {
    let gradients_per_draw = |metric| {
        let nuts = Nuts::new().metric(metric).chains(2).seed(7);
        let fit = nuts.sample_with(|_| Chained { dim: 20, r: 0.98 }).unwrap();
        let steps = fit.chains().iter().flat_map(|c| c.draws().statistics());
        let gradients: u64 = steps.map(|s| u64::from(s.leapfrog_steps)).sum();
        let columns = (0..20).map(|i| {
            let chains: Vec<Vec<f64>> = fit.chains().iter().map(|c| c.draws().column(i)).collect();
            let slices: Vec<&[f64]> = chains.iter().map(Vec::as_slice).collect();
            let x = column(&fit, i);
            assert_mean(x.iter().copied(), 0.0, "mean");
            assert_mean(x.iter().map(|x| x * x), 1.0, "variance");
            ess_bulk(&slices).unwrap()
        });
        gradients as f64 / columns.fold(f64::INFINITY, f64::min)
    };
    let diagonal = gradients_per_draw(Metric::Fisher);
    let low_rank = gradients_per_draw(Metric::LowRank(LowRank::new()));
    assert!(3.0 * low_rank < diagonal, "{low_rank}, {diagonal}");
}

#[test]
fn the_low_rank_metric_has_as_many_directions_as_it_may() {
    let nuts = Nuts::new().warmup(300).draws(10).chains(1).seed(7);
    let directions = |settings| {
        let nuts = nuts.clone().metric(Metric::LowRank(settings));
        let fit = nuts.sample_with(|_| Chained { dim: 20, r: 0.98 }).unwrap();
        fit.chains()[0].tuned().whitening.directions().count()
    };
    assert!(directions(LowRank::new()) > 3);
    assert_eq!(directions(LowRank::new().rank(3)), 3);
    assert_eq!(directions(LowRank::new().cutoff(1e6)), 0);
}

#[test]
fn a_cap_on_leapfrog_steps_is_kept_by_whole_doublings() {
    // A metric of directions would need no long trajectories.
    let nuts = Nuts::new().max_leapfrog(20).metric(Metric::Fisher);
    let nuts = nuts.initial_step(1e-3).seed(2);
    let fit = nuts.warmup(100).draws(100).sample_with(|_| Correlated {
        r: 0.999,
        scale: 1.0,
    });
    let fit = fit.unwrap();
    let steps = fit.chains().iter().flat_map(|c| c.draws().statistics());
    // 15 is the most that whole doublings take below 20.
    assert_eq!(steps.map(|s| s.leapfrog_steps).max(), Some(15));
    assert!(fit.depth_reached() > 0);
}
