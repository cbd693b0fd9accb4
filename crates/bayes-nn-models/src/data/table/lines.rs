//! Where the rows of a table stand in their files.

use std::fmt;
use std::sync::Arc;

/// Where a row of a table stands: a line of a text, counted from 1 as editors show them, or a row of a file
/// without lines, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The name of the file, where the table has several.
    pub file: Option<Arc<str>>,
    /// The line or row.
    pub number: u64,
    /// Whether it is a row, and no line.
    pub is_row: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}, ")?;
        }
        let what = if self.is_row { "row" } else { "line" };
        write!(f, "{what} {}", self.number)
    }
}

/// Where each row of a table stands.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    numbers: Arc<[u32]>,
    are_rows: bool,
    /// Of several files the names, each with the first of its rows here.
    files: Arc<[(usize, Arc<str>)]>,
}

impl Lines {
    /// Rows on these lines of a text.
    pub(super) fn of_text(lines: Vec<u32>) -> Lines {
        Lines {
            numbers: lines.into(),
            are_rows: false,
            files: [].into(),
        }
    }

    /// Rows of a file without lines, from one on.
    #[cfg(feature = "parquet")]
    pub(super) fn of_rows(rows: std::ops::Range<usize>) -> Lines {
        let number = |row| u32::try_from(row).unwrap_or(u32::MAX);
        Lines {
            numbers: rows.map(number).collect(),
            are_rows: true,
            files: [].into(),
        }
    }

    /// Those of several files, each with its name, one after the other.
    pub(super) fn joined<'a>(files: impl Iterator<Item = (&'a Arc<str>, &'a Lines)>) -> Lines {
        let (mut numbers, mut names, mut are_rows) = (Vec::new(), Vec::new(), false);
        for (name, lines) in files {
            names.push((numbers.len(), name.clone()));
            numbers.extend_from_slice(&lines.numbers);
            are_rows = lines.are_rows;
        }
        Lines {
            numbers: numbers.into(),
            are_rows,
            files: names.into(),
        }
    }

    /// No rows of several files, each with the first of its rows in all of them.
    pub(super) fn of_files(files: Vec<(usize, Arc<str>)>, are_rows: bool) -> Lines {
        Lines {
            numbers: [].into(),
            are_rows,
            files: files.into(),
        }
    }

    /// Rows from one of all these on, with their numbers.
    pub(super) fn numbered_on(&self, first: usize, numbers: impl Iterator<Item = u32>) -> Lines {
        let own = self.files.partition_point(|(begin, _)| *begin <= first);
        let files = self.files[own.saturating_sub(1)..].iter();
        let files = files.map(|(begin, name)| (begin.saturating_sub(first), name.clone()));
        Lines {
            numbers: numbers.collect(),
            are_rows: self.are_rows,
            files: files.collect(),
        }
    }

    /// Whether they are rows of files without lines.
    pub(super) fn are_rows(&self) -> bool {
        self.are_rows
    }

    /// How many files there are, if they have names.
    pub(super) fn files(&self) -> usize {
        self.files.len()
    }

    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn place(&self, row: usize) -> Place {
        let own = self.files.partition_point(|(first, _)| *first <= row);
        Place {
            file: own.checked_sub(1).map(|own| self.files[own].1.clone()),
            number: u64::from(self.numbers[row]),
            is_row: self.are_rows,
        }
    }

    /// The places of some rows, which are in order.
    pub(super) fn of(&self, rows: &[usize]) -> Lines {
        let files = self.files.iter();
        let first = |first: &usize| rows.partition_point(|row| row < first);
        Lines {
            numbers: rows.iter().map(|row| self.numbers[*row]).collect(),
            files: { files }
                .map(|(row, file)| (first(row), file.clone()))
                .collect(),
            ..self.clone()
        }
    }
}
