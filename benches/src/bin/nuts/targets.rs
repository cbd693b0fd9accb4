//! The densities: the same code for every sampler.

use std::error::Error;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use bayes_nn::data::Recipe;
use bayes_nn::nuts::{CompiledDensity, EvalError, LogDensity};
use bayes_nn::{Dataset, Table, datasets};
use bayes_nn_autodiff::{Graph, Var};
use bayes_nn_inference::{Density, DensityError, Handler, Rows, Site, Term, Traced};
use bayes_nn_kernels::Binding;

/// A density and what its effective sample sizes are of.
pub struct Target {
    pub name: &'static str,
    /// How many times as many seeds its numbers need as those of others.
    pub spread: u64,
    make: Box<dyn Fn() -> Box<dyn LogDensity + Send>>,
    quantities: Quantities,
}

/// The scalars whose smallest bulk ESS is reported.
enum Quantities {
    Coordinates,
    /// The network's logits at the first test rows, `[rows, 2]`.
    Logits(Vec<f64>),
}

/// Test rows whose logits are looked at.
const TEST_ROWS: usize = 50;
const UNITS: usize = 5;

impl Target {
    /// The four targets; the moons from a file with the columns `x1`, `x2`, `y` and `is_test`, or
    /// drawn.
    pub fn all(moons: Option<&Path>) -> Result<Vec<Target>, Box<dyn Error>> {
        let simple = |name, spread, make: fn() -> Box<dyn LogDensity + Send>| Target {
            name,
            spread,
            make: Box::new(make),
            quantities: Quantities::Coordinates,
        };
        let (train, test) = match moons {
            Some(path) => Table::read(path)?
                .only(["x1", "x2"])?
                .target("y")?
                .with_recipe(&Recipe::new().unscaled())?
                .split_marked("is_test")?,
            None => datasets::moons(1000, 0.2, 0)?
                .standardized()
                .split(0.5, 0)?,
        };
        let net = Network::new(&train);
        // One that cannot be compiled shows here and not in the middle of a run.
        CompiledDensity::new(&net)?;
        Ok(vec![
            simple("correlated normal", 1, || Box::new(Correlated::new())),
            simple("funnel", 6, || Box::new(Funnel)),
            simple("logistic", 1, || Box::new(Logistic::new())),
            Target {
                name: "moons net",
                spread: 1,
                make: Box::new(move || {
                    Box::new(CompiledDensity::new(&net).expect("it was compiled before"))
                }),
                quantities: Quantities::Logits(test.x()[..2 * TEST_ROWS].to_vec()),
            },
        ])
    }

    /// A density of its own for a chain.
    pub fn density(&self) -> Box<dyn LogDensity + Send> {
        (self.make)()
    }

    /// The scalars of each draw of a chain `[draws, dim]`, one row for each scalar.
    pub fn quantities(&self, draws: &[f64], dim: usize) -> Vec<Vec<f64>> {
        match &self.quantities {
            Quantities::Coordinates => (0..dim)
                .map(|i| draws.iter().skip(i).step_by(dim).copied().collect())
                .collect(),
            Quantities::Logits(x) => x
                .chunks_exact(2)
                .map(|x| draws.chunks_exact(dim).map(|w| logit(w, x)).collect())
                .collect(),
        }
    }
}

/// A hundred normals, each correlated with the next by 0.9, with standard deviations from 0.1 to
/// 10: an autoregression of first order in stretched coordinates.
struct Correlated {
    scale: Vec<f64>,
}

impl Correlated {
    const DIM: usize = 100;
    const R: f64 = 0.9;

    fn new() -> Correlated {
        let exponent = |i| 2.0 * i as f64 / (Self::DIM - 1) as f64 - 1.0;
        Correlated {
            scale: (0..Self::DIM).map(|i| 10f64.powf(exponent(i))).collect(),
        }
    }
}

impl LogDensity for Correlated {
    fn dim(&self) -> usize {
        Self::DIM
    }

    fn log_prob_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        let precision = 1.0 / (1.0 - Self::R * Self::R);
        let mut before = x[0] / self.scale[0];
        let mut log_prob = -0.5 * before * before;
        gradient[0] = -before / self.scale[0];
        for i in 1..x.len() {
            let now = x[i] / self.scale[i];
            let step = now - Self::R * before;
            log_prob -= 0.5 * precision * step * step;
            gradient[i] = -precision * step / self.scale[i];
            gradient[i - 1] += Self::R * precision * step / self.scale[i - 1];
            before = now;
        }
        Ok(log_prob)
    }
}

/// Neal's funnel: `v ~ N(0, 3)`, and nine `x ~ N(0, exp(v / 2))`.
struct Funnel;

impl LogDensity for Funnel {
    fn dim(&self) -> usize {
        10
    }

    fn log_prob_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        let precision = (-x[0]).exp();
        let squares: f64 = x[1..].iter().map(|x| x * x).sum();
        gradient[0] = -x[0] / 9.0 - 4.5 + 0.5 * squares * precision;
        for (gradient, x) in gradient[1..].iter_mut().zip(&x[1..]) {
            *gradient = -x * precision;
        }
        Ok(-x[0] * x[0] / 18.0 - 4.5 * x[0] - 0.5 * squares * precision)
    }
}

/// Logistic regression with 24 features of unequal scale, an offset, and 200 rows; the weights
/// are `N(0, 1)`.
struct Logistic {
    /// `[rows, DIM]`, the last column of ones.
    x: Vec<f64>,
    y: Vec<f64>,
}

impl Logistic {
    const DIM: usize = 25;
    const ROWS: usize = 200;

    fn new() -> Logistic {
        let wave = |row: usize, column: usize| {
            ((row * row) as f64 * 0.37 + (row * (column + 1)) as f64 * 1.618).sin()
        };
        let mut x = Vec::with_capacity(Self::ROWS * Self::DIM);
        let mut y = Vec::with_capacity(Self::ROWS);
        for row in 0..Self::ROWS {
            // Neighbours are correlated.
            let features = (1..Self::DIM).map(|column| {
                let scale = 0.3 + 0.1 * column as f64;
                scale * (wave(row, column) + 0.7 * wave(row, column - 1))
            });
            let begin = x.len();
            x.extend(features);
            x.push(1.0);
            let truth = |i: usize| (1.7 * i as f64).cos() / (1.0 + 0.2 * i as f64);
            let logit: f64 = x[begin..]
                .iter()
                .enumerate()
                .map(|(i, x)| x * truth(i))
                .sum();
            y.push(f64::from(logit + 2.0 * wave(row, 97) > 0.0));
        }
        Logistic { x, y }
    }
}

impl LogDensity for Logistic {
    fn dim(&self) -> usize {
        Self::DIM
    }

    fn log_prob_grad(&mut self, w: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        let mut log_prob = 0.0;
        for (gradient, w) in gradient.iter_mut().zip(w) {
            log_prob -= 0.5 * w * w;
            *gradient = -w;
        }
        for (x, y) in self.x.chunks_exact(Self::DIM).zip(&self.y) {
            let logit: f64 = x.iter().zip(w).map(|(x, w)| x * w).sum();
            let tail = (-logit.abs()).exp();
            log_prob += y * logit - logit.max(0.0) - tail.ln_1p();
            let p = if logit > 0.0 { 1.0 } else { tail } / (1.0 + tail);
            for (gradient, x) in gradient.iter_mut().zip(x) {
                *gradient += (y - p) * x;
            }
        }
        Ok(log_prob)
    }
}

/// 2-5-5-1 with tanh, without biases, standard normal weights: `[5, 2]`, `[5, 5]`, `[5]`.
struct Network {
    sites: Vec<Site>,
    /// `[2, rows]`
    x: Arc<[f64]>,
    y: Arc<[f64]>,
}

const WEIGHTS: usize = 2 * UNITS + UNITS * UNITS + UNITS;

impl Network {
    fn new(train: &Dataset) -> Network {
        Network {
            sites: vec![Site::new("weights", [WEIGHTS], 0)],
            x: [train.column(0), train.column(1)].concat().into(),
            y: train.y().into(),
        }
    }
}

impl Density for Network {
    fn sites(&self) -> &[Site] {
        &self.sites
    }

    fn start(&self, _seed: u64) -> Result<Vec<f64>, DensityError> {
        Ok(vec![0.1; WEIGHTS])
    }

    fn trace<'g>(
        &self,
        graph: &'g Graph,
        handler: Rc<dyn Handler<'g> + 'g>,
        _: Rows,
    ) -> Result<Traced<'g>, DensityError> {
        let rows = self.y.len();
        let (x, y) = (graph.input("x", [2, rows]), graph.input("y", [rows]));
        let z = handler.unconstrained(&self.sites[0].name, self.sites[0].shape)?;
        let first = z.view(0, [UNITS, 2]).matmul(x).tanh();
        let second = z.view(2 * UNITS, [UNITS, UNITS]).matmul(first).tanh();
        let logits = z.view(2 * UNITS + UNITS * UNITS, [UNITS]).matmul(second);
        let input = |var: Var<'g>| var.input_id().ok_or("an input of the graph");
        Ok(Traced {
            terms: vec![
                Term::new("weights", -0.5 * (z * z).sum()),
                Term::new("y", (y * logits - logits.softplus()).sum()),
            ],
            data: vec![
                Binding::new(input(x)?, self.x.clone()),
                Binding::new(input(y)?, self.y.clone()),
            ],
            fed: None,
        })
    }
}

/// The network's output for one row.
fn logit(weights: &[f64], x: &[f64]) -> f64 {
    let (first, rest) = weights.split_at(2 * UNITS);
    let (second, last) = rest.split_at(UNITS * UNITS);
    let layer = |weights: &[f64], inputs: &[f64]| -> Vec<f64> {
        let rows = weights.chunks_exact(inputs.len());
        rows.map(|w| dot(w, inputs).tanh()).collect()
    };
    dot(last, &layer(second, &layer(first, x)))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
