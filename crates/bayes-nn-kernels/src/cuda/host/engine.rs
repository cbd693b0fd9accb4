//! What stands for a GPU: memory in which kernels of a library run, one after the other.

use std::ffi::c_void;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use libloading::{Library, Symbol};

use super::Host;
use crate::cuda::emit::{AllReduceMean, BlockLoop, Launch, Product, Source};
use crate::cuda::program::{Engine, Memory};
use crate::cuda::replicas::LoopEngine;
use crate::element::{Element, Precision};
use crate::error::DeviceError;
use crate::ranks::Seat;

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
pub(super) struct HostEngine {
    library: Arc<Library>,
    launches: Vec<Launch>,
    words: Words,
    memory: Memory,
    precision: Precision,
    reversed: bool,
    seat: Option<Seat>,
}

impl HostEngine {
    pub fn new(
        host: &Host,
        source: &Source,
        memory: &Memory,
        precision: Precision,
        seat: Option<Seat>,
    ) -> Result<HostEngine, DeviceError> {
        Ok(HostEngine {
            library: host.library(&source.text)?,
            launches: source.launches.clone(),
            words: Words::new(memory.bytes),
            memory: memory.clone(),
            precision,
            reversed: host.reversed,
            seat,
        })
    }

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
pub(super) struct HostLoop {
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
    pub fn new(host: &Host, code: &BlockLoop) -> Result<HostLoop, DeviceError> {
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
