//! Files of Parquet, and folders of files, that are streamed: with the bits of what is read whole, and errors
//! that name file and place.

mod parquet_files;

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{Float64Array, RecordBatch, StringArray};
use bayes_nn::data::{Source, TableFile, TableRows};
use bayes_nn::prelude::*;
use parquet::file::properties::WriterProperties;
use parquet_files::{Folder, batch, rows, said, small_pages};

const ROWS: usize = 3_000;

/// All numbers of rows, read a few at a time.
fn numbers(rows: &TableRows, at_once: usize) -> [Vec<f64>; 2] {
    let mut all = [Vec::new(), Vec::new()];
    for first in (0..rows.rows()).step_by(at_once) {
        let block = rows
            .read(first..(first + at_once).min(rows.rows()))
            .unwrap();
        for (all, column) in all.iter_mut().zip(block) {
            all.extend(column.to_f64());
        }
    }
    all
}

fn opened(path: &PathBuf) -> TableFile {
    Table::reader().open(path).unwrap()
}

/// Files of the same rows: with small pages, without an index of pages, with one page, a folder of Parquet
/// and one of text.
fn as_files(folder: &Folder) -> Vec<PathBuf> {
    let all = rows(0..ROWS);
    let parts = folder.0.join("parts");
    fs::create_dir_all(parts.join("_logs")).unwrap();
    fs::write(parts.join("_SUCCESS"), "").unwrap();
    let inner = |name: &str, range| {
        folder.parquet(&format!("parts/{name}"), &rows(range), small_pages());
    };
    inner("part-1.parquet", 0..1_111);
    inner("part-2.parquet", 1_111..1_112);
    inner("part-2b.parquet", 1_112..1_112);
    inner("part-3.parquet", 1_112..ROWS);
    vec![
        folder.parquet("pages.parquet", &all, small_pages()),
        folder.parquet(
            "index.parquet",
            &all,
            small_pages().set_offset_index_disabled(true),
        ),
        folder.parquet("one.parquet", &all, WriterProperties::builder()),
        parts,
    ]
}

#[test]
fn rows_of_files_are_the_numbers_of_the_table() {
    let folder = Folder::new("numbers");
    for path in as_files(&folder) {
        let table = Table::read(&path).unwrap();
        assert_eq!(table.rows(), ROWS);
        let (rows, data) = (
            opened(&path).target("y").unwrap(),
            table.target("y").unwrap(),
        );
        assert_eq!(rows.encoding(), data.encoding().unwrap());
        for at_once in [97, 700, 10_000] {
            let [x, y] = numbers(&rows, at_once);
            assert!(x == data.x() && y == data.y(), "{path:?} by {at_once}");
        }
        let words = opened(&path).target("city").unwrap();
        assert_eq!(words.encoding().classes().unwrap(), ["Bonn", "Köln", "Ulm"]);
        // Only columns that are needed are read, in the order that is said.
        let some = opened(&path).only(["b", "a"]).unwrap().target("y").unwrap();
        let whole = table.only(["b", "a"]).unwrap().target("y").unwrap();
        assert_eq!(numbers(&some, 800)[0], whole.x());
    }
}

#[test]
fn a_stream_is_fitted_and_predicted_with_the_bits_of_the_table() {
    let folder = Folder::new("fit");
    let advi = Advi::mean_field().steps(150).batch(64);
    for path in as_files(&folder) {
        let table = Table::read(&path).unwrap();
        let (rows, data) = (
            opened(&path).target("y").unwrap(),
            table.target("y").unwrap(),
        );
        let net = Bnn::new(Mlp::new([data.features(), 4, 1]), Gaussian::new());
        let fits = [Data::from(&rows), Data::from(&data)];
        let [a, b] = fits.map(|data| net.fit(data.shuffle_blocks(300), &advi).unwrap());
        assert_eq!(a.approximation(), b.approximation(), "{path:?}");
        let how = Predict::draws(10);
        let written = folder.0.join("predicted.csv");
        a.predict_to(a.encode(&opened(&path)).unwrap(), how, &written)
            .unwrap();
        let lines = fs::read_to_string(written).unwrap();
        let means = lines
            .lines()
            .skip(1)
            .map(|line| line.split(',').next().unwrap());
        let means: Vec<f64> = means.map(|mean| mean.parse().unwrap()).collect();
        assert_eq!(means, b.predict_with(&table, how).unwrap().mean());
    }
    // Blocks of a stream have the rows of a page unless their size is set.
    let rows = opened(&folder.0.join("pages.parquet")).target("y").unwrap();
    assert_eq!(rows.block(), Some(100));
}

#[test]
fn a_folder_of_text_is_one_table() {
    let folder = Folder::new("texts");
    let text = |range: std::ops::Range<usize>| {
        let line = |i: usize| {
            format!(
                "{},{},{}\n",
                i * i % 101,
                ["x", "y", ""][i % 3],
                i as f64 / 8.0
            )
        };
        format!("n,word,t\n{}", range.map(line).collect::<String>())
    };
    let parts = folder.0.join("texts");
    fs::create_dir_all(&parts).unwrap();
    fs::write(parts.join("a.csv"), text(0..1_000)).unwrap();
    fs::write(parts.join("b.csv"), text(1_000..1_700)).unwrap();
    let one = Table::read_from(text(0..1_700).as_bytes())
        .unwrap()
        .target("t")
        .unwrap();
    let table = Table::read(&parts).unwrap();
    assert!(
        table
            .to_string()
            .starts_with("1700 rows, 3 columns (UTF-8, delimiter `,`, 2 files)\n"),
        "{table}"
    );
    let (data, rows) = (
        table.target("t").unwrap(),
        opened(&parts).target("t").unwrap(),
    );
    assert_eq!(rows.encoding(), one.encoding().unwrap());
    assert!(data.x() == one.x() && numbers(&rows, 300) == [one.x().to_vec(), one.y().to_vec()]);
    let refused = |name: &str, text: &str, expected: &str| {
        fs::write(parts.join(name), text).unwrap();
        said(&opened_or_error(&parts), expected);
        fs::remove_file(parts.join(name)).unwrap();
    };
    refused(
        "c.csv",
        "n,w,t\n1,x,2\n",
        "c.csv: column 2 is named `w`, and `word` in `a.csv`",
    );
    refused(
        "c.csv",
        "n,word\n1,x\n",
        "c.csv: there are 2 columns, and 3 in `a.csv`",
    );
    refused(
        "c.csv",
        "n,word,t\n1,x,2,3\n",
        "c.csv: line 2 has 4 fields; every line needs 3",
    );
    refused(
        "c.csv",
        "n,word,t\n1,x,\n",
        "c.csv, line 2, column `t`: the value is missing",
    );
    fs::create_dir(parts.join("year=2020")).unwrap();
    said(
        &opened_or_error(&parts),
        "there is the folder `year=2020` in it",
    );
    let nothing = folder.0.join("nothing");
    fs::create_dir(&nothing).unwrap();
    said(&opened_or_error(&nothing), "there is no file in the folder");
}

fn opened_or_error(path: &PathBuf) -> bayes_nn::DataError {
    let opened = Table::reader().open(path);
    opened.and_then(|file| file.target("t")).unwrap_err()
}

#[test]
fn files_of_a_folder_that_differ_are_named_with_the_column() {
    let folder = Folder::new("differ");
    let parts = folder.0.join("parts");
    fs::create_dir_all(&parts).unwrap();
    let number = |name| {
        batch(vec![(
            name,
            Arc::new(Float64Array::from(vec![1.0, f64::NAN])) as _,
        )])
    };
    let how = WriterProperties::builder;
    folder.parquet("parts/a.parquet", &number("t"), how());
    for (other, expected) in [
        (
            number("z"),
            "b.parquet: column 1 is named `z`, and `t` in `a.parquet`",
        ),
        (
            batch(vec![("t", Arc::new(StringArray::from(vec!["x"])) as _)]),
            "b.parquet: the column `t` is of the kind category, and number in `a.parquet`",
        ),
        (rows(0..2), "b.parquet: column 1 is named `a`"),
    ] {
        folder.parquet("parts/b.parquet", &other, how());
        said(&opened_or_error(&parts), expected);
        said(&Table::read(&parts).unwrap_err(), expected);
    }
    fs::write(parts.join("b.parquet"), "").unwrap();
    said(
        &opened_or_error(&parts),
        "b.parquet, from byte 0 on: the file does not begin with `PAR1`",
    );
    fs::remove_file(parts.join("b.parquet")).unwrap();
    fs::write(parts.join("b.csv"), "t\n1\n").unwrap();
    said(
        &opened_or_error(&parts),
        "b.csv: the file is of text, and Parquet in `a.parquet`",
    );
    fs::remove_file(parts.join("b.csv")).unwrap();
    let two = batch(vec![
        ("x", Arc::new(Float64Array::from(vec![1.0, 2.0])) as _),
        ("t", Arc::new(Float64Array::from(vec![1.0, f64::NAN])) as _),
    ]);
    folder.parquet("parts/a.parquet", &two, how());
    folder.parquet("parts/b.parquet", &two, how());
    let error = opened_or_error(&parts);
    said(&error, "a.parquet: row 1, column `t`: the value is missing");
}

#[test]
fn a_file_that_changes_during_a_fit_ends_it_with_its_last_good_state() {
    let folder = Folder::new("changes");
    for cut in [true, false] {
        let path = folder.parquet("train.parquet", &rows(0..ROWS), small_pages());
        let data = opened(&path).target("y").unwrap();
        let advi = Advi::mean_field().batch(100).steps(1_000_000).every(50);
        let advi = advi.callback(move |snapshot| {
            if snapshot.step == 100 {
                let file = File::options().write(true).open(&path).unwrap();
                match cut {
                    true => file.set_len(2_000).unwrap(),
                    false => std::io::Write::write_all(&mut &file, b"PAR1").unwrap(),
                }
            }
            ControlFlow::Continue(())
        });
        let net = Bnn::new(Mlp::new([7, 2, 1]), Gaussian::new());
        let error = net.fit(&data, &advi).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("train.parquet, from byte ") && message.contains("was changed"),
            "{message}"
        );
        assert!(error.last_good().is_some());
    }
}

#[test]
fn a_word_or_number_that_a_fit_does_not_know_is_named_by_file_and_row() {
    let folder = Folder::new("unknown");
    let train = folder.parquet("train.parquet", &rows(0..ROWS), small_pages());
    let data = opened(&train).target("y").unwrap();
    let net = Bnn::new(Mlp::new([7, 2, 1]), Gaussian::new());
    let fit = net
        .fit(&data, &Advi::mean_field().batch(100).steps(20))
        .unwrap();
    let mut columns = rows(0..2_000).columns().to_vec();
    let words = (0..2_000).map(|i| if i == 1_500 { "Rom" } else { "Ulm" });
    columns[2] = Arc::new(StringArray::from_iter_values(words));
    let new = RecordBatch::try_new(rows(0..1).schema(), columns).unwrap();
    let new = folder.parquet("new.parquet", &new, small_pages());
    let encoded = fit.encode(&opened(&new)).unwrap();
    let out = folder.0.join("out.csv");
    let error = fit
        .predict_to(&encoded, Predict::draws(2), out)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("new.parquet: row 1500, column `city`: `Rom` is none of"),
        "{error}"
    );
}
