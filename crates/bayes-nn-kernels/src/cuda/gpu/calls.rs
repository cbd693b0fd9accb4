//! Calls of the driver: contexts, and errors.

use cudarc::driver::{CudaContext, DriverError};

use crate::error::DeviceError;

/// Makes a context current where nothing can be returned: unlike `bind_to_thread` even if an
/// earlier error is still to be reported.
pub(super) fn bind(context: &CudaContext) {
    // SAFETY: the context is alive.
    context.record_err(unsafe { cudarc::driver::result::ctx::set_current(context.cu_ctx()) });
}

/// What a call's error becomes.
pub(super) fn driver(call: &'static str) -> impl Fn(DriverError) -> DeviceError {
    move |error| DeviceError::Call {
        call,
        message: format!("{error:?}"),
    }
}
