//! Streams, threads, and the handle of a run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bayes_nn_inference::Nuts;
use bayes_nn_inference::nuts::{
    ChainProgress, EvalError, LowRank, Metric, NutsRun, SamplingProgress, WarmupSchedule,
};

use crate::targets::{By, Chained, Funnel, Standard};

#[test]
fn a_chain_alone_has_the_bits_it_has_among_eight_whatever_the_threads() {
    let nuts = Nuts::new().draws(100).warmup(150).seed(9);
    let all = nuts
        .clone()
        .chains(8)
        .threads(3)
        .sample_with(|_| Funnel)
        .unwrap();
    let one = nuts
        .clone()
        .chains(8)
        .threads(1)
        .sample_with(|_| Funnel)
        .unwrap();
    for (a, b) in all.chains().iter().zip(one.chains()) {
        assert_eq!(a.draws(), b.draws());
    }
    for number in [0, 5, 7] {
        let alone = nuts.clone().chains(1).first_chain(number);
        let alone = alone.sample_with(|_| Funnel).unwrap();
        let (alone, among) = (&alone.chains()[0], &all.chains()[number]);
        assert_eq!(alone.number(), number);
        assert_eq!(alone.draws(), among.draws());
        assert_eq!(alone.warmup(), among.warmup());
        assert_eq!(alone.tuned(), among.tuned());
    }
    assert_ne!(all.chains()[0].draws(), all.chains()[1].draws());
}

#[test]
fn the_low_rank_metric_has_the_same_bits_whatever_the_threads() {
    let nuts = Nuts::new().draws(50).warmup(150).chains(4).seed(9);
    let nuts = nuts.metric(Metric::LowRank(LowRank::new()));
    let density = |_| Chained { dim: 60, r: 0.95 };
    let one = nuts.clone().threads(1).sample_with(density).unwrap();
    let four = nuts.threads(4).sample_with(density).unwrap();
    for (a, b) in one.chains().iter().zip(four.chains()) {
        assert!(a.tuned().whitening.directions().count() > 0);
        assert_eq!((a.draws(), a.tuned()), (b.draws(), b.tuned()));
    }
}

fn wait_until(run: &NutsRun, enough: impl Fn(&ChainProgress) -> bool) {
    while !run.progress().iter().all(&enough) {
        std::thread::yield_now();
    }
}

#[test]
fn a_stop_keeps_what_was_drawn() {
    let nuts = Nuts::new().draws(1 << 40).warmup(100).chains(2).seed(4);
    let run = nuts.clone().threads(2).start_with(|_| Standard(3)).unwrap();
    wait_until(&run, |chain| chain.draws >= 300);
    run.stop();
    let fit = run.wait().unwrap();
    assert!(fit.stopped());
    let whole = nuts.draws(200).sample_with(|_| Standard(3)).unwrap();
    assert!(!whole.stopped());
    for (part, whole) in fit.chains().iter().zip(whole.chains()) {
        assert!(part.error().is_none());
        assert!(part.draws().len() >= 200);
        let expected = whole.draws().positions();
        assert_eq!(&part.draws().positions()[..expected.len()], expected);
    }
}

#[test]
fn a_warm_up_without_end_can_be_begun_and_stopped() {
    for schedule in [WarmupSchedule::Growing, WarmupSchedule::Stan] {
        let nuts = Nuts::new()
            .warmup(u64::MAX / 2)
            .schedule(schedule)
            .chains(2);
        let run = nuts.threads(2).start_with(|_| Standard(3)).unwrap();
        wait_until(&run, |chain| chain.draws >= 300);
        run.stop();
        let fit = run.wait().unwrap();
        assert!(fit.chains().iter().all(|chain| chain.error().is_none()));
    }
}

#[test]
fn a_stop_is_seen_within_a_trajectory() {
    // The density itself asks for the stop, ten steps into a trajectory of a thousand.
    let run: Arc<Mutex<Option<NutsRun>>> = Arc::default();
    let (seen, evaluations) = (run.clone(), Arc::new(AtomicU64::new(0)));
    let counted = evaluations.clone();
    let nuts = Nuts::new()
        .chains(1)
        .warmup(0)
        .draws(1)
        .initial_step(1e-9)
        .seed(1);
    let start = nuts.start_with(move |_| {
        let (seen, counted) = (seen.clone(), counted.clone());
        By(1, move |_: &[f64], gradient: &mut [f64]| {
            gradient[0] = 0.0;
            let step = counted.fetch_add(1, Ordering::Relaxed) + 1;
            if step == 200 {
                // Waits for the handle, then stops by it.
                loop {
                    if let Some(run) = &*seen.lock().unwrap() {
                        run.stop();
                        break;
                    }
                    std::thread::yield_now();
                }
            }
            Ok(0.0)
        })
    });
    *run.lock().unwrap() = Some(start.unwrap());
    while !run.lock().unwrap().as_ref().unwrap().is_finished() {
        std::thread::yield_now();
    }
    assert_eq!(evaluations.load(Ordering::Relaxed), 200);
    let run = run.lock().unwrap().take().unwrap();
    assert!(run.wait().unwrap().chains()[0].draws().is_empty());
}

#[test]
fn a_pause_holds_all_chains_and_changes_no_draw() {
    let nuts = Nuts::new().draws(60_000).warmup(100).chains(2).seed(4);
    let run = nuts
        .clone()
        .threads(2)
        .start_with(|_| Standard(10))
        .unwrap();
    wait_until(&run, |chain| chain.draws >= 50);
    run.pause();
    // A chain that is within a step when the pause comes ends at most that step.
    let mut before = run.progress();
    loop {
        std::thread::sleep(std::time::Duration::from_millis(30));
        let now = run.progress();
        if now == before {
            break;
        }
        before = now;
    }
    assert!(!run.is_finished());
    run.resume();
    let fit = run.wait().unwrap();
    let whole = nuts.sample_with(|_| Standard(10)).unwrap();
    for (paused, whole) in fit.chains().iter().zip(whole.chains()) {
        assert_eq!(paused.draws(), whole.draws());
    }
}

#[test]
fn a_paused_run_can_be_stopped_and_a_dropped_one_ends() {
    let nuts = Nuts::new().draws(1 << 40).chains(2).seed(4);
    let run = nuts.start_with(|_| Standard(2)).unwrap();
    run.pause();
    run.stop();
    assert!(run.wait().unwrap().stopped());

    let alive = Arc::new(());
    let held = alive.clone();
    let run = nuts.start_with(move |_| {
        let held = held.clone();
        By(1, move |x: &[f64], gradient: &mut [f64]| {
            let _ = &held;
            gradient[0] = -x[0];
            Ok::<f64, EvalError>(-0.5 * x[0] * x[0])
        })
    });
    drop(run.unwrap());
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn progress_reports_begin_and_end_of_every_chain() {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);
    impl SamplingProgress for Log {
        fn start(&self, chains: usize, draws: u64) {
            self.0
                .lock()
                .unwrap()
                .push(format!("start {chains} {draws}"));
        }
        fn update(&self, chain: ChainProgress) {
            assert!(chain.step_size > 0.0 && chain.gradients_per_draw() >= 1.0);
            if chain.finished {
                let line = format!("chain {} {}", chain.chain, chain.draws);
                self.0.lock().unwrap().push(line);
            }
        }
        fn finish(&self) {
            self.0.lock().unwrap().push("finish".to_owned());
        }
    }
    let log = Log::default();
    let nuts = Nuts::new().draws(20).warmup(30).chains(2).threads(1);
    nuts.progress(log.clone())
        .sample_with(|_| Standard(2))
        .unwrap();
    let lines = log.0.lock().unwrap().join(", ");
    assert_eq!(lines, "start 2 50, chain 0 50, chain 1 50, finish");
}
