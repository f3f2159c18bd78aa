//! Measures how fast pictures are decoded and resized, and read back from the cache. `docs/performance.md` compares the
//! results with Pillow.

use crate::datasets::{DataError, any_folder::AnyFolder};
use harness_record::{monitor::Monitor, rows::FileRow};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// The times of reading the pictures of a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSpeed {
    /// Seconds of each pass in which all pictures were read from their files, decoded and resized.
    pub cold: Vec<f64>,
    /// Seconds of each pass with a filled cache, like a second start: the folder is searched for changed files, then
    /// all pictures are read from the cache.
    pub cached: Vec<f64>,
    /// Number of pictures.
    pub images: usize,
    /// Files that have the extension of a picture but are none, with the reason.
    pub skipped: Vec<FileRow>,
}

/// Times every picture below `folder`, `size` × `size` pixels each, `repeat` times cold and `repeat` times cached, in
/// turn. The cache is kept below `cache`, which should be an empty folder. Threads are rayon's.
pub fn data(
    folder: &Path,
    size: u32,
    repeat: usize,
    cache: &Path,
    monitor: &dyn Monitor,
) -> Result<DataSpeed, DataError> {
    let (mut cold, mut cached) = (Vec::with_capacity(repeat), Vec::with_capacity(repeat));
    // From here on, the system has all files in its memory, for both kinds of passes.
    let mut found = AnyFolder::survey(folder, cache, monitor)?;
    let mut counted = (0, Vec::new());
    for _ in 0..repeat {
        let (made, took) = timed(|| found.decode(size, monitor))?;
        cold.push(took);
        let kept = found.keep(made, cache, size)?;
        let (read, took) = timed(|| {
            found = AnyFolder::survey(folder, cache, monitor)?;
            Ok(found.cached(cache, size, monitor))
        })?;
        cached.push(took);
        // The time is meaningless if the pictures that were read differ from those that were made.
        if read.as_ref() != Some(&kept) {
            return Err(DataError::Changed { path: folder.to_owned() });
        }
        counted = (kept.items.len(), kept.left_out);
    }
    let (images, mut skipped) = counted;
    skipped.extend_from_slice(found.left_out());
    Ok(DataSpeed { cold, cached, images, skipped })
}

fn timed<T>(work: impl FnOnce() -> Result<T, DataError>) -> Result<(T, f64), DataError> {
    let start = Instant::now();
    let done = work()?;
    let took: Duration = start.elapsed();
    Ok((done, took.as_secs_f64()))
}
