//! A file that is read in places while it stays as it is.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::StreamError;
use crate::data::DataError;

/// A file with the length and the time of modification that it had when it was opened.
#[derive(Debug)]
pub(super) struct WatchedFile {
    path: PathBuf,
    file: Mutex<File>,
    length: u64,
    modified: Option<SystemTime>,
}

impl WatchedFile {
    pub(super) fn open(path: &Path) -> Result<WatchedFile, DataError> {
        let refused = |source| DataError::Open {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(refused)?;
        let metadata = file.metadata().map_err(refused)?;
        Ok(WatchedFile {
            path: path.to_owned(),
            file: Mutex::new(file),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes there were when it was opened.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// So many bytes from a place on.
    ///
    /// # Errors
    /// When they are not there, cannot be read, or the file is not what it was when it was opened.
    pub(super) fn read(&self, at: u64, length: usize) -> Result<Vec<u8>, DataError> {
        let mut bytes = vec![0; length];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let read = file
            .seek(SeekFrom::Start(at))
            .and_then(|_| file.read_exact(&mut bytes));
        let metadata = file.metadata();
        drop(file);
        match metadata {
            Ok(now) if now.len() != self.length => Err(self.wrong(
                at,
                format!(
                    "the file was changed while it was read: it had {} bytes, and has {}",
                    self.length,
                    now.len()
                ),
            )),
            Ok(now) if now.modified().ok() != self.modified => Err(self.wrong(
                at,
                "the file was changed while it was read: it was written to since it was opened",
            )),
            _ => match read {
                Ok(()) => Ok(bytes),
                Err(error) => Err(self.wrong(at, error.to_string())),
            },
        }
    }

    /// What is wrong at a byte.
    pub(super) fn wrong(&self, at: u64, problem: impl Into<String>) -> DataError {
        let (path, problem) = (self.path.clone(), problem.into());
        StreamError::File { path, at, problem }.into()
    }
}
