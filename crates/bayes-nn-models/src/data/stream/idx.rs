//! IDX files, as those of MNIST, that stay where they are.

use std::ops::Range;
use std::path::Path;

use bayes_nn_kernels::Column;

use super::{Source, SourceColumn, SourceKind, WatchedFile};
use crate::data::DataError;
use crate::data::idx::{Number, header};

/// The most bytes of a header: of 255 axes.
const HEADER: u64 = 4 + 4 * 255;

/// An IDX file whose rows are read while they are needed, for [`Data::stream`](crate::Data::stream): the
/// first axis is that of rows, a file of one axis is a column and any other a matrix. Numbers have the
/// types of [`Idx`](super::super::Idx), so that bytes stay bytes.
///
/// ```
/// use bayes_nn::data::{IdxFile, Source};
/// # let path = std::env::temp_dir().join(format!("bayes-nn-idx-file-{}", std::process::id()));
/// // Two images of 1 x 3 bytes: type 08, three axes, their lengths, the bytes.
/// # std::fs::write(&path, [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 128, 255, 9, 0, 7])?;
/// let images = IdxFile::open(&path, "x")?;
/// assert_eq!(images.rows(), 2);
/// assert_eq!(images.read(1..2)?[0].to_f64(), [9.0, 0.0, 7.0]);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct IdxFile {
    file: WatchedFile,
    number: Number,
    rows: usize,
    begin: u64,
    column: SourceColumn,
}

impl IdxFile {
    /// Opens a file as the column or matrix of a name, and reads its header.
    ///
    /// # Errors
    /// A file that cannot be opened, is no IDX file, has another length than its header gives, or is
    /// compressed: in a stream of gzip rows cannot be found.
    pub fn open(path: impl AsRef<Path>, name: &str) -> Result<IdxFile, DataError> {
        let file = WatchedFile::open(path.as_ref())?;
        let begins = file.read(0, file.length().min(HEADER) as usize)?;
        if begins.starts_with(&[0x1f, 0x8b]) {
            let problem = "the file is compressed by gzip, in which rows cannot be found: decompress it \
                           (`gunzip`), or read it into memory by `Idx::read`";
            return Err(file.wrong(0, problem));
        }
        let mut rest = &begins[..];
        let parsed = header(&mut rest).map_err(|error| file.wrong(0, error.to_string()));
        let (number, shape) = parsed?;
        let begin = (begins.len() - rest.len()) as u64;
        let mut lengths = shape.iter().map(|length| *length as u64);
        let expected = lengths.try_fold(number.bytes(), u64::checked_mul);
        if expected != Some(file.length() - begin) {
            let problem = format!(
                "the header gives the shape {shape:?} of numbers of {} bytes; {} bytes follow it",
                number.bytes(),
                file.length() - begin
            );
            return Err(file.wrong(begin, problem));
        }
        let kind = match shape[1..] {
            [] => SourceKind::Column,
            _ => SourceKind::Matrix(shape[1..].iter().product()),
        };
        Ok(IdxFile {
            column: SourceColumn::new(name, kind),
            rows: shape[0],
            number,
            begin,
            file,
        })
    }
}

impl Source for IdxFile {
    fn name(&self) -> String {
        self.file.path().display().to_string()
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn columns(&self) -> Vec<SourceColumn> {
        vec![self.column.clone()]
    }

    fn read(&self, rows: Range<usize>) -> Result<Vec<Column>, DataError> {
        let row = self.column.kind.width() * self.number.bytes() as usize;
        let at = self.begin + (rows.start * row) as u64;
        let column = |bytes: &[u8]| self.number.column(bytes);
        Ok(vec![self.file.read_as(at, rows.len() * row, column)?])
    }
}
