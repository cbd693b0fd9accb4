//! The kernels on this machine: the text that a GPU would run, compiled as C++ behind a header
//! that plays its grid, block by block and thread by thread. For checking, not for speed.

mod engine;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use libloading::Library;

use super::emit::{BlockLoop, Source, Tiny};
use super::program::{DeviceProgram, Launches, LoadedLaunches, Memory};
use super::replicas;
use crate::backend::{Backend, Loaded};
use crate::data::Binding;
use crate::element::Precision;
use crate::error::{DeviceError, KernelError};
use crate::plan::Plan;
use crate::ranks::{DeviceGroup, Seat, rank};
use engine::{HostEngine, HostLoop};

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
        move |source, memory| HostEngine::new(&host, source, memory, precision, seat.clone())
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
