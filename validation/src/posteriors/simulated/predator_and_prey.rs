//! Hares and lynxes (Lotka 1925, Volterra 1926): a differential equation inside a model.

use bayes_nn::distributions::{LogNormal, TruncatedNormal};
use bayes_nn::model::{Data, Var, concat, from_fn};

use super::Simulation;
use crate::Error;
use crate::data::Folder;
use crate::run::{Method, Run};

const YEARS: usize = 21;
/// Steps of the integrator a year.
const STEPS: usize = 4;

/// A number or a part of the graph.
trait Quantity:
    Copy
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Mul<f64, Output = Self>
{
}

impl Quantity for f64 {}
impl Quantity for Var<'_> {}

/// Hares and lynxes at the end of each year, from their numbers at the start and the rates of birth,
/// being eaten, death and eating, by Runge and Kutta's method of fourth order.
fn populations<T: Quantity>(start: [T; 2], [birth, eaten, death, eats]: [T; 4]) -> Vec<[T; 2]> {
    let change = |[hares, lynxes]: [T; 2]| {
        [
            (birth - eaten * lynxes) * hares,
            (eats * hares - death) * lynxes,
        ]
    };
    let after = |at: [T; 2], change: [T; 2], time: f64| {
        [at[0] + change[0] * time, at[1] + change[1] * time]
    };
    let time = 1.0 / STEPS as f64;
    let (mut at, mut years) = (start, Vec::new());
    for _ in 1..YEARS {
        for _ in 0..STEPS {
            let a = change(at);
            let b = change(after(at, a, time / 2.0));
            let c = change(after(at, b, time / 2.0));
            let d = change(after(at, c, time));
            let mean = |i: usize| (a[i] + b[i] * 2.0 + c[i] * 2.0 + d[i]) * (1.0 / 6.0);
            at = after(at, [mean(0), mean(1)], time);
        }
        years.push(at);
    }
    years
}

/// Rates and first numbers from counts with log-normal errors, 21 years of them.
pub fn lotka_volterra(_: &Folder, method: &Method) -> Result<Run, Error> {
    let mut simulation = Simulation::new(104);
    let start = [34.0, 6.0];
    let mut years = vec![start];
    years.extend(populations(start, [0.55, 0.028, 0.80, 0.024]));
    let mut counts = |species: usize| -> Vec<f64> {
        let errors = |year: &[f64; 2]| year[species] * simulation.normal(0.0, 0.25).exp();
        years.iter().map(errors).collect()
    };
    let data = Data::new()
        .column("hares", counts(0))?
        .column("lynxes", counts(1))?;
    let model = from_fn(|trace, data| {
        let fast = |name| trace.sample(name, TruncatedNormal::above(1.0, 0.5, 0.0));
        let slow = |name| trace.sample(name, TruncatedNormal::above(0.05, 0.05, 0.0));
        let rates = [fast("birth"), slow("eaten"), fast("death"), slow("eats")];
        let first = |name| trace.sample(name, LogNormal::new(10f64.ln(), 1.0));
        let start = [first("first_hares"), first("first_lynxes")];
        let sigma = [
            trace.sample("sigma_hares", LogNormal::new(-1.0, 1.0)),
            trace.sample("sigma_lynxes", LogNormal::new(-1.0, 1.0)),
        ];
        let mut years = vec![start];
        years.extend(populations(start, rates));
        for (species, name) in ["hares", "lynxes"].into_iter().enumerate() {
            let expected: Vec<_> = years
                .iter()
                .map(|year| year[species].reshape([1]))
                .collect();
            let expected = concat(&expected, 0).ln();
            let errors = LogNormal::new(expected, sigma[species]);
            trace.observe(name, errors, data.column(name));
        }
    });
    Ok(Run::of(&model, data, method)?)
}
