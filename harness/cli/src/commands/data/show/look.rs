//! Reads the data set to show.

use crate::{commands::data::dataset, failure::Outcome, progress::Progress};
use harness_images::datasets::{self, DatasetSpec, Pictures};
use harness_record::rows::FileRow;
use std::path::Path;

/// A data set that was read.
pub(super) struct Look {
    /// The pictures, one entry for each purpose that has pictures of its own.
    pub(super) pictures: Vec<Pictures>,
    /// Number of pictures left out so that all classes have equally many.
    pub(super) not_drawn: u64,
    /// Widths and heights of the files, in pixels.
    pub(super) dimensions: Vec<(u32, u32)>,
}

impl Look {
    /// Reads a data set.
    pub(super) fn new(spec: &DatasetSpec, data: &Path, cache: &Path, size: u32, progress: &Progress) -> Outcome<Self> {
        let mut look = Self { pictures: Vec::new(), not_drawn: 0, dimensions: Vec::new() };
        for (purpose, survey) in dataset::surveys(spec, data, cache, progress)? {
            let pictures = datasets::load(spec, purpose, &survey, data, cache, size, progress)?;
            look.dimensions.extend(datasets::dimensions(spec, &pictures.items, data, progress)?);
            look.not_drawn += survey.not_drawn;
            look.pictures.push(pictures);
        }
        Ok(look)
    }

    /// The files that are not used, by name.
    pub(super) fn left_out(&self) -> Vec<FileRow> {
        self.pictures.iter().flat_map(|pictures| pictures.left_out.iter().cloned()).collect()
    }
}
