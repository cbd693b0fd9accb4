//! Supports of sites: what their unconstrained numbers stand for.

use std::fmt;
use std::sync::Arc;

use bayes_nn_autodiff::Var;
use bayes_nn_distributions::Bijector;

/// The set onto which the unconstrained numbers of a site are mapped: that of its prior.
///
/// ```
/// use bayes_nn_inference::{Bound, SiteSupport};
/// let unit = SiteSupport::Interval(Bound::of([0.0]), Bound::of([1.0]));
/// assert_eq!(unit.to_string(), "numbers from 0 to 1");
/// assert!(unit.agrees(&SiteSupport::Interval(Bound::unknown(), Bound::of([1.0]))));
/// assert!(!unit.agrees(&SiteSupport::Positive));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SiteSupport {
    /// All numbers.
    Real,
    /// Numbers above 0.
    Positive,
    /// Numbers above a bound.
    LowerBound(Bound),
    /// Numbers below a bound.
    UpperBound(Bound),
    /// Numbers from a bound to another.
    Interval(Bound, Bound),
    /// Angles.
    Circle,
    /// Shares that sum to 1.
    Simplex,
    /// Numbers that increase.
    Ordered,
    /// Positive numbers that increase.
    PositiveOrdered,
    /// Cholesky factors of correlation matrices.
    CorrelationCholesky,
}

/// A bound of a support: its values, as far as they do not depend on other variables.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// One for all elements, or one each; none where the bound is a variable.
    pub(crate) values: Arc<[f64]>,
}

impl Bound {
    /// A bound that is known: one number for all elements, or one each.
    pub fn of(values: impl Into<Arc<[f64]>>) -> Bound {
        let mut values = values.into();
        if let [first, rest @ ..] = &*values
            && rest.iter().all(|value| value == first)
        {
            values = [*first].into();
        }
        Bound { values }
    }

    /// A bound that depends on variables.
    pub fn unknown() -> Bound {
        Bound { values: [].into() }
    }

    /// Its values: one for all elements, or one each; none if it is not known.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    fn agrees(&self, other: &Bound) -> bool {
        self.values.is_empty() || other.values.is_empty() || self == other
    }
}

impl SiteSupport {
    /// That of a bijector, of which `known` gives the values of bounds that depend on no variable;
    /// nothing of one that is not among these.
    ///
    /// # Errors
    /// Those of `known`.
    pub fn of<'g, E>(
        bijector: &Bijector<'g>,
        known: impl Fn(Var<'g>) -> Result<Option<Vec<f64>>, E>,
    ) -> Result<Option<SiteSupport>, E> {
        let bound = |var| Ok(known(var)?.map_or_else(Bound::unknown, Bound::of));
        Ok(Some(match *bijector {
            Bijector::Identity => SiteSupport::Real,
            Bijector::Exp => SiteSupport::Positive,
            Bijector::LowerBound(low) => match bound(low)? {
                zero if *zero.values == [0.0] => SiteSupport::Positive,
                low => SiteSupport::LowerBound(low),
            },
            Bijector::UpperBound(high) => SiteSupport::UpperBound(bound(high)?),
            Bijector::Interval(low, high) => SiteSupport::Interval(bound(low)?, bound(high)?),
            Bijector::Circle(_) => SiteSupport::Circle,
            Bijector::Simplex => SiteSupport::Simplex,
            Bijector::Ordered => SiteSupport::Ordered,
            Bijector::PositiveOrdered => SiteSupport::PositiveOrdered,
            Bijector::CorrelationCholesky => SiteSupport::CorrelationCholesky,
            _ => return Ok(None),
        }))
    }

    /// Whether both are the same set, as far as their bounds are known.
    pub fn agrees(&self, other: &SiteSupport) -> bool {
        match (self, other) {
            (SiteSupport::LowerBound(a), SiteSupport::LowerBound(b))
            | (SiteSupport::UpperBound(a), SiteSupport::UpperBound(b)) => a.agrees(b),
            (SiteSupport::Interval(a, b), SiteSupport::Interval(c, d)) => {
                a.agrees(c) && b.agrees(d)
            }
            (a, b) => a == b,
        }
    }

    /// Between which numbers an element of a value lies; infinite where there is no bound, or one that depends
    /// on other variables. Angles have none: they go round.
    ///
    /// ```
    /// use bayes_nn_inference::{Bound, SiteSupport};
    /// assert_eq!(SiteSupport::Positive.bounds(0), (0.0, f64::INFINITY));
    /// let below = SiteSupport::UpperBound(Bound::of([1.0, 2.0]));
    /// assert_eq!(below.bounds(1), (f64::NEG_INFINITY, 2.0));
    /// ```
    pub fn bounds(&self, element: usize) -> (f64, f64) {
        let of = |bound: &Bound| match bound.values() {
            [one] => Some(*one),
            values => values.get(element).copied(),
        };
        let lower = |bound| of(bound).unwrap_or(f64::NEG_INFINITY);
        let upper = |bound| of(bound).unwrap_or(f64::INFINITY);
        match self {
            SiteSupport::Real | SiteSupport::Circle | SiteSupport::Ordered => {
                (f64::NEG_INFINITY, f64::INFINITY)
            }
            SiteSupport::Positive | SiteSupport::PositiveOrdered => (0.0, f64::INFINITY),
            SiteSupport::LowerBound(bound) => (lower(bound), f64::INFINITY),
            SiteSupport::UpperBound(bound) => (f64::NEG_INFINITY, upper(bound)),
            SiteSupport::Interval(from, to) => (lower(from), upper(to)),
            SiteSupport::Simplex => (0.0, 1.0),
            SiteSupport::CorrelationCholesky => (-1.0, 1.0),
        }
    }

    /// Whether some number of the set is negative, as far as is known.
    pub fn has_negative(&self) -> bool {
        match self {
            SiteSupport::Positive | SiteSupport::Simplex | SiteSupport::PositiveOrdered => false,
            SiteSupport::LowerBound(low) | SiteSupport::Interval(low, _) => {
                low.values.iter().any(|low| *low < 0.0)
            }
            SiteSupport::Real
            | SiteSupport::UpperBound(_)
            | SiteSupport::Circle
            | SiteSupport::Ordered
            | SiteSupport::CorrelationCholesky => true,
        }
    }
}

impl fmt::Display for SiteSupport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SiteSupport::Real => f.write_str("all numbers"),
            SiteSupport::Positive => f.write_str("positive numbers"),
            SiteSupport::LowerBound(low) => write!(f, "numbers above {low}"),
            SiteSupport::UpperBound(high) => write!(f, "numbers below {high}"),
            SiteSupport::Interval(low, high) => write!(f, "numbers from {low} to {high}"),
            SiteSupport::Circle => f.write_str("angles"),
            SiteSupport::Simplex => f.write_str("shares that sum to 1"),
            SiteSupport::Ordered => f.write_str("numbers that increase"),
            SiteSupport::PositiveOrdered => f.write_str("positive numbers that increase"),
            SiteSupport::CorrelationCholesky => {
                f.write_str("Cholesky factors of correlation matrices")
            }
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.values {
            [] => f.write_str("a bound that is a variable"),
            [one] => write!(f, "{one}"),
            [first, second, ..] => {
                write!(f, "{} bounds ({first}, {second}, ..)", self.values.len())
            }
        }
    }
}
