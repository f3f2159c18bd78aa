//! JSON files, indented and with a line feed at the end.

use crate::failure::{Failure, Outcome};
use harness_record::files;
use serde::Serialize;
use std::path::Path;

pub(crate) fn write<T: Serialize>(path: &Path, value: &T) -> Outcome {
    Ok(files::write(path, &bytes(value)?)?)
}

/// The bytes that [`write`] writes.
pub(crate) fn bytes<T: Serialize>(value: &T) -> Outcome<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value).map_err(Failure::run)?;
    text.push(b'\n');
    Ok(text)
}
