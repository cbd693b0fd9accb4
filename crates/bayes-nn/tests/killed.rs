//! A fit whose process is killed at any moment of training and of writing goes on from its checkpoint, and
//! comes to the bits of one that was not.

#![cfg(unix)]

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bayes_nn::prelude::*;
use bayes_nn::{AdviFit, Every, Resume, model};

/// Names the folder to a process that is to be killed.
const FOLDER: &str = "BAYES_NN_KILLED";
const SIGKILL: i32 = 9;

fn train() -> Dataset {
    let data = datasets::moons(200, 0.2, 0).unwrap();
    data.standardized()
}

fn advi() -> Advi {
    let advi = Advi::mean_field().steps(600).batch(20);
    advi.restarts(2).threads(1).seed(1)
}

fn bnn() -> Bnn {
    Bnn::new(Mlp::new([2, 5, 1]), Bernoulli)
}

/// A model that natural gradients fit, in some hundred steps.
fn skewed<'g>(trace: &model::Trace<'g>, data: &model::Batch<'g>) {
    let (slope, shift) = (
        trace.sample("slope", Normal::new(0.0, 2.0)),
        trace.sample("shift", Normal::new(0.0, 2.0)),
    );
    let logits = slope * data.column("x") + shift;
    trace.observe(
        "y",
        distributions::Bernoulli::logits(logits),
        data.column("y"),
    );
}

fn skewed_data() -> Data {
    let x: Vec<f64> = (0..400).map(|i| f64::from(i) / 100.0 - 1.0).collect();
    let y: Vec<f64> = (x.iter().enumerate())
        .map(|(i, x)| f64::from(u8::from(x + (i as f64).sin() > 1.5)))
        .collect();
    let data = Data::new().column("x", &x).unwrap();
    data.column("y", &y).unwrap()
}

fn natural() -> Advi {
    Advi::full_rank().tolerance(0.004).seed(1)
}

/// What a process does that is killed: it begins, or goes on, and saves what it came to.
#[test]
#[ignore = "the other tests run it in processes of their own"]
fn begins_or_goes_on() {
    let folder = PathBuf::from(std::env::var(FOLDER).expect("run by another test"));
    let (path, every) = (folder.join("checkpoint.bnn"), Every::Steps(5));
    let fit = match path.exists() {
        true => {
            let fit = Bnn::load(&path).expect("there is a whole file at any moment");
            fit.resume(&train(), Resume::rest().checkpoint(&path, every))
        }
        false => bnn().fit(&train(), &advi().checkpoint(&path, every)),
    };
    fit.unwrap().save(folder.join("whole.bnn")).unwrap();
}

/// The same by natural gradients.
#[test]
#[ignore = "the other tests run it in processes of their own"]
fn ascends_or_goes_on() {
    let folder = PathBuf::from(std::env::var(FOLDER).expect("run by another test"));
    let (path, every) = (folder.join("checkpoint.bnn"), Every::Steps(40));
    let (line, data) = (model::from_fn(skewed), skewed_data());
    let fit = match path.exists() {
        true => {
            let fit = model::load(&line, &path).expect("there is a whole file at any moment");
            fit.resume(&data, Resume::rest().checkpoint(&path, every))
        }
        false => model::fit(&line, &data, &natural().checkpoint(&path, every)),
    };
    fit.unwrap().save(folder.join("whole.bnn")).unwrap();
}

fn spawn(folder: &Path, what: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", what, "--ignored"]);
    command.env(FOLDER, folder).stdout(Stdio::null());
    command.spawn().unwrap()
}

/// Kills processes one after the other, each at a moment after it has begun to write, and lets the last
/// one come to the end. What that saved and a fit that was not killed are to be the same.
fn kills(count: u64, name: &str, what: &str, fits: impl Fn(&Path) -> [AdviFit; 2]) {
    let folder = std::env::temp_dir().join(format!("bayes-nn-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("checkpoint.bnn");
    let (mut word, mut killed) = (0x9e37_79b9_7f4a_7c15_u64, 0);
    while killed < count {
        let written = || std::fs::metadata(&path).and_then(|m| m.modified()).ok();
        let (before, mut child) = (written(), spawn(&folder, what));
        let begun = Instant::now();
        let has_ended = |child: &mut Child| child.try_wait().unwrap().is_some();
        while written() == before && !has_ended(&mut child) {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "nothing is written"
            );
            std::thread::yield_now();
        }
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        std::thread::sleep(Duration::from_micros(word % 10_000));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.signal() != Some(SIGKILL) {
            break;
        }
        killed += 1;
    }
    assert!(killed > 0, "the first process came to its end");
    let status = spawn(&folder, what).wait().unwrap();
    assert!(status.success());
    let [resumed, whole] = fits(&folder.join("whole.bnn"));
    assert_eq!(resumed.approximation(), whole.approximation());
    assert_eq!(resumed.curve().elbos(), whole.curve().elbos());
    assert_eq!(resumed.elbo(), whole.elbo());
    assert_eq!(resumed.stop(), whole.stop());
    println!("{killed} processes were killed");
    std::fs::remove_dir_all(&folder).unwrap();
}

fn networks(path: &Path) -> [AdviFit; 2] {
    let fits = [
        Bnn::load(path).unwrap(),
        bnn().fit(&train(), &advi()).unwrap(),
    ];
    fits.map(|fit| fit.advi().unwrap().clone())
}

fn models(path: &Path) -> [AdviFit; 2] {
    let model = model::from_fn(skewed);
    let fits = [
        model::load(&model, path).unwrap(),
        model::fit(&model, skewed_data(), &natural()).unwrap(),
    ];
    fits.map(|fit| fit.advi().unwrap().clone())
}

#[test]
fn killed_three_times_it_comes_to_the_same_bits() {
    kills(3, "killed-three", "begins_or_goes_on", networks);
}

#[test]
fn natural_gradients_killed_three_times_come_to_the_same_bits() {
    kills(3, "killed-ascent", "ascends_or_goes_on", models);
}

#[test]
#[ignore = "takes half a minute: cargo test --test killed -- --ignored twenty"]
fn killed_twenty_times_it_comes_to_the_same_bits() {
    kills(20, "killed-twenty", "begins_or_goes_on", networks);
}

#[test]
#[ignore = "takes half a minute: cargo test --test killed -- --ignored twenty"]
fn natural_gradients_killed_twenty_times_come_to_the_same_bits() {
    kills(20, "killed-twenty-ascents", "ascends_or_goes_on", models);
}
