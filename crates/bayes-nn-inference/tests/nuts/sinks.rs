//! Draws that go somewhere while a run goes on.

use std::path::Path;
use std::sync::{Arc, Mutex};

use bayes_nn_inference::nuts::{
    DrawBlock, DrawSink, DrawSinkError, PlannedRun, UnconstrainedDraws,
};
use bayes_nn_inference::{InferenceError, Method, Nuts, NutsFit};

use crate::regression::Regression;

/// What a sink was called with.
#[derive(Clone, Debug, PartialEq)]
enum Call {
    Begin(PlannedRun),
    Write(DrawBlock),
    Commit,
    Finish,
}

/// Keeps all calls; the one with this number fails.
#[derive(Clone, Default)]
struct Log {
    every: usize,
    fails_at: Option<usize>,
    panics: bool,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Log {
    fn new(every: usize) -> Log {
        Log {
            every,
            ..Log::default()
        }
    }

    fn take(&self, call: Call) -> Result<(), DrawSinkError> {
        let mut calls = self.calls.lock().unwrap();
        calls.push(call);
        match self.fails_at == Some(calls.len()) {
            true if self.panics => panic!("the sink was told to"),
            true => Err("the disk is full".into()),
            false => Ok(()),
        }
    }

    /// The draws of a chain that were handed over, which must be in blocks without a gap.
    fn rows(&self, chain: usize, warmup: bool) -> (Vec<f64>, usize) {
        let (mut positions, mut draws, mut partial) = (Vec::new(), 0, false);
        for call in self.calls.lock().unwrap().iter() {
            let Call::Write(block) = call else { continue };
            if (block.chain, block.warmup) != (chain, warmup) {
                continue;
            }
            assert!(!partial, "only the last block may be short");
            assert_eq!(block.first, draws);
            assert!((1..=self.every).contains(&block.rows.len()));
            partial = block.rows.len() < self.every;
            draws += block.rows.len();
            positions.extend(block.rows.positions());
        }
        (positions, draws)
    }

    fn assert_has(&self, fit: &NutsFit) {
        for chain in fit.chains() {
            let same = |rows: &UnconstrainedDraws, warmup| {
                let (positions, draws) = self.rows(chain.number(), warmup);
                assert_eq!(draws, rows.len());
                assert_eq!(positions, rows.positions());
            };
            same(chain.warmup(), true);
            same(chain.draws(), false);
        }
    }
}

impl DrawSink for Log {
    fn every(&self) -> usize {
        self.every
    }

    fn begin(&mut self, run: &PlannedRun) -> Result<(), DrawSinkError> {
        self.take(Call::Begin(run.clone()))
    }

    fn write(&mut self, block: &DrawBlock) -> Result<(), DrawSinkError> {
        self.take(Call::Write(block.clone()))
    }

    fn commit(&mut self) -> Result<(), DrawSinkError> {
        self.take(Call::Commit)
    }

    fn finish(&mut self) -> Result<(), DrawSinkError> {
        self.take(Call::Finish)
    }
}

fn nuts() -> Nuts {
    let nuts = Nuts::new().warmup(60).draws(50).chains(3);
    nuts.first_chain(2).threads(2).seed(5)
}

fn sample_into(nuts: &Nuts, log: &Log) -> Result<NutsFit, InferenceError> {
    let run = nuts.start_into(&Regression::line(), Box::new(log.clone()));
    run?.wait()
}

fn assert_same(a: &NutsFit, b: &NutsFit) {
    for (a, b) in a.chains().iter().zip(b.chains()) {
        assert_eq!((a.draws(), a.warmup()), (b.draws(), b.warmup()));
        assert_eq!((a.tuned(), a.gradients()), (b.tuned(), b.gradients()));
    }
}

#[test]
fn a_sink_is_given_every_draw_in_order_and_changes_none() {
    for (every, keep) in [(1, true), (7, false), (10, true), (1000, true)] {
        let nuts = nuts().keep_warmup(keep);
        let log = Log::new(every);
        let fit = sample_into(&nuts, &log).unwrap();
        assert!(fit.sink_error().is_none() && !fit.stopped());
        assert_same(&fit, &nuts.fit(&Regression::line()).unwrap());
        log.assert_has(&fit);
        let calls = log.calls.lock().unwrap();
        let Call::Begin(planned) = &calls[0] else {
            panic!("a run begins first");
        };
        assert_eq!((planned.chains.clone(), planned.keep_warmup), (2..5, keep));
        assert_eq!((planned.warmup, planned.draws), (60, 50));
        // Whatever was written is committed before the end.
        assert_eq!(calls[calls.len() - 2..], [Call::Commit, Call::Finish]);
    }
}

#[test]
fn a_stopped_run_hands_over_its_last_draws() {
    let log = Log::new(64);
    let nuts = nuts().draws(1 << 40);
    let run = nuts.start_into(&Regression::line(), Box::new(log.clone()));
    let run = run.unwrap();
    while run.progress()[0].draws < 300 {
        std::thread::yield_now();
    }
    run.stop();
    let fit = run.wait().unwrap();
    assert!(fit.stopped() && fit.sink_error().is_none());
    log.assert_has(&fit);
}

#[test]
fn a_sink_that_fails_ends_the_run_which_keeps_its_draws() {
    for panics in [false, true] {
        let log = Log {
            fails_at: Some(200),
            panics,
            ..Log::new(10)
        };
        // So many draws that the run ends by the sink or not at all.
        let fit = sample_into(&nuts().draws(1 << 40), &log).unwrap();
        assert!(fit.stopped());
        let error = fit.sink_error().unwrap().to_string();
        let expected = ["the disk is full", "the sink panicked"][usize::from(panics)];
        assert_eq!(error, expected);
        let whole = nuts().fit(&Regression::line()).unwrap();
        let mut draws = 0;
        for (part, whole) in fit.chains().iter().zip(whole.chains()) {
            assert!(part.error().is_none());
            let (part, whole) = (part.draws().positions(), whole.draws().positions());
            let both = part.len().min(whole.len());
            assert_eq!(part[..both], whole[..both]);
            draws += part.len() / 2;
        }
        assert!(draws >= 300, "{draws}");
    }
}

#[test]
fn a_sink_that_fails_before_any_draw_is_the_error_of_the_run() {
    let failing = |fails_at| Log {
        fails_at: Some(fails_at),
        ..Log::new(1)
    };
    // At its begin nothing is drawn at all.
    let log = failing(1);
    let error = sample_into(&nuts(), &log).unwrap_err();
    assert!(matches!(error, InferenceError::DrawSink(_)), "{error}");
    assert_eq!(log.calls.lock().unwrap().len(), 1);
    // In a warm-up without end there is no draw after it.
    let error = sample_into(&nuts().warmup(1 << 40), &failing(2)).unwrap_err();
    assert_eq!(error.to_string(), "the disk is full");

    let error = sample_into(&nuts(), &Log::new(0)).unwrap_err();
    assert_eq!(error.to_string(), "`every` is 0; it must be 1 or more");
}

#[test]
fn a_run_taken_up_hands_over_what_it_had_drawn_before() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sink-taken-up");
    let _ = std::fs::remove_dir_all(&folder);
    // The checkpoint lies within a block, of the warm-up or after it.
    for draws in [1, 23] {
        let nuts = nuts().checkpoints(&folder, 9).keep_warmup(true);
        sample_into(&nuts.clone().draws(draws), &Log::new(10)).unwrap();
        let log = Log::new(10);
        let fit = sample_into(&nuts, &log).unwrap();
        log.assert_has(&fit);
        let whole = nuts.fit(&Regression::line()).unwrap();
        assert_same(&fit, &whole);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
