//! Checkpoints in which bytes were changed, with and without a checksum that fits them.

use std::path::{Path, PathBuf};

use bayes_nn_inference::nuts::{EvalError, LogDensity, LowRank, Metric};
use bayes_nn_inference::{Fit, InferenceError, Nuts, NutsFit};

/// One change: what is done, at which word of the file, with which value.
pub type Change = (u8, u16, u64);

/// Words that counts, lengths and numbers rarely are.
const WORDS: [u64; 12] = [
    0,
    1,
    1 << 20,
    1 << 37,
    1 << 53,
    1 << 60,
    u64::MAX,
    0x7ff0_0000_0000_0000, // infinity
    0x7ff8_0000_0000_0000, // not a number
    0xbff0_0000_0000_0000, // -1
    0x7fe0_0000_0000_0000, // 9e307
    0x0000_0000_0000_0003, // 1.5e-323
];

/// The words of a checkpoint in front of those of its draws, or more.
const HEAD: usize = 96;

/// A correlated normal that can be evaluated so many times.
struct Normal {
    left: usize,
}

impl LogDensity for Normal {
    fn dim(&self) -> usize {
        3
    }

    fn log_prob_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        self.left = match self.left.checked_sub(1) {
            Some(left) => left,
            None => return Err(EvalError::Fatal("the end".into())),
        };
        let difference = x[1] - x[0];
        gradient[0] = 9.0 * difference - x[0];
        gradient[1] = -9.0 * difference;
        gradient[2] = -x[2];
        Ok(-0.5 * (x[0] * x[0] + 9.0 * difference * difference + x[2] * x[2]))
    }
}

/// The checkpoint of a chain, and what the chain draws when it goes on from there.
pub struct Saved {
    nuts: Nuts,
    file: PathBuf,
    bytes: Vec<u8>,
    whole: NutsFit,
}

fn run(nuts: &Nuts, left: usize) -> Result<NutsFit, InferenceError> {
    nuts.sample_with(|_| Normal { left })
}

impl Saved {
    /// Chains that end in their warm-up, among their draws, and behind the draws that are asked
    /// for; the folder holds their files.
    pub fn all(folder: &Path) -> Vec<Saved> {
        let low_rank = Metric::LowRank(LowRank::new().cutoff(1.1));
        let nuts = Nuts::new().warmup(40).draws(20).chains(1).seed(4);
        let nuts = nuts.max_depth(6).keep_warmup(true).metric(Metric::Fisher);
        let kinds = [
            (nuts.clone(), 150, 20),
            (nuts.clone().metric(low_rank), 150, 20),
            (nuts.clone(), 500, 20),
            (nuts.clone().keep_warmup(false), usize::MAX, 20),
            (nuts, usize::MAX, 12),
        ];
        let save = |(number, (nuts, evaluations, draws)): (usize, (Nuts, usize, u64))| {
            let folder = folder.join(number.to_string());
            let file = folder.join("chain-0.nuts");
            let _ = std::fs::remove_dir_all(&folder);
            // What ends the run is an error of the density.
            let _ = run(&nuts.clone().checkpoints(&folder, 1), evaluations);
            let bytes = std::fs::read(&file).expect("a checkpoint was saved");
            let nuts = nuts.draws(draws).checkpoints(&folder, 1_000);
            let whole = run(&nuts, usize::MAX).expect("the checkpoint is whole");
            Saved {
                nuts,
                file,
                bytes,
                whole,
            }
        };
        kinds.into_iter().enumerate().map(save).collect()
    }

    /// The changed file is refused, or gives the draws that it gave. Where its checksum fits
    /// (`sealed`), so that changed numbers may be taken for those of a chain, it is refused or
    /// gives as many draws as were asked for.
    ///
    /// # Panics
    /// If it is not so.
    pub fn check(&self, changes: &[Change], sealed: bool) {
        let mut bytes = self.bytes.clone();
        if sealed {
            bytes.truncate(bytes.len() - 8);
        }
        changes.iter().for_each(|one| change(&mut bytes, *one));
        if sealed {
            let checksum = fnv_1a(&bytes);
            bytes.extend(checksum.to_le_bytes());
        }
        std::fs::write(&self.file, &bytes).expect("the folder can be written to");
        match run(&self.nuts, usize::MAX) {
            Ok(fit) if bytes == self.bytes => {
                assert_eq!(fit.chains()[0].draws(), self.whole.chains()[0].draws());
            }
            Ok(fit) => {
                assert!(sealed, "bytes were changed");
                let (chain, whole) = (&fit.chains()[0], &self.whole.chains()[0]);
                assert!(chain.error().is_none(), "{:?}", chain.error());
                for (draws, whole) in [
                    (chain.draws(), whole.draws()),
                    (chain.warmup(), whole.warmup()),
                ] {
                    assert_eq!(draws.len(), whole.len());
                    assert_eq!(draws.positions().len(), whole.positions().len());
                }
                let _ = (fit.warnings(), fit.depth_reached());
            }
            Err(InferenceError::Checkpoint { problem, .. }) => {
                assert!(bytes != self.bytes, "{problem}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn change(bytes: &mut Vec<u8>, (what, place, value): Change) {
    let words = bytes.len() / 8;
    if words == 0 {
        return;
    }
    // Every other change is among lengths and counts, which stand in front of the draws.
    let among = if place % 2 == 0 {
        words
    } else {
        words.min(HEAD)
    };
    let start = 8 * (usize::from(place / 2) % among);
    let special = WORDS[(value % WORDS.len() as u64) as usize];
    let word = start..start + 8;
    match what % 7 {
        0 => bytes[word].copy_from_slice(&value.to_le_bytes()),
        1 => bytes[word].copy_from_slice(&special.to_le_bytes()),
        2 => bytes[start + (value % 8) as usize] ^= 1 << (value / 8 % 8),
        3 => drop(bytes.splice(word, [])),
        4 => drop(bytes.splice(start..start, special.to_le_bytes())),
        5 => bytes.truncate(start + (value % 8) as usize),
        _ => {
            let next = u64::from_le_bytes(bytes[word.clone()].try_into().expect("8 bytes"));
            bytes[word].copy_from_slice(&next.wrapping_add(value as i8 as u64).to_le_bytes());
        }
    }
}

/// The checksum of checkpoints: the FNV-1a hash, 64 bits.
fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
