//! What is measured while a program runs.

use std::time::Instant;

/// An observer of a run, by which passes are timed.
pub(super) trait Watch: Send {
    /// Whether every pass is timed by itself: then passes do not share strips between threads.
    const EACH_PASS: bool;

    fn step_begins(&mut self);

    /// A pass, or a strip of it, is done.
    fn pass_ends(&mut self, number: usize);
}

/// Nothing is measured.
pub(super) struct Unwatched;

impl Watch for Unwatched {
    const EACH_PASS: bool = false;

    #[inline(always)]
    fn step_begins(&mut self) {}

    #[inline(always)]
    fn pass_ends(&mut self, _: usize) {}
}

/// The seconds that each pass takes in each step.
pub(super) struct Stopwatch {
    last: Instant,
    seconds: Vec<Vec<f64>>,
}

impl Stopwatch {
    pub fn new(passes: usize) -> Stopwatch {
        Stopwatch {
            last: Instant::now(),
            seconds: vec![Vec::new(); passes],
        }
    }

    /// Of each pass, the seconds of each step.
    pub fn seconds(self) -> Vec<Vec<f64>> {
        self.seconds
    }
}

impl Watch for Stopwatch {
    const EACH_PASS: bool = true;

    fn step_begins(&mut self) {
        for seconds in &mut self.seconds {
            seconds.push(0.0);
        }
        self.last = Instant::now();
    }

    fn pass_ends(&mut self, number: usize) {
        let now = Instant::now();
        if let Some(seconds) = self.seconds[number].last_mut() {
            *seconds += (now - self.last).as_secs_f64();
        }
        self.last = Instant::now();
    }
}
