//! Scores against values worked out by hand.

use super::*;

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-14, "{found} for {expected}");
}

const BINARY: [f64; 4] = [0.9, 0.2, 0.6, 0.5];
const LABELS: [f64; 4] = [1.0, 0.0, 0.0, 1.0];

#[test]
fn binary_scores_are_those_worked_out_by_hand() {
    close(accuracy(&BINARY, &LABELS).unwrap(), 0.5);
    let expected = -(0.9f64.ln() + 0.8f64.ln() + 0.4f64.ln() + 0.5f64.ln()) / 4.0;
    close(log_loss(&BINARY, &LABELS).unwrap(), expected);
    close(
        brier(&BINARY, &LABELS).unwrap(),
        (0.01 + 0.04 + 0.36 + 0.25) / 4.0,
    );
    // Bins of confidence: 0.5 wrong (bin 5), 0.6 wrong (bin 6), 0.8 right (bin 8), 0.9 right (bin 9).
    close(
        ece(&BINARY, &LABELS).unwrap(),
        (0.5 + 0.6 + 0.2 + 0.1) / 4.0,
    );
}

#[test]
fn multi_class_scores_are_those_worked_out_by_hand() {
    let probabilities = [0.7, 0.2, 0.1, 0.3, 0.3, 0.4, 0.1, 0.8, 0.1];
    let y = [0.0, 1.0, 1.0];
    close(accuracy(&probabilities, &y).unwrap(), 2.0 / 3.0);
    close(
        log_loss(&probabilities, &y).unwrap(),
        -(0.7f64.ln() + 0.3f64.ln() + 0.8f64.ln()) / 3.0,
    );
    close(
        brier(&probabilities, &y).unwrap(),
        (0.14 + 0.74 + 0.06) / 3.0,
    );
    close(ece(&probabilities, &y).unwrap(), (0.3 + 0.4 + 0.2) / 3.0);
}

#[test]
fn two_classes_score_alike_in_both_forms() {
    let pairs: Vec<f64> = BINARY.iter().flat_map(|&p| [1.0 - p, p]).collect();
    close(
        accuracy(&pairs, &LABELS).unwrap(),
        accuracy(&BINARY, &LABELS).unwrap(),
    );
    close(
        log_loss(&pairs, &LABELS).unwrap(),
        log_loss(&BINARY, &LABELS).unwrap(),
    );
    close(
        ece(&pairs, &LABELS).unwrap(),
        ece(&BINARY, &LABELS).unwrap(),
    );
    close(
        brier(&pairs, &LABELS).unwrap(),
        2.0 * brier(&BINARY, &LABELS).unwrap(),
    );
}

#[test]
fn log_loss_is_exact_at_both_ends_and_never_clipped() {
    assert_eq!(
        log_loss(&[1.0, 0.0], &[1.0, 0.0]).unwrap().to_bits(),
        0.0f64.to_bits()
    );
    assert_eq!(log_loss(&[1e-300], &[0.0]).unwrap(), 1e-300);
    assert_eq!(log_loss(&[1.0], &[0.0]).unwrap(), f64::INFINITY);
    assert_eq!(log_loss(&[0.0, 1.0], &[0.0]).unwrap(), f64::INFINITY);
}

#[test]
fn every_prediction_falls_into_one_bin() {
    let p = [0.0, 0.05, 0.5, 0.95, 1.0];
    let bins = reliability(&p, &[0.0, 1.0, 1.0, 1.0, 1.0], 2).unwrap();
    assert_eq!((bins[0].count, bins[1].count), (2, 3));
    close(bins[0].probability, 0.025);
    close(bins[0].frequency, 0.5);
    close(bins[1].frequency, 1.0);
    let empty = reliability(&p, &[0.0; 5], 10).unwrap()[3];
    assert_eq!((empty.count, empty.frequency), (0, 0.0));
    close(empty.probability, 0.35);
}

#[test]
fn multi_class_bins_hold_the_confidence_in_the_predicted_class() {
    let bins = reliability(&[0.7, 0.2, 0.1, 0.05, 0.15, 0.8], &[0.0, 0.0], 10).unwrap();
    assert_eq!((bins[7].count, bins[7].frequency), (1, 1.0));
    assert_eq!((bins[8].count, bins[8].frequency), (1, 0.0));
}

#[test]
fn regression_scores_are_those_worked_out_by_hand() {
    close(
        rmse(&[1.0, 2.0, 3.0], &[1.0, 4.0, 1.0]).unwrap(),
        (8.0f64 / 3.0).sqrt(),
    );
    close(
        coverage(&[0.0, 1.0, 2.0], &[1.0, 2.0, 3.0], &[1.0, 0.9, 2.5]).unwrap(),
        2.0 / 3.0,
    );
}

#[test]
fn each_bad_input_has_its_message() {
    let message = |result: Result<f64, ScoreError>| result.unwrap_err().to_string();
    assert_eq!(
        message(accuracy(&[], &[])),
        "no rows to score; at least one is needed"
    );
    assert_eq!(
        message(accuracy(&[0.5, 0.5, 0.5], &[0.0, 1.0])),
        "probabilities has 3 values for 2 targets; they are [n] for two classes, or [n, classes]"
    );
    for (label, shown) in [(2.0, "2"), (0.5, "0.5"), (-1.0, "-1"), (f64::NAN, "NaN")] {
        assert_eq!(
            message(brier(&[0.5, 0.5], &[0.0, label])),
            format!(
                "row 1: label {shown} is none of the 2 classes; labels are whole numbers from 0"
            )
        );
    }
    assert_eq!(
        message(ece(&[0.5, f64::NAN], &[0.0, 1.0])),
        "row 1, class 1: NaN is no probability; it must lie between 0 and 1"
    );
    assert_eq!(
        message(log_loss(&[1.2, -0.2], &[0.0])),
        "row 0, class 0: 1.2 is no probability; it must lie between 0 and 1"
    );
    assert_eq!(
        message(log_loss(&[0.5, 0.25], &[0.0])),
        "row 0: the class probabilities sum to 0.75, not to 1"
    );
    assert_eq!(
        message(rmse(&[1.0], &[1.0, 2.0])),
        "mean has 1 values for 2 targets; one value per target is needed"
    );
    assert_eq!(
        message(rmse(&[1.0], &[f64::NAN])),
        "row 0 of y: NaN is not finite"
    );
    assert_eq!(
        message(coverage(&[2.0], &[1.0], &[1.0])),
        "row 0: the interval's lower end 2 lies above its upper end 1"
    );
    assert_eq!(
        reliability(&[0.5], &[0.0], 0).unwrap_err(),
        ScoreError::NoBins
    );
}

#[test]
fn display_aligns_values_with_units() {
    let score = ClassificationScore {
        accuracy: 0.958,
        log_loss: 0.118,
        brier: 0.0345,
        ece: 0.0123,
    };
    let text = score.to_string();
    assert_eq!(
        text,
        "accuracy              95.80 %\n\
         log loss             0.1180 nats per row\n\
         Brier score          0.0345\n\
         calibration error    0.0123 (ECE, 10 bins)"
    );
    let score = RegressionScore {
        rmse: 4.5882,
        log_likelihood: -2.973,
        coverage: 0.94,
        interval: 0.55,
    };
    assert!(
        score
            .to_string()
            .ends_with("94.0 % of targets in their 55 % interval")
    );
}

#[test]
fn the_label_is_among_the_most_probable_classes() {
    // Ranks of the labels: 0, 1, 2, and 1 by the tie with a lower class.
    let p = [0.6, 0.3, 0.1, 0.3, 0.6, 0.1, 0.2, 0.3, 0.5, 0.4, 0.2, 0.4];
    let y = [0.0, 0.0, 0.0, 2.0];
    let shares: Vec<f64> = (1..=3).map(|k| top_k(&p, &y, k).unwrap()).collect();
    assert_eq!(shares, [0.25, 0.75, 1.0]);
    assert_eq!(top_k(&p, &y, 1), accuracy(&p, &y));
    assert_eq!(top_k(&[0.2, 0.9], &[1.0, 1.0], 1), Ok(0.5));
    assert_eq!(
        top_k(&p, &y, 4).unwrap_err().to_string(),
        "the 4 most probable of 3 classes; it must be from 1 to 3"
    );
    assert!(top_k(&p, &y, 0).is_err());
}

#[test]
fn a_confusion_matrix_counts_labels_by_predictions() {
    let one = [1.0, 0.0, 0.0];
    let two = [0.0, 1.0, 0.0];
    let p = [one, one, two, two, two].concat();
    let matrix = ConfusionMatrix::of(&p, &[0.0, 1.0, 1.0, 2.0, 2.0]).unwrap();
    let counts: Vec<usize> = (0..9).map(|i| matrix.count(i / 3, i % 3)).collect();
    assert_eq!(counts, [1, 0, 0, 1, 1, 0, 0, 2, 0]);
    assert_eq!((matrix.recall(2), matrix.precision(2)), (Some(0.0), None));
    assert_eq!((matrix.recall(3), matrix.count(3, 0)), (None, 0));
    assert_eq!(matrix.confused(), [(2, 1, 2), (1, 0, 1)]);
    assert_eq!(
        matrix.to_string(),
        "label \\ predicted 0 1 2   recall\n\
         \u{20}               0 1 0 0  100.00 %\n\
         \u{20}               1 1 1 0   50.00 %\n\
         \u{20}               2 0 2 0    0.00 %"
    );
    let binary = ConfusionMatrix::of(&[0.9, 0.2], &[1.0, 1.0]).unwrap();
    assert_eq!((binary.classes(), binary.count(1, 0)), (2, 1));
    assert!(ConfusionMatrix::of(&[0.5], &[2.0]).is_err());
}
