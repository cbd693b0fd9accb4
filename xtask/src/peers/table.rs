//! The results as text: a table for the terminal, and a page.

use std::fmt::Write as _;

use super::measure::Measured;
use super::results::{Line, Results, Sample, Target};

const HEADER: [&str; 8] = [
    "work",
    "ours (spread)",
    "peer",
    "theirs (spread)",
    "ratio (spread)",
    "target",
    "reached",
    "row",
];

const GPU_NOTES: &str = "\
Each number is the median of the runs, with the least and the largest behind it; programs run in
turn, and a ratio says how many times faster ours is. The work is the same on both sides: model,
data file, rows in a batch, draws in a step, Adam with the same learning rate, number of steps, and
single precision, in products too: no TF32, which JAX would take unasked. All steps of a fit are
one call: a graph that is launched again for us and for torch, one `lax.scan` for JAX. Time to
compile, and to capture a graph, is no part of a step and is shown apart. Where a row has several
peers and one target, it is the fastest that counts.

Restarts are threads of the host, each with a program and a stream of its own; their time is that of
the call, program making included, as is that of the one fit beside them. Predictions are those of
a grid of a million points, from the points in the host's memory to means and uncertainties there,
the median of five calls; JAX maps over blocks of the points, whose draws would not fit memory all
at once.
";

const FLOOR: &str = "\
A step must read and write six vectors as long as the parameters (means, standard deviations, and
two moments of each), read its rows, and multiply: forwards, back to the weights, and back to the
inputs of all layers but the first. The floor is the longer of the times that this takes at the
rates that the device reaches on work that does nothing else, `y = x + 1` over 256 MiB and a
product of two 4096x4096 matrices in the same precision. Noise, draws and gradients may stay in
caches, and count as nothing.
";

const EVIDENCE: &str = "\
The mean ELBO of the last tenth of the steps in nats, and the accuracy on the test rows where they
are predicted. Each library starts at values of its own, which a short fit of a large network does
not forget, and the ELBO has several modes. PyMC scales the history of a minibatch fit by the share
of its rows.

";

/// One line while rows are still measured.
pub fn short(line: &Line) -> String {
    let [_, ours, peer, theirs, ratio, target, reached, _] = cells(line);
    match line.peer {
        Some(_) => {
            format!("{ours} beside {peer}: {theirs}, ratio {ratio}, target {target} {reached}")
        }
        None => format!("{ours}, target {target} {reached}"),
    }
}

/// The table with aligned columns.
pub fn text(results: &Results) -> String {
    aligned(&rows(results), "  ", false)
}

/// The page of a GPU.
pub fn gpu_page(results: &Results) -> String {
    let mut page = String::from("# On a GPU, beside other libraries\n\n");
    page += "Written by `cargo xtask gpu`, which makes all of it again.\n\n";
    page += &measured(results);
    let floors = floors(results);
    if floors.len() > 1 {
        let _ = write!(
            page,
            "\n## The floor\n\n{FLOOR}\n{}",
            aligned(&floors, " | ", true)
        );
    }
    let _ = write!(page, "\n## How it is measured\n\n{GPU_NOTES}\n");
    page.push_str("## That the work is the same\n\n");
    page.push_str(EVIDENCE);
    page.push_str(&aligned(&evidence(results), " | ", true));
    page
}

/// The section of an instruction set.
pub fn section(results: &Results) -> String {
    let evidence = aligned(&evidence(results), " | ", true);
    format!(
        "{}\n### That the work is the same\n\n{evidence}",
        measured(results)
    )
}

/// Machine and table.
fn measured(results: &Results) -> String {
    let mut text = String::new();
    for (name, value) in &results.machine {
        let _ = writeln!(text, "- {name}: {value}");
    }
    let _ = writeln!(text, "- runs of each program: {}\n", results.repeats);
    text.push_str(&aligned(&rows(results), " | ", true));
    for (package, why) in &results.missing {
        let _ = writeln!(text, "\n`{package}` is missing: {why}");
    }
    text
}

fn rows(results: &Results) -> Vec<Vec<String>> {
    let header = HEADER.map(str::to_owned).to_vec();
    let lines = results.lines.iter().map(|line| cells(line).to_vec());
    std::iter::once(header).chain(lines).collect()
}

fn cells(line: &Line) -> [String; 8] {
    let unit = line.measure.unit();
    let sample = |sample: &Result<Sample, String>| match sample {
        Ok(sample) if sample.runs.len() > 1 => format!(
            "{} {unit} ({} to {})",
            digits(sample.median),
            digits(sample.least),
            digits(sample.most)
        ),
        Ok(sample) => format!("{} {unit}", digits(sample.median)),
        Err(problem) => problem.clone(),
    };
    let ratio = match (line.ratio(), line.ratios()) {
        (Some(ratio), Some((least, most))) => {
            format!("{}x ({} to {})", digits(ratio), digits(least), digits(most))
        }
        _ => String::new(),
    };
    let target = match line.target {
        Target::AtLeast(ratio) => format!("{ratio}x"),
        Target::AtMost(value) => format!("under {value} {unit}"),
        Target::None => String::new(),
    };
    let reached = match (line.reached(), line.target) {
        (Some(true), _) => "yes",
        (Some(false), _) => "no",
        (None, Target::None) => "",
        (None, _) => "not measured",
    };
    let (peer, theirs) = match &line.peer {
        Some((name, theirs)) => ((*name).to_owned(), sample(theirs)),
        None => (String::new(), String::new()),
    };
    let (work, row) = (line.work.to_owned(), format!("`{}`", line.row));
    let ours = sample(&line.ours);
    [
        work,
        ours,
        peer,
        theirs,
        ratio,
        target,
        reached.to_owned(),
        row,
    ]
}

/// Compile times, ELBOs and accuracies of all programs that report them.
fn evidence(results: &Results) -> Vec<Vec<String>> {
    let header = ["row", "program", "compile, s", "ELBO", "accuracy"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    let mut last = "";
    for line in &results.lines {
        let ours = (last != line.row).then_some(("ours", &line.ours));
        last = line.row;
        let peer = line.peer.as_ref().map(|(name, theirs)| (*name, theirs));
        for (name, sample) in ours.into_iter().chain(peer) {
            let Ok(sample) = sample else { continue };
            let compile = sample.median_of(|run| run.compile_seconds);
            let elbo = sample.median_of(|run| run.elbo);
            let accuracy = sample.median_of(|run| run.accuracy);
            if compile.is_none() && elbo.is_none() && accuracy.is_none() {
                continue;
            }
            let cell = |value: Option<f64>, places: usize| {
                value.map_or(String::new(), |value| format!("{value:.places$}"))
            };
            rows.push(vec![
                format!("`{}`", line.row),
                name.to_owned(),
                cell(compile, 4),
                cell(elbo, 1),
                cell(accuracy, 3),
            ]);
        }
    }
    rows
}

/// What the rows that know their floor counted and measured.
fn floors(results: &Results) -> Vec<Vec<String>> {
    let header = [
        "row",
        "MB a step",
        "GFLOP a step",
        "GB/s",
        "GFLOP/s",
        "memory, ms",
        "arithmetic, ms",
        "step over floor",
    ];
    let fields = [
        ("bytes", 1e-6),
        ("operations", 1e-9),
        ("bytes_per_second", 1e-9),
        ("operations_per_second", 1e-9),
        ("memory_ms", 1.0),
        ("arithmetic_ms", 1.0),
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for line in &results.lines {
        let Ok(sample) = &line.ours else { continue };
        let number = |name: &str| {
            let read = |run: &Measured| run.report.get("floor")?.get(name)?.as_f64();
            sample.median_of(read)
        };
        let numbers = fields.map(|(name, unit)| Some(digits(unit * number(name)?)));
        if let Some(numbers) = numbers.into_iter().collect::<Option<Vec<_>>>() {
            let name = format!("`{}`", line.row);
            let over = digits(sample.median);
            rows.push([vec![name], numbers, vec![over]].concat());
        }
    }
    rows
}

/// Rows of cells under each other; as Markdown with bars around and a rule under the first.
fn aligned(rows: &[Vec<String>], between: &str, markdown: bool) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let lengths = rows.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let (open, close) = match markdown {
        true => ("| ", " |"),
        false => ("", ""),
    };
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, &width)| format!("{cell:width$}"))
            .collect();
        let line = format!("{open}{}{close}", cells.join(between));
        text.push_str(line.trim_end());
        text.push('\n');
        if number == 0 {
            let rules: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
            let _ = writeln!(text, "{open}{}{close}", rules.join(between));
        }
    }
    text
}

/// Three digits, in full from a thousand on.
fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 1000.0 => thousands(value.round()),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        v if v >= 0.1 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

/// A whole number with commas.
fn thousands(value: f64) -> String {
    let plain = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
