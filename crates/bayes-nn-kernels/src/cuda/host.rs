//! The kernels on this machine: the text that a GPU would run, compiled as C++ behind a header
//! that plays its grid, block by block and thread by thread. For checking, not for speed.

use std::collections::HashMap;
use std::ffi::c_void;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use libloading::{Library, Symbol};

use super::emit::{Launch, Product};
use super::program::{DeviceProgram, Engine, Memory};
use crate::device::DeviceError;
use crate::plan::Plan;
use crate::{Backend, KernelError, Precision, Program};

/// CUDA's words in C++.
const HEADER: &str = include_str!("host.hpp");

/// A C++ compiler that stands in for a GPU.
///
/// Threads of a block take turns at barriers; products that a library would do are plain loops
/// over the same arguments. [`Host::reversed`] starts blocks and threads from the last: kernels
/// without races give the same bits.
#[derive(Clone, Debug)]
pub struct Host {
    compiler: PathBuf,
    reversed: bool,
    /// Compiled texts of this process.
    known: Arc<Mutex<HashMap<String, Arc<Library>>>>,
}

impl Host {
    /// The compiler that the environment variable `CXX` names, else `c++`.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn find() -> Result<Host, DeviceError> {
        let compiler = std::env::var_os("CXX").map_or_else(|| "c++".into(), PathBuf::from);
        let mut question = Command::new(&compiler);
        question
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match question.status() {
            Ok(status) if status.success() => Ok(Host {
                compiler,
                reversed: false,
                known: Arc::default(),
            }),
            _ => Err(DeviceError::NoHostCompiler { compiler }),
        }
    }

    /// Blocks, and threads between barriers, in the opposite order.
    pub fn reversed(self) -> Host {
        let reversed = !self.reversed;
        Host { reversed, ..self }
    }

    fn library(&self, text: &str) -> Result<Arc<Library>, DeviceError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = known.get(text) {
            return Ok(library.clone());
        }
        let library = Arc::new(self.compile(text)?);
        known.insert(text.to_owned(), library.clone());
        Ok(library)
    }

    fn compile(&self, text: &str) -> Result<Library, DeviceError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("bayes-nn-host-{}-{number}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        let io = |error: std::io::Error| DeviceError::Compile {
            log: error.to_string(),
        };
        std::fs::create_dir_all(&folder.0).map_err(io)?;
        let (source, out) = (folder.0.join("program.cpp"), folder.0.join("program.so"));
        std::fs::write(&source, format!("{HEADER}\n{text}")).map_err(io)?;
        let output = Command::new(&self.compiler)
            .args([
                "-std=c++17",
                "-O1",
                "-w",
                "-ffp-contract=off",
                "-fPIC",
                "-shared",
                "-o",
            ])
            .args([&out, &source])
            .output()
            .map_err(io)?;
        if !output.status.success() {
            let log = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(DeviceError::Compile { log });
        }
        // SAFETY: the library was just made of a text that runs nothing when it is loaded.
        let library = unsafe { Library::new(&out) };
        library.map_err(|error| DeviceError::Compile {
            log: error.to_string(),
        })
    }
}

/// A folder that is gone when this is.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the system's folder for temporary files.
        let _ = std::fs::remove_dir_all::<&Path>(&self.0);
    }
}

impl Backend for Host {
    fn compile(&self, plan: &Plan, precision: Precision) -> Result<Box<dyn Program>, KernelError> {
        let program = DeviceProgram::new(plan, precision, |source, memory| {
            Ok(HostEngine {
                library: self.library(&source.text)?,
                launches: source.launches.clone(),
                bytes: vec![0; memory.bytes.div_ceil(8)],
                memory: memory.clone(),
                precision,
                reversed: self.reversed,
            })
        })?;
        Ok(Box::new(program))
    }
}

struct HostEngine {
    library: Arc<Library>,
    launches: Vec<Launch>,
    /// The device's memory, in words so that it is aligned.
    bytes: Vec<u64>,
    memory: Memory,
    precision: Precision,
    reversed: bool,
}

type KernelFunction = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void, *mut c_void);
type LaunchFunction = unsafe extern "C" fn(
    KernelFunction,
    u32,
    u32,
    i32,
    i32,
    *mut c_void,
    *mut c_void,
    *mut c_void,
    *mut c_void,
) -> i32;

impl HostEngine {
    fn start(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr().cast()
    }

    fn launch(&mut self, number: usize) -> Result<(), DeviceError> {
        let start = self.start();
        let at = |offset: usize| start.wrapping_add(offset).cast::<c_void>();
        let kernel = match &self.launches[number] {
            Launch::Kernel(kernel) => kernel,
            Launch::Product(product) => {
                match self.precision {
                    Precision::F32 => by_columns(product, at(self.memory.arena).cast::<f32>()),
                    Precision::F64 => by_columns(product, at(self.memory.arena).cast::<f64>()),
                }
                return Ok(());
            }
        };
        let missing = |error: libloading::Error| DeviceError::Compile {
            log: error.to_string(),
        };
        // SAFETY: the text declares every launched kernel, and the header `launch`, with these
        // types; the memory is as large as the text was printed for.
        let met = unsafe {
            let function: Symbol<'_, KernelFunction> =
                self.library.get(kernel.name.as_bytes()).map_err(missing)?;
            let launch: Symbol<'_, LaunchFunction> =
                self.library.get(b"launch").map_err(missing)?;
            launch(
                *function,
                kernel.blocks,
                kernel.threads,
                i32::from(kernel.barriers),
                i32::from(self.reversed),
                at(self.memory.arena),
                at(self.memory.indices),
                at(self.memory.partials),
                at(0),
            )
        };
        match met {
            0 => Err(DeviceError::Barrier {
                kernel: kernel.name.clone(),
            }),
            _ => Ok(()),
        }
    }
}

impl Engine for HostEngine {
    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), DeviceError> {
        assert!(at + bytes.len() <= self.memory.bytes);
        // SAFETY: the range is inside the memory, and nothing else uses it.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.start().add(at), bytes.len());
        }
        Ok(())
    }

    fn read(&self, at: usize, bytes: &mut [u8]) -> Result<(), DeviceError> {
        assert!(at + bytes.len() <= self.memory.bytes);
        let start: *const u8 = self.bytes.as_ptr().cast();
        // SAFETY: as in `write`.
        unsafe { std::ptr::copy_nonoverlapping(start.add(at), bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn copy(&mut self, from: Range<usize>, to: usize) -> Result<(), DeviceError> {
        let mut bytes = vec![0; from.len()];
        self.read(from.start, &mut bytes)?;
        self.write(to, &bytes)
    }

    fn run(&mut self, steps: u64) -> Result<(), DeviceError> {
        /// A library has one grid; programs that share it take turns.
        static GRID: Mutex<()> = Mutex::new(());
        let _turn = GRID.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..steps {
            for number in 0..self.launches.len() {
                self.launch(number)?;
            }
        }
        Ok(())
    }

    fn time(&mut self, launch: usize) -> Result<f64, DeviceError> {
        let begin = Instant::now();
        self.launch(launch)?;
        Ok(begin.elapsed().as_secs_f64())
    }
}

/// `c = op(a) op(b)` as BLAS defines it, from the arguments that a library would get.
fn by_columns<T: crate::Element>(product: &Product, arena: *mut T) {
    let read = |(offset, leading, transposed): (usize, usize, bool), row: usize, column: usize| {
        let place = match transposed {
            false => row + column * leading,
            true => column + row * leading,
        };
        // SAFETY: the plan placed both operands inside the arena.
        unsafe { *arena.add(offset + place) }
    };
    for column in 0..product.n {
        for row in 0..product.m {
            let mut sum = T::ZERO;
            for k in 0..product.k {
                sum += read(product.a, row, k) * read(product.b, k, column);
            }
            // SAFETY: the plan placed the result inside the arena.
            unsafe { *arena.add(product.c.0 + row + column * product.c.1) = sum };
        }
    }
}
