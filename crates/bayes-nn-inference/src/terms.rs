//! The terms of a density in a step: written, and searched for the first that is not finite.

use std::rc::Rc;

use bayes_nn_autodiff::{Var, grad};
use bayes_nn_kernels::{Precision, Runtime, Step};

use crate::columns::Concerns;
use crate::{Density, Fed, Handler, InferenceError, Rows, Term, Traced};

/// The output that holds the point at which terms are written.
const Z: &str = "point";

/// Writes a density into a step, with the data that it reads.
pub(crate) fn write_terms<'g>(
    step: &Step<'g>,
    density: &dyn Density,
    handler: Rc<dyn Handler<'g> + 'g>,
    rows: Rows,
) -> Result<Traced<'g>, InferenceError> {
    let traced = density
        .trace(step.graph(), handler, rows)
        .map_err(InferenceError::Density)?;
    step.graph().check()?;
    step.bind(traced.data.clone());
    if let Some(Fed { inputs, feed }) = &traced.fed {
        step.fed_by(inputs, feed.clone());
    }
    Ok(traced)
}

/// A term of a density that is not finite somewhere, or whose gradient is not.
pub(crate) struct BadTerm {
    pub(crate) name: String,
    /// What the density says to that.
    pub(crate) why: Option<String>,
    /// Whether double precision gives finite numbers at the same point, where single did not.
    pub(crate) finite_in_double: bool,
}

impl BadTerm {
    /// What may help: what the density says, or double precision.
    pub(crate) fn advice(&self, density: &dyn Density) -> Option<String> {
        let columns = || Concerns::of(density, Precision::F32).coarse.into_iter();
        let precision = || {
            columns().next().unwrap_or_else(|| {
                "single precision is too coarse: in double precision the same numbers are finite; \
                 set `precision(F64)`"
                    .to_owned()
            })
        };
        let why = self.why.clone();
        why.or_else(|| self.finite_in_double.then(precision))
    }
}

/// The first term that is not finite, or whose gradient by `parameters` is not, where the states
/// of a step that does nothing else have these `values`: in step `number` of a seed. `z` is the
/// point at which the terms are written.
pub(crate) fn first_bad_term<'g>(
    step: &Step<'g>,
    (density, z): (&dyn Density, Var<'g>),
    terms: &[Term<'g>],
    parameters: &[Var<'g>],
    values: &[(&str, &[f64])],
    (seed, number): (u64, u64),
    runtime: &Runtime,
) -> Result<Option<BadTerm>, InferenceError> {
    step.output(Z, z);
    let mut names = Vec::new();
    let mut add = |name: String, value| {
        step.output(&names.len().to_string(), value);
        names.push(name);
    };
    for (name, part) in terms.iter().flat_map(Term::parts) {
        add(name, part);
    }
    for term in terms.iter().filter(|term| term.value.id().is_some()) {
        for gradient in grad(term.value, parameters)? {
            add(format!("{} (its gradient)", term.name), gradient);
        }
    }
    let find = |precision| -> Result<Option<(String, Vec<f64>)>, InferenceError> {
        let runtime = Runtime {
            precision,
            ..runtime.clone()
        };
        let mut run = step.finish(&runtime)?.start(1)?;
        run.begin(&[seed])?;
        for (name, values) in values {
            run.set(0, name, values)?;
        }
        run.rewind(0, seed, number)?;
        run.advance_one(0, 1)?;
        for (output, name) in names.iter().enumerate() {
            let values = run.get(0, &output.to_string())?;
            if values.iter().any(|v| !v.is_finite()) {
                return Ok(Some((name.clone(), run.get(0, Z)?)));
            }
        }
        Ok(None)
    };
    let Some((name, z)) = find(runtime.precision)? else {
        return Ok(None);
    };
    let finite_in_double = runtime.precision == Precision::F32 && find(Precision::F64)?.is_none();
    Ok(Some(BadTerm {
        name,
        why: density.explain(&z),
        finite_in_double,
    }))
}
