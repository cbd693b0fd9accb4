//! Devices: where programs run, and the errors where they cannot.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::backend::{Backend, Loaded};
use crate::cpu::Cpu;
use crate::data::Binding;
use crate::element::Precision;
use crate::error::{DeviceError, KernelError};
use crate::plan::Plan;

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
    /// outlasts, a program of a group is to be started again. Needs the feature `nccl`, and has
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
    #[must_use]
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
    fn load(
        &self,
        plan: &Arc<Plan>,
        data: &[Binding],
        precision: Precision,
    ) -> Result<Arc<dyn Loaded>, KernelError> {
        match &self.0 {
            Kind::Cpu { threads: None } => Cpu::detect()?.load(plan, data, precision),
            Kind::Cpu {
                threads: Some(threads),
            } => Cpu::detect()?.threads(*threads).load(plan, data, precision),
            Kind::Other { backend, .. } => backend.load(plan, data, precision),
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
