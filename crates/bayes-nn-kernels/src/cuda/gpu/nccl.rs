//! Where the GPUs of a group meet: communicators of NCCL, one a rank, all in this process.

use std::sync::{Arc, OnceLock};

use cudarc::driver::sys::CUresult;
use cudarc::driver::{CudaContext, CudaStream, DriverError};
use cudarc::nccl::result::{self, NcclError};
use cudarc::nccl::sys;

use super::launches::Peers;
use super::{Cuda, driver};
use crate::Precision;
use crate::device::DeviceError;
use crate::ranks::Seat;

/// Whether the library can be loaded; nothing of it is called before.
///
/// # Errors
/// How to get it where it cannot.
pub(super) fn present() -> Result<(), DeviceError> {
    static PRESENT: OnceLock<bool> = OnceLock::new();
    // SAFETY: asks whether a library can be loaded.
    match *PRESENT.get_or_init(|| unsafe { sys::is_culib_present() }) {
        true => Ok(()),
        false => Err(DeviceError::NoNccl),
    }
}

/// A rank's end of the communicator of one program.
pub(super) struct Communicator {
    /// `None` after a failure.
    handle: Option<sys::ncclComm_t>,
    context: Arc<CudaContext>,
    seat: Seat,
}

// SAFETY: a communicator is used by one thread at a time, and every call binds the context of its
// GPU to the thread that makes it.
unsafe impl Send for Communicator {}

/// A communicator between these GPUs, which are all different, by rank.
pub(super) fn communicators(
    members: &[Cuda],
    seats: Vec<Seat>,
) -> Result<Vec<Communicator>, DeviceError> {
    let ordinals: Vec<i32> = members
        .iter()
        .map(|cuda| cuda.context.ordinal() as i32)
        .collect();
    let mut handles = vec![std::ptr::null_mut(); members.len()];
    // SAFETY: the library is there, and as many handles and ordinals as are said.
    let made = unsafe {
        result::comm_init_all(
            handles.as_mut_ptr(),
            ordinals.len() as i32,
            ordinals.as_ptr(),
        )
    };
    made.map_err(nccl("ncclCommInitAll"))?;
    let ranks = handles.into_iter().zip(members).zip(seats);
    let communicators = ranks.map(|((handle, cuda), seat)| Communicator {
        handle: Some(handle),
        context: cuda.context.clone(),
        seat,
    });
    Ok(communicators.collect())
}

impl Communicator {
    fn handle(&self) -> Result<sys::ncclComm_t, DeviceError> {
        self.handle.ok_or(DeviceError::RankFailed)
    }

    fn bind(&self) -> Result<(), DeviceError> {
        let bound = self.context.bind_to_thread();
        bound.map_err(driver("cuCtxSetCurrent"))
    }

    /// Whether the stream is done, as long as nothing has failed here or elsewhere.
    fn is_done(&self, stream: &CudaStream) -> Result<bool, DeviceError> {
        let handle = self.handle()?;
        if self.seat.is_abandoned() {
            return Err(DeviceError::RankFailed);
        }
        let mut status = sys::ncclResult_t::ncclSuccess;
        // SAFETY: the communicator is alive, and writes one status.
        let asked = unsafe { sys::ncclCommGetAsyncError(handle, &mut status) };
        let asked = asked.result().and_then(|_| status.result());
        asked.map_err(nccl("ncclCommGetAsyncError"))?;
        // SAFETY: the stream is alive.
        let state = unsafe { cudarc::driver::sys::cuStreamQuery(stream.cu_stream()) };
        match state.result() {
            Ok(()) => Ok(true),
            Err(DriverError(CUresult::CUDA_ERROR_NOT_READY)) => Ok(false),
            Err(error) => Err(driver("cuStreamQuery")(error)),
        }
    }
}

impl Peers for Communicator {
    fn all_reduce_mean(
        &self,
        [from, to]: [u64; 2],
        numbers: usize,
        precision: Precision,
        stream: &CudaStream,
    ) -> Result<(), DeviceError> {
        self.bind()?;
        let kind = match precision {
            Precision::F32 => sys::ncclDataType_t::ncclFloat32,
            Precision::F64 => sys::ncclDataType_t::ncclFloat64,
        };
        // SAFETY: both ranges are inside the program's memory, which lives as long as its graph,
        // and the communicator as long as what was launched.
        let begun = unsafe {
            result::all_reduce(
                from as *const std::ffi::c_void,
                to as *mut std::ffi::c_void,
                numbers,
                kind,
                sys::ncclRedOp_t::ncclAvg,
                self.handle()?,
                stream.cu_stream().cast(),
            )
        };
        begun.map(|_| ()).map_err(nccl("ncclAllReduce"))
    }

    fn wait(&self, stream: &CudaStream) -> Result<(), DeviceError> {
        self.bind()?;
        // To wait inside the driver would be to wait for ever for a rank that failed.
        while !self.is_done(stream)? {
            std::thread::yield_now();
        }
        Ok(())
    }

    fn leave(&mut self) {
        if let Some(handle) = self.handle.take()
            && self.bind().is_ok()
        {
            // SAFETY: the communicator is used no more. Its kernels end, whether or not the other
            // ranks come; what fails to be freed is lost, no more.
            let _ = unsafe { result::comm_abort(handle) };
        }
    }
}

impl Drop for Communicator {
    fn drop(&mut self) {
        // Destroying would wait for the other ranks, which are dropped one after the other.
        self.leave();
    }
}

fn nccl(call: &'static str) -> impl Fn(NcclError) -> DeviceError {
    move |NcclError(status)| DeviceError::Call {
        call,
        message: format!("{status:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_knows_means_or_is_told_how_to_get() {
        /// The first that has `ncclAvg`, 2.10.
        const OLDEST: i32 = 21_000;
        match present() {
            Ok(()) => assert!(result::get_nccl_version().unwrap() >= OLDEST),
            Err(error) => {
                assert_eq!(error, DeviceError::NoNccl);
                assert!(error.to_string().contains("nvidia-nccl-cu13"), "{error}");
            }
        }
    }
}
