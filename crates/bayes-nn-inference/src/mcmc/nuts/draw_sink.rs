//! Where draws go while a run goes on.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender};

use super::chain::Chain;
use super::draws::UnconstrainedDraws;
use crate::error::DrawSinkError;

/// Something that takes draws while a run goes on: [`Nuts::start_into`](super::Nuts::start_into).
///
/// It is called by a thread of its own, and chains wait for it only when it lags 256 blocks
/// behind. The first error ends the run: all chains stop and keep what they have drawn, and the
/// error is that of the fit ([`NutsFit::sink_error`](super::NutsFit::sink_error)).
///
/// ```
/// # use std::rc::Rc;
/// # use bayes_nn_autodiff::Graph;
/// # use bayes_nn_inference::{Density, DensityError, Handler, Nuts, Rows, Site, Term, Traced};
/// use std::sync::{Arc, Mutex};
/// use bayes_nn_inference::nuts::{DrawBlock, DrawSink, PlannedRun, DrawSinkError};
/// # struct Normal(Vec<Site>);
/// # impl Density for Normal {
/// #     fn sites(&self) -> &[Site] { &self.0 }
/// #     fn start(&self, _seed: u64) -> Result<Vec<f64>, DensityError> { Ok(vec![0.5]) }
/// #     fn trace<'g>(
/// #         &self, _: &'g Graph, handler: Rc<dyn Handler<'g> + 'g>, _: Rows,
/// #     ) -> Result<Traced<'g>, DensityError> {
/// #         let x = handler.unconstrained("x", [1].into())?;
/// #         Ok(Traced::new(vec![Term::new("x", (-0.5 * x * x).sum())]))
/// #     }
/// # }
/// # let density = Normal(vec![Site::new("x", [1], 0)]);
///
/// /// The mean so far, of the draws of all chains.
/// struct Mean(Arc<Mutex<(f64, usize)>>);
///
/// impl DrawSink for Mean {
///     fn every(&self) -> usize { 50 }
///     fn begin(&mut self, _run: &PlannedRun) -> Result<(), DrawSinkError> { Ok(()) }
///     fn write(&mut self, block: &DrawBlock) -> Result<(), DrawSinkError> {
///         if !block.warmup {
///             let mut mean = self.0.lock().map_err(|_| "poisoned")?;
///             mean.0 += block.rows.positions().iter().sum::<f64>();
///             mean.1 += block.rows.len();
///         }
///         Ok(())
///     }
///     fn commit(&mut self) -> Result<(), DrawSinkError> { Ok(()) }
///     fn finish(&mut self) -> Result<(), DrawSinkError> { Ok(()) }
/// }
///
/// let mean = Arc::new(Mutex::new((0.0, 0)));
/// let run = Nuts::new().chains(2).start_into(&density, Box::new(Mean(mean.clone())))?;
/// run.wait()?;
/// let (sum, draws) = *mean.lock().unwrap();
/// assert!(draws == 2_000 && (sum / 2_000.0).abs() < 0.2);
/// # Ok::<(), bayes_nn_inference::InferenceError>(())
/// ```
pub trait DrawSink: Send {
    /// How many draws of a chain make a block, 1 or more.
    fn every(&self) -> usize;

    /// A run begins. Called before the first block, once all chains have a start.
    ///
    /// # Errors
    /// Whatever keeps the sink from taking draws; the run does not begin.
    fn begin(&mut self, run: &PlannedRun) -> Result<(), DrawSinkError>;

    /// Takes a block of draws.
    ///
    /// # Errors
    /// Whatever keeps the sink from it.
    fn write(&mut self, block: &DrawBlock) -> Result<(), DrawSinkError>;

    /// Lets others see the blocks written so far. Called after every few of them, and at the end.
    ///
    /// # Errors
    /// Whatever keeps the sink from it.
    fn commit(&mut self) -> Result<(), DrawSinkError>;

    /// All chains have ended, and no block follows.
    ///
    /// # Errors
    /// Whatever keeps the sink from it.
    fn finish(&mut self) -> Result<(), DrawSinkError>;
}

/// How many draws a run is to make.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedRun {
    /// The numbers of the chains.
    pub chains: Range<usize>,
    /// Draws of the warm-up of each.
    pub warmup: u64,
    /// Whether these are kept, or their statistics only.
    pub keep_warmup: bool,
    /// Draws of each after that.
    pub draws: u64,
}

/// Consecutive draws of a chain, all of the warm-up or none.
///
/// The blocks of a chain come in order, each [`DrawSink::every`] draws long; only the last of
/// its warm-up and its last of all may be shorter. A chain that was taken up from a checkpoint
/// hands over the draws that it has there, too, from the first.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DrawBlock {
    /// The chain's number.
    pub chain: usize,
    /// Whether the draws are of the warm-up.
    pub warmup: bool,
    /// How many draws of the warm-up, or else after it, the chain made before these.
    pub first: usize,
    /// The draws, in unconstrained space, and their statistics.
    pub rows: UnconstrainedDraws,
}

/// How many blocks wait for a sink at the most.
pub(super) const LAG: usize = 256;

/// A chain's end of the channel to the draw sink.
pub(super) struct Feed {
    blocks: SyncSender<DrawBlock>,
    every: usize,
    sent_of_warmup: usize,
    sent: usize,
}

impl Feed {
    pub(super) fn new(blocks: SyncSender<DrawBlock>, every: usize) -> Feed {
        Feed {
            blocks,
            every,
            sent_of_warmup: 0,
            sent: 0,
        }
    }

    /// Hands over the blocks that are complete, or all that there is of a chain that has ended.
    pub(super) fn send(&mut self, chain: &Chain, ended: bool) {
        let warmed = ended || !chain.is_warming();
        self.send_rows(chain.number, &chain.warmup, true, warmed);
        self.send_rows(chain.number, &chain.draws, false, ended);
    }

    fn send_rows(&mut self, chain: usize, rows: &UnconstrainedDraws, warmup: bool, complete: bool) {
        let sent = match warmup {
            true => &mut self.sent_of_warmup,
            false => &mut self.sent,
        };
        while rows.len() - *sent >= self.every || complete && rows.len() > *sent {
            let end = rows.len().min(sent.saturating_add(self.every));
            let block = DrawBlock {
                chain,
                warmup,
                first: *sent,
                rows: rows.part(*sent..end),
            };
            // The channel is closed after an error of the sink, which ends the run.
            let _ = self.blocks.send(block);
            *sent = end;
        }
    }
}

/// Gives blocks to a sink until all chains have ended. A sink that panics has failed.
pub(super) fn drain(
    mut sink: Box<dyn DrawSink>,
    blocks: &Receiver<DrawBlock>,
) -> Result<(), DrawSinkError> {
    let all = || -> Result<(), DrawSinkError> {
        while let Ok(block) = blocks.recv() {
            sink.write(&block)?;
            // The sink commits after a bounded number of blocks, even when more are waiting.
            for block in blocks.try_iter().take(LAG / 4) {
                sink.write(&block)?;
            }
            sink.commit()?;
        }
        sink.finish()
    };
    catch_unwind(AssertUnwindSafe(all)).unwrap_or_else(|_| Err("the sink panicked".into()))
}
