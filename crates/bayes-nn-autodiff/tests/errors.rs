//! Mistakes: each is reported with the operator, what does not fit, its line of source and its
//! scope.

use bayes_nn_autodiff::{Bindings, Graph, GraphError, Var, Window, concat, grad};

/// The message of the graph's first error.
fn message(graph: &Graph) -> String {
    graph.check().unwrap_err().to_string()
}

#[test]
fn a_shape_error_names_operator_problem_line_and_scope() {
    let graph = Graph::new();
    let (x, w) = (graph.input("x", [2, 500]), graph.input("w", [3, 5]));
    let line = line!() + 1;
    let layer = graph.scope("net", || graph.scope("layer2", || w.matmul(x)));
    let message = message(&graph);
    assert!(message.starts_with("matmul at "), "{message}");
    assert!(
        message.contains(&format!("tests/errors.rs:{line}:")),
        "{message}"
    );
    assert!(message.contains("in `net.layer2`"), "{message}");
    assert!(message.contains("[3, 5] x [2, 500]"), "{message}");
    assert!(
        layer.number().is_some_and(f64::is_nan),
        "a stand-in lets the formula go on"
    );
    let error = graph.check().unwrap_err();
    assert_eq!(
        graph.evaluate(&[layer], &Bindings::new()).unwrap_err(),
        error
    );
    assert_eq!(grad(layer + x.sum(), &[x]).unwrap_err(), error);
}

#[test]
fn the_first_error_is_kept() {
    let graph = Graph::new();
    let (a, b) = (graph.input("a", [2]), graph.input("b", [3]));
    let wrong = a + b;
    let first = graph.check().unwrap_err();
    let _ = (wrong * b).matmul(a).reshape([7]);
    let _ = a - b;
    assert_eq!(graph.check().unwrap_err(), first);
}

#[test]
fn a_scope_ends_where_it_ends() {
    let graph = Graph::new();
    graph.scope("before", || graph.input("a", [2]));
    let _ = graph.input("b", [2]) + graph.input("c", [3]);
    assert!(!message(&graph).contains("before"));
}

#[test]
fn every_operator_says_what_does_not_fit() {
    type Case = (&'static str, &'static [&'static str], fn(&Graph));
    let cases: [Case; 42] = [
        ("sub", &["[2, 3]", "[4]"], |g| {
            drop_var(g.input("a", [2, 3]) - g.input("b", [4]))
        }),
        ("pow", &["[2]", "[3]"], |g| {
            drop_var(g.input("a", [2]).pow(g.input("b", [3])))
        }),
        ("select", &["[2]", "[3]", "[4]"], |g| {
            drop_var(
                g.input("c", [2])
                    .select(g.input("a", [3]), g.input("b", [4])),
            )
        }),
        ("select", &["[2]", "[3]"], |g| {
            drop_var(Var::from(1.0).select(g.input("a", [2]), g.input("b", [3])))
        }),
        ("matmul", &["[2, 3] x [2]"], |g| {
            drop_var(g.input("a", [2, 3]).matmul(g.input("b", 2)))
        }),
        ("matmul", &["[] x [2]"], |g| {
            drop_var(Var::from(1.0).matmul(g.input("b", [2])))
        }),
        ("matmul", &["[1, 2, 3]"], |g| {
            drop_var(g.input("a", [1, 2, 3]).matmul(g.input("b", [3, 1])))
        }),
        ("matmul", &["[2, 2, 3] x [3, 3, 4]", "[g, m, k]"], |g| {
            drop_var(g.input("a", [2, 2, 3]).matmul(g.input("b", [3, 3, 4])))
        }),
        ("matmul_by_group", &["[2, 2, 3]", "[2, 5]", "[i, n]"], |g| {
            let groups = g.index_input("i", 5);
            drop_var(
                g.input("a", [2, 2, 3])
                    .matmul_by_group(g.input("b", [2, 5]), groups),
            )
        }),
        ("matmul_by_group", &["[2, 3]", "[3, 5]", "[g, o, i]"], |g| {
            let groups = g.index_input("i", 5);
            drop_var(
                g.input("a", [2, 3])
                    .matmul_by_group(g.input("b", [3, 5]), groups),
            )
        }),
        ("matmul_by_group", &["4 rows", "[3, 5]"], |g| {
            let groups = g.index_input("i", 4);
            drop_var(
                g.input("a", [2, 2, 3])
                    .matmul_by_group(g.input("b", [3, 5]), groups),
            )
        }),
        ("matmul_by_group", &["index vector", "[5]"], |g| {
            let groups = g.input("i", [5]);
            drop_var(
                g.input("a", [2, 2, 3])
                    .matmul_by_group(g.input("b", [3, 5]), groups),
            )
        }),
        (
            "matmul_by_group",
            &["index 2 is outside axis 0", "[2, 2, 3]"],
            |g| {
                let groups = g.index_constant(&[0, 2]);
                drop_var(
                    g.input("a", [2, 2, 3])
                        .matmul_by_group(g.input("b", [3, 2]), groups),
                )
            },
        ),
        ("cholesky", &["[2, 3] is no square matrix"], |g| {
            drop_var(g.input("a", [2, 3]).cholesky())
        }),
        ("cholesky", &["[4] is no square matrix"], |g| {
            drop_var(g.input("a", [4]).cholesky())
        }),
        ("solve_lower", &["[2, 3] is no square matrix"], |g| {
            drop_var(g.input("a", [2, 3]).solve_lower(g.input("b", [2])))
        }),
        ("solve_lower_t", &["[2, 3]", "[3, 3]", "[3, m]"], |g| {
            drop_var(g.input("a", [3, 3]).solve_lower_t(g.input("b", [2, 3])))
        }),
        ("solve_lower", &["shape []"], |g| {
            drop_var(g.input("a", [3, 3]).solve_lower(Var::from(1.0)))
        }),
        ("convolution", &["[3, 8, 8, 5]", "[2, 3, 3, 4]"], |g| {
            let (x, w) = (g.input("x", [3, 8, 8, 5]), g.input("w", [2, 3, 3, 4]));
            drop_var(x.convolution(w, Window::new([3, 3]), 1))
        }),
        ("convolution", &["[3, 8, 8, 5]", "2 groups"], |g| {
            let (x, w) = (g.input("x", [3, 8, 8, 5]), g.input("w", [1, 3, 3, 4]));
            drop_var(x.convolution(w, Window::new([3, 3]), 2))
        }),
        ("convolution", &["[3, 3, 3, 4]", "[3, 5]"], |g| {
            let (x, w) = (g.input("x", [3, 8, 8, 5]), g.input("w", [3, 3, 3, 4]));
            drop_var(x.convolution(w, Window::new([3, 5]), 1))
        }),
        ("convolution", &["9 pixels", "[3, 8, 8, 5]"], |g| {
            let (x, w) = (g.input("x", [3, 8, 8, 5]), g.input("w", [3, 9, 3, 4]));
            drop_var(x.convolution(w, Window::new([9, 3]), 1))
        }),
        ("convolution", &["moved by 0"], |g| {
            let (x, w) = (g.input("x", [3, 8, 8, 5]), g.input("w", [3, 3, 3, 4]));
            drop_var(x.convolution(w, Window::new([3, 3]).stride([1, 0]), 1))
        }),
        ("convolution", &["18446744073709551615 apart"], |g| {
            let (x, w) = (g.input("x", [3, 8, 8, 5]), g.input("w", [3, 3, 3, 4]));
            drop_var(x.convolution(w, Window::new([3, 3]).dilation([usize::MAX; 2]), 1))
        }),
        ("max_pool", &["[3, 8, 8]", "[channels, height"], |g| {
            drop_var(g.input("x", [3, 8, 8]).max_pool(Window::new([2, 2])))
        }),
        ("max_pool", &["2 pixels", "paddings of 2"], |g| {
            let window = Window::new([2, 2]).padding([0, 2]);
            drop_var(g.input("x", [3, 8, 8, 5]).max_pool(window))
        }),
        ("tril", &["[3] is no matrix"], |g| {
            drop_var(g.input("a", [3]).tril(0))
        }),
        ("diagonal_matrix", &["[2, 3] is no vector"], |g| {
            drop_var(g.input("a", [2, 3]).diagonal_matrix())
        }),
        ("diagonal", &["[2, 3] is no square matrix"], |g| {
            drop_var(g.input("a", [2, 3]).diagonal())
        }),
        ("sum", &["axis 2", "[2, 3]", "2 axes"], |g| {
            drop_var(g.input("a", [2, 3]).sum_axis(2))
        }),
        ("max", &["axis 0", "[]"], |g| {
            drop_var(g.input("a", []).max_axis(0))
        }),
        ("max", &["[2, 0]", "no elements"], |g| {
            drop_var(g.input("a", [2, 0]).max())
        }),
        ("max", &["axis 1"], |g| {
            drop_var(g.input("a", [2]).logsumexp(1))
        }),
        ("broadcast_to", &["[3]", "[2, 4]"], |g| {
            drop_var(g.input("a", [3]).broadcast_to([2, 4]))
        }),
        ("reshape", &["[2, 3] has 6", "[7] 7"], |g| {
            drop_var(g.input("a", [2, 3]).reshape([7]))
        }),
        ("view", &["4..7", "has 6"], |g| {
            drop_var(g.input("a", [2, 3]).view(4, [3]))
        }),
        ("row", &["row 2", "[2, 2]", "has 2"], |g| {
            drop_var(g.input("a", [2, 2]).row(2))
        }),
        ("row", &["axis 0", "[]"], |g| {
            drop_var(g.input("a", []).row(0))
        }),
        ("t", &["[1, 2, 3] is no matrix"], |g| {
            drop_var(g.input("a", [1, 2, 3]).t())
        }),
        ("gather", &["axis 1", "[3]"], |g| {
            drop_var(g.input("a", [3]).gather(g.index_constant(&[0]), 1))
        }),
        ("concat", &["[2, 3], [2, 4]", "every axis but 0"], |g| {
            drop_var(concat(&[g.input("a", [2, 3]), g.input("b", [2, 4])], 0))
        }),
        ("constant", &["[2, 2] needs 4 values, got 3"], |g| {
            drop_var(g.constant(&[1.0, 2.0, 3.0], [2, 2]))
        }),
    ];
    for (operator, parts, write) in cases {
        let graph = Graph::new();
        write(&graph);
        let message = message(&graph);
        assert!(
            message.starts_with(&format!("{operator} at ")),
            "{operator}: {message}"
        );
        assert!(message.contains("tests/errors.rs:"), "{message}");
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

/// Formulas are written for the error they leave.
fn drop_var(_: Var<'_>) {}

#[test]
fn an_index_is_no_number() {
    type Case = (&'static str, fn(&Graph));
    let cases: [Case; 10] = [
        ("add", |g| drop_var(g.index_input("i", [2]) + 1.0)),
        ("exp", |g| drop_var(g.index_input("i", [2]).exp())),
        ("sum", |g| drop_var(g.index_input("i", [2]).sum())),
        ("matmul", |g| {
            drop_var(g.input("a", [2]).matmul(g.index_input("i", [2])))
        }),
        ("broadcast_to", |g| {
            drop_var(g.index_input("i", [1]).broadcast_to([2]))
        }),
        ("select", |g| {
            drop_var(Var::from(1.0).select(g.index_input("i", [2]), 0.0))
        }),
        ("solve_lower", |g| {
            drop_var(g.input("a", [2, 2]).solve_lower(g.index_input("i", [2])))
        }),
        ("mul", |g| drop_var(g.batch(9, 3, 0) * 2.0)),
        ("all_reduce_mean", |g| {
            drop_var(g.index_input("i", [2]).all_reduce_mean())
        }),
        ("mean_over_draws", |g| {
            drop_var(g.index_input("i", [2]).mean_over_draws(3))
        }),
    ];
    for (operator, write) in cases {
        let graph = Graph::new();
        write(&graph);
        let message = message(&graph);
        assert!(message.starts_with(&format!("{operator} at ")), "{message}");
        assert!(message.contains("only select"), "{message}");
    }
}

#[test]
fn a_number_is_no_index() {
    let graph = Graph::new();
    let (x, i) = (graph.input("x", [3]), graph.input("i", [2]));
    drop_var(x.gather(i, 0));
    let message = message(&graph);
    assert!(
        message.contains("index_input") && message.contains("Float"),
        "{message}"
    );
}

#[test]
fn operands_of_two_graphs_are_refused() {
    type Write = for<'g> fn(Var<'g>, Var<'g>, Var<'g>) -> Var<'g>;
    let cases: [Write; 5] = [
        |x, y, _| x + y,
        |x, y, _| x.matmul(y),
        |x, y, _| concat(&[x, y], 0),
        |x, y, _| x.gt(0.0).select(x, y),
        |x, _, i| x.gather(i, 0),
    ];
    for write in cases {
        let (graph, other) = (Graph::new(), Graph::new());
        let x = graph.input("x", [2]);
        write(x, other.input("y", [2]), other.index_input("i", [2]));
        let message = message(&graph);
        assert!(message.contains("different graphs"), "{message}");
        other.check().unwrap();
    }
}

#[test]
fn results_of_another_graph_are_refused() {
    let (graph, other) = (Graph::new(), Graph::new());
    let x = other.input("x", [2]);
    let foreign = GraphError::Foreign { role: "an output" };
    assert_eq!(graph.evaluate(&[x], &Bindings::new()).unwrap_err(), foreign);
    assert!(
        foreign
            .to_string()
            .contains("an output must be a node of this graph")
    );
    let error = grad(x.sum(), &[graph.input("x", [2])]).unwrap_err();
    assert!(matches!(error, GraphError::Foreign { .. }), "{error}");
}

#[test]
fn only_a_scalar_has_a_gradient_and_only_by_a_node() {
    let graph = Graph::new();
    let x = graph.input("x", [2, 3]);
    let error = grad(x.exp(), &[x]).unwrap_err();
    assert!(
        error.to_string().contains("[2, 3]; sum it first"),
        "{error}"
    );
    let error = grad(x.sum(), &[Var::from(1.0)]).unwrap_err();
    assert!(error.to_string().contains("differentiate by"), "{error}");
}

#[test]
fn batches_of_nothing_are_refused() {
    let graph = Graph::new();
    drop_var(graph.batch(0, 5, 0));
    assert!(
        message(&graph).contains("batches of 0 rows"),
        "{}",
        message(&graph)
    );
}

#[test]
fn evaluation_names_the_input_that_is_missing_or_wrong() {
    let graph = Graph::new();
    let x = graph.input("weights", [2]);
    let error = graph.evaluate(&[x.sum()], &Bindings::new()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`weights` of shape [2] needs 2 values, got 0"),
        "{error}"
    );
    let error = graph
        .evaluate(&[x], &Bindings::new().bind(x, &[1.0]))
        .unwrap_err();
    assert!(error.to_string().contains("got 1"), "{error}");
}

#[test]
fn an_index_outside_its_axis_is_an_error_of_the_evaluation() {
    let graph = Graph::new();
    let (x, i) = (graph.input("x", [3]), graph.index_input("i", [2]));
    let chosen = x.gather(i, 0);
    for wrong in [3.0, -1.0, 0.5, f64::NAN] {
        let bindings = Bindings::new().bind(x, &[1.0; 3]).bind(i, &[0.0, wrong]);
        let error = graph.evaluate(&[chosen], &bindings).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("position 1") && message.contains("length 3"),
            "{message}"
        );
    }
}
