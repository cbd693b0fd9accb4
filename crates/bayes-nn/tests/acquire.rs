//! Rows of a pool that are chosen to be learned from.

use bayes_nn::model::{Batch, Trace};
use bayes_nn::prelude::*;
use bayes_nn::{Acquire, Acquired, Acquisition, AcquisitionError, DataError};

/// A pool of moons, and a fit of a network to a few of its rows.
fn fitted() -> (Dataset, Posterior<Bnn>) {
    let pool = datasets::moons(700, 0.2, 0).unwrap().standardized();
    let known: Vec<usize> = (0..14).map(|i| i * 50).collect();
    let net = Mlp::new([2, 5, 5, 1]).activation(Tanh);
    let advi = Advi::mean_field().steps(1_000).seed(1);
    let fit = Bnn::new(net, Bernoulli).fit(&pool.select(&known).unwrap(), &advi);
    (pool, fit.unwrap())
}

/// Three classes, by the angle of a point.
fn three_classes() -> (Dataset, Posterior<Bnn>) {
    let angle = |i: usize| i as f64 * 2.399_963;
    let x: Vec<f64> = (0..600)
        .flat_map(|i| [angle(i).cos(), angle(i).sin()])
        .collect();
    let class = |i: usize| (angle(i) / std::f64::consts::TAU).fract() * 3.0;
    let y: Vec<f64> = (0..600).map(|i| class(i).floor()).collect();
    let pool = Dataset::new(&x, 2, &y).unwrap();
    let known = pool.select(&(0..12).collect::<Vec<_>>()).unwrap();
    let bnn = Bnn::new(Mlp::new([2, 6, 3]).activation(Tanh), Categorical);
    let fit = bnn
        .fit(&known, &Advi::mean_field().steps(1_000).seed(1))
        .unwrap();
    (pool, fit)
}

fn by(acquisition: Acquisition) -> Acquire<'static> {
    acquisition.draws(60).seed(2)
}

/// The rows of the highest scores.
fn highest(scores: &[f64], k: usize) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..scores.len()).collect();
    rows.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    rows.truncate(k);
    rows
}

#[test]
fn scores_of_single_rows_are_the_uncertainties_of_predictions() {
    for (pool, fit) in [fitted(), three_classes()] {
        let prediction = fit.predict_with(&pool, Predict::draws(60).seed(2)).unwrap();
        for (acquisition, scores) in [
            (Acquisition::Bald, prediction.epistemic().to_vec()),
            (Acquisition::Entropy, prediction.total()),
        ] {
            let found = fit.acquire(&pool, 20, by(acquisition)).unwrap();
            assert_eq!(found.rows(), highest(&scores, 20));
            assert!(
                found
                    .rows()
                    .iter()
                    .zip(found.scores())
                    .all(|(row, score)| scores[*row] == *score)
            );
        }
    }
}

#[test]
fn a_batch_begins_with_the_row_of_most_information_and_says_less_than_its_rows_one_by_one() {
    for (pool, fit) in [fitted(), three_classes()] {
        let bald = fit
            .acquire(&pool, pool.rows(), by(Acquisition::Bald))
            .unwrap();
        let batch = fit.acquire(&pool, 8, by(Acquisition::BatchBald)).unwrap();
        assert_eq!(
            (batch.rows()[0], batch.scores()[0]),
            (bald.rows()[0], bald.scores()[0])
        );
        assert!(
            batch
                .scores()
                .windows(2)
                .all(|pair| pair[0] >= pair[1] && pair[1] > 0.0)
        );
        let alone = |row: &usize| bald.scores()[bald.rows().iter().position(|r| r == row).unwrap()];
        for (row, score) in batch.rows().iter().zip(batch.scores()).skip(1) {
            assert!(*score < alone(row));
        }
        let mut rows = batch.rows().to_vec();
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), 8);
    }
}

#[test]
fn the_same_seed_chooses_the_same_rows_with_the_same_scores() {
    let (pool, fit) = three_classes();
    for acquisition in [
        Acquisition::Bald,
        Acquisition::BatchBald,
        Acquisition::Epig,
        Acquisition::Entropy,
        Acquisition::Random,
    ] {
        let first: Acquired = fit.acquire(&pool, 6, by(acquisition)).unwrap();
        assert_eq!(first, fit.acquire(&pool, 6, by(acquisition)).unwrap());
        let other = fit
            .acquire(&pool, 6, acquisition.draws(60).seed(3))
            .unwrap();
        assert_ne!(first, other);
        assert_eq!((first.rows().len(), first.warnings().len()), (6, 0));
    }
    let random = fit.acquire(&pool, 6, Acquisition::Random).unwrap();
    assert_eq!(random.scores(), [0.0; 6]);
}

#[test]
fn rows_that_say_most_of_targets_lie_where_these_do() {
    let (pool, fit) = three_classes();
    let at = [0.3f64.cos(), 0.3f64.sin()];
    let target = Data::new().matrix("x", &at, 2).unwrap();
    let epig = Acquisition::Epig.draws(300).targets(target);
    let found = fit.acquire(&pool, 10, epig).unwrap();
    for row in found.rows() {
        let [a, b] = [pool.row(*row)[0] - at[0], pool.row(*row)[1] - at[1]];
        assert!(a.hypot(b) < 0.7, "{a} {b}");
    }
    // The information about the class of a target is no more than that about the weights.
    let bald = fit
        .acquire(&pool, 600, Acquisition::Bald.draws(300))
        .unwrap();
    let of = |row: &usize| bald.scores()[bald.rows().iter().position(|r| r == row).unwrap()];
    assert!(
        found
            .rows()
            .iter()
            .zip(found.scores())
            .all(|(row, score)| *score <= of(row) + 1e-6)
    );
}

/// A logistic regression whose rows are taken all at once.
fn logistic<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let slope = trace.sample("slope", Normal::new(0.0, 2.0));
    let logits = slope * data.column("x");
    trace.observe(
        "y",
        distributions::Bernoulli::logits(logits),
        data.column("y"),
    );
}

#[test]
fn models_as_functions_and_chains_choose_rows_too() {
    let model = model::from_fn(logistic);
    let known = Data::new().column("x", &[1.0, -1.0, 2.0]).unwrap();
    let known = known.column("y", &[1.0, 0.0, 0.0]).unwrap();
    let pool = Data::new()
        .column("x", &[0.0, 0.5, -3.0, 40.0, 0.1])
        .unwrap();
    let chains = model::fit(&model, &known, &Nuts::new().chains(2).draws(300).seed(1)).unwrap();
    for acquisition in [Acquisition::Bald, Acquisition::BatchBald, Acquisition::Epig] {
        let found = chains.acquire(&pool, 5, acquisition.draws(600)).unwrap();
        // At 0 the class is even, whatever the slope.
        let place = found.rows().iter().position(|row| *row == 0).unwrap();
        assert!(place >= 3 && found.scores()[place] < 1e-9, "{found:?}");
    }
    let entropy = chains.acquire(&pool, 1, Acquisition::Entropy).unwrap();
    assert_eq!(entropy.rows(), [0]);
    assert!((entropy.scores()[0] - 2f64.ln()).abs() < 1e-9);
}

#[test]
fn what_cannot_be_chosen_is_refused() {
    let (pool, fit) = fitted();
    let refused = |k, by: Acquire<'static>| fit.acquire(&pool, k, by).unwrap_err();
    let error = refused(701, Acquisition::Bald.into());
    assert!(matches!(
        error,
        Error::Acquisition(AcquisitionError::PoolSize { k: 701, rows: 700 })
    ));
    assert_eq!(
        error.to_string(),
        "701 rows are to be acquired from a pool of 700 rows; ask for 700 at the most"
    );
    assert_eq!(
        refused(0, Acquisition::Bald.into()).to_string(),
        "`k` is 0; it must be 1 or more"
    );
    let error = refused(1, Acquisition::Bald.draws(0));
    assert_eq!(error.to_string(), "`draws` is 0; it must be 1 or more");
    let error = refused(1, Acquisition::Bald.draws(5).targets(&[[0.0, 0.0]]));
    assert!(matches!(
        error,
        Error::Acquisition(AcquisitionError::Targets { .. })
    ));

    let empty = fit.acquire(Data::new(), 1, Acquisition::Bald).unwrap_err();
    assert!(matches!(empty, Error::Data(DataError::Empty)), "{empty}");
    let none: [[f64; 2]; 0] = [];
    let empty = fit.acquire(&none, 1, Acquisition::Random).unwrap_err();
    assert!(matches!(empty, Error::Data(DataError::Empty)), "{empty}");
    let wide = Data::new().matrix("x", &[0.0; 6], 3).unwrap();
    let error = fit.acquire(wide, 1, Acquisition::Bald).unwrap_err();
    assert!(matches!(error, Error::RowWidth { found: 3, .. }), "{error}");

    let numbers = Dataset::new(&[0.1, 0.4, 0.7], 1, &[0.0, 0.5, 1.0]).unwrap();
    let bnn = Bnn::new(Mlp::new([1, 3, 1]), Gaussian::new());
    let fit = bnn.fit(&numbers, &Advi::mean_field().steps(20)).unwrap();
    let error = fit
        .acquire(&numbers, 1, Acquisition::BatchBald)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`y` comes from Normal, and BatchBald compares probabilities of classes; it needs a variable of two or \
         more classes, as the heads `Bernoulli` and `Categorical` have it (`Acquisition::Random` takes any)"
    );
    assert_eq!(
        fit.acquire(&numbers, 3, Acquisition::Random)
            .unwrap()
            .rows()
            .len(),
        3
    );
}

#[test]
fn a_fit_that_was_loaded_chooses_the_same_rows() {
    let (pool, fit) = three_classes();
    let name = format!("bayes-nn-acquire-{}.bnn", std::process::id());
    let path = std::env::temp_dir().join(name);
    fit.save(&path).unwrap();
    let loaded = Bnn::load(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    for acquisition in [Acquisition::BatchBald, Acquisition::Epig] {
        let found = loaded.acquire(&pool, 5, by(acquisition)).unwrap();
        assert_eq!(found, fit.acquire(&pool, 5, by(acquisition)).unwrap());
    }
}
