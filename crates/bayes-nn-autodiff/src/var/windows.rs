//! Convolutions and pools over images, rows last.

use super::Var;
use super::operation::{Operation, written};
use crate::tensor::AT_ONCE;
use crate::{Kind, Op, Shape, Side, Window};

impl<'g> Var<'g> {
    /// The convolution (which is a cross-correlation, as in all networks) of images
    /// `[channels, height, width, rows]` with `weights [channels / groups, height, width,
    /// outputs]` of the size of the window: `[outputs, places along height, places along width,
    /// rows]`. Outside the image there are zeros.
    ///
    /// Channels and outputs are cut into so many groups, and each output sees the channels of its
    /// group. The result is linear in both, and all its derivatives are convolutions.
    ///
    /// ```
    /// use bayes_nn_autodiff::{Graph, Window};
    /// let graph = Graph::new();
    /// let (images, weights) = (graph.input("x", [3, 28, 28, 32]), graph.input("w", [3, 5, 5, 20]));
    /// let outputs = images.convolution(weights, Window::new([5, 5]), 1);
    /// assert_eq!(outputs.shape().to_string(), "[20, 24, 24, 32]");
    /// ```
    #[track_caller]
    #[must_use]
    pub fn convolution(self, weights: Var<'g>, window: Window, groups: usize) -> Var<'g> {
        Operation::new("convolution", &[self, weights]).of_floats(|| {
            let (images, own) = (self.shape(), weights.shape());
            let (Some(channels), Some(outputs)) = (images.first(), own.last()) else {
                return Err(wrong_convolution(images, own));
            };
            let grouped = groups > 0 && channels % groups == 0 && outputs % groups == 0;
            if images.rank() != 4 || own.rank() != 4 || !grouped || own[0] != channels / groups {
                return Err(format!(
                    "{}; {groups} groups",
                    wrong_convolution(images, own)
                ));
            }
            if own[1..3] != window.size {
                let size = Shape::from(window.size);
                return Err(format!(
                    "weights of the shape {own} for a window of the size {size}; axes 1 and 2 of \
                     the weights must be the window's size"
                ));
            }
            let [height, width] = places(images, &window)?;
            let shape = Shape::from([*outputs, height, width, images[3]]);
            let (result, operands) = (Side::Output, [self, weights]);
            convolved(result, window, groups, operands, shape)
        })
    }

    /// The largest element under each place of a window, of images `[channels, height, width,
    /// rows]`: `[channels, places along height, places along width, rows]`. What is outside the
    /// image does not count. The derivative goes to the first of several that are largest.
    ///
    /// ```
    /// use bayes_nn_autodiff::{Graph, Window};
    /// let graph = Graph::new();
    /// let images = graph.input("x", [20, 24, 24, 32]);
    /// let pool = images.max_pool(Window::new([2, 2]).stride([2, 2]));
    /// assert_eq!(pool.shape().to_string(), "[20, 12, 12, 32]");
    /// ```
    #[track_caller]
    #[must_use]
    pub fn max_pool(self, window: Window) -> Var<'g> {
        Operation::new("max_pool", &[self]).of_floats(|| {
            let images = self.shape();
            if images.rank() != 4 {
                return Err(format!(
                    "{images} are no images [channels, height, width, rows]"
                ));
            }
            let [height, width] = places(images, &window)?;
            let compared = Shape::from(window.size).elements();
            if compared > AT_ONCE {
                return Err(format!(
                    "a window of {compared} pixels; at most {AT_ONCE} can be compared"
                ));
            }
            if let Some(axis) = (0..2).find(|axis| !window.always_covers(*axis, images[1 + axis])) {
                return Err(format!(
                    "a window of {} pixels with paddings of {} and {} over {} pixels: at each \
                     place some pixel of the image must lie under it",
                    window.size[axis],
                    window.before[axis],
                    window.after[axis],
                    images[1 + axis]
                ));
            }
            let shape = Shape::from([images[0], height, width, images[3]]);
            self.pooled(self, window, shape)
        })
    }

    /// At each place of a window the element of `source` where `self` is largest.
    pub(crate) fn pooled(
        self,
        source: Var<'g>,
        window: Window,
        shape: Shape,
    ) -> Result<Var<'g>, String> {
        written(Op::Pool { window }, &[self, source], shape, Kind::Float)
    }

    /// The adjoint of [`Var::pooled`].
    pub(crate) fn unpooled(self, source: Var<'g>, window: Window) -> Var<'g> {
        let (op, shape) = (Op::Unpool { window }, self.shape());
        let unpooled = written(op, &[self, source], shape, Kind::Float);
        unpooled.unwrap_or(self)
    }
}

/// The side `result` of a convolution from its two others, whose shapes fit.
pub(crate) fn convolved<'g>(
    result: Side,
    window: Window,
    groups: usize,
    given: [Var<'g>; 2],
    shape: Shape,
) -> Result<Var<'g>, String> {
    let op = Op::Convolution {
        result,
        window,
        groups,
    };
    written(op, &given, shape, Kind::Float)
}

fn wrong_convolution(images: Shape, weights: Shape) -> String {
    format!(
        "images of the shape {images} and weights of the shape {weights}; they must be [channels, \
         height, width, rows] and [channels / groups, height, width, outputs], and groups must \
         divide channels and outputs"
    )
}

/// How many places a window has over images along height and width.
fn places(images: Shape, window: &Window) -> Result<[usize; 2], String> {
    let places = |axis: usize| {
        window.places(axis, images[1 + axis]).ok_or_else(|| {
            format!(
                "a window of {} pixels, {} apart, moved by {}, over {} pixels of {images} with {} \
                 and {} added: it must fit at least once, and these numbers but the added ones \
                 must be positive",
                window.size[axis],
                window.dilation[axis],
                window.stride[axis],
                images[1 + axis],
                window.before[axis],
                window.after[axis]
            )
        })
    };
    Ok([places(0)?, places(1)?])
}
