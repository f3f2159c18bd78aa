//! Code that all fuzz targets share.

use std::path::Path;
use tempfile::TempDir;

/// A folder that is removed at the end; in memory where the system has such a place, as a target writes it thousands of times a
/// second.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    made.expect("a temporary folder can be made")
}
