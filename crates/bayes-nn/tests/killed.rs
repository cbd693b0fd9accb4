//! A fit whose process is killed at any moment of training and of writing goes on from its checkpoint, and
//! comes to the bits of one that was not.

#![cfg(unix)]

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bayes_nn::prelude::*;
use bayes_nn::{Every, Resume};

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

fn spawn(folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "begins_or_goes_on", "--ignored"]);
    command.env(FOLDER, folder).stdout(Stdio::null());
    command.spawn().unwrap()
}

/// Kills processes one after the other, each at a moment after it has begun to write, and lets the last
/// one come to the end.
fn kills(count: u64, name: &str) {
    let folder = std::env::temp_dir().join(format!("bayes-nn-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("checkpoint.bnn");
    let (mut word, mut killed) = (0x9e37_79b9_7f4a_7c15_u64, 0);
    while killed < count {
        let written = || std::fs::metadata(&path).and_then(|m| m.modified()).ok();
        let (before, mut child) = (written(), spawn(&folder));
        let begun = Instant::now();
        while written() == before && begun.elapsed() < Duration::from_secs(60) {
            std::thread::yield_now();
        }
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        std::thread::sleep(Duration::from_micros(word % 40_000));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.signal() != Some(SIGKILL) {
            break;
        }
        killed += 1;
    }
    assert!(killed > 0, "the first process came to its end");
    let status = spawn(&folder).wait().unwrap();
    assert!(status.success());
    let resumed = Bnn::load(folder.join("whole.bnn")).unwrap();
    let whole = bnn().fit(&train(), &advi()).unwrap();
    let [resumed, whole] = [&resumed, &whole].map(|fit| fit.advi().unwrap());
    assert_eq!(resumed.approximation(), whole.approximation());
    assert_eq!(resumed.curve().elbos(), whole.curve().elbos());
    assert_eq!(resumed.elbo(), whole.elbo());
    assert_eq!(resumed.stop(), whole.stop());
    println!("{killed} processes were killed");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn killed_three_times_it_comes_to_the_same_bits() {
    kills(3, "killed-three");
}

#[test]
#[ignore = "takes half a minute: cargo test --test killed -- --ignored killed_twenty"]
fn killed_twenty_times_it_comes_to_the_same_bits() {
    kills(20, "killed-twenty");
}
