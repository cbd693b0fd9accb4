//! What ends a fit early: settings outside their range, numbers that are not finite, callbacks,
//! convergence. Nothing is ever silently wrong.

use std::f64::consts::PI;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use crate::regression::Regression;
use bayes_nn_autodiff::{Graph, Var, concat};
use bayes_nn_inference::{
    Advi, ConvergenceTest, Density, DensityError, Handler, InferenceError, Method, NonFinite,
    Optimizer, Progress, Rows, Schedule, Site, Stage, Start, Stop, Term, Traced, Update,
};

fn message(advi: Advi) -> String {
    advi.fit(&Regression::line()).unwrap_err().to_string()
}

#[test]
fn each_setting_outside_its_range_is_named_with_value_and_range() {
    let advi = Advi::mean_field;
    for (settings, expected) in [
        (advi().steps(0), "`steps` is 0; it must be 1 or more"),
        (advi().samples(0), "`samples` is 0; it must be 1 or more"),
        (advi().restarts(0), "`restarts` is 0; it must be 1 or more"),
        (advi().every(0), "`every` is 0; it must be 1 or more"),
        (advi().threads(0), "`threads` is 0; it must be 1 or more"),
        (
            advi().elbo_draws(1),
            "`elbo_draws` is 1; it must be 2 or more",
        ),
        (advi().batch(0), "`batch` is 0; it must be 1 or more"),
        (
            advi().batch(13),
            "`batch` is 13; it must be at most 12, the rows of the data set",
        ),
        (
            advi().learning_rate(0.0),
            "`learning_rate` is 0; it must be finite and above 0",
        ),
        (
            advi().learning_rate(f64::NAN),
            "`learning_rate` is NaN; it must be finite and above 0",
        ),
        (
            advi().learning_rate(f64::INFINITY),
            "`learning_rate` is inf; it must be finite and above 0",
        ),
        (
            advi().initial_sd(-1.0),
            "`initial_sd` is -1; it must be finite and above 0",
        ),
        (
            advi().averaging(1.5),
            "`averaging` is 1.5; it must be between 0 and 1",
        ),
        (
            advi().optimizer(Optimizer::sgd(1.0)),
            "`optimizer` is Sgd { momentum: 1.0 }; it must be given a momentum of at least 0 and \
             below 1",
        ),
        (
            advi().schedule(Schedule::Cosine { last: -0.5 }),
            "`schedule` is Cosine { last: -0.5 }; it must be a last factor between 0 and 1",
        ),
        (
            advi().convergence(ConvergenceTest {
                window: 3,
                tolerance: 0.1,
            }),
            "`convergence` is a window of 3 steps; it must be a window of at least 20 steps",
        ),
    ] {
        assert_eq!(message(settings), expected);
    }
}

/// `x ~ N(0, 1)`, and a second term that rises until it is not a number beyond 2.
struct Cliff(Vec<Site>);

impl Cliff {
    fn new() -> Cliff {
        Cliff(vec![Site::new("x", [2], 0), Site::new("level", [], 2)])
    }
}

impl Density for Cliff {
    fn sites(&self) -> &[Site] {
        &self.0
    }

    fn start(&self, _: u64) -> Result<Vec<f64>, DensityError> {
        Ok(vec![0.1, 0.2, 0.3])
    }

    fn trace<'g>(
        &self,
        _: &'g Graph,
        handler: Rc<dyn Handler<'g> + 'g>,
        _: Rows,
    ) -> Result<Traced<'g>, DensityError> {
        let sites = self.0.iter().map(|site| {
            let value = handler.unconstrained(&site.name, site.shape)?;
            Ok(value.reshape([site.shape.elements()]))
        });
        let sites: Vec<Var<'g>> = sites.collect::<Result<_, DensityError>>()?;
        let z = concat(&sites, 0);
        let level = z.view(2, []);
        Ok(Traced::new(vec![
            Term::new("x", -0.5 * (z * z).sum()),
            Term::new("cliff", 5.0 * level + 0.01 * (2.0 - level).sqrt()),
        ]))
    }
}

#[test]
fn a_fit_that_runs_into_nan_stops_with_step_term_and_last_good_state() {
    let advi = Advi::mean_field()
        .steps(1_000)
        .learning_rate(0.02)
        .optimizer(Optimizer::sgd(0.0));
    let error = advi.fit(&Cliff::new()).unwrap_err();
    let InferenceError::NotFinite(divergence) = &error else {
        panic!("{error}");
    };
    assert_eq!(divergence.what, NonFinite::Elbo);
    assert_eq!(divergence.term.as_deref(), Some("cliff"));
    assert_eq!(divergence.elbos.len() as u64, divergence.step);
    assert!(divergence.step > 0);
    assert!(divergence.elbos.iter().all(|e| e.is_finite()));
    let good = error.last_good().unwrap();
    assert!(good.mean().iter().chain(&good.sd()).all(|v| v.is_finite()));
    assert!(good.draws(10, 0).unwrap().iter().all(|v| v.is_finite()));
    let too_many = good.draws(usize::MAX, 0).unwrap_err().to_string();
    assert!(too_many.ends_with("it must be few enough for memory"));
    let message = error.to_string();
    for part in [
        format!("step {}: the ELBO is not finite", divergence.step),
        "first in the term `cliff`".to_owned(),
        "try a smaller learning rate (it is 0.02; 0.002 would be a tenth)".to_owned(),
        "kept as the last good one".to_owned(),
    ] {
        assert!(message.contains(&part), "{message}");
    }
    // The state before the bad step is that of a fit which ends there.
    let until = advi.steps(divergence.step).averaging(0.0).elbo_draws(2);
    match until.fit(&Cliff::new()) {
        Ok(fit) => assert_eq!(fit.approximation().mean(), good.mean()),
        Err(error) => assert_eq!(error.last_good().unwrap().mean(), good.mean()),
    }
}

#[test]
fn a_learning_rate_that_blows_up_is_an_error_and_not_a_result() {
    let error = Advi::full_rank()
        .learning_rate(1e30)
        .fit(&Regression::line())
        .unwrap_err();
    let InferenceError::NotFinite(divergence) = &error else {
        panic!("{error}");
    };
    assert!(divergence.step <= 3, "{error}");
    assert!(divergence.last_good.mean().iter().all(|v| v.is_finite()));
}

#[test]
fn a_start_that_is_not_finite_names_site_and_element() {
    struct Bad(Cliff);
    impl Density for Bad {
        fn sites(&self) -> &[Site] {
            self.0.sites()
        }
        fn start(&self, _: u64) -> Result<Vec<f64>, DensityError> {
            Ok(vec![0.1, f64::NAN, 0.3])
        }
        fn trace<'g>(
            &self,
            graph: &'g Graph,
            handler: Rc<dyn Handler<'g> + 'g>,
            rows: Rows,
        ) -> Result<Traced<'g>, DensityError> {
            self.0.trace(graph, handler, rows)
        }
    }
    let error = Advi::mean_field().fit(&Bad(Cliff::new())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the start has the value NaN at element 1 of `x`; every element must be finite"
    );
}

#[test]
fn a_callback_sees_every_step_and_may_stop() {
    let seen = Arc::new(Mutex::new((0, Vec::new())));
    let writer = seen.clone();
    let fit = Advi::mean_field()
        .steps(1_000)
        .every(100)
        .callback(move |snapshot| {
            let mut seen = writer.lock().unwrap();
            seen.0 += snapshot.elbos.len() as u64;
            seen.1.push(snapshot.mean.to_vec());
            assert_eq!(seen.0, snapshot.step);
            assert!(snapshot.sd.iter().all(|sd| *sd > 0.0));
            match snapshot.step >= 300 {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })
        .fit(&Regression::line())
        .unwrap();
    assert_eq!((fit.steps(), fit.stop()), (300, Stop::Callback));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.1.len(), 3);
    assert_eq!(fit.approximation().mean(), seen.1[2]);
    assert_eq!(fit.curve().seconds().len(), 300);
}

#[test]
fn a_converged_fit_stops_early_when_asked() {
    let advi = Advi::full_rank()
        .steps(50_000)
        .learning_rate(0.05)
        .convergence(ConvergenceTest {
            window: 1_000,
            tolerance: 0.01,
        })
        .stop_when_converged();
    let fit = advi.fit(&Regression::line()).unwrap();
    assert_eq!(fit.stop(), Stop::Converged);
    assert!(fit.steps() < 20_000);
    assert!(fit.convergence().converged);
}

#[test]
fn restarts_keep_the_best_report_all_and_do_not_depend_on_threads() {
    let advi = Advi::mean_field().steps(300).restarts(3).seed(5);
    let fits: Vec<_> = [1, 2, 8]
        .into_iter()
        .map(|threads| {
            advi.clone()
                .threads(threads)
                .fit(&Regression::line())
                .unwrap()
        })
        .collect();
    let first = &fits[0];
    assert_eq!(first.restarts().len(), 3);
    let elbos: Vec<f64> = first
        .restarts()
        .iter()
        .map(|r| r.outcome.as_ref().unwrap().0.mean)
        .collect();
    assert_eq!(
        first.elbo().mean,
        elbos.iter().copied().fold(f64::MIN, f64::max)
    );
    for fit in &fits {
        assert_eq!(fit.approximation(), first.approximation());
        assert_eq!(fit.curve().elbos(), first.curve().elbos());
        assert_eq!(fit.elbo(), first.elbo());
    }
    let alone = advi.restarts(1).seed(6).fit(&Regression::line()).unwrap();
    assert_eq!(alone.elbo().mean, elbos[1]);
    assert!(first.to_string().contains("kept"));
}

#[test]
fn the_same_seed_gives_the_same_bits_however_often_the_fit_is_looked_at() {
    let advi = Advi::mean_field().steps(500).batch(5).seed(2);
    let one = advi.clone().fit(&Regression::line()).unwrap();
    let two = advi.clone().every(7).fit(&Regression::line()).unwrap();
    assert_eq!(one.approximation(), two.approximation());
    assert_eq!(one.curve().elbos(), two.curve().elbos());
    let other = advi.seed(3).fit(&Regression::line()).unwrap();
    assert_ne!(one.approximation(), other.approximation());
}

#[test]
fn progress_is_told_start_stages_updates_and_end() {
    #[derive(Default)]
    struct Log(Arc<Mutex<Vec<String>>>);
    impl Progress for Log {
        fn start(&self, restarts: usize, steps: u64) {
            self.0.lock().unwrap().push(format!("{restarts} x {steps}"));
        }
        fn stage(&self, stage: Stage) {
            self.0.lock().unwrap().push(format!("{stage:?}"));
        }
        fn update(&self, update: Update) {
            assert!(update.elbo.is_finite() && update.seconds_left >= Some(0.0));
            let line = format!("{} of {}", update.step, update.steps);
            self.0.lock().unwrap().push(line);
            // Halved in the cosine's middle, on minibatches of three of twelve rows.
            let rate = update.learning_rate.unwrap();
            let middle = 0.01 * 0.5 * (1.0 + (PI * update.step as f64 / 250.0).cos());
            assert!((rate - middle).abs() < 1e-12);
            assert_eq!((update.epoch, update.may_end_sooner), (Some(4), false));
        }
        fn finish(&self) {
            self.0.lock().unwrap().push("end".to_owned());
        }
    }
    let lines = Arc::default();
    let advi = Advi::mean_field().steps(250).every(100).batch(3);
    let advi = advi
        .learning_rate(0.01)
        .schedule(Schedule::Cosine { last: 0.0 });
    advi.progress(Log(Arc::clone(&lines)))
        .fit(&Regression::line())
        .unwrap();
    assert_eq!(
        *lines.lock().unwrap(),
        [
            "1 x 250",
            "SettingUp",
            "Fitting { restart: 0 }",
            "100 of 250",
            "200 of 250",
            "250 of 250",
            "FinalElbo",
            "end"
        ]
    );
}

/// Half of the seeds start where the logarithm is not a number, as it is between -2 and 2, where a
/// fit looks for other starts.
pub struct Chance(Vec<Site>);

impl Density for Chance {
    fn sites(&self) -> &[Site] {
        &self.0
    }
    fn start(&self, seed: u64) -> Result<Vec<f64>, DensityError> {
        Ok(vec![if seed.is_multiple_of(2) { -5.0 } else { 3.5 }])
    }
    fn trace<'g>(
        &self,
        _: &'g Graph,
        handler: Rc<dyn Handler<'g> + 'g>,
        _: Rows,
    ) -> Result<Traced<'g>, DensityError> {
        let x = handler.unconstrained("x", self.0[0].shape)?.sum() - 2.5;
        Ok(Traced::new(vec![
            Term::new("prior", -x),
            Term::new("x", 30.0 * x.ln() - 29.0 * x),
        ]))
    }
}

impl Chance {
    pub fn new() -> Chance {
        Chance(vec![Site::new("x", [1], 0)])
    }
}

#[test]
fn a_restart_that_fails_is_reported_beside_those_that_do_not() {
    let density = Chance::new();
    let advi = Advi::mean_field().steps(300).initial_sd(0.01);
    let fit = advi.clone().seed(3).restarts(2).fit(&density).unwrap();
    assert_eq!(fit.seed(), 3);
    let error = fit.restarts()[1].outcome.as_ref().unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("step 0: the ELBO is not finite, first in the term `x`"),
        "{text}"
    );
    assert!(text.contains("this is the first step"), "{text}");
    assert!(error.last_good().unwrap().mean()[0].abs() < 2.0);
    assert!(fit.to_string().contains("failed: step 0"));
    let error = advi.seed(4).fit(&density).unwrap_err();
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_fit_begins_where_it_is_told() {
    let model = Regression::line();
    let still = || Advi::mean_field().steps(1).learning_rate(1e-9);
    let mean = |advi: Advi| advi.fit(&model).unwrap().approximation().mean().to_vec();
    let uniform = |seed| mean(still().start_at(Start::Uniform).seed(seed));
    let many: Vec<f64> = (0..50).flat_map(uniform).collect();
    assert!(many.iter().all(|z| z.abs() <= 2.0));
    assert!(many.iter().any(|z| *z < -1.5) && many.iter().any(|z| *z > 1.5));
    assert_eq!(uniform(1), uniform(1));

    let fit = Advi::mean_field().steps(500).fit(&model).unwrap();
    let again = mean(still().start_at(Start::Approximation(fit.approximation().clone())));
    for (again, mean) in again.iter().zip(fit.approximation().mean()) {
        assert!((again - mean).abs() < 1e-6);
    }
}
