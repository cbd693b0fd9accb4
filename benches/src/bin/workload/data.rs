//! The data sets, the same files for every program: two moons as CSV, synthetic images as raw
//! single-precision numbers.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufReader, Read as _};
use std::path::Path;

use bayes_nn::data::Recipe;
use bayes_nn::{Dataset, Table, datasets};

use crate::Outcome;

/// Rows of the synthetic images.
pub const IMAGES: usize = 10_000;
/// Pixels of one image, as of the handwritten digits of MNIST.
pub const PIXELS: usize = 784;
/// Classes of images.
pub const CLASSES: usize = 10;

const MOONS: &str = "moons.csv";
const IMAGE_PIXELS: &str = "images.f32";
const IMAGE_LABELS: &str = "labels.f32";

/// Writes all data sets into a folder.
pub fn write(folder: &Path) -> Outcome {
    fs::create_dir_all(folder)?;
    let data = datasets::moons(1000, 0.2, 0)?.standardized();
    let mut text = String::from("x1,x2,y,is_test\n");
    for row in 0..data.rows() {
        let x = data.row(row);
        let is_test = u8::from(row >= data.rows() / 2);
        writeln!(text, "{},{},{},{is_test}", x[0], x[1], data.y()[row])?;
    }
    fs::write(folder.join(MOONS), text)?;
    let (pixels, labels) = images();
    fs::write(folder.join(IMAGE_PIXELS), bytes(&pixels))?;
    fs::write(folder.join(IMAGE_LABELS), bytes(&labels))?;
    Ok(serde_json::json!({ "moons": data.rows(), "images": IMAGES }))
}

/// 500 training and 500 test rows.
pub fn moons(folder: &Path) -> Result<(Dataset, Dataset), Box<dyn Error>> {
    let data = Table::read(folder.join(MOONS))?.target("y")?;
    let as_they_are = Recipe::new().unscaled();
    Ok(data.with_recipe(&as_they_are)?.split_marked("is_test")?)
}

/// The first rows of the images; what is not used of the files is not read.
pub fn read_images(folder: &Path, rows: usize) -> Result<Dataset, Box<dyn Error>> {
    let read = |name: &str, length: usize| -> Result<Vec<f32>, Box<dyn Error>> {
        let mut file = BufReader::new(File::open(folder.join(name))?);
        let mut numbers = Vec::with_capacity(length);
        for _ in 0..length {
            let mut number = [0; 4];
            file.read_exact(&mut number)?;
            numbers.push(f32::from_le_bytes(number));
        }
        Ok(numbers)
    };
    let pixels = read(IMAGE_PIXELS, rows * PIXELS)?;
    Ok(Dataset::new(pixels, PIXELS, read(IMAGE_LABELS, rows)?)?)
}

/// Ten patterns under noise. As in MNIST four of five pixels are dark.
fn images() -> (Vec<f32>, Vec<f32>) {
    let mut random = Uniforms(0x9e37_79b9_7f4a_7c15);
    let patterns: Vec<f32> = (0..CLASSES * PIXELS)
        .map(|_| if random.next() < 0.2 { 1.0 } else { 0.0 })
        .collect();
    let mut pixels = Vec::with_capacity(IMAGES * PIXELS);
    let mut labels = Vec::with_capacity(IMAGES);
    for row in 0..IMAGES {
        let class = row % CLASSES;
        let pattern = &patterns[class * PIXELS..][..PIXELS];
        pixels.extend(pattern.iter().map(|light| light * random.next()));
        labels.push(class as f32);
    }
    (pixels, labels)
}

/// Uniform numbers from 0 to 1 (splitmix64).
struct Uniforms(u64);

impl Uniforms {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 24) as f32
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}
