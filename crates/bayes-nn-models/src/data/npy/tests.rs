use super::*;

/// A file as `numpy.save` writes it.
fn file(descr: &str, fortran: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    let header =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [
        b"\x93NUMPY\x01\x00",
        &length[..],
        header.as_bytes(),
        numbers,
    ]
    .concat()
}

fn values(descr: &str, numbers: &[u8]) -> Column {
    Npy::read_from(&file(descr, "False", "(2,)", numbers)[..])
        .unwrap()
        .values
}

fn message(bytes: &[u8]) -> String {
    Npy::read_from(bytes).unwrap_err().to_string()
}

#[test]
fn every_type_is_read_without_loss_and_bytes_stay_bytes() {
    assert_eq!(values("|u1", &[0, 255]), Column::from(&[0_u8, 255]));
    assert_eq!(values("|b1", &[0, 1]), Column::from(&[0_u8, 1]));
    assert_eq!(values("|i1", &[128, 127]), Column::from(&[-128_f32, 127.0]));
    assert_eq!(
        values("<i2", &[2, 1, 0, 128]),
        Column::from(&[258_f32, -32768.0])
    );
    assert_eq!(
        values(">u2", &[1, 2, 255, 255]),
        Column::from(&[258_f32, 65535.0])
    );
    let four = [7_u32.to_le_bytes(), u32::MAX.to_le_bytes()].concat();
    assert_eq!(values("<u4", &four), Column::from(&[7_u32, u32::MAX]));
    let four = [(-7_i32).to_be_bytes(), i32::MIN.to_be_bytes()].concat();
    assert_eq!(values(">i4", &four), Column::from(&[-7_f64, -2147483648.0]));
    let eight = [(-7_i64).to_le_bytes(), (1_i64 << 53).to_le_bytes()].concat();
    assert_eq!(
        values("<i8", &eight),
        Column::from(&[-7_f64, 9007199254740992.0])
    );
    let single = [0.1_f32.to_le_bytes(), (-2_f32).to_le_bytes()].concat();
    assert_eq!(values("<f4", &single), Column::from(&[0.1_f32, -2.0]));
    let double = [0.1_f64.to_be_bytes(), (-2_f64).to_be_bytes()].concat();
    assert_eq!(values(">f8", &double), Column::from(&[0.1_f64, -2.0]));
}

#[test]
fn arrays_in_the_order_of_fortran_are_turned() {
    let numbers = [0, 3, 1, 4, 2, 5];
    let turned = Npy::read_from(&file("|u1", "True", "(2, 3)", &numbers)[..]).unwrap();
    assert_eq!(turned.values, Column::from(&[0_u8, 1, 2, 3, 4, 5]));
    assert_eq!((turned.rows(), turned.features()), (2, 3));
    assert_eq!(fortran_places(&[2, 1, 2]), [0, 2, 1, 3]);
    let number = Npy::read_from(&file("|u1", "False", "()", &[9])[..]).unwrap();
    assert_eq!(number.shape(), [1]);
}

/// What `numpy.savez_compressed(file, x=numpy.arange(6, dtype="u1").reshape(2, 3), y=[0.5, 1.5])` wrote.
const ARCHIVE: &str = "504b03042d0000000800000021007e9ed7cfffffffffffffffff05001400782e6e70790100100086000000000000004c000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a05e536aa8aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a463a0ac69a3a0ab50a64032e06462666165600504b03042d00000008000000210094dddb84ffffffffffffffff05001400792e6e70790100100090000000000000004d000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a1aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a463a9a3a0ab50a14002e063078600fa17fd80300504b01022d032d0000000800000021007e9ed7cf4c00000086000000050000000000000000000000800100000000782e6e7079504b01022d032d00000008000000210094dddb844d00000090000000050000000000000000000000800183000000792e6e7079504b0506000000000200020066000000070100000000";

fn archive() -> Vec<u8> {
    let digits = ARCHIVE.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

#[test]
fn arrays_are_taken_out_of_archives_by_name_and_damage_is_seen() {
    let bytes = archive();
    let x = Npy::read_npz_from(&bytes[..], "x").unwrap();
    assert_eq!(
        (x.shape(), x.values()),
        (&[2, 3][..], &Column::from(&[0_u8, 1, 2, 3, 4, 5]))
    );
    let y = Npy::read_npz_from(&bytes[..], "y").unwrap();
    assert_eq!(y.values(), &Column::from(&[0.5, 1.5]));
    let read = |bytes: &[u8], name| Npy::read_npz_from(bytes, name).map_err(|e| e.to_string());
    assert_eq!(
        read(&bytes, "z").unwrap_err(),
        "cannot read the NPY file: no array `z`; the arrays are `x`, `y`"
    );
    let no_archive = "cannot read the NPY file: it is no ZIP archive, as NPZ files are, or damaged";
    assert_eq!(read(b"PK\x03\x04", "x").unwrap_err(), no_archive);
    for end in 0..bytes.len() {
        assert!(read(&bytes[..end], "x").is_err(), "{end}");
    }
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x55;
        match Npy::read_npz_from(&damaged[..], "x") {
            Ok(found) => assert_eq!(found, x, "{place}"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

#[test]
fn files_that_are_cut_off_or_of_other_types_are_refused_in_words() {
    assert_eq!(
        message(b"PK\x03\x04 and so on"),
        "cannot read the NPY file: it begins with the bytes [50, 4b, 03, 04, 20, 61]; an NPY file \
         begins with 93 and `NUMPY`"
    );
    let whole = file("<f8", "False", "(2, 2)", &[0; 32]);
    for end in 0..whole.len() {
        assert!(
            message(&whole[..end]).starts_with("cannot read the NPY file: "),
            "{end}"
        );
    }
    assert!(message(&file("<f8", "False", "(2, 2)", &[0; 33])).ends_with("33 bytes follow it"));
    let overflow = file("<f8", "False", "(4294967296, 4294967296, 2)", &[0; 8]);
    assert!(message(&overflow).ends_with("8 bytes follow it"));
    assert!(message(&file("<c16", "False", "(1,)", &[0; 16])).contains("are read"));
    assert!(message(&file("|O", "False", "(1,)", &[0; 8])).contains("'|O'"));
    assert!(message(&file("<f8", "False", "(2", &[0; 16])).contains("its header is"));
    let wide = file("<u8", "False", "(1,)", &u64::MAX.to_le_bytes());
    assert!(message(&wide).contains("18446744073709551615 at the place 0"));
    let empty = "the data set is empty; at least one row is needed";
    assert_eq!(message(&file("<f8", "False", "(0, 3)", &[])), empty);
}
