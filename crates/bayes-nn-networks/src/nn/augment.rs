//! Random changes of images while a network is fitted.

use std::fmt;

use bayes_nn_autodiff::{NoiseKind, Var};
use bayes_nn_models::saved::{FileError, Place, Value};

use super::layer::Output;
use super::{Layer, Parameters};

/// Changes images at random in every step of a fit, so that a network learns what of an image does not
/// matter: mirrored, shifted, rotated, and with noise, each only if it is set. Each row of a minibatch is
/// changed by numbers of its own, drawn inside the step from the seed of the fit.
///
/// Inputs and outputs are `[channels, height, width, rows]`; noise alone takes any shape. What comes in from
/// outside an image continues its edge. It stands before the first layer with weights, after
/// [`Rescale`](super::Rescale), so that noise is in the unit of rescaled pixels.
///
/// Predictions, and rows that are held out of a fit, are read as they are. A fit to changed rows is not one
/// to the rows themselves: its ELBO, also the final one, is the mean over changes of that of N changed rows,
/// in which each row of the data counts once. Printed fits say so. As [`Dropout`](super::Dropout) it is for
/// methods that meet noise at every step, ADVI and SGLD; NUTS refuses it.
///
/// Rotations are three shears in a row (A. Paeth 1986, "A fast algorithm for general raster rotation"),
/// each linear between pixels. A shift by up to k pixels takes 2 (2k + 1) gathers of the minibatch.
///
/// ```
/// use bayes_nn::prelude::*;
/// use bayes_nn::nn::{Augment, Rescale};
/// let images = Sequential::new().input([1, 8, 8]).layer(Rescale::pixels());
/// let net = images.layer(Augment::new().shift(1).noise(0.1)).layer(Flatten).layer(Dense::new(2));
/// let pixels: Vec<u8> = (0..20 * 64).map(|i| (i * i % 251) as u8).collect();
/// let labels: Vec<u8> = (0..20).map(|row| row % 2).collect();
/// let data = Dataset::new(pixels, 64, labels)?;
/// let fit = Bnn::new(net, Categorical).fit(&data, &Advi::mean_field().steps(50))?;
/// assert!(fit.to_string().contains("shifted by up to 1 pixel, with noise of 0.1"));
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[must_use]
pub struct Augment {
    pub(super) flip: bool,
    pub(super) shift: usize,
    pub(super) degrees: f64,
    pub(super) noise: f64,
}

/// The largest rotation either way.
const MOST_DEGREES: f64 = 45.0;
/// The axes of an image.
const HEIGHT: usize = 1;
const WIDTH: usize = 2;

impl Augment {
    /// No change yet.
    pub fn new() -> Augment {
        Augment::default()
    }

    /// Mirrors left and right with probability one half.
    pub fn flip(self) -> Augment {
        Augment { flip: true, ..self }
    }

    /// Shifts by whole pixels along height and width, each by up to so many either way, all as probable.
    pub fn shift(self, pixels: usize) -> Augment {
        Augment {
            shift: pixels,
            ..self
        }
    }

    /// Rotates around the middle by up to so many degrees either way, at most 45, all as probable.
    pub fn rotate(self, degrees: f64) -> Augment {
        Augment { degrees, ..self }
    }

    /// Adds a normal number of this standard deviation to every pixel.
    pub fn noise(self, sd: f64) -> Augment {
        Augment { noise: sd, ..self }
    }

    /// Whether anything moves.
    fn moves(&self) -> bool {
        self.flip || self.shift > 0 || self.degrees > 0.0
    }
}

impl fmt::Display for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut changes = Vec::new();
        if self.degrees > 0.0 {
            changes.push(format!("rotated by up to {} degrees", self.degrees));
        }
        if self.shift > 0 {
            let plural = if self.shift == 1 { "" } else { "s" };
            changes.push(format!("shifted by up to {} pixel{plural}", self.shift));
        }
        if self.flip {
            changes.push("mirrored".to_owned());
        }
        if self.noise > 0.0 {
            changes.push(format!("with noise of {}", self.noise));
        }
        f.write_str(&changes.join(", "))
    }
}

impl Layer for Augment {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let [mut x] = p.inputs(inputs)?;
        if !(0.0..=MOST_DEGREES).contains(&self.degrees) {
            return Err(p.problem("rotations must be by 0 to 45 degrees"));
        }
        if !(self.noise >= 0.0 && self.noise.is_finite()) {
            return Err(p.problem("the standard deviation of noise must be finite and at least 0"));
        }
        let shape = x.shape();
        if self.moves() && shape.rank() != 4 {
            return Err(p.wrong_input(x, "[channels, height, width, rows]"));
        }
        if self.moves() && self.shift >= shape[HEIGHT].min(shape[WIDTH]) {
            return Err(p.problem("a shift must be by fewer pixels than an image has"));
        }
        if !(self.moves() || self.noise > 0.0) || !p.augments(&self.to_string()) {
            return Ok(x);
        }
        let of_rows = || p.noise(NoiseKind::Uniform, [1, 1, 1, shape.columns()]);
        if self.degrees > 0.0 {
            let angle = (2.0 * of_rows() - 1.0) * self.degrees.to_radians();
            x = rotated(p, x, angle, self.degrees.to_radians());
        }
        if self.shift > 0 {
            let most = self.shift as f64;
            for axis in [HEIGHT, WIDTH] {
                let amount = ((2.0 * most + 1.0) * of_rows()).floor() - most;
                x = slid(p, x, axis, amount, self.shift);
            }
        }
        if self.flip {
            let width = shape[WIDTH];
            let mirror: Vec<usize> = (0..width).rev().collect();
            let mirrored = x.gather(p.graph().index_constant(&mirror), WIDTH);
            x = of_rows().lt(0.5).select(mirrored, x);
        }
        if self.noise > 0.0 {
            x = x + self.noise * p.noise(NoiseKind::Normal, x.shape());
        }
        Ok(x)
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

/// Images turned by an angle for each row, of at most `most`, in radians.
fn rotated<'g>(p: &Parameters<'_, 'g>, x: Var<'g>, angle: Var<'g>, most: f64) -> Var<'g> {
    let (height, width) = (x.shape()[HEIGHT], x.shape()[WIDTH]);
    let along = |length: usize, shape: [usize; 4]| {
        let middle = (length as f64 - 1.0) / 2.0;
        let places: Vec<f64> = (0..length).map(|place| place as f64 - middle).collect();
        (p.graph().constant(&places, shape), middle)
    };
    let (rows, half_height) = along(height, [1, height, 1, 1]);
    let (columns, half_width) = along(width, [1, 1, width, 1]);
    // The tangent of half the angle.
    let tangent = angle.sin() / (1.0 + angle.cos());
    let reach = |slope: f64, half: f64| (slope * half).ceil() as usize;
    let level = |x| {
        slid(
            p,
            x,
            WIDTH,
            -tangent * rows,
            reach((most / 2.0).tan(), half_height),
        )
    };
    let x = level(x);
    let x = slid(
        p,
        x,
        HEIGHT,
        angle.sin() * columns,
        reach(most.sin(), half_width),
    );
    level(x)
}

/// Images whose pixels are moved along an axis by `amount`, which is at most `reach` either way; between
/// pixels it is linear.
fn slid<'g>(
    p: &Parameters<'_, 'g>,
    x: Var<'g>,
    axis: usize,
    amount: Var<'g>,
    reach: usize,
) -> Var<'g> {
    let length = x.shape()[axis];
    let reach = reach as isize;
    let moved = (-reach..=reach).map(|by| {
        let source = |place: usize| (place as isize - by).clamp(0, length as isize - 1) as usize;
        let sources: Vec<usize> = (0..length).map(source).collect();
        let weight = (1.0 - (amount - by as f64).abs()).relu();
        weight * x.gather(p.graph().index_constant(&sources), axis)
    });
    moved.fold(Var::from(0.0), |sum, part| sum + part)
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::{Bindings, Graph};
    use bayes_nn_models::model::{self, Data, Trace};

    use super::*;

    /// What becomes of images `[channels, height, width, rows]`.
    fn changed(
        values: &[f64],
        shape: [usize; 4],
        change: impl for<'g> Fn(&Parameters<'_, 'g>, Var<'g>) -> Var<'g>,
    ) -> Vec<f64> {
        model::probe(&Data::new(), |trace: &Trace<'_>, batch| {
            let graph: &Graph = batch.graph();
            let x = graph.constant(values, shape);
            let result = change(&Parameters::new(trace), x);
            let values = graph.evaluate(&[result], &Bindings::new()).unwrap();
            values[0].values().to_vec()
        })
    }

    #[test]
    fn pixels_move_by_the_amount_of_their_row_and_edges_are_continued() {
        let images = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0];
        let moved = changed(&images, [1, 1, 4, 2], |p, x| {
            let amount = p.graph().constant(&[1.0, -2.0], [1, 1, 1, 2]);
            slid(p, x, WIDTH, amount, 2)
        });
        assert_eq!(moved, [1.0, 30.0, 1.0, 40.0, 2.0, 40.0, 3.0, 40.0]);
        let between = changed(&images, [1, 1, 4, 2], |p, x| {
            let amount = p.graph().constant(&[0.25, 0.0], [1, 1, 1, 2]);
            slid(p, x, WIDTH, amount, 1)
        });
        assert_eq!(between, [1.0, 10.0, 1.75, 20.0, 2.75, 30.0, 3.75, 40.0]);
    }

    #[test]
    fn a_rotation_turns_a_line_about_the_middle_by_its_angle() {
        // A level line through the middle of 21 by 21 pixels.
        let line: Vec<f64> = (0..441).map(|at| f64::from(at / 21 == 10)).collect();
        for degrees in [-40.0_f64, -10.0, 0.0, 25.0, 45.0] {
            let angle = degrees.to_radians();
            let turned = changed(&line, [1, 21, 21, 1], |p, x| {
                rotated(p, x, p.graph().constant(&[angle], [1, 1, 1, 1]), 0.8)
            });
            // The mean height of what is lit in the columns near the middle follows the slope.
            for column in [-6_i32, -3, 0, 4, 6] {
                let at = |row: usize| turned[row * 21 + (10 + column) as usize];
                let lit: f64 = (0..21).map(at).sum();
                let height = (0..21)
                    .map(|row| (row as f64 - 10.0) * at(row))
                    .sum::<f64>()
                    / lit;
                let expected = f64::from(column) * angle.tan();
                assert!(
                    (height - expected).abs() < 0.35,
                    "{degrees} {column}: {height} {expected}"
                );
            }
        }
    }
}
