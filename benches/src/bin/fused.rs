//! The moons step written out by hand in one loop: what a planned program is compared with.
//!
//! One pass over the rows, sixteen at a time: forward, loss and backward without a single
//! intermediate in memory, then noise, gradients and Adam over the 40 weights. The functions
//! (tanh, softplus, noise) are those of the kernels; what is missing is everything that makes a
//! system out of them. It is no limit: in one loop each number waits for the one before, and passes
//! over hundreds of rows do not. Prints steps per second as JSON.

use std::time::Instant;

use bayes_nn::datasets;
use bayes_nn_autodiff::noise::NoiseKey;
use bayes_nn_kernels::cpu::isa::{Avx2, Avx512, Baseline, Isa, Level, fma};
use bayes_nn_kernels::cpu::math::{self, noise};

const LANES: usize = 16;
const WIDTH: usize = 5;
const WEIGHTS: usize = 40;
const PADDED: usize = 64;
const RATE: f32 = 0.01;

type Lanes = [f32; LANES];

/// Rows sixteen at a time; the rows that fill up the last block have the weight 0.
struct Block {
    x: [Lanes; 2],
    y: Lanes,
    weight: Lanes,
}

/// Parameters and the optimiser's memories.
struct State {
    mu: [f32; PADDED],
    rho: [f32; PADDED],
    moments: [[f32; PADDED]; 4],
}

#[inline(always)]
fn axpy<L: Level>(sum: &mut Lanes, a: f32, x: &Lanes) {
    for i in 0..LANES {
        sum[i] = fma::<L, f32>(a, x[i], sum[i]);
    }
}

#[inline(always)]
fn add_product<L: Level>(sum: &mut Lanes, a: &Lanes, b: &Lanes) {
    for i in 0..LANES {
        sum[i] = fma::<L, f32>(a[i], b[i], sum[i]);
    }
}

/// One layer of tanh units: `weights [inputs, 5]`.
#[inline(always)]
fn layer<L: Level, const N: usize>(weights: &[f32], inputs: &[Lanes; N]) -> [Lanes; WIDTH] {
    let mut units = [[0.0; LANES]; WIDTH];
    for (j, unit) in units.iter_mut().enumerate() {
        for (i, input) in inputs.iter().enumerate() {
            axpy::<L>(unit, weights[i * WIDTH + j], input);
        }
        for value in unit.iter_mut() {
            *value = math::tanh::<L, f32>(*value);
        }
    }
    units
}

/// The adjoints of a layer's inputs to tanh, from those of its outputs.
#[inline(always)]
fn through_tanh(adjoint: &mut [Lanes; WIDTH], units: &[Lanes; WIDTH]) {
    for (adjoint, unit) in adjoint.iter_mut().zip(units) {
        for i in 0..LANES {
            adjoint[i] *= 1.0 - unit[i] * unit[i];
        }
    }
}

/// The log-likelihood, and its gradient by the weights `z`.
#[inline(always)]
fn likelihood<L: Level>(blocks: &[Block], z: &[f32; PADDED], gradient: &mut [f32; PADDED]) -> f32 {
    let mut sums = [[0.0; LANES]; WEIGHTS];
    let mut total = [0.0; LANES];
    for block in blocks {
        let first = layer::<L, 2>(&z[..10], &block.x);
        let second = layer::<L, WIDTH>(&z[10..35], &first);
        let mut logit = [0.0; LANES];
        for (unit, weight) in second.iter().zip(&z[35..]) {
            axpy::<L>(&mut logit, *weight, unit);
        }
        let mut d_logit = [0.0; LANES];
        for i in 0..LANES {
            let (l, y, w) = (logit[i], block.y[i], block.weight[i]);
            total[i] += w * (y * l - math::softplus::<L, f32>(l));
            d_logit[i] = w * (y - math::sigmoid::<L, f32>(l));
        }
        let mut d_second = [[0.0; LANES]; WIDTH];
        for j in 0..WIDTH {
            add_product::<L>(&mut sums[35 + j], &d_logit, &second[j]);
            axpy::<L>(&mut d_second[j], z[35 + j], &d_logit);
        }
        through_tanh(&mut d_second, &second);
        let mut d_first = [[0.0; LANES]; WIDTH];
        for i in 0..WIDTH {
            for j in 0..WIDTH {
                add_product::<L>(&mut sums[10 + i * WIDTH + j], &first[i], &d_second[j]);
                axpy::<L>(&mut d_first[i], z[10 + i * WIDTH + j], &d_second[j]);
            }
        }
        through_tanh(&mut d_first, &first);
        for i in 0..2 {
            for j in 0..WIDTH {
                add_product::<L>(&mut sums[i * WIDTH + j], &block.x[i], &d_first[j]);
            }
        }
    }
    for (g, lanes) in gradient.iter_mut().zip(&sums) {
        *g = lanes.iter().sum();
    }
    total.iter().sum()
}

#[inline(always)]
fn steps_body<L: Level>(blocks: &[Block], state: &mut State, steps: u64) -> f32 {
    let mut elbo = 0.0;
    for step in 0..steps {
        let key = NoiseKey {
            seed: 1,
            step,
            stream: 0,
        };
        let mut eps = [0.0f32; PADDED];
        noise::fill_normals::<L, f32>(&key, 0, 0, &mut eps);
        let mut sigma = [0.0f32; PADDED];
        let mut z = [0.0f32; PADDED];
        for i in 0..PADDED {
            sigma[i] = math::softplus::<L, f32>(state.rho[i]);
            z[i] = fma::<L, f32>(sigma[i], eps[i], state.mu[i]);
        }
        let mut gradient = [0.0f32; PADDED];
        elbo = likelihood::<L>(blocks, &z, &mut gradient);
        for i in 0..WEIGHTS {
            elbo += math::ln::<L, f32>(sigma[i]) - 0.5 * z[i] * z[i] + 0.5;
        }
        let t = (step + 1) as f32;
        let (c1, c2) = (1.0 - 0.9f32.powf(t), 1.0 - 0.999f32.powf(t));
        let (mu_moments, rho_moments) = state.moments.split_at_mut(2);
        for i in 0..PADDED {
            let d_mu = gradient[i] - z[i];
            let d_rho = (d_mu * eps[i] + 1.0 / sigma[i]) * math::sigmoid::<L, f32>(state.rho[i]);
            for (value, gradient, moments) in [
                (&mut state.mu[i], d_mu, &mut *mu_moments),
                (&mut state.rho[i], d_rho, &mut *rho_moments),
            ] {
                moments[0][i] = 0.9 * moments[0][i] + 0.1 * gradient;
                moments[1][i] = 0.999 * moments[1][i] + 0.001 * gradient * gradient;
                *value += RATE * (moments[0][i] / c1) / ((moments[1][i] / c2).sqrt() + 1e-8);
            }
        }
    }
    elbo
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn steps_avx2(blocks: &[Block], state: &mut State, steps: u64) -> f32 {
    steps_body::<Avx2>(blocks, state, steps)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma")]
fn steps_avx512(blocks: &[Block], state: &mut State, steps: u64) -> f32 {
    steps_body::<Avx512>(blocks, state, steps)
}

fn run(isa: Isa, blocks: &[Block], state: &mut State, steps: u64) -> f32 {
    match isa {
        // SAFETY: `Isa::detect` found the instruction set on this machine.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { steps_avx2(blocks, state, steps) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { steps_avx512(blocks, state, steps) },
        _ => steps_body::<Baseline>(blocks, state, steps),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const STEPS: u64 = 50_000;
    let (train, _) = datasets::moons(1000, 0.2, 0)?
        .standardized()
        .split(0.5, 0)?;
    let value = |row: usize, f: &dyn Fn(usize) -> f64| match row < train.rows() {
        true => f(row) as f32,
        false => 0.0,
    };
    let blocks: Vec<Block> = (0..train.rows().div_ceil(LANES))
        .map(|block| {
            let lanes = |f: &dyn Fn(usize) -> f64| {
                std::array::from_fn(|lane| value(block * LANES + lane, f))
            };
            Block {
                x: [lanes(&|r| train.row(r)[0]), lanes(&|r| train.row(r)[1])],
                y: lanes(&|r| train.y()[r]),
                weight: lanes(&|_| 1.0),
            }
        })
        .collect();
    let mut state = State {
        mu: std::array::from_fn(|i| (i as f32 * 0.7).sin()),
        rho: [-2.0; PADDED],
        moments: [[0.0; PADDED]; 4],
    };
    let isa = Isa::detect()?;
    run(isa, &blocks, &mut state, STEPS / 10);
    let begin = Instant::now();
    let elbo = run(isa, &blocks, &mut state, STEPS);
    let rate = STEPS as f64 / begin.elapsed().as_secs_f64();
    println!("{{\"steps_per_second\": {rate:.0}, \"elbo\": {elbo:.2}}}");
    Ok(())
}
