//! Fits by natural gradients, and to a mode, that go on: with the bits of a fit that was not interrupted.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::regression::Regression;
use crate::resumed::{Passing, again, assert_same, fit, rest};
use bayes_nn_inference::saved::load_fit;
use bayes_nn_inference::{Advi, AdviFit, Every, Family, Interrupt, Resume, Stop};

/// Until halving the rate moves next to nothing, with a look at every step.
fn advi() -> [Advi; 5] {
    let to_the_end = |advi: Advi| advi.tolerance(0.005).every(1);
    [
        to_the_end(Advi::full_rank()),
        to_the_end(Advi::full_rank().restarts(2).threads(1).seed(4)),
        to_the_end(Advi::mean_field().seed(2)),
        to_the_end(Advi::mean_field()).budget(3_000),
        Advi::map().every(1),
    ]
}

/// Ends a fit after a step of each restart.
fn ended_after(advi: &Advi, step: u64) -> AdviFit {
    let end = move |at: u64| match at >= step {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    fit(&advi.clone().callback(move |at| end(at.step)))
}

#[test]
fn a_fit_that_was_ended_goes_on_from_a_file_at_the_step_that_it_was_at() {
    for advi in advi() {
        let whole = fit(&advi);
        let steps = whole.steps();
        for step in [1, 2, steps / 3, steps - 1] {
            let part = ended_after(&advi, step);
            assert_eq!(part.stop(), Stop::Callback);
            let first = Arc::new(AtomicU64::new(u64::MAX));
            let seen = first.clone();
            let resume = Resume::rest().callback(move |at| {
                seen.fetch_min(at.step, Ordering::Relaxed);
                ControlFlow::Continue(())
            });
            let resumed = again(&part).resume(&Regression::line(), resume).unwrap();
            assert_same(&resumed, &whole);
            // No step is done twice but those of a climb.
            let again = if whole.approximation().family() == Family::Point {
                1
            } else {
                step + 1
            };
            assert_eq!(first.load(Ordering::Relaxed), again);
        }
    }
}

#[test]
fn a_fit_that_was_interrupted_in_the_search_for_its_start_goes_on_with_the_next_one() {
    for advi in advi() {
        let interrupt = Interrupt::new();
        interrupt.request();
        let part = fit(&advi.clone().interrupt(&interrupt));
        assert_eq!((part.stop(), part.steps()), (Stop::Interrupted, 1));
        let whole = fit(&advi);
        assert!(part.gradients() < whole.gradients());
        assert_same(&rest(&again(&part)), &whole);
    }
}

#[test]
fn a_checkpoint_goes_on_with_the_bits_of_the_fit_that_it_was_of() {
    for advi in advi() {
        let [file, copy] = [Passing::new(), Passing::new()];
        let whole = fit(&advi);
        let (from, to) = (file.0.clone(), copy.0.clone());
        let kept = advi.clone().checkpoint(&file.0, Every::Steps(3));
        let checked = fit(&kept.callback(move |at| {
            if at.step == 40 {
                std::fs::copy(&from, &to).unwrap();
            }
            ControlFlow::Continue(())
        }));
        assert_same(&checked, &whole);
        for path in [&copy.0, &file.0].into_iter().filter(|path| path.exists()) {
            let saved = load_fit(path).unwrap();
            assert_eq!(saved.stop(), Stop::Interrupted);
            assert_same(&rest(&saved), &whole);
        }
    }
}

#[test]
fn further_steps_are_those_of_a_fit_with_a_larger_budget() {
    let density = Regression::line();
    let fine = |advi: Advi| advi.tolerance(1e-4).restarts(2).every(1);
    for advi in [fine(Advi::full_rank()), fine(Advi::mean_field())] {
        let short = fit(&advi.clone().budget(500));
        assert_eq!(short.stop(), Stop::Steps);
        // 16 gradients a step.
        let larger = advi.budget(short.gradients() + 16 * 1_000);
        let alone = fit(&larger.seed(short.seed()).restarts(1));
        let longer = again(&short).resume(&density, 1_000).unwrap();
        assert_eq!(longer.approximation(), alone.approximation());
        assert_eq!(longer.curve().elbos(), alone.curve().elbos());
        assert_eq!(longer.gradients(), alone.gradients());
        assert_eq!(longer.restarts().len(), 2);
        assert!(longer.steps() > short.steps());

        // Further steps that were ended go on, too, and the other restart is as it was.
        let file = Passing::new();
        let every = Resume::steps(1_000).checkpoint(&file.0, Every::Steps(100));
        let end = every.callback(|_| ControlFlow::Break(()));
        let part = short.resume(&density, end).unwrap();
        assert_same(&rest(&again(&part)), &longer);
    }
}
