//! What the numbers were measured on.

use std::fs;
use std::process::Command;

use crate::command::output_of;

/// Machine, compiler and date, by name, in the order they are shown in.
pub fn describe() -> Vec<(String, String)> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let vectors = match cpu.contains("avx512f") {
        true => ", AVX-512",
        false => "",
    };
    vec![
        of(
            "date",
            Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]),
        ),
        (
            "CPU".to_owned(),
            format!("{}, {cores} cores{vectors}", field(&cpu, "model name")),
        ),
        ("memory".to_owned(), gibibytes(field(&memory, "MemTotal"))),
        (
            "load when it began".to_owned(),
            busy(load.split(' ').next().unwrap_or("unknown"), cores),
        ),
        of("system", Command::new("uname").args(["-sr"])),
        of("compiler", Command::new("rustc").arg("--version")),
    ]
}

/// What a program prints, under a name.
pub fn of(name: &str, program: &mut Command) -> (String, String) {
    let text = output_of(program).unwrap_or_else(|problem| problem);
    (name.to_owned(), text)
}

/// The load, with a warning where others had the cores.
fn busy(load: &str, cores: usize) -> String {
    match load.parse::<f64>() {
        Ok(number) if number > cores as f64 => {
            format!("{load}: a busy machine, so timings say little")
        }
        _ => load.to_owned(),
    }
}

/// The value behind `name:` in a file of `/proc`.
fn field<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map_or("unknown", |(_, value)| value.trim())
}

fn gibibytes(text: &str) -> String {
    match text.trim_end_matches(" kB").parse::<f64>() {
        Ok(kibibytes) => format!("{:.0} GiB", kibibytes / f64::from(1 << 20)),
        Err(_) => text.to_owned(),
    }
}
