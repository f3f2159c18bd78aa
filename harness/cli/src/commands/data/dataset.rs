//! Finds the data set that a command line means, checks that it is there, and surveys its pictures.

use crate::{
    failure::{Failure, Outcome},
    manifests::Manifests,
    progress::Progress,
};
use harness_fetch::{
    holdings, install,
    manifest::{Layout, Manifest},
};
use harness_images::datasets::{self, DatasetSpec, Survey};
use harness_record::vocabulary::Purpose;
use std::path::Path;

/// The data set named like a manifest, or written in braces as in a spec.
pub(super) fn named(text: &str, manifests: &Manifests) -> Outcome<DatasetSpec> {
    if !text.trim_start().starts_with('{') {
        return of_manifest(manifests.named(text)?);
    }
    let wrong = |why: String| {
        Failure::Usage(format!("{text}: {why}; expected a spec's data set, as '{{oxford-iiit-pet: {{folder: pets}}}}'"))
    };
    // The value goes through JSON, which names a variant by a mapping with one key, as specs do.
    let value: serde_json::Value = serde_yaml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let spec: DatasetSpec = serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
    spec.check().map_err(|(field, expected)| wrong(format!("{field} must be {expected}")))?;
    Ok(spec)
}

/// The data set that a manifest describes: the one that reads its layout.
pub(super) fn of_manifest(manifest: &Manifest) -> Outcome<DatasetSpec> {
    let folder = match &manifest.layout {
        Layout::ClassFolders(classes) => format!("{}/{classes}", manifest.folder()),
        _ => manifest.folder().to_owned(),
    };
    let why = match &manifest.layout {
        Layout::Weights => "these are weights, which contain no pictures",
        _ => "no kind of data set has the layout of its manifest",
    };
    DatasetSpec::of_layout(&manifest.layout.name(), &folder)
        .ok_or_else(|| Failure::Usage(format!("{}: {why}", manifest.name)))
}

/// Fails if a folder of the data set has a manifest but nothing is in place, and says what to put where. `why` tells
/// what cannot be done without it.
pub(super) fn must_be_there(spec: &DatasetSpec, manifests: &Manifests, data: &Path, why: &str) -> Outcome {
    let packed = datasets::packed(data)?;
    for (folder, manifest) in spec.folders().into_iter().zip(manifests.parts(spec)?) {
        let Some(manifest) = manifest else { continue };
        if !packed.contains_key(folder) && holdings::state(manifest, data)?.is_absent() {
            return Err(Failure::data(install::missing(manifest, data, why)));
        }
    }
    Ok(())
}

/// Surveys all pictures of a data set, each once: those with trimaps, or, in a set without trimaps, those for
/// pretraining. A drawn set has different pictures for each purpose.
pub(super) fn surveys(
    spec: &DatasetSpec,
    data: &Path,
    cache: &Path,
    progress: &Progress,
) -> Outcome<Vec<(Purpose, Survey)>> {
    let purposes = spec.purposes();
    if purposes.is_empty() {
        return Err(Failure::Usage(format!("{}: no pictures; expected at least 1 of any part", spec.name())));
    }
    let survey = |purpose| Ok((purpose, datasets::survey(spec, purpose, data, cache, progress)?));
    purposes.into_iter().map(survey).collect()
}
