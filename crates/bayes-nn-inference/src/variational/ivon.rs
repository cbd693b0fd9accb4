//! The improved variational online Newton method as graph algebra: steps of independent normals along
//! their natural gradient.

use bayes_nn_autodiff::Var;
use bayes_nn_kernels::Step;

/// The settings of [`Optimizer::Ivon`](crate::Optimizer::Ivon) in a fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ivon {
    pub(crate) momentum: f64,
    /// Steps over which precisions are averaged: `1 / (1 - beta2)`.
    pub(crate) memory: f64,
    pub(crate) clip: f64,
}

impl Ivon {
    /// The next means and standard deviations of normals, by the derivatives of an ELBO by both. The
    /// mean of gradients is a state of the step, under a name that begins with `mu`.
    ///
    /// With the precision `L = 1 / sd^2`, the expected curvature of the log density is what the
    /// derivative by `sd` estimates, as `-d/dsd / sd = E[-d^2 log p] - L` for a normal (Price 1958, "A
    /// useful theorem for nonlinear devices having Gaussian inputs"). Its running average `L`, with
    /// the correction by which it stays positive, is `L (1 + x + x^2 / 2)`, where `x` is the change of
    /// a plain average (Lin, Schmidt and Khan 2020, "Handling the positive-definite constraint in
    /// the Bayesian learning rule", equation 11). Means take Newton's step with it.
    pub(crate) fn ascend<'g>(
        &self,
        step: &Step<'g>,
        (mean, sd): (Var<'g>, Var<'g>),
        (by_mean, by_sd): (Var<'g>, Var<'g>),
        rate: Var<'g>,
    ) -> (Var<'g>, Var<'g>) {
        let x = (-1.0 / self.memory) * (by_sd * sd);
        let sd_next = sd / (1.0 + x + 0.5 * (x * x)).sqrt();
        let g = step.state("mu.ivon.g", mean.shape(), 0.0);
        let g_next = self.momentum * g + (1.0 - self.momentum) * by_mean;
        step.next(g, g_next);
        // 1 - momentum^t without the rounding of a power near 1.
        let debias = match self.momentum {
            0.0 => Var::from(1.0),
            momentum => -((step.graph().step() + 1.0) * momentum.ln()).expm1(),
        };
        let newton = g_next * (sd_next * sd_next) / debias;
        let newton = match self.clip.is_finite() {
            true => newton.maximum(-self.clip).minimum(self.clip),
            false => newton,
        };
        (mean + rate * newton, sd_next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bayes_nn_autodiff::Graph;
    use bayes_nn_kernels::{Precision, Runtime};

    /// The equations of algorithm 1 of the paper, in its own terms: a Hessian `h` of the mean loss of
    /// `n` rows, and the precision `n delta` of a prior.
    #[test]
    fn ivon_follows_algorithm_1_of_its_paper() {
        let (n, delta, beta1, beta2, rate) = (50.0, 0.02, 0.9f64, 0.98, 0.1);
        let graph = Graph::new();
        let step = Step::new(&graph);
        let (mean, sd) = (step.state("mu", [1], 0.5), step.state("sd", [1], 0.1));
        let by_mean = step.state("by_mean", [1], 0.0);
        let by_sd = step.state("by_sd", [1], 0.0);
        let ivon = Ivon {
            momentum: beta1,
            memory: 50.0,
            clip: 0.05,
        };
        let next = ivon.ascend(&step, (mean, sd), (by_mean, by_sd), Var::from(rate));
        step.next(mean, next.0);
        step.next(sd, next.1);
        let runtime = Runtime {
            precision: Precision::F64,
            ..Runtime::default()
        };
        let mut run = step.finish(&runtime).unwrap().start(1).unwrap();
        run.begin(&[0]).unwrap();

        let (mut m, mut h, mut g) = (0.5f64, 1.0 / (n * 0.01) - delta, 0.0);
        for t in 1..=40 {
            let noise = (1.7 * f64::from(t)).sin();
            let spread = 1.0 / f64::sqrt(n * (h + delta));
            let theta: f64 = m + noise * spread;
            // The gradient of the mean loss (theta - 1)^2 / 2 + cos(theta).
            let loss = theta - 1.0 - theta.sin();
            let by_theta = -n * (loss + delta * theta);
            run.set(0, "by_mean", &[by_theta]).unwrap();
            run.set(0, "by_sd", &[by_theta * noise + 1.0 / spread])
                .unwrap();
            run.advance_one(0, 1).unwrap();

            // The prior's gradient is a part of the one that is averaged, as of its curvature.
            let total = loss + delta * theta;
            let h_hat = n * (h + delta) * total * (theta - m) - delta;
            g = beta1 * g + (1.0 - beta1) * total;
            h = beta2 * h
                + (1.0 - beta2) * h_hat
                + 0.5 * (1.0 - beta2) * (1.0 - beta2) * (h - h_hat) * (h - h_hat) / (h + delta);
            let newton: f64 = g / (1.0 - beta1.powi(t)) / (h + delta);
            m -= rate * newton.clamp(-0.05, 0.05);
            let (found, found_sd) = (run.get(0, "mu").unwrap()[0], run.get(0, "sd").unwrap()[0]);
            assert!((found - m).abs() < 1e-12, "step {t}: {found} for {m}");
            let sd = 1.0 / f64::sqrt(n * (h + delta));
            assert!((found_sd / sd - 1.0).abs() < 1e-12, "step {t}");
        }
    }
}
