//! The story: every cell of the notebook in its order, each a section of the report.

use std::error::Error;
use std::time::Instant;

use bayes_nn::AdviFit;
use bayes_nn::data::Recipe;
use bayes_nn::prelude::*;
use bayes_nn::scores::ClassificationScore;

use crate::arguments::Arguments;
use crate::page::Page;
use crate::pictures::{self, Heat, NamedCurve};
use crate::summary::{Fitted, Minibatch, Rows, Summary};

/// Draws of the weights for predictions of the test rows and of the surfaces.
const DRAWS: usize = 500;
/// Points along each side of the surfaces.
const GRID: usize = 100;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Runs everything and writes the report, the pictures and the summary.
pub fn tell(arguments: &Arguments) -> Outcome<()> {
    let begin = Instant::now();
    let mut page = Page::new("Bayesian deep learning on two moons", &arguments.out)?;
    page.text(
        "A small neural network with a normal prior on each weight, fitted by variational \
         inference. The answer to every question is a distribution: of the class of a point, of \
         the weights, of how sure the network may be.",
    );
    let (train, test) = data(&mut page, arguments)?;
    let (batch, rows) = (arguments.batch, train.rows());
    if !(1..=rows).contains(&batch) {
        let problem =
            format!("--batch {batch}: the training set has {rows} rows; take 1 to {rows}");
        return Err(problem.into());
    }
    let bnn = model(&mut page, arguments, &train)?;
    let advi = Advi::mean_field()
        .steps(arguments.steps)
        .restarts(arguments.restarts)
        .learning_rate(0.03)
        .schedule(Schedule::Cosine { last: 0.01 })
        .seed(arguments.seed)
        .precision(arguments.precision.into())
        .device(arguments.device.clone());
    let full = full_batch(&mut page, &bnn, &train, &advi.clone().full_batch())?;
    let score = predictions(&mut page, &full, &test)?;
    surfaces(&mut page, &full, &test)?;
    let mini = bnn.fit(
        &train,
        &advi.batch(arguments.batch).progress(Bar::new("minibatch ")),
    )?;
    let (_, mini_score) = predict(&mini, &test)?;
    minibatches(
        &mut page,
        arguments.batch,
        [&full, &mini],
        [&score, &mini_score],
    )?;
    page.beside("minibatches.html", &mini)?;

    let seconds_total = begin.elapsed().as_secs_f64();
    let summary = Summary {
        data: Rows {
            n_train: train.rows(),
            n_test: test.rows(),
        },
        full_batch: Fitted::new(full.advi().unwrap(), &score),
        minibatch: Minibatch {
            batch: arguments.batch,
            fitted: Fitted::new(mini.advi().unwrap(), &mini_score),
        },
        seconds_total,
    };
    page.write("summary.json", &serde_json::to_string_pretty(&summary)?)?;
    let report = page.finish()?;
    println!("\n{seconds_total:.2} s in all; see {}", report.display());
    Ok(())
}

fn data(page: &mut Page, arguments: &Arguments) -> Outcome<(Dataset, Dataset)> {
    let (source, (train, test)) = match &arguments.csv {
        Some(file) => {
            let data = Table::read(file)?.only(["x1", "x2"])?.target("y")?;
            let data = data.with_recipe(&Recipe::new().unscaled())?;
            let source = format!(
                "Two classes that no straight line separates, read from {}.",
                file.display()
            );
            (source, data.split_marked("is_test")?)
        }
        None => {
            let source = "Two interleaved half circles with normal noise of standard deviation \
                          0.2, 1000 points, standardised, half of them held out."
                .to_owned();
            let data = datasets::moons(1000, 0.2, arguments.seed)?.standardized();
            (source, data.split(0.5, arguments.seed)?)
        }
    };
    println!("{} training and {} test points", train.rows(), test.rows());
    page.section("The data");
    page.text(&source);
    let row = |name: &str, set: &Dataset| {
        let ones = set.y().iter().filter(|y| **y == 1.0).count();
        [name.to_owned(), set.rows().to_string(), ones.to_string()]
    };
    page.table(
        &["", "points", "of class 1"],
        &[row("training", &train), row("test", &test)],
    );
    page.figure(
        "data",
        &pictures::data(&train)?,
        "What the network learns from.",
    )?;
    Ok((train, test))
}

fn model(page: &mut Page, arguments: &Arguments, train: &Dataset) -> Outcome<Bnn> {
    let net = Mlp::new([2, 5, 5, 1])
        .activation(Tanh)
        .without_bias()
        .prior(Normal::new(0.0, 1.0));
    let bnn = Bnn::new(net, Bernoulli);
    let parameters = bnn.parameters(train)?;
    let weights: usize = parameters.iter().map(|p| p.shape.elements()).sum();
    page.section("The model");
    page.text(&format!(
        "Two hidden layers of five tanh units, no biases: {weights} weights, each with the prior \
         N(0, 1), which also regularises. The output is the logit of class 1, and the label is a \
         Bernoulli draw."
    ));
    page.code(&format!(
        "\
let net = Mlp::new([2, 5, 5, 1])
    .activation(Tanh)
    .without_bias()
    .prior(Normal::new(0.0, 1.0));
let bnn = Bnn::new(net, Bernoulli);
let advi = Advi::mean_field()
    .steps({})
    .restarts({})
    .full_batch()
    .learning_rate(0.03)
    .schedule(Schedule::Cosine {{ last: 0.01 }})
    .seed({});
let fit = bnn.fit(&train, &advi)?;
let prediction = fit.predict(&test, {DRAWS})?;",
        arguments.steps, arguments.restarts, arguments.seed
    ));
    Ok(bnn)
}

fn full_batch(page: &mut Page, bnn: &Bnn, train: &Dataset, advi: &Advi) -> Outcome<Posterior<Bnn>> {
    let fit = bnn.fit(train, &advi.clone().progress(Bar::new("full batch")))?;
    println!("\nAll data in every step\n{fit}");
    page.section("Variational inference");
    page.text(
        "The posterior of the weights is approximated by independent normals. Each step draws \
         the weights once, and moves means and standard deviations up the gradient of the \
         evidence lower bound (ELBO). The posterior has many modes, and a fit finds one of them; \
         of several starts the best is kept.",
    );
    page.text(
        "Each step gives one noisy estimate of the ELBO. It rises fast while the means find their \
         place, then slowly while the standard deviations settle; on the plateau only noise is left. \
         Weights that stayed at N(0, 1) are not needed by the network; those that the data speak \
         about are narrow and away from zero. Hidden units can be exchanged and signs flipped \
         without changing the function, so this is one of many equal modes.",
    );
    page.fit(&fit)?;
    Ok(fit)
}

/// The ELBO against steps.
fn curve<'a>(name: &'a str, fit: &'a AdviFit) -> NamedCurve<'a> {
    NamedCurve {
        name,
        x: (1..=fit.steps()).map(|step| step as f64).collect(),
        curve: fit.curve(),
    }
}

fn predict(fit: &Posterior<Bnn>, test: &Dataset) -> Outcome<(Prediction, ClassificationScore)> {
    let prediction = fit.predict(test, DRAWS)?;
    let score = prediction.score(test.y())?;
    let score = score.classification().ok_or("the labels are classes")?;
    Ok((prediction, *score))
}

fn predictions(
    page: &mut Page,
    fit: &Posterior<Bnn>,
    test: &Dataset,
) -> Outcome<ClassificationScore> {
    let (prediction, score) = predict(fit, test)?;
    println!("{score}");
    page.section("Predictions on the held-out points");
    page.text(&format!(
        "Each probability is an average over {DRAWS} draws of the weights."
    ));
    page.table(&SCORE_HEADERS, &[scores_row("all data", &score)]);
    let picture = pictures::predictions(test, &prediction)?;
    page.figure(
        "predictions",
        &picture,
        "Predicted classes; mistakes are marked.",
    )?;
    let bins = prediction.reliability(test.y(), 10)?;
    let picture = pictures::calibration(&bins.ok_or("the labels are classes")?)?;
    let caption = "How often the label was 1, against how probable that was said to be; below, \
                   how many points each bin holds.";
    page.figure("calibration", &picture, caption)?;
    Ok(score)
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

fn surfaces(page: &mut Page, fit: &Posterior<Bnn>, test: &Dataset) -> Outcome<()> {
    let axis = datasets::grid_axis(-3.0, 3.0, GRID)?;
    let surface = fit.predict(&datasets::grid(-3.0, 3.0, GRID)?, DRAWS)?;
    let heat = |values, title, label| Heat {
        axis: &axis,
        test,
        values,
        title,
        label,
    };
    page.section("The probability surface");
    page.text(
        "The probability of class 1 everywhere, with the held-out points. The line is where both \
         classes are equally probable.",
    );
    let picture = heat(surface.mean(), "Probability of class 1", "p(y = 1)").probability()?;
    page.figure("probability", &picture, "The posterior predictive mean.")?;

    page.section("The uncertainty surface");
    page.text(
        "First the standard deviation of the predicted labels. It is sqrt(p (1 - p)), so it only \
         says again how far p is from a half. What is new in a Bayesian network is the split below. Aleatoric: how undecided the network is with its \
         weights known, the overlap of the classes. Epistemic: how much the draws of the weights \
         disagree; it grows away from the data, and more data would remove it.",
    );
    let sd = surface.sd_of_draws();
    for (name, values, title, label, caption) in [
        (
            "uncertainty",
            &sd[..],
            "Standard deviation of predicted labels",
            "sd of y",
            "How uncertain labels are, for whatever reason.",
        ),
        (
            "epistemic",
            surface.epistemic(),
            "Epistemic uncertainty",
            "mutual information, nats",
            "What more data would remove: what the label would tell about the weights.",
        ),
        (
            "aleatoric",
            surface.aleatoric(),
            "Aleatoric uncertainty",
            "expected entropy, nats",
            "What no data would remove.",
        ),
    ] {
        page.figure(name, &heat(values, title, label).uncertainty()?, caption)?;
    }
    Ok(())
}

fn minibatches(
    page: &mut Page,
    batch: usize,
    [full, mini]: [&Posterior<Bnn>; 2],
    [score, mini_score]: [&ClassificationScore; 2],
) -> Outcome<()> {
    println!("\nMinibatches of {batch}\n{mini}\n{mini_score}");
    page.section("Minibatches");
    page.text(&format!(
        "The same number of steps, each on {batch} rows: noisier and cheaper. The ELBO stays in \
         nats of the full data, so both curves can be compared."
    ));
    page.text(
        "What this fit says of itself, and the posterior that it found, are in minibatches.html.",
    );
    page.table(
        &SCORE_HEADERS,
        &[
            scores_row("all data", score),
            scores_row("minibatches", mini_score),
        ],
    );
    let curves = || {
        [
            curve("minibatches", mini.advi().unwrap()),
            curve("all data", full.advi().unwrap()),
        ]
    };
    let picture = pictures::elbo(&curves(), "ELBO against steps", "step")?;
    page.figure("elbo-steps", &picture, "A step on all data goes further.")?;
    let curves = curves().map(pictures::elbo_in_seconds);
    let picture = pictures::elbo(&curves, "ELBO against time", "seconds")?;
    page.figure(
        "elbo-seconds",
        &picture,
        "A step on a minibatch is sooner done.",
    )?;
    Ok(())
}
