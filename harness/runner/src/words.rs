//! Settings in words, for reports.

use crate::study::{ArmSpec, Resolved, Study};
use harness_learn::{
    datasets::DatasetSpec,
    evaluate::{EvaluateSpec, radius},
    models::ModelSpec,
};
use harness_report::input::{ArmSettings, ConditionInput, StageSettings};
use std::fmt::Display;

/// The command that makes the report.
pub(crate) fn command(resolved: &Resolved, settings: &[String]) -> String {
    let profile = if resolved.profile == "full" { String::new() } else { format!(" --profile {}", resolved.profile) };
    let mut parts = vec![format!("harness study {}{profile}", resolved.name)];
    // Quoted for a shell, in which a quote inside quotes is written '\''.
    parts.extend(settings.iter().map(|setting| format!("--set '{}'", setting.replace('\'', r"'\''"))));
    parts.join(" ")
}

/// The conditions of an evaluation.
pub(crate) fn conditions(spec: &EvaluateSpec, size: u32) -> Vec<ConditionInput> {
    let names = spec.conditions();
    let condition = |(level, name): (&u32, String)| ConditionInput {
        name,
        label: format!("{level} %"),
        value: Some(f64::from(*level)),
        detail: match radius(*level, size) {
            0.0 => "not blurred".to_owned(),
            radius => format!("Gaussian blur, radius {} px", (radius * 100.0).round() / 100.0),
        },
    };
    spec.blur.iter().zip(names).map(condition).collect()
}

/// The stages of an arm.
pub(crate) fn arm(study: &Study, arm: &ArmSpec) -> ArmSettings {
    let mut stages = Vec::new();
    if arm.pretrained {
        stages.push(pretrain(study));
    }
    stages.push(finetune(study, arm));
    let levels: Vec<String> = study.evaluation.blur.iter().map(u32::to_string).collect();
    stages.push(StageSettings {
        stage: "evaluate".to_owned(),
        lines: vec![
            line("images", "the data set's test images"),
            line(
                "blur levels",
                format!("{} % (radius ⌊level/10⌋ px at 120 px, in proportion at other sizes)", levels.join(", ")),
            ),
            line("batch", study.evaluation.batch),
        ],
    });
    ArmSettings { arm: arm.name.clone(), stages }
}

fn pretrain(study: &Study) -> StageSettings {
    let spec = &study.pretraining;
    StageSettings {
        stage: "pretrain".to_owned(),
        lines: vec![
            line("network", model(&study.model)),
            line(
                "images",
                format!(
                    "{}, {2} × {2} px{1}",
                    dataset(&study.data.pretraining.dataset),
                    held_out(study),
                    study.data.size
                ),
            ),
            line("task", format!("restore the image from {}", spec.distortion.describe())),
            line("loss", format!("mean squared error{}", penalty(&study.model))),
            line("epochs", spec.epochs),
            line("batch", spec.batch),
            line("optimiser", spec.optimizer.describe()),
        ],
    }
}

fn finetune(study: &Study, arm: &ArmSpec) -> StageSettings {
    let (spec, data) = (study.finetuning_of(arm), &study.data.segmentation);
    let start = if arm.pretrained { "the pretrained weights" } else { "random weights" };
    let train = data.train.map_or("the rest".to_owned(), |n| n.to_string());
    StageSettings {
        stage: "finetune".to_owned(),
        lines: vec![
            line("network", format!("{}, from {start}", model(&study.model))),
            line("images", format!("{}, {1} × {1} px", dataset(&data.dataset), study.data.size)),
            line("cut", format!("{} validate, {train} train (seed {})", data.validation, data.split_seed)),
            line("loss, published", format!("cross-entropy of sigmoids{}", penalty(&study.model))),
            line("loss, corrected", format!("cross-entropy of logits{}", penalty(&study.model))),
            line("epochs", spec.epochs),
            line("batch", spec.batch),
            line("optimiser", spec.optimizer.describe()),
        ],
    }
}

fn line(name: &str, value: impl Display) -> (String, String) {
    (name.to_owned(), value.to_string())
}

fn model(spec: &ModelSpec) -> String {
    let ModelSpec::Vqvae(s) = spec;
    format!("VQ-VAE, {} wide, {} residual blocks of {}, {} codes of {}", s.width, s.depth, s.inner, s.codes, s.dim)
}

fn penalty(spec: &ModelSpec) -> String {
    let ModelSpec::Vqvae(s) = spec;
    format!(" + {} × commitment", s.commitment)
}

fn held_out(study: &Study) -> String {
    match study.data.pretraining.validation {
        0 => String::new(),
        n => format!(", {n} of them held out"),
    }
}

fn dataset(spec: &DatasetSpec) -> String {
    match spec {
        DatasetSpec::OxfordIiitPet(data) => format!("Oxford-IIIT Pet in `{}`", data.folder),
        DatasetSpec::CatsAndDogs(data) => match data.per_class {
            Some(n) => format!("cats and dogs in `{}`, {n} of each", data.folder),
            None => format!("cats and dogs in `{}`, as many of each", data.folder),
        },
        DatasetSpec::SyntheticPets(_) => "synthetic pets".to_owned(),
    }
}
