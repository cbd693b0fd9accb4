//! Optimisers as graph algebra: from a gradient and some memory to the next value.

use bayes_nn_autodiff::Var;
use bayes_nn_kernels::Step;

use super::ivon::Ivon;
use crate::check::setting;
use crate::{Family, InferenceError, Schedule};

/// The longest window of gradients, of which each takes the memory of the parameters.
const MOST_GRADIENTS: usize = 10_000;

/// How a parameter follows the gradient of the ELBO.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Optimizer {
    /// Adam (Kingma and Ba 2015, "Adam: a method for stochastic optimization", algorithm 1).
    Adam {
        /// Decay of the mean of gradients.
        beta1: f64,
        /// Decay of the mean of squared gradients.
        beta2: f64,
        /// Added to the root of the mean square.
        epsilon: f64,
    },
    /// Adagrad over a window: each gradient divided by the root of the sum of squares of the
    /// `window` gradients before it plus `epsilon`.
    ///
    /// PyMC's default for ADVI, with the learning rate 0.001, divides by a sum that has the gradient
    /// itself among its squares. That damps large gradients more than small ones, and those of a
    /// standard deviation are skewed: wherever the fit stops, its standard deviations are a tenth
    /// too large. Here only the first `window` gradients are among their own squares, as steps would
    /// be without bound otherwise.
    AdagradWindow {
        /// How many gradients are remembered, 10,000 at most.
        window: usize,
        /// Added to the sum of squares.
        epsilon: f64,
    },
    /// Gradient ascent with momentum (Polyak 1964): `v = momentum v + g`.
    Sgd {
        /// How much of the last movement stays.
        momentum: f64,
    },
    /// The improved variational online Newton method (Shen et al. 2024, "Variational learning is
    /// effective for large deep networks", algorithm 1): natural gradients of a mean-field guide, for
    /// networks of many weights. Standard deviations follow the curvature of the log density, as a
    /// running average estimates it from the same gradients, and means take Newton's steps with
    /// it: the learning rate is a part of such a step, and belongs to no scale of the variables.
    ///
    /// The paper's Hessian `h` of the mean loss and its prior's precision `delta` are one number here,
    /// the precision of the guide, `N (h + delta) = 1 / sd^2`: prior and Jacobians are parts of the log
    /// density that is differentiated, so that any prior will do. It begins at
    /// [`Advi::initial_sd`](crate::Advi::initial_sd), where the paper has a constant for `h`. In a few
    /// steps nothing is learnt of curvatures, and standard deviations stay where they began: see
    /// [`AdviFit::sds_moved`](crate::AdviFit::sds_moved). Sites that are points go by Adam.
    Ivon {
        /// Decay of the mean of gradients.
        momentum: f64,
        /// Steps over which curvatures are averaged, `1 / (1 - beta2)`: at most a tenth of all steps,
        /// as many as that unless given.
        memory: Option<f64>,
        /// The largest Newton step of a mean, before the learning rate; may be infinite.
        clip: f64,
    },
}

impl Default for Optimizer {
    fn default() -> Self {
        Optimizer::adam()
    }
}

impl Optimizer {
    /// [`Optimizer::Adam`] with its customary decays 0.9 and 0.999, and 1e-8.
    pub fn adam() -> Optimizer {
        Optimizer::Adam {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }

    /// [`Optimizer::AdagradWindow`] over 10 gradients with 0.1, as PyMC has them.
    pub fn adagrad_window() -> Optimizer {
        Optimizer::AdagradWindow {
            window: 10,
            epsilon: 0.1,
        }
    }

    /// [`Optimizer::Sgd`] with this momentum.
    pub fn sgd(momentum: f64) -> Optimizer {
        Optimizer::Sgd { momentum }
    }

    /// [`Optimizer::Ivon`] with the momentum 0.9, the memory of a tenth of the steps and Newton steps
    /// of 1 at most.
    ///
    /// ```
    /// use bayes_nn_inference::{Advi, Optimizer};
    /// let advi = Advi::mean_field().optimizer(Optimizer::ivon()).steps(10_000).batch(128);
    /// # let _ = advi;
    /// ```
    pub fn ivon() -> Optimizer {
        Optimizer::Ivon {
            momentum: 0.9,
            memory: None,
            clip: 1.0,
        }
    }

    /// The schedule that goes with the optimiser when none is given: the rate of
    /// [`Optimizer::Ivon`] rises over a twentieth of the steps, then falls to 0, that of others is
    /// constant.
    pub fn default_schedule(&self) -> Schedule {
        match self {
            Optimizer::Ivon { .. } => Schedule::WarmUp {
                share: 0.05,
                last: 0.0,
            },
            _ => Schedule::Constant,
        }
    }

    /// The learning rate of points among the normals that IVON moves.
    pub(crate) fn rate_of_points() -> f64 {
        Optimizer::adam().default_learning_rate(Family::Point)
    }

    /// What moves normals jointly, in a fit of so many steps.
    pub(crate) fn ivon_of(&self, steps: u64) -> Option<Ivon> {
        match *self {
            Optimizer::Ivon {
                momentum,
                memory,
                clip,
            } => Some(Ivon {
                momentum,
                memory: memory.unwrap_or(0.1 * steps as f64).max(1.0),
                clip,
            }),
            _ => None,
        }
    }

    /// The learning rate that goes with the optimiser and the guide when none is given.
    ///
    /// Adam's were chosen on a 2-5-5-1 net with 40 weights and 500 rows: with 0.015 mean-field
    /// guides come out of the worse local modes within 50,000 steps, and averaging removes the
    /// noise that this leaves; the many entries of a full-rank factor need a smaller step.
    pub fn default_learning_rate(&self, family: Family) -> f64 {
        match (self, family) {
            (Optimizer::Adam { .. }, Family::MeanField) => 0.015,
            (Optimizer::Adam { .. }, Family::FullRank) => 0.002,
            (Optimizer::Adam { .. }, Family::LowRank { .. }) => 0.01,
            (Optimizer::Adam { .. }, Family::Point) => 0.01,
            (Optimizer::AdagradWindow { .. }, _) => 0.001,
            (Optimizer::Sgd { .. }, _) => 1e-4,
            (Optimizer::Ivon { .. }, _) => 0.1,
        }
    }

    /// The next value of `parameter`. What the optimiser remembers of it are states of the step
    /// that start at zero, under names that begin with `name`. Their elements are those of the
    /// parameter, in their order, once or several times over.
    pub(crate) fn ascend<'g>(
        &self,
        step: &Step<'g>,
        name: &str,
        parameter: Var<'g>,
        gradient: Var<'g>,
        rate: Var<'g>,
    ) -> Var<'g> {
        let graph = step.graph();
        let shape = parameter.shape();
        let elements = shape.elements();
        let remembered = |what: &str| step.state(&format!("{name}.{what}"), shape, 0.0);
        match *self {
            Optimizer::Adam {
                beta1,
                beta2,
                epsilon,
            } => {
                let (m, v) = (remembered("adam.m"), remembered("adam.v"));
                let m_next = beta1 * m + (1.0 - beta1) * gradient;
                let v_next = beta2 * v + (1.0 - beta2) * (gradient * gradient);
                step.next(m, m_next);
                step.next(v, v_next);
                // 1 - beta^t without the rounding of a power near 1.
                let t = graph.step() + 1.0;
                let debias = |beta: f64| match beta {
                    0.0 => Var::from(1.0),
                    _ => -(t * beta.ln()).expm1(),
                };
                let scale = debias(beta2).sqrt();
                let step_size = rate * scale / debias(beta1);
                parameter + step_size * m_next / (v_next.sqrt() + epsilon * scale)
            }
            Optimizer::AdagradWindow { window, epsilon } => {
                let squares =
                    step.state(&format!("{name}.adagrad.squares"), [window, elements], 0.0);
                let number = graph.step();
                let now = number - (number * (1.0 / window as f64)).floor() * window as f64;
                let rows: Vec<f64> = (0..window).map(|row| row as f64).collect();
                // The product with 1 / window may round to just below a whole number.
                let distance = (graph.constant(&rows, [window, 1]) - now).abs();
                let oldest = distance
                    .lt(0.5)
                    .maximum((distance - window as f64).abs().lt(0.5));
                let flat = gradient.reshape([1, elements]);
                let square = flat * flat;
                step.next(squares, oldest.select(square, squares));
                let first = number.lt(window as f64).select(square.reshape(shape), 0.0);
                let before = squares.sum_axis(0).reshape(shape);
                parameter + rate * gradient / (before + first + epsilon).sqrt()
            }
            Optimizer::Sgd { momentum } => {
                let v = remembered("sgd.v");
                let v_next = momentum * v + gradient;
                step.next(v, v_next);
                parameter + rate * v_next
            }
            // What it moves jointly does not come here: points have no curvature to go by.
            Optimizer::Ivon { .. } => {
                Optimizer::adam().ascend(step, name, parameter, gradient, rate)
            }
        }
    }

    /// Checks that a fit of this guide in so many steps can go by it.
    pub(crate) fn check_fit(&self, family: Family, steps: u64) -> Result<(), InferenceError> {
        let Optimizer::Ivon { memory, .. } = *self else {
            return Ok(());
        };
        let most = (0.1 * steps as f64).max(1.0);
        let allowed = match memory {
            _ if family != Family::MeanField => {
                "another than Ivon, which moves the independent normals of `Advi::mean_field()` alone"
                    .to_owned()
            }
            Some(memory) if memory > most => format!(
                "given a memory of at most {most}, a tenth of the steps: standard deviations would \
                 stay where they began"
            ),
            _ => return Ok(()),
        };
        Err(setting("optimizer", format!("{self:?}"), allowed))
    }

    pub(crate) fn check(&self) -> Result<(), InferenceError> {
        let problem = |value: String, allowed: &str| InferenceError::Setting {
            field: "optimizer",
            value,
            allowed: allowed.to_owned(),
        };
        let decay = |name: &str, beta: f64| match (0.0..1.0).contains(&beta) {
            true => Ok(()),
            false => Err(problem(
                format!("{self:?}"),
                &format!("given a {name} of at least 0 and below 1"),
            )),
        };
        let positive = |epsilon: f64| match epsilon > 0.0 && epsilon.is_finite() {
            true => Ok(()),
            false => Err(problem(
                format!("{self:?}"),
                "given a finite epsilon above 0",
            )),
        };
        match *self {
            Optimizer::Adam {
                beta1,
                beta2,
                epsilon,
            } => {
                decay("beta1", beta1)?;
                decay("beta2", beta2)?;
                positive(epsilon)
            }
            Optimizer::AdagradWindow { window, epsilon } => {
                if !(1..=MOST_GRADIENTS).contains(&window) {
                    let allowed = format!("given a window between 1 and {MOST_GRADIENTS}");
                    return Err(problem(format!("{self:?}"), &allowed));
                }
                positive(epsilon)
            }
            Optimizer::Sgd { momentum } => decay("momentum", momentum),
            Optimizer::Ivon {
                momentum,
                memory,
                clip,
            } => {
                decay("momentum", momentum)?;
                if memory.is_some_and(|memory| !(memory >= 1.0 && memory.is_finite())) {
                    let allowed = "given a memory of 1 step or more";
                    return Err(problem(format!("{self:?}"), allowed));
                }
                match clip > 0.0 {
                    true => Ok(()),
                    false => Err(problem(format!("{self:?}"), "given a clip above 0")),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bayes_nn_autodiff::Graph;
    use bayes_nn_kernels::{Precision, Runtime};

    /// Runs an optimiser on gradients given from outside.
    fn run(optimizer: Optimizer, rate: f64, gradients: &[[f64; 2]]) -> Vec<[f64; 2]> {
        let graph = Graph::new();
        let step = Step::new(&graph);
        let parameter = step.state("p", [2], 0.0);
        let gradient = step.state("g", [2], 0.0);
        let next = optimizer.ascend(&step, "p", parameter, gradient, Var::from(rate));
        step.next(parameter, next);
        let runtime = Runtime {
            precision: Precision::F64,
            ..Runtime::default()
        };
        let mut run = step.finish(&runtime).unwrap().start(1).unwrap();
        run.begin(&[0]).unwrap();
        let path = gradients.iter().map(|gradient| {
            run.set(0, "g", gradient).unwrap();
            run.advance_one(0, 1).unwrap();
            run.get(0, "p").unwrap().try_into().unwrap()
        });
        path.collect()
    }

    fn gradients() -> Vec<[f64; 2]> {
        (0..35)
            .map(|i| [f64::from(i).sin() + 0.5, 2.0 - 0.1 * f64::from(i)])
            .collect()
    }

    #[test]
    fn adam_follows_algorithm_1_of_its_paper() {
        let (mut theta, mut m, mut v) = (0.0, 0.0, 0.0);
        let path = run(Optimizer::adam(), 0.1, &gradients());
        for (t, (g, found)) in gradients().iter().zip(path).enumerate() {
            m = 0.9 * m + 0.1 * g[0];
            v = 0.999 * v + 0.001 * g[0] * g[0];
            let t = t as i32 + 1;
            let (m_hat, v_hat) = (m / (1.0 - 0.9f64.powi(t)), v / (1.0 - 0.999f64.powi(t)));
            theta += 0.1 * m_hat / (v_hat.sqrt() + 1e-8);
            assert!((theta - found[0]).abs() < 1e-12);
        }
    }

    #[test]
    fn windowed_adagrad_divides_by_the_ten_squares_before() {
        let gradients = gradients();
        let path = run(Optimizer::adagrad_window(), 0.1, &gradients);
        let mut theta = 0.0;
        for (t, found) in path.iter().enumerate() {
            let before = &gradients[t.saturating_sub(10)..t];
            let mut squares: f64 = before.iter().map(|g| g[1] * g[1]).sum();
            if t < 10 {
                squares += gradients[t][1].powi(2);
            }
            theta += 0.1 * gradients[t][1] / (squares + 0.1).sqrt();
            assert!((theta - found[1]).abs() < 1e-12, "step {t}");
        }
    }

    #[test]
    fn momentum_sums_gradients_that_decay() {
        let gradients = gradients();
        let path = run(Optimizer::sgd(0.9), 0.1, &gradients);
        let (mut theta, mut v) = (0.0, 0.0);
        for (g, found) in gradients.iter().zip(path) {
            v = 0.9 * v + g[0];
            theta += 0.1 * v;
            assert!((theta - found[0]).abs() < 1e-12);
        }
    }
}
