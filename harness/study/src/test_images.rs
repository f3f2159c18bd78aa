//! The images that a study is tested on, as far as they are known before the test.

use crate::{
    plan::{Plan, Work},
    study::Resolved,
    surveys,
};
use harness_images::{
    datasets::DatasetSpec,
    split::{MergedSplit, SplitSpec},
};
use harness_record::{
    digest,
    run::RunRecord,
    vocabulary::{Purpose, Stage},
};
use harness_report::inputs::TestImages;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The sets of images that the tests of a plan use, each once.
///
/// # Errors
/// A split cannot be written as JSON.
pub fn of_plan(plan: &Plan) -> serde_json::Result<Vec<TestImages>> {
    let mut sets = BTreeSet::new();
    for stage in &plan.stages {
        if let Work::Evaluate { cut, .. } = &stage.settings.work {
            let images = format!("{}: {}", stage.dataset.describe(), in_words(&cut.split));
            sets.insert(TestImages { images, digest: digest_of(&stage.settings.data, &cut.split)? });
        }
    }
    Ok(sets.into_iter().collect())
}

/// The digest of the images that a test used, as in [`TestImages`]. `None` if the run is not a test, or its record has
/// no cut that this program understands.
pub fn digest_of_test(record: &RunRecord) -> Option<String> {
    let cut = record.settings.get("work")?.get(Stage::Evaluate.name())?.get("cut")?;
    let split: SplitSpec = serde_json::from_value(cut.get("split")?.clone()).ok()?;
    digest_of(&record.data, &split).ok()
}

/// Returns true if two studies choose their test images in the same way from the same data sets.
pub fn are_the_same(one: &Resolved, other: &Resolved) -> bool {
    chosen(one) == chosen(other)
}

/// The data sets with the rules that choose the test images, each once.
fn chosen(resolved: &Resolved) -> Vec<(DatasetSpec, Value)> {
    let mut sets = Vec::new();
    for arm in &resolved.arms {
        for (protocol, study) in arm.studies() {
            let dataset = surveys::dataset(study, Purpose::Segmentation, protocol);
            let set = (dataset, rule(&study.data.segmentation.split));
            if !sets.contains(&set) {
                sets.push(set);
            }
        }
    }
    sets.sort_by_cached_key(|(dataset, rule)| format!("{dataset:?} {rule}"));
    sets
}

fn digest_of(data: &str, split: &SplitSpec) -> serde_json::Result<String> {
    digest::of_settings(&json!({ "data": data, "test": rule(split) }))
}

/// The part of a split that chooses the test images. The cut of the other images into training and validation is not
/// part of it.
fn rule(split: &SplitSpec) -> Value {
    match split {
        SplitSpec::Official(_) => json!("official"),
        SplitSpec::Merged(MergedSplit { test, seed, .. }) => json!({ "merged": { "test": test, "seed": seed } }),
    }
}

fn in_words(split: &SplitSpec) -> String {
    match split {
        SplitSpec::Official(_) => "the data set's own test images".to_owned(),
        SplitSpec::Merged(MergedSplit { test, seed, .. }) => {
            format!("{} % of all images, drawn with seed {seed}", (test * 1000.0).round() / 10.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_data_and_the_choice_of_test_images_count() {
        let digest = |data: &str, split: &str| {
            let split: Value = serde_yaml::from_str(split).unwrap();
            digest_of(data, &serde_json::from_value(split).unwrap()).unwrap()
        };
        let official = digest("a", "{official: {validation: {images: 40}}}");
        assert_eq!(official, digest("a", "{official: {validation: {share: 0.2}, stratified: true, seed: 3}}"));
        assert_ne!(official, digest("b", "{official: {validation: {images: 40}}}"));
        let merged = digest("a", "{merged: {test: 0.2, validation: 0.3}}");
        assert_eq!(merged, digest("a", "{merged: {test: 0.2, validation: 0.1}}"));
        assert_ne!(merged, official);
        for other in ["{merged: {test: 0.3, validation: 0.3}}", "{merged: {test: 0.2, validation: 0.3, seed: 1}}"] {
            assert_ne!(merged, digest("a", other));
        }
    }
}
