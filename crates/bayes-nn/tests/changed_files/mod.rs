//! Files of fits in which something was changed, with a checksum that fits again.

use std::path::PathBuf;

use bayes_nn::nn::{Embedding, prior};
use bayes_nn::prelude::*;

/// One change: what is done, where, with which value.
pub type Change = (u8, u16, u64);

/// Words of JSON that counts, lengths, numbers and texts rarely are.
const WORDS: [&str; 16] = [
    "0",
    "1",
    "-1",
    "2.5",
    "1e999",
    "4294967296",
    "1152921504606846976",
    "18446744073709551615",
    "null",
    "true",
    "[]",
    "{}",
    "\\\"inf\\\"",
    "\\\"NaN\\\"",
    "\\\"\\\"",
    "[[[[[[[[1]]]]]]]]",
];

/// Numbers that parameters, draws and statistics rarely are.
const NUMBERS: [f64; 8] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    0.0,
    -1.0,
    1e300,
    5e-324,
    4294967296.0,
];

/// A fit in a file, and what its file was.
pub struct Saved {
    file: PathBuf,
    pub bytes: Vec<u8>,
    load: fn(&PathBuf) -> Result<(), Error>,
}

impl Drop for Saved {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

fn line<'g>(trace: &model::Trace<'g>, data: &model::Batch<'g>) {
    let slope = trace.sample("slope", Normal::new(0.0, 2.0));
    let noise = trace.sample("noise", HalfNormal::new(1.0));
    let mean = trace.deterministic("mean", slope * data.column("x"));
    trace.observe("y", Normal::new(mean, noise), data.column("y"));
}

/// Loads a fit of the line, and asks it whatever can be asked.
fn load_line(file: &PathBuf) -> Result<(), Error> {
    let fit = model::load(&line, file)?;
    let _ = (fit.to_string(), fit.warnings());
    fit.draws(2, 0)?;
    fit.summary()?;
    fit.predictive(Data::new().column("x", &[0.5])?, 2, 0)?;
    Ok(())
}

/// The same of a network.
fn load_network(file: &PathBuf) -> Result<(), Error> {
    let fit = Bnn::load(file)?;
    let _ = (fit.to_string(), fit.warnings(), format!("{fit:?}"));
    fit.draws(2, 0)?;
    let new = "age,sex\n33,m\nNA,f\n";
    fit.predict(&Table::read_from(new.as_bytes())?, 2)?;
    Ok(())
}

/// The same of a network of several inputs.
fn load_inputs(file: &PathBuf) -> Result<(), Error> {
    let fit = Bnn::load(file)?;
    let _ = (fit.to_string(), fit.warnings());
    fit.draws(2, 0)?;
    let new = Data::new().matrix("x", &[0.1; 16], 16)?;
    fit.predict(new.index("store", &[2])?, 2)?;
    Ok(())
}

impl Saved {
    /// Fits of several kinds in files of their own.
    pub fn all() -> Vec<Saved> {
        let x = [0.0, 1.0, 2.0, 3.0];
        let data = Data::new().column("x", &x).expect("columns");
        let data = data.column("y", &[0.1, 1.9, 4.2, 5.8]).expect("columns");
        let by = |nuts: Nuts| model::fit(&line, &data, &nuts.draws(5).warmup(10));
        let table = "age,sex,price\n20,f,1.0\nNA,m,2.0\n40,m,3.5\n";
        let table = Table::read_from(table.as_bytes()).and_then(|table| table.target("price"));
        let table = table.expect("a data set");
        let network = Mlp::new([table.features(), 2, 1]).prior(prior::fan_in());
        let network = Bnn::new(network, Gaussian::new());
        let advi = Advi::mean_field().steps(3).restarts(2);
        let images = Sequential::new()
            .input([1, 4, 4])
            .layer(Conv2d::new(1, [2, 2]).same());
        let images = images.layer(MaxPool2d::new([2, 2])).layer(Flatten);
        let several = Network::new()
            .input("x", [1, 4, 4])
            .index_input("store")
            .add("images", images, ["x"])
            .add("store embedding", Embedding::new(3, 4), ["store"])
            .add("sum", bayes_nn::nn::Sum, ["images", "store embedding"])
            .add("out", Dense::new(2), ["sum"]);
        let inputs = Data::new().matrix("x", &[0.3; 48], 16).expect("columns");
        let inputs = inputs.index("store", &[0, 1, 2]).expect("columns");
        let inputs = inputs.column("y", &[0.0, 1.0, 1.0]).expect("columns");
        let several = Bnn::new(several, Categorical);
        let map = Advi::map().steps(3);
        vec![
            saved(0, &model::fit(&line, &data, &Advi::full_rank()), load_line),
            saved(1, &by(Nuts::new().chains(2).keep_warmup(true)), load_line),
            saved(2, &network.fit(&table, &advi), load_network),
            saved(3, &several.fit(&inputs, &map), load_inputs),
        ]
    }

    /// The changed file is refused with a sentence, or is a fit that can be asked whatever a fit can.
    /// Whether it was loaded.
    ///
    /// # Panics
    /// If it is not so.
    pub fn check(&self, changes: &[Change]) -> bool {
        std::fs::write(&self.file, self.changed(changes)).expect("the folder can be written to");
        match (self.load)(&self.file) {
            Ok(()) => true,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                false
            }
        }
    }

    /// The bytes with changes of the header and of the numbers, whose lengths and checksum fit.
    pub fn changed(&self, changes: &[Change]) -> Vec<u8> {
        let length = self.bytes[..8].try_into().map(u64::from_le_bytes);
        let end = 8 + length.expect("eight bytes") as usize;
        let mut header = self.bytes[8..end].to_vec();
        let mut numbers = self.bytes[end..self.bytes.len() - 4].to_vec();
        for (what, place, value) in changes {
            let (what, place) = (what % 8, usize::from(*place));
            match what {
                0 => {
                    let place = place % header.len();
                    header[place] ^= *value as u8;
                }
                1 => {
                    let place = place % header.len();
                    let rest = header.len() - place;
                    header.drain(place..place + (*value as usize % 40).min(rest));
                }
                2 | 3 => {
                    if let Some(word) = numbers.len().checked_div(8).filter(|n| *n > 0) {
                        let at = 8 * (place % word);
                        let number = NUMBERS[*value as usize % NUMBERS.len()];
                        numbers[at..at + 8].copy_from_slice(&number.to_le_bytes());
                    }
                }
                4 => numbers.truncate(numbers.len().saturating_sub(8 * (place % 9))),
                _ => replace(&mut header, place, *value),
            }
        }
        while !header.len().is_multiple_of(8) {
            header.push(b' ');
        }
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header);
        bytes.extend(numbers);
        bytes.extend(crc_32(&bytes).to_le_bytes());
        bytes
    }
}

/// A fit in a file.
fn saved<M: bayes_nn::Model>(
    number: usize,
    fit: &Result<Posterior<M>, Error>,
    load: fn(&PathBuf) -> Result<(), Error>,
) -> Saved {
    let name = format!("bayes-nn-changed-{}-{number}.bnn", std::process::id());
    let file = std::env::temp_dir().join(name);
    let fit = fit.as_ref().expect("a fit");
    fit.save(&file).expect("the folder can be written to");
    let bytes = std::fs::read(&file).expect("a file");
    load(&file).expect("the file is whole");
    Saved { file, bytes, load }
}

/// Replaces a value of the header by a word, from behind a colon, comma or bracket on.
fn replace(header: &mut Vec<u8>, place: usize, value: u64) {
    let starts = (1..header.len()).filter(|at| b":,[".contains(&header[*at - 1]));
    let starts: Vec<usize> = starts.collect();
    let Some(start) = starts.get(place % starts.len().max(1)) else {
        return;
    };
    let rest = header[*start..].iter();
    let length = rest.take_while(|byte| !b",]}".contains(byte)).count();
    let word = WORDS[value as usize % WORDS.len()];
    header.splice(start..&(start + length), word.bytes());
}

/// CRC-32 (ISO 3309), bit by bit.
fn crc_32(bytes: &[u8]) -> u32 {
    let rest = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    });
    !rest
}
