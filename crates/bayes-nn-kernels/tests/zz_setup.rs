use bayes_nn_autodiff::{Graph, Shape, Var, concat, grad};
use bayes_nn_kernels::{Backend, Cpu, Plan, Precision};
use std::sync::Arc;
use std::time::Instant;

fn report(
    what: &str,
    graph: &Graph,
    outputs: &[Var<'_>],
    updates: &[(Var<'_>, Var<'_>)],
    traced: f64,
) {
    let start = Instant::now();
    let plan = Arc::new(Plan::new(graph, outputs, updates).unwrap());
    let planned = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let loaded = Cpu::detect()
        .unwrap()
        .threads(1)
        .load(&plan, &[], Precision::F64)
        .unwrap();
    let replicas = loaded.start(1).unwrap();
    let load = start.elapsed().as_secs_f64();
    drop(replicas);
    println!(
        "{what}: {} nodes, {} passes; traced {traced:.3}, planned {planned:.3}, loaded {load:.3}",
        graph.nodes().len(),
        plan.passes().len()
    );
}

fn f<'g>(p: &[Var<'g>], x: Var<'g>, y: Var<'g>) -> (Var<'g>, Var<'g>) {
    (x * p[0] - x * y * p[1], x * y * p[2] - y * p[3])
}

#[test]
fn setup() {
    for steps in [250, 500, 1000, 2000] {
        let start = Instant::now();
        let graph = Graph::new();
        let theta = graph.input("theta", [4]);
        let p: Vec<Var<'_>> = (0..4).map(|i| theta.view(i, []).exp()).collect();
        let (mut x, mut y) = (Var::from(1.0) * p[0], p[1] * 0.5);
        let h = 0.01;
        let mut xs = Vec::new();
        for _ in 0..steps {
            let (a1, b1) = f(&p, x, y);
            let (a2, b2) = f(&p, x + a1 * (h / 2.0), y + b1 * (h / 2.0));
            let (a3, b3) = f(&p, x + a2 * (h / 2.0), y + b2 * (h / 2.0));
            let (a4, b4) = f(&p, x + a3 * h, y + b3 * h);
            x = x + (a1 + a2 * 2.0 + a3 * 2.0 + a4) * (h / 6.0);
            y = y + (b1 + b2 * 2.0 + b3 * 2.0 + b4) * (h / 6.0);
            xs.push(x.reshape([1]));
        }
        let all = concat(&xs, 0);
        let loss = (all * all).sum() + y;
        let g = grad(loss, &[theta]).unwrap();
        let traced = start.elapsed().as_secs_f64();
        report(
            "rk",
            &graph,
            &[loss],
            &[(theta, theta - g[0] * 0.01)],
            traced,
        );
    }
    for count in [25_000, 50_000, 100_000, 200_000] {
        let start = Instant::now();
        let graph = Graph::new();
        let shapes = [
            Shape::SCALAR,
            Shape::from([3]),
            Shape::from([5, 7]),
            Shape::from([40]),
            Shape::from([2, 1, 6]),
            Shape::from([100]),
        ];
        let inputs: Vec<Var<'_>> = shapes.iter().map(|s| graph.input("x", *s)).collect();
        let mut vars = inputs.clone();
        let mut i = 0usize;
        while graph.nodes().len() < count {
            let k = (i * 7 + i / 5) % 6;
            let other = vars[(i * 5 + 1) % 6];
            let v = vars[k];
            vars[k] = match i % 4 {
                0 => v.sin() * 0.9,
                1 => v + other.sum() * 1e-3,
                2 => v * v - 0.1,
                _ => v.tanh() + vars[0],
            };
            i += 1;
        }
        let traced = start.elapsed().as_secs_f64();
        let updates: Vec<_> = inputs.iter().copied().zip(vars.iter().copied()).collect();
        report("mixed", &graph, &[], &updates, traced);
    }
    for count in [25_000, 50_000, 100_000] {
        let start = Instant::now();
        let graph = Graph::new();
        let mut x = graph.input("x", [3000]);
        let state = x;
        while graph.nodes().len() < count {
            x = x.sin() * 0.9 + x.mean();
        }
        let traced = start.elapsed().as_secs_f64();
        report("long", &graph, &[], &[(state, x)], traced);
    }
}
