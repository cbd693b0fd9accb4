//! Data whose rows are read while they are needed.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use bayes_nn_autodiff::Graph;
use bayes_nn_autodiff::noise::Permutation;
use bayes_nn_inference::{Fed, Rows};
use bayes_nn_kernels::Column;

use super::batch::{Batch, Shared};
use super::data::{Gone, Matrix, Values};
use super::handlers::Probe;
use super::record::Record;
use super::{Data, Model, run};
use crate::data::{
    DataError, ObservedColumn, Order, RowFeed, Source, SourceColumn, SourceKind, StreamError,
    Taken, read,
};
use crate::error::{Error, listed};

/// Rows of a stream that stand for all where a model is looked at, and where its fit begins.
const HEAD: usize = 1_000;
/// Numbers of a block, unless its rows are set.
const BLOCK: usize = 1 << 17;
/// Numbers of a block at the most, where a source prefers larger ones.
const MOST: usize = 1 << 20;
/// Numbers of rows that are chosen at random, at the most, and the stream of the choice.
const SAMPLE: usize = 1 << 22;
const CHOSEN: u32 = 4;

impl Data {
    /// Adds the columns of a source, whose rows are read while a fit goes on, and never all at once:
    /// memory holds some blocks of them, whatever their number.
    ///
    /// A fit by minibatches ([`Advi::batch`](bayes_nn_inference::Advi::batch),
    /// [`Sgld`](bayes_nn_inference::Sgld)) reads them, in the order that [`Data::shuffle_blocks`] says.
    /// What needs all rows at once, such as NUTS, natural gradients or leave-one-out, is refused. The first
    /// thousand rows stand for all where columns are checked for their scale, and restarts for whether they
    /// agree: of a file that is sorted these say little of the others.
    ///
    /// ```
    /// use bayes_nn::data::NpyFile;
    /// use bayes_nn::prelude::*;
    /// # let folder = std::env::temp_dir().join(format!("bayes-nn-stream-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let header = b"\x93NUMPY\x01\x00\x3b\x00{'descr': '<f4', 'fortran_order': False, 'shape': (300,), }";
    /// # for (name, slope) in [("x", 1.0_f32), ("y", 2.0)] {
    /// #     let numbers = (0..300).flat_map(|i| (slope * (i as f32).sin()).to_le_bytes());
    /// #     let file: Vec<u8> = header.iter().copied().chain(numbers).collect();
    /// #     std::fs::write(folder.join(name).with_extension("npy"), file)?;
    /// # }
    /// let model = model::from_fn(|trace, data| {
    ///     let slope = trace.sample("slope", Normal::new(0.0, 10.0));
    ///     trace.observe("y", Normal::new(slope * data.column("x"), 1.0), data.column("y"));
    /// });
    /// let data = Data::new()
    ///     .stream(NpyFile::open(folder.join("x.npy"))?)?
    ///     .stream(NpyFile::open(folder.join("y.npy"))?)?;
    /// let advi = Advi::mean_field().steps(1_000).learning_rate(0.05).batch(50);
    /// let fit = model::fit(&model, &data, &advi)?;
    /// assert!((fit.draws(100, 0)?.variable("slope")?.mean()[0] - 2.0).abs() < 0.2);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// No rows, another number of rows than the columns before, a name that is taken; rows that cannot be
    /// read, or have a number that is not finite: of the first thousand at once, of others while they are
    /// read.
    pub fn stream(mut self, source: impl Source + 'static) -> Result<Data, Error> {
        let (source, rows) = (Arc::new(source), self.rows);
        let found = source.rows();
        let name = |columns: &[SourceColumn]| columns.first().map_or("", |c| &c.name).to_owned();
        let columns = source.columns();
        if found == 0 || columns.iter().any(|column| column.kind.width() == 0) {
            return Err(DataError::EmptyColumn {
                column: name(&columns),
            }
            .into());
        }
        if let Some(expected) = rows.filter(|expected| *expected != found) {
            return Err(Error::Rows {
                column: name(&columns),
                rows: found,
                expected,
            });
        }
        let head = read(&*source, 0..found.min(HEAD))?;
        for (column, values) in columns.into_iter().zip(head) {
            if self.get(&column.name).is_some() {
                return Err(DataError::DuplicateColumn {
                    column: column.name,
                }
                .into());
            }
            self.columns
                .push((column.name, values_of(column.kind, values)));
        }
        self.rows = Some(found);
        self.sources.push(source);
        Ok(self)
    }

    /// The same data, whose minibatches are drawn as those of a [stream](Data::stream) are: in every epoch
    /// blocks of so many consecutive rows come in a random order, and the rows of every eight of them that
    /// follow one another are shuffled. Both orders are functions of the seed of the fit and the number of
    /// the epoch. The last block has what is left. Minibatches are consecutive pieces of the epochs, so that
    /// each row comes exactly once an epoch; what is left of one at the end of an epoch begins with the
    /// rows of the next.
    ///
    /// Rows that are sorted, by the target say, should be shuffled once before they are streamed, or come in small
    /// blocks: a minibatch sees eight pieces of the file alone. (20,000 sorted rows in blocks of 512 were fitted
    /// worse by up to 0.4 nats a row after 1,500 steps, unsorted ones as well as without blocks.)
    ///
    /// Data in memory and data that are streamed then give the same fit, to the last bit. Unless set, blocks of a
    /// stream have 131,072 numbers, and data in memory are drawn from all rows at once.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let data = Data::from(&datasets::moons(2_000, 0.2, 0)?.standardized());
    /// let fit = Bnn::new(Mlp::new([2, 5, 1]), Bernoulli)
    ///     .fit(data.shuffle_blocks(100), &Advi::mean_field().steps(200).batch(50))?;
    /// # let _ = fit;
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn shuffle_blocks(self, rows: usize) -> Data {
        Data {
            block: Some(rows.max(1)),
            ..self
        }
    }

    /// Whether minibatches are read in blocks.
    pub(crate) fn is_streamed(&self) -> bool {
        !self.is_in_memory() || self.block.is_some()
    }

    /// Whether all rows are in memory.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.sources.is_empty()
    }

    /// The number of rows of all the data, of which these may be the first.
    pub(crate) fn total(&self) -> usize {
        self.total.or(self.rows).unwrap_or(0)
    }

    /// The first rows, which stand for those of a stream; data that are not streamed as they are.
    pub(crate) fn head(&self) -> Data {
        if !self.is_streamed() {
            return self.clone();
        }
        let rows = self.rows.unwrap_or(0);
        let head = rows.min(HEAD);
        let columns = self.columns.iter().map(|(name, values)| {
            let first = |rows| numbers_of(values).range(0..rows, kind_of(values).width());
            let own = match values {
                Values::Incomplete { missing, .. } => {
                    let missing: Arc<[usize]> =
                        missing.iter().copied().filter(|r| *r < head).collect();
                    Values::Incomplete {
                        observed: first(head - missing.len()),
                        missing,
                    }
                }
                _ => values_of(kind_of(values), first(head)),
            };
            (name.clone(), own)
        });
        Data {
            total: Some(rows),
            ..self.with_columns(columns.collect(), head)
        }
    }

    /// Some of the rows in memory, with what these data know besides.
    pub(super) fn with_columns(&self, columns: Vec<(String, Values)>, rows: usize) -> Data {
        Data {
            columns,
            rows: Some(rows),
            scales: self.scales.clone(),
            dimensions: self.dimensions.clone(),
            selects: self.selects.clone(),
            ..Data::default()
        }
    }

    /// What is refused of data of which only the head is in memory.
    pub(crate) fn not_in_memory(&self) -> Error {
        let sources = listed(self.sources.iter().map(|source| source.name()));
        DataError::from(StreamError::NotInMemory { sources }).into()
    }

    /// Some of the rows, read into memory.
    pub(crate) fn read(&self, rows: Range<usize>) -> Result<Data, Error> {
        let mut columns = Vec::new();
        for source in self.all_sources() {
            let numbers = read(&*source, rows.clone())?;
            for (SourceColumn { name, kind }, numbers) in source.columns().into_iter().zip(numbers)
            {
                columns.push((name, values_of(kind, numbers)));
            }
        }
        Ok(self.with_columns(columns, rows.len()))
    }

    /// So many rows of a stream, chosen at random, read into memory: all if there are no more, and no more
    /// than have [`SAMPLE`] numbers.
    pub(crate) fn sample(&self, rows: usize, seed: u64) -> Result<Data, Error> {
        let all = self.rows.unwrap_or(0);
        let most = rows.min(SAMPLE / self.numbers_a_row()).clamp(1, all);
        let chosen = Permutation::new(seed, CHOSEN, 0, all as u64);
        let mut chosen: Vec<usize> = (0..most as u64).map(|i| chosen.at(i) as usize).collect();
        chosen.sort_unstable();
        let mut parts = Vec::new();
        for rows in chosen.chunk_by(|a, b| a / self.block() == b / self.block()) {
            let first = rows[0] / self.block() * self.block();
            let block = self.read(first..(first + self.block()).min(all))?;
            let rows: Vec<usize> = rows.iter().map(|row| row - first).collect();
            parts.extend(block.part(&rows));
        }
        let columns = self.columns.iter().map(|(name, values)| {
            let parts = parts.iter().filter_map(|part| part.get(name));
            let numbers: Vec<f64> = parts.flat_map(|part| numbers_of(part).to_f64()).collect();
            (name.clone(), values_of(kind_of(values), numbers.into()))
        });
        Ok(self.with_columns(columns.collect(), most))
    }

    pub(crate) fn numbers_a_row(&self) -> usize {
        let columns = self.columns.iter().map(|(_, values)| kind_of(values));
        columns.map(SourceKind::width).sum::<usize>().max(1)
    }

    /// Rows of a block.
    pub(crate) fn block(&self) -> usize {
        let numbers = self.numbers_a_row();
        let preferred = || {
            let blocks = self
                .sources
                .iter()
                .filter_map(|source| source.block())
                .max();
            blocks.map(|rows| rows.clamp(BLOCK / numbers, MOST / numbers))
        };
        let block = self.block.or_else(preferred);
        block.unwrap_or(BLOCK / numbers).max(1)
    }

    /// The sources, with one of the columns that are in memory.
    fn all_sources(&self) -> Vec<Arc<dyn Source>> {
        let streamed: Vec<SourceColumn> = self.sources.iter().flat_map(|s| s.columns()).collect();
        let resident = self.columns.iter().filter(|(name, values)| {
            // Those that miss values are refused where rows come in minibatches.
            let is_whole = !matches!(values, Values::Incomplete { .. });
            is_whole && streamed.iter().all(|source| source.name != *name)
        });
        let resident = InMemory {
            columns: resident.cloned().collect(),
            rows: self.rows.unwrap_or(0),
        };
        let mut sources = self.sources.clone();
        if !resident.columns.is_empty() {
            sources.push(Arc::new(resident));
        }
        sources
    }

    /// What feeds minibatches of these columns.
    fn feed(&self, names: &[String], batch: usize, observed: &[ObservedColumn]) -> RowFeed {
        let (mut sources, mut taken) = (Vec::new(), vec![None; names.len()]);
        for source in self.all_sources() {
            let mut is_read = false;
            for (column, SourceColumn { name, kind }) in source.columns().into_iter().enumerate() {
                if let Some(place) = names.iter().position(|own| *own == name) {
                    taken[place] = Some(Taken {
                        source: sources.len(),
                        column,
                        kind,
                    });
                    is_read = true;
                }
            }
            if is_read {
                sources.push(source);
            }
        }
        RowFeed {
            sources,
            // Every column that was read is of one of the sources.
            taken: taken.into_iter().flatten().collect(),
            order: Order {
                rows: self.rows.unwrap_or(0),
                block: self.block(),
            },
            batch,
            observed: (observed.iter())
                .filter_map(|own| {
                    let place = names.iter().position(|name| *name == own.column)?;
                    Some((place, own.clone()))
                })
                .collect(),
        }
    }
}

impl<'g> Shared<'g> {
    /// What the inputs of a minibatch of streamed rows are fed with.
    pub(super) fn fed(&self, observed: &[ObservedColumn]) -> Option<Fed<'g>> {
        if !self.is_fed {
            return None;
        }
        let windows = self.windows.borrow();
        let inputs = windows.iter();
        let inputs: Vec<_> = inputs
            .map(|window| (window.fed.name.clone(), window.value))
            .collect();
        let names: Vec<String> = inputs.iter().map(|(name, _)| name.clone()).collect();
        let feed = Arc::new(self.data.feed(&names, self.rows, observed));
        let inputs = inputs
            .into_iter()
            .map(|(name, value)| (super::window::tile_name(&name), value));
        Some(Fed {
            inputs: inputs.collect(),
            feed,
        })
    }
}

/// Looks at a model with all rows of data in memory of which otherwise the head is looked at.
pub(super) fn check_all_rows(model: &impl Model, data: &Data) -> Result<(), Error> {
    if data.is_in_memory() && data.is_streamed() {
        let graph = Graph::new();
        let batch = Batch::new(&graph, data, Rows::All, None);
        run(model, &batch, Rc::new(Probe::new(&batch.shared)))?;
    }
    Ok(())
}

/// The columns that a run observed, each with what its values have to come from.
pub(super) fn observed_columns<'g>(
    shared: &Shared<'g>,
    record: &Record<'g>,
) -> Vec<ObservedColumn> {
    let observed = record.observed.iter().filter_map(|observed| {
        let column = shared.column_of(observed.value)?;
        let (site, own) = (observed.name.clone(), &observed.distribution);
        ObservedColumn::new(column, site, own.name(), own.support())
    });
    observed.collect()
}

/// Columns that are in memory, as a source.
#[derive(Debug)]
struct InMemory {
    columns: Vec<(String, Values)>,
    rows: usize,
}

impl Source for InMemory {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn columns(&self) -> Vec<SourceColumn> {
        let columns = self.columns.iter();
        let columns = columns.map(|(name, values)| SourceColumn::new(name, kind_of(values)));
        columns.collect()
    }

    fn read(&self, rows: Range<usize>) -> Result<Vec<Column>, DataError> {
        let columns = self.columns.iter().map(|(_, values)| {
            let width = kind_of(values).width();
            numbers_of(values).range(rows.clone(), width)
        });
        Ok(columns.collect())
    }
}

pub(super) fn kind_of(values: &Values) -> SourceKind {
    match values {
        // Missing values are refused in a minibatch.
        Values::Vector(_) | Values::Incomplete { .. } => SourceKind::Column,
        Values::Matrix(matrix) => SourceKind::Matrix(matrix.columns),
        Values::Index(_) => SourceKind::Index,
        Values::Gone(Gone::Vector | Gone::Incomplete) => SourceKind::Column,
        Values::Gone(Gone::Matrix { columns }) => SourceKind::Matrix(*columns),
        Values::Gone(Gone::Index) => SourceKind::Index,
    }
}

pub(super) fn numbers_of(values: &Values) -> Column {
    match values {
        Values::Vector(numbers) | Values::Index(numbers) => numbers.clone(),
        Values::Incomplete { observed, .. } => observed.clone(),
        Values::Matrix(matrix) => matrix.values.clone(),
        Values::Gone(_) => Vec::<f64>::new().into(),
    }
}

pub(super) fn values_of(kind: SourceKind, numbers: Column) -> Values {
    match kind {
        SourceKind::Column => Values::Vector(numbers),
        SourceKind::Matrix(columns) => Values::Matrix(Matrix::new(numbers, columns)),
        SourceKind::Index => Values::Index(numbers),
    }
}
