//! Running means and variances of draws and gradients.

use super::archive::Archive;

/// Means and variances of the coordinates of a stream of vectors (Welford 1962).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Welford {
    count: u64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Welford {
    pub(super) fn new(dim: usize) -> Welford {
        Welford {
            count: 0,
            mean: vec![0.0; dim],
            squares: vec![0.0; dim],
        }
    }

    pub(super) fn add(&mut self, values: &[f64]) {
        self.count += 1;
        let share = 1.0 / self.count as f64;
        for ((mean, squares), value) in self.mean.iter_mut().zip(&mut self.squares).zip(values) {
            let before = value - *mean;
            *mean += before * share;
            *squares += before * (value - *mean);
        }
    }

    pub(super) fn mean(&self) -> &[f64] {
        &self.mean
    }

    pub(super) fn variances(&self) -> impl Iterator<Item = f64> {
        let divisor = self.count.saturating_sub(1).max(1) as f64;
        self.squares.iter().map(move |squares| squares / divisor)
    }

    fn archive(&mut self, archive: &mut Archive) {
        let dim = self.mean.len();
        archive.count(&mut self.count);
        archive.exactly(dim, &mut self.mean);
        archive.exactly(dim, &mut self.squares);
    }

    fn clear(&mut self) {
        self.count = 0;
        self.mean.fill(0.0);
        self.squares.fill(0.0);
    }
}

/// The moments of draws and of the gradients at them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moments {
    pub(super) draws: Welford,
    pub(super) gradients: Welford,
}

impl Moments {
    pub(super) fn new(dim: usize) -> Moments {
        Moments {
            draws: Welford::new(dim),
            gradients: Welford::new(dim),
        }
    }

    pub(super) fn add(&mut self, draw: &[f64], gradient: &[f64]) {
        self.draws.add(draw);
        self.gradients.add(gradient);
    }

    pub(super) fn archive(&mut self, archive: &mut Archive) {
        self.draws.archive(archive);
        self.gradients.archive(archive);
    }

    pub(super) fn count(&self) -> u64 {
        self.draws.count
    }

    pub(super) fn clear(&mut self) {
        self.draws.clear();
        self.gradients.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variances_are_those_of_the_textbook_far_from_zero_too() {
        let mut welford = Welford::new(1);
        for value in [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0] {
            welford.add(&[value]);
        }
        assert_eq!(welford.variances().collect::<Vec<_>>(), [30.0]);
    }
}
