//! Convolutions and pools: against loops over a padded copy of the image, and their derivatives
//! against differences.

mod common;

use bayes_nn_autodiff::{Bindings, Graph, Shape, Window, grad};
use common::{assert_differentiable, at, somewhere};
use proptest::prelude::*;

/// A convolution, and the images that it is of.
#[derive(Clone, Copy, Debug)]
struct Case {
    window: Window,
    groups: usize,
    /// Of a group.
    channels: usize,
    outputs: usize,
    image: [usize; 2],
    rows: usize,
}

impl Case {
    fn images(&self) -> Shape {
        let [height, width] = self.image;
        Shape::from([self.groups * self.channels, height, width, self.rows])
    }

    fn weights(&self) -> Shape {
        let [height, width] = self.window.size;
        Shape::from([self.channels, height, width, self.groups * self.outputs])
    }

    /// Places along an axis, found by moving the window.
    fn places(&self, axis: usize) -> usize {
        let window = &self.window;
        let padded = self.image[axis] + window.before[axis] + window.after[axis];
        let ends = |place: &usize| {
            place * window.stride[axis] + (window.size[axis] - 1) * window.dilation[axis] < padded
        };
        (0..padded).take_while(ends).count()
    }

    /// The pixels under the window at a place, row by row; `None` outside the image.
    fn under(
        &self,
        values: &[f64],
        channel: usize,
        [y, x]: [usize; 2],
        row: usize,
    ) -> Vec<Option<f64>> {
        let (window, [height, width]) = (&self.window, self.image);
        let pixel = |axis: usize, place: usize, tap: usize| {
            let from_start = place * window.stride[axis] + tap * window.dilation[axis];
            let outside = from_start < window.before[axis];
            let pixel = from_start.wrapping_sub(window.before[axis]);
            (!outside && pixel < self.image[axis]).then_some(pixel)
        };
        let taps = (0..window.size[0]).flat_map(|v| (0..window.size[1]).map(move |u| (v, u)));
        taps.map(|(v, u)| {
            let (y, x) = (pixel(0, y, v)?, pixel(1, x, u)?);
            Some(values[((channel * height + y) * width + x) * self.rows + row])
        })
        .collect()
    }
}

fn window() -> impl Strategy<Value = Window> {
    let pair = |range: std::ops::Range<usize>| (range.clone(), range).prop_map(|(a, b)| [a, b]);
    (pair(1..4), pair(1..4), pair(1..3), pair(0..3), pair(0..3)).prop_map(
        |(size, stride, dilation, before, after)| {
            let window = Window::new(size).stride(stride).dilation(dilation);
            window.padding_around(before, after)
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    let counts = (1..4usize, 1..4usize, 1..3usize, 0..4usize);
    (window(), counts, 1..7usize, 1..7usize).prop_map(
        |(window, (groups, channels, outputs, rows), height, width)| Case {
            window,
            groups,
            channels,
            outputs,
            image: [height, width],
            rows,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_convolution_is_a_sum_over_the_pixels_under_the_window(case in case()) {
        let graph = Graph::new();
        let (x, w) = (graph.input("x", case.images()), graph.input("w", case.weights()));
        let outputs = x.convolution(w, case.window, case.groups);
        let [height, width] = [case.places(0), case.places(1)];
        if height * width == 0 {
            prop_assert!(graph.check().is_err());
            return Ok(());
        }
        let all = case.groups * case.outputs;
        prop_assert_eq!(outputs.shape(), Shape::from([all, height, width, case.rows]));
        let (images, weights) = (somewhere(case.images(), 1).values, somewhere(case.weights(), 2).values);
        let at = Bindings::new().bind(x, &images).bind(w, &weights);
        let values = graph.evaluate(&[outputs], &at).unwrap();
        let taps = case.window.size[0] * case.window.size[1];
        let mut expected = Vec::new();
        for out in 0..all {
            for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                for row in 0..case.rows {
                    let mut sum = 0.0;
                    for channel in 0..case.channels {
                        let own = out / case.outputs * case.channels + channel;
                        let under = case.under(&images, own, [y, x], row);
                        for (tap, pixel) in under.into_iter().enumerate() {
                            sum += pixel.unwrap_or(0.0) * weights[(channel * taps + tap) * all + out];
                        }
                    }
                    expected.push(sum);
                }
            }
        }
        for (value, expected) in values[0].values().iter().zip(&expected) {
            prop_assert!((value - expected).abs() < 1e-12, "{value} {expected}");
        }
    }

    #[test]
    fn a_pool_takes_the_first_largest_pixel_under_the_window(case in case()) {
        let graph = Graph::new();
        let x = graph.input("x", case.images());
        let pool = x.max_pool(case.window);
        let [height, width] = [case.places(0), case.places(1)];
        let places: Vec<[usize; 2]> =
            (0..height).flat_map(|y| (0..width).map(move |x| [y, x])).collect();
        // Small whole numbers, of which many are equal.
        let n = case.images().elements();
        let images: Vec<f64> = (0..n).map(|i| ((i * 7 + i / 5) % 4) as f64).collect();
        let numbers: Vec<f64> = (0..n).map(|i| i as f64).collect();
        let empty = |[y, x]: &[usize; 2]| {
            case.rows > 0 && case.under(&images, 0, [*y, *x], 0).iter().all(Option::is_none)
        };
        if places.is_empty() || places.iter().any(empty) {
            prop_assert!(graph.check().is_err());
            return Ok(());
        }
        if graph.check().is_err() {
            // A window that could miss the image is refused.
            let could_miss = |axis: usize| {
                let window = &case.window;
                let padding = window.before[axis].max(window.after[axis]);
                padding > (window.size[axis] - 1) * window.dilation[axis]
                    || padding > 0 && window.dilation[axis] > case.image[axis]
            };
            prop_assert!(could_miss(0) || could_miss(1));
            return Ok(());
        }
        let slope = grad(pool.sum(), &[x]).unwrap()[0];
        let values = graph.evaluate(&[pool, slope], &Bindings::new().bind(x, &images)).unwrap();
        let (mut largest, mut slopes) = (Vec::new(), vec![0.0; n]);
        for channel in 0..case.images()[0] {
            for place in &places {
                for row in 0..case.rows {
                    let keys = case.under(&images, channel, *place, row);
                    let at = case.under(&numbers, channel, *place, row);
                    let pairs = keys.into_iter().flatten().zip(at.into_iter().flatten());
                    let first = pairs.reduce(|a, b| if b.0 > a.0 { b } else { a }).unwrap();
                    largest.push(first.0);
                    slopes[first.1 as usize] += 1.0;
                }
            }
        }
        prop_assert_eq!(values[0].values(), largest);
        prop_assert_eq!(values[1].values(), slopes);
    }
}

#[test]
fn convolutions_have_their_derivatives() {
    let plain = Window::new([2, 3]);
    for (window, groups) in [
        (plain, 1),
        (plain.stride([2, 1]).padding([1, 0]), 2),
        (plain.dilation([1, 2]).padding_around([0, 2], [1, 0]), 1),
        (Window::new([1, 1]).stride([3, 2]), 2),
    ] {
        let [height, width] = window.size;
        let weights = [4 / groups, height, width, 2];
        let what = format!("{window:?} in {groups} groups");
        let at = [somewhere([4, 3, 5, 2], 1), somewhere(weights, 2)];
        assert_differentiable(&what, &at, |_, x| x[0].convolution(x[1], window, groups));
        let square = [somewhere([2, 2, 2, 2], 1)];
        let own = Window::new([2, 2]).padding([1, 1]);
        assert_differentiable("of itself", &square, |_, x| x[0].convolution(x[0], own, 1));
    }
}

#[test]
fn pools_have_their_derivatives() {
    for window in [
        Window::new([2, 2]).stride([2, 2]),
        Window::new([3, 2]).padding([1, 1]),
        Window::new([1, 3]).stride([1, 2]).dilation([1, 2]),
    ] {
        let what = format!("{window:?}");
        assert_differentiable(&what, &[somewhere([2, 4, 5, 3], 1)], |_, x| {
            let pool = x[0].max_pool(window);
            pool * pool
        });
    }
}

#[test]
fn a_pixel_that_is_not_a_number_is_the_largest() {
    let graph = Graph::new();
    let point = at([1, 1, 4, 1], &[1.0, f64::NAN, 3.0, f64::NEG_INFINITY]);
    let x = graph.input("x", point.shape);
    let pool = x.max_pool(Window::new([1, 2]));
    let bindings = Bindings::new().bind(x, &point.values);
    let values = graph.evaluate(&[pool], &bindings).unwrap();
    let values = values[0].values();
    assert!(values[0].is_nan() && values[1].is_nan());
    assert_eq!(values[2], 3.0);
}
