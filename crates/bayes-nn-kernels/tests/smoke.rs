//! Smoke.
use bayes_nn_autodiff::*;
use bayes_nn_kernels::*;

#[test]
fn newton() {
    let graph = Graph::new();
    let x = graph.input("x", []);
    let plan = Plan::new(&graph, &[x * x], &[(x, 0.5 * (x + 2.0 / x))]).unwrap();
    let mut program = Cpu::detect()
        .unwrap()
        .compile(&plan, Precision::F64)
        .unwrap();
    program.write(x.input_id().unwrap(), &[1.0]).unwrap();
    program.run(6).unwrap();
    assert!((program.read_input(x.input_id().unwrap())[0] - 2f64.sqrt()).abs() < 1e-15);
}

fn moons_step(precision: Precision) {
    let g = Graph::new();
    let n = 500;
    let x = g.input("x", [2, n]);
    let y = g.input("y", [n]);
    let mu = g.input("mu", [40]);
    let rho = g.input("rho", [40]);
    let sigma = rho.softplus();
    let eps = g.noise(NoiseKind::Normal, 0, [40]);
    let z = mu + sigma * eps;
    let w1 = z.view(0, [2, 5]);
    let w2 = z.view(10, [5, 5]);
    let w3 = z.view(35, [5, 1]);
    let h1 = w1.t().matmul(x).tanh();
    let h2 = w2.t().matmul(h1).tanh();
    let logit = w3.t().matmul(h2).reshape([n]);
    let lik = (y * logit - logit.softplus()).sum();
    let prior = (z * z).sum() * -0.5;
    let elbo = lik + prior + sigma.ln().sum() + 20.0;
    let grads = grad(elbo, &[mu, rho]).unwrap();
    let t = g.step() + 1.0;
    let mut updates = vec![];
    for (p, gr, name) in [(mu, grads[0], "mu"), (rho, grads[1], "rho")] {
        let m = g.input(&format!("m_{name}"), [40]);
        let v = g.input(&format!("v_{name}"), [40]);
        let m1 = 0.9 * m + 0.1 * gr;
        let v1 = 0.999 * v + 0.001 * gr * gr;
        let c1 = 1.0 - (t * 0.9f64.ln()).exp();
        let c2 = 1.0 - (t * 0.999f64.ln()).exp();
        let p1 = p + 0.01 * (m1 / c1) / ((v1 / c2).sqrt() + 1e-8);
        updates.extend([(p, p1), (m, m1), (v, v1)]);
    }
    let t0 = std::time::Instant::now();
    let plan = Plan::new(&g, &[elbo], &updates).unwrap();
    for s in &plan.steps {
        match s {
            plan::Step::Group(g) => println!(
                "group {}x{} instr {} loads {} stores {} red {}",
                g.rows,
                g.columns,
                g.instructions.len(),
                g.operands.len(),
                g.stores.len(),
                g.reductions.len()
            ),
            s => println!("{s:?}"),
        }
    }
    println!("{} steps, arena {}", plan.steps.len(), plan.floats);
    let mut p = Cpu::detect().unwrap().compile(&plan, precision).unwrap();
    println!("plan+compile {:?}", t0.elapsed());
    let xs: Vec<f64> = (0..2 * n)
        .map(|i| ((i * 37 % 101) as f64 - 50.0) / 30.0)
        .collect();
    let ys: Vec<f64> = (0..n).map(|i| f64::from(xs[i] > 0.0)).collect();
    for i in g.inputs() {
        let var = i.name.clone();
        let len = match var.as_str() {
            "x" => 2 * n,
            "y" => n,
            _ => 40,
        };
        let vals: Vec<f64> = match var.as_str() {
            "x" => xs.clone(),
            "y" => ys.clone(),
            "mu" => (0..40).map(|i| (i as f64 * 0.7).sin()).collect(),
            "rho" => vec![-2.0; 40],
            _ => vec![0.0; len],
        };
        let id = match g.node(i.node).op {
            Op::Input(id) => id,
            _ => unreachable!(),
        };
        p.write(id, &vals).unwrap();
    }
    p.rewind(1, 0);
    p.run(1).unwrap();
    let mut b = Bindings::new()
        .seed(1)
        .bind(x, &xs)
        .bind(y, &ys)
        .bind(
            mu,
            &(0..40).map(|i| (i as f64 * 0.7).sin()).collect::<Vec<_>>(),
        )
        .bind(rho, &[-2.0; 40]);
    for (s, _) in &updates {
        if s.id() != mu.id() && s.id() != rho.id() {
            b = b.bind(*s, &[0.0; 40]);
        }
    }
    let reference = g.evaluate(&[elbo, updates[0].1, updates[3].1], &b).unwrap();
    println!("{:?} {:?}", p.read_output(0), reference[0].values());
    println!(
        "{:?}\n{:?}",
        &p.read_input(mu.input_id().unwrap())[..5],
        &reference[1].values()[..5]
    );
    println!(
        "{:?}\n{:?}",
        &p.read_input(rho.input_id().unwrap())[..5],
        &reference[2].values()[..5]
    );
    let t0 = std::time::Instant::now();
    p.run(20000).unwrap();
    println!(
        "us/step {:?} elbo {:?}",
        t0.elapsed().as_secs_f64() / 20000.0 * 1e6,
        p.read_output(0)
    );
}

#[test]
fn moons() {
    moons_step(Precision::F32);
    moons_step(Precision::F64);
}
