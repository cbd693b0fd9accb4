//! Tables as they are printed.

use std::fmt;

use super::{ColumnKind, Table};

/// How a file was written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    /// Delimited fields.
    Text {
        delimiter: u8,
        encoding: &'static str,
        /// Whether numbers have a comma for a point.
        comma: bool,
    },
    /// Columns of declared types, in a format of this name.
    #[cfg(feature = "parquet")]
    Columns { name: &'static str, comma: bool },
}

impl Format {
    pub(super) fn comma(self) -> bool {
        match self {
            Format::Text { comma, .. } => comma,
            #[cfg(feature = "parquet")]
            Format::Columns { comma, .. } => comma,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Format::Text {
                delimiter,
                encoding,
                ..
            } => match delimiter {
                b'\t' => write!(f, "{encoding}, delimiter tab"),
                delimiter => write!(f, "{encoding}, delimiter `{}`", *delimiter as char),
            },
            #[cfg(feature = "parquet")]
            Format::Columns { name, .. } => f.write_str(name),
        }?;
        match self.comma() {
            true => f.write_str(", decimal comma"),
            false => Ok(()),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 50;
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let (rows, columns) = (self.rows(), self.columns.len());
        let files = match self.lines.files() {
            0 => String::new(),
            files => format!(", {files} files"),
        };
        write!(
            f,
            "{rows} row{}, {columns} column{} ({}{files})",
            plural(rows),
            plural(columns),
            self.format,
        )?;
        let shown = || self.columns.iter().take(SHOWN).enumerate();
        let lengths = shown().map(|(_, column)| column.name.chars().count());
        let width = lengths.max().unwrap_or(0).clamp(6, 40);
        write!(
            f,
            "\n{:<width$}  kind      categories  missing  example",
            "column"
        )?;
        for (place, column) in shown() {
            let categories = match column.kind {
                ColumnKind::Category => column.categories.len().to_string(),
                _ => String::new(),
            };
            let example = (0..rows).map(|row| column.text(row));
            let example = example.into_iter().find(|text| !text.is_empty());
            let mut example = example.unwrap_or_default();
            if !self.features.contains(&place) {
                example += " (no feature)";
            }
            let line = format!(
                "{:<width$}  {:<8}  {categories:>10}  {:>7}  {example}",
                column.name,
                column.kind,
                column.missing(),
            );
            write!(f, "\n{}", line.trim_end())?;
        }
        match columns.saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n... and {more} more"),
        }
    }
}
