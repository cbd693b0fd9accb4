//! Columns by their names, and names that are near a wrong one.

use std::collections::HashMap;

use crate::data::DataError;
use crate::error::listed;

/// So many names are listed in a message.
const LISTED: usize = 20;

/// Columns by their names.
pub(crate) struct Places<'a> {
    names: Vec<&'a str>,
    /// Of each name its first column, and whether there is another.
    first: HashMap<&'a str, (usize, bool)>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(names: impl Iterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.collect();
        let mut first = HashMap::with_capacity(names.len());
        for (place, name) in names.iter().enumerate() {
            let known = first.entry(*name);
            known
                .and_modify(|(_, again)| *again = true)
                .or_insert((place, false));
        }
        Self { names, first }
    }

    pub(crate) fn find(&self, wanted: &str) -> Result<usize, DataError> {
        match self.first.get(wanted) {
            Some((place, false)) => Ok(*place),
            Some((_, true)) => Err(DataError::DuplicateColumn {
                column: wanted.to_owned(),
            }),
            None => Err(DataError::UnknownColumn {
                column: wanted.to_owned(),
                available: available(wanted, &self.names),
            }),
        }
    }
}

/// The names there are, and the one that may be meant.
pub(crate) fn available<S: AsRef<str>>(wanted: &str, names: &[S]) -> String {
    let mut text = listed(names.iter().take(LISTED));
    if names.len() > LISTED {
        text = format!("{text} and {} more", names.len() - LISTED);
    }
    let near = names.iter().map(AsRef::as_ref);
    match near.min_by_key(|name| distance(wanted, name)) {
        Some(near) if distance(wanted, near) <= wanted.chars().count() / 3 => {
            format!("{text}; the nearest is `{near}`")
        }
        _ => text,
    }
}

/// The letters to change, add or leave out (V. Levenshtein 1966), whatever their case.
fn distance(a: &str, b: &str) -> usize {
    let [a, b] = [a, b].map(|word| word.to_lowercase().chars().collect::<Vec<char>>());
    // Names of another length are not near, and long ones are not compared.
    if a.len().abs_diff(b.len()) > a.len() / 3 || a.len().max(b.len()) > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.iter().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let changed = before + usize::from(letter != other);
            before = row[j + 1];
            row[j + 1] = changed.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
