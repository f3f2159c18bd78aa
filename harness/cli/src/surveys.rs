//! Looks at the data sets and weight files of studies, at each only once.

use crate::{
    failure::{Failure, Outcome},
    manifests,
    progress::Progress,
    weights,
};
use harness_fetch::install;
use harness_images::datasets::{self, DataError, DatasetSpec};
use harness_record::vocabulary::Purpose;
use harness_study::{
    study::Resolved,
    surveys::{self, Surveys},
};
use std::path::Path;

/// The folders of data, caches and manifests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DataFolders<'a> {
    /// Downloaded data sets and weights.
    pub(crate) data: &'a Path,
    /// Decoded data and hashes.
    pub(crate) cache: &'a Path,
    /// `data-manifests/`.
    pub(crate) manifests: &'a Path,
}

/// Looks at everything that the arms of a study read and that `surveys` does not know yet.
pub(crate) fn look(
    surveys: &mut Surveys,
    resolved: &Resolved,
    folders: &DataFolders<'_>,
    progress: &Progress,
) -> Outcome {
    for arm in &resolved.arms {
        for (protocol, study) in arm.studies() {
            let mut look_at =
                |purpose| look_at(surveys, surveys::dataset(study, purpose, protocol), purpose, folders, progress);
            look_at(Purpose::Segmentation)?;
            if arm.spec.pretrained {
                look_at(Purpose::Pretraining)?;
            }
            if surveys.weights(&study.init).is_none()
                && let Some(located) = weights::locate(&study.init, folders.data, folders.manifests)?
            {
                surveys.add_weights(study.init.clone(), located);
            }
        }
    }
    Ok(())
}

fn look_at(
    surveys: &mut Surveys,
    dataset: DatasetSpec,
    purpose: Purpose,
    folders: &DataFolders<'_>,
    progress: &Progress,
) -> Outcome {
    if surveys.of(&dataset, purpose).is_none() {
        let survey = datasets::survey(&dataset, purpose, folders.data, folders.cache, progress)
            .map_err(|error| lacking(error, &dataset, folders))?;
        surveys.add(dataset, purpose, survey);
    }
    Ok(())
}

/// A failure to read a data set. If a folder must be made by hand, its manifest says how; the reader only knows the
/// data set as a whole.
fn lacking(error: DataError, dataset: &DatasetSpec, folders: &DataFolders<'_>) -> Failure {
    let DataError::Missing { folder, missing, expected, .. } = &error else { return error.into() };
    let described = || {
        let manifests = manifests::read(folders.manifests).ok()?; // the missing files are the failure to report
        install::by_hand(manifests.of(dataset).ok()??, folders.data)
    };
    match described() {
        Some(how) => {
            Failure::data(format!("{}. Expected there: {expected}.\n{how}", datasets::absent(folder, missing)))
        }
        None => error.into(),
    }
}
