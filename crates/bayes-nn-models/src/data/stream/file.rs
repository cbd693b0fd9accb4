//! A file that is read in places while it stays as it is.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::StreamError;
use crate::data::DataError;

/// A file with the length and the time of modification that it had when it was opened.
#[derive(Debug)]
pub(in crate::data) struct WatchedFile {
    path: PathBuf,
    /// With room for what is read as something else, which is kept.
    file: Mutex<(File, Vec<u8>)>,
    length: u64,
    modified: Option<SystemTime>,
}

impl WatchedFile {
    pub(in crate::data) fn open(path: &Path) -> Result<WatchedFile, DataError> {
        let refused = |source| DataError::Open {
            path: path.to_owned(),
            source,
        };
        WatchedFile::of(path, File::open(path).map_err(refused)?)
    }

    /// A file that was opened at a path.
    pub(in crate::data) fn of(path: &Path, file: File) -> Result<WatchedFile, DataError> {
        let refused = |source| DataError::Open {
            path: path.to_owned(),
            source,
        };
        let metadata = file.metadata().map_err(refused)?;
        Ok(WatchedFile {
            path: path.to_owned(),
            file: Mutex::new((file, Vec::new())),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }

    pub(in crate::data) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes there were when it was opened.
    pub(in crate::data) fn length(&self) -> u64 {
        self.length
    }

    /// So many bytes from a place on.
    ///
    /// # Errors
    /// When they are not there, cannot be read, or the file is not what it was when it was opened.
    pub(in crate::data) fn read(&self, at: u64, length: usize) -> Result<Vec<u8>, DataError> {
        let mut guard = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, _) = &mut *guard;
        let mut bytes = Vec::with_capacity(length);
        let read = file.seek(SeekFrom::Start(at));
        let read = read.and_then(|_| {
            Read::by_ref(file)
                .take(length as u64)
                .read_to_end(&mut bytes)
        });
        self.check(at, file)?;
        match read {
            Ok(_) if bytes.len() == length => Ok(bytes),
            Ok(_) => Err(self.wrong(at, io::Error::from(ErrorKind::UnexpectedEof).to_string())),
            Err(error) => Err(self.wrong(at, error.to_string())),
        }
    }

    /// The same as something else.
    pub(in crate::data) fn read_as<R>(
        &self,
        at: u64,
        length: usize,
        from: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, DataError> {
        let mut guard = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, bytes) = &mut *guard;
        bytes.resize(length.max(bytes.len()), 0);
        let read = file
            .seek(SeekFrom::Start(at))
            .and_then(|_| file.read_exact(&mut bytes[..length]));
        self.check(at, file)?;
        match read {
            Ok(()) => Ok(from(&bytes[..length])),
            Err(error) => Err(self.wrong(at, error.to_string())),
        }
    }

    /// Whether the file is what it was when it was opened.
    fn check(&self, at: u64, file: &File) -> Result<(), DataError> {
        match file.metadata() {
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
            _ => Ok(()),
        }
    }

    /// What is wrong at a byte.
    pub(in crate::data) fn wrong(&self, at: u64, problem: impl Into<String>) -> DataError {
        let (path, problem) = (self.path.clone(), problem.into());
        StreamError::File { path, at, problem }.into()
    }
}
