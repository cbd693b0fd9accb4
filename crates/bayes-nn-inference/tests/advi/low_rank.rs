//! Guides of low rank find normal posteriors of a diagonal and a few directions.

use std::rc::Rc;

use crate::regression::Regression;
use bayes_nn_autodiff::Graph;
use bayes_nn_inference::{
    Advi, Approximation, Density, DensityError, Estimator, Family, Handler, InferenceError, Method,
    Rows, Schedule, Site, Term, Traced,
};
use bayes_nn_kernels::Precision;

/// A normal with the mean 1, 2, ... and a covariance, by the inverse of its Cholesky factor.
struct Correlated {
    sites: Vec<Site>,
    inverse: Vec<f64>,
    sd: Vec<f64>,
}

impl Correlated {
    /// With noise of its own in each coordinate, on scales of 0.3 to 3, and a factor relative to it.
    fn new(dim: usize, rank: usize) -> Correlated {
        let noise = |i: usize| [1.0, 0.3, 3.0, 0.5][i % 4];
        let element = |i: usize, k: usize| noise(i) * (((3 + i) * (2 * k + 5)) as f64).sin() * 1.5;
        let factor = (0..dim * rank).map(|place| element(place / rank, place % rank));
        let sites = vec![Site::new("x", [dim], 0)];
        let sds = (0..dim).map(noise).collect();
        let means = vec![0.0; dim];
        let exact = Approximation::low_rank(sites.clone(), means, sds, factor.collect()).unwrap();
        let lower = exact.cholesky();
        let mut inverse = vec![0.0; dim * dim];
        for column in 0..dim {
            for i in column..dim {
                let known: f64 = (column..i)
                    .map(|j| lower[i * dim + j] * inverse[j * dim + column])
                    .sum();
                let unit = f64::from(u8::from(i == column));
                inverse[i * dim + column] = (unit - known) / lower[i * dim + i];
            }
        }
        Correlated {
            sites,
            inverse,
            sd: exact.sd(),
        }
    }

    fn means(&self) -> Vec<f64> {
        (1..=self.sd.len()).map(|i| i as f64).collect()
    }
}

impl Density for Correlated {
    fn sites(&self) -> &[Site] {
        &self.sites
    }

    fn start(&self, _seed: u64) -> Result<Vec<f64>, DensityError> {
        Ok(vec![0.0; self.sd.len()])
    }

    fn trace<'g>(
        &self,
        graph: &'g Graph,
        handler: Rc<dyn Handler<'g> + 'g>,
        _: Rows,
    ) -> Result<Traced<'g>, DensityError> {
        let dim = self.sd.len();
        let x = handler.unconstrained("x", [dim].into())?;
        let inverse = graph.constant(&self.inverse, [dim, dim]);
        let z = inverse.matmul(x - graph.constant(&self.means(), [dim]));
        Ok(Traced::new(vec![Term::new("x", -0.5 * (z * z).sum())]))
    }
}

fn settled(advi: Advi) -> Advi {
    advi.steps(20_000)
        .learning_rate(0.02)
        .schedule(Schedule::Cosine { last: 0.01 })
        .estimator(Estimator::StickingTheLanding)
        .seed(1)
}

fn assert_near(found: &[f64], expected: &[f64], relative: f64) {
    for (found, expected) in found.iter().zip(expected) {
        let error = found / expected - 1.0;
        assert!(error.abs() < relative, "{found} for {expected}");
    }
}

#[test]
fn a_posterior_of_as_many_directions_is_found_by_default_in_both_precisions() {
    for (dim, rank) in [(8, 2), (10, 5)] {
        let density = Correlated::new(dim, rank);
        for precision in [Precision::F64, Precision::F32] {
            let advi = Advi::low_rank(rank).precision(precision).seed(1);
            let fit = advi.fit(&density).unwrap();
            let guide = fit.approximation();
            assert_eq!(guide.family(), Family::LowRank { rank });
            assert_near(&guide.sd(), &density.sd, 0.02);
            for ((mean, exact), sd) in guide.mean().iter().zip(density.means()).zip(&density.sd) {
                assert!((mean - exact).abs() < 0.02 * sd, "{mean} for {exact}");
            }
        }
    }
}

#[test]
fn with_as_many_directions_as_coordinates_it_is_the_full_rank_guide() {
    let density = Correlated::new(10, 5);
    let full = settled(Advi::full_rank()).fit(&density).unwrap();
    let low = settled(Advi::low_rank(10)).fit(&density).unwrap();
    let (full_guide, guide) = (full.approximation(), low.approximation());
    assert_near(&guide.sd(), &full_guide.sd(), 0.02);
    assert!(
        (low.elbo().mean - full.elbo().mean).abs() < 0.02,
        "{low}\n{full}"
    );
}

#[test]
fn minibatches_and_the_analytic_entropy_lead_to_the_same_place() {
    let model = Regression::line();
    let exact = model.exact();
    let advi = settled(Advi::low_rank(1)).averaging(0.5).samples(4);
    let batches = advi.clone().batch(4).fit(&model).unwrap();
    let analytic = advi
        .estimator(Estimator::AnalyticEntropy)
        .fit(&model)
        .unwrap();
    for fit in [batches, analytic] {
        assert_near(&fit.approximation().sd(), &exact.sd, 0.04);
        let error = fit.elbo().mean - exact.log_evidence;
        assert!(error.abs() < 0.02, "{fit}");
    }
}

#[test]
fn restarts_are_reported_and_a_rank_beyond_the_coordinates_is_refused() {
    let density = Correlated::new(4, 1);
    let advi = Advi::low_rank(1)
        .steps(200)
        .restarts(2)
        .precision(Precision::F64);
    let fit = advi.fit(&density).unwrap();
    assert_eq!(fit.restarts().len(), 2);
    assert!(fit.to_string().contains("restarts"), "{fit}");
    for rank in [0, 5] {
        let error = Advi::low_rank(rank).fit(&density).unwrap_err();
        assert!(matches!(error, InferenceError::Setting { .. }));
        let text = error.to_string();
        assert!(
            text.contains("`low_rank`") && text.contains("between 1 and 4"),
            "{text}"
        );
    }
}
