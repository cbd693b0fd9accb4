//! Two moons that turn while time goes on.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use bayes_nn::datasets;
use bayes_nn::plots::Surface;
use bayes_nn::prelude::*;

use crate::page::Part;

/// Rows at several times, half of those of each time to learn from.
pub struct Moons {
    pub times: usize,
    pub train: Data,
    pub test: Data,
    /// The rows to learn from.
    seen: Rows,
}

#[derive(Default)]
struct Rows {
    x: Vec<f64>,
    time: Vec<usize>,
    y: Vec<f64>,
}

impl Rows {
    fn data(&self) -> Result<Data, Box<dyn Error>> {
        let data = Data::new().matrix("x", &self.x, 2)?;
        Ok(data.index("time", &self.time)?.column("y", &self.y)?)
    }
}

impl Moons {
    /// From a CSV file with the columns interval, x1, x2, y, of which every second row is held out.
    pub fn read(path: &Path) -> Result<Moons, Box<dyn Error>> {
        let table = Table::read(path)?;
        let column =
            |name: &str| -> Result<Vec<f64>, Box<dyn Error>> { Ok(table.numbers(name)?.to_vec()) };
        let (time, y) = (column("interval")?, column("y")?);
        let (x1, x2) = (column("x1")?, column("x2")?);
        let rows = (0..y.len()).map(|row| ([x1[row], x2[row]], time[row] as usize, y[row]));
        Moons::of(rows)
    }

    /// So many times of 120 rows, turned by a tenth of a circle each time.
    pub fn drawn(times: usize, seed: u64) -> Result<Moons, Box<dyn Error>> {
        let mut rows = Vec::new();
        for time in 0..times {
            let moons = datasets::moons(120, 0.2, seed + time as u64)?.standardized();
            let (sin, cos) = (std::f64::consts::TAU / 10.0 * time as f64).sin_cos();
            for row in 0..moons.rows() {
                let [a, b] = [moons.row(row)[0], moons.row(row)[1]];
                rows.push(([cos * a - sin * b, sin * a + cos * b], time, moons.y()[row]));
            }
        }
        Moons::of(rows)
    }

    fn of(rows: impl IntoIterator<Item = ([f64; 2], usize, f64)>) -> Result<Moons, Box<dyn Error>> {
        let mut parts = [Rows::default(), Rows::default()];
        let mut times: Vec<usize> = Vec::new();
        for (x, time, y) in rows {
            times.resize(times.len().max(time + 1), 0);
            let part = &mut parts[times[time] % 2];
            times[time] += 1;
            part.x.extend(x);
            part.time.push(time);
            part.y.push(y);
        }
        let [seen, others] = parts;
        Ok(Moons {
            times: times.len(),
            train: seen.data()?,
            test: others.data()?,
            seen,
        })
    }
}

/// The share of points held out that a fit tells right, with the same of its training data and what it took as
/// figures of a program.
pub fn right(
    part: &mut Part,
    name: &str,
    moons: &Moons,
    fit: impl FnOnce() -> Result<Posterior<Bnn>, bayes_nn::Error>,
) -> Result<(f64, Posterior<Bnn>), Box<dyn Error>> {
    let begin = Instant::now();
    let fit = fit()?;
    part.figure(&format!("{name}: seconds"), begin.elapsed().as_secs_f64());
    let mut accuracy = 0.0;
    for (rows, data) in [
        ("training data", &moons.train),
        ("points held out", &moons.test),
    ] {
        let score = fit.score(data, Predict::draws(500))?;
        accuracy = score.classification().ok_or("they are classes")?.accuracy;
        part.figure(&format!("{name}: right of its {rows}"), accuracy);
    }
    Ok((accuracy, fit))
}

impl Moons {
    /// What a fit says at three times.
    pub fn pictures(&self, part: &mut Part, fit: &Posterior<Bnn>) -> Result<(), Box<dyn Error>> {
        for time in [0, self.times / 2, self.times - 1] {
            part.picture(
                &self.surface(fit, time)?,
                &format!("The plane at time {time}."),
            );
        }
        Ok(())
    }

    /// The probability of class 1 over the plane at a time, with the points of that time.
    fn surface(&self, fit: &Posterior<Bnn>, time: usize) -> Result<String, Box<dyn Error>> {
        let axis: Vec<f64> = (0..50).map(|i| f64::from(i) * 0.12 - 3.0).collect();
        let row = |x2: &f64| axis.iter().map(|x1| [*x1, *x2]).collect::<Vec<_>>();
        let x: Vec<[f64; 2]> = axis.iter().flat_map(row).collect();
        let grid = Data::new().matrix("x", x.as_flattened(), 2)?;
        let grid = grid.index("time", &vec![time; x.len()])?;
        let prediction = fit.predict(&grid, 200)?;
        let of_time = |row: &usize| self.seen.time[*row] == time;
        let rows: Vec<usize> = (0..self.seen.time.len()).filter(of_time).collect();
        let points = rows.iter().flat_map(|row| &self.seen.x[2 * row..][..2]);
        let points: Vec<f64> = points.copied().collect();
        let classes: Vec<f64> = rows.iter().map(|row| self.seen.y[*row]).collect();
        let surface = Surface::new(&axis, &axis, prediction.mean()).name("probability of class 1");
        let surface = surface.beside("sd between draws", prediction.sd_between_draws());
        let surface = surface
            .points(&points, &classes)
            .class_names(["class 0", "class 1"]);
        Ok(surface.x_label("x1").y_label("x2").to_svg()?)
    }
}
