//! Images as bytes, from a file to predictions.

use std::fs;

use bayes_nn::data::Idx;
use bayes_nn::nn::Rescale;
use bayes_nn::prelude::*;

/// So many images of 4 x 4 bytes, bright in the upper or in the lower half, and which it is.
fn glyphs(rows: usize) -> (Vec<u8>, Vec<u8>) {
    let label = |row: usize| (row * 7 % 3 == 0) as u8;
    let pixel = |row: usize, place: usize| {
        let bright = (place < 8) == (label(row) == 1);
        (row * 31 + place * 57) as u8 % 100 + if bright { 150 } else { 0 }
    };
    let images = (0..rows).flat_map(|row| (0..16).map(move |place| pixel(row, place)));
    (images.collect(), (0..rows).map(label).collect())
}

fn idx(shape: &[u32], bytes: &[u8]) -> Vec<u8> {
    let head = [0, 0, 8, shape.len() as u8];
    let lengths = shape.iter().flat_map(|length| length.to_be_bytes());
    head.into_iter()
        .chain(lengths)
        .chain(bytes.iter().copied())
        .collect()
}

#[test]
fn bytes_of_an_idx_file_are_fitted_and_predicted_as_they_are() {
    let (images, labels) = glyphs(90);
    let folder = std::env::temp_dir();
    let path = |name: &str| folder.join(format!("bayes-nn-images-{}-{name}", std::process::id()));
    fs::write(path("images"), idx(&[90, 4, 4], &images)).unwrap();
    fs::write(path("labels"), idx(&[90], &labels)).unwrap();
    let data = Dataset::from_idx(path("images"), path("labels")).unwrap();
    assert_eq!(Idx::read(path("images")).unwrap().shape(), [90, 4, 4]);
    fs::remove_file(path("images")).unwrap();
    fs::remove_file(path("labels")).unwrap();

    let net = Sequential::new()
        .input([1, 4, 4])
        .layer(Rescale::pixels())
        .layer(bayes_nn::nn::layer::from_fn("flatten", |p, inputs| {
            let [x] = p.inputs(inputs)?;
            Ok(x.reshape([x.shape().rows(), x.shape().columns()]))
        }))
        .layer(Dense::new(2));
    let bnn = Bnn::new(net, Categorical);
    let advi = Advi::mean_field()
        .steps(800)
        .learning_rate(0.05)
        .batch(30)
        .seed(1);
    let fit = bnn.fit(&data, &advi).unwrap();
    let prediction = fit.predict(&data, 50).unwrap();
    let score = prediction.score(data.y()).unwrap();
    assert!(score.classification().unwrap().accuracy > 0.98, "{score}");
    let confusion = prediction.confusion(data.y()).unwrap().unwrap();
    assert_eq!(confusion.classes(), 2);
    // The layer brings them to unit scale, so nothing is said of that.
    assert!(!fit.to_string().contains("scale"), "{fit}");

    // The same numbers in another type are the same fit.
    let doubles: Vec<f64> = images.iter().map(|&byte| f64::from(byte)).collect();
    let doubles = Dataset::new(doubles, 16, labels).unwrap();
    let same = bnn.fit(&doubles, &advi).unwrap();
    assert_eq!(fit.approximation().unwrap(), same.approximation().unwrap());
}
