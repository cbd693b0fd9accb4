//! Reading NPY files, the format of NumPy's arrays, alone or in an NPZ archive.

mod archive;
mod header;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use bayes_nn_kernels::Column;

pub(super) use self::header::Header;
use super::{DataError, available};

/// An array of NumPy, of which the first axis is that of rows.
///
/// Bytes and booleans stay bytes, 32-bit numbers stay so, and other types are read as the narrowest in
/// which [`Data`](crate::Data) holds them without loss. Arrays in Fortran's order are turned.
///
/// ```
/// use bayes_nn::Dataset;
/// use bayes_nn::data::Npy;
/// // numpy.save(file, numpy.array([[1, 2], [3, 4]], dtype="int16"))
/// let header = "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 2), }";
/// let file = [b"\x93NUMPY\x01\x00\x3b\x00", header.as_bytes(), &[1, 0, 2, 0, 3, 0, 4, 0]].concat();
/// let x = Npy::read_from(&file[..])?;
/// assert_eq!((x.shape(), x.values().to_f64()), (&[2, 2][..], vec![1.0, 2.0, 3.0, 4.0]));
/// let data = Dataset::new(x.values(), x.features(), &[0.5, 1.5])?;
/// assert_eq!(data.row(1), [3.0, 4.0]);
/// # Ok::<(), bayes_nn::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Npy {
    shape: Vec<usize>,
    values: Column,
}

impl Npy {
    /// Reads a file that `numpy.save` wrote.
    ///
    /// # Errors
    /// A file that cannot be opened or read; bytes that are no NPY file, or another number of them than
    /// the header gives; numbers of a type that is not read, as complex ones, or that a double does not
    /// hold; no rows.
    pub fn read(path: impl AsRef<Path>) -> Result<Npy, DataError> {
        Npy::parse(&bytes_of(open(path.as_ref())?)?)
    }

    /// As [`Npy::read`], from anything that can be read.
    ///
    /// # Errors
    /// As [`Npy::read`].
    pub fn read_from(reader: impl Read) -> Result<Npy, DataError> {
        Npy::parse(&bytes_of(reader)?)
    }

    /// Reads the array of a name from an archive that `numpy.savez` or `savez_compressed` wrote.
    ///
    /// # Errors
    /// As [`Npy::read`]; bytes that are no archive, or damaged; a name that is not in it.
    pub fn read_npz(path: impl AsRef<Path>, name: &str) -> Result<Npy, DataError> {
        Npy::read_npz_from(open(path.as_ref())?, name)
    }

    /// As [`Npy::read_npz`], from anything that can be read.
    ///
    /// # Errors
    /// As [`Npy::read_npz`].
    pub fn read_npz_from(reader: impl Read, name: &str) -> Result<Npy, DataError> {
        let bytes = bytes_of(reader)?;
        let entries = archive::entries(&bytes)?;
        let own = |entry: &&archive::Entry<'_>| entry.name.strip_suffix(".npy") == Some(name);
        match entries.iter().find(own) {
            Some(entry) => Npy::parse(&entry.read()?),
            None => {
                let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
                let names: Vec<&str> = names.iter().map(|n| n.trim_end_matches(".npy")).collect();
                Err(problem(format!(
                    "no array `{name}`; the arrays are {}",
                    available(name, &names)
                )))
            }
        }
    }

    fn parse(bytes: &[u8]) -> Result<Npy, DataError> {
        let Header {
            number,
            fortran,
            shape,
            begin,
        } = Header::parse(bytes)?;
        if shape.contains(&0) {
            return Err(DataError::Empty);
        }
        let shape = match shape.is_empty() {
            true => vec![1],
            false => shape,
        };
        let found = bytes.len() - begin;
        let count = shape.iter().try_fold(1_usize, |all, n| all.checked_mul(*n));
        let expected = count.and_then(|count| count.checked_mul(number.size()));
        if expected != Some(found) {
            return Err(problem(format!(
                "the header gives the shape {shape:?} of numbers of {} bytes; {found} bytes follow it",
                number.size()
            )));
        }
        let values = number.column(&bytes[begin..])?;
        let values = match fortran && shape.len() > 1 {
            true => values.rows(&fortran_places(&shape), 1),
            false => values,
        };
        Ok(Npy { shape, values })
    }

    shape_methods!("rows first");

    /// All numbers, row-major.
    pub fn values(&self) -> &Column {
        &self.values
    }
}

/// Where each number, row-major, is in an array whose first axis is the fastest.
fn fortran_places(shape: &[usize]) -> Vec<usize> {
    let mut places = vec![0];
    let mut stride = 1;
    for length in shape {
        let before = std::mem::take(&mut places);
        for place in before {
            places.extend((0..*length).map(|at| place + at * stride));
        }
        stride *= length;
    }
    places
}

fn open(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|source| DataError::Open {
        path: path.to_owned(),
        source,
    })
}

fn bytes_of(mut reader: impl Read) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    let read = reader.read_to_end(&mut bytes);
    read.map_err(|error| problem(error.to_string()))?;
    Ok(bytes)
}

fn problem(problem: String) -> DataError {
    DataError::Npy { problem }
}
