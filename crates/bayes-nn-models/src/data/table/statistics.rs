//! What all rows of a table in files say of its columns.

use std::collections::HashMap;

use super::ColumnKind;
use super::column::sort_words;
use super::sketch::Sketch;
use super::stored::Stored;
use crate::data::DataError;
use crate::data::recipe::{Statistics, missing};

/// Different words of a column at the most.
pub(super) const WORDS: usize = 1 << 20;

impl Stored {
    /// What all rows say of each of these columns and of the target, which comes last, with the number of
    /// rows in which it is not missing.
    pub(super) fn statistics(
        &self,
        features: &[usize],
        target: usize,
    ) -> Result<Vec<(Statistics, usize)>, DataError> {
        let columns: Vec<usize> = features.iter().copied().chain([target]).collect();
        let sketches = self.sketched(&columns, Some(target))?;
        let place_of = |column: usize| columns.iter().position(|own| *own == column).unwrap_or(0);
        let mut squares = vec![0.0; columns.len()];
        let mut words: Vec<HashMap<String, usize>> = vec![HashMap::new(); columns.len()];
        self.walk(&columns, &mut |column, table, at| {
            let (place, column) = (place_of(column), table.at(at));
            let known = column.values.iter().filter(|value| !value.is_nan());
            match (column.kind, sketches[place].moments(column.kind)) {
                (ColumnKind::Category, _) => {
                    let words = &mut words[place];
                    for value in known {
                        let word = &column.categories[*value as usize];
                        match words.get_mut(word) {
                            Some(count) => *count += 1,
                            None => drop(words.insert(word.clone(), 1)),
                        }
                    }
                    // More than memory should hold are names of rows.
                    if words.len() > WORDS {
                        return Err(DataError::ManyCategories {
                            column: column.name.clone(),
                            categories: words.len(),
                            rows: self.rows,
                        });
                    }
                }
                (_, Some(moments)) => {
                    known.for_each(|value| squares[place] += moments.square(*value));
                }
                (_, None) => {}
            }
            Ok(())
        })?;
        let all = columns.iter().zip(sketches).zip(words).zip(squares);
        let all = all.map(|(((column, sketch), words), squares)| {
            let kind = self.schema.kinds[*column];
            let mut words: Vec<_> = words.into_iter().collect();
            sort_words(&mut words, |(word, _)| word);
            let most = words.iter().map(|(_, count)| *count).max();
            let most = words.iter().position(|(_, count)| Some(*count) == most);
            let moments = sketch.moments(kind);
            let (mean, sd) = moments.map_or((0.0, 1.0), |m| m.mean_and_sd(squares));
            let statistics = Statistics {
                name: self.schema.names[*column].clone(),
                kind,
                categories: words.into_iter().map(|(word, _)| word).collect(),
                missing: sketch.missing,
                mean,
                sd,
                most_frequent: most.unwrap_or(0) as f64,
                is_binary: moments.is_some_and(|m| m.is_binary),
            };
            (statistics, sketch.known)
        });
        Ok(all.collect())
    }

    /// The sketches of columns, for which rows are gone through unless that was done. The target misses no
    /// value.
    pub(super) fn sketched(
        &self,
        columns: &[usize],
        target: Option<usize>,
    ) -> Result<Vec<Sketch>, DataError> {
        if let Some(known) = &self.sketches {
            let lacks =
                target.and_then(|target| Some((target, known[target].first_missing.clone()?)));
            return match lacks {
                Some((target, place)) => Err(missing(place, &self.schema.names[target])),
                None => Ok(columns
                    .iter()
                    .map(|column| known[*column].clone())
                    .collect()),
            };
        }
        let kinds = columns.iter().map(|column| self.schema.kinds[*column]);
        let mut sketches: Vec<Sketch> = kinds.map(Sketch::of).collect();
        self.walk(columns, &mut |column, table, at| {
            let place = columns.iter().position(|own| *own == column).unwrap_or(0);
            let sketch = &mut sketches[place];
            for (row, value) in table.at(at).values.iter().enumerate() {
                if value.is_nan() && target == Some(column) {
                    return Err(missing(table.place(row), &self.schema.names[column]));
                }
                sketch.add_value(*value, || table.place(row));
            }
            Ok(())
        })?;
        Ok(sketches)
    }
}
