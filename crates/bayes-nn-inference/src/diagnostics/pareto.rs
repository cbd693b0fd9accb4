//! The generalised Pareto distribution: fit to a tail, and quantiles.

/// A generalised Pareto distribution that starts at 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GeneralizedPareto {
    /// Shape: infinite where the tail is too heavy for the arithmetic.
    pub shape: f64,
    pub scale: f64,
}

impl GeneralizedPareto {
    /// Fits exceedances in rising order by the empirical Bayes estimate of Zhang and Stephens
    /// (2009), the shape then drawn towards 1/2 as if by 10 draws (Vehtari et al. 2024). None
    /// where a quarter of the exceedances equals the smallest.
    pub(super) fn fit(exceedances: &[f64]) -> Option<Self> {
        const PRIOR_DRAWS: f64 = 10.0;
        const PRIOR_SCALE: f64 = 3.0;
        let n = exceedances.len() as f64;
        let largest = exceedances[exceedances.len() - 1];
        let quartile = exceedances[(n / 4.0 - 0.5) as usize];
        if quartile <= exceedances[0] {
            return None;
        }
        let points = 30 + n.sqrt() as usize;
        // The log profile likelihood at a grid of b = -shape / scale.
        let mean_log = |b: f64| exceedances.iter().map(|x| (-b * x).ln_1p()).sum::<f64>() / n;
        let grid: Vec<(f64, f64)> = (1..=points)
            .map(|i| {
                let spread = 1.0 - (points as f64 / (i as f64 - 0.5)).sqrt();
                let b = spread / (PRIOR_SCALE * quartile) + 1.0 / largest;
                let shape = mean_log(b);
                (b, n * ((-b / shape).ln() - shape - 1.0))
            })
            .collect();
        let highest = grid.iter().fold(f64::NEG_INFINITY, |max, g| max.max(g.1));
        let total: f64 = grid.iter().map(|(_, l)| (l - highest).exp()).sum();
        let (mut weighted, mut weights) = (0.0, 0.0);
        for (b, log_likelihood) in grid {
            let weight = (log_likelihood - highest).exp() / total;
            if weight >= 10.0 * f64::EPSILON {
                weighted += b * weight;
                weights += weight;
            }
        }
        let b = weighted / weights;
        let shape = mean_log(b);
        let drawn = (n * shape + PRIOR_DRAWS * 0.5) / (n + PRIOR_DRAWS);
        Some(GeneralizedPareto {
            shape: if drawn.is_nan() { f64::INFINITY } else { drawn },
            scale: -shape / b,
        })
    }

    pub(super) fn quantile(&self, probability: f64) -> f64 {
        let exponential = -(-probability).ln_1p();
        if self.shape == 0.0 {
            self.scale * exponential
        } else {
            self.scale * (self.shape * exponential).exp_m1() / self.shape
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand evenly spaced quantiles; the prior draws the shape by about 1 %.
    #[test]
    fn a_fit_finds_the_shape_and_scale_of_its_quantiles() {
        for shape in [-0.4, 0.0, 0.3, 0.9] {
            let truth = GeneralizedPareto { shape, scale: 2.0 };
            let tail: Vec<f64> = (0..1000)
                .map(|i| truth.quantile((f64::from(i) + 0.5) / 1000.0))
                .collect();
            let fit = GeneralizedPareto::fit(&tail).unwrap();
            assert!((fit.shape - shape).abs() < 0.03, "{fit:?} for {shape}");
            assert!((fit.scale - 2.0).abs() < 0.1, "{fit:?} for {shape}");
        }
    }

    #[test]
    fn a_tail_of_ties_has_no_fit() {
        assert_eq!(GeneralizedPareto::fit(&[0.0, 0.0, 0.0, 0.0, 1.0]), None);
    }
}
