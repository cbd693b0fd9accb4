//! The layout is that of safetensors, and what has it and no more is refused.

use std::path::PathBuf;

use bayes_nn_files::{Entry, File, FileError, Node, Place, Value, record, save};
use safetensors::{Dtype, SafeTensors};

/// A name of its own in the folder for passing files.
fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("bayes-nn-layout-{}-{name}", std::process::id()))
}

#[derive(Debug, PartialEq)]
struct Path {
    start: f64,
    seed: u64,
    word: String,
    points: Points,
    /// Numbers of single precision.
    short: Points,
    ends: Vec<(String, f64)>,
    label: Option<String>,
}

record!(Path {
    "start": start,
    "seed": seed,
    "word": word,
    "points": points,
    "short": short,
    "ends": ends,
    "label": label,
});

#[derive(Debug, PartialEq)]
struct Points(Vec<f64>);

impl Entry for Points {
    fn write(&self, place: &Place<'_>) -> Value {
        let rows = self.0.len() / 2;
        place.object().tensor("rows", &self.0, &[rows, 2]).value()
    }

    fn read(node: &Node<'_>) -> Result<Points, FileError> {
        let rows = node.shape("rows").map_or(0, |shape| shape[0]);
        Ok(Points(node.tensor("rows", &[rows, 2])?))
    }
}

fn path() -> Path {
    Path {
        start: 0.1 + 0.2,
        seed: u64::MAX,
        word: "a \"word\" in\nÅ𝄞".to_owned(),
        points: Points(vec![1.5, -0.0, f64::MIN_POSITIVE, 1e300]),
        short: Points(vec![1.5, -0.0, f64::from(0.1f32), f64::INFINITY]),
        ends: vec![
            ("low".to_owned(), f64::NEG_INFINITY),
            ("tiny".to_owned(), 5e-324),
        ],
        label: None,
    }
}

/// The bytes of `path` in a file of this name: tests run side by side, and each needs a file of its own.
fn bytes_of(path: &Path, name: &str) -> Vec<u8> {
    let name = temporary(name);
    save(&name, |root| {
        Ok::<_, FileError>(root.put("path", path).value())
    })
    .unwrap();
    let bytes = std::fs::read(&name).unwrap();
    std::fs::remove_file(name).unwrap();
    bytes
}

#[test]
fn the_crate_safetensors_reads_what_is_written() {
    let bytes = bytes_of(&path(), "written");
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let rows = tensors.tensor("path.points.rows").unwrap();
    assert_eq!((rows.dtype(), rows.shape()), (Dtype::F64, &[2, 2][..]));
    let numbers = rows.data().as_chunks().0.iter();
    let numbers: Vec<f64> = numbers.map(|bytes| f64::from_le_bytes(*bytes)).collect();
    assert_eq!(numbers, path().points.0);
    // What single precision has keeps its bits in half the bytes.
    let short = tensors.tensor("path.short.rows").unwrap();
    assert_eq!((short.dtype(), short.shape()), (Dtype::F32, &[2, 2][..]));
    let numbers = short.data().as_chunks().0.iter();
    let numbers: Vec<f32> = numbers.map(|bytes| f32::from_le_bytes(*bytes)).collect();
    assert_eq!(numbers, [1.5, -0.0, 0.1, f32::INFINITY]);
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().as_ref().unwrap();
    let description: Value = serde_json::from_str(&metadata["bayes-nn"]).unwrap();
    assert_eq!(description["path"]["seed"], u64::MAX);
    // CRC-32 of all bytes before it.
    let checksum = tensors.tensor("checksum").unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[..bytes.len() - 4]);
    assert_eq!(checksum.data(), crc.sum().to_le_bytes());
}

/// What is read of bytes.
fn read(bytes: &[u8], name: &str) -> Result<Path, FileError> {
    let name = temporary(name);
    std::fs::write(&name, bytes).unwrap();
    let path = File::read(&name).and_then(|file| file.root()?.get("path"));
    std::fs::remove_file(name).unwrap();
    path
}

#[test]
fn what_was_written_is_read_bit_for_bit() {
    let again = read(&bytes_of(&path(), "first"), "again").unwrap();
    assert_eq!(again, path());
    for points in [again.points, again.short] {
        assert!(points.0[1].is_sign_negative());
    }
}

/// A file with this header and these numbers, whose checksum is right.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    let mut crc = flate2::Crc::new();
    crc.update(&bytes);
    bytes.extend(crc.sum().to_le_bytes());
    bytes
}

/// The header of this description with other tensors.
fn header(description: &str, tensors: &str, end: usize) -> String {
    let description = serde_json::to_string(description).unwrap();
    let checksum = end + 4;
    format!(
        r#"{{"__metadata__":{{"bayes-nn":{description}}},{tensors}"checksum":{{"dtype":"U32","shape":[1],"data_offsets":[{end},{checksum}]}}}}"#
    )
}

#[test]
fn a_header_that_cannot_be_is_refused_and_what_is_wrong_named() {
    let message = |bytes: &[u8]| read(bytes, "refused").unwrap_err().to_string();
    let of = |description: &str, tensors: &str, data: &[u8]| {
        message(&file(&header(description, tensors, data.len()), data))
    };
    assert!(of("{}", "", &[]).contains("has no version of the format"));
    let newer = of(r#"{"format":3}"#, "", &[]);
    assert!(newer.contains("version 3 of the format, and this library reads up to version 2"));
    assert!(of(r#"{"format":1}"#, "", &[]).ends_with("`path` is missing"));
    let described = r#"{"format":1,"path":{"start":0.5,"seed":-1}}"#;
    assert!(of(described, "", &[]).ends_with("`path.seed` is -1, not a whole number"));
    // Lengths that are not there, overlap, leave a gap or overflow.
    for (shape, offsets) in [
        ("[1]", "[0,16]"),
        ("[4611686018427387904,8]", "[0,8]"),
        ("[1]", "[8,16]"),
        ("[1]", "[18446744073709551615,7]"),
        ("[2]", "[0,16]"),
        ("[]", "[0,16]"),
        ("[-1]", "[0,8]"),
    ] {
        let tensor = format!(r#""x":{{"dtype":"F64","shape":{shape},"data_offsets":{offsets}}},"#);
        let message = of(r#"{"format":1}"#, &tensor, &[0; 8]);
        assert!(message.contains("is damaged: its tensor"), "{message}");
    }
    let other = r#""x":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},"#;
    let other = of(r#"{"format":2}"#, other, &[0; 8]);
    assert!(other.contains("its tensor `x` cannot be"), "{other}");
    let long = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    assert!(message(&long).contains("is damaged: its header has"));
    assert!(message(b"{}").contains("fewer than 8 bytes"));
    let other = file(
        r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        &[],
    );
    assert!(message(&other).contains("is no file of a fit"));
    // Depth costs no stack.
    let deep = format!(
        r#"{{"format":1,"path":{}0{}}}"#,
        "[".repeat(5000),
        "]".repeat(5000)
    );
    assert!(of(&deep, "", &[]).ends_with(", not an object"));
}
