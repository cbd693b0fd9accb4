//! Convolutional layers.

use std::fmt;

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_models::saved::{FileError, Place, Value};

use super::layer::Output;
use super::moves::{Moves, Padding};
use super::{Layer, Parameters};

/// A convolution over images: at every place of a window the sum of the pixels under it times
/// `weight [channels / groups, height, width, outputs]`, plus `bias [outputs]`. As in all
/// networks the window is not mirrored.
///
/// Inputs are `[channels, height, width, rows]`, as many channels as there are; outputs are
/// `[outputs, places along height, places along width, rows]`.
///
/// ```
/// use bayes_nn::nn::{Conv2d, Input, Layer};
/// let images = [Input::values([3, 28, 28])];
/// let conv = Conv2d::new(20, [5, 5]);
/// assert_eq!(conv.output_shape(&images)?.to_string(), "[20, 24, 24]");
/// let weight = &conv.parameters(&images)?[0];
/// assert_eq!((weight.shape.to_string(), weight.fan_in), ("[3, 5, 5, 20]".into(), 75));
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
pub type Conv2d = Conv<2>;

/// A convolution over signals: [`Conv2d`] of one axis, with `weight [channels / groups, length,
/// outputs]`.
///
/// Inputs are `[channels, length, rows]`; outputs are `[outputs, places, rows]`.
///
/// ```
/// use bayes_nn::nn::{Conv1d, Input, Layer};
/// let conv = Conv1d::new(8, [3]).same();
/// assert_eq!(conv.output_shape(&[Input::values([2, 100])])?.to_string(), "[8, 100]");
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
pub type Conv1d = Conv<1>;

/// What [`Conv1d`] and [`Conv2d`] are: a convolution over `N` axes.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Conv<const N: usize> {
    pub(super) outputs: usize,
    pub(super) moves: Moves<N>,
    pub(super) groups: usize,
    pub(super) bias: bool,
}

impl<const N: usize> Conv<N> {
    const ONE_OR_TWO: () = assert!(N == 1 || N == 2, "windows have one axis or two");

    /// A layer with so many outputs and a window of this size, which moves by one pixel inside the
    /// image, and a bias.
    pub fn new(outputs: usize, window: [usize; N]) -> Conv<N> {
        let () = Self::ONE_OR_TWO;
        Conv {
            outputs,
            moves: Moves::new(window, [1; N]),
            groups: 1,
            bias: true,
        }
    }

    /// Moves the window by so many pixels at a time.
    ///
    /// ```
    /// use bayes_nn::nn::{Conv2d, Input, Layer};
    /// let conv = Conv2d::new(8, [3, 3]).stride([2, 2]).padding([1, 1]);
    /// assert_eq!(conv.output_shape(&[Input::values([1, 28, 28])])?.to_string(), "[8, 14, 14]");
    /// # Ok::<(), bayes_nn::nn::LayerError>(())
    /// ```
    pub fn stride(mut self, stride: [usize; N]) -> Conv<N> {
        self.moves.stride = stride;
        self
    }

    /// Adds so many zeros at both ends of each axis; without it there are none.
    pub fn padding(mut self, padding: [usize; N]) -> Conv<N> {
        self.moves.padding = Padding::Pixels(padding);
        self
    }

    /// Adds as many zeros as it takes for one place of the window a pixel, or a stride of them;
    /// where that is an odd number, one more behind the image than before it.
    ///
    /// ```
    /// use bayes_nn::nn::{Conv2d, Input, Layer};
    /// let images = [Input::values([1, 28, 28])];
    /// let conv = Conv2d::new(8, [4, 5]).same();
    /// assert_eq!(conv.output_shape(&images)?.to_string(), "[8, 28, 28]");
    /// assert_eq!(conv.stride([3, 2]).output_shape(&images)?.to_string(), "[8, 10, 14]");
    /// # Ok::<(), bayes_nn::nn::LayerError>(())
    /// ```
    pub fn same(mut self) -> Conv<N> {
        self.moves.padding = Padding::Same;
        self
    }

    /// Takes pixels that lie so far apart.
    pub fn dilation(mut self, dilation: [usize; N]) -> Conv<N> {
        self.moves.dilation = dilation;
        self
    }

    /// Cuts channels and outputs into so many groups, each output seeing its group alone; as many
    /// groups as channels make a depthwise convolution.
    ///
    /// ```
    /// use bayes_nn::nn::{Conv2d, Input, Layer};
    /// let depthwise = Conv2d::new(6, [3, 3]).groups(3);
    /// let parameters = depthwise.parameters(&[Input::values([3, 8, 8])])?;
    /// assert_eq!(parameters[0].shape.to_string(), "[1, 3, 3, 6]");
    /// # Ok::<(), bayes_nn::nn::LayerError>(())
    /// ```
    pub fn groups(mut self, groups: usize) -> Conv<N> {
        self.groups = groups;
        self
    }

    /// The same without a bias.
    pub fn without_bias(mut self) -> Conv<N> {
        self.bias = false;
        self
    }
}

impl<const N: usize> fmt::Debug for Conv<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Moves {
            size,
            stride,
            dilation,
            padding,
        } = self.moves;
        f.debug_struct(if N == 1 { "Conv1d" } else { "Conv2d" })
            .field("outputs", &self.outputs)
            .field("window", &size)
            .field("stride", &stride)
            .field("padding", &padding)
            .field("dilation", &dilation)
            .field("groups", &self.groups)
            .field("bias", &self.bias)
            .finish()
    }
}

impl<const N: usize> Layer for Conv<N> {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let [x] = p.inputs(inputs)?;
        let (images, window) = self.moves.over(p, x)?;
        let (channels, groups, outputs) = (images.shape()[0], self.groups, self.outputs);
        if groups == 0 || channels % groups != 0 {
            let expected = format!("a number of channels that {groups} groups divide");
            return Err(p.wrong_input(x, expected));
        }
        if outputs % groups != 0 {
            return Err(p.problem(format!(
                "{outputs} outputs in {groups} groups; groups must divide outputs"
            )));
        }
        let [height, width] = window.size;
        let images_weight = [channels / groups, height, width, outputs];
        let mut shape = Shape::from(images_weight);
        if N == 1 {
            shape = shape.without(1, 2);
        }
        let weight = p.get("weight", shape, channels / groups * height * width)?;
        let sums = p.times(weight, images, |weight, images| {
            let weight = weight.reshape(images_weight);
            images.convolution(weight, window, groups)
        });
        if !self.bias {
            return Ok(self.moves.back(sums));
        }
        let bias = p.get("bias", outputs, 1)?;
        Ok(self.moves.back(sums + bias.reshape([outputs, 1, 1, 1])))
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::moves::tests::{assert_layer, places, under};
    use crate::nn::{Input, LayerError};

    /// A layer against a loop over outputs, places, channels and pixels; `axes` as [`under`] has
    /// them.
    fn assert_loop<const N: usize>(
        layer: Conv<N>,
        row: &[usize],
        axes: [[usize; 5]; 2],
        [outputs, groups]: [usize; 2],
    ) {
        let channels = row[0] / groups;
        assert_layer(layer, row, |parameters, x| {
            let mut values = Vec::new();
            for out in 0..outputs {
                let first = out / (outputs / groups) * channels;
                for place in places(axes) {
                    let mut sum = parameters.get(1).map_or(0.0, |bias| bias[out]);
                    let mut weight = parameters[0].iter().skip(out).step_by(outputs);
                    for channel in first..first + channels {
                        for pixel in under(x, channel, axes, place) {
                            sum += pixel.unwrap_or(0.0) * weight.next().unwrap();
                        }
                    }
                    values.push(sum);
                }
            }
            values
        });
    }

    #[test]
    fn convolutions_are_sums_over_the_pixels_under_the_window() {
        let axis = |length, size| [length, size, 1, 1, 0];
        let plain = Conv2d::new(3, [2, 3]);
        assert_loop(plain, &[2, 4, 5], [axis(4, 2), axis(5, 3)], [3, 1]);
        let moved = [[6, 2, 2, 3, 1], [5, 3, 1, 1, 2]];
        let layer = Conv2d::new(4, [2, 3]).stride([2, 1]).dilation([3, 1]);
        let layer = layer.padding([1, 2]).groups(2).without_bias();
        assert_loop(layer, &[4, 6, 5], moved, [4, 2]);
        let same = [[4, 3, 1, 1, 1], [5, 5, 1, 1, 2]];
        assert_loop(Conv2d::new(2, [3, 5]).same(), &[1, 4, 5], same, [2, 1]);
        let signal = [axis(1, 1), [9, 3, 2, 1, 1]];
        let layer = Conv1d::new(6, [3]).stride([2]).padding([1]).groups(3);
        assert_loop(layer, &[3, 9], signal, [6, 3]);
    }

    #[test]
    fn same_has_a_place_a_stride_and_adds_more_behind() {
        // Two pixels under a window of 2 at the last place: the one added lies behind.
        let layer = Conv1d::new(1, [2]).same().without_bias();
        assert_layer(layer, &[1, 3], |parameters, x| {
            let w = parameters[0];
            vec![
                w[0] * x[0] + w[1] * x[1],
                w[0] * x[1] + w[1] * x[2],
                w[0] * x[2],
            ]
        });
        for (length, size, stride) in [(7, 3, 2), (8, 3, 2), (9, 2, 4), (3, 1, 2), (2, 7, 1)] {
            let layer = Conv1d::new(1, [size]).stride([stride]).same();
            let shape = layer.output_shape(&[Input::values([1, length])]).unwrap();
            assert_eq!(
                shape[1],
                length.div_ceil(stride),
                "{length}, {size}, {stride}"
            );
        }
    }

    fn message<const N: usize>(layer: Conv<N>, row: impl Into<Shape>) -> String {
        let error: LayerError = layer.output_shape(&[Input::values(row)]).unwrap_err();
        error.to_string()
    }

    #[test]
    fn what_no_convolution_takes_is_refused_with_what_would_be_right() {
        let conv = Conv2d::new(4, [5, 5]);
        let error = message(conv, [784]);
        assert!(
            error.contains("is given [784, rows]; it takes [channels, height, width, rows]"),
            "{error}"
        );
        let error = message(conv, [1, 4, 28]);
        assert!(
            error.starts_with("Conv2d {") && error.contains("[1, 4, 28, rows]"),
            "{error}"
        );
        assert!(error.contains("a window [5, 5] fits"), "{error}");
        let error = message(conv.groups(2), [3, 28, 28]);
        assert!(
            error.contains("[3, 28, 28, rows]") && error.contains("2 groups"),
            "{error}"
        );
        let error = message(conv.groups(3), [3, 28, 28]);
        assert!(error.contains("4 outputs in 3 groups"), "{error}");
        let error = message(conv.stride([0, 1]), [3, 28, 28]);
        assert!(error.contains("moves by [0, 1]"), "{error}");
        for odd in [
            conv.padding([usize::MAX; 2]),
            conv.dilation([usize::MAX, 1]),
            conv.same().stride([0, 0]),
        ] {
            assert!(message(odd, [3, 28, 28]).contains("[3, 28, 28, rows]"));
        }
        assert!(message(Conv2d::new(4, [0, 5]), [3, 28, 28]).contains("[0, 5]"));
        assert!(message(Conv2d::new(0, [5, 5]), [3, 28, 28]).contains("[3, 5, 5, 0]"));
        assert!(message(Conv1d::new(4, [5]), [3, 28, 28]).contains("[channels, length, rows]"));
    }
}
