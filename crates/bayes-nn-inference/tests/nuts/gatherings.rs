//! Chains gather in the warm-up, and one that is stuck goes on from near another: whatever the
//! threads, and whether the run is stopped or a chain fails meanwhile.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, LazyLock, Mutex};

use bayes_nn_inference::nuts::{EvalError, LogDensity};
use bayes_nn_inference::{Nuts, NutsFit};

use crate::targets::By;

/// Two narrow normals far from each other; the left one has e^-60 of the mass.
fn two_modes(x: &[f64], gradient: &mut [f64]) -> f64 {
    let (mean, level) = match x[0] < 0.0 {
        true => (-1.0, -60.0),
        false => (1.0, 0.0),
    };
    let z = (x[0] - mean) / 0.05;
    gradient[0] = -z / 0.05;
    level - 0.5 * z * z
}

fn density() -> impl LogDensity {
    By(1, |x: &[f64], gradient: &mut [f64]| {
        Ok(two_modes(x, gradient))
    })
}

fn nuts(chains: usize) -> Nuts {
    Nuts::new()
        .chains(chains)
        .warmup(100)
        .draws(10)
        .seed(*SEED)
        .keep_warmup(true)
}

/// Chain 0 begins on the left, chains 1 and 2 on the right.
static SEED: LazyLock<u64> = LazyLock::new(|| {
    let begins = |seed: &u64| {
        let nuts = Nuts::new().chains(3).warmup(0).draws(1).seed(*seed);
        let fit = nuts.sample_with(|_| density()).unwrap();
        let right = |chain: usize| fit.chains()[chain].draws().positions()[0] > 0.0;
        [0, 1, 2].map(right) == [false, true, true]
    };
    (0..100).find(begins).unwrap()
});
/// The draws of a warm-up of 100 at which chains gather.
const GATHERINGS: [u64; 2] = [30, 60];

fn assert_same(fit: &NutsFit, whole: &NutsFit) {
    for (a, b) in fit.chains().iter().zip(whole.chains()) {
        assert_eq!((a.moved_at(), a.draws()), (b.moved_at(), b.draws()));
        assert_eq!((a.warmup(), a.tuned()), (b.warmup(), b.tuned()));
    }
}

/// A density that before one of its evaluations waits until the run has been stopped.
fn waiting(before: u64, came: SyncSender<()>, go_on: Receiver<()>) -> impl LogDensity {
    let mut evaluations = 0;
    By(1, move |x: &[f64], gradient: &mut [f64]| {
        evaluations += 1;
        if evaluations == before {
            let _ = came.send(());
            let _ = go_on.recv();
        }
        Ok::<f64, EvalError>(two_modes(x, gradient))
    })
}

#[test]
fn a_run_that_is_stopped_near_a_gathering_goes_on_as_if_it_had_not_been() {
    let evaluations = Arc::new(AtomicU64::new(0));
    let whole = nuts(2)
        .sample_with(|chain| {
            let evaluations = evaluations.clone();
            By(1, move |x: &[f64], gradient: &mut [f64]| {
                evaluations.fetch_add(chain as u64, Ordering::Relaxed);
                Ok(two_modes(x, gradient))
            })
        })
        .unwrap();
    assert_eq!(whole.chains()[0].moved_at(), Some(GATHERINGS[0]));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gatherings");
    let last = evaluations.load(Ordering::Relaxed);
    // On one thread the other chain has come to a gathering each time and waits there.
    for (threads, stops) in [(1, 24), (2, 8)] {
        for stop in 0..stops {
            let _ = std::fs::remove_dir_all(&folder);
            let nuts = nuts(2).threads(threads).checkpoints(&folder, 10);
            let (came, has_come) = sync_channel(1);
            let (let_go, go_on) = sync_channel(1);
            let go_on = Arc::new(Mutex::new(Some(go_on)));
            let before = 12 + (last - 12) * stop / stops;
            let run = nuts.start_with(|chain| -> Box<dyn LogDensity + Send> {
                match chain {
                    0 => Box::new(density()),
                    _ => {
                        let go_on = go_on.lock().unwrap().take().unwrap();
                        Box::new(waiting(before, came.clone(), go_on))
                    }
                }
            });
            let run = run.unwrap();
            has_come.recv().unwrap();
            run.stop();
            let_go.send(()).unwrap();
            assert!(run.wait().unwrap().stopped());
            assert_same(&nuts.sample_with(|_| density()).unwrap(), &whole);
        }
    }
}

#[test]
fn chains_gather_on_any_number_of_threads() {
    let of = |threads| nuts(7).threads(threads).sample_with(|_| density()).unwrap();
    let one = of(1);
    let left = one.chains().iter().filter(|c| c.moved_at().is_some());
    assert!((1..7).contains(&left.count()));
    for chain in one.chains() {
        assert!(chain.draws().positions().iter().all(|x| *x > 0.0));
    }
    for threads in [2, 3, 7] {
        assert_same(&of(threads), &one);
    }
}

#[test]
fn a_chain_that_fails_before_a_gathering_holds_up_no_other() {
    let two = nuts(2).first_chain(0);
    let without = two.sample_with(|_| density()).unwrap();
    for threads in [1, 2, 3] {
        for panics in [false, true] {
            let fit = nuts(3).threads(threads).sample_with(|chain| {
                let mut evaluations = 0;
                By(1, move |x: &[f64], gradient: &mut [f64]| {
                    evaluations += 1;
                    match chain == 2 && evaluations > 50 {
                        true if panics => panic!("a density that panics"),
                        true => Err(EvalError::Fatal("the machine is on fire".into())),
                        false => Ok(two_modes(x, gradient)),
                    }
                })
            });
            let fit = fit.unwrap();
            assert!(fit.chains()[2].error().is_some());
            assert_same(&fit, &without);
            assert_eq!(fit.chains()[0].moved_at(), Some(GATHERINGS[0]));
        }
    }
}
