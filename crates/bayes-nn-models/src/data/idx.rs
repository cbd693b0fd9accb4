//! Reading IDX files, the format of MNIST, plain or compressed by gzip.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use bayes_nn_kernels::Column;
use flate2::bufread::MultiGzDecoder;

use super::{DataError, Dataset};

/// The most bytes of numbers that are read.
const MOST: u64 = 1 << 32;

/// How many bytes of a file are asked for at first, whatever its header says.
const FIRST: u64 = 1 << 20;

/// The tensor of numbers in an IDX file (Y. LeCun, C. Cortes and C. Burges, *The MNIST Database of
/// Handwritten Digits*): the first axis is that of rows, as images or labels.
///
/// Bytes stay bytes, so that the images of MNIST take 47 MB. Other types are read as the narrowest
/// in which [`Data`](crate::Data) holds them without loss. Files compressed by gzip are told by
/// their first bytes.
///
/// ```
/// use bayes_nn::data::Idx;
/// // Two images of 1 x 3 bytes: type 08, three axes, their lengths, the bytes.
/// let file = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 128, 255, 9, 0, 7];
/// let images = Idx::read_from(&file[..])?;
/// assert_eq!(images.shape(), [2, 1, 3]);
/// assert_eq!((images.rows(), images.features()), (2, 3));
/// assert_eq!(images.values().bytes(), 6);
/// # Ok::<(), bayes_nn::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Idx {
    shape: Vec<usize>,
    values: Column,
}

/// The type of the numbers of a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    U8,
    I8,
    I16,
    I32,
    F32,
    F64,
}

impl Number {
    fn of(code: u8) -> Option<Number> {
        Some(match code {
            0x08 => Number::U8,
            0x09 => Number::I8,
            0x0b => Number::I16,
            0x0c => Number::I32,
            0x0d => Number::F32,
            0x0e => Number::F64,
            _ => return None,
        })
    }

    pub(super) fn bytes(self) -> u64 {
        match self {
            Number::U8 | Number::I8 => 1,
            Number::I16 => 2,
            Number::I32 | Number::F32 => 4,
            Number::F64 => 8,
        }
    }

    /// Big-endian bytes as numbers.
    pub(super) fn column(self, bytes: &[u8]) -> Column {
        fn each<const N: usize, T>(bytes: &[u8], number: fn([u8; N]) -> T) -> Arc<[T]> {
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|bytes| number(*bytes))
                .collect()
        }
        match self {
            Number::U8 => bytes.into(),
            Number::I8 => each(bytes, |b| f32::from(i8::from_be_bytes(b))).into(),
            Number::I16 => each(bytes, |b| f32::from(i16::from_be_bytes(b))).into(),
            Number::I32 => each(bytes, |b| f64::from(i32::from_be_bytes(b))).into(),
            Number::F32 => each(bytes, f32::from_be_bytes).into(),
            Number::F64 => each(bytes, f64::from_be_bytes).into(),
        }
    }
}

/// The type of the numbers of a file and the lengths of its axes, from its first bytes.
pub(super) fn header(reader: &mut impl Read) -> Result<(Number, Vec<usize>), DataError> {
    let mut four = || {
        let mut bytes = [0; 4];
        reader.read_exact(&mut bytes).map_err(DataError::Idx)?;
        Ok::<_, DataError>(bytes)
    };
    let found = four()?;
    let (number, axes) = match found {
        [0, 0, code, axes] if axes > 0 => (Number::of(code), axes),
        _ => (None, 0),
    };
    let number = number.ok_or(DataError::IdxHeader { found })?;
    let lengths = (0..axes).map(|_| four().map(|bytes| u32::from_be_bytes(bytes) as usize));
    let shape: Vec<usize> = lengths.collect::<Result<_, _>>()?;
    if shape.contains(&0) {
        return Err(DataError::Empty);
    }
    Ok((number, shape))
}

impl Idx {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be opened or read; bytes that are no IDX file; another length than the
    /// header gives, one of more than 4 GiB, or no numbers.
    pub fn read(path: impl AsRef<Path>) -> Result<Idx, DataError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| DataError::Open {
            path: path.to_owned(),
            source,
        })?;
        Idx::read_from(file)
    }

    /// As [`Idx::read`], from anything that can be read.
    ///
    /// # Errors
    /// As [`Idx::read`].
    pub fn read_from(reader: impl Read) -> Result<Idx, DataError> {
        let mut reader = BufReader::new(reader);
        let begins = reader.fill_buf().map_err(DataError::Idx)?;
        match begins.starts_with(&[0x1f, 0x8b]) {
            true => Idx::parse(MultiGzDecoder::new(reader)),
            false => Idx::parse(reader),
        }
    }

    fn parse(mut reader: impl Read) -> Result<Idx, DataError> {
        let (number, shape) = header(&mut reader)?;
        let mut lengths = shape.iter().map(|length| *length as u64);
        let size = lengths.try_fold(number.bytes(), u64::checked_mul);
        let Some(expected) = size.filter(|size| *size <= MOST) else {
            return Err(DataError::IdxSize { shape, most: MOST });
        };
        // What the header says is believed as far as bytes follow it.
        let mut bytes = Vec::with_capacity(expected.min(FIRST) as usize);
        let mut limited = reader.take(expected + 1);
        limited.read_to_end(&mut bytes).map_err(DataError::Idx)?;
        match (bytes.len() as u64).cmp(&expected) {
            std::cmp::Ordering::Equal => Ok(Idx {
                shape,
                values: number.column(&bytes),
            }),
            order => Err(DataError::IdxLength {
                shape,
                expected,
                found: match order {
                    std::cmp::Ordering::Less => bytes.len().to_string(),
                    _ => "more".to_owned(),
                },
            }),
        }
    }

    shape_methods!("rows first");

    /// All numbers, row-major.
    pub fn values(&self) -> &Column {
        &self.values
    }
}

impl Dataset {
    /// Reads images and their labels from IDX files, plain or compressed by gzip. Each row is an
    /// image, in the type of the file: bytes from 0 to 255 stay bytes, and a layer
    /// (`Rescale::pixels()`) brings them to numbers from 0 to 1 as they are used.
    ///
    /// # Errors
    /// As [`Idx::read`]; labels that are no vector of as many rows.
    ///
    /// ```
    /// # let path = |name| std::env::temp_dir().join(format!("bayes-nn-idx-{}-{name}", std::process::id()));
    /// # let (images, labels) = (path("images"), path("labels"));
    /// # std::fs::write(&images, [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255, 9, 7])?;
    /// # std::fs::write(&labels, [0, 0, 8, 1, 0, 0, 0, 2, 1, 0])?;
    /// let data = bayes_nn::Dataset::from_idx(&images, &labels)?;
    /// assert_eq!((data.rows(), data.features()), (2, 2));
    /// assert_eq!((data.row(1), data.y()), (&[9.0, 7.0][..], &[1.0, 0.0][..]));
    /// # std::fs::remove_file(&images)?;
    /// # std::fs::remove_file(&labels)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_idx(
        images: impl AsRef<Path>,
        labels: impl AsRef<Path>,
    ) -> Result<Dataset, DataError> {
        let (images, labels) = (Idx::read(images)?, Idx::read(labels)?);
        match labels.shape.len() {
            1 => Dataset::new(&images.values, images.features(), &labels.values),
            _ => Err(DataError::IdxLabels {
                shape: labels.shape,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// A file of a type with these lengths and bytes.
    fn file(code: u8, shape: &[u32], bytes: &[u8]) -> Vec<u8> {
        let mut file = vec![0, 0, code, shape.len() as u8];
        file.extend(shape.iter().flat_map(|length| length.to_be_bytes()));
        file.extend(bytes);
        file
    }

    fn read(file: &[u8]) -> Result<Idx, DataError> {
        Idx::read_from(file)
    }

    fn message(file: &[u8]) -> String {
        read(file).unwrap_err().to_string()
    }

    #[test]
    fn every_type_is_read_without_loss_and_bytes_stay_bytes() {
        let values = |code, bytes: &[u8]| read(&file(code, &[2], bytes)).unwrap().values;
        assert_eq!(values(8, &[0, 255]), Column::from(&[0_u8, 255]));
        assert_eq!(values(9, &[0x80, 127]).to_f64(), [-128.0, 127.0]);
        assert_eq!(values(0xb, &[0x80, 0, 1, 2]).to_f64(), [-32768.0, 258.0]);
        let wide = [i32::MIN.to_be_bytes(), 16_777_217_i32.to_be_bytes()].concat();
        assert_eq!(values(0xc, &wide).to_f64(), [-2147483648.0, 16777217.0]);
        let single = [0.1_f32.to_be_bytes(), (-2_f32).to_be_bytes()].concat();
        assert_eq!(values(0xd, &single), Column::from(&[0.1_f32, -2.0]));
        let double = [0.1_f64.to_be_bytes(), (-2_f64).to_be_bytes()].concat();
        assert_eq!(values(0xe, &double), Column::from(&[0.1_f64, -2.0]));
    }

    #[test]
    fn a_compressed_file_is_the_same() {
        let plain = file(8, &[40, 5, 2], &[7; 400]);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&plain).unwrap();
        let compressed = encoder.finish().unwrap();
        assert!(compressed.len() < 100);
        assert_eq!(read(&compressed).unwrap(), read(&plain).unwrap());
        // Cut off, it is damaged.
        let cut = message(&compressed[..compressed.len() - 12]);
        assert!(cut.starts_with("cannot read the IDX file: "), "{cut}");
    }

    #[test]
    fn truncated_and_hostile_files_are_refused_before_memory_is_allocated() {
        let no_idx = "the file begins with the bytes [50, 4b, 03, 04]; an IDX file begins with 0, \
                      0, a type of numbers (08, 09, 0b, 0c, 0d or 0e) and the number of axes, at \
                      least 1";
        assert_eq!(message(b"PK\x03\x04 and so on"), no_idx);
        assert!(message(&file(7, &[1], &[0])).contains("[00, 00, 07, 01]"));
        assert!(message(&file(8, &[], &[0])).contains("[00, 00, 08, 00]"));
        for end in [0, 3, 4, 7, 11] {
            let text = message(&file(8, &[2, 3], &[1; 6])[..end]);
            assert!(
                text.starts_with("cannot read the IDX file"),
                "{end}: {text}"
            );
        }
        assert_eq!(
            message(&file(0xd, &[2, 3], &[1; 23])),
            "the header of the IDX file gives the shape [2, 3], which takes 24 bytes; 23 follow it"
        );
        assert!(message(&file(8, &[2], &[1; 3])).ends_with("2 bytes; more follow it"));
        // The product of these lengths is 0 in 64 bits.
        let overflowing = file(8, &[1 << 31, 1 << 31, 4], &[1; 8]);
        assert_eq!(
            message(&overflowing),
            "the header of the IDX file gives the shape [2147483648, 2147483648, 4], which takes \
             more than 4294967296 bytes; files up to this size are read"
        );
        // Four gigabytes, of which there are three bytes.
        assert!(message(&file(8, &[u32::MAX], &[1; 3])).ends_with("3 follow it"));
        let axes = file(8, &[u32::MAX; 255], &[]);
        assert!(message(&axes).contains("more than 4294967296 bytes"));
        let empty = "the data set is empty; at least one row is needed";
        for shape in [&[0, u32::MAX, u32::MAX][..], &[u32::MAX, 0]] {
            assert_eq!(message(&file(8, shape, &[])), empty);
        }
    }

    #[test]
    fn images_and_labels_that_do_not_fit_are_refused() {
        let folder = std::env::temp_dir();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(format!("bayes-nn-idx-test-{}-{name}", std::process::id()));
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let images = write("images", &file(8, &[2, 2, 1], &[1, 2, 3, 4]));
        let message = |labels: &[u8]| {
            let labels = write("labels", labels);
            let error = Dataset::from_idx(&images, &labels).unwrap_err();
            std::fs::remove_file(labels).unwrap();
            error.to_string()
        };
        assert_eq!(
            message(&file(8, &[3], &[0, 1, 0])),
            "x has 2 rows and y 3 values; each row needs one target"
        );
        assert_eq!(
            message(&file(8, &[2, 1], &[0, 1])),
            "the labels have the shape [2, 1]; they need one axis, that of the rows"
        );
        assert!(message(b"").starts_with("cannot read the IDX file"));
        std::fs::remove_file(&images).unwrap();
        let gone = Dataset::from_idx(&images, &images).unwrap_err();
        assert!(gone.to_string().starts_with("cannot open "));
    }

    #[test]
    fn an_error_of_the_source_is_that_of_the_file() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("no more"))
            }
        }
        let error = Idx::read_from(Broken).unwrap_err();
        assert_eq!(error.to_string(), "cannot read the IDX file: no more");
    }
}
