//! Bytes of a file for the reader of Parquet.

use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::data::DataError;
use crate::data::stream::WatchedFile;

/// Bytes that are read ahead where the length of what comes is not known, such as the header of a page.
const AHEAD: u64 = 1 << 13;

/// Bytes in a file that stays as it is, or in memory.
#[derive(Clone, Debug)]
pub(super) enum Place {
    File(Arc<WatchedFile>),
    Memory(Bytes, Arc<Path>),
}

impl Place {
    pub(super) fn path(&self) -> &Path {
        match self {
            Place::File(file) => file.path(),
            Place::Memory(_, path) => path,
        }
    }

    fn length(&self) -> u64 {
        match self {
            Place::File(file) => file.length(),
            Place::Memory(bytes, _) => bytes.len() as u64,
        }
    }

    fn read(&self, at: u64, length: usize) -> std::result::Result<Bytes, DataError> {
        let left = self.length().saturating_sub(at);
        if length as u64 > left {
            let problem = format!("{length} bytes are to be there, and {left} are");
            return Err(super::wrong(self.path(), at, problem));
        }
        match self {
            Place::File(file) => Ok(file.read(at, length)?.into()),
            Place::Memory(bytes, _) => Ok(bytes.slice(at as usize..at as usize + length)),
        }
    }
}

/// What is read for one call, and why it could not be.
#[derive(Clone, Debug)]
pub(super) struct Chunks {
    place: Place,
    failed: Arc<Mutex<Option<DataError>>>,
}

impl Chunks {
    pub(super) fn new(place: &Place) -> Chunks {
        Chunks {
            place: place.clone(),
            failed: Arc::default(),
        }
    }

    /// Why reading has failed: what the file said, or what the reader of Parquet found from a byte on.
    pub(super) fn failure(&self, at: u64, found: &ParquetError) -> DataError {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let damaged = || {
            super::wrong(
                self.place.path(),
                at,
                format!("the file is damaged: {found}"),
            )
        };
        failed.take().unwrap_or_else(damaged)
    }

    fn read(&self, at: u64, length: usize) -> io::Result<Bytes> {
        self.place.read(at, length).map_err(|error| {
            let message = error.to_string();
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert(error);
            io::Error::other(message)
        })
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.place.length()
    }
}

impl ChunkReader for Chunks {
    type T = From;

    fn get_read(&self, start: u64) -> Result<From> {
        Ok(From {
            of: self.clone(),
            at: start,
            held: Bytes::new(),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        Ok(self.read(start, length)?)
    }
}

/// Reads from a byte on.
pub(super) struct From {
    of: Chunks,
    at: u64,
    held: Bytes,
}

impl Read for From {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.held.is_empty() {
            let left = self.of.place.length().saturating_sub(self.at);
            let length = left.min(AHEAD);
            self.held = self.of.read(self.at, length as usize)?;
            self.at += length;
        }
        let length = to.len().min(self.held.len());
        to[..length].copy_from_slice(&self.held.split_to(length));
        Ok(length)
    }
}
