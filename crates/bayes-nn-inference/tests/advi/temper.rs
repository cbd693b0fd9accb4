//! Tempered posteriors and a divergence that sets in by and by: where they lead, what is said of
//! them, and where they are refused.

use std::ops::ControlFlow;
use std::rc::Rc;

use crate::regression::Regression;
use bayes_nn_autodiff::Graph;
use bayes_nn_inference::{
    Advi, AdviFit, ConvergenceTest, Density, DensityError, Estimator, Fit, Handler, Method,
    Optimizer, Rows, Schedule, Site, Stop, Term, Traced,
};

const NOISE: f64 = 0.8;

fn x() -> Vec<f64> {
    (0..12).flat_map(|i| [1.0, 0.2 * f64::from(i)]).collect()
}

fn line(noise: f64) -> Regression {
    let y: Vec<f64> = (0..12).map(|i| 0.4 * f64::from(i * i % 7) - 0.5).collect();
    Regression::new(&x(), 2, &y, noise)
}

fn settled(advi: Advi) -> Advi {
    advi.steps(5_000)
        .learning_rate(0.02)
        .schedule(Schedule::Cosine { last: 0.02 })
        .estimator(Estimator::StickingTheLanding)
        .seed(3)
}

fn assert_posterior(fit: &AdviFit, noise: f64, tolerance: f64) {
    let exact = line(noise).exact();
    let guide = fit.approximation();
    for (found, expected) in guide.mean().iter().zip(&exact.mean) {
        assert!((found - expected).abs() < tolerance * exact.sd[0], "{fit}");
    }
    for (found, expected) in guide.sd().iter().zip(&exact.sd) {
        assert!((found / expected - 1.0).abs() < tolerance, "{fit}");
    }
}

/// The likelihood to the power `1 / T` is that of noise whose variance is `T` times as large.
#[test]
fn the_posterior_of_a_tempered_likelihood_is_found() {
    for temperature in [0.25, 4.0] {
        let noise = NOISE * f64::sqrt(temperature);
        let advi = settled(Advi::full_rank()).temperature(temperature);
        let fit = advi.fit(&line(NOISE)).unwrap();
        assert_posterior(&fit, noise, 0.02);
        let analytic = advi.estimator(Estimator::AnalyticEntropy);
        let fit = analytic
            .samples(4)
            .averaging(0.5)
            .fit(&line(NOISE))
            .unwrap();
        assert_posterior(&fit, noise, 0.05);
        let batches = settled(Advi::full_rank()).temperature(temperature).batch(4);
        let fit = batches.averaging(0.5).fit(&line(NOISE)).unwrap();
        assert_posterior(&fit, noise, 0.1);
    }
}

#[test]
fn a_tempered_fit_says_so_and_measures_the_elbo_of_the_model() {
    let advi = settled(Advi::full_rank()).temperature(0.1);
    let fit = advi.fit(&line(NOISE)).unwrap();
    let said = "tempered posterior, T = 0.1: not the model's posterior";
    assert!(fit.to_string().contains(said), "{fit}");
    assert!(fit.warnings().contains(&said.to_owned()));
    let evidence = line(NOISE).exact().log_evidence;
    assert!(fit.elbo().mean < evidence - 0.5);
    // Of the last steps, too.
    let late = &fit.curve().elbos()[4_000..];
    let late = late.iter().sum::<f64>() / late.len() as f64;
    assert!((late - fit.elbo().mean).abs() < 0.2, "{late} {fit}");
}

#[test]
fn a_temperature_of_one_changes_no_bit() {
    let advi = settled(Advi::mean_field()).steps(300);
    let plain = advi.fit(&line(NOISE)).unwrap();
    let one = advi.temperature(1.0).fit(&line(NOISE)).unwrap();
    assert_eq!(plain.approximation(), one.approximation());
    assert_eq!(plain.curve().elbos(), one.curve().elbos());
    assert!(!one.to_string().contains("not the model's"));
}

#[test]
fn an_annealed_fit_arrives_at_the_posterior_and_says_how() {
    let advi = settled(Advi::full_rank()).kl_annealing(0.3);
    let fit = advi.fit(&line(NOISE)).unwrap();
    assert_posterior(&fit, NOISE, 0.02);
    let said = "the weight of the KL divergence rose from 0 to 1 in 1500 steps";
    assert!(fit.to_string().contains(said), "{fit}");
    assert!(
        !fit.warnings().iter().any(|w| w.contains("posterior")),
        "{fit}"
    );
    // Without the divergence spreads shrink at first.
    let early = advi.clone().every(400).callback(|_| ControlFlow::Break(()));
    let early = early.fit(&line(NOISE)).unwrap();
    let said = "the fit ended after 400 of the 1500 steps in which the KL divergence sets in: not \
                the model's posterior";
    assert!(early.warnings().contains(&said.to_owned()), "{early}");
    assert!(early.approximation().sd()[1] < 0.5 * line(NOISE).exact().sd[1]);
}

#[test]
fn a_fit_does_not_converge_before_the_divergence_has_its_weight() {
    let advi = Advi::mean_field().steps(2_000).kl_annealing(0.9);
    let test = ConvergenceTest {
        window: 100,
        tolerance: 0.5,
    };
    let fit = advi.convergence(test).stop_when_converged();
    let fit = fit.fit(&Regression::normal_mean()).unwrap();
    assert!(fit.steps() >= 1_800, "{fit}");
    assert_ne!(fit.stop(), Stop::Callback);
}

/// A density of which no part is a prior.
struct Valley([Site; 1]);

impl Density for Valley {
    fn sites(&self) -> &[Site] {
        &self.0
    }
    fn start(&self, _: u64) -> Result<Vec<f64>, DensityError> {
        Ok(vec![0.5])
    }
    fn trace<'g>(
        &self,
        _: &'g Graph,
        handler: Rc<dyn Handler<'g> + 'g>,
        _: Rows,
    ) -> Result<Traced<'g>, DensityError> {
        let x = handler.unconstrained("x", [].into())?;
        Ok(Traced::new(vec![Term::new("valley", -0.5 * (x * x))]))
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let refused = |advi: Advi, density: &dyn Density| advi.fit(density).unwrap_err().to_string();
    let line = line(NOISE);
    let message = refused(Advi::mean_field().temperature(0.0), &line);
    assert_eq!(message, "`temperature` is 0; it must be finite and above 0");
    let message = refused(Advi::mean_field().kl_annealing(1.5), &line);
    assert_eq!(
        message,
        "`kl_annealing` is 1.5; it must be above 0 and at most 1"
    );
    let message = refused(Advi::map().temperature(0.5), &line);
    assert!(message.starts_with("`temperature` is 0.5; it must be left out of a fit of points"));
    let ivon = Advi::mean_field().optimizer(Optimizer::ivon());
    let message = refused(ivon.kl_annealing(0.1), &line);
    assert!(
        message.starts_with("`kl_annealing` is 0.1; it must be left out with `Optimizer::ivon")
    );
    let valley = Valley([Site::new("x", [], 0)]);
    let message = refused(Advi::mean_field().temperature(0.5), &valley);
    assert!(
        message.contains("without a term named after one of its sites"),
        "{message}"
    );
}
