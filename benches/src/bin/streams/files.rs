//! Files of numbers that are the same in every format.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use parquet::arrow::ArrowWriter;

use crate::Outcome;

/// Columns beside the target.
pub const COLUMNS: usize = 50;
/// Rows that are made at once.
const ROWS: usize = 1 << 13;

/// Numbers with five decimals: the columns of rows from one on, and the target.
fn numbers(first: usize, rows: usize) -> Vec<Vec<f64>> {
    // SplitMix64 of Steele, Lea and Flood (2014), of the place of the number.
    let uniform = |place: u64| {
        let z = place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let rounded = |value: f64| (value * 1e5).round() / 1e5;
    let column = |column: usize| {
        let place = |row: usize| ((first + row) * (COLUMNS + 1) + column + 1) as u64;
        (0..rows)
            .map(|row| rounded(4.0 * uniform(place(row)) - 2.0))
            .collect()
    };
    let mut all: Vec<Vec<f64>> = (0..=COLUMNS).map(column).collect();
    if let [a, b, c, d, .., target] = &mut all[..] {
        for (row, target) in target.iter_mut().enumerate() {
            let signal = a[row].sin() + b[row] * c[row] - 0.5 * d[row];
            *target = rounded(signal + 0.1 * *target);
        }
    }
    all
}

fn names() -> Vec<String> {
    let columns = (0..COLUMNS).map(|column| format!("x{column}"));
    columns.chain(["y".to_owned()]).collect()
}

/// Writes a file, of Parquet or of text by its name.
pub fn write(path: &Path, rows: usize) -> Outcome<()> {
    match path.extension().is_some_and(|own| own == "parquet") {
        true => parquet(path, rows),
        false => text(path, rows),
    }
}

fn blocks(rows: usize) -> impl Iterator<Item = Vec<Vec<f64>>> {
    let firsts = (0..rows).step_by(ROWS);
    firsts.map(move |first| numbers(first, ROWS.min(rows - first)))
}

fn parquet(path: &Path, rows: usize) -> Outcome<()> {
    let mut writer = None;
    for block in blocks(rows) {
        let arrays = block
            .into_iter()
            .map(|own| Arc::new(Float64Array::from(own)) as ArrayRef);
        let batch = RecordBatch::try_from_iter(names().into_iter().zip(arrays))?;
        if writer.is_none() {
            let file = File::create(path)?;
            writer = Some(ArrowWriter::try_new(file, batch.schema(), None)?);
        }
        writer.as_mut().ok_or("no rows")?.write(&batch)?;
    }
    writer.ok_or("no rows")?.close()?;
    Ok(())
}

fn text(path: &Path, rows: usize) -> Outcome<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "{}", names().join(","))?;
    for block in blocks(rows) {
        for row in 0..block[0].len() {
            for (place, column) in block.iter().enumerate() {
                let end = if place == COLUMNS { '\n' } else { ',' };
                write!(file, "{}{end}", column[row])?;
            }
        }
    }
    Ok(file.flush()?)
}
