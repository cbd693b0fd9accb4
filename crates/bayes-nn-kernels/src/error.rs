//! Errors of plans, programs and devices.

use std::path::PathBuf;

use bayes_nn_autodiff::{GraphError, Shape};

use crate::cpu::isa::IsaError;
use crate::plan::PlanError;

/// A plan that cannot be made, or a program that cannot be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// The graph itself is wrong.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A state's next value has another shape, or the state is no input.
    #[error(
        "the state `{name}` of shape {} cannot be replaced by a value of shape {}",
        .shapes.0, .shapes.1
    )]
    State {
        /// The state's name.
        name: String,
        /// The state's shape, and that of its next value.
        shapes: Box<(Shape, Shape)>,
    },
    /// A state has two next values.
    #[error("the state `{name}` is given two next values")]
    StateTwice {
        /// The state's name.
        name: String,
    },
    /// Something that must be an input of the program is not.
    #[error("the program has no input number {index}")]
    NoInput {
        /// The input's number in its graph.
        index: usize,
    },
    /// What a window is fed with is not there.
    #[error(transparent)]
    Feed(#[from] crate::FeedError),
    /// The number of values does not fit.
    #[error("the input `{name}` of shape {shape} needs {} values, got {got}", .shape.elements())]
    Length {
        /// The input's name.
        name: String,
        /// The input's shape.
        shape: Shape,
        /// How many values came.
        got: usize,
    },
    /// An input was never written.
    #[error("the input `{name}` of shape {shape} has no value yet; write it before running")]
    Unset {
        /// The input's name.
        name: String,
        /// The input's shape.
        shape: Shape,
    },
    /// An input that is bound to data was to be written, or is a state.
    #[error("the input `{name}` is bound to data, which nothing can change; load other data")]
    Bound {
        /// The input's name.
        name: String,
    },
    /// A state, window or output has the name of another, or a record that of another.
    #[error("the name `{name}` is given twice in one step; every name is to be there once")]
    NameTwice {
        /// The name.
        name: String,
    },
    /// A step has nothing of this name that can be used so.
    #[error("the step has no `{name}` that can be read or set so")]
    NoName {
        /// The name.
        name: String,
    },
    /// There are fewer replicas.
    #[error("there is no replica {replica}; the run has {replicas}, counted from 0")]
    Replica {
        /// The replica's number.
        replica: usize,
        /// How many there are.
        replicas: usize,
    },
    /// An index is no whole number, or outside its axis.
    #[error(
        "index {value} at position {position} of `{name}` must be a whole number below {length}"
    )]
    Index {
        /// The index input, or the operation that uses the index.
        name: String,
        /// The offending value.
        value: f64,
        /// Where it stands.
        position: usize,
        /// One past the largest value allowed.
        length: usize,
    },
    /// The program is larger than the memory that the system gives.
    #[error(
        "the program needs {} MB of memory, which the system does not give; use smaller \
         minibatches, fewer draws or single precision", .needed >> 20
    )]
    Memory {
        /// Bytes that are needed, or of its largest part.
        needed: usize,
    },
    /// A step has more draws of noise than there are streams for them.
    #[error(
        "a step of {draws} draws has no streams left for its noise; use fewer draws, of which \
         each takes a stream for every random variable of the step"
    )]
    Streams {
        /// Draws of the step.
        draws: usize,
    },
    /// A plan breaks a rule, which is a mistake of this library.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The device cannot be had, or failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The requested instruction set cannot be had.
    #[error(transparent)]
    Isa(#[from] IsaError),
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
