//! What can go wrong with a device, in words that say what is missing and how to get it.

use std::path::PathBuf;

/// A device that cannot be had, or that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The feature `cuda` is off.
    #[error(
        "this program was built without CUDA; build it with `--features cuda`, or use the CPU"
    )]
    NotBuilt,
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
        "the NVIDIA driver supports CUDA {}.{}, and {}.{} is needed; install a newer driver, or \
         use the CPU", .found / 1000, .found % 1000 / 10, .needed / 1000, .needed % 1000 / 10
    )]
    OldDriver {
        /// The CUDA version that it supports, as 1000 major + 10 minor.
        found: i32,
        /// The oldest that will do.
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
