//! Memory of a GPU, and bytes to and from it.

use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use cudarc::driver::sys::CUresult;
use cudarc::driver::{CudaSlice, CudaStream, DriverError};

use super::calls::{bind, driver};
use crate::error::DeviceError;

/// Begins to copy bytes to `at`.
pub(super) fn copy_in(
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
pub(super) fn copy_out(
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

pub(super) fn synchronize(stream: &Arc<CudaStream>) -> Result<(), DeviceError> {
    stream.synchronize().map_err(driver("cuStreamSynchronize"))
}

/// Memory full of zeros.
pub(super) fn zeros(stream: &Arc<CudaStream>, bytes: usize) -> Result<CudaSlice<u8>, DeviceError> {
    let zeros = stream.alloc_zeros::<u8>(bytes);
    zeros.map_err(no_memory(stream, bytes))
}

fn no_memory(stream: &CudaStream, needed: usize) -> impl Fn(DriverError) -> DeviceError {
    move |error| match error {
        DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY) => {
            let (free, total) = stream.context().mem_get_info().unwrap_or_default();
            DeviceError::OutOfMemory {
                needed,
                free,
                total,
            }
        }
        error => driver("cuMemAlloc")(error),
    }
}

/// The memory of a program.
pub(super) struct Block {
    slice: ManuallyDrop<CudaSlice<u8>>,
    /// Whether it is of the driver's pool, whose memory other GPUs cannot reach.
    pooled: bool,
}

impl Block {
    /// Zeros for one GPU.
    pub fn pooled(stream: &Arc<CudaStream>, bytes: usize) -> Result<Block, DeviceError> {
        Ok(Block {
            slice: ManuallyDrop::new(zeros(stream, bytes)?),
            pooled: true,
        })
    }

    /// Zeros that other GPUs may read and write: in one process NCCL lets them, where it can.
    pub fn reachable(stream: &Arc<CudaStream>, bytes: usize) -> Result<Block, DeviceError> {
        let bound = stream.context().bind_to_thread();
        bound.map_err(driver("cuCtxSetCurrent"))?;
        // SAFETY: the memory is given to a slice of its length, and zeroed before it is read.
        let slice = unsafe {
            let start = cudarc::driver::result::malloc_sync(bytes);
            stream.upgrade_device_ptr(start.map_err(no_memory(stream, bytes))?, bytes)
        };
        let mut block = Block {
            slice: ManuallyDrop::new(slice),
            pooled: false,
        };
        let zeroed = stream.memset_zeros(&mut *block);
        zeroed.map_err(driver("cuMemsetD8"))?;
        Ok(block)
    }
}

impl Deref for Block {
    type Target = CudaSlice<u8>;

    fn deref(&self) -> &CudaSlice<u8> {
        &self.slice
    }
}

impl DerefMut for Block {
    fn deref_mut(&mut self) -> &mut CudaSlice<u8> {
        &mut self.slice
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: nobody uses it after this.
        let slice = unsafe { ManuallyDrop::take(&mut self.slice) };
        if !self.pooled {
            let context = slice.context().clone();
            bind(&context);
            // SAFETY: this is its only owner, and the driver waits for what still uses it.
            context.record_err(unsafe { cudarc::driver::result::free_sync(slice.leak()) });
        }
    }
}
