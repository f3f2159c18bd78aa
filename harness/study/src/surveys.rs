//! Surveys of the data sets and weight files that studies read.

use crate::study::Study;
use harness_images::datasets::{DatasetSpec, Survey};
use harness_learn::models::InitSpec;
use harness_record::vocabulary::{Protocol, Purpose};
use std::path::PathBuf;

/// The surveys of data sets, made without decoding images, and the locations of initial weights.
#[derive(Debug, Default)]
pub struct Surveys {
    data: Vec<(DatasetSpec, Purpose, Survey)>,
    weights: Vec<(InitSpec, Located)>,
}

/// A file of weights. Its digest is part of the settings of every stage that trains from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
}

impl Surveys {
    /// Adds the survey of a data set. The data set is the one that [`dataset`] returns.
    pub fn add(&mut self, dataset: DatasetSpec, purpose: Purpose, survey: Survey) {
        self.data.push((dataset, purpose, survey));
    }

    /// Adds the location of initial weights.
    pub fn add_weights(&mut self, init: InitSpec, located: Located) {
        self.weights.push((init, located));
    }

    /// The survey of a data set. The data set is the one that [`dataset`] returns.
    pub fn of(&self, dataset: &DatasetSpec, purpose: Purpose) -> Option<&Survey> {
        let found = self.data.iter().find(|(other, of, _)| other == dataset && *of == purpose);
        found.map(|(.., survey)| survey)
    }

    /// The location of initial weights. `None` if they are drawn at random.
    pub fn weights(&self, init: &InitSpec) -> Option<&Located> {
        self.weights.iter().find(|(known, _)| known == init).map(|(_, located)| located)
    }
}

/// The data set that an arm reads for a purpose under a protocol. `study` is the arm's own.
pub fn dataset(study: &Study, purpose: Purpose, protocol: Protocol) -> DatasetSpec {
    let spec = match purpose {
        Purpose::Pretraining => &study.data.pretraining.dataset,
        Purpose::Segmentation => &study.data.segmentation.dataset,
    };
    spec.under(protocol)
}
