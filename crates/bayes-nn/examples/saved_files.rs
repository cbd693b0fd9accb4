//! Fits of every kind saved by one process, and loaded by another: what `cargo xtask saved-check` runs,
//! after which Python opens the same files.
//!
//! `cargo run --release --example saved_files -- write FOLDER` writes each fit with its predictions
//! beside; `-- read FOLDER` loads them, predicts, and compares every bit.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bayes_nn::distributions::{HalfCauchy, HalfNormal};
use bayes_nn::model::{Batch, Model, Trace};
use bayes_nn::nn::HeteroscedasticGaussian;
use bayes_nn::prelude::*;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// A fit, and what comes of it once it is loaded.
struct Kind {
    name: &'static str,
    save: fn(Precision, &Path) -> Outcome<Vec<f64>>,
    load: fn(&Path) -> Outcome<Vec<f64>>,
}

const KINDS: [Kind; 8] = [
    Kind {
        name: "moons",
        save: |precision, path| {
            let fit =
                Bnn::new(Mlp::new([2, 5, 5, 1]), Bernoulli).fit(&moons()?, &advi(precision))?;
            saved(&fit, path, &moons()?)
        },
        load: |path| predicted(&Bnn::load(path)?, &moons()?),
    },
    Kind {
        name: "moons-low-rank",
        save: |precision, path| {
            let advi = Advi::low_rank(4).steps(400).precision(precision);
            let fit = Bnn::new(Mlp::new([2, 5, 5, 1]), Bernoulli).fit(&moons()?, &advi)?;
            saved(&fit, path, &moons()?)
        },
        load: |path| predicted(&Bnn::load(path)?, &moons()?),
    },
    Kind {
        name: "heteroscedastic",
        save: |precision, path| {
            let bnn = Bnn::new(Mlp::new([6, 50, 2]), HeteroscedasticGaussian::new());
            saved(&bnn.fit(&curve()?, &advi(precision))?, path, &curve()?)
        },
        load: |path| predicted(&Bnn::load(path)?, &curve()?),
    },
    Kind {
        name: "convolutional",
        save: |precision, path| {
            let net = Sequential::new()
                .input([1, 28, 28])
                .layer(Conv2d::new(8, [5, 5]))
                .layer(Relu)
                .layer(MaxPool2d::new([2, 2]))
                .layer(Flatten)
                .layer(Dense::new(10));
            let fit = Bnn::new(net, Categorical).fit(&digits()?, &advi(precision).steps(60))?;
            saved(&fit, path, &digits()?)
        },
        load: |path| predicted(&Bnn::load(path)?, &digits()?),
    },
    Kind {
        name: "moons-map",
        save: |precision, path| {
            let map = Advi::map().steps(300).precision(precision);
            let fit = Bnn::new(Mlp::new([2, 5, 5, 1]), Bernoulli).fit(&moons()?, &map)?;
            saved(&fit, path, &moons()?)
        },
        load: |path| predicted(&Bnn::load(path)?, &moons()?),
    },
    Kind {
        name: "radon-advi",
        save: |precision, path| {
            let fit = model::fit(&radon, &houses()?, &advi(precision))?;
            saved_draws(&fit, path, &houses()?)
        },
        load: |path| draws_of(&model::load(&radon, path)?, &houses()?),
    },
    Kind {
        name: "radon-nuts",
        save: |precision, path| {
            let fit = model::fit(&radon, &houses()?, &nuts(precision))?;
            saved_draws(&fit, path, &houses()?)
        },
        load: |path| draws_of(&model::load(&radon, path)?, &houses()?),
    },
    Kind {
        name: "eight-schools",
        save: |precision, path| {
            let fit = model::fit(&schools, &eight()?, &nuts(precision))?;
            saved_draws(&fit, path, &eight()?)
        },
        load: |path| draws_of(&model::load(&schools, path)?, &eight()?),
    },
];

fn main() -> Outcome<()> {
    let mut arguments = std::env::args_os().skip(1);
    let task = arguments.next().ok_or("`write` or `read` is missing")?;
    let folder = PathBuf::from(arguments.next().ok_or("the folder is missing")?);
    match task.to_str() {
        Some("write") => write(&folder),
        Some("read") => read(&folder),
        _ => Err("there are `write` and `read`".into()),
    }
}

fn write(folder: &Path) -> Outcome<()> {
    fs::create_dir_all(folder)?;
    for kind in &KINDS {
        for (precision, name) in [(Precision::F32, "f32"), (Precision::F64, "f64")] {
            let path = folder.join(format!("{}-{name}.bnn", kind.name));
            let numbers = (kind.save)(precision, &path)?;
            let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
            fs::write(path.with_extension("bits"), bytes)?;
        }
    }
    Ok(())
}

fn read(folder: &Path) -> Outcome<()> {
    for kind in &KINDS {
        for precision in ["f32", "f64"] {
            let path = folder.join(format!("{}-{precision}.bnn", kind.name));
            let numbers = (kind.load)(&path)?;
            let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
            if bytes != fs::read(path.with_extension("bits"))? {
                return Err(format!("{} does not predict what was saved", path.display()).into());
            }
            let (kind, length) = (kind.name, fs::metadata(&path)?.len());
            println!(
                "{kind:16} {precision} {length:>9} bytes, {} numbers, the same bits",
                numbers.len()
            );
        }
    }
    large(&folder.join("784-1200-1200-10.bnn"))
}

/// How long a network of 2.4 million weights takes to its file and back.
fn large(path: &Path) -> Outcome<()> {
    let advi = Advi::mean_field().steps(2).restarts(1).elbo_draws(2);
    let net = Mlp::new([784, 1200, 1200, 10]);
    let fit = Bnn::new(net, Categorical).fit(&digits()?, &advi)?;
    let start = Instant::now();
    fit.save(path)?;
    let saved = start.elapsed();
    let start = Instant::now();
    let again = Bnn::load(path)?;
    let loaded = start.elapsed();
    let (guide, own) = (again.approximation(), fit.approximation());
    if guide.map(|guide| guide.mean()) != own.map(|guide| guide.mean()) {
        return Err("the large network came back as another".into());
    }
    let length = fs::metadata(path)?.len();
    println!("784-1200-1200-10 f32 {length} bytes, saved in {saved:.2?}, loaded in {loaded:.2?}");
    Ok(())
}

fn advi(precision: Precision) -> Advi {
    Advi::mean_field().steps(400).seed(1).precision(precision)
}

fn nuts(precision: Precision) -> Nuts {
    let nuts = Nuts::new().chains(2).warmup(300).draws(300);
    nuts.seed(1).precision(precision)
}

fn saved(fit: &Posterior<Bnn>, path: &Path, rows: &Dataset) -> Outcome<Vec<f64>> {
    fit.save(path)?;
    predicted(fit, rows)
}

/// Means and what is uncertain about them, by 40 draws.
fn predicted(fit: &Posterior<Bnn>, rows: &Dataset) -> Outcome<Vec<f64>> {
    let prediction = fit.predict(rows, 40)?;
    Ok([prediction.mean(), prediction.epistemic()].concat())
}

fn saved_draws<M: Model + Clone>(
    fit: &Posterior<M>,
    path: &Path,
    data: &Data,
) -> Outcome<Vec<f64>> {
    fit.save(path)?;
    draws_of(fit, data)
}

/// Draws of every variable, and of the predictions for `data`.
fn draws_of<M: Model + Clone>(fit: &Posterior<M>, data: &Data) -> Outcome<Vec<f64>> {
    let mut numbers = Vec::new();
    for draws in [fit.draws(100, 3)?, fit.predictive(data, 50, 4)?] {
        for variable in draws.variables() {
            numbers.extend(variable.values());
        }
    }
    Ok(numbers)
}

fn moons() -> Outcome<Dataset> {
    Ok(datasets::moons(300, 0.2, 0)?.standardized())
}

/// Numbers in no order between -1 and 1: multiples of the golden ratio, less their whole part.
fn spread(i: usize) -> f64 {
    2.0 * (0.618_033_988_749_895 * i as f64).fract() - 1.0
}

/// A curve in six columns, whose noise grows with the first.
fn curve() -> Outcome<Dataset> {
    let x: Vec<f64> = (0..6 * 400).map(|i| spread(i * i % 9_973)).collect();
    let y = x.chunks(6).enumerate().map(|(row, x)| {
        (2.0 * x[0]).sin() + 0.5 * x[1] * x[2] + (0.3 + 0.2 * x[0]) * spread(7 * row)
    });
    Ok(Dataset::new(&x, 6, y.collect::<Vec<f64>>())?)
}

/// Bright squares, by whose place the class is told, with noise.
fn digits() -> Outcome<Dataset> {
    let pixel = |image: usize, place: usize| {
        let (class, row, column) = (image % 10, place / 28, place % 28);
        let inside = row / 7 == class / 3 && column / 7 == class % 3;
        f64::from(u8::from(inside)) + 0.1 * spread(784 * image + place)
    };
    let x: Vec<f64> = (0..784 * 200).map(|i| pixel(i / 784, i % 784)).collect();
    let y: Vec<f64> = (0..200).map(|image| f64::from(image % 10)).collect();
    Ok(Dataset::new(&x, 784, &y)?.with_classes((0..10).map(|class| class.to_string()))?)
}

/// Varying intercepts and slopes, as of radon in the houses of counties.
fn radon<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let county = data.index("county");
    let mean = trace.sample("mean", Normal::new(0.0, 2.0));
    let spread = trace.sample("spread", HalfNormal::new(1.0));
    let slope = trace.sample("slope", Normal::new(0.0, 2.0));
    let offset = trace.sample("offset", Normal::new(0.0, 1.0).over("county"));
    let noise = trace.sample("noise", HalfNormal::new(1.0));
    let level = mean + (spread * offset).gather(county, 0) + slope * data.column("floor");
    trace.observe("level", Normal::new(level, noise), data.column("level"));
}

fn houses() -> Outcome<Data> {
    let counties = [
        "AITKIN", "ANOKA", "BECKER", "BENTON", "CARVER", "CLAY", "COOK", "DAKOTA",
    ];
    let words: Vec<&str> = (0..160).map(|i| counties[i * i % 37 % 8]).collect();
    let floor: Vec<f64> = (0..160).map(|i| f64::from(u8::from(i % 3 == 0))).collect();
    let level =
        (0..160).map(|i| 1.4 + spread(i * i % 37 % 8) - 0.6 * floor[i] + 0.7 * spread(5 * i));
    let data = Data::new()
        .groups("county", &words)?
        .column("floor", &floor)?;
    Ok(data.column("level", level.collect::<Vec<f64>>())?)
}

fn schools<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let mean = trace.sample("mean", Normal::new(0.0, 5.0));
    let spread = trace.sample("spread", HalfCauchy::new(5.0));
    let standard = trace.sample("standard", Normal::new(0.0, 1.0).expand(8));
    let effect = mean + spread * standard;
    trace.observe(
        "measured",
        Normal::new(effect, data.column("error")),
        data.column("measured"),
    );
}

fn eight() -> Outcome<Data> {
    let measured = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
    let error = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];
    Ok(Data::new()
        .column("measured", &measured)?
        .column("error", &error)?)
}
