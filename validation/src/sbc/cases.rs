//! The models that are calibrated, and the bugs planted in them.

use bayes_nn::distributions::{Distribution, Flat, HalfNormal, Normal, Poisson};
use bayes_nn::model::{Batch, Data, Trace, Var};

use super::Case;

/// All right models, then all wrong ones.
pub const ALL: [Case; 7] = [
    normal(),
    SCHOOLS,
    COUNTS,
    normal_with_smaller_sd(),
    Case {
        bug: Some("the Jacobian is missing"),
        sampled: without_jacobian,
        ..normal()
    },
    Case {
        bug: Some("all rows, scaled as if they were half of them"),
        sampled: scaled_twice,
        ..normal()
    },
    Case {
        bug: Some("half of the rows, not scaled"),
        rows_seen: ROWS / 2,
        ..normal()
    },
];

fn log_prob<'g>(distribution: impl Distribution<'g>, x: f64) -> f64 {
    distribution
        .log_prob(Var::from(x))
        .number()
        .unwrap_or(f64::NAN)
}

// Mean and standard deviation of a normal.

const ROWS: usize = 10;

/// A normal with unknown mean and standard deviation.
pub const fn normal() -> Case {
    Case {
        name: "normal",
        bug: None,
        truth: mean_and_sd,
        sampled: mean_and_sd,
        data: |y| Data::new().column("y", y),
        rows: ROWS,
        rows_seen: ROWS,
        parameters: &["mean", "sd"],
        log_prior: |at| {
            let mean = log_prob(Normal::new(0.0, 2.0), at.number("mean"));
            mean + log_prob(HalfNormal::new(1.0), at.number("sd"))
        },
        log_likelihood: |at, y| {
            let normal = Normal::new(at.number("mean"), at.number("sd"));
            y.iter().map(|y| log_prob(normal, *y)).sum()
        },
    }
}

fn mean_and_sd<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mean = trace.sample("mean", Normal::new(0.0, 2.0));
    let sd = trace.sample("sd", HalfNormal::new(1.0));
    trace.observe("y", Normal::new(mean, sd), data.column("y"));
}

/// The same, sampled as if the standard deviation of the data were smaller than it is.
pub const fn normal_with_smaller_sd() -> Case {
    Case {
        bug: Some("sd of the likelihood x 0.8"),
        sampled: smaller_sd,
        ..normal()
    }
}

fn smaller_sd<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mean = trace.sample("mean", Normal::new(0.0, 2.0));
    let sd = trace.sample("sd", HalfNormal::new(1.0));
    trace.observe("y", Normal::new(mean, 0.8 * sd), data.column("y"));
}

fn without_jacobian<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mean = trace.sample("mean", Normal::new(0.0, 2.0));
    let log_sd = trace.sample("log_sd", Flat::real());
    let sd = trace.deterministic("sd", log_sd.exp());
    // Should be the density of sd plus log_sd.
    trace.factor("prior", HalfNormal::new(1.0).log_prob(sd));
    trace.observe("y", Normal::new(mean, sd), data.column("y"));
}

fn scaled_twice<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mean = trace.sample("mean", Normal::new(0.0, 2.0));
    let sd = trace.sample("sd", HalfNormal::new(1.0));
    trace.scaled(2.0, || {
        trace.observe("y", Normal::new(mean, sd), data.column("y"));
    });
}

// A hierarchy, non-centred.

/// The standard errors of the eight schools.
const ERRORS: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];

const SCHOOLS: Case = Case {
    name: "eight schools, non-centred",
    bug: None,
    truth: schools,
    sampled: schools,
    data: |y| Data::new().column("y", y)?.column("error", &ERRORS),
    rows: 8,
    rows_seen: 8,
    parameters: &["mu", "tau", "theta"],
    log_prior: |at| {
        let standard = at.values("standard").iter();
        log_prob(Normal::new(0.0, 5.0), at.number("mu"))
            + log_prob(HalfNormal::new(10.0), at.number("tau"))
            + standard
                .map(|t| log_prob(Normal::new(0.0, 1.0), *t))
                .sum::<f64>()
    },
    log_likelihood: |at, y| {
        let effects = at.values("theta").iter().zip(ERRORS).zip(y);
        effects
            .map(|((theta, error), y)| log_prob(Normal::new(*theta, error), *y))
            .sum()
    },
};

fn schools<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mu = trace.sample("mu", Normal::new(0.0, 5.0));
    let tau = trace.sample("tau", HalfNormal::new(10.0));
    let standard = trace.sample("standard", Normal::new(0.0, 1.0).expand([8]));
    let theta = trace.deterministic("theta", mu + tau * standard);
    trace.observe(
        "y",
        Normal::new(theta, data.column("error")),
        data.column("y"),
    );
}

// Counts that grow with a predictor.

const DOSES: [f64; 12] = [
    -2.0, -1.6, -1.3, -0.9, -0.5, -0.2, 0.2, 0.5, 0.9, 1.3, 1.6, 2.0,
];

const COUNTS: Case = Case {
    name: "Poisson regression",
    bug: None,
    truth: counts,
    sampled: counts,
    data: |y| Data::new().column("y", y)?.column("dose", &DOSES),
    rows: 12,
    rows_seen: 12,
    parameters: &["intercept", "slope"],
    log_prior: |at| {
        log_prob(Normal::new(1.0, 0.5), at.number("intercept"))
            + log_prob(Normal::new(0.0, 0.5), at.number("slope"))
    },
    log_likelihood: |at, y| {
        let (intercept, slope) = (at.number("intercept"), at.number("slope"));
        let rate = |dose: f64| Var::from(intercept + slope * dose).exp();
        let doses = DOSES.iter().zip(y);
        doses
            .map(|(dose, y)| log_prob(Poisson::new(rate(*dose)), *y))
            .sum()
    },
};

fn counts<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let intercept = trace.sample("intercept", Normal::new(1.0, 0.5));
    let slope = trace.sample("slope", Normal::new(0.0, 0.5));
    let rate = (intercept + slope * data.column("dose")).exp();
    trace.observe("y", Poisson::new(rate), data.column("y"));
}
