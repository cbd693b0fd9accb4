//! Ctrl-C: the first ends a fit or chains in good order, the second the process.

#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use bayes_nn::nuts::{ChainProgress, SamplingProgress};
use bayes_nn::prelude::*;
use bayes_nn::{Interrupt, Progress, Sgld, Stop, Update};

/// Tells the parent that the work has begun.
struct Begun;

impl Progress for Begun {
    fn start(&self, _: usize, _: u64) {}
    fn update(&self, _: Update) {
        eprintln!("begun");
    }
    fn finish(&self) {}
}

impl SamplingProgress for Begun {
    fn start(&self, _: usize, _: u64) {}
    fn update(&self, _: ChainProgress) {
        eprintln!("begun");
    }
    fn finish(&self) {}
}

fn coin<'g>(trace: &model::Trace<'g>, data: &model::Batch<'g>) {
    let p = trace.sample("p", Uniform::new(0.0, 1.0));
    trace.observe("y", distributions::Bernoulli::probs(p), data.column("y"));
}

fn data() -> Data {
    Data::new().column("y", &[1.0, 0.0, 1.0, 1.0]).unwrap()
}

/// Runs another test of this file in a process of its own.
fn spawn(test: &str) -> (Child, impl Iterator<Item = String>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    (child, lines.map_while(Result::ok))
}

fn signal(child: &Child) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
}

/// That a test in a process of its own ends well after one signal.
fn ends_well(test: &str) {
    let (mut child, mut lines) = spawn(test);
    assert!(lines.any(|line| line == "begun"));
    signal(&child);
    let rest: Vec<String> = lines.collect();
    assert!(child.wait().unwrap().success(), "{rest:?}");
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn fits() {
    let interrupt = Interrupt::on_ctrl_c().unwrap();
    let advi = Advi::mean_field().steps(1 << 40).every(1_000);
    let advi = advi.interrupt(&interrupt).progress(Begun);
    let fit = model::fit(&coin, data(), &advi).unwrap();
    assert_eq!(fit.advi().unwrap().stop(), Stop::Interrupted);
    assert!(fit.warnings()[0].starts_with("the fit was interrupted at step "));
    assert!(fit.draws(10, 0).is_ok());
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn samples() {
    let interrupt = Interrupt::on_ctrl_c().unwrap();
    let nuts = Nuts::new().draws(1 << 40).chains(2).threads(2);
    let nuts = nuts.interrupt(&interrupt).progress(Begun);
    let fit = model::fit(&coin, data(), &nuts).unwrap();
    assert!(fit.nuts().unwrap().stopped());
    assert!(fit.warnings()[0].starts_with("the run was interrupted: "));
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn walks() {
    let interrupt = Interrupt::on_ctrl_c().unwrap();
    let sgld = Sgld::new().step_size(0.1).draws(1 << 30).thinning(1 << 20);
    eprintln!("begun");
    let fit = model::fit(&coin, data(), &sgld.chains(1).interrupt(&interrupt)).unwrap();
    assert!(fit.warnings()[0].starts_with("the run was interrupted: "));
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn looks_at_nothing() {
    let interrupt = Interrupt::on_ctrl_c().unwrap();
    eprintln!("begun");
    while !interrupt.is_requested() {
        std::thread::yield_now();
    }
    eprintln!("asked");
    loop {
        std::thread::yield_now();
    }
}

#[test]
fn a_fit_gives_what_it_has() {
    ends_well("fits");
}

#[test]
fn chains_of_nuts_keep_what_they_have_drawn() {
    ends_well("samples");
}

#[test]
fn chains_of_sgld_keep_what_they_have_drawn() {
    ends_well("walks");
}

#[test]
fn the_second_signal_ends_the_process_at_once() {
    let (mut child, mut lines) = spawn("looks_at_nothing");
    assert!(lines.any(|line| line == "begun"));
    signal(&child);
    assert!(lines.any(|line| line == "asked"));
    signal(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
