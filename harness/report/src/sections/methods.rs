//! The methods: settings, arms and conditions.

use crate::{
    figures::{data::Data, trained::to_counts},
    inputs::study::ArmInput,
    markdown::{Align, Table, escape, listed},
};
use harness_record::vocabulary::{Purpose, Stage};

/// Lists the settings of every arm, one table for each stage; arms with equal settings share a column.
pub(crate) fn settings(data: &Data) -> String {
    let mut stages: Vec<Stage> = Vec::new();
    for stage in data.study.settings.iter().flat_map(|arm| &arm.stages) {
        if !stages.contains(&stage.stage) {
            stages.push(stage.stage);
        }
    }
    stages.into_iter().map(|stage| stage_settings(data, stage)).collect::<Vec<_>>().join("\n")
}

/// The labels of the arms that share the settings of a stage, and the settings.
type Group<'a> = (Vec<&'a str>, &'a [(String, String)]);

fn stage_settings(data: &Data, stage: Stage) -> String {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for arm in &data.study.settings {
        for found in arm.stages.iter().filter(|s| s.stage == stage) {
            match groups.iter_mut().find(|(_, lines)| *lines == found.lines) {
                Some((arms, _)) => arms.push(data.arm_label(&arm.arm)),
                None => groups.push((vec![data.arm_label(&arm.arm)], &found.lines)),
            }
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in groups.iter().flat_map(|(_, lines)| lines.iter()) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let heads = groups.iter().map(|(arms, _)| escape(&listed(arms)));
    let mut table = Table::new(std::iter::once("Setting".to_owned()).chain(heads).map(|head| (head, Align::Left)));
    for name in names {
        let values = groups.iter().map(|(_, lines)| {
            lines.iter().find(|(n, _)| n == name).map_or("–".to_owned(), |(_, value)| escape(value))
        });
        table.rows.push(std::iter::once(escape(name)).chain(values).collect());
    }
    table.captioned(&format!("settings of stage {stage}"))
}

/// Describes the arms in words, each with the images that it was fine-tuned on.
pub(crate) fn arms(data: &Data) -> String {
    let line = |arm: &ArmInput| {
        let images = trained_on(data, &arm.name).map_or(String::new(), |images| format!(" Fine-tuned on {images}."));
        format!("* **{}**: {}{images}", escape(&arm.label), escape(&arm.description))
    };
    data.study.arms.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Returns the number of images that an arm was fine-tuned on, by species if they were counted by breed.
fn trained_on(data: &Data, arm: &str) -> Option<String> {
    let (place, set) = data.dataset(arm, Purpose::Segmentation, None)?;
    let images = to_counts(set.training_images()?, place);
    let species = data.trained_on(arm).filter(|on| on.cats + on.dogs > 0);
    Some(format!("{images} images{}", species.map_or(String::new(), |on| format!(": {}", on.in_words()))))
}

/// Describes the conditions in words.
pub(crate) fn conditions(data: &Data) -> String {
    let mut table = Table::new([("Condition", Align::Left), ("What is done to the test images", Align::Left)]);
    for condition in &data.study.conditions {
        let detail = if condition.detail.is_empty() { "nothing" } else { &condition.detail };
        table.rows.push(vec![escape(&condition.label), escape(detail)]);
    }
    table.captioned("test conditions")
}
