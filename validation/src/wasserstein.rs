//! How far draws are from those of a reference.

use std::collections::BTreeMap;

use crate::run::Run;

/// The mean over the scalars of a reference of [`distance`], in standard deviations of the
/// reference; nothing if the run lacks one of them.
pub fn mean_distance(run: &Run, reference: &BTreeMap<String, Vec<f64>>) -> Option<f64> {
    let distances = reference.iter().map(|(name, theirs)| {
        let n = theirs.len() as f64;
        let mean = theirs.iter().sum::<f64>() / n;
        let squares: f64 = theirs.iter().map(|v| (v - mean).powi(2)).sum();
        Some(distance(run.scalar(name)?, theirs.clone()) / (squares / (n - 1.0)).sqrt())
    });
    let distances: Vec<f64> = distances.collect::<Option<_>>()?;
    Some(distances.iter().sum::<f64>() / distances.len() as f64)
}

/// The 1-Wasserstein distance of two samples: the area between their distribution functions.
pub fn distance(mut a: Vec<f64>, mut b: Vec<f64>) -> f64 {
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let steps = |values: &[f64], height: f64| -> Vec<(f64, f64)> {
        let height = height / values.len() as f64;
        values.iter().map(|v| (*v, height)).collect()
    };
    let mut all = [steps(&a, 1.0), steps(&b, -1.0)].concat();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut area, mut height) = (0.0, 0.0);
    for pair in all.windows(2) {
        height += pair[0].1;
        area += f64::abs(height) * (pair[1].0 - pair[0].0);
    }
    area
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn a_shift_is_its_own_distance_and_copies_do_not_count() {
        let a = vec![3.0, 1.0, 2.0];
        assert!((distance(a.clone(), vec![1.5, 2.5, 3.5]) - 0.5).abs() < 1e-12);
        assert!(distance(a.clone(), [a.clone(), a].concat()).abs() < 1e-12);
        // Half of the mass moves by 4.
        assert!((distance(vec![0.0], vec![0.0, 4.0]) - 2.0).abs() < 1e-12);
    }
}
