//! A study as its YAML file says it: the typed spec, and the checks that types cannot make.

use crate::spec::{
    decode::decode,
    diagnosis::{Diagnosis, Problems},
    layers::Spec,
    merged::Merged,
};
use harness_learn::{
    datasets::DatasetSpec,
    evaluate::EvaluateSpec,
    models::ModelSpec,
    optimizer::OptimizerSpec,
    protocol::Protocol,
    train::{FinetuneSpec, PretrainSpec},
};
use harness_report::ReportSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most images that an evaluation keeps for galleries.
pub(crate) const GALLERY: usize = 12;

/// A study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Study {
    /// Title of the report.
    pub(crate) title: String,
    /// What is asked, a sentence or two.
    pub(crate) question: String,
    /// What is expected, written before the first run.
    pub(crate) expectation: String,
    /// How numbers are obtained: `published`, `corrected`, or both in the order of the report.
    pub(crate) protocols: Vec<Protocol>,
    /// Seeds: every arm is run once for each.
    pub(crate) seeds: Vec<u64>,
    /// What is trained and tested on.
    pub(crate) data: DataSpec,
    /// The network.
    pub(crate) model: ModelSpec,
    /// Training without labels.
    pub(crate) pretraining: PretrainSpec,
    /// Training with labels.
    pub(crate) finetuning: FinetuneSpec,
    /// Testing.
    pub(crate) evaluation: EvaluateSpec,
    /// Rows of the study's table.
    pub(crate) arms: Vec<ArmSpec>,
    /// What the report shows and claims.
    pub(crate) report: ReportSpec,
}

/// What is trained and tested on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataSpec {
    /// Side of the images as the network sees them, in pixels.
    pub(crate) size: u32,
    /// Images without labels.
    pub(crate) pretraining: PretrainingData,
    /// Images with trimaps.
    pub(crate) segmentation: SegmentationData,
}

/// Images without labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PretrainingData {
    /// Where they come from.
    pub(crate) dataset: DatasetSpec,
    /// How many are held out, to see how well unseen images are restored.
    #[serde(default)]
    pub(crate) validation: u32,
}

/// Images with trimaps. Their test images are the data set's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentationData {
    /// Where they come from.
    pub(crate) dataset: DatasetSpec,
    /// How many train; all that do not validate if absent.
    #[serde(default)]
    pub(crate) train: Option<u32>,
    /// How many are held out for validation.
    pub(crate) validation: u32,
    /// Seed of the cut into train and validation, the same for all seeds of the study.
    #[serde(default)]
    pub(crate) split_seed: u64,
}

/// One row of the study's table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmSpec {
    /// Name in claims and data: lower-case letters, digits, hyphens.
    pub(crate) name: String,
    /// Label in tables and charts.
    pub(crate) label: String,
    /// What it does, a sentence.
    pub(crate) description: String,
    /// Whether fine-tuning starts from pretrained weights.
    #[serde(default = "yes")]
    pub(crate) pretrained: bool,
    /// Fields of `finetuning` that are different in this arm.
    #[serde(default)]
    pub(crate) finetuning: FinetunePatch,
}

fn yes() -> bool {
    true
}

/// Fields of `finetuning` that an arm changes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FinetunePatch {
    /// Instead of `finetuning.epochs`.
    #[serde(default)]
    pub(crate) epochs: Option<u32>,
    /// Instead of `finetuning.batch`.
    #[serde(default)]
    pub(crate) batch: Option<u32>,
    /// Instead of `finetuning.optimizer`.
    #[serde(default)]
    pub(crate) optimizer: Option<OptimizerSpec>,
}

/// A study under one profile.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    /// Name: the stem of its file.
    pub(crate) name: String,
    /// The profile.
    pub(crate) profile: String,
    /// Its settings.
    pub(crate) study: Study,
}

impl Resolved {
    /// Reads a study under a profile and the command line's settings, and checks it.
    pub(crate) fn new(spec: &Spec, profile: &str, settings: &[String]) -> Result<Self, Problems> {
        let merged = spec.merge(profile, settings)?;
        let study: Study = decode(&merged)?;
        Problems::none_in(check(&merged, &study))?;
        Ok(Self { name: spec.name.clone(), profile: profile.to_owned(), study })
    }
}

impl Study {
    /// Fine-tuning as an arm does it.
    pub(crate) fn finetuning_of(&self, arm: &ArmSpec) -> FinetuneSpec {
        let (own, patch) = (&self.finetuning, &arm.finetuning);
        FinetuneSpec {
            epochs: patch.epochs.unwrap_or(own.epochs),
            batch: patch.batch.unwrap_or(own.batch),
            optimizer: patch.optimizer.clone().unwrap_or_else(|| own.optimizer.clone()),
        }
    }
}

/// What is impossible in a study.
pub(crate) fn check(merged: &Merged, study: &Study) -> Vec<Diagnosis> {
    let mut found = Found { merged, problems: Vec::new() };
    found.texts(study);
    found.lists(study);
    found.data(study);
    found.stage("model", study.model.check());
    found.stage("pretraining", study.pretraining.check());
    found.stage("finetuning", study.finetuning.check());
    found.stage("evaluation", study.evaluation.check());
    found.arms(study);
    found.report(study);
    found.problems
}

struct Found<'a> {
    merged: &'a Merged,
    problems: Vec<Diagnosis>,
}

impl Found<'_> {
    fn wrong(&mut self, path: &str, expected: impl Into<String>) {
        let leaf = path.rsplit('.').next().unwrap_or(path);
        let problem = self.merged.at(path, format!("`{leaf}` has an impossible value"));
        self.problems.push(problem.expected(expected));
    }

    fn stage(&mut self, section: &str, result: Result<(), (String, String)>) {
        if let Err((field, expected)) = result {
            self.wrong(&format!("{section}.{field}"), expected);
        }
    }

    fn texts(&mut self, study: &Study) {
        for (path, text) in
            [("title", &study.title), ("question", &study.question), ("expectation", &study.expectation)]
        {
            if text.trim().is_empty() || text.len() > 4000 {
                self.wrong(path, "a text of 1 to 4000 characters");
            }
        }
    }

    fn lists(&mut self, study: &Study) {
        self.each_once("protocols", &study.protocols, "protocol");
        self.each_once("seeds", &study.seeds, "seed");
        for (i, seed) in study.seeds.iter().enumerate() {
            if *seed > 1 << 53 {
                self.wrong(&format!("seeds[{i}]"), "a seed of at most 2^53, which every reader of JSON can hold");
            }
        }
    }

    fn each_once<T: PartialEq>(&mut self, path: &str, items: &[T], what: &str) {
        if items.is_empty() {
            self.wrong(path, format!("at least one {what}"));
        }
        for (i, item) in items.iter().enumerate() {
            if items[..i].contains(item) {
                self.wrong(&format!("{path}[{i}]"), format!("each {what} once"));
            }
        }
    }

    fn data(&mut self, study: &Study) {
        if let Err(expected) = study.model.check_size(study.data.size) {
            self.wrong("data.size", expected);
        }
        if let DatasetSpec::CatsAndDogs(_) = study.data.segmentation.dataset {
            self.wrong("data.segmentation.dataset", "a data set with trimaps: oxford-iiit-pet or synthetic-pets");
        }
        if study.data.segmentation.train == Some(0) {
            self.wrong("data.segmentation.train", "at least 1 image, or nothing for all");
        }
        for (path, dataset) in [
            ("data.pretraining.dataset", &study.data.pretraining.dataset),
            ("data.segmentation.dataset", &study.data.segmentation.dataset),
        ] {
            self.stage(path, dataset.check());
        }
    }

    fn arms(&mut self, study: &Study) {
        if study.arms.is_empty() {
            self.wrong("arms", "at least one arm");
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        for (i, arm) in study.arms.iter().enumerate() {
            if arm.name.is_empty() || arm.name.len() > 60 || !arm.name.chars().all(plain) {
                self.wrong(&format!("arms[{i}].name"), "a name of lower-case letters, digits and hyphens");
            }
            if harness_report::spec::BASELINES.contains(&arm.name.as_str()) {
                self.wrong(&format!("arms[{i}].name"), "another name: this one is a baseline's");
            }
            if study.arms[..i].iter().any(|other| other.name == arm.name) {
                self.wrong(&format!("arms[{i}].name"), "each name once");
            }
            if arm.label.trim().is_empty() {
                self.wrong(&format!("arms[{i}].label"), "a label");
            }
            if study.finetuning.check().is_ok() {
                self.stage(&format!("arms[{i}].finetuning"), study.finetuning_of(arm).check());
            }
        }
    }

    fn report(&mut self, study: &Study) {
        let arms: Vec<&str> = study.arms.iter().map(|arm| arm.name.as_str()).collect();
        let conditions = study.evaluation.conditions();
        let conditions: Vec<&str> = conditions.iter().map(String::as_str).collect();
        if let Err(problem) = study.report.check(&arms, &conditions) {
            let path = format!("report.{}", problem.path);
            let mut diagnosis = self.merged.at(&path, problem.message);
            diagnosis.suggestion = problem.suggestion;
            self.problems.push(diagnosis);
        }
        if study.report.gallery.as_ref().is_some_and(|gallery| gallery.images > GALLERY) {
            self.wrong("report.gallery.images", format!("at most {GALLERY} images"));
        }
    }
}
