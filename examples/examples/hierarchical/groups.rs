//! Two moons, turned by an angle of its own in each group.

use std::error::Error;
use std::path::Path;

use bayes_nn::datasets;
use bayes_nn::prelude::*;

/// Points in groups.
#[derive(Clone, Default)]
pub struct Points {
    /// Row after row.
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub groups: Vec<String>,
}

impl Points {
    fn push(&mut self, x: [f64; 2], y: f64, group: &str) {
        self.x.extend(x);
        self.y.push(y);
        self.groups.push(group.to_owned());
    }

    pub fn names(&self) -> Vec<String> {
        let mut names = self.groups.clone();
        names.sort();
        names.dedup();
        names
    }

    /// The points of some groups, of each at most so many.
    pub fn of(&self, wanted: impl Fn(&str) -> usize) -> Points {
        let mut taken = std::collections::BTreeMap::<&str, usize>::new();
        let mut points = Points::default();
        for (row, group) in self.groups.iter().enumerate() {
            let count = taken.entry(group).or_default();
            if *count < wanted(group) {
                *count += 1;
                points.push([self.x[2 * row], self.x[2 * row + 1]], self.y[row], group);
            }
        }
        points
    }

    pub fn data(&self) -> Result<Data, bayes_nn::Error> {
        let data = Data::new().matrix("x", &self.x, 2)?;
        data.groups("group", &self.groups)?.column("y", &self.y)
    }

    /// The share of points whose class has more than half of the probability.
    pub fn accuracy(&self, probability: &[f64]) -> f64 {
        let right = probability.iter().zip(&self.y);
        let right = right.filter(|(p, y)| (**p > 0.5) == (**y > 0.5)).count();
        right as f64 / self.y.len() as f64
    }
}

/// Points to learn from and others, of a file with the columns `group`, `is_test`, `x1`, `x2` and `y`.
pub fn read(path: &Path) -> Result<[Points; 2], Box<dyn Error>> {
    let table = Table::read(path)?;
    let column =
        |name: &str| -> Result<Vec<f64>, Box<dyn Error>> { Ok(table.numbers(name)?.to_vec()) };
    let (group, is_test) = (column("group")?, column("is_test")?);
    let (x1, x2, y) = (column("x1")?, column("x2")?, column("y")?);
    let mut parts = [Points::default(), Points::default()];
    for row in 0..y.len() {
        let part = &mut parts[usize::from(is_test[row] > 0.5)];
        part.push([x1[row], x2[row]], y[row], &format!("{:02}", group[row]));
    }
    Ok(parts)
}

/// As many groups, each of 50 points to learn from and 50 others, turned on by the golden angle.
pub fn drawn(groups: usize, seed: u64) -> Result<[Points; 2], Box<dyn Error>> {
    let mut parts = [Points::default(), Points::default()];
    for group in 0..groups {
        let moons = datasets::moons(100, 0.3, seed + group as u64)?.standardized();
        let halves: [Dataset; 2] = moons.split(0.5, seed)?.into();
        let (sin, cos) = (2.399_963 * group as f64).sin_cos();
        for (part, half) in parts.iter_mut().zip(&halves) {
            for row in 0..half.rows() {
                let [a, b] = [half.row(row)[0], half.row(row)[1]];
                let turned = [cos * a - sin * b, sin * a + cos * b];
                part.push(turned, half.y()[row], &format!("{group:02}"));
            }
        }
    }
    Ok(parts)
}
