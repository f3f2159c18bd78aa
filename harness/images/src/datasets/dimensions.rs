//! Widths and heights of a data set's pictures, before resizing.

use super::{DataError, DatasetSpec, Item};
use crate::pixels;
use harness_record::monitor::Monitor;
use rayon::prelude::*;
use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

/// Number of bytes that are read of a file. A camera writes less than this before the picture itself.
const HEAD: u64 = 256 << 10;

/// Width and height of each of `items`, in order. Only pictures that are single files and give their size in their
/// header are included.
pub fn dimensions(
    spec: &DatasetSpec,
    items: &[Item],
    data_dir: &Path,
    monitor: &dyn Monitor,
) -> Result<Vec<(u32, u32)>, DataError> {
    // In a pack, pictures are already resized. The pictures of a composed set lie in several folders.
    let [folder] = &spec.open(data_dir)?[..] else { return Ok(Vec::new()) };
    if folder.packed().is_some() {
        return Ok(Vec::new());
    }
    monitor.begin("measuring pictures", items.len() as u64);
    let measured: Vec<Option<(u32, u32)>> = items
        .par_iter()
        .map(|item| {
            if monitor.stopped() {
                return Err(DataError::Interrupted);
            }
            // An error is ignored, because a picture that cannot be read was already reported when it was decoded.
            let head = head(&folder.file(&item.name)).ok();
            monitor.advance(1);
            Ok(head.and_then(|head| pixels::dimensions(&head)))
        })
        .collect::<Result<_, _>>()?;
    monitor.end();
    Ok(measured.into_iter().flatten().collect())
}

fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}
