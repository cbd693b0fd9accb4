//! The horseshoe prior with a scale that is itself drawn.

use bayes_nn_autodiff::{Shape, Var};
use bayes_nn_distributions::{Distribution, HalfCauchy, Normal};

use super::Trace;

/// Variables of this shape under a horseshoe prior whose `scale` may be a variable of the model:
/// the product `scale * local * raw` of `name.local`, half-Cauchy, and `name.raw`, standard normal.
///
/// It is the prior [`Horseshoe`](bayes_nn_distributions::Horseshoe), of which the local scales are
/// integrated out. That one is for a scale that is known: under a scale that is drawn its density
/// has a pole at zero which narrows with the scale (a funnel), and no step size suits all of it.
/// Here `local` and `raw` do not depend on the scale. (Carvalho, Polson and Scott 2010, *The
/// horseshoe estimator for sparse signals*; Betancourt and Girolami 2015, *Hamiltonian Monte Carlo
/// for hierarchical models*, section 3.3, for such non-centred forms.)
///
/// `scale` has a shape that broadcasts to the variables'. Their values are kept under `name`.
///
/// ```
/// use bayes_nn::distributions::{HalfCauchy, Normal};
/// use bayes_nn::model::{self, Batch, Trace};
/// fn sparse<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
///     let scale = trace.sample("scale", HalfCauchy::new(1.0));
///     let effects = model::horseshoe(trace, "effects", scale, [8]);
///     trace.observe("y", Normal::new(effects, 1.0), data.column("y"));
/// }
/// # let _ = model::from_fn(sparse);
/// ```
#[track_caller]
pub fn horseshoe<'g>(
    trace: &Trace<'g>,
    name: &str,
    scale: impl Into<Var<'g>>,
    shape: impl Into<Shape>,
) -> Var<'g> {
    let (scale, shape) = (scale.into(), shape.into());
    let (local, raw) = trace.scope(name, || {
        (
            trace.sample("local", HalfCauchy::new(1.0).expand(shape)),
            trace.sample("raw", Normal::new(0.0, 1.0).expand(shape)),
        )
    });
    trace.deterministic(name, raw * local * scale)
}
