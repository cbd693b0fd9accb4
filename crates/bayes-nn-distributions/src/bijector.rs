//! Bijectors: smooth maps of all reals onto a support.

use bayes_nn_autodiff::Var;

/// A smooth, strictly monotone map of the reals onto the inside of a continuous support.
///
/// A density `p` of `x = forward(z)` is, over `z`,
/// `ln p(forward(z)) + log_det_jacobian(z)`. All three maps are element-wise algebra.
/// Far out rounding puts `forward` onto the bound itself: where what is added to the bound is
/// less than its last digit.
///
/// ```
/// use bayes_nn_autodiff::Var;
/// use bayes_nn_distributions::Bijector;
/// let unit = Bijector::Interval(Var::from(0.0), Var::from(1.0));
/// assert_eq!(unit.forward(Var::from(0.0)).number(), Some(0.5));
/// assert_eq!(unit.log_det_jacobian(Var::from(0.0)).number(), Some(0.25f64.ln()));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Bijector<'g> {
    /// `z`
    Identity,
    /// `e^z`, onto the positive numbers
    Exp,
    /// `low + e^z`
    LowerBound(Var<'g>),
    /// `high - e^z`
    UpperBound(Var<'g>),
    /// `low + (high - low) sigmoid(z)`
    Interval(Var<'g>, Var<'g>),
}

impl<'g> Bijector<'g> {
    /// The point of the support that belongs to `z`.
    pub fn forward(&self, z: Var<'g>) -> Var<'g> {
        match *self {
            Bijector::Identity => z,
            Bijector::Exp => z.exp(),
            Bijector::LowerBound(low) => low + z.exp(),
            Bijector::UpperBound(high) => high - z.exp(),
            Bijector::Interval(low, high) => low + (high - low) * z.sigmoid(),
        }
    }

    /// The real number that belongs to `x`, a point inside the support; on a bound it is
    /// infinite, outside NaN.
    pub fn inverse(&self, x: Var<'g>) -> Var<'g> {
        match *self {
            Bijector::Identity => x,
            Bijector::Exp => x.ln(),
            Bijector::LowerBound(low) => (x - low).ln(),
            Bijector::UpperBound(high) => (high - x).ln(),
            // Not the logit of (x - low) / (high - low), which is 1 long before x is high.
            Bijector::Interval(low, high) => (x - low).ln() - (high - x).ln(),
        }
    }

    /// `ln |d forward(z) / dz|`, element by element. A plain number stands for all elements.
    pub fn log_det_jacobian(&self, z: Var<'g>) -> Var<'g> {
        match *self {
            Bijector::Identity => Var::from(0.0),
            Bijector::Exp | Bijector::LowerBound(_) | Bijector::UpperBound(_) => z,
            Bijector::Interval(low, high) => {
                z.log_sigmoid() + (-z).log_sigmoid() + (high - low).ln()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bayes_nn_autodiff::{Bindings, Graph, grad};

    fn all<'g>() -> Vec<Bijector<'g>> {
        let (low, high) = (Var::from(-1.5), Var::from(4.0));
        vec![
            Bijector::Identity,
            Bijector::Exp,
            Bijector::LowerBound(low),
            Bijector::UpperBound(high),
            Bijector::Interval(low, high),
        ]
    }

    #[test]
    fn the_inverse_leads_back() {
        for bijector in all() {
            for z in [-20.0, -3.0, -0.1, 0.0, 1.0, 2.5, 20.0] {
                let x = bijector.forward(Var::from(z));
                let back = bijector.inverse(x).number().unwrap();
                // Next to a bound of size 4, x is known to 4 eps, and e^-20 is 2e-9.
                assert!(
                    (back - z).abs() < 1e-6,
                    "{bijector:?}: {z} came back as {back}"
                );
                if z.abs() < 4.0 {
                    assert!(
                        (back - z).abs() < 1e-13,
                        "{bijector:?}: {z} came back as {back}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_log_det_is_the_logarithm_of_the_derivative() {
        for bijector in all() {
            let graph = Graph::new();
            let z = graph.input("z", []);
            let slope = grad(bijector.forward(z), &[z]).unwrap()[0];
            let log_det = bijector.log_det_jacobian(z);
            for at in [-700.0, -40.0, -2.0, 0.0, 0.3, 5.0, 40.0, 700.0] {
                let bound = Bindings::new().bind(z, &[at]);
                let values = graph.evaluate(&[slope, log_det], &bound).unwrap();
                let expected = values[0].values()[0].abs().ln();
                let got = values[1].values()[0];
                assert!(
                    (got - expected).abs() <= 1e-14 * expected.abs().max(1.0),
                    "{bijector:?} at {at}: {got} against {expected}"
                );
            }
        }
    }

    #[test]
    fn the_log_det_of_an_interval_stays_finite_where_its_slope_underflows() {
        let unit = Bijector::Interval(Var::from(0.0), Var::from(1.0));
        for z in [-1e5, 1e5] {
            let log_det = unit.log_det_jacobian(Var::from(z)).number();
            assert_eq!(log_det, Some(-1e5));
        }
    }
}
