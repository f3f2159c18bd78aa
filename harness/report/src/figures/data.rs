//! Reads and checks the data of a study.

use super::{health::Health, scores::Scores};
use crate::{
    error::ReportError,
    inputs::{
        file,
        lines::json,
        pictures::Pictures,
        provenance::Provenance,
        published::{PublishedLine, published_lines},
        registration::Registration,
        runs::Runs,
        study::{ArmInput, Fidelity, StudyInput, baseline},
    },
    markdown::escape,
};
use harness_record::vocabulary::{Baseline, Condition};
use std::path::{Path, PathBuf};

/// Everything that a report is rendered from.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) dir: PathBuf,
    pub(crate) study: StudyInput,
    pub(crate) runs: Runs,
    pub(crate) scores: Scores,
    pub(crate) published: Vec<PublishedLine>,
    pub(crate) provenance: Provenance,
    pub(crate) registration: Option<Registration>,
    pub(crate) pictures: Option<Pictures>,
    pub(crate) health: Health,
}

impl Data {
    /// Reads the data folder of a study that ran in `fidelity`, and its runs. Printed figures, host information, pixel
    /// counts and pictures may be absent.
    pub(crate) fn read(dir: &Path, fidelity: Fidelity) -> Result<Self, ReportError> {
        let study = StudyInput { fidelity, ..json(&dir.join(file::STUDY))? };
        check_spec(dir, &study)?;
        let runs = Runs::read(dir)?;
        let gallery = study.report.gallery.as_ref();
        let mut data = Self {
            pictures: gallery.map(|gallery| Pictures::read(dir, &runs, gallery)).transpose()?.flatten(),
            scores: Scores::new(&runs),
            runs,
            published: published_lines(&dir.join(file::PUBLISHED))?,
            provenance: Provenance::read(dir)?,
            registration: Registration::read(&dir.join(file::REGISTRATION))?,
            dir: dir.to_owned(),
            study,
            health: Health::default(),
        };
        data.health = Health::of(&data);
        Ok(data)
    }

    /// Returns the address of the notes where the runs were made, relative to the report.
    pub(crate) fn provenance_address(&self) -> String {
        let is_own = file::provenance_folder(&self.dir) != file::profile_folder(&self.dir);
        format!("{}{}", if is_own { "" } else { "../" }, file::PROVENANCE)
    }

    /// Returns the name of the report: that of its folder.
    pub(crate) fn report_name(&self) -> String {
        let folder = self.dir.parent().and_then(Path::file_name).unwrap_or_default();
        folder.to_string_lossy().into_owned()
    }

    /// Returns the arm with this name.
    pub(crate) fn arm(&self, name: &str) -> Option<&ArmInput> {
        self.study.arms.iter().find(|arm| arm.name == name)
    }

    /// Returns the label of an arm or a baseline.
    pub(crate) fn arm_label<'a>(&'a self, name: &'a str) -> &'a str {
        match baseline(name) {
            Some(baseline) => baseline.label(),
            None => self.arm(name).map_or(name, |arm| &arm.label),
        }
    }

    /// Returns the labels of arms.
    pub(crate) fn arm_labels<'a>(&'a self, names: &'a [String]) -> Vec<&'a str> {
        names.iter().map(|name| self.arm_label(name)).collect()
    }

    /// Returns the label of a condition.
    pub(crate) fn condition_label(&self, name: Condition) -> String {
        let known = self.study.conditions.iter().find(|condition| condition.name == name);
        known.map_or_else(|| name.to_string(), |condition| condition.label.clone())
    }

    /// Returns the baselines that a report shows: those that every evaluation has, and others if the data have rows for
    /// them.
    pub(crate) fn baselines(&self) -> impl Iterator<Item = Baseline> {
        Baseline::ALL.into_iter().filter(|one| !one.is_in_unit_range() || self.scores.has_baseline(*one))
    }

    /// Returns true if the study tested under more than one condition. With only one, texts need not name it.
    pub(crate) fn has_conditions(&self) -> bool {
        self.study.conditions.len() > 1
    }

    /// Returns true if the study ran under more than one seed.
    pub(crate) fn has_seeds(&self) -> bool {
        self.study.seeds.len() > 1
    }

    /// Returns the first condition in brackets, as Markdown: ` (condition 0 %)`. Returns an empty text if there is only
    /// one condition.
    pub(crate) fn first_in_brackets(&self) -> String {
        if !self.has_conditions() {
            return String::new();
        }
        format!(" (condition {})", escape(&self.condition_label(self.first_condition())))
    }

    /// Returns the first condition, the default of claims and tables.
    pub(crate) fn first_condition(&self) -> Condition {
        self.study.conditions.first().map_or(Condition::Clean, |condition| condition.name)
    }
}

fn check_spec(dir: &Path, study: &StudyInput) -> Result<(), ReportError> {
    let arms: Vec<_> = study.arms.iter().map(|a| a.name.as_str()).collect();
    let conditions: Vec<_> = study.conditions.iter().map(|c| c.name.to_string()).collect();
    let conditions: Vec<_> = conditions.iter().map(String::as_str).collect();
    let wrap = |problem| ReportError::Spec { path: dir.join(file::STUDY), problem };
    study.report.check(&arms, &conditions).map_err(wrap)
}
