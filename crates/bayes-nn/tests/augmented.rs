//! Random changes of images: in fits, never in predictions, and said where a fit is printed.

use bayes_nn::nn::{Augment, Input, LayerError};
use bayes_nn::prelude::*;

/// Images of 9 by 9 with an upright or a level bar, so far from the middle.
fn bars(offsets: &[usize]) -> Dataset {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for offset in offsets {
        for label in [0_u8, 1] {
            for place in 0..81 {
                let along = if label == 0 { place % 9 } else { place / 9 };
                pixels.push(f64::from(u8::from(along == *offset)));
            }
            labels.push(label);
        }
    }
    Dataset::new(pixels, 81, labels).unwrap()
}

fn network(augment: Option<Augment>) -> Bnn {
    let net = Sequential::new().input([1, 9, 9]);
    let net = match augment {
        Some(augment) => net.layer(augment),
        None => net,
    };
    Bnn::new(net.layer(Flatten).layer(Dense::new(1)), Bernoulli)
}

fn advi() -> Advi {
    Advi::mean_field().steps(600).seed(2)
}

#[test]
fn a_fit_of_shifted_images_knows_images_that_lie_elsewhere() {
    let (train, test) = (bars(&[4; 20]), bars(&[2, 3, 5, 6]));
    let score = |augment| {
        let fit = network(augment).fit(&train, &advi()).unwrap();
        let score = fit.predict(&test, 200).unwrap().score(test.y()).unwrap();
        *score.classification().unwrap()
    };
    let (shifted, as_they_are) = (score(Some(Augment::new().shift(2))), score(None));
    assert_eq!(shifted.accuracy, 1.0);
    assert!(shifted.log_loss < 0.7 * as_they_are.log_loss);
}

#[test]
fn predictions_read_images_as_they_are() {
    let train = bars(&[3, 4, 5]);
    let augment = Augment::new().flip().shift(1).rotate(20.0).noise(0.3);
    let fit = network(Some(augment)).fit(&train, &advi()).unwrap();
    let guide = fit.approximation().unwrap().clone();
    let plain = Posterior::new(network(None), &train, guide.clone()).unwrap();
    let changed = Posterior::new(network(Some(augment)), &train, guide).unwrap();
    let mean = |m: Prediction| m.mean().to_vec();
    assert_eq!(
        mean(changed.predict(&train, 50).unwrap()),
        mean(plain.predict(&train, 50).unwrap())
    );
    // The fit was to other rows than those of a fit to images as they are.
    let other = network(None).fit(&train, &advi()).unwrap();
    assert_ne!(
        fit.approximation().unwrap().mean(),
        other.approximation().unwrap().mean()
    );
    assert!(fit.to_string().contains(
        "augmented  rows are rotated by up to 20 degrees, shifted by up to 1 pixel, mirrored, with noise of \
         0.3, anew at every step: what was fitted, and the ELBO, are of changed rows, each of the data \
         counted once; predictions read rows as they are"
    ));
    assert!(!other.to_string().contains("augmented"));
    // The same seed gives the same changes.
    let again = network(Some(augment)).fit(&train, &advi()).unwrap();
    assert_eq!(
        fit.approximation().unwrap().mean(),
        again.approximation().unwrap().mean()
    );
}

#[test]
fn a_layer_that_changes_nothing_leaves_the_bits_of_a_fit() {
    let train = bars(&[3, 4, 5]);
    let [with, without] =
        [Some(Augment::new()), None].map(|augment| network(augment).fit(&train, &advi()).unwrap());
    assert_eq!(
        with.approximation().unwrap().mean(),
        without.approximation().unwrap().mean()
    );
    assert!(!with.to_string().contains("augmented"));
}

#[test]
fn what_cannot_be_changed_is_refused() {
    let nuts = Nuts::new().chains(1).warmup(20).draws(20);
    let error = network(Some(Augment::new().noise(0.1))).fit(&bars(&[4]), &nuts);
    assert_eq!(
        error.unwrap_err().to_string(),
        "the log density is drawn anew at every step, as by dropout and random changes of images, while \
         NUTS follows one that stays: fit by `Advi` or `Sgld`, or leave those layers out"
    );
    let message = |augment: Augment, shape: &[usize]| {
        let input = Input::values(bayes_nn::Shape::try_new(shape).unwrap());
        let error: LayerError = augment.output_shape(&[input]).unwrap_err();
        error.to_string()
    };
    assert!(
        message(Augment::new().rotate(50.0), &[1, 9, 9])
            .contains("rotations must be by 0 to 45 degrees")
    );
    assert!(
        message(Augment::new().noise(-1.0), &[1, 9, 9])
            .contains("the standard deviation of noise must be")
    );
    assert!(
        message(Augment::new().shift(9), &[1, 9, 9]).contains("by fewer pixels than an image has")
    );
    assert!(
        message(Augment::new().flip(), &[81]).contains("it takes [channels, height, width, rows]")
    );
    assert!(
        Augment::new()
            .noise(1.0)
            .output_shape(&[Input::values([81])])
            .is_ok()
    );
}
