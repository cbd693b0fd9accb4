use super::*;

#[test]
fn rows_and_columns_are_those_given() {
    let data = Dataset::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3, &[7.0, 8.0]).unwrap();
    assert_eq!(data.row(0), [1.0, 2.0, 3.0]);
    assert_eq!(data.row(1), [4.0, 5.0, 6.0]);
    assert_eq!(data.column(2), [3.0, 6.0]);
    assert_eq!(data.feature_names(), ["x1", "x2", "x3"]);
}

#[test]
fn each_bad_shape_has_its_message() {
    let message = |result: Result<Dataset, DataError>| result.unwrap_err().to_string();
    assert_eq!(
        message(Dataset::new(&[1.0, 2.0, 3.0], 2, &[0.0])),
        "x holds 3 values, not a multiple of 2 features; it is row-major [n, features]"
    );
    assert_eq!(
        message(Dataset::new(&[1.0, 2.0], 1, &[0.0])),
        "x has 2 rows and y 1 values; each row needs one target"
    );
    assert_eq!(
        message(Dataset::new(&[0.0; 0], 2, &[0.0])),
        "x has 0 rows and y 1 values; each row needs one target"
    );
    assert_eq!(
        message(Dataset::new(&[0.0; 0], 2, &[0.0; 0])),
        "the data set is empty; at least one row is needed"
    );
    assert_eq!(
        message(Dataset::new(&[1.0], 0, &[0.0])),
        "the rows have no features; at least one is needed"
    );
    assert_eq!(
        message(
            Dataset::from_rows(&[[1.0], [2.0]], &[0.0, 1.0])
                .and_then(|d| d.with_feature_names(["a", "b"]))
        ),
        "2 names for 1 features; each needs one"
    );
}

#[test]
fn values_that_are_not_finite_are_named_by_row_and_column() {
    assert_eq!(
        Dataset::new(&[1.0, 2.0, 3.0, f64::NAN], 2, &[0.0, 1.0])
            .unwrap_err()
            .to_string(),
        "row 1, column `x2`: NaN is not finite"
    );
    assert_eq!(
        Dataset::new(&[1.0, 2.0], 1, &[0.0, f64::NEG_INFINITY])
            .unwrap_err()
            .to_string(),
        "row 1, column `y`: -inf is not finite"
    );
}

#[test]
fn display_says_size_names_and_scale() {
    let data = Dataset::new(&[1.0, 2.0, 3.0, 4.0], 2, &[0.0, 1.0]).unwrap();
    assert_eq!(data.to_string(), "2 rows, 2 features (x1, x2), target y");
    assert_eq!(
        data.standardized().to_string(),
        "2 rows, 2 features (x1, x2), target y; features standardized"
    );
    let wide = Dataset::new(&[0.0; 8], 8, &[0.0]).unwrap();
    assert_eq!(
        wide.to_string(),
        "1 row, 8 features (x1, x2, x3, x4, x5, x6, ...), target y"
    );
}
