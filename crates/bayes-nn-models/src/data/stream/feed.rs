//! Minibatches of rows in a shuffled order, read ahead on a thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use bayes_nn_distributions::Support;
use bayes_nn_kernels::{Column, Feed, FeedError, Feeder, WrongIndex};

use super::order::Window;
use super::{Order, Source, SourceColumn, SourceKind, StreamError, read};
use crate::data::DataError;

/// Numbers that are read ahead at the most, unless they are fewer than a minibatch has.
const AHEAD: usize = 1 << 20;
/// Parts in which they are handed over, and steps of one at the most.
const PARTS: usize = 4;
const STEPS: usize = 256;
/// Bytes of which the allocator is shown that they come and go.
const KEPT: usize = 31 << 20;
/// Rows that are turned batch last together: what they fill of a line of the cache.
const TILE: usize = 8;

/// Feeds minibatches of a fit: consecutive pieces of the shuffled rows, of which the one at the end of an
/// epoch begins the next.
#[derive(Debug)]
pub(crate) struct RowFeed {
    /// The sources of which something is read.
    pub(crate) sources: Vec<Arc<dyn Source>>,
    /// What is fed, in the order of the windows.
    pub(crate) taken: Vec<Taken>,
    pub(crate) order: Order,
    /// Rows of a minibatch.
    pub(crate) batch: usize,
    /// What was observed, by its place among what is fed.
    pub(crate) observed: Vec<(usize, ObservedColumn)>,
}

/// A column whose numbers have to come from a distribution.
#[derive(Clone, Debug)]
pub(crate) struct ObservedColumn {
    pub(crate) column: String,
    /// What it was seen of.
    pub(crate) site: String,
    pub(crate) distribution: &'static str,
    pub(crate) support: Support<'static>,
}

impl ObservedColumn {
    /// Of a support that is the same in all rows and of every draw; of others nothing.
    pub(crate) fn new(
        column: String,
        site: String,
        distribution: &'static str,
        support: Support<'_>,
    ) -> Option<ObservedColumn> {
        Some(ObservedColumn {
            support: match support {
                Support::Positive => Support::Positive,
                Support::NonNegative => Support::NonNegative,
                Support::Boolean => Support::Boolean,
                Support::Categories(classes) => Support::Categories(classes),
                Support::Naturals => Support::Naturals,
                _ => return None,
            },
            column,
            site,
            distribution,
        })
    }

    /// Checks numbers of which the first is that of a row.
    fn check(&self, numbers: &Column, first: usize, source: &dyn Source) -> Result<(), DataError> {
        let outside = numbers.position(|number| !self.support.contains(number));
        outside.map_or(Ok(()), |row| {
            let problem = format!(
                "row {}, column `{}`: {} was observed of `{}`, and {} gives {}",
                first + row,
                self.column,
                numbers.get(row).unwrap_or(f64::NAN),
                self.site,
                self.distribution,
                self.support
            );
            let name = source.name();
            Err(StreamError::Source { name, problem }.into())
        })
    }
}

/// A column that is fed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) source: usize,
    /// Its place among the columns of the source.
    pub(crate) column: usize,
    pub(crate) kind: SourceKind,
}

/// A minibatch.
struct Minibatch {
    /// What the windows are fed, batch last.
    blocks: Vec<Vec<f64>>,
    /// Where the rows stand in the sources.
    rows: Vec<usize>,
}

/// The minibatches of some steps.
type Part = Vec<Minibatch>;

impl Feed for RowFeed {
    fn begin(&self, seed: u64, step: u64) -> Result<Box<dyn Feeder>, FeedError> {
        let widths = self.taken.iter().map(|taken| taken.kind.width());
        let numbers: usize = widths.map(|width| width * self.batch).sum();
        let steps = (AHEAD / PARTS / numbers.max(1)).clamp(1, STEPS);
        let block = |taken: &Taken| vec![0.0; taken.kind.width() * self.batch];
        let blank = || Minibatch {
            blocks: self.taken.iter().map(block).collect(),
            rows: vec![0; self.batch],
        };
        let (full, filled) = sync_channel(PARTS);
        let (emptied, empty) = channel();
        for _ in 0..PARTS {
            let part: Part = (0..steps).map(|_| blank()).collect();
            // The other end is here.
            let _ = emptied.send(part);
        }
        let widths = self.taken.iter().map(|taken| taken.kind.width());
        let widest = widths.max().unwrap_or(0);
        let (epoch, number, place) = self.order.place(seed, step * self.batch as u64);
        let reader = Reader {
            sources: self.sources.clone(),
            taken: self.taken.clone(),
            order: self.order,
            batch: self.batch,
            observed: self.observed.clone(),
            seed,
            epoch,
            number,
            place,
            window: self.order.window(seed, epoch, number),
            blocks: Vec::new(),
            copies: vec![0.0; TILE * widest],
        };
        let thread = std::thread::Builder::new()
            .name("rows".to_owned())
            .spawn(move || reader.run(&empty, &full))
            .map_err(FeedError::new)?;
        Ok(Box::new(ReadAhead {
            ends: Some((filled, emptied)),
            thread: Some(thread),
            sources: self.sources.clone(),
            taken: self.taken.clone(),
            part: Vec::new(),
            next: 0,
        }))
    }
}

/// Where filled parts come from, and emptied ones go to be filled again.
type Ends = (Receiver<Result<Part, DataError>>, Sender<Part>);

/// The receiving end of what is read ahead.
struct ReadAhead {
    ends: Option<Ends>,
    thread: Option<JoinHandle<()>>,
    sources: Vec<Arc<dyn Source>>,
    taken: Vec<Taken>,
    part: Part,
    /// The next step of the part.
    next: usize,
}

impl Feeder for ReadAhead {
    fn next(&mut self) -> Result<&[Vec<f64>], FeedError> {
        if self.next == self.part.len() {
            let part = std::mem::take(&mut self.part);
            let next = self.ends.as_ref().and_then(|(filled, emptied)| {
                // A reader that has ended needs no more room.
                let _ = emptied.send(part);
                filled.recv().ok()
            });
            let ended = || StreamError::Source {
                name: "the thread that reads rows".to_owned(),
                problem: "it has ended".to_owned(),
            };
            self.next = 0;
            let next = next.unwrap_or_else(|| Err(ended().into()));
            self.part = next.map_err(FeedError::new)?;
        }
        self.next += 1;
        Ok(&self.part[self.next - 1].blocks)
    }

    fn refuse(&self, index: &WrongIndex) -> Option<FeedError> {
        let WrongIndex {
            value,
            position,
            length,
            ..
        } = *index;
        let minibatch = self.part.get(self.next.checked_sub(1)?)?;
        let row = minibatch.rows.get(position)?;
        let mut fed = self.taken.iter().zip(&minibatch.blocks);
        let (taken, _) = fed.find(|(taken, block)| {
            taken.kind == SourceKind::Index && block.get(position) == Some(&value)
        })?;
        let source = &self.sources[taken.source];
        let SourceColumn { name: column, .. } = source.columns().swap_remove(taken.column);
        Some(FeedError::new(DataError::from(StreamError::Source {
            name: source.name(),
            problem: format!(
                "row {row}, column `{column}`: the index {value} is not below {length}"
            ),
        })))
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        // Without the other ends the thread ends, too.
        self.ends = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What reads rows ahead.
struct Reader {
    sources: Vec<Arc<dyn Source>>,
    taken: Vec<Taken>,
    order: Order,
    batch: usize,
    observed: Vec<(usize, ObservedColumn)>,
    seed: u64,
    /// Where the next row stands.
    epoch: u64,
    number: usize,
    place: usize,
    window: Window,
    /// Of each block of the window what each source has; nothing before it is read.
    blocks: Vec<Vec<Vec<Column>>>,
    /// Room for rows of a tile.
    copies: Vec<f64>,
}

impl Reader {
    fn run(mut self, empty: &Receiver<Part>, full: &SyncSender<Result<Part, DataError>>) {
        // The allocator of Linux gives memory back to the system as soon as more is free than twice the
        // largest block that was freed so far, and each block of rows would take it from there anew, page
        // by page. It keeps what this allows for.
        drop(std::hint::black_box(Vec::<u8>::with_capacity(KEPT)));
        while let Ok(mut part) = empty.recv() {
            let filled = (0..part.len()).find_map(|step| {
                let error = self.fill(&mut part[step]).err()?;
                Some((step, error))
            });
            let failed = filled.map(|(steps, error)| {
                part.truncate(steps);
                error
            });
            let sent = match part.is_empty() {
                true => Ok(()),
                false => full.send(Ok(part)),
            };
            if let Some(error) = failed {
                let _ = full.send(Err(error));
                return;
            }
            if sent.is_err() {
                return;
            }
        }
    }

    /// Writes the next minibatch.
    fn fill(&mut self, minibatch: &mut Minibatch) -> Result<(), DataError> {
        let mut first = 0;
        while first < self.batch {
            if self.blocks.is_empty() {
                self.read_window()?;
            }
            if self.place == self.window.rows {
                self.next_window()?;
            }
            let rows = (self.batch - first)
                .min(self.window.rows - self.place)
                .min(TILE);
            let mut places = [(0, 0); TILE];
            let places = &mut places[..rows];
            for (row, place) in places.iter_mut().enumerate() {
                *place = self.window.at(self.place + row);
            }
            for (number, (block, row)) in minibatch.rows[first..].iter_mut().zip(&*places) {
                *number = self.window.blocks[*block].start + row;
            }
            for (taken, to) in self.taken.iter().zip(&mut minibatch.blocks) {
                let width = taken.kind.width();
                let copies = self.copies.chunks_exact_mut(width.max(1));
                for ((block, row), copy) in places.iter().zip(copies) {
                    self.blocks[*block][taken.source][taken.column].copy_row(*row, copy);
                }
                for (place, to) in to.chunks_exact_mut(self.batch).enumerate() {
                    let of_rows = self.copies[place..].iter().step_by(width);
                    let to = to[first..first + rows].iter_mut();
                    to.zip(of_rows).for_each(|(to, own)| *to = *own);
                }
            }
            self.place += rows;
            first += rows;
        }
        Ok(())
    }

    /// Reads the window after the one of which all rows were taken.
    fn next_window(&mut self) -> Result<(), DataError> {
        self.place = 0;
        self.number += 1;
        if self.number == self.order.windows() {
            (self.epoch, self.number) = (self.epoch + 1, 0);
        }
        self.read_window()
    }

    fn read_window(&mut self) -> Result<(), DataError> {
        self.window = self.order.window(self.seed, self.epoch, self.number);
        self.blocks.resize_with(self.window.blocks.len(), Vec::new);
        for (rows, to) in self.window.blocks.iter().zip(&mut self.blocks) {
            let sources = self.sources.iter();
            let columns = sources.map(|source| read(&**source, rows.clone()));
            let block: Vec<Vec<Column>> = columns.collect::<Result<_, _>>()?;
            for (place, observed) in &self.observed {
                let Taken { source, column, .. } = self.taken[*place];
                let source_of = &*self.sources[source];
                observed.check(&block[source][column], rows.start, source_of)?;
            }
            // One after the other, so that the next block lies where the one before it did.
            *to = block;
        }
        Ok(())
    }
}
