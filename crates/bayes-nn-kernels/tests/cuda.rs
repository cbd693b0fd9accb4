//! CUDA's kernels: their values as C++ on the host, or with BAYES_NN_TEST_ON=cuda on the first
//! GPU; their text; and that the compiler of CUDA takes it.
#![cfg(feature = "cuda")]

mod common;
#[path = "common/network.rs"]
mod network;
#[allow(
    dead_code,
    reason = "gradients are checked by the tests of random graphs"
)]
#[path = "common/random.rs"]
mod random;

use std::path::Path;

use bayes_nn_autodiff::{Graph, NoiseKind, Var, Window, concat, grad};
use bayes_nn_kernels::cuda::emit::{BlockLoop, Launch, Source, Tiny};
use bayes_nn_kernels::cuda::{Cuda, Host, compiler};
use bayes_nn_kernels::{Backend, Cpu, KernelError, Plan, Precision, Program};
use common::{Model, assert_close, single};
use network::{step_of_ranks, variational_step};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// Whether a GPU is asked for.
fn on_gpu() -> bool {
    std::env::var("BAYES_NN_TEST_ON").as_deref() == Ok("cuda")
}

/// The first GPU, which was asked for.
fn gpu() -> Cuda {
    Cuda::new(0).unwrap_or_else(|error| panic!("{error}"))
}

/// Backends, of which those side by side must give the same bits: the host by launches and by
/// loops, threads in both orders; or a GPU twice with loops and twice without, between which the
/// compiler may contract differently. Without a C++ compiler there is nothing to test.
fn equals() -> Option<Vec<Vec<Box<dyn Backend>>>> {
    if on_gpu() {
        let loops = gpu();
        let launches = loops.clone().launches();
        let twice = |cuda: Cuda| [(); 2].map(|()| Box::new(cuda.clone()) as Box<dyn Backend>);
        return Some(vec![twice(loops).into(), twice(launches).into()]);
    }
    match Host::find() {
        Ok(host) => {
            let rules = [Tiny::NONE, Tiny::ANY].map(|tiny| host.clone().tiny(tiny));
            let orders = rules
                .into_iter()
                .flat_map(|host| [host.clone(), host.reversed()]);
            let all = orders.map(|host| Box::new(host) as Box<dyn Backend>);
            Some(vec![all.collect()])
        }
        Err(error) => {
            let required = std::env::var_os("BAYES_NN_REQUIRE_HOST").is_some();
            assert!(!required, "{error}");
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// A backend that runs tiny programs as loops, and one that never does.
fn backends() -> Option<[Box<dyn Backend>; 2]> {
    if on_gpu() {
        let cuda = gpu();
        return Some([Box::new(cuda.clone()), Box::new(cuda.launches())]);
    }
    equals()?;
    let host = Host::find().ok()?;
    Some([Box::new(host.clone()), Box::new(host.tiny(Tiny::NONE))])
}

const BOTH: [(Precision, f64); 2] = [(Precision::F64, 1e-11), (Precision::F32, 2e-4)];

/// Steps against the CPU executor, and once more to the same bits.
fn assert_like_cpu(model: &Model<'_>, steps: u64) {
    for equals in equals().into_iter().flatten() {
        assert_all_like_cpu(&equals, model, steps);
    }
}

fn assert_all_like_cpu(equals: &[Box<dyn Backend>], model: &Model<'_>, steps: u64) {
    let cpu = Cpu::detect().unwrap();
    for (precision, tolerance) in BOTH {
        let run = |backend: &dyn Backend| {
            let mut replicas = model.program(backend, precision);
            let program = replicas.program_mut(0);
            program.run(steps).unwrap();
            let outputs = (0..model.outputs.len()).map(|i| program.read_output(i));
            let states = model.updates.iter().map(|(state, _)| {
                program.read_input(state.input_id().expect("a state is an input"))
            });
            outputs.chain(states).collect::<Vec<_>>()
        };
        let (expected, values) = (run(&cpu), run(&*equals[0]));
        for (number, (values, expected)) in values.iter().zip(&expected).enumerate() {
            let largest = expected.iter().filter(|x| x.is_finite());
            let largest = largest.fold(1.0, |a: f64, b| a.max(b.abs()));
            let what = format!("{precision:?}, output {number}");
            assert_close(&what, values, expected, tolerance * largest);
        }
        for (other, backend) in equals.iter().enumerate().skip(1) {
            for (number, (a, b)) in values.iter().zip(&run(&**backend)).enumerate() {
                let same = a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same, "{precision:?}, output {number}: run {other} differs");
            }
        }
    }
}

fn identity(n: usize) -> Vec<f64> {
    (0..n * n)
        .map(|i| f64::from(u8::from(i % (n + 1) == 0)))
        .collect()
}

/// Every operation, at lengths where rows, pieces and blocks end in the middle.
fn every_operation<'g>(graph: &'g Graph) -> Model<'g> {
    let mut m = Model::new(graph);
    let (x, other) = (m.input([3, 70]), m.input([3, 70]));
    let y = x * x + 0.3;
    m.outputs.extend([
        -x,
        x.abs(),
        x.sign(),
        x.floor(),
        y.reciprocal(),
        y.sqrt(),
        x.exp(),
    ]);
    m.outputs.extend([
        y.ln(),
        y.log1p(),
        x.expm1(),
        (x * 0.6).log1pmx(),
        x.sin(),
        x.cos(),
    ]);
    m.outputs.extend([
        x.tanh(),
        x.sigmoid(),
        x.softplus(),
        x.log_sigmoid(),
        x.relu(),
    ]);
    m.outputs.extend([
        y.lgamma(),
        y.digamma(),
        y.polygamma(1),
        y.polygamma(2),
        x.erf(),
        x.erfc(),
    ]);
    m.outputs
        .extend([x.polygamma(3), x.digamma(), (x * 9.0).log_erfc()]);
    m.outputs.extend([
        x + other,
        x - other,
        x * other,
        x / y,
        y.pow(x),
        x.atan2(other),
        x.maximum(other),
    ]);
    m.outputs
        .extend([x.minimum(other), x.lt(other), x.le(other), x.eq(other)]);
    m.outputs.push(x.gt(other).select(x, other));
    // Reductions: of a thread, a block, several pieces; over rows, columns, everything.
    let long = m.input([3, 2500]);
    let cube = m.input([5, 40, 33]);
    let pairs = m.input([300, 3]);
    m.outputs.extend([
        long.sum(),
        long.max(),
        long.sum_axis(1),
        long.sum_axis(0),
        long.max_axis(1),
    ]);
    m.outputs.extend([
        cube.sum_axis(1),
        cube.max_axis(0),
        cube.sum_axis(2),
        cube.sum(),
    ]);
    m.outputs.extend([
        pairs.sum_axis(1),
        pairs.max_axis(1),
        pairs.exp().sum(),
        pairs.sum_axis(0),
    ]);
    m.outputs.push((pairs * 2.0).sum_axis(1).max());
    // Stretched operands, and row starts that follow no formula.
    let (row, column, sparse) = (m.input([33]), m.input([40, 1]), m.input([5, 1, 33]));
    m.outputs.extend([
        cube * row,
        cube + column,
        cube - sparse,
        (row * column).sum_axis(0),
    ]);
    // Products: by threads, by blocks, by the library.
    let (a, b) = (m.input([5, 300]), m.input([7, 300]));
    let (big, wide) = (m.input([65, 70]), m.input([70, 90]));
    m.outputs.extend([
        a.matmul(b.t()),
        a.t().matmul(a),
        big.matmul(wide),
        row.matmul(row),
    ]);
    m.outputs.extend([
        wide.t().matmul(big.t()),
        big.tanh().t().matmul(big),
        column.matmul(row.reshape([1, 33])),
    ]);
    // Factors and solutions of triangular systems.
    let symmetric = big.matmul(big.t()) + 8.0 * graph.constant(&identity(65), [65, 65]);
    let factor = symmetric.cholesky();
    let small = m.input([3, 3]);
    m.outputs
        .extend([factor, factor.solve_lower(big), factor.solve_lower_t(big)]);
    m.outputs.extend([
        factor.solve_lower_t(big.t().row(2).view(0, [65])),
        (-small).cholesky(),
    ]);
    m.outputs
        .extend(grad(factor.ln().tril(-1).sum(), &[big]).unwrap_or_default());
    // Moves.
    let index = m.index(&[2, 0, 2, 1]);
    let chosen = cube.gather(index, 1);
    m.outputs.extend([
        x.t(),
        chosen,
        concat(&[x, other.exp()], 0),
        concat(&[x, x.sin()], 1),
    ]);
    m.outputs
        .extend(grad((chosen * chosen).sum(), &[cube]).unwrap());
    m.outputs.extend([
        cube.view(7, [3, 33]) * 2.0,
        x.reshape([70, 3]).exp(),
        index.view(1, [2]),
    ]);
    // Random numbers, minibatches, the step.
    let normal = graph.noise(NoiseKind::Normal, 3, [3, 150]);
    let uniform = graph.noise(NoiseKind::Uniform, 4, [90]);
    let rows = graph.batch(300, 50, 1);
    m.outputs.extend([
        normal,
        uniform,
        normal.sum_axis(1),
        (normal * normal).sum(),
        uniform.max(),
    ]);
    m.outputs
        .extend([rows, pairs.gather(rows, 0).t(), x * graph.step()]);
    let state = m.input([3, 70]);
    m.updates = vec![(
        state,
        (state + graph.noise(NoiseKind::Normal, 5, [3, 70])).sin(),
    )];
    m
}

/// Convolutions and pools with their derivatives, over windows that begin outside the image, lie
/// apart and move by several pixels.
fn windows<'g>(graph: &'g Graph, rows: usize) -> Model<'g> {
    let mut m = Model::new(graph);
    let plain = Window::new([2, 3]);
    for (window, groups) in [
        (plain, 1),
        (plain.stride([2, 3]).padding([2, 1]).dilation([1, 2]), 2),
    ] {
        let [x, w] = [[4, 6, 7, rows], [4 / groups, 2, 3, 6]].map(|shape| m.input(shape));
        let sums = x.convolution(w, window, groups);
        m.outputs.push(sums);
        m.outputs
            .extend(grad((sums * sums).sum(), &[x, w]).unwrap());
    }
    let x = m.input([2, 6, 5, rows]);
    for window in [
        plain.stride([2, 2]),
        Window::new([3, 3]).stride([2, 1]).padding([1, 2]),
    ] {
        let pool = x.max_pool(window);
        let first = grad((pool * pool).sum(), &[x]).unwrap()[0];
        let second = grad((first * first * first).sum(), &[x]).unwrap()[0];
        m.outputs.extend([pool, first, second]);
    }
    m
}

/// Products by the weights of groups with their derivatives: of rows in the order of their groups,
/// in none, of a minibatch, and of groups with rows of their own.
fn products_by_group<'g>(graph: &'g Graph, rows: usize) -> Model<'g> {
    let mut m = Model::new(graph);
    let (w, x) = (m.input([3, 5, 4]), m.input([4, rows]));
    let sorted: Vec<usize> = (0..rows).map(|row| row * 3 / rows).collect();
    let mixed: Vec<usize> = (0..rows).map(|row| row * row % 3).collect();
    let drawn = graph.batch(rows, rows, 1);
    let mixed = m.index(&mixed);
    let indices = [graph.index_constant(&sorted), mixed, mixed.gather(drawn, 0)];
    for index in indices {
        let product = w.matmul_by_group(x, index);
        m.outputs.push(product);
        m.outputs
            .extend(grad((product * product).sum(), &[w, x]).unwrap());
    }
    let own = m.input([3, 4, rows]);
    let product = w.matmul(own);
    m.outputs.push(product);
    m.outputs
        .extend(grad((product * product).sum(), &[w, own]).unwrap());
    m
}

#[test]
fn products_by_group_compute_what_the_cpu_computes() {
    for rows in [1, 5, 70, 150] {
        let graph = Graph::new();
        assert_like_cpu(&products_by_group(&graph, rows), 2);
    }
}

#[test]
fn convolutions_and_pools_compute_what_the_cpu_computes() {
    for rows in [1, 5, 70] {
        let graph = Graph::new();
        assert_like_cpu(&windows(&graph, rows), 1);
    }
}

#[test]
fn every_operation_computes_what_the_cpu_computes() {
    let graph = Graph::new();
    assert_like_cpu(&every_operation(&graph), 3);
}

#[test]
fn steps_of_variational_inference_are_those_of_the_cpu() {
    for batch in [None, Some(50)] {
        let graph = Graph::new();
        assert_like_cpu(&variational_step(&graph, batch), 3);
    }
}

/// Random models, the same in every run.
#[test]
fn several_draws_are_those_of_the_cpu() {
    let graph = Graph::new();
    assert_like_cpu(&several_draws(&graph), 3);
}

fn random_models(count: usize, check: impl Fn(&Model<'_>)) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..count {
        let recipe = random::recipe(25).new_tree(&mut runner).unwrap().current();
        let graph = Graph::new();
        check(&recipe.build(&graph));
    }
}

#[test]
fn random_models_compute_what_the_cpu_computes() {
    random_models(8, |model| assert_like_cpu(model, 2));
}

#[test]
fn an_index_outside_is_found_and_the_program_goes_on_when_it_is_mended() {
    for backend in backends().into_iter().flatten() {
        an_index_outside_is_found_on(&*backend);
    }
}

fn an_index_outside_is_found_on(backend: &dyn Backend) {
    let graph = Graph::new();
    let (x, i, next) = (
        graph.input("x", 3),
        graph.index_input("i", 2),
        graph.index_input("next", 2),
    );
    let chosen = x.gather(i, 0);
    let gradient = grad((chosen * chosen).sum(), &[x]).unwrap()[0];
    let count = graph.input("count", []);
    let updates = [(i, next), (count, count + 1.0)];
    let plan = Plan::new(&graph, &[gradient, graph.step() * 1.0], &updates).unwrap();
    let id = |v: Var<'_>| v.input_id().unwrap();
    for (precision, _) in BOTH {
        let mut replicas = single(backend, &plan, &[], precision);
        let program = replicas.program_mut(0);
        assert!(
            program
                .run(1)
                .unwrap_err()
                .to_string()
                .contains("no value yet")
        );
        program.write(id(x), &[1.0, 2.0, 3.0]).unwrap();
        program.write(id(i), &[2.0, 2.0]).unwrap();
        program.write(id(next), &[0.0, 3.0]).unwrap();
        program.write(id(count), &[0.0]).unwrap();
        program.run(1).unwrap();
        assert_eq!(program.read_output(0), [0.0, 0.0, 12.0]);
        // The second step fails, and neither it nor the three after it change a state.
        let error = program.run(4).unwrap_err();
        assert!(
            error.to_string().contains("index 3 at position 1"),
            "{error}"
        );
        assert_eq!(program.read_input(id(count)), [1.0]);
        program.write(id(i), &[0.0, 1.0]).unwrap();
        program.write(id(next), &[1.0, 1.0]).unwrap();
        program.run(1).unwrap();
        assert_eq!(program.read_output(0), [2.0, 4.0, 0.0]);
        assert_eq!(program.read_output(1), [1.0]);
        let error = program.write(id(i), &[0.5, 0.0]).unwrap_err();
        assert!(
            matches!(error, KernelError::Index { position: 0, .. }),
            "{error}"
        );
    }
}

#[test]
fn states_are_saved_and_profiles_name_every_pass() {
    for backend in backends().into_iter().flatten() {
        states_are_saved_on(&*backend);
    }
}

fn states_are_saved_on(backend: &dyn Backend) {
    let graph = Graph::new();
    let model = variational_step(&graph, None);
    let mut replicas = model.program(backend, Precision::F32);
    let program = replicas.program_mut(0);
    let states: Vec<_> = model
        .updates
        .iter()
        .map(|(s, _)| s.input_id().unwrap())
        .collect();
    let read = |program: &dyn Program| -> Vec<Vec<f64>> {
        states.iter().map(|s| program.read_input(*s)).collect()
    };
    program.run(2).unwrap();
    program.save();
    let saved = read(&*program);
    program.run(2).unwrap();
    let later = read(&*program);
    assert_ne!(later, saved);
    program.restore();
    assert_eq!(read(&*program), saved);
    program.rewind(common::SEED, 2);
    let profile = program.profile(2).unwrap();
    assert_eq!(profile.passes.len(), model.plan().passes().len());
    assert!(profile.steps == 2 && profile.seconds() > 0.0);
    // A profile runs the steps that it measures.
    assert_eq!(read(&*program), later);
    assert_eq!(program.first_non_finite(states[0]), None);
    let mut bad = saved[0].clone();
    bad[7] = f64::NAN;
    program.forget();
    program.fill(states[0], 0.5).unwrap();
    program.restore();
    assert_eq!(program.read_input(states[0]), vec![0.5; bad.len()]);
    program.write(states[0], &bad).unwrap();
    assert_eq!(program.first_non_finite(states[0]), Some(7));
}

/// The text of a plan and its launches; UPDATE_SNAPSHOTS=1 keeps the new one.
fn assert_snapshot(name: &str, model: &Model<'_>, precision: Precision) {
    let source = Source::new(&model.plan(), precision).unwrap();
    let mut text = source.passes().trim_start().to_owned();
    text.push_str("\n// ---- Launches\n");
    for launch in &source.launches {
        text += &match launch {
            Launch::Kernel(kernel) => format!(
                "// {}<<<{}, {}, {}>>>\n",
                kernel.name,
                kernel.blocks,
                kernel.threads,
                kernel.shared_bytes()
            ),
            Launch::Product(product) => format!("// {product:?}\n"),
            Launch::AllReduceMean(mean) => format!("// {mean:?}\n"),
        };
    }
    assert_kept(name, &text);
}

/// A text beside the one that is kept.
fn assert_kept(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/{name}.cu"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == text,
        "{} is kept, and now it is:\n{text}",
        file.display()
    );
}

#[test]
fn the_text_of_known_plans_is_the_one_that_is_kept() {
    if on_gpu() {
        return eprintln!("skipped: a staged test has no files beside it");
    }
    let graph = Graph::new();
    assert_snapshot(
        "variational_step",
        &variational_step(&graph, Some(50)),
        Precision::F32,
    );
    let graph = Graph::new();
    let mut m = Model::new(&graph);
    let (x, weights) = (m.input([64, 784]), m.input([100, 784]));
    let index = m.index(&[1, 0, 3]);
    let hidden = weights.matmul(x.t()).tanh();
    m.outputs = vec![hidden.logsumexp(0).sum(), hidden.gather(index, 0), x.max()];
    assert_snapshot("products_and_reductions", &m, Precision::F64);
    let graph = Graph::new();
    let mut m = Model::new(&graph);
    let (x, shift) = (m.input([300, 4]), m.input([4]));
    let rows = x.gather(graph.batch(300, 40, 2), 0);
    m.updates = vec![(shift, shift + rows.sum_axis(0).all_reduce_mean())];
    // Ranks do not meet within a launch.
    assert!(BlockLoop::alone(&m.plan(), Precision::F32, Tiny::ANY).is_none());
    assert_snapshot("mean_over_ranks", &m, Precision::F32);
    let graph = Graph::new();
    let mut m = Model::new(&graph);
    let (x, shift, count) = (m.input([300, 4]), m.input([4]), m.index(&[7]));
    let rows = x.gather(graph.batch(300, 40, 2), 0);
    let noise = graph.noise(NoiseKind::Normal, 0, [4]);
    m.outputs = vec![(rows * shift).tanh().sum(), shift.gather(count, 0)];
    m.updates = vec![(shift, shift + 0.1 * noise + rows.sum_axis(0))];
    let tiny = BlockLoop::alone(&m.plan(), Precision::F32, Tiny::within(48 << 10)).unwrap();
    let head = format!("// <<<replicas, {}, {}>>>\n", tiny.threads, tiny.shared);
    assert_kept("block_loop", &(head + tiny.passes().trim_start()));
    let graph = Graph::new();
    assert_snapshot(
        "convolutions_and_pools",
        &windows(&graph, 70),
        Precision::F32,
    );
    let graph = Graph::new();
    let m = products_by_group(&graph, 150);
    assert_snapshot("products_by_group", &m, Precision::F32);
    let graph = Graph::new();
    let m = several_draws(&graph);
    assert_snapshot("several_draws", &m, Precision::F32);
    let tiny = BlockLoop::alone(&m.plan(), Precision::F32, Tiny::ANY).unwrap();
    assert_kept("block_loop_of_several_draws", tiny.passes().trim_start());
}

/// A step of three draws, too long to be unrolled.
fn several_draws<'g>(graph: &'g Graph) -> Model<'g> {
    let mut m = Model::new(graph);
    let shift = m.input([4]);
    let drawn = graph.noise(NoiseKind::Normal, 2, [10_000]) + shift.exp().sum();
    let (sum, mean) = (drawn.tanh().sum(), drawn.cos());
    m.outputs = vec![sum.mean_over_draws(3), mean.mean_over_draws(3)];
    m.updates = vec![(shift, shift + 0.1 * m.outputs[0])];
    assert_eq!(m.plan().draws(), 3);
    m
}

/// What machine code is made for: the oldest and the newest that matter most.
const ARCHITECTURES: [&str; 2] = ["sm_80", "sm_90"];

#[test]
fn the_text_is_taken_by_the_compiler_of_cuda() {
    if let Err(error) = compiler::version() {
        assert!(
            std::env::var_os("BAYES_NN_REQUIRE_NVRTC").is_none(),
            "{error}"
        );
        return eprintln!("skipped: {error}");
    }
    let compile = |model: &Model<'_>, architectures: &[&str]| {
        for (precision, _) in BOTH {
            let source = Source::new(&model.plan(), precision).unwrap();
            let tiny = BlockLoop::alone(&model.plan(), precision, Tiny::within(227 << 10));
            let texts = [Some(source.text), tiny.map(|tiny| tiny.text)];
            let pairs = texts.iter().flatten();
            for (text, architecture) in
                pairs.flat_map(|text| architectures.iter().map(move |a| (text, a)))
            {
                let code = compiler::compile(text, architecture);
                let code = code.unwrap_or_else(|error| panic!("{architecture}: {error}"));
                assert!(code.starts_with(b"\x7fELF"), "{architecture}");
            }
        }
    };
    let graph = Graph::new();
    compile(&every_operation(&graph), &ARCHITECTURES);
    let graph = Graph::new();
    let step = variational_step(&graph, Some(50));
    assert!(BlockLoop::alone(&step.plan(), Precision::F64, Tiny::within(227 << 10)).is_some());
    compile(&step, &ARCHITECTURES);
    let graph = Graph::new();
    compile(&windows(&graph, 70), &ARCHITECTURES);
    let graph = Graph::new();
    compile(&products_by_group(&graph, 70), &ARCHITECTURES);
    let graph = Graph::new();
    compile(&several_draws(&graph), &ARCHITECTURES);
    let graph = Graph::new();
    compile(&step_of_ranks(&graph, 50), &ARCHITECTURES);
    random_models(5, |model| compile(model, &ARCHITECTURES[..1]));
    // What is wrong comes back as what the compiler says of it.
    let error = compiler::compile("KERNEL of nothing", ARCHITECTURES[0]).unwrap_err();
    assert!(error.to_string().contains("error:"), "{error}");
    let error = compiler::compile("", "sm_1").unwrap_err();
    assert!(error.to_string().contains("arch"), "{error}");
}

#[test]
fn memory_is_given_back() {
    if !on_gpu() {
        return eprintln!("skipped: BAYES_NN_TEST_ON is not cuda");
    }
    let cuda = gpu();
    let graph = Graph::new();
    let mut model = Model::new(&graph);
    let x = model.input([64 << 18]);
    model.outputs = vec![(x * 2.0).exp()];
    let make = || drop(model.program(&cuda, Precision::F32));
    make();
    let (before, _) = cuda.memory().unwrap();
    (0..10).for_each(|_| make());
    let (after, _) = cuda.memory().unwrap();
    assert!(
        after + (64 << 20) > before,
        "{after} bytes free, {before} before"
    );
}
