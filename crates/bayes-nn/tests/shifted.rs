//! An outcome in other units, with its priors in the same, gives the same answer: ten models whose
//! outcome is moved by a million of its spreads and multiplied by a thousandth and a thousand.

use bayes_nn::Posterior;
use bayes_nn::distributions::{Cauchy, Exponential, HalfCauchy, MultivariateNormal};
use bayes_nn::model::{self, Batch, Model, Trace};
use bayes_nn::prelude::*;

/// How a variable changes with the units of the outcome.
#[derive(Clone, Copy)]
enum Kind {
    /// As the outcome itself.
    Level,
    /// As a difference of outcomes.
    Difference,
    /// Not at all.
    Same,
}
use Kind::{Difference, Level, Same};

/// Units: the outcome in them is `shift + scale * y`.
#[derive(Clone, Copy, Debug)]
struct Units {
    shift: f64,
    scale: f64,
}

impl Units {
    fn of(self, value: f64, kind: Kind) -> f64 {
        match kind {
            Level => (value - self.shift) / self.scale,
            Difference => value / self.scale,
            Same => value,
        }
    }
}

struct Case {
    name: &'static str,
    write: for<'g> fn(&Trace<'g>, &Batch<'g>, Units),
    variables: &'static [(&'static str, Kind)],
}

const CASES: [Case; 10] = [
    Case {
        name: "level",
        write: |trace, data, u| {
            let mu = trace.sample("mu", Normal::new(u.shift, 10.0 * u.scale));
            let sigma = trace.sample("sigma", HalfNormal::new(5.0 * u.scale));
            trace.observe("y", Normal::new(mu, sigma), data.column("y"));
        },
        variables: &[("mu", Level), ("sigma", Difference)],
    },
    Case {
        name: "line",
        write: |trace, data, u| {
            let a = trace.sample("a", Normal::new(u.shift, 10.0 * u.scale));
            let b = trace.sample("b", Normal::new(0.0, 5.0 * u.scale));
            let sigma = trace.sample("sigma", HalfNormal::new(2.0 * u.scale));
            let mean = a + b * data.column("x");
            trace.observe("y", Normal::new(mean, sigma), data.column("y"));
        },
        variables: &[("a", Level), ("b", Difference), ("sigma", Difference)],
    },
    Case {
        name: "parabola",
        write: |trace, data, u| {
            let a = trace.sample("a", Normal::new(u.shift, 10.0 * u.scale));
            let b = trace.sample("b", Normal::new(0.0, 5.0 * u.scale));
            let c = trace.sample("c", Normal::new(0.0, 5.0 * u.scale));
            let sigma = trace.sample("sigma", Exponential::new(1.0 / u.scale));
            let x = data.column("x");
            let mean = a + b * x + c * x * x;
            trace.observe("y", Normal::new(mean, sigma), data.column("y"));
        },
        variables: &[("a", Level), ("b", Difference), ("c", Difference)],
    },
    Case {
        name: "heavy tails",
        write: |trace, data, u| {
            let mu = trace.sample("mu", Normal::new(u.shift, 10.0 * u.scale));
            let sigma = trace.sample("sigma", HalfNormal::new(5.0 * u.scale));
            trace.observe("y", StudentT::new(4.0, mu, sigma), data.column("y"));
        },
        variables: &[("mu", Level), ("sigma", Difference)],
    },
    Case {
        name: "median",
        write: |trace, data, u| {
            let a = trace.sample("a", Cauchy::new(u.shift, 5.0 * u.scale));
            let b = trace.sample("b", Normal::new(0.0, 5.0 * u.scale));
            let width = trace.sample("width", HalfCauchy::new(2.0 * u.scale));
            let median = a + b * data.column("x");
            trace.observe("y", Laplace::new(median, width), data.column("y"));
        },
        variables: &[("a", Level), ("b", Difference), ("width", Difference)],
    },
    Case {
        name: "groups",
        write: |trace, data, u| {
            let mu = trace.sample("mu", Normal::new(u.shift, 10.0 * u.scale));
            let tau = trace.sample("tau", HalfNormal::new(2.0 * u.scale));
            let standard = trace.sample("standard", Normal::new(0.0, 1.0).expand([4]));
            let sigma = trace.sample("sigma", HalfNormal::new(2.0 * u.scale));
            let level = (mu + tau * standard).gather(data.index("group"), 0);
            trace.observe("y", Normal::new(level, sigma), data.column("y"));
        },
        variables: &[("mu", Level), ("tau", Difference), ("standard", Same)],
    },
    Case {
        name: "two spreads",
        write: |trace, data, u| {
            let mu = trace.sample("mu", Normal::new(u.shift, 10.0 * u.scale).expand([4]));
            let sigma = trace.sample("sigma", HalfNormal::new(3.0 * u.scale).expand([4]));
            let group = data.index("group");
            let outcome = Normal::new(mu.gather(group, 0), sigma.gather(group, 0));
            trace.observe("y", outcome, data.column("y"));
        },
        variables: &[("mu", Level), ("sigma", Difference)],
    },
    Case {
        name: "decay",
        write: |trace, data, u| {
            let end = trace.sample("end", Normal::new(u.shift, 10.0 * u.scale));
            let fall = trace.sample("fall", Normal::new(0.0, 10.0 * u.scale));
            let rate = trace.sample("rate", LogNormal::new(0.0, 0.5));
            let sigma = trace.sample("sigma", HalfNormal::new(2.0 * u.scale));
            let mean = end + fall * (-(rate * (data.column("x") + 1.5))).exp();
            trace.observe("y", Normal::new(mean, sigma), data.column("y"));
        },
        variables: &[("end", Level), ("fall", Difference), ("rate", Same)],
    },
    Case {
        name: "process",
        write: |trace, data, u| {
            let mu = trace.sample("mu", Normal::new(u.shift, 10.0 * u.scale));
            let amplitude = trace.sample("amplitude", HalfNormal::new(3.0 * u.scale));
            let noise = trace.sample("noise", HalfNormal::new(u.scale));
            let x = data.column("x");
            let distance = x.reshape([ROWS, 1]) - x;
            let smooth = amplitude * amplitude * (distance * distance * -0.5).exp();
            let identity: Vec<f64> = (0..ROWS * ROWS)
                .map(|place| f64::from(place / ROWS == place % ROWS))
                .collect();
            let identity = trace.graph().constant(&identity, [ROWS, ROWS]);
            let covariance = smooth + (noise * noise + 0.01 * u.scale * u.scale) * identity;
            let process = MultivariateNormal::with_covariance(mu, covariance);
            trace.observe("y", process, data.column("y"));
        },
        variables: &[
            ("mu", Level),
            ("amplitude", Difference),
            ("noise", Difference),
        ],
    },
    Case {
        name: "autoregression",
        write: |trace, data, u| {
            let mu = trace.sample("mu", Normal::new(u.shift, 10.0 * u.scale));
            let phi = trace.sample("phi", Uniform::new(-0.8, 0.8));
            let sigma = trace.sample("sigma", HalfNormal::new(3.0 * u.scale));
            let y = data.column("y");
            let mean = mu + phi * (y.view(0, [ROWS - 1]) - mu);
            let density = Normal::new(mean, sigma).log_prob(y.view(1, [ROWS - 1]));
            trace.factor("y", density.sum());
        },
        variables: &[("mu", Level), ("phi", Same), ("sigma", Difference)],
    },
];

const ROWS: usize = 16;
/// An outcome of mean 1.7 and standard deviation 2.0.
const OUTCOME: [f64; ROWS] = [
    0.2, -1.6, 1.1, 0.4, 0.9, 2.6, 0.1, 1.9, 1.2, 3.1, 0.8, 2.2, 3.9, 1.6, 5.4, 4.3,
];

fn data(units: Units) -> Data {
    let x: Vec<f64> = (0..ROWS).map(|row| row as f64 / 5.0 - 1.5).collect();
    let group: Vec<usize> = (0..ROWS).map(|row| row % 4).collect();
    let y = OUTCOME.map(|y| units.shift + units.scale * y);
    let data = Data::new().column("x", x).unwrap();
    let data = data.index("group", &group).unwrap();
    data.column("y", &y).unwrap()
}

/// The means and standard deviations of all variables, in the units of `OUTCOME`.
fn moments<M: Model>(case: &Case, fit: &Posterior<M>, units: Units) -> Vec<(f64, f64)> {
    let draws = fit.draws(20_000, 1).unwrap();
    let mut found = Vec::new();
    for (name, kind) in case.variables {
        let variable = draws.variable(name).unwrap();
        let (mean, sd) = (variable.mean(), variable.sd());
        for (mean, sd) in mean.iter().zip(&sd) {
            let sd = match kind {
                Same => *sd,
                Level | Difference => sd / units.scale,
            };
            found.push((units.of(*mean, *kind), sd));
        }
    }
    found
}

/// The largest differences of means, in standard deviations, and of standard deviations, as a ratio,
/// between fits in other units and one in those of the outcome.
fn largest<Method: bayes_nn::Method>(method: &Method, case: &Case) -> (f64, f64) {
    let fit = |units: Units| {
        let write = case.write;
        let model = model::from_fn(move |trace, data| write(trace, data, units));
        let fit = model::fit(&model, data(units), method).unwrap();
        moments(case, &fit, units)
    };
    let plain = fit(Units {
        shift: 0.0,
        scale: 1.0,
    });
    let shift = 1e6 * 2.0;
    let (mut means, mut sds) = (0.0_f64, 0.0_f64);
    for scale in [1e-3, 1e3] {
        let units = Units {
            shift: shift * scale,
            scale,
        };
        for ((mean, sd), (right, right_sd)) in fit(units).iter().zip(&plain) {
            let off = (mean - right).abs() / right_sd;
            let ratio = (sd / right_sd).ln().abs();
            (means, sds) = (means.max(off), sds.max(ratio));
        }
    }
    (means, sds)
}

#[test]
fn guides_are_the_same_in_other_units() {
    for case in &CASES {
        for advi in [Advi::full_rank(), Advi::mean_field()] {
            let (means, sds) = largest(&advi, case);
            println!("{}: means by {means:.3} sd, sds by {sds:.3}", case.name);
            assert!(means < 0.1 && sds < 0.1, "{}: {means} sd, {sds}", case.name);
        }
    }
}

#[test]
fn chains_draw_the_same_in_other_units() {
    for case in &CASES {
        let (means, sds) = largest(&Nuts::new().seed(1), case);
        println!("{}: means by {means:.3} sd, sds by {sds:.3}", case.name);
        assert!(means < 0.2 && sds < 0.2, "{}: {means} sd, {sds}", case.name);
    }
}
