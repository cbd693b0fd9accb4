//! A GPU: driver, cuBLAS, and the graph of a step that is captured once and replayed.

use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bayes_nn_autodiff::InputId;
use cudarc::cublas::result::CublasError;
use cudarc::cublas::{self, CudaBlas};
use cudarc::driver::sys::{
    CUdevice_attribute, CUfunction_attribute_enum, CUgraphInstantiate_flags, CUresult,
    CUstreamCaptureMode,
};
use cudarc::driver::{
    CudaContext, CudaFunction, CudaGraph, CudaModule, CudaSlice, CudaStream, DevicePtr,
    DriverError, LaunchConfig, PushKernelArg, sys,
};
use cudarc::nvrtc::Ptx;

use super::compiler;
use super::emit::{BlockLoop, Launch, Product, Source, Tiny};
use super::lanes::{LoopEngine, alone, together};
use super::program::{DeviceProgram, Engine, Memory};
use crate::device::DeviceError;
use crate::plan::Plan;
use crate::{Backend, KernelError, Lanes, Precision, Program};

/// The oldest CUDA that a driver must support.
const OLDEST_DRIVER: i32 = 12_000;

/// Bytes that cuBLAS may work with: what NVIDIA recommends for Hopper, more than enough before.
const WORKSPACE: usize = 32 << 20;

/// The numbers that products of single precision are multiplied in. Sums are single precision
/// in all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
    pub fn products(self, products: Products) -> Cuda {
        Cuda { products, ..self }
    }

    /// Every program as a graph of launches, tiny ones too: to compare with.
    pub fn launches(self) -> Cuda {
        let tiny = Tiny::NONE;
        Cuda { tiny, ..self }
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
    fn compile(&self, plan: &Plan, precision: Precision) -> Result<Box<dyn Program>, KernelError> {
        if let Some(code) = BlockLoop::alone(plan, precision, self.tiny) {
            let engine = GpuLoop::new(self, &code, 1)?;
            return alone(plan, precision, code, engine);
        }
        let program = DeviceProgram::new(plan, precision, |source, memory| {
            Gpu::new(self, source, memory, precision)
        })?;
        Ok(Box::new(program))
    }

    fn compile_lanes(
        &self,
        plan: &Plan,
        precision: Precision,
        shared: &[InputId],
        lanes: usize,
    ) -> Result<Option<Box<dyn Lanes>>, KernelError> {
        let Some(code) = BlockLoop::new(plan, precision, self.tiny, shared) else {
            return Ok(None);
        };
        let engine = GpuLoop::new(self, &code, lanes)?;
        together(plan, precision, code, engine, lanes).map(Some)
    }
}

/// A launch whose kernel is loaded.
enum Loaded {
    Kernel(CudaFunction, LaunchConfig),
    Product(Product),
}

/// A program's stream, memory and graph. The graph goes first: it refers to all the others.
struct Gpu {
    graph: Option<CudaGraph>,
    launches: Vec<Loaded>,
    blas: Option<CudaBlas>,
    bytes: CudaSlice<u8>,
    _workspace: Option<CudaSlice<u8>>,
    stream: Arc<CudaStream>,
    memory: Memory,
    precision: Precision,
    products: Products,
}

// SAFETY: a program is used by one thread at a time, and every call binds the context to the
// thread that makes it.
unsafe impl Send for Gpu {}

impl Gpu {
    fn new(
        cuda: &Cuda,
        source: &Source,
        memory: &Memory,
        precision: Precision,
    ) -> Result<Gpu, DeviceError> {
        let context = &cuda.context;
        let module = cuda.module(&source.text)?;
        let load = |launch: &Launch| {
            Ok(match launch {
                Launch::Product(product) => Loaded::Product(product.clone()),
                Launch::Kernel(kernel) => Loaded::Kernel(
                    module
                        .load_function(&kernel.name)
                        .map_err(driver("cuModuleGetFunction"))?,
                    LaunchConfig {
                        grid_dim: (kernel.blocks, 1, 1),
                        block_dim: (kernel.threads, 1, 1),
                        shared_mem_bytes: kernel.shared_bytes(),
                    },
                ),
            })
        };
        let launches: Vec<Loaded> = source.launches.iter().map(load).collect::<Result<_, _>>()?;
        let stream = context.new_stream().map_err(driver("cuStreamCreate"))?;
        let bytes = zeros(&stream, memory.bytes)?;
        let multiplies = launches.iter().any(|l| matches!(l, Loaded::Product(_)));
        let (blas, workspace) = match multiplies {
            true => {
                let (blas, workspace) = blas(&stream)?;
                (Some(blas), Some(workspace))
            }
            false => (None, None),
        };
        let mut gpu = Gpu {
            graph: None,
            launches,
            blas,
            bytes,
            _workspace: workspace,
            stream,
            memory: memory.clone(),
            precision,
            products: cuda.products,
        };
        gpu.graph = gpu.captured()?;
        Ok(gpu)
    }

    /// All launches of a step as one graph.
    fn captured(&mut self) -> Result<Option<CudaGraph>, DeviceError> {
        self.synchronize()?;
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        let begun = self.stream.begin_capture(mode);
        begun.map_err(driver("cuStreamBeginCapture"))?;
        let launched = (0..self.launches.len()).try_for_each(|number| self.launch(number));
        // The capture is ended even when a launch failed: the stream is of no use before.
        let graph = self.stream.end_capture(CUgraphInstantiate_flags(0));
        launched?;
        graph.map_err(driver("cuStreamEndCapture"))
    }

    fn pointer(&self) -> u64 {
        self.bytes.device_ptr(&self.stream).0
    }

    fn synchronize(&self) -> Result<(), DeviceError> {
        synchronize(&self.stream)
    }

    fn launch(&self, number: usize) -> Result<(), DeviceError> {
        match &self.launches[number] {
            Loaded::Product(product) => self.multiply(product),
            Loaded::Kernel(function, shape) => {
                let start = self.pointer();
                let (arena, indices, partials) = (
                    start + self.memory.arena as u64,
                    start + self.memory.indices as u64,
                    start + self.memory.partials as u64,
                );
                let mut launch = self.stream.launch_builder(function);
                launch.arg(&arena).arg(&indices).arg(&partials).arg(&start);
                // SAFETY: the kernel takes four pointers, into memory that is as large as the
                // text was printed for and lives as long as the graph.
                let done = unsafe { launch.launch(*shape) };
                done.map(|_| ()).map_err(driver("cuLaunchKernel"))
            }
        }
    }

    fn multiply(&self, product: &Product) -> Result<(), DeviceError> {
        use cublas::sys::cublasComputeType_t as Compute;
        use cublas::sys::cublasGemmAlgo_t::CUBLAS_GEMM_DFALT;
        use cublas::sys::cublasOperation_t as Operation;
        use cublas::sys::cudaDataType_t as Type;
        let Some(blas) = &self.blas else {
            unreachable!("a program with products has a handle");
        };
        let (kind, compute, size) = match (self.precision, self.products) {
            (Precision::F64, _) => (Type::CUDA_R_64F, Compute::CUBLAS_COMPUTE_64F, 8),
            (_, Products::Single) => (Type::CUDA_R_32F, Compute::CUBLAS_COMPUTE_32F, 4),
            (_, Products::Tf32) => (Type::CUDA_R_32F, Compute::CUBLAS_COMPUTE_32F_FAST_TF32, 4),
            (_, Products::Bf16) => (Type::CUDA_R_32F, Compute::CUBLAS_COMPUTE_32F_FAST_16BF, 4),
        };
        let operation = |transposed| match transposed {
            true => Operation::CUBLAS_OP_T,
            false => Operation::CUBLAS_OP_N,
        };
        let arena = self.pointer() + self.memory.arena as u64;
        let at = |offset: usize| (arena + (offset * size) as u64) as *mut std::ffi::c_void;
        // Factors are of the type of the sums.
        let (single, double) = ([1f32, 0.0], [1f64, 0.0]);
        let factor = |i: usize| -> *const std::ffi::c_void {
            match self.precision {
                Precision::F32 => (&raw const single[i]).cast(),
                Precision::F64 => (&raw const double[i]).cast(),
            }
        };
        // SAFETY: the plan placed all three matrices inside the arena, whose lengths fit 31 bits
        // where a library multiplies; the factors live until the call returns.
        let done = unsafe {
            cublas::result::gemm_ex(
                *blas.handle(),
                operation(product.a.2),
                operation(product.b.2),
                product.m as i32,
                product.n as i32,
                product.k as i32,
                factor(0),
                at(product.a.0),
                kind,
                product.a.1 as i32,
                at(product.b.0),
                kind,
                product.b.1 as i32,
                factor(1),
                at(product.c.0),
                kind,
                product.c.1 as i32,
                compute,
                CUBLAS_GEMM_DFALT,
            )
        };
        done.map_err(library("cublasGemmEx"))
    }
}

impl Engine for Gpu {
    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), DeviceError> {
        copy_in(&self.stream, bytes, &mut self.bytes, at)?;
        // The bytes are the caller's again.
        self.synchronize()
    }

    fn read(&self, at: usize, bytes: &mut [u8]) -> Result<(), DeviceError> {
        copy_out(&self.stream, &self.bytes, at, bytes)
    }

    fn copy(&mut self, from: Range<usize>, to: usize) -> Result<(), DeviceError> {
        if from.is_empty() {
            return Ok(());
        }
        let (start, bytes) = (self.pointer(), from.len());
        let context = self.stream.context();
        context
            .bind_to_thread()
            .map_err(driver("cuCtxSetCurrent"))?;
        // SAFETY: both ranges are inside the memory, and do not overlap: one is of the arena,
        // the other of what is kept.
        let copied = unsafe {
            cudarc::driver::result::memcpy_dtod_async(
                start + to as u64,
                start + from.start as u64,
                bytes,
                self.stream.cu_stream(),
            )
        };
        copied.map_err(driver("cuMemcpyDtoD"))
    }

    fn run(&mut self, steps: u64) -> Result<(), DeviceError> {
        if let Some(graph) = &self.graph {
            for _ in 0..steps {
                graph.launch().map_err(driver("cuGraphLaunch"))?;
            }
        }
        self.synchronize()
    }

    fn time(&mut self, launch: usize) -> Result<f64, DeviceError> {
        let flags = Some(sys::CUevent_flags::CU_EVENT_DEFAULT);
        let event = || {
            self.stream
                .record_event(flags)
                .map_err(driver("cuEventRecord"))
        };
        let begin = event()?;
        self.launch(launch)?;
        let end = event()?;
        let elapsed = begin.elapsed_ms(&end);
        Ok(f64::from(elapsed.map_err(driver("cuEventElapsedTime"))?) * 1e-3)
    }
}

/// The loop of a tiny program: its kernel, the data of all lanes, and room for the lanes while
/// they run.
struct GpuLoop {
    function: CudaFunction,
    /// Threads of a block, bytes that they share, bytes of a lane.
    shape: [usize; 3],
    data: CudaSlice<u8>,
    /// Where the indices begin among the data.
    indices: usize,
    lanes: CudaSlice<u8>,
    stream: Arc<CudaStream>,
}

impl GpuLoop {
    fn new(cuda: &Cuda, code: &BlockLoop, lanes: usize) -> Result<GpuLoop, DeviceError> {
        let stream = cuda
            .context
            .new_stream()
            .map_err(driver("cuStreamCreate"))?;
        let function = cuda.module(&code.text)?.load_function("block_loop");
        let function = function.map_err(driver("cuModuleGetFunction"))?;
        // More than 48 KiB are given to those that ask.
        let most = CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        let allowed = function.set_attribute(most, code.shared as i32);
        allowed.map_err(driver("cuFuncSetAttribute"))?;
        Ok(GpuLoop {
            function,
            shape: [code.threads as usize, code.shared, code.lane],
            data: zeros(&stream, code.data)?,
            indices: code.data_indices,
            lanes: zeros(&stream, lanes * code.lane)?,
            stream,
        })
    }

    /// Takes lanes to the device, runs their loops and brings them back.
    fn launch(&mut self, lanes: &mut [u8], clocks: u64) -> Result<(), DeviceError> {
        if lanes.is_empty() {
            return Ok(());
        }
        let [threads, shared, lane] = self.shape;
        copy_in(&self.stream, lanes, &mut self.lanes, 0)?;
        let data = self.data.device_ptr(&self.stream).0;
        let indices = data + self.indices as u64;
        let start = self.lanes.device_ptr(&self.stream).0;
        let shape = LaunchConfig {
            grid_dim: ((lanes.len() / lane) as u32, 1, 1),
            block_dim: (threads as u32, 1, 1),
            shared_mem_bytes: shared as u32,
        };
        let mut launch = self.stream.launch_builder(&self.function);
        launch.arg(&start).arg(&data).arg(&indices).arg(&clocks);
        // SAFETY: the kernel takes four pointers: to as many lanes as there are blocks, to data as
        // large as the text was printed for, and to a clock for every pass or to none.
        let done = unsafe { launch.launch(shape) };
        done.map_err(driver("cuLaunchKernel"))?;
        copy_out(&self.stream, &self.lanes, 0, lanes)
    }
}

impl LoopEngine for GpuLoop {
    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), DeviceError> {
        copy_in(&self.stream, bytes, &mut self.data, at)?;
        // The bytes are the caller's again.
        synchronize(&self.stream)
    }

    fn read(&self, at: usize, bytes: &mut [u8]) -> Result<(), DeviceError> {
        copy_out(&self.stream, &self.data, at, bytes)
    }

    fn run(&mut self, lanes: &mut [u8]) -> Result<(), DeviceError> {
        self.launch(lanes, 0)
    }

    fn time(&mut self, lane: &mut [u8], clocks: &mut [u64]) -> Result<f64, DeviceError> {
        let mut bytes = vec![0; size_of_val(clocks)];
        let there = zeros(&self.stream, bytes.len().max(8))?;
        let start = there.device_ptr(&self.stream).0;
        let begin = Instant::now();
        self.launch(lane, start)?;
        let seconds = begin.elapsed().as_secs_f64();
        copy_out(&self.stream, &there, 0, &mut bytes)?;
        for (clock, bytes) in clocks.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *clock += u64::from_ne_bytes(*bytes);
        }
        Ok(seconds)
    }
}

/// Begins to copy bytes to `at`.
fn copy_in(
    stream: &Arc<CudaStream>,
    bytes: &[u8],
    to: &mut CudaSlice<u8>,
    at: usize,
) -> Result<(), DeviceError> {
    if bytes.is_empty() {
        return Ok(());
    }
    let mut target = to.slice_mut(at..at + bytes.len());
    let copied = stream.memcpy_htod(bytes, &mut target);
    copied.map_err(driver("cuMemcpyHtoD"))
}

/// Copies bytes from `at`, after all that the stream has to do.
fn copy_out(
    stream: &Arc<CudaStream>,
    from: &CudaSlice<u8>,
    at: usize,
    bytes: &mut [u8],
) -> Result<(), DeviceError> {
    if bytes.is_empty() {
        return Ok(());
    }
    let copied = stream.memcpy_dtoh(&from.slice(at..at + bytes.len()), bytes);
    copied.map_err(driver("cuMemcpyDtoH"))?;
    synchronize(stream)
}

fn synchronize(stream: &Arc<CudaStream>) -> Result<(), DeviceError> {
    stream.synchronize().map_err(driver("cuStreamSynchronize"))
}

/// Memory full of zeros.
fn zeros(stream: &Arc<CudaStream>, bytes: usize) -> Result<CudaSlice<u8>, DeviceError> {
    stream
        .alloc_zeros::<u8>(bytes)
        .map_err(|error| match error {
            DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY) => {
                let (free, total) = stream.context().mem_get_info().unwrap_or_default();
                DeviceError::OutOfMemory {
                    needed: bytes,
                    free,
                    total,
                }
            }
            error => driver("cuMemAlloc")(error),
        })
}

/// A handle of cuBLAS with memory of its own, so that it allocates nothing while a graph is
/// captured, and its results do not depend on what else the GPU does.
fn blas(stream: &Arc<CudaStream>) -> Result<(CudaBlas, CudaSlice<u8>), DeviceError> {
    let workspace = zeros(stream, WORKSPACE)?;
    let blas = CudaBlas::new(stream.clone()).map_err(library("cublasCreate"))?;
    let start = workspace.device_ptr(stream).0 as *mut std::ffi::c_void;
    // SAFETY: the memory lives in the same struct as the handle, and longer.
    let set = unsafe { cublas::sys::cublasSetWorkspace_v2(*blas.handle(), start, WORKSPACE) };
    set.result().map_err(library("cublasSetWorkspace"))?;
    Ok((blas, workspace))
}

fn driver(call: &'static str) -> impl Fn(DriverError) -> DeviceError {
    move |error| DeviceError::Call {
        call,
        message: format!("{error:?}"),
    }
}

fn library(call: &'static str) -> impl Fn(CublasError) -> DeviceError {
    move |error| DeviceError::Call {
        call,
        message: format!("{error:?}"),
    }
}
