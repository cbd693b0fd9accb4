//! Compiling a program's text for an architecture, with NVIDIA's run-time compiler (NVRTC). It
//! needs neither a GPU nor a driver. What was compiled is kept in memory and on disk.

use std::ffi::CString;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use cudarc::nvrtc::{result, sys};

use super::cache::Cache;
use crate::error::DeviceError;

/// What every text is compiled with, besides its architecture.
const OPTIONS: [&str; 1] = ["--std=c++17"];

/// The compiler's version, major and minor.
///
/// # Errors
/// When there is no NVRTC library.
pub fn version() -> Result<(i32, i32), DeviceError> {
    static PRESENT: OnceLock<bool> = OnceLock::new();
    // SAFETY: asks whether a library can be loaded.
    if !*PRESENT.get_or_init(|| unsafe { sys::is_culib_present() }) {
        return Err(DeviceError::NoLibrary {
            library: "NVRTC (libnvrtc)",
            wheel: "nvidia-cuda-nvrtc",
        });
    }
    let (mut major, mut minor) = (0, 0);
    // SAFETY: the library is there, and writes two numbers.
    let done = unsafe { sys::nvrtcVersion(&mut major, &mut minor) };
    done.result().map_err(|error| call("nvrtcVersion", error))?;
    Ok((major, minor))
}

/// Machine code of a text for an architecture such as `sm_90`, compiled now.
///
/// # Errors
/// When there is no NVRTC library, when it does not know the architecture, and when it does not
/// take the text.
pub fn compile(text: &str, architecture: &str) -> Result<Vec<u8>, DeviceError> {
    version()?;
    let text = CString::new(text).map_err(|error| DeviceError::Compile {
        log: error.to_string(),
    })?;
    let created = result::create_program(&text, Some(c"program.cu"));
    let program = Compilation(created.map_err(|error| call("nvrtcCreateProgram", error))?);
    let mut options = OPTIONS.map(str::to_owned).to_vec();
    options.push(format!("--gpu-architecture={architecture}"));
    // SAFETY: the program was created above and lives until the end of this function.
    unsafe {
        if result::compile_program(program.0, &options).is_err() {
            let log = result::get_program_log(program.0).unwrap_or_default();
            let log: Vec<u8> = log.into_iter().map(|c| c as u8).collect();
            return Err(DeviceError::Compile {
                log: String::from_utf8_lossy(&log)
                    .trim_end_matches('\0')
                    .to_owned(),
            });
        }
        let mut size = 0;
        let asked = sys::nvrtcGetCUBINSize(program.0, &mut size).result();
        asked.map_err(|error| call("nvrtcGetCUBINSize", error))?;
        let mut code = vec![0u8; size];
        let copied = sys::nvrtcGetCUBIN(program.0, code.as_mut_ptr().cast()).result();
        copied.map_err(|error| call("nvrtcGetCUBIN", error))?;
        Ok(code)
    }
}

/// [`compile`], unless this text was compiled before for this architecture by this version of
/// the compiler.
///
/// # Errors
/// As [`compile`].
pub fn compile_once(text: &str, architecture: &str) -> Result<Arc<[u8]>, DeviceError> {
    static CACHE: OnceLock<Cache> = OnceLock::new();
    let (major, minor) = version()?;
    let key = format!(
        "nvrtc {major}.{minor} {architecture} {}\n{text}",
        OPTIONS.join(" ")
    );
    CACHE
        .get_or_init(|| Cache::new(folder()))
        .get(&key, || compile(text, architecture))
}

/// The folder of compiled programs: BAYES_NN_CACHE, else the user's cache.
fn folder() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = || {
        let home = || Some(PathBuf::from(set("HOME")?).join(".cache"));
        set("XDG_CACHE_HOME").map(PathBuf::from).or_else(home)
    };
    set("BAYES_NN_CACHE")
        .map(PathBuf::from)
        .or_else(|| Some(cache()?.join("bayes-nn")))
}

/// A program of the compiler, given back when this is gone.
struct Compilation(sys::nvrtcProgram);

impl Drop for Compilation {
    fn drop(&mut self) {
        // SAFETY: created once, destroyed once. What fails to be freed is lost, no more.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

fn call(call: &'static str, error: result::NvrtcError) -> DeviceError {
    DeviceError::Call {
        call,
        message: error.to_string(),
    }
}
