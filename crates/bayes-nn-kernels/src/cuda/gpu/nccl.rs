//! Where the GPUs of a group meet: communicators of NCCL, one a rank, all in this process.

use std::sync::{Arc, OnceLock};

use cudarc::driver::sys::CUresult;
use cudarc::driver::{CudaContext, CudaStream, DriverError};
use cudarc::nccl::result::{self, NcclError, NcclStatus};
use cudarc::nccl::sys;

use super::calls::{bind, driver};
use super::launches::{Gpu, Peers};
use crate::element::Precision;
use crate::error::DeviceError;
use crate::ranks::Seat;

/// The first NCCL, as 10000 major + 100 minor, whose communicators are left without known hangs
/// (https://github.com/NVIDIA/nccl/issues/992); means there are since 2.10.
const OLDEST: i32 = 21_900;

/// Whether the library can be loaded and will do; nothing of it is called before.
///
/// # Errors
/// How to get it where it cannot, and which is needed where it is too old.
pub(super) fn present() -> Result<(), DeviceError> {
    static PRESENT: OnceLock<bool> = OnceLock::new();
    // SAFETY: asks whether a library can be loaded.
    if !*PRESENT.get_or_init(|| unsafe { sys::is_culib_present() }) {
        return Err(DeviceError::NoNccl);
    }
    match result::get_nccl_version().map_err(nccl("ncclGetVersion"))? {
        found if found < OLDEST => Err(DeviceError::OldNccl {
            found,
            needed: OLDEST,
        }),
        _ => Ok(()),
    }
}

/// A rank's end of the communicator of one program.
struct Communicator {
    handle: sys::ncclComm_t,
    context: Arc<CudaContext>,
    seat: Seat,
}

// SAFETY: a communicator is used by one thread at a time, and every call binds the context of its
// GPU to the thread that makes it.
unsafe impl Send for Communicator {}

/// Makes a communicator between the GPUs of all ranks, by rank, which are all different, and takes
/// each mean of a step once. What NCCL sets up for a mean it sets up the first time, and may wait for
/// other ranks then: one thread does it for all of them, so that none waits for one that failed
/// elsewhere. Later calls are expected to return at once, as long as the environment does not set
/// `NCCL_LAUNCH_MODE=GROUP`; that has not been seen.
pub(super) fn connect(mut gpus: Vec<&mut Gpu>, seats: Vec<Seat>) -> Result<(), DeviceError> {
    let ordinal = |gpu: &&mut Gpu| gpu.stream().context().ordinal() as i32;
    let ordinals: Vec<i32> = gpus.iter().map(ordinal).collect();
    let mut handles = vec![std::ptr::null_mut(); ordinals.len()];
    // SAFETY: the library is there, and as many handles and ordinals as are said.
    let made = unsafe {
        result::comm_init_all(
            handles.as_mut_ptr(),
            ordinals.len() as i32,
            ordinals.as_ptr(),
        )
    };
    let made = made.map_err(nccl("ncclCommInitAll"))?;
    for ((gpu, handle), seat) in gpus.iter_mut().zip(handles).zip(seats) {
        let context = gpu.stream().context().clone();
        gpu.join(Box::new(Communicator {
            handle,
            context,
            seat,
        }));
    }
    let met = finished("ncclCommInitAll", Ok(made)).and_then(|()| meet(&gpus));
    if met.is_err() {
        // All of them before the memory of any goes, which others may still read.
        gpus.into_iter().for_each(Gpu::leave);
    }
    met
}

/// Takes each mean of a step once.
fn meet(gpus: &[&mut Gpu]) -> Result<(), DeviceError> {
    for number in gpus[0].meetings() {
        // Each mean by itself: several in one call may be taken in another way than one.
        finished("ncclGroupStart", result::group_start())?;
        let begun = gpus.iter().try_for_each(|gpu| gpu.launch(number));
        let ended = finished("ncclGroupEnd", result::group_end());
        begun.and(ended)?;
        // The one that fails may be another than the one that waits for it.
        while !all_done(gpus)? {
            std::thread::yield_now();
        }
    }
    Ok(())
}

fn all_done(gpus: &[&mut Gpu]) -> Result<bool, DeviceError> {
    let mut done = true;
    for gpu in gpus {
        done &= gpu.is_done()?;
    }
    Ok(done)
}

impl Communicator {
    fn bind(&self) -> Result<(), DeviceError> {
        let bound = self.context.bind_to_thread();
        bound.map_err(driver("cuCtxSetCurrent"))
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
        // SAFETY: both ranges are inside the program's memory, which lives longer than the
        // communicator, and that as long as what was launched.
        let begun = unsafe {
            result::all_reduce(
                from as *const std::ffi::c_void,
                to as *mut std::ffi::c_void,
                numbers,
                kind,
                sys::ncclRedOp_t::ncclAvg,
                self.handle,
                stream.cu_stream().cast(),
            )
        };
        finished("ncclAllReduce", begun)
    }

    fn is_done(&self, stream: &CudaStream) -> Result<bool, DeviceError> {
        self.bind()?;
        if self.seat.is_abandoned() {
            return Err(DeviceError::RankFailed);
        }
        let mut status = sys::ncclResult_t::ncclSuccess;
        // SAFETY: the communicator is alive, and writes one status.
        let asked = unsafe { sys::ncclCommGetAsyncError(self.handle, &mut status) };
        let asked = asked.result().and_then(|_| status.result());
        finished("ncclCommGetAsyncError", asked)?;
        // SAFETY: the stream is alive.
        let state = unsafe { cudarc::driver::sys::cuStreamQuery(stream.cu_stream()) };
        match state.result() {
            Ok(()) => Ok(true),
            Err(DriverError(CUresult::CUDA_ERROR_NOT_READY)) => Ok(false),
            Err(error) => Err(driver("cuStreamQuery")(error)),
        }
    }
}

impl Drop for Communicator {
    fn drop(&mut self) {
        bind(&self.context);
        // SAFETY: the communicator is used no more, by no graph either: to abort waits for those.
        // Its kernels end, whether or not the other ranks come, for whom destroying would wait, and
        // who are dropped one after the other. What fails to be freed is lost, no more.
        let _ = unsafe { result::comm_abort(self.handle) };
    }
}

/// Checks that a call has done all that it has to do on the host: what is launched next follows it.
fn finished(call: &'static str, status: Result<NcclStatus, NcclError>) -> Result<(), DeviceError> {
    match status.map_err(nccl(call))? {
        NcclStatus::InProgress => Err(DeviceError::Call {
            call,
            message: "it returned before it was done, as NCCL_COMM_BLOCKING=0 in the environment \
                      asks; unset that"
                .to_owned(),
        }),
        _ => Ok(()),
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
    fn the_library_will_do_or_is_told_how_to_get() {
        match present() {
            Ok(()) => assert!(result::get_nccl_version().unwrap() >= OLDEST),
            Err(error @ DeviceError::NoNccl) => {
                assert!(error.to_string().contains("nvidia-nccl-cu13"), "{error}");
            }
            Err(error) => {
                assert!(matches!(error, DeviceError::OldNccl { .. }), "{error}");
            }
        }
    }
}
