//! Writes a digest into a manifest, and changes nothing else in it.

use super::{file_of, label};
use crate::failure::{Failure, Outcome};
use harness_fetch::manifest::{Manifest, Origin};
use harness_record::files;
use harness_study::spec::{
    diagnosis::Problems,
    locate::Found,
    path::{Path as Field, Step},
    source::Source,
};
use serde_json::Value;
use std::path::Path;

/// Writes `sha256` as the SHA-256 of file `number` of a manifest in the folder `folder`.
pub(crate) fn pin(folder: &Path, manifest: &Manifest, number: usize, sha256: &str) -> Outcome {
    let path = file_of(folder, &manifest.name);
    let (source, before) = Source::read(&path, &label(&path))?;
    let choice = if matches!(manifest.origin, Origin::OneOf(_)) { "one-of" } else { "download" };
    let field = Field::default().key("origin").key(choice).with(Step::Index(number)).key("sha256");
    let text = pinned(&source, &before, &field, sha256).ok_or_else(|| {
        let span = source.positions.find(&field.0).map(Found::name);
        Failure::from(
            source.diagnose(span, "the digest cannot be written here").help(format!("write {sha256} by hand")),
        )
    })?;
    Ok(files::write(&path, text.as_bytes())?)
}

/// The text with the field's value replaced; `None` if the field is not there or anything else would change.
fn pinned(source: &Source, before: &Value, field: &Field, sha256: &str) -> Option<String> {
    let span = source.positions.find(&field.0).filter(|found| found.scalar)?.value;
    let start: usize = source.text.split_inclusive('\n').take(span.line - 1).map(str::len).sum();
    let line = source.text[start..].lines().next()?;
    let at = |column: usize| line.char_indices().map(|(at, _)| at).chain([line.len()]).nth(column);
    let (from, to) = (at(span.column - 1)?, at(span.column - 1 + span.width)?);
    // Digits, with or without an `e`, would be read as a number.
    let value = match serde_yaml::from_str(sha256) {
        Ok(serde_yaml::Value::String(_)) => sha256.to_owned(),
        _ => format!("\"{sha256}\""),
    };
    let text = format!("{}{value}{}", &source.text[..start + from], &source.text[start + to..]);
    let (_, after): (Source, Value) = Source::parse(&source.label, text.clone()).map_err(Problems::into_vec).ok()?;
    let mut wanted = before.clone();
    *field.get_mut(&mut wanted)? = Value::String(sha256.to_owned());
    (after == wanted).then_some(text)
}
