//! The story: every cell of the notebook in its order, each a section of the report.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

use bayes_nn::prelude::*;
use bayes_nn::report::Report;
use bayes_nn::scores::{ClassificationScore, reliability};
use bayes_nn::{AdviFit, CsvReader};

use crate::arguments::Arguments;
use crate::pictures::{self, Heat, NamedCurve};
use crate::summary::{Fitted, Minibatch, Rows, Summary};

/// Draws of the weights for predictions.
const TEST_DRAWS: usize = 500;
const GRID_DRAWS: usize = 500;
/// Points along each side of the surfaces.
const GRID: usize = 100;
/// Posterior draws that are shown.
const SHOWN_DRAWS: usize = 500;

const MODEL: &str = "\
let net = Mlp::new([2, 5, 5, 1])
    .activation(Tanh)
    .without_bias()
    .prior(Normal::new(0.0, 1.0));
let bnn = Bnn::new(net, Bernoulli);
let advi = Advi::mean_field()
    .steps(50_000)
    .restarts(4)
    .learning_rate(0.03)
    .schedule(Schedule::Cosine { last: 0.01 })
    .seed(1);
let fit = bnn.fit(&train, &advi)?;
let prediction = fit.predict(test.x(), 500)?;";

/// Runs everything and writes the report, the pictures and the summary.
pub fn tell(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let out = Output::new(&arguments.out)?;

    // The data.
    let (train, test) = data(arguments)?;
    println!("{} training and {} test points", train.rows(), test.rows());
    let mut report = Report::new("Bayesian deep learning on two moons").text(
        "A small neural network with a normal prior on each weight, fitted by variational \
         inference. The answer to every question is a distribution: of the class of a point, of \
         the weights, of how sure the network may be.",
    );
    let class_1 = |set: &Dataset| set.y().iter().filter(|y| **y == 1.0).count().to_string();
    report = report
        .section("The data")
        .text(&match &arguments.csv {
            Some(file) => format!(
                "Two classes that no straight line separates, read from {}.",
                file.display()
            ),
            None => "Two interleaved half circles with normal noise of standard deviation 0.2, \
                     1000 points, standardised, half of them held out."
                .to_owned(),
        })
        .table(
            &["", "points", "of class 1"],
            &[
                [
                    "training".to_owned(),
                    train.rows().to_string(),
                    class_1(&train),
                ],
                ["test".to_owned(), test.rows().to_string(), class_1(&test)],
            ],
        );
    report = out.figure(
        report,
        "data",
        &pictures::data(&train)?,
        "What the network learns from.",
    )?;

    // The model.
    let net = Mlp::new([2, 5, 5, 1])
        .activation(Tanh)
        .without_bias()
        .prior(Normal::new(0.0, 1.0));
    let bnn = Bnn::new(net, Bernoulli);
    let weights: usize = bnn
        .network()
        .parameters()
        .iter()
        .map(|(_, shape)| shape.elements())
        .sum();
    report = report
        .section("The model")
        .text(&format!(
            "Two hidden layers of five tanh units, no biases: {weights} weights, each with the \
             prior N(0, 1), which also regularises. The output is the logit of class 1, and the \
             label is a Bernoulli draw."
        ))
        .code(MODEL);

    // Variational inference on all the data.
    let advi = Advi::mean_field()
        .steps(arguments.steps)
        .restarts(arguments.restarts)
        .learning_rate(0.03)
        .schedule(Schedule::Cosine { last: 0.01 })
        .seed(arguments.seed)
        .precision(arguments.precision.into());
    let full = bnn.fit(&train, advi.clone().progress(Bar::new("full batch")))?;
    println!("\nAll data in every step\n{full}");
    report = report
        .section("Variational inference")
        .text(
            "The posterior of the weights is approximated by independent normals. Each step \
             draws the weights once, and moves means and standard deviations up the gradient of \
             the evidence lower bound (ELBO). The posterior has many modes, and a fit finds one of \
             them; of several starts the best is kept.",
        )
        .code(&full.to_string());

    report = report.section("The ELBO").text(
        "One noisy estimate a step. It rises fast while the means find their place, then slowly \
         while the standard deviations settle; on the plateau only noise is left.",
    );
    let steps = |fit: &AdviFit| (1..=fit.steps()).map(|s| s as f64).collect::<Vec<f64>>();
    let full_curve = || NamedCurve {
        name: "all data",
        x: steps(full.result()),
        curve: full.result().curve(),
    };
    let picture = pictures::elbo(&[full_curve()], "The ELBO of every step", "step")?;
    report = out.figure(report, "elbo", &picture, "The ELBO on all data.")?;

    // Draws from the posterior.
    let draws = full.posterior(SHOWN_DRAWS, arguments.seed)?;
    let rows: Vec<[String; 4]> = draws
        .variables()
        .iter()
        .map(|v| {
            let (means, sds) = (v.mean(), v.sd());
            [
                v.name().to_owned(),
                v.shape().to_string(),
                range(&means),
                range(&sds),
            ]
        })
        .collect();
    report = report
        .section("Draws from the posterior")
        .text(&format!(
            "{SHOWN_DRAWS} draws of every weight, by name and shape."
        ))
        .table(
            &["parameter", "shape", "means", "standard deviations"],
            &rows,
        );

    // Predictions on the held-out half.
    let (prediction, score) = predict(&full, &test)?;
    println!("{score}");
    report = report
        .section("Predictions on the held-out points")
        .text(&format!(
            "Each probability is an average over {TEST_DRAWS} draws of the weights."
        ))
        .table(&SCORE_HEADERS, &[scores_row("all data", &score)]);
    let picture = pictures::predictions(&test, &prediction)?;
    report = out.figure(
        report,
        "predictions",
        &picture,
        "Predicted classes; mistakes are marked.",
    )?;
    let bins = reliability(prediction.mean(), test.y(), 10)?;
    let picture = pictures::calibration(&bins)?;
    report = out.figure(
        report,
        "calibration",
        &picture,
        "How often class 1 was right, against how probable it was said to be.",
    )?;

    // Surfaces.
    let axis = datasets::grid_axis(-3.0, 3.0, GRID)?;
    let surface = full.predict(&datasets::grid(-3.0, 3.0, GRID)?, GRID_DRAWS)?;
    let heat = |values, title, label| Heat {
        axis: &axis,
        test: &test,
        values,
        title,
        label,
    };
    report = report.section("The probability surface").text(
        "The probability of class 1 everywhere, with the held-out points. The line is where both \
         classes are equally probable.",
    );
    let picture = heat(surface.mean(), "Probability of class 1", "p(y = 1)").probability()?;
    report = out.figure(
        report,
        "probability",
        &picture,
        "The posterior predictive mean.",
    )?;

    report = report.section("The uncertainty surface").text(
        "First as in the original post: the standard deviation of the predicted labels. It is \
         sqrt(p (1 - p)), so it only says again how far p is from a half. What is new in a \
         Bayesian network is the split below. Aleatoric: how undecided the network is with its \
         weights known, the overlap of the classes. Epistemic: how much the draws of the weights \
         disagree; it grows away from the data, and more data would remove it.",
    );
    let sd = surface.sd_of_draws();
    let picture = heat(&sd, "Standard deviation of predicted labels", "sd of y").uncertainty()?;
    report = out.figure(report, "uncertainty", &picture, "As in the post.")?;
    let picture = heat(
        surface.epistemic(),
        "Epistemic uncertainty",
        "mutual information, nats",
    )
    .uncertainty()?;
    report = out.figure(
        report,
        "epistemic",
        &picture,
        "What more data would remove: the information that the label carries about the weights.",
    )?;
    let picture = heat(
        surface.aleatoric(),
        "Aleatoric uncertainty",
        "expected entropy, nats",
    )
    .uncertainty()?;
    report = out.figure(report, "aleatoric", &picture, "What no data would remove.")?;

    // Minibatches.
    let batch = arguments.batch;
    let mini = bnn.fit(&train, advi.batch(batch).progress(Bar::new("minibatch ")))?;
    println!("\nMinibatches of {batch}\n{mini}");
    let (_, mini_score) = predict(&mini, &test)?;
    println!("{mini_score}");
    report = report
        .section("Minibatches")
        .text(&format!(
            "The same number of steps, each on {batch} of the {} rows: noisier and cheaper. The \
             ELBO stays in nats of the full data, so both curves can be compared.",
            train.rows()
        ))
        .code(&mini.to_string())
        .table(
            &SCORE_HEADERS,
            &[
                scores_row("all data", &score),
                scores_row("minibatches", &mini_score),
            ],
        );
    let mini_curve = || NamedCurve {
        name: "minibatches",
        x: steps(mini.result()),
        curve: mini.result().curve(),
    };
    let picture = pictures::elbo(&[mini_curve(), full_curve()], "ELBO against steps", "step")?;
    report = out.figure(
        report,
        "elbo-steps",
        &picture,
        "A step on all data goes further.",
    )?;
    let picture = pictures::elbo(
        &[mini_curve(), full_curve()].map(pictures::elbo_in_seconds),
        "ELBO against time",
        "seconds",
    )?;
    report = out.figure(
        report,
        "elbo-seconds",
        &picture,
        "A step on a minibatch is sooner done.",
    )?;

    // The posterior of the weights.
    report = report.section("The posterior of the weights").text(
        "Weights that stayed at N(0, 1) are not needed by the network; those that the data speak \
         about are narrow and away from zero. Hidden units can be exchanged and signs flipped \
         without changing the function, so this is one of many equal modes.",
    );
    let picture = pictures::weight_densities(full.approximation())?;
    report = out.figure(
        report,
        "weights",
        &picture,
        "The fitted normal of every weight.",
    )?;
    let picture = pictures::weight_draws(&draws)?;
    report = out.figure(
        report,
        "draws",
        &picture,
        "Densities (left) and draws in order (right).",
    )?;

    let seconds_total = begin.elapsed().as_secs_f64();
    report.write(out.path("report.html"))?;
    let summary = Summary {
        data: Rows {
            n_train: train.rows(),
            n_test: test.rows(),
        },
        full_batch: Fitted::new(full.result(), &score),
        minibatch: Minibatch {
            batch,
            fitted: Fitted::new(mini.result(), &mini_score),
        },
        seconds_total,
    };
    out.write("summary.json", &serde_json::to_string_pretty(&summary)?)?;
    println!(
        "\n{seconds_total:.2} s in all; see {}",
        out.path("report.html").display()
    );
    Ok(())
}

fn data(arguments: &Arguments) -> Result<(Dataset, Dataset), Box<dyn Error>> {
    Ok(match &arguments.csv {
        Some(file) => CsvReader::new()
            .features(["x1", "x2"])
            .target("y")
            .test_column("is_test")
            .read_split(file)?,
        None => datasets::moons(1000, 0.2, arguments.seed)?
            .standardized()
            .split(0.5, arguments.seed)?,
    })
}

fn predict(
    fit: &Fit<Bnn>,
    test: &Dataset,
) -> Result<(Prediction, ClassificationScore), Box<dyn Error>> {
    let prediction = fit.predict(test.x(), TEST_DRAWS)?;
    let score = prediction.score(test.y())?;
    let score = score.classification().ok_or("the labels are classes")?;
    Ok((prediction, *score))
}

const SCORE_HEADERS: [&str; 5] = ["", "accuracy", "log loss (nats)", "Brier score", "ECE"];

fn scores_row(name: &str, score: &ClassificationScore) -> [String; 5] {
    [
        name.to_owned(),
        format!("{:.1} %", 100.0 * score.accuracy),
        format!("{:.4}", score.log_loss),
        format!("{:.4}", score.brier),
        format!("{:.4}", score.ece),
    ]
}

fn range(values: &[f64]) -> String {
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{lowest:.2} to {highest:.2}")
}

/// The folder that everything is written to.
struct Output<'a> {
    folder: &'a Path,
}

impl<'a> Output<'a> {
    fn new(folder: &'a Path) -> Result<Output<'a>, String> {
        fs::create_dir_all(folder)
            .map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
        Ok(Output { folder })
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        let path = self.path(name);
        fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    /// Writes a picture to its own file, and adds it to the report.
    fn figure(
        &self,
        report: Report,
        name: &str,
        svg: &str,
        caption: &str,
    ) -> Result<Report, String> {
        self.write(&format!("{name}.svg"), svg)?;
        Ok(report.figure(svg, caption))
    }
}
