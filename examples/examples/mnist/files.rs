//! The files of MNIST, as they come.

use std::error::Error;
use std::path::Path;

use bayes_nn::prelude::*;

/// Images and labels of one part of MNIST, `train` or `t10k`, from the folder of its IDX files, plain or with
/// the ending .gz.
pub fn read(folder: &Path, part: &str) -> Result<Dataset, Box<dyn Error>> {
    let file = |kind: &str| {
        let plain = folder.join(format!("{part}-{kind}-ubyte"));
        match plain.exists() {
            true => plain,
            false => folder.join(format!("{part}-{kind}-ubyte.gz")),
        }
    };
    Ok(Dataset::from_idx(file("images-idx3"), file("labels-idx1"))?)
}
