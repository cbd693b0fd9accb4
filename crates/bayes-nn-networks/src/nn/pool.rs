//! Pooling layers: one number for the pixels under a window.

use std::fmt;

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_models::saved::{FileError, Place, Value};

use super::layer::Output;
use super::moves::{Moves, Padding};
use super::{Layer, Parameters};

/// The largest pixel under a window at each of its places. Windows follow one another without
/// gaps unless a stride is set; what is outside the image does not count.
///
/// Inputs are `[channels, height, width, rows]`; outputs are `[channels, places along height,
/// places along width, rows]`. Of several largest pixels the first takes the derivative.
///
/// ```
/// use bayes_nn::nn::{Input, Layer, MaxPool2d};
/// let images = [Input::values([20, 24, 24])];
/// assert_eq!(MaxPool2d::new([2, 2]).output_shape(&images)?.to_string(), "[20, 12, 12]");
/// let overlapping = MaxPool2d::new([3, 3]).stride([2, 2]).padding([1, 1]);
/// assert_eq!(overlapping.output_shape(&images)?.to_string(), "[20, 12, 12]");
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
pub type MaxPool2d = MaxPool<2>;

/// The largest number under a window over signals: [`MaxPool2d`] of one axis, from `[channels,
/// length, rows]` to `[channels, places, rows]`.
///
/// ```
/// use bayes_nn::nn::{Input, Layer, MaxPool1d};
/// let signals = [Input::values([4, 100])];
/// assert_eq!(MaxPool1d::new([5]).output_shape(&signals)?.to_string(), "[4, 20]");
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
pub type MaxPool1d = MaxPool<1>;

/// The mean of the pixels under a window at each of its places, with the shapes and settings of
/// [`MaxPool2d`]. Pixels outside the image are not among those of the mean.
///
/// ```
/// use bayes_nn::nn::{AvgPool2d, Input, Layer};
/// let images = [Input::values([20, 24, 24])];
/// assert_eq!(AvgPool2d::new([24, 24]).output_shape(&images)?.to_string(), "[20, 1, 1]");
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
pub type AvgPool2d = AvgPool<2>;

/// The mean of the numbers under a window over signals: [`AvgPool2d`] of one axis.
pub type AvgPool1d = AvgPool<1>;

/// What [`MaxPool1d`] and [`MaxPool2d`] are: the largest under a window of `N` axes.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct MaxPool<const N: usize>(pub(super) Moves<N>);

/// What [`AvgPool1d`] and [`AvgPool2d`] are: the mean under a window of `N` axes.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct AvgPool<const N: usize>(pub(super) Moves<N>);

macro_rules! pool {
    ($pool:ident) => {
        impl<const N: usize> $pool<N> {
            const ONE_OR_TWO: () = assert!(N == 1 || N == 2, "windows have one axis or two");

            /// A window of this size, which moves by its size.
            pub fn new(window: [usize; N]) -> $pool<N> {
                let () = Self::ONE_OR_TWO;
                $pool(Moves::new(window, window))
            }

            /// Moves the window by so many pixels at a time.
            pub fn stride(mut self, stride: [usize; N]) -> $pool<N> {
                self.0.stride = stride;
                self
            }

            /// Lets the window begin and end so many pixels outside the image, fewer than its
            /// size.
            pub fn padding(mut self, padding: [usize; N]) -> $pool<N> {
                self.0.padding = Padding::Pixels(padding);
                self
            }
        }

        impl<const N: usize> fmt::Debug for $pool<N> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(&format!("{}{N}d", stringify!($pool)))
                    .field("window", &self.0.size)
                    .field("stride", &self.0.stride)
                    .field("padding", &self.0.padding)
                    .finish()
            }
        }
    };
}

pool!(MaxPool);
pool!(AvgPool);

impl<const N: usize> Layer for MaxPool<N> {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let [x] = p.inputs(inputs)?;
        self.0.check_padding(p)?;
        let (images, window) = self.0.over(p, x)?;
        Ok(self.0.back(images.max_pool(window)))
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

impl<const N: usize> Layer for AvgPool<N> {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let [x] = p.inputs(inputs)?;
        self.0.check_padding(p)?;
        let (images, window) = self.0.over(p, x)?;
        let ([height, width], channels) = (window.size, images.shape()[0]);
        let ones = Var::from(1.0).broadcast_to([1, height, width, channels]);
        let sums = images.convolution(ones, window, channels);
        let places = sums.shape();
        // Along an axis, how many pixels of the image are under each place of the window.
        let counts = |axis: usize| {
            let length = images.shape()[1 + axis];
            let taps = |place: &usize| {
                let taps = 0..window.size[axis];
                taps.filter(|tap| window.pixel(axis, length, *place, *tap).is_some())
                    .count()
            };
            let counts = (0..places[1 + axis]).map(|place| taps(&place) as f64);
            let shape = Shape::from([1, 1, 1, 1]).with(1 + axis, places[1 + axis]);
            p.graph().constant(&counts.collect::<Vec<_>>(), shape)
        };
        let means = match window.before.iter().chain(&window.after).all(|n| *n == 0) {
            true => sums * ((height * width) as f64).recip(),
            false => sums / (counts(0) * counts(1)),
        };
        Ok(self.0.back(means))
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Input;
    use crate::nn::moves::tests::{assert_layer, places, under};

    /// A pool against a loop over channels and places; `axes` as [`under`] has them.
    fn assert_loop(
        layer: impl Layer + Clone + 'static,
        row: &[usize],
        axes: [[usize; 5]; 2],
        pool: impl Fn(&[f64]) -> f64,
    ) {
        assert_layer(layer, row, |_, x| {
            let mut values = Vec::new();
            for channel in 0..row[0] {
                for place in places(axes) {
                    let pixels = under(x, channel, axes, place).into_iter().flatten();
                    values.push(pool(&pixels.collect::<Vec<_>>()));
                }
            }
            values
        });
    }

    #[test]
    fn pools_are_maxima_and_means_of_the_pixels_inside_the_image() {
        let largest = |pixels: &[f64]| pixels.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mean = |pixels: &[f64]| pixels.iter().sum::<f64>() / pixels.len() as f64;
        let plain = [[4, 2, 2, 1, 0], [6, 3, 3, 1, 0]];
        assert_loop(MaxPool2d::new([2, 3]), &[2, 4, 6], plain, largest);
        assert_loop(AvgPool2d::new([2, 3]), &[2, 4, 6], plain, mean);
        let moved = [[5, 3, 2, 1, 1], [4, 2, 1, 1, 1]];
        let layer = MaxPool2d::new([3, 2]).stride([2, 1]).padding([1, 1]);
        assert_loop(layer, &[3, 5, 4], moved, largest);
        let layer = AvgPool2d::new([3, 2]).stride([2, 1]).padding([1, 1]);
        assert_loop(layer, &[3, 5, 4], moved, mean);
        let signal = [[1, 1, 1, 1, 0], [9, 4, 4, 1, 0]];
        assert_loop(MaxPool1d::new([4]), &[2, 9], signal, largest);
        assert_loop(AvgPool1d::new([4]), &[2, 9], signal, mean);
    }

    #[test]
    fn what_no_pool_takes_is_refused_with_what_would_be_right() {
        let message = |layer: &dyn Layer, row: &[usize]| {
            let row = Shape::try_new(row).unwrap();
            layer
                .output_shape(&[Input::values(row)])
                .unwrap_err()
                .to_string()
        };
        let error = message(&MaxPool2d::new([3, 3]), &[2, 2, 8]);
        assert!(
            error.starts_with("MaxPool2d {") && error.contains("[2, 2, 8, rows]"),
            "{error}"
        );
        let error = message(&AvgPool1d::new([3]), &[2, 2, 8]);
        assert!(error.contains("[channels, length, rows]"), "{error}");
        let error = message(&MaxPool2d::new([2, 2]).padding([2, 0]), &[2, 8, 8]);
        assert!(
            error.contains("a padding of [2, 0] for a window of [2, 2]"),
            "{error}"
        );
        let error = message(&AvgPool2d::new([2, 2]).stride([0, 1]), &[2, 8, 8]);
        assert!(error.contains("moves by [0, 1]"), "{error}");
        assert!(message(&AvgPool2d::new([0, 1]), &[2, 8, 8]).contains("[0, 1]"));
    }
}
