//! Tables from files and from standard input.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process;

use bayes_nn::Table;
use bayes_nn::data::TableFile;

use crate::error::Failure;

/// What stands for standard input and output.
pub const STANDARD: &str = "-";

/// The table of a file, or of standard input, in memory.
pub fn table(path: &Path) -> Result<Table, Failure> {
    let read = match path.as_os_str() == STANDARD {
        true => Table::read_from(io::stdin().lock()),
        false => Table::read(path),
    };
    read.map_err(named(path))
}

/// The lines of a file or of standard input, which may come one by one.
pub fn lines(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    match path.as_os_str() == STANDARD {
        true => Ok(Box::new(io::stdin().lock())),
        false => match File::open(path) {
            Ok(file) => Ok(Box::new(BufReader::new(file))),
            Err(error) => Err(Failure::Lines(error)),
        },
    }
}

/// A table of any length, which stays in its file.
pub struct Streamed {
    pub table: TableFile,
    /// Where standard input is kept until then.
    _kept: Option<Kept>,
}

impl Streamed {
    /// Opens a file. Standard input is first written to a temporary one.
    pub fn open(path: &Path) -> Result<Streamed, Failure> {
        let kept = match path.as_os_str() == STANDARD {
            true => Some(Kept::input().map_err(Failure::Input)?),
            false => None,
        };
        let from = kept.as_ref().map_or(path, |kept| &kept.0);
        Ok(Streamed {
            table: Table::reader().open(from).map_err(named(path))?,
            _kept: kept,
        })
    }
}

fn named(path: &Path) -> impl Fn(bayes_nn::DataError) -> Failure {
    let shown = match path.as_os_str() == STANDARD {
        true => PathBuf::from("standard input"),
        false => path.to_owned(),
    };
    move |problem| Failure::Table {
        path: shown.clone(),
        problem: Box::new(problem),
    }
}

/// A temporary file, removed at the end.
struct Kept(PathBuf);

impl Kept {
    fn input() -> io::Result<Kept> {
        let kept = Kept(std::env::temp_dir().join(format!("bayes-nn-{}.csv", process::id())));
        let mut file = File::create_new(&kept.0)?;
        io::copy(&mut io::stdin().lock(), &mut file)?;
        Ok(kept)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // What is left of it is of no use to anybody, and nobody waits for an answer.
        let _ = fs::remove_file(&self.0);
    }
}
