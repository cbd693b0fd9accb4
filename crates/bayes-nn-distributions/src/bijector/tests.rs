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

/// Those of vectors and matrices, of any graph.
fn of_vectors<'g>() -> [Bijector<'g>; 4] {
    [
        Bijector::Simplex,
        Bijector::Ordered,
        Bijector::PositiveOrdered,
        Bijector::CorrelationCholesky,
    ]
}

/// By elimination with the largest pivot.
fn log_determinant(mut rows: Vec<Vec<f64>>) -> f64 {
    let n = rows.len();
    let mut sum = 0.0;
    for k in 0..n {
        let by_size = |&a: &usize, &b: &usize| rows[a][k].abs().total_cmp(&rows[b][k].abs());
        let pivot = (k..n).max_by(by_size).unwrap();
        rows.swap(k, pivot);
        let top = rows[k].clone();
        sum += top[k].abs().ln();
        for row in &mut rows[k + 1..] {
            let share = row[k] / top[k];
            for (value, above) in row.iter_mut().zip(&top) {
                *value -= share * above;
            }
        }
    }
    sum
}

#[test]
fn maps_of_vectors_lead_back_and_know_their_determinant() {
    // The places of the result that are free: as many as there are numbers.
    let free: [&[usize]; 4] = [
        &[0, 1, 2, 3, 4, 5],
        &[0, 1, 2, 3, 4, 5],
        &[0, 1, 2, 3, 4, 5],
        &[4, 8, 9, 12, 13, 14],
    ];
    let shapes = [
        Shape::from([7]),
        Shape::from([6]),
        Shape::from([6]),
        Shape::from([4, 4]),
    ];
    for scale in [0.0, 0.3, 1.0, 3.0] {
        let graph = Graph::new();
        let z = graph.input("z", [6]);
        let at: Vec<f64> = (0..6)
            .map(|i| scale * (1.7 * f64::from(i) + 0.4).sin())
            .collect();
        let bound = Bindings::new().bind(z, &at);
        for ((bijector, shape), free) in of_vectors().into_iter().zip(shapes).zip(free) {
            let x = bijector.forward(z);
            assert_eq!(x.shape(), shape);
            assert_eq!(bijector.unconstrained_shape(shape), Shape::from([6]));
            let mut outputs = vec![bijector.inverse(x), bijector.log_det_jacobian(z)];
            for &place in free {
                let slope = grad(x.view(place, Shape::SCALAR), &[z]).unwrap();
                outputs.push(slope[0]);
            }
            let values = graph.evaluate(&outputs, &bound).unwrap();
            for (back, at) in values[0].values().iter().zip(&at) {
                assert!(
                    (back - at).abs() < 1e-11,
                    "{bijector:?}: {at} came back as {back}"
                );
            }
            let rows = values[2..].iter().map(|v| v.values().to_vec()).collect();
            let (got, expected) = (values[1].values()[0], log_determinant(rows));
            assert!(
                (got - expected).abs() < 1e-12,
                "{bijector:?}: {got}, not {expected}"
            );
        }
    }
}

#[test]
fn each_of_a_batch_is_mapped_alone() {
    for bijector in of_vectors() {
        let graph = Graph::new();
        let both = graph.constant(&[0.3, -1.0, 2.0, 0.1, 0.7, -0.4], [3, 2]);
        let second = graph.constant(&[-1.0, 0.1, -0.4], [3]);
        let outputs = [
            bijector.forward(both),
            bijector.forward(second),
            bijector.log_det_jacobian(both),
            bijector.log_det_jacobian(second),
            bijector.inverse(bijector.forward(both)),
        ];
        let values = graph.evaluate(&outputs, &Bindings::new()).unwrap();
        let of_second: Vec<f64> = values[0].values().chunks(2).map(|pair| pair[1]).collect();
        assert_eq!(of_second, values[1].values());
        assert_eq!(values[2].values()[1], values[3].values()[0]);
        assert_eq!(values[4].values().len(), 6);
    }
}

#[test]
fn zero_gives_equal_shares_and_the_log_det_stays_finite_far_out() {
    let graph = Graph::new();
    let zero = graph.constant(&[0.0; 3], [3]);
    let far = graph.constant(&[800.0, -800.0, 800.0], [3]);
    let outputs = [
        Bijector::Simplex.forward(zero),
        Bijector::Simplex.log_det_jacobian(far),
    ];
    let values = graph.evaluate(&outputs, &Bindings::new()).unwrap();
    assert!(values[0].values().iter().all(|x| (x - 0.25).abs() < 1e-15));
    assert!(values[1].values()[0].is_finite());
}
