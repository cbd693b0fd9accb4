//! The communicator of ranks in one process: means in a fixed order, and an error for all when one
//! of them fails.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

use crate::error::DeviceError;

/// What the ranks of a program share.
pub(crate) struct Communicator {
    slots: Box<[Slot]>,
    round: Mutex<Round>,
    changed: Condvar,
    /// A rank failed and will not come. Set while nobody changes the round, so that none that
    /// waits for it misses it; read at any time.
    abandoned: AtomicBool,
    /// Whether ranks cannot meet again after a failure.
    ended_by_failure: bool,
}

/// What a rank brings, and its memory for the sum of what all bring.
#[derive(Default)]
struct Slot {
    brought: RwLock<Vec<f64>>,
    sum: Mutex<Vec<f64>>,
}

#[derive(Default)]
struct Round {
    number: u64,
    arrived: usize,
}

/// One rank's place at the communicator, by which it takes part.
#[derive(Clone)]
pub(crate) struct Seat {
    communicator: Arc<Communicator>,
    rank: usize,
}

impl Communicator {
    pub fn new(ranks: usize, ended_by_failure: bool) -> Arc<Communicator> {
        Arc::new(Communicator {
            slots: (0..ranks).map(|_| Slot::default()).collect(),
            round: Mutex::default(),
            changed: Condvar::new(),
            abandoned: AtomicBool::new(false),
            ended_by_failure,
        })
    }

    /// The seats, by rank.
    pub fn seats(self: &Arc<Communicator>) -> Vec<Seat> {
        let seat = |rank| Seat {
            communicator: self.clone(),
            rank,
        };
        (0..self.slots.len()).map(seat).collect()
    }

    fn round(&self) -> MutexGuard<'_, Round> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prepares for steps that all ranks are about to begin; none of them is running.
    ///
    /// # Errors
    /// [`DeviceError::RankFailed`] when an earlier failure was the end.
    pub fn begin(&self) -> Result<(), DeviceError> {
        if self.ended_by_failure && self.is_abandoned() {
            return Err(DeviceError::RankFailed);
        }
        self.round().arrived = 0;
        self.abandoned.store(false, Ordering::Release);
        Ok(())
    }

    /// Notes that a rank failed: all that wait at present or later return with an error.
    pub fn abandon(&self) {
        let round = self.round();
        self.abandoned.store(true, Ordering::Release);
        drop(round);
        self.changed.notify_all();
    }

    fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// Waits until all ranks are here.
    fn meet(&self) -> Result<(), DeviceError> {
        let mut round = self.round();
        let number = round.number;
        round.arrived += 1;
        if round.arrived == self.slots.len() {
            round.arrived = 0;
            round.number += 1;
            self.changed.notify_all();
        }
        while round.number == number {
            if self.is_abandoned() {
                return Err(DeviceError::RankFailed);
            }
            let waited = self.changed.wait(round);
            round = waited.unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }
}

impl Seat {
    /// Which rank sits here.
    #[cfg(feature = "cuda")]
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// How many ranks there are.
    pub fn ranks(&self) -> usize {
        self.communicator.slots.len()
    }

    /// The number of this rank's part of step `step`, among the parts of all ranks and steps.
    pub fn part(&self, step: u64) -> u64 {
        step * self.ranks() as u64 + self.rank as u64
    }

    /// Whether a rank failed, so that it would be waited for in vain.
    #[cfg(feature = "nccl")]
    pub fn is_abandoned(&self) -> bool {
        self.communicator.is_abandoned()
    }

    /// Hands each element's mean over the ranks to `put`. Sums are taken in the order of the
    /// ranks, by each rank for itself: they have the same bits whoever came first.
    ///
    /// # Errors
    /// [`DeviceError::RankFailed`] when a rank does not come.
    pub fn mean(
        &self,
        own: impl Iterator<Item = f64>,
        mut put: impl FnMut(usize, f64),
    ) -> Result<(), DeviceError> {
        let (slots, slot) = (
            &self.communicator.slots,
            &self.communicator.slots[self.rank],
        );
        {
            let mut brought = slot.brought.write().unwrap_or_else(PoisonError::into_inner);
            brought.clear();
            brought.extend(own);
        }
        self.communicator.meet()?;
        let mut sum = slot.sum.lock().unwrap_or_else(PoisonError::into_inner);
        sum.clear();
        for slot in slots {
            let brought = slot.brought.read().unwrap_or_else(PoisonError::into_inner);
            match sum.is_empty() {
                true => sum.extend_from_slice(&brought),
                false => {
                    for (sum, element) in sum.iter_mut().zip(&*brought) {
                        *sum += element;
                    }
                }
            }
        }
        // No rank may replace what it brought before all have read it.
        self.communicator.meet()?;
        let ranks = self.ranks() as f64;
        for (i, sum) in sum.iter().enumerate() {
            put(i, sum / ranks);
        }
        Ok(())
    }
}
