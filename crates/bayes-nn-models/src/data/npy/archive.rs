//! The entries of a ZIP archive (PKWARE's APPNOTE 6.3), stored or deflated, of less than 4 GiB.

use std::borrow::Cow;
use std::io::Read;

use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::problem;
use crate::data::DataError;

/// One file of an archive.
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    bytes: &'a [u8],
    deflated: bool,
    /// Its length, and the sum that checks it, when it is taken out.
    length: u32,
    crc: u32,
}

/// The files by the directory at the end.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Entry<'_>>, DataError> {
    const END: usize = 22;
    const COMMENT: usize = 1 << 16;
    let damaged = || problem("it is no ZIP archive, as NPZ files are, or damaged".to_owned());
    let last = bytes.len().checked_sub(END).ok_or_else(damaged)?;
    let first = last.saturating_sub(COMMENT);
    let is_end = |place: &usize| bytes[*place..].starts_with(b"PK\x05\x06");
    let end = (first..=last).rfind(is_end).ok_or_else(damaged)?;
    let count = u16_at(bytes, end + 10).ok_or_else(damaged)?;
    let mut place = u32_at(bytes, end + 16).ok_or_else(damaged)? as usize;
    let mut entries = Vec::new();
    for _ in 0..count {
        let (entry, next) = entry(bytes, place).ok_or_else(damaged)?;
        entries.push(entry);
        place = next;
    }
    Ok(entries)
}

/// The entry of the directory at a place, and where the next one is.
fn entry(bytes: &[u8], place: usize) -> Option<(Entry<'_>, usize)> {
    let own = bytes.get(place..)?;
    if !own.starts_with(b"PK\x01\x02") {
        return None;
    }
    let deflated = match u16_at(own, 10)? {
        0 => false,
        8 => true,
        _ => return None,
    };
    let (crc, packed, length) = (u32_at(own, 16)?, u32_at(own, 20)?, u32_at(own, 24)?);
    let [name, extra, comment] = [28, 30, 32].map(|at| u16_at(own, at));
    let name_end = 46 + name?;
    let next = place + name_end + extra? + comment?;
    // The header before the file itself has names of other lengths.
    let local = bytes.get(u32_at(own, 42)? as usize..)?;
    if !local.starts_with(b"PK\x03\x04") {
        return None;
    }
    let begin = 30 + u16_at(local, 26)? + u16_at(local, 28)?;
    Some((
        Entry {
            name: std::str::from_utf8(own.get(46..name_end)?).ok()?,
            bytes: local.get(begin..)?.get(..packed as usize)?,
            deflated,
            length,
            crc,
        },
        next,
    ))
}

impl<'a> Entry<'a> {
    /// The bytes of the file, checked.
    pub(super) fn read(&self) -> Result<Cow<'a, [u8]>, DataError> {
        let mut bytes = Cow::Borrowed(self.bytes);
        if self.deflated {
            let mut taken = Vec::new();
            // One byte more than said shows that there are more.
            let decoder = DeflateDecoder::new(self.bytes).take(u64::from(self.length) + 1);
            let read = { decoder }.read_to_end(&mut taken);
            read.map_err(|error| problem(format!("`{}`: {error}", self.name)))?;
            bytes = taken.into();
        }
        let mut crc = Crc::new();
        crc.update(&bytes);
        match bytes.len() == self.length as usize && crc.sum() == self.crc {
            true => Ok(bytes),
            false => Err(problem(format!("`{}` is damaged", self.name))),
        }
    }
}

fn u16_at(bytes: &[u8], place: usize) -> Option<usize> {
    let bytes = bytes.get(place..)?.first_chunk()?;
    Some(usize::from(u16::from_le_bytes(*bytes)))
}

fn u32_at(bytes: &[u8], place: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(place..)?.first_chunk()?))
}
