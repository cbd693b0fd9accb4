//! Densities that are compiled programs.

use std::rc::Rc;

use bayes_nn_autodiff::{Graph, Var};
use bayes_nn_inference::nuts::{CompiledDensity, LogDensity};
use bayes_nn_inference::{
    Advi, Density, DensityError, Handler, Method, Nuts, Rows, Site, Start, Term, Traced,
};
use bayes_nn_kernels::{Binding, Precision};

use crate::regression::Regression;
use crate::targets::{assert_mean, column};

#[test]
fn conjugate_models_have_their_exact_posterior_moments() {
    for model in [Regression::normal_mean(), Regression::line()] {
        let exact = model.exact();
        for start in [Start::Uniform, Start::Prior] {
            let nuts = Nuts::new().draws(2_000).seed(8).start_at(start);
            let fit = nuts.fit(&model).unwrap();
            assert_eq!(fit.sites(), model.sites());
            assert!(fit.seconds_per_gradient() > 0.0);
            for (element, (mean, sd)) in exact.mean.iter().zip(&exact.sd).enumerate() {
                let w = column(&fit, element);
                assert_mean(w.iter().copied(), *mean, "mean");
                let squares = w.iter().map(|w| (w - mean).powi(2));
                assert_mean(squares, sd * sd, "variance");
            }
        }
    }
}

/// A density of one site and one term.
struct OneTerm<F> {
    sites: Vec<Site>,
    log_prob: F,
}

impl<F: for<'g> Fn(Var<'g>) -> Var<'g>> OneTerm<F> {
    fn new(dim: usize, log_prob: F) -> OneTerm<F> {
        OneTerm {
            sites: vec![Site::new("x", [dim], 0)],
            log_prob,
        }
    }
}

impl<F: for<'g> Fn(Var<'g>) -> Var<'g> + Sync> Density for OneTerm<F> {
    fn sites(&self) -> &[Site] {
        &self.sites
    }

    fn start(&self, _seed: u64) -> Result<Vec<f64>, DensityError> {
        Ok(vec![0.5; self.sites[0].shape.elements()])
    }

    fn trace<'g>(
        &self,
        _: &'g Graph,
        handler: Rc<dyn Handler<'g> + 'g>,
        _: Rows,
    ) -> Result<Traced<'g>, DensityError> {
        let x = handler.unconstrained("x", self.sites[0].shape)?;
        Ok(Traced::new(vec![Term::new("x", (self.log_prob)(x))]))
    }
}

/// A standard normal in four dimensions, times a constant.
fn scaled(log_scale: f64) -> impl Density {
    OneTerm::new(4, move |x| (-0.5 * x * x).sum() + log_scale)
}

#[test]
fn trajectories_of_single_precision_give_the_draws_of_double() {
    // In single precision a log density near 0 is known to 1e-7, one near two million to 1/8.
    for (log_scale, rejected) in [(0.0, 0..=0), (2e6, 100..=1_500)] {
        let nuts = Nuts::new().draws(4_000).seed(5).precision(Precision::F32);
        let fit = nuts.fit(&scaled(log_scale)).unwrap();
        assert!(rejected.contains(&fit.rejected()), "{}", fit.rejected());
        for coordinate in 0..4 {
            let x = column(&fit, coordinate);
            assert_mean(x.iter().copied(), 0.0, "mean");
            assert_mean(x.iter().map(|x| x * x), 1.0, "variance");
        }
        for chain in fit.chains() {
            let draws = chain.draws();
            for (x, s) in draws.positions().chunks(4).zip(draws.statistics()) {
                let exact = log_scale - 0.5 * x.iter().map(|x| x * x).sum::<f64>();
                assert!((s.log_prob - exact).abs() <= 1e-15 * exact.abs());
            }
        }
    }
    let model = Regression::line();
    let exact = model.exact();
    let nuts = Nuts::new().draws(2_000).seed(8).precision(Precision::F32);
    let fit = nuts.fit(&model).unwrap();
    for (element, (mean, sd)) in exact.mean.iter().zip(&exact.sd).enumerate() {
        let w = column(&fit, element);
        assert_mean(w.iter().copied(), *mean, "mean");
        let squares = w.iter().map(|w| (w - mean).powi(2));
        assert_mean(squares, sd * sd, "variance");
    }
}

#[test]
fn a_chain_of_single_precision_depends_on_seed_and_number_alone_and_can_be_taken_up() {
    let density = scaled(2e6);
    let nuts = Nuts::new().warmup(150).seed(2).precision(Precision::F32);
    let whole = nuts.clone().draws(200).chains(2).fit(&density).unwrap();
    let alone = nuts.clone().draws(200).chains(1).first_chain(1);
    let alone = alone.fit(&density).unwrap();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("single-precision");
    let _ = std::fs::remove_dir_all(&folder);
    let saved = nuts.chains(2).checkpoints(&folder, 10);
    saved.clone().draws(70).fit(&density).unwrap();
    let resumed = saved.clone().draws(200).fit(&density).unwrap();
    for (chain, expected) in [
        (&alone.chains()[0], &whole.chains()[1]),
        (&resumed.chains()[0], &whole.chains()[0]),
        (&resumed.chains()[1], &whole.chains()[1]),
    ] {
        assert_eq!(chain.draws(), expected.draws());
        assert_eq!(chain.tuned(), expected.tuned());
    }
    assert_eq!(resumed.rejected(), whole.rejected());
    let double = saved.precision(Precision::F64).draws(200);
    let error = double.fit(&density).unwrap_err().to_string();
    assert!(error.contains("was saved with other settings"), "{error}");
}

#[test]
fn trajectories_of_single_precision_must_lead_where_double_has_a_density() {
    // 1 + 1e-9 - 1 is 0 where a sum has 24 bits, and above 1e-10 where it has 53.
    let density = OneTerm::new(1, |x| {
        let lost = (x * x + 1e-9) - x * x;
        (-0.5 * x * x + (1e-10 - lost.abs()).ln()).sum()
    });
    let nuts = Nuts::new().precision(Precision::F32);
    let error = nuts.fit(&density).unwrap_err().to_string();
    assert!(
        error.contains("chain 0 failed after 0 draws: the log density in double precision is NaN"),
        "{error}"
    );
}

#[test]
fn a_compiled_density_is_the_sum_of_its_terms() {
    let model = Regression::line();
    let mut compiled = CompiledDensity::new(&model).unwrap();
    let (mut gradient, mut shifted) = (vec![0.0; 2], vec![0.0; 2]);
    let value = compiled.log_prob_grad(&[0.3, -0.2], &mut gradient).unwrap();
    for i in 0..2 {
        let at = |h: f64| {
            let mut point = [0.3, -0.2];
            point[i] += h;
            point
        };
        let up = compiled.log_prob_grad(&at(1e-5), &mut shifted).unwrap();
        let down = compiled.log_prob_grad(&at(-1e-5), &mut shifted).unwrap();
        assert!((0.5 * (up + down) - value).abs() < 1e-6 * value.abs());
        let slope = (up - down) / 2e-5;
        assert!((slope / gradient[i] - 1.0).abs() < 1e-8);
    }
}

#[test]
fn chains_start_where_a_variational_fit_is() {
    let model = Regression::line();
    let exact = model.exact();
    let advi = Advi::full_rank().steps(3_000).learning_rate(0.02);
    let fit = advi.fit(&model).unwrap();
    let start = Start::Approximation(fit.approximation().clone());
    // Steps that lead nowhere show the starts.
    let nuts = Nuts::new().chains(8).warmup(0).draws(1).initial_step(1e-12);
    let fit = nuts.max_depth(1).start_at(start).fit(&model).unwrap();
    let mut seen = Vec::new();
    for chain in fit.chains() {
        let w = chain.draws().positions();
        for ((w, mean), sd) in w.iter().zip(&exact.mean).zip(&exact.sd) {
            assert!((w - mean).abs() < 6.0 * sd, "{w} for {mean} +- {sd}");
        }
        seen.push(w[0].to_bits());
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 8);
}

/// A normal and a term that is never a number.
struct Broken(Vec<Site>);

impl Density for Broken {
    fn sites(&self) -> &[Site] {
        &self.0
    }

    fn start(&self, _seed: u64) -> Result<Vec<f64>, DensityError> {
        Ok(vec![0.1, f64::INFINITY, 0.3])
    }

    fn trace<'g>(
        &self,
        graph: &'g Graph,
        handler: Rc<dyn Handler<'g> + 'g>,
        _: Rows,
    ) -> Result<Traced<'g>, DensityError> {
        let level = handler.unconstrained("level", self.0[0].shape)?;
        let missing = graph.input("missing", []);
        Ok(Traced {
            terms: vec![
                Term::new("level", -0.5 * (level * level).sum()),
                Term::new("likelihood", missing * level.view(0, [])),
            ],
            data: vec![Binding::new(
                missing.input_id().ok_or("an input")?,
                vec![f64::NAN],
            )],
            ..Traced::default()
        })
    }
}

#[test]
fn a_start_that_is_not_found_names_site_term_and_value() {
    let sites = vec![Site::new("level", [1], 0), Site::new("slopes", [2], 1)];
    let broken = Broken(sites);
    let error = Nuts::new().fit(&broken).unwrap_err().to_string();
    assert!(
        error.contains("the log density is NaN at the last, first in the term `likelihood`"),
        "{error}"
    );
    let nuts = Nuts::new().start_at(Start::Prior);
    let error = nuts.fit(&broken).unwrap_err().to_string();
    assert!(
        error.contains("the start of `slopes`, element 0 is inf"),
        "{error}"
    );
}
