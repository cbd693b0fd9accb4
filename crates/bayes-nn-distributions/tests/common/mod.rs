//! The fixtures of `fixtures/generate.py`: reading them, and building what they describe; the
//! distributions of one number, built from any three numbers.

// Each test that includes this file uses its own part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bayes_nn_autodiff::{Graph, Var};
use bayes_nn_distributions::{
    AutoRegressive, Bernoulli, Beta, BetaBinomial, Binomial, Categorical, Cauchy, ChiSquared,
    Dirichlet, Distribution, ExGaussian, Exponential, Gamma, GaussianRandomWalk, Geometric, Gumbel,
    HalfCauchy, HalfNormal, HalfStudentT, Horseshoe, InverseGamma, Laplace, LkjCholesky, LogNormal,
    Logistic, Mixture, Multinomial, MultivariateNormal, MultivariateStudentT, NegativeBinomial,
    Normal, Ordered, OrderedLogistic, Poisson, SkewNormal, SphericalStudentT, StudentT,
    TruncatedNormal, Uniform, VonMises, Weibull, ZeroInflatedPoisson,
};
use serde::Deserialize;

/// Builds a distribution from three numbers: one real, one positive, one probability.
pub type Build = for<'g> fn([Var<'g>; 3]) -> Box<dyn Distribution<'g> + 'g>;

/// The distributions of one number.
pub const FAMILIES: &[Build] = &[
    |[loc, scale, _]| Box::new(Normal::new(loc, scale)),
    |[_, scale, _]| Box::new(HalfNormal::new(scale)),
    |[loc, scale, _]| Box::new(LogNormal::new(loc, scale)),
    |[loc, scale, _]| Box::new(Laplace::new(loc, scale)),
    |[loc, df, p]| Box::new(StudentT::new(df, loc, p + 1e-3)),
    |[low, width, _]| Box::new(Uniform::new(low, low + width)),
    |[_, _, p]| Box::new(Bernoulli::probs(p)),
    |[logits, _, _]| Box::new(Bernoulli::logits(logits)),
    |[_, rate, _]| Box::new(Poisson::new(rate)),
    |[loc, scale, p]| {
        let parts = [
            (p, Normal::new(loc, scale)),
            (1.0 - p, Normal::new(0.0, 1.0)),
        ];
        Box::new(Mixture::new(parts))
    },
    |[_, rate, p]| {
        let parts = [(p, Poisson::new(rate)), (1.0 - p, Poisson::new(2.0))];
        Box::new(Mixture::new(parts))
    },
    |[loc, scale, _]| Box::new(Cauchy::new(loc, scale)),
    |[_, scale, _]| Box::new(HalfCauchy::new(scale)),
    |[_, df, p]| Box::new(HalfStudentT::new(df, p + 1e-3)),
    |[_, rate, _]| Box::new(Exponential::new(rate)),
    |[_, concentration, p]| Box::new(Gamma::new(concentration, p + 1e-3)),
    |[_, scale, p]| Box::new(InverseGamma::new(p + 0.1, scale)),
    |[_, df, _]| Box::new(ChiSquared::new(df)),
    |[_, alpha, p]| Box::new(Beta::new(alpha, p + 1e-3)),
    |[loc, scale, _]| Box::new(Logistic::new(loc, scale)),
    |[loc, scale, _]| Box::new(Gumbel::new(loc, scale)),
    |[_, concentration, p]| Box::new(Weibull::new(concentration, p + 1e-3)),
    |[_, n, p]| Box::new(Binomial::probs(n.floor(), p)),
    |[logits, n, _]| Box::new(Binomial::logits(n.floor(), logits)),
    |[_, mean, p]| Box::new(NegativeBinomial::new(mean, p + 1e-3)),
    |[_, concentration, p]| Box::new(NegativeBinomial::new(p + 1e-3, concentration)),
    |[_, n, p]| Box::new(BetaBinomial::new(n.floor(), p + 1e-3, 0.7)),
    |[_, beta, p]| Box::new(BetaBinomial::new(9.0, p + 1e-3, beta)),
    |[_, _, p]| Box::new(Geometric::new(p)),
    |[_, scale, _]| Box::new(Horseshoe::new(scale)),
    |[loc, scale, p]| Box::new(TruncatedNormal::above(loc, scale, p)),
    |[loc, scale, p]| Box::new(TruncatedNormal::below(loc, scale, -p)),
    |[low, width, p]| Box::new(TruncatedNormal::new(0.5, p + 1e-3, low, low + width)),
    |[loc, scale, p]| Box::new(TruncatedNormal::new(loc, scale, -1.0, p)),
    |[skew, scale, p]| Box::new(SkewNormal::new(p, scale, skew)),
    |[loc, rate, p]| Box::new(ExGaussian::new(loc, p + 1e-3, rate)),
    |[loc, concentration, _]| Box::new(VonMises::new(loc, concentration)),
    |[predictor, cutpoint, _]| Box::new(OrderedLogistic::new(predictor, cutpoint)),
    |[_, rate, p]| Box::new(ZeroInflatedPoisson::new(p, rate)),
];

/// One family's file.
#[derive(Deserialize)]
pub struct Family {
    pub family: String,
    /// Of what the components of a mixture are.
    pub component: Option<String>,
    pub cases: Vec<Case>,
}

/// A point, the log density there, and its derivatives by `x` (unless discrete) and by every
/// parameter.
#[derive(Deserialize, Clone)]
pub struct Case {
    pub parameters: BTreeMap<String, Numbers>,
    pub x: Numbers,
    pub log_prob: Number,
    pub derivatives: BTreeMap<String, Numbers>,
}

/// A double that was written as a decimal, which `str::parse` rounds correctly.
#[derive(Deserialize, Clone, Copy)]
#[serde(try_from = "String")]
pub struct Number(pub f64);

impl TryFrom<String> for Number {
    type Error = std::num::ParseFloatError;
    fn try_from(text: String) -> Result<Number, Self::Error> {
        text.parse().map(Number)
    }
}

/// One number, or one for each element of an event axis.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
pub enum Numbers {
    One(Number),
    Many(Vec<Number>),
}

impl Numbers {
    pub fn values(&self) -> Vec<f64> {
        match self {
            Numbers::One(number) => vec![number.0],
            Numbers::Many(numbers) => numbers.iter().map(|n| n.0).collect(),
        }
    }
}

/// All families, in the order of their file names.
pub fn families() -> Vec<Family> {
    // From the sibling, so that the tests of other crates can include this file.
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = crates.join("bayes-nn-distributions/fixtures");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the folder of fixtures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    paths.sort();
    let read = |path| {
        let text = fs::read_to_string(path).expect("a readable fixture");
        serde_json::from_str(&text).expect("a fixture in the form that generate.py writes")
    };
    paths.iter().map(read).collect()
}

/// The parameters of a case as plain numbers; one with an event axis is a constant of `graph`.
pub fn numbers<'g>(case: &Case, graph: &'g Graph) -> BTreeMap<String, Var<'g>> {
    let var = |numbers: &Numbers| match numbers {
        Numbers::One(number) => Var::from(number.0),
        Numbers::Many(many) => graph.constant(&numbers.values(), many.len()),
    };
    let named = case.parameters.iter();
    named.map(|(name, n)| (name.clone(), var(n))).collect()
}

/// The parameters of a case as inputs of `graph`.
pub fn inputs<'g>(case: &Case, graph: &'g Graph) -> BTreeMap<String, Var<'g>> {
    let var = |name: &str, numbers: &Numbers| match numbers {
        Numbers::One(_) => graph.input(name, []),
        Numbers::Many(many) => graph.input(name, many.len()),
    };
    let named = case.parameters.iter();
    named
        .map(|(name, n)| (name.clone(), var(name, n)))
        .collect()
}

/// Where a series begins, if that is told.
fn initial<'g>(parameters: &BTreeMap<String, Var<'g>>) -> Option<Normal<'g>> {
    let loc = *parameters.get("initial.loc")?;
    Some(Normal::new(loc, parameters["initial.scale"]))
}

/// A matrix that was given by rows.
fn square(flat: Var<'_>) -> Var<'_> {
    let size = flat.shape().elements().isqrt();
    flat.reshape([size, size])
}

/// The distribution of a family with these parameters, of events of so many numbers.
pub fn build<'g>(
    family: &str,
    component: Option<&str>,
    event: usize,
    parameters: &BTreeMap<String, Var<'g>>,
) -> Box<dyn Distribution<'g> + 'g> {
    let p = |name: &str| parameters[name];
    match family {
        "Normal" => Box::new(Normal::new(p("loc"), p("scale"))),
        "HalfNormal" => Box::new(HalfNormal::new(p("scale"))),
        "LogNormal" => Box::new(LogNormal::new(p("loc"), p("scale"))),
        "Laplace" => Box::new(Laplace::new(p("loc"), p("scale"))),
        "StudentT" => Box::new(StudentT::new(p("df"), p("loc"), p("scale"))),
        "Uniform" => Box::new(Uniform::new(p("low"), p("high"))),
        "Bernoulli" => match parameters.get("logits") {
            Some(&logits) => Box::new(Bernoulli::logits(logits)),
            None => Box::new(Bernoulli::probs(p("probs"))),
        },
        "Cauchy" => Box::new(Cauchy::new(p("loc"), p("scale"))),
        "HalfCauchy" => Box::new(HalfCauchy::new(p("scale"))),
        "HalfStudentT" => Box::new(HalfStudentT::new(p("df"), p("scale"))),
        "Exponential" => Box::new(Exponential::new(p("rate"))),
        "Gamma" => Box::new(Gamma::new(p("concentration"), p("rate"))),
        "InverseGamma" => Box::new(InverseGamma::new(p("concentration"), p("scale"))),
        "ChiSquared" => Box::new(ChiSquared::new(p("df"))),
        "Beta" => Box::new(Beta::new(p("alpha"), p("beta"))),
        "Logistic" => Box::new(Logistic::new(p("loc"), p("scale"))),
        "Gumbel" => Box::new(Gumbel::new(p("loc"), p("scale"))),
        "Weibull" => Box::new(Weibull::new(p("concentration"), p("scale"))),
        "Binomial" => match parameters.get("logits") {
            Some(&logits) => Box::new(Binomial::logits(p("total_count"), logits)),
            None => Box::new(Binomial::probs(p("total_count"), p("probs"))),
        },
        "NegativeBinomial" => Box::new(NegativeBinomial::new(p("mean"), p("concentration"))),
        "BetaBinomial" => {
            let urn = BetaBinomial::new(p("total_count"), p("alpha"), p("beta"));
            Box::new(urn)
        }
        "Geometric" => Box::new(Geometric::new(p("probs"))),
        "ZeroInflatedPoisson" => Box::new(ZeroInflatedPoisson::new(p("gate"), p("rate"))),
        "TruncatedNormal" => {
            let (loc, scale) = (p("loc"), p("scale"));
            let normal = match (parameters.get("low"), parameters.get("high")) {
                (Some(&low), Some(&high)) => TruncatedNormal::new(loc, scale, low, high),
                (Some(&low), None) => TruncatedNormal::above(loc, scale, low),
                _ => TruncatedNormal::below(loc, scale, p("high")),
            };
            Box::new(normal)
        }
        "SkewNormal" => Box::new(SkewNormal::new(p("loc"), p("scale"), p("skew"))),
        "ExGaussian" => Box::new(ExGaussian::new(p("loc"), p("scale"), p("rate"))),
        "VonMises" => Box::new(VonMises::new(p("loc"), p("concentration"))),
        "OrderedLogistic" => Box::new(OrderedLogistic::new(p("predictor"), p("cutpoints"))),
        "MultivariateNormal" => {
            Box::new(MultivariateNormal::new(p("loc"), square(p("scale_tril"))))
        }
        "MultivariateStudentT" => {
            let factor = square(p("scale_tril"));
            Box::new(MultivariateStudentT::new(p("df"), p("loc"), factor))
        }
        "SphericalStudentT" => {
            let (concentration, scale) = (p("concentration"), p("scale"));
            Box::new(SphericalStudentT::new(concentration, scale, [event]))
        }
        "LkjCholesky" => Box::new(LkjCholesky::new(event.isqrt(), p("concentration"))),
        "Multinomial" => match parameters.get("logits") {
            Some(&logits) => Box::new(Multinomial::logits(p("total_count"), logits)),
            None => Box::new(Multinomial::probs(p("total_count"), p("probs"))),
        },
        "GaussianRandomWalk" => {
            let walk = GaussianRandomWalk::new(event, p("drift"), p("scale"));
            match initial(parameters) {
                Some(initial) => Box::new(walk.initial(initial)),
                None => Box::new(walk),
            }
        }
        "AutoRegressive" => {
            let (constant, scale) = (p("constant"), p("scale"));
            let series = AutoRegressive::new(event, constant, p("coefficients"), scale);
            match initial(parameters) {
                Some(initial) => Box::new(series.initial(initial)),
                None => Box::new(series),
            }
        }
        "Ordered" => match component {
            Some("Normal") => Box::new(Ordered::new(Normal::new(p("loc"), p("scale")), event)),
            other => panic!("no ordered draws of {other:?} are built"),
        },
        "Horseshoe" => Box::new(Horseshoe::new(p("scale"))),
        "Dirichlet" => Box::new(Dirichlet::new(p("concentration"))),
        "Categorical" => Box::new(Categorical::new(p("logits"))),
        "Poisson" => Box::new(Poisson::new(p("rate"))),
        "Mixture" => {
            let component = component.expect("a mixture names its components");
            let weights = (0..).map_while(|i| parameters.get(&format!("weight[{i}]")));
            Box::new(Mixture::new(weights.enumerate().map(|(i, &weight)| {
                let prefix = format!("component[{i}].");
                let own = parameters
                    .iter()
                    .filter_map(|(name, &v)| Some((name.strip_prefix(&prefix)?.to_owned(), v)))
                    .collect();
                (weight, build(component, None, event, &own))
            })))
        }
        other => panic!("no constructor is named for the family {other}"),
    }
}
