//! Where programs run, and what is said where they cannot.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use bayes_nn_autodiff::InputId;

use crate::plan::Plan;
use crate::{Backend, Cpu, KernelError, Lanes, Precision, Program};

/// Where programs run: the CPU unless something else is asked for.
///
/// Any [`Backend`] can be a device; the same model and seed give the same noise on all of them,
/// and the same results up to rounding.
///
/// ```
/// use bayes_nn_kernels::Device;
/// for device in Device::list() {
///     println!("{device}");
/// }
/// // The first GPU, or the CPU and the reason.
/// let device = Device::cuda(0).unwrap_or_else(|reason| {
///     eprintln!("{reason}");
///     Device::cpu()
/// });
/// # let _ = device;
/// ```
#[derive(Clone, Default)]
pub struct Device(Kind);

#[derive(Clone)]
enum Kind {
    Cpu {
        /// Threads of a program; as many as the machine has unless set.
        threads: Option<usize>,
    },
    Other {
        name: Arc<str>,
        backend: Arc<dyn Backend + Send + Sync>,
    },
}

impl Default for Kind {
    fn default() -> Kind {
        Kind::Cpu { threads: None }
    }
}

impl Device {
    /// The CPU, with the instruction set of [`Cpu::detect`].
    pub fn cpu() -> Device {
        Device::default()
    }

    /// NVIDIA GPU number `ordinal`, counted from 0. Needs the feature `cuda`.
    ///
    /// # Errors
    /// When this program was built without the feature, and when driver, GPU or libraries are
    /// missing: each says what and how to get it.
    #[cfg(feature = "cuda")]
    pub fn cuda(ordinal: usize) -> Result<Device, DeviceError> {
        let cuda = crate::cuda::Cuda::new(ordinal)?;
        let name = format!("cuda:{ordinal} ({})", cuda.name()?);
        Ok(Device::new(&name, cuda))
    }

    /// NVIDIA GPU number `ordinal`, counted from 0. Needs the feature `cuda`.
    ///
    /// # Errors
    /// When this program was built without the feature, and when driver, GPU or libraries are
    /// missing: each says what and how to get it.
    #[cfg(not(feature = "cuda"))]
    pub fn cuda(_ordinal: usize) -> Result<Device, DeviceError> {
        Err(DeviceError::NotBuilt)
    }

    /// These NVIDIA GPUs as a group, a rank each: variational inference runs on all of them at
    /// once, each with its part of every minibatch, and takes the same steps as on one, up to
    /// rounding. Every GPU holds all rows of the data. Whatever else runs here runs on the first.
    /// Programs of one group take turns; two groups that share a GPU must not run at the same
    /// time. After any failure, an index outside its axis included, which a program of one GPU
    /// outlasts, a program of a group is to be compiled again. Needs the feature `nccl`, and has
    /// not been run on a GPU yet.
    ///
    /// # Errors
    /// No GPU, the same one twice, one that is not there, GPUs of different architectures; those of
    /// [`Device::cuda`]; and when this program was built without the feature, or the library NCCL
    /// is missing or older than 2.19.
    pub fn cuda_group(ordinals: &[usize]) -> Result<Device, DeviceError> {
        each_once(ordinals)?;
        cuda_group(ordinals)
    }

    /// The first GPU if it can be used, else the CPU. Small models are faster on the CPU.
    pub fn best() -> Device {
        Device::cuda(0).unwrap_or_default()
    }

    /// Any other backend, under a name.
    pub fn new(name: &str, backend: impl Backend + Send + Sync + 'static) -> Device {
        Device(Kind::Other {
            name: name.into(),
            backend: Arc::new(backend),
        })
    }

    /// The devices of this machine, the CPU first.
    pub fn list() -> Vec<DeviceInfo> {
        let cpu = DeviceInfo {
            name: "cpu".to_owned(),
            memory: None,
        };
        #[cfg(feature = "cuda")]
        let gpus = crate::cuda::Cuda::list().unwrap_or_default();
        #[cfg(not(feature = "cuda"))]
        let gpus: Vec<(String, usize)> = Vec::new();
        let gpus = gpus
            .into_iter()
            .enumerate()
            .map(|(ordinal, (name, memory))| DeviceInfo {
                name: format!("cuda:{ordinal} ({name})"),
                memory: Some(memory),
            });
        [cpu].into_iter().chain(gpus).collect()
    }

    /// Its name: `cpu`, or `cuda:0` and what the GPU calls itself.
    pub fn name(&self) -> &str {
        match &self.0 {
            Kind::Cpu { .. } => "cpu",
            Kind::Other { name, .. } => name,
        }
    }

    /// Whether it is the CPU.
    pub fn is_cpu(&self) -> bool {
        matches!(self.0, Kind::Cpu { .. })
    }

    /// The CPU with at most so many threads to a program; other devices stay as they are.
    pub fn threads(self, threads: usize) -> Device {
        match self.0 {
            Kind::Cpu { .. } => Device(Kind::Cpu {
                threads: Some(threads),
            }),
            other => Device(other),
        }
    }
}

impl Backend for Device {
    fn compile(&self, plan: &Plan, precision: Precision) -> Result<Box<dyn Program>, KernelError> {
        match &self.0 {
            Kind::Cpu { threads: None } => Cpu::detect()?.compile(plan, precision),
            Kind::Cpu {
                threads: Some(threads),
            } => Cpu::detect()?.threads(*threads).compile(plan, precision),
            Kind::Other { backend, .. } => backend.compile(plan, precision),
        }
    }

    fn compile_lanes(
        &self,
        plan: &Plan,
        precision: Precision,
        shared: &[InputId],
        lanes: usize,
    ) -> Result<Option<Box<dyn Lanes>>, KernelError> {
        match &self.0 {
            Kind::Cpu { .. } => Ok(None),
            Kind::Other { backend, .. } => backend.compile_lanes(plan, precision, shared, lanes),
        }
    }

    fn ranks(&self) -> usize {
        match &self.0 {
            Kind::Cpu { .. } => 1,
            Kind::Other { backend, .. } => backend.ranks(),
        }
    }
}

/// Checks the GPUs of a group before any is asked for.
pub(crate) fn each_once(ordinals: &[usize]) -> Result<(), DeviceError> {
    if ordinals.is_empty() {
        return Err(DeviceError::EmptyGroup);
    }
    let mut before = ordinals.iter().enumerate();
    match before.find(|(i, ordinal)| ordinals[..*i].contains(ordinal)) {
        Some((_, &ordinal)) => Err(DeviceError::TwiceInGroup { ordinal }),
        None => Ok(()),
    }
}

/// A group of GPUs that are all different.
#[cfg(feature = "nccl")]
fn cuda_group(ordinals: &[usize]) -> Result<Device, DeviceError> {
    use crate::cuda::Cuda;
    let members = ordinals.iter().map(|ordinal| Cuda::new(*ordinal));
    let members: Vec<Cuda> = members.collect::<Result<_, _>>()?;
    let numbers: Vec<String> = ordinals.iter().map(usize::to_string).collect();
    let names = members.iter().map(Cuda::name);
    let names: Vec<String> = names.collect::<Result<_, _>>()?;
    let name = format!("cuda:{} ({})", numbers.join(","), names.join(", "));
    Ok(Device::new(&name, Cuda::group(members)?))
}

#[cfg(all(feature = "cuda", not(feature = "nccl")))]
fn cuda_group(_ordinals: &[usize]) -> Result<Device, DeviceError> {
    Err(DeviceError::NotBuiltForGroups)
}

#[cfg(not(feature = "cuda"))]
fn cuda_group(_ordinals: &[usize]) -> Result<Device, DeviceError> {
    Err(DeviceError::NotBuilt)
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({})", self.name())
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `cpu`, `cuda`, `cuda:1`, `cuda:0,1` (a group) or `best`, as on a command line.
impl FromStr for Device {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Device, DeviceError> {
        let numbers = || -> Option<Vec<usize>> {
            let numbers = text.strip_prefix("cuda:")?.split(',');
            numbers.map(|number| number.parse().ok()).collect()
        };
        match (text, numbers().as_deref()) {
            ("cpu", _) => Ok(Device::cpu()),
            ("best", _) => Ok(Device::best()),
            ("cuda", _) => Device::cuda(0),
            (_, Some([ordinal])) => Device::cuda(*ordinal),
            (_, Some(ordinals)) => Device::cuda_group(ordinals),
            _ => Err(DeviceError::Unknown {
                asked: text.to_owned(),
            }),
        }
    }
}

/// A device that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its name.
    pub name: String,
    /// Bytes of its own memory, if it has any.
    pub memory: Option<usize>,
}

impl fmt::Display for DeviceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.memory {
            Some(bytes) => write!(f, ", {} MB", bytes >> 20),
            None => Ok(()),
        }
    }
}

/// A device that cannot be had, or that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No device has this name.
    #[error(
        "no device is called `{asked}`; there are `cpu`, `cuda`, `cuda:N`, `cuda:N,M` and `best`"
    )]
    Unknown {
        /// What was asked for.
        asked: String,
    },
    /// The feature `cuda` is off.
    #[error("this program was built without CUDA; build it with `--features cuda`, or use the CPU")]
    NotBuilt,
    /// The feature `nccl` is off.
    #[error(
        "this program was built without NCCL, by which several GPUs work together; build it with \
         `--features nccl`, or use one device"
    )]
    NotBuiltForGroups,
    /// There is no NVIDIA driver.
    #[error(
        "no NVIDIA driver was found ({library} cannot be loaded); install one for your GPU \
         (https://www.nvidia.com/drivers), or use the CPU"
    )]
    NoDriver {
        /// The library that comes with it.
        library: &'static str,
    },
    /// The driver is too old.
    #[error(
        "the NVIDIA driver supports CUDA {}.{}, and this program with the CUDA libraries found \
         here needs {}.{}; install a newer driver, or use the CPU",
        .found / 1000, .found % 1000 / 10, .needed / 1000, .needed % 1000 / 10
    )]
    OldDriver {
        /// The CUDA version that it supports, as 1000 major + 10 minor.
        found: i32,
        /// The oldest that will do, with the NVRTC library that was found.
        needed: i32,
    },
    /// There is no such GPU.
    #[error(
        "there is no CUDA device {asked}: the driver sees {count}; `Device::list()` names them \
         (CUDA_VISIBLE_DEVICES hides some)"
    )]
    NoDevice {
        /// The number that was asked for.
        asked: usize,
        /// How many there are.
        count: usize,
    },
    /// A library of the CUDA toolkit is missing.
    #[error(
        "the CUDA library {library} cannot be loaded; install the CUDA toolkit, or \
         `pip install {wheel}` and add the folder of the library to LD_LIBRARY_PATH, or use the \
         CPU"
    )]
    NoLibrary {
        /// Its name.
        library: &'static str,
        /// The Python package that carries it.
        wheel: &'static str,
    },
    /// The library NCCL is missing.
    #[error(
        "the library NCCL cannot be loaded (libnccl.so); install NVIDIA's packages `libnccl2` and \
         `libnccl-dev`, or `pip install nvidia-nccl-cu13`, add the folder of the library to \
         LD_LIBRARY_PATH, and where it holds only libnccl.so.2, a link libnccl.so to it; or use \
         one device"
    )]
    NoNccl,
    /// The library NCCL is too old.
    #[error(
        "the library NCCL found here is version {}.{}, and groups need {}.{} or newer; install \
         NVIDIA's package `libnccl2`, or `pip install nvidia-nccl-cu13`, or use one device",
        .found / 10_000, .found % 10_000 / 100, .needed / 10_000, .needed % 10_000 / 100
    )]
    OldNccl {
        /// Its version, as 10000 major + 100 minor + patch.
        found: i32,
        /// The oldest that will do.
        needed: i32,
    },
    /// A group without devices.
    #[error("a group of devices needs one device or more")]
    EmptyGroup,
    /// A GPU that would be two ranks of a group.
    #[error("CUDA device {ordinal} is named twice in a group; each is to be there once")]
    TwiceInGroup {
        /// Its number.
        ordinal: usize,
    },
    /// GPUs of a group that would not round alike.
    #[error("the GPUs of a group must be alike: the first is {first}, another {other}")]
    UnequalGroup {
        /// Architecture and products of the first.
        first: String,
        /// Those of one that differs.
        other: String,
    },
    /// A rank waited for another that failed, or failed before and cannot go on. What failed is
    /// reported in its place where it is known.
    #[error("another rank of the group failed; GPUs of a group go on in a program compiled anew")]
    RankFailed,
    /// The device's memory is full.
    #[error(
        "the program needs {} MB on the device, of whose {} MB {} MB are free; use smaller \
         minibatches, fewer draws or single precision", .needed >> 20, .total >> 20, .free >> 20
    )]
    OutOfMemory {
        /// Bytes that were asked for.
        needed: usize,
        /// Bytes that are free.
        free: usize,
        /// Bytes that there are.
        total: usize,
    },
    /// Something that only other devices can do.
    #[error("{what} is not possible on this device; use the CPU")]
    Unsupported {
        /// What was asked for.
        what: String,
    },
    /// The compiler refused the text of a program, which is a mistake of this library.
    #[error("the kernels of a program were not compiled: {log}")]
    Compile {
        /// What the compiler said.
        log: String,
    },
    /// There is no C++ compiler for the kernels on the host.
    #[error("no C++ compiler answers to `{}`; name one by the environment variable CXX", .compiler.display())]
    NoHostCompiler {
        /// What was tried.
        compiler: PathBuf,
    },
    /// Threads of a block wait at a barrier that others never reach.
    #[error("the threads of `{kernel}` do not meet at the same barriers")]
    Barrier {
        /// The kernel.
        kernel: String,
    },
    /// A call of driver or library failed.
    #[error("{call} failed: {message}")]
    Call {
        /// Which.
        call: &'static str,
        /// What it said.
        message: String,
    },
}
