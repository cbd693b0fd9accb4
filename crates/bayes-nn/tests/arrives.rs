//! A fit with nothing set but its family arrives, or says that it has not.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bayes_nn::distributions::{Dirichlet, Mixture, Ordered};
use bayes_nn::model::{self, Batch, Model, Trace};
use bayes_nn::prelude::*;
use bayes_nn::{AdviFit, Evidence, Fit, Posterior, Stop};

/// The mean and standard deviation of a scalar under a guide, from many draws.
fn moments<M: Model>(fit: &Posterior<M>, name: &str) -> (f64, f64) {
    let draws = fit.draws(100_000, 1).unwrap();
    let variable = draws.variable(name).unwrap();
    (variable.mean()[0], variable.sd()[0])
}

fn far<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let x = trace.sample("x", Normal::new(0.0, 1.0));
    trace.observe("y", Normal::new(x, 1.0), data.column("y"));
}

#[test]
fn a_mean_far_from_its_prior_is_found_from_every_seed() {
    let data = Data::new().column("y", &[1000.0]).unwrap();
    for seed in 1..=20 {
        for advi in [Advi::full_rank(), Advi::mean_field()] {
            let fit = model::fit(&far, &data, &advi.seed(seed)).unwrap();
            let guide = fit.advi().unwrap().approximation();
            let sd = 0.5f64.sqrt();
            assert!((guide.mean()[0] - 500.0).abs() < 0.02 * sd, "{seed}: {fit}");
            assert!((guide.sd()[0] / sd - 1.0).abs() < 0.02, "{seed}: {fit}");
            assert!(fit.advi().unwrap().convergence().converged);
            assert!(fit.advi().unwrap().k_hat().unwrap() < 0.5, "{fit}");
        }
    }
}

/// A line whose outcome was multiplied by `scale`, then moved by `shift`.
fn line(shift: f64, scale: f64) -> impl Model + Clone {
    model::from_fn(move |trace, data| {
        let slope = trace.sample("slope", Normal::new(0.0, 10.0 * scale));
        let intercept = trace.sample("intercept", Normal::new(shift, 10.0 * scale));
        let noise = trace.sample("noise", HalfNormal::new(scale));
        let mean = intercept + slope * data.column("x");
        trace.observe("y", Normal::new(mean, noise), data.column("y"));
    })
}

fn line_data(shift: f64, scale: f64) -> Data {
    let y = [1.1, 2.9, 5.2, 7.0, 8.8, 11.3, 12.8, 15.1];
    let y: Vec<f64> = y.iter().map(|y| shift + scale * y).collect();
    let x: Vec<f64> = (0..8).map(f64::from).collect();
    Data::new().column("x", x).unwrap().column("y", y).unwrap()
}

#[test]
fn shifting_and_scaling_the_outcome_changes_nothing_but_the_numbers() {
    for advi in [Advi::full_rank(), Advi::mean_field()] {
        let plain = model::fit(&line(0.0, 1.0), line_data(0.0, 1.0), &advi).unwrap();
        for (shift, scale) in [(1e6, 1e3), (1e6, 1.0), (-30.0, 1e-3)] {
            let (model, data) = (line(shift, scale), line_data(shift, scale));
            let fit = model::fit(&model, &data, &advi).unwrap();
            for (name, shift) in [("slope", 0.0), ("intercept", shift), ("noise", 0.0)] {
                let ((mean, sd), (right, right_sd)) = (moments(&fit, name), moments(&plain, name));
                let off = ((mean - shift) / scale - right).abs() / right_sd;
                assert!(
                    off < 0.1,
                    "{name} by {shift} and {scale}: {off} sd off\n{fit}"
                );
                let ratio = sd / scale / right_sd;
                assert!(
                    (ratio - 1.0).abs() < 0.1,
                    "{name} by {shift} and {scale}: {ratio}"
                );
            }
        }
    }
}

#[test]
fn a_steep_line_far_above_zero_is_where_nuts_finds_it() {
    let steep = model::from_fn(|trace, data| {
        let slope = trace.sample("slope", Normal::new(0.0, 100.0));
        let intercept = trace.sample("intercept", Normal::new(0.0, 1000.0));
        let noise = trace.sample("noise", HalfNormal::new(10.0));
        let mean = intercept + slope * data.column("x");
        trace.observe("y", Normal::new(mean, noise), data.column("y"));
    });
    let x: Vec<f64> = (0..12).map(f64::from).collect();
    let y = x.iter().map(|x| 400.0 + 25.0 * x + 3.0 * (5.0 * x).sin());
    let data = Data::new().column("y", y.collect::<Vec<_>>()).unwrap();
    let data = data.column("x", x.clone()).unwrap();
    let exact = model::fit(&steep, &data, &Nuts::new().draws(20_000).seed(1)).unwrap();
    let summary = exact.summary().unwrap();
    for seed in 1..=20 {
        let fit = model::fit(&steep, &data, &Advi::full_rank().seed(seed)).unwrap();
        for row in &summary.rows {
            let (mean, _) = moments(&fit, &row.name);
            let off = (mean - row.mean.unwrap()).abs() / row.sd.unwrap();
            assert!(
                off < 0.1,
                "{} of seed {seed}: {off} sd off\n{fit}",
                row.name
            );
        }
    }
}

/// Neal's funnel: no normal has its shape.
fn funnel<'g>(trace: &Trace<'g>, _: &Batch<'g>) {
    let v = trace.sample("v", Normal::new(0.0, 3.0));
    trace.sample("x", Normal::new(0.0, (0.5 * v).exp()).expand([8]));
}

#[test]
fn a_guide_without_the_posteriors_shape_says_so() {
    for advi in [Advi::full_rank(), Advi::mean_field()] {
        let fit = model::fit(&funnel, Data::new(), &advi).unwrap();
        let found = fit.advi().unwrap();
        let misfit = found.k_hat().unwrap() > 0.7 && fit.warnings().join("").contains("k-hat");
        assert!(misfit || !found.convergence().converged, "{found}");
        assert!(found.to_string().contains("k-hat"), "{found}");
    }
    // Steps by an optimiser that were too few are told alike.
    let advi = Advi::mean_field().steps(100);
    let fit = model::fit(&line(0.0, 1.0), line_data(0.0, 1.0), &advi).unwrap();
    let found = fit.advi().unwrap();
    assert_eq!(found.gradients(), 100);
    assert!(found.k_hat().unwrap() > 1.0, "{found}");
    assert!(matches!(
        found.convergence().evidence,
        Evidence::Windows { .. }
    ));
}

#[test]
fn restarts_have_the_same_bits_on_any_number_of_threads() {
    let fit = |threads| {
        let advi = Advi::full_rank().restarts(3).threads(threads).seed(4);
        let fit = model::fit(&line(0.0, 1.0), line_data(0.0, 1.0), &advi).unwrap();
        let found = fit.advi().unwrap();
        let elbos: Vec<f64> = found
            .restarts()
            .iter()
            .map(|restart| restart.outcome.as_ref().unwrap().0.mean)
            .collect();
        (found.approximation().clone(), elbos)
    };
    let (one, elbos) = fit(1);
    assert_eq!((one, elbos.clone()), fit(3));
    assert_eq!(elbos.len(), 3);
    assert!(
        elbos[0] != elbos[1] && (elbos[0] - elbos[1]).abs() < 0.1,
        "{elbos:?}"
    );
}

#[test]
fn a_callback_sees_the_steps_and_ends_them() {
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = calls.clone();
    let advi = Advi::full_rank().every(100).callback(move |snapshot| {
        assert!(!snapshot.elbos.is_empty() && snapshot.sd.iter().all(|sd| *sd > 0.0));
        match seen.fetch_add(1, Ordering::Relaxed) {
            2 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    let fit = model::fit(&line(0.0, 1.0), line_data(0.0, 1.0), &advi).unwrap();
    let found = fit.advi().unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    assert_eq!(found.stop(), Stop::Callback);
    assert!(!found.convergence().converged);
    assert_eq!(found.curve().seconds().len() as u64, found.steps());
}

#[test]
fn budget_and_tolerance_say_when_natural_gradients_end() {
    let fit = |advi: Advi| {
        let fit = model::fit(&line(0.0, 1.0), line_data(0.0, 1.0), &advi).unwrap();
        fit.advi().unwrap().clone()
    };
    let (usual, fine) = (
        fit(Advi::full_rank()),
        fit(Advi::full_rank().tolerance(0.01)),
    );
    assert!(fine.convergence().converged);
    assert!(fine.gradients() > 2 * usual.gradients());
    let moved = |fit: &AdviFit| match fit.convergence().evidence {
        Evidence::Stages { mean, sd } => mean.max(sd),
        _ => panic!("{fit}"),
    };
    assert!(moved(&fine) < 0.01 && moved(&usual) < 0.05);
    let short = fit(Advi::full_rank().budget(500));
    assert!(!short.convergence().converged && short.stop() == Stop::Steps);
    assert!((500..1_500).contains(&short.gradients()), "{short}");
    assert!(short.warnings().join("").contains("`budget`"));
}

#[test]
fn settings_of_natural_gradients_are_refused_by_other_fits() {
    let refused = |advi: Advi| {
        let fit = model::fit(&line(0.0, 1.0), line_data(0.0, 1.0), &advi);
        fit.map(|fit| fit.to_string()).unwrap_err().to_string()
    };
    let told = refused(Advi::full_rank().steps(100).budget(1_000));
    assert!(told.contains("`budget` is 1000"), "{told}");
    assert!(told.contains("does not go by natural gradients"), "{told}");
    let told = refused(Advi::map().tolerance(0.1));
    assert!(told.contains("`tolerance` is 0.1"), "{told}");
    assert!(refused(Advi::mean_field().budget(0)).contains("1 or more"));
    assert!(refused(Advi::mean_field().tolerance(f64::NAN)).contains("above 0"));
}

#[test]
fn guides_of_low_rank_converge_from_every_seed() {
    for seed in 0..8 {
        let advi = Advi::low_rank(1).seed(seed);
        let fit = model::fit(&line(0.0, 1.0), line_data(0.0, 1.0), &advi).unwrap();
        let found = fit.advi().unwrap();
        assert!(found.convergence().converged, "{fit}");
        assert!(found.k_hat().unwrap() < 0.7, "{fit}");
    }
}

#[test]
fn a_mode_that_few_starts_come_to_is_found_from_every_seed() {
    let mixture = model::from_fn(|trace, data| {
        let weights = trace.graph().constant(&[2.0; 3], [3]);
        let weight = trace.sample("weight", Dirichlet::new(weights));
        let mean = trace.sample("mean", Ordered::new(Normal::new(0.0, 5.0), 3));
        let sd = trace.sample("sd", HalfNormal::new(2.0).expand([3]));
        let part = |k: usize| (weight.row(k), Normal::new(mean.row(k), sd.row(k)));
        trace.observe("y", Mixture::new((0..3).map(part)), data.column("y"));
    });
    // Logistic quantiles around three places.
    let mut y = Vec::new();
    for (place, scale, count) in [(-4.0, 0.6, 45), (0.5, 0.4, 60), (5.0, 0.7, 45)] {
        let share = |i: usize| (i as f64 + 0.5) / count as f64;
        y.extend((0..count).map(|i| place + scale * (share(i) / (1.0 - share(i))).ln()));
    }
    let data = Data::new().column("y", y).unwrap();
    for seed in 1..=12 {
        for advi in [Advi::full_rank(), Advi::mean_field()] {
            let fit = model::fit(&mixture, &data, &advi.seed(seed)).unwrap();
            let found = fit.draws(500, 1).unwrap();
            let found = found.variable("mean").unwrap().mean();
            for (found, place) in found.iter().zip([-4.0, 0.5, 5.0]) {
                assert!((found - place).abs() < 0.4, "seed {seed}: {found}\n{fit}");
            }
        }
    }
}

#[test]
fn slopes_and_levels_by_group_are_found_whatever_the_scale_of_the_priors() {
    // As the weights of thirty young rats in Gelfand et al. 1990: means hundreds of standard deviations
    // from 0, and a density without a maximum, as the spread of a group's levels may be 0.
    let mut state = 1u64;
    let mut normal = || {
        let mut uniform = || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
        };
        let radius = (-2.0 * uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * uniform()).cos()
    };
    let (mut rat, mut day, mut weight) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..30 {
        let (level, slope) = (242.0 + 14.0 * normal(), 6.2 + 0.5 * normal());
        for at in [-14.0, -7.0, 0.0, 7.0, 14.0] {
            rat.push(i);
            day.push(at);
            weight.push(level + slope * at + 6.0 * normal());
        }
    }
    let rats = model::from_fn(|trace, data| {
        let level = trace.sample("level", Normal::new(0.0, 1000.0));
        let slope = trace.sample("slope", Normal::new(0.0, 100.0));
        let levels = trace.sample("levels", HalfNormal::new(100.0));
        let slopes = trace.sample("slopes", HalfNormal::new(10.0));
        let noise = trace.sample("noise", HalfNormal::new(50.0));
        let a = trace.sample("a", Normal::new(level, levels).expand([30]));
        let b = trace.sample("b", Normal::new(slope, slopes).expand([30]));
        let rat = data.index("rat");
        let mean = a.gather(rat, 0) + b.gather(rat, 0) * data.column("day");
        trace.observe("weight", Normal::new(mean, noise), data.column("weight"));
    });
    let data = Data::new()
        .index("rat", &rat)
        .unwrap()
        .column("day", &day)
        .unwrap();
    let data = data.column("weight", &weight).unwrap();
    for seed in 1..=6 {
        let fit = model::fit(&rats, data.clone(), &Advi::full_rank().seed(seed)).unwrap();
        let draws = fit.draws(1000, 0).unwrap();
        let noise = draws.variable("noise").unwrap().mean()[0];
        assert!((5.0..7.5).contains(&noise), "seed {seed}: {noise}");
    }
}
