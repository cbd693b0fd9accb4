//! Files that were written once and stay: every version of the library reads them.

use bayes_nn::prelude::*;

/// Two thirds of the flowers of `iris.csv`, 400 steps of mean-field ADVI, two restarts, single
/// precision.
#[test]
fn a_network_of_every_version_of_the_format_is_read_and_predicts_as_it_did() {
    predicts_as_it_did("tests/data/network-1.bnn");
    predicts_as_it_did("tests/data/network-2.bnn");
}

fn predicts_as_it_did(path: &str) {
    let fit = Bnn::load(path).unwrap();
    let guide = fit.approximation().unwrap();
    let means = [
        0.11525795608758926,
        -0.18301653861999512,
        0.5443515181541443,
    ];
    assert_eq!((&guide.mean()[..3], guide.dim()), (&means[..], 163));
    let shown = fit.to_string();
    assert!(
        shown.starts_with("steps      400\nseconds    7.41 (54 steps/s"),
        "{shown}"
    );
    assert!(shown.contains("ELBO       -80.00 ± 0.65 nats\n"));
    assert!(shown.contains("R-hat      1.00 of predictions over 2 restarts"));
    assert_eq!(fit.advi().unwrap().restarts().len(), 2);
    let encoding = fit.encoding().unwrap().to_string();
    assert!(
        encoding.starts_with("sepal length  (x - 5.847) / 0.8227\n"),
        "{encoding}"
    );

    let new = "petal width,petal length,sepal width,sepal length\n\
               0.2,1.4,3.5,5.1\n2.1,5.7,3.0,6.8\n";
    let new = Table::read_from(new.as_bytes()).unwrap();
    let prediction = fit.predict(&new, 500).unwrap();
    assert_eq!(prediction.predicted_classes(), ["setosa", "virginica"]);
    let expected = [0.964824, 0.034690, 0.000485, 0.000891, 0.052683, 0.946425];
    for (found, expected) in prediction.mean().iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

fn line<'g>(trace: &model::Trace<'g>, data: &model::Batch<'g>) {
    let slope = trace.sample("slope", Normal::new(0.0, 2.0));
    let noise = trace.sample("noise", HalfNormal::new(1.0));
    let mean = slope * data.column("x");
    trace.observe("y", Normal::new(mean, noise), data.column("y"));
}

/// Two chains of 50 draws after 100 of warm-up.
#[test]
fn chains_of_every_version_of_the_format_are_read_and_print_as_they_did() {
    print_as_they_did("tests/data/chains-1.bnn");
    print_as_they_did("tests/data/chains-2.bnn");
}

fn print_as_they_did(path: &str) {
    let fit = model::load(&line, path).unwrap();
    let shown = fit.to_string();
    assert!(shown.starts_with("2 chains of 50, 50 draws, 1565 gradients of 17.2 us, 0.15 s\n"));
    assert!(shown.contains("slope  1.96  0.12       1.8       2.1        41        13   1.09"));
    let warnings = fit.warnings();
    assert!(
        warnings[0].starts_with("1 of 100 trajectories diverged"),
        "{warnings:?}"
    );
    let draws = fit.all_draws().unwrap();
    let noise = draws.variable("noise").unwrap().values()[7];
    assert!((noise - 0.14841076208940973).abs() < 1e-14, "{noise}");
}
