//! Puts settings into words, for reports.

use harness_learn::{
    evaluate::{EvaluateSpec, radius},
    models::InitSpec,
    train::Training,
};
use harness_record::vocabulary::{Condition, Stage};
use harness_report::inputs::{ArmSettings, ConditionInput, StageSettings};
use harness_study::study::{Arm, Resolved, Study};
use std::fmt::Display;

/// The command that makes the report of a study.
pub(crate) fn command(study: &str, profile: &str, overrides: &[String]) -> String {
    let profile = if profile == "full" { String::new() } else { format!(" --profile {profile}") };
    let mut parts = vec![format!("harness study {study}{profile}")];
    // Each override is quoted for a shell, in which a quote inside quotes is written '\''.
    parts.extend(overrides.iter().map(|one| format!("--set '{}'", one.replace('\'', r"'\''"))));
    parts.join(" ")
}

/// The conditions of an evaluation.
pub(crate) fn conditions(spec: &EvaluateSpec, size: u32) -> Vec<ConditionInput> {
    let names = spec.conditions();
    let condition = |(level, name): (&u32, Condition)| ConditionInput {
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

/// The notes that a reader must know before any figure.
pub(crate) fn notes(resolved: &Resolved) -> Vec<String> {
    let mut notes = Vec::new();
    for arm in &resolved.arms {
        let drawn = arm.study.init == InitSpec::Random;
        if drawn && arm.study.model.sizes().published().is_some_and(|published| published.imagenet) {
            let label = &arm.spec.label;
            let text = "the encoder starts from random weights; in the published work it started from ImageNet's";
            notes.push(format!("{label}: {text}."));
        }
    }
    notes
}

/// The stages of an arm.
pub(crate) fn arm(resolved: &Resolved, arm: &Arm) -> ArmSettings {
    let mut stages = Vec::new();
    if arm.spec.pretrained {
        stages.push(pretrain(&arm.study));
    }
    stages.push(finetune(resolved, arm));
    let evaluation = &arm.study.evaluation;
    let mut lines = vec![line("images", "the test images of the cut")];
    if evaluation.blur != [0] {
        let levels: Vec<String> = evaluation.blur.iter().map(u32::to_string).collect();
        let text = format!("{} % (radius ⌊level/10⌋ px at 120 px, in proportion at other sizes)", levels.join(", "));
        lines.push(line("blur levels", text));
    }
    lines.push(line("batch", evaluation.batch));
    stages.push(StageSettings { stage: Stage::Evaluate, lines });
    ArmSettings { arm: arm.spec.name.clone(), stages }
}

fn pretrain(study: &Study) -> StageSettings {
    let (spec, data) = (&study.pretraining, &study.data.pretraining);
    let model = &study.model;
    let mut images = vec![format!("{}, {}", data.dataset.describe(), side(study))];
    if data.validation > 0 {
        images.push(format!("{} of them held out", data.validation));
    }
    if data.fraction < 1.0 {
        images.push(format!("{} % of the others for training, balanced over the classes", data.fraction * 100.0));
    }
    let mut lines = vec![
        line("network", format!("{}, from {}", model.sizes().describe(), study.init.describe())),
        line("images", images.join("; ")),
        line("task", format!("restore the image from: {}", spec.distortion.describe())),
        line("loss", format!("mean squared error{}", model.sizes().penalty_in_words())),
    ];
    lines.extend(training(&spec.training(0)));
    StageSettings { stage: Stage::Pretrain, lines }
}

fn finetune(resolved: &Resolved, arm: &Arm) -> StageSettings {
    let study = &arm.study;
    let (spec, data) = (&study.finetuning, &study.data.segmentation);
    let model = &study.model;
    let start = if arm.spec.pretrained { "the pretrained weights".to_owned() } else { study.init.describe() };
    let mut lines = vec![
        line("network", format!("{}, from {start}", model.sizes().describe())),
        line("images", format!("{}, {}", data.dataset.describe(), side(study))),
        line("cut", data.split.describe()),
        line("trains on", data.train.describe()),
    ];
    for protocol in &resolved.study.protocols {
        let loss = spec.losses.under(*protocol);
        lines.push(line(
            &format!("loss, {}", protocol.name()),
            format!("{}{}", loss.describe(), model.sizes().penalty_in_words()),
        ));
    }
    if !spec.augmentation.0.is_empty() {
        lines.push(line("augmentation", spec.augmentation.describe()));
    }
    lines.extend(training(&spec.training(0)));
    StageSettings { stage: Stage::Finetune, lines }
}

fn training(training: &Training<'_>) -> Vec<(String, String)> {
    let mut lines = vec![
        line("epochs", training.epochs),
        line("batch", training.batch),
        line("optimiser", training.optimizer.describe()),
        line("learning rate", training.schedule.describe()),
    ];
    if let Some(norm) = training.gradient_clip {
        lines.push(line("gradients", format!("clipped to a norm of {norm}")));
    }
    if let Some(stopping) = training.early_stopping {
        lines.push(line("early stopping", stopping.describe()));
    }
    lines.push(line("weights kept", training.keep.describe()));
    lines
}

fn side(study: &Study) -> String {
    let size = study.data.size;
    let normalised = study.data.normalise.map(|normalise| format!(", {}", normalise.describe()));
    format!("{size} × {size} px{}", normalised.unwrap_or_default())
}

fn line(name: &str, value: impl Display) -> (String, String) {
    (name.to_owned(), value.to_string())
}
