//! A GPU: what it is found by, and what its engines share.

mod block_loop;
mod calls;
mod launches;
mod memory;
#[cfg(feature = "nccl")]
mod nccl;
mod products;

use std::sync::{Arc, OnceLock};

use cudarc::cublas;
use cudarc::driver::sys::{CUdevice_attribute, CUresult};
use cudarc::driver::{CudaContext, CudaModule, DriverError, sys};
use cudarc::nvrtc::Ptx;

use super::compiler;
use super::emit::{BlockLoop, Source, Tiny};
#[cfg(feature = "nccl")]
use super::program::DeviceProgram;
use super::program::{Launches, LoadedLaunches, Memory};
use super::replicas;
use crate::backend::{Backend, Loaded};
use crate::data::Binding;
use crate::element::Precision;
use crate::error::{DeviceError, KernelError};
use crate::plan::Plan;
#[cfg(feature = "nccl")]
use crate::ranks::{DeviceGroup, Seat, rank};
use block_loop::GpuLoop;
use calls::driver;
use launches::Gpu;

/// The oldest CUDA that a driver must support.
const OLDEST_DRIVER: i32 = 12_000;

/// The numbers that products of single precision are multiplied in. Sums are single precision
/// in all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Products {
    /// Single precision.
    #[default]
    Single,
    /// Operands rounded to 11 significant bits: each is off by at most 5e-4 of itself.
    Tf32,
    /// Operands rounded to 8 significant bits: each is off by at most 4e-3 of itself.
    Bf16,
}

/// An NVIDIA GPU as a backend.
///
/// Programs are kernels compiled for this GPU when they are made, and kept for the next time. A
/// step is one graph, or of a tiny plan a turn of a kernel's loop; steps follow one another without
/// the host.
#[derive(Clone, Debug)]
pub struct Cuda {
    context: Arc<CudaContext>,
    products: Products,
    tiny: Tiny,
}

impl Cuda {
    /// GPU number `ordinal` of those that the driver shows.
    ///
    /// # Errors
    /// When there is no driver, too old a driver, no such GPU, no NVRTC or no cuBLAS: each says
    /// how to get it.
    pub fn new(ordinal: usize) -> Result<Cuda, DeviceError> {
        let count = devices()?;
        if ordinal >= count {
            return Err(DeviceError::NoDevice {
                asked: ordinal,
                count,
            });
        }
        // A driver takes machine code of its own major version of CUDA and older ones.
        let (major, _) = compiler::version()?;
        if driver_version()? < 1000 * major {
            return Err(DeviceError::OldDriver {
                found: driver_version()?,
                needed: 1000 * major,
            });
        }
        static CUBLAS: OnceLock<bool> = OnceLock::new();
        // SAFETY: asks whether a library can be loaded.
        if !*CUBLAS.get_or_init(|| unsafe { cublas::sys::is_culib_present() }) {
            return Err(DeviceError::NoLibrary {
                library: "cuBLAS (libcublas)",
                wheel: "nvidia-cublas",
            });
        }
        let context = CudaContext::new(ordinal).map_err(driver("cuDevicePrimaryCtxRetain"))?;
        // SAFETY: every program has one stream and uses no memory of another, so there is
        // nothing to wait for; events would break the capture of graphs.
        unsafe { context.disable_event_tracking() };
        let most = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;
        let shared = context.attribute(most);
        let shared = shared.map_err(driver("cuDeviceGetAttribute"))? as usize;
        Ok(Cuda {
            context,
            products: Products::default(),
            tiny: Tiny::within(shared),
        })
    }

    /// Names and bytes of memory of all GPUs.
    ///
    /// # Errors
    /// When there is no driver, or too old a driver.
    pub fn list() -> Result<Vec<(String, usize)>, DeviceError> {
        use cudarc::driver::result::device;
        (0..devices()?)
            .map(|ordinal| {
                let gpu = device::get(ordinal as i32).map_err(driver("cuDeviceGet"))?;
                let name = device::get_name(gpu).map_err(driver("cuDeviceGetName"))?;
                // SAFETY: the device was just given by the driver.
                let memory = unsafe { device::total_mem(gpu) };
                Ok((name, memory.map_err(driver("cuDeviceTotalMem"))?))
            })
            .collect()
    }

    /// Bytes of its memory that are free, and that there are.
    ///
    /// # Errors
    /// When the driver fails.
    pub fn memory(&self) -> Result<(usize, usize), DeviceError> {
        self.context.mem_get_info().map_err(driver("cuMemGetInfo"))
    }

    /// Its name.
    pub(crate) fn name(&self) -> Result<String, DeviceError> {
        self.context.name().map_err(driver("cuDeviceGetName"))
    }

    /// What products of single-precision programs are multiplied in.
    #[must_use]
    pub fn products(self, products: Products) -> Cuda {
        Cuda { products, ..self }
    }

    /// Every program as a graph of launches, tiny ones too: to compare with.
    #[must_use]
    pub fn launches(self) -> Cuda {
        let tiny = Tiny::NONE;
        Cuda { tiny, ..self }
    }

    /// These GPUs as ranks, which meet through NCCL. A program of them has a communicator of its
    /// own, made with it, and is to be compiled again after a failure.
    ///
    /// # Errors
    /// When there are none, one is there twice, they are not alike, or the library is missing or
    /// too old.
    #[cfg(feature = "nccl")]
    pub fn group(members: Vec<Cuda>) -> Result<DeviceGroup, DeviceError> {
        let ordinals: Vec<usize> = members.iter().map(|cuda| cuda.context.ordinal()).collect();
        crate::device::each_once(&ordinals)?;
        each_alike(&members)?;
        nccl::present()?;
        let group = DeviceGroup::new(members, |members, plan, data, precision| {
            let launches = Arc::new(Launches::new(plan, data, precision)?);
            let members = members.to_vec();
            Ok(Box::new(move |seats: Vec<Seat>| {
                let ranks = members.iter().zip(&seats);
                let programs = ranks.map(|(cuda, seat)| {
                    DeviceProgram::new(&launches, Some(seat), |source, memory| {
                        Gpu::new(cuda, source, memory, precision, true)
                    })
                });
                let mut programs: Vec<DeviceProgram<Gpu>> = programs.collect::<Result<_, _>>()?;
                // Last, when nothing is left to load or to allocate: both may wait for kernels, and
                // those of NCCL for other ranks.
                nccl::connect(
                    programs.iter_mut().map(DeviceProgram::engine).collect(),
                    seats,
                )?;
                Ok(programs.into_iter().map(rank).collect())
            }))
        })?;
        Ok(group.ended_by_failure())
    }

    /// A text, compiled and loaded.
    fn module(&self, text: &str) -> Result<Arc<CudaModule>, DeviceError> {
        let code = compiler::compile_once(text, &self.architecture()?)?;
        self.context
            .load_module(Ptx::from_binary(code.to_vec()))
            .map_err(driver("cuModuleLoadData"))
    }

    /// Whose machine code this GPU runs, such as `sm_90`.
    fn architecture(&self) -> Result<String, DeviceError> {
        let capability = self.context.compute_capability();
        let (major, minor) = capability.map_err(driver("cuDeviceGetAttribute"))?;
        Ok(format!("sm_{major}{minor}"))
    }
}

/// Checks that GPUs round alike: what they compute from one mean is then expected to have the same
/// bits on all of them.
#[cfg(feature = "nccl")]
fn each_alike(members: &[Cuda]) -> Result<(), DeviceError> {
    let kinds = members.iter().map(|cuda| {
        let architecture = cuda.architecture()?;
        Ok(format!(
            "{architecture} with products in {:?}",
            cuda.products
        ))
    });
    let kinds: Vec<String> = kinds.collect::<Result<_, _>>()?;
    match kinds.iter().find(|kind| **kind != kinds[0]) {
        Some(other) => Err(DeviceError::UnequalGroup {
            first: kinds[0].clone(),
            other: other.clone(),
        }),
        None => Ok(()),
    }
}

/// How many GPUs there are; nothing of the driver is called before it is known to be there.
fn devices() -> Result<usize, DeviceError> {
    static PRESENT: OnceLock<bool> = OnceLock::new();
    // SAFETY: asks whether a library can be loaded.
    if !*PRESENT.get_or_init(|| unsafe { sys::is_culib_present() }) {
        return Err(DeviceError::NoDriver {
            library: match cfg!(windows) {
                true => "nvcuda.dll",
                false => "libcuda.so.1",
            },
        });
    }
    let version = driver_version()?;
    if version < OLDEST_DRIVER {
        return Err(DeviceError::OldDriver {
            found: version,
            needed: OLDEST_DRIVER,
        });
    }
    match CudaContext::device_count() {
        Ok(count) => Ok(count as usize),
        Err(DriverError(CUresult::CUDA_ERROR_NO_DEVICE)) => Ok(0),
        Err(error) => Err(driver("cuDeviceGetCount")(error)),
    }
}

/// The CUDA version of a driver that is there, as 1000 major + 10 minor.
fn driver_version() -> Result<i32, DeviceError> {
    let mut version = 0;
    // SAFETY: the library is there, and writes one number.
    let asked = unsafe { sys::cuDriverGetVersion(&mut version) };
    asked.result().map_err(driver("cuDriverGetVersion"))?;
    Ok(version)
}

impl Backend for Cuda {
    fn load(
        &self,
        plan: &Arc<Plan>,
        data: &[Binding],
        precision: Precision,
    ) -> Result<Arc<dyn Loaded>, KernelError> {
        let engine = |code: &BlockLoop| GpuLoop::new(self, code);
        if let Some(tiny) = replicas::load(plan, data, precision, self.tiny, engine)? {
            return Ok(tiny);
        }
        let cuda = self.clone();
        Ok(Arc::new(LoadedLaunches {
            launches: Arc::new(Launches::new(plan, data, precision)?),
            engine: move |source: &Source, memory: &Memory| {
                Gpu::new(&cuda, source, memory, precision, false)
            },
        }))
    }
}
