//! A group of devices takes the steps of one.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use crate::regression::Regression;
use crate::stops::Chance;
use bayes_nn_inference::{Advi, AdviFit, Estimator, InferenceError, Method, Stop};
use bayes_nn_kernels::plan::Pass;
use bayes_nn_kernels::{
    Backend, Binding, Cpu, Device, DeviceGroup, KernelError, Loaded, Plan, Precision,
};

fn group(ranks: usize) -> DeviceGroup {
    let cpu = Cpu::detect().unwrap().threads(1);
    cpu.group(ranks).unwrap()
}

fn device(ranks: usize) -> Device {
    Device::new(&format!("{ranks} CPUs"), group(ranks))
}

fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let off = (found - expected).abs() / expected.abs().max(1.0);
        assert!(off < tolerance, "{what}: {found} for {expected}");
    }
}

fn assert_same(what: &str, found: &AdviFit, expected: &AdviFit, tolerance: f64) {
    let (curve, one) = (found.curve().elbos(), expected.curve().elbos());
    assert_close(what, curve, one, tolerance);
    let (guide, one) = (found.approximation(), expected.approximation());
    assert_close(what, guide.mean(), one.mean(), tolerance);
    assert_close(what, &guide.sd(), &one.sd(), tolerance);
    let elbos = [found.elbo().mean, expected.elbo().mean];
    assert_close(what, &elbos[..1], &elbos[1..], tolerance);
}

#[test]
fn a_fit_on_ranks_is_the_fit_on_one_device() {
    let model = Regression::line();
    for (precision, tolerance) in [(Precision::F64, 1e-9), (Precision::F32, 2e-3)] {
        for advi in [
            Advi::mean_field(),
            Advi::full_rank(),
            Advi::full_rank()
                .estimator(Estimator::StickingTheLanding)
                .samples(2),
        ] {
            for batch in [None, Some(8), Some(4)] {
                let mut advi = advi.clone().steps(300).precision(precision).seed(2);
                if let Some(rows) = batch {
                    advi = advi.batch(rows);
                }
                let expected = advi.fit(&model).unwrap();
                for ranks in [1, 2, 4] {
                    let advi = advi.clone().device(device(ranks));
                    let found = advi.fit(&model).unwrap();
                    let what = format!("{ranks} ranks, {advi:?}");
                    assert_same(&what, &found, &expected, tolerance);
                    let again = advi.fit(&model).unwrap();
                    assert_eq!(again.curve().elbos(), found.curve().elbos(), "{what}");
                    assert_eq!(again.approximation(), found.approximation(), "{what}");
                    if ranks == 1 {
                        assert_eq!(found.curve().elbos(), expected.curve().elbos());
                    }
                }
            }
        }
    }
}

/// A group that counts the means over ranks in every plan that it gets.
struct Counted {
    group: DeviceGroup,
    means: Arc<Mutex<Vec<usize>>>,
}

impl Backend for Counted {
    fn load(
        &self,
        plan: &Arc<Plan>,
        data: &[Binding],
        precision: Precision,
    ) -> Result<Arc<dyn Loaded>, KernelError> {
        let mean = |step: &&Pass| matches!(step, Pass::AllReduceMean { .. });
        let means = plan.passes().iter().filter(mean).count();
        self.means.lock().unwrap().push(means);
        self.group.load(plan, data, precision)
    }

    fn ranks(&self) -> usize {
        self.group.ranks()
    }
}

#[test]
fn ranks_meet_once_a_step_and_one_rank_never() {
    for (ranks, met) in [(1, 0), (2, 1)] {
        for advi in [Advi::mean_field(), Advi::full_rank()] {
            let means = Arc::default();
            let counted = Counted {
                group: group(ranks),
                means: Arc::clone(&means),
            };
            let advi = advi.steps(10).batch(4);
            let fit = advi.device(Device::new("counted", counted));
            fit.fit(&Regression::line()).unwrap();
            // The steps, and the final ELBO on all rows.
            assert_eq!(*means.lock().unwrap(), [met, 0]);
        }
    }
}

#[test]
fn restarts_of_a_group_follow_one_another_and_stop_as_those_of_one_device() {
    let model = Regression::line();
    let advi = Advi::mean_field()
        .steps(300)
        .every(50)
        .restarts(3)
        .threads(3)
        .precision(Precision::F64)
        .callback(|snapshot| match (snapshot.restart, snapshot.step) {
            (1, 100) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
    let expected = advi.fit(&model).unwrap();
    let found = advi.device(device(2)).fit(&model).unwrap();
    assert_eq!(found.seed(), expected.seed());
    assert_eq!(found.stop(), expected.stop());
    assert_ne!(found.stop(), Stop::Converged);
    assert_same("restarts", &found, &expected, 1e-9);
    let elbos = [&found, &expected].map(|fit| -> Vec<f64> {
        let restarts = fit.restarts().iter();
        restarts
            .map(|r| r.outcome.as_ref().unwrap().0.mean)
            .collect()
    });
    assert_close("final ELBOs", &elbos[0], &elbos[1], 1e-9);
}

#[test]
fn a_row_that_is_no_number_stops_all_ranks_at_its_step() {
    let x: Vec<f64> = (0..12).map(|i| 0.1 * f64::from(i)).collect();
    let mut y = x.clone();
    y[7] = f64::NAN;
    let model = Regression::new(&x, 1, &y, 0.5);
    let all_rows = Advi::mean_field().steps(100).seed(3);
    for advi in [all_rows.clone().batch(4), all_rows] {
        let expected = advi.fit(&model).unwrap_err();
        let InferenceError::NotFinite(expected) = expected else {
            panic!("{expected}");
        };
        for ranks in [2, 4] {
            let found = advi.clone().device(device(ranks)).fit(&model).unwrap_err();
            let InferenceError::NotFinite(found) = found else {
                panic!("{found}");
            };
            assert_eq!((found.step, &found.term), (expected.step, &expected.term));
            assert_eq!((&found.what, found.step < 3), (&expected.what, true));
            assert_eq!(found.elbos.len() as u64, found.step);
        }
    }
}

#[test]
fn rows_that_ranks_cannot_have_equal_parts_of_are_refused() {
    let model = Regression::line();
    let refused = |advi: Advi, ranks| {
        let error = advi.device(device(ranks)).fit(&model).unwrap_err();
        assert!(matches!(error, InferenceError::Setting { .. }), "{error}");
        error.to_string()
    };
    assert_eq!(
        refused(Advi::mean_field().batch(6), 4),
        "`batch` is 6; it must be a multiple of 4, the ranks of 4 CPUs"
    );
    assert_eq!(
        refused(Advi::mean_field(), 5),
        "`batch` is unset, hence all 12 rows; it must be a multiple of 5, the ranks of 5 CPUs"
    );
    let rowless = Advi::mean_field().device(device(2)).fit(&Chance::new());
    assert_eq!(
        rowless.unwrap_err().to_string(),
        "`device` is 2 CPUs; it must be one device: the density has no rows to deal to several"
    );
}
