//! Passes that move a window over images: convolutions and pools.
//!
//! Images lie with their rows last, so what stands under a window at a place is a run of rows for
//! each pixel and channel. A convolution is then a sum of products of weights and such runs. It is
//! computed where they lie: no matrix of patches is written.

mod convolution;
mod dots;
mod pool;
mod sums;

pub(crate) use convolution::ConvolutionKernel;
pub(crate) use pool::PoolKernel;

use bayes_nn_autodiff::Window;
use rayon::prelude::*;

use crate::cpu::memory::{Frame, Memory, Place, WORTH_A_THREAD};
use crate::element::Element;
use crate::plan::ValueId;

/// Bytes of what a loop reads again and again, so that it stays in the first-level cache.
const AT_HAND: usize = 24 << 10;

/// Four axes in memory, the last of them that of rows or, of weights, of outputs.
#[derive(Clone, Copy)]
struct Grid {
    place: Place,
    lengths: [usize; 4],
    /// From an element to the next along each axis.
    steps: [usize; 4],
}

impl Grid {
    fn new(memory: &Memory, id: ValueId) -> Grid {
        let value = memory.value(id);
        let lengths = std::array::from_fn(|axis| value.shape[axis]);
        let mut steps = [0; 4];
        // The last axis that is longer than 1 runs along memory; those before it lie in rows.
        let mut step = None;
        for (length, own) in lengths
            .iter()
            .zip(&mut steps)
            .rev()
            .filter(|(n, _)| **n != 1)
        {
            *own = step.unwrap_or(1);
            step = Some(step.map_or(value.layout.stride, |step| step * length));
        }
        Grid {
            place: memory.place(id),
            lengths,
            steps,
        }
    }

    /// Where an element of the last axis' first lies.
    fn start<T: Element>(&self, frame: &Frame<'_, T>, at: [usize; 3]) -> *mut T {
        let places = at.iter().zip(&self.steps);
        let offset = places.map(|(at, step)| at * step).sum();
        frame.at(self.place).wrapping_add(offset)
    }

    /// How many pixels an image has.
    fn pixels(&self) -> usize {
        self.lengths[1] * self.lengths[2]
    }
}

/// Along an axis, the taps of a window that matter for a place (or a pixel), and the pixel under
/// each (or the place from which it covers the pixel). Both go on by even steps.
#[derive(Clone, Copy, Default)]
struct Taps {
    count: usize,
    tap: usize,
    tap_step: usize,
    at: usize,
    step: isize,
}

impl Taps {
    /// Of each place of a window over an axis of so many pixels, or of each pixel.
    fn of(window: &Window, axis: usize, length: usize, of_pixels: bool) -> Vec<Taps> {
        let places = window.places(axis, length).unwrap_or(0);
        let count = if of_pixels { length } else { places };
        let mut all = vec![Taps::default(); count];
        let pairs = (0..window.size[axis]).flat_map(|tap| (0..places).map(move |p| (tap, p)));
        for (tap, place) in pairs {
            let Some(pixel) = window.pixel(axis, length, place, tap) else {
                continue;
            };
            let (own, at) = match of_pixels {
                true => (&mut all[pixel], place),
                false => (&mut all[place], pixel),
            };
            match own.count {
                0 => (own.tap, own.at) = (tap, at),
                1 => {
                    own.tap_step = tap - own.tap;
                    own.step = at as isize - own.at as isize;
                }
                _ => {}
            }
            own.count += 1;
        }
        all
    }

    /// Each tap with its pixel or place.
    fn iter(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.count).map(move |i| {
            let at = self.at.wrapping_add_signed(i as isize * self.step);
            (self.tap + i * self.tap_step, at)
        })
    }
}

/// How many units of work make a task that is worth a thread, where a unit costs so much.
fn units_of_a_task(cost: usize) -> usize {
    (4 * WORTH_A_THREAD).div_ceil(cost.max(1))
}

/// Runs tasks, on several threads where the frame has them and they cost more than one is worth.
fn for_each<T: Element>(
    frame: &Frame<'_, T>,
    cost: usize,
    tasks: usize,
    task: impl Fn(usize) + Sync + Send,
) {
    if frame.parallel && tasks > 1 && cost > WORTH_A_THREAD {
        (0..tasks).into_par_iter().for_each(task);
    } else {
        (0..tasks).for_each(task);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_are_listed_by_place_and_by_pixel_with_even_steps() {
        for (size, stride, dilation, padding) in [
            (1, 1, 1, 0),
            (3, 1, 1, 1),
            (3, 2, 1, 2),
            (4, 2, 3, 4),
            (5, 3, 2, 0),
            (4, 4, 6, 3),
        ] {
            let window = Window::new([size; 2])
                .stride([stride; 2])
                .dilation([dilation; 2]);
            let window = window.padding([padding; 2]);
            for length in 0..25 {
                let places = window.places(0, length).unwrap_or(0);
                let mut pairs = Vec::new();
                for place in 0..places {
                    let pixel = |tap| window.pixel(0, length, place, tap);
                    pairs.extend((0..size).filter_map(|tap| Some((place, pixel(tap)?, tap))));
                }
                let listed = |of_pixels: bool| {
                    let all = Taps::of(&window, 0, length, of_pixels)
                        .into_iter()
                        .enumerate();
                    let mut all: Vec<_> = all
                        .flat_map(|(own, taps)| {
                            taps.iter().map(move |(tap, at)| match of_pixels {
                                true => (at, own, tap),
                                false => (own, at, tap),
                            })
                        })
                        .collect();
                    all.sort_unstable();
                    all
                };
                pairs.sort_unstable();
                assert_eq!(listed(false), pairs);
                assert_eq!(listed(true), pairs);
            }
        }
    }
}
