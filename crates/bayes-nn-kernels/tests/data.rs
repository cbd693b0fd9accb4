//! Data: held once for all replicas and in their own type, whatever a program calculates in.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use bayes_nn_autodiff::{Graph, InputId, Var};
use bayes_nn_kernels::{Backend, Binding, Column, Cpu, KernelError, Plan, Precision};
use common::{backends, single};

thread_local! {
    /// Bytes that this thread has asked for.
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: all work is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.set(BYTES.get() + layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        BYTES.set(BYTES.get() + layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn id(input: Var<'_>) -> InputId {
    input.input_id().unwrap()
}

/// Bytes from 0 to 250.
fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * i % 251) as u8).collect()
}

/// The same numbers in every type.
fn columns(bytes: &[u8]) -> [Column; 4] {
    let of = |number: &u8| f64::from(*number);
    [
        bytes.iter().map(of).collect::<Vec<f64>>().into(),
        bytes
            .iter()
            .map(|v| of(v) as f32)
            .collect::<Vec<f32>>()
            .into(),
        bytes
            .iter()
            .map(|v| u32::from(*v))
            .collect::<Vec<_>>()
            .into(),
        bytes.into(),
    ]
}

/// A sum that a state follows, over all rows or a minibatch of `x`, `[rows, 5]`, and of `y`,
/// `[rows]`, with a logarithm that is hoisted: computed once before all steps; the inputs, and the
/// plan.
fn model(graph: &Graph, rows: usize, batch: Option<usize>) -> (Plan, [InputId; 3]) {
    let (x, y) = (graph.input("x", [rows, 5]), graph.input("y", [rows]));
    let state = graph.input("state", [5]);
    let (seen, target) = match batch {
        Some(size) => {
            let index = graph.batch(rows, size, 1);
            (x.gather(index, 0).t(), y.gather(index, 0))
        }
        None => (x.t(), y),
    };
    let gap = state.matmul(seen) / 255.0 - (target + 1.0).ln();
    let loss = (gap * gap).sum();
    let updates = [(state, state - 1e-3 * loss.tanh() * state)];
    let plan = Plan::new(graph, &[loss, gap], &updates).unwrap();
    (plan, [x, y, state].map(id))
}

/// The bits of what three steps give.
fn bits(
    backend: &dyn Backend,
    plan: &Plan,
    precision: Precision,
    data: &[Binding],
    written: &[(InputId, Vec<f64>)],
) -> Vec<u64> {
    let mut replicas = single(backend, plan, data, precision);
    let program = replicas.program_mut(0);
    for (input, values) in written {
        program.write(*input, values).unwrap();
    }
    program.rewind(3, 0);
    let mut bits = Vec::new();
    for _ in 0..3 {
        program.run(1).unwrap();
        let outputs = [program.read_output(0), program.read_output(1)];
        bits.extend(outputs.concat().into_iter().map(f64::to_bits));
    }
    bits
}

#[test]
fn data_of_any_type_give_the_bits_of_written_numbers() {
    for (rows, batch) in [(70, None), (1000, None), (70, Some(7)), (1000, Some(100))] {
        let graph = Graph::new();
        let (plan, [x, y, state]) = model(&graph, rows, batch);
        let start = (state, vec![0.3, -0.2, 0.5, 0.1, -0.4]);
        let (numbers, targets) = (bytes(5 * rows), bytes(rows));
        let [x_f64, y_f64] = [&numbers, &targets].map(|bytes| columns(bytes)[0].to_f64());
        for (name, backend) in backends() {
            for precision in [Precision::F32, Precision::F64] {
                let written = [start.clone(), (x, x_f64.clone()), (y, y_f64.clone())];
                let expected = bits(&*backend, &plan, precision, &[], &written);
                for (of_x, of_y) in columns(&numbers).into_iter().zip(columns(&targets)) {
                    let what = format!("{name}, {rows} rows, batch {batch:?}, {of_x:.20?}");
                    let data = [Binding::new(x, of_x), Binding::new(y, of_y)];
                    let found = bits(&*backend, &plan, precision, &data, &written[..1]);
                    assert!(found == expected, "{what}");
                }
            }
        }
    }
}

#[test]
fn selections_by_data_of_data_are_those_of_written_numbers() {
    let graph = Graph::new();
    let (values, group) = (
        graph.input("values", [3, 4]),
        graph.index_input("group", [90]),
    );
    let state = graph.input("state", [4]);
    let index = group.gather(graph.batch(90, 9, 1), 0);
    let outputs = [
        values.gather(group, 1).sum() * state,
        state.gather(index, 0).sum() + values.gather(index, 1).sum(),
    ];
    let plan = Plan::new(&graph, &outputs, &[(state, 2.0 * state)]).unwrap();
    let [values, group, state] = [values, group, state].map(id);
    let (numbers, rows) = (
        bytes(12),
        bytes(90).iter().map(|v| v % 4).collect::<Vec<_>>(),
    );
    let start = (state, vec![1.0, 2.0, 3.0, 4.0]);
    let written = [&numbers, &rows].map(|bytes| columns(bytes)[0].to_f64());
    let [values_f64, group_f64] = written;
    let written = [start.clone(), (values, values_f64), (group, group_f64)];
    for (name, backend) in backends() {
        let expected = bits(&*backend, &plan, Precision::F32, &[], &written);
        for (of_values, of_group) in columns(&numbers).into_iter().zip(columns(&rows)) {
            let data = [
                Binding::new(values, of_values),
                Binding::new(group, of_group),
            ];
            let found = bits(&*backend, &plan, Precision::F32, &data, &written[..1]);
            assert!(found == expected, "{name}");
        }
    }
}

#[test]
fn what_depends_on_a_written_input_is_computed_again_beside_data() {
    let graph = Graph::new();
    let (data, window) = (graph.input("data", [300]), graph.input("window", [300]));
    let state = graph.input("state", []);
    let sum = (data.exp() + window.exp()).sum() + data.exp().sum() + window.exp().max();
    let plan = Plan::new(&graph, &[sum * state], &[(state, state + 1.0)]).unwrap();
    let [data, window, state] = [data, window, state].map(id);
    for (name, backend) in backends() {
        let bound = [Binding::new(data, vec![1.0_f32; 300])];
        let mut replicas = single(&*backend, &plan, &bound, Precision::F64);
        let program = replicas.program_mut(0);
        program.fill(state, 1.0).unwrap();
        for value in [0.0, 2.0, -1.0] {
            program.fill(window, value).unwrap();
            program.fill(state, 1.0).unwrap();
            program.run(1).unwrap();
            let expected = 300.0 * (2.0 * 1f64.exp() + value.exp()) + value.exp();
            let found = program.read_output(0)[0];
            assert!(
                (found / expected - 1.0).abs() < 1e-12,
                "{name}: {found}, {expected}"
            );
        }
    }
}

/// Bytes that are asked for while `make` makes something, which is dropped after it.
fn counted<R>(make: impl FnOnce() -> R) -> (R, usize) {
    let before = BYTES.get();
    let made = make();
    (made, BYTES.get() - before)
}

#[test]
fn replicas_share_one_copy_of_the_data_and_a_minibatch_needs_none() {
    const ROWS: usize = 100_000;
    let cpu = Cpu::detect().unwrap().threads(1);
    for batch in [None, Some(50)] {
        let graph = Graph::new();
        let (plan, [x, y, _]) = model(&graph, ROWS, batch);
        let plan = Arc::new(plan);
        let data = [
            Binding::new(x, bytes(5 * ROWS)),
            Binding::new(y, bytes(ROWS)),
        ];
        let (loaded, loading) = counted(|| cpu.load(&plan, &data, Precision::F32).unwrap());
        let (one, first) = counted(|| loaded.start(1).unwrap());
        let (ten, others) = counted(|| loaded.start(10).unwrap());
        assert_eq!((one.count(), ten.count()), (1, 10));
        // In single precision the data are four bytes a number.
        let copy = 4 * 6 * ROWS;
        match batch {
            Some(_) => assert!(loading + first + others < copy / 4),
            // Beside them lie the results of all rows, in memory that a replica has for itself.
            None => {
                assert!(loading > copy / 2, "{loading}");
                assert!(others < 10 * first + copy / 100, "{others}, {first}");
                assert!(first < copy + copy / 100, "{first}");
            }
        }
    }
}

#[test]
fn data_that_do_not_fit_are_refused_by_name_and_unread_ones_dropped() {
    let graph = Graph::new();
    let (x, i) = (graph.input("x", [3]), graph.index_input("i", [2]));
    let (unread, state) = (graph.input("unread", [4]), graph.input("state", []));
    let plan = Plan::new(&graph, &[x.gather(i, 0) * state], &[(state, state + 1.0)]).unwrap();
    let plan = Arc::new(plan);
    let [x, i, unread, state] = [x, i, unread, state].map(id);
    for (_, backend) in backends() {
        let error = |data: &[Binding]| {
            let loaded = backend.load(&plan, data, Precision::F32);
            loaded.unwrap_err()
        };
        let message = error(&[Binding::new(x, vec![1_u8; 4])]).to_string();
        assert_eq!(message, "the input `x` of shape [3] needs 3 values, got 4");
        let message = error(&[Binding::new(i, vec![0.0, 1.5])]).to_string();
        assert!(
            message.starts_with("index 1.5 at position 1 of `i`"),
            "{message}"
        );
        let bound = |name: &str| KernelError::Bound {
            name: name.to_owned(),
        };
        assert_eq!(error(&[Binding::new(state, vec![1.0])]), bound("state"));

        let data = [
            Binding::new(unread, vec![1.0; 7]),
            Binding::new(x, vec![5_u8, 6, 7]),
        ];
        let mut replicas = single(&*backend, &plan, &data, Precision::F32);
        let program = replicas.program_mut(0);
        program.fill(state, 1.0).unwrap();
        let message = program.run(1).unwrap_err().to_string();
        assert!(
            message.contains("`i` of shape [2] has no value yet"),
            "{message}"
        );
        program.write(i, &[2.0, 0.0]).unwrap();
        program.run(1).unwrap();
        assert_eq!(program.read_output(0), [7.0, 5.0]);
        assert_eq!(program.read_input(x), [5.0, 6.0, 7.0]);
        assert_eq!(program.first_non_finite(x), None);
        assert_eq!(program.write(x, &[1.0; 3]), Err(bound("x")));
        assert_eq!(program.fill(x, 1.0), Err(bound("x")));
        assert!(program.read_input(unread).is_empty());
    }
}
