//! What the data sets and weight files of studies hold, each looked at once.

use crate::{
    executors::data_failure,
    failure::{Failure, Outcome},
    manifests,
    progress::Progress,
    study::{Experiment, Resolved},
    weights::{self, Located},
};
use harness_fetch::install;
use harness_images::datasets::{self, DataError, DatasetSpec, Purpose, Survey};
use harness_learn::models::InitSpec;
use harness_record::vocabulary::Protocol;
use std::path::Path;

/// Where data, caches and manifests lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    /// Downloaded data sets and weights.
    pub(crate) data: &'a Path,
    /// Decoded data and hashes.
    pub(crate) cache: &'a Path,
    /// `data-manifests/`.
    pub(crate) manifests: &'a Path,
}

/// What the data sets hold, without having been decoded, and where first weights lie.
#[derive(Debug, Default)]
pub(crate) struct Surveys {
    data: Vec<(DatasetSpec, Purpose, Survey)>,
    weights: Vec<(InitSpec, Located)>,
}

impl Surveys {
    /// Looks at everything that the arms of a study read and that was not looked at before.
    pub(crate) fn look(&mut self, resolved: &Resolved, places: &Places<'_>, progress: &Progress) -> Outcome {
        for arm in &resolved.arms {
            let experiment = &arm.experiment;
            for &protocol in &resolved.study.protocols {
                let mut look_at =
                    |purpose| self.look_at(&dataset(experiment, purpose, protocol), purpose, places, progress);
                look_at(Purpose::Segmentation)?;
                if arm.spec.pretrained {
                    look_at(Purpose::Pretraining)?;
                }
            }
            if self.weights(&experiment.init).is_none()
                && let Some(located) = weights::locate(&experiment.init, places.data, places.manifests)?
            {
                self.weights.push((experiment.init.clone(), located));
            }
        }
        Ok(())
    }

    fn look_at(
        &mut self,
        dataset: &DatasetSpec,
        purpose: Purpose,
        places: &Places<'_>,
        progress: &Progress,
    ) -> Outcome {
        if self.of(dataset, purpose).is_none() {
            let survey = datasets::survey(dataset, purpose, places.data, places.cache, progress)
                .map_err(|error| lacking(error, dataset, places))?;
            self.data.push((dataset.clone(), purpose, survey));
        }
        Ok(())
    }

    /// What a data set holds, as [`dataset`] gives it.
    pub(crate) fn of(&self, dataset: &DatasetSpec, purpose: Purpose) -> Option<&Survey> {
        let found = self.data.iter().find(|(other, of, _)| other == dataset && *of == purpose);
        found.map(|(.., survey)| survey)
    }

    /// Where the first weights lie; `None` where they are drawn at random.
    pub(crate) fn weights(&self, init: &InitSpec) -> Option<&Located> {
        self.weights.iter().find(|(known, _)| known == init).map(|(_, located)| located)
    }
}

/// A failure to read a data set. Of a folder that is made by hand its manifest says how; the reader knows only the whole data
/// set.
fn lacking(error: DataError, dataset: &DatasetSpec, places: &Places<'_>) -> Failure {
    let DataError::Missing { folder, missing, expected, .. } = &error else { return data_failure(error) };
    let described = || {
        let manifests = manifests::read(places.manifests).ok()?; // what is missing is the failure to report
        install::by_hand(manifests.of(dataset).ok()??, places.data)
    };
    match described() {
        Some(how) => {
            let (folder, missing) = (folder.display(), missing.join(", "));
            Failure::data(format!("{folder}: {missing} not found. Expected there: {expected}.\n{how}"))
        }
        None => data_failure(error),
    }
}

/// The data set that an experiment reads for a purpose under a protocol.
pub(crate) fn dataset(experiment: &Experiment, purpose: Purpose, protocol: Protocol) -> DatasetSpec {
    let spec = match purpose {
        Purpose::Pretraining => &experiment.data.pretraining.dataset,
        Purpose::Segmentation => &experiment.data.segmentation.dataset,
    };
    spec.under(protocol)
}
