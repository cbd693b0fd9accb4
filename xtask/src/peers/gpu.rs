//! The same on a GPU: its rows, and the programs of a folder that was staged.

use std::path::Path;
use std::process::Command;

use super::measure::{Places, Runner};
use super::results::Target;
use super::row::{Cores, Judge, Measure, Program, Row, What, ours, peer};
use super::rows::{JAX, NUMPYRO, RATE, TORCH};
use super::{chosen, measure, table};
use crate::command::{output_of, read_json};
use crate::machine;
use crate::python::Python;

/// The packages of the peers, beside their scripts.
pub const PACKAGES: &str = "requirements-gpu.txt";

/// Where a staged folder keeps what its programs were built from.
pub const BUILT: &str = "built.json";

/// Runs the rows named `only`, or all, of the programs staged in a folder. All together are also
/// written there, after every row: a machine that is lent may be taken back.
///
/// # Errors
/// When a row is not known, when nothing is staged in the folder, when our own program does not
/// run on the GPU, and when results cannot be written. Another program that fails is reported in
/// its line.
pub fn run(folder: &Path, only: &[String], repeats: usize) -> Result<(), String> {
    let rows = chosen(rows(), only)?;
    let folder =
        std::fs::canonicalize(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let built = read_json(&folder.join(BUILT))?;
    let places = Places {
        programs: folder.clone(),
        scripts: folder.join("peers"),
        data: folder.join("data"),
        log: folder.join("log"),
    };
    let workload = folder.join("workload");
    output_of(
        Command::new(workload)
            .args(["data", "--out"])
            .arg(&places.data),
    )?;
    let python = Python::present(&places.scripts.join(PACKAGES));
    for (package, why) in &python.missing {
        println!("{package} is missing: {why}");
    }
    let ask = |name, field: &str| {
        let query = format!("--query-gpu={field}");
        let arguments = [&query, "--format=csv,noheader"];
        machine::of(name, Command::new("nvidia-smi").args(arguments))
    };
    let mut machine = vec![
        ask("GPU", "name,memory.total"),
        ask("driver", "driver_version"),
    ];
    machine.extend(machine::describe());
    // What this machine knows of compilers says nothing of the programs.
    machine.retain(|(name, _)| built.get(name).is_none());
    let built = built.as_object().into_iter().flatten();
    machine.extend(built.map(|(name, value)| {
        let value = value.as_str().unwrap_or_default();
        (name.clone(), value.to_owned())
    }));
    machine.extend(python.describe());
    let runner = Runner::new(places, python, &[])?;
    let first = runner.run(&FIRST, RATE, 1);
    first.map_err(|problem| format!("no row can be measured: {problem}"))?;
    let results = measure(&runner, &rows, machine, repeats, |results| {
        match only.is_empty() {
            true => results.write(&folder),
            false => Ok(()),
        }
    })?;
    println!("\n{}", table::text(&results));
    Ok(())
}

/// What shows that there is a GPU, or says why not.
const FIRST: Program = Program {
    what: What::Binary("workload"),
    arguments: "moons --data {data} --steps 100 --device cuda",
    cores: Cores::All,
};

/// All rows, in the order of the table.
fn rows() -> Vec<Row> {
    let mut rows = images();
    rows.extend(moons());
    rows
}

/// Steps of networks of the size of MNIST's images.
fn images() -> Vec<Row> {
    const OURS: &str = "image --data {data} --steps 20000 --batch 128 --learning-rate 0.001 \
                        --device cuda";
    const WIDE: &str = "image --data {data} --steps 10000 --batch 128 --learning-rate 0.001 \
                        --device cuda --hidden 1200";
    const FLOOR: &str = "image --data {data} --steps 10000 --batch 128 --learning-rate 0.001 \
                         --device cuda --hidden 1200 --floor";
    const EAGER: &str = "graphs --data {data} --steps 20000 --batch 128 --learning-rate 0.001 \
                         --device cuda";
    const COMPILED: &str = "compiled-graphs --data {data} --steps 20000 --batch 128 \
                            --learning-rate 0.001 --device cuda";
    const SCAN: &str = "steps --data {data} --steps 20000 --batch 128 --learning-rate 0.001 \
                        --device cuda";
    const WIDE_EAGER: &str = "graphs --data {data} --steps 10000 --batch 128 \
                              --learning-rate 0.001 --device cuda --hidden 1200";
    const WIDE_COMPILED: &str = "compiled-graphs --data {data} --steps 10000 --batch 128 \
                                 --learning-rate 0.001 --device cuda --hidden 1200";
    const WIDE_SCAN: &str = "steps --data {data} --steps 10000 --batch 128 \
                             --learning-rate 0.001 --device cuda --hidden 1200";
    let cost = Measure::Cost("ms_per_step", "ms");
    let peers = |eager, compiled, scan| {
        vec![
            peer("torch, CUDA graph", TORCH, eager, Cores::All, None),
            peer(
                "torch, compiled, CUDA graph",
                TORCH,
                compiled,
                Cores::All,
                None,
            ),
            peer("JAX, `lax.scan`", JAX, scan, Cores::All, None),
        ]
    };
    vec![
        Row {
            id: "image",
            work: "784-400-400-10, batch 128, one draw a step, f32",
            measure: cost,
            ours: ours(OURS, Cores::All),
            peers: peers(EAGER, COMPILED, SCAN),
            judge: Judge::Both {
                at_least: 3.0,
                at_most: 0.060,
            },
        },
        Row {
            id: "image-wide",
            work: "784-1200-1200-10, the same",
            measure: cost,
            ours: ours(WIDE, Cores::All),
            peers: peers(WIDE_EAGER, WIDE_COMPILED, WIDE_SCAN),
            judge: Judge::Fastest(2.0),
        },
        Row {
            id: "image-wide-floor",
            work: "784-1200-1200-10: a step over what memory and arithmetic allow",
            measure: Measure::Cost("over_floor", "x"),
            ours: ours(FLOOR, Cores::All),
            peers: Vec::new(),
            judge: Judge::Alone(Target::AtMost(2.0)),
        },
    ]
}

/// The network of two moons, too small for a GPU by itself.
fn moons() -> Vec<Row> {
    const OURS: &str = "moons --data {data} --steps 50000 --device cuda";
    const HERE: &str = "moons --data {data} --steps 50000 --device cpu";
    const THEIRS: &str = "steps --data {data} --steps 50000 --device cuda";
    const RESTARTS: &str = "restarts --data {data} --steps 20000 --count 132 --device cuda";
    const GRID: &str = "grid --data {data} --steps 2000 --side 1000 --draws 1000 --device cuda";
    const BLOCKS: &str = "grid --data {data} --steps 2000 --side 1000 --draws 1000 --device cuda \
                          --block 20000";
    vec![
        Row {
            id: "moons",
            work: "two moons, 500 rows, full batch, f32",
            measure: RATE,
            ours: ours(OURS, Cores::All),
            peers: vec![
                peer("NumPyro", NUMPYRO, THEIRS, Cores::All, None),
                peer(
                    "ours on the CPU",
                    What::Binary("workload"),
                    HERE,
                    Cores::All,
                    None,
                ),
            ],
            judge: Judge::Each,
        },
        Row {
            id: "moons-restarts",
            work: "132 restarts of the same side by side, over one fit",
            measure: Measure::Cost("times_one", "x"),
            ours: ours(RESTARTS, Cores::All),
            peers: Vec::new(),
            judge: Judge::Alone(Target::AtMost(2.0)),
        },
        Row {
            id: "grid",
            work: "predicting a 1000x1000 grid with 1,000 draws",
            measure: Measure::Cost("seconds", "s"),
            ours: ours(GRID, Cores::All),
            peers: vec![peer(
                "JAX: NumPyro `Predictive`, compiled, in blocks",
                NUMPYRO,
                BLOCKS,
                Cores::All,
                2.0,
            )],
            judge: Judge::Each,
        },
    ]
}
