use super::*;

const TEXT: &str = "a,b,y,is_test\n1,2,0,0\n3,4,1,1\n5,6,1,0\n";

fn message<T>(result: Result<T, DataError>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn columns_are_found_by_name_in_the_order_asked_for() {
    let reader = CsvReader::new().features(["b", "a"]).target("y");
    let data = reader.read_from(TEXT.as_bytes()).unwrap();
    assert_eq!(data.x(), [2.0, 1.0, 4.0, 3.0, 6.0, 5.0]);
    assert_eq!(data.feature_names(), ["b", "a"]);
    assert_eq!((data.y(), data.target_name()), (&[0.0, 1.0, 1.0][..], "y"));
}

#[test]
fn the_test_column_splits_and_is_no_feature() {
    let reader = CsvReader::new().test_column("is_test");
    let (train, test) = reader.read_split_from(TEXT.as_bytes()).unwrap();
    assert_eq!(train.feature_names(), ["a", "b"]);
    assert_eq!(
        (train.x(), test.x()),
        (&[1.0, 2.0, 5.0, 6.0][..], &[3.0, 4.0][..])
    );
    assert_eq!(reader.read_from(TEXT.as_bytes()).unwrap().rows(), 3);
}

#[test]
fn other_delimiters_missing_headers_spaces_and_crlf_are_read() {
    let reader = CsvReader::new()
        .delimiter(b';')
        .without_header()
        .features(["2"]);
    let data = reader
        .read_from("9; 1.5 ;0\r\n9;-2e3;1\r\n".as_bytes())
        .unwrap();
    assert_eq!((data.x(), data.y()), (&[1.5, -2e3][..], &[0.0, 1.0][..]));
}

#[test]
fn each_bad_field_is_named_by_line_and_column() {
    let read = |text: &str| Dataset::from_csv_reader(text.as_bytes());
    assert_eq!(
        message(read("a,y\n1,2\nx,3\n")),
        "line 3, column `a`: `x` is not a number"
    );
    assert_eq!(
        message(read("a,y\n1,2\n,3\n")),
        "line 3, column `a`: `` is not a number"
    );
    assert_eq!(
        message(read("a,y\n1,nan\n")),
        "line 2, column `y`: `nan` is not finite; remove the row or fill in a value"
    );
    assert_eq!(
        message(read("a,y\n1e999,1\n")),
        "line 2, column `a`: `1e999` is not finite; remove the row or fill in a value"
    );
    assert_eq!(
        message(read("a,y\n1,2\n1\n")),
        "line 3 has 1 fields; every line needs 2"
    );
    assert_eq!(
        message(
            CsvReader::new()
                .test_column("t")
                .read_from("a,y,t\n1,2,maybe\n".as_bytes())
        ),
        "line 2, column `t`: `maybe` does not mark a row; use 1 or true for test, 0 or false for train"
    );
}

#[test]
fn each_bad_file_has_its_message() {
    let read = |text: &str| Dataset::from_csv_reader(text.as_bytes());
    assert!(message(read("")).starts_with("the CSV is empty"));
    assert!(message(read("a,y\n")).starts_with("the CSV has a header and no rows"));
    assert!(message(read("y\n1\n")).starts_with("no feature columns"));
    let missing = std::env::temp_dir().join("bayes-nn-no-such-file.csv");
    assert!(
        message(Dataset::from_csv(&missing))
            .starts_with(&format!("cannot open {}", missing.display()))
    );
    assert!(
        message(Dataset::from_csv_reader(&b"a,y\n\xff,1\n"[..]))
            .starts_with("line 2, column `a`: the bytes are no UTF-8")
    );
}

#[test]
fn each_bad_choice_of_columns_has_its_message() {
    let read = |reader: CsvReader| message(reader.read_from(TEXT.as_bytes()));
    assert_eq!(
        read(CsvReader::new().target("z")),
        "no column `z`; the columns are `a`, `b`, `y`, `is_test`"
    );
    assert!(read(CsvReader::new().features(["a", "a"])).starts_with("column `a` is not unique"));
    assert!(
        read(CsvReader::new().features(["y"]).target("y")).starts_with("column `y` is not unique")
    );
    let twice = CsvReader::new()
        .target("a")
        .read_from("a,a,y\n1,2,3\n".as_bytes());
    assert!(message(twice).starts_with("column `a` is not unique"));
    assert!(
        message(CsvReader::new().read_split_from(TEXT.as_bytes())).starts_with("no column marks")
    );
    let only_train = CsvReader::new()
        .test_column("t")
        .read_split_from("a,y,t\n1,2,0\n".as_bytes());
    assert!(
        message(only_train).starts_with("the test set would be empty: 1 training and 0 test rows")
    );
}
