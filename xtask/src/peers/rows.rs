//! The rows of the table on a CPU.

use super::isa::Isa;
use super::results::Target;
use super::row::{Axis, Cores, Judge, Measure, Program, Row, What, Work, ours, peer};

pub const NUMPYRO: What = What::Script("moons_numpyro.py", &["jax", "numpyro"]);
const PYMC: What = What::Script("moons_pymc.py", &["pymc"]);
const NUMPYRO_NUTS: What = What::Script("moons_nuts.py", &["jax", "numpyro"]);
const NUTPIE: What = What::Script("moons_nuts.py", &["pymc", "nutpie"]);
pub const TORCH: What = What::Script("image_torch.py", &["torch"]);
const PRODUCTS: What = What::Script("products_torch.py", &["torch"]);
pub const JAX: What = What::Script("image_jax.py", &["jax"]);

/// All rows, in the order of the table, with what is to be reached on an instruction set.
pub fn all(isa: Isa) -> Vec<Row> {
    let mut rows = steps(isa);
    rows.extend(products(isa));
    rows.extend(wholes(isa));
    rows.extend(alone(isa));
    rows
}

pub const RATE: Measure = Measure::Rate("steps_per_second", "steps/s");

/// Steps a second or milliseconds a step.
fn steps(isa: Isa) -> Vec<Row> {
    const F32: &str = "steps --data {data} --steps 20000 --precision f32";
    const F64: &str = "steps --data {data} --steps 20000 --precision f64";
    const BATCH: &str = "steps --data {data} --steps 20000 --precision f32 --batch 50";
    const EPOCHS: &str = "epochs --data {data} --steps 20000 --precision f32 --batch 50";
    const IMAGE: &str = "steps --data {data} --steps 200 --batch 128 --learning-rate 0.001";
    const IMAGE_COMPILED: &str =
        "compiled --data {data} --steps 200 --batch 128 --learning-rate 0.001";
    use Cores::{All, One, Two};
    vec![
        Row {
            id: "moons-f32",
            work: "two moons, 500 rows, full batch, f32, one thread",
            measure: RATE,
            ours: ours("moons --data {data} --steps 20000", One),
            peers: vec![
                peer("NumPyro f32, one core", NUMPYRO, F32, One, None),
                peer("NumPyro f32, all cores", NUMPYRO, F32, All, None),
            ],
            judge: Judge::Fastest(isa.of(15.0, 13.0)),
        },
        Row {
            id: "moons-f64",
            work: "the same in f64",
            measure: RATE,
            ours: ours("moons --data {data} --steps 20000 --precision f64", One),
            peers: vec![
                peer("NumPyro f64, one core", NUMPYRO, F64, One, isa.of(7.0, 8.0)),
                peer("PyMC f64", PYMC, F64, One, isa.of(35.0, 40.0)),
            ],
            judge: Judge::Each,
        },
        Row {
            id: "moons-fused",
            work: "the same in f32 beside the step written by hand",
            measure: RATE,
            ours: ours("moons --data {data} --steps 20000", One),
            peers: vec![peer(
                "one loop by hand",
                What::Binary("fused"),
                "",
                One,
                0.5,
            )],
            judge: Judge::Each,
        },
        Row {
            id: "moons-minibatch",
            work: "two moons, minibatches of 50, f32, one thread",
            measure: RATE,
            ours: ours("moons --data {data} --steps 20000 --batch 50", One),
            peers: vec![
                peer("PyMC f32", PYMC, BATCH, One, None),
                peer("NumPyro f32, `plate` draws rows", NUMPYRO, BATCH, One, None),
                peer("NumPyro f32, epochs by hand", NUMPYRO, EPOCHS, One, None),
            ],
            judge: Judge::Fastest(8.0),
        },
        Row {
            id: "image",
            work: "784-400-400-10, batch 128, one draw a step, f32, two threads",
            measure: Measure::Cost("ms_per_step", "ms"),
            ours: ours(
                "image --data {data} --steps 200 --batch 128 --learning-rate 0.001",
                Two,
            ),
            peers: vec![
                peer("torch, eager", TORCH, IMAGE, Two, None),
                peer(
                    "torch, `torch.compile`",
                    TORCH,
                    IMAGE_COMPILED,
                    Two,
                    isa.of(2.6, 4.0),
                ),
                peer("JAX", JAX, IMAGE, Two, isa.of(5.2, 13.0)),
            ],
            judge: Judge::Each,
        },
    ]
}

/// Steps by the estimator that networks have unless told otherwise.
fn products(isa: Isa) -> Vec<Row> {
    const EAGER: [&str; 2] = [
        "dense --data {data} --steps 200 --batch 128 --learning-rate 0.001",
        "conv --data {data} --steps 60 --batch 128 --learning-rate 0.001",
    ];
    const COMPILED: [&str; 2] = [
        "dense-compiled --data {data} --steps 200 --batch 128 --learning-rate 0.001",
        "conv-compiled --data {data} --steps 60 --batch 128 --learning-rate 0.001",
    ];
    const OURS: [&str; 2] = [
        "products --net dense --data {data} --steps 200 --batch 128 --learning-rate 0.001",
        "products --net conv --data {data} --steps 60 --batch 128 --learning-rate 0.001",
    ];
    let row = |id, work, net: usize, at_least: f64| Row {
        id,
        work,
        measure: Measure::Cost("ms_per_step", "ms"),
        ours: ours(OURS[net], Cores::Two),
        peers: vec![
            peer("torch, eager", PRODUCTS, EAGER[net], Cores::Two, None),
            peer(
                "torch, `torch.compile`",
                PRODUCTS,
                COMPILED[net],
                Cores::Two,
                at_least,
            ),
        ],
        judge: Judge::Each,
    };
    let dense = "784-400-400-10, batch 128, products drawn, f32, two threads";
    let conv = "20 and 50 filters of 5x5, pools, 500 dense units, batch 128, products drawn, f32, two \
                threads";
    vec![
        row("products-dense", dense, 0, isa.of(2.0, 3.0)),
        row("products-conv", conv, 1, 1.2),
    ]
}

/// Work that a user waits for.
fn wholes(isa: Isa) -> Vec<Row> {
    const NUTS: &str =
        "numpyro --data {data} --programs {programs} --steps 1000 --precision f64 --seed {turn}";
    const NUTS_F32: &str =
        "numpyro --data {data} --programs {programs} --steps 1000 --precision f32 --seed {turn}";
    const NUTS_PYMC: &str =
        "nutpie --data {data} --programs {programs} --steps 1000 --precision f64 --seed {turn}";
    const PROCESS: &str = "process --data {data} --steps 50000 --draws 2000";
    const PROCESS_F64: &str = "process --data {data} --steps 50000 --draws 2000 --precision f64";
    const PREDICT: &str = "predict --data {data} --steps 100 --batch 128 --draws 100";
    const GRID: &str = "grid --data {data} --steps 5000 --side 100 --draws 2000";
    vec![
        Row {
            id: "process",
            work: "whole process: start, 50,000 steps, 500 rows predicted with 2,000 draws",
            measure: Measure::Process,
            ours: ours(PROCESS, Cores::All),
            peers: vec![
                peer("NumPyro f32, one core", NUMPYRO, PROCESS, Cores::One, None),
                peer("NumPyro f32, all cores", NUMPYRO, PROCESS, Cores::All, None),
                peer("PyMC f64", PYMC, PROCESS_F64, Cores::All, None),
            ],
            judge: Judge::Fastest(40.0),
        },
        Row {
            id: "grid",
            work: "predicting a 100x100 grid with 2,000 draws",
            measure: Measure::Cost("seconds", "s"),
            ours: ours(GRID, Cores::All),
            peers: vec![peer(
                "NumPyro `Predictive`, compiled",
                NUMPYRO,
                GRID,
                Cores::All,
                4.0,
            )],
            judge: Judge::Each,
        },
        Row {
            id: "predict",
            work: "predicting 10,000 rows by 784-400-400-10 with 100 draws, f32, two threads",
            measure: Measure::Cost("seconds", "s"),
            ours: ours(PREDICT, Cores::Two),
            peers: vec![peer("torch, eager", TORCH, PREDICT, Cores::Two, 1.2)],
            judge: Judge::Each,
        },
        Row {
            id: "predict-share",
            work: "the same: its operations a second over those of a product of matrices",
            measure: Measure::Rate("share", "x"),
            ours: ours(PREDICT, Cores::Two),
            peers: Vec::new(),
            judge: Judge::Alone(Target::AtLeast(0.85)),
        },
        Row {
            id: "nuts",
            work: "NUTS of two moons, draws of f64 by trajectories of f32, 2 chains of 1,000 after \
                   1,000: smallest bulk ESS of 50 test logits",
            measure: Measure::Rate("ess_per_second", "ESS/s"),
            ours: ours(
                "nuts --data {data} --steps 1000 --trajectories f32 --seed {turn}",
                Cores::All,
            ),
            peers: vec![
                peer("NumPyro f64", NUMPYRO_NUTS, NUTS, Cores::All, None),
                peer(
                    "NumPyro, all in f32",
                    NUMPYRO_NUTS,
                    NUTS_F32,
                    Cores::All,
                    None,
                ),
                peer("nutpie f64, of PyMC", NUTPIE, NUTS_PYMC, Cores::All, None),
            ],
            judge: Judge::Fastest(8.0),
        },
        Row {
            id: "nuts-f64",
            work: "the same, trajectories of f64 too",
            measure: Measure::Rate("ess_per_second", "ESS/s"),
            ours: ours("nuts --data {data} --steps 1000 --seed {turn}", Cores::All),
            peers: vec![peer(
                "NumPyro f64",
                NUMPYRO_NUTS,
                NUTS,
                Cores::All,
                isa.of(8.0, 9.0),
            )],
            judge: Judge::Each,
        },
    ]
}

/// Limits of our own.
fn alone(isa: Isa) -> Vec<Row> {
    let row = |id, work, measure, ours, at_most| Row {
        id,
        work,
        measure,
        ours,
        peers: Vec::new(),
        judge: Judge::Alone(Target::AtMost(at_most)),
    };
    let example = Work::Program(Program {
        what: What::Example("moons"),
        arguments: "--out {data}/moons",
        cores: Cores::All,
    });
    let deviation = Measure::Cost("deviation", "of the mean");
    let nanoseconds = Measure::Cost("nanoseconds", "ns");
    vec![
        row(
            "noise-f32",
            "a normal of 500,000, f32, two threads",
            nanoseconds,
            ours("noise", Cores::Two),
            isa.of(0.9, 0.5),
        ),
        row(
            "noise-f64",
            "the same in f64",
            nanoseconds,
            ours("noise --precision f64", Cores::Two),
            isa.of(2.0, 1.2),
        ),
        Row {
            id: "update",
            work: "784-400-400-10, the pass that updates all parameters: bytes a second over those of y = x + 1",
            measure: Measure::Rate("update_share", "x"),
            ours: ours("update --data {data} --steps 200 --batch 128", Cores::Two),
            peers: Vec::new(),
            judge: Judge::Alone(Target::AtLeast(0.8)),
        },
        row(
            "moons-example",
            "the example `moons`, everything, pictures included",
            Measure::Process,
            example,
            2.0,
        ),
        row(
            "first-elbo",
            "first ELBO after the start of the process, two moons",
            Measure::FirstLine,
            ours("first-elbo --data {data}", Cores::All),
            0.020,
        ),
        row(
            "linear-rows",
            "cost of a step per row, 10^3 to 10^6 rows: largest deviation",
            deviation,
            Work::Linear(Axis::Rows),
            0.30,
        ),
        row(
            "linear-parameters",
            "cost of a step per parameter, 10^4 to 10^7: largest deviation",
            deviation,
            Work::Linear(Axis::Parameters),
            0.30,
        ),
        row(
            "memory",
            "784-400-400-10: memory without data, over 8 vectors of parameters",
            Measure::Cost("memory_ratio", "x"),
            ours(
                "image --data {data} --steps 20 --batch 128 --learning-rate 0.001 --rows 256",
                Cores::All,
            ),
            3.0,
        ),
    ]
}
