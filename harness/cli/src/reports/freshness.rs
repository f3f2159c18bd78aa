//! Whether the data of a report match today's spec.

use super::folder::{ReportFolder, name_of};
use crate::{
    cli::Folders,
    collect::{self, Facts, Recorded},
    failure::{Failure, Outcome},
    json, manifests, words,
};
use harness_record::{files, table};
use harness_report::inputs::{Fidelity, PublishedRow, StudyInput, file};
use harness_study::{
    fidelity::fidelity,
    spec::layers::Spec,
    study::{Resolved, Study},
};
use std::path::Path;

/// The relation between a report's data and today's spec.
pub(crate) enum Freshness {
    /// The data match today's spec.
    Current(Current),
    /// The spec asks for other numbers now.
    Stale,
    /// The study's spec is missing or cannot be read, or the data do not say what they were run with.
    Unknown(String),
}

/// The parts of today's spec that matter to data which match it.
pub(crate) struct Current {
    /// The bytes of `study.json` with the words of today's spec.
    pub(crate) study: Vec<u8>,
    /// The experiment that the data belong to.
    pub(crate) fidelity: Fidelity,
    /// The printed figures of the tables that the spec names.
    pub(crate) printed: Vec<PublishedRow>,
}

impl Freshness {
    /// The fidelity to render the report with. Data that do not match today's spec cannot prove that they are the
    /// published experiment, whatever they say.
    pub(crate) fn fidelity(&self) -> Fidelity {
        if let Self::Current(current) = self { current.fidelity } else { Fidelity::Unknown }
    }
}

/// Reads what the data of a report were run with. The inner error says why it cannot be understood.
pub(crate) fn recorded(place: &ReportFolder) -> Outcome<Result<Recorded, String>> {
    let path = place.folder.join("data").join(file::SPEC);
    if !path.exists() {
        return Ok(Err(format!("{} is missing: the settings of these data are not known", file::SPEC)));
    }
    let bytes = files::read(&path, 16 << 20)?;
    Ok(serde_yaml::from_slice(&bytes).map_err(|error| format!("{} cannot be read: {error}", file::SPEC)))
}

/// The settings that were changed on the command line when a report was run, as far as its data say so.
pub(crate) fn changed(place: &ReportFolder) -> Outcome<Vec<String>> {
    Ok(recorded(place)?.map(|recorded| recorded.overrides).unwrap_or_default())
}

/// Compares the data of a report with today's spec, over which the settings that were changed are laid.
pub(crate) fn freshness(place: &ReportFolder, folders: &Folders) -> Outcome<Freshness> {
    let data = place.folder.join("data");
    let recorded = match recorded(place)? {
        Ok(recorded) => recorded,
        Err(why) => return Ok(Freshness::Unknown(why)),
    };
    let name = name_of(&place.study, &recorded.overrides)?;
    if name != place.name {
        let command = words::command(&place.study, &place.profile, &recorded.overrides);
        return Ok(Freshness::Unknown(format!("these settings are those of the report {name}: `{command}` makes it")));
    }
    let current = Spec::named(&folders.root, &place.study)
        .and_then(|spec| Resolved::new(&spec, &recorded.profile, &recorded.overrides));
    let current = match current {
        Ok(current) => current,
        Err(problems) => {
            return Ok(Freshness::Unknown(format!("studies/{}.yaml cannot be read:\n{problems}", place.study)));
        }
    };
    if numbers_of(&current.study)? != numbers_of(&recorded.study)? {
        return Ok(Freshness::Stale);
    }
    let StudyInput { datasets, test_images, deterministic, .. } = match read_study(&data)? {
        Ok(input) => input,
        Err(why) => return Ok(Freshness::Unknown(why)),
    };
    let fidelity = fidelity(&current, &recorded.overrides, &datasets);
    let facts = Facts { deterministic, fidelity };
    let study = json::bytes(&collect::study_input(&current, &recorded.overrides, facts, (datasets, test_images)))?;
    let printed = collect::published(&current, &folders.root.join(manifests::FOLDER))?;
    Ok(Freshness::Current(Current { study, fidelity, printed }))
}

/// Reads `study.json`. The inner error says why it cannot be understood.
pub(crate) fn read_study(data: &Path) -> Outcome<Result<StudyInput, String>> {
    let bytes = files::read(&data.join(file::STUDY), 64 << 20)?;
    Ok(serde_json::from_slice(&bytes).map_err(|error| format!("{} cannot be read: {error}", file::STUDY)))
}

/// The part of a study that decides its numbers: everything but the words and the presentation.
pub(crate) fn numbers_of(study: &Study) -> Outcome<serde_json::Value> {
    let mut value = serde_json::to_value(study).map_err(Failure::run)?;
    if let Some(fields) = value.as_object_mut() {
        for words in ["title", "question", "expectation", "hyperparameters"] {
            fields.remove(words);
        }
        // The spec's choice of pictures and printed tables takes effect when the numbers are collected; the rest is
        // presentation.
        if let Some(report) = fields.get_mut("report").and_then(|r| r.as_object_mut()) {
            report.retain(|key, _| key == "gallery" || key == "published");
            // A margin decides only verdicts, which are computed anew.
            let tables = report.get_mut("published").and_then(|p| p.as_array_mut()).into_iter().flatten();
            tables.filter_map(|table| table.as_object_mut()).for_each(|table| drop(table.remove("margin")));
        }
        // A base offers variants to all studies; a variant that no arm uses changes nothing.
        if let Some(variants) = fields.get_mut("variants").and_then(|v| v.as_object_mut()) {
            variants.retain(|name, _| study.arms.iter().any(|arm| arm.variants.contains(name)));
        }
        for arm in fields.get_mut("arms").and_then(|a| a.as_array_mut()).into_iter().flatten() {
            if let Some(arm) = arm.as_object_mut() {
                arm.remove("label");
                arm.remove("description");
            }
        }
    }
    Ok(value)
}

/// Reads the printed figures that the data hold.
pub(crate) fn printed_in(data: &Path) -> Outcome<Vec<PublishedRow>> {
    let path = data.join(file::PUBLISHED);
    if path.exists() { Ok(table::read_rows(&path)?) } else { Ok(Vec::new()) }
}

pub(crate) fn other_figures(place: &ReportFolder) -> String {
    format!(
        "{}: its printed figures differ from those of {}/published; `harness report {} --profile {} --renew` takes \
         them from there",
        place.folder.join("data").join(file::PUBLISHED).display(),
        manifests::FOLDER,
        place.name,
        place.profile
    )
}
