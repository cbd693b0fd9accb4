//! Guides that are points, whole or in part.

use std::rc::Rc;

use crate::regression::Regression;
use bayes_nn_autodiff::{Graph, Shape, Var, concat};
use bayes_nn_inference::{
    Advi, Density, DensityError, Family, Fit, Handler, HandlerError, InferenceError, Method, Nuts,
    Pathfinder, Rows, Schedule, Sgld, Site, Stop, Traced,
};
use bayes_nn_kernels::Precision;

/// A line whose intercept and slope are sites of their own, the slope a point.
pub struct Split {
    line: Regression,
    sites: Vec<Site>,
}

impl Split {
    pub fn new() -> Split {
        let slope = Site {
            point: true,
            ..Site::new("slope", [1], 0)
        };
        Split {
            line: Regression::line(),
            sites: vec![slope, Site::new("intercept", [1], 1)],
        }
    }
}

struct Joined<'g>(Rc<dyn Handler<'g> + 'g>);

impl<'g> Handler<'g> for Joined<'g> {
    fn unconstrained(&self, _: &str, _: Shape) -> Result<Var<'g>, HandlerError> {
        let slope = self.0.unconstrained("slope", [1].into())?;
        let intercept = self.0.unconstrained("intercept", [1].into())?;
        Ok(concat(&[intercept, slope], 0))
    }
}

impl Density for Split {
    fn sites(&self) -> &[Site] {
        &self.sites
    }

    fn rows(&self) -> Option<usize> {
        self.line.rows()
    }

    fn start(&self, seed: u64) -> Result<Vec<f64>, DensityError> {
        self.line.start(seed)
    }

    fn trace<'g>(
        &self,
        graph: &'g Graph,
        handler: Rc<dyn Handler<'g> + 'g>,
        rows: Rows,
    ) -> Result<Traced<'g>, DensityError> {
        self.line.trace(graph, Rc::new(Joined(handler)), rows)
    }
}

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() < tolerance,
        "{found} for {expected}"
    );
}

#[test]
fn the_mode_is_found_by_every_way_and_the_fit_reports_its_log_density() {
    let model = Regression::line();
    let exact = model.exact();
    let optimised = Advi::map()
        .steps(3_000)
        .schedule(Schedule::Cosine { last: 0.0 });
    for (advi, tolerance) in [
        (Advi::map().restarts(2), 1e-5),
        (optimised.clone(), 1e-3),
        (optimised.clone().precision(Precision::F32), 1e-3),
        (optimised.batch(4).averaging(0.5), 0.05),
    ] {
        let fit = advi.fit(&model).unwrap();
        let guide = fit.approximation();
        for (found, expected) in guide.mean().iter().zip(&exact.mean) {
            close(*found, *expected, tolerance);
        }
        assert_eq!((guide.family(), guide.sd()), (Family::Point, vec![0.0; 2]));
        assert_eq!(guide.draws(3, 1).unwrap(), guide.mean().repeat(3));
        // The evidence is the density at the mode times the volume of the posterior.
        let root = exact.mean_field_sd[0] * exact.sd[1];
        let log_prob = exact.log_evidence - std::f64::consts::TAU.ln() - root.ln();
        close(
            fit.elbo().mean,
            log_prob,
            100.0 * tolerance * tolerance + 1e-4,
        );
        assert_eq!((fit.elbo().mcse, fit.k_hat()), (0.0, None));
        assert_eq!(fit.method(), "MAP");
        let report = fit.to_string();
        assert!(
            report.contains("log prob") && !report.contains("ELBO"),
            "{report}"
        );
        assert!(fit.warnings().is_empty(), "{:?}", fit.warnings());
        let error = guide.psis(&model, 100, 0).unwrap_err();
        assert!(
            matches!(&error, InferenceError::NoSpread { site } if site == "w"),
            "{error}"
        );
    }
    let fit = Advi::map().fit(&model).unwrap();
    assert!(
        fit.stop() == Stop::Converged && fit.gradients() < 100,
        "{fit}"
    );
}

#[test]
fn a_point_among_normals_has_no_spread_and_the_others_have_theirs() {
    let exact = Regression::line().exact();
    let advi = Advi::mean_field()
        .steps(6_000)
        .learning_rate(0.02)
        .samples(4);
    let advi = advi
        .schedule(Schedule::Cosine { last: 0.02 })
        .averaging(0.5)
        .seed(1);
    for advi in [advi.clone(), advi.restarts(2).batch(6)] {
        let fit = advi.fit(&Split::new()).unwrap();
        let guide = fit.approximation();
        close(guide.mean()[0], exact.mean[1], 0.02);
        close(guide.mean()[1], exact.mean[0], 0.02);
        assert_eq!(guide.sd()[0], 0.0);
        close(guide.sd()[1] / exact.mean_field_sd[0], 1.0, 0.05);
        assert_eq!(fit.k_hat(), None);
        let draws = guide.draws(2, 1).unwrap();
        assert!(draws[0] == draws[2] && draws[1] != draws[3]);
        // A point has all mass: the log density of the guide is that of its normal part.
        let at_mean = -guide.sd()[1].ln() - 0.5 * std::f64::consts::TAU.ln();
        close(guide.log_prob(guide.mean()), at_mean, 1e-12);
        assert_eq!(guide.log_prob(&[0.0, 0.0]), f64::NEG_INFINITY);
    }
}

#[test]
fn with_nothing_set_points_are_fitted_too() {
    let fit = Advi::mean_field().fit(&Split::new()).unwrap();
    let exact = Regression::line().exact();
    close(fit.approximation().mean()[0], exact.mean[1], 0.05);
    assert_eq!(fit.approximation().sd()[0], 0.0);
    let map = Advi::map().fit(&Split::new()).unwrap();
    close(map.approximation().mean()[0], exact.mean[1], 1e-5);
}

#[test]
fn methods_that_cannot_have_points_name_the_site_and_what_can() {
    let density = Split::new();
    let errors = [
        Advi::full_rank().fit(&density).unwrap_err(),
        Nuts::new().fit(&density).unwrap_err(),
        Sgld::new().fit(&density).unwrap_err(),
        Pathfinder::new().fit(&density).unwrap_err(),
    ];
    for (error, method) in errors
        .iter()
        .zip(["a full-rank guide", "NUTS", "SGLD", "Pathfinder"])
    {
        assert!(matches!(error, InferenceError::PointSite { .. }));
        let start = format!("`slope` is a point estimate, which {method} cannot have: fit by");
        assert!(error.to_string().starts_with(&start), "{error}");
    }
}
