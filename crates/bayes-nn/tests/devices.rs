//! The same fits on another device: on the host that plays a GPU, or with BAYES_NN_TEST_ON=cuda
//! on the first GPU.
#![cfg(feature = "cuda")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bayes_nn::model::{fit, from_fn};
use bayes_nn::prelude::*;
use bayes_nn_kernels::cuda::emit::{BlockLoop, Source, Tiny};
use bayes_nn_kernels::cuda::{Host, compiler};
use bayes_nn_kernels::{Backend, Binding, KernelError, Loaded, Plan};

/// What stands beside the CPU, unless this machine has neither a compiler nor a GPU.
fn device() -> Option<Device> {
    if std::env::var("BAYES_NN_TEST_ON").as_deref() == Ok("cuda") {
        return Some(Device::cuda(0).unwrap_or_else(|error| panic!("{error}")));
    }
    match Host::find() {
        Ok(host) => Some(Device::new("host", host)),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

fn network() -> Bnn {
    let net = Mlp::new([2, 5, 5, 1])
        .activation(Tanh)
        .without_bias()
        .prior(Normal::new(0.0, 1.0));
    Bnn::new(net, Bernoulli)
}

/// The largest difference of two lists, relative to the larger of 1 and the values.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let relative = |(a, b): (&f64, &f64)| (a - b).abs() / a.abs().max(b.abs()).max(1.0);
    a.iter().zip(b).map(relative).fold(0.0, f64::max)
}

#[test]
fn fits_and_predictions_tell_the_same_story_on_every_device() {
    let Some(device) = device() else { return };
    let data = datasets::moons(200, 0.2, 0).unwrap().standardized();
    for (precision, tolerance) in [(Precision::F64, 1e-9), (Precision::F32, 1e-3)] {
        for batch in [None, Some(40)] {
            let advi = Advi::mean_field()
                .steps(40)
                .precision(precision)
                .elbo_draws(16)
                .seed(4);
            let advi = match batch {
                Some(rows) => advi.batch(rows),
                None => advi,
            };
            let here = network().fit(&data, &advi.clone()).unwrap();
            let there = network().fit(&data, &advi.device(device.clone())).unwrap();
            let curves = [&here, &there].map(|fit| fit.advi().unwrap().curve().elbos().to_vec());
            let off = difference(&curves[0], &curves[1]);
            assert!(
                off < tolerance,
                "{precision:?}, batch {batch:?}: ELBOs differ by {off}"
            );
            let elbos = [&here, &there].map(|fit| fit.advi().unwrap().elbo().mean);
            assert!(
                difference(&elbos[..1], &elbos[1..]) < tolerance,
                "{elbos:?}"
            );
            let predictions = [&here, &there].map(|fit| fit.predict(&data, 20).unwrap());
            let off = difference(predictions[0].mean(), predictions[1].mean());
            assert!(
                off < tolerance,
                "{precision:?}, batch {batch:?}: predictions differ by {off}"
            );
        }
    }
}

/// Groups that stand beside the CPU: two hosts, or with BAYES_NN_TEST_ON=cuda the first GPU, and
/// where there are more, four of them or two. Groups of GPUs are skipped where this was built
/// without NCCL, or the library is missing, unless BAYES_NN_REQUIRE_NCCL is set.
fn groups() -> Vec<Device> {
    if std::env::var("BAYES_NN_TEST_ON").as_deref() != Ok("cuda") {
        let group = Host::find().and_then(|host| host.group(2));
        return match group {
            Ok(group) => vec![Device::new("two hosts", group)],
            Err(error) => {
                eprintln!("skipped: {error}");
                Vec::new()
            }
        };
    }
    let several: &[&[usize]] = match Device::list().len() - 1 {
        0 | 1 => &[&[0]],
        2 | 3 => &[&[0], &[0, 1]],
        _ => &[&[0], &[0, 1, 2, 3]],
    };
    let groups = several.iter().map(|ordinals| Device::cuda_group(ordinals));
    groups.collect::<Result<_, _>>().unwrap_or_else(|error| {
        let required = std::env::var_os("BAYES_NN_REQUIRE_NCCL").is_some();
        assert!(!required, "{error}");
        eprintln!("skipped: groups of GPUs: {error}");
        Vec::new()
    })
}

#[test]
fn fits_on_groups_tell_the_same_story() {
    let data = datasets::moons(200, 0.2, 0).unwrap().standardized();
    for device in groups() {
        for (precision, tolerance) in [(Precision::F64, 1e-9), (Precision::F32, 1e-3)] {
            for rows in [40, 200] {
                let advi = Advi::mean_field()
                    .steps(40)
                    .precision(precision)
                    .batch(rows)
                    .local_reparameterization(false)
                    .elbo_draws(16)
                    .seed(4);
                let here = network().fit(&data, &advi.clone()).unwrap();
                let there = network().fit(&data, &advi.device(device.clone())).unwrap();
                let curves = [&here, &there].map(|fit| fit.advi().unwrap().curve().elbos());
                let off = difference(curves[0], curves[1]);
                assert!(
                    off < tolerance,
                    "{device}, {precision:?}, {rows} rows: {off}"
                );
                let predictions = [&here, &there].map(|fit| fit.predict(&data, 20).unwrap());
                let off = difference(predictions[0].mean(), predictions[1].mean());
                assert!(
                    off < tolerance,
                    "{device}, {precision:?}, {rows} rows: {off}"
                );
            }
        }
    }
}

/// A device, and how many of its plans have replicas that run together.
struct Counted {
    device: Device,
    together: Arc<AtomicUsize>,
}

impl Backend for Counted {
    fn load(
        &self,
        plan: &Arc<Plan>,
        data: &[Binding],
        precision: Precision,
    ) -> Result<Arc<dyn Loaded>, KernelError> {
        let loaded = self.device.load(plan, data, precision)?;
        self.together
            .fetch_add(usize::from(loaded.together() > 1), Ordering::Relaxed);
        Ok(loaded)
    }
}

#[test]
fn restarts_of_a_tiny_network_run_together_and_are_those_of_the_cpu() {
    let Some(device) = device() else { return };
    let data = datasets::moons(100, 0.2, 0).unwrap().standardized();
    for (precision, tolerance) in [(Precision::F64, 1e-9), (Precision::F32, 1e-3)] {
        let together = Arc::default();
        let counted = Counted {
            device: device.clone(),
            together: Arc::clone(&together),
        };
        let advi = Advi::mean_field()
            .steps(30)
            .every(10)
            .batch(20)
            .restarts(3)
            .precision(precision)
            .elbo_draws(16)
            .seed(4);
        let here = network().fit(&data, &advi.clone()).unwrap();
        let there = advi.clone().device(Device::new("counted", counted));
        let there = network().fit(&data, &there).unwrap();
        // The steps, and the evaluation on all rows.
        assert_eq!(together.load(Ordering::Relaxed), 2);
        let (here, there) = (here.advi().unwrap(), there.advi().unwrap());
        assert_eq!(here.seed(), there.seed());
        let curves = [here, there].map(|fit| fit.curve().elbos());
        assert!(difference(curves[0], curves[1]) < tolerance);
        let elbos = [here, there].map(|fit| -> Vec<f64> {
            let restarts = fit.restarts().iter();
            restarts
                .map(|r| r.outcome.as_ref().unwrap().0.mean)
                .collect()
        });
        assert!(difference(&elbos[0], &elbos[1]) < tolerance, "{elbos:?}");
        // Each is the one that would run alone there, to the last bit.
        let alone = advi.seed(there.seed()).restarts(1).device(device.clone());
        let alone = network().fit(&data, &alone).unwrap();
        assert_eq!(alone.advi().unwrap().curve().elbos(), there.curve().elbos());
        let elbos = [alone.advi().unwrap(), there].map(|fit| fit.elbo().mean);
        assert!(difference(&elbos[..1], &elbos[1..]) < 1e-6, "{elbos:?}");
    }
}

fn line() -> (impl model::Model + Clone + 'static, Data) {
    let line = from_fn(|trace, data| {
        let slope = trace.sample("slope", Normal::new(0.0, 10.0));
        let noise = trace.sample("noise", HalfNormal::new(1.0));
        trace.observe(
            "y",
            Normal::new(slope * data.column("x"), noise),
            data.column("y"),
        );
    });
    let data = Data::new().column("x", &[0.0, 1.0, 2.0, 3.0]).unwrap();
    (line, data.column("y", &[0.2, 1.1, 1.8, 3.1]).unwrap())
}

#[test]
fn chains_and_full_rank_guides_run_on_every_device() {
    let Some(device) = device() else { return };
    let (line, data) = line();
    let nuts = Nuts::new().chains(1).warmup(10).draws(5).seed(2);
    let runs = [Device::cpu(), device.clone()].map(|device| {
        let samples = fit(&line, data.clone(), &nuts.clone().device(device)).unwrap();
        samples.nuts().unwrap().chains()[0]
            .draws()
            .positions()
            .to_vec()
    });
    assert!(difference(&runs[0], &runs[1]) < 1e-6, "{runs:?}");
    let advi = Advi::full_rank()
        .steps(30)
        .precision(Precision::F64)
        .elbo_draws(16);
    let fits = [Device::cpu(), device].map(|device| {
        let fit = fit(&line, data.clone(), &advi.clone().device(device)).unwrap();
        fit.advi().unwrap().curve().elbos().to_vec()
    });
    assert!(difference(&fits[0], &fits[1]) < 1e-9);
}

/// The CPU, which lets the compiler of CUDA have every plan first.
struct Compiled {
    programs: Arc<AtomicUsize>,
}

impl Backend for Compiled {
    fn load(
        &self,
        plan: &Arc<Plan>,
        data: &[Binding],
        precision: Precision,
    ) -> Result<Arc<dyn Loaded>, KernelError> {
        let mut texts = vec![Source::new(plan, precision)?.text];
        texts.extend(
            BlockLoop::alone(plan, precision, Tiny::within(227 << 10)).map(|tiny| tiny.text),
        );
        for text in texts {
            for architecture in ["sm_80", "sm_90"] {
                let code = compiler::compile(&text, architecture)?;
                assert!(code.starts_with(b"\x7fELF"));
            }
        }
        self.programs.fetch_add(1, Ordering::Relaxed);
        Device::cpu().load(plan, data, precision)
    }
}

#[test]
fn the_programs_of_models_are_taken_by_the_compiler_of_cuda() {
    if let Err(error) = compiler::version() {
        assert!(
            std::env::var_os("BAYES_NN_REQUIRE_NVRTC").is_none(),
            "{error}"
        );
        return eprintln!("skipped: {error}");
    }
    let programs = Arc::new(AtomicUsize::new(0));
    let device = Device::new(
        "compiled",
        Compiled {
            programs: programs.clone(),
        },
    );
    let data = datasets::moons(100, 0.2, 0).unwrap().standardized();
    let advi = Advi::mean_field()
        .steps(2)
        .elbo_draws(2)
        .device(device.clone());
    for advi in [advi.clone(), advi.batch(30)] {
        let fit = network().fit(&data, &advi).unwrap();
        fit.predict(&data, 3).unwrap();
    }
    let (line, data) = line();
    let nuts = Nuts::new()
        .chains(1)
        .warmup(1)
        .draws(1)
        .device(device.clone());
    fit(&line, data.clone(), &nuts).unwrap();
    fit(
        &line,
        data,
        &Advi::full_rank().steps(2).elbo_draws(2).device(device),
    )
    .unwrap();
    assert!(programs.load(Ordering::Relaxed) >= 8);
}
