//! Which data set a command line means, whether it is there, and what of it is read.

use crate::{
    executors::data_failure,
    failure::{Failure, Outcome},
    manifests::Manifests,
    progress::Progress,
};
use harness_fetch::{
    holdings, install,
    manifest::{Layout, Manifest},
};
use harness_images::datasets::{
    self, CatsAndDogs, CatsAndDogsFiltered, Cifar10, DataError, DatasetSpec, OxfordIiitPet, PetsCorpus, Purpose,
    StanfordDogs, Survey, SyntheticPets,
};
use std::path::Path;

/// As many pictures as the demo draws.
const DEMO: SyntheticPets = SyntheticPets { trainval: 200, test: 80, unlabelled: 400, seed: 0 };

/// The data set of a manifest's name, or of a spec's section in braces.
pub(super) fn named(text: &str, manifests: &Manifests) -> Outcome<DatasetSpec> {
    if !text.trim_start().starts_with('{') {
        return of_manifest(manifests.named(text)?);
    }
    let wrong = |why: String| {
        Failure::Usage(format!("{text}: {why}; expected a spec's data set, as '{{oxford-iiit-pet: {{folder: pets}}}}'"))
    };
    // By way of JSON, which names a variant by a mapping of one key, as specs do.
    let value: serde_json::Value = serde_yaml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let spec: DatasetSpec = serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
    spec.check().map_err(|(field, expected)| wrong(format!("{field} must be {expected}")))?;
    Ok(spec)
}

/// How a manifest's layout is read.
pub(super) fn of_manifest(manifest: &Manifest) -> Outcome<DatasetSpec> {
    let folder = manifest.folder().to_owned();
    Ok(match &manifest.layout {
        Layout::OxfordIiitPet => DatasetSpec::OxfordIiitPet(OxfordIiitPet { folder }),
        Layout::ClassFolders(classes) => {
            DatasetSpec::CatsAndDogs(CatsAndDogs { folder: format!("{folder}/{classes}"), per_class: None })
        }
        Layout::CatsAndDogsFiltered => {
            DatasetSpec::CatsAndDogsFiltered(CatsAndDogsFiltered { folder, ..CatsAndDogsFiltered::default() })
        }
        Layout::Cifar10 => DatasetSpec::Cifar10(Cifar10 { folder, classes: None }),
        Layout::StanfordDogs => DatasetSpec::StanfordDogs(StanfordDogs { folder }),
        Layout::Parts => DatasetSpec::PetsCorpus(PetsCorpus::default()),
        Layout::Drawn => DatasetSpec::SyntheticPets(DEMO),
        Layout::Weights => {
            let text = format!("{}: these are weights, so there are no pictures in it", manifest.name);
            return Err(Failure::Usage(text));
        }
    })
}

/// Says what to put where if manifests know the data set's folders and nothing of one is there. `why` is what cannot be done then.
pub(super) fn must_be_there(spec: &DatasetSpec, manifests: &Manifests, data: &Path, why: &str) -> Outcome {
    let packed = datasets::packed(data).map_err(data_failure)?;
    for (folder, manifest) in spec.folders().into_iter().zip(manifests.parts(spec)?) {
        let Some(manifest) = manifest else { continue };
        if !packed.contains_key(folder) && holdings::state(manifest, data)?.is_absent() {
            return Err(Failure::data(install::missing(manifest, data, why)));
        }
    }
    Ok(())
}

/// What is read for segmentation, or, of a set without trimaps, for pretraining. Drawn pictures are others for each; photographs
/// that are used for both count once.
pub(super) fn surveys(
    spec: &DatasetSpec,
    data: &Path,
    cache: &Path,
    progress: &Progress,
) -> Outcome<Vec<(Purpose, Survey)>> {
    let survey = |purpose| datasets::survey(spec, purpose, data, cache, progress);
    if let DatasetSpec::SyntheticPets(drawn) = spec {
        let labelled = (drawn.trainval + drawn.test > 0).then_some(Purpose::Segmentation);
        let unlabelled = (drawn.unlabelled > 0).then_some(Purpose::Pretraining);
        let purposes: Vec<Purpose> = labelled.into_iter().chain(unlabelled).collect();
        if purposes.is_empty() {
            return Err(Failure::Usage("synthetic-pets: no pictures; expected at least 1 of any part".to_owned()));
        }
        let found = purposes.into_iter().map(|purpose| Ok((purpose, survey(purpose)?)));
        return found.collect::<Result<_, DataError>>().map_err(data_failure);
    }
    match survey(Purpose::Segmentation) {
        Ok(found) => Ok(vec![(Purpose::Segmentation, found)]),
        Err(DataError::NoTrimaps { .. }) => {
            Ok(vec![(Purpose::Pretraining, survey(Purpose::Pretraining).map_err(data_failure)?)])
        }
        Err(error) => Err(data_failure(error)),
    }
}
