//! The pictures.

use std::error::Error;

use bayes_nn::plots::{ColorMap, Surface};
use bayes_nn::prelude::*;

use crate::groups::Points;

/// Points of the grid along an axis.
const GRID: usize = 60;
const DRAWS: usize = 200;

/// The probability of class 1 over the plane in a group, by a network of its own and by one around a
/// shared one.
pub fn group(
    train: &Points,
    name: &str,
    fits: [&Posterior<Bnn>; 2],
) -> Result<String, Box<dyn Error>> {
    let axis: Vec<f64> = (0..GRID)
        .map(|i| 6.0 * i as f64 / (GRID - 1) as f64 - 3.0)
        .collect();
    let x: Vec<f64> = axis
        .iter()
        .flat_map(|x2| axis.iter().flat_map(|x1| [*x1, *x2]))
        .collect();
    let words = vec![name; GRID * GRID];
    let grid = Data::new().matrix("x", &x, 2)?.groups("group", &words)?;
    let [own, shared] =
        fits.map(|fit| Ok::<_, bayes_nn::Error>(fit.predict(&grid, DRAWS)?.mean().to_vec()));
    let (own, shared) = (own?, shared?);
    let points = train.of(|group| if group == name { usize::MAX } else { 0 });
    let surface = Surface::new(&axis, &axis, &own)
        .name("by its own rows")
        .beside("around a shared network", &shared)
        .points(&points.x, &points.y)
        .class_names(["class 0", "class 1"])
        .colors(ColorMap::Diverging)
        .range(0.0, 1.0)
        .contour(0.5)
        .value_label("probability")
        .x_label("x1")
        .y_label("x2");
    Ok(surface.to_svg()?)
}
