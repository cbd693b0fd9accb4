//! What the class of a row says of the classes of others.

use super::entropy;

/// Rows to be predicted well.
pub(super) struct Targets {
    draws: usize,
    classes: usize,
    /// The probabilities of their classes, `[draws, targets, classes]`.
    p: Vec<f64>,
    /// The entropy of the mean of these, of each target.
    entropies: Vec<f64>,
}

impl Targets {
    /// From probabilities `[targets, draws, classes]`.
    pub(super) fn new(by_target: &[f64], draws: usize, classes: usize) -> Targets {
        let numbers = draws * classes;
        let targets = by_target.chunks_exact(numbers);
        let p = (0..draws)
            .flat_map(|draw| {
                let targets = targets.clone();
                targets.flat_map(move |p| &p[draw * classes..(draw + 1) * classes])
            })
            .copied();
        Targets {
            draws,
            classes,
            p: p.collect(),
            entropies: targets.map(|p| entropy(&mean(p, draws, classes))).collect(),
        }
    }

    /// The mutual information between the class of a row and that of a target, in nats, averaged over the
    /// targets: the expected predictive information gain (Bickford Smith et al. 2023);
    /// `p [draws, classes]`.
    ///
    /// `I(y, y*) = H(y) + H(y*) - H(y, y*)`
    pub(super) fn information(&self, p: &[f64]) -> f64 {
        let own = entropy(&mean(p, self.draws, self.classes));
        let width = self.entropies.len() * self.classes;
        let mut sum: f64 = self.entropies.iter().map(|other| own + other).sum();
        let mut joint = vec![0.0; width];
        for class in 0..self.classes {
            joint.fill(0.0);
            for draw in 0..self.draws {
                let share = p[draw * self.classes + class] / self.draws as f64;
                let others = &self.p[draw * width..][..width];
                for (joint, other) in joint.iter_mut().zip(others) {
                    *joint += share * other;
                }
            }
            sum -= entropy(&joint);
        }
        (sum / self.entropies.len() as f64).max(0.0)
    }
}

/// The mean over draws, `[classes]`.
fn mean(p: &[f64], draws: usize, classes: usize) -> Vec<f64> {
    let of_class = |class| p.iter().skip(class).step_by(classes).sum::<f64>();
    (0..classes)
        .map(|class| of_class(class) / draws as f64)
        .collect()
}
