//! Networks over images: bytes from a file, layers, predictions.

use std::fs;

use bayes_nn::data::Idx;
use bayes_nn::nn::{Flatten, MaxPool2d, Rescale};
use bayes_nn::prelude::*;

/// So many images of 4 x 4 bytes, bright in the upper or in the lower half, and which it is.
fn glyphs(rows: usize) -> (Vec<u8>, Vec<u8>) {
    let label = |row: usize| u8::from((row * 7).is_multiple_of(3));
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
        .layer(Flatten)
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

/// Images of 8 by 8 pixels with a bar somewhere, lying or standing, and noise.
fn bars(count: usize, seed: usize) -> Dataset {
    let mut x = Vec::new();
    let mut y = Vec::new();
    for image in 0..count {
        let (class, place) = (image % 2, (image * 5 + seed) % 8);
        x.extend((0..64).map(|pixel| {
            let at = [pixel / 8, pixel % 8][class];
            let noise = ((image * 31 + pixel * 17 + seed * 7) as f64 * 1.7).sin();
            f64::from(u8::from(at == place)) + 0.4 * noise
        }));
        y.push(class as f64);
    }
    Dataset::new(&x, 64, &y).unwrap()
}

#[test]
fn a_convolutional_network_is_fitted_on_minibatches_by_draws_of_weights_and_of_products() {
    let net = Sequential::new()
        .input([1, 8, 8])
        .layer(Conv2d::new(4, [3, 3]))
        .layer(Relu)
        .layer(MaxPool2d::new([2, 2]))
        .layer(Conv2d::new(6, [2, 2]).same())
        .layer(Relu)
        .layer(Flatten)
        .layer(Dense::new(2));
    let bnn = Bnn::new(net, Categorical);
    let (train, test) = (bars(128, 0), bars(64, 3));
    for local in [false, true] {
        let advi = Advi::mean_field().batch(32).steps(1500).seed(1);
        let advi = advi.local_reparameterization(local);
        let fit = bnn.fit(&train, &advi).unwrap();
        let score = fit.predict(&test, 50).unwrap().score(test.y()).unwrap();
        let accuracy = score.classification().unwrap().accuracy;
        assert!(accuracy > 0.95, "{accuracy}, local: {local}");
    }
}

#[test]
fn an_image_that_does_not_fit_is_told_with_the_layer() {
    let net = Sequential::new()
        .input([1, 8, 8])
        .layer(Conv2d::new(4, [9, 3]))
        .layer(Flatten)
        .layer(Dense::new(2));
    let bnn = Bnn::new(net, Categorical);
    let error = bnn.fit(&bars(8, 0), &Advi::mean_field().steps(1));
    let error = error.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("layer 0 (Conv2d"), "{error}");
    assert!(error.contains("[1, 8, 8, rows]"), "{error}");
    assert!(error.contains("[9, 3]"), "{error}");
}
