//! Importance ratios from a fitted guide to the density it was fitted to.

use std::rc::Rc;

use crate::regression::Regression;
use bayes_nn_autodiff::Graph;
use bayes_nn_inference::diagnostics::{DiagnosticsError, k_hat_threshold};
use bayes_nn_inference::{
    Advi, Approximation, Density, DensityError, Estimator, Handler, InferenceError, Method, Rows,
    Schedule, Site, Term, Traced,
};

fn fitted(advi: Advi, model: &Regression) -> Approximation {
    let advi = advi
        .steps(6_000)
        .learning_rate(0.02)
        .schedule(Schedule::Cosine { last: 0.02 })
        .estimator(Estimator::StickingTheLanding)
        .samples(4)
        .averaging(0.5)
        .seed(3);
    advi.fit(model).unwrap().approximation().clone()
}

#[test]
fn every_ratio_of_the_exact_posterior_is_the_evidence() {
    for model in [Regression::normal_mean(), Regression::line()] {
        let guide = fitted(Advi::full_rank(), &model);
        let log_evidence = model.exact().log_evidence;
        for ratio in guide.log_ratios(&model, 500, 1).unwrap() {
            assert!((ratio - log_evidence).abs() < 0.1, "{ratio}");
        }
        let psis = guide.psis(&model, 2_000, 1).unwrap();
        assert!(psis.k_hat.unwrap() < 0.5, "{:?}", psis.k_hat);
    }
}

#[test]
fn the_k_hat_of_a_mean_field_is_the_correlation_of_two_normals() {
    // At the draw of eps the ratio is exp(r eps_0 eps_1), whose tail is x^(-1 / r).
    let x: Vec<f64> = (0..12)
        .flat_map(|i| [1.0, 2.0 + 0.2 * f64::from(i)])
        .collect();
    let y: Vec<f64> = (0..12).map(|i| 0.3 * f64::from(i)).collect();
    let model = Regression::new(&x, 2, &y, 0.4);
    let exact = model.exact();
    let r = (1.0 - (exact.mean_field_sd[0] / exact.sd[0]).powi(2)).sqrt();
    assert!(r > 0.9, "{r}");
    let guide = fitted(Advi::mean_field(), &model);
    let k_hat = guide.psis(&model, 20_000, 1).unwrap().k_hat.unwrap();
    assert!((k_hat - r).abs() < 0.15, "{k_hat} for {r}");
    assert!(k_hat > k_hat_threshold(20_000));
}

#[test]
fn the_mean_of_all_ratios_is_the_elbo() {
    let model = Regression::line();
    let fit = Advi::mean_field().steps(500).fit(&model).unwrap();
    let ratios = fit.approximation().log_ratios(&model, 4_000, 2).unwrap();
    let mean = ratios.iter().sum::<f64>() / 4_000.0;
    let squares: f64 = ratios.iter().map(|r| (r - mean) * (r - mean)).sum();
    let error = (squares / 4_000.0 / 4_000.0).sqrt();
    // Once in 10,000 right runs the difference is beyond 3.9 of its standard errors.
    assert!((mean - fit.elbo().mean).abs() < 3.9 * error.hypot(fit.elbo().mcse));
}

/// `ln x`, which has no value below 0.
struct Half(Vec<Site>);

impl Density for Half {
    fn sites(&self) -> &[Site] {
        &self.0
    }

    fn start(&self, _seed: u64) -> Result<Vec<f64>, DensityError> {
        Ok(vec![1.0])
    }

    fn trace<'g>(
        &self,
        _: &'g Graph,
        handler: Rc<dyn Handler<'g> + 'g>,
        _: Rows,
    ) -> Result<Traced<'g>, DensityError> {
        let z = handler.unconstrained(&self.0[0].name, self.0[0].shape)?;
        Ok(Traced::new(vec![
            Term::new("prior", (-0.5 * z * z).sum()),
            Term::new("edge", z.ln().sum()),
        ]))
    }
}

#[test]
fn a_draw_without_density_and_too_few_draws_are_errors() {
    let model = Regression::normal_mean();
    let guide = fitted(Advi::mean_field(), &model);
    assert!(matches!(
        guide.psis(&model, 24, 0),
        Err(InferenceError::Diagnostics(DiagnosticsError::TooFewDraws {
            got: 24,
            ..
        }))
    ));
    let wide = Advi::mean_field().steps(1).initial_sd(2.0).fit(&model);
    let wide = wide.unwrap().approximation().clone();
    let half = Half(vec![Site::new("w", [1], 0)]);
    let error = wide.log_ratios(&half, 100, 0).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("the log density is NaN at draw ")
            && message.contains("of the guide, first in the term `edge`"),
        "{message}"
    );
    let other = Half(vec![Site::new("other", [2], 0)]);
    let message = wide.log_ratios(&other, 100, 0).unwrap_err().to_string();
    assert!(message.contains("`other` [2]"), "{message}");
}
