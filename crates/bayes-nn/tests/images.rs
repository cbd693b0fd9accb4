//! Networks over images, from layers to predictions.

use bayes_nn::nn::{Flatten, MaxPool2d};
use bayes_nn::prelude::*;

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
