//! Devices by name, and what is said where one is missing.

use std::sync::Arc;

use bayes_nn_autodiff::Graph;
use bayes_nn_kernels::{Backend, Cpu, Device, DeviceError, Plan, Precision};

#[test]
fn a_device_runs_programs_and_has_a_name() {
    let graph = Graph::new();
    let x = graph.input("x", [3]);
    let plan = Arc::new(Plan::new(&graph, &[x * 2.0], &[]).unwrap());
    let other = Device::new("another", Device::cpu().threads(1));
    for device in [Device::cpu(), Device::cpu().threads(2), other.clone()] {
        let loaded = device.load(&plan, &[], Precision::F64).unwrap();
        let mut replicas = loaded.start(1).unwrap();
        let program = replicas.program_mut(0);
        program
            .write(x.input_id().unwrap(), &[1.0, 2.0, 3.0])
            .unwrap();
        program.run(1).unwrap();
        assert_eq!(program.read_output(0), [2.0, 4.0, 6.0]);
    }
    assert_eq!((other.name(), other.is_cpu()), ("another", false));
    assert!("cpu".parse::<Device>().unwrap().is_cpu());
    assert_eq!(Device::list()[0].to_string(), "cpu");
    for text in ["gpu", "cuda:x", "cuda:", ""] {
        let error = text.parse::<Device>().unwrap_err();
        assert_eq!(
            error,
            DeviceError::Unknown {
                asked: text.to_owned()
            }
        );
    }
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_build_without_cuda_says_so() {
    for text in ["cuda", "cuda:0"] {
        let message = text.parse::<Device>().unwrap_err().to_string();
        assert!(message.contains("--features cuda"), "{message}");
    }
    assert!(Device::best().is_cpu());
    assert_eq!(Device::list().len(), 1);
}

#[test]
fn groups_of_gpus_that_cannot_be_are_refused() {
    let error = Device::cuda_group(&[]).unwrap_err();
    assert_eq!(error, DeviceError::EmptyGroup);
    let error = Device::cuda_group(&[0, 1, 0]).unwrap_err();
    assert_eq!(error, DeviceError::TwiceInGroup { ordinal: 0 });
    assert_eq!(error, "cuda:0,1,0".parse::<Device>().unwrap_err());
    assert!("cuda:0,".parse::<Device>().is_err_and(|error| {
        let asked = "cuda:0,".to_owned();
        error == DeviceError::Unknown { asked }
    }));
    let error = match Device::cuda_group(&[1000]) {
        Ok(device) => panic!("{device}"),
        Err(error) => error,
    };
    let alone = Device::cuda(1000).unwrap_err();
    let expected = match cfg!(feature = "cuda") && !cfg!(feature = "nccl") {
        true => DeviceError::NotBuiltForGroups,
        false => alone,
    };
    assert_eq!(error, expected);
    let group = Device::new("group", Cpu::detect().unwrap().group(3).unwrap());
    assert_eq!((group.ranks(), Device::cpu().ranks()), (3, 1));
}

/// A binary with the feature starts without CUDA, and says what is missing.
#[cfg(feature = "cuda")]
#[test]
fn a_machine_without_a_gpu_is_told_what_is_missing() {
    match Device::cuda(0) {
        Ok(device) => {
            assert!(device.name().starts_with("cuda:0 ("));
            assert!(Device::list().len() > 1);
            let count = Device::list().len() - 1;
            let asked = 1000;
            let error = Device::cuda(asked).unwrap_err();
            assert_eq!(error, DeviceError::NoDevice { asked, count });
        }
        Err(error) => {
            let required = std::env::var_os("BAYES_NN_REQUIRE_CUDA").is_some();
            assert!(!required, "{error}");
            let message = error.to_string();
            let advised = message.contains("install") || message.contains("the driver sees");
            assert!(advised, "{message}");
            assert_eq!(error, "cuda".parse::<Device>().unwrap_err());
            assert!(Device::best().is_cpu());
        }
    }
}
