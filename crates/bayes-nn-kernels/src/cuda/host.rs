//! The kernels on this machine: the text that a GPU would run, compiled as C++ behind a header
//! that plays its grid, block by block and thread by thread. For checking, not for speed.

use std::collections::HashMap;
use std::ffi::c_void;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use libloading::{Library, Symbol};

use super::emit::{AllReduceMean, BlockLoop, Launch, Product, Source, Tiny};
use super::program::{DeviceProgram, Engine, Launches, LoadedLaunches, Memory};
use super::replicas::{self, LoopEngine};
use crate::backend::{Backend, Loaded};
use crate::data::Binding;
use crate::element::{Element, Precision};
use crate::error::{DeviceError, KernelError};
use crate::plan::Plan;
use crate::ranks::{DeviceGroup, Seat, rank};

/// CUDA's words in C++.
const HEADER: &str = include_str!("host.hpp");

/// Bytes of shared memory of a block of the GPU that is played, Hopper's.
const SHARED: usize = 227 << 10;

/// A C++ compiler that stands in for a GPU.
///
/// Threads of a block take turns at barriers; products that a library would do are plain loops
/// over the same arguments. [`Host::reversed`] starts blocks and threads from the last: kernels
/// without races give the same bits.
#[derive(Clone, Debug)]
pub struct Host {
    compiler: PathBuf,
    reversed: bool,
    tiny: Tiny,
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
                tiny: Tiny::within(SHARED),
                known: Arc::default(),
            }),
            _ => Err(DeviceError::NoHostCompiler { compiler }),
        }
    }

    /// Blocks, and threads between barriers, in the opposite order.
    #[must_use]
    pub fn reversed(self) -> Host {
        let reversed = !self.reversed;
        Host { reversed, ..self }
    }

    /// Another rule for which plans are the loop of one block.
    #[must_use]
    pub fn tiny(self, tiny: Tiny) -> Host {
        Host { tiny, ..self }
    }

    /// This host as so many ranks, which meet in memory.
    ///
    /// # Errors
    /// When there are no ranks.
    pub fn group(self, ranks: usize) -> Result<DeviceGroup, DeviceError> {
        DeviceGroup::new(vec![self; ranks], |hosts, plan, data, precision| {
            let (hosts, launches) = (hosts.to_vec(), Launches::new(plan, data, precision)?);
            let launches = Arc::new(launches);
            Ok(Box::new(move |seats: Vec<Seat>| {
                let ranks = hosts.iter().zip(seats);
                let programs = ranks.map(|(host, seat)| {
                    let engine = host.engine(precision, Some(seat.clone()));
                    Ok(rank(DeviceProgram::new(&launches, Some(&seat), engine)?))
                });
                programs.collect()
            }))
        })
    }

    /// What makes an engine for launches.
    fn engine(
        &self,
        precision: Precision,
        seat: Option<Seat>,
    ) -> impl Fn(&Source, &Memory) -> Result<HostEngine, DeviceError> + Send + Sync + 'static {
        let host = self.clone();
        move |source, memory| {
            Ok(HostEngine {
                library: host.library(&source.text)?,
                launches: source.launches.clone(),
                words: Words::new(memory.bytes),
                memory: memory.clone(),
                precision,
                reversed: host.reversed,
                seat: seat.clone(),
            })
        }
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
                // Jumps between stacks are not what its checks expect.
                "-U_FORTIFY_SOURCE",
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
    fn load(
        &self,
        plan: &Arc<Plan>,
        data: &[Binding],
        precision: Precision,
    ) -> Result<Arc<dyn Loaded>, KernelError> {
        let engine = |code: &BlockLoop| HostLoop::new(self, code);
        if let Some(tiny) = replicas::load(plan, data, precision, self.tiny, engine)? {
            return Ok(tiny);
        }
        Ok(Arc::new(LoadedLaunches {
            launches: Arc::new(Launches::new(plan, data, precision)?),
            engine: self.engine(precision, None),
        }))
    }
}

/// Memory in words, so that it is aligned.
struct Words(Vec<u64>);

impl Words {
    fn new(bytes: usize) -> Words {
        Words(vec![0; bytes.div_ceil(8)])
    }

    fn start(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: eight bytes of each word, borrowed as long as the words are.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), 8 * self.0.len()) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and nothing else uses them.
        unsafe { std::slice::from_raw_parts_mut(self.start(), 8 * self.0.len()) }
    }
}

type KernelFunction = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void, *mut c_void);
type LaunchFunction = unsafe extern "C" fn(
    KernelFunction,
    u32,
    u32,
    u32,
    i32,
    *mut c_void,
    *mut c_void,
    *mut c_void,
    *mut c_void,
) -> i32;

/// A library has one grid; programs that share it take turns, kernel by kernel, so that ranks that
/// share it can meet.
fn grid() -> MutexGuard<'static, ()> {
    static GRID: Mutex<()> = Mutex::new(());
    GRID.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a kernel of a library over its memory.
///
/// # Safety
/// The four must be what the kernel was printed for.
unsafe fn launch(
    library: &Library,
    name: &str,
    [blocks, threads, shared]: [u32; 3],
    reversed: bool,
    [first, second, third, fourth]: [*mut c_void; 4],
) -> Result<(), DeviceError> {
    let missing = |error: libloading::Error| DeviceError::Compile {
        log: error.to_string(),
    };
    // SAFETY: the text declares the kernel, and the header `launch`, with these types.
    let met = unsafe {
        let function: Symbol<'_, KernelFunction> = library.get(name.as_bytes()).map_err(missing)?;
        let launch: Symbol<'_, LaunchFunction> = library.get(b"launch").map_err(missing)?;
        let reversed = i32::from(reversed);
        launch(
            *function, blocks, threads, shared, reversed, first, second, third, fourth,
        )
    };
    match met {
        0 => Err(DeviceError::Barrier {
            kernel: name.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Launches over one block of memory.
struct HostEngine {
    library: Arc<Library>,
    launches: Vec<Launch>,
    words: Words,
    memory: Memory,
    precision: Precision,
    reversed: bool,
    seat: Option<Seat>,
}

impl HostEngine {
    fn launch(&mut self, number: usize) -> Result<(), DeviceError> {
        let start = self.words.start();
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
            Launch::AllReduceMean(mean) => {
                let (seat, arena) = (self.seat.as_ref(), at(self.memory.arena));
                return match self.precision {
                    Precision::F32 => mean_over_ranks(mean, seat, arena.cast::<f32>()),
                    Precision::F64 => mean_over_ranks(mean, seat, arena.cast::<f64>()),
                };
            }
        };
        let _turn = grid();
        let parts = [
            self.memory.arena,
            self.memory.indices,
            self.memory.partials,
            0,
        ];
        let shape = [kernel.blocks, kernel.threads, kernel.shared_bytes()];
        // SAFETY: the memory is as large as the text was printed for.
        unsafe {
            launch(
                &self.library,
                &kernel.name,
                shape,
                self.reversed,
                parts.map(at),
            )
        }
    }
}

impl Engine for HostEngine {
    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), DeviceError> {
        self.words.bytes_mut()[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn read(&self, at: usize, bytes: &mut [u8]) -> Result<(), DeviceError> {
        bytes.copy_from_slice(&self.words.bytes()[at..at + bytes.len()]);
        Ok(())
    }

    fn copy(&mut self, from: Range<usize>, to: usize) -> Result<(), DeviceError> {
        self.words.bytes_mut().copy_within(from, to);
        Ok(())
    }

    fn run(&mut self, steps: u64) -> Result<(), DeviceError> {
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

/// The loop of a tiny program.
struct HostLoop {
    library: Arc<Library>,
    /// Bytes of a replica, threads of a block, bytes that its threads share.
    shape: [u32; 3],
    data: Words,
    /// Where the indices begin among the data.
    indices: usize,
    replicas: Words,
    reversed: bool,
}

impl HostLoop {
    fn new(host: &Host, code: &BlockLoop) -> Result<HostLoop, DeviceError> {
        Ok(HostLoop {
            library: host.library(&code.text)?,
            shape: [code.replica as u32, code.threads, code.shared as u32],
            data: Words::new(code.data),
            indices: code.data_indices,
            replicas: Words::new(0),
            reversed: host.reversed,
        })
    }

    fn launch(&mut self, replicas: &mut [u8], clocks: *mut u64) -> Result<(), DeviceError> {
        let _turn = grid();
        let [replica, threads, shared] = self.shape;
        if self.replicas.bytes().len() < replicas.len() {
            self.replicas = Words::new(replicas.len());
        }
        self.replicas.bytes_mut()[..replicas.len()].copy_from_slice(replicas);
        let data = self.data.start();
        let parts = [
            self.replicas.start(),
            data,
            data.wrapping_add(self.indices),
            clocks.cast(),
        ];
        let shape = [replicas.len() as u32 / replica, threads, shared];
        // SAFETY: the data are as large as the text was printed for, there are as many replicas as
        // blocks, and a clock for every pass unless there are none.
        let done = unsafe {
            launch(
                &self.library,
                "block_loop",
                shape,
                self.reversed,
                parts.map(<*mut u8>::cast),
            )
        };
        replicas.copy_from_slice(&self.replicas.bytes()[..replicas.len()]);
        done
    }
}

impl LoopEngine for HostLoop {
    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), DeviceError> {
        self.data.bytes_mut()[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn read(&self, at: usize, bytes: &mut [u8]) -> Result<(), DeviceError> {
        bytes.copy_from_slice(&self.data.bytes()[at..at + bytes.len()]);
        Ok(())
    }

    fn run(&mut self, replicas: &mut [u8]) -> Result<(), DeviceError> {
        self.launch(replicas, std::ptr::null_mut())
    }

    fn time(&mut self, replica: &mut [u8], clocks: &mut [u64]) -> Result<f64, DeviceError> {
        let begin = Instant::now();
        self.launch(replica, clocks.as_mut_ptr())?;
        Ok(begin.elapsed().as_secs_f64())
    }
}

/// `c = op(a) op(b)` as BLAS defines it, from the arguments that a library would get.
fn by_columns<T: Element>(product: &Product, arena: *mut T) {
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

/// What a library of collectives does.
fn mean_over_ranks<T: Element>(
    mean: &AllReduceMean,
    seat: Option<&Seat>,
    arena: *mut T,
) -> Result<(), DeviceError> {
    // SAFETY: the plan placed both values inside the arena.
    let own = |i| unsafe { *arena.add(mean.source + i) };
    // SAFETY: as above.
    let put = |i, number: T| unsafe { *arena.add(mean.out + i) = number };
    match seat {
        Some(seat) => seat.mean((0..mean.numbers).map(|i| own(i).to_f64()), |i, number| {
            put(i, T::from_f64(number))
        }),
        None => {
            (0..mean.numbers).for_each(|i| put(i, own(i)));
            Ok(())
        }
    }
}
