//! Formulas with sizes that no memory has: each is refused by the graph or by the plan, or computed
//! right. Sizes wrap around in release builds, so these tests are worth running there, too.

mod formulas;

use bayes_nn_autodiff::{Bindings, Graph, NoiseKind};
use bayes_nn_kernels::plan::Request;
use bayes_nn_kernels::{KernelError, Plan, Runtime, Step};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use formulas::Choice;

/// 2000 formulas, or as many as `PROPTEST_CASES` asks for, the same in every run.
fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: asked.and_then(|n| n.parse().ok()).unwrap_or(2000),
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_sizes_are_refused_or_computed_as_the_reference_computes(
        choices in prop::collection::vec(any::<Choice>(), 1..7)
    ) {
        formulas::check(&choices);
    }
}

/// The message of the graph's first error.
fn refused(write: impl FnOnce(&Graph)) -> String {
    let graph = Graph::new();
    write(&graph);
    graph.check().unwrap_err().to_string()
}

#[test]
fn sizes_that_wrap_around_are_refused_with_line_and_shape() {
    type Case = (&'static str, &'static [&'static str], fn(&Graph));
    let cases: [Case; 13] = [
        ("mean_over_draws", &["at most 1048576"], |g| {
            let noise = g.noise(NoiseKind::Normal, 0, []);
            let _ = noise.mean_over_draws(usize::MAX);
        }),
        ("row", &["row 18446744073709551615", "[4, 2]"], |g| {
            let _ = g.input("x", [4, 2]).row(0usize.wrapping_sub(1));
        }),
        ("row", &["row 2", "[2, 0]"], |g| {
            let _ = g.input("x", [2, 0]).row(2);
        }),
        ("view", &["elements", "has 4"], |g| {
            let far = 0usize.wrapping_sub(1_000_000_000);
            let _ = g.input("x", [4]).view(far, [1_000_000_000]);
        }),
        ("view", &["has 3"], |g| {
            let _ = g.constant(&[1.0, 2.0, 3.0], [3]).view(usize::MAX, [2]);
        }),
        ("reshape", &["[4] has 4 elements"], |g| {
            let index = g.index_constant(&[1 << 30]);
            let _ = g
                .input("x", [4])
                .reshape([(1 << 62) + 1, 4])
                .gather(index, 0);
        }),
        (
            "broadcast_to",
            &["[8589934592, 2147483648]", "more elements than memory"],
            |g| {
                let _ = g.input("x", []).broadcast_to([1 << 33, 1 << 31]);
            },
        ),
        (
            "reshape",
            &["[0, 9223372036854775808, 2]", "no elements"],
            |g| {
                let _ = g.input("x", [0]).reshape([0, 1 << 63, 2]);
            },
        ),
        (
            "mul",
            &["[4294967296, 4294967296]", "more elements than memory"],
            |g| {
                let column = g.input("x", [1 << 32, 1]);
                let _ = column * column.reshape([1, 1 << 32]);
            },
        ),
        ("gather", &["index 4", "axis 0 of the shape [3]"], |g| {
            let _ = g.input("x", [3]).gather(g.index_constant(&[0, 4]), 0);
        }),
        ("input", &["`x`", "more elements than memory"], |g| {
            let _ = g.input("x", [1 << 40, 1 << 40]);
        }),
        ("noise", &["2^32 - 1"], |g| {
            let _ = g.noise(NoiseKind::Normal, 0, [1 << 33]);
        }),
        ("polygamma", &["order 4294967295"], |g| {
            let _ = g.input("x", []).polygamma(u32::MAX);
        }),
    ];
    for (operator, parts, write) in cases {
        let message = refused(write);
        assert!(message.starts_with(operator), "{operator}: {message}");
        assert!(message.contains("tests/sizes.rs:"), "{message}");
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

#[test]
fn a_program_beyond_all_memory_is_refused_where_it_is_planned() {
    let graph = Graph::new();
    let x = graph.input("x", [1 << 50]);
    let error = Plan::new(&graph, &[x + 1.0], &[]).unwrap_err();
    assert!(matches!(error, KernelError::Memory { .. }));
    let message = error.to_string();
    assert!(message.contains("the system does not give"), "{message}");
    // What is recorded of many steps, too.
    let request = Request {
        records: vec![(graph.input("y", [4]), usize::MAX)],
        ..Request::default()
    };
    let error = Plan::of(&graph, &request).unwrap_err();
    assert!(matches!(error, KernelError::Memory { .. }));
}

#[test]
fn means_of_too_many_copies_are_refused() {
    let graph = Graph::new();
    let noise = graph.noise(NoiseKind::Normal, 0, []);
    let drawn = (0..20).fold(noise, |drawn, i| (drawn + f64::from(i)).sin());
    // Means over different numbers of draws are not computed in one loop.
    let means = [
        drawn.mean_over_draws(1 << 20),
        drawn.exp().mean_over_draws(1 << 19),
    ];
    let error = Plan::new(&graph, &means, &[]).unwrap_err().to_string();
    assert!(error.contains("16777216 are possible"), "{error}");
    let error = graph.evaluate(&means, &Bindings::new()).unwrap_err();
    assert!(
        error.to_string().contains("16777216 are possible"),
        "{error}"
    );
}

#[test]
fn streams_that_would_come_round_again_are_refused() {
    let graph = Graph::new();
    let step = Step::new(&graph).draws(1 << 30);
    let state = step.state("x", [], 0.0);
    let streams: Vec<u32> = (0..5).map(|_| step.stream()).collect();
    assert_eq!(streams[..3], [0, 1 << 30, 2 << 30]);
    step.next(state, state + 1.0);
    let error = step.finish(&Runtime::default()).unwrap_err();
    assert_eq!(error, KernelError::Streams { draws: 1 << 30 });
}
