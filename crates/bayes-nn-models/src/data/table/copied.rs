//! The columns of a table as numbers in one file, in which every row is found at once.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::column::Words;
use super::file::TableFile;
use super::lines::Lines;
use super::shown::Format;
use super::sketch::Sketch;
use super::statistics::WORDS;
use super::stored::{Part, Schema, Stored};
use super::{ColumnKind, Table, TableColumn};
use crate::data::stream::WatchedFile;
use crate::data::{DataError, StreamError};

/// Bytes of a column that are written at once.
const PIECE: usize = 1 << 16;

/// How a number stands in the file: in as few bytes as hold every number of its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    /// Whole numbers below 255, which stands for a missing one.
    Byte,
    Single,
    Double,
    /// Lines.
    Long,
}

impl Width {
    fn of(sketch: &Sketch, kind: ColumnKind) -> Width {
        match (kind, sketch.moments(kind)) {
            // The places of words are below 2^20.
            (ColumnKind::Category, _) => Width::Single,
            (_, Some(moments)) if moments.are_bytes => Width::Byte,
            (_, Some(moments)) if moments.are_single => Width::Single,
            _ => Width::Double,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Width::Byte => 1,
            Width::Single | Width::Long => 4,
            Width::Double => 8,
        }
    }

    fn write(self, value: f64, to: &mut Vec<u8>) {
        match self {
            Width::Byte if value.is_nan() => to.push(u8::MAX),
            Width::Byte => to.push(value as u8),
            Width::Single => to.extend((value as f32).to_le_bytes()),
            Width::Double => to.extend(value.to_le_bytes()),
            Width::Long => to.extend((value as u32).to_le_bytes()),
        }
    }

    fn read(self, bytes: &[u8]) -> Arc<[f64]> {
        fn all<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Arc<[f64]> {
            bytes.as_chunks().0.iter().map(|own| number(*own)).collect()
        }
        match self {
            Width::Byte => all(bytes, |[byte]| match byte {
                u8::MAX => f64::NAN,
                byte => f64::from(byte),
            }),
            Width::Single => all(bytes, |own| f64::from(f32::from_le_bytes(own))),
            Width::Double => all(bytes, f64::from_le_bytes),
            Width::Long => all(bytes, |own| f64::from(u32::from_le_bytes(own))),
        }
    }
}

/// Numbers of all rows, one after the other, from a byte on.
#[derive(Debug)]
struct Stretch {
    width: Width,
    begin: u64,
    written: u64,
    pending: Vec<u8>,
}

impl Stretch {
    fn flush(&mut self, file: &mut File) -> io::Result<()> {
        file.seek(SeekFrom::Start(self.begin + self.written))?;
        file.write_all(&self.pending)?;
        self.written += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    fn write(&mut self, values: impl Iterator<Item = f64>, file: &mut File) -> io::Result<()> {
        values.for_each(|value| self.width.write(value, &mut self.pending));
        match self.pending.len() < PIECE {
            true => Ok(()),
            false => self.flush(file),
        }
    }
}

/// Columns that were copied.
#[derive(Debug)]
struct Copied {
    file: WatchedFile,
    /// Where each column lies, then the line of each row.
    stretches: Vec<Stretch>,
    /// The words of each column, and of each, in the order in which they came, the place in these.
    words: Vec<(Arc<[String]>, Vec<f64>)>,
    rows: usize,
    format: Format,
    /// The lines of no rows, with what is the same for all.
    lines: Lines,
}

impl TableFile {
    /// The same table from a copy of its features and the target, which is written to a file of numbers in
    /// a folder: of each column one after the other, in one, four or eight bytes a number, whichever holds
    /// all of them. Blocks of rows are then read as they are, where text is read anew, number by number,
    /// whenever it is needed, and a page of Parquet is decompressed for any of its rows. A fit that goes through
    /// a file of text more than once or twice is faster from a copy, by several times if the network is small.
    ///
    /// Columns that are [no features](TableFile::except) are not copied, so leave out what is not needed
    /// before. The file has no name once it is written, and its room is free when the last value that reads it is
    /// dropped, or the program ends in whatever way.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// # let path = std::env::temp_dir().join(format!("bayes-nn-copied-{}.csv", std::process::id()));
    /// # let rows: String = (0..500).map(|i| format!("{},{}\n", i % 7, i % 3)).collect();
    /// # std::fs::write(&path, format!("x,y\n{rows}"))?;
    /// let table = Table::reader().open(&path)?.copied_in(std::env::temp_dir())?;
    /// let fit = Bnn::new(Mlp::new([1, 5, 1]), Gaussian::new())
    ///     .fit(table.target("y")?, &Advi::mean_field().steps(200).batch(50))?;
    /// # let _ = (fit, std::fs::remove_file(&path)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Rows that cannot be read; a folder that cannot be written to or has too little room, with the bytes
    /// that the copy takes; a column of more than 2^20 different words.
    pub fn copied_in(&self, folder: impl AsRef<Path>) -> Result<TableFile, DataError> {
        let (of, columns) = (&*self.of, self.head.features());
        let sketches = of.sketched(columns, None)?;
        let schema = Schema {
            names: columns
                .iter()
                .map(|own| of.schema.names[*own].clone())
                .collect(),
            kinds: columns.iter().map(|own| of.schema.kinds[*own]).collect(),
            comma: of.schema.comma,
        };
        let widths = sketches.iter().zip(&schema.kinds);
        let widths = widths.map(|(sketch, kind)| Width::of(sketch, *kind));
        let mut begin = 0;
        let stretches = widths.chain([Width::Long]).map(|width| {
            let stretch = Stretch {
                width,
                begin,
                written: 0,
                pending: Vec::new(),
            };
            begin += (of.rows * width.bytes()) as u64;
            stretch
        });
        let mut stretches: Vec<Stretch> = stretches.collect();
        let path = name_in(folder.as_ref());
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path);
        let unnamed = file.and_then(|file| fs::remove_file(&path).map(|()| file));
        let refused = |error: io::Error| {
            let problem = format!("{error}; the copy of the table takes {begin} bytes");
            DataError::from(StreamError::Write {
                path: path.clone(),
                problem,
            })
        };
        let mut file = unnamed.map_err(refused)?;
        let mut words: Vec<Words> = columns.iter().map(|_| Words::default()).collect();
        let place_of = |column: usize| columns.iter().position(|own| *own == column).unwrap_or(0);
        let last = stretches.len() - 1;
        of.walk(columns, &mut |column, table, at| {
            let (place, column) = (place_of(column), table.at(at));
            let words = &mut words[place];
            let number = |value: &f64| match value.is_nan() || column.kind != ColumnKind::Category {
                true => *value,
                false => words.place(&column.categories[*value as usize]),
            };
            let values = column.values.iter().map(number);
            stretches[place].write(values, &mut file).map_err(refused)?;
            if place == 0 {
                let lines = (0..table.rows()).map(|row| table.place(row).number as f64);
                stretches[last].write(lines, &mut file).map_err(refused)?;
            }
            match words.len() > WORDS {
                true => Err(DataError::ManyCategories {
                    column: column.name.clone(),
                    categories: words.len(),
                    rows: of.rows,
                }),
                false => Ok(()),
            }
        })?;
        (stretches.iter_mut())
            .try_for_each(|stretch| stretch.flush(&mut file))
            .map_err(refused)?;
        let words = words.into_iter().map(|words| {
            let mut places: Vec<f64> = (0..words.len()).map(|place| place as f64).collect();
            (words.sorted(&mut places).into(), places)
        });
        let copied = Copied {
            words: words.collect(),
            file: WatchedFile::of(&path, file)?,
            stretches,
            rows: of.rows,
            format: self.head.format,
            lines: of.lines(&self.head),
        };
        let parts: Vec<Box<dyn Part>> = vec![Box::new(copied)];
        let of = Stored::new(&of.path, schema, Some(sketches), parts)?;
        TableFile::new(of)
    }
}

/// A name that no other file has.
fn name_in(folder: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    folder.join(format!("bayes-nn-{}-{number}.copy", process::id()))
}

impl Copied {
    fn read(&self, stretch: &Stretch, rows: &Range<usize>) -> Result<Arc<[f64]>, DataError> {
        let bytes = stretch.width.bytes();
        let at = stretch.begin + (rows.start * bytes) as u64;
        self.file
            .read_as(at, rows.len() * bytes, |own| stretch.width.read(own))
    }
}

impl Part for Copied {
    fn path(&self) -> &Path {
        self.file.path()
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn table(
        &self,
        schema: &Schema,
        rows: Range<usize>,
        columns: &[usize],
    ) -> Result<Table, DataError> {
        let last = &self.stretches[self.stretches.len() - 1];
        let lines = self.read(last, &rows)?;
        let lines = self
            .lines
            .numbered_on(rows.start, lines.iter().map(|line| *line as u32));
        let column = |column: &usize| {
            let (categories, places) = &self.words[*column];
            let mut values = self.read(&self.stretches[*column], &rows)?;
            if schema.kinds[*column] == ColumnKind::Category {
                let place = |value: &f64| match value.is_nan() {
                    true => f64::NAN,
                    false => places[*value as usize],
                };
                values = values.iter().map(place).collect();
            }
            Ok(TableColumn {
                name: schema.names[*column].clone(),
                kind: schema.kinds[*column],
                values,
                categories: categories.clone(),
            })
        };
        let columns = columns
            .iter()
            .map(column)
            .collect::<Result<_, DataError>>()?;
        Ok(Table::new(columns, lines, self.format))
    }
}
