//! The step size: Nesterov's dual averaging towards a wanted acceptance.

use super::archive::Archive;

/// Dual averaging of the logarithm of the step size (Hoffman and Gelman 2014, "The No-U-Turn
/// Sampler", section 3.2, equation 6).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DualAveraging {
    target: f64,
    /// Where the iterates are drawn to: ten times the step size at the start.
    mu: f64,
    log_step: f64,
    log_average: f64,
    /// The mean shortfall of acceptance.
    shortfall: f64,
    count: f64,
}

const GAMMA: f64 = 0.05;
const T0: f64 = 10.0;
const KAPPA: f64 = 0.75;

impl DualAveraging {
    pub(super) fn new(target: f64, step_size: f64) -> DualAveraging {
        DualAveraging {
            target,
            mu: (10.0 * step_size).ln(),
            log_step: step_size.ln(),
            log_average: step_size.ln(),
            shortfall: 0.0,
            count: 0.0,
        }
    }

    pub(super) fn archive(&mut self, archive: &mut Archive) {
        for value in [
            &mut self.mu,
            &mut self.log_step,
            &mut self.log_average,
            &mut self.shortfall,
            &mut self.count,
        ] {
            archive.f64(value);
        }
    }

    /// Starts anew from a step size.
    pub(super) fn restart(&mut self, step_size: f64) {
        *self = DualAveraging::new(self.target, step_size);
    }

    /// Takes in the acceptance of a trajectory and returns the step size of the next.
    pub(super) fn update(&mut self, acceptance: f64) -> f64 {
        self.count += 1.0;
        let weight = 1.0 / (self.count + T0);
        self.shortfall += weight * (self.target - acceptance - self.shortfall);
        self.log_step = self.mu - self.shortfall * self.count.sqrt() / GAMMA;
        let share = self.count.powf(-KAPPA);
        self.log_average += share * (self.log_step - self.log_average);
        self.log_step.exp()
    }

    /// The step size to keep after warm-up.
    pub(super) fn average(&self) -> f64 {
        self.log_average.exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_reaches_the_step_size_of_the_wanted_acceptance() {
        // Acceptance falls with the step size; it is 0.8 at 0.25.
        let acceptance = |step: f64| (-step * 1.25f64.ln() / 0.25).exp();
        for start in [1e-3, 0.1, 20.0] {
            let mut averaging = DualAveraging::new(0.8, start);
            let mut step = start;
            for _ in 0..500 {
                step = averaging.update(acceptance(step));
            }
            assert!((averaging.average() / 0.25 - 1.0).abs() < 0.1, "{start}");
        }
    }
}
