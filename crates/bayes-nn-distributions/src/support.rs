//! Supports: the sets in which draws lie.

use std::f64::consts::PI;
use std::fmt;

use bayes_nn_autodiff::Var;

use crate::{Bijector, Domain};

/// The set in which a distribution's draws lie.
///
/// ```
/// use bayes_nn_distributions::Support;
/// let classes = Support::Categories(10);
/// assert!(classes.contains(9.0) && !classes.contains(9.5) && !classes.contains(10.0));
/// assert_eq!(classes.to_string(), "a whole number from 0 to 9");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Support<'g> {
    /// All real numbers.
    Real,
    /// Numbers above 0.
    Positive,
    /// 0 and numbers above.
    NonNegative,
    /// Numbers from a bound upwards.
    LowerBound(Var<'g>),
    /// Numbers from a bound downwards.
    UpperBound(Var<'g>),
    /// Numbers from the first bound to the second.
    Interval(Var<'g>, Var<'g>),
    /// 0 and 1.
    Boolean,
    /// So many class numbers, counted from 0.
    Categories(usize),
    /// Whole numbers from 0.
    Naturals,
    /// Whole numbers from 0 to a bound.
    UpTo(Var<'g>),
    /// Angles from `-pi` to `pi`, of which these two are one. The number says about how
    /// concentrated they are, for the coordinates that [`Bijector::Circle`] describes.
    Circle(Var<'g>),
    /// Vectors of positive numbers that sum to 1.
    Simplex,
    /// Vectors of increasing numbers.
    Ordered,
    /// Vectors of increasing positive numbers.
    PositiveOrdered,
    /// Lower triangular matrices with a positive diagonal and rows of length 1: the Cholesky
    /// factors of correlation matrices.
    CorrelationCholesky,
}

/// How many values a distribution can draw; of a vector or matrix, for each of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cardinality {
    /// Real numbers.
    Continuous,
    /// Whole numbers from 0, that count something; to the largest, where there is one and it is
    /// known before anything runs.
    Counts(Option<usize>),
    /// So many class numbers, from 0; [`Distribution::log_probabilities`] has their
    /// probabilities.
    ///
    /// [`Distribution::log_probabilities`]: crate::Distribution::log_probabilities
    Classes(usize),
}

/// How far from 1 a sum or a length may be, of data that were rounded.
const UNIT: f64 = 1e-4;

impl<'g> Support<'g> {
    /// Whether an observed value may come from here. Neither NaN nor an infinity may. A bound
    /// that is not a plain number is not looked at: `log_prob` is `-inf` beyond it. Of a vector
    /// or matrix each number is looked at alone, and all of them by [`Support::misfit`].
    pub fn contains(&self, x: f64) -> bool {
        let above = |low: Var<'g>| low.number().is_none_or(|low| x >= low);
        let below = |high: Var<'g>| high.number().is_none_or(|high| x <= high);
        x.is_finite()
            && match *self {
                Support::Real | Support::Ordered => true,
                Support::Positive | Support::PositiveOrdered => x > 0.0,
                Support::Simplex => (0.0..=1.0).contains(&x),
                Support::CorrelationCholesky => (-1.0..=1.0).contains(&x),
                Support::Circle(_) => (-PI..=PI).contains(&x),
                Support::NonNegative => x >= 0.0,
                Support::LowerBound(low) => above(low),
                Support::UpperBound(high) => below(high),
                Support::Interval(low, high) => above(low) && below(high),
                Support::Boolean => x == 0.0 || x == 1.0,
                Support::Categories(k) => x >= 0.0 && x < k as f64 && x.fract() == 0.0,
                Support::Naturals => x >= 0.0 && x.fract() == 0.0,
                Support::UpTo(high) => x >= 0.0 && x.fract() == 0.0 && below(high),
            }
    }

    /// What is wrong with the numbers of a vector or matrix together, row-major, of which each may come
    /// from here: of shares their sum, of ordered numbers the first that is not above the one before,
    /// of the factor of a correlation matrix a number above the diagonal, or the length of a row.
    ///
    /// ```
    /// use bayes_nn_distributions::Support;
    /// assert_eq!(Support::Simplex.misfit(&[0.25, 0.75]), None);
    /// let problem = Support::Simplex.misfit(&[0.25, 0.25]);
    /// assert_eq!(problem.unwrap(), "numbers that sum to 0.5");
    /// ```
    pub fn misfit(&self, event: &[f64]) -> Option<String> {
        match self {
            Support::Simplex => {
                let sum: f64 = event.iter().sum();
                ((sum - 1.0).abs() > UNIT).then(|| format!("numbers that sum to {sum}"))
            }
            Support::Ordered | Support::PositiveOrdered => {
                let pair = event.windows(2).find(|pair| pair[1] <= pair[0])?;
                Some(format!("{} followed by {}", pair[0], pair[1]))
            }
            Support::CorrelationCholesky => {
                let size = event.len().isqrt().max(1);
                event.chunks(size).enumerate().find_map(|(i, row)| {
                    let (below, above) = row.split_at(row.len().min(i + 1));
                    if let Some(number) = above.iter().find(|number| **number != 0.0) {
                        return Some(format!("{number} above the diagonal"));
                    }
                    if let Some(diagonal) = below.last().filter(|diagonal| **diagonal <= 0.0) {
                        return Some(format!("{diagonal} on the diagonal"));
                    }
                    let length = row.iter().map(|number| number * number).sum::<f64>().sqrt();
                    ((length - 1.0).abs() > UNIT).then(|| format!("a row of length {length}"))
                })
            }
            _ => None,
        }
    }

    /// The nearest number in the support to a draw that doubles cannot hold, be it too large or, of
    /// a positive number, too small; any other draw, and NaN, as it is.
    ///
    /// ```
    /// use bayes_nn_distributions::Support;
    /// assert_eq!(Support::Positive.nearest(0.0), f64::MIN_POSITIVE);
    /// assert_eq!(Support::Real.nearest(f64::NEG_INFINITY), f64::MIN);
    /// assert_eq!(Support::Real.nearest(0.3), 0.3);
    /// ```
    pub fn nearest(&self, draw: f64) -> f64 {
        match self {
            Support::Positive | Support::PositiveOrdered => draw.clamp(f64::MIN_POSITIVE, f64::MAX),
            _ => draw.clamp(f64::MIN, f64::MAX),
        }
    }

    /// Whether draws are whole numbers.
    pub fn is_discrete(&self) -> bool {
        self.cardinality() != Cardinality::Continuous
    }

    /// How many values there are.
    ///
    /// ```
    /// use bayes_nn_distributions::{Cardinality, Support};
    /// assert_eq!(Support::Boolean.cardinality(), Cardinality::Classes(2));
    /// assert_eq!(Support::UpTo(20.0.into()).cardinality(), Cardinality::Counts(Some(20)));
    /// assert_eq!(Support::Real.cardinality(), Cardinality::Continuous);
    /// ```
    pub fn cardinality(&self) -> Cardinality {
        match *self {
            Support::Boolean => Cardinality::Classes(2),
            Support::Categories(classes) => Cardinality::Classes(classes),
            Support::Naturals => Cardinality::Counts(None),
            Support::UpTo(high) => {
                // A bound that is no whole number from 0 gives no largest value.
                let counts = |high: f64| Domain::Count.contains(high) && high < 2f64.powi(53);
                let high = high.number().filter(|&high| counts(high));
                Cardinality::Counts(high.map(|high| high as usize))
            }
            Support::Real
            | Support::Positive
            | Support::NonNegative
            | Support::LowerBound(_)
            | Support::UpperBound(_)
            | Support::Interval(..)
            | Support::Circle(_)
            | Support::Simplex
            | Support::Ordered
            | Support::PositiveOrdered
            | Support::CorrelationCholesky => Cardinality::Continuous,
        }
    }

    /// A smooth map of all reals onto the support (up to end points of probability zero); `None` where the support is discrete.
    pub fn bijector(&self) -> Option<Bijector<'g>> {
        Some(match *self {
            Support::Real => Bijector::Identity,
            Support::Positive | Support::NonNegative => Bijector::Exp,
            Support::LowerBound(low) => Bijector::LowerBound(low),
            Support::UpperBound(high) => Bijector::UpperBound(high),
            Support::Interval(low, high) => Bijector::Interval(low, high),
            Support::Circle(concentration) => Bijector::Circle(concentration),
            Support::Simplex => Bijector::Simplex,
            Support::Ordered => Bijector::Ordered,
            Support::PositiveOrdered => Bijector::PositiveOrdered,
            Support::CorrelationCholesky => Bijector::CorrelationCholesky,
            Support::Boolean | Support::Categories(_) | Support::Naturals | Support::UpTo(_) => {
                return None;
            }
        })
    }

    /// Whether both are the same set, as far as is known before anything runs.
    pub fn agrees(&self, other: &Support<'_>) -> bool {
        match (*self, *other) {
            (Support::LowerBound(a), Support::LowerBound(b))
            | (Support::UpperBound(a), Support::UpperBound(b))
            | (Support::UpTo(a), Support::UpTo(b)) => same(a, b),
            (Support::Interval(a, b), Support::Interval(c, d)) => same(a, c) && same(b, d),
            (Support::Categories(a), Support::Categories(b)) => a == b,
            (a, b) => std::mem::discriminant(&a) == std::mem::discriminant(&b),
        }
    }
}

/// What is wrong with the bounds of an interval, of which NaN is not known yet.
pub(crate) fn bounds_conflict(low: f64, high: f64) -> Option<String> {
    if low >= high {
        let got = format!("got low = {low} and high = {high}");
        return Some(format!("low must be less than high, {got}"));
    }
    (high - low == f64::INFINITY).then(|| {
        let got = format!("got low = {low:e} and high = {high:e}");
        format!("high - low must be a finite number, {got}; a larger unit makes both smaller")
    })
}

/// Whether two bounds are one node of one graph, or equal values.
fn same(a: Var<'_>, b: Var<'_>) -> bool {
    match (a.graph(), b.graph()) {
        (Some(g), Some(h)) if std::ptr::eq(g, h) && a.id() == b.id() => true,
        _ => match (a.constant_values(), b.constant_values()) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        },
    }
}

impl fmt::Display for Support<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = |v: Var<'_>, name: &str| v.number().map_or(name.to_owned(), |n| n.to_string());
        match *self {
            Support::Real => f.write_str("a finite number"),
            Support::Positive => f.write_str("a finite number > 0"),
            Support::NonNegative => f.write_str("a finite number >= 0"),
            Support::LowerBound(low) => {
                write!(f, "a finite number >= {}", bound(low, "the lower bound"))
            }
            Support::UpperBound(high) => {
                write!(f, "a finite number <= {}", bound(high, "the upper bound"))
            }
            Support::Interval(low, high) => write!(
                f,
                "a number from {} to {}",
                bound(low, "the lower bound"),
                bound(high, "the upper bound")
            ),
            Support::Circle(_) => f.write_str("an angle from -pi to pi"),
            Support::Boolean => f.write_str("0 or 1"),
            Support::Categories(k) => {
                write!(f, "a whole number from 0 to {}", k.saturating_sub(1))
            }
            Support::Naturals => f.write_str("a whole number >= 0"),
            Support::Simplex => f.write_str("a share from 0 to 1, of shares that sum to 1"),
            Support::Ordered => f.write_str("a finite number, of numbers that increase"),
            Support::PositiveOrdered => {
                f.write_str("a finite number > 0, of numbers that increase")
            }
            Support::CorrelationCholesky => {
                f.write_str("a number from -1 to 1, of the Cholesky factor of a correlation matrix")
            }
            Support::UpTo(high) => {
                write!(f, "a whole number from 0 to {}", bound(high, "the count"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_do_not_go_together_are_named() {
        let wrong = |support: Support<'_>, event: &[f64]| support.misfit(event).unwrap_or_default();
        assert_eq!(wrong(Support::Simplex, &[0.2, 0.3, 0.5]), "");
        assert_eq!(
            wrong(Support::Simplex, &[0.2, 0.3]),
            "numbers that sum to 0.5"
        );
        assert_eq!(wrong(Support::Ordered, &[-1.0, 0.0, 2.0]), "");
        assert_eq!(wrong(Support::Ordered, &[0.0, 2.0, 2.0]), "2 followed by 2");
        assert_eq!(
            wrong(Support::PositiveOrdered, &[3.0, 2.0]),
            "3 followed by 2"
        );
        let factor = |event: &[f64]| wrong(Support::CorrelationCholesky, event);
        assert_eq!(factor(&[1.0, 0.0, 0.6, 0.8]), "");
        assert_eq!(factor(&[1.0, 0.6, 0.6, 1.0]), "0.6 above the diagonal");
        assert_eq!(factor(&[1.0, 0.0, 0.6, -0.8]), "-0.8 on the diagonal");
        assert!(factor(&[1.0, 0.0, 0.6, 0.6]).starts_with("a row of length 0.84"));
        assert_eq!(wrong(Support::Real, &[3.0, 2.0]), "");
    }
    use bayes_nn_autodiff::Graph;

    #[test]
    fn nan_and_infinity_lie_in_no_support() {
        let (low, high) = (Var::from(-1.0), Var::from(1.0));
        for support in [
            Support::Real,
            Support::Positive,
            Support::NonNegative,
            Support::LowerBound(low),
            Support::UpperBound(high),
            Support::Interval(low, high),
            Support::Boolean,
            Support::Categories(3),
            Support::Naturals,
            Support::UpTo(high),
            Support::Circle(high),
            Support::Simplex,
            Support::Ordered,
            Support::PositiveOrdered,
            Support::CorrelationCholesky,
        ] {
            for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert!(!support.contains(x), "{x} in {support}");
            }
            assert!(support.contains(1.0), "1 in {support}");
            assert_eq!(support.bijector().is_none(), support.is_discrete());
        }
    }

    #[test]
    fn words_say_what_would_be_right() {
        let graph = Graph::new();
        let bound = graph.input("bound", []);
        let interval = Support::Interval(Var::from(-2.5), bound);
        assert_eq!(
            interval.to_string(),
            "a number from -2.5 to the upper bound"
        );
        assert!(!interval.contains(-3.0) && interval.contains(1e9));
        assert_eq!(Support::Boolean.to_string(), "0 or 1");
        assert_eq!(Support::Positive.to_string(), "a finite number > 0");
    }

    #[test]
    fn bounds_agree_when_they_are_one_node_or_equal_numbers() {
        let graph = Graph::new();
        let (a, b) = (graph.input("a", []), graph.input("b", []));
        let unit = Support::Interval(Var::from(0.0), Var::from(1.0));
        assert!(unit.agrees(&Support::Interval(Var::from(0.0), Var::from(1.0))));
        assert!(!unit.agrees(&Support::Interval(Var::from(0.0), Var::from(2.0))));
        assert!(Support::LowerBound(a).agrees(&Support::LowerBound(a)));
        assert!(!Support::LowerBound(a).agrees(&Support::LowerBound(b)));
        assert!(!Support::Real.agrees(&Support::Positive));
    }
}
