//! Priors: the distributions of this library that are given by numbers alone, and those that depend on
//! the parameter.

use std::any::Any;
use std::sync::Arc;

use bayes_nn_autodiff::Var;
use bayes_nn_distributions::{
    Beta, Cauchy, Distribution, Exponential, Gamma, Gumbel, HalfCauchy, HalfNormal, HalfStudentT,
    InverseGamma, Laplace, LogNormal, Logistic, Mixture, Normal, SkewNormal, StudentT, Uniform,
    Weibull,
};
use bayes_nn_models::saved::{FileError, Node, Place, Value, choice, record};

use super::super::Prior;
use super::super::prior::{Ard, Each, FanIn, Horseshoe, LearnedScale, SpikeSlab, StickBreaking};
use super::any;
use super::layers::of_kind;

/// The numbers of a distribution's parameters, if these are its names.
fn numbers<const N: usize>(
    distribution: &dyn Distribution<'static>,
    names: [&str; N],
) -> Option<[f64; N]> {
    let parameters = distribution.parameters();
    let known = parameters
        .iter()
        .map(|parameter| &*parameter.name)
        .eq(names);
    let numbers: Option<Vec<f64>> = parameters.iter().map(|p| p.value.number()).collect();
    numbers.filter(|_| known)?.try_into().ok()
}

macro_rules! families {
    ($($type:ident: $kind:literal [$($parameter:ident),*])*) => {
        /// A distribution of one of these types by its numbers.
        fn family(distribution: &dyn Any, place: &Place<'_>) -> Option<Value> {
            $(if let Some(own) = distribution.downcast_ref::<$type<'static>>() {
                let [$($parameter),*] = numbers(own, [$(stringify!($parameter)),*])?;
                return Some(
                    of_kind($kind, place)$(.put(stringify!($parameter), &$parameter))*.value()
                );
            })*
            None
        }

        fn read_family(kind: &str, node: &Node<'_>) -> Result<Option<Arc<dyn Prior>>, FileError> {
            Ok(Some(match kind {
                $($kind => {
                    $(let $parameter: f64 = node.get(stringify!($parameter))?;)*
                    Arc::new($type::new($($parameter),*))
                })*
                _ => return Ok(None),
            }))
        }
    };
}

families! {
    Beta: "beta" [alpha, beta]
    Cauchy: "cauchy" [loc, scale]
    Exponential: "exponential" [rate]
    Gamma: "gamma" [concentration, rate]
    Gumbel: "gumbel" [loc, scale]
    HalfCauchy: "half_cauchy" [scale]
    HalfNormal: "half_normal" [scale]
    HalfStudentT: "half_student_t" [df, scale]
    InverseGamma: "inverse_gamma" [concentration, scale]
    Laplace: "laplace" [loc, scale]
    LogNormal: "log_normal" [loc, scale]
    Logistic: "logistic" [loc, scale]
    Normal: "normal" [loc, scale]
    SkewNormal: "skew_normal" [loc, scale, skew]
    StudentT: "student_t" [df, loc, scale]
    Uniform: "uniform" [low, high]
    Weibull: "weibull" [concentration, scale]
}

/// A normal component of a mixture.
struct Component {
    weight: f64,
    loc: f64,
    scale: f64,
}

record!(Component { "weight": weight, "loc": loc, "scale": scale });

const MIXTURE: &str = "mixture_of_normals";

fn mixture(distribution: &dyn Any, place: &Place<'_>) -> Option<Value> {
    let mixture = distribution.downcast_ref::<Mixture<'static, Normal<'static>>>()?;
    let weights = mixture.parameters();
    let component =
        |(parameter, normal): (&bayes_nn_distributions::Parameter<'_>, &Normal<'static>)| {
            let [loc, scale] = numbers(normal, ["loc", "scale"])?;
            let weight = parameter.value.number()?;
            Some(Component { weight, loc, scale })
        };
    let components = weights.iter().zip(mixture.components()).map(component);
    let components: Vec<Component> = components.collect::<Option<_>>()?;
    Some(
        of_kind(MIXTURE, place)
            .put("components", &components)
            .value(),
    )
}

/// What a file says of a distribution, if it is one of this library that numbers alone give.
pub(in crate::nn) fn describe_distribution<D: Any>(
    distribution: &D,
    place: &Place<'_>,
) -> Option<Value> {
    let distribution = any(distribution);
    family(distribution, place).or_else(|| mixture(distribution, place))
}

choice!(Each { "weight": Weight {}, "input": Input {}, "unit": Unit {} });

/// Priors that are described by values alone, with the names that the file has for them.
macro_rules! priors {
    ($($type:ident: $kind:literal { $($field:ident),* })*) => {
        $(impl $type {
            pub(in crate::nn) fn described(&self, place: &Place<'_>) -> Value {
                let $type { $($field),* } = self;
                of_kind($kind, place)$(.put(stringify!($field), $field))*.value()
            }
        })*

        fn read_prior(kind: &str, node: &Node<'_>) -> Result<Option<Arc<dyn Prior>>, FileError> {
            Ok(Some(match kind {
                $($kind => Arc::new($type { $($field: node.get(stringify!($field))?),* }),)*
                _ => return read_family(kind, node),
            }))
        }
    };
}

priors! {
    FanIn: "fan_in" { scale }
    LearnedScale: "learned_scale" { concentration, scale }
    Horseshoe: "regularised_horseshoe" { each, global, concentration, scale, begin_with }
    SpikeSlab: "spike_slab" { each, inclusion }
    StickBreaking: "stick_breaking" { width }
    Ard: "ard" { each, concentration }
}

/// A prior of this library; `None` of another kind.
pub(super) fn read(kind: &str, node: &Node<'_>) -> Result<Option<Arc<dyn Prior>>, FileError> {
    Ok(Some(match kind {
        MIXTURE => {
            let components: Vec<Component> = node.get("components")?;
            let parts = components.into_iter();
            let part = |of: Component| (Var::from(of.weight), Normal::new(of.loc, of.scale));
            Arc::new(Mixture::new(parts.map(part)))
        }
        _ => return read_prior(kind, node),
    }))
}
