//! The bytes of a file as text.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::data::DataError;

/// The text of a file, and the encoding in which it was: that which was set, that of a byte order
/// mark, UTF-8 where all bytes are, and otherwise Windows-1252, of which Latin-1 is a part.
pub(super) fn decode(
    bytes: &[u8],
    set: Option<&'static Encoding>,
) -> Result<(String, &'static Encoding), DataError> {
    let marked = Encoding::for_bom(bytes);
    let encoding = match (set, marked) {
        (Some(set), _) => set,
        (None, Some((marked, _))) => marked,
        (None, None) if std::str::from_utf8(bytes).is_ok() => UTF_8,
        (None, None) => WINDOWS_1252,
    };
    let (text, encoding, damaged) = encoding.decode(bytes);
    if damaged {
        return Err(DataError::NotText {
            encoding: encoding.name(),
            line: line_of(&text, '\u{fffd}'),
        });
    }
    match text.contains('\0') {
        true => Err(DataError::Nul {
            line: line_of(&text, '\0'),
        }),
        false => Ok((text.into_owned(), encoding)),
    }
}

/// The encoding of a name, as `"windows-1252"`, `"latin1"` or `"shift_jis"`.
pub(super) fn encoding(name: &str) -> Result<&'static Encoding, DataError> {
    let known = Encoding::for_label(name.as_bytes());
    known.ok_or_else(|| DataError::UnknownEncoding {
        name: name.to_owned(),
    })
}

/// The line, from 1, of the first such character.
fn line_of(text: &str, wanted: char) -> u64 {
    let before = text.split(wanted).next().unwrap_or_default();
    before.matches('\n').count() as u64 + 1
}
