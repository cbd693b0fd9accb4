//! A normal distribution whose covariance is an inverse Hessian of quasi-Newton steps.
//!
//! From a diagonal covariance `C C^T` a BFGS update by a step `s` along which the gradient of
//! `-log p` changed by `y` makes `(I - g s f^T) C`, where with `B` the inverse of the covariance
//! `t = sqrt(s.B s / s.y)`, `f = (t y - B s) / (s.B s)` and `g = 1 / (1 + f.s) = 1 / sqrt(s.y / s.B s)`
//! (Brodlie, Gourlay and Greenstadt 1973, "Rank-one and rank-two corrections to positive definite
//! matrices expressed in product form"). The factor has an inverse whenever `s.y > 0`, and draws,
//! densities and determinants need neither a matrix of all coordinates nor its Cholesky factor.

use std::f64::consts::TAU;

/// A step of a path with the change of the gradient along it.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The step `[P]`.
    pub(crate) s: Vec<f64>,
    /// The change of the gradient of minus the log density `[P]`.
    pub(crate) y: Vec<f64>,
}

/// The factor `I - g s f^T`, whose inverse is `I + s f^T`.
#[derive(Clone, Debug)]
struct Update {
    s: Vec<f64>,
    f: Vec<f64>,
    g: f64,
}

/// A normal distribution over the unconstrained vector `z [P]`.
#[derive(Clone, Debug)]
pub(crate) struct Gaussian {
    mean: Vec<f64>,
    /// Standard deviations before the updates.
    scale: Vec<f64>,
    /// In the order in which they are applied to `scale * u`.
    updates: Vec<Update>,
    /// The logarithm of the determinant of the factor `C` of the covariance `C C^T`.
    log_det: f64,
}

impl Gaussian {
    /// The normal around 0 whose covariance is the diagonal of `variances [P]` after the updates by
    /// these pairs. None where rounding leaves a number that is not finite.
    pub(crate) fn around_zero<'a>(
        variances: &[f64],
        pairs: impl Iterator<Item = &'a Pair>,
    ) -> Option<Gaussian> {
        let scale: Vec<f64> = variances.iter().map(|v| v.sqrt()).collect();
        let mut gaussian = Gaussian {
            mean: vec![0.0; scale.len()],
            log_det: scale.iter().map(|s| s.ln()).sum(),
            scale,
            updates: Vec::new(),
        };
        for Pair { s, y } in pairs {
            let mut f = s.clone();
            gaussian.whiten(&mut f);
            let s_b_s = dot(&f, &f);
            gaussian.whiten_transposed(&mut f);
            let ratio = dot(s, y) / s_b_s;
            let t = ratio.sqrt().recip();
            for (f, y) in f.iter_mut().zip(y) {
                *f = (t * y - *f) / s_b_s;
            }
            gaussian.log_det -= 0.5 * ratio.ln();
            gaussian.updates.push(Update {
                s: s.clone(),
                f,
                g: t,
            });
        }
        gaussian.log_det.is_finite().then_some(gaussian)
    }

    /// The normal that Newton's step leads to from a point `z` `[P]` at which the log density has
    /// this gradient. None where the mean is not finite.
    pub(crate) fn after_step(mut self, z: &[f64], gradient: &[f64]) -> Option<Gaussian> {
        self.mean.copy_from_slice(gradient);
        let mut step = std::mem::take(&mut self.mean);
        self.multiply(&mut step);
        step.iter_mut().zip(z).for_each(|(step, z)| *step += z);
        self.mean = step;
        self.mean.iter().all(|m| m.is_finite()).then_some(self)
    }

    /// The mean, `[P]`.
    pub(crate) fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The marginal standard deviations, `[P]`.
    pub(crate) fn sd(&self) -> Vec<f64> {
        // Row i of C is C^T e_i; by the updates of the variances it takes P J^2 instead of P^2 J.
        let mut variances: Vec<f64> = self.scale.iter().map(|s| s * s).collect();
        for (count, Update { s, f, g }) in self.updates.iter().enumerate() {
            // (I - g s f^T) H (I - g f s^T) = H - g (H f) s^T - g s (H f)^T + g^2 (f.H f) s s^T
            let mut h_f = f.clone();
            self.multiply_first(&mut h_f, count);
            let square = g * g * dot(f, &h_f);
            for ((v, s), h_f) in variances.iter_mut().zip(s).zip(&h_f) {
                *v += s * (square * s - 2.0 * g * h_f);
            }
        }
        variances.iter().map(|v| v.max(0.0).sqrt()).collect()
    }

    /// The covariance, row-major `[P, P]`, for few coordinates.
    pub(crate) fn covariance(&self) -> Vec<f64> {
        let dim = self.mean.len();
        let mut covariance = vec![0.0; dim * dim];
        for (i, row) in covariance.chunks_exact_mut(dim.max(1)).enumerate() {
            row[i] = 1.0;
            self.multiply(row);
        }
        covariance
    }

    /// The draw that noise `u [P]` of independent standard normals gives, in its place, and the log
    /// density there.
    pub(crate) fn draw(&self, u: &mut [f64]) -> f64 {
        let log_prob = self.log_prob_of_noise(u);
        self.color(u, self.updates.len());
        u.iter_mut().zip(&self.mean).for_each(|(z, m)| *z += m);
        log_prob
    }

    /// The log density at a point `z` `[P]`, in nats.
    pub(crate) fn log_prob(&self, z: &[f64]) -> f64 {
        let mut u: Vec<f64> = z.iter().zip(&self.mean).map(|(z, m)| z - m).collect();
        self.whiten(&mut u);
        self.log_prob_of_noise(&u)
    }

    fn log_prob_of_noise(&self, u: &[f64]) -> f64 {
        -0.5 * (dot(u, u) + u.len() as f64 * TAU.ln()) - self.log_det
    }

    /// `C u` of the first updates.
    fn color(&self, u: &mut [f64], updates: usize) {
        u.iter_mut().zip(&self.scale).for_each(|(u, s)| *u *= s);
        for Update { s, f, g } in &self.updates[..updates] {
            add(u, -g * dot(f, u), s);
        }
    }

    /// `C^T v` of the first updates.
    fn color_transposed(&self, v: &mut [f64], updates: usize) {
        for Update { s, f, g } in self.updates[..updates].iter().rev() {
            add(v, -g * dot(s, v), f);
        }
        v.iter_mut().zip(&self.scale).for_each(|(v, s)| *v *= s);
    }

    /// `C^-1 v`
    fn whiten(&self, v: &mut [f64]) {
        for Update { s, f, .. } in self.updates.iter().rev() {
            add(v, dot(f, v), s);
        }
        v.iter_mut().zip(&self.scale).for_each(|(v, s)| *v /= s);
    }

    /// `C^-T v`
    fn whiten_transposed(&self, v: &mut [f64]) {
        v.iter_mut().zip(&self.scale).for_each(|(v, s)| *v /= s);
        for Update { s, f, .. } in &self.updates {
            add(v, dot(s, v), f);
        }
    }

    /// The covariance times a vector.
    fn multiply(&self, v: &mut [f64]) {
        self.multiply_first(v, self.updates.len());
    }

    fn multiply_first(&self, v: &mut [f64], updates: usize) {
        self.color_transposed(v, updates);
        self.color(v, updates);
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `v += factor * w`
fn add(v: &mut [f64], factor: f64, w: &[f64]) {
    v.iter_mut().zip(w).for_each(|(v, w)| *v += factor * w);
}
