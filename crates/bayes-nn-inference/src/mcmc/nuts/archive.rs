//! Checkpoints as bytes: one function per type lists its values, for saving and for loading alike.

/// A checkpoint that is being written, or read.
pub(super) enum Archive {
    /// The bytes so far.
    Save(Vec<u8>),
    /// The bytes, how many of their words were read, and whether one of them cannot be.
    Load {
        bytes: Vec<u8>,
        words: usize,
        refused: bool,
    },
}

const MAGIC: u64 = u64::from_le_bytes(*b"bnnuts06");

impl Archive {
    pub(super) fn save() -> Archive {
        Archive::Save(MAGIC.to_le_bytes().to_vec())
    }

    /// Bytes of [`Archive::finish`]; none if they are damaged or of another kind.
    pub(super) fn load(mut bytes: Vec<u8>) -> Option<Archive> {
        let checksum = bytes.split_off(bytes.len().checked_sub(8)?);
        let is_whole = hash(&bytes).to_le_bytes() == checksum[..];
        let mut archive = Archive::Load {
            bytes,
            words: 0,
            refused: false,
        };
        (is_whole && archive.word(0) == MAGIC).then_some(archive)
    }

    /// The bytes of everything taken in, with a checksum.
    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Archive::Save(mut bytes) => {
                let checksum = hash(&bytes);
                bytes.extend(checksum.to_le_bytes());
                bytes
            }
            Archive::Load { bytes, .. } => bytes,
        }
    }

    fn word(&mut self, value: u64) -> u64 {
        match self {
            Archive::Save(bytes) => {
                bytes.extend(value.to_le_bytes());
                value
            }
            Archive::Load {
                bytes,
                words,
                refused,
            } => {
                *words += 1;
                let word = bytes.as_chunks().0.get(*words - 1);
                *refused |= word.is_none();
                word.map_or(0, |word| u64::from_le_bytes(*word))
            }
        }
    }

    /// Says that a value that was read cannot be.
    pub(super) fn refuse(&mut self) {
        if let Archive::Load { refused, .. } = self {
            *refused = true;
        }
    }

    /// Whether all that was read was there and can be, and nothing else is.
    pub(super) fn is_read(&self) -> bool {
        match self {
            Archive::Save(_) => true,
            Archive::Load {
                bytes,
                words,
                refused,
            } => !refused && *words == bytes.len() / 8,
        }
    }

    pub(super) fn u64(&mut self, value: &mut u64) {
        *value = self.word(*value);
    }

    /// A count of what is made one after the other, of which there are never 2^53.
    pub(super) fn count(&mut self, value: &mut u64) {
        self.u64(value);
        if *value > 1 << 53 {
            self.refuse();
        }
    }

    pub(super) fn flag(&mut self, value: &mut bool) {
        *value = self.word(u64::from(*value)) != 0;
    }

    pub(super) fn f64(&mut self, value: &mut f64) {
        *value = f64::from_bits(self.word(value.to_bits()));
    }

    /// A length; a loaded one is never beyond what is there.
    pub(super) fn length(&mut self, length: usize) -> usize {
        let length = self.word(length as u64) as usize;
        match self {
            Archive::Save(_) => length,
            Archive::Load {
                bytes,
                words,
                refused,
            } => {
                let left = (bytes.len() / 8).saturating_sub(*words);
                *refused |= length > left;
                length.min(left)
            }
        }
    }

    pub(super) fn floats(&mut self, values: &mut Vec<f64>) {
        let length = self.length(values.len());
        values.resize(length, 0.0);
        for value in values {
            self.f64(value);
        }
    }

    /// Numbers of which there must be so many.
    pub(super) fn exactly(&mut self, length: usize, values: &mut Vec<f64>) {
        self.floats(values);
        if values.len() != length {
            self.refuse();
        }
    }
}

/// The FNV-1a hash, 64 bits.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_damage_is_seen() {
        let (mut count, mut floats, mut flag) = (7, vec![0.1, f64::NAN, -0.0], true);
        let mut archive = Archive::save();
        archive.u64(&mut count);
        archive.floats(&mut floats);
        archive.flag(&mut flag);
        let bytes = archive.finish();

        let mut archive = Archive::load(bytes.clone()).unwrap();
        let (mut a, mut b, mut c) = (0, Vec::new(), false);
        archive.u64(&mut a);
        archive.floats(&mut b);
        archive.flag(&mut c);
        assert!(archive.is_read());
        assert_eq!((a, c), (count, flag));
        let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&b), bits(&floats));

        // A whole archive of something else: a length beyond its end, words that are left over.
        let mut other = Archive::save();
        other.u64(&mut (1 << 60));
        let mut other = Archive::load(other.finish()).unwrap();
        assert!(!other.is_read());
        other.floats(&mut b);
        assert!(!other.is_read() && b.is_empty());

        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 4;
            assert!(Archive::load(damaged).is_none());
            assert!(Archive::load(bytes[..place].to_vec()).is_none());
        }
    }
}
