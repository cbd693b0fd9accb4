//! Draws of an observed variable, given those of the model's variables: each element has noise of
//! its own, by its number and that of the draw, whatever tile it is in.

use bayes_nn_autodiff::Var;
use bayes_nn_autodiff::noise::{self, NoiseKey, philox4x32_10};
use bayes_nn_kernels::{KernelError, Run};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::target::{Probabilities, stretched, stretched_to};
use super::tiles::{Tile, Written};
use super::{Predict, Task};
use crate::error::Error;
use crate::model::{Generators, Observed, draw};

/// The stream of the noise of observations; the guide's is 0.
const OBSERVATION: u32 = 1;

/// Which noise: that of a draw of the model's variables, the first of it or a second one.
#[derive(Clone, Copy)]
pub(super) struct Noise {
    seed: u64,
    draw: u64,
    /// The number of the first row, which is the element 0.
    first: usize,
    again: bool,
}

/// Draws of an observed variable on the host.
pub(super) struct TargetDraws<'a, 'g> {
    observed: &'a Observed<'g>,
    by: By,
    outputs: usize,
}

/// What is drawn by.
enum By {
    /// Mean and standard deviation.
    Normal,
    /// The probability of class 1.
    Binary,
    /// The probabilities of all classes.
    Classes(usize),
    /// The parameters of any distribution.
    Parameters,
}

impl<'a, 'g> TargetDraws<'a, 'g> {
    /// Lets a step tell what is needed to draw.
    pub(super) fn new(
        written: &Written<'g>,
        observed: &'a Observed<'g>,
    ) -> Result<TargetDraws<'a, 'g>, Error> {
        let distribution = &*observed.distribution;
        let parameters = distribution.parameters();
        let shape = observed.shape;
        let probabilities = |task| Probabilities::of(written, observed, task).map(|all| all.p);
        let (by, outputs): (By, Vec<Var<'g>>) = match Task::of(distribution) {
            Task::Binary => (By::Binary, vec![probabilities(Task::Binary)?]),
            task @ Task::Classes(classes) => (By::Classes(classes), vec![probabilities(task)?]),
            Task::Counts | Task::Regression => match (distribution.name(), &parameters[..]) {
                ("Normal", [mean, sd]) if sd.name == "scale" => {
                    let both = [mean, sd].map(|p| stretched_to(p.value, shape));
                    (By::Normal, both.to_vec())
                }
                _ => {
                    let values = parameters.iter().map(|p| p.value);
                    (By::Parameters, values.collect())
                }
            },
        };
        written.check_known(&outputs)?;
        for (number, output) in outputs.iter().enumerate() {
            written.step.output(&name(number), *output);
        }
        Ok(TargetDraws {
            observed,
            by,
            outputs: outputs.len(),
        })
    }

    /// A draw of each element of a tile, for the last draw of the model's variables.
    pub(super) fn draw(&self, run: &Run, tile: Tile, noise: Noise) -> Result<Vec<f64>, Error> {
        let outputs = (0..self.outputs).map(|number| run.get(0, &name(number)));
        let mut outputs = outputs.collect::<Result<Vec<_>, KernelError>>()?;
        let width = self.observed.shape.elements();
        let rows = 0..tile.rows;
        Ok(match self.by {
            By::Normal => {
                let (mean, sd) = (&outputs[0], &outputs[1]);
                let value = |row: usize| {
                    let noise = noise.normal(tile.first + row);
                    mean[row.min(mean.len() - 1)] + sd[row.min(sd.len() - 1)] * noise
                };
                rows.map(value).collect()
            }
            By::Binary => {
                let p = stretched(outputs.swap_remove(0), tile.rows);
                let value = |row: usize| f64::from(noise.uniform(tile.first + row) < p[row]);
                rows.map(value).collect()
            }
            By::Classes(classes) => {
                let p = &outputs[0];
                let value = |row: usize| {
                    let mut rest = noise.uniform(tile.first + row);
                    let chosen = (0..classes - 1).find(|class| {
                        rest -= p[class * width + row];
                        rest < 0.0
                    });
                    chosen.unwrap_or(classes - 1) as f64
                };
                rows.map(value).collect()
            }
            By::Parameters => self.draw_by_parameters(outputs, tile, noise)?,
        })
    }

    fn draw_by_parameters(
        &self,
        parameters: Vec<Vec<f64>>,
        tile: Tile,
        noise: Noise,
    ) -> Result<Vec<f64>, Error> {
        let observed = self.observed;
        let mut each = Each {
            noise,
            first: tile.first,
            generator: Xoshiro256PlusPlus::seed_from_u64(0),
        };
        let not_finite = |row: &usize| {
            let wide = parameters.iter().filter(|values| values.len() > 1);
            let mut at_row = wide.filter_map(|values| values.get(*row));
            at_row.any(|value| !value.is_finite())
        };
        let row = (0..tile.rows).find(not_finite);
        let distribution = &*observed.distribution;
        let drawn = draw(
            &observed.name,
            distribution,
            observed.shape,
            parameters,
            &mut each,
        );
        match (drawn, row) {
            (Ok(values), _) => Ok(stretched(values, tile.rows)),
            (Err(Error::Parameter { .. }), Some(row)) => Err(Error::NotFinitePrediction {
                row: tile.first + row,
            }),
            (Err(error), _) => Err(error),
        }
    }
}

/// A generator for each element.
struct Each {
    noise: Noise,
    first: usize,
    generator: Xoshiro256PlusPlus,
}

impl Generators for Each {
    fn at(&mut self, place: usize) -> &mut dyn Rng {
        self.generator = self.noise.generator(self.first + place);
        &mut self.generator
    }
}

impl Noise {
    pub(super) fn new(how: Predict, draw: usize, again: bool) -> Noise {
        Noise {
            seed: how.seed,
            draw: draw as u64,
            first: how.first,
            again,
        }
    }

    fn key(&self) -> NoiseKey {
        NoiseKey {
            seed: self.seed,
            step: self.draw,
            stream: OBSERVATION + 2 * u32::from(self.again),
        }
    }

    /// A standard normal for an element.
    fn normal(&self, element: usize) -> f64 {
        let [row, column] = split(self.first + element);
        noise::normal(&self.key(), row, column)
    }

    /// A number from 0 to 1 for an element.
    fn uniform(&self, element: usize) -> f64 {
        let [row, column] = split(self.first + element);
        noise::uniform(&self.key(), row, column)
    }

    /// A generator for an element: its seed is two words of a stream of their own.
    fn generator(&self, element: usize) -> Xoshiro256PlusPlus {
        let mut key = self.key();
        key.stream += 1;
        let [row, column] = split(self.first + element);
        let mut counter = key.counter(row, 0);
        counter[0] = column;
        let [low, high, ..] = philox4x32_10(counter, key.philox_key());
        Xoshiro256PlusPlus::seed_from_u64(u64::from(high) << 32 | u64::from(low))
    }
}

/// The number of an element as a row and a column of noise.
fn split(element: usize) -> [u32; 2] {
    [(element >> 20) as u32, (element & 0xf_ffff) as u32]
}

/// The name of an output.
fn name(number: usize) -> String {
    format!("draw {number}")
}
