//! The reference of convolutions and pools: plain loops over the places of a window.

use crate::{Shape, Side, Tensor, Window};

/// Calls `f` with every pair of a place of the window and a pixel of an image `[.., height,
/// width, ..]` under it: the place and the pixel, row-major, and the tap, the number of the pixel
/// in the window. Places follow one another, and of each the taps.
fn each_tap(window: &Window, image: [usize; 2], mut f: impl FnMut(usize, usize, usize)) {
    let places = |axis: usize| window.places(axis, image[axis]).unwrap_or(0);
    let (height, width) = (places(0), places(1));
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        for tap in 0..window.size[0] * window.size[1] {
            let [tap_y, tap_x] = [tap / window.size[1], tap % window.size[1]];
            let row = window.pixel(0, image[0], y, tap_y);
            let column = window.pixel(1, image[1], x, tap_x);
            if let (Some(row), Some(column)) = (row, column) {
                f(y * width + x, row * image[1] + column, tap);
            }
        }
    }
}

/// The side `result` of a convolution, in the shape `shape`, from its two others.
pub(crate) fn convolution(
    result: Side,
    window: &Window,
    groups: usize,
    given: [&Tensor; 2],
    shape: Shape,
) -> Tensor {
    let mut sides = [None; 3];
    for (side, tensor) in result.others().into_iter().zip(given) {
        sides[side as usize] = Some(tensor);
    }
    let shape_of = |side: Side| sides[side as usize].map_or(shape, |tensor| tensor.shape());
    let [image, weight, output] = [Side::Input, Side::Weight, Side::Output].map(shape_of);
    let (channels, rows) = (weight[0], image[3]);
    let (pixels, places) = (image[1] * image[2], output[1] * output[2]);
    let taps = weight[1] * weight[2];
    let mut values = vec![0.0; shape.elements()];
    for out in 0..output[0] {
        let first = out / (output[0] / groups) * channels;
        for channel in 0..channels {
            each_tap(window, [image[1], image[2]], |place, pixel, tap| {
                for row in 0..rows {
                    let at = [
                        ((first + channel) * pixels + pixel) * rows + row,
                        (channel * taps + tap) * output[0] + out,
                        (out * places + place) * rows + row,
                    ];
                    let factors = sides.iter().zip(at);
                    let factors =
                        factors.filter_map(|(side, at)| Some(side.as_ref()?.values()[at]));
                    values[at[result as usize]] += factors.product::<f64>();
                }
            });
        }
    }
    Tensor::new(shape, values.into())
}

/// Calls `f` with every element of a pool `[channels, places.., rows]` of `keys [channels, height,
/// width, rows]`, and the number of the element of `keys` that is the first largest one under the
/// window; one that is NaN is the largest.
fn each_largest(window: &Window, keys: &Tensor, places: usize, mut f: impl FnMut(usize, usize)) {
    let shape = keys.shape();
    let (pixels, rows) = (shape[1] * shape[2], shape[3]);
    for channel in 0..shape[0] {
        let mut largest = vec![None; places * rows];
        each_tap(window, [shape[1], shape[2]], |place, pixel, _| {
            for row in 0..rows {
                let at = (channel * pixels + pixel) * rows + row;
                let key = |at: usize| keys.values()[at];
                let known: &mut Option<usize> = &mut largest[place * rows + row];
                let is_larger =
                    |known: usize| key(at) > key(known) || key(at).is_nan() && !key(known).is_nan();
                if known.is_none_or(is_larger) {
                    *known = Some(at);
                }
            }
        });
        for (i, at) in largest.into_iter().enumerate() {
            if let Some(at) = at {
                f(channel * places * rows + i, at);
            }
        }
    }
}

/// At each place of the window, the element of `source` where `keys` is largest.
pub(crate) fn pool(window: &Window, keys: &Tensor, source: &Tensor, shape: Shape) -> Tensor {
    let mut values = vec![0.0; shape.elements()];
    each_largest(window, keys, shape[1] * shape[2], |element, at| {
        values[element] = source.values()[at];
    });
    Tensor::new(shape, values.into())
}

/// The adjoint of [`pool`]: elements added where `keys` is largest under the window.
pub(crate) fn unpool(window: &Window, keys: &Tensor, source: &Tensor, shape: Shape) -> Tensor {
    let mut values = vec![0.0; shape.elements()];
    let places = source.shape()[1] * source.shape()[2];
    each_largest(window, keys, places, |element, at| {
        values[at] += source.values()[element];
    });
    Tensor::new(shape, values.into())
}
