//! What networks for tables find where nothing is said, and that those that find nothing say so.

use bayes_nn::nn::{HeteroscedasticGaussian, prior};
use bayes_nn::prelude::*;

const COLUMNS: usize = 100;
const ROWS: usize = 60;
/// The weights of the columns that matter.
const WEIGHTS: [f64; 5] = [2.0, -1.0, 1.0, 0.5, -2.0];

/// Numbers that look like independent normal ones, by the sum of four uniform ones.
fn numbers(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed;
    let mut uniform = move || {
        // Knuth's linear congruential generator.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    std::iter::from_fn(move || Some(3_f64.sqrt() * ((0..4).map(|_| uniform()).sum::<f64>() - 2.0)))
}

/// Rows of 100 columns of which five matter, or none.
fn wide(weights: &[f64]) -> Dataset {
    let x: Vec<f64> = numbers(1).take(10 * ROWS * COLUMNS).collect();
    let signal = |row: &[f64]| weights.iter().zip(row).map(|(w, x)| w * x).sum::<f64>();
    let rows = x.chunks(COLUMNS).map(signal).zip(numbers(2));
    let y: Vec<f64> = rows.map(|(signal, noise)| signal + noise).collect();
    Dataset::new(&x, COLUMNS, &y).unwrap()
}

/// The first rows to learn from, and the others.
fn parts(data: &Dataset) -> (Dataset, Dataset) {
    let rows: Vec<usize> = (0..data.rows()).collect();
    (
        data.select(&rows[..ROWS]).unwrap(),
        data.select(&rows[ROWS..]).unwrap(),
    )
}

#[test]
fn few_rows_of_many_columns_are_predicted_by_those_that_matter() {
    let (train, test) = parts(&wide(&WEIGHTS));
    let fit = Bnn::for_data(&train)
        .fit(&train, &Advi::mean_field().seed(1))
        .unwrap();
    let rmse = |fit: &Posterior<Bnn>| {
        fit.score(&test, Predict::draws(200))
            .unwrap()
            .regression()
            .unwrap()
            .rmse
    };
    // The noise has the standard deviation 1, the target that of 3.4.
    assert!(rmse(&fit) < 1.6, "{}", rmse(&fit));
    let explained = fit.explained().unwrap();
    assert!(
        explained.share > 0.7 && !explained.is_nothing,
        "{explained}"
    );
    assert!(fit.warnings().is_empty(), "{fit}");
}

#[test]
fn a_fit_that_predicts_the_same_for_all_rows_says_so() {
    let (train, _) = parts(&wide(&WEIGHTS));
    let net = Mlp::new([COLUMNS, 20, 1]).prior(prior::learned_scale());
    let fit = Bnn::new(net, Gaussian::new())
        .fit(&train, &Advi::mean_field().seed(1))
        .unwrap();
    let explained = fit.explained().unwrap();
    assert!(
        explained.is_nothing && explained.rows == ROWS,
        "{explained}"
    );
    let warning = &fit.warnings()[0];
    assert!(
        warning.starts_with("the fit predicts about the same for all rows"),
        "{warning}"
    );
    let shown = fit.to_string();
    assert!(
        shown.contains(&format!("\nexplains   {explained}\nwarning: {warning}")),
        "{shown}"
    );

    let path = std::env::temp_dir().join(format!("bayes-nn-explains-{}.bnn", std::process::id()));
    fit.save(&path).unwrap();
    let again = Bnn::load(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(
        (again.explained(), again.warnings()),
        (fit.explained(), fit.warnings())
    );
}

#[test]
fn where_there_is_nothing_to_find_the_warning_says_that_this_may_be() {
    let (train, _) = parts(&wide(&[]));
    let classes: Vec<f64> = train.y().iter().map(|y| f64::from(*y > 0.0)).collect();
    let classes = Dataset::new(train.x(), COLUMNS, &classes).unwrap();
    let classes = classes.with_classes(["below", "above"]).unwrap();
    for (data, what) in [(&train, "variance"), (&classes, "entropy")] {
        let fit = Bnn::for_data(data)
            .fit(data, &Advi::mean_field().seed(1))
            .unwrap();
        let warnings = fit.warnings();
        let [warning] = &warnings[..] else {
            panic!("{fit}");
        };
        assert!(
            warning.contains("either the columns say nothing of the target, or"),
            "{warning}"
        );
        assert!(warning.contains(what), "{warning}");
    }
}

#[test]
fn a_network_that_predicts_spread_alone_has_found_something() {
    let x: Vec<f64> = (0..400)
        .map(|i| f64::from(i * 37 % 400) / 200.0 - 1.0)
        .collect();
    let y: Vec<f64> = x
        .iter()
        .zip(numbers(3))
        .map(|(x, z)| (2.0 * x).exp() * z)
        .collect();
    let data = Data::new()
        .column("x", &x)
        .unwrap()
        .column("y", &y)
        .unwrap();
    let bnn = Bnn::new(Mlp::new([1, 5, 2]), HeteroscedasticGaussian::new());
    let fit = bnn
        .fit(&data, &Advi::mean_field().steps(4_000).seed(1))
        .unwrap();
    let explained = fit.explained().unwrap();
    assert!(
        explained.share < 0.02 && !explained.is_nothing,
        "{explained}"
    );
    assert!(!fit.to_string().contains("about the same"), "{fit}");
}
