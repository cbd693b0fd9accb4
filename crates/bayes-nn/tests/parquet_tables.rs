//! Tables in files of Parquet and Arrow IPC: every type as it was written, or refused by column.

mod parquet_files;

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::types::{Int8Type, UInt16Type};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Date64Array, Decimal128Array, DictionaryArray,
    Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, LargeStringArray,
    ListArray, NullArray, RecordBatch, StringArray, StringViewArray, Time32SecondArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use bayes_nn::data::ColumnKind;
use bayes_nn::prelude::*;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet_files::{Folder, batch, rows, said, small_pages};

/// A file of Arrow IPC.
fn arrow(
    folder: &Folder,
    name: &str,
    batch: &RecordBatch,
    how: Option<CompressionType>,
) -> PathBuf {
    let path = folder.0.join(name);
    let file = File::create(&path).unwrap();
    let how = IpcWriteOptions::default()
        .try_with_compression(how)
        .unwrap();
    let mut writer = FileWriter::try_new_with_options(file, &batch.schema(), how).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    path
}

/// A column of each type, the middle of three rows missing; and what a table has of it.
fn all_types() -> Vec<(&'static str, ArrayRef, ColumnKind, [f64; 3])> {
    use ColumnKind::{Boolean, Category, Date, Number};
    const N: f64 = f64::NAN;
    let micros = 1_706_659_200_000_000 + 21_600_000_000;
    let listed = |words: [Option<&str>; 3]| -> ArrayRef {
        let words: DictionaryArray<Int8Type> = words.into_iter().collect();
        // A word that is listed, and is in no row.
        let list = StringArray::from(vec!["never", "b", "a"]);
        let keys = words.keys().iter().map(|key| key.map(|key| key + 1));
        let keys: Int8Array = keys.collect();
        Arc::new(DictionaryArray::new(keys, Arc::new(list)))
    };
    let numbers = DictionaryArray::<UInt16Type>::new(
        UInt16Array::from(vec![Some(1), None, Some(0)]),
        Arc::new(Float64Array::from(vec![2.5, 7.5])),
    );
    let decimals = Decimal128Array::from(vec![Some(-12_345), None, Some(1)]);
    let decimals = decimals.with_precision_and_scale(10, 2).unwrap();
    vec![
        (
            "i8",
            Arc::new(Int8Array::from(vec![Some(-8), None, Some(7)])),
            Number,
            [-8.0, N, 7.0],
        ),
        (
            "i16",
            Arc::new(Int16Array::from(vec![Some(-300), None, Some(7)])),
            Number,
            [-300.0, N, 7.0],
        ),
        (
            "i32",
            Arc::new(Int32Array::from(vec![Some(1 << 30), None, Some(7)])),
            Number,
            [1_073_741_824.0, N, 7.0],
        ),
        (
            "i64",
            Arc::new(Int64Array::from(vec![Some(-(1 << 53)), None, Some(7)])),
            Number,
            [-9_007_199_254_740_992.0, N, 7.0],
        ),
        (
            "u8",
            Arc::new(UInt8Array::from(vec![Some(255), None, Some(7)])),
            Number,
            [255.0, N, 7.0],
        ),
        (
            "u16",
            Arc::new(UInt16Array::from(vec![Some(65_535), None, Some(7)])),
            Number,
            [65_535.0, N, 7.0],
        ),
        (
            "u32",
            Arc::new(UInt32Array::from(vec![Some(u32::MAX), None, Some(7)])),
            Number,
            [4_294_967_295.0, N, 7.0],
        ),
        (
            "u64",
            Arc::new(UInt64Array::from(vec![Some(1 << 53), None, Some(7)])),
            Number,
            [9_007_199_254_740_992.0, N, 7.0],
        ),
        (
            "f32",
            Arc::new(Float32Array::from(vec![Some(0.1), None, Some(f32::NAN)])),
            Number,
            [f64::from(0.1_f32), N, N],
        ),
        (
            "f64",
            Arc::new(Float64Array::from(vec![Some(0.1), None, Some(1e300)])),
            Number,
            [0.1, N, 1e300],
        ),
        ("decimal", Arc::new(decimals), Number, [-123.45, N, 0.01]),
        (
            "bool",
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
            Boolean,
            [1.0, N, 0.0],
        ),
        (
            "date32",
            Arc::new(Date32Array::from(vec![Some(19_753), None, Some(-1)])),
            Date,
            [19_753.0, N, -1.0],
        ),
        (
            "date64",
            Arc::new(Date64Array::from(vec![
                Some(19_753 * 86_400_000),
                None,
                Some(-86_400_000),
            ])),
            Date,
            [19_753.0, N, -1.0],
        ),
        (
            "seconds",
            Arc::new(TimestampSecondArray::from(vec![
                Some(micros / 1_000_000),
                None,
                Some(-1),
            ])),
            Date,
            [19_753.25, N, -1.0 + (1439.0 + 59.0 / 60.0) / 1440.0],
        ),
        (
            "millis",
            Arc::new(TimestampMillisecondArray::from(vec![
                Some(micros / 1_000),
                None,
                Some(0),
            ])),
            Date,
            [19_753.25, N, 0.0],
        ),
        (
            "micros",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(micros), None, Some(0)])
                    .with_timezone("+02:00"),
            ),
            Date,
            [19_753.25, N, 0.0],
        ),
        (
            "nanos",
            Arc::new(TimestampNanosecondArray::from(vec![
                Some(micros * 1_000),
                None,
                Some(0),
            ])),
            Date,
            [19_753.25, N, 0.0],
        ),
        (
            "text",
            Arc::new(StringArray::from(vec![Some("b"), None, Some("a")])),
            Category,
            [1.0, N, 0.0],
        ),
        (
            "long text",
            Arc::new(LargeStringArray::from(vec![
                Some("10"),
                Some(""),
                Some("9"),
            ])),
            Category,
            [1.0, N, 0.0],
        ),
        (
            "view",
            Arc::new(StringViewArray::from(vec![Some("b"), None, Some("a")])),
            Category,
            [1.0, N, 0.0],
        ),
        (
            "listed",
            listed([Some("b"), None, Some("a")]),
            Category,
            [1.0, N, 0.0],
        ),
        ("listed numbers", Arc::new(numbers), Number, [7.5, N, 2.5]),
        ("nothing", Arc::new(NullArray::new(3)), Number, [N, N, N]),
    ]
}

fn batch_of_all() -> RecordBatch {
    let all = all_types().into_iter();
    batch(all.map(|(name, array, ..)| (name, array)).collect())
}

fn check_all(table: &Table, from: &str) {
    assert_eq!(table.rows(), 3, "{from}");
    for (name, _, kind, values) in all_types() {
        assert_eq!(table.kind(name).unwrap(), kind, "{from}: {name}");
        let found = table.numbers(name).unwrap();
        let same = found
            .iter()
            .zip(values)
            .all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()));
        assert!(same, "{from}: {name} is {found:?}, not {values:?}");
        let words = table.categories(name).unwrap();
        match (kind, name) {
            (ColumnKind::Category, "long text") => assert_eq!(words, ["9", "10"]),
            (ColumnKind::Category, _) => assert_eq!(words, ["a", "b"], "{from}: {name}"),
            _ => assert!(words.is_empty()),
        }
    }
}

#[test]
fn every_type_is_read_as_it_was_written() {
    let (folder, all) = (Folder::new("types"), batch_of_all());
    let plain = WriterProperties::builder;
    let zstd = ZstdLevel::try_new(3).unwrap();
    for how in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(zstd),
        Compression::LZ4_RAW,
        Compression::LZ4,
        Compression::GZIP(Default::default()),
    ] {
        let path = folder.parquet("all.parquet", &all, plain().set_compression(how));
        check_all(&Table::read(&path).unwrap(), &format!("{how:?}"));
        let bytes = fs::read(&path).unwrap();
        check_all(&Table::read_from(&bytes[..]).unwrap(), "bytes");
    }
    for how in [
        None,
        Some(CompressionType::LZ4_FRAME),
        Some(CompressionType::ZSTD),
    ] {
        for name in ["all.arrow", "all.feather", "all.ipc", "all"] {
            let path = arrow(&folder, name, &all, how);
            check_all(&Table::read(path).unwrap(), &format!("{name}, {how:?}"));
        }
    }
    let path = folder.0.join("stream.arrows");
    let mut writer = StreamWriter::try_new(File::create(&path).unwrap(), &all.schema()).unwrap();
    writer.write(&all).unwrap();
    writer.finish().unwrap();
    check_all(&Table::read(&path).unwrap(), "stream");
    check_all(
        &Table::read_from(File::open(&path).unwrap()).unwrap(),
        "stream",
    );
}

#[test]
fn a_table_is_printed_with_its_format_and_read_as_the_text_of_the_same() {
    let folder = Folder::new("printed");
    let rows = batch(vec![
        ("size", Arc::new(Float64Array::from(vec![Some(1.5), None]))),
        ("city", Arc::new(StringArray::from(vec!["Ulm", "Bonn"]))),
        (
            "day",
            Arc::new(TimestampMillisecondArray::from(vec![
                1_706_745_599_250,
                1_706_659_200_000,
            ])),
        ),
    ]);
    let path = folder.parquet("a.parquet", &rows, WriterProperties::builder());
    let table = Table::read(&path).unwrap();
    assert_eq!(
        table.to_string(),
        "2 rows, 3 columns (Parquet)\n\
         column  kind      categories  missing  example\n\
         size    number                      1  1.5\n\
         city    category           2        0  Ulm\n\
         day     date                        0  2024-01-31T23:59:59"
    );
    let text = "size,city,day\n1.5,Ulm,2024-01-31T23:59:59.25\n,Bonn,2024-01-31\n";
    let text = Table::read_from(text.as_bytes()).unwrap();
    for name in ["city", "day"] {
        assert_eq!(table.numbers(name).unwrap(), text.numbers(name).unwrap());
    }
    let shown = Table::read(arrow(&folder, "a.feather", &rows, None))
        .unwrap()
        .to_string();
    assert!(
        shown.starts_with("2 rows, 3 columns (Arrow IPC)\n"),
        "{shown}"
    );
    let mut words = Table::reader()
        .kind("size", ColumnKind::Category)
        .read(&path)
        .unwrap();
    assert_eq!(words.categories("size").unwrap(), ["1.5"]);
    words = Table::reader().missing(["Ulm"]).read(&path).unwrap();
    assert_eq!(words.categories("city").unwrap(), ["Bonn"]);
}

#[test]
fn what_is_no_column_of_a_table_is_refused_by_its_name() {
    let folder = Folder::new("refused");
    let tags = ListArray::from_iter_primitive::<arrow_array::types::Int32Type, _, _>([
        Some(vec![Some(1)]),
        None,
    ]);
    let rows = batch(vec![
        ("x", Arc::new(Float64Array::from(vec![1.0, 2.0]))),
        ("tags", Arc::new(tags)),
        ("at", Arc::new(Time32SecondArray::from(vec![1, 2]))),
    ]);
    for path in [
        folder.parquet("nested.parquet", &rows, WriterProperties::builder()),
        arrow(&folder, "nested.arrow", &rows, None),
    ] {
        let error = Table::read(&path).unwrap_err();
        said(&error, "column `tags` has the type List(");
        said(
            &error,
            "`Table::reader().except([\"tags\"])` leaves it unread",
        );
        let error = Table::reader().except(["tags"]).read(&path).unwrap_err();
        said(&error, "column `at` has the type Time32(");
        let table = Table::reader().except(["tags", "at"]).read(&path).unwrap();
        assert_eq!(table.names().collect::<Vec<_>>(), ["x"]);
        let error = Table::reader().except(["tag"]).read(&path).unwrap_err();
        said(&error, "no column `tag`");
        let error = Table::reader().delimiter(b';').read(&path).unwrap_err();
        said(
            &error,
            "of which the setting `delimiter` of `Table::reader()` says nothing",
        );
    }
    let text = "a,b\n1,2\n";
    let table = Table::reader()
        .except(["a"])
        .read_from(text.as_bytes())
        .unwrap();
    assert_eq!(table.names().collect::<Vec<_>>(), ["b"]);
    let long = batch(vec![
        ("id", Arc::new(Int64Array::from(vec![5, (1 << 53) + 1]))),
        ("y", Arc::new(Float64Array::from(vec![f64::INFINITY, 1.0]))),
    ]);
    let path = folder.parquet("long.parquet", &long, WriterProperties::builder());
    let error = Table::read(&path).unwrap_err();
    said(
        &error,
        "row 1, column `id`: `9007199254740993` is not a number that a double holds exactly",
    );
    let words = Table::reader().kind("id", ColumnKind::Category);
    said(
        &words.read(&path).unwrap_err(),
        "row 0, column `y`: `inf` is not finite",
    );
    let table = words.except(["y"]).read(&path).unwrap();
    assert_eq!(table.categories("id").unwrap(), ["5", "9007199254740993"]);
}

#[test]
fn files_that_are_cut_off_or_of_another_format_are_named() {
    let (folder, rows) = (Folder::new("formats"), batch_of_all());
    let path = folder.parquet("whole.parquet", &rows, WriterProperties::builder());
    let bytes = fs::read(&path).unwrap();
    let refused = |name: &str, bytes: &[u8], expected: &str| {
        let path = folder.0.join(name);
        fs::write(&path, bytes).unwrap();
        let error = Table::read(&path).unwrap_err();
        said(&error, name);
        said(&error, expected);
        said(&Table::reader().open(&path).unwrap_err(), expected);
    };
    // As a writer leaves it that was killed.
    let cut = &bytes[..bytes.len() - 9];
    refused(
        "cut.parquet",
        cut,
        "does not end with `PAR1`, as files of Parquet do: it was cut off",
    );
    refused("text.parquet", b"a,b\n1,2\n", "does not begin with `PAR1`");
    refused(
        "text.feather",
        b"a,b\n1,2\n",
        "begins neither with `ARROW1`",
    );
    refused("old.feather", b"FEA1____", "the first version of Feather");
    refused("empty.parquet", b"", "does not begin with `PAR1`");
    let mut damaged = bytes.clone();
    let footer = bytes.len() - 40;
    damaged[footer..footer + 20].fill(0xff);
    refused("damaged.parquet", &damaged, "the file is damaged: ");
    let whole = fs::read(arrow(&folder, "whole.arrow", &rows, None)).unwrap();
    let cut = folder.0.join("cut.arrow");
    fs::write(&cut, &whole[..whole.len() - 30]).unwrap();
    said(
        &Table::read(&cut).unwrap_err(),
        "cut.arrow, from byte 0 on: the file is damaged: ",
    );
    let error = Table::reader()
        .open(folder.0.join("whole.arrow"))
        .unwrap_err();
    said(&error, "batches may be of any size");
    let none = folder.parquet(
        "none.parquet",
        &rows.slice(0, 0),
        WriterProperties::builder(),
    );
    said(
        &Table::read(none).unwrap_err(),
        "at least one row is needed",
    );
}

/// Bytes that were changed anywhere are an error, or other numbers; never a panic.
#[test]
fn damaged_files_are_refused_or_read() {
    let folder = Folder::new("damaged");
    let few = rows(0..300);
    let parquet = folder.parquet(
        "a.parquet",
        &few,
        small_pages().set_compression(Compression::SNAPPY),
    );
    let arrow = arrow(&folder, "a.arrow", &few, None);
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut refused = 0;
    for path in [parquet, arrow] {
        let whole = fs::read(&path).unwrap();
        for _ in 0..400 {
            let mut bytes = whole.clone();
            for _ in 0..1 + random(3) {
                let at = random(bytes.len());
                bytes[at] = random(256) as u8;
            }
            refused += usize::from(Table::read_from(&bytes[..]).is_err());
            bytes.truncate(random(whole.len()));
            refused += usize::from(Table::read_from(&bytes[..]).is_err());
        }
    }
    assert!(refused > 800, "{refused}");
}
