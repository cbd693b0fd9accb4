//! How a window moves over images or signals, as layers are told it.

use bayes_nn_autodiff::{Var, Window};

use super::{LayerError, Parameters};

/// A window over `N` axes: two of an image, one of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moves<const N: usize> {
    pub size: [usize; N],
    pub stride: [usize; N],
    pub dilation: [usize; N],
    pub padding: Padding<N>,
}

/// What is added around the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding<const N: usize> {
    /// So many pixels at both ends of each axis.
    Pixels([usize; N]),
    /// So many that there is a place of the window for each stride that begins in the image; where
    /// that is an odd number, one more behind it than before.
    Same,
}

impl<const N: usize> Moves<N> {
    pub fn new(size: [usize; N], stride: [usize; N]) -> Moves<N> {
        Moves {
            size,
            stride,
            dilation: [1; N],
            padding: Padding::Pixels([0; N]),
        }
    }

    /// The rows `x` as images `[channels, height, width, rows]`, and the window over them; a signal
    /// is an image of height 1.
    pub fn over<'g>(
        &self,
        p: &Parameters<'_, 'g>,
        x: Var<'g>,
    ) -> Result<(Var<'g>, Window), LayerError> {
        let shape = x.shape();
        if shape.rank() != N + 2 {
            return Err(p.wrong_input(x, self.expected()));
        }
        let lengths: [usize; N] = std::array::from_fn(|axis| shape[1 + axis]);
        let window = Window::new(image(self.size))
            .stride(image(self.stride))
            .dilation(image(self.dilation));
        let window = match self.padding {
            Padding::Pixels(pixels) => {
                let both = std::array::from_fn(|axis| match axis + N {
                    0 | 1 => 0,
                    axis => pixels[axis - 2],
                });
                window.padding(both)
            }
            Padding::Same => same(window, image(lengths)),
        };
        let [height, width] = image(lengths);
        let places = [window.places(0, height), window.places(1, width)];
        if places.contains(&None) {
            return Err(p.wrong_input(x, self.expected()));
        }
        let images = x.reshape([shape[0], height, width, shape.columns()]);
        Ok((images, window))
    }

    /// That some pixel of the image is under the window wherever it stands.
    pub fn check_padding(&self, p: &Parameters<'_, '_>) -> Result<(), LayerError> {
        let Padding::Pixels(padding) = self.padding else {
            return Ok(());
        };
        let size = self.size;
        match padding
            .iter()
            .zip(&size)
            .all(|(padding, size)| *padding < (*size).max(1))
        {
            true => Ok(()),
            false => Err(p.problem(format!(
                "a padding of {padding:?} for a window of {size:?}; along each axis it must be \
                 less than the window"
            ))),
        }
    }

    /// Outputs `[channels, height, width, rows]` with as many axes as the inputs have.
    pub fn back<'g>(&self, outputs: Var<'g>) -> Var<'g> {
        match (N, &outputs.shape()[..]) {
            (1, &[channels, _, length, rows]) => outputs.reshape([channels, length, rows]),
            _ => outputs,
        }
    }

    /// The shape of inputs, in words, over which the window fits.
    fn expected(&self) -> String {
        let axes = match N {
            1 => "[channels, length, rows]",
            _ => "[channels, height, width, rows]",
        };
        let (size, stride, dilation) = (self.size, self.stride, self.dilation);
        let mut text = format!("{axes} on which a window {size:?} fits that moves by {stride:?}");
        if dilation != [1; N] {
            text += &format!(", its pixels {dilation:?} apart");
        }
        match self.padding {
            Padding::Pixels(pixels) if pixels != [0; N] => {
                text += &format!(", with {pixels:?} added at both ends");
            }
            _ => {}
        }
        text
    }
}

/// Numbers of each axis as those of an image.
fn image<const N: usize>(numbers: [usize; N]) -> [usize; 2] {
    std::array::from_fn(|axis| match axis + N {
        0 | 1 => 1,
        axis => numbers[axis - 2],
    })
}

fn same(window: Window, lengths: [usize; 2]) -> Window {
    let added = [0, 1].map(|axis| {
        let (length, stride) = (lengths[axis], window.stride[axis]);
        let last = length.saturating_sub(1) / stride.max(1) * stride;
        let end = window
            .extent(axis)
            .and_then(|extent| last.checked_add(extent));
        end.map_or(0, |end| end.saturating_sub(length))
    });
    let before = added.map(|added| added / 2);
    window.padding_around(before, [0, 1].map(|axis| added[axis] - before[axis]))
}

#[cfg(test)]
pub(super) mod tests {
    use bayes_nn_models::model::{Data, from_fn, prior_predictive};

    use crate::nn::{Input, Layer};

    /// Rows of the tests.
    const ROWS: usize = 3;

    /// One draw of a layer's parameters, and its output for some rows of the shape `row`: by a
    /// function of the parameter's number (among those that the layer has) and element, and of a
    /// row's number and element, `expected` gives the output of each row.
    pub fn assert_layer(
        layer: impl Layer + Clone + 'static,
        row: &[usize],
        expected: impl Fn(&[&[f64]], &[f64]) -> Vec<f64>,
    ) {
        let shape = row.to_vec();
        let written = layer.clone();
        let model = from_fn(move |trace, data| {
            let x = data.matrix("x");
            let mut axes = shape.clone();
            axes.push(x.shape()[1]);
            let x = x.reshape(bayes_nn_autodiff::Shape::try_new(&axes).unwrap());
            let out = written.outputs(trace, &[x]);
            let flat = [out.shape().rows(), out.shape().columns()];
            trace.deterministic("out", out.reshape(flat).t());
        });
        let features: usize = row.iter().product();
        // Some numbers are equal, some are negative.
        let x: Vec<f64> = (0..ROWS * features)
            .map(|i| ((i * 37 + i / 7) % 23) as f64 / 4.0 - 2.5)
            .collect();
        let data = Data::new().matrix("x", &x, features).unwrap();
        let draws = prior_predictive(&model, &data, 1, 1).unwrap();
        let (out, parameters) = draws.variables().split_last().unwrap();
        let parameters: Vec<&[f64]> = parameters.iter().map(|p| p.draw(0).unwrap()).collect();
        let out = out.draw(0).unwrap();
        let input = Input::values(bayes_nn_autodiff::Shape::try_new(row).unwrap());
        let outputs = layer.output_shape(&[input]).unwrap().elements();
        for (x, out) in x.chunks(features).zip(out.chunks(outputs)) {
            let expected = expected(&parameters, x);
            assert_eq!(out.len(), expected.len(), "{layer:?}");
            for (value, expected) in out.iter().zip(&expected) {
                assert!(
                    (value - expected).abs() < 1e-9,
                    "{layer:?}: {value} for {expected}"
                );
            }
        }
    }

    /// The pixels of a channel `[height, width]` of a row under a window, in order; those outside
    /// are `None`. `axes` has of height and width the length, size, stride, dilation and padding.
    pub fn under(
        x: &[f64],
        channel: usize,
        axes: [[usize; 5]; 2],
        place: [usize; 2],
    ) -> Vec<Option<f64>> {
        let [height, width] = [axes[0][0], axes[1][0]];
        let pixel = |axis: usize, tap: usize| {
            let [length, _, stride, dilation, padding] = axes[axis];
            let pixel = (place[axis] * stride + tap * dilation).checked_sub(padding)?;
            (pixel < length).then_some(pixel)
        };
        let taps = (0..axes[0][1]).flat_map(|v| (0..axes[1][1]).map(move |u| (v, u)));
        taps.map(|(v, u)| {
            let (y, x_) = (pixel(0, v)?, pixel(1, u)?);
            Some(x[(channel * height + y) * width + x_])
        })
        .collect()
    }

    /// All places of a window, row by row.
    pub fn places(axes: [[usize; 5]; 2]) -> Vec<[usize; 2]> {
        let count = |[length, size, stride, dilation, padding]: [usize; 5]| {
            (length + 2 * padding - ((size - 1) * dilation + 1)) / stride + 1
        };
        let [height, width] = axes.map(count);
        (0..height)
            .flat_map(|y| (0..width).map(move |x| [y, x]))
            .collect()
    }
}
