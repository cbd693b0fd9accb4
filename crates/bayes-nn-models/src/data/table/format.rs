//! What kind of file a table lies in.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::data::{DataError, StreamError};

/// What kind of file a table lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileFormat {
    /// Delimited fields.
    Text,
    Parquet,
    /// Arrow IPC, also called Feather.
    Arrow,
    /// A folder of files.
    Folder,
}

impl FileFormat {
    /// The format of a file by its first bytes, and by its name if these are none that are known.
    pub(super) fn of(path: &Path) -> Result<FileFormat, DataError> {
        let refused = |source| DataError::Open {
            path: path.to_owned(),
            source,
        };
        if path.is_dir() {
            return Ok(FileFormat::Folder);
        }
        let mut file = File::open(path).map_err(refused)?;
        let mut begins = Vec::new();
        let read = Read::by_ref(&mut file).take(8).read_to_end(&mut begins);
        read.map_err(refused)?;
        let wrong = |problem: &str| {
            let (path, problem) = (path.to_owned(), problem.to_owned());
            DataError::from(StreamError::File {
                path,
                at: 0,
                problem,
            })
        };
        let extension = path.extension().and_then(|own| own.to_str());
        match (FileFormat::of_bytes(&begins), extension) {
            (FileFormat::Text, _) if begins.starts_with(b"FEA1") => Err(wrong(
                "the file is one of the first version of Feather, which is not read; write it as Arrow \
                 IPC (`pyarrow.feather.write_feather(table, path, version=2)`)",
            )),
            (FileFormat::Text, Some("parquet" | "pq")) => Err(wrong(
                "the file does not begin with `PAR1`, as files of Parquet do",
            )),
            (FileFormat::Text, Some("arrow" | "arrows" | "feather" | "ipc")) => Err(wrong(
                "the file begins neither with `ARROW1` nor with a message, as files and streams of Arrow IPC do",
            )),
            (FileFormat::Parquet, _) => {
                let mut ends = [0; 4];
                let end = file.seek(SeekFrom::End(-4));
                end.and_then(|_| file.read_exact(&mut ends))
                    .map_err(refused)?;
                // Files whose footer is encrypted begin and end with another mark.
                match &ends == b"PAR1" {
                    true => Ok(FileFormat::Parquet),
                    false => Err(wrong(
                        "the file does not end with `PAR1`, as files of Parquet do: it was cut off, or is still \
                         being written",
                    )),
                }
            }
            (format, _) => Ok(format),
        }
    }

    /// The format by the first bytes.
    pub(super) fn of_bytes(begins: &[u8]) -> FileFormat {
        match begins {
            [b'P', b'A', b'R', b'1', ..] => FileFormat::Parquet,
            // A stream begins with the mark of a message, which no text does.
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] | [0xff, 0xff, 0xff, 0xff, ..] => {
                FileFormat::Arrow
            }
            _ => FileFormat::Text,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            FileFormat::Text => "text",
            FileFormat::Parquet => "Parquet",
            FileFormat::Arrow => "Arrow IPC",
            FileFormat::Folder => "a folder",
        }
    }

    /// The files of a folder in the order of their names, but for those whose names begin with a point or an
    /// underscore, which programs leave beside data.
    pub(super) fn files(folder: &Path) -> Result<Vec<std::path::PathBuf>, DataError> {
        let refused = |source| DataError::Open {
            path: folder.to_owned(),
            source,
        };
        let wrong = |problem: String| {
            let name = folder.display().to_string();
            DataError::from(StreamError::Source { name, problem })
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(refused)? {
            let path = entry.map_err(refused)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(['.', '_']) {
                continue;
            }
            if path.is_dir() {
                return Err(wrong(format!(
                    "there is the folder `{name}` in it; a table is a file, or a folder of files alone"
                )));
            }
            files.push(path);
        }
        files.sort();
        match files.is_empty() {
            true => Err(wrong("there is no file in the folder".to_owned())),
            false => Ok(files),
        }
    }
}
