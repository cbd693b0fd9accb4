//! Pathfinder on densities whose posteriors are known.

use std::rc::Rc;

use bayes_nn_autodiff::{Graph, Var};
use bayes_nn_inference::{
    Density, DensityError, Fit, Handler, InferenceError, Method, PathFailure, Pathfinder,
    PathfinderFit, Rows, Site, Start, Term, Traced,
};
use bayes_nn_kernels::Precision;

#[allow(dead_code, reason = "ADVI is asked for more than Pathfinder can say")]
#[path = "advi/regression.rs"]
mod regression;

use regression::Regression;

/// The log density of a vector, by a formula.
struct Formula<F> {
    sites: Vec<Site>,
    log_prob: F,
}

fn formula<F: for<'g> Fn(Var<'g>) -> Var<'g> + Sync>(dim: usize, log_prob: F) -> Formula<F> {
    Formula {
        sites: vec![Site::new("x", [dim], 0)],
        log_prob,
    }
}

impl<F: for<'g> Fn(Var<'g>) -> Var<'g> + Sync> Density for Formula<F> {
    fn sites(&self) -> &[Site] {
        &self.sites
    }

    fn start(&self, seed: u64) -> Result<Vec<f64>, DensityError> {
        Ok((0..self.dim())
            .map(|i| (seed as f64 + i as f64).sin())
            .collect())
    }

    fn trace<'g>(
        &self,
        _: &'g Graph,
        handler: Rc<dyn Handler<'g> + 'g>,
        _: Rows,
    ) -> Result<Traced<'g>, DensityError> {
        let x = handler.unconstrained("x", [self.dim()].into())?;
        Ok(Traced::new(vec![Term::new("bend", (self.log_prob)(x))]))
    }
}

/// The mean and standard deviation of a coordinate of the draws.
fn moments(fit: &PathfinderFit, coordinate: usize) -> (f64, f64) {
    let dim = fit.sites()[0].range().end;
    let values: Vec<f64> = fit
        .draws()
        .rows()
        .iter()
        .skip(coordinate)
        .step_by(dim)
        .copied()
        .collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / n).sqrt())
}

#[test]
fn a_conjugate_posterior_is_found_in_a_few_gradients() {
    for (model, precision) in [
        (Regression::normal_mean(), Precision::F64),
        (Regression::line(), Precision::F64),
        (Regression::line(), Precision::F32),
    ] {
        let exact = model.exact();
        let fit = Pathfinder::new()
            .precision(precision)
            .seed(3)
            .fit(&model)
            .unwrap();
        let elbo = fit.elbo().mean;
        assert!((elbo - exact.log_evidence).abs() < 0.01, "{fit}");
        assert!(fit.k_hat() < 0.5 && fit.gradients() < 100, "{fit}");
        assert_eq!(fit.warnings(), Vec::<String>::new());
        for (i, (mean, sd)) in exact.mean.iter().zip(&exact.sd).enumerate() {
            // Five standard errors of a thousand draws.
            let found = moments(&fit, i);
            assert!((found.0 - mean).abs() < 0.16 * sd, "{found:?} for {mean}");
            assert!((found.1 / sd - 1.0).abs() < 0.12, "{found:?} for {sd}");
        }
    }
}

/// `z = ln g` of a gamma variable of shape 3, whose mode is 0.18 to the right of the mean.
#[test]
fn weights_draw_the_posterior_out_of_a_normal_at_its_mode() {
    let skewed = formula(1, |z| (3.0 * z - z.exp()).sum());
    let fit = Pathfinder::new()
        .proposals(4000)
        .draws(4000)
        .fit(&skewed)
        .unwrap();
    let (mean, sd) = moments(&fit, 0);
    // The digamma and the root of the trigamma function of 3; five standard errors.
    assert!((mean - 0.92278).abs() < 0.06, "{mean}");
    assert!((sd - 0.62844).abs() < 0.06, "{sd}");
    assert!(fit.k_hat() < 0.7, "{fit}");
}

#[test]
fn results_do_not_depend_on_threads_and_paths_not_on_each_other() {
    let density = formula(3, |z| (3.0 * z - z.exp()).sum());
    let with = |threads, seed, paths| {
        let pathfinder = Pathfinder::new().threads(threads).seed(seed).paths(paths);
        pathfinder.fit(&density).unwrap()
    };
    let (one, three) = (with(1, 7, 4), with(3, 7, 4));
    assert_eq!(one.draws(), three.draws());
    assert_eq!(one.k_hat(), three.k_hat());
    let last = with(1, 10, 1);
    assert_eq!(last.paths()[0].gradients(), one.paths()[3].gradients());
    assert_eq!(last.paths()[0].seed(), one.paths()[3].seed());
}

#[test]
fn starts_that_are_not_finite_are_drawn_again() {
    // The logarithm of a gamma density, which half of all starts are outside of.
    let positive = formula(1, |x| (60.0 * x.ln() - 40.0 * x).sum());
    let fit = Pathfinder::new().seed(1).fit(&positive).unwrap();
    assert!(
        fit.paths().iter().all(|path| path.outcome().is_ok()),
        "{fit}"
    );
    assert!((moments(&fit, 0).0 - 61.0 / 40.0).abs() < 0.03);
}

#[test]
fn a_path_without_an_end_is_dropped_and_named() {
    // To the right of 0 a normal; to the left it grows for ever.
    let half = formula(1, |x| {
        let normal = -20.0 * (x - 3.0) * (x - 3.0);
        x.gt(0.0).select(normal, (-x).exp() - 181.0).sum()
    });
    let fit = Pathfinder::new().paths(8).fit(&half).unwrap();
    let dropped: Vec<usize> = (0..8)
        .filter(|path| fit.paths()[*path].outcome().is_err())
        .collect();
    assert!(!dropped.is_empty() && dropped.len() < 8, "{fit}");
    let name = format!("path {} had no normal with a finite ELBO", dropped[0]);
    assert!(
        fit.warnings()
            .iter()
            .any(|warning| warning.starts_with(&name)),
        "{:?}",
        fit.warnings()
    );
    assert!(
        fit.to_string().contains("dropped: it had no normal"),
        "{fit}"
    );
    assert!((moments(&fit, 0).0 - 3.0).abs() < 0.03);
}

#[test]
fn where_all_paths_fail_the_error_says_why_and_what_to_do() {
    let nowhere = formula(2, |x| (x - 10.0).ln().sum());
    let error = Pathfinder::new().fit(&nowhere).unwrap_err();
    let InferenceError::NoPath { paths: 4, failure } = &error else {
        panic!("{error}");
    };
    let PathFailure::NoStart { term, .. } = &**failure else {
        panic!("{error}");
    };
    assert_eq!(term.as_deref(), Some("bend"));
    let said = error.to_string();
    for part in [
        "none of 4 paths",
        "100 tries",
        "in the term `bend`",
        "start_at",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let endless = formula(1, |x| (-x).exp().sum());
    let error = Pathfinder::new().fit(&endless).unwrap_err().to_string();
    assert!(error.contains("no normal with a finite ELBO"), "{error}");
}

#[test]
fn draws_that_are_copies_are_counted_and_said() {
    // Tails that a normal has no draws in, in forty directions.
    let heavy = formula(40, |x| -(1.0 + x * x).ln().sum());
    let fit = Pathfinder::new().seed(2).fit(&heavy).unwrap();
    let mut rows: Vec<&[f64]> = fit.draws().rows().chunks(40).collect();
    rows.sort_by(|a, b| a[0].total_cmp(&b[0]));
    rows.dedup();
    assert_eq!(fit.distinct(), rows.len());
    assert!(fit.distinct() < 500, "{fit}");
    assert!(fit.k_hat() > 0.7, "{fit}");
    let warnings = fit.warnings();
    assert!(warnings[0].contains("k-hat is"), "{warnings:?}");
    assert!(fit.to_string().contains("of them different"));
}

#[test]
fn settings_outside_their_range_are_named() {
    let density = Regression::line();
    let error = |pathfinder: Pathfinder| pathfinder.fit(&density).unwrap_err().to_string();
    for (pathfinder, said) in [
        (Pathfinder::new().paths(0), "`paths` is 0"),
        (Pathfinder::new().draws(0), "`draws` is 0"),
        (Pathfinder::new().proposals(24), "`proposals` is 24"),
        (Pathfinder::new().history(0), "`history` is 0"),
        (Pathfinder::new().elbo_draws(1), "`elbo_draws` is 1"),
        (Pathfinder::new().max_iterations(0), "`max_iterations` is 0"),
        (Pathfinder::new().threads(0), "`threads` is 0"),
        (
            Pathfinder::new().start_at(Start::Pathfinder),
            "`start_at` is Pathfinder",
        ),
    ] {
        let error = error(pathfinder);
        assert!(error.starts_with(said), "{error}");
    }
}
