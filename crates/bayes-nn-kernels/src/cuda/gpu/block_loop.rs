//! The loop of a tiny program: one kernel, a block a replica.

use std::sync::Arc;
use std::time::Instant;

use cudarc::driver::sys::CUfunction_attribute_enum;
use cudarc::driver::{CudaFunction, CudaSlice, CudaStream, DevicePtr, LaunchConfig, PushKernelArg};

use super::Cuda;
use super::calls::driver;
use super::memory::{copy_in, copy_out, synchronize, zeros};
use crate::cuda::emit::BlockLoop;
use crate::cuda::replicas::LoopEngine;
use crate::error::DeviceError;

/// The loop of a tiny program: its kernel, the data of all replicas, and room for those that run,
/// as many as were there at once.
pub(super) struct GpuLoop {
    function: CudaFunction,
    /// Threads of a block, bytes that they share, bytes of a replica.
    shape: [usize; 3],
    data: CudaSlice<u8>,
    /// Where the indices begin among the data.
    indices: usize,
    replicas: CudaSlice<u8>,
    stream: Arc<CudaStream>,
}

impl GpuLoop {
    pub(super) fn new(cuda: &Cuda, code: &BlockLoop) -> Result<GpuLoop, DeviceError> {
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
            shape: [code.threads as usize, code.shared, code.replica],
            data: zeros(&stream, code.data)?,
            indices: code.data_indices,
            replicas: zeros(&stream, code.replica)?,
            stream,
        })
    }

    /// Takes replicas to the device, runs their loops and brings them back.
    fn launch(&mut self, replicas: &mut [u8], clocks: u64) -> Result<(), DeviceError> {
        if replicas.is_empty() {
            return Ok(());
        }
        let [threads, shared, replica] = self.shape;
        if self.replicas.len() < replicas.len() {
            self.replicas = zeros(&self.stream, replicas.len())?;
        }
        copy_in(&self.stream, replicas, &mut self.replicas, 0)?;
        let data = self.data.device_ptr(&self.stream).0;
        let indices = data + self.indices as u64;
        let start = self.replicas.device_ptr(&self.stream).0;
        let shape = LaunchConfig {
            grid_dim: ((replicas.len() / replica) as u32, 1, 1),
            block_dim: (threads as u32, 1, 1),
            shared_mem_bytes: shared as u32,
        };
        let mut launch = self.stream.launch_builder(&self.function);
        launch.arg(&start).arg(&data).arg(&indices).arg(&clocks);
        // SAFETY: the kernel takes four pointers: to as many replicas as there are blocks, to data
        // as large as the text was printed for, and to a clock for every pass or to none.
        let done = unsafe { launch.launch(shape) };
        done.map_err(driver("cuLaunchKernel"))?;
        copy_out(&self.stream, &self.replicas, 0, replicas)
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

    fn run(&mut self, replicas: &mut [u8]) -> Result<(), DeviceError> {
        self.launch(replicas, 0)
    }

    fn time(&mut self, replica: &mut [u8], clocks: &mut [u64]) -> Result<f64, DeviceError> {
        let mut bytes = vec![0; size_of_val(clocks)];
        let there = zeros(&self.stream, bytes.len().max(8))?;
        let start = there.device_ptr(&self.stream).0;
        let begin = Instant::now();
        self.launch(replica, start)?;
        let seconds = begin.elapsed().as_secs_f64();
        copy_out(&self.stream, &there, 0, &mut bytes)?;
        for (clock, bytes) in clocks.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *clock += u64::from_ne_bytes(*bytes);
        }
        Ok(seconds)
    }
}
