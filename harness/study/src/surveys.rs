//! What is known of the data sets and weight files that studies read.

use crate::study::Study;
use harness_images::datasets::{DatasetSpec, Purpose, Survey};
use harness_learn::models::InitSpec;
use harness_record::vocabulary::Protocol;
use std::path::PathBuf;

/// What data sets hold, without having been decoded, and where first weights lie.
#[derive(Debug, Default)]
pub struct Surveys {
    data: Vec<(DatasetSpec, Purpose, Survey)>,
    weights: Vec<(InitSpec, Located)>,
}

/// A file of weights, whose digest belongs to the settings of what is trained from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
}

impl Surveys {
    /// Notes what a data set, as [`dataset`] gives it, holds.
    pub fn add(&mut self, dataset: DatasetSpec, purpose: Purpose, survey: Survey) {
        self.data.push((dataset, purpose, survey));
    }

    /// Notes where the first weights lie.
    pub fn add_weights(&mut self, init: InitSpec, located: Located) {
        self.weights.push((init, located));
    }

    /// What a data set, as [`dataset`] gives it, holds.
    pub fn of(&self, dataset: &DatasetSpec, purpose: Purpose) -> Option<&Survey> {
        let found = self.data.iter().find(|(other, of, _)| other == dataset && *of == purpose);
        found.map(|(.., survey)| survey)
    }

    /// Where the first weights lie; `None` where they are drawn at random.
    pub fn weights(&self, init: &InitSpec) -> Option<&Located> {
        self.weights.iter().find(|(known, _)| known == init).map(|(_, located)| located)
    }
}

/// The data set that an arm, whose own `study` this is, reads for a purpose under a protocol.
pub fn dataset(study: &Study, purpose: Purpose, protocol: Protocol) -> DatasetSpec {
    let spec = match purpose {
        Purpose::Pretraining => &study.data.pretraining.dataset,
        Purpose::Segmentation => &study.data.segmentation.dataset,
    };
    spec.under(protocol)
}
