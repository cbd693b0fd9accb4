//! Training that goes on: from what an interrupt, a callback or a checkpoint has left, with the bits of
//! a fit that was not interrupted, and beyond the end.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::regression::Regression;
use bayes_nn_inference::saved::{load_fit, save_fit};
use bayes_nn_inference::{
    Advi, AdviFit, Every, InferenceError, Interrupt, Method, Optimizer, Resume, ResumeError,
    Schedule, Stop,
};

/// A file of its own, removed in the end.
pub struct Passing(pub PathBuf);

impl Passing {
    pub fn new() -> Passing {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("bayes-nn-training-{}-{number}", std::process::id());
        Passing(std::env::temp_dir().join(name))
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

pub fn again(fit: &AdviFit) -> AdviFit {
    let file = Passing::new();
    save_fit(fit, &file.0).unwrap();
    let loaded = load_fit(&file.0).unwrap();
    assert_eq!(format!("{loaded:?}"), format!("{fit:?}"));
    loaded
}

/// Everything but times.
pub fn assert_same(one: &AdviFit, other: &AdviFit) {
    assert_eq!(one.approximation(), other.approximation());
    assert_eq!(one.curve().elbos(), other.curve().elbos());
    assert_eq!(one.curve().scores(), other.curve().scores());
    assert_eq!(one.elbo(), other.elbo());
    assert_eq!(one.k_hat(), other.k_hat());
    assert_eq!(one.convergence(), other.convergence());
    assert_eq!((one.stop(), one.seed()), (other.stop(), other.seed()));
    assert_eq!(one.gradients(), other.gradients());
    assert_eq!(one.sds_moved(), other.sds_moved());
    let outcomes = |fit: &AdviFit| {
        let restarts = fit.restarts().iter();
        let outcomes = restarts.map(|r| (r.seed, r.outcome.as_ref().ok().copied()));
        outcomes.collect::<Vec<_>>()
    };
    assert_eq!(outcomes(one), outcomes(other));
}

pub fn fit(advi: &Advi) -> AdviFit {
    advi.fit(&Regression::line()).unwrap()
}

pub fn rest(fit: &AdviFit) -> AdviFit {
    fit.resume(&Regression::line(), Resume::rest()).unwrap()
}

/// Ends a fit at the first look after so many steps.
fn ended_at(advi: &Advi, step: u64) -> AdviFit {
    let end = move |at: u64| match at >= step {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    fit(&advi.clone().every(7).callback(move |s| end(s.step)))
}

#[test]
fn a_fit_that_was_ended_goes_on_from_a_file_with_the_bits_of_one_that_was_not() {
    let advi = || Advi::mean_field().steps(400).seed(3);
    for advi in [
        advi(),
        advi().averaging(0.0).batch(5),
        advi().optimizer(Optimizer::ivon()).averaging(0.8),
        advi().optimizer(Optimizer::adagrad_window()).samples(2),
        advi().optimizer(Optimizer::sgd(0.9)),
        advi().schedule(Schedule::WarmUp {
            share: 0.2,
            last: 0.1,
        }),
        advi()
            .schedule(Schedule::Cooldown { share: 0.3 })
            .kl_annealing(0.5),
        advi().restarts(3),
        Advi::full_rank().steps(400),
        Advi::low_rank(1).steps(400),
        Advi::map().steps(400),
    ] {
        let whole = fit(&advi);
        for step in [1, 200, 390] {
            let part = ended_at(&advi, step);
            assert_eq!(part.stop(), Stop::Callback);
            assert!(part.steps() < 400);
            assert_same(&rest(&again(&part)), &whole);
        }
    }
}

#[test]
fn a_request_ends_a_fit_early_which_says_so_and_goes_on() {
    let advi = Advi::mean_field().steps(200_000).restarts(2).threads(1);
    let interrupt = Interrupt::new();
    let asked = interrupt.clone();
    let looked = advi.clone().interrupt(&interrupt).callback(move |_| {
        asked.request();
        ControlFlow::Continue(())
    });
    let part = fit(&looked);
    assert_eq!(part.stop(), Stop::Interrupted);
    assert!(part.steps() < 100_000);
    let says = format!("warning: the fit was interrupted at step {}", part.steps());
    assert!(part.to_string().contains(&says), "{part}");
    // The second restart had no step, and has a sentence.
    assert!(part.to_string().contains("before its first step"), "{part}");

    let end = Interrupt::new();
    end.request();
    let none = Advi::mean_field().steps(10).interrupt(&end);
    let error = none.fit(&Regression::line()).unwrap_err();
    assert!(matches!(error, InferenceError::Stopped), "{error}");
}

#[test]
fn a_checkpoint_goes_on_with_the_bits_of_the_fit_that_it_was_of() {
    let file = Passing::new();
    let advi = Advi::mean_field().steps(400).restarts(2).threads(1);
    let whole = fit(&advi);
    let copy = Passing::new();
    let (from, to) = (file.0.clone(), copy.0.clone());
    let kept = advi.clone().every(50).checkpoint(&file.0, Every::Steps(30));
    let checked = fit(&kept.callback(move |at| {
        if at.restart == 1 && at.step == 250 {
            std::fs::copy(&from, &to).unwrap();
        }
        ControlFlow::Continue(())
    }));
    assert_same(&checked, &whole);
    for path in [&copy.0, &file.0] {
        let saved = load_fit(path).unwrap();
        assert_eq!(saved.stop(), Stop::Interrupted);
        assert_same(&rest(&saved), &whole);
    }
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_an_error_and_the_last_one_stays() {
    let folder = Passing::new();
    std::fs::create_dir(&folder.0).unwrap();
    let path = folder.0.join("fit.bnn");
    let vanishing = folder.0.clone();
    let advi = Advi::mean_field().steps(400).every(100);
    let advi = advi.checkpoint(&path, Every::Steps(50)).callback(move |_| {
        std::fs::remove_dir_all(&vanishing).unwrap();
        ControlFlow::Continue(())
    });
    let error = advi.fit(&Regression::line()).unwrap_err().to_string();
    assert!(error.contains("fit.bnn cannot be written: "), "{error}");

    // Nobody writes there, not even root.
    let advi = Advi::mean_field().steps(100);
    let advi = advi.checkpoint(Path::new("/proc/fit.bnn"), Every::Steps(50));
    let error = advi.fit(&Regression::line()).unwrap_err().to_string();
    assert!(
        error.contains("/proc/fit.bnn cannot be written: "),
        "{error}"
    );
}

#[test]
fn steps_beyond_the_end_go_at_the_last_rate_or_in_a_new_cycle() {
    let advi = Advi::mean_field().steps(200).averaging(0.0).restarts(2);
    let density = Regression::line();
    // At a constant rate, more steps are what a longer fit takes.
    let longer = fit(&advi).resume(&density, 100).unwrap();
    let at_once = fit(&advi.clone().steps(300));
    let kept = at_once
        .restarts()
        .iter()
        .position(|r| r.seed == longer.seed());
    assert_eq!(longer.steps(), 300);
    assert_eq!(longer.restarts().len(), 2);
    let alone = fit(&advi.clone().steps(300).seed(longer.seed()).restarts(1));
    assert_eq!(longer.approximation(), alone.approximation());
    assert_eq!(
        longer.restarts()[kept.unwrap()].outcome.as_ref().unwrap().0,
        at_once.restarts()[kept.unwrap()]
            .outcome
            .as_ref()
            .unwrap()
            .0
    );

    let cooled = advi.clone().schedule(Schedule::Cooldown { share: 0.5 });
    let cooled = fit(&cooled);
    let error = cooled.resume(&density, 100).unwrap_err();
    let no_rate = |error: &InferenceError| {
        matches!(error, InferenceError::Resume(ResumeError::NoRate { .. }))
    };
    assert!(no_rate(&error), "{error}");
    let cycled = cooled.resume(&density, Resume::cycle(150)).unwrap();
    assert_eq!(cycled.steps(), 350);
    assert_eq!(cycled.curve().elbos()[..200], cooled.curve().elbos()[..]);

    // A cycle that was ended goes on, too.
    let file = Passing::new();
    let every = Every::Steps(40);
    let kept = cooled.resume(&density, Resume::cycle(150).checkpoint(&file.0, every));
    assert_same(&kept.unwrap(), &cycled);
    let saved = load_fit(&file.0).unwrap();
    assert_same(&rest(&saved), &cycled);
}

#[test]
fn what_cannot_go_on_is_refused_with_a_reason() {
    let density = Regression::line();
    let message = |fit: &AdviFit, resume: Resume| {
        let error = fit.resume(&density, resume).unwrap_err();
        assert!(matches!(error, InferenceError::Resume(_)), "{error}");
        error.to_string()
    };
    let done = fit(&Advi::mean_field().steps(100));
    assert!(message(&done, Resume::rest()).starts_with("the fit has done all of its 100 steps"));
    assert!(message(&done, Resume::steps(0)).starts_with("no steps were asked for"));
    let natural = fit(&Advi::mean_field());
    assert!(message(&natural, Resume::cycle(10)).contains("natural gradients"));
    assert!(message(&natural, Resume::rest()).starts_with("the fit has done all of its"));
    let mode = fit(&Advi::map());
    assert!(message(&mode, Resume::steps(10)).contains("L-BFGS"));
    let mut parts = done.parts().clone();
    parts.training = None;
    let bare = AdviFit::new(parts).unwrap();
    assert!(message(&bare, Resume::steps(10)).contains("does not know where its training was"));
}
