//! A step as a graph of kernels and products, captured once and replayed; that of a rank as
//! several, between which it meets the others.

use std::ops::Range;
use std::sync::Arc;

use cudarc::driver::sys::{CUgraphInstantiate_flags, CUstreamCaptureMode};
use cudarc::driver::{
    CudaFunction, CudaGraph, CudaStream, DevicePtr, LaunchConfig, PushKernelArg, sys,
};

use super::Cuda;
use super::calls::{bind, driver};
use super::memory::{Block, copy_in, copy_out, synchronize};
use super::products::Blas;
use crate::cuda::emit::{AllReduceMean, Launch, Product, Source};
use crate::cuda::program::{Engine, Memory};
use crate::element::Precision;
use crate::error::DeviceError;

/// Steps of a rank that are launched before it waits for them: few, so that neither driver nor NCCL
/// blocks it in a call, where it could not notice the failure of another rank.
const STEPS_IN_FLIGHT: u64 = 32;

/// The other ranks of a group, as the program of one sees them. To drop this is to leave them, and
/// ends what waits for them on the GPU.
pub(super) trait Peers: Send {
    /// Begins the mean over all ranks of so many numbers, from one address to another.
    fn all_reduce_mean(
        &self,
        addresses: [u64; 2],
        numbers: usize,
        precision: Precision,
        stream: &CudaStream,
    ) -> Result<(), DeviceError>;
    /// Whether the stream is done, as long as no rank has failed.
    fn is_done(&self, stream: &CudaStream) -> Result<bool, DeviceError>;
}

/// A launch whose kernel is loaded.
enum Loaded {
    Kernel(CudaFunction, LaunchConfig),
    Product(Product),
    AllReduceMean(AllReduceMean),
}

/// What follows what in a step.
enum Piece {
    Graph(CudaGraph),
    /// Ranks meet: the number of the launch.
    Meeting(usize),
}

/// A program's stream, memory and graphs. The peers go first, for whom nothing may wait that goes
/// later, then the graphs, which refer to all the others.
pub(super) struct Gpu {
    /// Whether it is a rank of a group.
    is_rank: bool,
    /// Those that it meets: none before they are connected, and none after a failure.
    peers: Option<Box<dyn Peers>>,
    pieces: Vec<Piece>,
    launches: Vec<Loaded>,
    blas: Option<Blas>,
    bytes: Block,
    stream: Arc<CudaStream>,
    memory: Memory,
    precision: Precision,
}

// SAFETY: a program is used by one thread at a time, and every call binds the context to the
// thread that makes it.
unsafe impl Send for Gpu {}

impl Gpu {
    pub(super) fn new(
        cuda: &Cuda,
        source: &Source,
        memory: &Memory,
        precision: Precision,
        is_rank: bool,
    ) -> Result<Gpu, DeviceError> {
        let context = &cuda.context;
        let module = cuda.module(&source.text)?;
        let load = |launch: &Launch| {
            Ok(match launch {
                Launch::Product(product) => Loaded::Product(product.clone()),
                Launch::AllReduceMean(mean) => Loaded::AllReduceMean(mean.clone()),
                Launch::Kernel(kernel) => Loaded::Kernel(
                    module
                        .load_function(&kernel.name)
                        .map_err(driver("cuModuleGetFunction"))?,
                    LaunchConfig {
                        grid_dim: (kernel.blocks, 1, 1),
                        block_dim: (kernel.threads, 1, 1),
                        shared_mem_bytes: kernel.shared_bytes(),
                    },
                ),
            })
        };
        let launches: Vec<Loaded> = source.launches.iter().map(load).collect::<Result<_, _>>()?;
        let stream = context.new_stream().map_err(driver("cuStreamCreate"))?;
        let bytes = match is_rank {
            true => Block::reachable(&stream, memory.bytes)?,
            false => Block::pooled(&stream, memory.bytes)?,
        };
        let multiplies = launches.iter().any(|l| matches!(l, Loaded::Product(_)));
        let blas = match multiplies {
            true => Some(Blas::new(&stream, precision, cuda.products)?),
            false => None,
        };
        let mut gpu = Gpu {
            is_rank,
            peers: None,
            pieces: Vec::new(),
            launches,
            blas,
            bytes,
            stream,
            memory: memory.clone(),
            precision,
        };
        gpu.pieces = gpu.captured_pieces()?;
        Ok(gpu)
    }

    /// Where its launches follow one another.
    #[cfg(feature = "nccl")]
    pub fn stream(&self) -> &CudaStream {
        &self.stream
    }

    /// Gives a rank those that it meets.
    #[cfg(feature = "nccl")]
    pub fn join(&mut self, peers: Box<dyn Peers>) {
        self.peers = Some(peers);
    }

    /// Waits no more for other ranks, and ends what does on the GPU.
    pub fn leave(&mut self) {
        self.peers = None;
    }

    /// The launches in which ranks meet.
    #[cfg(feature = "nccl")]
    pub fn meetings(&self) -> Vec<usize> {
        let meetings = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Graph(_) => None,
            Piece::Meeting(number) => Some(*number),
        });
        meetings.collect()
    }

    /// Whether all is done that was launched, as long as no rank has failed.
    pub fn is_done(&self) -> Result<bool, DeviceError> {
        let peers = self.peers.as_ref().ok_or(DeviceError::RankFailed)?;
        peers.is_done(&self.stream)
    }

    /// Waits for all that was launched, unless another rank fails.
    fn wait(&self) -> Result<(), DeviceError> {
        if !self.is_rank {
            return self.synchronize();
        }
        // To wait inside the driver would be to wait for ever for a rank that failed.
        while !self.is_done()? {
            std::thread::yield_now();
        }
        Ok(())
    }

    /// After a failure nothing here waits for other ranks.
    fn leaving_on_error<R>(&mut self, done: Result<R, DeviceError>) -> Result<R, DeviceError> {
        if done.is_err() {
            self.leave();
        }
        done
    }

    /// A step as one graph, or that of a rank as graphs with its meetings between them. Meetings
    /// are no part of a graph: NCCL's documentation warns of deadlocks where one process captures
    /// on several GPUs, and to leave a communicator is to wait for the end of graphs that use it.
    fn captured_pieces(&self) -> Result<Vec<Piece>, DeviceError> {
        let meets = |launch: &Loaded| self.is_rank && matches!(launch, Loaded::AllReduceMean(_));
        let mut pieces = Vec::new();
        let mut start = 0;
        for run in self.launches.chunk_by(|a, b| !meets(a) && !meets(b)) {
            let end = start + run.len();
            if meets(&run[0]) {
                pieces.push(Piece::Meeting(start));
            } else if let Some(graph) = self.captured(start..end)? {
                // What a first launch would allocate might wait for ranks that wait for this one.
                if self.is_rank {
                    graph.upload().map_err(driver("cuGraphUpload"))?;
                    self.synchronize()?;
                }
                pieces.push(Piece::Graph(graph));
            }
            start = end;
        }
        Ok(pieces)
    }

    /// These launches as one graph.
    fn captured(&self, mut launches: Range<usize>) -> Result<Option<CudaGraph>, DeviceError> {
        self.synchronize()?;
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        let begun = self.stream.begin_capture(mode);
        begun.map_err(driver("cuStreamBeginCapture"))?;
        let launched = launches.try_for_each(|number| self.launch(number));
        // The capture is ended even when a launch failed: the stream is of no use before.
        let graph = self.stream.end_capture(CUgraphInstantiate_flags(0));
        launched?;
        graph.map_err(driver("cuStreamEndCapture"))
    }

    fn pointer(&self) -> u64 {
        self.bytes.device_ptr(&self.stream).0
    }

    fn synchronize(&self) -> Result<(), DeviceError> {
        synchronize(&self.stream)
    }

    /// Begins one launch of a step.
    pub fn launch(&self, number: usize) -> Result<(), DeviceError> {
        match &self.launches[number] {
            Loaded::Product(product) => {
                let Some(blas) = &self.blas else {
                    unreachable!("a program with products has a handle");
                };
                blas.multiply(product, self.pointer() + self.memory.arena as u64)
            }
            Loaded::AllReduceMean(mean) => self.average(mean),
            Loaded::Kernel(function, shape) => {
                let start = self.pointer();
                let (arena, indices, partials) = (
                    start + self.memory.arena as u64,
                    start + self.memory.indices as u64,
                    start + self.memory.partials as u64,
                );
                let mut launch = self.stream.launch_builder(function);
                launch.arg(&arena).arg(&indices).arg(&partials).arg(&start);
                // SAFETY: the kernel takes four pointers, into memory that is as large as the
                // text was printed for and lives as long as the graph.
                let done = unsafe { launch.launch(*shape) };
                done.map(|_| ()).map_err(driver("cuLaunchKernel"))
            }
        }
    }

    /// The mean over the ranks, of one rank a copy.
    fn average(&self, mean: &AllReduceMean) -> Result<(), DeviceError> {
        let size = self.precision.bytes();
        let arena = self.pointer() + self.memory.arena as u64;
        let addresses = [mean.source, mean.out].map(|place| arena + (place * size) as u64);
        match &self.peers {
            _ if mean.numbers == 0 => Ok(()),
            Some(peers) => {
                peers.all_reduce_mean(addresses, mean.numbers, self.precision, &self.stream)
            }
            None if self.is_rank => Err(DeviceError::RankFailed),
            None => self.copy_bytes(addresses, mean.numbers * size),
        }
    }

    /// Copies bytes from one address of the program's memory to another; the two ranges do not
    /// overlap.
    fn copy_bytes(&self, [from, to]: [u64; 2], bytes: usize) -> Result<(), DeviceError> {
        let context = self.stream.context();
        context
            .bind_to_thread()
            .map_err(driver("cuCtxSetCurrent"))?;
        // SAFETY: both ranges are inside the memory, and do not overlap.
        let copied = unsafe {
            cudarc::driver::result::memcpy_dtod_async(to, from, bytes, self.stream.cu_stream())
        };
        copied.map_err(driver("cuMemcpyDtoD"))
    }

    fn run_steps(&self, steps: u64) -> Result<(), DeviceError> {
        for step in 0..steps {
            if self.is_rank && step.is_multiple_of(STEPS_IN_FLIGHT) {
                self.wait()?;
            }
            for piece in &self.pieces {
                match piece {
                    Piece::Graph(graph) => graph.launch().map_err(driver("cuGraphLaunch"))?,
                    Piece::Meeting(number) => self.launch(*number)?,
                }
            }
        }
        self.wait()
    }

    fn timed(&self, launch: usize) -> Result<f64, DeviceError> {
        let flags = Some(sys::CUevent_flags::CU_EVENT_DEFAULT);
        let event = || {
            self.stream
                .record_event(flags)
                .map_err(driver("cuEventRecord"))
        };
        let begin = event()?;
        self.launch(launch)?;
        let end = event()?;
        if self.is_rank {
            self.wait()?;
        }
        let elapsed = begin.elapsed_ms(&end);
        Ok(f64::from(elapsed.map_err(driver("cuEventElapsedTime"))?) * 1e-3)
    }
}

impl Engine for Gpu {
    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), DeviceError> {
        copy_in(&self.stream, bytes, &mut self.bytes, at)?;
        // The bytes are the caller's again.
        self.synchronize()
    }

    fn read(&self, at: usize, bytes: &mut [u8]) -> Result<(), DeviceError> {
        copy_out(&self.stream, &self.bytes, at, bytes)
    }

    fn copy(&mut self, from: Range<usize>, to: usize) -> Result<(), DeviceError> {
        if from.is_empty() {
            return Ok(());
        }
        // One range is of the arena, the other of what is kept.
        let start = self.pointer();
        let addresses = [from.start, to].map(|place| start + place as u64);
        self.copy_bytes(addresses, from.len())
    }

    fn run(&mut self, steps: u64) -> Result<(), DeviceError> {
        let done = self.run_steps(steps);
        self.leaving_on_error(done)
    }

    fn time(&mut self, launch: usize) -> Result<f64, DeviceError> {
        let timed = self.timed(launch);
        self.leaving_on_error(timed)
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        self.leave();
        // What is freed next looks for its context on this thread, which may drop programs of
        // several, and must find it even where an earlier error is still to be reported.
        bind(self.stream.context());
    }
}
