//! Windows over images: where convolutions and pools look.

/// A window of `size` pixels along height and width, moved over an image by `stride` pixels at a
/// time. Its pixels lie `dilation` apart, and it starts `before` pixels outside the image and ends
/// `after` pixels outside of it. A signal `[channels, length, rows]` is an image of height 1.
///
/// ```
/// use bayes_nn_autodiff::Window;
/// let window = Window::new([5, 3]).stride([2, 1]).padding([2, 1]);
/// assert_eq!(window.places(0, 28), Some(14));
/// assert_eq!(window.places(1, 28), Some(28));
/// assert_eq!(Window::new([5, 5]).places(0, 4), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Window {
    /// Pixels of the window along height and width.
    pub size: [usize; 2],
    /// From a place of the window to the next.
    pub stride: [usize; 2],
    /// From a pixel of the window to the next.
    pub dilation: [usize; 2],
    /// How far outside the image the first place starts.
    pub before: [usize; 2],
    /// How far outside the image a place may end.
    pub after: [usize; 2],
}

impl Window {
    /// A window that moves by one pixel, inside the image.
    pub fn new(size: [usize; 2]) -> Window {
        Window {
            size,
            stride: [1; 2],
            dilation: [1; 2],
            before: [0; 2],
            after: [0; 2],
        }
    }

    /// Moved by so many pixels at a time.
    pub fn stride(self, stride: [usize; 2]) -> Window {
        Window { stride, ..self }
    }

    /// With its pixels so far apart.
    pub fn dilation(self, dilation: [usize; 2]) -> Window {
        Window { dilation, ..self }
    }

    /// Over an image with so many pixels added at both of its ends.
    pub fn padding(self, padding: [usize; 2]) -> Window {
        self.padding_around(padding, padding)
    }

    /// Over an image with so many pixels added before its first and behind its last ones.
    pub fn padding_around(self, before: [usize; 2], after: [usize; 2]) -> Window {
        Window {
            before,
            after,
            ..self
        }
    }

    /// From the first pixel of the window to its last, both counted; `None` where that is more
    /// than can be counted.
    pub fn extent(&self, axis: usize) -> Option<usize> {
        let steps = self.size[axis].checked_sub(1)?;
        steps.checked_mul(self.dilation[axis])?.checked_add(1)
    }

    /// How many places the window has along an axis (0 is height, 1 width) of so many pixels;
    /// `None` where it does not fit once, or is no window because a number is 0.
    pub fn places(&self, axis: usize, length: usize) -> Option<usize> {
        let padding = self.before[axis].checked_add(self.after[axis])?;
        let length = length.checked_add(padding)?;
        let free = length.checked_sub(self.extent(axis)?)?;
        match self.dilation[axis] {
            0 => None,
            _ => Some(free.checked_div(self.stride[axis])? + 1),
        }
    }

    /// Which pixel of an axis of so many lies under pixel `tap` of the window at a place; `None`
    /// outside the image.
    pub fn pixel(&self, axis: usize, length: usize, place: usize, tap: usize) -> Option<usize> {
        let from_start = place * self.stride[axis] + tap * self.dilation[axis];
        let pixel = from_start.checked_sub(self.before[axis])?;
        (pixel < length).then_some(pixel)
    }

    /// Whether at every place some pixel of the image lies under the window, as far as its
    /// paddings say.
    pub(crate) fn always_covers(&self, axis: usize, length: usize) -> bool {
        let padding = self.before[axis].max(self.after[axis]);
        let inside = padding == 0 || self.dilation[axis] <= length;
        inside && length > 0 && self.extent(axis).is_some_and(|extent| padding < extent)
    }
}

/// One of the three sides of a sum of products of inputs, weights and outputs, which is linear in
/// each.
///
/// Of a convolution inputs are images `[channels, height, width, rows]`, weights `[channels of a
/// group, height, width, outputs]`, outputs `[outputs, places along height, places along width,
/// rows]`. Of a product by groups they are `[i, n]`, `[g, o, i]` and `[o, n]`, or `[g, i, n]` and
/// `[g, o, n]` where each group has rows of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// What is known of rows.
    Input,
    /// What inputs are multiplied by.
    Weight,
    /// The sums of the products.
    Output,
}

impl Side {
    /// The two others, in the order of the enum.
    pub fn others(self) -> [Side; 2] {
        match self {
            Side::Input => [Side::Weight, Side::Output],
            Side::Weight => [Side::Input, Side::Output],
            Side::Output => [Side::Input, Side::Weight],
        }
    }
}
