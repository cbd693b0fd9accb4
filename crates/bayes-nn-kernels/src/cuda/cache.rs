//! Compiled programs by what they were compiled from: in memory, and on disk for the next
//! process. A file on disk is written beside its place and renamed, and read only if it holds
//! its whole key and the sum of its bytes is right; any other is made again.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What every file begins with.
const MARK: &[u8; 8] = b"bayesnn1";

/// Compiled programs, by their keys.
pub(super) struct Cache {
    folder: Option<PathBuf>,
    known: Mutex<HashMap<String, Arc<[u8]>>>,
}

impl Cache {
    /// A cache over a folder, or in memory only.
    pub fn new(folder: Option<PathBuf>) -> Cache {
        Cache {
            folder,
            known: Mutex::default(),
        }
    }

    /// What belongs to `key`, made only if it is nowhere. A folder that cannot be written costs
    /// time, not the result.
    pub fn get<E>(
        &self,
        key: &str,
        make: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Arc<[u8]>, E> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = known.get(key) {
            return Ok(code.clone());
        }
        let file = self.folder.as_ref().map(|folder| folder.join(name(key)));
        let code = match file.as_deref().and_then(|file| load(file, key)) {
            Some(code) => code,
            None => {
                let code = make()?;
                if let Some(file) = &file {
                    // The next process compiles once more.
                    let _ = store(file, key, &code);
                }
                code
            }
        };
        let code: Arc<[u8]> = code.into();
        known.insert(key.to_owned(), code.clone());
        Ok(code)
    }
}

/// FNV-1a, 64 bits (Fowler, Noll and Vo): a name and a check, no protection against intent.
fn hash(parts: &[&[u8]]) -> u64 {
    parts
        .iter()
        .copied()
        .flatten()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

fn name(key: &str) -> String {
    format!("{:016x}.cubin", hash(&[key.as_bytes()]))
}

/// Mark, length of the key, key, sum of all that follows, code.
fn load(file: &Path, key: &str) -> Option<Vec<u8>> {
    let bytes = fs::read(file).ok()?;
    let rest = bytes.strip_prefix(MARK)?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let (own, rest) = rest.split_at_checked(u64::from_le_bytes(*length) as usize)?;
    let (sum, code) = rest.split_first_chunk::<8>()?;
    let whole = own == key.as_bytes() && u64::from_le_bytes(*sum) == hash(&[code]);
    whole.then(|| code.to_vec())
}

fn store(file: &Path, key: &str, code: &[u8]) -> std::io::Result<()> {
    let mut bytes = MARK.to_vec();
    bytes.extend((key.len() as u64).to_le_bytes());
    bytes.extend(key.as_bytes());
    bytes.extend(hash(&[code]).to_le_bytes());
    bytes.extend(code);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = file.with_extension(format!("{}.new", std::process::id()));
    fs::write(&beside, bytes)?;
    fs::rename(&beside, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = format!("bayes-nn-cache-{}-{name}", std::process::id());
        std::env::temp_dir().join(folder)
    }

    fn get(cache: &Cache, key: &str, made: &mut u32) -> Arc<[u8]> {
        let make = || {
            *made += 1;
            Ok::<_, ()>(key.bytes().rev().collect())
        };
        cache.get(key, make).unwrap()
    }

    #[test]
    fn what_was_made_is_found_in_memory_and_by_the_next_process() {
        let folder = folder("found");
        let mut made = 0;
        for _ in 0..2 {
            let cache = Cache::new(Some(folder.clone()));
            for _ in 0..2 {
                assert_eq!(*get(&cache, "abc", &mut made), *b"cba");
                assert_eq!(*get(&cache, "de", &mut made), *b"ed");
            }
        }
        assert_eq!(made, 2);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_is_not_whole_is_made_again() {
        let folder = folder("whole");
        let mut made = 0;
        get(&Cache::new(Some(folder.clone())), "abc", &mut made);
        let file = folder.join(name("abc"));
        let whole = fs::read(&file).unwrap();
        let mut damaged: Vec<Vec<u8>> = (0..whole.len()).map(|n| whole[..n].to_vec()).collect();
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            damaged.push(bytes);
        }
        let count = damaged.len() as u32;
        for bytes in damaged {
            fs::write(&file, bytes).unwrap();
            assert_eq!(
                *get(&Cache::new(Some(folder.clone())), "abc", &mut made),
                *b"cba"
            );
            assert_eq!(fs::read(&file).unwrap(), whole);
        }
        assert_eq!(made, 1 + count);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn without_a_folder_that_can_be_written_the_result_is_there_all_the_same() {
        let file = folder("file");
        fs::write(&file, "").unwrap();
        let mut made = 0;
        for folder in [None, Some(file.join("below"))] {
            assert_eq!(*get(&Cache::new(folder), "abc", &mut made), *b"cba");
        }
        assert_eq!(made, 2);
        fs::remove_file(file).unwrap();
    }
}
