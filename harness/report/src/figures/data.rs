//! The data folder, read and checked.

use super::scores::Scores;
use crate::{
    error::ReportError,
    inputs::{
        baselines::{self, BASELINES, PERFECT_IN_UNIT_RANGE},
        changes::ChangesInput,
        datasets::DatasetInput,
        file,
        gallery::GalleryRow,
        images::image_rows,
        lines::Line,
        lines::{json, lines, optional_lines, optional_rows},
        metrics::MetricLines,
        pixels::{CalibrationInput, ConfusionInput},
        published::{PublishedLine, published_lines},
        runs::{RunInput, read_runs},
        study::{Setting, StudyInput},
    },
    markdown::escape,
};
use harness_record::digest;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// All that a report is rendered from.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) dir: PathBuf,
    pub(crate) study: StudyInput,
    pub(crate) runs: Vec<RunInput>,
    pub(crate) datasets: Vec<DatasetInput>,
    pub(crate) metrics: MetricLines,
    pub(crate) scores: Scores,
    pub(crate) confusion: Vec<Line<ConfusionInput>>,
    pub(crate) calibration: Vec<Line<CalibrationInput>>,
    pub(crate) changes: Option<ChangesInput>,
    pub(crate) published: Vec<PublishedLine>,
    pub(crate) gallery: Vec<GalleryRow>,
    /// SHA-256 of every file, by its name relative to the data folder.
    pub(crate) digests: BTreeMap<String, String>,
}

impl Data {
    /// Reads the folder of a study that ran in `setting`. Printed figures, the gallery, counts of pixels and what changed may
    /// be absent; everything else must be there.
    pub(crate) fn read(dir: &Path, setting: Setting) -> Result<Self, ReportError> {
        let study = StudyInput { setting, ..json(&dir.join(file::STUDY))? };
        check_spec(dir, &study)?;
        Ok(Self {
            runs: read_runs(&dir.join(file::RUNS))?,
            datasets: json(&dir.join(file::DATASETS))?,
            metrics: MetricLines::new(lines(&dir.join(file::METRICS))?),
            scores: Scores::new(&image_rows(&dir.join(file::PER_IMAGE))?),
            confusion: optional_lines(&dir.join(file::CONFUSION))?,
            calibration: optional_lines(&dir.join(file::CALIBRATION))?,
            changes: if dir.join(file::CHANGES).exists() { Some(json(&dir.join(file::CHANGES))?) } else { None },
            published: published_lines(&dir.join(file::PUBLISHED))?,
            gallery: optional_rows(&dir.join(file::GALLERY))?,
            digests: digests(dir)?,
            dir: dir.to_owned(),
            study,
        })
    }

    /// Label of an arm; baselines have one too.
    pub(crate) fn arm_label<'a>(&'a self, name: &'a str) -> &'a str {
        let arm = || self.study.arms.iter().find(|a| a.name == name).map(|a| a.label.as_str());
        baselines::label(name).or_else(arm).unwrap_or(name)
    }

    /// Labels of arms.
    pub(crate) fn arm_labels<'a>(&'a self, names: &'a [String]) -> Vec<&'a str> {
        names.iter().map(|name| self.arm_label(name)).collect()
    }

    /// Label of a condition.
    pub(crate) fn condition_label<'a>(&'a self, name: &'a str) -> &'a str {
        self.study.conditions.iter().find(|c| c.name == name).map_or(name, |c| &c.label)
    }

    /// The baselines that a report shows: those that every evaluation has, and others that the data hold rows of.
    pub(crate) fn baselines(&self) -> impl Iterator<Item = &'static str> {
        BASELINES.into_iter().filter(|&name| name != PERFECT_IN_UNIT_RANGE || self.scores.has_baseline(name))
    }

    /// Whether the study tested under more than one condition: with only one, nothing need name it.
    pub(crate) fn has_conditions(&self) -> bool {
        self.study.conditions.len() > 1
    }

    /// Whether the study ran under more than one seed.
    pub(crate) fn has_seeds(&self) -> bool {
        self.study.seeds.len() > 1
    }

    /// ` (condition 0 %)`: the first condition as Markdown, where there are several.
    pub(crate) fn first_in_brackets(&self) -> String {
        if !self.has_conditions() {
            return String::new();
        }
        format!(" (condition {})", escape(self.condition_label(self.first_condition())))
    }

    /// Name of the first condition, which claims and tables take where none is named.
    pub(crate) fn first_condition(&self) -> &str {
        self.study.conditions.first().map_or("", |c| &c.name)
    }
}

fn check_spec(dir: &Path, study: &StudyInput) -> Result<(), ReportError> {
    let arms: Vec<_> = study.arms.iter().map(|a| a.name.as_str()).collect();
    let conditions: Vec<_> = study.conditions.iter().map(|c| c.name.as_str()).collect();
    let wrap = |problem| ReportError::Spec { path: dir.join(file::STUDY), problem };
    study.report.check(&arms, &conditions).map_err(wrap)
}

fn digests(dir: &Path) -> Result<BTreeMap<String, String>, ReportError> {
    let mut found = BTreeMap::new();
    let folders = ["", "gallery/", "runs/"];
    for (prefix, folder) in folders.map(|prefix| (prefix, dir.join(prefix))) {
        if !folder.exists() {
            continue;
        }
        for entry in std::fs::read_dir(&folder).map_err(ReportError::io("list", &folder))? {
            let path = entry.map_err(ReportError::io("list", &folder))?.path();
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            // A leading dot marks a file that is still being written.
            if path.is_file() && !name.starts_with('.') {
                found.insert(format!("{prefix}{name}"), digest::of_file(&path)?);
            }
        }
    }
    Ok(found)
}
