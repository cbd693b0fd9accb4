//! Where the time of a step goes, pass by pass.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bayes_nn_autodiff::{Graph, Shape, Side, Var};

use crate::backend::Backend;
use crate::element::Precision;
use crate::error::KernelError;
use crate::plan::{Pass, Plan, Pool, ReduceMiddle, Selection, ValueId};

/// What one pass of a plan does in a step.
#[derive(Clone, Debug, PartialEq)]
pub struct PassCost {
    /// Its kind and shape: `matmul 400x784x128`.
    pub name: String,
    /// Elements read and written, each value counted once.
    pub elements: usize,
    /// Arithmetic operations: a function counts as one.
    pub operations: usize,
}

/// Measured passes of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Over how many steps it was measured.
    pub steps: u64,
    /// The passes, each with its median seconds, in the order in which they run.
    pub passes: Vec<(PassCost, f64)>,
    /// The numbers of the program.
    pub precision: Precision,
    /// What the machine can do, when it was measured.
    pub limits: Option<Limits>,
}

/// The speed of memory and of arithmetic that a backend reaches, each on a pass that needs only it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Bytes a second, read and written, of `y = x + 1`.
    pub bandwidth: f64,
    /// Operations a second of a product of matrices.
    pub rate: f64,
}

impl Plan {
    /// What each pass of the plan does in a step, in all of its draws.
    pub fn costs(&self) -> Vec<PassCost> {
        let costs = self.passes.iter().enumerate().map(|(number, pass)| {
            let mut cost = self.cost(pass);
            if self.evaluations.contains(&number) {
                cost.elements *= self.draws;
                cost.operations *= self.draws;
            }
            cost
        });
        costs.collect()
    }

    pub(crate) fn cost(&self, pass: &Pass) -> PassCost {
        let size = |id: ValueId| self.values[id.index()].shape.elements();
        let shape = |id: ValueId| self.values[id.index()].shape;
        match pass {
            Pass::Fused(group) => {
                let read: usize = group.operands.iter().map(|o| size(o.value)).sum();
                let stored = group.stores.iter().map(|s| s.value);
                let reduced = group.reductions.iter().map(|r| r.value);
                let written: usize = stored.chain(reduced).map(size).sum();
                let (rows, columns) = (group.rows, group.columns);
                let code = group
                    .instructions
                    .iter()
                    .filter(|i| i.is_computed())
                    .count();
                let name = format!("{code} operations on {rows}x{columns}");
                let operations = rows * columns * (code + group.reductions.len());
                computed(name, read + written, operations)
            }
            Pass::MatMul(product) => {
                let (m, n, k) = (product.m, product.n, product.k);
                let elements = m * k + k * n + m * n;
                computed(format!("matmul {m}x{k}x{n}"), elements, 2 * m * n * k)
            }
            Pass::ProductByGroup(product) => {
                let [groups, outputs, inputs, rows] = product.sizes(self);
                let name = match product.result {
                    Side::Output => "products by group",
                    Side::Input => "products by group, by inputs",
                    Side::Weight => "products by group, by weights",
                };
                let name = format!("{name} {groups}x{outputs}x{inputs}, {rows} rows");
                let elements = product.sides.iter().map(|id| size(*id)).sum();
                let products = size(product.value(Side::Output)) * inputs;
                computed(name, elements, 2 * products)
            }
            Pass::Cholesky { out, .. } => {
                let n = shape(*out)[0];
                computed(format!("cholesky {n}x{n}"), 2 * n * n, n * n * n / 3)
            }
            Pass::TriangularSolve(solve) => {
                let (n, columns) = (shape(solve.out)[0], shape(solve.out)[1]);
                let name = format!("triangular solve {n}x{n}, {n}x{columns}");
                let elements = size(solve.triangle) + 2 * size(solve.out);
                computed(name, elements, n * n * columns)
            }
            Pass::Convolution(convolution) => {
                let [image, weight, output] = convolution.sides.map(shape);
                let terms = weight[..3].iter().product::<usize>();
                let name = match convolution.result {
                    Side::Output => "convolution",
                    Side::Input => "convolution by images",
                    Side::Weight => "convolution by weights",
                };
                let elements = convolution.sides.iter().map(|id| size(*id)).sum();
                let name = format!("{name} {image}, {weight}");
                computed(name, elements, 2 * terms * output.elements())
            }
            Pass::Pool(Pool {
                keys,
                source,
                out,
                window,
            })
            | Pass::Unpool(Pool {
                keys,
                source,
                out,
                window,
            }) => {
                let name = match pass {
                    Pass::Pool(_) => "pool",
                    _ => "unpool",
                };
                let places = size(*out).min(size(*source));
                let compared = places * window.size[0] * window.size[1];
                let other = usize::from(keys != source);
                let elements = size(*keys) + other * size(*source) + size(*out);
                computed(format!("{name} {}", shape(*keys)), elements, compared)
            }
            Pass::ReduceMiddle(ReduceMiddle { source, out, .. }) => {
                let name = format!("reduce {} to {}", shape(*source), shape(*out));
                computed(name, size(*source) + size(*out), size(*source))
            }
            Pass::Copy { out, .. } => moved("copy", shape(*out), 2 * size(*out)),
            Pass::Transpose { out, .. } => moved("transpose", shape(*out), 2 * size(*out)),
            Pass::Concat { parts, out, .. } => {
                let copied: usize = parts.iter().map(|(_, part)| size(*part)).sum();
                moved("concat", shape(*out), 2 * copied)
            }
            Pass::Gather(taken) => moved("gather", shape(taken.out), 2 * size(taken.out)),
            Pass::Scatter(Selection { source, out, .. }) => {
                moved("scatter", shape(*out), size(*source) + size(*out))
            }
            Pass::Batch { out, .. } => moved("batch", shape(*out), size(*out)),
            Pass::MeanOverDraws { out, .. } => {
                let name = format!("mean over draws {}", shape(*out));
                computed(name, 3 * size(*out), size(*out))
            }
            Pass::Record { source, .. } => moved("record", shape(*source), 2 * size(*source)),
            Pass::AllReduceMean { out, .. } => moved("all-reduce", shape(*out), 2 * size(*out)),
        }
    }
}

fn computed(name: String, elements: usize, operations: usize) -> PassCost {
    PassCost {
        name,
        elements,
        operations,
    }
}

fn moved(name: &str, shape: Shape, elements: usize) -> PassCost {
    computed(format!("{name} {shape}"), elements, 0)
}

impl Profile {
    /// Of the seconds that each pass took in each step, the medians: a step that the system
    /// interrupted must not speak for all.
    pub(crate) fn of_samples(
        passes: Vec<PassCost>,
        samples: Vec<Vec<f64>>,
        precision: Precision,
    ) -> Profile {
        let steps = samples.first().map_or(0, Vec::len) as u64;
        let median = |mut samples: Vec<f64>| {
            let middle = samples.len() / 2;
            samples.sort_by(f64::total_cmp);
            samples.get(middle).copied().unwrap_or(0.0)
        };
        Profile {
            steps,
            passes: passes
                .into_iter()
                .zip(samples.into_iter().map(median))
                .collect(),
            precision,
            limits: None,
        }
    }

    /// Seconds of a whole step.
    pub fn seconds(&self) -> f64 {
        self.passes.iter().map(|(_, seconds)| seconds).sum()
    }

    /// This profile with what `backend` can do at best, measured now, to compare it with.
    ///
    /// # Errors
    /// When the backend cannot run the measurement.
    pub fn with_limits(self, backend: &dyn Backend) -> Result<Profile, KernelError> {
        let largest = self.passes.iter().map(|(pass, _)| pass.elements).max();
        let length = largest.unwrap_or(0).max(1 << 12) / 2;
        let limits = Limits::measured(backend, self.precision, length, 512)?;
        Ok(Profile {
            limits: Some(limits),
            ..self
        })
    }
}

impl Limits {
    /// What `backend` reaches now: in memory on `length` numbers, which caches should not hold if
    /// memory is meant; in arithmetic on a product of two matrices `[n, n]`, large enough to fill
    /// the device.
    ///
    /// # Errors
    /// When the backend cannot run one of the two.
    ///
    /// ```
    /// use bayes_nn_kernels::profile::Limits;
    /// use bayes_nn_kernels::{Device, Precision};
    /// let limits = Limits::measured(&Device::cpu(), Precision::F32, 1 << 16, 64)?;
    /// assert!(limits.bandwidth > 0.0 && limits.rate > 0.0);
    /// # Ok::<(), bayes_nn_kernels::KernelError>(())
    /// ```
    pub fn measured(
        backend: &dyn Backend,
        precision: Precision,
        length: usize,
        n: usize,
    ) -> Result<Limits, KernelError> {
        let graph = Graph::new();
        let x = graph.input("x", [length]);
        let copy = seconds(backend, &graph, &[(x, x + 1.0)], precision)?;
        let graph = Graph::new();
        let (a, c) = (graph.input("a", [n, n]), graph.input("c", [n, n]));
        let product = seconds(backend, &graph, &[(a, a), (c, a.matmul(a))], precision)?;
        Ok(Limits {
            bandwidth: (2 * length * precision.bytes()) as f64 / copy,
            rate: 2.0 * (n as f64).powi(3) / product,
        })
    }
}

/// Seconds of a step of a program with these updates, the best of several runs.
fn seconds(
    backend: &dyn Backend,
    graph: &Graph,
    updates: &[(Var<'_>, Var<'_>)],
    precision: Precision,
) -> Result<f64, KernelError> {
    let plan = Arc::new(Plan::new(graph, &[], updates)?);
    let mut replicas = backend.load(&plan, &[], precision)?.start(1)?;
    let program = replicas.program_mut(0);
    for input in &plan.inputs {
        let elements = plan.values[input.value.index()].shape.elements();
        program.write(input.id, &vec![0.5; elements])?;
    }
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let mut steps = 0;
        let begin = Instant::now();
        while begin.elapsed().as_secs_f64() < 0.01 {
            program.run(4)?;
            steps += 4;
        }
        best = best.min(begin.elapsed().as_secs_f64() / f64::from(steps));
    }
    Ok(best)
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.seconds();
        writeln!(
            f,
            "{:>9} {:>6} {:>10} {:>10} {:>8} {:>8}  pass",
            "us", "share", "kB", "kop", "GB/s", "Gop/s"
        )?;
        let size = self.precision.bytes() as f64;
        let mut line = |name: &str, seconds: f64, elements: usize, operations: usize| {
            let traffic = elements as f64 * size;
            writeln!(
                f,
                "{:>9.2} {:>5.1}% {:>10.1} {:>10.1} {:>8.2} {:>8.2}  {name}",
                1e6 * seconds,
                100.0 * seconds / total,
                1e-3 * traffic,
                1e-3 * operations as f64,
                1e-9 * traffic / seconds,
                1e-9 * operations as f64 / seconds,
            )
        };
        for (pass, seconds) in &self.passes {
            line(&pass.name, *seconds, pass.elements, pass.operations)?;
        }
        let sum =
            |count: fn(&PassCost) -> usize| self.passes.iter().map(|(pass, _)| count(pass)).sum();
        line(
            "the whole step",
            total,
            sum(|p| p.elements),
            sum(|p| p.operations),
        )?;
        if let Some(limits) = self.limits {
            writeln!(
                f,
                "possible here: {:.1} GB/s (y = x + 1 over as much memory), {:.1} Gop/s (a \
                 512x512 product)",
                1e-9 * limits.bandwidth,
                1e-9 * limits.rate
            )?;
        }
        Ok(())
    }
}
