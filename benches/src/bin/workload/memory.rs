//! How much memory the process has taken.

use std::error::Error;
use std::fs;

/// The largest resident size so far, in bytes, as Linux reports it.
///
/// # Errors
/// Where there is no such report.
pub fn peak_bytes() -> Result<usize, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")
        .map_err(|error| format!("peak memory is read from /proc/self/status: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.ok_or("/proc/self/status has no line VmHWM")?;
    let number: usize = kibibytes.trim().trim_end_matches(" kB").parse()?;
    Ok(1024 * number)
}
