//! Files of Parquet and Arrow IPC that go with a test.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Float32Array, Float64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};

/// A folder of files that goes with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let folder = format!("bayes-nn-parquet-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    pub fn parquet(
        &self,
        name: &str,
        batch: &RecordBatch,
        how: WriterPropertiesBuilder,
    ) -> PathBuf {
        let path = self.0.join(name);
        let file = File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(how.build())).unwrap();
        writer.write(batch).unwrap();
        writer.close().unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// A message that has a part.
pub fn said(error: &bayes_nn::DataError, expected: &str) {
    let message = error.to_string();
    assert!(message.contains(expected), "{message}");
}

/// Rows of two numbers, a word, a date and a target; some of the first number are missing.
pub fn rows(range: std::ops::Range<usize>) -> RecordBatch {
    let at = |f: fn(f64) -> f64| range.clone().map(move |i| f(i as f64));
    let a = range
        .clone()
        .map(|i| (i % 50 != 7).then(|| (i as f64 * 0.37).sin()));
    let word = |i: usize| ["Ulm", "Köln", "Bonn"][i * i % 7 % 3];
    let y = at(|i| 2.0 * (i * 0.37).sin() + (i * 1.7).cos());
    batch(vec![
        ("a", Arc::new(a.collect::<Float64Array>())),
        (
            "b",
            Arc::new(Float32Array::from_iter_values(
                at(|i| (i * 1.7).cos()).map(|v| v as f32),
            )),
        ),
        (
            "city",
            Arc::new(StringArray::from_iter_values(range.clone().map(word))),
        ),
        (
            "day",
            Arc::new(Date32Array::from_iter_values(
                range.clone().map(|i| (i % 400) as i32),
            )),
        ),
        ("y", Arc::new(Float64Array::from_iter_values(y))),
    ])
}

/// Row groups of 700 rows and pages of 100.
pub fn small_pages() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_max_row_group_row_count(Some(700))
        .set_data_page_row_count_limit(100)
        .set_write_batch_size(50)
}
