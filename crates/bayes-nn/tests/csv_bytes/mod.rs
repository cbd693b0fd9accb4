//! Any bytes as a file of comma-separated values.

use bayes_nn::CsvReader;

/// Readers of several settings read a whole data set from the bytes, or refuse them with a
/// sentence. How many of them read one.
///
/// # Panics
/// If a data set is not whole.
pub fn check(text: &[u8]) -> usize {
    let readers = [
        CsvReader::new(),
        CsvReader::new().without_header(),
        CsvReader::new().delimiter(b';').test_column("test"),
        CsvReader::new().features(["x1", "a"]).target("y"),
    ];
    let mut read = 0;
    for reader in &readers {
        match reader.read_from(text) {
            Ok(data) => {
                read += 1;
                assert!(data.x().iter().chain(data.y()).all(|v| v.is_finite()));
                assert_eq!(data.x().len(), data.rows() * data.feature_names().len());
                assert_eq!(data.y().len(), data.rows());
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        if let Err(error) = reader.read_split_from(text) {
            assert!(!error.to_string().is_empty());
        }
    }
    read
}
